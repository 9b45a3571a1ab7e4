"""Who looked where, when, and what came of it: every look leaves its mark, the failed ones too."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.model import LookKind, SourceName, Watch
from monitor.store.database import Transaction

OK = "ok"
# A row says that somebody looked all the time from its first look to its last; so a pause begins another.
LONGEST_SILENCE = timedelta(hours=3)
MOST_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One look for the record. `span` is the range of message ids that it covered; None proves nothing."""

    source: SourceName
    kind: LookKind
    at: datetime
    handle: str | None = None
    channel_id: int | None = None
    outcome: str = OK
    detail: str | None = None
    span: tuple[int, int] | None = None


_LAST = text(
    """
    SELECT coverage_id, channel_id, outcome, first_id, last_id, ended_at FROM monitor.coverage
    WHERE handle IS NOT DISTINCT FROM :handle AND source = :source AND kind = :kind
      AND (CAST(:handle AS text) IS NOT NULL OR channel_id = :channel)
    ORDER BY ended_at DESC, coverage_id DESC LIMIT 1
    """
)
_EXTEND = text(
    """
    UPDATE monitor.coverage SET ended_at = greatest(ended_at, :at), looks = looks + 1, detail = :detail,
           first_id = least(first_id, :first), last_id = greatest(last_id, :last)
    WHERE coverage_id = :row
    """
)
_ADD = text(
    """
    INSERT INTO monitor.coverage (handle, channel_id, source, kind, outcome, detail, first_id, last_id, started_at,
                                  ended_at, looks)
    VALUES (:handle, :channel, :source, :kind, :outcome, :detail, :first, :last, :at, :at, 1)
    """
)


async def keep(tx: Transaction, looked: Looked) -> None:
    """Record a look: in the row of the look before, where that came out the same on adjoining ids."""
    first, last = looked.span or (None, None)
    row = {
        "handle": looked.handle.lower() if looked.handle else None,
        "channel": looked.channel_id,
        "source": looked.source.value,
        "kind": looked.kind.value,
        "outcome": looked.outcome,
        "detail": looked.detail,
        "at": looked.at,
        "first": first,
        "last": last,
    }
    before = (await tx.execute(_LAST, row)).one_or_none()
    if before is not None and _continues(before, looked):
        await tx.execute(_EXTEND, row | {"row": before.coverage_id})
    else:
        await tx.execute(_ADD, row)


