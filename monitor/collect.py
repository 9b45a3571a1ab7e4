"""The step that pulls posts: look, decide what changed, store it with its cursor and coverage, all at once.

For each watch that is due::

    for look in source.newest(watch):          fetched ahead of the one that is being stored
        lock the channel
        changes.decide(look, what is held)
        store posts, versions, counts, raw records, what was set aside, coverage, cursor    (one transaction)

Older posts (`backfill`) and files (`take`) go the same way; they only differ in which cursor moves.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from monitor import changes
from monitor.errors import Fault, HandleTaken, MonitorError, SourceError
from monitor.model import Clock, Decision, Look, LookKind, Watch
from monitor.sources import Source
from monitor.sources.desktop import DesktopSource
from monitor.store import aside, channels, coverage, partitions, posts, watches
from monitor.store.coverage import Looked
from monitor.store.database import Database, Transaction, lock_channel

log = structlog.get_logger()

# A watch far behind gives way to the others after so many looks, and is due again at once.
LIVE_LOOKS = 10
BACKFILL_LOOKS = 5
AHEAD = 2
BREATH = 8


@dataclass(slots=True)
class Collected:
    """What a run of collecting gave."""

    looks: int = 0
    posts: int = 0
    edits: int = 0
    set_aside: int = 0
    failures: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, look: Look, decision: Decision) -> None:
        """Add one look."""
        self.looks += 1
        self.posts += decision.new_posts
        self.edits += decision.edits
        self.set_aside += len(look.set_aside)

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {
            "looks": self.looks,
            "posts": self.posts,
            "edits": self.edits,
            "set_aside": self.set_aside,
            "failures": self.failures,
        }


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A look with the hashes of its posts, so that both are ready when the database is."""

    look: Look
    hashes: Mapping[int, bytes]


async def live(
    database: Database,
    source: Source,
    *,
    now: Clock,
    result: Collected | None = None,
    only: Container[str] | None = None,
) -> Collected:
    """Look at the newest posts of every watch of this source that is due.

    `only` narrows them down to some handles.
    """
    collected = result or Collected()
    async with database.transaction() as tx:
        due = await watches.due(tx, now=now(), source=source.name)
    due = [watch for watch in due if only is None or watch.handle in only]

    async def look(watch: Watch) -> None:
        await _live_one(database, source, watch, now=now, collected=collected)

    await _each(database, due, look, kind=LookKind.LIVE, now=now, collected=collected)
    return collected


async def _each(
    database: Database,
    chosen: Sequence[Watch],
    look: Callable[[Watch], Awaitable[None]],
    *,
    kind: LookKind,
    now: Clock,
    collected: Collected,
) -> None:
    """Look at one watch after the other. A failure is that watch's own, unless what it shares refuses all of them."""
    for place, watch in enumerate(chosen):
        try:
            await _guarded(look(watch), watch)
        except SourceError as error:
            await _fail(database, watch, error, kind=kind, now=now(), collected=collected)
            if error.shared:
                await _postpone(database, error, chosen[place + 1 :], now=now())
                return


async def _guarded(work: Awaitable[None], watch: Watch) -> None:
    """Let a mistake of our own fail this watch alone; what concerns all of them goes on up."""
    try:
        await work
    except MonitorError:
        raise
    except Exception as error:
        log.exception("a watch met a fault of ours", watch=watch.handle)
        raise Fault(
            f"a fault of monitor's own at @{watch.handle}",
            f"{type(error).__name__}: {error}",
            "report it, with the log",
        ) from error


async def _live_one(
    database: Database, source: Source, watch: Watch, *, now: Clock, collected: Collected
) -> None:
    reach = _Reach(watch.cursor)
    found, last_post_at, looks = False, None, 0
    async with aclosing(ahead(source.newest(watch))) as pages:
        async for fetched in pages:
            look = fetched.look
            first_before = look.first_id if reach.cursor is None else None

            async def move(tx: Transaction, look: Look = look, before: int | None = first_before) -> None:
                cursor = reach.take(look)
                if cursor is not None:
                    await watches.advance(
                        tx, watch, cursor=cursor, before=before, channel_id=look.channel.channel_id
                    )

            decision = await _store(database, fetched, watch=watch, kind=LookKind.LIVE, move=move)
            collected.count(look, decision)
            found = found or decision.new_posts > 0
            last_post_at = max((p.posted_at for p in look.posts), default=last_post_at)
            looks += 1
            if looks >= LIVE_LOOKS:
                break
    interval = timedelta(0) if reach.gap else changes.next_interval(watch.pace, watch.interval, found=found)
    async with database.transaction() as tx:
        await watches.succeeded(tx, watch, now=now(), interval=interval, last_post_at=last_post_at)


class _Reach:
    """How far the cursor may move: only over ids that were covered without a gap."""

    def __init__(self, cursor: int | None) -> None:
        self.cursor = cursor
        self._top: tuple[int, int] | None = None

    @property
    def gap(self) -> bool:
        """Whether posts between the cursor and the newest are still to be fetched."""
        return self._top is not None

    def take(self, look: Look) -> int | None:
        """The message id that the cursor may move to once this look is stored; None if it stays."""
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
) -> Collected:
    """Fetch a few looks of older posts for every watch of this source whose range is not done.

    `only` narrows them down to some handles.
    """
    collected = result or Collected()
    async with database.transaction() as tx:
        waiting = await watches.to_backfill(tx, now=now(), source=source.name)
    waiting = [watch for watch in waiting if only is None or watch.handle in only]

    async def look(watch: Watch) -> None:
        await _backfill_one(database, source, watch, collected=collected)

    await _each(database, waiting, look, kind=LookKind.BACKFILL, now=now, collected=collected)
    return collected


