"""An analyst's night without a mouse, under a Russian layout: decide, take back, look up a key."""

import pytest
from playwright.async_api import expect

from monitor.model import Role
from tests.browser.desk import COPIED, Desk
from tests.integration.web_helpers import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERDICTS = {
    "Digit1": "relevant",
    "Digit2": "not_relevant",
    "Digit3": "duplicate",
    "Digit4": "second_look",
    "KeyH": "snooze",
    "KeyE": "escalate",
}
STATES = {"second_look": "second_look", "snooze": "snoozed", "escalate": "escalated"}
FIFTY = 50


async def test_fifty_cases_are_decided_by_keyboard_alone(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    meant = {}
    for number in range(FIFTY):
        code = list(VERDICTS)[number % len(VERDICTS)]
        words = None
        if number % 7 == 0:
            words = f"{number} машин по словам очевидца"
            await seat.keys.press("KeyN")
            await seat.keys.write(words)
            await seat.page.keyboard.press("Escape")
        meant[seat.case_id] = (VERDICTS[code], words)
        await seat.go(code)
    assert len(meant) == FIFTY
    rows = await desk.ask("SELECT case_id, user_id, verdict, note FROM monitor.decisions")
    assert len(rows) == FIFTY
    assert {case: (verdict, words) for case, _, verdict, words in rows} == meant
    assert {user for _, user, _, _ in rows} == {seat.user.user_id}
    states = dict(await desk.ask("SELECT case_id, state FROM monitor.cases"))
    assert {case: states[case] for case in meant} == {
        case: STATES.get(verdict, "decided") for case, (verdict, _) in meant.items()
    }
    held = await desk.ask("SELECT case_id FROM monitor.cases WHERE claimed_by IS NOT NULL")
    assert held == [(seat.case_id,)]


async def test_signing_in_and_walking_down_the_queue_takes_no_mouse(desk: Desk) -> None:
    await desk.user("olya")
    page = await (await desk.context(None)).new_page()
    await page.goto("/queue", wait_until="domcontentloaded")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("olya")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    async with page.expect_navigation(wait_until="domcontentloaded"):
        await page.keyboard.press("Enter")
    current = page.locator('#cases > li[aria-current="true"]')
    rows = page.locator("#cases > li")
    await expect(current).to_have_id(str(await rows.nth(0).get_attribute("id")))
    for code in ("j", "j", "j", "k"):
        await page.keyboard.press(code)
    third = str(await rows.nth(2).get_attribute("id"))
    await expect(current).to_have_id(third)
    await page.keyboard.press("x")
    assert await current.locator("input").is_checked()
    async with page.expect_navigation(wait_until="domcontentloaded"):
        await page.keyboard.press("o")
    assert f"/{third.replace('-', '/')}?" in page.url
    await page.go_back(wait_until="domcontentloaded")
    await expect(current).to_have_id(third)


async def test_a_decision_is_taken_back_after_a_reload(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    decided = seat.case_id
    await seat.go("Digit1")
    assert await desk.state(decided) == "decided"
    await seat.page.reload(wait_until="domcontentloaded")
    await seat.go("KeyU")
    assert seat.case_id == decided
    assert await seat.notice() == "Taken back; the case is yours again."
    assert await desk.state(decided) == "open"
    rows = await desk.ask("SELECT claimed_by FROM monitor.cases WHERE case_id = :c", c=decided)
    assert rows == [(seat.user.user_id,)]
    # Another day, from the case itself.
    await seat.go("Digit2")
    await seat.page.goto(f"/case/{decided}", wait_until="domcontentloaded")
    await seat.go("KeyU")
    rows = await desk.ask("SELECT verdict FROM monitor.decisions ORDER BY decision_id")
    assert rows == [("relevant",), ("undo",), ("not_relevant",), ("undo",)]


async def test_going_back_shows_the_case_before(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    case_id = seat.case_id
    await seat.go("Digit1")
    assert seat.case_id != case_id
    await seat.page.go_back(wait_until="domcontentloaded")
    await expect(seat.page.locator(f"#case[data-case='{case_id}']")).to_be_visible()


async def test_an_edit_while_it_is_read_is_told_before_anything_is_written(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    case_id = seat.case_id
    await desk.edit(case_id, "Под Суджей теперь 50 танков")
    await seat.keys.press("Digit1")
    await expect(seat.page.get_by_role("alert")).to_contain_text("edited while you read it")
    assert await desk.ask("SELECT 1 FROM monitor.decisions") == []
    await seat.go("KeyO")
    assert seat.case_id == case_id
    await expect(seat.page.locator("#text")).to_contain_text("50 танков")
    await seat.go("Digit1")
    assert await desk.ask("SELECT case_id, version FROM monitor.decisions") == [(case_id, 2)]


async def test_an_edit_after_the_decision_brings_the_case_back_with_the_difference(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    case_id = seat.case_id
    await seat.go("Digit2")
    await desk.edit(case_id, "Под Суджей теперь 50 танков")
    assert await desk.state(case_id) == "open"
    await seat.page.goto(f"/case/{case_id}", wait_until="domcontentloaded")
    await expect(seat.page.locator(".reread ins").first).to_be_visible()


async def test_help_and_palette_open_by_key_and_close(desk: Desk) -> None:
    seat = await desk.seat()
    dialog = seat.page.get_by_role("dialog")
    for code in ("Digit7", "Slash"):
        # The question mark is above the 7; where it lies on an American keyboard does as well.
        await seat.keys.press(code, shift=True)
        await expect(dialog).to_contain_text("Keys of this page")
        await expect(dialog.locator("kbd", has_text="g q")).to_have_count(1)
        await seat.page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    await seat.keys.press("KeyK", control=True)
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    await seat.page.keyboard.type("claim")
    await expect(dialog.get_by_role("option")).to_have_count(1)
    await seat.follow(seat.page.keyboard.press("Enter"))
    assert "/case/" in seat.page.url


async def test_pairs_of_keys_lead_from_page_to_page(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.keys.press("KeyG")
    await seat.go("KeyM")
    assert seat.page.url.endswith("/mine")
    await seat.keys.press("KeyG")
    await seat.go("KeyQ")
    assert seat.page.url.endswith("/queue")


async def test_keys_do_nothing_in_fields_and_enter_there_decides_nothing(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    case_id = seat.case_id
    await seat.keys.press("KeyN")
    note = seat.page.get_by_label("Note")
    await expect(note).to_be_focused()
    await seat.keys.write("1 и 2 еду у горы")
    await seat.page.keyboard.press("Enter")
    await expect(note).to_have_value("1 и 2 еду у горы")
    await seat.page.get_by_label("Reason").focus()
    await seat.keys.press("Digit2")
    assert (seat.case_id, await desk.state(case_id)) == (case_id, "open")
    assert await desk.ask("SELECT 1 FROM monitor.decisions") == []
    await seat.page.keyboard.press("Escape")
    await seat.go("Digit2")
    assert await desk.ask("SELECT verdict, note FROM monitor.decisions") == [
        ("not_relevant", "1 и 2 еду у горы")
    ]


async def test_enter_in_a_correction_keeps_the_correction(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.page.goto(f"/case/{await desk.case_of(COPIED)}", wait_until="domcontentloaded")
    row = seat.page.locator("#figure-1")
    await row.get_by_text("Correct", exact=True).click()
    await row.get_by_label("to", exact=True).fill("250")
    await seat.follow(seat.page.keyboard.press("Enter"))
    assert await desk.ask("SELECT verdict, high FROM monitor.figure_decisions") == [("corrected", 250.0)]


async def test_single_keys_are_off_for_whoever_turned_them_off(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.page.goto("/account", wait_until="domcontentloaded")
    await seat.page.get_by_label("Single keys act").uncheck()
    await seat.follow(seat.page.get_by_role("button", name="Keep").click())
    await seat.page.goto("/queue", wait_until="domcontentloaded")
    for code in ("KeyC", "KeyO", "Digit1"):
        await seat.keys.press(code)
    await seat.keys.press("Slash", shift=True)
    await expect(seat.page.get_by_role("dialog")).to_have_count(0)
    await seat.keys.press("KeyK", control=True)
    await expect(seat.page.get_by_role("dialog")).to_have_count(1)
    assert seat.page.url.endswith("/queue")
    assert await desk.ask("SELECT 1 FROM monitor.cases WHERE claimed_by IS NOT NULL") == []


async def test_a_viewer_has_no_key_that_acts(desk: Desk) -> None:
    viewer = await desk.user("vera", Role.VIEWER)
    page = await (await desk.context(viewer)).new_page()
    await page.goto("/case/1", wait_until="domcontentloaded")
    for code in ("1", "2", "c", "u", "e", "h"):
        await page.keyboard.press(code)
    assert page.url.endswith("/case/1")
    assert await desk.ask("SELECT 1 FROM monitor.decisions") == []


async def test_rows_are_chosen_up_to_the_cursor_and_decided_together(desk: Desk) -> None:
    seat = await desk.seat()
    ticked = seat.page.locator('#cases input[name="cases"]:checked')
    for code in ("KeyJ", "KeyX", "KeyJ", "KeyJ"):
        await seat.keys.press(code)
    await seat.keys.press("KeyX", shift=True)
    await expect(ticked).to_have_count(3)
    meant = {int(value) for value in await ticked.evaluate_all("all => all.map((one) => one.value)")}
    await seat.follow(seat.page.get_by_role("button", name="Not relevant").click())
    rows = await desk.ask("SELECT case_id, verdict FROM monitor.decisions")
    assert {case for case, _ in rows} == meant
    assert {verdict for _, verdict in rows} == {"not_relevant"}


async def test_the_slash_leads_to_the_search_and_g_r_to_what_i_decided_last(desk: Desk) -> None:
    seat = await desk.seat()
    await seat.go("KeyC")
    decided = seat.case_id
    await seat.go("Digit1")
    await seat.page.goto("/queue", wait_until="domcontentloaded")
    await seat.keys.press("Slash")
    await expect(seat.page.get_by_label("Find in the texts")).to_be_focused()
    await seat.page.keyboard.type("100%_nothing")
    await seat.follow(seat.page.keyboard.press("Enter"))
    assert seat.page.url.endswith("/queue?q=100%25_nothing")
    await expect(seat.page.locator("#cases > li")).to_have_count(0)
    await seat.page.keyboard.press("Escape")
    await seat.keys.press("KeyG")
    await seat.go("KeyR")
    assert seat.page.url.endswith("/recent")
    await expect(seat.page.locator("#cases > li")).to_have_id(f"case-{decided}")
