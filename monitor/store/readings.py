"""Rulesets, what is due to be read under them, and the one way to write what reading gave.

A post is due while it is `unread` (it is new, or was edited since), or was last read under other rules or
another side of its channel's watch than the present ones: the side decides what «the enemy» means. So that
nobody has to go through all posts to see that none is due, a channel bears the rules and the side that all
its posts were read under (`settle`), until one is read under others (`keep`). Both hold the channel's lock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.store.database import Transaction, driver_of, lock_channel
from monitor.store.rows import FIGURE, FLAG, Columns, Packed, array, integers

UNKNOWN = "unknown"


class Unread(NamedTuple):
    """Versions that are to be read, as columns: their keys, their texts, and the sides of their channels' watches."""

    channels: list[int]
    messages: list[int]
    versions: list[int]
    texts: Packed
    sides: list[str]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.channels)

    def last(self) -> tuple[int, int]:
        """The key of the last one."""
        return self.channels[-1], self.messages[-1]

    def plus(self, more: "Unread") -> "Unread":
        """These and further ones."""
        texts = Packed(self.texts.sizes + more.texts.sizes, self.texts.body + more.texts.body)
        return Unread(
            self.channels + more.channels,
            self.messages + more.messages,
            self.versions + more.versions,
            texts,
            self.sides + more.sides,
        )


NONE = Unread([], [], [], Packed([], b""), [])


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


def _stale(ruleset: str, side: str) -> str:
    return (
        f"NOT s.unread AND (s.read_ruleset IS DISTINCT FROM {ruleset} OR s.read_side IS DISTINCT FROM {side})"
    )


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


# On a table that was filled and never analyzed, the planner would sort a whole channel for every batch.
_BY_KEY = """
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
           set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
    """


async def fresh(tx: Transaction, *, after: tuple[int, int], limit: int) -> Unread:
    """Posts that were not read since they last changed, in the order of their keys, from `after` on."""
    found = await _unread(
        tx,
        "s.unread AND (s.channel_id, s.message_id) > (%(channel)s, %(after)s)",
        {"channel": after[0], "after": after[1], "limit": limit},
    )
    sides = {row.channel_id: row.side for row in await tx.execute(text(_SIDES))} if found else {}
    return found._replace(sides=[sides.get(channel_id, UNKNOWN) for channel_id in found.channels])


async def others(
    tx: Transaction, ruleset_id: int, *, channel_id: int, side: str, after: int, limit: int
) -> Unread:
    """A channel's posts that were read under other rules or another side, by message id, from `after` on."""
    found = await _unread(
        tx,
        f"s.channel_id = %(channel)s AND s.message_id > %(after)s AND {_stale('%(ruleset)s', '%(side)s')}",
        {"channel": channel_id, "after": after, "limit": limit, "ruleset": ruleset_id, "side": side},
    )
    return found._replace(sides=[side] * len(found.channels))


async def _unread(tx: Transaction, where: str, values: dict[str, object]) -> Unread:
    """One row for all: taken as rows, each post would cost the driver more than its writing costs the server."""
    cursor = (await driver_of(tx)).cursor(binary=True)
    await cursor.execute(_BY_KEY)
    await cursor.execute(
        f"""
        SELECT array_agg(channel_id), array_agg(message_id), array_agg(version), array_agg(octet_length(body)),
               string_agg(body, '')
        FROM (SELECT s.channel_id, s.message_id, s.version, convert_to(v.text, 'UTF8') AS body
              FROM monitor.post_state s JOIN monitor.post_versions v USING (channel_id, message_id, version)
              WHERE {where} ORDER BY s.channel_id, s.message_id LIMIT %(limit)s) due
        """.encode(),  # noqa: S608 - constants
        values,
    )
    row: Any = await cursor.fetchone()
    if row is None or row[0] is None:
        return NONE
    channels, messages, versions, sizes, body = row
    return Unread(channels, messages, versions, Packed(sizes, body), [])


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
                          WHERE {_OTHERS} AND {_stale(":ruleset", "c.side")}) AS due,
                       (SELECT count(*) FROM monitor.posts) AS posts
                """  # noqa: S608 - constants
            ),
            {"ruleset": await known(tx, digest)},
        )
    ).one()
    return Waiting(row.due, row.posts)


_KEYS = """CAST(CAST(:channels AS text) AS bigint[]), CAST(CAST(:messages AS text) AS bigint[]),
           CAST(CAST(:versions AS text) AS int[])"""
_MARK_READ = f"""
    UPDATE monitor.post_state s
    SET read_ruleset = :ruleset, read_side = r.side, unread = false
    FROM unnest({_KEYS}, CAST(CAST(:sides AS text) AS text[])) AS r(channel_id, message_id, version, side)
    WHERE s.channel_id = r.channel_id AND s.message_id = r.message_id AND s.version = r.version
    """  # noqa: S608 - constants
# A post that was purged or edited since it was taken is not there, or not with this version.
_STILL = "JOIN monitor.post_state s USING (channel_id, message_id, version)"


def _unnested(types: Mapping[str, str]) -> str:
    arrays = "".join(f", CAST(CAST(:{name} AS text) AS {kind}[])" for name, kind in types.items())
    return f"unnest({_KEYS}{arrays}) AS r(channel_id, message_id, version, {', '.join(types)})"


_FLAG_TYPES = dict(zip(FLAG, ("text", "jsonb", "bool"), strict=True))
_FIGURE_TYPES = dict.fromkeys(FIGURE, "text") | {
    "number": "int",
    "low": "float8",
    "high": "float8",
    "since": "date",
    "first_char": "int",
    "end_char": "int",
}
_ADD_FLAGS = f"""
    INSERT INTO monitor.flags (channel_id, message_id, version, ruleset_id, flagged_at, {", ".join(FLAG)})
    SELECT channel_id, message_id, version, :ruleset, :now, {", ".join(FLAG)}
    FROM {_unnested(_FLAG_TYPES)} {_STILL}
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants
# Under the same rules a text says the same; only what is inferred from the watch's side can differ.
_ADD_FIGURES = f"""
    INSERT INTO monitor.figures AS o
        (channel_id, message_id, version, ruleset_id, posted_at, read_at, {", ".join(FIGURE)})
    SELECT channel_id, message_id, r.version, :ruleset, p.posted_at, :now, {", ".join(f"r.{name}" for name in FIGURE)}
    FROM {_unnested(_FIGURE_TYPES)} {_STILL} JOIN monitor.posts p USING (channel_id, message_id)
    ON CONFLICT (channel_id, message_id, version, ruleset_id, number) DO UPDATE
    SET side_inferred = excluded.side_inferred, read_at = excluded.read_at
    WHERE o.side_inferred IS DISTINCT FROM excluded.side_inferred
    """  # noqa: S608 - constants
