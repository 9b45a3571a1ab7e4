"""What becomes of a case when the flags of a post change: a table of what was and what is."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor import triage
from monitor.model import CaseEvent, CaseState, FlaggedPost, HeldCase, Outcome, Priority

NOW = datetime(2024, 8, 9, 12, tzinfo=UTC)
PRIORITY = Priority(topics={"kursk": 20, "sudzha": 30}, figures=15, person=40)
LONG = "Противник перебросил под Суджу до трёхсот солдат и одиннадцать танков, идёт бой"


def post(*topics: str, **more: object) -> FlaggedPost:
    values = {"channel_id": 1, "message_id": 2, "version": 1, "text": LONG, "read_version": 1} | more
    return FlaggedPost(topics=topics, **values)  # type: ignore[arg-type]


def case(state: CaseState, *topics: str, others: tuple[str, ...] = (), on_edit: bool = False) -> HeldCase:
    return HeldCase(
        case_id=7,
        state=state,
        topics=topics,
        opened_at=NOW,
        rank_at=NOW,
        others=others,
        wake_on_edit=on_edit,
    )


def kinds(outcome: Outcome | None) -> list[str]:
    return [kind.value for kind, _ in outcome.events] if outcome else []


@pytest.mark.parametrize(
    ("found", "minutes"),
    [
        (post("kursk"), 20),
        (post("kursk", "sudzha"), 50),
        (post("other"), 0),
        (post("kursk", largest=1), 35),
        (post("kursk", largest=300), 65),
        (post("kursk", largest=0.5), 20),
        (post("kursk", official=True), 60),
    ],
)
def test_points_are_minutes(found: FlaggedPost, minutes: int) -> None:
    assert triage.points(found, PRIORITY) == minutes
    outcome = triage.opened(found, PRIORITY, now=NOW)
    assert outcome.rank_at == NOW - timedelta(minutes=minutes)
    assert (outcome.state, kinds(outcome)) == (CaseState.OPEN, ["opened"])


def test_copies_are_known_by_origin_and_by_what_they_say() -> None:
    own = triage.keys_of(post(text=LONG))
    dressed = triage.keys_of(post(text=f"**{LONG.upper()}**!!! 🔥", message_id=3))
    assert own[-1] == dressed[-1]
    assert own[0] == "post:1:2"
    assert "post:5:6" in triage.keys_of(post(origin=(5, 6)))


def test_short_texts_make_no_copies() -> None:
    assert triage.keys_of(post(text="Курск, Суджа.")) == ("post:1:2",)


@pytest.mark.parametrize(
    ("before", "topics", "state", "events"),
    [
        (case(CaseState.OPEN, "kursk"), ("kursk",), CaseState.OPEN, ["joined"]),
        (case(CaseState.OPEN, "kursk"), ("sudzha",), CaseState.OPEN, ["joined", "topic_added"]),
        (case(CaseState.DECIDED, "kursk"), ("kursk",), CaseState.DECIDED, ["joined"]),
        (
            case(CaseState.DECIDED, "kursk"),
            ("sudzha",),
            CaseState.OPEN,
            ["joined", "topic_added", "reopened"],
        ),
        (case(CaseState.CLOSED), ("kursk",), CaseState.OPEN, ["joined", "topic_added", "reopened"]),
        (case(CaseState.SNOOZED, "kursk"), ("kursk",), CaseState.SNOOZED, ["joined"]),
    ],
)
def test_a_copy_joins(before: HeldCase, topics: tuple[str, ...], state: CaseState, events: list[str]) -> None:
    outcome = triage.joined(before, post(*topics), PRIORITY)
    assert (outcome.state, kinds(outcome)) == (state, events)


EDITED = {"version": 2, "read_version": 1}


@pytest.mark.parametrize(
    ("before", "found", "state", "events"),
    [
        (case(CaseState.OPEN, "kursk"), post("kursk", **EDITED), CaseState.OPEN, ["edited"]),
        (case(CaseState.DECIDED, "kursk"), post("kursk", **EDITED), CaseState.OPEN, ["edited", "reopened"]),
        (case(CaseState.DECIDED, "kursk"), post(**EDITED), CaseState.DECIDED, ["edited"]),
        (case(CaseState.SNOOZED, "kursk"), post("kursk", **EDITED), CaseState.SNOOZED, ["edited"]),
        (
            case(CaseState.SNOOZED, "kursk", on_edit=True),
            post("kursk", **EDITED),
            CaseState.OPEN,
            ["edited", "reopened"],
        ),
        (case(CaseState.OPEN, "kursk"), post(), CaseState.CLOSED, ["closed"]),
        (case(CaseState.ESCALATED, "kursk"), post(), CaseState.CLOSED, ["closed"]),
        (case(CaseState.OPEN, "kursk", "sudzha", others=("sudzha",)), post(), CaseState.OPEN, []),
        (case(CaseState.CLOSED), post("kursk"), CaseState.OPEN, ["topic_added", "reopened"]),
        (case(CaseState.OPEN, "kursk"), post("kursk", "sudzha"), CaseState.OPEN, ["topic_added"]),
        (
            case(CaseState.DECIDED, "kursk"),
            post("kursk", "sudzha"),
            CaseState.OPEN,
            ["topic_added", "reopened"],
        ),
    ],
)
def test_a_post_of_a_case_changes(
    before: HeldCase, found: FlaggedPost, state: CaseState, events: list[str]
) -> None:
    outcome = triage.changed(before, found, PRIORITY)
    assert outcome is not None
    assert (outcome.state, kinds(outcome)) == (state, events)


def test_other_rules_that_say_the_same_change_nothing() -> None:
    assert triage.changed(case(CaseState.DECIDED, "kursk"), post("kursk"), PRIORITY) is None
    assert triage.changed(case(CaseState.OPEN, "kursk"), post("kursk"), PRIORITY) is None


def test_a_decided_case_keeps_the_topics_it_was_decided_with() -> None:
    """Else rules that lose a topic and find it again would bring it back."""
    outcome = triage.changed(case(CaseState.DECIDED, "kursk", "sudzha"), post("kursk", **EDITED), PRIORITY)
    assert outcome is not None
    assert outcome.state is CaseState.OPEN
    lost = triage.changed(case(CaseState.DECIDED, "kursk", "sudzha"), post(), PRIORITY)
    assert lost is None or lost.topics == ("kursk", "sudzha")


def test_a_case_moves_forward_only() -> None:
    outcome = triage.joined(case(CaseState.OPEN, "kursk"), post("kursk", largest=1000), PRIORITY)
    assert outcome.rank_at == NOW - timedelta(minutes=80)
    assert outcome.events == ((CaseEvent.JOINED, None),)
