"""Watches: what config/channels.toml lists, and where we stand with each.

What is due stands on the row (`next_look_at`, the pause, the backfill's bounds), so that it is one query and
survives a restart. A cursor moves only through `advance` and `backfilled`, in the transaction that stores
the posts it passes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from monitor.model import Listed, LookKind, Pace, SourceName, Watch
from monitor.store.database import Transaction

_COLUMNS = """handle, source, label, side, quickest_seconds, slowest_seconds, channel_id, cursor, pts, lost_at, backfill_since,
              backfill_before, backfill_done, interval_seconds, failures, problem, problem_text, problem_since,
              paused_at, pause_reason, next_look_at, last_look_at, last_post_at, via"""
_ACTIVE = "listed AND paused_at IS NULL"
# Older posts are read with these requests alone; what an account waits with is not due for its channels.
_NOT_WAITING = """NOT EXISTS (SELECT FROM monitor.account_channels a JOIN monitor.account_waits w USING (account)
                              WHERE watches.source = 'telegram' AND a.channel_id = watches.channel_id
                                AND w.until > :now AND w.request IN ('GetHistory', 'GetMessages'))"""


def _as_watch(row: Any) -> Watch:
    plain = {name: value for name, value in row._mapping.items() if not name.endswith("_seconds")}  # noqa: SLF001
    return Watch(
        **plain | {"source": SourceName(row.source), "via": SourceName(row.via) if row.via else None},
        pace=Pace(timedelta(seconds=row.quickest_seconds), timedelta(seconds=row.slowest_seconds)),
        interval=None if row.interval_seconds is None else timedelta(seconds=row.interval_seconds),
    )


async def _select(tx: Transaction, where: str, values: dict[str, object]) -> list[Watch]:
    rows = await tx.execute(text(f"SELECT {_COLUMNS} FROM monitor.watches WHERE {where}"), values)  # noqa: S608
    return [_as_watch(row) for row in rows]


async def sync(tx: Transaction, listed: Sequence[Listed]) -> None:
    """Take over the channel list: its entries are what is watched, and what we know of them stays."""
    rows = [
        {
            "handle": entry.key,
            "label": entry.label,
            "person": entry.person,
            "person_since": entry.person_since,
            "side": entry.side,
            "source": entry.source.value,
            "quickest": int(entry.pace.quickest.total_seconds()),
            "slowest": int(entry.pace.slowest.total_seconds()),
            "since": entry.since,
        }
        for entry in listed
    ]
    await tx.execute(
        text("UPDATE monitor.watches SET listed = false WHERE listed AND NOT handle = ANY(:handles)"),
        {"handles": [row["handle"] for row in rows]},
    )
    if rows:
        await tx.execute(
            text(
                """
                INSERT INTO monitor.watches (handle, listed, label, person, person_since, side, source,
                                             quickest_seconds, slowest_seconds, backfill_since)
                VALUES (:handle, true, :label, :person, :person_since, :side, :source, :quickest, :slowest, :since)
                ON CONFLICT (handle) DO UPDATE
                SET listed = true, label = excluded.label, person = excluded.person, side = excluded.side,
                    person_since = excluded.person_since, source = excluded.source,
                    quickest_seconds = excluded.quickest_seconds, slowest_seconds = excluded.slowest_seconds
                """
            ),
            rows,
        )
        for row in rows:
            if row["since"] is not None:
                await reach_back(tx, str(row["handle"]), since=row["since"])  # type: ignore[arg-type]


async def reach_back(tx: Transaction, handle: str, *, since: datetime) -> bool:
    """Ask for posts back to `since`; goes on from where an earlier backfill got to. Gives whether it is new."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.watches
            SET backfill_since = :since, backfill_done = coalesce(backfill_before <= 1, false)
            WHERE handle = :handle AND (backfill_since IS NULL OR backfill_since > :since)
            """
        ),
        {"handle": handle.lower(), "since": since},
    )
    return bool(done.rowcount)


async def every(tx: Transaction) -> list[Watch]:
    """All listed watches, those with a problem first."""
    return await _select(tx, "listed ORDER BY problem IS NULL, paused_at IS NULL, handle", {})


async def find(tx: Transaction, handle: str) -> Watch | None:
    """One listed watch by its handle."""
    found = await _select(tx, "listed AND handle = :handle", {"handle": handle.lower()})
    return found[0] if found else None


async def due(tx: Transaction, *, now: datetime, source: SourceName) -> list[Watch]:
    """Watches of a source whose newest posts are to be looked at, the longest waiting first."""
    where = f"{_ACTIVE} AND source = :source AND (next_look_at IS NULL OR next_look_at <= :now)"
    return await _select(
        tx, f"{where} ORDER BY next_look_at NULLS FIRST, handle", {"now": now, "source": source.value}
    )


async def to_backfill(tx: Transaction, *, now: datetime, source: SourceName) -> list[Watch]:
    """Watches of a source with older posts still to fetch, the longest waiting first."""
    where = f"""{_ACTIVE} AND source = :source AND NOT backfill_done AND backfill_since IS NOT NULL
                AND backfill_before IS NOT NULL AND (problem IS NULL OR next_look_at <= :now) AND {_NOT_WAITING}
                AND (older_at IS NULL OR older_at <= :now)"""
    order = "older_at NULLS FIRST, backfill_since DESC, handle"
    return await _select(tx, f"{where} ORDER BY {order}", {"now": now, "source": source.value})


async def to_recheck(tx: Transaction, *, now: datetime, source: SourceName) -> list[Watch]:
    """Watches of a source with posts that are to be looked at again, the longest waiting first."""
    where = f"""{_ACTIVE} AND source = :source AND (problem IS NULL OR next_look_at <= :now) AND {_NOT_WAITING}
                AND EXISTS (SELECT FROM monitor.post_state s
                            WHERE s.channel_id = watches.channel_id AND s.look_at <= :now)
                AND (again_at IS NULL OR again_at <= :now)"""
    order = "again_at NULLS FIRST, handle"
    return await _select(tx, f"{where} ORDER BY {order}", {"now": now, "source": source.value})


async def with_holes(tx: Transaction, *, now: datetime, source: SourceName) -> list[Watch]:
    """Watches of a source whose ids without posts are to be asked for."""
    where = f"""{_ACTIVE} AND source = :source AND (problem IS NULL OR next_look_at <= :now) AND {_NOT_WAITING}
                AND cursor IS NOT NULL AND via IS NULL AND (holes_at IS NULL OR holes_at <= :now)"""
    order = "holes_at NULLS FIRST, handle"
    return await _select(tx, f"{where} ORDER BY {order}", {"now": now, "source": source.value})


_NEXT = {LookKind.BACKFILL: "older_at", LookKind.RECHECK: "again_at", LookKind.HOLES: "holes_at"}


async def next_of(tx: Transaction, watch: Watch, kind: LookKind, *, at: datetime) -> None:
    """Say when a watch's next look of a kind is due, apart from its live ones."""
    await tx.execute(
        text(f"UPDATE monitor.watches SET {_NEXT[kind]} = :at WHERE handle = :handle"),  # noqa: S608 - constants
        {"handle": watch.handle, "at": at},
    )


