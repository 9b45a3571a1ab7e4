"""The step that makes the daily digest.

    for each reader, each of their windows that ended: plan a delivery, unless it is planned
    for each edition that a planned delivery waits for: compose it once, and keep it
    (sending is a step of its own)

An edition is composed a minute after its window ended, since what was written at its end may not have been committed
yet. Once kept it is never composed anew: whoever gets it later, or again, gets the same.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from monitor.digest import told
from monitor.digest.render import Drawn, drawn
from monitor.digest.told import Asked, Told
from monitor.model import Edition
from monitor.store import editions
from monitor.store.database import Database
from monitor.store.editions import Content

GRACE = timedelta(minutes=1)


@dataclass(slots=True)
class Digested:
    """What a run made: deliveries planned, and editions composed for them."""

    planned: int = 0
    composed: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return asdict(self)


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
