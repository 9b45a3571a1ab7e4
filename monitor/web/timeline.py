"""The figures board as shapes with places, which `templates/board_panel.svg.html` writes as SVG.

A panel a kind; in it time runs right, each channel has a lane, and all lanes have the same scale of values, so that
heights compare across them. A claim is a bar from low to high at its time, with its channel's shape at each bound it
states; an open end fades towards the edge of the lane. A corrected claim keeps its first bar, hollow; a rejected one is
hollow and crossed out. A bracket joins two claims that contradict each other. Channels are told apart by lane, name
and shape, never by colour. All words are left to the template, which also writes the rows for who does not see it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

from monitor.bounds import bounds_in_short
from monitor.model import Qualifier
from monitor.web.contradictions import Bounds, Claim, Contradiction, contradictions, in_order, reach
from monitor.web.scales import MONTHS, Values, Window, time_ticks, values_for

WIDTH = 960
GUTTER = 64
MARGIN = 20
HEADING = 20
PLOT = 56
GAP = 8
FOOT = 24
BAR = 5
RADIUS = 4
# Two figures of one post would hide each other.
BESIDE = 11
HOLLOW = 11
LEAST = {BAR: 3, HOLLOW: 7}
BRACKET = 10
# More would hide the claims; the rows name them all.
MOST_BRACKETS = 100

_R = RADIUS
SHAPES = {
    "circle": f"a{_R} {_R} 0 1 0 {2 * _R} 0a{_R} {_R} 0 1 0 {-2 * _R} 0z",
    "square": f"v{-_R}h{2 * _R}v{2 * _R}h{-2 * _R}z",
    "diamond": f"l{_R} {-_R - 1}l{_R} {_R + 1}l{-_R} {_R + 1}z",
    "triangle": f"m0 {_R}h{2 * _R}l{-_R} {-2 * _R}z",
    "wedge": f"m0 {-_R}h{2 * _R}l{-_R} {2 * _R}z",
    "plus": "v-1.5h2.5v-2.5h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5z",
}


_FADES = {(False, False): "", (True, False): "down", (False, True): "up", (True, True): "both"}


class Bar(NamedTuple):
    """An upright bar; `fade` says where it is open: up, down, both, or nowhere (empty)."""

    x: float
    y: float
    width: float
    height: float
    fade: str = ""


class Label(NamedTuple):
    """Words at a place; the place of a tick is that of its line."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A claim in words: its time in the window's zone, its bounds in short, and whose claims contradict it."""

    claim: Claim
    when: str
    bounds: str
    first_bounds: str | None = None
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A claim as it is drawn; `hollow`, `points` and `cross` are the data of paths, empty where there is none."""

    row: Row
    hit: Bar
    bar: Bar | None
    points: str
    hollow: str
    cross: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """A contradiction as it is drawn: the data of its path, and the two claims in words."""

    path: str
    first: Row
    second: Row


@dataclass(frozen=True, slots=True)
class Lane:
    """A channel's lane: the baseline of its name, the shape beside it, the top and bottom of its plot, its values."""

    title: str
    name_y: float
    point: str
    top: float
    bottom: float
    values: tuple[Label, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One kind of figure: all that the template writes, and `rows`, the same in words and in order of time.

    `undrawn` is how many contradictions have no bracket, since there are too many.
    """

    id: str
    kind: str
    width: int
    height: int
    left: float
    right: float
    foot: float
    log: bool
    lanes: tuple[Lane, ...]
    times: tuple[Label, ...]
    brackets: tuple[Bracket, ...]
    undrawn: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The claims of a panel in order of time, and what is known of each, by its `id()`: two may be equal.

    The scale is that of the bounds in force: a misreading, corrected or rejected, would make the rest flat.
    """

    claims: Sequence[Claim]
    rows: Mapping[int, Row]
    xs: Mapping[int, float]
    bottoms: Mapping[str, float]
    values: Values
    pairs: Sequence[Contradiction]

    def y(self, claim: Claim, value: float) -> float:
        return _round(self.bottoms[claim.channel] - PLOT * min(max(self.values.share(value), 0.0), 1.0))


def board(claims: Iterable[Claim], window: Window, *, months: Sequence[str] = MONTHS) -> tuple[Panel, ...]:
    """A panel for each kind that is claimed within the window, the kind most claimed first."""
    shown = sorted(
        (claim for claim in claims if window.holds(claim.at)), key=lambda claim: (claim.at, claim.channel)
    )
    shapes = dict(zip(sorted({claim.channel for claim in shown}), cycle(SHAPES), strict=False))
    kinds = sorted(Counter(claim.kind for claim in shown).items(), key=lambda item: (-item[1], item[0]))
    times = tuple(Label(_x(window.share(tick.at)), tick.label) for tick in time_ticks(window, months))
    return tuple(
        _panel(
            f"board-{number}", _drawn([claim for claim in shown if claim.kind == kind], window), shapes, times
        )
        for number, (kind, _) in enumerate(kinds, 1)
    )


def _panel(name: str, drawn: _Drawn, shapes: Mapping[str, str], times: tuple[Label, ...]) -> Panel:
    foot = max(drawn.bottoms.values())
    return Panel(
        id=name,
        kind=drawn.claims[0].kind,
        width=WIDTH,
        height=int(foot) + FOOT,
        left=GUTTER,
        right=WIDTH - MARGIN,
        foot=foot,
        log=drawn.values.log,
        lanes=tuple(_lane(channel, drawn, shapes[channel]) for channel in drawn.bottoms),
        times=times,
        brackets=tuple(
            _bracket(pair, drawn, number) for number, pair in enumerate(drawn.pairs[:MOST_BRACKETS])
        ),
        undrawn=max(len(drawn.pairs) - MOST_BRACKETS, 0),
        rows=tuple(drawn.rows[id(claim)] for claim in drawn.claims),
    )


def _drawn(claims: Sequence[Claim], window: Window) -> _Drawn:
    pairs = contradictions(claims, window.zone)
    against = defaultdict(list)
    for first, second in pairs:
        against[id(first)].append(second.title)
        against[id(second)].append(first.title)
    trusted = [claim for claim in claims if not claim.rejected] or claims
    titles = {claim.channel: claim.title for claim in claims}
    channels = sorted(titles, key=lambda channel: (titles[channel].casefold(), channel))
    return _Drawn(
        claims=claims,
        rows={id(claim): _row(claim, window, tuple(against[id(claim)])) for claim in claims},
        xs=_places(claims, window),
        bottoms={
            channel: (HEADING + PLOT + GAP) * number - GAP for number, channel in enumerate(channels, 1)
        },
        values=values_for(
            bound for claim in trusted for bound in (claim.low, claim.high) if bound is not None
        ),
        pairs=pairs,
    )


def _row(claim: Claim, window: Window, against: tuple[str, ...]) -> Row:
    first = claim.corrected_from
    return Row(
        claim=claim,
        when=f"{claim.at.astimezone(window.zone):%Y-%m-%d %H:%M}",
        bounds=bounds_in_short(claim.low, claim.high, about=claim.qualifier == Qualifier.ABOUT),
        first_bounds=None if first is None else bounds_in_short(*first),
        against=against,
    )


def _places(claims: Sequence[Claim], window: Window) -> dict[int, float]:
    """Where each claim stands along its lane; those of one moment side by side, all of them within the panel."""
    places = {}
    beside: Counter[tuple[str, object]] = Counter()
    for claim in claims:
        place = _x(window.share(claim.at)) + BESIDE * beside[claim.channel, claim.at]
        places[id(claim)] = _round(min(place, WIDTH - HOLLOW / 2))
        beside[claim.channel, claim.at] += 1
    return places


def _x(share: float) -> float:
    return _round(GUTTER + (WIDTH - MARGIN - GUTTER) * share)


def _round(place: float) -> float:
    return round(place, 1)


def _lane(channel: str, drawn: _Drawn, shape: str) -> Lane:
    bottom = drawn.bottoms[channel]
    own = [claim for claim in drawn.claims if claim.channel == channel]
    name_y = bottom - PLOT - HEADING / 2 + RADIUS
    return Lane(
        title=own[0].title,
        name_y=name_y,
        point=_point(shape, GUTTER + RADIUS, name_y - RADIUS),
        top=bottom - PLOT,
        bottom=bottom,
        values=tuple(Label(drawn.y(own[0], value), f"{value:,.10g}") for value in drawn.values.ticks),
        marks=tuple(_mark(claim, drawn, shape) for claim in own),
    )


def _mark(claim: Claim, drawn: _Drawn, shape: str) -> Mark:
    first = (claim.low, claim.high) if claim.rejected else claim.corrected_from
    bar = _bar(claim, (claim.low, claim.high), drawn, BAR)
    hollow = None if first is None else _bar(claim, first, drawn, HOLLOW)
    known = sorted({bound for bound in (claim.low, claim.high) if bound is not None})
    points = [_point(shape, drawn.xs[id(claim)], drawn.y(claim, bound)) for bound in known]
    return Mark(
        row=drawn.rows[id(claim)],
        hit=_hit(bar if hollow is None else hollow, bar),
        bar=None if claim.rejected else bar,
        points="" if claim.rejected else "".join(points),
        hollow="" if hollow is None else _outline(hollow),
        cross=_cross(bar) if claim.rejected else "",
    )


def _bar(claim: Claim, bounds: Bounds, drawn: _Drawn, width: int) -> Bar:
    """The bar of these bounds; it is open, too, where they lie beyond the scale."""
    low, high = in_order(*bounds)
    lane = drawn.bottoms[claim.channel]
    bottom = lane if low is None else drawn.y(claim, low)
    top = lane - PLOT if high is None else drawn.y(claim, high)
    height = max(_round(bottom - top), LEAST[width])
    opens = low is None or drawn.values.share(low) < 0, high is None or drawn.values.share(high) > 1
    return Bar(
        _round(drawn.xs[id(claim)] - width / 2),
        _round((top + bottom - height) / 2),
        width,
        height,
        _FADES[opens],
    )


def _hit(one: Bar, other: Bar) -> Bar:
    """What answers to a pointer: around both bars, with room for a hand that is not steady."""
    top, bottom = min(one.y, other.y), max(one.y + one.height, other.y + other.height)
    width = HOLLOW + 2
    return Bar(
        _round(one.x + one.width / 2 - width / 2),
        _round(top - RADIUS - 2),
        width,
        _round(bottom - top + 2 * RADIUS + 4),
    )


def _outline(bar: Bar) -> str:
    """A bar's sides and its closed ends; where it is open there is no line across."""
    left, right = bar.x, _round(bar.x + bar.width)
    top, bottom = bar.y, _round(bar.y + bar.height)
    over = "M" if bar.fade in {"up", "both"} else "L"
    under = "M" if bar.fade in {"down", "both"} else "L"
    return f"M{left} {bottom}L{left} {top}{over}{right} {top}L{right} {bottom}{under}{left} {bottom}"


def _cross(bar: Bar) -> str:
    x, y = _round(bar.x + bar.width / 2), _round(bar.y + bar.height / 2)
    reach_of_arms = RADIUS + 2
    left, right = _round(x - reach_of_arms), _round(x + reach_of_arms)
    top, bottom = _round(y - reach_of_arms), _round(y + reach_of_arms)
    return f"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"


def _point(shape: str, x: float, y: float) -> str:
    """A shape about a place; each begins at its left edge."""
    return f"M{_round(x - RADIUS)} {_round(y)}{SHAPES[shape]}"


def _bracket(pair: Contradiction, drawn: _Drawn, number: int) -> Bracket:
    """From the edge of one claim's range to the nearest edge of the other's, along the right of both."""
    first, second = pair
    mine, theirs = in_order(first.low, first.high), in_order(second.low, second.high)
    below = reach(first)[1] < reach(second)[0]
    edges = ((first, mine[1]), (second, theirs[0])) if below else ((first, mine[0]), (second, theirs[1]))
    (x, y), (other_x, other_y) = (
        (drawn.xs[id(one)] + RADIUS + 1, drawn.y(one, edge or 0.0)) for one, edge in edges
    )
    turn = _round(min(max(x, other_x) + BRACKET + BRACKET / 2 * (number % 3), WIDTH - 1))
    return Bracket(
        path=f"M{_round(x)} {y}H{turn}V{other_y}H{_round(other_x)}",
        first=drawn.rows[id(first)],
        second=drawn.rows[id(second)],
    )
