"""An archive with cases, made once for a worker of the run, and a copy of it for each test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser
from psycopg import sql

from bench import chromium
from monitor.store.database import Database
from monitor.store.embedded import Server
from tests.browser.desk import Desk, fill, served
from tests.conftest import TEMPLATE, Clock

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where no browser is, say so, and run the rest."""
    if chromium.found() is None:
        for item in items:
            if _HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=chromium.LACKING))


def _copied(connection: "psycopg.Connection[tuple[object, ...]]", template: str) -> str:
    name = f"t_{os.urandom(6).hex()}"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def _dropped(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def filled(postgres: Server) -> Iterator[str]:
    """The name of a database with some sixty cases, and nobody in it yet."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        name = _copied(connection, TEMPLATE)

        async def work() -> None:
            async with Database(postgres.url(name)) as database:
                await fill(database, Clock())

        asyncio.run(work())
        yield name
        _dropped(connection, name)


@pytest.fixture
def url(postgres: Server, filled: str) -> Iterator[str]:
    """The address of a copy of that database."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        name = _copied(connection, filled)
        yield postgres.url(name)
        _dropped(connection, name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for a worker of the run; each test has contexts of its own."""
    async with chromium.running() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def desk(url: str, clock: Clock, browser: Browser) -> AsyncIterator[Desk]:
    # Later than all that was filled in.
    clock.forward(minutes=30)
    async with Database(url) as database, served(database, clock) as address:
        yield Desk(database, clock, address, browser)
        for context in browser.contexts:
            await context.close()
