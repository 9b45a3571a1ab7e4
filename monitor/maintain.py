"""The step that keeps house: partitions are there before they are needed, and gone when they are too old."""

from dataclasses import dataclass
from datetime import timedelta

from monitor.model import Clock
from monitor.store import partitions
from monitor.store.database import Database

MEASURED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept: in how many months regular expressions are quick, and for how many raw records stay; 0: for ever."""

    regex_months: int = 12
    raw_months: int = 0


@dataclass(slots=True)
class Kept:
    """What a run of keeping house did: partitions made, months dropped, indexes made or dropped, tables measured."""

    partitions: int = 0
    dropped: int = 0
    indexes: int = 0
    measured: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {
            "partitions": self.partitions,
            "dropped": self.dropped,
            "indexes": self.indexes,
            "measured": self.measured,
        }


async def maintain(database: Database, *, now: Clock, keeping: Keeping) -> Kept:
    """Do what is due once a day."""
    kept = Kept()
    async with database.transaction() as tx:
        kept.partitions = await partitions.ensure(tx, now=now())
        found = {table: await partitions.months(tx, table) for table in partitions.PARTITIONED}
    since = partitions.first_of(keeping.regex_months, now=now())
    for month in found["post_search"]:
        # A transaction each, since writing to that month waits for it.
        async with database.transaction() as tx:
            kept.indexes += await partitions.set_regex(tx, month, regex_since=since)
    oldest = partitions.first_of(keeping.raw_months, now=now())
    for month in found["raw_records"]:
        if oldest is not None and month < oldest:
            async with database.transaction() as tx:
                await partitions.drop(tx, "raw_records", month)
            kept.dropped += 1
    async with database.transaction() as tx:
        kept.measured += await partitions.measure(tx, again=now() - MEASURED_FOR)
    return kept
