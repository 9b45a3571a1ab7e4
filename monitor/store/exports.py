"""What is taken out of the archive: the views of `research`, each in the order of its key, and which rows belong.

A row belongs if its post does; what speaks of channels, looks or rules and of no post belongs if its channel does and,
where it has a span of time, if that meets the window, or for looks the time from its beginning on.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from psycopg import sql
from sqlalchemy import text

from monitor.errors import UsageError
from monitor.model import ColumnKind, ExportColumn
from monitor.store import research
from monitor.store.database import Transaction, driver_of

Row = tuple[object, ...]
# One batch is one row group, and with its columns and its compressed form all that is in memory at a time.
MOST_ROWS, MOST_CHARACTERS = 5_000, 1_000_000


class Channel(NamedTuple):
    """A channel that was chosen; without an id where no channel was ever seen under the handle."""

    channel_id: int | None
    handle: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which posts are taken: posted in [since, until), flagged with a topic, of some channels; and as they were when."""

    since: datetime | None = None
    until: datetime | None = None
    topic: str | None = None
    channels: tuple[Channel, ...] = ()
    as_of: datetime | None = None

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return any((self.since, self.until, self.topic, self.channels, self.as_of))


class Part(NamedTuple):
    """A view as it is taken out."""

    view: str
    meaning: str
    columns: tuple[ExportColumn, ...]
    query: str


class _By(Enum):
    """What a row of a view hangs on."""

    POST = auto()
    VERSION = auto()
    CASE = auto()
    CHANNEL = auto()
    LOOK = auto()  # a channel or, where none was seen, a handle
    ALL = auto()
    WHOLE = auto()  # sums over the archive, which a part of it has not


class _Source(NamedTuple):
    view: str
    key: tuple[str, ...]
    by: _By
    # When the row came to be known, for what was known at a time; and its span, where it has one. A look has no first
    # moment here: one that is made later may be at what was posted before.
    known: str | None = None
    span: tuple[str | None, str] | None = None


_POST = ("channel_id", "message_id")
_VERSION = (*_POST, "version")
_READ = (*_VERSION, "ruleset")
AS_OF = "posts_as_of"
# What the step `index` makes of the others in any archive.
MADE_AGAIN = frozenset({"search_texts", "daily_posts", "daily_figures"})
SOURCES = (
    _Source("channels", ("channel_id",), _By.CHANNEL),
    _Source("channel_history", ("channel_id", "version"), _By.CHANNEL, known="seen_at"),
    _Source("watches", ("handle",), _By.LOOK),
    _Source("posts", _POST, _By.POST),
    _Source("versions", _VERSION, _By.VERSION),
    _Source("counts", (*_POST, "seen_at"), _By.POST, known="seen_at"),
    _Source("forwards", _POST, _By.POST),
    _Source("media", ("media_id",), _By.POST),
    _Source("flags", (*_READ, "topic"), _By.VERSION),
    _Source("mentions", (*_READ, "topic"), _By.VERSION),
    _Source("places", (*_READ, "topic", "first_char", "end_char", "name", "latitude", "longitude"), _By.VERSION),
    _Source("figures", (*_READ, "number"), _By.VERSION),
    _Source("cases", ("case_id",), _By.CASE),
    _Source("copies", ("case_id", *_POST), _By.POST),
    _Source("decisions", ("decision_id",), _By.CASE),
    _Source("figure_decisions", ("figure_decision_id",), _By.VERSION),
    _Source("confirmed_figures", (*_READ, "number"), _By.VERSION),
    _Source("rule_precision", ("topic", "term", "ruleset"), _By.WHOLE),
    _Source("rulesets", ("ruleset_id",), _By.ALL),
    _Source(
        "coverage",
        (
            *("channel_id", "handle", "started_at", "ended_at", "source", "kind", "outcome"),
            *("first_id", "last_id", "looks", "detail"),
        ),
        _By.LOOK,
        known="started_at",
        span=(None, "ended_at"),
    ),
    _Source("gaps", ("handle", "since", "until"), _By.LOOK, known="since", span=("since", "until")),
    _Source("vacant_ids", ("channel_id", "first_id"), _By.CHANNEL, known="proven_at"),
    _Source("tombstones", _VERSION, _By.CHANNEL, known="purged_at"),
)  # fmt: skip