def _continues(before: Any, looked: Looked) -> bool:
    if before.outcome != looked.outcome or before.channel_id != looked.channel_id:
        return False
    if looked.at - before.ended_at > LONGEST_SILENCE:
        return False
    if looked.span is None or before.first_id is None:
        return looked.span is None and before.first_id is None
    first, last = looked.span
    return bool(first <= before.last_id + 1 and before.first_id <= last + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """A row of coverage as it is listed: looks in a row that came out the same."""

    handle: str | None
    source: str
    kind: str
    outcome: str
    detail: str | None
    first_id: int | None
    last_id: int | None
    started_at: datetime
    ended_at: datetime
    looks: int

    def as_dict(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)


class Gap(NamedTuple):
    """A span of time in which nobody saw what a watched channel said. `outcome` is what came of the last look that was
    tried then; None where none was.
    """

    handle: str
    label: str
    since: datetime
    until: datetime
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What is known of a channel's message ids, each as ascending ranges, both ends included.

    `looked` were covered by looks; `unknown` lie between the lowest and the highest of them, and nobody has
    looked there; `unshown` lie within, hold no post, and were not asked for by id yet. `empty` counts ids
    that were asked for and hold none, `purged` those whose posts were taken out on request.
    """

    handle: str
    held: int
    empty: int
    purged: int
    looked: tuple[tuple[int, int], ...]
    unknown: tuple[tuple[int, int], ...]
    unshown: int

    def as_dict(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)


async def listed(
    tx: Transaction, *, handle: str | None, since: datetime | None, channel_id: int | None = None
) -> list[Looks]:
    """Looks of one handle or all, the oldest first; `since` is a time at which they went on.

    Those of its channel (`channel_id`) under another handle, or from a file, belong to a handle's too.
    """
    rows = await tx.execute(
        text(
            """
            SELECT * FROM (
                SELECT handle, source, kind, outcome, detail, first_id, last_id, started_at, ended_at, looks
                FROM monitor.coverage
                WHERE (CAST(:handle AS text) IS NULL OR handle = :handle OR channel_id = :channel)
                  AND (CAST(:since AS timestamptz) IS NULL OR ended_at >= :since)
                ORDER BY started_at DESC, coverage_id DESC LIMIT :limit
            ) newest ORDER BY started_at, ended_at
            """
        ),
        {"handle": handle, "channel": channel_id, "since": since, "limit": MOST_LISTED},
    )
    return [Looks(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


# What a look did not show may have come and gone until the next; so much later than is usual is a gap.
_GAPS = """
    WITH asked AS (
        SELECT w.handle, w.label, w.channel_id,
               greatest(interval '1 hour', 2 * w.slowest_seconds * interval '1 second') AS slack,
               (SELECT min(c.started_at) FROM monitor.coverage c WHERE c.handle = w.handle) AS first_at
        FROM monitor.watches w
        WHERE w.listed AND (CAST(:ids AS bigint[]) IS NULL OR w.channel_id = ANY(:ids))),
    seen AS (
        SELECT a.handle, range_agg(tstzrange(c.started_at, c.ended_at + a.slack, '[]')) AS spans
        FROM asked a JOIN monitor.coverage c ON c.handle = a.handle
        WHERE c.kind = 'live' AND c.outcome = 'ok' AND c.ended_at >= :since - a.slack AND c.started_at < :until
        GROUP BY a.handle)
    SELECT a.handle, a.label, CASE WHEN lower(gap) > :since THEN lower(gap) - a.slack ELSE lower(gap) END AS since,
           upper(gap) AS until,
           (SELECT c.outcome FROM monitor.coverage c
            WHERE c.handle = a.handle AND c.outcome <> 'ok' AND c.started_at < upper(gap)
              AND c.ended_at > lower(gap) - a.slack
            ORDER BY c.ended_at DESC LIMIT 1) AS outcome
    FROM asked a LEFT JOIN seen s USING (handle)
    CROSS JOIN LATERAL unnest(
        tstzmultirange(tstzrange(least(greatest(:since, a.first_at), :until), :until))
        - coalesce(s.spans, '{}'::tstzmultirange)) AS gap
    WHERE a.first_at < :until
    ORDER BY 3, a.handle LIMIT :limit
    """


async def gaps(
    tx: Transaction, *, since: datetime, until: datetime, channel_ids: Sequence[int] | None = None
) -> list[Gap]:
    """When watched channels, all or some, were not seen for longer than usual within a window, the earliest first.

    A gap begins with the last look that saw the channel, and lasts for more than an hour and more than twice its
    slowest pace. Time before its first look was not watched, and is no gap. Looks in a row share a row of coverage
    up to LONGEST_SILENCE apart, so a shorter pause in which none was tried is not told.
    """
    rows = await tx.execute(
        text(_GAPS),
        {
            "since": since,
            "until": until,
            "ids": None if channel_ids is None else list(channel_ids),
            "limit": MOST_LISTED,
        },
    )
    return [Gap(*row) for row in rows]


async def ranges(tx: Transaction, watch: Watch) -> Ranges:
    """What is known of the message ids of a watch's channel."""
    return await of_channel(tx, watch.channel_id, handle=watch.handle)


async def of_channel(tx: Transaction, channel_id: int | None, *, handle: str) -> Ranges:
    """What is known of the message ids of a channel, whoever looked; None is one that was never seen."""
    looked = tuple(await spans(tx, channel_id)) if channel_id is not None else ()
    between = tuple(
        (before[1] + 1, after[0] - 1) for before, after in pairwise(looked) if before[1] + 1 < after[0]
    )
    held = empty = purged = 0
    if looked:
        bounds = {"channel": channel_id, "first": looked[0][0], "last": looked[-1][1]}
        row = (await tx.execute(_KNOWN, bounds)).one()
        held, empty, purged = row.held, row.empty, row.purged
    within = sum(last - first + 1 for first, last in looked)
    return Ranges(
        handle=handle,
        held=held,
        empty=empty,
        purged=purged,
        looked=looked,
        unknown=between,
        unshown=max(within - held - empty - purged, 0),
    )


_KNOWN = text(
    """
    SELECT (SELECT count(*) FROM monitor.posts
            WHERE channel_id = :channel AND message_id BETWEEN :first AND :last) AS held,
           (SELECT coalesce(sum(least(last_id, :last) - greatest(first_id, :first) + 1), 0)::bigint
            FROM monitor.vacant_ids
            WHERE channel_id = :channel AND last_id >= :first AND first_id <= :last) AS empty,
           (SELECT count(DISTINCT message_id) FROM monitor.tombstones
            WHERE channel_id = :channel AND message_id BETWEEN :first AND :last) AS purged
    """
)


async def spans(tx: Transaction, channel_id: int) -> Sequence[tuple[int, int]]:
    """The ranges of message ids that were looked at in a channel, whoever looked, joined and ascending."""
    rows = await tx.execute(
        text(
            """
            SELECT lower(r) AS first, upper(r) - 1 AS last
            FROM (SELECT unnest(range_agg(int8range(first_id, last_id, '[]'))) AS r FROM monitor.coverage
                  WHERE channel_id = :channel AND outcome = 'ok' AND first_id IS NOT NULL) joined
            ORDER BY 1
            """
        ),
        {"channel": channel_id},
    )
    return [(row.first, row.last) for row in rows]


async def holes(tx: Transaction, channel_id: int, *, first_id: int, last_id: int, limit: int) -> list[int]:
    """Message ids of a range that show nothing and are not proven empty: the highest `limit` of them, ascending."""
    rows = await tx.execute(
        text(
            """
            WITH held AS (
                SELECT message_id AS id, message_id AS last FROM monitor.posts
                WHERE channel_id = :channel AND message_id BETWEEN :first AND :last
                UNION ALL
                SELECT first_id, last_id FROM monitor.vacant_ids
                WHERE channel_id = :channel AND last_id >= :first AND first_id <= :last
                UNION ALL
                SELECT message_id, message_id FROM monitor.tombstones
                WHERE channel_id = :channel AND message_id BETWEEN :first AND :last
                UNION ALL
                SELECT message_id, message_id FROM monitor.set_aside
                WHERE channel_id = :channel AND message_id BETWEEN :first AND :last
            ),
            taken AS (SELECT coalesce(range_agg(int8range(id, last, '[]')), '{}'::int8multirange) AS ids FROM held)
            SELECT generate_series(greatest(lower(hole), upper(hole) - :limit), upper(hole) - 1) AS id
            FROM taken, unnest(int8multirange(int8range(:first, :last, '[]')) - taken.ids) AS hole
            ORDER BY 1 DESC LIMIT :limit
            """
        ),
        {"channel": channel_id, "first": first_id, "last": last_id, "limit": limit},
    )
    return sorted(row.id for row in rows)


async def vacate(tx: Transaction, channel_id: int, ids: Sequence[int], *, at: datetime) -> None:
    """Record ids as proven to hold no post, runs of them in one row; those that are held meanwhile stay out."""
    await tx.execute(
        text(
            """
            INSERT INTO monitor.vacant_ids (channel_id, first_id, last_id, reason, proven_at)
            SELECT :channel, min(id), max(id), 'empty', :at
            FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS run
                  FROM unnest(CAST(:ids AS bigint[])) AS a(id)
                  WHERE NOT EXISTS (SELECT FROM monitor.posts p WHERE p.channel_id = :channel AND p.message_id = id)
                    AND NOT EXISTS (SELECT FROM monitor.vacant_ids v
                                    WHERE v.channel_id = :channel AND id BETWEEN v.first_id AND v.last_id)) runs
            GROUP BY run
            """
        ),
        {"channel": channel_id, "ids": list(ids), "at": at},
    )
