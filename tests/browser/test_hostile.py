"""Markup and script in every field that a channel writes: shown as letters, and nothing runs."""

import pytest
from playwright.async_api import Page

from tests.browser.desk import COPIED, EDITED, FORWARDED, MINISTRY, Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUN = "caught()"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"\"><svg onload={RUN}><x y='",
    f"' autofocus onfocus={RUN} x='",
    f"javascript:{RUN}//",
    f"</title></textarea></style><iframe srcdoc='<script>parent.{RUN}</script>'>",
    "{{ 7 * 7 }}{% raw %}",
)
EVIL = " ".join(PAYLOADS)
# Every text that comes from Telegram or out of an analyst's hands, poisoned where it lies.
POISON = (
    "UPDATE monitor.post_versions SET text = text || ' ' || :evil || ' ' || text",
    "UPDATE monitor.channel_versions SET title = :evil, about = :evil, handle = :evil",
    "UPDATE monitor.posts SET forward_kind = 'channel', forward_title = :evil, forward_handle = :evil, media_kind = :evil",
    """INSERT INTO monitor.watches (handle, listed, label, person, side, source, quickest_seconds, slowest_seconds,
                                    backfill_done, channel_id)
       SELECT 'evil' || channel_id, true, :evil, :evil, 'russia', 'preview', 60, 600, true, channel_id FROM monitor.channels""",
    "UPDATE monitor.flags SET spans = replace(spans::text, 'Судж', '<script>caught()</script>')::jsonb",
    "UPDATE monitor.figures SET term = :evil",
    "UPDATE monitor.reasons SET english = :evil, russian = :evil",
)


# The protocol of a link; one in a drawing has its address in an object.
LEADS = "(all) => all.map((one) => new URL(one.href.baseVal ?? one.href, location).protocol)"


async def poisoned(desk: Desk) -> list[str]:
    """Spoil the archive, with an analyst's note on top; gives the addresses of the pages that show it."""
    seat = await desk.seat()
    await seat.go("KeyC")
    decided = seat.case_id
    await seat.page.get_by_label("Note").fill(EVIL)
    await seat.page.keyboard.press("Escape")
    await seat.go("Digit1")
    await desk.edit(decided, f"Суджа: {EVIL} 20 танков")
    for statement in POISON:
        bind = {"evil": EVIL} if ":evil" in statement else {}
        await desk.run(statement, **bind)
    cases = {decided, *[await desk.case_of(n) for n in (EDITED, COPIED, FORWARDED)]}
    rows = await desk.ask("SELECT DISTINCT left(handle, 300) FROM monitor.channel_versions")
    assert len(rows) == 1
    paths = ["/queue", "/decided", "/nobodys", f"/p/{MINISTRY.channel_id}/{EDITED}@v2"]
    paths += ["/board", "/channels", "/precision", f"/channels/{MINISTRY.channel_id}"]
    return [*paths, *(f"/case/{case_id}" for case_id in sorted(cases))]


async def stirred(page: Page) -> None:
    """Touch what a person would touch: unfold, walk, hover, open the palette."""
    await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for key in ("j", "j", "?", "Escape", "Control+k", "Escape", "Tab", "Tab"):
        await page.keyboard.press(key)
    await page.locator("main").hover()


@pytest.mark.parametrize("bypass_csp", [False, True])
async def test_nothing_runs(desk: Desk, bypass_csp: bool) -> None:
    paths = await poisoned(desk)
    # Past the policy too: it must not be the only thing that holds.
    context = await desk.context(await desk.user("petr"), bypass_csp=bypass_csp)
    caught: list[str] = []
    await context.expose_function("caught", lambda: caught.append(page.url))
    page = await context.new_page()
    page.on("dialog", lambda dialog: caught.append(dialog.message))
    page.on("console", lambda said: caught.append(said.text) if "Content Security" in said.text else None)
    for path in paths:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status in (200, 404), path
        await stirred(page)
        assert await page.locator("iframe, svg[onload], img[onerror], [onfocus]").count() == 0, path
        links = await page.locator("a").evaluate_all(LEADS)
        assert set(links) <= {"http:", "https:"}, path
    assert caught == []


async def test_what_would_run_is_caught(desk: Desk) -> None:
    context = await desk.context(None)
    caught: list[str] = []
    await context.expose_function("caught", lambda: caught.append("ran"))
    page = await context.new_page()
    await page.set_content(PAYLOADS[1])
    await page.wait_for_function("() => document.images[0].complete")
    await page.evaluate("caught()")
    assert len(caught) == 2
