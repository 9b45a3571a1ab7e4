"""Searching the words of posts, by the functions that researchers have too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.errors import InvalidRegularExpression, QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from monitor.errors import UsageError
from monitor.store.database import Transaction

# The marks around what matched in an excerpt.
OPENED, CLOSED = "⟦", "⟧"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is searched for: words, or with `regex` a regular expression; times are half-open, `channel` is a handle."""

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
    """A post that matches, with an excerpt in which what matched is marked."""

    channel_id: int
    handle: str | None
    title: str | None
    message_id: int
    version: int
    posted_at: datetime
    presence: str
    topics: tuple[str, ...]
    excerpt: str


_HITS = """
    SELECT h.channel_id, h.handle, c.title, h.message_id, h.version, h.posted_at, s.presence,
           ARRAY(SELECT f.topic FROM research.flags f
                 WHERE f.channel_id = h.channel_id AND f.message_id = h.message_id AND f.is_current ORDER BY 1) AS topics,
           h.excerpt
    FROM {found} WITH ORDINALITY h
    JOIN monitor.post_state s USING (channel_id, message_id)
    LEFT JOIN research.channels c USING (channel_id)
    ORDER BY h.ordinality
    """
_FILTERS = """coalesce(CAST(:since AS timestamptz), '-infinity'), coalesce(CAST(:until AS timestamptz), 'infinity'),
              CAST(:channel AS text), CAST(:topic AS text), CAST(:most AS int)"""
_BY_WORDS = _HITS.format(found=f"research.search(CAST(:words AS text), {_FILTERS}, CAST(:ranked AS bool))")
_BY_REGEX = _HITS.format(found=f"research.matching(CAST(:words AS text), {_FILTERS})")


async def find(tx: Transaction, asked: Asked, *, timeout_ms: int) -> Sequence[Hit]:
    """Posts that match: by words the best first or the newest, by a regular expression the newest.

    Raises UsageError for an expression that cannot be read, and where the search takes longer than the timeout.
    """
    await tx.execute(text(f"SET LOCAL statement_timeout = {timeout_ms:d}"))
    values = {
        "words": asked.words,
        "since": asked.since,
        "until": asked.until,
        "channel": asked.channel,
        "topic": asked.topic,
        "most": asked.most,
    }
    statement = _BY_REGEX if asked.regex else _BY_WORDS
    if not asked.regex:
        values["ranked"] = not asked.newest
    try:
        if asked.regex:
            # Where no post is looked at, nothing would tell that it cannot be read.
            await tx.execute(text("SELECT '' ~* :words"), {"words": asked.words})
        rows = await tx.execute(text(statement), values)
    except DBAPIError as error:
        raise _worded(error, asked) or error from error
    return [Hit(**row._asdict() | {"topics": tuple(row.topics)}) for row in rows]


def _worded(error: DBAPIError, asked: Asked) -> UsageError | None:
    if isinstance(error.orig, InvalidRegularExpression):
        why = str(error.orig).strip().splitlines()[0].removeprefix("invalid regular expression: ")
        return UsageError(
            f"no regular expression: {asked.words}",
            why,
            "put a backslash before what means itself: \\( \\* \\+",
        )
    if isinstance(error.orig, QueryCanceled):
        return UsageError(
            "the search takes too long",
            "too many posts would have to be read",
            "narrow it by a time, a channel or a longer word",
        )
    return None


async def only_common(tx: Transaction, words: str) -> bool:
    """Whether the words hold none that search knows: stop words, signs, or nothing."""
    asked = text("SELECT numnode(research.search_query(:words, 'ru')) = 0")
    return bool((await tx.execute(asked, {"words": words})).scalar_one())