async def lost(tx: Transaction, watch: Watch, *, at: datetime) -> None:
    """Note since when changes are known to be lost; a new place in the order of changes ends that."""
    await tx.execute(
        text("UPDATE monitor.watches SET lost_at = :at WHERE handle = :handle"),
        {"handle": watch.handle, "at": at},
    )


async def advance(
    tx: Transaction,
    watch: Watch,
    *,
    cursor: int,
    before: int | None,
    channel_id: int,
    pts: int | None = None,
    holes: bool = False,
) -> None:
    """Move the live cursor up to a message id; `before` begins the backfill below the first posts ever seen.

    `pts` moves with it where one was reached, and `holes` says that ids on the way showed no post.
    """
    await tx.execute(
        text(
            """
            UPDATE monitor.watches
            SET cursor = greatest(cursor, :cursor), channel_id = :channel, pts = coalesce(:pts, pts),
                lost_at = CASE WHEN CAST(:pts AS int) IS NULL THEN lost_at END,
                holes_at = CASE WHEN :holes THEN NULL ELSE holes_at END,
                backfill_before = coalesce(backfill_before, :before),
                backfill_done = backfill_done OR coalesce(backfill_before, :before) <= 1
            WHERE handle = :handle AND cursor IS NOT DISTINCT FROM greatest(cursor, CAST(:stood AS bigint))
            """
        ),
        {
            "handle": watch.handle,
            "stood": watch.cursor,
            "cursor": cursor,
            "before": before,
            "channel": channel_id,
            "pts": pts,
            "holes": holes,
        },
    )


