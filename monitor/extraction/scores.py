"""How well the rules read labelled posts: precision, recall and F1 of topics and figures, and what was confused.

A figure read and one labelled are a pair if they overlap in the text, each in one pair at most; the pairs that agree
in most are made first.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.errors import UsageError
from monitor.extraction.rules import Rules
from monitor.model import Figure, Qualifier, Side


@dataclass(slots=True)
class Score:
    """Hits, false alarms and misses, and what follows from them; a ratio is None where nothing was to be found."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """The share of what was read that is right."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of what is there that was read."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of the two."""
        total = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / total if total else None

    def count(self, *, there: bool, found: bool, right: bool) -> None:
        """Count one thing that is there, or was found, or both; only what is `right` is a hit."""
        self.hits += right
        self.false += found and not right
        self.missed += there and not right


@dataclass(frozen=True, slots=True)
class Labelled:
    """A post as a person read it: its topics, and its figures."""

    name: str
    text: str
    topics: Mapping[str, bool]
    figures: tuple[Figure, ...]


@dataclass(slots=True)
class Kinds:
    """The scores of one kind of figure: found at all; with kind and bounds right; whose they are, of those that say."""

    span: Score = field(default_factory=Score)
    value: Score = field(default_factory=Score)
    sides: Counter[bool] = field(default_factory=Counter)


@dataclass(slots=True)
class Scores:
    """What evaluating gave; `worst` names posts with how many of their figures are wrong."""

    posts: int = 0
    topics: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    kinds: dict[str, Kinds] = field(default_factory=lambda: defaultdict(Kinds))
    troop: Kinds = field(default_factory=Kinds)
    exact: Score = field(default_factory=Score)
    confused: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst: list[tuple[int, str, str]] = field(default_factory=list)


NONE = "-"
Pair = tuple[Figure | None, Figure | None]


def pairs_of(labelled: Iterable[Figure], read: Iterable[Figure]) -> Iterator[Pair]:
    """Labelled and read figures side by side; None stands where the other side has none."""
    there, found = list(labelled), list(read)
    closeness = sorted(
        (
            (_closeness(one, other), i, j)
            for i, one in enumerate(there)
            for j, other in enumerate(found)
            if _overlap(one, other) > 0
        ),
        reverse=True,
    )
    left, right = set[int](), set[int]()
    for _, i, j in closeness:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            yield there[i], found[j]
    yield from ((one, None) for i, one in enumerate(there) if i not in left)
    yield from ((None, other) for j, other in enumerate(found) if j not in right)


def _overlap(one: Figure, other: Figure) -> int:
    return min(one.end, other.end) - max(one.start, other.start)


def _closeness(one: Figure, other: Figure) -> tuple[bool, bool, int]:
    return same_value(one, other), one.kind == other.kind, _overlap(one, other)


def same_value(one: Figure, other: Figure) -> bool:
    """Whether two figures agree in kind and bounds."""
    return (one.kind, one.low, one.high) == (other.kind, other.low, other.high)


def score(rules: Rules, posts: Iterable[Labelled]) -> Scores:
    """Read labelled posts and compare."""
    scores = Scores()
    for post in posts:
        reading = rules.read(post.text)
        scores.posts += 1
        flagged = {flag.topic for flag in reading.flags}
        for topic, there in post.topics.items():
            scores.topics[topic].count(there=there, found=topic in flagged, right=there and topic in flagged)
        wrong = sum(_count(scores, pair, rules) for pair in pairs_of(post.figures, reading.figures))
        wrong += sum((topic in flagged) != there for topic, there in post.topics.items())
        if wrong:
            scores.worst.append((wrong, post.name, post.text))
    scores.worst.sort(key=lambda row: -row[0])
    return scores


def _count(scores: Scores, pair: Pair, rules: Rules) -> bool:
    """Count one pair; gives whether a troop figure of it is wrong."""
    labelled, read = pair
    there, found = labelled.kind if labelled else NONE, read.kind if read else NONE
    scores.confused[there, found] += 1
    right = labelled is not None and read is not None and same_value(labelled, read)
    for kind in {there, found} - {NONE}:
        _add(scores.kinds[kind], pair, there=there == kind, found=found == kind, right=right)
    troop = (there in rules.troop_kinds, found in rules.troop_kinds)
    if any(troop):
        _add(scores.troop, pair, there=troop[0], found=troop[1], right=right)
        exact = right and _place(labelled) == _place(read)
        scores.exact.count(there=troop[0], found=troop[1], right=exact)
    return any(troop) and not right


def _add(kinds: Kinds, pair: Pair, *, there: bool, found: bool, right: bool) -> None:
    """Count a pair for a kind that is labelled `there`, or `found`, or both."""
    labelled, read = pair
    kinds.span.count(there=there, found=found, right=labelled is not None and read is not None)
    kinds.value.count(there=there, found=found, right=right)
    if there and labelled is not None and read is not None and labelled.side is not Side.UNKNOWN:
        kinds.sides[labelled.side == read.side] += 1


def _place(figure: Figure | None) -> tuple[int, int] | None:
    return (figure.start, figure.end) if figure else None


def labelled_posts(lines: Iterable[str]) -> Iterator[Labelled]:
    """Posts from JSON lines: `text`, `figures` and a true or false for each topic. Raises UsageError with the line."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _labelled(json.loads(line), number)
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"line {number} is no labelled post",
                    f"{type(error).__name__}: {error}",
                    "see docs/rules.md for its fields",
                ) from error


def _labelled(row: Mapping[str, Any], number: int) -> Labelled:
    figures = tuple(
        Figure(
            start=f["start"],
            end=f["end"],
            kind=f["kind"],
            low=f["low"],
            high=f["high"],
            qualifier=Qualifier(f["qualifier"]),
            side=Side(f["side"]),
        )
        for f in row["figures"]
    )
    topics = {key: value for key, value in row.items() if isinstance(value, bool)}
    return Labelled(str(row.get("id", number)), row["text"], topics, figures)
