"""Silences: what is not told until a time. It is raised and shown all the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from monitor.store.database import Transaction

# Of an alert `a`: a subject also stands for all that lies under it, as case/7 for case/7/12/v2, and a handle for the
# cases of its channel. Handles are the same in small and large letters.
SILENCED = """EXISTS (SELECT FROM monitor.silences s
                      WHERE s.ended_at IS NULL AND s.until > :now AND (s.kind IS NULL OR s.kind = a.kind)
                        AND (s.subject IS NULL
                             OR lower(s.subject) IN (lower(a.subject), lower(a.told->>'handle'))
                             OR starts_with(lower(a.subject), lower(s.subject) || '/')))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence; without a kind or a subject it is of every one."""

    silence_id: int
    kind: str | None
    subject: str | None
    until: datetime
    note: str
    made_by: str
    made_at: datetime


async def add(
    tx: Transaction,
    *,
    kind: str | None,
    subject: str | None,
    until: datetime,
    note: str,
    made_by: str,
    now: datetime,
) -> int:
    """Begin a silence; gives its id."""
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.silences (kind, subject, until, note, made_by, made_at)
            VALUES (:kind, :subject, :until, :note, :by, :now) RETURNING silence_id
            """
        ),
        {"kind": kind, "subject": subject, "until": until, "note": note, "by": made_by, "now": now},
    )
    return int(made.scalar_one())


async def end(tx: Transaction, silence_id: int, *, now: datetime) -> bool:
    """End a silence early; False where there is none that lasts."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.silences SET ended_at = :now
            WHERE silence_id = :id AND ended_at IS NULL AND until > :now
            """
        ),
        {"id": silence_id, "now": now},
    )
    return done.rowcount == 1


async def lasting(tx: Transaction, *, now: datetime) -> Sequence[Silence]:
    """The silences that last, the first to end first."""
    rows = await tx.execute(
        text(
            """
            SELECT silence_id, kind, subject, until, note, made_by, made_at FROM monitor.silences
            WHERE ended_at IS NULL AND until > :now ORDER BY until, silence_id
            """
        ),
        {"now": now},
    )
    return [Silence(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it
