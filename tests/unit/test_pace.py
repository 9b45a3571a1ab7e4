"""Turns at a fixed pace."""

import asyncio
from itertools import pairwise

import pytest

from monitor.sources.pace import AGAIN, FILES, HEAD_START, NEWEST, OLDER, Pacer


async def _line(pacer: Pacer, *urgencies: int) -> list[tuple[float, int]]:
    """The turns that so many got who came at once, in that order, and when."""
    clock = asyncio.get_running_loop().time
    taken: list[tuple[float, int]] = []

    async def one(place: int, urgency: int) -> None:
        await pacer.turn(urgency)
        taken.append((clock(), place))

    await asyncio.gather(*(one(place, urgency) for place, urgency in enumerate(urgencies)))
    return taken


async def test_without_a_pace_every_turn_is_there_at_once() -> None:
    turns = await _line(Pacer(0), *[OLDER] * 50)
    assert [place for _, place in turns] == list(range(50))


async def test_turns_are_never_closer_than_the_pace() -> None:
    turns = await _line(Pacer(0.02), *[NEWEST] * 8)
    times = [at for at, _ in turns]
    assert min(b - a for a, b in pairwise(times)) >= 0.0199


async def test_the_most_urgent_goes_first_and_equals_in_their_order() -> None:
    turns = await _line(Pacer(0.01), NEWEST, FILES, OLDER, AGAIN, NEWEST, OLDER, NEWEST)
    assert [place for _, place in turns] == [0, 4, 6, 3, 2, 5, 1]


async def test_who_gives_up_waiting_keeps_nobody_else() -> None:
    pacer = Pacer(0.02)
    await pacer.turn(NEWEST)
    impatient = asyncio.create_task(pacer.turn(NEWEST))
    patient = asyncio.create_task(pacer.turn(OLDER))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await asyncio.wait_for(patient, 1)
    await asyncio.wait_for(pacer.turn(FILES), 1)


async def test_who_asks_all_the_time_lets_the_less_urgent_have_their_turn() -> None:
    pacer = Pacer(0.001)
    taken: list[int] = []

    async def lane() -> None:
        while len(taken) < 60:
            await pacer.turn(NEWEST)
            taken.append(NEWEST)

    async def one(urgency: int) -> None:
        await pacer.turn(urgency)
        taken.append(urgency)

    await asyncio.gather(*(lane() for _ in range(8)), *(one(urgency) for urgency in (AGAIN, OLDER, FILES)))
    # The lanes that waited before, what came within the head start, and the more urgent of the others.
    assert taken.index(AGAIN) <= 8 + HEAD_START + 1
    assert taken.index(OLDER) <= 8 + 2 * HEAD_START + 2
    assert taken.index(FILES) <= 8 + 3 * HEAD_START + 3
