"""The step that a person takes: decide on a case, and take a decision back.

A decision is of the version that was read: where the post was edited meanwhile, or another holds the case, it is
refused and nothing is written. What stands on a case is the last decision that none took back.
"""

from datetime import datetime

from monitor import triage
from monitor.errors import Conflict
from monitor.model import CaseState, Decided, Saying, Verdict
from monitor.store import decisions
from monitor.store.database import Transaction
from monitor.store.decisions import Standing


async def decide(tx: Transaction, case_id: int, user_id: int, said: Saying, *, now: datetime) -> int:
    """Add a decision and move the case; gives the decision's id. Raises Conflict where it does not fit."""
    case = await decisions.take(tx, case_id)
    stands = await standing(tx, case_id)
    case = _fitting(case, stands, user_id, said, now=now)
    second = case.state is CaseState.SECOND_LOOK
    made = await decisions.add(tx, case_id, user_id, said, topics=case.topics, second=second, now=now)
    await _settle(tx, case_id, now=now)
    return made


async def decide_unread(
    tx: Transaction, case_id: int, user_id: int, verdict: Verdict, *, batch: int, now: datetime
) -> int:
    """Decide on a case from a list, on the version that is there; part of a batch. Raises Conflict as `decide` does."""
    case = await decisions.take(tx, case_id)
    if case is None or case.state not in (CaseState.OPEN, CaseState.ESCALATED, CaseState.SNOOZED):
        raise Conflict("this case is not open any more", "it was decided meanwhile", "see its page")
    return await decide(tx, case_id, user_id, Saying(verdict=verdict, of=case.of, batch=batch), now=now)


def _fitting(
    case: Standing | None, stands: Decided | None, user_id: int, said: Saying, *, now: datetime
) -> Standing:
    """The case, if a user may decide on it what they say."""
    if case is None:
        raise Conflict("there is no such case", "it may have been purged", "go back to the queue")
    held = case.claimed_until is not None and case.claimed_until > now
    if held and case.claimed_by != user_id:
        raise Conflict(
            "another analyst holds this case",
            "it was claimed meanwhile",
            "take it over, or go on",
            kind="held",
        )
    if case.of != said.of:
        raise Conflict(
            "the post was edited while you read it",
            f"version {case.of.version} is there by now",
            "read the new version and decide on that",
            kind="edited",
        )
    asked = case.state is CaseState.SECOND_LOOK and stands is not None
    if asked and stands is not None and stands.user_id == user_id:
        raise Conflict(
            "you asked for this second look",
            "somebody else gives it",
            "go on with the next case",
            kind="own_second",
        )
    return case


async def undo(tx: Transaction, decision_id: int, user_id: int, *, now: datetime) -> int:
    """Take a decision back by a further one, and let the case stand as before; gives the case's id.

    Raises Conflict for somebody else's decision, and for one that does not stand any more.
    """
    case_id = await decisions.case_of(tx, decision_id)
    case = await decisions.take(tx, case_id) if case_id is not None else None
    stands = await standing(tx, case_id) if case_id is not None else None
    if case_id is None or case is None or stands is None:
        raise Conflict("there is no such decision", "none stands on this case", "go back to the case")
    if (stands.decision_id, stands.user_id) != (decision_id, user_id):
        raise Conflict(
            "this decision cannot be taken back", "it is not yours, or another stands by now", "decide anew"
        )
    back = Saying(verdict=Verdict.UNDO, of=stands.of, batch=stands.batch)
    await decisions.add(
        tx, case_id, user_id, back, topics=case.topics, second=False, now=now, undoes=decision_id
    )
    await _settle(tx, case_id, now=now)
    return case_id


async def standing(tx: Transaction, case_id: int) -> Decided | None:
    """The decision that stands on a case, if one does."""
    return triage.standing(await decisions.of_case(tx, case_id))


async def _settle(tx: Transaction, case_id: int, *, now: datetime) -> None:
    stands = await standing(tx, case_id)
    state = triage.state_after(stands.verdict) if stands else CaseState.OPEN
    await decisions.move(tx, case_id, state, stands, now=now)
