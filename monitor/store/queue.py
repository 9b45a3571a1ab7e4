"""The queue as analysts see it: which cases a view holds, in order, and how many there are. It only reads.

Each page is a fixed number of queries, whatever its length. `after` is the place of the last case of the page before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.model import CaseState, Verdict
from monitor.store.database import Transaction

# Those that an analyst decided last, to come back to one.
MOST_RECENT = 50


class ViewOf(StrEnum):
    """Which cases are asked for."""

    QUEUE = "queue"
    MINE = "mine"
    NOBODYS = "nobodys"
    OVERDUE = "overdue"
    SECOND_LOOK = "second"
    ESCALATED = "escalated"
    SNOOZED = "snoozed"
    DECIDED = "decided"
    RECENT = "recent"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Filter:
    """A view, and what it is narrowed to; `words` stand in the text of a case's first post. It stands in the URL."""

    view: ViewOf = ViewOf.QUEUE
    topic: str | None = None
    handle: str | None = None
    verdict: Verdict | None = None
    words: str | None = None
    overdue: timedelta = timedelta(minutes=60)


class Place(NamedTuple):
    """Where a case stands in the order."""

    rank_at: datetime
    case_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A case as the queue lists it; `figures` and `text` are of its first post's present version."""

    case_id: int
    state: CaseState
    opened_at: datetime
    rank_at: datetime
    topics: tuple[str, ...]
    posts: int
    version: int
    channel_id: int
    message_id: int
    handle: str | None
    title: str | None
    posted_at: datetime | None
    text: str
    figures: tuple[dict[str, Any], ...]
    verdict: Verdict | None
    holder_id: int | None
    holder: str | None
    held_until: datetime | None
    reopened: bool = False

    @property
    def place(self) -> Place:
        """Where it stands in the order."""
        return Place(self.rank_at, self.case_id)


_UNDECIDED = "c.state IN ('open', 'second_look', 'escalated')"
_VIEWS = {
    ViewOf.QUEUE: "c.state = 'open'",
    ViewOf.MINE: f"{_UNDECIDED} AND c.claimed_by = :user AND c.claimed_until > :now",
    ViewOf.NOBODYS: f"{_UNDECIDED} AND (c.claimed_by IS NULL OR c.claimed_until <= :now)",
    ViewOf.OVERDUE: f"{_UNDECIDED} AND c.opened_at < :due",
    ViewOf.SECOND_LOOK: "c.state = 'second_look' AND c.decided_by <> :user",
    ViewOf.ESCALATED: "c.state = 'escalated'",
    ViewOf.SNOOZED: "c.state = 'snoozed'",
    ViewOf.DECIDED: "c.state = 'decided'",
    ViewOf.RECENT: """c.case_id IN (SELECT d.case_id FROM monitor.decisions d
        WHERE d.user_id = :user AND d.verdict <> 'undo' ORDER BY d.decision_id DESC LIMIT :recent)""",
    ViewOf.CLOSED: "c.state = 'closed'",
}


def where_of(wanted: Filter, *, user_id: int, now: datetime) -> tuple[str, dict[str, object]]:
    """The condition on `monitor.cases c` for a view, and the values that it takes."""
    parts = [_VIEWS[wanted.view]]
    values: dict[str, object] = {
        "user": user_id,
        "now": now,
        "due": now - wanted.overdue,
        "recent": MOST_RECENT,
    }
    if wanted.words is not None:
        parts.append(
            """EXISTS (SELECT FROM monitor.post_versions t WHERE t.channel_id = c.channel_id
                   AND t.message_id = c.message_id AND t.version = c.version AND t.text ILIKE :words)"""
        )
        values["words"] = f"%{_literal(wanted.words)}%"
    if wanted.topic is not None:
        parts.append(":topic = ANY(c.topics)")
        values["topic"] = wanted.topic
    if wanted.verdict is not None:
        parts.append("c.verdict = :verdict")
        values["verdict"] = wanted.verdict.value
    if wanted.handle is not None:
        parts.append(
            """c.case_id IN (SELECT p.case_id FROM monitor.case_posts p WHERE p.channel_id = ANY(ARRAY(
                   SELECT v.channel_id FROM monitor.channels h
                   JOIN monitor.channel_versions v ON v.channel_id = h.channel_id AND v.version = h.version
                   WHERE lower(v.handle) = :handle)))"""
        )
        values["handle"] = wanted.handle.lower()
    return " AND ".join(parts), values


