"""Readings as rows of plain values, and as columns in the form in which they are written.

Both are cheap to hand between processes. Each value has, as its place, that of its text in the batch read.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from monitor.model import Figure, Flag, Qualifier, Reading, Scope, Side, Span, Stance, inferred_side

FLAG = ("topic", "spans", "raised")
FIGURE = (
    "number",
    "kind",
    "low",
    "high",
    "qualifier",
    "side",
    "stance",
    "side_inferred",
    "scope",
    "since",
    "first_char",
    "end_char",
    "term",
)


class Packed(NamedTuple):
    """Texts as one run of UTF-8 and the length of each in bytes; a process hands them on without a look at them."""

    sizes: list[int]
    body: bytes

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Packed":
        """Texts, packed."""
        encoded = [text.encode() for text in texts]
        return cls(list(map(len, encoded)), b"".join(encoded))

    def texts(self) -> Iterator[str]:
        """The texts one by one."""
        at = 0
        for size in self.sizes:
            yield self.body[at : at + size].decode()
            at += size


class Rows(NamedTuple):
    """What a batch of texts gave: tuples of a place and then the values of FLAG (spans as JSON) or FIGURE."""

    flags: list[tuple[Any, ...]]
    figures: list[tuple[Any, ...]]


class Columns(NamedTuple):
    """The same as places, and for each of FLAG or FIGURE one array as Postgres writes it; `raised` are places alone."""

    flag_places: list[int]
    flags: tuple[str, ...]
    figure_places: list[int]
    figures: tuple[str, ...]
    raised: frozenset[int]


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def rows_of(readings: Iterable[Reading], sides: Sequence[str]) -> Rows:
    """The rows of what texts said, each in a channel whose watch has the side that stands at its place."""
    rows = Rows([], [])
    for place, reading in enumerate(readings):
        for flag in reading.flags:
            rows.flags.append((place, flag.topic, _spans(flag.spans), flag.raised))
        for number, figure in enumerate(reading.figures, 1):
            rows.figures.append((place, number, *_values(figure, sides[place])))
    return rows


def columns_of(readings: Iterable[Reading], sides: Sequence[str]) -> Columns:
    """The columns of what texts said, as `rows_of` has the rows."""
    rows = rows_of(readings, sides)
    flag_places, flags = _transposed(rows.flags)
    figure_places, figures = _transposed(rows.figures)
    raised = frozenset(place for place, _, _, is_raised in rows.flags if is_raised)
    return Columns(flag_places, flags, figure_places, figures, raised)


def _transposed(rows: Sequence[tuple[Any, ...]]) -> tuple[list[int], tuple[str, ...]]:
    if not rows:
        return [], ()
    places, *columns = zip(*rows, strict=True)
    return list(places), tuple(map(array, columns))


def array(values: Iterable[str | float | date | None]) -> str:
    """An array as Postgres writes it; the driver would take ten times as long for each value."""
    return "{" + ",".join(map(_element, values)) + "}"


def integers(values: Iterable[int]) -> str:
    """The same of whole numbers."""
    return "{" + ",".join(map(str, values)) + "}"


def _element(value: str | float | date | None) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else str(value)


def _values(figure: Figure, watched: str) -> tuple[Any, ...]:
    inferred = inferred_side(figure, watched)
    return (
        figure.kind,
        figure.low,
        figure.high,
        figure.qualifier.value,
        figure.side.value,
        figure.stance.value if figure.stance else None,
        inferred.value if inferred else None,
        figure.scope.value if figure.scope else None,
        figure.since,
        figure.start,
        figure.end,
        figure.term,
    )


def _spans(spans: Iterable[Span]) -> str:
    return _encode([span_as_json(span) for span in spans])


def span_as_json(span: Span) -> dict[str, object]:
    """A span for programs, with latitude and longitude where it is a place."""
    start, end, term, at = span
    bare: dict[str, object] = {"start": start, "end": end, "term": term}
    return bare if at is None else bare | {"lat": at[0], "lon": at[1]}


def flag_of(topic: str, spans: Iterable[dict[str, Any]]) -> Flag:
    """A flag as it is kept."""
    return Flag(
        topic,
        tuple(
            Span(s["start"], s["end"], s["term"], (s["lat"], s["lon"]) if "lat" in s else None) for s in spans
        ),
    )


def figure_of(values: dict[str, Any]) -> Figure:
    """A figure as it is kept; `values` has the columns by name, `since` as an ISO date."""
    return Figure(
        start=values["first_char"],
        end=values["end_char"],
        kind=values["kind"],
        low=values["low"],
        high=values["high"],
        qualifier=Qualifier(values["qualifier"]),
        side=Side(values["side"]),
        stance=Stance(values["stance"]) if values["stance"] else None,
        scope=Scope(values["scope"]) if values["scope"] else None,
        since=date.fromisoformat(values["since"]) if values["since"] else None,
        term=values["term"],
    )
