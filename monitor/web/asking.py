"""A saved query asked from the site: what the URL gives it, the first rows of its answer, and the answer as a file.

Questions share the database with whoever reviews: few are answered at once, each within its time.
"""

import asyncio
import json
import shlex
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from numbers import Number
from typing import NamedTuple
from urllib.parse import urlencode

from monitor import queries
from monitor.answers import cell, csv_line, json_object
from monitor.errors import QueryTooLong, UsageError
from monitor.queries import Parameter, SavedQuery, Value
from monitor.store import research
from monitor.store.migrate import shipped
from monitor.store.research import Answer
from monitor.web.site import Site

MOST_ROWS, MOST_IN_FILE = 1000, 100_000
# One step of an answer, a whole file, and the wait for others who ask; in seconds.
SECONDS, FILE_SECONDS, TURN_SECONDS = 20.0, 300.0, 5.0
LONGEST_CELL = 400
_CHUNK = 64 * 1024


class BusyError(Exception):
    """As many questions as the site answers at once are being answered."""


@cache
def saved() -> dict[str, SavedQuery]:
    """The queries that come with the product."""
    return queries.load(shipped("docs/queries"))


@dataclass(slots=True)
class Question:
    """A query with what a URL gives it: what is written for each parameter, its value, and which are `wrong`."""

    query: SavedQuery
    written: dict[str, str]
    values: dict[str, Value] = field(default_factory=dict)
    wrong: list[Parameter] = field(default_factory=list)

    @classmethod
    def of(cls, query: SavedQuery, asked: Mapping[str, str]) -> "Question":
        """What a URL asks; a parameter that it does not name has its default."""
        made = cls(query, {one.name: asked.get(one.name, one.default) for one in query.parameters})
        for one in query.parameters:
            try:
                made.values[one.name] = one.value(made.written[one.name])
            except UsageError:
                made.wrong.append(one)
        return made

    @property
    def own(self) -> dict[str, str]:
        """What is written for the parameters that are not as by default."""
        return {
            one.name: self.written[one.name]
            for one in self.query.parameters
            if self.written[one.name] != one.default
        }

    @property
    def link(self) -> str:
        """The same as the query of a URL, with its question mark; empty where all is as by default."""
        return f"?{urlencode(self.own)}" if self.own else ""

    @property
    def command(self) -> str:
        """What asks the same in a shell, and gives all rows."""
        given = [part for name, words in self.own.items() for part in ("-p", f"{name}={words}")]
        return shlex.join(["monitor", "queries", "run", self.query.name, *given, "--csv"])


class Shown(NamedTuple):
    """One cell: its words, and where they lead."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of an answer, and how long they took. `numbers` are the columns to be set to the right."""

    columns: tuple[str, ...]
    rows: list[list[Shown]]
    numbers: frozenset[int]
    capped: bool
    seconds: float


async def table(site: Site, question: Question) -> Table:
    """The first rows. Raises BusyError, QueryTooLong, and UsageError for values that the query cannot work with."""
    began = time.monotonic()
    async with _answered(site, question) as answer:
        rows = [row async for row in answer.rows(MOST_ROWS + 1)]
    places = {name: place for place, name in enumerate(answer.columns)}
    return Table(
        columns=answer.columns,
        rows=[_shown(row, _links(places, row)) for row in rows[:MOST_ROWS]],
        numbers=frozenset(place for place in places.values() if _are_numbers([row[place] for row in rows])),
        capped=len(rows) > MOST_ROWS,
        seconds=time.monotonic() - began,
    )


@asynccontextmanager
async def _answered(site: Site, question: Question, counted: int | None = None) -> AsyncIterator[Answer]:
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await site.asking.acquire()
    except TimeoutError:
        raise BusyError from None
    try:
        async with research.answered(
            site.database, question.query, question.values, seconds=SECONDS, counted=counted
        ) as answer:
            yield answer
    finally:
        site.asking.release()


def _are_numbers(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, Number) and not isinstance(value, bool) for value in known)


def _shown(row: Sequence[object], links: Mapping[int, str]) -> list[Shown]:
    return [Shown(_cut(cell(value)), links.get(place)) for place, value in enumerate(row)]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1].rstrip() + "…"


def _links(places: Mapping[str, int], row: Sequence[object]) -> dict[int, str]:
    """Where cells of a row lead, by their places: channels, versions of posts, and a case."""
    found: dict[int, str] = {}
    for prefix in ("", "other_"):
        channel, message, version = (
            None if place is None else (place, row[place])
            for place in (places.get(prefix + name) for name in ("channel_id", "message_id", "version"))
        )
        if channel and channel[1] is not None:
            found[channel[0]] = f"/channel/{channel[1]}"
            if message and version:
                found[message[0]] = f"/p/{channel[1]}/{message[1]}@v{version[1]}"
    if "case_id" in places:
        found[places["case_id"]] = f"/case/{row[places['case_id']]}"
    return found


# --- files --------------------------------------------------------------------------------------------------


class Chunk(NamedTuple):
    """A piece of a file, and whether the file leaves out rows of the answer."""

    text: str
    cut: bool


async def csv_chunks(site: Site, question: Question) -> AsyncGenerator[Chunk, None]:
    """The answer as CSV, up to MOST_IN_FILE rows. Raises as `table` does, before the first chunk or in the middle."""
    async with _answered(site, question, MOST_IN_FILE + 1) as answer:
        async for text in _chunked(_csv_lines(answer)):
            yield Chunk(text, _is_cut(answer))


async def json_chunks(site: Site, question: Question) -> AsyncGenerator[Chunk, None]:
    """The answer as a JSON object, as `csv_chunks` does it: an object a line in `rows`, and whether it is `complete`."""
    async with _answered(site, question, MOST_IN_FILE + 1) as answer:
        async for text in _chunked(_json_lines(answer, cut(question.command))):
            yield Chunk(text, _is_cut(answer))


def cut(command: str) -> str:
    """What is said of a file that leaves out rows."""
    return f"only the first {MOST_IN_FILE} rows; {command} has all"


def _is_cut(answer: Answer) -> bool:
    return answer.total > MOST_IN_FILE


async def _csv_lines(answer: Answer) -> AsyncIterator[str]:
    yield csv_line(answer.columns)
    async for row in answer.rows(MOST_IN_FILE):
        yield csv_line(row)


async def _json_lines(answer: Answer, note: str) -> AsyncIterator[str]:
    yield '{"rows": ['
    before = "\n"
    async for row in answer.rows(MOST_IN_FILE):
        yield before + json_object(answer.columns, row)
        before = ",\n"
    yield (
        f'\n], "complete": false, "note": {json.dumps(note)}}}\n'
        if _is_cut(answer)
        else '\n], "complete": true}\n'
    )


async def _chunked(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Lines put together to what is worth sending. Raises QueryTooLong where whoever reads takes too long over it."""
    until = time.monotonic() + FILE_SECONDS
    held, size = [], 0
    async for line in lines:
        held.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield "".join(held)
            held, size = [], 0
            if time.monotonic() > until:
                raise QueryTooLong("a file took too long to be read", "its reader is slow", "ask for less")
    yield "".join(held)
