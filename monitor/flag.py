"""The step that reads posts: whatever was not yet read under the present rules and sides is due.

    until nothing is due, or stopped:
        take a batch: of posts never read since they changed, else of those read under other rules or sides
        read it, off the event loop
        store its flags, its figures and that it was read, together
    note of each channel that all of it is read

Several batches are under way at a time, so that taking, reading and storing do not wait for one another; and
before each the new posts are asked for, so that they never wait for the old.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from monitor import readers
from monitor.extraction import RuleTexts
from monitor.model import Clock
from monitor.readers import Batch, Reader
from monitor.store import readings
from monitor.store.database import Database
from monitor.store.readings import BOTTOM, NONE, Unread
from monitor.store.rows import Columns, columns_of

BATCH = 1000


@dataclass(slots=True)
class Read:
    """What a run of reading gave."""

    posts: int = 0
    flagged: int = 0
    figures: int = 0

    def add(self, posts: Unread, found: Columns) -> None:
        """Count what a batch gave."""
        self.posts += len(posts.channels)
        self.flagged += len(found.raised)
        self.figures += len(found.figure_places)

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"posts": self.posts, "flagged": self.flagged, "figures": self.figures}


class Taken(NamedTuple):
    """A batch of posts, and whether they are new."""

    posts: Unread
    new: bool


async def flag(
    database: Database,
    rules: Reader,
    texts: RuleTexts,
    *,
    now: Clock,
    stored: Callable[[Read], None] = lambda read: None,
    stop: Callable[[], bool] = lambda: False,
    processes: int | None = None,
) -> Read:
    """Read every post that is due under `rules`, which were compiled from `texts`.

    `stored` hears of each batch; once `stop` says so, no further one is taken. Many posts are read by
    `processes`, one a core if that is not given.
    """
    read = Read()
    async with database.transaction() as tx:
        ruleset = await readings.ruleset(tx, texts.body, now=now())
        stale = await readings.stale(tx, ruleset)
    async with readers.opened(rules, texts, columns_of, processes=processes) as reading:
        due = _Due(database, ruleset, stale)

        async def one(taken: Taken) -> None:
            posts = taken.posts
            found = await reading.read(Batch(posts.texts, posts.sides))
            async with database.transaction() as tx:
                await readings.keep(tx, ruleset, posts, found, now=now())
            due.done(taken)
            read.add(posts, found)
            stored(read)

        await reading.through(due.take, one, stop)
    if not stop():
        for channel_id, side in stale.items():
            async with database.transaction() as tx:
                await readings.settle(tx, ruleset, channel_id=channel_id, side=side)
    return read


class _Due:
    """What is due, a batch at a time; none is taken twice."""

    def __init__(self, database: Database, ruleset: int, stale: dict[int, str]) -> None:
        self._database = database
        self._ruleset = ruleset
        self._channels = list(reversed(stale.items()))
        self._after = 0
        self._new_after = BOTTOM
        self._new_under_way = 0

    async def take(self) -> Taken | None:
        """The next batch; None if there is none for now."""
        async with self._database.transaction() as tx:
            posts = await readings.fresh(tx, after=self._new_after, limit=BATCH)
            if not posts and self._new_after != BOTTOM and not self._new_under_way:
                posts = await readings.fresh(tx, after=BOTTOM, limit=BATCH)
                self._new_after = BOTTOM
        if not posts:
            return await self._others()
        self._new_after = posts.last()
        self._new_under_way += 1
        return Taken(posts, new=True)

    def done(self, taken: Taken) -> None:
        """What was taken is stored."""
        self._new_under_way -= taken.new

    async def _others(self) -> Taken | None:
        """Posts of one channel or, where it has few, of several."""
        posts = NONE
        async with self._database.transaction() as tx:
            while self._channels and len(posts.channels) < BATCH:
                channel_id, side = self._channels[-1]
                room = BATCH - len(posts.channels)
                found = await readings.others(
                    tx, self._ruleset, channel_id=channel_id, side=side, after=self._after, limit=room
                )
                if len(found.channels) == room:
                    self._after = found.messages[-1]
                else:
                    self._after = 0
                    self._channels.pop()
                posts = posts.plus(found) if posts else found
        return Taken(posts, new=False) if posts else None
