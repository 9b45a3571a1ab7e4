"""Channels: how they described themselves over time, and how they go. Pages read what is below; the step of collecting writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text

from monitor.model import Channel, SourceName
from monitor.store.database import Transaction

_LAST = text(
    """
    SELECT c.version, v.title, v.handle, v.about, v.subscribers, v.subscribers_unit, v.verified
    FROM monitor.channels c JOIN monitor.channel_versions v USING (channel_id, version)
    WHERE c.channel_id = :channel
    """
)


async def keep(tx: Transaction, channel: Channel, *, source: SourceName, at: datetime) -> bool:
    """Write how a channel describes itself; a version is added where something that was seen differs."""
    subscribers = channel.subscribers
    seen = {
        "title": channel.title,
        "handle": channel.handle,
        "about": channel.about,
        "subscribers": subscribers.value if subscribers else None,
        "subscribers_unit": subscribers.unit if subscribers else None,
        "verified": channel.verified,
    }
    last = (await tx.execute(_LAST, {"channel": channel.channel_id})).mappings().one_or_none()
    merged = {
        name: last[name] if value is None and last is not None else value for name, value in seen.items()
    }
    if last is not None and all(last[name] == value for name, value in merged.items()):
        return False
    number = 1 if last is None else last["version"] + 1
    row = merged | {"channel": channel.channel_id, "version": number, "at": at, "source": source.value}
    await tx.execute(
        text(
            """
            INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, title, handle, about,
                                                  subscribers, subscribers_unit, verified)
            VALUES (:channel, :version, :at, :source, :title, :handle, :about, :subscribers, :subscribers_unit,
                    :verified)
            """
        ),
        row,
    )
    await tx.execute(
        text(
            """
            INSERT INTO monitor.channels (channel_id, first_seen_at, version) VALUES (:channel, :at, :version)
            ON CONFLICT (channel_id) DO UPDATE SET version = excluded.version
            """
        ),
        row,
    )
    return True


# --- as pages show them -------------------------------------------------------------------------------------

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
MOST_CHANNELS, MOST_DAYS, MOST_NAMES = 1000, 1000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A channel that is watched or held, and how it goes: `week` and `month` count its posts of the last 7 and 30 days.

    An album is one post, and what happened to the channel is none. `channel_id` is None for a handle whose channel
    was never seen. `first_post_at` is that of the oldest post held.
    """

    channel_id: int | None
    handle: str | None
    title: str | None
    label: str | None
    person: str | None
    side: str | None
    source: str | None
    watched: bool
    last_look_at: datetime | None
    last_post_at: datetime | None
    problem: str | None
    problem_text: str | None
    problem_since: datetime | None
    paused_at: datetime | None
    pause_reason: str | None
    subscribers: int | None
    first_post_at: datetime | None
    week: int
    month: int


class Rates(NamedTuple):
    """Of how many posts of a channel a further version is held, how many are gone, and how many are not visible."""

    posts: int
    edited: int
    deleted: int
    missing: int


class Subscribers(NamedTuple):
    """How many subscribers a channel had, as shown; `unit` is 1 where that is exact, else the step it was rounded to."""

    seen_at: datetime
    subscribers: int
    unit: int | None


class Name(NamedTuple):
    """What a channel was called from a time on."""

    seen_at: datetime
    title: str | None
    handle: str | None


