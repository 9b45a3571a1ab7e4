"""Reasons that a decision may name; a lead adds and retires them, and none that was given is ever lost."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from monitor.store.database import Transaction


class Reason(NamedTuple):
    """A reason in both languages; `retired_at` once it is not offered any more."""

    reason: str
    english: str
    russian: str
    retired_at: datetime | None


async def every(tx: Transaction, *, retired: bool = False) -> list[Reason]:
    """The reasons on offer, in their order; with `retired` those too that were."""
    rows = await tx.execute(
        text(
            """
            SELECT reason, english, russian, retired_at FROM monitor.reasons
            WHERE :retired OR retired_at IS NULL ORDER BY position, reason
            """
        ),
        {"retired": retired},
    )
    return [Reason(*row) for row in rows]


async def add(tx: Transaction, reason: str, *, english: str, russian: str) -> bool:
    """Offer one more reason, after the others; False where there is one of that key, on offer or retired."""
    done = await tx.execute(
        text(
            """
            INSERT INTO monitor.reasons (reason, position, english, russian)
            SELECT :reason, coalesce(max(position), 0) + 1, :english, :russian FROM monitor.reasons
            ON CONFLICT DO NOTHING
            """
        ),
        {"reason": reason, "english": english, "russian": russian},
    )
    return done.rowcount == 1


async def retire(tx: Transaction, reason: str, *, now: datetime) -> bool:
    """Offer a reason no more; False where it is not on offer. Decisions that name it keep it."""
    done = await tx.execute(
        text("UPDATE monitor.reasons SET retired_at = :now WHERE reason = :reason AND retired_at IS NULL"),
        {"reason": reason, "now": now},
    )
    return done.rowcount == 1


async def bring_back(tx: Transaction, reason: str) -> bool:
    """Offer a retired reason again, after the others; False where none of that key is retired."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.reasons SET retired_at = NULL, position = (SELECT max(position) + 1 FROM monitor.reasons)
            WHERE reason = :reason AND retired_at IS NOT NULL
            """
        ),
        {"reason": reason},
    )
    return done.rowcount == 1


async def move(tx: Transaction, reason: str, *, by: int) -> bool:
    """Move a reason on offer by so many places, up where that is negative; False where it cannot go there."""
    rows = await tx.execute(
        text(
            "SELECT reason FROM monitor.reasons WHERE retired_at IS NULL ORDER BY position, reason FOR UPDATE"
        )
    )
    order = [row.reason for row in rows]
    if reason not in order or not 0 <= order.index(reason) + by < len(order):
        return False
    place = order.index(reason) + by
    order.remove(reason)
    order.insert(place, reason)
    await tx.execute(
        text(
            """
            UPDATE monitor.reasons r SET position = o.position
            FROM unnest(CAST(:order AS text[])) WITH ORDINALITY AS o(reason, position) WHERE r.reason = o.reason
            """
        ),
        {"order": order},
    )
    return True
