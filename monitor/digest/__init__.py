"""The step that makes the daily digest.

    for each reader, each of their windows that ended: plan a delivery, unless it is planned
    for each edition that a planned delivery waits for: compose it once, and keep it
    (sending is a step of its own)

An edition is composed a minute after its window ended, since what was written at its end may not have been committed
yet. Once kept it is never composed anew: whoever gets it later, or again, gets the same. Windows that ended more than a
week ago, while nothing ran or the reader was not listed, are not made up for.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from monitor.digest import told
from monitor.digest.render import Drawn, drawn
from monitor.digest.told import Asked, Told
from monitor.digest.windows import due_windows
from monitor.errors import MonitorError
from monitor.model import Clock, Edition, Reader, Window
from monitor.store import deliveries, editions, readers
from monitor.store.database import Database, Transaction
from monitor.store.editions import Content

GRACE = timedelta(minutes=1)
LONGEST_AGO = timedelta(days=7)


@dataclass(slots=True)
class Digested:
    """What a run made: deliveries planned, and editions composed for them."""

    planned: int = 0
    composed: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return asdict(self)


async def digest(
    database: Database, whom: Sequence[Reader], *, host: str, public_url: str | None, now: Clock
) -> Digested:
    """Plan what is due to readers, and compose what they wait for; `host` is where our Message-IDs are from."""
    done = Digested()
    for reader in whom:
        async with database.transaction() as tx:
            done.planned += await plan_due(tx, reader, host=host, now=now())
    async with database.transaction() as tx:
        awaited = await editions.awaited(tx, ended_by=now() - GRACE)
    failed: Exception | None = None
    for key in awaited:
        try:
            await _compose(database, key, public_url=public_url, now=now())
            done.composed += 1
        except MonitorError:
            raise
        except Exception as error:  # noqa: BLE001 - one that cannot be composed must not hold up the others for ever
            failed = failed or error
    if failed is not None:
        raise failed
    return done


async def _compose(database: Database, key: editions.Key, *, public_url: str | None, now: datetime) -> None:
    asked = Asked(window=key.window, zone=key.zone, language=key.language, narrowed=key.narrowed)
    edition = await edition_of(database, asked, public_url=public_url, now=now)
    async with database.transaction() as tx:
        await deliveries.attach(tx, edition.edition_id)


async def windows_due(tx: Transaction, reader: Reader, *, now: datetime) -> list[Window]:
    """The windows of a reader that ended, and that nothing is written of; a reader who is new is written down."""
    known = await readers.known(tx, reader.address, now=now)
    last = await deliveries.last_until(tx, reader.address)
    if last is not None and last < known.first_at:
        # Of a day before they were listed, sent by hand; the days since then are not theirs.
        last = None
    windows = due_windows(reader, now=now, first_at=known.first_at, last_until=last)
    return [window for window in windows if now - window.until <= LONGEST_AGO]


async def plan_due(tx: Transaction, reader: Reader, *, host: str, now: datetime) -> int:
    """Plan the windows of a reader that are due; gives how many there were."""
    due = await windows_due(tx, reader, now=now)
    return sum([await deliveries.plan_digest(tx, reader, window, host=host, now=now) for window in due])


async def preview(
    database: Database, asked: Asked, *, public_url: str | None, now: datetime
) -> tuple[Told, Drawn]:
    """An edition as it would be composed now; nothing is kept."""
    async with database.transaction() as tx:
        found = await told.read(tx, asked, now=now)
    return found, drawn(found, public_url=public_url)


async def edition_of(database: Database, asked: Asked, *, public_url: str | None, now: datetime) -> Edition:
    """The edition of a window: as it was kept, else composed and kept."""
    async with database.transaction() as tx:
        kept = await editions.find(
            tx, asked.window, zone=asked.zone, language=asked.language, narrowed=asked.narrowed
        )
    if kept is not None:
        return kept
    found, made = await preview(database, asked, public_url=public_url, now=now)
    content = Content(
        made.subject,
        made.html,
        made.body,
        made.page,
        made.sha256,
        found.counts._asdict(),
        made.posts,
    )
    async with database.transaction() as tx:
        edition_id = await editions.keep(
            tx,
            asked.window,
            content,
            zone=asked.zone,
            language=asked.language,
            narrowed=asked.narrowed,
            now=now,
        )
        edition = await editions.get(tx, edition_id)
    assert edition is not None  # noqa: S101 - it was just kept
    return edition
