"""Purges on lawful request: what was said goes, its hashes stay, and it is never collected again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from monitor.store.database import Transaction

WHOLE_CHANNEL = 0
# What speaks of a post, each keyed by channel and message id.
_SPEAKING = (
    "post_search",
    "review_due",
    "alert_due",
    "edition_posts",
    "case_posts",
    "figure_decisions",
    "flags",
    "figures",
    "post_counts",
    "post_state",
    "post_versions",
    "posts",
    "raw_records",
    "set_aside",
)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge took away: posts, their versions, and the hashes of files that nothing else bears."""

    posts: int
    versions: int
    files: tuple[bytes, ...]


async def among(tx: Transaction, channel_id: int, ids: Iterable[int]) -> frozenset[int]:
    """Those of the message ids that were purged, and WHOLE_CHANNEL where the channel was."""
    wanted = list(ids)
    found = await tx.execute(
        text("SELECT EXISTS (SELECT FROM monitor.tombstones WHERE channel_id = :channel)"),
        {"channel": channel_id},
    )
    if not found.scalar_one():
        return frozenset()
    rows = await tx.execute(
        text(
            """
            SELECT DISTINCT message_id FROM monitor.tombstones
            WHERE channel_id = :channel AND (message_id = 0 OR message_id = ANY(:ids))
            """
        ),
        {"channel": channel_id, "ids": wanted},
    )
    return frozenset(row.message_id for row in rows)


async def channel_of(tx: Transaction, handle: str) -> int | None:
    """The channel that a handle stands for: the one watched under it, else the one that bore it last."""
    rows = await tx.execute(
        text(
            """
            SELECT coalesce(
                (SELECT channel_id FROM monitor.watches WHERE handle = :handle),
                (SELECT channel_id FROM monitor.channel_versions WHERE lower(handle) = :handle
                 ORDER BY seen_at DESC LIMIT 1))
            """
        ),
        {"handle": handle.lower()},
    )
    found: int | None = rows.scalar_one_or_none()
    return found


async def purge(
    tx: Transaction, channel_id: int, message_id: int | None, *, now: datetime, reason: str
) -> Purged:
    """Take away all that a post, or without one a whole channel, said; leaves tombstones with the hashes.

    The caller holds the channel's lock and commits.
    """
    values = {"channel": channel_id, "message": message_id, "now": now, "reason": reason}
    posts = await tx.execute(
        text(f"SELECT count(*) FROM monitor.posts WHERE {_WHERE}"),  # noqa: S608 - a constant
        values,
    )
    versions = await tx.execute(text(_LEAVE_TOMBSTONES), values)
    await tx.execute(text(_MARK), values)
    files = await _files(tx, values)
    await tx.execute(text(_SHARED_RECORDS), values)
    await tx.execute(text("SET LOCAL monitor.purging = 'on'"))
    await tx.execute(text(_LEAVE_CASES), values)
    for said_again in (_EDITIONS, _NOTICES, _ALERTS):
        await tx.execute(text(said_again), values | _REMOVED)
    await tx.execute(text(_COUNT_ANEW), values)
    for table in _SPEAKING:
        await tx.execute(text(f"DELETE FROM monitor.{table} WHERE {_WHERE}"), values)  # noqa: S608 - constants
    await tx.execute(text(_HAND_ON_CASES), values)
    if message_id is None:
        await tx.execute(text("DELETE FROM monitor.channel_versions WHERE channel_id = :channel"), values)
        await tx.execute(text("DELETE FROM monitor.channels WHERE channel_id = :channel"), values)
    return Purged(posts.scalar_one(), versions.rowcount, files)


