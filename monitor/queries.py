"""Saved queries of researchers: files of SQL over the schema `research`, each with a header that says what it asks.

The header is comments at the head of the file, in any order:

    -- title: Who first claimed a number
    -- question: Which channel was the first to state each figure?
    -- ru title: …          -- ru question: …
    -- portable: yes
    -- :kind text = : this kind alone; empty for all
    -- ru :kind: …

A parameter stands in the SQL as `:kind`, and always has a default. A portable query also runs in DuckDB over files of
the views. Whatever does not fit is refused with the name of the file and the line.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from monitor.errors import SettingsError, UsageError
from monitor.model import Language

Value = str | int | datetime | date | timedelta
# What a type is called in SQL, and how a value of it is told to a person.
TYPES = {
    "text": ("text", "words"),
    "integer": ("bigint", "a whole number, such as 20"),
    "timestamp": ("timestamptz", "a time in UTC, such as 2024-08-06 13:00"),
    "date": ("date", "a day, such as 2024-08-06"),
    "interval": ("interval", "a length of time, such as 90 minutes or 1 day 6 hours"),
}
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_LARGEST, _LONGEST = 2**63 - 1, timedelta(days=36500)
_MOST_WORDS = 1000
# Nearer the ends of the calendar its arithmetic breaks.
_YEARS = range(1000, 3000)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SAID = re.compile(r"(ru )?(title|question|portable|:[a-z][a-z0-9_]*): (.*)")
_PARAMETER = re.compile(r":([a-z][a-z0-9_]*) ([a-z]+) = (.*?): (.*)")
# What a colon means depends on where it stands: strings, names, comments and casts are taken as a whole.
_TOKENS = re.compile(
    r"(?P<other>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::)|:(?P<name>[a-z][a-z0-9_]*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Said:
    """Words in English, and in Russian where the file has them."""

    english: str = ""
    russian: str = ""

    def in_(self, language: Language) -> str:
        """In a language, else in English."""
        return self.russian if language is Language.RUSSIAN and self.russian else self.english


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type is a key of TYPES, its default as it is written."""

    name: str
    type: str
    default: str
    meaning: Said

    def value(self, written: str | None) -> Value:
        """What is written as a value of its type; the default where nothing is. Raises UsageError."""
        if written is None or (self.type != "text" and not written.strip()):
            written = self.default
        try:
            if "\x00" in written:
                raise ValueError
            return _READERS[self.type](written)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"{self.name} takes no {written[:40]!r}",
                f"it takes {TYPES[self.type][1]}",
                f"write it so, or leave it out for {self.default or 'nothing'!r}",
            ) from error


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One file: `sql` is all of it without the header."""

    name: str
    title: Said
    question: Said
    parameters: tuple[Parameter, ...]
    sql: str
    portable: bool = False

    def values(self, written: Mapping[str, str]) -> dict[str, Value]:
        """A value for each parameter, the default where none is written. Raises UsageError; what is no parameter is left out."""
        return {one.name: one.value(written.get(one.name)) for one in self.parameters}

    def known(self, written: Mapping[str, str]) -> None:
        """Raise UsageError for what is no parameter of this query."""
        names = [one.name for one in self.parameters]
        for name in written:
            if name not in names:
                raise UsageError(
                    f"{self.name} has no parameter {name}",
                    f"it has {', '.join(names) or 'none'}",
                    f"see monitor queries show {self.name}",
                )

    def written(self, put: Callable[[str], str], *, rest: Callable[[str], str] = str) -> str:
        """The SQL with each parameter as `put` writes it by its name, and all else as `rest` does."""
        return "".join(put(piece) if is_name else rest(piece) for piece, is_name in _pieces(self.sql))

    def filled(self, values: Mapping[str, Value]) -> str:
        """The SQL with values in place of its parameters, as a person pastes it into psql or DuckDB."""
        return self.written(lambda name: literal(values[name]))


@dataclass(slots=True)
class _Header:
    """What the lines of a header have said so far; `ru` is by the same names as `said`."""

    said: dict[str, str] = field(default_factory=dict)
    ru: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)


def load(directory: Path) -> dict[str, SavedQuery]:
    """The queries of a directory by their names, in order. Raises SettingsError for a file that is none."""
    found = sorted(directory.glob("*.sql"))
    if not found:
        raise SettingsError(
            f"no saved queries in {directory}", "there is no file *.sql", "install the package anew"
        )
    return {path.stem: parse(path.stem, path.read_text(encoding="utf-8")) for path in found}


def parse(name: str, text: str) -> SavedQuery:
    """A file as a query. Raises SettingsError."""
    fail = partial(_broken, name)
    if not _NAME.fullmatch(name):
        raise fail(1, "its name has other characters than small letters, digits and hyphens")
    lines = text.splitlines()
    head = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = _Header()
    for number, line in enumerate(lines[:head], 1):
        _read(header, line.removeprefix("--").strip(), partial(fail, number))
    sql = "\n".join(lines[head:]).strip()
    _check(header, sql, partial(fail, head + 1))
    return SavedQuery(
        name=name,
        title=Said(header.said["title"], header.ru.get("title", "")),
        question=Said(header.said["question"], header.ru.get("question", "")),
        parameters=tuple(
            replace(one, meaning=Said(one.meaning.english, header.ru.get(f":{one.name}", "")))
            for one in header.parameters.values()
        ),
        sql=sql,
        portable=header.said.get("portable") == "yes",
    )


def _broken(name: str, line: int, why: str) -> SettingsError:
    return SettingsError(
        f"{name}.sql, line {line} cannot be read", why, "docs/queries.md says how a saved query is written"
    )


def _read(header: _Header, line: str, fail: Callable[[str], SettingsError]) -> None:
    """Take one line of a header."""
    if found := _PARAMETER.fullmatch(line):
        _add(header, found, fail)
        return
    found = _SAID.fullmatch(line)
    if found is None:
        raise fail("it is neither a parameter nor one of title, question, portable, each followed by a colon")
    into, key, words = header.ru if found[1] else header.said, found[2], found[3].strip()
    if key in into or not words:
        raise fail(f"{key} is said twice, or is empty")
    if key == "portable" and words not in ("yes", "no"):
        raise fail("portable is yes or no")
    if key.startswith(":") and not found[1]:
        raise fail(f"a parameter is written {key} type = default: meaning")
    into[key] = words


def _add(header: _Header, found: re.Match[str], fail: Callable[[str], SettingsError]) -> None:
    name, kind, default, meaning = found[1], found[2], found[3], found[4].strip()
    if kind not in TYPES:
        raise fail(f"there is no type {kind}; there are {', '.join(TYPES)}")
    if name in header.parameters or not meaning:
        raise fail(f"the parameter {name} is there twice, or its meaning is empty")
    if kind != "text" and not default:
        raise fail(f"the parameter {name} has no default")
    made = Parameter(name, kind, default, Said(meaning))
    try:
        made.value(None)
    except UsageError as error:
        raise fail(error.what) from error
    header.parameters[name] = made


def _check(header: _Header, sql: str, fail: Callable[[str], SettingsError]) -> None:
    """That a header is whole, and has the parameters of its SQL and no others."""
    for key in ("title", "question"):
        if key not in header.said:
            raise fail(f"it has no {key}")
    if not sql or ";" in _TOKENS.sub("", sql):
        raise fail("after the header stands one query, without a semicolon")
    used = {piece for piece, is_name in _pieces(sql) if is_name}
    told = {key.removeprefix(":") for key in header.ru if key.startswith(":")}
    for name in sorted(used ^ header.parameters.keys() | told - header.parameters.keys()):
        raise fail(f"the parameter {name} is not both in the header and in the query")


def _pieces(sql: str) -> Iterator[tuple[str, bool]]:
    """The parts of a query in order, and whether each is the name of a parameter."""
    end = 0
    for found in _TOKENS.finditer(sql):
        yield sql[end : found.start()], False
        yield (found["other"], False) if found["name"] is None else (found["name"], True)
        end = found.end()
    yield sql[end:], False


def literal(value: Value) -> str:
    """A value in standard SQL."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, timedelta):
        return f"INTERVAL '{int(value.total_seconds())} seconds'"
    return "'" + value.replace("'", "''") + "'"


