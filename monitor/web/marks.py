"""A text cut into pieces, each with the flag spans and figures upon it, so that a template marks it without trusting it.

Spans may overlap in any way; a piece ends wherever one of them begins or ends. A figure's tag stands after the
piece that the figure ends with. The pieces joined are the text, to the letter, its line breaks too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple, Protocol

from monitor.model import Figure, Flag


class TopicSpan(NamedTuple):
    """Where a text shows a topic: character offsets, end excluded, and the term of the rules that matched."""

    topic: str
    start: int
    end: int
    term: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text, and what covers it: places in the lists of spans and figures that it was cut by.

    `tags` are the figures that end with this piece.
    """

    text: str
    spans: tuple[int, ...] = ()
    figures: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()


class _Stretch(Protocol):
    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


def spans_of(flags: Iterable[Flag]) -> tuple[TopicSpan, ...]:
    """The spans of flags, in the order of the text; at one place, the longer first."""
    found = [TopicSpan(flag.topic, span.start, span.end, span.term) for flag in flags for span in flag.spans]
    return tuple(sorted(found, key=lambda span: (span.start, -span.end, span.topic)))


def pieces(text: str, spans: Sequence[TopicSpan], figures: Sequence[Figure]) -> tuple[Piece, ...]:
    """The pieces of a text; raises ValueError for spans and figures that are empty or reach out of it."""
    _refuse_misfits(text, spans, figures)
    ends = chain.from_iterable((mark.start, mark.end) for mark in chain[_Stretch](spans, figures))
    edges = sorted({0, len(text), *ends})
    tags = defaultdict(list)
    for number, figure in enumerate(figures):
        tags[figure.end].append(number)
    covered = zip(pairwise(edges), _covers(spans, edges), _covers(figures, edges), strict=True)
    return tuple(
        Piece(text[start:end], topics, numbers, tuple(tags[end])) for (start, end), topics, numbers in covered
    )


def _covers(marks: Sequence[_Stretch], edges: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """For each piece between two edges, the marks upon it."""
    opened, closed = defaultdict(list), defaultdict(list)
    for number, mark in enumerate(marks):
        opened[mark.start].append(number)
        closed[mark.end].append(number)
    active: set[int] = set()
    for edge in edges[:-1]:
        active.difference_update(closed[edge])
        active.update(opened[edge])
        yield tuple(sorted(active))


def _refuse_misfits(text: str, spans: Sequence[TopicSpan], figures: Sequence[Figure]) -> None:
    misfits = [f"{span.topic} {span.start}–{span.end}" for span in spans if not _fits(span, text)]
    misfits += [f"{figure.kind} {figure.start}–{figure.end}" for figure in figures if not _fits(figure, text)]
    if misfits:
        message = f"these do not fit a text of {len(text)} characters: {', '.join(misfits)}"
        raise ValueError(message)


def _fits(mark: _Stretch, text: str) -> bool:
    return 0 <= mark.start < mark.end <= len(text)