# A post that raises a flag, and one of a case, which may have lost its last. The step of review takes them from there.
_DUE_FOR_REVIEW = f"""
    INSERT INTO monitor.review_due (channel_id, message_id)
    SELECT channel_id, message_id FROM unnest({_KEYS}, CAST(CAST(:raised AS text) AS bool[]))
        AS r(channel_id, message_id, version, raised) {_STILL}
    WHERE raised OR EXISTS (SELECT FROM monitor.case_posts c
                            WHERE c.channel_id = r.channel_id AND c.message_id = r.message_id)
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants
# What the days are counted by: what was found under these rules, and what other rules had found.
_DUE_FOR_INDEX = f"""
    INSERT INTO monitor.index_due (channel_id, message_id)
    SELECT channel_id, message_id FROM unnest({_KEYS}) AS r(channel_id, message_id, version) {_STILL}
    WHERE EXISTS (SELECT FROM monitor.figures g WHERE g.channel_id = r.channel_id AND g.message_id = r.message_id)
       OR EXISTS (SELECT FROM monitor.flags f WHERE f.channel_id = r.channel_id AND f.message_id = r.message_id AND f.raised)
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants
_UNSETTLE = """
    UPDATE monitor.channels c SET read_ruleset = NULL, read_side = NULL
    FROM unnest(CAST(:channels AS bigint[]), CAST(:sides AS text[])) AS r(channel_id, side)
    WHERE c.channel_id = r.channel_id AND (c.read_ruleset <> :ruleset OR c.read_side <> r.side)
    """


async def keep(tx: Transaction, ruleset_id: int, posts: Unread, found: Columns, *, now: datetime) -> int:
    """Write what reading posts gave, and that they were read; gives how many of them still stood as they were read.

    Of a post that was edited meanwhile, or purged, nothing is written; it stays due if it is there.
    """
    watched = dict(zip(posts.channels, posts.sides, strict=True))
    # Were the machine to break down, what is lost is whole batches that are due again; so none waits for the disk.
    await tx.execute(text("SET LOCAL synchronous_commit = off"))
    for channel_id in sorted(watched):
        await lock_channel(tx, channel_id)
    meant = {"ruleset": ruleset_id, "now": now}
    every = range(len(posts.channels))
    marked = await tx.execute(text(_MARK_READ), meant | _keys(posts, every) | {"sides": array(posts.sides)})
    if found.flags:
        columns = dict(zip(FLAG, found.flags, strict=True))
        await tx.execute(text(_ADD_FLAGS), meant | _keys(posts, found.flag_places) | columns)
    if found.figures:
        columns = dict(zip(FIGURE, found.figures, strict=True))
        await tx.execute(text(_ADD_FIGURES), meant | _keys(posts, found.figure_places) | columns)
    raised = array(place in found.raised for place in every)
    await tx.execute(text(_DUE_FOR_REVIEW), _keys(posts, every) | {"raised": raised})
    await tx.execute(text(_DUE_FOR_INDEX), _keys(posts, every))
    await tx.execute(text(_UNSETTLE), meant | {"channels": list(watched), "sides": list(watched.values())})
    return marked.rowcount


def _keys(posts: Unread, places: Sequence[int]) -> dict[str, str]:
    columns = {"channels": posts.channels, "messages": posts.messages, "versions": posts.versions}
    return {name: integers(map(column.__getitem__, places)) for name, column in columns.items()}


async def settle(tx: Transaction, ruleset_id: int, *, channel_id: int, side: str) -> None:
    """Note that all of a channel's posts were read under these rules and this side, if that is so."""
    await lock_channel(tx, channel_id)
    await tx.execute(
        text(
            f"""
            UPDATE monitor.channels c SET read_ruleset = :ruleset, read_side = :side
            WHERE c.channel_id = :channel
              AND NOT EXISTS (SELECT FROM monitor.post_state s
                              WHERE s.channel_id = c.channel_id AND {_stale(":ruleset", ":side")})
            """  # noqa: S608 - constants
        ),
        {"ruleset": ruleset_id, "channel": channel_id, "side": side},
    )
