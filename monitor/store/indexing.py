"""The text index and the daily counts: what is due is taken, written and added up in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.store import partitions
from monitor.store.database import Transaction

TABLE = "post_search"
_COUNTING = 0x7E23


class Due(NamedTuple):
    """Posts to index, as columns; `was_at` is where the index has one whose time changed."""

    channels: Sequence[int]
    messages: Sequence[int]
    was_at: Sequence[datetime | None]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What indexing a batch did: posts taken, texts written, days added up."""

    posts: int
    texts: int
    days: int


async def take(tx: Transaction, *, limit: int) -> Due:
    """Take posts that are due, the newest messages first; they are no longer due once this transaction commits."""
    found = await tx.execute(
        text(
            """
            DELETE FROM monitor.index_due WHERE (channel_id, message_id) IN (
                SELECT channel_id, message_id FROM monitor.index_due
                ORDER BY channel_id DESC, message_id DESC LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING channel_id, message_id, was_at
            """
        ),
        {"limit": limit},
    )
    rows = found.all()
    return Due([r.channel_id for r in rows], [r.message_id for r in rows], [r.was_at for r in rows])


async def any_due(tx: Transaction) -> bool:
    """Whether any post is to be indexed."""
    return bool((await tx.execute(text("SELECT EXISTS (SELECT FROM monitor.index_due)"))).scalar_one())


async def write(tx: Transaction, due: Due, *, regex_since: datetime | None) -> Indexed:
    """Bring the index and the counts up to date with these posts.

    Months that are lacking are made; those from `regex_since` on can be searched by regular expressions.
    """
    values = {"channels": list(due.channels), "messages": list(due.messages), "was_at": list(due.was_at)}
    # What is derived is due again after a crash, so that nothing here waits for the disk.
    await tx.execute(text("SET LOCAL synchronous_commit = off"))
    months = await tx.execute(text(_MONTHS), values)
    for month in months.scalars():
        await partitions.make(tx, TABLE, month)
        await partitions.set_regex(tx, month, regex_since=regex_since)
    await tx.execute(text(_TAKE_OUT), values)
    texts = await tx.execute(text(_PUT_IN), values)
    days = await _add_up(tx, values)
    return Indexed(len(due.channels), texts.rowcount, days)


async def _add_up(tx: Transaction, values: dict[str, Any]) -> int:
    """Count anew the days of these posts, those also from which they moved; gives how many."""
    # Two runs that count one day at once would each forget what stood there before, and both put it in.
    await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _COUNTING})
    found = (await tx.execute(text(_DAYS), values)).all()
    days = {"channels": [row.channel_id for row in found], "days": [row.day for row in found]}
    for statement in (_FORGET_POSTS, _FORGET_FIGURES, _COUNT_POSTS, _COUNT_FIGURES):
        await tx.execute(text(statement), days)
    return len(found)


_DUE = """
    unnest(CAST(:channels AS bigint[]), CAST(:messages AS bigint[]), CAST(:was_at AS timestamptz[]))
        AS d(channel_id, message_id, was_at)
    """
_MONTHS = f"""
    SELECT DISTINCT date_trunc('month', p.posted_at, 'UTC')
    FROM {_DUE} JOIN monitor.posts p USING (channel_id, message_id) ORDER BY 1
    """  # noqa: S608 - constants
# What moved in time, and what lost its words.
_TAKE_OUT = f"""
    DELETE FROM monitor.post_search s USING (
        SELECT d.channel_id, d.message_id, d.was_at AS posted_at FROM {_DUE} WHERE d.was_at IS NOT NULL
        UNION ALL
        SELECT p.channel_id, p.message_id, p.posted_at
        FROM {_DUE} JOIN monitor.posts p USING (channel_id, message_id)
        JOIN monitor.post_versions v USING (channel_id, message_id, version)
        WHERE v.text = '') gone
    WHERE s.channel_id = gone.channel_id AND s.message_id = gone.message_id AND s.posted_at = gone.posted_at
    """  # noqa: S608 - constants
