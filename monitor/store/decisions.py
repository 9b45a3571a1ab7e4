"""What analysts do with cases: claim them, decide, take a decision back, confirm or correct figures.

A case is claimed by one guarded UPDATE, so that two never hold it; a claim lasts a while after its analyst last did
something, and then is anybody's. Decisions are only ever added; what stands is the last that none took back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from monitor.model import CaseEvent, CaseState, Decided, Saying, Verdict, VersionKey
from monitor.store import cases
from monitor.store.database import Transaction
from monitor.store.queue import Filter, where_of

_FREE = "(claimed_by IS NULL OR claimed_by = :user OR claimed_until <= :now)"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds a case, and until when."""

    case_id: int
    user_id: int
    user: str
    until: datetime


async def claim_next(
    tx: Transaction, user_id: int, wanted: Filter, *, now: datetime, lasting: timedelta
) -> int | None:
    """Claim the first case of a view that nobody holds; None if there is none. Two who ask at once get two cases."""
    where, values = where_of(wanted, user_id=user_id, now=now)
    found = await tx.execute(
        text(
            f"""
            UPDATE monitor.cases SET claimed_by = :user, claimed_at = :now, claimed_until = :until
            WHERE case_id = (SELECT c.case_id FROM monitor.cases c
                             WHERE {where} AND {_FREE}
                             ORDER BY c.rank_at, c.case_id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING case_id
            """  # noqa: S608 - constants
        ),
        values | {"user": user_id, "now": now, "until": now + lasting},
    )
    case_id: int | None = found.scalar_one_or_none()
    if case_id is not None:
        await cases.note(tx, case_id, CaseEvent.CLAIMED, now=now, user_id=user_id)
    return case_id


async def claim(
    tx: Transaction, case_id: int, user_id: int, *, now: datetime, lasting: timedelta, over: bool = False
) -> Claim | None:
    """Claim one case, or renew the claim; `over` takes it from whoever holds it, which is recorded.

    Gives who holds it now; None where there is no such case.
    """
    await tx.execute(text("SELECT 1 FROM monitor.cases WHERE case_id = :case FOR UPDATE"), {"case": case_id})
    before = await holder(tx, case_id, now=now)
    mine = before is not None and before.user_id == user_id
    if before is not None and not mine and not over:
        return before
    await tx.execute(
        text(
            """
            UPDATE monitor.cases SET claimed_by = :user, claimed_until = :until,
                claimed_at = CASE WHEN :mine THEN claimed_at ELSE :now END
            WHERE case_id = :case
            """
        ),
        {"user": user_id, "until": now + lasting, "mine": mine, "now": now, "case": case_id},
    )
    if before is None:
        await _noted(tx, case_id, CaseEvent.CLAIMED, user_id, now=now)
    elif not mine:
        await cases.note(
            tx, case_id, CaseEvent.TAKEN_OVER, now=now, user_id=user_id, detail=f"from {before.user}"
        )
    return await holder(tx, case_id, now=now)


async def _noted(tx: Transaction, case_id: int, kind: CaseEvent, user_id: int, *, now: datetime) -> None:
    there = await tx.execute(text("SELECT 1 FROM monitor.cases WHERE case_id = :case"), {"case": case_id})
    if there.first() is not None:
        await cases.note(tx, case_id, kind, now=now, user_id=user_id)


async def holder(tx: Transaction, case_id: int, *, now: datetime) -> Claim | None:
    """Who holds a case now, if anybody."""
    row = (
        await tx.execute(
            text(
                """
                SELECT c.case_id, u.user_id, u.name, c.claimed_until FROM monitor.cases c
                JOIN monitor.users u ON u.user_id = c.claimed_by
                WHERE c.case_id = :case AND c.claimed_until > :now
                """
            ),
            {"case": case_id, "now": now},
        )
    ).one_or_none()
    return Claim(row.case_id, row.user_id, row.name, row.claimed_until) if row else None


async def renew(tx: Transaction, case_id: int, user_id: int, *, now: datetime, lasting: timedelta) -> bool:
    """Keep a claim alive; False where the case is another's, or nobody's, by now."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.cases SET claimed_until = :until
            WHERE case_id = :case AND claimed_by = :user AND claimed_until > :now
            """
        ),
        {"case": case_id, "user": user_id, "now": now, "until": now + lasting},
    )
    return done.rowcount == 1


