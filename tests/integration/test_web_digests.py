"""Digests on the site: the list, and one as it was composed, with its own style and nothing that runs."""

from datetime import timedelta

import httpx

from monitor.digest import edition_of
from monitor.digest.told import Asked
from monitor.model import EVERYTHING, Language, Window
from monitor.store.database import Database
from monitor.web.digests import policy_of
from tests.conftest import Clock
from tests.integration.board_helpers import AUGUST, make_channel, make_post
from tests.integration.web_helpers import browser, let_in, site, someone

DAY = Window(AUGUST, AUGUST + timedelta(days=1))


async def opened(database: Database, clock: Clock, path: str) -> httpx.Response:
    async with browser(site(database, clock)) as client:
        await let_in(database, client, await someone(database, clock), clock)
        return await client.get(path)


async def test_a_digest_is_listed_and_whole(database: Database, clock: Clock) -> None:
    await make_channel(database, 7, "<script>alert(1)</script>")
    await make_post(database, (7, 1), "Курск <img src=x>", hours=9)
    asked = Asked(window=DAY, zone="UTC", language=Language.ENGLISH, narrowed=EVERYTHING)
    edition = await edition_of(database, asked, public_url=None, now=DAY.until)
    listed = (await opened(database, clock, "/digests")).text
    assert f'<a href="/digest/{edition.edition_id}">Kursk watch · 6 Aug · 1 flagged</a>' in listed


async def test_its_policy_allows_its_own_style_alone(database: Database, clock: Clock) -> None:
    await make_channel(database, 7, "<script>alert(1)</script>")
    await make_post(database, (7, 1), "Курск <img src=x>", hours=9)
    asked = Asked(window=DAY, zone="UTC", language=Language.ENGLISH, narrowed=EVERYTHING)
    edition = await edition_of(database, asked, public_url=None, now=DAY.until)
    answer = await opened(database, clock, f"/digest/{edition.edition_id}")
    assert answer.text == edition.page
    assert answer.headers["content-security-policy"] == policy_of(edition.page)
    assert "default-src 'none'; style-src 'sha256-" in policy_of(edition.page)
    assert "unsafe" not in policy_of(edition.page)
    assert "style=" not in answer.text
    assert "<script" not in answer.text
    assert "<img" not in answer.text


async def test_there_is_no_other(database: Database, clock: Clock) -> None:
    async with browser(site(database, clock)) as client:
        await let_in(database, client, await someone(database, clock), clock)
        assert (await client.get("/digest/1")).status_code == 404
        assert "No digest was made yet." in (await client.get("/digests")).text


async def test_strangers_see_none(database: Database, clock: Clock) -> None:
    async with browser(site(database, clock)) as client:
        for path in ("/digests", "/digest/1"):
            assert (await client.get(path)).status_code == 303
