"""The data page and the saved queries of the site: what they show, take and refuse, and what they cost."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from monitor import queries
from monitor.model import Language, Role
from monitor.queries import SavedQuery
from monitor.store.database import Database
from monitor.web import asking
from monitor.web.site import MOST_ASKING
from tests.browser.desk import served
from tests.conftest import Clock
from tests.integration.board_helpers import counting, make_channel, make_post
from tests.integration.helpers import ask
from tests.integration.web_helpers import browser, let_in, site, someone

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def app(database: Database, clock: Clock) -> FastAPI:
    return site(database, clock)


@pytest.fixture
async def vera(app: FastAPI, database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer, at an archive of a few posts."""
    await make_channel(database, 7, "Ministry")
    for number in range(1, 6):
        await make_post(
            database,
            (7, number),
            f"Курск: {number} танков",
            hours=number,
            figures=[{"low": number, "high": number}],
        )
    async with browser(app) as client:
        await let_in(database, client, await someone(database, clock, "vera", role=Role.VIEWER), clock)
        yield client


def own(monkeypatch: pytest.MonkeyPatch, text: str, head: str = "") -> SavedQuery:
    """One more query of the site, for the length of a test."""
    made = queries.parse("own", f"-- title: Own <i>\n-- question: Why <i>?\n{head}\n{text}")
    monkeypatch.setitem(asking.saved(), "own", made)
    return made


async def test_the_page_has_every_view_and_every_query(vera: httpx.AsyncClient, database: Database) -> None:
    html = (await vera.get("/data")).text
    assert 'aria-current="page">Data' in html
    views = await ask(database, "SELECT viewname FROM pg_views WHERE schemaname = 'research'")
    assert all(f"<code>research.{view.viewname}</code>" in html for view in views)
    assert "research.posts_as_of(at timestamp with time zone)" in html
    assert "The most it can be; null where the text sets no upper bound" in html
    for query in asking.saved().values():
        assert f'<a href="/data/{query.name}">{query.title.english}</a>' in html


async def test_titles_and_parameters_are_in_the_language_of_the_reader(
    app: FastAPI, database: Database, clock: Clock
) -> None:
    olya = await someone(database, clock, "olya", role=Role.VIEWER, language=Language.RUSSIAN)
    async with browser(app) as client:
        await let_in(database, client, olya, clock)
        assert "Кто первым назвал число" in (await client.get("/data")).text
        html = (await client.get("/data/gaps?since=вчера")).text
    assert "Когда никто не смотрел" in html
    assert "с этого времени" in html
    assert "Время по UTC, например 2024-08-06 13:00." in html


async def test_an_answer_is_a_table_whose_cells_lead_on(vera: httpx.AsyncClient) -> None:
    html = (await vera.get("/data/largest-claims?rows=2")).text
    assert "2\N{NO-BREAK SPACE}rows" in html
    assert re.search(r"in \d+(\.\d+)? s", html)
    assert '<a href="/p/7/5@v1">5</a>' in html
    assert '<a href="/channel/7">7</a>' in html
    assert '<th scope="col" class="number">high</th>' in html
    assert 'name="rows" value="2"' in html
    assert 'href="/data/largest-claims.csv?rows=2"' in html
    assert '<a href="/case/1">1</a>' in (await vera.get("/data/spread?channels=1")).text


async def test_what_nothing_answers_to_is_said(vera: httpx.AsyncClient) -> None:
    html = (await vera.get("/data/claims-by-day?kind=ship")).text
    assert "Nothing in the archive answers to this." in html
    assert "0\N{NO-BREAK SPACE}rows" in html


async def test_a_parameter_that_is_wrong_is_said_in_words_and_nothing_is_asked(
    vera: httpx.AsyncClient, database: Database
) -> None:
    asked = counting(database)
    for path in ("/data/largest-claims", "/data/largest-claims.csv", "/data/largest-claims.json"):
        answer = await vera.get(f"{path}?rows=<b>many&since=2024-13-01")
        assert answer.status_code == 400
        html = answer.text
        assert "A value cannot be read; nothing was asked." in html
        assert "It takes a whole number, such as 20." in html
        assert "It takes a time in UTC" in html
        assert html.count('aria-invalid="true"') == 2
        assert 'value="&lt;b&gt;many"' in html
    assert not any("research." in statement for statement in asked)
    assert (await vera.get("/data/largest-claims?rows=1&nobody=knows")).status_code == 200
    assert (await vera.get("/data/words?words=%00")).status_code == 400