# How Postgres calls a type, what we make of it, and how it is asked for.
_KINDS = {
    "bigint": ColumnKind.INTEGER,
    "integer": ColumnKind.INTEGER,
    "smallint": ColumnKind.INTEGER,
    "double precision": ColumnKind.DOUBLE,
    "boolean": ColumnKind.BOOLEAN,
    "text": ColumnKind.TEXT,
    "timestamp with time zone": ColumnKind.TIMESTAMP,
    "date": ColumnKind.DATE,
    "jsonb": ColumnKind.JSON,
    "text[]": ColumnKind.TEXTS,
    "interval": ColumnKind.SPAN,
}
_ASKED = {
    ColumnKind.INTEGER: "r.{0}::bigint",
    ColumnKind.JSON: "r.{0}::text",
    ColumnKind.SPAN: "(extract(epoch FROM r.{0}) * 1000000)::bigint",
}
WIRE = {
    ColumnKind.INTEGER: "int8",
    ColumnKind.DOUBLE: "float8",
    ColumnKind.BOOLEAN: "bool",
    ColumnKind.TEXT: "text",
    ColumnKind.TIMESTAMP: "timestamptz",
    ColumnKind.DATE: "date",
    ColumnKind.JSON: "text",
    ColumnKind.TEXTS: "text[]",
    ColumnKind.SPAN: "int8",
}
_HEAVY = (ColumnKind.TEXT, ColumnKind.JSON)

# A function's columns have no comments in the catalogue; all but this one are those of other views.
_SAID_FROM = (
    "From when on this version was in force: its edit, else the time of posting or when it was first seen"
)


async def schema_version(tx: Transaction) -> str:
    """The version of the researchers' schema, as 1.0."""
    return str((await tx.execute(text("SELECT schema_version FROM research.meta"))).scalar_one())


async def views(tx: Transaction) -> dict[str, tuple[str, tuple[ExportColumn, ...]]]:
    """The meaning and the columns of every view that is taken out, and of what was said at a time, by its name."""
    return {
        view.name: (
            view.meaning,
            tuple(ExportColumn(one.name, _KINDS[one.type], one.meaning) for one in view.columns),
        )
        for view in await research.catalogue(tx)
        if view.name == AS_OF or (view.arguments is None and view.name not in MADE_AGAIN)
    }


async def parts(tx: Transaction, selection: Selection) -> list[Part]:
    """What is taken out under a selection, view by view."""
    known = await views(tx)
    made = [
        _part(source, known, selection) for source in SOURCES if not (selection and source.by is _By.WHOLE)
    ]
    if selection.as_of is None:
        return made
    return [_as_of(known, selection) if part.view == "posts" else part for part in made]


def _part(
    source: _Source, known: dict[str, tuple[str, tuple[ExportColumn, ...]]], selection: Selection
) -> Part:
    meaning, columns = known[source.view]
    where = _where(source, selection)
    return Part(source.view, meaning, columns, _query(f"research.{source.view}", columns, where, source.key))


def _as_of(known: dict[str, tuple[str, tuple[ExportColumn, ...]]], selection: Selection) -> Part:
    meaning, columns = known[AS_OF]
    notes = {column.name: column.meaning for view in ("posts", "versions") for column in known[view][1]}
    notes["said_from"] = _SAID_FROM
    told = tuple(column._replace(meaning=notes[column.name]) for column in columns)
    return Part(AS_OF, meaning, told, _query(_posts_of(selection), told, _of_posts("r", selection), _POST))


def _query(origin: str, columns: Sequence[ExportColumn], where: Iterable[str], key: Iterable[str]) -> str:
    asked = ", ".join(_asked(column) for column in columns)
    kinds = {column.name: column.kind for column in columns}
    # Else the order of words would be that of the server's locale.
    order = ", ".join(
        f'r.{name} COLLATE "C"' if kinds[name] is ColumnKind.TEXT else f"r.{name}" for name in key
    )
    conditions = " AND ".join(where)
    return f"SELECT {asked} FROM {origin} r{f' WHERE {conditions}' if conditions else ''} ORDER BY {order}"  # noqa: S608


def _asked(column: ExportColumn) -> str:
    name = f'"{column.name}"'
    return f"{_ASKED.get(column.kind, 'r.{0}').format(name)} AS {name}"


def _where(source: _Source, selection: Selection) -> list[str]:
    """The conditions on the rows of a view."""
    if not selection or source.by in (_By.ALL, _By.WHOLE):
        return []
    if source.view == "posts":
        return _of_posts("r", selection)
    if source.by in (_By.POST, _By.VERSION, _By.CASE):
        conditions = [_hangs_on(source.by, selection)]
    else:
        conditions = _of_channels(source, selection)
    if source.known is not None and selection.as_of is not None:
        conditions.append(f"r.{source.known} <= {_literal(selection.as_of)}")
    return conditions


