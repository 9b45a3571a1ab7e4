"""Posts and their versions: what is held of them, and the one way to write them.

Writing is one COPY into a temporary table and one INSERT for each table of record, all in the caller's
transaction, so that posts, versions, state and raw records come together or not at all.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from weakref import WeakSet

import zstandard
from psycopg import AsyncConnection
from sqlalchemy import text

from monitor.model import NO_COUNTS, Count, Counts, Decision, Held, Look, NewVersion, Post, SourceName
from monitor.store.database import Transaction, driver_of

# The columns of `incoming`, in order, with the types that binary COPY writes. JSON goes as text and is cast once.
_INCOMING = (
    ("message_id", "int8"),
    ("version", "int4"),
    ("is_current", "bool"),
    ("posted_at", "timestamptz"),
    ("edited", "bool"),
    ("edited_at", "timestamptz"),
    ("text", "text"),
    ("entities", "text"),
    ("links", "text[]"),
    ("media_kind", "text"),
    ("media", "text"),
    ("extras", "text"),
    ("service", "text"),
    ("album_id", "int8"),
    ("forward_kind", "text"),
    ("forward_channel_id", "int8"),
    ("forward_handle", "text"),
    ("forward_message_id", "int8"),
    ("forward_title", "text"),
    ("reply_to_message_id", "int8"),
    ("reply_to_handle", "text"),
    ("form", "int2"),
    ("sha256", "bytea"),
    ("previous_sha256", "bytea"),
    ("raw_sha256", "bytea"),
    ("raw_size", "int4"),
    ("raw_body", "bytea"),
    ("look_at", "timestamptz"),
    ("counted", "bool"),
    ("views", "int8"),
    ("views_unit", "int4"),
    ("forwards", "int8"),
    ("forwards_unit", "int4"),
    ("reactions", "text"),
)
_NAMES = ", ".join(name for name, _ in _INCOMING)
_TYPES = [kind for _, kind in _INCOMING]
_MAKE_INCOMING = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS incoming ("
    + ", ".join(f"{name} {kind}" for name, kind in _INCOMING)
    + ") ON COMMIT DELETE ROWS"
)

_ORIGIN = """forward_kind, forward_channel_id, forward_handle, forward_message_id, forward_title,
             reply_to_message_id, reply_to_handle"""
_WRITE = (
    f"""
    INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, edited_at, version, source,
                               media_kind, service, album_id, {_ORIGIN})
    SELECT %(channel)s, message_id, posted_at, %(at)s, edited_at, version, %(source)s, media_kind, service,
           album_id, {_ORIGIN}
    FROM incoming WHERE version = 1
    """,  # noqa: S608 - a constant
    """
    INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, edited_at, text,
        entities, links, media_kind, media, extras, form, sha256, previous_sha256, raw_sha256)
    SELECT %(channel)s, message_id, version, %(at)s, %(source)s, edited, edited_at, text, entities::jsonb, links,
           media_kind, media::jsonb, extras::jsonb, form, sha256, previous_sha256, raw_sha256
    FROM incoming
    """,
    """
    INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at, look_at, presence, missing_since,
                                    deleted_at)
    SELECT %(channel)s, i.message_id, i.version, %(at)s, CASE WHEN v.proven_at IS NULL THEN i.look_at END,
           CASE WHEN v.proven_at IS NULL THEN 'present' ELSE 'deleted' END, v.proven_at, v.proven_at
    FROM incoming i
    LEFT JOIN LATERAL (SELECT * FROM monitor.vacant_ids WHERE channel_id = %(channel)s AND first_id <= i.message_id
                       ORDER BY first_id DESC LIMIT 1) v
        ON v.last_id >= i.message_id
           AND ((v.reason = 'deleted' AND v.proven_at >= %(at)s) OR %(source)s = 'desktop')
    WHERE version = 1
    """,
    """
    DELETE FROM monitor.vacant_ids v USING incoming i
    WHERE v.channel_id = %(channel)s AND v.first_id = i.message_id AND v.last_id = i.message_id AND i.version = 1
    """,
    """
    INSERT INTO monitor.raw_records (seen_at, sha256, channel_id, message_id, source, size, body)
    SELECT %(at)s, raw_sha256, %(channel)s, message_id, %(source)s, raw_size, raw_body
    FROM incoming WHERE raw_sha256 IS NOT NULL
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO monitor.post_counts (channel_id, message_id, seen_at, source, views, views_unit, forwards,
                                     forwards_unit, reactions)
    SELECT %(channel)s, message_id, %(at)s, %(source)s, views, views_unit, forwards, forwards_unit, reactions::jsonb
    FROM incoming WHERE counted
    ON CONFLICT DO NOTHING
    """,
)
_MOVE_ON = (
    """
    UPDATE monitor.posts p SET version = i.version, edited_at = i.edited_at, media_kind = i.media_kind
    FROM incoming i
    WHERE p.channel_id = %(channel)s AND p.message_id = i.message_id AND i.version > 1 AND i.is_current
    """,
    """
    UPDATE monitor.post_state s SET version = i.version, read_ruleset = NULL, unread = true
    FROM incoming i
    WHERE s.channel_id = %(channel)s AND s.message_id = i.message_id AND i.version > 1 AND i.is_current
    """,
)

_ANY_BETWEEN = text(
    """
    SELECT EXISTS (SELECT FROM monitor.posts
                   WHERE channel_id = :channel AND message_id BETWEEN :lowest AND :highest)
    """
)
_HELD = text(
    """
    WITH asked AS (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS bytea[])) AS a(message_id, sha256))
    SELECT a.message_id, p.posted_at, p.edited_at, v.sha256, v.source, v.seen_at, every.versions, every.hashes,
           CASE WHEN v.sha256 <> a.sha256 THEN v.text ELSE '' END AS text,
           CASE WHEN v.sha256 <> a.sha256 THEN v.links END AS links,
           COALESCE('service:' || p.service, v.media_kind) AS media,
           c.seen_at AS counts_at, c.views, c.views_unit, c.forwards, c.forwards_unit, c.reactions
    FROM asked a
    JOIN monitor.posts p ON p.channel_id = :channel AND p.message_id = a.message_id
    JOIN monitor.post_versions v ON v.channel_id = :channel AND v.message_id = a.message_id AND v.version = p.version
    CROSS JOIN LATERAL (
        SELECT max(o.version) AS versions, array_agg(o.sha256) AS hashes FROM monitor.post_versions o
        WHERE o.channel_id = :channel AND o.message_id = a.message_id
    ) every
    LEFT JOIN LATERAL (
        SELECT * FROM monitor.post_counts k WHERE k.channel_id = :channel AND k.message_id = a.message_id
        ORDER BY k.seen_at DESC LIMIT 1
    ) c ON true
    """
)


# Connections that have the temporary table already: to look for it takes milliseconds.
_WITH_INCOMING: "WeakSet[AsyncConnection[tuple[object, ...]]]" = WeakSet()
_Kept = tuple[bytes | None, int | None, bytes | None]
_NOTHING_KEPT: _Kept = (None, None, None)
_NO_ORIGIN = (None, None, None, None, None)
_encode = json.JSONEncoder(ensure_ascii=False).encode


async def held(tx: Transaction, channel_id: int, hashes: Mapping[int, bytes]) -> dict[int, Held]:
    """What is held of the posts whose message ids and content hashes are given, by message id."""
    if not hashes or not await _any_between(tx, channel_id, min(hashes), max(hashes)):
        return {}
    asked = {"channel": channel_id, "ids": list(hashes), "hashes": list(hashes.values())}
    rows = await tx.execute(_HELD, asked)
    return {row.message_id: _as_held(row) for row in rows}


async def _any_between(tx: Transaction, channel_id: int, lowest: int, highest: int) -> bool:
    """Whether anything is held of a range of ids; if not, nothing needs to be compared."""
    asked = {"channel": channel_id, "lowest": lowest, "highest": highest}
    return bool((await tx.execute(_ANY_BETWEEN, asked)).scalar_one())


def _as_held(row: Any) -> Held:
    return Held(
        message_id=row.message_id,
        posted_at=row.posted_at,
        versions=row.versions,
        sha256=bytes(row.sha256),
        all_sha256=frozenset(map(bytes, row.hashes)),
        source=SourceName(row.source),
        seen_at=row.seen_at,
        edited_at=row.edited_at,
        text=row.text,
        links=tuple(row.links or ()),
        media=row.media,
        counts=_as_counts(row) if row.counts_at else NO_COUNTS,
        counts_at=row.counts_at,
    )


def _as_counts(row: Any) -> Counts:
    return Counts(
        views=None if row.views is None else Count(row.views, row.views_unit),
        forwards=None if row.forwards is None else Count(row.forwards, row.forwards_unit),
        reactions={name: Count(*count) for name, count in (row.reactions or {}).items()},
    )


async def keep(tx: Transaction, look: Look, decision: Decision) -> Decision:
    """Write what a look changed; gives it with those alone among the lost that were held and not yet lost.

    The caller holds the channel's lock and commits.
    """
    driver = await driver_of(tx)
    meant = {"channel": look.channel.channel_id, "at": look.at, "source": look.source.value}
    if decision.added:
        await _make_incoming(driver)
        kept = await asyncio.to_thread(_kept, [version.post.raw for version in decision.added])
        await _copy(driver, decision, kept)
        statements = _WRITE + (_MOVE_ON if decision.edits else ())
        for statement in statements:
            await driver.execute(statement, meant)
    if decision.seen:
        await _see_again(tx, look, decision)
    await _count(tx, look, decision)
    return await _lose(tx, look, decision) if decision.deleted or decision.missing else decision


async def _make_incoming(driver: "AsyncConnection[tuple[object, ...]]") -> None:
    """Make the temporary table. It is noted only once it is found, since a rollback takes a fresh one away."""
    if driver in _WITH_INCOMING:
        return
    found = await (await driver.execute("SELECT to_regclass('pg_temp.incoming')")).fetchone()
    if found is not None and found[0] is not None:
        _WITH_INCOMING.add(driver)
    else:
        await driver.execute(_MAKE_INCOMING)


async def _copy(
    driver: "AsyncConnection[tuple[object, ...]]",
    decision: Decision,
    kept: Iterable[_Kept],
) -> None:
    counted = {post.message_id for post in decision.counted}
    async with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY incoming ({_NAMES}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(_TYPES)
        for version, raw in zip(decision.added, kept, strict=True):
            number = version.post.message_id
            counts = _counts(version.post.counts) if number in counted else _NO_COUNTS
            await copy.write_row((*_row(version, raw), decision.due.get(number), number in counted, *counts))


def _kept(bodies: Sequence[bytes]) -> list[_Kept]:
    """Hash, size and compressed form of raw records. All are compressed in one call, which holds no lock of Python's."""
    filled: list[bytes | bytearray | memoryview[int]] = [body for body in bodies if body]
    if not filled:
        return [_NOTHING_KEPT] * len(bodies)
    packed = iter(zstandard.ZstdCompressor(level=1).multi_compress_to_buffer(filled))
    return [
        (sha256(body).digest(), len(body), next(packed).tobytes()) if body else _NOTHING_KEPT
        for body in bodies
    ]


