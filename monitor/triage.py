"""Pure: what becomes of a case when the flags of a post change. No clock, no database.

    post without a case    no topic → nothing
                           a copy of a case's post → it joins, and the case stays decided unless it brings a new topic
                           else → a new case
    post in a case         edited → a decided case comes back, with the version that was decided on beside the new one
                           a further topic → it is added; a decided case comes back for it
                           its last topic gone, and no other post's topic left → an undecided case is closed
                           topics again → a closed case comes back

Copies are known by what they were forwarded from, or by their text once it is made normal; short texts say the same
by chance, and make no copies.
"""

import hashlib
import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.extraction.normal import normalise
from monitor.model import (
    CaseEvent,
    CaseState,
    Decided,
    FlaggedPost,
    HeldCase,
    Outcome,
    Priority,
    Verdict,
)

# A text of fewer letters is said twice by chance.
SHORTEST_COPY = 40
_LETTERS = re.compile(r"[^\W_]+")
_SETTLED = (CaseState.DECIDED, CaseState.CLOSED)


def keys_of(post: FlaggedPost) -> tuple[str, ...]:
    """By what the copies of a post are known; one that was forwarded is a copy of its origin."""
    own = f"post:{post.channel_id}:{post.message_id}"
    origin = (f"post:{post.origin[0]}:{post.origin[1]}",) if post.origin else ()
    words = " ".join(_LETTERS.findall(normalise(post.text).text))
    told = (f"text:{hashlib.sha256(words.encode()).hexdigest()}",) if len(words) >= SHORTEST_COPY else ()
    return (own, *origin, *told)


def points(post: FlaggedPost, priority: Priority) -> int:
    """How many minutes a post is let in front of others."""
    topics = sum(priority.topics.get(topic, 0) for topic in post.topics)
    size = math.floor(math.log10(post.largest)) + 1 if post.largest >= 1 else 0
    return topics + priority.figures * size + (priority.person if post.official else 0)


def opened(post: FlaggedPost, priority: Priority, *, now: datetime) -> Outcome:
    """A new case."""
    return Outcome(CaseState.OPEN, post.topics, _rank(post, priority, now), ((CaseEvent.OPENED, None),))


def joined(case: HeldCase, post: FlaggedPost, priority: Priority) -> Outcome:
    """A copy joins a case."""
    fresh = _fresh(case, post)
    back = case.state is CaseState.CLOSED or (case.state is CaseState.DECIDED and bool(fresh))
    events = [(CaseEvent.JOINED, None), *_reopened(fresh, back=back)]
    return _outcome(case, post, priority, back=back, events=events)


def changed(case: HeldCase, post: FlaggedPost, priority: Priority) -> Outcome | None:
    """A post of a case was edited, or read under other rules; None where nothing came of it."""
    edited = post.read_version != post.version
    fresh = _fresh(case, post)
    back = _comes_back(case, post, edited=edited, fresh=fresh)
    gone = not post.topics and not case.others and case.state not in _SETTLED
    events: list[tuple[CaseEvent, str | None]] = [(CaseEvent.EDITED, None)] if edited else []
    if gone:
        return Outcome(CaseState.CLOSED, (), case.rank_at, (*events, (CaseEvent.CLOSED, None)))
    events += _reopened(fresh, back=back)
    if not events and _topics(case, post) == set(case.topics):
        return None
    return _outcome(case, post, priority, back=back, events=events)


def _comes_back(case: HeldCase, post: FlaggedPost, *, edited: bool, fresh: Iterable[str]) -> bool:
    if not post.topics:
        return False
    if case.state is CaseState.DECIDED:
        return edited or bool(fresh)
    return case.state is CaseState.CLOSED or (
        case.state is CaseState.SNOOZED and edited and case.wake_on_edit
    )


def _fresh(case: HeldCase, post: FlaggedPost) -> tuple[str, ...]:
    """Topics that the case did not have."""
    return tuple(topic for topic in post.topics if topic not in case.topics)


def _topics(case: HeldCase, post: FlaggedPost) -> set[str]:
    return {*case.others, *post.topics}


def _reopened(fresh: Iterable[str], *, back: bool) -> list[tuple[CaseEvent, str | None]]:
    added: list[tuple[CaseEvent, str | None]] = [(CaseEvent.TOPIC_ADDED, topic) for topic in fresh]
    return [*added, (CaseEvent.REOPENED, None)] if back else added


def _outcome(
    case: HeldCase,
    post: FlaggedPost,
    priority: Priority,
    *,
    back: bool,
    events: Iterable[tuple[CaseEvent, str | None]],
) -> Outcome:
    # What was decided on stands with the topics that it had, so that it comes back only for a new one.
    kept = set(case.topics) if case.state is CaseState.DECIDED and not back else set()
    topics = tuple(sorted(_topics(case, post) | kept))
    rank = min(case.rank_at, _rank(post, priority, case.opened_at))
    return Outcome(CaseState.OPEN if back else case.state, topics, rank, tuple(events))


def _rank(post: FlaggedPost, priority: Priority, opened_at: datetime) -> datetime:
    return opened_at - timedelta(minutes=points(post, priority))


# --- what analysts decide -----------------------------------------------------------------------------------

_STATES = {
    Verdict.RELEVANT: CaseState.DECIDED,
    Verdict.NOT_RELEVANT: CaseState.DECIDED,
    Verdict.DUPLICATE: CaseState.DECIDED,
    Verdict.SECOND_LOOK: CaseState.SECOND_LOOK,
    Verdict.ESCALATE: CaseState.ESCALATED,
    Verdict.SNOOZE: CaseState.SNOOZED,
}


def state_after(verdict: Verdict) -> CaseState:
    """Where a case stands once a decision that is no undo was made."""
    return _STATES[verdict]


def standing(decisions: Iterable[Decided]) -> Decided | None:
    """The decision that stands: the last that none undid, of all that were made of a case in order."""
    made = list(decisions)
    undone = {one.undoes for one in made if one.undoes is not None}
    left = [one for one in made if one.verdict is not Verdict.UNDO and one.decision_id not in undone]
    return left[-1] if left else None
