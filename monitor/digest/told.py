"""What a digest tells, read from the archive in one transaction, so that all its parts speak of the same moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import Language, Narrowed, Window
from monitor.store import coverage, queue, summary
from monitor.store.coverage import Gap
from monitor.store.database import Transaction
from monitor.store.queue import Waiting
from monitor.store.summary import (
    Change,
    Claimed,
    Counts,
    Entry,
    Gone,
    PerTopic,
    Troubled,
    Unknown,
    Volume,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which edition is wanted: a window as it ends in a zone (an IANA name), a language, and what it is narrowed to.

    `posted` asks for what was posted in the window, not for what came to be known in it.
    """

    window: Window
    zone: str
    language: Language
    narrowed: Narrowed
    posted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that an edition tells. `before` are the counts of the window before, which was as long."""

    asked: Asked
    composed_at: datetime
    counts: Counts
    before: Counts
    topics: tuple[PerTopic, ...]
    entries: tuple[Entry, ...]
    claimed: tuple[Claimed, ...]
    changes: tuple[Change, ...]
    deletions: tuple[Gone, ...]
    volumes: tuple[Volume, ...]
    hours: tuple[tuple[int, int], ...]
    verdicts: dict[str, int]
    waiting: Waiting
    troubled: tuple[Troubled, ...]
    gaps: tuple[Gap, ...]
    unknown: Unknown


async def read(tx: Transaction, asked: Asked, *, now: datetime) -> Told:
    """What is to be told of a window."""
    window = asked.window
    within = await summary.within(tx, window, asked.narrowed, posted=asked.posted)
    length: timedelta = window.until - window.since
    before = await summary.within(
        tx, Window(window.since - length, window.since), asked.narrowed, posted=asked.posted
    )
    return Told(
        asked=asked,
        composed_at=now,
        counts=await summary.counts(tx, within),
        before=await summary.counts(tx, before),
        topics=tuple(await summary.topics(tx, within)),
        entries=tuple(await summary.entries(tx, within)),
        claimed=tuple(await summary.claimed(tx, within)),
        changes=tuple(await summary.changes(tx, within)),
        deletions=tuple(await summary.deletions(tx, within)),
        volumes=tuple(await summary.volumes(tx, within)),
        hours=tuple(await summary.hours(tx, within)),
        verdicts=await summary.verdicts(tx, within),
        waiting=await queue.waiting(tx),
        troubled=tuple(await summary.troubled(tx, within)),
        gaps=tuple(
            await coverage.gaps(tx, since=window.since, until=window.until, channel_ids=within.channel_ids)
        ),
        unknown=await summary.unknown(tx, within),
    )
