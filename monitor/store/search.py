"""Searching the words of posts, by the functions that researchers have too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import InvalidRegularExpression, QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from monitor.errors import SearchRefused
from monitor.store.database import Transaction

# The marks around what matched in an excerpt.
OPENED, CLOSED = "⟦", "⟧"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is searched for: words, or with `regex` a regular expression; without any the newest posts.

    Times are half-open; `channel` is a handle or an id.
    """

    words: str
    regex: bool = False
    since: datetime | None = None
    until: datetime | None = None
    channel: str | None = None
    topic: str | None = None
    newest: bool = False
    most: int = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """A post that matches, with an excerpt in which what matched is marked; `changed_at` is when it was posted or last edited."""

    channel_id: int
    handle: str | None
    title: str | None
    message_id: int
    version: int
    posted_at: datetime
    changed_at: datetime
    presence: str
    topics: tuple[str, ...]
    text: str
    excerpt: str


_HITS = """
    SELECT h.channel_id, h.handle, c.title, h.message_id, h.version, h.posted_at,
           greatest(h.posted_at, p.edited_at) AS changed_at, s.presence,
           ARRAY(SELECT f.topic FROM research.flags f
                 WHERE f.channel_id = h.channel_id AND f.message_id = h.message_id AND f.is_current ORDER BY 1) AS topics,
           v.text, h.excerpt
    FROM {found} WITH ORDINALITY h
    JOIN monitor.post_state s USING (channel_id, message_id)
    JOIN monitor.posts p USING (channel_id, message_id)
    JOIN monitor.post_versions v
        ON v.channel_id = h.channel_id AND v.message_id = h.message_id AND v.version = h.version
    LEFT JOIN research.channels c ON c.channel_id = h.channel_id
    ORDER BY h.ordinality
    """
_FILTERS = """coalesce(CAST(:since AS timestamptz), '-infinity'), coalesce(CAST(:until AS timestamptz), 'infinity'),
              CAST(:channel AS text), CAST(:topic AS text), CAST(:most AS int)"""
_BY_WORDS = _HITS.format(found=f"research.search(CAST(:words AS text), {_FILTERS}, CAST(:ranked AS bool))")
_BY_REGEX = _HITS.format(found=f"research.matching(CAST(:words AS text), {_FILTERS})")
_NEWEST = """
    SELECT t.channel_id, c.handle, c.title, t.message_id, t.version, t.posted_at,
           greatest(t.posted_at, p.edited_at) AS changed_at, s.presence,
           ARRAY(SELECT f.topic FROM research.flags f
                 WHERE f.channel_id = t.channel_id AND f.message_id = t.message_id AND f.is_current ORDER BY 1) AS topics,
           t.text, CASE WHEN length(t.text) > 300 THEN left(t.text, 299) || '…' ELSE t.text END AS excerpt
    FROM {found} AS t
    JOIN monitor.post_state s USING (channel_id, message_id)
    JOIN monitor.posts p USING (channel_id, message_id)
    LEFT JOIN research.channels c USING (channel_id)
    ORDER BY t.posted_at DESC, t.channel_id, t.message_id DESC LIMIT :most
    """
_WITHIN = """{posts}.posted_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
             AND {posts}.posted_at < coalesce(CAST(:until AS timestamptz), 'infinity')
             AND (CAST(:channels AS bigint[]) IS NULL OR {posts}.channel_id = ANY(:channels))"""
# Down the index on the time, which holds no post that has no words.
_DOWN = """(
    SELECT * FROM monitor.post_search t WHERE {within} ORDER BY posted_at DESC, channel_id, message_id DESC LIMIT {limit})
    """
_OF_TOPIC = "f.topic = :topic AND f.raised AND f.version = s.version AND f.ruleset_id = s.read_ruleset"
# As one value for each post, lest Postgres reads all flags and posts to join them.
_DOWN_OF_TOPIC = """(
    SELECT * FROM {down} AS d
    WHERE (SELECT true FROM monitor.flags f JOIN monitor.post_state s USING (channel_id, message_id)
           WHERE f.channel_id = d.channel_id AND f.message_id = d.message_id AND {of_topic} LIMIT 1)
    ORDER BY posted_at DESC, channel_id, message_id DESC LIMIT :most)
    """
