"""Claims on the figures board, and which of them contradict each other.

What two channels state of one kind and one side on one day contradicts where their ranges do not overlap; an open
end reaches everywhere, and «about» reaches a tenth further either way. A post is held against the last one that each
other channel made that day, all its figures together, since one post may hold a part and a total. Rejected figures,
and those whose side is not known, contradict nothing: nobody can tell that they speak of the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import groupby
from math import inf, isfinite
from typing import NamedTuple

from monitor.model import Qualifier, Scope, Side, aware

ABOUT = 0.1

Bounds = tuple[float | None, float | None]

# What a browser would run or take for another site's address must not become a link.
_URL = re.compile(r"(?:/(?![/\\])|https?://)[^\s\x00-\x1f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A figure as a channel stated it: `channel` is what tells channels apart, `title` what people read.

    `low` and `high` are the bounds in force (None is open); `corrected_from` are those that were first
    read, if an analyst corrected them. The side is `inferred` where the text does not name it. Raises ValueError for a time without a zone, a bound that is no number,
    and a `url` that is neither a path of our own nor http(s).
    """

    channel: str
    title: str
    at: datetime
    kind: str
    low: float | None
    high: float | None
    side: str
    qualifier: str
    quote: str
    url: str
    corrected_from: Bounds | None = None
    rejected: bool = False
    inferred: bool = False
    scope: Scope | None = None

    def __post_init__(self) -> None:
        """Refuse what has no place on a board."""
        aware(self.at)
        if any(
            bound is not None and not isfinite(bound)
            for bound in (self.low, self.high, *(self.corrected_from or ()))
        ):
            message = f"a bound that is no number: {self.low}, {self.high}, {self.corrected_from}"
            raise ValueError(message)
        if not _URL.fullmatch(self.url):
            message = f"no address to link to: {self.url}"
            raise ValueError(message)


class Contradiction(NamedTuple):
    """Two claims of two channels that cannot both hold, the earlier first."""

    first: Claim
    second: Claim


@dataclass(frozen=True, slots=True)
class _Statement:
    """The claims of one post on one kind and side."""

    channel: str
    claims: tuple[Claim, ...]
    reaches: tuple[tuple[float, float], ...]


def contradictions(claims: Iterable[Claim], zone: tzinfo = UTC) -> tuple[Contradiction, ...]:
    """The first contradiction of each two channels on one kind, side and day (of `zone`), in order of time."""
    found: list[Contradiction] = []
    for statements in _days(claims, zone):
        found += _of_a_day(statements)
    return tuple(sorted(found, key=lambda pair: (pair.second.at, pair.second.channel, pair.first.channel)))


def _days(claims: Iterable[Claim], zone: tzinfo) -> Iterator[list[_Statement]]:
    """For each kind, side and day, what was stated, in order of time."""
    groups: dict[tuple[str, str, Scope, date], list[Claim]] = defaultdict(list)
    for claim in claims:
        if not claim.rejected and claim.side != Side.UNKNOWN:
            day = claim.at.astimezone(zone).date()
            groups[claim.kind, claim.side, claim.scope or Scope.DAY, day].append(claim)
    for group in groups.values():
        posts = groupby(sorted(group, key=_post), key=_post)
        yield [_statement(tuple(stated)) for _, stated in posts]


def _statement(claims: tuple[Claim, ...]) -> _Statement:
    return _Statement(claims[0].channel, claims, tuple(reach(claim) for claim in claims))


def _post(claim: Claim) -> tuple[datetime, str, str]:
    return claim.at, claim.channel, claim.url


def _of_a_day(statements: Sequence[_Statement]) -> Iterator[Contradiction]:
    latest: dict[str, _Statement] = {}
    seen: set[tuple[str, str]] = set()
    for statement in statements:
        for channel, other in latest.items():
            both = (channel, statement.channel)
            if channel != statement.channel and both not in seen and not _agree(other, statement):
                seen |= {both, both[::-1]}
                yield Contradiction(other.claims[0], statement.claims[0])
        latest[statement.channel] = statement


def _agree(one: _Statement, other: _Statement) -> bool:
    return any(_overlap(mine, theirs) for mine in one.reaches for theirs in other.reaches)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def reach(claim: Claim) -> tuple[float, float]:
    """From where to where a claim's number may lie; infinite where it is open."""
    low, high = in_order(claim.low, claim.high)
    slack = ABOUT if claim.qualifier == Qualifier.ABOUT else 0.0
    return (
        -inf if low is None else low - abs(low) * slack,
        inf if high is None else high + abs(high) * slack,
    )


def in_order(low: float | None, high: float | None) -> Bounds:
    """Bounds with the lower one first; a correction by hand may have them the other way round."""
    return (high, low) if low is not None and high is not None and low > high else (low, high)
