"""The step that sees to how the product itself works: an alert for each thing that is wrong, resolved when it is not.

What is wrong stands in the database, but for the free disk, and for the jobs, of which the worker tells. Researchers
whose transactions would keep the archive from being tidied or migrated are cut off here too.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor import alarms
from monitor.model import Clock, JobState, Limits, Working
from monitor.store import alerts, researchers, working
from monitor.store.database import Database


@dataclass(frozen=True, slots=True)
class Overseen:
    """What a run found: alerts raised, and resolved; and how many researchers it cut off."""

    raised: int = 0
    resolved: int = 0
    cut_off: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run; researchers only where there were any."""
        cut_off = {"cut_off": self.cut_off} if self.cut_off else {}
        return {"raised": self.raised, "resolved": self.resolved} | cut_off


async def oversee(
    database: Database,
    limits: Limits,
    *,
    now: Clock,
    jobs: Sequence[JobState] = (),
    place: Path | None = None,
) -> Overseen:
    """Raise an alert for what is wrong, and resolve those for what is well again; `place` is where the data lie."""
    free = _free(place) if place is not None else None
    async with database.transaction() as tx:
        cut_off = await researchers.end_overlong(tx, longest=researchers.LONGEST)
    async with database.transaction() as tx:
        facts = Working(
            watches=await working.watches(tx, silent_after=limits.silent_least),
            accounts=await working.accounts(tx),
            waits=await working.waits(tx, now=now()),
            jobs=jobs,
            digests=await working.digests(tx, now=now()),
            routes=await working.routes(tx),
            free=free,
        )
        found = alarms.of_working(facts, limits, now=now())
        resolved = await alerts.resolve_others(tx, alarms.WORKING_KINDS, found, now=now())
        return Overseen(await alerts.raise_(tx, found, now=now()), resolved, cut_off)


def _free(place: Path) -> int | None:
    """Bytes that are free there; None while there is no such place."""
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None