_FROM_FLAGS = """(
    WITH newest AS MATERIALIZED (
        SELECT p.channel_id, p.message_id, p.posted_at
        FROM monitor.flags f
        JOIN monitor.post_state s USING (channel_id, message_id)
        JOIN monitor.posts p USING (channel_id, message_id)
        WHERE {of_topic} AND {within} AND EXISTS (
            SELECT FROM monitor.post_search t
            WHERE t.channel_id = p.channel_id AND t.message_id = p.message_id AND t.posted_at = p.posted_at)
        ORDER BY p.posted_at DESC, p.channel_id, p.message_id DESC LIMIT :most)
    SELECT * FROM newest JOIN monitor.post_search USING (channel_id, message_id, posted_at))
    """
_LATEST = _NEWEST.format(found=_DOWN.format(within=_WITHIN.format(posts="t"), limit=":most"))
_LATEST_OF_TOPIC = _NEWEST.format(
    found=_DOWN_OF_TOPIC.format(
        down=_DOWN.format(within=_WITHIN.format(posts="t"), limit=":looked"), of_topic=_OF_TOPIC
    )
)
_ALL_OF_TOPIC = _NEWEST.format(found=_FROM_FLAGS.format(of_topic=_OF_TOPIC, within=_WITHIN.format(posts="p")))
# So many of the newest posts are looked at before all that a topic was ever flagged in.
_LOOKED = 20_000


async def find(tx: Transaction, asked: Asked, *, timeout_ms: int) -> Sequence[Hit]:
    """Posts that match: by words the best first or the newest, else the newest.

    Raises SearchRefused for an expression that cannot be read, and where the search takes longer than the timeout.
    """
    # Planned for all values, a search would walk through every post between two times.
    await tx.execute(
        text(
            "SELECT set_config('statement_timeout', :timeout, true), set_config('plan_cache_mode', 'force_custom_plan', true)"
        ),
        {"timeout": str(timeout_ms)},
    )
    values: dict[str, object] = {
        "words": asked.words,
        "since": asked.since,
        "until": asked.until,
        "channel": asked.channel,
        "topic": asked.topic,
        "most": asked.most,
    }
    try:
        rows = await _rows(tx, asked, values)
    except DBAPIError as error:
        raise _worded(error, asked) or error from error
    return [Hit(**row._asdict() | {"topics": tuple(row.topics)}) for row in rows]


async def _rows(tx: Transaction, asked: Asked, values: Mapping[str, object]) -> Sequence[Any]:
    if not asked.words:
        return await _without_words(tx, asked, {**values, "channels": await _channels(tx, asked.channel)})
    if not asked.regex:
        return (await tx.execute(text(_BY_WORDS), {**values, "ranked": not asked.newest})).all()
    # Where no post is looked at, nothing would tell that it cannot be read.
    await tx.execute(text("SELECT '' ~* :words"), {"words": asked.words})
    return (await tx.execute(text(_BY_REGEX), values)).all()


async def _channels(tx: Transaction, channel: str | None) -> list[int] | None:
    """The channels that a handle or an id means, since of these Postgres knows how many posts each has; None for all."""
    if channel is None:
        return None
    found = await tx.execute(
        text(
            """
            SELECT channel_id FROM research.channels
            WHERE lower(handle) = lower(ltrim(:channel, '@')) OR channel_id::text = :channel
            """
        ),
        {"channel": channel},
    )
    return list(found.scalars())


async def _without_words(tx: Transaction, asked: Asked, values: Mapping[str, object]) -> Sequence[Any]:
    if values["channels"] == []:
        return []
    if asked.topic:
        latest = (await tx.execute(text(_LATEST_OF_TOPIC), {**values, "looked": _LOOKED})).all()
        return latest if len(latest) == asked.most else (await tx.execute(text(_ALL_OF_TOPIC), values)).all()
    return (await tx.execute(text(_LATEST), values)).all()


def _worded(error: DBAPIError, asked: Asked) -> SearchRefused | None:
    if isinstance(error.orig, InvalidRegularExpression):
        why = str(error.orig).strip().splitlines()[0].removeprefix("invalid regular expression: ")
        return SearchRefused(
            f"no regular expression: {asked.words}",
            why,
            "put a backslash before what means itself: \\( \\* \\+",
            kind="regex",
        )
    if isinstance(error.orig, QueryCanceled):
        return SearchRefused(
            "the search takes too long",
            "too many posts would have to be read",
            "narrow it by a time, a channel or a longer word",
            kind="slow",
        )
    return None


async def only_common(tx: Transaction, words: str) -> bool:
    """Whether the words hold none that search knows: stop words, signs, or nothing."""
    asked = text("SELECT numnode(research.search_query(:words, 'ru')) = 0")
    return bool((await tx.execute(asked, {"words": words})).scalar_one())
