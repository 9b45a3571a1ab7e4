"""A digest as a mail program shows it: light and dark, narrow and wide, in both languages, and without anything fetched."""

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.digest import preview
from monitor.digest.told import Asked
from monitor.model import EVERYTHING, Language, Window
from tests.browser import axe, looks
from tests.browser.desk import Desk
from tests.browser.test_pages import every_look

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTHS = (360, 640)


async def drawn(desk: Desk, language: Language) -> str:
    """The HTML of a digest of all that the archive holds."""
    now = desk.clock()
    window = Window(now - timedelta(days=365), now + timedelta(days=1))
    asked = Asked(window=window, zone="Europe/Moscow", language=language, narrowed=EVERYTHING, posted=True)
    return (await preview(desk.database, asked, public_url="https://m.example", now=now))[1].html


@pytest.mark.parametrize("language", list(Language))
async def test_a_digest_fits_every_screen_and_fetches_nothing(desk: Desk, language: Language) -> None:
    html = await drawn(desk, language)
    page = await (await desk.context(None)).new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    await page.set_content(html)
    assert await page.locator(".quote").count() > 5
    wrong: list[str] = []
    async for scheme in every_look(page):
        wrong += [f"{scheme}: {one}" for one in await page.evaluate(looks.CONTRAST)]
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            wrong += [f"{scheme} {width}: {one}" for one in await page.evaluate(looks.OVERFLOW)]
    assert wrong == []
    assert fetched == []
    assert await page.locator("img, script, link, iframe, object, video").count() == 0


async def test_axe_finds_nothing_grave_in_a_digest(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script: Path | None = await axe.fetched(tmp_path_factory.mktemp("axe"))
    if script is None:
        pytest.skip("npm did not fetch axe-core; the checks of our own ran")
    page = await (await desk.context(None)).new_page()
    await page.set_content(await drawn(desk, Language.ENGLISH))
    source = script.read_text(encoding="utf-8")
    wrong = []
    async for scheme in every_look(page):
        wrong += [f"{scheme}: {one}" for one in await axe.grave(page, source)]
    assert wrong == []