async def _backfill_one(database: Database, source: Source, watch: Watch, *, collected: Collected) -> None:
    looks = 0
    async with aclosing(ahead(source.older(watch, before=watch.backfill_before or 1))) as pages:
        async for fetched in pages:
            look = fetched.look
            reached = look.first_id or watch.backfill_before or 1
            done = look.exhausted or reached <= 1 or _is_past(look, watch.backfill_since)

            async def move(tx: Transaction, before: int = reached, done: bool = done) -> None:  # noqa: FBT001
                await watches.backfilled(tx, watch, before=before, done=done)

            decision = await _store(database, fetched, watch=watch, kind=LookKind.BACKFILL, move=move)
            collected.count(look, decision)
            looks += 1
            if done or looks >= BACKFILL_LOOKS:
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
            decision = await _store(database, fetched, watch=None, kind=LookKind.IMPORT, move=None)
            collected.count(look, decision)
            stored(look)
    return collected


async def _store(
    database: Database,
    fetched: _Fetched,
    *,
    watch: Watch | None,
    kind: LookKind,
    move: Callable[[Transaction], Awaitable[None]] | None,
) -> Decision:
    """Store one look, and move the cursor that it belongs to, in one transaction."""
    look, hashes = fetched.look, fetched.hashes
    _refuse_other_channel(look, watch)
    channel_id = look.channel.channel_id
    handle = watch.handle if watch else look.channel.handle
    span = None if look.first_id is None or look.last_id is None else (look.first_id, look.last_id)
    async with database.transaction() as tx:
        await lock_channel(tx, channel_id)
        await partitions.ensure(tx, now=look.at)
        await channels.keep(tx, look.channel, source=look.source, at=look.at)
        held = await posts.held(tx, channel_id, hashes)
        decision = changes.decide(look, hashes, held, now=look.at)
        await posts.keep(tx, look, decision)
        await aside.keep(
            tx, look.set_aside, source=look.source, at=look.at, handle=handle, channel_id=channel_id
        )
        looked = Looked(
            source=look.source, kind=kind, at=look.at, handle=handle, channel_id=channel_id, span=span
        )
        await coverage.keep(tx, looked)
        if move is not None:
            await move(tx)
    return decision


def _refuse_other_channel(look: Look, watch: Watch | None) -> None:
    if watch is None or watch.channel_id is None or watch.channel_id == look.channel.channel_id:
        return
    raise HandleTaken(
        f"@{watch.handle} now shows another channel (id {look.channel.channel_id}, before {watch.channel_id})",
        "the handle was given up or passed on, and posts of two channels are never mixed",
        f"to follow the new channel: monitor channels resume {watch.handle} --as-new",
    )


async def _fail(
    database: Database,
    watch: Watch,
    error: SourceError,
    *,
    kind: LookKind,
    now: datetime,
    collected: Collected,
) -> None:
    """Record a look that failed: in coverage, so that nobody takes it for silence, and on the watch."""
    wait = changes.backoff(watch.failures, retry_after=error.retry_after, permanent=error.permanent)
    words = error.what + (f": {error.why}" if error.why else "")
    looked = Looked(
        source=watch.source,
        kind=kind,
        at=now,
        handle=watch.handle,
        channel_id=watch.channel_id,
        outcome=error.outcome,
        detail=words,
    )
    async with database.transaction() as tx:
        await coverage.keep(tx, looked)
        await watches.failed(
            tx, watch, now=now, wait=wait, problem=error.outcome, words=words, stop=error.permanent
        )
    collected.failures += 1
    collected.problems.append(f"@{watch.handle}: {words}")


async def _postpone(
    database: Database, error: SourceError, others: Sequence[Watch], *, now: datetime
) -> None:
    """Leave the other watches alone as well: what refused this one would refuse them."""
    wait = changes.backoff(0, retry_after=error.retry_after, permanent=False)
    async with database.transaction() as tx:
        await watches.postpone(tx, [watch.handle for watch in others], until=now + wait)


async def ahead(looks: AsyncGenerator[Look, None], *, depth: int = AHEAD) -> AsyncGenerator[_Fetched, None]:
    """The looks, fetched up to `depth` ahead of whoever takes them, so that fetching and storing overlap."""
    queue: asyncio.Queue[_Fetched | None] = asyncio.Queue(depth)

    async def fetch() -> None:
        try:
            async for look in looks:
                await queue.put(_Fetched(look, await _hashes(look)))
        finally:
            await queue.put(None)

    fetching = asyncio.create_task(fetch())
    try:
        while (fetched := await queue.get()) is not None:
            yield fetched
        await fetching
    finally:
        fetching.cancel()
        while not queue.empty():
            queue.get_nowait()
        await asyncio.wait([fetching])


async def _hashes(look: Look) -> dict[int, bytes]:
    """The hashes of a look's posts, taken a few at a time, so that the one who stores may go on between."""
    hashes: dict[int, bytes] = {}
    for start in range(0, len(look.posts), BREATH):
        hashes |= changes.digests(look.posts[start : start + BREATH])
        await asyncio.sleep(0)
    return hashes
