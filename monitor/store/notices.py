"""Notices: which alerts wait to be told, messages made of them, and their deliveries, all in one transaction.

An alert is told once, escalated to each person once, and resolved once to each who was told. Only the step of alerts
makes notices, so that what it counts as waiting is what it then takes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from json import dumps
from typing import NamedTuple

from sqlalchemy import text

from monitor.model import AlertRole, Made, Person, Severity, Waiting
from monitor.store.database import Transaction
from monitor.store.silences import SILENCED

_RAISED = f"a.told_at IS NULL AND a.resolved_at IS NULL AND NOT {SILENCED}"
_ESCALATING = f"""a.escalate_at IS NOT NULL AND a.escalate_at <= :now AND a.told_at IS NOT NULL
                  AND a.resolved_at IS NULL AND NOT {SILENCED}"""
_RESOLVED = f"""a.resolved_at IS NOT NULL AND a.told_at IS NOT NULL AND a.resolution_told_at IS NULL
                AND NOT {SILENCED}"""
# Of an alert `a`, whom it was told.
_TOLD = """array(SELECT DISTINCT n.person FROM monitor.notice_alerts o JOIN monitor.notices n USING (notice_id)
                 WHERE o.alert_id = a.alert_id AND o.role <> 'resolved' ORDER BY 1)"""
# And who of them does not know that it is resolved.
_TOLD_NOT_RESOLVED = """array(SELECT DISTINCT n.person FROM monitor.notice_alerts o JOIN monitor.notices n USING (notice_id)
                 WHERE o.alert_id = a.alert_id AND o.role <> 'resolved'
                   AND NOT EXISTS (SELECT FROM monitor.notice_alerts r JOIN monitor.notices m USING (notice_id)
                                   WHERE r.alert_id = a.alert_id AND r.role = 'resolved' AND m.person = n.person)
                 ORDER BY 1)"""
_WAITING = {
    AlertRole.RAISED: (_RAISED, "a.raised_at", "ARRAY[]::text[]"),
    AlertRole.ESCALATED: (_ESCALATING, "a.escalate_at", _TOLD),
    AlertRole.RESOLVED: (_RESOLVED, "a.resolved_at", _TOLD_NOT_RESOLVED),
}


async def waiting(tx: Transaction, *, now: datetime) -> list[Waiting]:
    """What waits to be told, in groups of what is told alike to the same people."""
    found = []
    for role, (where, since, told) in _WAITING.items():
        rows = await tx.execute(
            text(
                f"""
                SELECT severity, told, count(*) AS n, min(since) AS first_at, max(since) AS last_at
                FROM (SELECT a.severity, {since} AS since, {told} AS told FROM monitor.alerts a WHERE {where}) w
                GROUP BY severity, told
                """  # noqa: S608 - constants
            ),
            {"now": now},
        )
        found += [
            Waiting(role, Severity(row.severity), row.n, row.first_at, row.last_at, frozenset(row.told))
            for row in rows
        ]
    return found


async def next_escalation(tx: Transaction, *, now: datetime) -> datetime | None:
    """When the next alert is to be escalated that nobody has claimed by then; those before wait for whoever comes."""
    found = await tx.execute(
        text("SELECT min(escalate_at) FROM monitor.alerts WHERE escalate_at > :now AND resolved_at IS NULL"),
        {"now": now},
    )
    at: datetime | None = found.scalar_one()
    return at


async def made_since(tx: Transaction, since: datetime) -> list[Made]:
    """The notices of alerts that were made since a time."""
    rows = await tx.execute(
        text("SELECT person, made_at FROM monitor.notices WHERE made_at > :since AND kind <> 'test'"),
        {"since": since},
    )
    return [Made(row.person, row.made_at) for row in rows]


async def burst(tx: Transaction, *, of: int) -> bool:
    """Whether at least so many posts came that are not read yet, or not put into cases."""
    found = await tx.execute(
        text(
            """
            SELECT (SELECT count(*) FROM (SELECT FROM monitor.post_state WHERE unread LIMIT :of) s)
                   + (SELECT count(*) FROM (SELECT FROM monitor.review_due LIMIT :of) r) >= :of
            """
        ),
        {"of": of},
    )
    return bool(found.scalar_one())


class Taken(NamedTuple):
    """The alerts of a group: their ids, the gravest and oldest first, and how many there are of each kind."""

    ids: list[int]
    kinds: dict[str, int]


async def take(tx: Transaction, part: Waiting, *, now: datetime) -> Taken:
    """The alerts of a group that waits; they wait on until `tell`."""
    where, _, told = _WAITING[part.role]
    rows = await tx.execute(
        text(
            f"""
            SELECT alert_id, kind FROM (SELECT a.alert_id, a.kind, {told} AS told FROM monitor.alerts a
                                        WHERE {where} AND a.severity = :severity) w
            WHERE told = CAST(:told AS text[]) ORDER BY alert_id
            """  # noqa: S608 - constants
        ),
        {"now": now, "severity": part.severity.value, "told": sorted(part.told)},
    )
    ids: list[int] = []
    kinds: dict[str, int] = {}
    for row in rows:
        ids.append(row.alert_id)
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    return Taken(ids, kinds)


async def add(
    tx: Transaction,
    person: Person,
    *,
    kind: str,
    severity: Severity,
    subject: str,
    body: str,
    told: object,
    now: datetime,
) -> int:
    """Add a notice; gives its id."""
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.notices (kind, severity, person, language, made_at, subject, body, told)
            VALUES (:kind, :severity, :person, :language, :now, :subject, :body, CAST(:told AS jsonb))
            RETURNING notice_id
            """
        ),
        {
            "kind": kind,
            "severity": severity.value,
            "person": person.name,
            "language": person.language.value,
            "now": now,
            "subject": subject,
            "body": body,
            "told": dumps(told, ensure_ascii=False),
        },
    )
    return int(made.scalar_one())


