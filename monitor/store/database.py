"""Connections to the archive's database, and the refusal of one that would break Cyrillic."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Self

import psycopg
from psycopg import AsyncConnection as DriverConnection
from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from monitor.errors import DatabaseError, UsageError

Transaction = AsyncConnection

OLDEST_VERSION = 150000
# The embedded role bears the name of our schema, which would then silently be searched first.
SESSION = "-c timezone=UTC -c search_path=public"
# Postgres takes two 32-bit keys; the first tells our locks from each other.
WORKER_LOCK = (0x7E1E, 1)
SENDER_LOCK = (0x7E1E, 2)
_CHANNEL_LOCK = 0x7E20

_DOCTOR = text(
    """
    SELECT current_setting('server_version_num')::int AS version,
           current_setting('server_encoding') AS encoding,
           lower('Ж') = 'ж' AS folds,
           to_tsvector('russian', 'ВОЙНЫ') = to_tsvector('russian', 'война') AS stems,
           to_regprocedure('show_trgm(text)') IS NOT NULL AS has_trigrams
    """
)


class Database:
    """The archive's database. Open transactions with `transaction()`; close it at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            parsed = make_url(url).set(drivername="postgresql+psycopg")
        except ArgumentError as error:
            raise DatabaseError(
                "the database's address cannot be read",
                "it has the form postgresql://user:password@host:port/name",
                "mend MONITOR_DATABASE_URL, or leave it out to use the database that comes with the package",
            ) from error
        self._engine = create_async_engine(
            parsed,
            pool_pre_ping=True,
            # Each lane of each step that looks has one at times, and each lock has one all the time.
            pool_size=20,
            max_overflow=40,
            connect_args={"connect_timeout": 10, "options": SESSION},
        )

    async def __aenter__(self) -> Self:
        """Check that the database can be trusted with Russian text."""
        try:
            await self.check()
        except BaseException:
            await self._engine.dispose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction, committed at the end of the block and rolled back if it raises.

        Raises DatabaseError where the connection is refused or lost.
        """
        with _worded():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """One transaction that writes nothing and sees the archive as it is at its first question, to the end."""
        with _worded():
            engine = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            async with engine.begin() as connection:
                yield connection

    async def check(self) -> None:
        """Refuse a server that is too old, or in which Cyrillic does not fold, stem or make trigrams."""
        async with self.transaction() as tx:
            row = (await tx.execute(_DOCTOR)).one()
            trigrams = True
            if row.has_trigrams:
                trigrams = (await tx.execute(text("SELECT show_trgm('Жук') <> '{}'"))).scalar_one()
        if row.version < OLDEST_VERSION:
            raise DatabaseError(
                f"PostgreSQL {row.version // 10000} is too old",
                "15 is the oldest supported",
                "use a newer server",
            )
        if row.encoding != "UTF8" or not (row.folds and row.stems and trigrams):
            raise DatabaseError(
                "this database does not understand Cyrillic",
                f"its encoding is {row.encoding} and its locale does not fold case, stem or make trigrams",
                "make it anew: CREATE DATABASE monitor TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER builtin LOCALE 'C.UTF-8'  (before 17: LOCALE 'C.UTF-8')",
            )

    @asynccontextmanager
    async def only_one(self, lock: tuple[int, int]) -> AsyncIterator[bool]:
        """Hold an advisory lock for the length of the block; gives False where another process has it."""
        keys = {"a": lock[0], "b": lock[1]}
        async with AsyncExitStack() as stack:
            with _worded():
                connection = await stack.enter_async_context(self._engine.connect())
                got = await connection.execute(text("SELECT pg_try_advisory_lock(:a, :b)"), keys)
                alone = bool(got.scalar_one())
                await connection.commit()
            try:
                yield alone
            finally:
                # The connection goes back to the others, and would hold the lock for as long as it lives.
                if alone:
                    with suppress(DBAPIError):
                        await connection.execute(text("SELECT pg_advisory_unlock(:a, :b)"), keys)
                        await connection.commit()


@contextmanager
def _worded() -> Iterator[None]:
    """Turn the driver's words for a lost connection, and for a value that it cannot take, into ours."""
    try:
        yield
    except DataError as error:
        raise UsageError(
            "the database cannot hold a value that it was given",
            str(error.orig).strip().splitlines()[0],
            "leave out what no text or number can have, such as a zero byte",
        ) from error
    except (OperationalError, InterfaceError, PoolTimeoutError, psycopg.OperationalError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        why = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise DatabaseError(
            "the database cannot be reached, or broke off",
            why,
            "see that it runs and that MONITOR_DATABASE_URL is right; what was committed is safe",
        ) from error


async def lock_channel(tx: Transaction, channel_id: int) -> None:
    """Let one transaction at a time write a channel, so that two sources never decide on the same post at once."""
    keys = {"a": _CHANNEL_LOCK, "b": channel_id % 2**31}
    await tx.execute(text("SELECT pg_advisory_xact_lock(:a, :b)"), keys)


async def driver_of(tx: Transaction) -> "DriverConnection[tuple[object, ...]]":
    """The driver's own connection under a transaction, for COPY."""
    raw = await tx.get_raw_connection()
    driver = raw.driver_connection
    if not isinstance(driver, DriverConnection):
        message = f"not a psycopg connection: {type(driver)}"
        raise TypeError(message)
    return driver
