"""Handovers of a shift: a note to whoever is next, who accepts it. A note is never changed, and accepted once."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from monitor.store.database import Transaction


class Handover(NamedTuple):
    """A note, who gave it and when, and who accepted it, if anybody did yet."""

    handover_id: int
    user_id: int
    user: str
    given_at: datetime
    note: str
    accepted_by: str | None
    accepted_at: datetime | None


_SELECT = """
    SELECT h.handover_id, h.user_id, u.name, h.given_at, h.note, a.name, h.accepted_at
    FROM monitor.handovers h JOIN monitor.users u ON u.user_id = h.user_id
    LEFT JOIN monitor.users a ON a.user_id = h.accepted_by
    WHERE {where} ORDER BY h.handover_id DESC LIMIT :limit
    """


async def give(tx: Transaction, user_id: int, note: str, *, now: datetime) -> int:
    """Leave a note to whoever is next; gives its id."""
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.handovers (user_id, given_at, note) VALUES (:user, :now, :note)
            RETURNING handover_id
            """
        ),
        {"user": user_id, "now": now, "note": note},
    )
    return int(made.scalar_one())


async def accept(tx: Transaction, handover_id: int, user_id: int, *, now: datetime) -> bool:
    """Accept a note; False where there is none, or it was accepted before. Of two who accept at once one does."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.handovers SET accepted_by = :user, accepted_at = :now
            WHERE handover_id = :handover AND accepted_by IS NULL
            """
        ),
        {"user": user_id, "now": now, "handover": handover_id},
    )
    return done.rowcount == 1


async def waiting(tx: Transaction) -> Handover | None:
    """The newest note that nobody accepted yet, if there is one."""
    found = await open_ones(tx, limit=1)
    return found[0] if found else None


async def open_ones(tx: Transaction, *, limit: int) -> list[Handover]:
    """The notes that nobody accepted yet, the newest first."""
    rows = await tx.execute(text(_SELECT.format(where="h.accepted_by IS NULL")), {"limit": limit})
    return [Handover(*row) for row in rows]


async def accepted(tx: Transaction, *, limit: int) -> list[Handover]:
    """The notes that were accepted, the newest first."""
    rows = await tx.execute(text(_SELECT.format(where="h.accepted_by IS NOT NULL")), {"limit": limit})
    return [Handover(*row) for row in rows]
