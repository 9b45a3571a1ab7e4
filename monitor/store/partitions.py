"""Monthly partitions of what is droppable: made ahead, so that collecting never waits for one."""

from datetime import UTC, datetime

from sqlalchemy import text

from monitor.store.database import Transaction

PARTITIONED = ("raw_records",)
_MAKING = 0x7E22


def month_of(moment: datetime) -> datetime:
    """The first instant of a time's month, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(month: datetime) -> datetime:
    """The first instant of the month that follows."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


async def ensure(tx: Transaction, *, now: datetime) -> int:
    """Make the partitions of this month and the next where they are lacking; gives how many were made."""
    made = 0
    for table in PARTITIONED:
        this = month_of(now)
        for month in (this, month_after(this)):
            name = f"{table}_{month:%Y%m}"
            there = await tx.execute(text("SELECT to_regclass(:name)"), {"name": f"monitor.{name}"})
            if there.scalar_one() is None:
                # Channels are stored side by side, and two that make the same table at once would fail.
                await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
                bounds = f"FROM ('{month.isoformat()}') TO ('{month_after(month).isoformat()}')"
                await tx.execute(
                    text(
                        f"CREATE TABLE IF NOT EXISTS monitor.{name} PARTITION OF monitor.{table} FOR VALUES {bounds}"
                    )
                )
                made += 1
    return made
