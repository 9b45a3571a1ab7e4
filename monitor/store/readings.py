"""Rulesets, what is due to be read under them, and the one way to write what reading gave.

A post is due while it is `unread` (it is new, or was edited since), or was last read under other rules or
another side of its channel's watch than the present ones: the side decides what «the enemy» means. So that
nobody has to go through all posts to see that none is due, a channel bears the rules and the side that all
its posts were read under (`settle`), until one is read under others (`keep`). Both hold the channel's lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Row, text

from monitor.store.database import Transaction, lock_channel
from monitor.store.rows import FigureRow, FlagRow, Rows

UNKNOWN = "unknown"


class Unread(NamedTuple):
    """A version that is to be read, and the side of its channel's watch."""

    channel_id: int
    message_id: int
    version: int
    text: str
    side: str = UNKNOWN


class Waiting(NamedTuple):
    """How many posts are due to be read, and how many there are."""

    due: int
    posts: int


# Before the first key that there can be.
BOTTOM = (-1, -1)
# A channel whose handle changed may have two watches; the listed one counts.
_SIDES = """
    SELECT c.channel_id, coalesce(w.side, 'unknown') AS side, c.read_ruleset, c.read_side
    FROM monitor.channels c
    LEFT JOIN (SELECT DISTINCT ON (channel_id) channel_id, side FROM monitor.watches
               WHERE channel_id IS NOT NULL ORDER BY channel_id, listed DESC, handle) w USING (channel_id)
    """
_OTHERS = "(c.read_ruleset IS DISTINCT FROM :ruleset OR c.read_side IS DISTINCT FROM c.side)"
_STALE = "NOT s.unread AND (s.read_ruleset IS DISTINCT FROM :ruleset OR s.read_side IS DISTINCT FROM {side})"


async def ruleset(tx: Transaction, body: str, *, now: datetime) -> int:
    """The id of a ruleset by the hash of its text; it is kept the first time it is used."""
    row = {"sha256": sha256(body.encode()).digest(), "body": body, "now": now}
    await tx.execute(
        text(
            """
            INSERT INTO monitor.rulesets (sha256, body, first_used_at) VALUES (:sha256, :body, :now)
            ON CONFLICT (sha256) DO NOTHING
            """
        ),
        row,
    )
    return await known(tx, row["sha256"]) or 0


async def known(tx: Transaction, digest: object) -> int | None:
    """The id of the ruleset with a hash; None if nothing was ever read under it."""
    found = await tx.execute(
        text("SELECT ruleset_id FROM monitor.rulesets WHERE sha256 = :sha256"), {"sha256": digest}
    )
    number: int | None = found.scalar_one_or_none()
    return number


async def stale(tx: Transaction, ruleset_id: int) -> dict[int, str]:
    """Channels of which not every post is known to be read under these rules and the watch's side, with that side."""
    rows = await tx.execute(
        text(f"SELECT c.channel_id, c.side FROM ({_SIDES}) c WHERE {_OTHERS} ORDER BY 1"),  # noqa: S608 - constants
        {"ruleset": ruleset_id},
    )
    return {row.channel_id: row.side for row in rows}


async def fresh(tx: Transaction, *, after: tuple[int, int], limit: int) -> list[Unread]:
    """Posts that were not read since they last changed, in the order of their keys, from `after` on."""
    rows = await _unread(
        tx,
        "s.unread AND (s.channel_id, s.message_id) > (:channel, :after)",
        {"channel": after[0], "after": after[1], "limit": limit},
    )
    sides = {row.channel_id: row.side for row in await tx.execute(text(_SIDES))} if rows else {}
    return [Unread(*row, sides.get(row[0], UNKNOWN)) for row in rows]


async def others(
    tx: Transaction, ruleset_id: int, *, channel_id: int, side: str, after: int, limit: int
) -> list[Unread]:
    """A channel's posts that were read under other rules or another side, by message id, from `after` on."""
    rows = await _unread(
        tx,
        f"s.channel_id = :channel AND s.message_id > :after AND {_STALE.format(side=':side')}",
        {"channel": channel_id, "after": after, "limit": limit, "ruleset": ruleset_id, "side": side},
    )
    return [Unread(*row, side) for row in rows]


