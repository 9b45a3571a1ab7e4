"""Cases: made from flags, joined by copies, and what each goes through. Only the step of review writes here.

What analysts do with cases is in `decisions`; both take a case's row before they change it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import text

from monitor.model import CaseEvent, CaseState, FlaggedPost, HeldCase, Outcome
from monitor.store.database import Transaction

TROOP_KINDS = (
    "personnel", "killed", "wounded", "captured", "losses", "unit", "tank", "armour", "artillery", "vehicle",
)  # fmt: skip
_TAKE = """
    WITH due AS (
        DELETE FROM monitor.review_due WHERE (channel_id, message_id) IN (
            SELECT channel_id, message_id FROM monitor.review_due
            ORDER BY channel_id, message_id LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING channel_id, message_id)
    SELECT s.channel_id, s.message_id, s.version, v.text,
           array(SELECT f.topic FROM monitor.flags f
                 WHERE f.channel_id = s.channel_id AND f.message_id = s.message_id AND f.version = s.version
                   AND f.ruleset_id = s.read_ruleset AND f.raised ORDER BY f.topic) AS topics,
           coalesce((SELECT max(coalesce(g.high, g.low)) FROM monitor.figures g
                     WHERE g.channel_id = s.channel_id AND g.message_id = s.message_id AND g.version = s.version
                       AND g.ruleset_id = s.read_ruleset AND g.kind = ANY(:troop)), 0) AS largest,
           EXISTS (SELECT FROM monitor.watches w WHERE w.channel_id = s.channel_id AND w.person IS NOT NULL)
               AS official,
           p.forward_channel_id, p.forward_message_id, o.case_id, o.version AS read_version
    FROM due
    JOIN monitor.post_state s USING (channel_id, message_id)
    JOIN monitor.posts p USING (channel_id, message_id)
    LEFT JOIN monitor.case_posts o USING (channel_id, message_id)
    JOIN monitor.post_versions v
        ON v.channel_id = s.channel_id AND v.message_id = s.message_id AND v.version = s.version
    WHERE NOT s.unread
    ORDER BY p.posted_at, s.channel_id, s.message_id
    """


async def take(tx: Transaction, *, limit: int) -> list[FlaggedPost]:
    """Posts whose flags changed, the oldest first, and no longer due once this is committed.

    One that was edited since it was read is left out: it becomes due again with its next reading.
    """
    rows = await tx.execute(text(_TAKE), {"limit": limit, "troop": list(TROOP_KINDS)})
    return [
        FlaggedPost(
            channel_id=row.channel_id,
            message_id=row.message_id,
            version=row.version,
            text=row.text,
            topics=tuple(row.topics),
            largest=row.largest,
            official=row.official,
            origin=_origin(row.forward_channel_id, row.forward_message_id),
            case_id=row.case_id,
            read_version=row.read_version,
        )
        for row in rows
    ]


def _origin(channel_id: int | None, message_id: int | None) -> tuple[int, int] | None:
    return None if channel_id is None or message_id is None else (channel_id, message_id)


async def any_due(tx: Transaction) -> bool:
    """Whether a post's flags changed that no case knows of."""
    return bool((await tx.execute(text("SELECT EXISTS (SELECT FROM monitor.review_due)"))).scalar_one())


async def by_keys(tx: Transaction, keys: Sequence[str]) -> int | None:
    """The case that is known by the first of these keys that one is known by."""
    rows = await tx.execute(
        text(
            """
            SELECT case_id FROM monitor.case_keys WHERE key = ANY(:keys)
            ORDER BY array_position(CAST(:keys AS text[]), key) LIMIT 1
            """
        ),
        {"keys": list(keys)},
    )
    found: int | None = rows.scalar_one_or_none()
    return found


async def held(tx: Transaction, case_id: int, *, apart: FlaggedPost) -> HeldCase:
    """A case as it stands, its row taken; `apart` is the post whose topics are left out of `others`."""
    row = (
        await tx.execute(
            text(
                """
                SELECT state, topics, opened_at, rank_at, wake_on_edit,
                       array(SELECT DISTINCT t FROM monitor.case_posts p CROSS JOIN unnest(p.topics) AS t
                             WHERE p.case_id = c.case_id
                               AND (p.channel_id, p.message_id) <> (:channel, :message)) AS others
                FROM monitor.cases c WHERE case_id = :case FOR UPDATE
                """
            ),
            {"case": case_id, "channel": apart.channel_id, "message": apart.message_id},
        )
    ).one()
    return HeldCase(
        case_id=case_id,
        state=CaseState(row.state),
        topics=tuple(row.topics),
        opened_at=row.opened_at,
        rank_at=row.rank_at,
        others=tuple(row.others),
        wake_on_edit=row.wake_on_edit,
    )


async def add(tx: Transaction, post: FlaggedPost, outcome: Outcome, *, now: datetime) -> int:
    """Open a case on a post; gives its id."""
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.cases (state, opened_at, changed_at, rank_at, topics, channel_id, message_id, version, posts)
            VALUES (:state, :now, :now, :rank, :topics, :channel, :message, :version, 1) RETURNING case_id
            """
        ),
        _outcome(outcome) | _post(post) | {"now": now},
    )
    return int(made.scalar_one())


async def join(
    tx: Transaction, case_id: int, post: FlaggedPost, keys: Iterable[str], *, now: datetime
) -> None:
    """Write that a post is a case's, as of its present version, and by what its copies are known."""
    values = _post(post) | {"case": case_id, "now": now, "keys": list(keys)}
    await tx.execute(
        text(
            """
            INSERT INTO monitor.case_posts (channel_id, message_id, case_id, version, topics, joined_at)
            VALUES (:channel, :message, :case, :version, :topics, :now)
            ON CONFLICT (channel_id, message_id) DO UPDATE SET version = :version, topics = :topics
            """
        ),
        values | {"topics": list(post.topics)},
    )
    await tx.execute(
        text(
            """
            INSERT INTO monitor.case_keys (key, case_id) SELECT unnest(CAST(:keys AS text[])), :case
            ON CONFLICT DO NOTHING
            """
        ),
        values,
    )


async def alter(tx: Transaction, case_id: int, outcome: Outcome, *, now: datetime) -> None:
    """Write what became of a case whose row is taken. One that comes back is nobody's until it is claimed."""
    await tx.execute(
        text(
            """
            UPDATE monitor.cases c SET state = :state, topics = :topics, rank_at = :rank, changed_at = :now,
                posts = (SELECT count(*) FROM monitor.case_posts p WHERE p.case_id = c.case_id),
                version = (SELECT p.version FROM monitor.case_posts p
                           WHERE p.channel_id = c.channel_id AND p.message_id = c.message_id)
            WHERE case_id = :case
            """
        ),
        _outcome(outcome) | {"case": case_id, "now": now},
    )


async def record(
    tx: Transaction, case_id: int, post: FlaggedPost, outcome: Outcome, *, now: datetime
) -> None:
    """Add what a case went through."""
    for kind, detail in outcome.events:
        await note(tx, case_id, kind, now=now, detail=detail, post=post)


async def note(
    tx: Transaction,
    case_id: int,
    kind: CaseEvent,
    *,
    now: datetime,
    detail: str | None = None,
    post: FlaggedPost | None = None,
    user_id: int | None = None,
) -> None:
    """Add one thing that a case went through; `user_id` is who did it, if a person did."""
    await tx.execute(
        text(
            """
            INSERT INTO monitor.case_events
                (case_id, happened_at, kind, user_id, channel_id, message_id, version, detail)
            VALUES (:case, :now, :kind, :user, :channel, :message, :version, :detail)
            """
        ),
        {
            "case": case_id,
            "now": now,
            "kind": kind.value,
            "user": user_id,
            "detail": detail,
            "channel": post.channel_id if post else None,
            "message": post.message_id if post else None,
            "version": post.version if post else None,
        },
    )


async def wake(tx: Transaction, *, now: datetime, limit: int) -> int:
    """Put snoozed cases whose time has come back into the queue; gives how many."""
    rows = await tx.execute(
        text(
            """
            UPDATE monitor.cases SET state = 'open', changed_at = :now, wake_at = NULL, wake_on_edit = false
            WHERE case_id IN (SELECT case_id FROM monitor.cases WHERE state = 'snoozed' AND wake_at <= :now
                              ORDER BY wake_at LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING case_id
            """
        ),
        {"now": now, "limit": limit},
    )
    woken = [row.case_id for row in rows]
    for case_id in woken:
        await note(tx, case_id, CaseEvent.WOKEN, now=now)
    return len(woken)


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {"state": outcome.state.value, "topics": list(outcome.topics), "rank": outcome.rank_at}


def _post(post: FlaggedPost) -> dict[str, object]:
    return {"channel": post.channel_id, "message": post.message_id, "version": post.version}
