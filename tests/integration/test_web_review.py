"""The queue and the case page as an analyst uses them, without script: plain forms, one after the other."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event

from monitor import flag, review
from monitor.model import Role
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_review import EDIT, PRIORITY, Archive
from tests.integration.web_helpers import browser, let_in, site, someone
from tests.rulesets import shipped_rules, shipped_texts

EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)> "Суджа" \'&'


class Desk(Archive):
    """An archive, and browsers of two analysts and a viewer on its site."""

    olya: httpx.AsyncClient
    petr: httpx.AsyncClient
    viewer: httpx.AsyncClient

    async def state(self, case_id: int) -> str:
        rows = await ask(self.database, "SELECT state FROM monitor.cases WHERE case_id = :c", c=case_id)
        return str(rows[0].state)


@pytest.fixture
async def desk(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    desk = Desk(database, tmp_path, clock)
    await desk.posts({1: "В Судже бой", 2: f"Суджа: {EVIL}", 3: "Под Суджей 11 танков ВСУ и 300 солдат"})
    app = site(database, clock)
    async with browser(app) as olya, browser(app) as petr, browser(app) as viewer:
        desk.olya, desk.petr, desk.viewer = olya, petr, viewer
        for client, name, role in (
            (olya, "olya", Role.ANALYST),
            (petr, "petr", Role.ANALYST),
            (viewer, "vera", Role.VIEWER),
        ):
            await let_in(database, client, await someone(database, clock, name, role=role), clock)
        yield desk


def fields(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with an action."""
    form = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    assert form is not None, action
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.group()))


async def claimed(client: httpx.AsyncClient, came: str = "queue") -> tuple[int, str]:
    answer = await client.post("/next", data={"came": came})
    assert answer.status_code == 303
    shown = await client.get(answer.headers["location"])
    assert shown.status_code == 200
    return int(re.search(r"/case/(\d+)", answer.headers["location"]).group(1)), shown.text  # type: ignore[union-attr]


async def decided(
    client: httpx.AsyncClient, case_id: int, html: str, verdict: str, **more: str
) -> httpx.Response:
    action = f"/case/{case_id}/decide"
    return await client.post(action, data={**fields(html, action), "verdict": verdict, **more})


async def test_getting_a_page_changes_nothing(desk: Desk) -> None:
    for path in (
        "/queue",
        "/mine",
        "/nobodys",
        "/overdue",
        "/second-look",
        "/escalated",
        "/snoozed",
        "/decided",
    ):
        assert (await desk.olya.get(path)).status_code == 200
    assert (await desk.olya.get("/case/1")).status_code == 200
    rows = await ask(desk.database, "SELECT count(*) AS n FROM monitor.cases WHERE claimed_by IS NOT NULL")
    assert rows[0].n == 0


async def test_a_decision_leads_to_the_next_claimed_case_until_none_is_left(desk: Desk) -> None:
    case_id, html = await claimed(desk.olya)
    seen = {case_id}
    for _ in range(2):
        answer = await decided(desk.olya, case_id, html, "relevant")
        location = answer.headers["location"]
        html = (await desk.olya.get(location)).text
        case_id = int(re.search(r"/case/(\d+)", location).group(1))  # type: ignore[union-attr]
        assert "Decided; here is the next case." in html
        seen.add(case_id)
    assert seen == {1, 2, 3}
    answer = await decided(desk.olya, case_id, html, "not_relevant", note="ничего")
    assert answer.headers["location"].startswith("/queue?done=decided&undo=")
    assert {await desk.state(n) for n in seen} == {"decided"}


async def test_two_analysts_get_two_cases(desk: Desk) -> None:
    first, _ = await claimed(desk.olya)
    second, html = await claimed(desk.petr)
    assert first != second
    other = await desk.petr.get(f"/case/{first}")
    assert "held by olya" in other.text
    assert "Take over from olya" in other.text
    refused = await desk.petr.post(
        f"/case/{first}/decide",
        data={**fields(html, f"/case/{second}/decide"), "verdict": "relevant"},
    )
    assert refused.status_code == 409
    taken = await desk.petr.post(f"/case/{first}/claim", data={"over": "yes", "came": "queue"})
    assert "The case is yours." in (await desk.petr.get(taken.headers["location"])).text
    assert (await desk.olya.post(f"/case/{first}/renew")).status_code == 409


async def test_an_undo_after_a_reload_brings_the_case_back(desk: Desk) -> None:
    case_id, html = await claimed(desk.olya)
    await decided(desk.olya, case_id, html, "relevant")
    again = (await desk.olya.get(f"/case/{case_id}")).text
    answer = await desk.olya.post("/undo", data=fields(again, "/undo"))
    assert f"/case/{case_id}" in answer.headers["location"]
    assert await desk.state(case_id) == "open"


async def test_an_edit_during_the_review_is_told_and_nothing_is_written(desk: Desk) -> None:
    case_id, html = await claimed(desk.olya)
    rows = await ask(desk.database, "SELECT message_id FROM monitor.cases WHERE case_id = :c", c=case_id)
    await desk.posts({rows[0].message_id: "В Судже теперь 50 танков"}, **EDIT)
    answer = await decided(desk.olya, case_id, html, "relevant")
    assert answer.status_code == 409
    assert "edited while you read it" in answer.text
    assert await desk.state(case_id) == "open"


