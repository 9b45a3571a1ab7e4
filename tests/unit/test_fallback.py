"""Another source in place of the one that cannot be reached."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.errors import (
    AccountBanned,
    Barred,
    FloodWait,
    RateLimited,
    SessionLost,
    SourceError,
    Unreachable,
)
from monitor.model import Channel, Look, Pace, SourceName, Watch
from monitor.sources.fallback import WithFallback

NOW = datetime(2024, 8, 9, tzinfo=UTC)
WATCH = Watch(handle="demo", source=SourceName.TELEGRAM, pace=Pace())


class Given:
    """A source that gives so many looks, and then fails if it is to."""

    at_once = 3

    def __init__(self, name: SourceName, looks: int, error: SourceError | None = None) -> None:
        self.name = name
        self.looks = looks
        self.error = error
        self.asked: list[str] = []
        self.closed = 0

    def newest(self, watch: Watch) -> AsyncGenerator[Look, None]:
        return self._given(f"newest {watch.handle}")

    def older(self, watch: Watch, *, before: int) -> AsyncGenerator[Look, None]:
        return self._given(f"older {watch.handle} {before}")

    def again(self, watch: Watch, ids: Sequence[int]) -> AsyncGenerator[Look, None]:
        return self._given(f"again {watch.handle} {list(ids)}")

    async def _given(self, asked: str) -> AsyncGenerator[Look, None]:
        self.asked.append(asked)
        try:
            for _ in range(self.looks):
                yield Look(source=self.name, at=NOW, channel=Channel(channel_id=1))
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1


def _pair(first: Given, error: SourceError | None = None) -> tuple[WithFallback, Given]:
    second = Given(SourceName.PREVIEW, 0 if error else 2, error)
    return WithFallback(first, second), second


async def _sources(looks: AsyncGenerator[Look, None]) -> list[SourceName]:
    return [look.source async for look in looks]


async def test_it_is_the_first_source_by_name_and_width() -> None:
    both, second = _pair(Given(SourceName.TELEGRAM, 2))
    assert (both.name, both.at_once) == (SourceName.TELEGRAM, 3)
    assert await _sources(both.newest(WATCH)) == [SourceName.TELEGRAM] * 2
    assert second.asked == []


@pytest.mark.parametrize("error", [Unreachable("no line"), SessionLost("no session")])
async def test_what_lies_with_us_is_stood_in_for(error: SourceError) -> None:
    both, second = _pair(Given(SourceName.TELEGRAM, 0, error))
    for looks in (both.newest(WATCH), both.older(WATCH, before=7), both.again(WATCH, [3, 5])):
        assert await _sources(looks) == [SourceName.PREVIEW] * 2
    assert second.asked == ["newest demo", "older demo 7", "again demo [3, 5]"]


@pytest.mark.parametrize("error", [Barred("shut"), AccountBanned("banned"), FloodWait("wait")])
async def test_what_the_channel_or_the_platform_decided_is_not_evaded(error: SourceError) -> None:
    both, second = _pair(Given(SourceName.TELEGRAM, 0, error))
    with pytest.raises(type(error)):
        await _sources(both.newest(WATCH))
    assert second.asked == []


async def test_two_sources_are_never_mixed_in_one_run_of_looks() -> None:
    both, second = _pair(Given(SourceName.TELEGRAM, 1, Unreachable("cut")))
    looks = both.newest(WATCH)
    assert (await anext(looks)).source is SourceName.TELEGRAM
    with pytest.raises(Unreachable):
        await anext(looks)
    assert second.asked == []


async def test_where_neither_can_look_the_first_trouble_is_told_with_both_reasons() -> None:
    first = Given(SourceName.TELEGRAM, 0, SessionLost("lost", "killed", "log in"))
    both, _ = _pair(first, RateLimited("too many", retry_after=90))
    with pytest.raises(SessionLost) as told:
        await _sources(both.newest(WATCH))
    assert told.value.lines() == [
        "lost",
        "killed; and the public pages do not stand in: too many",
        "log in",
    ]
    assert told.value.retry_after == 90


async def test_both_are_closed_with_the_one_who_reads() -> None:
    first = Given(SourceName.TELEGRAM, 0, Unreachable("cut"))
    both, second = _pair(first)
    looks = both.newest(WATCH)
    await anext(looks)
    await looks.aclose()
    assert (first.closed, second.closed) == (1, 1)


async def test_the_first_look_that_stands_in_says_what_for() -> None:
    both, _ = _pair(Given(SourceName.TELEGRAM, 0, Unreachable("no line", "the network is down")))
    assert [look.instead_of async for look in both.newest(WATCH)] == [("unreachable", "no line"), None]
    both, _ = _pair(Given(SourceName.TELEGRAM, 2))
    assert [look.instead_of async for look in both.newest(WATCH)] == [None, None]


@pytest.mark.parametrize(("channel_id", "shown"), [(None, 2), (1, 2), (2, 0)])
async def test_pages_of_another_channel_than_the_one_followed_do_not_stand_in(
    channel_id: int | None, shown: int
) -> None:
    watch = replace(WATCH, channel_id=channel_id)
    cut = Unreachable("cut")
    both, second = _pair(Given(SourceName.TELEGRAM, 0, cut))
    for looks in (both.newest(watch), both.older(watch, before=7), both.again(watch, [3, 5])):
        seen: list[SourceName] = []
        with nullcontext() if shown else pytest.raises(Unreachable) as told:
            seen.extend(await _sources(looks))
        assert len(seen) == shown
        assert shown or (told is not None and told.value is cut)
    assert second.closed == 3