_PUT_IN = f"""
    INSERT INTO monitor.post_search (channel_id, message_id, posted_at, version, language, text, vector)
    SELECT t.channel_id, t.message_id, t.posted_at, t.version, t.language, t.plain, research.search_vector(t.plain, t.language)
    FROM (SELECT p.channel_id, p.message_id, p.posted_at, p.version, research.plain(v.text) AS plain,
                 research.language_of(v.text) AS language
          FROM {_DUE} JOIN monitor.posts p USING (channel_id, message_id)
          JOIN monitor.post_versions v USING (channel_id, message_id, version)
          WHERE v.text <> '' AND NOT EXISTS (
              SELECT FROM monitor.post_search s
              WHERE s.channel_id = p.channel_id AND s.message_id = p.message_id AND s.posted_at = p.posted_at
                AND s.version = p.version)
          OFFSET 0) t
    ON CONFLICT (channel_id, message_id, posted_at) DO UPDATE
    SET version = excluded.version, language = excluded.language, text = excluded.text, vector = excluded.vector
    """  # noqa: S608 - constants
_DAYS = f"""
    SELECT DISTINCT channel_id, CAST(at AT TIME ZONE 'UTC' AS date) AS day FROM (
        SELECT p.channel_id, p.posted_at AS at FROM {_DUE} JOIN monitor.posts p USING (channel_id, message_id)
        UNION ALL
        SELECT d.channel_id, d.was_at FROM {_DUE} WHERE d.was_at IS NOT NULL) touched
    """  # noqa: S608 - constants
_THESE_DAYS = "unnest(CAST(:channels AS bigint[]), CAST(:days AS date[])) AS d(channel_id, day)"
_OF_DAY = """channel_id = d.channel_id AND {0}.posted_at >= d.day::timestamp AT TIME ZONE 'UTC'
             AND {0}.posted_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'"""
_FORGET_POSTS = f"""
    DELETE FROM monitor.daily_posts c USING {_THESE_DAYS} WHERE c.channel_id = d.channel_id AND c.day = d.day
    """  # noqa: S608 - constants
_FORGET_FIGURES = f"""
    DELETE FROM monitor.daily_figures c USING {_THESE_DAYS} WHERE c.channel_id = d.channel_id AND c.day = d.day
    """  # noqa: S608 - constants
_COUNT_POSTS = f"""
    INSERT INTO monitor.daily_posts (channel_id, day, posts, edited, deleted, missing, flagged)
    SELECT d.channel_id, d.day, count(*), count(*) FILTER (WHERE p.edited_at IS NOT NULL OR p.version > 1),
           count(*) FILTER (WHERE s.presence = 'deleted'), count(*) FILTER (WHERE s.presence = 'missing'),
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM monitor.flags f
               WHERE f.channel_id = s.channel_id AND f.message_id = s.message_id AND f.version = s.version
                 AND f.ruleset_id = s.read_ruleset AND f.raised))
    FROM {_THESE_DAYS} JOIN monitor.posts p ON p.{_OF_DAY.format("p")}
    JOIN monitor.post_state s ON s.channel_id = p.channel_id AND s.message_id = p.message_id
    GROUP BY d.channel_id, d.day
    """  # noqa: S608 - constants
_COUNT_FIGURES = f"""
    INSERT INTO monitor.daily_figures (channel_id, day, kind, side, figures, posts, least, most)
    SELECT d.channel_id, d.day, g.kind, CASE g.side WHEN 'unknown' THEN coalesce(g.side_inferred, g.side) ELSE g.side END AS whose,
           count(*), count(DISTINCT g.message_id), min(g.low), max(coalesce(g.high, g.low))
    FROM {_THESE_DAYS} JOIN monitor.posts p ON p.{_OF_DAY.format("p")}
    JOIN monitor.post_state s ON s.channel_id = p.channel_id AND s.message_id = p.message_id
    JOIN monitor.figures g ON g.channel_id = p.channel_id AND g.message_id = p.message_id AND g.version = s.version
                          AND g.ruleset_id = s.read_ruleset
    GROUP BY d.channel_id, d.day, g.kind, whose
    """  # noqa: S608 - constants
