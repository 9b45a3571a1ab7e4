"""The schema `research` as researchers meet it: what its views mean, and saved queries answered.

A query is answered in a transaction of its own that can write nothing, ends when it takes too long, and where the
server has a role of researchers that we may take on, has no more rights than theirs. Its SQL is ours, its values are
never a part of it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import errors as refusals
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncResult

from monitor.errors import QueryRefused, QueryTooLong, UsageError
from monitor.queries import TYPES, SavedQuery, Value
from monitor.store.database import Database, Transaction

SCHEMA = "research"
ROLE = "monitor_research"
_FETCHED = 500


class Column(NamedTuple):
    """A column of a view: its type as SQL names it, and its comment, empty where it has none."""

    name: str
    type: str
    meaning: str


class View(NamedTuple):
    """A view, or a function where `arguments` is not None."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    arguments: str | None = None


_VIEWS = """
    SELECT c.relname AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS meaning, NULL AS arguments,
           (SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod),
                                               coalesce(col_description(c.oid, a.attnum), '')) ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_class c WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind IN ('v', 'm', 'r', 'p', 'f')
    UNION ALL
    SELECT p.proname, coalesce(obj_description(p.oid, 'pg_proc'), ''), pg_get_function_identity_arguments(p.oid),
           (SELECT jsonb_agg(jsonb_build_array(p.proargnames[n], format_type(p.proallargtypes[n], NULL), '') ORDER BY n)
            FROM generate_subscripts(p.proargmodes, 1) AS n WHERE p.proargmodes[n] = 't')
    FROM pg_proc p WHERE p.pronamespace = to_regnamespace(:schema)
    ORDER BY 3 NULLS FIRST, 1
    """


async def catalogue(tx: Transaction) -> list[View]:
    """Every view of the schema, then every function, each in the order of its name, as the catalogue has it now."""
    rows = await tx.execute(text(_VIEWS), {"schema": SCHEMA})
    return [
        View(row.name, row.meaning, tuple(Column(*one) for one in row.columns or ()), row.arguments)
        for row in rows
    ]


@dataclass(slots=True)
class Answer:
    """The rows of an answer as they come, in the order of the query, and the names of their columns.

    Where they are `counted`, `total` says with the first of them how many there are.
    """

    columns: tuple[str, ...]
    result: "AsyncResult[Any]"
    counted: bool = False
    total: int = 0

    async def rows(self, most: int) -> AsyncIterator[Sequence[object]]:
        """At most so many rows."""
        left, width = most, len(self.columns)
        async for part in self.result.partitions(_FETCHED):
            if self.counted:
                self.total = part[0][width]
            for row in part[:left]:
                yield row[:width]
            left -= len(part)
            if left <= 0:
                return


# Roles are of a server: that there is one of researchers does not say that this archive was opened to it.
# One statement, so that a page of an answer costs no more than two.
_BOUNDS = """
    SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', :timeout, true),
           set_config('idle_in_transaction_session_timeout', :idle, true),
           (SELECT set_config('role', r.rolname, true) FROM pg_roles r
            WHERE r.rolname = :role AND has_schema_privilege(r.oid, 'research', 'USAGE')
              AND pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000
                                          THEN 'SET' ELSE 'MEMBER' END))
    """


# A window without an order leaves the rows in that of the query, which may end with a comment.
_COUNTED = """
    SELECT *, count(*) OVER () FROM (SELECT * FROM ({asked}
    ) AS asked LIMIT {most:d}) AS counted
    """


@asynccontextmanager
async def answered(
    database: Database,
    query: SavedQuery,
    values: Mapping[str, Value],
    *,
    seconds: float,
    idle: float = 60,
    role: str = ROLE,
    counted: int | None = None,
) -> AsyncIterator[Answer]:
    """The answer to a saved query, to be read within the block; each step of the server may take so many seconds.

    With `counted` it ends after so many rows, and their number is known with the first of them.
    Whoever stops reading for `idle` seconds is cut off, since meanwhile nobody else has the connection.

    Raises QueryTooLong, UsageError for a value that the query cannot work with, QueryRefused and DatabaseError.
    """
    bounds = {"timeout": str(int(seconds * 1000)), "idle": str(int(idle * 1000)), "role": role}
    async with database.transaction() as tx:
        await tx.execute(text(_BOUNDS), bounds)
        with _worded(query, seconds):
            asked = _bound(query)
            if counted is not None:
                asked = _COUNTED.format(asked=asked, most=counted)
            result = await tx.stream(text(asked), dict(values))
            columns = tuple(result.keys())
            try:
                yield Answer(columns if counted is None else columns[:-1], result, counted is not None)
            finally:
                # Left to itself where nobody reads to the end, a cursor of the driver complains.
                await result.close()


def _bound(query: SavedQuery) -> str:
    """The SQL with its parameters bound, each as of its type; no other colon is one."""
    types = {one.name: TYPES[one.type][0] for one in query.parameters}
    return query.written(
        lambda name: f"CAST(:{name} AS {types[name]})", rest=lambda piece: piece.replace(":", r"\:")
    )


@contextmanager
def _worded(query: SavedQuery, seconds: float) -> Iterator[None]:
    """Turn what the server says of a query into our words; what it says of its own state is left to others."""
    try:
        yield
    except DBAPIError as error:
        why = str(error.orig).strip().splitlines()[0]
        if isinstance(error.orig, refusals.QueryCanceled):
            raise QueryTooLong(
                f"{query.name} took longer than {seconds:g} s and was ended",
                "it has too much to go through",
                "ask for a shorter time or for one channel",
            ) from error
        if isinstance(error, DataError):
            raise UsageError(
                f"{query.name} cannot work with a value that it was given", why, "give another one"
            ) from error
        if isinstance(error, OperationalError | InterfaceError):
            raise
        raise QueryRefused(
            f"the database does not take {query.name}",
            why,
            "see its SQL, and that researchers may read all of research",
        ) from error
