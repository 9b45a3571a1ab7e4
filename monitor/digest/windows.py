"""Pure: which windows of time a reader's digests cover. They follow each other without a gap and without an overlap.

A window ends at the reader's hour by the clock of their zone, so that it is 23 or 25 hours long when that clock is
changed; an hour that the clock leaves out is the moment at which it does. The next window begins where the last one
ended, also when the reader's hour or zone was changed since.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.model import Reader, Window, aware

_DAY = timedelta(days=1)


def due_at(reader: Reader, day: date) -> datetime:
    """The moment, in UTC, at which the reader's hour of a day of their zone begins."""
    local = datetime.combine(day, time(reader.hour), ZoneInfo(reader.zone))
    # An hour that was left out is read by the clock before the change (PEP 495), and so lies after it.
    return local.astimezone(UTC)


def due_windows(
    reader: Reader, *, now: datetime, first_at: datetime, last_until: datetime | None = None
) -> list[Window]:
    """The windows that ended by `now` and that the reader got no digest for, the oldest first.

    `last_until` is the end of the last one; without any the reader's first window is the one that ends first after
    `first_at`, when they were first listed.
    """
    aware(now)
    after = first_at if last_until is None else last_until
    windows: list[Window] = []
    since = last_until
    for day, until in _hours_after(reader, after):
        if until > now:
            break
        windows.append(Window(since or due_at(reader, day - _DAY), until))
        since = until
    return windows


def _hours_after(reader: Reader, moment: datetime) -> Iterator[tuple[date, datetime]]:
    day = moment.astimezone(ZoneInfo(reader.zone)).date() - _DAY
    while True:
        until = due_at(reader, day)
        if until > moment:
            yield day, until
        day += _DAY
