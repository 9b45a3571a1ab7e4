"""A look's way into the archive, the same for every step and source: one path, one transaction.

::

    for look in looks:                          fetched ahead of the one that is being stored
        lock the channel
        changes.decide(look, what is held)
        store posts, versions, counts, raw records, what was set aside, coverage, cursor

A look that failed is stored as well: in coverage, so that nobody takes it for silence, and on the watch.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from monitor import changes
from monitor.errors import Fault, HandleTaken, MonitorError, Purged, SourceError
from monitor.model import Clock, Decision, Look, LookKind, SetAside, Watch
from monitor.sources import Source
from monitor.store import aside, channels, coverage, media, partitions, posts, purges, watches
from monitor.store.coverage import Looked
from monitor.store.database import Database, Transaction, lock_channel

log = structlog.get_logger()

AHEAD = 2
# A run takes no further watch after so many seconds, so that it ends before it is broken off.
LONGEST = 300.0
AFTER_FAILURE = timedelta(minutes=10)
BREATH = 8
Move = Callable[[Transaction], Awaitable[None]]


@dataclass(slots=True)
class Collected:
    """What a run of looking gave."""

    looks: int = 0
    posts: int = 0
    edits: int = 0
    deleted: int = 0
    missing: int = 0
    set_aside: int = 0
    failures: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, look: Look, decision: Decision) -> None:
        """Add one look."""
        self.looks += 1
        self.posts += decision.new_posts
        self.edits += decision.edits
        self.deleted += len(decision.deleted)
        self.missing += len(decision.missing)
        self.set_aside += len(look.set_aside)

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {
            "looks": self.looks,
            "posts": self.posts,
            "edits": self.edits,
            "deleted": self.deleted,
            "missing": self.missing,
            "set_aside": self.set_aside,
            "failures": self.failures,
        }


@dataclass(frozen=True, slots=True)
class Fetched:
    """A look with the hashes of its posts, so that both are ready when the database is."""

    look: Look
    hashes: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """A step at work: what it looks with, why, and what it has brought; `stored` hears of each look committed."""

    database: Database
    source: Source
    kind: LookKind
    now: Clock
    collected: Collected
    stored: Callable[[], None] = lambda: None

    async def each(self, chosen: Sequence[Watch], look: Callable[[Watch], Awaitable[None]]) -> None:
        """Look at some watches, as many at a time as the source bears.

        A failure is that watch's own, unless what it shares would refuse the others too; these are then left
        alone for as long. Those that are not reached in a while are still due, and first next time.
        """
        waiting = list(reversed(chosen))
        refused: list[SourceError] = []

        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST

        async def lane() -> None:
            while waiting and not refused and loop.time() < until:
                error = await self._tried(look, waiting.pop())
                if error is not None and error.shared:
                    refused.append(error)

        await _together([lane() for _ in range(min(self.source.at_once, len(chosen)))])
        if refused:
            await self._postpone(refused[0], waiting)

    async def _tried(self, look: Callable[[Watch], Awaitable[None]], watch: Watch) -> SourceError | None:
        try:
            await _guarded(look(watch), watch)
        except SourceError as error:
            await self._fail(watch, error)
            return error
        return None

    async def store(self, fetched: Fetched, watch: Watch, *, move: Move | None = None) -> Decision:
        """Store one look of a watch, and move the cursor that it belongs to, in one transaction."""
        decision = await store(self.database, fetched, watch=watch, kind=self.kind, move=move)
        self.collected.count(fetched.look, decision)
        self.stored()
        return decision

    async def _fail(self, watch: Watch, error: SourceError) -> None:
        now = self.now()
        wait = changes.backoff(watch.failures, retry_after=error.retry_after, permanent=error.permanent)
        words = error.what + (f": {error.why}" if error.why else "")
        looked = Looked(
            source=watch.source,
            kind=self.kind,
            at=now,
            handle=watch.handle,
            channel_id=watch.channel_id,
            outcome=error.outcome,
            detail=words,
        )
        async with self.database.transaction() as tx:
            await coverage.keep(tx, looked)
            if self.kind is LookKind.LIVE or error.permanent or error.shared:
                await watches.failed(
                    tx, watch, now=now, wait=wait, problem=error.outcome, words=words, stop=error.permanent
                )
            else:
                # What older posts meet must not keep the newest ones waiting.
                later = now + max(AFTER_FAILURE, wait)
                await watches.next_of(tx, watch, self.kind, at=later)
        self.collected.failures += 1
        self.collected.problems.append(f"@{watch.handle}: {words}")

    async def _postpone(self, error: SourceError, others: Sequence[Watch]) -> None:
        """Leave the other watches alone as well: what refused this one would refuse them."""
        wait = changes.backoff(0, retry_after=error.retry_after, permanent=False)
        async with self.database.transaction() as tx:
            await watches.postpone(tx, [watch.handle for watch in others], until=self.now() + wait)


async def _together(lanes: Sequence[Awaitable[None]]) -> None:
    """Wait for all of them; what one raises breaks off the others and goes on up by itself."""
    tasks = [asyncio.ensure_future(lane) for lane in lanes]
    try:
        for task in asyncio.as_completed(tasks):
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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


async def store(
    database: Database,
    fetched: Fetched,
    *,
    watch: Watch | None,
    kind: LookKind,
    move: Move | None = None,
) -> Decision:
    """Store one look, and move the cursor that it belongs to, in one transaction."""
    look, hashes = fetched.look, fetched.hashes
    _refuse_other_channel(look, watch)
    channel_id = look.channel.channel_id
    handle = watch.handle if watch else look.channel.handle
    async with database.transaction() as tx:
        await lock_channel(tx, channel_id)
        purged = await purges.among(tx, channel_id, [*hashes, *_ids_of(look.set_aside)])
        _refuse_purged_channel(look, purged)
        await partitions.ensure(tx, now=look.at, tables=("raw_records",))
        await channels.keep(tx, look.channel, source=look.source, at=look.at)
        held = await posts.held(tx, channel_id, hashes)
        decision = changes.decide(look, hashes, held, now=look.at, purged=purged)
        decision = await posts.keep(tx, look, decision)
        await posts.doubt(tx, look)
        await media.want(tx, look, decision)
        things = [thing for thing in look.set_aside if thing.message_id not in purged]
        await aside.keep(tx, things, source=look.source, at=look.at, handle=handle, channel_id=channel_id)
        looked = Looked(
            source=look.source,
            kind=kind,
            at=look.at,
            handle=handle,
            channel_id=channel_id,
            span=_span(look),
        )
        await coverage.keep(tx, looked)
        if look.instead_of is not None and watch is not None:
            outcome, words = look.instead_of
            await coverage.keep(
                tx, replace(looked, source=watch.source, outcome=outcome, detail=words, span=None)
            )
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


def _span(look: Look) -> tuple[int, int] | None:
    """The ids that a look answers for; where it found nothing above the last one, that one."""
    if look.first_id is None or look.last_id is None:
        return None
    return min(look.first_id, look.last_id), look.last_id


def _refuse_purged_channel(look: Look, purged: frozenset[int]) -> None:
    if purges.WHOLE_CHANNEL in purged:
        raise Purged(
            f"channel {look.channel.handle or look.channel.channel_id} was purged on lawful request",
            "nothing of it is collected again",
            "take it out of config/channels.toml",
        )


def _ids_of(things: Iterable[SetAside]) -> list[int]:
    return [thing.message_id for thing in things if thing.message_id is not None]


async def ahead(
    looks: AsyncGenerator[Look, None], *, most: int | None = None, together: int = 1
) -> AsyncGenerator[Fetched, None]:
    """The looks, fetched ahead of whoever takes them, so that fetching and storing overlap; no more than `most`.

    Up to `together` pages of history that have come meanwhile are given as one look, so that what comes
    faster than it can be stored costs fewer transactions.
    """
    queue: asyncio.Queue[Fetched | None] = asyncio.Queue(max(AHEAD, together))
    fetching = asyncio.create_task(_fetch(looks, queue, most))
    taken: list[Fetched | None] = []
    try:
        while (head := taken.pop() if taken else await queue.get()) is not None:
            parts = [head]
            while len(parts) < together and not queue.empty() and not taken:
                following = queue.get_nowait()
                if following is not None and _lies_below(following.look, parts[-1].look):
                    parts.append(following)
                else:
                    taken.append(following)
            yield _as_one(parts)
        await fetching
    finally:
        fetching.cancel()
        while not queue.empty():
            queue.get_nowait()
        await asyncio.wait([fetching])


async def _fetch(
    looks: AsyncGenerator[Look, None], queue: "asyncio.Queue[Fetched | None]", most: int | None
) -> None:
    count = 0
    try:
        async with aclosing(looks):
            async for look in looks:
                await queue.put(Fetched(look, await _hashes(look)))
                count += 1
                if count == most:
                    return
    finally:
        await queue.put(None)


def _lies_below(look: Look, above: Look) -> bool:
    return look.last_id is not None and above.first_id is not None and look.last_id == above.first_id - 1


def _as_one(parts: Sequence[Fetched]) -> Fetched:
    """Pages, each right below the one before, as one; it claims the earliest of their times."""
    if len(parts) == 1:
        return parts[0]
    looks = [part.look for part in reversed(parts)]
    look = replace(
        looks[-1],
        posts=tuple(post for one in looks for post in one.posts),
        set_aside=tuple(thing for one in looks for thing in one.set_aside),
        first_id=looks[0].first_id,
        exhausted=looks[0].exhausted,
    )
    return Fetched(look, {number: digest for part in parts for number, digest in part.hashes.items()})


async def _hashes(look: Look) -> dict[int, bytes]:
    """The hashes of a look's posts, taken a few at a time, so that the one who stores may go on between."""
    hashes: dict[int, bytes] = {}
    for start in range(0, len(look.posts), BREATH):
        hashes |= changes.digests(look.posts[start : start + BREATH])
        await asyncio.sleep(0)
    return hashes
