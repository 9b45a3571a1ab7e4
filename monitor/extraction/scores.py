"""How well the rules read labelled posts: precision, recall and F1 of topics and figures, and what was confused.

A figure read and one labelled are a pair if they overlap in the text, each in one pair at most; the pairs that agree
in most are made first.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from monitor.errors import UsageError
from monitor.model import Figure, Qualifier, Reading, Side


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


NONE = "-"
Pair = tuple[Figure | None, Figure | None]


class Reader(Protocol):
    """What is measured: the rules, or whatever else reads a text and says which kinds are troop kinds."""

    @property
    def troop_kinds(self) -> frozenset[str]:
        """The kinds that are measured together."""
        ...

    def read(self, text: str) -> Reading:
        """What a text says."""
        ...


class Misread(NamedTuple):
    """A post and what is wrong in it: topics with whether they are labelled, figures as labelled and as read."""

    wrong: int
    name: str
    text: str
    topics: tuple[tuple[str, bool], ...]
    figures: tuple[Pair, ...]


@dataclass(slots=True)
class Scores:
    """What evaluating gave; `confused` counts pairs of kinds as labelled and as read, `worst` has most wrong first."""

    posts: int = 0
    topics: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    kinds: dict[str, Kinds] = field(default_factory=lambda: defaultdict(Kinds))
    troop: Kinds = field(default_factory=Kinds)
    exact: Score = field(default_factory=Score)
    confused: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst: list[Misread] = field(default_factory=list)


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


def score(rules: Reader, posts: Iterable[Labelled]) -> Scores:
    """Read labelled posts and compare."""
    scores = Scores()
    for post in posts:
        reading = rules.read(post.text)
        scores.posts += 1
        flagged = {flag.topic for flag in reading.flags}
        for topic, there in post.topics.items():
            scores.topics[topic].count(there=there, found=topic in flagged, right=there and topic in flagged)
        pairs = list(pairs_of(post.figures, reading.figures))
        for pair in pairs:
            _count(scores, pair, rules)
        topics = tuple((t, there) for t, there in post.topics.items() if (t in flagged) != there)
        figures = tuple(sorted((pair for pair in pairs if not _is_right(pair)), key=_start))
        if topics or figures:
            misread = Misread(len(topics) + len(figures), post.name, post.text, topics, figures)
            scores.worst.append(misread)
    scores.worst.sort(key=lambda misread: -misread.wrong)
    return scores


def _is_right(pair: Pair) -> bool:
    labelled, read = pair
    return labelled is not None and read is not None and same_value(labelled, read)


def _start(pair: Pair) -> int:
    return min(figure.start for figure in pair if figure is not None)


def _count(scores: Scores, pair: Pair, rules: Reader) -> None:
    """Count one pair for its kinds, and for the troop kinds together."""
    labelled, read = pair
    there, found = labelled.kind if labelled else NONE, read.kind if read else NONE
    scores.confused[there, found] += 1
    right = _is_right(pair)
    for kind in {there, found} - {NONE}:
        _add(scores.kinds[kind], pair, there=there == kind, found=found == kind, right=right)
    troop = (there in rules.troop_kinds, found in rules.troop_kinds)
    if any(troop):
        _add(scores.troop, pair, there=troop[0], found=troop[1], right=right)
        exact = right and _place(labelled) == _place(read)
        scores.exact.count(there=troop[0], found=troop[1], right=exact)


def _add(kinds: Kinds, pair: Pair, *, there: bool, found: bool, right: bool) -> None:
    """Count a pair for a kind that is labelled `there`, or `found`, or both."""
    labelled, read = pair
    kinds.span.count(there=there, found=found, right=labelled is not None and read is not None)
    kinds.value.count(there=there, found=found, right=right)
    if there and labelled is not None and read is not None and labelled.side is not Side.UNKNOWN:
        kinds.sides[labelled.side == read.side] += 1


def _place(figure: Figure | None) -> tuple[int, int] | None:
    return (figure.start, figure.end) if figure else None


def labelled_posts(lines: Iterable[str], *, file: str = "labelled posts") -> Iterator[Labelled]:
    """Posts from JSON lines: `text`, `figures` and a true or false for each topic. Raises UsageError with file and line."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _labelled(json.loads(line), str(number))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UsageError(
                    f"{file}, line {number}: this is no labelled post",
                    f"there is no {error}" if isinstance(error, KeyError) else str(error),
                    "see docs/rules.md for its fields",
                ) from error


def _labelled(row: Mapping[str, Any], number: str) -> Labelled:
    text = row["text"]
    if not isinstance(text, str):
        raise TypeError(f"its text is {text!r}")
    topics = {key: value for key, value in row.items() if isinstance(value, bool)}
    return Labelled(
        str(row.get("id", number)), text, topics, tuple(_figure(one, text) for one in row["figures"])
    )


def _figure(one: Mapping[str, Any], text: str) -> Figure:
    start, end = one["start"], one["end"]
    quote = one.get("quote", text[start:end])
    if not 0 <= start < end <= len(text) or text[start:end] != quote:
        raise ValueError(f"its characters {start} to {end} are not «{quote}»")
    return Figure(
        start=start,
        end=end,
        kind=str(one["kind"]),
        low=_bound(one["low"]),
        high=_bound(one["high"]),
        qualifier=Qualifier(one["qualifier"]),
        side=Side(one["side"]),
    )


def _bound(value: Any) -> float | None:
    return None if value is None else float(value)
