"""Pure: the three to five sentences that open a digest, made from its data by rule.

In this order, until there are five:
    two channels whose claims of one kind and side cannot both hold, those furthest apart first: at most two
    the largest new claim of people or arms
    a figure that an edit changed
    flagged posts that were deleted
    channels that could not be read
Where there are fewer than three, what did not happen is told, since a quiet day is news too.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import inf

from monitor.digest.told import Told
from monitor.model import TROOP_KINDS, Side
from monitor.store.summary import Change, Claimed, Entry, Stated

MOST = 5
FEWEST = 3
MOST_CONTRADICTIONS = 2


@dataclass(frozen=True, slots=True)
class Takeaway:
    """A sentence: its name in the words of digests, what is put in, and the post that it links to."""

    name: str
    values: dict[str, object] = field(default_factory=dict)
    post: tuple[int, int, int] | None = None


def takeaways(told: Told) -> list[Takeaway]:
    """What matters most of a window, most important first."""
    found = [
        *list(_contradictions(told.claimed))[:MOST_CONTRADICTIONS],
        *_largest(told.entries),
        *_corrections(told.changes),
        *_deletions(told),
        *_dark(told),
    ][:MOST]
    if len(found) < FEWEST:
        found += list(_quiet(told))[: FEWEST - len(found)]
    return found


def conflicting(claimed: Sequence[Claimed]) -> list[tuple[Claimed, Claimed]]:
    """Pairs of channels whose ranges of one kind and side do not meet, those furthest apart first.

    The range of a channel goes over all that it said in the window, so one that corrected itself contradicts nobody.
    """
    groups: dict[tuple[str, str], list[Claimed]] = defaultdict(list)
    for one in claimed:
        if one.side != Side.UNKNOWN:
            groups[one.kind, one.side].append(one)
    pairs = [
        (apart, pair)
        for group in groups.values()
        for pair in combinations(sorted(group, key=lambda one: one.channel_id), 2)
        if (apart := _apart(*pair)) > 1
    ]
    pairs.sort(key=lambda found: (found[1][0].kind not in TROOP_KINDS, -found[0], found[1][0].kind))
    return [pair for _, pair in pairs]


def _apart(one: Claimed, other: Claimed) -> float:
    """By how many times the higher of two ranges begins above the end of the lower; 0 where they meet."""
    low, high = sorted((one, other), key=lambda claim: claim.high if claim.high is not None else inf)
    if low.high is None or high.low is None or high.low <= low.high:
        return 0.0
    return high.low / low.high if low.high > 0 else inf


def _contradictions(claimed: Sequence[Claimed]) -> Iterator[Takeaway]:
    for one, other in conflicting(claimed):
        yield Takeaway(
            "take.contradiction",
            {"kind": one.kind, "side": one.side, "one": one, "other": other},
            (one.channel_id, one.message_id, one.version),
        )


def _largest(entries: Sequence[Entry]) -> Iterator[Takeaway]:
    stated = [
        (_size(figure), place, entry, figure)
        for place, entry in enumerate(entries)
        for figure in entry.figures
        if figure.kind in TROOP_KINDS and not entry.said_before
    ]
    if stated:
        _, _, entry, figure = max(stated, key=lambda found: (found[0], -found[1]))
        yield Takeaway(
            "take.largest",
            {"entry": entry, "figure": figure},
            (entry.channel_id, entry.message_id, entry.version),
        )


def _size(figure: Stated) -> float:
    return max(figure.low or 0.0, figure.high or 0.0)


def changed_figures(change: Change) -> tuple[tuple[Stated, ...], tuple[Stated, ...]]:
    """The figures of an edit that stand in one of its two versions alone: those taken out, and those put in."""
    before, after = set(change.figures_before), set(change.figures_after)
    return (
        tuple(figure for figure in change.figures_before if figure not in after),
        tuple(figure for figure in change.figures_after if figure not in before),
    )


def _corrections(changes: Sequence[Change]) -> Iterator[Takeaway]:
    for change in changes:
        out, put = changed_figures(change)
        if out or put:
            yield Takeaway(
                "take.corrected",
                {"change": change, "out": out, "put": put},
                (change.channel_id, change.message_id, change.version),
            )
            return


def _deletions(told: Told) -> Iterator[Takeaway]:
    if told.deletions:
        gone = told.deletions[0]
        yield Takeaway(
            "take.deleted",
            {"deleted": told.counts.deleted, "gone": gone},
            (gone.channel_id, gone.message_id, gone.version),
        )


def _dark(told: Told) -> Iterator[Takeaway]:
    if told.troubled:
        yield Takeaway("take.dark", {"channels": len(told.troubled), "first": told.troubled[0]})


def _quiet(told: Told) -> Iterator[Takeaway]:
    if told.counts.flagged:
        yield Takeaway("take.flagged", {"flagged": told.counts.flagged, "posts": told.counts.posts})
    else:
        yield Takeaway("take.nothing", {"posts": told.counts.posts})
    if not told.counts.edited and not told.counts.deleted:
        yield Takeaway("take.unchanged")
    if told.volumes and not told.troubled:
        yield Takeaway("take.read", {"channels": len(told.volumes)})
    yield Takeaway("take.waiting", {"waiting": told.waiting.open + told.waiting.escalated})
    yield Takeaway("take.decided", {"decided": told.counts.decided})
