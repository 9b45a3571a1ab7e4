"""All that a case's page shows, in a fixed number of queries whatever the case holds. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.model import CaseState, Figure, Flag, Side, Verdict, VersionKey
from monitor.store.database import Transaction
from monitor.store.rows import figure_of, flag_of

AROUND = 10
# A case of a text that everybody copies; the page says how many more there are.
MOST_MEMBERS, MOST_EVENTS = 60, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHead:
    """A case as it stands, and who holds it now, if anybody."""

    case_id: int
    state: CaseState
    of: VersionKey
    topics: tuple[str, ...]
    opened_at: datetime
    posts: int
    verdict: Verdict | None
    decided_by: int | None
    wake_at: datetime | None
    holder_id: int | None
    holder: str | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFacts:
    """A post as it is held: its times, whether it is still there, where it comes from, and its channel then and now."""

    channel_id: int
    message_id: int
    version: int
    posted_at: datetime
    first_seen_at: datetime
    edited_at: datetime | None
    presence: str
    missing_since: datetime | None
    deleted_at: datetime | None
    last_seen_at: datetime
    media_kind: str | None
    forward_kind: str | None
    forward_title: str | None
    forward_handle: str | None
    forward_channel_id: int | None
    forward_message_id: int | None
    handle: str | None
    title: str | None
    subscribers: int | None
    handle_then: str | None
    title_then: str | None
    label: str | None
    person: str | None
    side: str | None


class Version(NamedTuple):
    """One version of a post."""

    version: int
    seen_at: datetime
    source: str
    edited: bool
    text: str
    sha256: str


class Member(NamedTuple):
    """A post of a case: the post itself or a copy."""

    channel_id: int
    message_id: int
    version: int
    posted_at: datetime
    handle: str | None
    title: str | None
    joined_at: datetime
    presence: str


class Near(NamedTuple):
    """A post shortly before or after."""

    message_id: int
    posted_at: datetime
    text: str
    media_kind: str | None


class Said(NamedTuple):
    """What an analyst last said of a figure."""

    verdict: str
    user: str
    decided_at: datetime
    kind: str | None
    low: float | None
    high: float | None
    side: str | None


class ReadFigure(NamedTuple):
    """A figure as it was read, and what an analyst last said of it."""

    figure: Figure
    side_inferred: Side | None
    said: Said | None


class Event(NamedTuple):
    """One thing that a case went through."""

    happened_at: datetime
    kind: str
    user: str | None
    detail: str | None
    version: int | None


async def head(tx: Transaction, case_id: int, *, now: datetime) -> CaseHead | None:
    """A case as it stands; None where there is none."""
    row = (
        await tx.execute(
            text(
                """
                SELECT c.*, u.name AS holder FROM monitor.cases c
                LEFT JOIN monitor.users u ON u.user_id = c.claimed_by AND c.claimed_until > :now
                WHERE c.case_id = :case
                """
            ),
            {"case": case_id, "now": now},
        )
    ).one_or_none()
    if row is None:
        return None
    return CaseHead(
        case_id=row.case_id,
        state=CaseState(row.state),
        of=VersionKey(row.channel_id, row.message_id, row.version),
        topics=tuple(row.topics),
        opened_at=row.opened_at,
        posts=row.posts,
        verdict=Verdict(row.verdict) if row.verdict else None,
        decided_by=row.decided_by,
        wake_at=row.wake_at,
        holder_id=row.claimed_by if row.holder else None,
        holder=row.holder,
        held_until=row.claimed_until if row.holder else None,
    )


async def facts(tx: Transaction, channel_id: int, message_id: int) -> PostFacts | None:
    """A post as it is held; None where it is not, or was purged."""
    row = (
        await tx.execute(
            text(
                """
                SELECT p.channel_id, p.message_id, s.version, p.posted_at, p.first_seen_at, p.edited_at, s.presence,
                       s.missing_since, s.deleted_at, s.last_seen_at, p.media_kind, p.forward_kind, p.forward_title,
                       p.forward_handle, p.forward_channel_id, p.forward_message_id,
                       n.handle, n.title, n.subscribers, t.handle AS handle_then, t.title AS title_then,
                       w.label, w.person, w.side
                FROM monitor.posts p
                JOIN monitor.post_state s USING (channel_id, message_id)
                LEFT JOIN monitor.channels c ON c.channel_id = p.channel_id
                LEFT JOIN monitor.channel_versions n ON n.channel_id = p.channel_id AND n.version = c.version
                LEFT JOIN LATERAL (SELECT handle, title FROM monitor.channel_versions o
                                   WHERE o.channel_id = p.channel_id AND o.seen_at <= p.first_seen_at
                                   ORDER BY o.version DESC LIMIT 1) t ON true
                LEFT JOIN LATERAL (SELECT label, person, side FROM monitor.watches o
                                   WHERE o.channel_id = p.channel_id ORDER BY o.listed DESC, o.handle LIMIT 1) w ON true
                WHERE p.channel_id = :channel AND p.message_id = :message
                """
            ),
            {"channel": channel_id, "message": message_id},
        )
    ).one_or_none()
    return PostFacts(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name for it


async def versions(tx: Transaction, channel_id: int, message_id: int) -> list[Version]:
    """All versions of a post, the first first."""
    rows = await tx.execute(
        text(
            """
            SELECT version, seen_at, source, edited, text, encode(sha256, 'hex') AS sha256
            FROM monitor.post_versions WHERE channel_id = :channel AND message_id = :message ORDER BY version
            """
        ),
        {"channel": channel_id, "message": message_id},
    )
    return [Version(*row) for row in rows]


_READ_UNDER = """JOIN monitor.post_state s ON s.channel_id = {t}.channel_id AND s.message_id = {t}.message_id
    WHERE {t}.channel_id = :channel AND {t}.message_id = :message AND {t}.version = :version
      AND {t}.ruleset_id = s.read_ruleset"""


async def flags(tx: Transaction, of: VersionKey) -> list[Flag]:
    """The topics that raise a flag on a version, with the words that show why, by the rules it was read by last."""
    rows = await tx.execute(
        text(
            f"SELECT f.topic, f.spans FROM monitor.flags f {_READ_UNDER.format(t='f')} AND f.raised ORDER BY 1"  # noqa: S608 - constants
        ),
        _key(of),
    )
    return [flag_of(row.topic, row.spans) for row in rows]


async def figures(tx: Transaction, of: VersionKey) -> list[ReadFigure]:
    """The figures of a version in the order of the text, each with the last word of an analyst on its place."""
    rows = await tx.execute(
        text(
            f"""
            SELECT g.*, g.since::text AS since, d.verdict AS said_verdict, d.name, d.decided_at, d.kind AS said_kind,
                   d.low AS said_low, d.high AS said_high, d.side AS said_side
            FROM monitor.figures g
            LEFT JOIN LATERAL (
                SELECT d.*, u.name FROM monitor.figure_decisions d JOIN monitor.users u USING (user_id)
                WHERE d.channel_id = g.channel_id AND d.message_id = g.message_id AND d.version = g.version
                  AND d.first_char = g.first_char AND d.end_char = g.end_char
                ORDER BY d.figure_decision_id DESC LIMIT 1) d ON true
            {_READ_UNDER.format(t="g")} ORDER BY g.number
            """  # noqa: S608 - constants
        ),
        _key(of),
    )
    return [_read_figure(row) for row in rows]


def _read_figure(row: Any) -> ReadFigure:
    said = None
    if row.said_verdict not in (None, "undone"):
        said = Said(
            row.said_verdict,
            row.name,
            row.decided_at,
            row.said_kind,
            row.said_low,
            row.said_high,
            row.said_side,
        )
    inferred = Side(row.side_inferred) if row.side_inferred else None
    return ReadFigure(figure_of(dict(row._mapping)), inferred, said)  # noqa: SLF001 - as above


async def members(tx: Transaction, case_id: int) -> list[Member]:
    """The posts of a case in the order of their times, at most MOST_MEMBERS."""
    rows = await tx.execute(
        text(
            """
            SELECT m.channel_id, m.message_id, m.version, p.posted_at, v.handle, v.title, m.joined_at, s.presence
            FROM monitor.case_posts m
            JOIN monitor.posts p ON p.channel_id = m.channel_id AND p.message_id = m.message_id
            JOIN monitor.post_state s ON s.channel_id = m.channel_id AND s.message_id = m.message_id
            LEFT JOIN monitor.channels c ON c.channel_id = m.channel_id
            LEFT JOIN monitor.channel_versions v ON v.channel_id = m.channel_id AND v.version = c.version
            WHERE m.case_id = :case ORDER BY p.posted_at, m.channel_id, m.message_id LIMIT :limit
            """
        ),
        {"case": case_id, "limit": MOST_MEMBERS},
    )
    return [Member(*row) for row in rows]


async def around(tx: Transaction, channel_id: int, message_id: int) -> tuple[list[Near], list[Near]]:
    """Ten posts of the channel before a post, and ten after it, in the order of their numbers."""
    rows = await tx.execute(
        text(
            """
            (SELECT p.message_id, p.posted_at, left(v.text, 400) AS text, p.media_kind
             FROM monitor.posts p JOIN monitor.post_versions v USING (channel_id, message_id, version)
             WHERE p.channel_id = :channel AND p.message_id < :message ORDER BY p.message_id DESC LIMIT :limit)
            UNION ALL
            (SELECT p.message_id, p.posted_at, left(v.text, 400), p.media_kind
             FROM monitor.posts p JOIN monitor.post_versions v USING (channel_id, message_id, version)
             WHERE p.channel_id = :channel AND p.message_id > :message ORDER BY p.message_id LIMIT :limit)
            ORDER BY message_id
            """
        ),
        {"channel": channel_id, "message": message_id, "limit": AROUND},
    )
    found = [Near(*row) for row in rows]
    return [n for n in found if n.message_id < message_id], [n for n in found if n.message_id > message_id]


async def events(tx: Transaction, case_id: int) -> Sequence[Event]:
    """What a case went through, the newest first, at most MOST_EVENTS."""
    rows = await tx.execute(
        text(
            """
            SELECT e.happened_at, e.kind, u.name, e.detail, e.version FROM monitor.case_events e
            LEFT JOIN monitor.users u USING (user_id)
            WHERE e.case_id = :case ORDER BY e.event_id DESC LIMIT :limit
            """
        ),
        {"case": case_id, "limit": MOST_EVENTS},
    )
    return [Event(*row) for row in rows]


async def case_of(tx: Transaction, channel_id: int, message_id: int) -> int | None:
    """The case that a post belongs to, if any."""
    found = await tx.execute(
        text("SELECT case_id FROM monitor.case_posts WHERE channel_id = :channel AND message_id = :message"),
        {"channel": channel_id, "message": message_id},
    )
    case_id: int | None = found.scalar_one_or_none()
    return case_id


def _key(of: VersionKey) -> dict[str, object]:
    return {"channel": of.channel_id, "message": of.message_id, "version": of.version}
