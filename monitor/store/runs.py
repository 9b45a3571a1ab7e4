"""Runs of the steps: begun, ended, and what came of them. Also what a person agreed to, once."""

from collections.abc import Mapping
from datetime import datetime
from json import dumps

from sqlalchemy import text

from monitor.store.database import Transaction

# A look that found nothing new is recorded in coverage, and is no work done.
IDLE = frozenset({"looks"})


async def begin(tx: Transaction, step: str, *, now: datetime) -> int:
    """Record that a run began; gives its id."""
    statement = "INSERT INTO monitor.runs (step, started_at, outcome) VALUES (:step, :now, 'running') RETURNING run_id"
    return int((await tx.execute(text(statement), {"step": step, "now": now})).scalar_one())


async def end(
    tx: Transaction, run_id: int, *, now: datetime, counts: Mapping[str, int], error: str | None = None
) -> None:
    """Record how a run ended; `error` is what a person would read. One that changed nothing leaves no row."""
    if error is None and not any(number for name, number in counts.items() if name not in IDLE):
        await tx.execute(text("DELETE FROM monitor.runs WHERE run_id = :run"), {"run": run_id})
        return
    await tx.execute(
        text(
            """
            UPDATE monitor.runs SET ended_at = :now, outcome = :outcome, counts = CAST(:counts AS jsonb), error = :error
            WHERE run_id = :run
            """
        ),
        {
            "now": now,
            "outcome": "failed" if error else "done",
            "counts": dumps(dict(counts)),
            "error": error,
            "run": run_id,
        },
    )


async def close_broken_off(tx: Transaction, *, now: datetime) -> int:
    """Close runs that a killed worker left open; only the one worker may call it. Gives how many there were."""
    statement = "UPDATE monitor.runs SET ended_at = :now, outcome = 'broken off' WHERE outcome = 'running'"
    return (await tx.execute(text(statement), {"now": now})).rowcount


async def agreed(tx: Transaction, subject: str) -> bool:
    """Whether a person agreed to something before."""
    found = await tx.execute(
        text("SELECT 1 FROM monitor.consents WHERE subject = :subject"), {"subject": subject}
    )
    return found.first() is not None


async def agree(tx: Transaction, subject: str, *, now: datetime) -> None:
    """Record that a person agreed to something."""
    statement = (
        "INSERT INTO monitor.consents (subject, given_at) VALUES (:subject, :now) ON CONFLICT DO NOTHING"
    )
    await tx.execute(text(statement), {"subject": subject, "now": now})
