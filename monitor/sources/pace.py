"""Turns at a fixed pace: the more urgent go before those that came a little earlier, and all get theirs."""

import asyncio
import heapq
from itertools import count

# How urgent a request is: today's posts come first, files last.
NEWEST, AGAIN, OLDER, FILES = range(4)


# By so many turns a step of urgency goes before what came earlier; without a bound, files would never be fetched.
HEAD_START = 30


class Pacer:
    """Gives one turn every `seconds`; with 0 every turn is there at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._free_at = 0.0
        self._waiting: list[tuple[float, int]] = []
        self._number = count()

    async def turn(self, urgency: int) -> None:
        """Wait for a turn; of two that are equally urgent, the earlier goes first."""
        if self._seconds <= 0:
            return
        clock = asyncio.get_running_loop().time
        ticket = (clock() + urgency * HEAD_START * self._seconds, next(self._number))
        heapq.heappush(self._waiting, ticket)
        try:
            # Whoever is most urgent when the turn comes takes it, so there is nothing to be woken by.
            while self._waiting[0] != ticket or clock() < self._free_at:  # noqa: ASYNC110
                await asyncio.sleep(max(self._free_at - clock(), 0.001))
            self._free_at = clock() + self._seconds
        finally:
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)