async def test_an_edit_after_a_decision_reopens_the_case_with_the_difference(desk: Desk) -> None:
    case_id, html = await claimed(desk.olya)
    rows = await ask(desk.database, "SELECT message_id FROM monitor.cases WHERE case_id = :c", c=case_id)
    await decided(desk.olya, case_id, html, "relevant")
    await desk.posts({rows[0].message_id: "В Судже теперь 50 танков"}, **EDIT)
    assert await desk.state(case_id) == "open"
    shown = (await desk.olya.get(f"/case/{case_id}")).text
    assert "Changed since it was decided" in shown
    assert "<ins>" in shown
    assert "reopened" in (await desk.olya.get("/queue")).text


async def test_a_second_look_is_blind_until_it_is_given(desk: Desk) -> None:
    case_id, html = await claimed(desk.olya)
    await decided(desk.olya, case_id, html, "second_look", opinion="relevant", note="похоже на правду")
    blind = (await desk.petr.get(f"/case/{case_id}")).text
    assert "похоже на правду" not in blind
    second, html = await claimed(desk.petr, "second")
    assert second == case_id
    await decided(desk.petr, case_id, html, "not_relevant")
    assert "похоже на правду" in (await desk.petr.get(f"/case/{case_id}")).text


@pytest.mark.parametrize("wake", ["1h", "morning", "edit"])
async def test_a_case_is_put_off(desk: Desk, wake: str) -> None:
    case_id, html = await claimed(desk.olya)
    await decided(desk.olya, case_id, html, "snooze", wake=wake)
    rows = await ask(
        desk.database,
        "SELECT state, wake_at > :now AS later, wake_on_edit FROM monitor.cases WHERE case_id = :c",
        c=case_id,
        now=desk.clock.at,
    )
    assert tuple(rows[0]) == ("snoozed", None if wake == "edit" else True, wake == "edit")


async def test_several_cases_are_decided_and_taken_back_together(desk: Desk) -> None:
    answer = await desk.olya.post(
        "/bulk", data={"verdict": "not_relevant", "cases": ["1", "3"], "came": "queue"}
    )
    shown = (await desk.olya.get(answer.headers["location"])).text
    assert [await desk.state(n) for n in (1, 2, 3)] == ["decided", "open", "decided"]
    await desk.olya.post("/undo-batch", data=fields(shown, "/undo-batch"))
    assert [await desk.state(n) for n in (1, 2, 3)] == ["open", "open", "open"]


async def test_a_viewer_sees_and_does_nothing(desk: Desk) -> None:
    shown = await desk.viewer.get("/case/1")
    assert shown.status_code == 200
    assert "/decide" not in shown.text
    for path in ("/next", "/bulk", "/undo", "/case/1/claim", "/case/1/decide", "/case/1/figure"):
        assert (await desk.viewer.post(path, data={"verdict": "relevant"})).status_code == 403


async def test_what_a_channel_writes_is_text(desk: Desk) -> None:
    for path in ("/queue", "/case/1", "/case/2", "/case/3"):
        html = (await desk.olya.get(path)).text
        assert "<script>alert" not in html
        assert "<img" not in html
    assert "&lt;script&gt;alert(1)" in "".join([(await desk.olya.get(f"/case/{n}")).text for n in (1, 2, 3)])


async def test_views_are_narrowed_by_the_url(desk: Desk) -> None:
    assert "11 танков" in (await desk.olya.get("/queue?topic=sudzha")).text
    assert "Nothing is here" in (await desk.olya.get("/queue?topic=kursk")).text
    case_id, html = await claimed(desk.olya, "queue?topic=sudzha")
    answer = await decided(desk.olya, case_id, html, "relevant", came="queue?topic=kursk")
    assert answer.headers["location"].startswith("/queue?topic=kursk&done=decided")


async def test_words_are_found_letter_for_letter(desk: Desk) -> None:
    assert "11 танков" in (await desk.olya.get("/queue?q=11 ТАНКОВ")).text
    for nowhere in ("11%25танков", "11_танков", "11 танков\\"):
        assert "Nothing is here" in (await desk.olya.get(f"/queue?q={nowhere}")).text


async def test_my_last_ones_are_mine(desk: Desk) -> None:
    case_id, html = await claimed(desk.olya)
    assert f'id="case-{case_id}"' not in (await desk.olya.get("/recent")).text
    await decided(desk.olya, case_id, html, "relevant")
    assert f'id="case-{case_id}"' in (await desk.olya.get("/recent")).text
    assert f'id="case-{case_id}"' not in (await desk.petr.get("/recent")).text


