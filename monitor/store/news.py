"""What came in after a moment: new posts, edits and deletions, for a screen that follows along."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from monitor.store.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that came in at `at`: a version, with the text before it if it is an edit, or a deletion."""

    channel_id: int
    message_id: int
    handle: str | None
    posted_at: datetime
    at: datetime
    version: int
    text: str
    media_kind: str | None
    before: str | None = None
    edited_at: datetime | None = None


async def versions_after(tx: Transaction, moment: datetime, *, limit: int) -> list[News]:
    """Current versions first seen after a moment and read by the rules, in the order in which they came."""
    rows = await tx.execute(
        text(
            """
            SELECT v.channel_id, v.message_id, c.handle, p.posted_at, v.seen_at AS at, v.version, v.text, v.media_kind,
                   v.edited_at,
                   (SELECT o.text FROM monitor.post_versions o WHERE o.channel_id = v.channel_id
                      AND o.message_id = v.message_id AND o.version = v.version - 1) AS before
            FROM monitor.post_versions v
            JOIN monitor.posts p USING (channel_id, message_id, version)
            JOIN monitor.post_state s USING (channel_id, message_id)
            LEFT JOIN research.channels c USING (channel_id)
            WHERE v.seen_at > :moment AND NOT s.unread
            ORDER BY v.seen_at, v.message_id LIMIT :limit
            """
        ),
        {"moment": moment, "limit": limit},
    )
    return [News(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


async def deletions_after(tx: Transaction, moment: datetime, *, limit: int) -> list[News]:
    """Posts found deleted after a moment, with the words they had."""
    rows = await tx.execute(
        text(
            """
            SELECT v.channel_id, v.message_id, c.handle, p.posted_at, s.missing_since AS at, v.version, v.text,
                   v.media_kind, v.edited_at
            FROM monitor.post_state s
            JOIN monitor.posts p USING (channel_id, message_id)
            JOIN monitor.post_versions v ON (v.channel_id, v.message_id, v.version) = (p.channel_id, p.message_id, p.version)
            LEFT JOIN research.channels c ON c.channel_id = p.channel_id
            WHERE s.presence = 'deleted' AND s.missing_since > :moment
            ORDER BY s.missing_since, v.message_id LIMIT :limit
            """
        ),
        {"moment": moment, "limit": limit},
    )
    return [News(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it
