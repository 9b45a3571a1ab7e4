"""The stream that tells open pages of cases, over a socket: what it says, to whom, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from monitor.store.database import Database
from monitor.web.hub import LOOK, MOST_WAITING, Hub
from monitor.web.server import Server, address_of, listening
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_review import Archive
from tests.integration.web_helpers import let_in, site, someone


@pytest.fixture
def archive(database: Database, tmp_path: Path, clock: Clock) -> Archive:
    return Archive(database, tmp_path, clock)


@asynccontextmanager
async def served(archive: Archive) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    app = site(archive.database, archive.clock)
    with listening("127.0.0.1", 0) as opened:
        server = Server(app)
        serving = asyncio.create_task(server.serve([opened]))
        async with httpx.AsyncClient(base_url=address_of(opened), trust_env=False, timeout=20) as client:
            yield server, client
        server.stop()
        await asyncio.wait_for(serving, 10)


async def told(lines: AsyncIterator[str]) -> tuple[str, dict[str, object]]:
    """The next event and its data."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


async def test_pages_hear_of_new_cases_and_of_claims(archive: Archive, clock: Clock) -> None:
    user = await someone(archive.database, clock)
    async with served(archive) as (server, client):
        await let_in(archive.database, client, user, clock)
        async with client.stream("GET", "/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            assert (await told(lines))[0] == "look"
            await heard_by_database(archive.database)
            await archive.posts({1: "В Судже бой"})
            assert await told(lines) == ("case", {"case_id": 1, "state": "open"})
            await ask(
                archive.database, "UPDATE monitor.cases SET claimed_by = :u RETURNING 1", u=user.user_id
            )
            assert await told(lines) == ("case", {"case_id": 1, "state": "open"})
            server.stop()
            assert [line async for line in lines if line] == []


async def heard_by_database(database: Database) -> None:
    """Wait until a connection listens; what happens before is for the page to look up."""
    query = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    while (await ask(database, query))[0].n == 0:
        await asyncio.sleep(0.02)


async def test_nobody_hears_without_signing_in(archive: Archive) -> None:
    async with served(archive) as (_, client):
        answer = await client.get("/events", headers={"sec-fetch-mode": "cors"})
        assert answer.status_code == 401


async def test_a_page_that_does_not_read_is_told_to_look(archive: Archive) -> None:
    hub = Hub(archive.database.url)
    queue = hub.join()
    for _ in range(MOST_WAITING + 1):
        hub._tell("event: case\n\n")
    assert queue.get_nowait() == LOOK
    assert queue.empty()
    hub.leave(queue)


async def test_a_lost_connection_is_made_again(
    archive: Archive, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.web.hub.AGAIN", 0.05)
    hub = Hub(archive.database.url)
    queue = hub.join()
    await heard_by_database(archive.database)
    await ask(
        archive.database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    assert await asyncio.wait_for(queue.get(), 10) == LOOK
    await heard_by_database(archive.database)
    await archive.posts({1: "В Судже бой"})
    assert '"case_id": 1' in await asyncio.wait_for(queue.get(), 10)
    hub.leave(queue)