async def release(tx: Transaction, case_id: int, user_id: int, *, now: datetime) -> bool:
    """Give a claim back; False where it was not theirs."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.cases SET claimed_by = NULL, claimed_at = NULL, claimed_until = NULL
            WHERE case_id = :case AND claimed_by = :user
            """
        ),
        {"case": case_id, "user": user_id},
    )
    if done.rowcount == 1:
        await cases.note(tx, case_id, CaseEvent.RELEASED, now=now, user_id=user_id)
    return done.rowcount == 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as it stands before a decision, its row taken."""

    state: CaseState
    topics: tuple[str, ...]
    of: VersionKey
    claimed_by: int | None
    claimed_until: datetime | None


async def take(tx: Transaction, case_id: int) -> Standing | None:
    """A case's row, taken until the end of the transaction; None where there is none."""
    row = (
        await tx.execute(
            text(
                """
                SELECT state, topics, channel_id, message_id, version, claimed_by, claimed_until
                FROM monitor.cases WHERE case_id = :case FOR UPDATE
                """
            ),
            {"case": case_id},
        )
    ).one_or_none()
    if row is None:
        return None
    of = VersionKey(row.channel_id, row.message_id, row.version)
    return Standing(CaseState(row.state), tuple(row.topics), of, row.claimed_by, row.claimed_until)


async def case_of(tx: Transaction, decision_id: int) -> int | None:
    """The case that a decision was made on."""
    found = await tx.execute(
        text("SELECT case_id FROM monitor.decisions WHERE decision_id = :id"), {"id": decision_id}
    )
    case_id: int | None = found.scalar_one_or_none()
    return case_id


async def batch_of(tx: Transaction, batch: int, user_id: int) -> list[int]:
    """The decisions of a batch that still stand, of one user."""
    rows = await tx.execute(
        text(
            """
            SELECT decision_id FROM monitor.decisions d
            WHERE batch = :batch AND user_id = :user AND verdict <> 'undo'
              AND NOT EXISTS (SELECT FROM monitor.decisions u WHERE u.undoes = d.decision_id)
            ORDER BY decision_id
            """
        ),
        {"batch": batch, "user": user_id},
    )
    return [row.decision_id for row in rows]


_DECIDED = """
    SELECT d.*, u.name FROM monitor.decisions d JOIN monitor.users u USING (user_id)
    WHERE {where} ORDER BY d.decision_id {order}
    """


async def of_case(tx: Transaction, case_id: int) -> list[Decided]:
    """All decisions on a case, in order."""
    rows = await tx.execute(text(_DECIDED.format(where="d.case_id = :case", order="")), {"case": case_id})
    return [_as_decided(row) for row in rows]


async def of_user(tx: Transaction, user_id: int, *, limit: int) -> list[Decided]:
    """The last decisions of a user, the newest first."""
    rows = await tx.execute(
        text(_DECIDED.format(where="d.user_id = :user", order="DESC LIMIT :limit")),
        {"user": user_id, "limit": limit},
    )
    return [_as_decided(row) for row in rows]


def _as_decided(row: object) -> Decided:
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001 - SQLAlchemy's public name for it
    of = VersionKey(values.pop("channel_id"), values.pop("message_id"), values.pop("version"))
    opinion = values.pop("opinion")
    values.pop("topics")
    return Decided(
        of=of,
        user=values.pop("name"),
        verdict=Verdict(values.pop("verdict")),
        opinion=Verdict(opinion) if opinion else None,
        **values,
    )


