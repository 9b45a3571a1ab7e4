"""The step that pulls posts: the newest of every watch that is due, older ones bit by bit, and files.

Each look goes into the archive by `looks`, in one transaction with the cursor that it moves: the live
cursor goes up over ids that were covered without a gap, the backfill goes down, a file moves none.
"""

from collections.abc import Awaitable, Callable, Container
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor import changes
from monitor.looks import Collected, Fetched, Looking, ahead, store
from monitor.model import Clock, Look, LookKind, SourceName, Watch
from monitor.sources import Source
from monitor.sources.desktop import DesktopSource
from monitor.store import posts, watches
from monitor.store.database import Database, Transaction

# A watch far behind gives way to the others after so many looks, and is due again at once.
LIVE_LOOKS = 10
BACKFILL_LOOKS = 50
# Pages that came while others were stored go into the archive in one transaction.
TOGETHER = 10


async def live(
    database: Database,
    source: Source,
    *,
    now: Clock,
    result: Collected | None = None,
    only: Container[str] | None = None,
    stored: Callable[[], None] = lambda: None,
) -> Collected:
    """Look at the newest posts of every watch of this source that is due.

    `only` narrows them down to some handles; `stored` hears of each look once it is committed.
    """
    collected = result or Collected()
    looking = Looking(
        database=database, source=source, kind=LookKind.LIVE, now=now, collected=collected, stored=stored
    )
    async with database.transaction() as tx:
        due = await watches.due(tx, now=now(), source=source.name)
    await looking.each(_chosen(due, only), lambda watch: _live_one(looking, watch))
    return collected


def _chosen(found: list[Watch], only: Container[str] | None) -> list[Watch]:
    return [watch for watch in found if only is None or watch.handle in only]


@dataclass(slots=True)
class _Found:
    """What the looks at one watch showed so far."""

    looks: int = 0
    anything: bool = False
    last_post_at: datetime | None = None
    again_after: timedelta | None = None
    via: SourceName | None = None

    def add(self, look: Look, *, changed: bool) -> None:
        self.looks += 1
        self.anything = self.anything or changed
        newest = max((post.posted_at for post in look.posts), default=None)
        self.last_post_at = max(filter(None, (newest, self.last_post_at)), default=None)
        self.again_after = look.again_after or self.again_after
        self.via = look.source


async def _live_one(looking: Looking, watch: Watch) -> None:
    reach = _Reach(watch.cursor)
    found = _Found()
    async with aclosing(ahead(looking.source.newest(watch), most=LIVE_LOOKS)) as pages:
        async for fetched in pages:
            decision = await looking.store(fetched, watch, move=_moved(watch, reach, fetched))
            found.add(fetched.look, changed=decision.new_posts > 0)
    interval = changes.next_interval(
        watch.pace, watch.interval, found=found.anything, asked=found.again_after
    )
    behind = reach.gap or found.looks >= LIVE_LOOKS
    async with looking.database.transaction() as tx:
        await watches.succeeded(
            tx,
            watch,
            now=looking.now(),
            interval=timedelta(0) if behind else interval,
            last_post_at=found.last_post_at,
            via=found.via,
        )


def _moved(watch: Watch, reach: "_Reach", fetched: Fetched) -> Callable[[Transaction], Awaitable[None]]:
    """How the watch moves on with a look: up to what is covered, and from where changes are told next."""
    look = fetched.look
    before = look.first_id if reach.cursor is None else None

    async def move(tx: Transaction) -> None:
        if look.all_due and watch.lost_at is None:
            await posts.look_again(tx, look.channel.channel_id, at=look.at)
            await watches.lost(tx, watch, at=look.at)
        cursor = reach.take(look)
        if watch.lost_at is not None and reach.ends_a_loss:
            # What changed since the posts were first made due is not told either.
            await posts.look_again(tx, look.channel.channel_id, at=look.at)
        if cursor is not None:
            await watches.advance(
                tx,
                watch,
                cursor=cursor,
                before=before,
                channel_id=look.channel.channel_id,
                pts=reach.pts,
                holes=has_holes(look),
            )

    return move