async def _unread(
    tx: Transaction, where: str, values: Mapping[str, object]
) -> Sequence[Row[int, int, int, str]]:
    found = await tx.execute(
        text(
            f"""
            SELECT s.channel_id, s.message_id, s.version, v.text
            FROM monitor.post_state s JOIN monitor.post_versions v USING (channel_id, message_id, version)
            WHERE {where} ORDER BY s.channel_id, s.message_id LIMIT :limit
            """  # noqa: S608 - constants
        ),
        values,
    )
    return found.all()


async def any_unread(tx: Transaction) -> bool:
    """Whether any post was never read since it last changed."""
    found = await tx.execute(text("SELECT EXISTS (SELECT FROM monitor.post_state WHERE unread)"))
    return bool(found.scalar_one())


async def waiting(tx: Transaction, digest: bytes) -> Waiting:
    """How many posts are due under the rules with this hash."""
    row = (
        await tx.execute(
            text(
                f"""
                SELECT (SELECT count(*) FROM monitor.post_state WHERE unread)
                       + (SELECT count(*) FROM ({_SIDES}) c JOIN monitor.post_state s USING (channel_id)
                          WHERE {_OTHERS} AND {_STALE.format(side="c.side")}) AS due,
                       (SELECT count(*) FROM monitor.posts) AS posts
                """  # noqa: S608 - constants
            ),
            {"ruleset": await known(tx, digest)},
        )
    ).one()
    return Waiting(row.due, row.posts)


_MARK_READ = """
    UPDATE monitor.post_state s
    SET read_ruleset = :ruleset, read_side = r.side, unread = false
    FROM unnest(CAST(CAST(:channels AS text) AS bigint[]), CAST(CAST(:messages AS text) AS bigint[]),
                CAST(CAST(:versions AS text) AS int[]), CAST(:sides AS text[]))
         AS r(channel_id, message_id, version, side)
    WHERE s.channel_id = r.channel_id AND s.message_id = r.message_id AND s.version = r.version
    """
_CURRENT = """
    SELECT s.channel_id, s.message_id, s.version FROM monitor.post_state s
    WHERE s.channel_id = ANY(:channels) AND s.message_id = ANY(:messages)
    """
_UNSETTLE = """
    UPDATE monitor.channels c SET read_ruleset = NULL, read_side = NULL
    FROM unnest(CAST(:channels AS bigint[]), CAST(:sides AS text[])) AS r(channel_id, side)
    WHERE c.channel_id = r.channel_id AND (c.read_ruleset <> :ruleset OR c.read_side <> r.side)
    """


async def keep(
    tx: Transaction, ruleset_id: int, posts: Sequence[Unread], rows: Rows, *, now: datetime
) -> int:
    """Write what reading posts gave, and that they were read; gives how many of them still stood as they were read.

    Of a post that was edited meanwhile, or purged, nothing is written; it stays due if it is there.
    """
    watched = {post.channel_id: post.side for post in posts}
    for channel_id in sorted(watched):
        await lock_channel(tx, channel_id)
    meant = {"ruleset": ruleset_id, "now": now}
    done = await tx.execute(
        text(_MARK_READ),
        meant
        | {
            "channels": _integers(post.channel_id for post in posts),
            "messages": _integers(post.message_id for post in posts),
            "versions": _integers(post.version for post in posts),
            "sides": [post.side for post in posts],
        },
    )
    if done.rowcount < len(posts):
        rows = await _still_current(tx, posts, rows)
    if rows.flags:
        await tx.execute(text(_ADD_FLAGS), meant | _columns(posts, rows.flags, FlagRow._fields))
    if rows.figures:
        await tx.execute(text(_ADD_FIGURES), meant | _columns(posts, rows.figures, FigureRow._fields))
    await tx.execute(text(_UNSETTLE), meant | {"channels": list(watched), "sides": list(watched.values())})
    return done.rowcount


