"""What is stored of posts now, for a comparison with what other rules would find in them."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.store.database import Transaction
from monitor.store.readings import known

# What makes two figures the same one.
FIGURE_KEY = ("first_char", "end_char", "kind", "low", "high", "qualifier", "side")


class Stored(NamedTuple):
    """A post's current version, the flags raised on it with their spans, its figures by FIGURE_KEY, and whether it was read by the rules in force."""

    channel_id: int
    handle: str | None
    message_id: int
    posted_at: datetime
    text: str
    is_read: bool
    flags: dict[str, list[dict[str, Any]]]
    figures: list[list[Any]]


async def count(tx: Transaction, *, since: datetime | None) -> int:
    """How many posts there are, since a time of posting."""
    found = await tx.execute(
        text(
            "SELECT count(*) FROM monitor.posts WHERE CAST(:since AS timestamptz) IS NULL OR posted_at >= :since"
        ),
        {"since": since},
    )
    return int(found.scalar_one())


async def stored(
    tx: Transaction, in_force: bytes, *, since: datetime | None, after: tuple[int, int], limit: int
) -> list[Stored]:
    """Posts since a time of posting, in the order of their keys, from `after` on."""
    rows = await tx.execute(
        text(_STORED),
        {
            "ruleset": await known(tx, in_force),
            "since": since,
            "channel": after[0],
            "message": after[1],
            "limit": limit,
        },
    )
    return [Stored(*row) for row in rows]


_STORED = f"""
    SELECT s.channel_id, c.handle, s.message_id, p.posted_at, v.text,
           NOT s.unread AND s.read_ruleset IS NOT DISTINCT FROM :ruleset AS is_read,
           coalesce((SELECT json_object_agg(f.topic, f.spans) FROM monitor.flags f
                     WHERE f.channel_id = s.channel_id AND f.message_id = s.message_id AND f.version = s.version
                       AND f.ruleset_id = s.read_ruleset AND f.raised), '{{}}') AS flags,
           coalesce((SELECT json_agg(json_build_array({", ".join(FIGURE_KEY)})) FROM monitor.figures g
                     WHERE g.channel_id = s.channel_id AND g.message_id = s.message_id AND g.version = s.version
                       AND g.ruleset_id = s.read_ruleset), '[]') AS figures
    FROM monitor.post_state s
    JOIN monitor.posts p USING (channel_id, message_id)
    JOIN monitor.post_versions v
        ON v.channel_id = s.channel_id AND v.message_id = s.message_id AND v.version = s.version
    LEFT JOIN research.channels c ON c.channel_id = s.channel_id
    WHERE (s.channel_id, s.message_id) > (:channel, :message)
      AND (CAST(:since AS timestamptz) IS NULL OR p.posted_at >= :since)
    ORDER BY s.channel_id, s.message_id LIMIT :limit
    """  # noqa: S608 - constants