async def add(
    tx: Transaction,
    case_id: int,
    user_id: int,
    said: Saying,
    *,
    topics: Sequence[str],
    second: bool,
    now: datetime,
    undoes: int | None = None,
) -> int:
    """Add a decision; gives its id. `second` is whether it answers one that asked for a second look."""
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.decisions
                (case_id, user_id, decided_at, verdict, channel_id, message_id, version, topics, opinion, reason,
                 note, duplicate_of, wake_at, wake_on_edit, second, undoes, batch)
            VALUES (:case, :user, :now, :verdict, :channel, :message, :version, :topics, :opinion, :reason,
                    :note, :duplicate, :wake, :on_edit, :second, :undoes, :batch)
            RETURNING decision_id
            """
        ),
        {
            "case": case_id,
            "user": user_id,
            "now": now,
            "verdict": said.verdict.value,
            "channel": said.of.channel_id,
            "message": said.of.message_id,
            "version": said.of.version,
            "topics": list(topics),
            "opinion": said.opinion.value if said.opinion else None,
            "reason": said.reason,
            "note": said.note,
            "duplicate": said.duplicate_of,
            "wake": said.wake_at,
            "on_edit": said.wake_on_edit,
            "second": second,
            "undoes": undoes,
            "batch": said.batch,
        },
    )
    return int(made.scalar_one())


async def move(
    tx: Transaction, case_id: int, state: CaseState, stands: Decided | None, *, now: datetime
) -> None:
    """Let a case stand as the decision that stands says. Nobody holds it any more."""
    await tx.execute(
        text(
            """
            UPDATE monitor.cases SET state = :state, changed_at = :now, verdict = :verdict, decided_by = :user,
                decided_at = :decided, wake_at = :wake, wake_on_edit = :on_edit,
                claimed_by = NULL, claimed_at = NULL, claimed_until = NULL
            WHERE case_id = :case
            """
        ),
        {
            "case": case_id,
            "now": now,
            "state": state.value,
            "verdict": stands.verdict.value if stands else None,
            "user": stands.user_id if stands else None,
            "decided": stands.decided_at if stands else None,
            "wake": stands.wake_at if stands else None,
            "on_edit": stands.wake_on_edit if stands else False,
        },
    )


async def new_batch(tx: Transaction) -> int:
    """A number for decisions that are made together and can be taken back together."""
    made = await tx.execute(
        text("SELECT nextval(pg_get_serial_sequence('monitor.decisions', 'decision_id'))")
    )
    return int(made.scalar_one())


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSaid:
    """What an analyst says of one figure: confirmed, corrected, rejected, or undone; its place in the version."""

    of: VersionKey
    first_char: int
    end_char: int
    verdict: str
    kind: str | None = None
    low: float | None = None
    high: float | None = None
    side: str | None = None


async def decide_figure(
    tx: Transaction, case_id: int, user_id: int, said: FigureSaid, *, now: datetime
) -> None:
    """Add what an analyst says of a figure; the last word on a place stands."""
    await tx.execute(
        text(
            """
            INSERT INTO monitor.figure_decisions
                (case_id, user_id, decided_at, channel_id, message_id, version, first_char, end_char, verdict,
                 kind, low, high, side)
            VALUES (:case, :user, :now, :channel, :message, :version, :first, :end, :verdict, :kind, :low, :high, :side)
            """
        ),
        {
            "case": case_id,
            "user": user_id,
            "now": now,
            "channel": said.of.channel_id,
            "message": said.of.message_id,
            "version": said.of.version,
            "first": said.first_char,
            "end": said.end_char,
            "verdict": said.verdict,
            "kind": said.kind,
            "low": said.low,
            "high": said.high,
            "side": said.side,
        },
    )


async def pairs(tx: Transaction) -> list[tuple[int, Verdict, Verdict]]:
    """Cases with a first opinion and a second look: the case, and what either said."""
    rows = await tx.execute(
        text(
            """
            SELECT s.case_id, f.opinion, s.verdict
            FROM monitor.decisions s
            JOIN LATERAL (SELECT opinion FROM monitor.decisions f
                          WHERE f.case_id = s.case_id AND f.decision_id < s.decision_id
                            AND f.verdict = 'second_look' ORDER BY f.decision_id DESC LIMIT 1) f ON true
            WHERE s.second AND f.opinion IS NOT NULL AND s.verdict IN ('relevant', 'not_relevant', 'duplicate')
              AND NOT EXISTS (SELECT FROM monitor.decisions u WHERE u.undoes = s.decision_id)
            ORDER BY s.decision_id
            """
        )
    )
    return [(row.case_id, Verdict(row.opinion), Verdict(row.verdict)) for row in rows]
