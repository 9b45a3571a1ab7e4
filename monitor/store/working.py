"""How the product itself works, as its tables say: watches, accounts, digests and routes. It only reads."""

from datetime import datetime, timedelta

from sqlalchemy import text

from monitor.model import AccountFact, DigestFact, RouteFact, WaitFact, WatchFact
from monitor.store.database import Transaction

# A gap between so few posts is no norm.
_FEWEST = 6
# Before its last post: before now, a channel that is silent for long would come to have no norm, and seem well.
_LATELY = timedelta(days=14)


async def watches(tx: Transaction, *, silent_after: timedelta) -> list[WatchFact]:
    """The watches that a person did not pause; the usual gap of those alone whose channel is silent for so long."""
    rows = await tx.execute(
        text(
            """
            SELECT w.handle, w.problem, w.problem_text, w.problem_since, w.paused_at IS NOT NULL AS stopped,
                   w.last_ok_at, w.last_post_at, g.gap
            FROM monitor.watches w
            LEFT JOIN LATERAL (
                SELECT CASE WHEN count(*) >= :fewest
                            THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) END AS gap
                FROM (SELECT extract(epoch FROM p.posted_at - lag(p.posted_at) OVER (ORDER BY p.posted_at)) AS gap
                      FROM monitor.posts p
                      WHERE p.channel_id = w.channel_id AND p.posted_at > w.last_post_at - CAST(:lately AS interval)) gaps
                WHERE gap IS NOT NULL AND w.last_ok_at - w.last_post_at > :silent) g ON true
            WHERE w.listed AND (w.paused_at IS NULL OR w.problem IS NOT NULL)
            """
        ),
        {"fewest": _FEWEST - 1, "lately": _LATELY, "silent": silent_after},
    )
    return [
        WatchFact(
            handle=row.handle,
            problem=row.problem,
            problem_text=row.problem_text,
            problem_since=row.problem_since,
            stopped=row.stopped,
            last_ok_at=row.last_ok_at,
            last_post_at=row.last_post_at,
            gap=None if row.gap is None else timedelta(seconds=float(row.gap)),
        )
        for row in rows
    ]


async def accounts(tx: Transaction) -> list[AccountFact]:
    """The accounts that do not work."""
    rows = await tx.execute(
        text(
            """
            SELECT account, problem, coalesce(problem_text, problem) AS words, problem_since
            FROM monitor.accounts WHERE problem IS NOT NULL
            """
        )
    )
    return [AccountFact(*row) for row in rows]


async def waits(tx: Transaction, *, now: datetime) -> list[WaitFact]:
    """The waits that are not over."""
    rows = await tx.execute(
        text("SELECT account, request, asked_at, until FROM monitor.account_waits WHERE until > :now"),
        {"now": now},
    )
    return [WaitFact(*row) for row in rows]


async def digests(tx: Transaction, *, now: datetime) -> list[DigestFact]:
    """The windows of which a digest did not go. One that was sent again is told by its last delivery alone."""
    rows = await tx.execute(
        text(
            """
            SELECT window_until, count(*) FILTER (WHERE state = 'failed') AS failed,
                   count(*) FILTER (WHERE state = 'in_doubt') AS in_doubt,
                   count(*) FILTER (WHERE state IN ('planned', 'sending', 'handing')) AS late
            FROM monitor.deliveries d
            WHERE window_from IS NOT NULL AND window_until < :now
              AND (state = 'planned' OR state IN ('sending', 'handing', 'in_doubt', 'failed'))
              AND NOT EXISTS (SELECT FROM monitor.deliveries o
                              WHERE o.address = d.address AND o.window_from = d.window_from AND o.again > d.again)
            GROUP BY window_until ORDER BY window_until
            """
        ),
        {"now": now},
    )
    return [DigestFact(*row) for row in rows]


async def routes(tx: Transaction) -> list[RouteFact]:
    """The routes by which the last notice that ended did not go, or may not have."""
    rows = await tx.execute(
        text(
            """
            SELECT DISTINCT ON (route) route, coalesce(error, state) AS error,
                   coalesce(ended_at, planned_at) AS ended_at
            FROM monitor.deliveries d
            WHERE notice_id IS NOT NULL AND state IN ('failed', 'in_doubt')
              AND NOT EXISTS (SELECT FROM monitor.deliveries o
                              WHERE o.notice_id IS NOT NULL AND o.state = 'sent' AND o.route = d.route
                                AND coalesce(o.ended_at, o.planned_at) >= coalesce(d.ended_at, d.planned_at)
                                AND (coalesce(o.ended_at, o.planned_at), o.delivery_id)
                                    > (coalesce(d.ended_at, d.planned_at), d.delivery_id))
            ORDER BY route, coalesce(ended_at, planned_at) DESC, delivery_id DESC
            """
        )
    )
    return [RouteFact(*row) for row in rows]