async def test_what_is_not_there_is_said(desk: Desk) -> None:
    assert (await desk.olya.get("/case/999")).status_code == 404
    assert (await desk.olya.get("/case/99999999999999999999")).status_code in (400, 404)
    assert (await desk.olya.post("/case/999/claim")).status_code == 404
    assert (await desk.olya.post("/undo", data={"decision": "999"})).status_code == 409
    assert (await desk.olya.get("/queue?after=rubbish")).status_code == 200
    assert (await desk.olya.get("/queue?topic=%00")).status_code == 400
    case_id, html = await claimed(desk.olya)
    assert (await decided(desk.olya, case_id, html, "relevant", note="a\0b")).status_code == 400


async def test_a_kind_that_only_the_rules_of_the_house_know_is_shown_by_its_name(desk: Desk) -> None:
    await flag.flag(desk.database, shipped_rules(), shipped_texts(), now=desk.clock)
    await review.review(desk.database, PRIORITY, now=desk.clock)
    await ask(desk.database, "UPDATE monitor.figures SET kind = 'samovar' WHERE kind = 'tank' RETURNING 1")
    for path in ("/queue", "/case/3", "/board"):
        shown = await desk.olya.get(path)
        assert shown.status_code == 200
        assert "samovar" in shown.text, path


async def test_a_version_has_a_page_that_can_be_cited(desk: Desk) -> None:
    rows = await ask(
        desk.database,
        "SELECT c.channel_id, c.message_id, encode(v.sha256, 'hex') AS sha256 FROM monitor.cases c "
        "JOIN monitor.post_versions v USING (channel_id, message_id) WHERE c.case_id = 3",
    )
    path = f"/p/{rows[0].channel_id}/{rows[0].message_id}@v1"
    shown = (await desk.viewer.get(path)).text
    assert rows[0].sha256 in shown
    assert f"http://127.0.0.1:8046{path}" in shown
    assert "@misc{" in shown
    assert "11 танков" in shown
    assert (await desk.viewer.get(path.replace("@v1", "@v2"))).status_code == 404
    await desk.posts({rows[0].message_id: "В Судже тихо"}, **EDIT)
    assert "not what it says now" in (await desk.viewer.get(path)).text


async def test_figures_are_confirmed_corrected_and_rejected(desk: Desk) -> None:
    await flag.flag(desk.database, shipped_rules(), shipped_texts(), now=desk.clock)
    await review.review(desk.database, PRIORITY, now=desk.clock)
    shown = (await desk.olya.get("/case/3")).text
    assert "11 танков ВСУ</mark>" in shown
    assert "300" in (await desk.olya.get("/queue")).text
    action = "/case/3/figure"
    first = re.search(rf'<form method="post" action="{action}".*?</form>', shown, re.DOTALL)
    assert first is not None
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', first.group()))
    for more, told in (
        ({"verdict": "confirmed"}, "confirmed — olya"),
        (
            {"verdict": "corrected", "low": "10", "high": "1 200,5", "kind": "armour", "side": "russia"},
            "10–1,200.5 armour · Russia",
        ),
        ({"verdict": "rejected"}, "rejected — olya"),
    ):
        answer = await desk.olya.post(action, data=hidden | more)
        assert told in (await desk.olya.get(answer.headers["location"])).text
    await desk.olya.post(action, data=hidden | {"verdict": "undone"})
    assert "— olya" not in (await desk.olya.get("/case/3")).text
    refused = await desk.olya.post(action, data=hidden | {"verdict": "corrected", "low": "много"})
    assert refused.status_code == 400
    assert (await desk.olya.post(action, data=hidden | {"verdict": "x"})).status_code == 400
    for bad in ({"low": "nan"}, {"high": "inf"}, {"low": "-1"}, {"side": "mars"}, {"kind": "<b>"}):
        refused = await desk.olya.post(action, data=hidden | {"verdict": "corrected"} | bad)
        assert refused.status_code == 400, bad
    rows = await ask(desk.database, "SELECT count(*) AS n FROM monitor.figure_decisions")
    assert rows[0].n == 4


async def test_a_page_makes_so_many_queries_whatever_its_length(desk: Desk) -> None:
    asked: list[str] = []

    @event.listens_for(desk.database._engine.sync_engine, "before_cursor_execute")
    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    async def queries(path: str) -> int:
        asked.clear()
        assert (await desk.olya.get(path)).status_code == 200
        return len(asked)

    few = [await queries(path) for path in ("/queue", "/case/3", "/decided")]
    await desk.posts({n: f"В Судже бой, и 11 танков, сообщение {n}" for n in range(20, 60)})
    for n in range(4, 30):
        await desk.olya.post("/bulk", data={"verdict": "relevant", "cases": [str(n)]})
    assert [await queries(path) for path in ("/queue", "/case/3", "/decided")] == few
    assert max(few) <= 14


async def test_a_shift_that_is_handed_over_waits_on_the_queue(desk: Desk) -> None:
    await desk.olya.post("/handover", data={"note": "Два случая ждут губернатора"})
    assert "Два случая ждут губернатора" in (await desk.petr.get("/queue")).text
    shown = (await desk.petr.get("/handover")).text
    await desk.petr.post("/handover/accept", data=fields(shown, "/handover/accept"))
    assert "Два случая" not in (await desk.petr.get("/queue")).text
