"""What all floors share: one real Postgres for the whole run, a fresh database from a template for each test."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from monitor.store import migrate
from monitor.store.database import Database
from monitor.store.embedded import Server, Supervisor, ensure_database

TEMPLATE = "template_of_tests"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = datetime(2024, 8, 9, 12, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


@pytest.fixture
def untraced() -> Iterator[None]:
    """Nobody counts which lines run, for a test of time: that takes several times as long as the work itself."""
    tracing = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracing)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _shared_place(worker: str) -> Path:
    """One directory for all workers of a run; the database's own user must be able to enter it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    place = Path(tempfile.gettempdir()) / f"monitor-tests-{run[:12]}"
    place.mkdir(mode=0o755, exist_ok=True)
    (place / f"holder-{worker}").touch()
    return place


@pytest.fixture(scope="session")
def postgres(worker_id: str) -> Iterator[Server]:
    place = _shared_place(worker_id)
    with Supervisor(place / "data").held() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_advisory_lock(1)")
            there = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", (TEMPLATE,)
            ).fetchone()
            if there is None:
                ensure_database(server.url("postgres"), TEMPLATE)
                asyncio.run(migrate.upgrade(server.url(TEMPLATE)))
                connection.execute(
                    sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(TEMPLATE))
                )
        yield server
    (place / f"holder-{worker_id}").unlink()
    if not list(place.glob("holder-*")):
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def fresh(postgres: Server, template: str = TEMPLATE) -> Iterator[str]:
    """The address of a database that is a copy of another, for the length of the block."""
    name = f"t_{os.urandom(6).hex()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """The address of a fresh, migrated database."""
    with fresh(postgres) as address:
        yield address


@pytest.fixture
def another(postgres: Server) -> Iterator[Callable[[], str]]:
    """Gives the address of a further fresh database each time that it is called."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh(postgres))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with Database(url) as opened:
        yield opened
