"""Media that posts bear: what is wanted, what is kept, and why not. The bytes lie outside, by their hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from monitor.model import Decision, Look, MediaKind, Post
from monitor.store.database import Transaction
from monitor.store.posts import storable

# A poll or a place has no file; a sticker's is no statement of the channel.
FETCHABLE = frozenset(
    {
        MediaKind.PHOTO,
        MediaKind.VIDEO,
        MediaKind.ANIMATION,
        MediaKind.ROUND_VIDEO,
        MediaKind.VOICE,
        MediaKind.AUDIO,
        MediaKind.DOCUMENT,
    }
)
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch, and where it hangs."""

    media_id: int
    channel_id: int
    message_id: int
    size: int | None
    tries: int


async def want(tx: Transaction, look: Look, decision: Decision) -> None:
    """Note the files that new versions bear; one that is known is not, unless it was gone where it hung before."""
    rows = [
        _row(version.post, version.post.media.details)
        for version in decision.added
        if version.post.media is not None
        and version.post.media.kind in FETCHABLE
        and isinstance(version.post.media.details.get("id"), int)
    ]
    if rows:
        await tx.execute(
            text(
                """
                INSERT INTO monitor.media (media_id, channel_id, message_id, kind, size, name, mime_type, state)
                VALUES (:media, :channel, :message, :kind, :size, :name, :mime_type, 'wanted')
                ON CONFLICT (media_id) DO UPDATE
                SET channel_id = excluded.channel_id, message_id = excluded.message_id, state = 'wanted', tries = 0,
                    problem = NULL
                WHERE media.state = 'gone'
                """
            ),
            rows,
        )


def _row(post: Post, details: Mapping[str, Any]) -> dict[str, object]:
    name, mime_type = details.get("name"), details.get("mime_type")
    return {
        "media": details["id"],
        "channel": post.channel_id,
        "message": post.message_id,
        "kind": post.media.kind.value if post.media else None,
        "size": details.get("size"),
        "name": storable(name) if isinstance(name, str) else None,
        "mime_type": storable(mime_type) if isinstance(mime_type, str) else None,
    }


async def wanted(tx: Transaction, *, now: datetime, limit: int) -> list[Wanted]:
    """Files to fetch now, a channel's newest first; those of channels that are not watched by accounts wait."""
    rows = await tx.execute(
        text(
            """
            SELECT media_id, channel_id, message_id, size, tries FROM monitor.media m
            WHERE state = 'wanted' AND (next_at IS NULL OR next_at <= :now)
              AND EXISTS (SELECT FROM monitor.watches w
                          WHERE w.channel_id = m.channel_id AND w.listed AND w.paused_at IS NULL
                            AND w.source = 'telegram')
            ORDER BY next_at NULLS FIRST, channel_id, message_id DESC LIMIT :limit
            """
        ),
        {"now": now, "limit": limit},
    )
    return [Wanted(*row) for row in rows]


async def kept(tx: Transaction, media_id: int, *, sha256: bytes, size: int, now: datetime) -> bool:
    """Record that a file is kept, with its hash and its true size in bytes; gives False if it was purged meanwhile."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.media SET state = 'kept', sha256 = :sha256, size = :size, kept_at = :now, problem = NULL,
                   next_at = NULL
            WHERE media_id = :media
            """
        ),
        {"media": media_id, "sha256": sha256, "size": size, "now": now},
    )
    return bool(done.rowcount)


@dataclass(frozen=True, slots=True)
class File:
    """A file that a version of a post bears: its state, and the hash (hexadecimal) and size in bytes of one that is kept."""

    state: str
    sha256: str | None
    size: int | None
    problem: str | None


async def of_version(tx: Transaction, channel_id: int, message_id: int, *, version: int) -> File | None:
    """The file that a version bears; None where it bears none, or its source did not say which."""
    rows = await tx.execute(
        text(
            """
            SELECT m.state, encode(m.sha256, 'hex') AS sha256, m.size, m.problem
            FROM monitor.post_versions v JOIN monitor.media m ON m.media_id = (v.media->>'id')::bigint
            WHERE v.channel_id = :channel AND v.message_id = :message AND v.version = :version
              AND jsonb_typeof(v.media->'id') = 'number'
            """
        ),
        {"channel": channel_id, "message": message_id, "version": version},
    )
    row = rows.one_or_none()
    return File(*row) if row is not None else None


async def mime_type(tx: Transaction, sha256: bytes) -> str | None:
    """What kind a kept file is said to be, empty where it is not said; None where none of this hash is kept."""
    rows = await tx.execute(
        text(
            """
            SELECT coalesce(mime_type, CASE kind WHEN 'photo' THEN 'image/jpeg' ELSE '' END) FROM monitor.media
            WHERE sha256 = :sha256 AND state = 'kept' ORDER BY media_id LIMIT 1
            """
        ),
        {"sha256": sha256},
    )
    found: str | None = rows.scalar_one_or_none()
    return found


async def bears(tx: Transaction, sha256: bytes) -> bool:
    """Whether a post that is held bears the file of this hash."""
    rows = await tx.execute(
        text("SELECT EXISTS (SELECT FROM monitor.media WHERE sha256 = :sha256)"), {"sha256": sha256}
    )
    return bool(rows.scalar_one())


async def given_up(tx: Transaction, media_id: int, *, state: str, problem: str) -> None:
    """Record that a file will not be fetched: `too_big` or `gone`."""
    await tx.execute(
        text(
            "UPDATE monitor.media SET state = :state, problem = :problem, next_at = NULL WHERE media_id = :media"
        ),
        {"media": media_id, "state": state, "problem": problem},
    )


async def failed(tx: Transaction, media_id: int, *, problem: str, until: datetime) -> None:
    """Record a try that failed, and until when to leave the file alone; after a few it is left for good."""
    await tx.execute(
        text(
            """
            UPDATE monitor.media SET tries = tries + 1, problem = :problem, next_at = :until,
                   state = CASE WHEN tries + 1 >= :most THEN 'failed' ELSE state END
            WHERE media_id = :media
            """
        ),
        {"media": media_id, "problem": problem, "until": until, "most": MOST_TRIES},
    )


async def postpone(tx: Transaction, channel_id: int | None, *, problem: str, until: datetime) -> None:
    """Leave the files of a channel, or without one all, alone until a time, since what failed is not theirs."""
    await tx.execute(
        text(
            """
            UPDATE monitor.media SET next_at = greatest(next_at, :until), problem = :problem
            WHERE state = 'wanted' AND (CAST(:channel AS bigint) IS NULL OR channel_id = :channel)
            """
        ),
        {"channel": channel_id, "problem": problem, "until": until},
    )
