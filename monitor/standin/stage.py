"""What is played, and how late it is: the one truth behind the stand-in's pages and its MTProto server."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from monitor.standin.scenario import Message, Scenario
from monitor.standin.telegram_timeline import Timeline


@dataclass(slots=True)
class Played:
    """A scenario on the stage: since when, and how it is hidden or changed."""

    scenario: Scenario
    start: datetime
    hidden: str = ""
    _last: tuple[datetime, list[Message]] | None = None
    _timeline: Timeline | None = None

    def shown(self, now: datetime) -> list[Message]:
        """What the channel shows now; kept until the clock moves, since a long channel is long to make up."""
        if self._last is None or self._last[0] != now:
            self._last = (now, self.scenario.shown(now - self.start))
        return self._last[1]

    @property
    def timeline(self) -> Timeline:
        """The scenario, indexed; made when first asked for."""
        if self._timeline is None or self._timeline.scenario is not self.scenario:
            self._timeline = Timeline(self.scenario)
        return self._timeline


@dataclass(slots=True)
class Stage:
    """The channels that are played, by handle; `clock` says how late it is in the scenarios."""

    clock: Callable[[], datetime]
    channels: dict[str, Played] = field(default_factory=dict)

    def play(self, scenarios: Iterable[Scenario], *, start: datetime) -> None:
        """Put scenarios on; those of the same handle are replaced."""
        for scenario in scenarios:
            self.channels[scenario.handle.lower()] = Played(scenario, start)