_WHERE = "channel_id = :channel AND (CAST(:message AS bigint) IS NULL OR message_id = :message)"
_LEAVE_TOMBSTONES = f"""
    INSERT INTO monitor.tombstones (channel_id, message_id, version, sha256, purged_at, reason)
    SELECT channel_id, message_id, version, sha256, :now, :reason FROM monitor.post_versions WHERE {_WHERE}
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants
# The members of an album are read from one record, which is kept under the id of one of them.
_SHARED_RECORDS = f"""
    DELETE FROM monitor.raw_records
    WHERE channel_id = :channel AND sha256 IN (SELECT raw_sha256 FROM monitor.post_versions WHERE {_WHERE})
    """  # noqa: S608 - constants
# A purge of what is not held keeps it from being collected later.
_MARK = """
    INSERT INTO monitor.tombstones (channel_id, message_id, version, purged_at, reason)
    SELECT :channel, coalesce(CAST(:message AS bigint), 0), 0, :now, :reason
    WHERE NOT EXISTS (SELECT FROM monitor.tombstones
                      WHERE channel_id = :channel AND message_id = coalesce(CAST(:message AS bigint), 0))
    """


# The days that they were counted in are counted anew.
_COUNT_ANEW = f"""
    INSERT INTO monitor.index_due AS d (channel_id, message_id, was_at)
    SELECT channel_id, message_id, posted_at FROM monitor.posts WHERE {_WHERE}
    ON CONFLICT (channel_id, message_id) DO UPDATE SET was_at = coalesce(d.was_at, excluded.was_at)
    """  # noqa: S608 - constants
_LEAVE_CASES = f"""
    UPDATE monitor.cases c SET posts = posts - g.gone
    FROM (SELECT case_id, count(*) AS gone FROM monitor.case_posts WHERE {_WHERE} GROUP BY case_id) g
    WHERE c.case_id = g.case_id
    """  # noqa: S608 - constants
# A case goes on with the next of its posts; one without any is closed, and what was decided of it stays.
_HAND_ON_CASES = f"""
    UPDATE monitor.cases c SET
        state = CASE WHEN n.case_id IS NULL THEN 'closed' ELSE c.state END,
        channel_id = coalesce(n.channel_id, c.channel_id), message_id = coalesce(n.message_id, c.message_id),
        version = coalesce(n.version, c.version), changed_at = :now
    FROM (SELECT case_id AS gone FROM monitor.cases WHERE {_WHERE}) g
    LEFT JOIN LATERAL (SELECT * FROM monitor.case_posts p WHERE p.case_id = g.gone
                       ORDER BY joined_at, channel_id, message_id LIMIT 1) n ON true
    WHERE c.case_id = g.gone
    """  # noqa: S608 - constants
# What was sent says it again: digests and notices were made of many posts, and go whole.
_REMOVED = {"en": "removed on lawful request", "ru": "удалено по законному требованию"}
_WORDS = "CASE language WHEN 'ru' THEN CAST(:ru AS text) ELSE :en END"
_EDITIONS = f"""
    UPDATE monitor.editions SET subject = {_WORDS}, html = {_WORDS}, body = {_WORDS}, page = {_WORDS}
    WHERE edition_id IN (SELECT edition_id FROM monitor.edition_posts WHERE {_WHERE})
    """  # noqa: S608 - constants
_NOTICES = f"""
    UPDATE monitor.notices SET subject = {_WORDS}, body = {_WORDS}, told = '{{"removed": true}}'
    WHERE notice_id IN (SELECT o.notice_id FROM monitor.notice_alerts o JOIN monitor.alerts USING (alert_id)
                        WHERE {_WHERE})
    """  # noqa: S608 - constants
_ALERTS = f"""UPDATE monitor.alerts SET told = '{{"removed": true}}' WHERE {_WHERE}"""  # noqa: S608 - constants
# A file that hangs on another post too stays, and is that one's from now on.
_PASS_ON = f"""
    UPDATE monitor.media m SET channel_id = o.channel_id, message_id = o.message_id
    FROM (SELECT DISTINCT ON (media->>'id') (media->>'id')::bigint AS media_id, channel_id, message_id
          FROM monitor.post_versions
          WHERE NOT ({_WHERE}) AND (media->>'id')::bigint IN (SELECT media_id FROM monitor.media WHERE {_WHERE})
          ORDER BY media->>'id', channel_id, message_id DESC) o
    WHERE m.media_id = o.media_id AND m.channel_id = :channel
      AND (CAST(:message AS bigint) IS NULL OR m.message_id = :message)
    """  # noqa: S608 - constants


async def _files(tx: Transaction, values: Mapping[str, object]) -> tuple[bytes, ...]:
    """Take the media of what is purged away; gives the hashes of files that no other post bears."""
    await tx.execute(text(_PASS_ON), values)
    rows = await tx.execute(text(f"DELETE FROM monitor.media WHERE {_WHERE} RETURNING sha256"), values)  # noqa: S608
    hashes = {bytes(row.sha256) for row in rows if row.sha256 is not None}
    left = await tx.execute(
        text("SELECT sha256 FROM monitor.media WHERE sha256 = ANY(:hashes)"), {"hashes": list(hashes)}
    )
    return tuple(sorted(hashes - {bytes(row.sha256) for row in left}))
