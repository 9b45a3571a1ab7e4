"""Figures as claims: what flagged posts state now, and what analysts said of it. It only reads, for the figures board."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from monitor.model import Side
from monitor.store.database import Transaction

# More would neither be drawn nor read; the page says that there are more.
MOST_CLAIMS = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which claims are asked for: those posted in a half-open window, of a topic and a side where one is named."""

    since: datetime
    until: datetime
    topic: str | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A figure of a post's present version. Kind, bounds and side are those in force; `first_low` and `first_high` were read.

    `verdict` is the last word of an analyst: confirmed, corrected, rejected, or None. The side is `inferred` where
    it is that which the channel's own lets «the enemy» or «ours» mean. The title is the channel's present one.
    """

    channel_id: int
    message_id: int
    version: int
    posted_at: datetime
    title: str | None
    handle: str | None
    kind: str
    low: float | None
    high: float | None
    first_low: float | None
    first_high: float | None
    qualifier: str
    scope: str | None
    side: str
    inferred: bool
    verdict: str | None
    quote: str


_STATED = """
    WITH said AS (
        SELECT g.*, p.posted_at AS at, nullif(d.verdict, 'undone') AS verdict,
               CASE WHEN d.verdict = 'corrected' THEN d.low ELSE g.low END AS low_now,
               CASE WHEN d.verdict = 'corrected' THEN d.high ELSE g.high END AS high_now,
               CASE WHEN d.verdict = 'corrected' THEN d.kind END AS kind_said,
               CASE WHEN d.verdict = 'corrected' THEN d.side END AS side_said
        FROM monitor.posts p
        JOIN monitor.post_state s USING (channel_id, message_id)
        JOIN monitor.figures g ON g.channel_id = s.channel_id AND g.message_id = s.message_id
            AND g.version = s.version AND g.ruleset_id = s.read_ruleset
        LEFT JOIN LATERAL (
            SELECT d.* FROM monitor.figure_decisions d
            WHERE d.channel_id = g.channel_id AND d.message_id = g.message_id AND d.version = g.version
              AND d.first_char = g.first_char AND d.end_char = g.end_char
            ORDER BY d.figure_decision_id DESC LIMIT 1) d ON true
        WHERE p.posted_at >= :since AND p.posted_at < :until
          AND EXISTS (SELECT FROM monitor.flags f
                      WHERE f.channel_id = g.channel_id AND f.message_id = g.message_id AND f.version = g.version
                        AND f.ruleset_id = g.ruleset_id AND f.raised
                        AND (CAST(:topic AS text) IS NULL OR f.topic = :topic))),
    sided AS (
        SELECT said.*, coalesce(side_said, nullif(side, 'unknown'), side_inferred, 'unknown') AS side_now,
               side_said IS NULL AND side = 'unknown' AND side_inferred IS NOT NULL AS inferred
        FROM said)
    SELECT g.channel_id, g.message_id, g.version, g.at AS posted_at, h.title, h.handle,
           coalesce(g.kind_said, g.kind) AS kind, g.low_now AS low, g.high_now AS high, g.low AS first_low,
           g.high AS first_high, g.qualifier, g.scope, g.side_now AS side, g.inferred, g.verdict,
           substr(v.text, g.first_char + 1, g.end_char - g.first_char) AS quote
    FROM sided g
    JOIN monitor.post_versions v
        ON v.channel_id = g.channel_id AND v.message_id = g.message_id AND v.version = g.version
    LEFT JOIN monitor.channels c ON c.channel_id = g.channel_id
    LEFT JOIN monitor.channel_versions h ON h.channel_id = g.channel_id AND h.version = c.version
    WHERE CAST(:side AS text) IS NULL OR g.side_now = :side
    ORDER BY g.at DESC, g.channel_id, g.message_id DESC, g.number
    LIMIT :limit
    """


async def stated(tx: Transaction, wanted: Wanted, *, limit: int = MOST_CLAIMS) -> list[Stated]:
    """The claims of a window, the newest first."""
    rows = await tx.execute(
        text(_STATED),
        {
            "since": wanted.since,
            "until": wanted.until,
            "topic": wanted.topic,
            "side": wanted.side.value if wanted.side else None,
            "limit": limit,
        },
    )
    return [Stated(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


async def newest(tx: Transaction) -> datetime | None:
    """When the newest post was posted that a case is about; None without cases."""
    # The index on the time is read from its end; without any case it would be read to its beginning.
    rows = await tx.execute(
        text(
            """
            SELECT p.posted_at FROM monitor.posts p
            WHERE (SELECT EXISTS (SELECT FROM monitor.case_posts))
              AND EXISTS (SELECT FROM monitor.case_posts m
                          WHERE m.channel_id = p.channel_id AND m.message_id = p.message_id)
            ORDER BY p.posted_at DESC LIMIT 1
            """
        )
    )
    found: datetime | None = rows.scalar_one_or_none()
    return found


async def topics(tx: Transaction) -> list[str]:
    """Every topic that a case was ever about, by name."""
    rows = await tx.execute(text("SELECT DISTINCT unnest(topics) AS topic FROM monitor.cases ORDER BY 1"))
    return [row.topic for row in rows]
