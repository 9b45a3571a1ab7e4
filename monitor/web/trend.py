"""A number over time as a line in steps, with places for `templates/channel.html` to write as SVG.

A number holds from when it was seen until another was; the last holds until the end of the window. The scale of
values begins below the lowest, not at 0: what is to be seen is the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple

from monitor.web.scales import MONTHS, Window, time_ticks, values_for
from monitor.web.timeline import Label

WIDTH, HEIGHT = 720, 160
LEFT, RIGHT, TOP, FOOT = 72, 700, 10, 132


class Level(NamedTuple):
    """A round value at its place."""

    place: float
    value: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The data of a path, and the places of the values (down) and times (right) that stand beside it."""

    path: str
    values: tuple[Level, ...]
    times: tuple[Label, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    foot: int = FOOT


def trend(
    points: Sequence[tuple[datetime, float]], *, until: datetime, months: Sequence[str] = MONTHS
) -> Trend | None:
    """The line of numbers in order of time; None without any, and where no time passed."""
    if not points or points[0][0] >= until:
        return None
    window = Window(points[0][0], until)
    ticks = _ticks([value for _, value in points])

    def y(value: float) -> float:
        return round(FOOT - (FOOT - TOP) * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)

    return Trend(
        path=_path([(_x(window.share(at)), y(value)) for at, value in points]),
        values=tuple(Level(y(value), value) for value in ticks),
        times=tuple(Label(_x(window.share(tick.at)), tick.label) for tick in time_ticks(window, months)),
    )


def _ticks(values: Sequence[float]) -> tuple[float, ...]:
    """Round values from below the lowest to above the highest."""
    lowest, highest = min(values), max(values)
    step = values_for([highest - lowest]).ticks[1]
    first, last = floor(lowest / step), ceil(highest / step)
    return tuple(step * number for number in range(first, max(last, first + 1) + 1))


def _x(share: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * min(share, 1.0), 1)


def _path(places: Sequence[tuple[float, float]]) -> str:
    (x, y), *_ = places
    steps = "".join(f"H{after[0]}V{after[1]}" for _, after in pairwise(places))
    return f"M{x} {y}{steps}H{RIGHT}"
