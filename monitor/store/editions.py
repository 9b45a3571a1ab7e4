"""Editions of the digest: kept once for each window, zone, language and filter, and never composed differently."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.model import Edition, Language, Narrowed, Window
from monitor.store.database import Transaction

MOST_LISTED = 100


def filter_of(narrowed: Narrowed) -> str:
    """What a digest is narrowed to, as it is kept: the same for the same, whatever the order it was written in."""
    return json.dumps(
        {"channels": sorted(narrowed.channels), "topics": sorted(narrowed.topics)}, ensure_ascii=False
    )


def narrowed_of(kept: str) -> Narrowed:
    """The other way round."""
    value = json.loads(kept)
    return Narrowed(tuple(value["topics"]), tuple(value["channels"]))


_KEY = "window_from = :since AND window_until = :until AND zone = :zone AND language = :language AND filter = :filter"


def _key(window: Window, zone: str, language: Language, narrowed: Narrowed) -> dict[str, object]:
    return {
        "since": window.since,
        "until": window.until,
        "zone": zone,
        "language": language.value,
        "filter": filter_of(narrowed),
    }


async def find(
    tx: Transaction, window: Window, *, zone: str, language: Language, narrowed: Narrowed
) -> Edition | None:
    """The edition of a window, if it was composed."""
    rows = await tx.execute(
        text(f"SELECT * FROM monitor.editions WHERE {_KEY}"),  # noqa: S608 - a constant
        _key(window, zone, language, narrowed),
    )
    row = rows.one_or_none()
    return _edition(row) if row is not None else None


async def get(tx: Transaction, edition_id: int) -> Edition | None:
    """An edition by its number."""
    rows = await tx.execute(
        text("SELECT * FROM monitor.editions WHERE edition_id = :edition"), {"edition": edition_id}
    )
    row = rows.one_or_none()
    return _edition(row) if row is not None else None


class Key(NamedTuple):
    """By what an edition is known."""

    window: Window
    zone: str
    language: Language
    narrowed: Narrowed


async def awaited(tx: Transaction, *, ended_by: datetime) -> list[Key]:
    """The editions that planned deliveries wait for, of windows that ended by a moment, the oldest first."""
    rows = await tx.execute(
        text(
            """
            SELECT DISTINCT window_from, window_until, zone, language, filter FROM monitor.deliveries
            WHERE state = 'planned' AND window_from IS NOT NULL AND edition_id IS NULL AND window_until <= :ended
            ORDER BY window_until, window_from, zone, language, filter
            """
        ),
        {"ended": ended_by},
    )
    return [
        Key(
            Window(row.window_from, row.window_until),
            row.zone,
            Language(row.language),
            narrowed_of(row.filter),
        )
        for row in rows
    ]


class Content(NamedTuple):
    """What there is to keep of an edition, drawn; `posts` are the keys of what it quotes."""

    subject: str
    html: str
    body: str
    page: str
    sha256: bytes
    counts: Mapping[str, int]
    posts: tuple[tuple[int, int], ...]


async def keep(
    tx: Transaction,
    window: Window,
    content: Content,
    *,
    zone: str,
    language: Language,
    narrowed: Narrowed,
    now: datetime,
) -> int:
    """Keep an edition; gives its number, that of the one that was kept first where there is one."""
    key = _key(window, zone, language, narrowed)
    edition_id = await _added(tx, key, content, now=now)
    if edition_id is not None:
        await _quote(tx, edition_id, content.posts)
        return edition_id
    first = await tx.execute(
        text(f"SELECT edition_id FROM monitor.editions WHERE {_KEY}"),  # noqa: S608 - a constant
        key,
    )
    return int(first.scalar_one())


async def _added(
    tx: Transaction, key: Mapping[str, object], content: Content, *, now: datetime
) -> int | None:
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.editions (window_from, window_until, zone, language, filter, composed_at, subject, html,
                                          body, page, counts, sha256)
            VALUES (:since, :until, :zone, :language, :filter, :now, :subject, :html, :body, :page,
                    CAST(:counts AS jsonb), :sha256)
            ON CONFLICT DO NOTHING RETURNING edition_id
            """
        ),
        {
            **key,
            "now": now,
            "subject": content.subject,
            "html": content.html,
            "body": content.body,
            "page": content.page,
            "counts": json.dumps(dict(content.counts)),
            "sha256": content.sha256,
        },
    )
    edition_id: int | None = made.scalar_one_or_none()
    return edition_id


async def _quote(tx: Transaction, edition_id: int, posts: Sequence[tuple[int, int]]) -> None:
    """Write what an edition quotes, so that a purge finds it there too."""
    if not posts:
        return
    await tx.execute(
        text(
            """
            INSERT INTO monitor.edition_posts (edition_id, channel_id, message_id)
            SELECT :edition, * FROM unnest(CAST(:channels AS bigint[]), CAST(:messages AS bigint[]))
            """
        ),
        {
            "edition": edition_id,
            "channels": [channel for channel, _ in posts],
            "messages": [message for _, message in posts],
        },
    )


class Listed(NamedTuple):
    """An edition as it is listed, and how many persons it was planned for, and sent to."""

    edition_id: int
    window: Window
    zone: str
    language: Language
    narrowed: Narrowed
    subject: str
    composed_at: datetime
    planned: int
    sent: int


async def listed(tx: Transaction, *, limit: int = MOST_LISTED) -> list[Listed]:
    """Editions, the newest first."""
    rows = await tx.execute(
        text(
            """
            SELECT e.*, count(d.delivery_id) AS planned, count(*) FILTER (WHERE d.state = 'sent') AS sent
            FROM (SELECT edition_id, window_from, window_until, zone, language, filter, subject, composed_at
                  FROM monitor.editions ORDER BY window_until DESC, edition_id DESC LIMIT :limit) e
            LEFT JOIN monitor.deliveries d ON d.window_until = e.window_until AND d.edition_id = e.edition_id
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY e.window_until DESC, e.edition_id DESC
            """
        ),
        {"limit": limit},
    )
    return [
        Listed(
            row.edition_id,
            Window(row.window_from, row.window_until),
            row.zone,
            Language(row.language),
            narrowed_of(row.filter),
            row.subject,
            row.composed_at,
            row.planned,
            row.sent,
        )
        for row in rows
    ]


def _edition(row: Any) -> Edition:
    return Edition(
        edition_id=row.edition_id,
        window=Window(row.window_from, row.window_until),
        zone=row.zone,
        language=Language(row.language),
        narrowed=narrowed_of(row.filter),
        composed_at=row.composed_at,
        subject=row.subject,
        html=row.html,
        body=row.body,
        page=row.page,
        counts=row.counts,
        sha256=bytes(row.sha256),
    )
