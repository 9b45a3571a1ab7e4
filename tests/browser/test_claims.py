"""Two analysts at once: no case is ever held by both, however quickly they ask."""

import asyncio

import pytest
from playwright.async_api import expect

from monitor.model import Post
from tests.browser.desk import MINISTRY, Desk, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Each turn claims the next case, looks at it, and gives it back; several turns are under way at a time.
TURNS = """
async ([turns, atOnce]) => {
  const send = (path, more) => fetch(path, { method: "POST", body: new URLSearchParams({ came: "queue" }), ...more });
  const got = [];
  let left = turns;
  async function work() {
    while (left-- > 0) {
      const answer = await send("/next");
      const id = answer.url.match(/case\\/(\\d+)/)[1];
      got.push(Number(id));
      await send(`/case/${id}/release`, { redirect: "manual" });
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
  return got;
}
"""
EACH, AT_ONCE = 100, 5


def contested(log: list[tuple[int, str, int]]) -> list[int]:
    """The cases that one analyst claimed while another held them; `log` is case, event and user, in order."""
    holders: dict[int, int] = {}
    found = []
    for case_id, kind, user_id in log:
        if kind == "released":
            holders.pop(case_id, None)
            continue
        if holders.setdefault(case_id, user_id) != user_id:
            found.append(case_id)
    return found


async def test_a_claim_of_what_another_holds_would_be_seen() -> None:
    assert contested([(1, "claimed", 1), (1, "claimed", 2)]) == [1]
    assert contested([(1, "claimed", 1), (1, "released", 1), (1, "claimed", 2), (2, "claimed", 1)]) == []


async def test_two_browsers_never_hold_the_same_case_in_two_hundred_claims(desk: Desk) -> None:
    seats = [await desk.seat("olya"), await desk.seat("petr")]
    got = await asyncio.gather(*[seat.page.evaluate(TURNS, [EACH, AT_ONCE]) for seat in seats])
    assert [len(claimed) for claimed in got] == [EACH, EACH]
    assert set(got[0]) & set(got[1]), "they never wanted the same case, which proves nothing"
    log = await desk.ask(
        """
        SELECT case_id, kind, user_id FROM monitor.case_events
        WHERE kind IN ('claimed', 'released', 'taken_over') ORDER BY event_id
        """
    )
    assert len([1 for _, kind, _ in log if kind == "claimed"]) == 2 * EACH
    assert contested([(case_id, kind, user_id) for case_id, kind, user_id in log]) == []


async def test_two_who_decide_at_the_same_time_go_on_with_two_cases(desk: Desk) -> None:
    seats = [await desk.seat("olya"), await desk.seat("petr")]
    seen: list[int] = []
    for code in ("KeyC", *["Digit2"] * 8):
        await asyncio.gather(*[seat.go(code) for seat in seats])
        seen += [seat.case_id for seat in seats]
    assert len(set(seen)) == len(seen)


async def test_a_case_of_another_is_taken_over_by_a_key_and_the_other_is_told(desk: Desk) -> None:
    olya, petr = await desk.seat("olya"), await desk.seat("petr")
    await olya.go("KeyC")
    await petr.page.goto(f"/case/{olya.case_id}", wait_until="domcontentloaded")
    await petr.keys.press("Digit1")
    await petr.go("KeyC", shift=True)
    assert await petr.notice() == "The case is yours."
    await olya.keys.press("Digit1")
    await expect(olya.page.get_by_role("alert")).to_contain_text("Another analyst holds this case.")
    assert await desk.ask("SELECT 1 FROM monitor.decisions") == []


async def test_a_new_case_is_told_of_and_shown_when_asked_for(desk: Desk) -> None:
    seat = await desk.seat()
    first, fresh = seat.page.locator("#cases > li").first, seat.page.locator("#fresh")
    before = str(await first.get_attribute("id"))
    cases = int(await seat.page.locator("#nav-queue .count").inner_text())
    await asyncio.wait_for(_listening(desk), 20)
    words = "Суджа: колонна до 5000 военнослужащих ВСУ и 200 танков"
    post = Post(channel_id=MINISTRY.channel_id, message_id=999, posted_at=desk.clock.at, text=words)
    await told(desk.database, desk.clock, MINISTRY, post)
    await expect(fresh).to_have_text("1 new — show")
    await expect(first).to_have_id(before)
    await seat.go("Period")
    await expect(seat.page.locator("#nav-queue .count")).to_have_text(str(cases + 1))
    await expect(fresh).to_be_hidden()


async def _listening(desk: Desk) -> None:
    """Wait until the site hears of what happens in this database."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'"
    while not await desk.ask(query):
        await asyncio.sleep(0.05)
