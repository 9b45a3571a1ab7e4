"""The two scales of the figures board: values, from 0 or by powers of ten, and time, at round hours and days.

Values go by powers of ten where they span more than two of them; there is room above the highest and, by powers
of ten, below the lowest, so that an open end has where to fade.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from math import ceil, floor, log10
from typing import NamedTuple

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Lowest to highest; from there on a bar from 0 would leave the small ones without a height.
WIDEST_LINEAR = 100
INTERVALS = 3
MOST_TICKS = 8
_HEADROOM = 1.1
_DAY = timedelta(days=1)
_QUARTER = timedelta(days=91)
_STEPS = (
    *(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 180, 360, 720)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 28, 91, 182, 364)),
)


@dataclass(frozen=True, slots=True)
class Values:
    """A scale of values; `low` and `high` are powers of ten where it is `log`. `ticks` are values."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def share(self, value: float) -> float:
        """How high a value stands: 0 at the bottom, 1 at the top, and beyond these outside of the scale."""
        if self.log and value <= 0:
            return 0.0
        return ((log10(value) if self.log else value) - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Window:
    """What time is shown: half-open, with aware times; days are those of `zone`. Raises ValueError if it is empty."""

    start: datetime
    end: datetime
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        """Refuse a window in which nothing has a place."""
        if self.start >= self.end:
            message = f"an empty window: {self.start.isoformat()} to {self.end.isoformat()}"
            raise ValueError(message)

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in the window."""
        return self.start <= moment < self.end

    def share(self, moment: datetime) -> float:
        """How far along a moment of the window is, from 0 to 1."""
        return (moment - self.start) / (self.end - self.start)


class TimeTick(NamedTuple):
    """A round time of a window, and its label: «6 Aug» at the beginning of a day, «13:00» within."""

    at: datetime
    label: str


def values_for(bounds: Iterable[float]) -> Values:
    """A scale on which all these bounds have a place."""
    known = list(bounds)
    above = [bound for bound in known if bound > 0]
    if not above:
        return Values(0.0, 1.0, (0.0, 1.0))
    lowest, highest = min(above), max(above)
    if highest / lowest > WIDEST_LINEAR:
        return _by_powers(lowest, highest)
    step = _step(highest, whole=all(bound == int(bound) for bound in known))
    steps = ceil(highest / step * _HEADROOM)
    return Values(0.0, steps * step, tuple(step * number for number in range(steps + 1)))


def _by_powers(lowest: float, highest: float) -> Values:
    low, high = floor(log10(lowest / _HEADROOM)), ceil(log10(highest) + log10(_HEADROOM))
    every = ceil((high - low) / INTERVALS)
    return Values(low, high, tuple(float(f"1e{power}") for power in range(low, high + 1, every)), log=True)


def _step(highest: float, *, whole: bool) -> float:
    rough = highest / INTERVALS * _HEADROOM
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough or factor == 10)  # noqa: PLR2004
    return max(step, 1.0) if whole else step


def time_ticks(window: Window, months: Sequence[str] = MONTHS) -> tuple[TimeTick, ...]:
    """Round times of a window, some eight at most; `months` are the names of the months in short, in order."""
    span = window.end - window.start
    longest = timedelta(days=ceil(span / MOST_TICKS / _DAY))
    step = next((step for step in _STEPS if span <= MOST_TICKS * step), longest)
    ticks = (at for at in _round_times(window, step) if window.holds(at))
    return tuple(TimeTick(at, _label(at, step, months)) for at in ticks)


def _round_times(window: Window, step: timedelta) -> Iterator[datetime]:
    """Times from the first midnight on; days are counted by the calendar, which knows days of 23 hours."""
    first, last = window.start.astimezone(window.zone).date(), window.end.astimezone(window.zone).date()
    if step >= _DAY:
        for number in range(0, (last - first).days + 1, step.days):
            yield datetime.combine(first + number * _DAY, time(), window.zone)
        return
    midnight = datetime.combine(first, time(), window.zone).astimezone(UTC)
    skipped = max((window.start - midnight) // step, 0)
    for number in range(skipped, (window.end - midnight) // step + 1):
        yield (midnight + number * step).astimezone(window.zone)


def _label(at: datetime, step: timedelta, months: Sequence[str]) -> str:
    if step >= _QUARTER:
        return f"{months[at.month - 1]} {at.year}"
    return f"{at.day} {months[at.month - 1]}" if at.time() == time() else f"{at:%H:%M}"
