"""Rulesets, what is due to be read under them, and the flags that reading gave.

A post is due while the ruleset it was last read under is not the present one; a new version sets that back,
so that edits and new rules need no other path.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import text

from monitor.model import Flag, Span
from monitor.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Unread:
    """A version that is to be read."""

    channel_id: int
    message_id: int
    version: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A flagged post as it is listed: its current version, and the flags on it."""

    channel_id: int
    handle: str | None
    message_id: int
    version: int
    posted_at: datetime
    flagged_at: datetime
    text: str
    flags: tuple[Flag, ...]
    previous_text: str | None = None


async def ruleset(tx: Transaction, body: str, *, now: datetime) -> int:
    """The id of a ruleset by the hash of its text; it is kept the first time it is used."""
    row = {"sha256": sha256(body.encode()).digest(), "body": body, "now": now}
    await tx.execute(
        text(
            """
            INSERT INTO monitor.rulesets (sha256, body, first_used_at) VALUES (:sha256, :body, :now)
            ON CONFLICT (sha256) DO NOTHING
            """
        ),
        row,
    )
    found = await tx.execute(text("SELECT ruleset_id FROM monitor.rulesets WHERE sha256 = :sha256"), row)
    return int(found.scalar_one())


async def unread(
    tx: Transaction, ruleset_id: int, *, limit: int, after: tuple[int, int] | None = None
) -> list[Unread]:
    """Posts to read: without `after` those never read since they last changed, else those read under other rules.

    The latter are walked in the order of their keys, from `after` on, so that one pass reads each once.
    """
    if after is None:
        return await _unread(tx, "s.read_ruleset IS NULL", {"limit": limit})
    where = "s.read_ruleset <> :ruleset AND (s.channel_id, s.message_id) > (:channel, :message)"
    return await _unread(
        tx, where, {"limit": limit, "ruleset": ruleset_id, "channel": after[0], "message": after[1]}
    )


async def _unread(tx: Transaction, where: str, values: dict[str, int]) -> list[Unread]:
    rows = await tx.execute(
        text(
            f"""
            SELECT s.channel_id, s.message_id, s.version, v.text
            FROM monitor.post_state s JOIN monitor.post_versions v USING (channel_id, message_id, version)
            WHERE {where} ORDER BY s.channel_id, s.message_id LIMIT :limit
            """  # noqa: S608 - one of two constants
        ),
        values,
    )
    return [Unread(*row) for row in rows]


async def any_unread(tx: Transaction) -> bool:
    """Whether any post was never read since it last changed."""
    found = await tx.execute(
        text("SELECT EXISTS (SELECT FROM monitor.post_state WHERE read_ruleset IS NULL)")
    )
    return bool(found.scalar_one())


async def keep(
    tx: Transaction, ruleset_id: int, read: Sequence[tuple[Unread, Sequence[Flag]]], *, now: datetime
) -> None:
    """Write what reading gave, and that it was read; a version that is no longer current stays due."""
    rows = [
        {
            "channel": post.channel_id,
            "message": post.message_id,
            "version": post.version,
            "ruleset": ruleset_id,
            "topic": flag.topic,
            "spans": json.dumps(
                [{"start": s.start, "end": s.end, "term": s.term} for s in flag.spans], ensure_ascii=False
            ),
            "now": now,
        }
        for post, flags in read
        for flag in flags
    ]
    if rows:
        await tx.execute(
            text(
                """
                INSERT INTO monitor.flags (channel_id, message_id, version, ruleset_id, topic, spans, flagged_at)
                VALUES (:channel, :message, :version, :ruleset, :topic, CAST(:spans AS jsonb), :now)
                ON CONFLICT DO NOTHING
                """
            ),
            rows,
        )
    await tx.execute(
        text(
            """
            UPDATE monitor.post_state s SET read_ruleset = :ruleset
            FROM unnest(CAST(:channels AS bigint[]), CAST(:messages AS bigint[]), CAST(:versions AS int[]))
                 AS r(channel_id, message_id, version)
            WHERE s.channel_id = r.channel_id AND s.message_id = r.message_id AND s.version = r.version
            """
        ),
        {
            "ruleset": ruleset_id,
            "channels": [post.channel_id for post, _ in read],
            "messages": [post.message_id for post, _ in read],
            "versions": [post.version for post, _ in read],
        },
    )


_FLAGGED = """
    SELECT f.channel_id, f.handle, f.message_id, f.version, f.posted_at, max(f.flagged_at) AS flagged_at, v.text,
           json_agg(json_build_object('topic', f.topic, 'spans', f.spans) ORDER BY f.topic) AS flags,
           (SELECT o.text FROM monitor.post_versions o WHERE o.channel_id = f.channel_id
              AND o.message_id = f.message_id AND o.version = f.version - 1) AS previous_text
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
    flags = tuple(
        Flag(flag["topic"], tuple(Span(s["start"], s["end"], s["term"]) for s in flag["spans"]))
        for flag in values.pop("flags")
    )
    return Flagged(**values, flags=flags)


async def total(tx: Transaction) -> int:
    """How many posts are flagged now."""
    counted = await tx.execute(
        text("SELECT count(DISTINCT (channel_id, message_id)) FROM research.flags WHERE is_current")
    )
    return int(counted.scalar_one())
