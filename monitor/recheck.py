"""The step that looks again: at posts that are held, and at ids that show no post.

Posts are due at ages of minutes, hours, days and a week, and all of a channel's when changes to them were
lost. Ids between the oldest and the newest post that show none are asked for one by one: what is there is
taken in, what is not is proven empty. Both go into the archive as every look does.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta

from monitor import changes
from monitor.errors import SourceError
from monitor.looks import Collected, Fetched, Looking, ahead
from monitor.model import Clock, LookKind, Watch
from monitor.sources import Source
from monitor.store import coverage, posts, watches
from monitor.store.database import Database, Transaction

BATCH = 100
# A watch with much to look at gives way to the others after so many batches, and is still due.
BATCHES = 5
# Posts of a busy channel become due one by one, and are better looked at together.
BETWEEN = timedelta(minutes=1)
# What could not be seen this time, and ids without posts, can wait.
LATER = timedelta(hours=1)


async def recheck(
    database: Database,
    source: Source,
    *,
    now: Clock,
    stored: Callable[[], None] = lambda: None,
) -> Collected:
    """Look again at posts that are due, of every watch of this source; `stored` hears of each look committed."""
    looking = Looking(
        database=database, source=source, kind=LookKind.RECHECK, now=now, collected=Collected(), stored=stored
    )
    async with database.transaction() as tx:
        due = await watches.to_recheck(tx, now=now(), source=source.name)
    await looking.each(due, lambda watch: _again(looking, watch))
    return looking.collected


async def fill(
    database: Database,
    source: Source,
    *,
    now: Clock,
    stored: Callable[[], None] = lambda: None,
) -> Collected:
    """Ask for the ids that show no post, of every watch of this source, which must be able to prove an absence."""
    looking = Looking(
        database=database, source=source, kind=LookKind.HOLES, now=now, collected=Collected(), stored=stored
    )
    async with database.transaction() as tx:
        with_holes = await watches.with_holes(tx, now=now(), source=source.name)
    await looking.each(with_holes, lambda watch: _fill(looking, watch))
    return looking.collected


async def _again(looking: Looking, watch: Watch) -> None:
    """Look at a watch's posts that are due, a batch at a time, the newest first."""
    for _ in range(BATCHES):
        now = looking.now()
        async with looking.database.transaction() as tx:
            ids = await posts.due(tx, watch.channel_id or 0, now=now, limit=BATCH)
            await watches.next_of(tx, watch, LookKind.RECHECK, at=now + BETWEEN)
        if not ids:
            return
        try:
            async with aclosing(ahead(looking.source.again(watch, ids))) as looks:
                async for fetched in looks:
                    await looking.store(fetched, watch)
        except SourceError as error:
            if not (error.elsewhere or error.shared or error.retry_after):
                await _leave(looking, watch, ids, now=now)
            raise
        await _leave(looking, watch, ids, now=now)
        if len(ids) < BATCH:
            return
    async with looking.database.transaction() as tx:
        await watches.next_of(tx, watch, LookKind.RECHECK, at=looking.now())


async def _leave(looking: Looking, watch: Watch, ids: list[int], *, now: datetime) -> None:
    """Leave posts for a while that a look brought nothing on, so that others get their turn."""
    async with looking.database.transaction() as tx:
        await posts.postpone(tx, watch.channel_id or 0, ids, now=now, until=now + LATER)


async def _fill(looking: Looking, watch: Watch) -> None:
    """Ask for ids that show no post, down from the cursor to where the backfill has come."""
    for _ in range(BATCHES):
        async with looking.database.transaction() as tx:
            ids = await _holes(tx, watch)
            later = looking.now() + (timedelta(0) if ids else LATER)
            await watches.next_of(tx, watch, LookKind.HOLES, at=later)
        if not ids:
            return
        if not await _asked_for(looking, watch, ids):
            async with looking.database.transaction() as tx:
                await watches.next_of(tx, watch, LookKind.HOLES, at=looking.now() + LATER)
            return


async def _holes(tx: Transaction, watch: Watch) -> list[int]:
    if watch.channel_id is None or watch.cursor is None or watch.backfill_before is None:
        return []
    return await coverage.holes(
        tx, watch.channel_id, first_id=watch.backfill_before, last_id=watch.cursor, limit=BATCH - 1
    )


async def _asked_for(looking: Looking, watch: Watch, ids: list[int]) -> bool:
    """Ask for ids and store what came; gives whether each was proven to hold a post or none."""
    answered = 0
    async with aclosing(ahead(looking.source.again(watch, ids))) as looks:
        async for fetched in looks:
            proven = fetched.look.source in changes.PROVING_SOURCES
            await looking.store(fetched, watch, move=_vacated(fetched) if proven else None)
            found = {post.message_id for post in fetched.look.posts} | set(fetched.look.absent)
            answered += len(found & set(ids)) if proven else 0
    return answered == len(ids)


def _vacated(fetched: Fetched) -> Callable[[Transaction], Awaitable[None]]:
    look = fetched.look

    async def move(tx: Transaction) -> None:
        await coverage.vacate(tx, look.channel.channel_id, look.absent, at=look.at)

    return move