def has_holes(look: Look) -> bool:
    """Whether ids of a look's range show no post, so that they are to be asked for one by one."""
    if look.first_id is None or look.last_id is None:
        return False
    shown = sum(look.first_id <= post.message_id <= look.last_id for post in look.posts)
    return 0 < shown < look.last_id - look.first_id + 1


class _Reach:
    """How far the cursor may move: only over ids that were covered without a gap.

    `pts` is where changes will be told from; while a gap is open it stays back, since it would hide that gap.
    `ends_a_loss` says that the last look gave a place in the order of changes in place of one that was lost.
    """

    def __init__(self, cursor: int | None) -> None:
        self.cursor = cursor
        self._top: tuple[int, int] | None = None
        self._pts: int | None = None
        self.ends_a_loss = False
        self._lost = False

    @property
    def gap(self) -> bool:
        """Whether posts between the cursor and the newest are still to be fetched."""
        return self._top is not None

    @property
    def pts(self) -> int | None:
        """The place in the order of changes that may be kept now."""
        return None if self.gap else self._pts

    def take(self, look: Look) -> int | None:
        """The message id that the cursor may move to once this look is stored; None if it stays."""
        self._pts = look.pts or self._pts
        self._lost = self._lost or look.all_due
        reached = self._reached(look)
        self.ends_a_loss = self._lost and reached is not None and self.pts is not None
        self._lost = self._lost and not self.ends_a_loss
        return reached

    def _reached(self, look: Look) -> int | None:
        if look.first_id is None or look.last_id is None:
            return None
        span = (look.first_id, look.last_id)
        if self.cursor is not None and span[0] > self.cursor + 1:
            self._top = self._top or span
            return None
        reached = max(span[1], self.cursor or 0)
        if self._top is not None and self._top[0] <= reached + 1:
            reached = max(reached, self._top[1])
            self._top = None
        self.cursor = reached
        return reached


async def backfill(
    database: Database,
    source: Source,
    *,
    now: Clock,
    result: Collected | None = None,
    only: Container[str] | None = None,
    stored: Callable[[], None] = lambda: None,
) -> Collected:
    """Fetch a few looks of older posts for every watch of this source whose range is not done.

    `only` narrows them down to some handles; `stored` hears of each look once it is committed.
    """
    collected = result or Collected()
    looking = Looking(
        database=database, source=source, kind=LookKind.BACKFILL, now=now, collected=collected, stored=stored
    )
    async with database.transaction() as tx:
        waiting = await watches.to_backfill(tx, now=now(), source=source.name)
    await looking.each(_chosen(waiting, only), lambda watch: _backfill_one(looking, watch))
    return collected


async def _backfill_one(looking: Looking, watch: Watch) -> None:
    older = looking.source.older(watch, before=watch.backfill_before or 1)
    async with aclosing(ahead(older, most=BACKFILL_LOOKS, together=TOGETHER)) as pages:
        async for fetched in pages:
            look = fetched.look
            reached = look.first_id or watch.backfill_before or 1
            done = look.exhausted or reached <= 1 or _is_past(look, watch.backfill_since)
            holes = has_holes(look)

            async def move(
                tx: Transaction, before: int = reached, *, done: bool = done, holes: bool = holes
            ) -> None:
                await watches.backfilled(tx, watch, before=before, done=done, holes=holes)
                await watches.next_of(tx, watch, LookKind.BACKFILL, at=looking.now())

            await looking.store(fetched, watch, move=move)
            if done:
                break


def _is_past(look: Look, since: datetime | None) -> bool:
    return bool(look.posts and since is not None and look.posts[0].posted_at < since)


async def take(
    database: Database,
    source: DesktopSource,
    *,
    now: Clock,
    stored: Callable[[Look], None] = lambda look: None,
) -> Collected:
    """Take in what an export file holds; `stored` hears of each look once it is committed.

    Raises ExportError where the file holds nothing that may be taken.
    """
    collected = Collected()
    async with aclosing(ahead(source.looks(now=now))) as batches:
        async for fetched in batches:
            look = fetched.look
            decision = await store(database, fetched, watch=None, kind=LookKind.IMPORT)
            collected.count(look, decision)
            stored(look)
    return collected
