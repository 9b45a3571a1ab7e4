"""Alerts: raised once while they last, resolved, and found again. What is told of them is in `notices`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from json import dumps
from typing import Any

from sqlalchemy import text

from monitor.model import TROOP_KINDS, Alarm, Alert, CaseState, Happened, Severity
from monitor.store.database import Transaction
from monitor.store.silences import SILENCED

QUOTE = 280
# So many characters of a post stand before the words that it was flagged for.
_BEFORE = 80
_TAKE = f"""
    WITH due AS (
        DELETE FROM monitor.alert_due WHERE due_id IN (
            SELECT due_id FROM monitor.alert_due ORDER BY due_id LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING due_id, kind, case_id, channel_id, message_id, at)
    SELECT d.kind, d.case_id, d.channel_id, d.message_id, s.version, c.state, m.topics, p.posted_at,
           CASE WHEN d.kind = 'deleted' THEN d.at ELSE v.seen_at END AS stored_at,
           coalesce(g.largest, 0) AS largest, coalesce(g.stated, false) AS figures,
           EXISTS (SELECT FROM monitor.watches w WHERE w.channel_id = d.channel_id AND w.person IS NOT NULL)
               AS official,
           c.claimed_by IS NOT NULL AND c.claimed_until > :now AS held, h.handle, h.title,
           substr(v.text, greatest(coalesce(f.first, 0) - {_BEFORE}, 0) + 1, {QUOTE}) AS quote
    FROM due d
    JOIN monitor.cases c USING (case_id)
    JOIN monitor.case_posts m ON m.channel_id = d.channel_id AND m.message_id = d.message_id
    JOIN monitor.posts p ON p.channel_id = d.channel_id AND p.message_id = d.message_id
    JOIN monitor.post_state s ON s.channel_id = d.channel_id AND s.message_id = d.message_id
    JOIN monitor.post_versions v
        ON v.channel_id = s.channel_id AND v.message_id = s.message_id AND v.version = s.version
    LEFT JOIN monitor.channels l ON l.channel_id = d.channel_id
    LEFT JOIN monitor.channel_versions h ON h.channel_id = d.channel_id AND h.version = l.version
    LEFT JOIN LATERAL (
        SELECT max(coalesce(g.high, g.low)) FILTER (WHERE g.version = s.version
                                                      AND g.ruleset_id = s.read_ruleset) AS largest,
               true AS stated
        FROM monitor.figures g
        WHERE g.channel_id = d.channel_id AND g.message_id = d.message_id
          AND g.version BETWEEN s.version - 1 AND s.version AND g.kind = ANY(:troop)
        HAVING count(*) > 0) g ON true
    LEFT JOIN LATERAL (
        SELECT min((o->>'start')::int) AS first FROM monitor.flags f CROSS JOIN jsonb_array_elements(f.spans) o
        WHERE f.channel_id = d.channel_id AND f.message_id = d.message_id AND f.version = s.version
          AND f.ruleset_id = s.read_ruleset AND f.raised) f ON true
    ORDER BY d.due_id
    """  # noqa: S608 - constants


async def take(tx: Transaction, *, now: datetime, limit: int) -> tuple[int, list[Happened]]:
    """What happened to cases and was not looked at, no longer due once this is committed; how many, and what is left.

    What was purged meanwhile is not among what is left.
    """
    due = await tx.execute(
        text("SELECT count(*) FROM (SELECT FROM monitor.alert_due LIMIT :limit) d"), {"limit": limit}
    )
    count = due.scalar_one()
    if not count:
        return 0, []
    rows = await tx.execute(text(_TAKE), {"limit": limit, "now": now, "troop": list(TROOP_KINDS)})
    return count, [_happened(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


def _happened(row: Any) -> Happened:
    own = {
        "state": CaseState(row["state"]),
        "topics": tuple(row["topics"]),
        "quote": _on_a_line(row["quote"]),
    }
    return Happened(**dict(row) | own)


def _on_a_line(words: str) -> str:
    return " ".join(words.split())


async def raise_(tx: Transaction, alarms: Iterable[Alarm], *, now: datetime) -> int:
    """Raise alerts, but for those that are raised already and not resolved; gives how many are new."""
    rows = [
        {
            "kind": alarm.kind,
            "subject": alarm.subject,
            "severity": alarm.severity.value,
            "told": dict(alarm.told),
            "case_id": alarm.case_id,
            "channel_id": alarm.channel_id,
            "message_id": alarm.message_id,
            "stored_at": alarm.stored_at.isoformat() if alarm.stored_at else None,
        }
        for alarm in alarms
    ]
    if not rows:
        return 0
    done = await tx.execute(
        text(
            """
            INSERT INTO monitor.alerts
                (kind, subject, severity, told, case_id, channel_id, message_id, stored_at, raised_at)
            SELECT kind, subject, severity, told, case_id, channel_id, message_id, stored_at, :now
            FROM jsonb_to_recordset(CAST(:rows AS jsonb))
                AS r(kind text, subject text, severity text, told jsonb, case_id bigint, channel_id bigint,
                     message_id bigint, stored_at timestamptz)
            ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING
            """
        ),
        {"rows": dumps(rows, ensure_ascii=False), "now": now},
    )
    return done.rowcount


async def resolve_cases(tx: Transaction, kinds: Sequence[str], *, now: datetime, lasting: timedelta) -> int:
    """Resolve alerts of cases that somebody has, or has dealt with; gives how many.

    A change of an official's post is news also of a case that was decided before; it lasts at most so long.
    """
    done = await tx.execute(
        text(
            """
            UPDATE monitor.alerts a SET resolved_at = :now, escalate_at = NULL, resolution = r.resolution
            FROM (SELECT a.alert_id,
                         CASE WHEN c.claimed_by IS NOT NULL AND c.claimed_until > :now
                                   AND (a.kind <> 'official' OR c.claimed_at > a.raised_at) THEN 'claimed'
                              WHEN c.state IN ('decided', 'snoozed')
                                   AND (a.kind <> 'official' OR c.decided_at > a.raised_at) THEN c.state
                              WHEN c.state = 'closed' AND (a.kind <> 'official' OR c.changed_at > a.raised_at)
                                   THEN c.state
                              WHEN a.kind = 'official' AND a.raised_at < :before THEN 'lapsed' END AS resolution
                  FROM monitor.alerts a JOIN monitor.cases c USING (case_id)
                  WHERE a.resolved_at IS NULL AND a.kind = ANY(:kinds)) r
            WHERE r.alert_id = a.alert_id AND r.resolution IS NOT NULL
            """
        ),
        {"now": now, "before": now - lasting, "kinds": list(kinds)},
    )
    return done.rowcount


async def resolve_others(
    tx: Transaction, kinds: Sequence[str], still: Iterable[Alarm], *, now: datetime
) -> int:
    """Resolve alerts of these kinds that are not among those that still stand; gives how many."""
    standing = [{"kind": alarm.kind, "subject": alarm.subject} for alarm in still]
    done = await tx.execute(
        text(
            """
            UPDATE monitor.alerts SET resolved_at = :now, escalate_at = NULL, resolution = 'well again'
            WHERE resolved_at IS NULL AND kind = ANY(:kinds)
              AND NOT EXISTS (SELECT FROM jsonb_to_recordset(CAST(:still AS jsonb)) AS r(kind text, subject text)
                              WHERE r.kind = alerts.kind AND r.subject = alerts.subject)
            """
        ),
        {"now": now, "kinds": list(kinds), "still": dumps(standing)},
    )
    return done.rowcount


_COLUMNS = """a.alert_id, a.kind, a.subject, a.severity, a.told, a.raised_at, a.case_id, a.told_at, a.level, a.resolved_at,
              a.resolution"""


async def unresolved(tx: Transaction, *, now: datetime, limit: int) -> list[Alert]:
    """The alerts that are not resolved, the gravest and then the newest first."""
    rows = await tx.execute(
        text(
            f"""
            SELECT {_COLUMNS}, {SILENCED} AS silenced FROM monitor.alerts a WHERE a.resolved_at IS NULL
            ORDER BY array_position(ARRAY['critical', 'warning', 'info'], a.severity), a.alert_id DESC LIMIT :limit
            """  # noqa: S608 - constants
        ),
        {"now": now, "limit": limit},
    )
    return [as_alert(row) for row in rows]


async def count(tx: Transaction) -> dict[Severity, int]:
    """How many alerts are not resolved, by severity."""
    rows = await tx.execute(
        text("SELECT severity, count(*) AS n FROM monitor.alerts WHERE resolved_at IS NULL GROUP BY severity")
    )
    found = {row.severity: row.n for row in rows}
    return {severity: found[severity] for severity in reversed(Severity) if severity in found}


async def first_of(tx: Transaction, ids: Sequence[int], *, limit: int) -> list[Alert]:
    """The first of these alerts: the gravest, then in the order in which they were raised."""
    rows = await tx.execute(
        text(
            f"""
            SELECT {_COLUMNS}, false AS silenced FROM monitor.alerts a WHERE a.alert_id = ANY(:ids)
            ORDER BY array_position(ARRAY['critical', 'warning', 'info'], a.severity), a.alert_id
            LIMIT :limit
            """  # noqa: S608 - constants
        ),
        {"ids": list(ids), "limit": limit},
    )
    return [as_alert(row) for row in rows]


def as_alert(row: Any) -> Alert:
    """An alert as it is kept."""
    return Alert(**dict(row._mapping) | {"severity": Severity(row.severity)})  # noqa: SLF001
