"""What a channel went through, as Telegram counts it (core.telegram.org/api/updates), without playing it anew.

Every post, edit and deletion counts one, in order of time, then of message id; a channel starts at 1. What is
shown at a time follows from the scenario and that time alone.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from monitor.standin.scenario import GROWS, Event, Message, Scenario, changed, grown


class Kind(IntEnum):
    """What counts; the order is that of a message's life, for what happens at one time."""

    POST = 0
    EDIT = 1
    DELETE = 2


class Change(NamedTuple):
    """One thing that counted. The change at place n of the timeline brought the channel to pts n + 2."""

    at: timedelta
    message_id: int
    kind: Kind


class Timeline:
    """A scenario, indexed: `changes` ascending, of which those are left out that touch no message."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.changes = list(_effective(sorted(_changes(scenario))))
        self._times = [c.at for c in self.changes]
        self._messages = {m.id: m for m in scenario.messages}
        self._gone = {c.message_id: c.at for c in self.changes if c.kind is Kind.DELETE}
        self._events: dict[int, list[Event]] = defaultdict(list)
        for event in scenario.events:
            if event.post is not None and event.kind in ("edit", "views"):
                self._events[event.post].append(event)
        self._live: list[int] = []
        self._live_pts = 1

    def pts(self, offset: timedelta) -> int:
        """How far the channel is at an offset."""
        return 1 + bisect_right(self._times, offset)

    def live(self, pts: int) -> list[int]:
        """The ids of what is shown at a pts, ascending; good until the next call, and not to be changed."""
        if pts < self._live_pts:
            self._live, self._live_pts = [], 1
        for change in self.changes[self._live_pts - 1 : pts - 1]:
            if change.kind is Kind.POST:
                insort(self._live, change.message_id)
            elif change.kind is Kind.DELETE:
                del self._live[bisect_left(self._live, change.message_id)]
        self._live_pts = pts
        return self._live

    def posted(self, message_id: int) -> timedelta:
        """When a message was posted."""
        return self._messages[message_id].at

    def shows(self, message_id: int, offset: timedelta) -> bool:
        """Whether a message is there at an offset."""
        message = self._messages.get(message_id)
        if message is None or message.at > offset:
            return False
        gone = self._gone.get(message_id)
        return gone is None or gone > offset

    def message(self, message_id: int, offset: timedelta) -> Message:
        """A message as it is at an offset at which it is shown."""
        message = grown(self._messages[message_id], offset)
        for event in self._events.get(message_id, ()):
            if event.at > offset:
                break
            message = changed(message, event)
        return message

    def stamp(self, message_id: int, offset: timedelta) -> timedelta | int:
        """Two offsets with the same stamp show the message alike."""
        if offset - self._messages[message_id].at < GROWS:
            return offset
        events = self._events.get(message_id)
        return sum(e.at <= offset for e in events) if events else 0


def _changes(scenario: Scenario) -> Iterator[Change]:
    for message in scenario.messages:
        yield Change(message.at, message.id, Kind.POST)
    for event in scenario.events:
        if event.post is not None and event.kind == "delete":
            yield Change(event.at, event.post, Kind.DELETE)
        elif event.post is not None and event.kind == "edit" and event.text is not None:
            yield Change(event.at, event.post, Kind.EDIT)


def _effective(changes: Iterable[Change]) -> Iterator[Change]:
    live: set[int] = set()
    for change in changes:
        if change.kind is Kind.POST:
            live.add(change.message_id)
        elif change.message_id not in live:
            continue
        elif change.kind is Kind.DELETE:
            live.discard(change.message_id)
        yield change