async def backfilled(tx: Transaction, watch: Watch, *, before: int, done: bool, holes: bool = False) -> None:
    """Move the backfill down to a message id (exclusive), or end it; a wider one asked for meanwhile goes on.

    One of another channel than the watch has by now moves nothing.
    """
    await tx.execute(
        text(
            """
            UPDATE monitor.watches
            SET backfill_before = least(backfill_before, :before),
                holes_at = CASE WHEN :holes THEN NULL ELSE holes_at END,
                backfill_done = :before <= 1
                    OR (:done AND backfill_since IS NOT DISTINCT FROM CAST(:since AS timestamptz))
            WHERE handle = :handle AND channel_id IS NOT DISTINCT FROM CAST(:channel AS bigint)
            """
        ),
        {
            "handle": watch.handle,
            "before": before,
            "done": done,
            "since": watch.backfill_since,
            "holes": holes,
            "channel": watch.channel_id,
        },
    )


async def succeeded(
    tx: Transaction,
    watch: Watch,
    *,
    now: datetime,
    interval: timedelta,
    last_post_at: datetime | None,
    via: SourceName | None = None,
) -> None:
    """Record a live look that gave an answer, and when the next is due; `via` is the source that gave it."""
    await tx.execute(
        text(
            """
            UPDATE monitor.watches
            SET last_look_at = :now, last_ok_at = :now, next_look_at = :next, interval_seconds = :seconds,
                last_post_at = greatest(last_post_at, :posted), failures = 0, problem = NULL, problem_text = NULL,
                problem_since = NULL, via = nullif(:via, source)
            WHERE handle = :handle
            """
        ),
        {
            "handle": watch.handle,
            "now": now,
            "via": via.value if via else None,
            "next": now + interval,
            "seconds": int(interval.total_seconds()),
            "posted": last_post_at,
        },
    )


async def failed(
    tx: Transaction, watch: Watch, *, now: datetime, wait: timedelta, problem: str, words: str, stop: bool
) -> None:
    """Record a look that gave none, and when to try again; `stop` pauses the watch until a person acts."""
    await tx.execute(
        text(
            """
            UPDATE monitor.watches
            SET last_look_at = :now, next_look_at = :next, failures = failures + 1, problem = :problem,
                problem_text = :words,
                problem_since = CASE WHEN problem = :problem THEN problem_since ELSE :now END,
                paused_at = CASE WHEN :stop THEN coalesce(paused_at, :now) ELSE paused_at END,
                pause_reason = CASE WHEN :stop THEN :words ELSE pause_reason END
            WHERE handle = :handle
            """
        ),
        {
            "handle": watch.handle,
            "now": now,
            "next": now + wait,
            "problem": problem,
            "words": words,
            "stop": stop,
        },
    )


async def postpone(tx: Transaction, handles: Sequence[str], *, until: datetime) -> None:
    """Leave watches alone until a time, since the fault lies with what they share."""
    await tx.execute(
        text(
            "UPDATE monitor.watches SET next_look_at = greatest(next_look_at, :until) WHERE handle = ANY(:handles)"
        ),
        {"until": until, "handles": list(handles)},
    )


async def pause(tx: Transaction, handle: str, *, now: datetime, reason: str) -> bool:
    """Pause a watch; gives False if there is none that runs."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.watches SET paused_at = :now, pause_reason = :reason
            WHERE handle = :handle AND listed AND paused_at IS NULL
            """
        ),
        {"handle": handle.lower(), "now": now, "reason": reason},
    )
    return bool(done.rowcount)


async def resume(tx: Transaction, handle: str, *, as_new: bool = False) -> bool:
    """End a pause; `as_new` forgets the channel that the handle showed, so that the present one is taken."""
    forget = (
        ", channel_id = NULL, cursor = NULL, pts = NULL, lost_at = NULL, backfill_before = NULL, backfill_done = false"
        if as_new
        else ""
    )
    if as_new:
        await tx.execute(
            text("DELETE FROM monitor.account_channels WHERE lower(handle) = :handle"),
            {"handle": handle.lower()},
        )
    done = await tx.execute(
        text(
            f"""
            UPDATE monitor.watches
            SET paused_at = NULL, pause_reason = NULL, next_look_at = NULL, failures = 0, problem = NULL,
                problem_text = NULL, problem_since = NULL{forget}
            WHERE handle = :handle AND listed AND paused_at IS NOT NULL
            """  # noqa: S608 - one of two constants
        ),
        {"handle": handle.lower()},
    )
    return bool(done.rowcount)


async def make_due(tx: Transaction, handle: str) -> None:
    """Let a watch be looked at now, whatever its pace."""
    await tx.execute(
        text("UPDATE monitor.watches SET next_look_at = NULL WHERE handle = :handle"),
        {"handle": handle.lower()},
    )
