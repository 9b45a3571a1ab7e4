"""The figures board over a real database: what it shows, of which window, and how it is narrowed."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from monitor.model import Language, VersionKey
from monitor.store import decisions
from monitor.store.database import Database
from monitor.store.decisions import FigureSaid
from monitor.web import board
from tests.conftest import Clock
from tests.integration.board_helpers import counting, make_channel, make_post
from tests.integration.helpers import ask
from tests.integration.web_helpers import browser, let_in, site, someone

EVIL = '</title><script>alert(1)</script><img src=x onerror=alert(2)> "&'


@pytest.fixture
async def olya(database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    await make_channel(database, 7, "Министерство")
    await make_channel(database, 8, "Два майора")
    async with browser(site(database, clock)) as client:
        await let_in(database, client, await someone(database, clock), clock)
        yield client


async def say(database: Database, key: tuple[int, int], verdict: str, **more: object) -> None:
    said = FigureSaid(of=VersionKey(*key, 1), first_char=0, end_char=9, verdict=verdict, **more)  # type: ignore[arg-type]
    (user,) = await ask(database, "SELECT user_id FROM monitor.users LIMIT 1")
    (case,) = await ask(database, "SELECT case_id FROM monitor.case_posts WHERE message_id = :m", m=key[1])
    async with database.transaction() as tx:
        await decisions.decide_figure(tx, case.case_id, user.user_id, said, now=Clock()())


async def test_without_claims_it_says_so(olya: httpx.AsyncClient) -> None:
    answer = await olya.get("/board")
    assert answer.status_code == 200
    assert "Nobody claimed a figure" in answer.text
    assert 'value="2024-08-09"' in answer.text


async def test_claims_are_drawn_and_told_with_links_to_their_version(
    olya: httpx.AsyncClient, database: Database
) -> None:
    await make_post(database, (7, 1), "11 танков у Курска", figures=[{}])
    await make_post(database, (8, 2), "20 танков у Курска", hours=14, figures=[{"low": 20.0, "high": 20.0}])
    html = (await olya.get("/board")).text
    assert html.count('class="board-panel"') == 1
    assert html.count('href="/p/7/1@v1"') == 2
    assert "Министерство · 2024-08-06 12:00 · «11 танков» · 11 · Ukraine · contradicted by Два майора" in html
    assert html.count('class="board-bracket"') == 1
    assert '<h2 id="board-1-heading">tanks</h2>' in html
    assert "2\N{NO-BREAK SPACE}claims" in html
    assert 'id="until" name="until" value="2024-08-06"' in html


async def test_russian_words_and_months(olya: httpx.AsyncClient, database: Database) -> None:
    await make_post(database, (7, 1), "11 танков", figures=[{}])
    await olya.post("/language", data={"language": Language.RUSSIAN.value})
    html = (await olya.get("/board")).text
    assert "Табло чисел" in html
    assert ">6 авг<" in html
    assert "11 · Украина" in html
    assert "<caption>танки</caption>" in html


async def test_what_analysts_said_is_shown(olya: httpx.AsyncClient, database: Database) -> None:
    for number in (1, 2, 3, 4):
        await make_post(database, (7, number), "11 танков", hours=number, figures=[{}])
    await say(database, (7, 1), "corrected", low=30.0, high=40.0, kind="armour", side="russia")
    await say(database, (7, 2), "rejected")
    await say(database, (7, 3), "rejected")
    await say(database, (7, 3), "undone")
    await say(database, (7, 4), "corrected", low=float("nan"), high=5.0)
    html = (await olya.get("/board")).text
    assert "«11 танков» · 30–40 · Russia · corrected from 11" in html
    assert html.count("board-rejected") == 1
    assert html.count('class="board-cross"') == 1
    assert "≤5 · Ukraine · corrected from 11" in html
    assert ">armour</h2>" in html


async def test_an_inferred_side_says_so_and_narrows(olya: httpx.AsyncClient, database: Database) -> None:
    unnamed = {"side": "unknown", "side_inferred": "russia"}
    await make_post(database, (7, 1), "11 танков врага", figures=[unnamed])
    await make_post(database, (7, 2), "11 танков", figures=[{}])
    html = (await olya.get("/board?side=russia")).text
    assert "Russia (inferred from the channel&#39;s side)" in html
    assert "/p/7/2@v1" not in html


async def test_it_is_narrowed_to_a_topic_and_a_window(olya: httpx.AsyncClient, database: Database) -> None:
    await make_post(database, (7, 1), "11 танков", figures=[{}], topics=("kursk", "sudzha"))
    await make_post(database, (7, 2), "11 танков", hours=24, figures=[{}])
    await make_post(database, (7, 3), "11 танков", figures=[{}], topics=())
    shown = {
        query: sorted(set(re.findall(r"/p/7/(\d)@v1", (await olya.get(f"/board{query}")).text)))
        for query in ("", "?topic=sudzha", "?topic=none", "?since=2024-08-07", "?until=2024-08-06")
    }
    assert list(shown.values()) == [["1", "2"], ["1"], [], ["2"], ["1"]]
    exact = "?since=2024-08-06T12:00:00&until=2024-08-07T00:00:00%2B00:00"
    assert "/p/7/1@v1" in (await olya.get(f"/board{exact}")).text


async def test_only_the_present_version_and_the_rules_in_force_count(
    olya: httpx.AsyncClient, database: Database
) -> None:
    await make_post(database, (7, 1), "11 танков", figures=[{}])
    await ask(database, "UPDATE monitor.post_state SET read_ruleset = 99 RETURNING 1")
    assert "/p/7/1" not in (await olya.get("/board")).text


@pytest.mark.parametrize(
    "query",
    [
        "since=rubbish",
        "until=0001-01-01",
        "until=9999-12-31",
        "since=2024-09-01&until=2024-08-01",
        "topic=%00",
        "side=moon",
    ],
)
async def test_what_the_url_cannot_mean_is_left_out(
    olya: httpx.AsyncClient, database: Database, query: str
) -> None:
    await make_post(database, (7, 1), "11 танков", figures=[{}])
    assert (await olya.get(f"/board?{query}")).status_code == 200


async def test_what_a_channel_writes_is_text(olya: httpx.AsyncClient, database: Database) -> None:
    await make_channel(database, 9, EVIL)
    await make_post(
        database, (9, 1), EVIL, figures=[{"end": len(EVIL)}, {"kind": "<b>kind"}], topics=("<i>topic",)
    )
    html = (await olya.get("/board")).text
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;script&gt;alert(1)" in html


async def test_many_claims_are_capped_and_take_no_more_queries(
    olya: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MOST_CLAIMS", 3)
    await make_post(database, (7, 1), "11 танков", figures=[{}])
    asked = counting(database)
    assert "only the newest" not in (await olya.get("/board")).text
    few = len(asked)
    for number in range(2, 7):
        await make_post(database, (7, number), "11 танков", hours=number, figures=[{}])
    asked.clear()
    html = (await olya.get("/board")).text
    assert "only the newest 3 are shown" in html
    assert html.count('class="board-mark"') == 3
    assert len(asked) == few == 5


async def test_a_stranger_is_sent_to_the_login(database: Database, clock: Clock) -> None:
    async with browser(site(database, clock)) as client:
        assert (await client.get("/board")).headers["location"] == "/login?next=/board"