def _row(version: NewVersion, raw: _Kept) -> tuple[object, ...]:
    post = version.post
    forward, reply, media = post.forward, post.reply, post.media
    origin = (
        (
            forward.kind.value,
            forward.channel_id,
            storable(forward.handle) if forward.handle else None,
            forward.message_id,
            storable(forward.title) if forward.title else None,
        )
        if forward
        else _NO_ORIGIN
    )
    return (
        post.message_id,
        version.number,
        version.current,
        post.posted_at,
        post.edited,
        post.edited_at,
        storable(post.text),
        _entities(post) if post.entities else None,
        [storable(link) for link in version.links] or None,
        media.kind.value if media else None,
        _json(media.details) if media else None,
        _json(post.extras),
        post.service,
        post.album_id,
        *origin,
        reply.message_id if reply else None,
        reply.handle if reply else None,
        version.form,
        version.sha256,
        version.previous,
        *raw,
    )


def storable(words: str) -> str:
    """The same text as Postgres can keep it: it takes neither NUL nor a lone surrogate."""
    try:
        words.encode()
    except UnicodeEncodeError:
        words = words.encode("utf-8", "replace").decode()
    return words.replace("\x00", "\ufffd") if "\x00" in words else words


def _entities(post: Post) -> str:
    return json.dumps(
        [
            {
                "type": e.type,
                "offset": e.offset,
                "length": e.length,
                **({"value": storable(e.value)} if e.value else {}),
            }
            for e in post.entities
        ],
        ensure_ascii=False,
    )


