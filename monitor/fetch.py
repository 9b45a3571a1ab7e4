"""The step that fetches files: photos and documents that posts bear, once each, up to a set size.

A file that cannot be had now is tried again later, at growing intervals; one that hangs there no more, or is
too big, is left, and why is kept. What lies with the account or the channel (a flood wait, a lost session) is
no fault of the file's: all files of that channel wait.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog

from monitor.errors import Fault, MonitorError, NothingShown, ServerFault, SourceError, Unreadable
from monitor.media import Stored, TooBig, keep, remove
from monitor.model import Clock, SourceName, Watch
from monitor.store import media, watches
from monitor.store.database import Database
from monitor.store.media import Wanted

log = structlog.get_logger()

BATCH = 20
FIRST_WAIT = timedelta(minutes=5)
# What may concern one file alone.
_OF_THE_FILE = (ServerFault, Unreadable, Fault)


class Fetching(Protocol):
    """A source that has files."""

    def file(self, watch: Watch, message_id: int, media_id: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file that hangs on a post."""
        ...


@dataclass(frozen=True, slots=True)
class Files:
    """Where files come from and go to, and how big they may be in bytes."""

    source: Fetching
    root: Path
    largest: int


@dataclass(slots=True)
class Fetched:
    """What a run of fetching gave."""

    files: int = 0
    left: int = 0
    failures: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"files": self.files, "left": self.left, "failures": self.failures}


async def fetch(database: Database, files: Files, *, now: Clock) -> Fetched:
    """Fetch a few of the files that are wanted. Raises MonitorError where they cannot be written."""
    done = Fetched()
    async with database.transaction() as tx:
        wanted = await media.wanted(tx, now=now(), limit=BATCH)
        watched = {
            watch.channel_id: watch
            for watch in await watches.every(tx)
            if watch.source is SourceName.TELEGRAM and watch.paused_at is None
        }
    for file in wanted:
        if file.channel_id in watched:
            try:
                await _one(database, files, file, watch=watched[file.channel_id], now=now, done=done)
            except SourceError as error:
                del watched[file.channel_id]
                await _postpone(database, file.channel_id, error, now=now)
                done.failures += 1
    return done


async def _one(
    database: Database, files: Files, wanted: Wanted, *, watch: Watch, now: Clock, done: Fetched
) -> None:
    """Fetch one file. Raises the SourceError that would keep the channel's other files too."""
    try:
        if (wanted.size or 0) > files.largest:
            raise TooBig(f"{wanted.size} bytes", "MONITOR_MEDIA_LARGEST sets how many are fetched")
        stored = await _stored(files, wanted, watch=watch)
    except (TooBig, NothingShown) as error:
        state = "too_big" if isinstance(error, TooBig) else "gone"
        async with database.transaction() as tx:
            await media.given_up(tx, wanted.media_id, state=state, problem=error.what)
        done.left += 1
    except _OF_THE_FILE as error:
        until = now() + FIRST_WAIT * 4**wanted.tries
        async with database.transaction() as tx:
            await media.failed(tx, wanted.media_id, problem=_words(error), until=until)
        if isinstance(error, ServerFault):
            raise
        done.failures += 1
    except OSError as error:
        fault = MonitorError(
            "files cannot be written", f"{files.root}: {error}", "make room, or mend its rights"
        )
        await _postpone(database, None, fault, now=now)
        raise fault from error
    else:
        await _record(database, files, wanted, stored=stored, now=now)
        done.files += 1


async def _stored(files: Files, wanted: Wanted, *, watch: Watch) -> Stored:
    """Fetch the bytes of a file. A mistake of our own is taken for this file's trouble, so that others get their turn."""
    try:
        async with aclosing(files.source.file(watch, wanted.message_id, wanted.media_id)) as pieces:
            return await keep(files.root, pieces, largest=files.largest)
    except (MonitorError, OSError):
        raise
    except Exception as error:
        log.exception("a file met a fault of ours", watch=watch.handle, message_id=wanted.message_id)
        raise Fault(
            f"a fault of monitor's own at a file of @{watch.handle}",
            f"{type(error).__name__}: {error}",
            "report it, with the log",
        ) from error


async def _record(database: Database, files: Files, wanted: Wanted, *, stored: Stored, now: Clock) -> None:
    """Record a file that lies there; one whose post was purged while it came goes again."""
    async with database.transaction() as tx:
        held = await media.kept(tx, wanted.media_id, sha256=stored.sha256, size=stored.size, now=now())
        if not held and not await media.bears(tx, stored.sha256):
            remove(files.root, stored.sha256)


async def _postpone(database: Database, channel_id: int | None, error: MonitorError, *, now: Clock) -> None:
    asked = timedelta(seconds=(error.retry_after or 0) if isinstance(error, SourceError) else 0)
    async with database.transaction() as tx:
        until = now() + max(FIRST_WAIT, asked)
        await media.postpone(tx, channel_id, problem=_words(error), until=until)


def _words(error: MonitorError) -> str:
    return error.what + (f": {error.why}" if error.why else "")
