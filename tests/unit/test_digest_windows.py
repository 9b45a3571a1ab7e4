"""Windows of digests: without a gap and an overlap, whatever the clock of a zone does."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest.windows import due_at, due_windows
from monitor.model import Reader, Window

ZONES = ("UTC", "Europe/Kyiv", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


# Hypothesis takes bounds without a zone and puts it on itself.
YEAR = (datetime(2024, 1, 1), datetime(2024, 12, 1))  # noqa: DTZ001


def reader(zone: str = "Europe/Kyiv", hour: int = 8) -> Reader:
    return Reader(address="olya@m.example", zone=zone, hour=hour)


def at(day: int, hour: int, minute: int = 0, *, month: int = 8) -> datetime:
    return datetime(2024, month, day, hour, minute, tzinfo=UTC)


def test_the_first_digest_comes_at_the_next_hour_and_covers_the_day_before() -> None:
    listed = at(6, 12)
    assert due_windows(reader(), now=at(7, 4, 59), first_at=listed) == []
    assert due_windows(reader(), now=at(7, 5), first_at=listed) == [Window(at(6, 5), at(7, 5))]


def test_each_day_that_was_missed_has_a_window_of_its_own() -> None:
    found = due_windows(reader(), now=at(10, 6), first_at=at(1, 0), last_until=at(7, 5))
    assert found == [Window(at(7, 5), at(8, 5)), Window(at(8, 5), at(9, 5)), Window(at(9, 5), at(10, 5))]


def test_another_hour_leaves_no_gap() -> None:
    assert due_windows(reader(hour=20), now=at(7, 17), first_at=at(1, 0), last_until=at(7, 5)) == [
        Window(at(7, 5), at(7, 17))
    ]


def test_the_day_of_a_change_of_the_clock_has_23_or_25_hours() -> None:
    for month, day, hours in ((3, 31, 23), (10, 27, 25)):
        until = due_at(reader(), date(2024, month, day))
        [window] = due_windows(reader(), now=until, first_at=until - timedelta(hours=3))
        assert window.until - window.since == timedelta(hours=hours)


def test_an_hour_that_the_clock_leaves_out_or_has_twice_comes_once() -> None:
    nights = reader(hour=3)
    for month, day in ((3, 31), (10, 27)):
        middle = due_at(nights, date(2024, month, day))
        found = due_windows(
            nights, now=middle + timedelta(days=2), first_at=middle - timedelta(days=2, hours=1)
        )
        assert [window.until for window in found].count(middle) == 1
        assert len({window.until for window in found}) == len(found)


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    begins=st.datetimes(*YEAR, timezones=st.just(UTC)),
    steps=st.lists(st.integers(1, 60 * 50), min_size=1, max_size=40),
)
def test_windows_follow_each_other_however_often_one_looks(
    zone: str, hour: int, begins: datetime, steps: list[int]
) -> None:
    now = first_at = begins
    windows: list[Window] = []
    for minutes in steps:
        now += timedelta(minutes=minutes)
        last = windows[-1].until if windows else None
        windows += due_windows(reader(zone, hour), now=now, first_at=first_at, last_until=last)
    assert all(before.until == after.since for before, after in pairwise(windows))
    assert all(timedelta(hours=22) < window.until - window.since < timedelta(hours=26) for window in windows)
    assert all(first_at < window.until <= now for window in windows)
    if now - first_at > timedelta(hours=27):
        assert windows
        assert now - windows[-1].until < timedelta(hours=27)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        due_windows(reader(), now=at(6, 0).replace(tzinfo=None), first_at=at(6, 0))
