"""Input that could not be taken, kept with its bytes and its reason, once for each content."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import text

from monitor.model import SetAside, SourceName
from monitor.store.database import Transaction


async def keep(
    tx: Transaction,
    things: Iterable[SetAside],
    *,
    source: SourceName,
    at: datetime,
    handle: str | None = None,
    channel_id: int | None = None,
) -> None:
    """Set input aside; what was set aside before is counted again."""
    rows = [
        {
            "sha256": sha256(thing.body).digest(),
            "source": source.value,
            "channel": channel_id,
            "handle": handle.lower() if handle else None,
            "message": thing.message_id,
            "reason": thing.reason,
            "body": thing.body,
            "at": at,
        }
        for thing in things
    ]
    if rows:
        await tx.execute(
            text(
                """
                INSERT INTO monitor.set_aside (sha256, source, channel_id, handle, message_id, reason, body,
                                               first_at, last_at, times)
                VALUES (:sha256, :source, :channel, :handle, :message, :reason, :body, :at, :at, 1)
                ON CONFLICT (sha256) DO UPDATE
                SET last_at = excluded.last_at, times = set_aside.times + 1, reason = excluded.reason
                """
            ),
            rows,
        )


async def total(tx: Transaction) -> int:
    """How many different pieces of input are set aside."""
    return int((await tx.execute(text("SELECT count(*) FROM monitor.set_aside"))).scalar_one())


@dataclass(frozen=True, slots=True)
class Aside:
    """One piece of input that is set aside, as it is listed."""

    source: str
    handle: str | None
    message_id: int | None
    reason: str
    last_at: datetime
    times: int


async def newest(tx: Transaction, *, limit: int) -> list[Aside]:
    """What was set aside last."""
    rows = await tx.execute(
        text(
            """
            SELECT source, handle, message_id, reason, last_at, times FROM monitor.set_aside
            ORDER BY last_at DESC LIMIT :limit
            """
        ),
        {"limit": limit},
    )
    return [Aside(*row) for row in rows]
