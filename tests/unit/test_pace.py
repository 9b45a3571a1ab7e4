"""Turns at a fixed pace."""

import asyncio
from itertools import pairwise

import pytest

from monitor.sources.pace import AGAIN, FILES, NEWEST, OLDER, Pacer


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