# --- values as a person writes them -------------------------------------------------------------------------


def _words(written: str) -> str:
    if len(written) > _MOST_WORDS:
        raise ValueError
    return written


def _integer(written: str) -> int:
    # Longer ones Python does not even read.
    number = int(written) if len(written) <= 20 and written.isascii() else _LARGEST + 1  # noqa: PLR2004
    if abs(number) > _LARGEST:
        raise ValueError
    return number


def _timestamp(written: str) -> datetime:
    # Where a URL is typed by hand, the plus of a zone is a space.
    at = datetime.fromisoformat(re.sub(r"(:\d\d) (\d\d:?\d\d)$", r"\1+\2", written.strip()))
    _in_range(at)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _day(written: str) -> date:
    day = date.fromisoformat(written.strip())
    _in_range(day)
    return day


def _in_range(day: date) -> None:
    if day.year not in _YEARS:
        raise ValueError


def _interval(written: str) -> timedelta:
    words = written.lower().split()
    if not words or len(words) % 2:
        raise ValueError
    total = timedelta()
    for number, unit in zip(words[::2], words[1::2], strict=True):
        size = _UNITS.get(unit.removesuffix("s"))
        if size is None or not number.isdecimal() or not number.isascii():
            raise ValueError
        total += timedelta(seconds=int(number) * size)
    if total > _LONGEST:
        raise ValueError
    return total


_READERS: Mapping[str, Callable[[str], Value]] = {
    "text": _words,
    "integer": _integer,
    "timestamp": _timestamp,
    "date": _day,
    "interval": _interval,
}