def _literal(words: str) -> str:
    """Words as LIKE takes them, where no sign of theirs means anything else."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_ORDERS = {ViewOf.DECIDED: "c.decided_at DESC", ViewOf.RECENT: "c.changed_at DESC, c.case_id"}


async def listed(
    tx: Transaction,
    wanted: Filter,
    *,
    user_id: int,
    now: datetime,
    limit: int,
    after: Place | None = None,
) -> list[Row]:
    """Cases of a view in the order in which they are to be decided; those decided, and my own, the latest first."""
    where, values = where_of(wanted, user_id=user_id, now=now)
    if after is not None:
        where += " AND (c.rank_at, c.case_id) > (:after_rank, :after_case)"
        values |= {"after_rank": after.rank_at, "after_case": after.case_id}
    order = _ORDERS.get(wanted.view, "c.rank_at, c.case_id")
    rows = await tx.execute(
        text(
            f"""
            WITH c AS MATERIALIZED (SELECT * FROM monitor.cases c WHERE {where} ORDER BY {order} LIMIT :limit)
            SELECT c.*, h.handle, h.title, p.posted_at, left(coalesce(t.text, ''), 300) AS text, u.name AS holder,
                   (SELECT json_agg(json_build_object('kind', g.kind, 'low', g.low, 'high', g.high, 'side', g.side)
                                    ORDER BY g.number)
                    FROM monitor.figures g JOIN monitor.post_state s USING (channel_id, message_id)
                    WHERE g.channel_id = c.channel_id AND g.message_id = c.message_id AND g.version = c.version
                      AND g.ruleset_id = s.read_ruleset) AS figures
            FROM c
            LEFT JOIN monitor.posts p ON p.channel_id = c.channel_id AND p.message_id = c.message_id
            LEFT JOIN monitor.post_versions t
                ON t.channel_id = c.channel_id AND t.message_id = c.message_id AND t.version = c.version
            LEFT JOIN monitor.channels n ON n.channel_id = c.channel_id
            LEFT JOIN monitor.channel_versions h ON h.channel_id = c.channel_id AND h.version = n.version
            LEFT JOIN monitor.users u ON u.user_id = c.claimed_by AND c.claimed_until > :now
            ORDER BY {order}
            """  # noqa: S608 - constants
        ),
        values | {"limit": limit},
    )
    return [_row(row) for row in rows]


def _row(row: Any) -> Row:
    held = row.holder is not None
    return Row(
        case_id=row.case_id,
        state=CaseState(row.state),
        opened_at=row.opened_at,
        rank_at=row.rank_at,
        topics=tuple(row.topics),
        posts=row.posts,
        version=row.version,
        channel_id=row.channel_id,
        message_id=row.message_id,
        handle=row.handle,
        title=row.title,
        posted_at=row.posted_at,
        text=row.text,
        figures=tuple(row.figures or ()),
        verdict=Verdict(row.verdict) if row.verdict else None,
        holder_id=row.claimed_by if held else None,
        holder=row.holder,
        held_until=row.claimed_until if held else None,
        reopened=row.verdict is not None and row.state == CaseState.OPEN,
    )


async def newest(tx: Transaction) -> int:
    """The number of the case that was opened last, 0 without any; for a page that asks whether there is more."""
    found = await tx.execute(text("SELECT coalesce(max(case_id), 0) FROM monitor.cases"))
    return int(found.scalar_one())


class Waiting(NamedTuple):
    """What asks for an analyst: open and escalated cases, and when the oldest of both was opened."""

    open: int
    escalated: int
    oldest: datetime | None


async def waiting(tx: Transaction) -> Waiting:
    """What asks for an analyst, whoever that is."""
    row = (
        await tx.execute(
            text(
                """
                SELECT count(*) FILTER (WHERE state <> 'escalated') AS open,
                       count(*) FILTER (WHERE state = 'escalated') AS escalated, min(opened_at) AS oldest
                FROM monitor.cases WHERE state IN ('open', 'second_look', 'escalated')
                """
            )
        )
    ).one()
    return Waiting(*row)


async def counts(tx: Transaction, *, user_id: int, now: datetime, overdue: timedelta) -> dict[ViewOf, int]:
    """How many cases each view holds that asks for somebody."""
    views = (
        ViewOf.QUEUE, ViewOf.MINE, ViewOf.NOBODYS, ViewOf.OVERDUE, ViewOf.SECOND_LOOK, ViewOf.ESCALATED, ViewOf.SNOOZED,
    )  # fmt: skip
    columns = ", ".join(f"count(*) FILTER (WHERE {_VIEWS[view]}) AS {view.value}" for view in views)
    row = (
        await tx.execute(
            text(
                f"""
                SELECT {columns} FROM monitor.cases c
                WHERE c.state IN ('open', 'second_look', 'escalated', 'snoozed')
                """  # noqa: S608 - constants
            ),
            {"user": user_id, "now": now, "due": now - overdue},
        )
    ).one()
    return {view: getattr(row, view.value) for view in views}
