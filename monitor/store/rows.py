"""Readings as rows: plain values, in the order in which they are written, and cheap to hand between processes.

A row begins with the place of its text in the batch that was read.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from monitor.model import Figure, Flag, Qualifier, Reading, Scope, Side, Span, Stance, inferred_side


class FlagRow(NamedTuple):
    """A flag; `spans` is JSON."""

    place: int
    topic: str
    spans: str
    raised: bool


class FigureRow(NamedTuple):
    """A figure; `number` is its place among those of the text, from 1."""

    place: int
    number: int
    kind: str
    low: float | None
    high: float | None
    qualifier: str
    side: str
    stance: str | None
    side_inferred: str | None
    scope: str | None
    since: date | None
    first_char: int
    end_char: int
    term: str


class Rows(NamedTuple):
    """What a batch of texts gave, as bare tuples in the form of FlagRow and FigureRow."""

    flags: list[tuple[Any, ...]]
    figures: list[tuple[Any, ...]]


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


def _values(figure: Figure, watched: str) -> tuple[Any, ...]:
    inferred = inferred_side(figure, watched)
    return (
        figure.kind,
        None if figure.low is None else float(figure.low),
        None if figure.high is None else float(figure.high),
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
