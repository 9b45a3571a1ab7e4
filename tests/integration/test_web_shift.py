"""Reasons as a lead sets them, and the handover of a shift, over a real database."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from monitor.model import Role
from monitor.store import handovers
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.board_helpers import counting
from tests.integration.helpers import ask
from tests.integration.web_helpers import browser, let_in, site, someone

EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)> "&'


@pytest.fixture
def app(database: Database, clock: Clock) -> FastAPI:
    return site(database, clock)


@pytest.fixture
async def lead(app: FastAPI, database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        await let_in(database, client, await someone(database, clock, "yana", role=Role.LEAD), clock)
        yield client


@pytest.fixture
async def olya(app: FastAPI, database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        await let_in(database, client, await someone(database, clock), clock)
        yield client


@pytest.fixture
async def petr(app: FastAPI, database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        await let_in(database, client, await someone(database, clock, "petr"), clock)
        yield client


async def order(client: httpx.AsyncClient) -> list[str]:
    html = (await client.get("/reasons")).text
    return re.findall(r"<code>(\w+)</code>", html)


# --- reasons ------------------------------------------------------------------------------------------------


async def test_a_reason_is_added_moved_retired_and_brought_back(lead: httpx.AsyncClient) -> None:
    assert await order(lead) == ["past", "elsewhere", "misread", "repeats", "unclear"]
    new = {"key": "satire", "english": " a  joke ", "russian": "шутка"}
    answer = await lead.post("/reasons", data=new)
    assert answer.headers["location"] == "/reasons?done=added"
    html = (await lead.get("/reasons?done=added")).text
    assert "Added." in html
    assert '<td lang="en">a joke</td>' in html
    await lead.post("/reasons/move", data={"reason": "satire", "way": "up"})
    await lead.post("/reasons/move", data={"reason": "past", "way": "down"})
    assert await order(lead) == ["elsewhere", "past", "misread", "repeats", "satire", "unclear"]
    await lead.post("/reasons/retire", data={"reason": "past"})
    assert await order(lead) == ["elsewhere", "misread", "repeats", "satire", "unclear", "past"]
    assert "Bring back" in (await lead.get("/reasons")).text
    await lead.post("/reasons/back", data={"reason": "past"})
    assert "Bring back" not in (await lead.get("/reasons")).text
    assert (await order(lead))[-1] == "past"


async def test_what_leads_nowhere_changes_nothing(lead: httpx.AsyncClient) -> None:
    before = await order(lead)
    for path, form in (
        ("move", {"reason": "past", "way": "up"}),
        ("move", {"reason": "unclear", "way": "down"}),
        ("move", {"reason": "none", "way": "up"}),
        ("retire", {"reason": "none"}),
        ("retire", {"reason": "\x00"}),
        ("back", {"reason": "past"}),
    ):
        assert (await lead.post(f"/reasons/{path}", data=form)).headers["location"] == "/reasons"
    assert await order(lead) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "Past"}, "begins with a letter"),
        ({"key": "a\x00"}, "begins with a letter"),
        ({"english": " "}, "Both languages"),
        ({"russian": "я" * 81}, "Both languages"),
        ({"key": "past"}, "There is a reason of that key."),
    ],
)
async def test_a_reason_that_cannot_be_says_why(
    lead: httpx.AsyncClient, change: dict[str, str], said: str
) -> None:
    form = {"key": "satire", "english": "a joke", "russian": "шутка"} | change
    answer = await lead.post("/reasons", data=form)
    assert (answer.status_code, said in answer.text) == (400, True)
    assert len(await order(lead)) == 5


async def test_a_reason_is_text_on_every_page(lead: httpx.AsyncClient) -> None:
    await lead.post("/reasons", data={"key": "evil", "english": EVIL, "russian": EVIL})
    html = (await lead.get("/reasons")).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


async def test_reasons_are_the_leads(olya: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await olya.get("/reasons")).status_code == 403
    for path in ("", "/move", "/retire", "/back"):
        form = {"reason": "past", "key": "x", "english": "x", "russian": "x"}
        assert (await olya.post(f"/reasons{path}", data=form)).status_code == 403
    assert "/reasons" not in (await olya.get("/account")).text
    async with browser(app) as stranger:
        assert (await stranger.get("/reasons")).headers["location"] == "/login?next=/reasons"


# --- handovers ----------------------------------------------------------------------------------------------


async def test_a_note_waits_until_the_next_accepts_it(
    olya: httpx.AsyncClient, petr: httpx.AsyncClient, database: Database
) -> None:
    assert "No note waits" in (await olya.get("/handover")).text
    given = await olya.post("/handover", data={"note": f" Следить за Суджей\n{EVIL} "})
    assert given.headers["location"] == "/handover?done=given"
    async with database.transaction() as tx:
        waiting = await handovers.waiting(tx)
    assert waiting is not None
    assert (waiting.user, waiting.accepted_by) == ("olya", None)
    assert "Take my own note back" in (await olya.get("/handover?done=given")).text
    html = (await petr.get("/handover")).text
    assert "From olya" in html
    assert "<script>alert" not in html
    accepted = await petr.post("/handover/accept", data={"handover": str(waiting.handover_id)})
    assert accepted.headers["location"] == "/handover?done=accepted"
    again = await olya.post("/handover/accept", data={"handover": str(waiting.handover_id)})
    assert (again.status_code, "another analyst accepted it" in again.text) == (409, True)
    html = (await olya.get("/handover")).text
    assert "Handovers before" in html
    assert "olya → petr" in html
    async with database.transaction() as tx:
        assert await handovers.waiting(tx) is None


async def test_an_empty_note_is_none(olya: httpx.AsyncClient, database: Database) -> None:
    for note in ("", " \n ", "\x00"):
        assert (await olya.post("/handover", data={"note": note})).status_code == 400
    assert (await ask(database, "SELECT count(*) AS n FROM monitor.handovers"))[0].n == 0


async def test_a_long_note_is_cut_and_several_take_no_more_queries(
    olya: httpx.AsyncClient, database: Database
) -> None:
    asked = counting(database)
    await olya.get("/handover")
    few = len(asked)
    for _ in range(3):
        await olya.post("/handover", data={"note": "д" * 5000})
    rows = await ask(database, "SELECT length(note) AS n FROM monitor.handovers")
    assert [row.n for row in rows] == [4000] * 3
    asked.clear()
    await olya.get("/handover")
    assert len(asked) == few == 4


async def test_handovers_are_the_analysts(app: FastAPI, database: Database, clock: Clock) -> None:
    async with browser(app) as viewer:
        await let_in(database, viewer, await someone(database, clock, "vera", role=Role.VIEWER), clock)
        assert (await viewer.get("/handover")).status_code == 403
        assert (await viewer.post("/handover", data={"note": "x"})).status_code == 403
        assert (await viewer.post("/handover/accept", data={"handover": "1"})).status_code == 403
        assert "/handover" not in (await viewer.get("/account")).text
