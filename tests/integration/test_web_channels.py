"""The list of channels and the page of one, over a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from monitor.model import LookKind, SourceName
from monitor.store import coverage, watches
from monitor.store.coverage import Looked
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.board_helpers import AUGUST, counting, make_channel, make_post
from tests.integration.helpers import ask, listed
from tests.integration.web_helpers import browser, let_in, site, someone

EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)> "&'


@pytest.fixture
async def olya(database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(site(database, clock)) as client:
        await let_in(database, client, await someone(database, clock), clock)
        yield client


async def watched(database: Database, *handles: str) -> None:
    await listed(database, *handles)
    await ask(
        database,
        """UPDATE monitor.watches SET channel_id = substr(handle, 9)::bigint, last_look_at = '2024-08-09 11:40Z'
           WHERE handle ~ '^channel_' RETURNING 1""",
    )


async def look(database: Database, span: tuple[int, int] | None, **more: object) -> None:
    values = {"source": SourceName.PREVIEW, "kind": LookKind.LIVE, "at": AUGUST + timedelta(days=3)}
    looked = Looked(**values | {"handle": "channel_7", "channel_id": 7, "span": span} | more)  # type: ignore[arg-type]
    async with database.transaction() as tx:
        await coverage.keep(tx, looked)


async def test_channels_are_listed_with_pace_look_and_state(
    olya: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    assert "No channel is watched yet." in (await olya.get("/channels")).text
    await make_channel(database, 7, "Министерство")
    await make_channel(database, 8, "Из файла")
    for number in (1, 2, 3, 4):
        await make_post(database, (7, number), "слово", hours=-12, topics=())
    await watched(database, "channel_7", "channel_9", "never_seen")
    async with database.transaction() as tx:
        broken = await watches.find(tx, "channel_9")
        assert broken is not None
        await watches.failed(
            tx,
            broken,
            now=clock(),
            wait=timedelta(minutes=1),
            problem="no_preview",
            words="no public preview",
            stop=False,
        )
    html = (await olya.get("/channels")).text
    assert '<a href="/channel/7">Министерство</a> <span class="muted">@channel_7</span>' in html
    assert html.count('<td class="number">1</td>') == 2
    assert ">20 min</time>" in html
    assert "never looked at" in html
    assert "✗ failing" in html
    assert "no public preview" in html
    assert "held, not watched" in html
    assert html.index("channel_9") < html.index("Министерство") < html.index("Из файла")


async def test_a_channel_shows_its_gaps_rates_subscribers_and_names(
    olya: httpx.AsyncClient, database: Database
) -> None:
    await make_channel(database, 7, "Первое имя", subscribers=1000)
    await make_channel(database, 7, "Второе имя", subscribers=1200, at=AUGUST + timedelta(days=1))
    await make_channel(database, 7, "Второе имя", subscribers=1500, at=AUGUST + timedelta(days=2))
    await watched(database, "channel_7")
    for number in (1, 2, 3, 4):
        await make_post(database, (7, number), "слово", topics=())
    await ask(database, "UPDATE monitor.post_state SET presence = 'deleted' WHERE message_id = 2 RETURNING 1")
    await ask(database, "UPDATE monitor.posts SET version = 2 WHERE message_id = 3 RETURNING 1")
    await look(database, (1, 10))
    await look(database, (31, 40))
    await look(database, None, outcome="unreachable", detail="no route", at=AUGUST + timedelta(days=2))
    html = (await olya.get("/channel/7")).text
    assert "<h1>Второе имя</h1>" in html
    assert "<li>11–30</li>" in html
    assert "Nobody looked at" in html
    assert "unreachable" in html
    assert html.count('1 <span class="muted">(25 %)</span>') == 4
    assert 'class="trend-line"' in html
    assert "From 1,000 to 1,500" in html
    assert html.count("<td>Первое имя</td>") == html.count("<td>Второе имя</td>") == 1


async def test_a_channel_of_a_file_has_a_page_too(olya: httpx.AsyncClient, database: Database) -> None:
    await make_channel(database, 8, "Из файла")
    html = (await olya.get("/channel/8")).text
    assert "Nobody ever looked." in html
    assert "No number of subscribers was seen." in html
    assert "held, not watched" in html


@pytest.mark.parametrize("path", ["/channel/1", "/channel/99999999999999999999", "/channel/-5"])
async def test_what_was_never_seen_is_said(olya: httpx.AsyncClient, path: str) -> None:
    assert (await olya.get(path)).status_code == 404
    assert (await olya.get("/channel/x")).status_code == 400


async def test_what_a_channel_writes_is_text(olya: httpx.AsyncClient, database: Database) -> None:
    await make_channel(database, 7, EVIL, handle="<b>handle")
    await look(database, None, outcome="<b>outcome", detail=EVIL)
    for path in ("/channels", "/channel/7"):
        html = (await olya.get(path)).text
        assert not [evil for evil in ("<script>alert", "<img", "<b>") if evil in html]
        assert "&lt;script&gt;alert(1)" in html


async def test_pages_take_the_same_queries_whatever_their_length(
    olya: httpx.AsyncClient, database: Database
) -> None:
    await make_channel(database, 7, "Имя")
    asked = counting(database)
    await olya.get("/channels")
    assert len(asked) == 3
    await look(database, (1, 5))
    asked.clear()
    await olya.get("/channel/7")
    few = len(asked)
    for number in range(20):
        await make_channel(
            database, 7, f"Имя {number}", subscribers=number, at=AUGUST + number * timedelta(hours=30)
        )
        await make_channel(database, 100 + number, f"Канал {number}")
        await look(database, (100 * number + 100, 100 * number + 110))
    asked.clear()
    await olya.get("/channel/7")
    assert len(asked) == few
    asked.clear()
    await olya.get("/channels")
    assert len(asked) == 3


async def test_a_stranger_is_sent_to_the_login(database: Database, clock: Clock) -> None:
    async with browser(site(database, clock)) as client:
        for path in ("/channels", "/channel/7"):
            assert (await client.get(path)).headers["location"] == f"/login?next={path}"


async def test_what_was_not_seen_for_a_while_is_a_gap_with_its_reason(
    olya: httpx.AsyncClient, database: Database
) -> None:
    await make_channel(database, 7, "Министерство")
    await watched(database, "channel_7", "channel_9")
    for hours in (0, 1, 2, 9, 10):
        await look(database, (1, 5), at=AUGUST + timedelta(hours=hours))
    for hours in (11, 15):
        await look(
            database, None, at=AUGUST + timedelta(hours=hours), outcome="unreachable", detail="no route"
        )
    await look(database, (1, 5), at=AUGUST + timedelta(hours=16))
    async with database.transaction() as tx:
        found = await coverage.gaps(tx, since=AUGUST - timedelta(days=2), until=AUGUST + timedelta(hours=20))
    spans = [
        ((gap.since - AUGUST) / timedelta(hours=1), (gap.until - AUGUST) / timedelta(hours=1))
        for gap in found
    ]
    assert spans == [(2, 9), (10, 16), (16, 20)]
    assert [gap.outcome for gap in found] == [None, "unreachable", None]
    assert {gap.handle for gap in found} == {"channel_7"}
    html = (await olya.get("/channel/7")).text
    assert "Not seen for a while" in html
    assert "nobody looked" in html


async def test_a_window_within_a_gap_is_all_of_it(database: Database) -> None:
    await watched(database, "channel_7")
    await look(database, (1, 5), at=AUGUST)
    await look(database, (1, 5), at=AUGUST + timedelta(days=3))
    since, until = AUGUST + timedelta(days=1), AUGUST + timedelta(days=2)
    async with database.transaction() as tx:
        [gap] = await coverage.gaps(tx, since=since, until=until)
        assert await coverage.gaps(tx, since=since, until=until, channel_ids=[8]) == []
        assert await coverage.gaps(tx, since=AUGUST - timedelta(days=1), until=AUGUST) == []
    assert (gap.since, gap.until) == (since, until)
