"""The step that looks again: at posts that are held, and at ids that show no post.

Posts are due at ages of minutes, hours, days and a week, and all of a channel's when changes to them were
lost. Ids between the oldest and the newest post that show none are asked for one by one: what is there is
taken in, what is not is proven empty. Both go into the archive as every look does.
"""

from collections.abc import Awaitable, Callable, Container
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta

from monitor import changes
from monitor.looks import Collected, Fetched, Looking, ahead
from monitor.model import Clock, LookKind, Watch
from monitor.sources import Source
from monitor.store import coverage, posts, watches
from monitor.store.database import Database, Transaction

BATCH = 100
# A watch with much to look at gives way to the others after so many batches, and is still due.
BATCHES = 5
# What could not be seen this time, and ids without posts, can wait.
LATER = timedelta(hours=1)


async def recheck(
    database: Database,
    source: Source,
    *,
    now: Clock,
    only: Container[str] | None = None,
    stored: Callable[[], None] = lambda: None,
) -> Collected:
    """Look again at posts that are due, of every watch of this source, then at ids that show no post.

    `only` narrows the watches down to some handles; `stored` hears of each look once it is committed.
    """
    collected = Collected()
    async with database.transaction() as tx:
        due = await watches.to_recheck(tx, now=now(), source=source.name)
    looking = Looking(
        database=database, source=source, kind=LookKind.RECHECK, now=now, collected=collected, stored=stored
    )
    await looking.each(_chosen(due, only), lambda watch: _again(looking, watch))
    if source.name in changes.PROVING_SOURCES:
        await _fill_all(replace(looking, kind=LookKind.HOLES), only=only)
    return collected


def _chosen(found: list[Watch], only: Container[str] | None) -> list[Watch]:
    return [watch for watch in found if only is None or watch.handle in only]


async def _again(looking: Looking, watch: Watch) -> None:
    """Look at a watch's posts that are due, a batch at a time, the newest first."""
    channel_id = watch.channel_id or 0
    for _ in range(BATCHES):
        now = looking.now()
        async with looking.database.transaction() as tx:
            ids = await posts.due(tx, channel_id, now=now, limit=BATCH)
        if not ids:
            return
        async with aclosing(ahead(looking.source.again(watch, ids))) as looks:
            async for fetched in looks:
                await looking.store(fetched, watch)
        async with looking.database.transaction() as tx:
            await posts.postpone(tx, channel_id, ids, now=now, until=now + LATER)


async def _fill_all(looking: Looking, *, only: Container[str] | None) -> None:
    async with looking.database.transaction() as tx:
        with_holes = await watches.with_holes(tx, now=looking.now(), source=looking.source.name)
    await looking.each(_chosen(with_holes, only), lambda watch: _fill(looking, watch))


async def _fill(looking: Looking, watch: Watch) -> None:
    """Ask for ids that show no post, down from the cursor to where the backfill has come."""
    for _ in range(BATCHES):
        async with looking.database.transaction() as tx:
            ids = await _holes(tx, watch)
            if not ids:
                await watches.holes_checked(tx, watch, until=looking.now() + LATER)
                return
        if not await _asked_for(looking, watch, ids):
            async with looking.database.transaction() as tx:
                await watches.holes_checked(tx, watch, until=looking.now() + LATER)
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