def _integers(values: Iterable[int]) -> str:
    """An array as Postgres writes it; for a thousand numbers the driver takes a hundred times as long."""
    return "{" + ",".join(map(str, values)) + "}"


async def _still_current(tx: Transaction, posts: Sequence[Unread], rows: Rows) -> Rows:
    """The rows of those posts alone whose version is the present one."""
    found = await tx.execute(
        text(_CURRENT),
        {"channels": [post.channel_id for post in posts], "messages": [post.message_id for post in posts]},
    )
    current = {tuple(row) for row in found}
    places = {place for place, post in enumerate(posts) if post[:3] in current}
    return Rows(*([row for row in some if row[0] in places] for some in rows))


def _columns(
    posts: Sequence[Unread], rows: Sequence[tuple[Any, ...]], names: Sequence[str]
) -> dict[str, object]:
    """Columns by name for `unnest`, with the keys of the posts in the stead of their places."""
    columns: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    read = [posts[place] for place in columns.pop("place")]
    return columns | {
        name: _integers(map(itemgetter(place), read))
        for place, name in enumerate(("channels", "messages", "versions"))
    }


_KEYS = """CAST(CAST(:channels AS text) AS bigint[]), CAST(CAST(:messages AS text) AS bigint[]),
           CAST(CAST(:versions AS text) AS int[])"""
_ADD_FLAGS = f"""
    INSERT INTO monitor.flags (channel_id, message_id, version, ruleset_id, topic, spans, raised, flagged_at)
    SELECT channel_id, message_id, version, :ruleset, topic, CAST(spans AS jsonb), raised, :now
    FROM unnest({_KEYS}, CAST(:topic AS text[]), CAST(:spans AS text[]), CAST(:raised AS bool[]))
         AS f(channel_id, message_id, version, topic, spans, raised)
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants
# Under the same rules a text says the same; only what is inferred from the watch's side can differ.
_ADD_FIGURES = f"""
    INSERT INTO monitor.figures AS o (channel_id, message_id, version, ruleset_id, number, posted_at, kind, low, high,
        qualifier, side, stance, side_inferred, scope, since, first_char, end_char, term, read_at)
    SELECT g.channel_id, g.message_id, g.version, :ruleset, g.number, p.posted_at, kind, low, high, qualifier, side,
           stance, side_inferred, scope, since, first_char, end_char, term, :now
    FROM unnest({_KEYS}, CAST(:number AS int[]), CAST(:kind AS text[]), CAST(:low AS float8[]),
                CAST(:high AS float8[]), CAST(:qualifier AS text[]), CAST(:side AS text[]), CAST(:stance AS text[]),
                CAST(:side_inferred AS text[]), CAST(:scope AS text[]), CAST(:since AS date[]),
                CAST(:first_char AS int[]), CAST(:end_char AS int[]), CAST(:term AS text[]))
         AS g(channel_id, message_id, version, number, kind, low, high, qualifier, side, stance, side_inferred, scope,
              since, first_char, end_char, term)
    JOIN monitor.posts p USING (channel_id, message_id)
    ON CONFLICT (channel_id, message_id, version, ruleset_id, number) DO UPDATE
    SET side_inferred = excluded.side_inferred, read_at = excluded.read_at
    WHERE o.side_inferred IS DISTINCT FROM excluded.side_inferred
    """  # noqa: S608 - constants


async def settle(tx: Transaction, ruleset_id: int, *, channel_id: int, side: str) -> None:
    """Note that all of a channel's posts were read under these rules and this side, if that is so."""
    await lock_channel(tx, channel_id)
    await tx.execute(
        text(
            f"""
            UPDATE monitor.channels c SET read_ruleset = :ruleset, read_side = :side
            WHERE c.channel_id = :channel
              AND NOT EXISTS (SELECT FROM monitor.post_state s
                              WHERE s.channel_id = c.channel_id AND {_STALE.format(side=":side")})
            """  # noqa: S608 - constants
        ),
        {"ruleset": ruleset_id, "channel": channel_id, "side": side},
    )
