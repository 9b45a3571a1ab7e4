"""Flags that ask for a review, as they are listed: with the words that show why, and the figures of the post."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from monitor.model import Figure, Flag, Side
from monitor.store.database import Transaction
from monitor.store.rows import figure_of, flag_of


class Stated(NamedTuple):
    """A figure as it is kept, with the side that its channel's own lets one infer."""

    figure: Figure
    side_inferred: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A flagged post as it is listed: its current version, and the flags and figures of it."""

    channel_id: int
    handle: str | None
    message_id: int
    version: int
    posted_at: datetime
    flagged_at: datetime
    text: str
    flags: tuple[Flag, ...]
    figures: tuple[Stated, ...] = ()
    previous_text: str | None = None


_FLAGGED = """
    SELECT f.channel_id, f.handle, f.message_id, f.version, f.posted_at, max(f.flagged_at) AS flagged_at, v.text,
           json_agg(json_build_object('topic', f.topic, 'spans', f.spans) ORDER BY f.topic) AS flags,
           (SELECT o.text FROM monitor.post_versions o WHERE o.channel_id = f.channel_id
              AND o.message_id = f.message_id AND o.version = f.version - 1) AS previous_text,
           (SELECT json_agg(g ORDER BY g.number)
            FROM monitor.figures g JOIN monitor.post_state s USING (channel_id, message_id)
            WHERE g.channel_id = f.channel_id AND g.message_id = f.message_id AND g.version = f.version
              AND g.ruleset_id = s.read_ruleset) AS figures
    FROM research.flags f JOIN monitor.post_versions v USING (channel_id, message_id, version)
    WHERE f.is_current AND {where}
    GROUP BY f.channel_id, f.handle, f.message_id, f.version, f.posted_at, v.text
    ORDER BY {order} LIMIT :limit
"""


async def flagged(
    tx: Transaction,
    *,
    topic: str | None = None,
    handle: str | None = None,
    since: datetime | None = None,
    limit: int,
) -> list[Flagged]:
    """Flagged posts, the newest first; `since` is a time of posting."""
    where = """(CAST(:topic AS text) IS NULL OR EXISTS (
                  SELECT FROM research.flags o WHERE o.channel_id = f.channel_id AND o.message_id = f.message_id
                  AND o.version = f.version AND o.is_current AND o.topic = :topic))
               AND (CAST(:handle AS text) IS NULL OR lower(f.handle) = :handle)
               AND (CAST(:since AS timestamptz) IS NULL OR f.posted_at >= :since)"""
    values = {"topic": topic, "handle": handle.lower() if handle else None, "since": since, "limit": limit}
    rows = await tx.execute(
        text(_FLAGGED.format(where=where, order="f.posted_at DESC, f.channel_id, f.message_id DESC")), values
    )
    return [_as_flagged(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


async def flagged_after(tx: Transaction, moment: datetime, *, limit: int) -> list[Flagged]:
    """Posts whose flags were made after a moment, in the order of posting: for a screen that follows along."""
    rows = await tx.execute(
        text(
            _FLAGGED.format(where="f.flagged_at > :moment", order="f.posted_at, f.channel_id, f.message_id")
        ),
        {"moment": moment, "limit": limit},
    )
    return [_as_flagged(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


def _as_flagged(row: object) -> Flagged:
    values = dict(row)  # type: ignore[call-overload]
    flags = tuple(flag_of(flag["topic"], flag["spans"]) for flag in values.pop("flags"))
    figures = tuple(
        Stated(figure_of(found), Side(found["side_inferred"]) if found["side_inferred"] else None)
        for found in values.pop("figures") or ()
    )
    return Flagged(**values, flags=flags, figures=figures)


async def total(tx: Transaction) -> int:
    """How many posts are flagged now."""
    counted = await tx.execute(
        text("SELECT count(DISTINCT (channel_id, message_id)) FROM research.flags WHERE is_current")
    )
    return int(counted.scalar_one())
