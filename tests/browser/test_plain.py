"""Every action with script turned off: each is a plain form or a link."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from monitor.model import Role
from tests.browser.desk import COPIED, Desk
from tests.integration.web_helpers import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def page(desk: Desk) -> AsyncIterator[Page]:
    """The page of an analyst whose browser runs no script, just signed in by the form."""
    await desk.user("olya")
    context = await desk.context(None, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/queue")
    await page.get_by_label("Name").fill("olya")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    yield page


def case_id(page: Page) -> int:
    found = re.search(r"/case/(\d+)", page.url)
    assert found is not None, page.url
    return int(found.group(1))


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=re.compile(f"^{name}")).first.click()


async def test_every_decision_and_its_undo(desk: Desk, page: Page) -> None:
    await press(page, "Claim the next case")
    for verdict in ("Relevant", "Not relevant", "Duplicate", "Second look", "Escalate", "Snooze"):
        decided = case_id(page)
        await page.get_by_label("Note").fill(verdict)
        await page.get_by_label("Reason").select_option("past")
        await page.get_by_label("Until when").select_option("edit")
        await page.get_by_label("Your own opinion").select_option("relevant")
        await press(page, verdict)
        assert case_id(page) != decided
        assert await desk.state(decided) != "open"
        await press(page, "Undo")
        assert case_id(page) == decided
        assert await desk.state(decided) == "open"
        await press(page, verdict)
    rows = await desk.ask("SELECT verdict, note, reason FROM monitor.decisions WHERE verdict <> 'undo'")
    assert len(rows) == 12
    assert {note for _, note, _ in rows} == {
        "Relevant", "Not relevant", "Duplicate", "Second look", "Escalate", "Snooze", None,
    }  # fmt: skip


async def test_claims_are_taken_given_back_and_taken_over(desk: Desk, page: Page) -> None:
    await press(page, "Claim the next case")
    first = case_id(page)
    await press(page, "Give back")
    await expect(page.locator("#notice")).to_have_text("Given back to the queue.")
    await page.goto(f"/case/{first}")
    await press(page, "Claim")
    petr = await (await desk.context(await desk.user("petr"), java_script_enabled=False)).new_page()
    await petr.goto(f"/case/{first}")
    await press(petr, "Take over from olya")
    await expect(petr.locator("#notice")).to_have_text("The case is yours.")
    assert await desk.ask("SELECT kind FROM monitor.case_events WHERE user_id IS NOT NULL ORDER BY event_id") == [
        ("claimed",), ("released",), ("claimed",), ("taken_over",),
    ]  # fmt: skip


async def test_figures_are_confirmed_corrected_rejected_and_left(desk: Desk, page: Page) -> None:
    await page.goto(f"/case/{await desk.case_of(COPIED)}")
    row = page.locator("#figure-1")
    for name, said in (("Confirm", "confirmed"), ("Reject", "rejected"), ("Undo", None)):
        await row.get_by_role("button", name=name, exact=True).click()
        await expect(row.get_by_text(f"{said} — olya")).to_have_count(1 if said else 0)
    await row.get_by_text("Correct", exact=True).click()
    await row.get_by_label("to", exact=True).fill("250,5")
    await row.get_by_label("side", exact=True).select_option("russia")
    await row.get_by_role("button", name="Keep the correction", exact=True).click()
    await expect(row.locator("p")).to_contain_text("corrected — olya")
    assert await desk.ask("SELECT verdict, high, side FROM monitor.figure_decisions ORDER BY 1") == [
        ("confirmed", None, None), ("corrected", 250.5, "russia"), ("rejected", None, None), ("undone", None, None),
    ]  # fmt: skip


async def test_several_at_once_and_back_views_and_pages(desk: Desk, page: Page) -> None:
    boxes = page.get_by_label("Choose this case")
    for number in range(3):
        await boxes.nth(number).check()
    await page.get_by_role("button", name="Not relevant", exact=True).click()
    assert await desk.ask("SELECT count(*) FROM monitor.cases WHERE state = 'decided'") == [(3,)]
    await press(page, "Undo")
    assert await desk.ask("SELECT count(*) FROM monitor.cases WHERE state = 'decided'") == [(0,)]
    await page.get_by_role("link", name="More", exact=True).click()
    rows = page.locator("#cases > li")
    await expect(page).to_have_url(re.compile("after="))
    await expect(rows.first).to_be_visible()
    assert 0 < await rows.count() < 50
    await page.goto("/queue?topic=kursk")
    await expect(rows).to_have_count(2)
    await page.get_by_role("link", name="show all").click()
    await expect(rows).to_have_count(50)
    for name in ("Mine", "Nobody's", "Overdue", "Second look", "Escalated", "Snoozed", "Decided", "Closed"):
        await page.get_by_label("Views").get_by_role("link", name=re.compile(f"^{name}")).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def test_the_account_the_language_and_the_way_out(desk: Desk, page: Page) -> None:
    await press(page, "Русский")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Очередь")
    await press(page, "English")
    await page.goto("/account")
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password", exact=True).fill("another-quiet-ferry")
    await page.get_by_label("New password again").fill("another-quiet-ferry")
    await press(page, "Change it")
    await expect(page.locator("#notice")).to_contain_text("The password is changed")
    await press(page, "Sign out")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_lead_reads_what_an_analyst_decided(desk: Desk, page: Page) -> None:
    await press(page, "Claim the next case")
    decided = case_id(page)
    await page.get_by_label("Note").fill("видел сам")
    await press(page, "Relevant")
    lead = await (
        await desk.context(await desk.user("lena", Role.LEAD), java_script_enabled=False)
    ).new_page()
    await lead.goto(f"/case/{decided}")
    await expect(lead.get_by_text("видел сам")).to_be_visible()