def _json(details: Mapping[str, Any]) -> str | None:
    return _encode(_storable(details)) if details else None


def _storable(value: object) -> object:
    """The same value with every text in it made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): _storable(part) for key, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, (list, tuple)) else value


async def _see_again(tx: Transaction, look: Look, decision: Decision) -> None:
    """A file tells of a past time, so it does not prove that a post is there now."""
    if look.source is SourceName.DESKTOP:
        return
    await tx.execute(
        text(
            """
            UPDATE monitor.post_state s
            SET last_seen_at = :at, presence = 'present', missing_since = NULL, deleted_at = NULL,
                look_at = a.look_at
            FROM unnest(CAST(:ids AS bigint[]), CAST(:due AS timestamptz[])) AS a(message_id, look_at)
            WHERE s.channel_id = :channel AND s.message_id = a.message_id AND s.last_seen_at < :at
              AND coalesce(greatest(s.missing_since, s.deleted_at) < :at, true)
              AND (s.presence <> 'deleted' OR :proves)
            """
        ),
        {
            # A public page may come from a cache, and does not undo what was proven.
            "proves": look.source is SourceName.TELEGRAM,
            "at": look.at,
            "channel": look.channel.channel_id,
            "ids": list(decision.seen),
            "due": [decision.due.get(number) for number in decision.seen],
        },
    )


async def _lose(tx: Transaction, look: Look, decision: Decision) -> Decision:
    """Mark posts that are gone or not visible; what was deleted once is never merely missing."""
    values = {
        "at": look.at,
        "channel": look.channel.channel_id,
        "deleted": list(decision.deleted),
        "missing": list(decision.missing),
        "reported": list(look.deleted),
    }
    changed = [row for row in await tx.execute(text(_LOSE), values) if row.before != row.presence]
    if look.deleted:
        await tx.execute(text(_NOTE_REPORTED), values)
    return replace(
        decision,
        deleted=tuple(row.message_id for row in changed if row.presence == "deleted"),
        missing=tuple(row.message_id for row in changed if row.presence == "missing"),
    )


_LOSE = """
    UPDATE monitor.post_state s
    SET presence = CASE WHEN s.message_id = ANY(:deleted) THEN 'deleted' ELSE 'missing' END,
        missing_since = coalesce(s.missing_since, :at),
        deleted_at = CASE WHEN s.message_id = ANY(:deleted) THEN CAST(:at AS timestamptz) END,
        look_at = CASE WHEN s.message_id = ANY(:deleted) THEN NULL
                       ELSE CAST(:at AS timestamptz) + greatest(interval '10 minutes', :at - s.last_seen_at) END
    FROM monitor.post_state o
    WHERE s.channel_id = :channel AND (s.message_id = ANY(:deleted) OR s.message_id = ANY(:missing))
      AND s.presence <> 'deleted' AND (s.last_seen_at <= :at OR s.message_id = ANY(:reported))
      AND o.channel_id = s.channel_id AND o.message_id = s.message_id
    RETURNING s.message_id, s.presence, o.presence AS before
    """
# A page that was fetched before, and is stored after, must not bring the post back to life.
_NOTE_REPORTED = """
    INSERT INTO monitor.vacant_ids (channel_id, first_id, last_id, reason, proven_at)
    SELECT :channel, d.id, d.id, 'deleted', :at FROM unnest(CAST(:reported AS bigint[])) AS d(id)
    WHERE NOT EXISTS (SELECT FROM monitor.posts p WHERE p.channel_id = :channel AND p.message_id = d.id)
    ON CONFLICT DO NOTHING
    """


async def doubt(tx: Transaction, look: Look) -> None:
    """Let posts be looked at again soon that a look should have shown and did not, unless they were just seen.

    To be taken from a file is not to be seen.
    """
    if look.first_id is None or look.last_id is None or look.source is SourceName.DESKTOP:
        return
    aside = [thing.message_id for thing in look.set_aside]
    if look.first_id > look.last_id or None in aside:
        return
    await tx.execute(
        text(
            """
            UPDATE monitor.post_state s SET look_at = :at
            FROM monitor.posts p
            WHERE s.channel_id = :channel AND s.message_id BETWEEN :first AND :last AND s.presence = 'present'
              AND p.channel_id = s.channel_id AND p.message_id = s.message_id
              AND NOT s.message_id = ANY(:shown) AND (s.look_at IS NULL OR s.look_at > :at)
              AND (s.last_seen_at < CAST(:at AS timestamptz) - interval '1 hour'
                   OR (p.source = 'desktop' AND s.last_seen_at = p.first_seen_at))
            """
        ),
        {
            "at": look.at,
            "channel": look.channel.channel_id,
            "first": look.first_id,
            "last": look.last_id,
            "shown": [post.message_id for post in look.posts] + aside,
        },
    )


async def look_again(tx: Transaction, channel_id: int, *, at: datetime) -> None:
    """Let every post of a channel be looked at again, since changes to them may have been lost."""
    await tx.execute(
        text(
            """
            UPDATE monitor.post_state SET look_at = :at
            WHERE channel_id = :channel AND presence <> 'deleted' AND (look_at IS NULL OR look_at > :at)
            """
        ),
        {"channel": channel_id, "at": at},
    )


async def due(tx: Transaction, channel_id: int, *, now: datetime, limit: int) -> list[int]:
    """Message ids of a channel's posts that are to be looked at again, the newest `limit` of them, ascending."""
    rows = await tx.execute(
        text(
            """
            SELECT message_id FROM monitor.post_state
            WHERE channel_id = :channel AND look_at <= :now ORDER BY message_id DESC LIMIT :limit
            """
        ),
        {"channel": channel_id, "now": now, "limit": limit},
    )
    return sorted(row.message_id for row in rows)