_CARDS = """
    WITH watched AS (SELECT * FROM monitor.watches WHERE listed),
    paces AS (
        SELECT channel_id, count(*) AS month, count(*) FILTER (WHERE posted_at > :week) AS week FROM monitor.posts
        WHERE posted_at > :month AND posted_at <= :now AND service IS NULL
          AND (album_id IS NULL OR album_id = message_id) {only}
        GROUP BY channel_id)
    SELECT c.channel_id, coalesce(v.handle, w.handle) AS handle, v.title,
           w.label, w.person, w.side, w.source, w.handle IS NOT NULL AS watched, w.last_look_at,
           coalesce(w.last_post_at, n.posted_at) AS last_post_at, w.problem, w.problem_text, w.problem_since,
           w.paused_at, w.pause_reason, v.subscribers, o.posted_at AS first_post_at, coalesce(p.week, 0) AS week,
           coalesce(p.month, 0) AS month
    FROM watched w FULL JOIN monitor.channels c ON c.channel_id = w.channel_id
    LEFT JOIN monitor.channel_versions v ON v.channel_id = c.channel_id AND v.version = c.version
    LEFT JOIN paces p ON p.channel_id = c.channel_id
    LEFT JOIN LATERAL (SELECT posted_at FROM monitor.posts WHERE channel_id = c.channel_id
                       ORDER BY message_id LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT posted_at FROM monitor.posts WHERE channel_id = c.channel_id
                       ORDER BY message_id DESC LIMIT 1) n ON true
    {where}
    ORDER BY w.handle IS NULL, w.problem IS NULL, w.paused_at IS NULL, lower(coalesce(v.handle, w.handle)), 1
    LIMIT :limit
    """


async def cards(tx: Transaction, *, now: datetime) -> list[Card]:
    """All channels that are watched, those with a problem first, and then the others that are held."""
    rows = await tx.execute(text(_CARDS.format(only="", where="")), _since(now) | {"limit": MOST_CHANNELS})
    return [Card(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


async def card(tx: Transaction, channel_id: int, *, now: datetime) -> Card | None:
    """One channel; None where it was never seen."""
    query = _CARDS.format(only="AND channel_id = :channel", where="WHERE c.channel_id = :channel")
    row = (await tx.execute(text(query), _since(now) | {"channel": channel_id, "limit": 1})).one_or_none()
    return Card(**row._mapping) if row else None  # noqa: SLF001 - as above


def _since(now: datetime) -> dict[str, object]:
    return {"now": now, "week": now - WEEK, "month": now - MONTH}


async def rates(tx: Transaction, channel_id: int, *, since: datetime | None = None) -> Rates:
    """What became of a channel's posts, or of those posted since a time."""
    rows = await tx.execute(
        text(
            """
            SELECT count(*), count(*) FILTER (WHERE p.version > 1),
                   count(*) FILTER (WHERE s.presence = 'deleted'), count(*) FILTER (WHERE s.presence = 'missing')
            FROM monitor.posts p JOIN monitor.post_state s USING (channel_id, message_id)
            WHERE p.channel_id = :channel AND p.service IS NULL
              AND (CAST(:since AS timestamptz) IS NULL OR p.posted_at >= :since)
            """
        ),
        {"channel": channel_id, "since": since},
    )
    return Rates(*rows.one())


async def subscribers(tx: Transaction, channel_id: int) -> list[Subscribers]:
    """The last number of subscribers of each day (UTC) on which it changed, the oldest first; of at most MOST_DAYS days."""
    rows = await tx.execute(
        text(
            """
            SELECT DISTINCT ON (date_trunc('day', seen_at, 'UTC')) seen_at, subscribers, subscribers_unit
            FROM monitor.channel_versions WHERE channel_id = :channel AND subscribers IS NOT NULL
            ORDER BY date_trunc('day', seen_at, 'UTC') DESC, version DESC LIMIT :limit
            """
        ),
        {"channel": channel_id, "limit": MOST_DAYS},
    )
    return [Subscribers(*row) for row in rows][::-1]


async def names(tx: Transaction, channel_id: int) -> list[Name]:
    """What a channel was called, the newest first; at most MOST_NAMES."""
    rows = await tx.execute(
        text(
            """
            SELECT seen_at, title, handle
            FROM (SELECT seen_at, version, title, handle,
                         lag(title) OVER w AS title_before, lag(handle) OVER w AS handle_before
                  FROM monitor.channel_versions WHERE channel_id = :channel WINDOW w AS (ORDER BY version)) described
            WHERE version = 1 OR title IS DISTINCT FROM title_before OR handle IS DISTINCT FROM handle_before
            ORDER BY version DESC LIMIT :limit
            """
        ),
        {"channel": channel_id, "limit": MOST_NAMES},
    )
    return [Name(*row) for row in rows]