async def tell(
    tx: Transaction,
    notice_id: int,
    role: AlertRole,
    ids: Sequence[int],
    *,
    now: datetime,
    escalate_after: timedelta,
) -> None:
    """Write that a notice says this of alerts; those of cases are to be escalated later."""
    await tx.execute(
        text(
            """
            INSERT INTO monitor.notice_alerts (notice_id, alert_id, role)
            SELECT :notice, unnest(CAST(:ids AS bigint[])), :role ON CONFLICT DO NOTHING
            """
        ),
        {"notice": notice_id, "ids": list(ids), "role": role.value},
    )
    if role is not AlertRole.RESOLVED:
        await tx.execute(
            text(
                """
                UPDATE monitor.alerts SET told_at = coalesce(told_at, :now), level = level + :step,
                    escalate_at = CASE WHEN case_id IS NOT NULL THEN CAST(:next AS timestamptz) END
                WHERE alert_id = ANY(:ids)
                """
            ),
            {
                "now": now,
                "next": now + escalate_after,
                "step": int(role is AlertRole.ESCALATED),
                "ids": list(ids),
            },
        )


async def stop_escalating(tx: Transaction, ids: Sequence[int]) -> None:
    """Nobody is left to be told of these."""
    await tx.execute(
        text("UPDATE monitor.alerts SET escalate_at = NULL WHERE alert_id = ANY(:ids)"), {"ids": list(ids)}
    )


async def settle_resolved(tx: Transaction, people: Collection[str], *, now: datetime) -> None:
    """Write which resolved alerts nobody is left to be told of; whoever is no longer on the list is not told."""
    await tx.execute(
        text(
            f"""
            UPDATE monitor.alerts SET resolution_told_at = :now
            WHERE alert_id IN (SELECT a.alert_id FROM monitor.alerts a
                               WHERE {_RESOLVED} AND NOT ({_TOLD_NOT_RESOLVED} && CAST(:people AS text[])))
            """  # noqa: S608 - constants
        ),
        {"now": now, "people": list(people)},
    )


async def plan(
    tx: Transaction, notice_id: int, person: Person, *, routes: Iterable[str], host: str, now: datetime
) -> None:
    """Write a delivery of a notice for each route; they go with the transaction or not at all."""
    for number, route in enumerate(routes, 1):
        await tx.execute(
            text(
                """
                INSERT INTO monitor.deliveries
                    (route, address, language, name, notice_id, state, planned_at, next_at, message_id)
                VALUES (:route, :address, :language, :name, :notice, 'planned', :now, :now, :message)
                """
            ),
            {
                "route": route,
                "address": person.address if route == "mail" else person.name,
                "language": person.language.value,
                "name": person.name,
                "notice": notice_id,
                "now": now,
                "message": f"notice-{notice_id}-{number}@{host}",
            },
        )