async def postpone(
    tx: Transaction, channel_id: int, ids: Sequence[int], *, now: datetime, until: datetime
) -> None:
    """Leave posts alone until a time that are still due after a look for them: it brought nothing on them."""
    await tx.execute(
        text(
            """
            UPDATE monitor.post_state SET look_at = :until
            WHERE channel_id = :channel AND message_id = ANY(:ids) AND look_at <= :now
            """
        ),
        {"channel": channel_id, "ids": list(ids), "now": now, "until": until},
    )


def _counts(counts: Counts) -> tuple[object, ...]:
    return (*(counts.views or _NOT_COUNTED), *(counts.forwards or _NOT_COUNTED), _json(counts.reactions))


async def _count(tx: Transaction, look: Look, decision: Decision) -> None:
    """Add the counts of posts that got no version; all in one statement, which takes as long as one row does."""
    with_version = {version.post.message_id for version in decision.added}
    counted = [post for post in decision.counted if post.message_id not in with_version]
    if not counted:
        return
    columns = zip(*[_counts(post.counts) for post in counted], strict=True)
    names = ("views", "views_units", "forwards", "forwards_units", "reactions")
    values = {name: list(column) for name, column in zip(names, columns, strict=True)}
    meant = {"channel": look.channel.channel_id, "at": look.at, "source": look.source.value}
    await tx.execute(text(_ADD_COUNTS), {**meant, **values, "ids": [post.message_id for post in counted]})