def _hangs_on(by: _By, selection: Selection) -> str:
    as_of = selection.as_of is not None
    key = _VERSION if by is _By.VERSION and as_of else _POST
    chosen = f"FROM {_posts_of(selection)} p WHERE {' AND '.join(_of_posts('p', selection)) or 'true'}"
    among = f"({', '.join(f'{{0}}.{name}' for name in key)}) IN (SELECT {', '.join(f'p.{name}' for name in key)} {chosen})"
    if by is _By.CASE:
        return f"r.case_id IN (SELECT m.case_id FROM research.copies m WHERE {among.format('m')})"  # noqa: S608
    return among.format("r")


def _posts_of(selection: Selection) -> str:
    if selection.as_of is None:
        return "research.posts"
    return f"research.posts_as_of({_literal(selection.as_of)})"


def _of_posts(post: str, selection: Selection) -> list[str]:
    conditions = []
    if selection.since is not None:
        conditions.append(f"{post}.posted_at >= {_literal(selection.since)}")
    if selection.until is not None:
        conditions.append(f"{post}.posted_at < {_literal(selection.until)}")
    if selection.channels:
        conditions.append(_in(f"{post}.channel_id", [one.channel_id for one in selection.channels]))
    if selection.topic is not None:
        held = "f.is_current" if selection.as_of is None else f"f.version = {post}.version"
        conditions.append(
            f"EXISTS (SELECT FROM research.flags f WHERE f.channel_id = {post}.channel_id"
            f" AND f.message_id = {post}.message_id AND f.topic = {_literal(selection.topic)} AND {held})"
        )
    return conditions


def _of_channels(source: _Source, selection: Selection) -> list[str]:
    conditions = []
    if selection.channels:
        ours = _in("r.channel_id", [one.channel_id for one in selection.channels])
        handles = _in("lower(r.handle)", [one.handle for one in selection.channels])
        unseen = f" OR r.channel_id IS NULL AND {handles}" if source.by is _By.LOOK else ""
        conditions.append(f"({ours}{unseen})")
    if source.span is not None and selection.since is not None:
        conditions.append(f"r.{source.span[1]} >= {_literal(selection.since)}")
    if source.span is not None and source.span[0] is not None and selection.until is not None:
        conditions.append(f"r.{source.span[0]} < {_literal(selection.until)}")
    return conditions


def _in(name: str, values: Iterable[object]) -> str:
    known = [value for value in values if value is not None]
    return f"{name} IN ({', '.join(map(_literal, known))})" if known else "false"


def _literal(value: object) -> str:
    return sql.Literal(value).as_string(None)


async def channel_named(tx: Transaction, name: str) -> Channel:
    """The channel of an id or a handle; of those that bore the handle, the last. Raises UsageError for an unknown one."""
    rows = await tx.execute(
        text(
            """
            SELECT channel_id, handle FROM (
                SELECT channel_id, lower(handle) AS handle, seen_at FROM monitor.channel_versions
                WHERE channel_id::text = :name OR lower(handle) = :name
                UNION ALL SELECT channel_id, handle, '-infinity' FROM monitor.watches WHERE handle = :name) AS known
            ORDER BY seen_at DESC LIMIT 1
            """
        ),
        {"name": name.lower()},
    )
    row = rows.first()
    if row is None:
        raise UsageError(
            f"no channel {name} is held",
            "no channel of this name or number was seen",
            "see `monitor channels list`",
        )
    return Channel(row.channel_id, row.handle)


async def any_flagged(tx: Transaction, topic: str) -> bool:
    """Whether any post is flagged with a topic."""
    asked = "SELECT EXISTS (SELECT FROM research.flags WHERE topic = :topic)"
    return bool((await tx.execute(text(asked), {"topic": topic})).scalar_one())


async def rows(tx: Transaction, part: Part) -> AsyncGenerator[list[Row], None]:
    """The rows of a view in batches, as they come from the server."""
    heavy = [place for place, column in enumerate(part.columns) if column.kind in _HEAVY]
    batch: list[Row] = []
    size = 0
    driver = await driver_of(tx)
    async with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY ({part.query}) TO STDOUT (FORMAT binary)") as copy,
    ):
        copy.set_types([WIRE[column.kind] for column in part.columns])
        async for row in copy.rows():
            batch.append(row)
            size += sum(len(row[place] or "") for place in heavy)
            if len(batch) >= MOST_ROWS or size >= MOST_CHARACTERS:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch
