"""Every page in light and dark, narrow and wide: no error, no scrolling sideways, nothing that shuts anybody out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from playwright.async_api import Page

from monitor.model import Language, Role
from monitor.web.pages import NAV
from monitor.web.queue import PATHS
from tests.browser import axe, looks
from tests.browser.desk import COPIED, DELETED, EDITED, FORWARDED, MINISTRY, Desk
from tests.integration.web_helpers import someone

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTHS = (320, 768, 1280)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
EMPTIEST = ("/mine", "/nobodys", "/overdue", "/snoozed", "/escalated", "/closed")
# Longer than any line that a phone has.
UNBROKEN = "Суджа" * 40


async def night(desk: Desk) -> list[str]:
    """A night in which everything happened once; gives the addresses of all pages that show it."""
    seat = await desk.seat("petr")
    await seat.go("KeyC")
    for code in ("Digit1", "Digit4", "KeyH", "KeyE"):
        await seat.go(code)
    reopened = seat.case_id
    await seat.go("Digit2")
    await desk.edit(reopened, f"Под Суджей теперь 50 танков {UNBROKEN}")
    copied = await desk.case_of(COPIED)
    await seat.page.goto(f"/case/{copied}")
    await seat.follow(seat.page.get_by_role("button", name="Confirm", exact=True).first.click())
    cases = [reopened, copied, *[await desk.case_of(n) for n in (EDITED, DELETED, FORWARDED)]]
    looked_twice = await desk.ask("SELECT case_id FROM monitor.cases WHERE state = 'second_look'")
    await seat.page.context.close()
    return [
        *PATHS.values(),
        *(place.path for place in NAV if place.path not in PATHS.values()),
        "/queue?topic=sudzha&channel=made_ministry&verdict=relevant",
        *(f"/case/{case_id}" for case_id in sorted({*cases, *[row[0] for row in looked_twice]})),
        f"/p/{MINISTRY.channel_id}/{EDITED}@v1",
        *("/data/edited-posts", "/data/contradictions?within=4+days", "/data/claims-by-day?kind=none"),
        "/search?q=танк&newest=1",
        "/account/feeds",
        "/nowhere",
    ]


@asynccontextmanager
async def watched(desk: Desk, *, bypass_csp: bool = False) -> AsyncIterator[tuple[Page, list[str]]]:
    """A lead's page, and what its console complains of."""
    user = await someone(desk.database, desk.clock, "lena", role=Role.LEAD, language=Language.RUSSIAN)
    # What fades in is looked at when it is there.
    page = await (await desk.context(user, bypass_csp=bypass_csp, reduced_motion="reduce")).new_page()
    complaints: list[str] = []
    page.on("console", lambda said: _keep(complaints, said.type, said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints


def _keep(complaints: list[str], kind: str, words: str) -> None:
    # That a page has the status 404 is said as if it were an error of the page before.
    if kind in ("error", "warning") and "status of 404" not in words:
        complaints.append(words)


async def opened(page: Page, path: str) -> None:
    """Go to a page, and unfold what is folded."""
    answer = await page.goto(path)
    assert answer is not None
    assert answer.status < 500, path
    await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


async def every_look(page: Page) -> AsyncIterator[str]:
    """The page in each scheme, one after the other."""
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        yield scheme


async def test_every_page_is_quiet_fits_and_shuts_nobody_out(desk: Desk) -> None:
    paths = await night(desk)
    wrong: list[str] = []
    async with watched(desk) as (page, complaints):
        for path in ("/login", *paths):
            await opened(page, path)
            wrong += [f"{path}: {one}" for one in await looks.unfocused(page)]
            async for scheme in every_look(page):
                wrong += [f"{path} {scheme}: {one}" for one in await looks.findings(page)]
                for width in WIDTHS:
                    await page.set_viewport_size({"width": width, "height": 800})
                    wrong += [
                        f"{path} {scheme} {width}: {one}" for one in await page.evaluate(looks.OVERFLOW)
                    ]
            wrong += [f"{path}: {one}" for one in complaints]
            complaints.clear()
    assert wrong == []


async def test_a_question_that_cannot_be_read_is_a_page_like_the_others(desk: Desk) -> None:
    wrong: list[str] = []
    async with watched(desk) as (page, _):
        await opened(page, f"/data/gaps?since={UNBROKEN}&channel={UNBROKEN}")
        async for scheme in every_look(page):
            wrong += [f"{scheme}: {one}" for one in await looks.findings(page)]
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 800})
                wrong += [f"{scheme} {width}: {one}" for one in await page.evaluate(looks.OVERFLOW)]
        assert await page.get_by_label("since").get_attribute("aria-invalid") == "true"
        await page.get_by_label("since").fill("2024-08-06")
        await page.get_by_label("channel").fill("")
        await page.get_by_role("button", name="Спросить").click()
        await page.wait_for_url("**/data/gaps?channel=&since=2024-08-06&until=2100-01-01")
        assert await page.get_by_text("В архиве ничего такого нет.").is_visible()
    assert wrong == []


async def test_axe_finds_nothing_grave(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    script = await axe.fetched(tmp_path_factory.mktemp("axe"))
    if script is None:
        pytest.skip("npm did not fetch axe-core; the checks of our own ran")
    source, paths = script.read_text(encoding="utf-8"), await night(desk)
    wrong = []
    async with watched(desk, bypass_csp=True) as (page, _):
        # The views differ in what they list alone.
        for path in [path for path in paths if path not in EMPTIEST]:
            await opened(page, path)
            async for scheme in every_look(page):
                wrong += [f"{path} {scheme}: {one}" for one in await axe.grave(page, source)]
        for key in ("?", "Control+k"):
            await page.keyboard.press(key)
            wrong += [f"{key}: {one}" for one in await axe.grave(page, source)]
            await page.keyboard.press("Escape")
    assert wrong == []


@pytest.mark.parametrize(
    ("script", "html"),
    [
        (looks.OVERFLOW, "<p style='width: 5000px'>wide"),
        (looks.STRUCTURE, "<input>"),
        (looks.CONTRAST, "<p style='color: #999; background: #fff'>pale"),
    ],
)
async def test_the_checks_see_what_they_are_for(desk: Desk, script: str, html: str) -> None:
    page = await (await desk.context(None)).new_page()
    await page.set_content(html)
    assert await page.evaluate(script) != []