async def test_a_value_is_never_a_part_of_the_query(vera: httpx.AsyncClient) -> None:
    html = (await vera.get("/data/claims-by-day?kind=' OR '1'='1")).text
    assert "Nothing in the archive answers to this." in html
    assert 'value="&#39; OR &#39;1&#39;=&#39;1"' in html


async def test_what_a_channel_says_is_text(
    vera: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_post(database, (7, 9), f"Курск {HOSTILE}", hours=9)
    html = (await vera.get("/data/words?words=курск")).text
    assert "<script>" not in html
    assert "Курск &lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;" in html
    own(monkeypatch, "SELECT '<u>' AS \"<s>\"")
    html = (await vera.get("/data/own")).text
    assert not re.search("<(i|u|s)>", html)
    assert "&lt;s&gt;" in html
    assert (await vera.get("/data/own.json")).headers["x-content-type-options"] == "nosniff"


async def test_files_have_all_rows_and_keep_their_types(
    vera: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_ROWS", 3)
    html = (await vera.get("/data/words?words=танк")).text
    assert "The first 3 rows" in html
    assert "with all rows" in html
    assert html.count("<tr>") == 1 + 3
    answer = await vera.get("/data/words.csv?words=танк")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="words.csv"'
    head, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert head[:4] == ["handle", "channel_id", "message_id", "version"]
    assert [row[2] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0][-1] == "Курск: 1 танков"
    answer = await vera.get("/data/words.json?words=танк")
    assert answer.headers["content-type"] == "application/json"
    found = json.loads(answer.text)
    assert [row["message_id"] for row in found["rows"]] == [1, 2, 3, 4, 5]
    assert found["rows"][0]["posted_at"] == "2024-08-06T01:00:00+00:00"
    nothing = await vera.get("/data/words.json?words=nothing")
    assert json.loads(nothing.text) == {"rows": [], "complete": True}


async def test_a_file_comes_in_pieces_and_ends_at_the_cap(
    vera: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, "SELECT n, repeat('x', 100) AS text FROM generate_series(1, 5000) AS n ORDER BY n")
    monkeypatch.setattr(asking, "MOST_IN_FILE", 4321)
    answer = await vera.get("/data/own.csv")
    assert answer.text.count("\r\n") == 1 + 4321
    found = json.loads((await vera.get("/data/own.json")).text)
    assert [row["n"] for row in found["rows"]] == list(range(1, 4322))
    monkeypatch.setattr(asking, "FILE_SECONDS", 0.0)
    with pytest.raises(Exception, match="a file took too long to be read"):
        await vera.get("/data/own.csv")


async def test_rows_that_the_cap_leaves_out_are_said_on_the_page_and_with_the_file(
    vera: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(
        monkeypatch,
        'SELECT n AS "count" FROM generate_series(1, :rows) AS n ORDER BY n DESC -- the end',
        "-- :rows integer = 5: x",
    )
    monkeypatch.setattr(asking, "MOST_ROWS", 3)
    monkeypatch.setattr(asking, "MOST_IN_FILE", 5)
    whole = [await vera.get(f"/data/own.{kind}") for kind in ("csv", "json")]
    assert not any("x-incomplete" in answer.headers for answer in whole)
    assert json.loads(whole[1].text)["complete"] is True
    html = (await vera.get("/data/own")).text
    assert "The first 3 rows" in html
    assert "first-5" in html
    assert "leaves out rows" not in (await vera.get("/data/own?rows=3")).text

    said = "only the first 5 rows; monitor queries run own --csv with the same parameters has all"
    cut = [await vera.get(f"/data/own.{kind}?rows=6") for kind in ("csv", "json")]
    for answer, kind in zip(cut, ("csv", "json"), strict=True):
        assert answer.headers["x-incomplete"] == said
        assert answer.headers["content-disposition"] == f'attachment; filename="own-first-5.{kind}"'
    assert cut[0].text == "count\r\n6\r\n5\r\n4\r\n3\r\n2\r\n"
    assert json.loads(cut[1].text) == {
        "rows": [{"count": n} for n in (6, 5, 4, 3, 2)],
        "complete": False,
        "note": "only the first 5 rows; monitor queries run own -p rows=6 --csv has all",
    }
    html = (await vera.get("/data/own?rows=6")).text
    assert "The first 3 rows" in html
    assert "<code>monitor queries run own -p rows=6 --csv</code>" in html


async def test_who_leaves_in_the_middle_of_a_file_lets_go_of_the_database(
    vera: httpx.AsyncClient, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, "SELECT repeat('x', 1000) AS text FROM generate_series(1, 100000)")
    busy = """SELECT count(*) AS n FROM pg_stat_activity
              WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"""
    cookies = dict(vera.cookies)
    async with (
        served(database, clock) as address,
        httpx.AsyncClient(base_url=address, cookies=cookies, trust_env=False) as client,
    ):
        async with client.stream("GET", "/data/own.csv") as answer:
            pieces = answer.aiter_text()
            assert (await anext(pieces)).startswith("text\r\n")
            assert (await ask(database, busy))[0].n == 1
        async with asyncio.timeout(10):
            while (await ask(database, busy))[0].n:
                await asyncio.sleep(0.02)
        assert (await client.get("/data/gaps")).status_code == 200


async def test_a_file_that_is_given_up_lets_go_at_once(
    vera: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = own(monkeypatch, "SELECT repeat('x', 1000) AS text FROM generate_series(1, 100000)")
    sent = asking.csv_chunks(app.state.site, asking.Question.of(query, {}))
    assert len((await anext(sent)).text) >= 64 * 1024
    assert app.state.site.asking._value == MOST_ASKING - 1
    await sent.aclose()
    assert app.state.site.asking._value == MOST_ASKING


async def test_a_question_that_takes_too_long_is_said_in_words(
    vera: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, "SELECT pg_sleep(30)")
    monkeypatch.setattr(asking, "SECONDS", 0.1)
    for path in ("/data/own", "/data/own.csv", "/data/own.json"):
        answer = await vera.get(path)
        assert answer.status_code == 422
        assert "This took longer than 0.1 s and was ended." in answer.text


async def test_few_are_answered_at_once(
    vera: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TURN_SECONDS", 0.05)
    asking_now = app.state.site.asking
    for _ in range(MOST_ASKING):
        await asking_now.acquire()
    for path in ("/data/gaps", "/data/gaps.csv"):
        answer = await vera.get(path)
        assert answer.status_code == 429
        assert "Others are asking just now." in answer.text
    assert (await vera.get("/data")).status_code == 200
    asking_now.release()
    assert (await vera.get("/data/gaps")).status_code == 200


async def test_a_value_that_the_database_cannot_work_with_is_said(
    vera: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, "SELECT CAST(:a AS smallint) AS a", "-- :a integer = 1: x")
    answer = await vera.get("/data/own?a=99999")
    assert answer.status_code == 400
    assert "The database cannot work with one of the values: smallint out of range" in answer.text


async def test_nothing_is_written_and_our_own_mistake_is_ours(
    vera: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, "SELECT nextval('monitor.cases_case_id_seq')")
    answer = await vera.get("/data/own")
    assert answer.status_code == 500
    assert "it is in the log" in answer.text


async def test_a_page_costs_the_same_whatever_it_shows(vera: httpx.AsyncClient, database: Database) -> None:
    asked = counting(database)
    costs = []
    for path in (
        "/data",
        "/data/words?words=nothing",
        "/data/words?words=танк",
        "/data/words.csv?words=танк",
    ):
        asked.clear()
        assert (await vera.get(path)).status_code == 200
        costs.append(len(asked))
    assert costs == [3, 4, 4, 3]


async def test_a_stranger_signs_in_first_and_what_is_not_there_is_not_found(
    vera: httpx.AsyncClient, app: FastAPI
) -> None:
    for path in ("/data/none", "/data/none.csv", "/data/none.json", "/data/gaps.xml", "/data/%2e%2e%2fgaps"):
        assert (await vera.get(path)).status_code == 404, path
    async with browser(app) as client:
        for path in ("/data", "/data/gaps", "/data/gaps.csv?since=2024-08-06"):
            assert (await client.get(path)).headers["location"].startswith("/login?next=/data"), path
