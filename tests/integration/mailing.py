"""Readers, editions and deliveries for tests of mail."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.model import Language, Reader, Window
from monitor.store import deliveries, editions, readers
from monitor.store.database import Database
from tests.integration.helpers import ask

HOST = "m.example"
UNTIL = datetime(2024, 8, 9, 5, tzinfo=UTC)
WINDOW = Window(UNTIL - timedelta(days=1), UNTIL)
OLYA = Reader(address="olya@r.example", name="Оля", zone="Europe/Moscow", language=Language.RUSSIAN)
ANN = Reader(address="ann@r.example", name="Ann")


async def edition(database: Database, reader: Reader, window: Window) -> int:
    """The edition that such a reader gets, composed where it is not yet."""
    rows = await ask(
        database,
        """
        WITH made AS (
            INSERT INTO monitor.editions (window_from, window_until, zone, language, filter, composed_at, subject,
                                          html, body, page, counts, sha256)
            VALUES (:since, :until, :zone, :language, :filter, :until, 'Сводка',
                    '<p><!--greeting-->Суджа<!--farewell--></p>', 'Суджа', '', '{}', '')
            ON CONFLICT DO NOTHING RETURNING edition_id)
        SELECT edition_id FROM made UNION ALL
        SELECT edition_id FROM monitor.editions WHERE (window_from, window_until, zone, language, filter)
            = (CAST(:since AS timestamptz), CAST(:until AS timestamptz), :zone, :language, :filter) LIMIT 1
        """,
        since=window.since,
        until=window.until,
        zone=reader.zone,
        language=reader.language.value,
        filter=editions.filter_of(reader.narrowed),
    )
    return int(rows[0].edition_id)


async def planned(
    database: Database, *whom: Reader, window: Window = WINDOW, now: datetime = UNTIL
) -> list[bool]:
    """A digest of a window for each of these readers; gives which were not planned yet."""
    done = []
    for reader in whom:
        number = await edition(database, reader, window)
        async with database.transaction() as tx:
            await readers.known(tx, reader.address, now=now)
            done.append(
                await deliveries.plan_digest(tx, reader, window, host=HOST, now=now, edition_id=number)
            )
    return done


async def rows(database: Database) -> Sequence[Any]:
    return await ask(database, "SELECT * FROM monitor.deliveries ORDER BY delivery_id")


async def states(database: Database) -> list[str]:
    return [row.state for row in await rows(database)]


async def outcomes(database: Database) -> list[str]:
    found = await ask(database, "SELECT outcome FROM monitor.delivery_tries ORDER BY delivery_id, number")
    return [row.outcome for row in found]
