"""The step that keeps house: the partitions of this month and the next are there before they are needed."""

from dataclasses import dataclass

from monitor.model import Clock
from monitor.store import partitions
from monitor.store.database import Database


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run of keeping house did."""

    partitions: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"partitions": self.partitions}


async def maintain(database: Database, *, now: Clock) -> Kept:
    """Do what is due once a day."""
    async with database.transaction() as tx:
        return Kept(await partitions.ensure(tx, now=now()))
