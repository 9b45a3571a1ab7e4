"""Deliveries of notices by other routes than mail: claimed, handed over, and what came of each try.

A delivery that is `handing` when its worker dies may have gone; it is in doubt, and is not sent again by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from monitor.model import MAIL_ROUTE, DeliveryState, Language, Notice, Severity
from monitor.store.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that is ours to hand over; `key` stays the same at each try, and `tries` counts this one."""

    delivery_id: int
    route: str
    key: str
    tries: int
    planned_at: datetime
    notice: Notice


async def claim(tx: Transaction, routes: Sequence[str], *, now: datetime) -> Claimed | None:
    """The next delivery that is due by one of these routes; None if there is none."""
    row = (
        await tx.execute(
            text(
                """
                UPDATE monitor.deliveries d SET state = 'handing', tries = tries + 1
                FROM monitor.notices n
                WHERE n.notice_id = d.notice_id AND d.delivery_id = (
                    SELECT delivery_id FROM monitor.deliveries
                    WHERE state = 'planned' AND next_at <= :now AND notice_id IS NOT NULL AND route = ANY(:routes)
                    ORDER BY next_at, delivery_id LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING d.delivery_id, d.route, d.message_id, d.tries, d.planned_at, n.*
                """
            ),
            {"now": now, "routes": list(routes)},
        )
    ).one_or_none()
    if row is None:
        return None
    return Claimed(
        delivery_id=row.delivery_id,
        route=row.route,
        key=row.message_id,
        tries=row.tries,
        planned_at=row.planned_at,
        notice=Notice(
            notice_id=row.notice_id,
            kind=row.kind,
            severity=Severity(row.severity),
            person=row.person,
            language=Language(row.language),
            made_at=row.made_at,
            subject=row.subject,
            body=row.body,
            told=row.told,
        ),
    )


async def tried(
    tx: Transaction,
    claimed: Claimed,
    state: DeliveryState,
    *,
    now: datetime,
    error: str | None = None,
    next_at: datetime | None = None,
) -> None:
    """Record what came of a try: sent, failed, in doubt, or planned again for a later time."""
    values = {
        "id": claimed.delivery_id,
        "number": claimed.tries,
        "state": state.value,
        "outcome": "temporary" if state is DeliveryState.PLANNED else state.value,
        "now": now,
        "error": error,
        "next": next_at,
    }
    await tx.execute(
        text(
            """
            INSERT INTO monitor.delivery_tries (delivery_id, number, tried_at, outcome, error)
            VALUES (:id, :number, :now, :outcome, :error)
            """
        ),
        values,
    )
    await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = :state, error = :error, next_at = :next,
                ended_at = CASE WHEN CAST(:next AS timestamptz) IS NULL THEN CAST(:now AS timestamptz) END
            WHERE delivery_id = :id
            """
        ),
        values,
    )


async def end_unreachable(tx: Transaction, routes: Sequence[str], *, now: datetime) -> int:
    """Let fail what is planned by a route that is none of these, since nothing else would ever take it up; gives how many."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = 'failed', next_at = NULL, ended_at = :now,
                error = 'no route is called ' || route
                        || ': it is not in MONITOR_ALERT_ROUTES, or was not when the worker started'
            WHERE state = 'planned' AND notice_id IS NOT NULL AND route <> :mail AND route <> ALL(:routes)
            """
        ),
        {"now": now, "mail": MAIL_ROUTE, "routes": list(routes)},
    )
    return done.rowcount


async def close_broken_off(tx: Transaction, *, now: datetime) -> int:
    """Put in doubt what a killed worker was handing over; only the one worker may call it. Gives how many."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = 'in_doubt', next_at = NULL, ended_at = :now,
                error = 'the worker ended while it was handed over'
            WHERE state = 'handing' AND notice_id IS NOT NULL AND route <> :mail
            """
        ),
        {"now": now, "mail": MAIL_ROUTE},
    )
    return done.rowcount
