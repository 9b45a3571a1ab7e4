"""The files of an export that are for reading: what each column means, and how to cite the whole."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from monitor.formats.values import moment
from monitor.model import ExportColumn
from monitor.words import counted

DICTIONARY, CITATION = "dictionary.md", "CITATION.cff"


class Told(NamedTuple):
    """A view, for the dictionary."""

    view: str
    files: Sequence[str]
    meaning: str
    columns: Sequence[ExportColumn]


def dictionary(views: Iterable[Told]) -> str:
    """Every view and column with its meaning, as Markdown."""
    return "# What the files hold\n\n" + _TYPES + "".join(map(_view, views))


_TYPES = """\
The same columns have the same types in every format: `int64`, `float64`, `bool`, `text` (UTF-8), `timestamp` (UTC, to the
microsecond), `date`, `json` (its text, with the keys in a fixed order), `list<text>`, and `duration` (whole microseconds).
"""


def _view(told: Told) -> str:
    files = ", ".join(f"`{name}`" for name in told.files)
    columns = ((one.name, f"`{one.kind}`", one.meaning) for one in told.columns)
    return "\n" + section(told.view, [f"{files}. {told.meaning}"], columns)


def section(head: str, said: Iterable[str], columns: Iterable[tuple[str, str, str]]) -> str:
    """A view in Markdown: what is said of it, by paragraphs, and the name, type and meaning of each column."""
    rows = (f"| `{name}` | {kind} | {_cell(meaning)} |\n" for name, kind, meaning in columns)
    paragraphs = "".join(f"{words}\n\n" for words in said)
    return f"## {head}\n\n{paragraphs}| column | type | meaning |\n|---|---|---|\n" + "".join(rows)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


class Cited(NamedTuple):
    """What the citation names; without times of its own, since the same archive gives the same file."""

    version: str
    schema_version: str
    channels: int
    posts: int
    first: datetime | None
    last: datetime | None
    filters: Sequence[str]


def citation(cited: Cited) -> str:
    """A file in the Citation File Format 1.2.0 (citation-file-format.github.io); JSON strings are YAML strings too."""
    span = (
        f", posted from {moment(cited.first)} to {moment(cited.last)}" if cited.first and cited.last else ""
    )
    kept = f" Left out is what does not fit: {', '.join(cited.filters)}." if cited.filters else ""
    abstract = (
        f"{counted(cited.posts, 'post')} of {counted(cited.channels, 'public Telegram channel')}{span}, with their versions, and what rules and "
        f"analysts read in them; schema research {cited.schema_version}.{kept} manifest.json has the SHA-256 of each file."
    )
    fields = {
        "cff-version": "1.2.0",
        "message": "If you use this export, cite it with the date (made_at) and the hashes that manifest.json has.",
        "type": "dataset",
        "title": "An archive of public Telegram channels",
        "abstract": abstract,
        "version": cited.schema_version,
    }
    written = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())
    authors = 'authors:\n  - name: "The keepers of this archive"\n'
    made = f'references:\n  - type: software\n    title: "telegram-channel-monitor"\n    version: {json.dumps(cited.version)}\n'
    return (
        written + authors + made + '    authors:\n      - name: "The authors of telegram-channel-monitor"\n'
    )