_NOT_COUNTED: tuple[int | None, int | None] = (None, None)
_NO_COUNTS = (None,) * 5
_ADD_COUNTS = """
    INSERT INTO monitor.post_counts (channel_id, message_id, seen_at, source, views, views_unit, forwards,
                                     forwards_unit, reactions)
    SELECT :channel, id, :at, :source, views, views_unit, forwards, forwards_unit, CAST(reactions AS jsonb)
    FROM unnest(CAST(:ids AS bigint[]), CAST(:views AS bigint[]), CAST(:views_units AS int[]),
                CAST(:forwards AS bigint[]), CAST(:forwards_units AS int[]), CAST(:reactions AS text[]))
         AS c(id, views, views_unit, forwards, forwards_unit, reactions)
    ON CONFLICT DO NOTHING
    """


async def total(tx: Transaction) -> dict[str, int]:
    """How many posts, versions, edited, deleted and missing posts are held."""
    row = (
        await tx.execute(
            text(
                """
                SELECT (SELECT count(*) FROM monitor.posts) AS posts,
                       (SELECT count(*) FROM monitor.post_versions) AS versions,
                       (SELECT count(*) FROM monitor.posts WHERE version > 1) AS edited,
                       (SELECT count(*) FROM monitor.post_state WHERE presence = 'deleted') AS deleted,
                       (SELECT count(*) FROM monitor.post_state WHERE presence = 'missing') AS missing
                """
            )
        )
    ).one()
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


async def newest_time(tx: Transaction) -> datetime | None:
    """When the newest post held was posted."""
    found: datetime | None = (await tx.execute(text("SELECT max(posted_at) FROM monitor.posts"))).scalar_one()
    return found


async def forget_everything(tx: Transaction) -> None:
    """Empty the archive; for the demo's own database alone, where nothing is real."""
    tables = "channels, channel_versions, watches, posts, post_versions, post_state, post_counts, raw_records"
    more = "set_aside, coverage, runs, flags, figures, accounts, account_channels, account_waits, vacant_ids, media, tombstones"
    review = "cases, case_posts, case_keys, case_events, decisions, figure_decisions, handovers, review_due"
    derived = "post_search, index_due, daily_posts, daily_figures"
    mail = "editions, edition_posts, alerts, notices, notice_alerts, deliveries, delivery_tries, alert_due"
    # Together, since some of them speak of others.
    named = ", ".join(
        f"monitor.{table}" for table in f"{tables}, {more}, {review}, {derived}, {mail}".split(", ")
    )
    await tx.execute(text(f"TRUNCATE {named}"))
