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
