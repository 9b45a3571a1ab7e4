"""Monthly partitions of what is derived or droppable: made ahead, so that nothing waits for one, and dropped by policy."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from monitor.store.database import Transaction

# `raw_records` by the time of seeing, `post_search` by the time of posting.
PARTITIONED = ("raw_records", "post_search")
_MAKING = 0x7E22
_PARTITION = re.compile(r"(\w+)_([0-9]{6})")


def month_of(moment: datetime) -> datetime:
    """The first instant of a time's month, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(month: datetime) -> datetime:
    """The first instant of the month that follows."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def first_of(months: int, *, now: datetime) -> datetime | None:
    """The first instant of the last so many months, this one among them; None for none."""
    this = month_of(now)
    count = this.year * 12 + this.month - months
    return this.replace(year=count // 12, month=count % 12 + 1) if months else None


async def ensure(tx: Transaction, *, now: datetime, tables: Sequence[str] = PARTITIONED) -> int:
    """Make the partitions of this month and the next where they are lacking; gives how many were made."""
    this = month_of(now)
    both = (this, month_after(this))
    return sum([await make(tx, table, month) for table in tables for month in both])


async def make(tx: Transaction, table: str, month: datetime) -> bool:
    """Make the partition of a month where it is lacking; gives whether it was."""
    name = f"{table}_{month:%Y%m}"
    if await _there(tx, name):
        return False
    # Channels are stored side by side, and two that make the same table at once would fail.
    await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
    bounds = f"FROM ('{month.isoformat()}') TO ('{month_after(month).isoformat()}')"
    await tx.execute(
        text(f"CREATE TABLE IF NOT EXISTS monitor.{name} PARTITION OF monitor.{table} FOR VALUES {bounds}")
    )
    if table == "post_search":
        # A partition does not take over the one from its parent, and the parent cannot have the other: rows are kept
        # whole, since a search that unpacks a thousand texts takes longer to unpack than to search.
        await tx.execute(
            text(
                f"ALTER TABLE monitor.{name} ALTER COLUMN vector SET STATISTICS 1000, SET (toast_tuple_target = 8160)"
            )
        )
    return True


async def months(tx: Transaction, table: str) -> Sequence[datetime]:
    """The months that have a partition, in order."""
    found = await tx.execute(
        text(
            """
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = CAST(:table AS regclass) ORDER BY 1
            """
        ),
        {"table": f"monitor.{table}"},
    )
    parsed = [_PARTITION.fullmatch(name) for name in found.scalars()]
    return [datetime.strptime(m.group(2), "%Y%m").replace(tzinfo=UTC) for m in parsed if m is not None]


async def drop(tx: Transaction, table: str, month: datetime) -> None:
    """Drop a month with all that is in it."""
    await tx.execute(text(f"DROP TABLE monitor.{table}_{month:%Y%m}"))


async def set_regex(tx: Transaction, month: datetime, *, regex_since: datetime | None) -> bool:
    """Make a month's index for regular expressions, or drop it where the month is older; gives whether it did."""
    name = f"post_search_{month:%Y%m}_text"
    wanted = regex_since is not None and month >= regex_since
    if await _there(tx, name) == wanted:
        return False
    if wanted:
        table = f"monitor.post_search_{month:%Y%m}"
        # With the day in it, only texts of the days asked for are read, and not all that share the letters.
        day = "((posted_at AT TIME ZONE 'UTC')::date)"
        await tx.execute(text(f"CREATE INDEX {name} ON {table} USING gin (text gin_trgm_ops, {day})"))
    else:
        await tx.execute(text(f"DROP INDEX monitor.{name}"))
    return True


async def _there(tx: Transaction, name: str) -> bool:
    found = await tx.execute(text("SELECT to_regclass(:name)"), {"name": f"monitor.{name}"})
    return found.scalar_one() is not None


async def measure(tx: Transaction, *, again: datetime) -> bool:
    """Measure the search table as a whole, which Postgres never does of itself; gives whether that was last done before `again`."""
    last = await tx.execute(
        text(
            "SELECT last_analyze FROM pg_stat_user_tables WHERE schemaname = 'monitor' AND relname = 'post_search'"
        )
    )
    at = last.scalar_one_or_none()
    if at is not None and at > again:
        return False
    await tx.execute(text("ANALYZE monitor.post_search"))
    return True
