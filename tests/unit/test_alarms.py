"""What raises an alert, whom it is told, and when a notice goes."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import alarms
from monitor.model import (
    AccountFact,
    AlertRole,
    CaseState,
    DigestFact,
    Happened,
    JobState,
    Limits,
    Made,
    OnCall,
    Person,
    Quiet,
    RouteFact,
    Severity,
    Shift,
    Thresholds,
    WaitFact,
    Waiting,
    WatchFact,
    Working,
)

NOW = datetime(2024, 8, 9, 12, tzinfo=UTC)
ALL = Thresholds(topics=frozenset({"sudzha"}), figure=1000, official=True)
ANN, BEN, EVA = (Person(name=name, address=f"{name}@m.example") for name in ("ann", "ben", "eva"))
PLAN = OnCall(people=(ANN, BEN, EVA))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOMENTS = st.integers(0, 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + minutes * MINUTE
)


def happened(**more: Any) -> Happened:
    usual: dict[str, Any] = {
        "kind": "opened",
        "case_id": 7,
        "channel_id": 1,
        "message_id": 12,
        "version": 1,
        "state": CaseState.OPEN,
        "handle": "a_channel",
        "quote": "до 2000 солдат",
    }
    return Happened(**usual | more)


# --- cases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "raised"),
    [
        ({"topics": ("kursk", "sudzha")}, ("topic", "case/7", "warning")),
        ({"topics": ("kursk",)}, None),
        ({"largest": 1000.0}, ("figure", "case/7", "warning")),
        ({"largest": 999.0}, None),
        ({"largest": 1000.0, "topics": ("sudzha",)}, ("figure", "case/7", "warning")),
        ({"topics": ("sudzha",), "held": True}, None),
        ({"topics": ("sudzha",), "state": CaseState.SECOND_LOOK}, ("topic", "case/7", "warning")),
        ({"topics": ("sudzha",), "state": CaseState.ESCALATED}, ("topic", "case/7", "warning")),
        ({"topics": ("sudzha",), "state": CaseState.DECIDED}, None),
        ({"topics": ("sudzha",), "state": CaseState.SNOOZED}, None),
        ({"topics": ("sudzha",), "state": CaseState.CLOSED}, None),
        ({"topics": ("sudzha",), "kind": "deleted"}, None),
        ({"topics": ("sudzha",), "kind": "joined"}, ("topic", "case/7", "warning")),
    ],
)
def test_a_case_raises_by_topic_and_figure_while_nobody_has_it(
    more: dict[str, Any], raised: tuple[str, str, str] | None
) -> None:
    alarm = alarms.of_case(happened(**more), ALL)
    assert (alarm and (alarm.kind, alarm.subject, alarm.severity.value)) == raised


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        ({"kind": "edited", "version": 3}, "case/7/12/v3"),
        ({"kind": "deleted"}, "case/7/12/deleted"),
        ({"kind": "deleted", "state": CaseState.DECIDED}, "case/7/12/deleted"),
        ({"kind": "edited", "held": True}, "case/7/12/v1"),
        ({"kind": "opened"}, None),
        ({"kind": "edited", "figures": False}, None),
        ({"kind": "edited", "official": False}, None),
    ],
)
def test_a_change_of_an_officials_post_with_figures_is_critical(
    more: dict[str, Any], subject: str | None
) -> None:
    alarm = alarms.of_case(happened(**{"official": True, "figures": True} | more), ALL)
    assert (alarm and alarm.subject) == subject
    assert alarm is None or (alarm.kind, alarm.severity) == ("official", Severity.CRITICAL)


def test_without_thresholds_no_case_raises() -> None:
    for kind in ("opened", "edited", "deleted"):
        one = happened(kind=kind, official=True, figures=True, largest=1e9, topics=("sudzha",))
        assert alarms.of_case(one, Thresholds()) is None


def test_a_threshold_of_nought_still_wants_a_figure() -> None:
    assert alarms.of_case(happened(), Thresholds(figure=0)) is None
    assert alarms.of_case(happened(largest=1), Thresholds(figure=0)) is not None


def test_an_alarm_tells_the_post_and_why() -> None:
    alarm = alarms.of_case(happened(topics=("sudzha",), stored_at=NOW, posted_at=NOW), ALL)
    assert alarm is not None
    assert alarm.told == {
        "handle": "a_channel",
        "quote": "до 2000 солдат",
        "posted_at": NOW.isoformat(),
        "topics": ["sudzha"],
    }
    assert (alarm.case_id, alarm.channel_id, alarm.message_id, alarm.stored_at) == (7, 1, 12, NOW)


# --- how the product works ----------------------------------------------------------------------------------


def kinds(**more: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in alarms.of_working(Working(**more), Limits(), now=NOW)]


@pytest.mark.parametrize(
    ("watch", "raised"),
    [
        (WatchFact("rybar", "unreachable", "no route", NOW - 14 * MINUTE), []),
        (WatchFact("rybar", "unreachable", "no route", NOW - 15 * MINUTE), [("watch", "rybar")]),
        (WatchFact("rybar", "barred", "it is private", NOW, stopped=True), [("watch", "rybar")]),
        (WatchFact("rybar", last_ok_at=NOW, last_post_at=NOW - 7 * HOUR, gap=HOUR), [("silent", "rybar")]),
        (WatchFact("rybar", last_ok_at=NOW, last_post_at=NOW - 6 * HOUR, gap=HOUR), []),
        (WatchFact("rybar", last_ok_at=NOW, last_post_at=NOW - 5 * HOUR, gap=MINUTE), []),
        (WatchFact("rybar", last_ok_at=NOW, last_post_at=NOW - 99 * HOUR, gap=None), []),
        # Since the last post nobody could look, so it is not known to be silent.
        (WatchFact("rybar", last_ok_at=NOW - 7 * HOUR, last_post_at=NOW - 8 * HOUR, gap=HOUR), []),
        (WatchFact("rybar", last_ok_at=None, last_post_at=NOW - 8 * HOUR, gap=HOUR), []),
        (WatchFact("rybar", stopped=True, last_ok_at=NOW, last_post_at=NOW - 99 * HOUR, gap=HOUR), []),
    ],
)
def test_a_watch_that_fails_and_a_channel_that_is_silent(
    watch: WatchFact, raised: list[tuple[str, str]]
) -> None:
    assert kinds(watches=[watch]) == raised


def test_accounts_waits_and_routes() -> None:
    found = kinds(
        accounts=[
            AccountFact("one", "session_lost", "logged out"),
            AccountFact("two", "account_banned", "banned", NOW),
            AccountFact("three", "unreachable", "no route"),
        ],
        waits=[
            WaitFact("one", "GetHistory", NOW, NOW + 61 * MINUTE),
            WaitFact("one", "GetMessages", NOW, NOW + 60 * MINUTE),
            WaitFact("one", "ResolveUsername", NOW - 99 * HOUR, NOW),
        ],
        routes=[RouteFact("ntfy", "answered 403", NOW)],
    )
    assert found == [("session", "one"), ("banned", "two"), ("flood", "one/GetHistory"), ("route", "ntfy")]


@pytest.mark.parametrize(
    ("job", "ails"),
    [
        (JobState(name="flag", seconds=2, well_at=NOW - 14 * MINUTE), False),
        (JobState(name="flag", seconds=2, well_at=NOW - 16 * MINUTE), True),
        (JobState(name="flag", seconds=2, well_at=NOW, failures=2, error="x"), False),
        (JobState(name="flag", seconds=2, well_at=NOW, failures=3, error="x"), True),
        (JobState(name="maintain", seconds=86400, well_at=NOW - 71 * HOUR), False),
        (JobState(name="maintain", seconds=86400, well_at=NOW - 73 * HOUR), True),
    ],
)
def test_a_job_that_fails_again_and_again_or_is_missed(job: JobState, ails: bool) -> None:
    assert kinds(jobs=[job]) == ([("job", job.name)] if ails else [])


@pytest.mark.parametrize(
    ("digest", "raised"),
    [
        (DigestFact(NOW - MINUTE, failed=1), True),
        (DigestFact(NOW - MINUTE, in_doubt=1), True),
        (DigestFact(NOW - HOUR, late=3), False),
        (DigestFact(NOW - HOUR - MINUTE, late=3), True),
    ],
)
def test_a_digest_that_did_not_go(digest: DigestFact, raised: bool) -> None:
    assert bool(kinds(digests=[digest])) is raised


@pytest.mark.parametrize(("free", "raised"), [(None, False), (int(2e9), False), (int(2e9) - 1, True)])
def test_a_disk_that_fills(free: int | None, raised: bool) -> None:
    assert (kinds(free=free) == [("disk", "data")]) is raised


# --- who is on call -----------------------------------------------------------------------------------------


def shift(person: str, since: str, until: str, **more: Any) -> Shift:
    return Shift(person=person, since=time.fromisoformat(since), until=time.fromisoformat(until), **more)


def names(plan: OnCall, at: datetime) -> list[str]:
    return [person.name for person in alarms.on_call(plan, at)]


def test_without_shifts_everybody_is_on_call_in_their_order() -> None:
    assert names(PLAN, NOW) == ["ann", "ben", "eva"]


def test_the_order_of_shifts_says_who_is_first_and_nobody_is_named_twice() -> None:
    plan = OnCall(
        people=(ANN, BEN, EVA),
        shifts=(
            shift("eva", "00:00", "00:00", order=3),
            shift("ann", "08:00", "20:00", order=2),
            shift("ben", "08:00", "20:00", order=1),
            shift("ben", "10:00", "14:00", order=3),
        ),
    )
    assert names(plan, NOW) == ["ben", "ann", "eva"]
    assert names(plan, NOW.replace(hour=20)) == ["eva"]


def test_a_shift_over_midnight_is_of_the_day_on_which_it_begins() -> None:
    friday_night = OnCall(people=(ANN,), shifts=(shift("ann", "20:00", "08:00", days=frozenset({4})),))
    # 9 August 2024 is a Friday.
    for hour, on in ((19, False), (20, True), (23, True)):
        assert bool(names(friday_night, NOW.replace(hour=hour))) is on
    for hour, on in ((0, True), (7, True), (8, False), (20, False)):
        assert bool(names(friday_night, NOW.replace(day=10, hour=hour))) is on
    assert names(friday_night, NOW.replace(hour=7)) == []


def test_hours_are_those_of_the_zone_in_summer_and_in_winter() -> None:
    plan = OnCall(people=(ANN,), shifts=(shift("ann", "08:00", "20:00", zone="Europe/Kyiv"),))
    assert names(plan, datetime(2024, 8, 9, 5, tzinfo=UTC)) == ["ann"]
    assert names(plan, datetime(2024, 12, 9, 5, tzinfo=UTC)) == []
    assert names(plan, datetime(2024, 12, 9, 6, tzinfo=UTC)) == ["ann"]


@given(
    MOMENTS,
    st.times().map(lambda t: t.replace(second=0, microsecond=0, fold=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0, fold=0)),
    st.sampled_from(["UTC", "Europe/Kyiv", "Europe/Moscow", "America/New_York", "Australia/Lord_Howe"]),
)
def test_two_shifts_that_meet_leave_no_gap_and_never_overlap_whatever_the_clocks_do(
    at: datetime, one: time, other: time, zone: str
) -> None:
    plan = OnCall(
        people=(ANN, BEN),
        shifts=(
            Shift(person="ann", since=one, until=other, zone=zone),
            Shift(person="ben", since=other, until=one, zone=zone),
        ),
    )
    assert set(names(plan, at)) == {"ann", "ben"} if one == other else len(names(plan, at)) == 1


@given(MOMENTS)
def test_quiet_hours_end_when_they_say_and_critical_never_waits(at: datetime) -> None:
    person = Person(name="ann", zone="Europe/Kyiv")
    quiet = Quiet(time(23), time(7))
    assert alarms.quiet_until(quiet, person, Severity.CRITICAL, at) is None
    until = alarms.quiet_until(quiet, person, Severity.WARNING, at)
    local = at.astimezone(ZoneInfo("Europe/Kyiv"))
    assert (until is not None) is (local.hour >= 23 or local.hour < 7)
    if until is not None:
        assert until > at
        assert until.astimezone(ZoneInfo("Europe/Kyiv")).time() == time(7)
        assert alarms.quiet_until(quiet, person, Severity.WARNING, until) is None


def test_what_wakes_is_said_by_the_quiet_hours() -> None:
    at = NOW.replace(hour=3)
    assert alarms.quiet_until(Quiet(time(0), time(7), Severity.WARNING), ANN, Severity.WARNING, at) is None
    assert alarms.quiet_until(Quiet(time(0), time(7), Severity.WARNING), ANN, Severity.INFO, at) is not None
    assert alarms.quiet_until(None, ANN, Severity.INFO, at) is None


def test_a_severity_takes_some_of_a_persons_routes() -> None:
    person = Person(name="ann", routes=("mail", "ntfy"))
    plan = OnCall(people=(person,), routes={Severity.INFO: (), Severity.CRITICAL: ("ntfy", "slack")})
    assert alarms.routes_for(plan, person, Severity.INFO) == ()
    assert alarms.routes_for(plan, person, Severity.WARNING) == ("mail", "ntfy")
    assert alarms.routes_for(plan, person, Severity.CRITICAL) == ("ntfy",)


# --- when a notice goes -------------------------------------------------------------------------------------


def waits(
    first: float, last: float | None = None, *, severity: Severity = Severity.WARNING, **more: Any
) -> Waiting:
    """Alerts of which the first came so many seconds ago, and the last so many."""
    role = more.pop("role", AlertRole.RAISED)
    ago = timedelta(seconds=first), timedelta(seconds=first if last is None else last)
    return Waiting(role, severity, more.pop("count", 1), NOW - ago[0], NOW - ago[1], **more)


def goes(plan: OnCall, *waiting: Waiting, made: tuple[Made, ...] = ()) -> list[tuple[str, int]]:
    found = alarms.drafts(plan, waiting, made, now=NOW)
    return [(draft.person.name, len(draft.parts)) for draft in found.now]


def test_a_group_goes_once_nothing_new_came_and_to_the_first_on_call_alone() -> None:
    assert goes(PLAN, waits(1.9)) == []
    assert goes(PLAN, waits(2)) == [("ann", 1)]
    assert goes(PLAN, waits(60, 1)) == []
    assert goes(PLAN, waits(90, 0)) == [("ann", 1)]
    assert goes(PLAN, waits(2), waits(1, severity=Severity.CRITICAL)) == []
    assert goes(PLAN, waits(3), waits(2, severity=Severity.CRITICAL)) == [("ann", 2)]
    assert goes(PLAN) == []


def test_many_are_given_longer_to_go_on_and_what_is_critical_is_not_held_up() -> None:
    assert goes(PLAN, waits(5, 2, count=20)) == [("ann", 1)]
    assert goes(PLAN, waits(12, 9, count=21)) == []
    assert goes(PLAN, waits(12, 10, count=21)) == [("ann", 1)]
    assert goes(PLAN, waits(90, 0, count=21)) == [("ann", 1)]
    assert goes(PLAN, waits(12, 2, count=10_000, severity=Severity.CRITICAL)) == [("ann", 1)]


def test_while_a_burst_is_on_its_way_a_group_goes_on_but_for_what_is_critical() -> None:
    def coming(*waiting: Waiting) -> int:
        return len(alarms.drafts(PLAN, waiting, (), now=NOW, coming=True).now)

    assert coming(waits(89, 60)) == 0
    assert coming(waits(90, 60)) == 1
    assert coming(waits(5), waits(2, severity=Severity.CRITICAL)) == 1


def test_it_is_known_when_the_next_goes() -> None:
    found = alarms.drafts(PLAN, [waits(0.5)], (), now=NOW)
    assert (found.now, found.next_at) == ((), NOW + timedelta(seconds=1.5))


@given(st.lists(st.floats(0, 60), min_size=1, max_size=60))
def test_whatever_comes_within_a_minute_is_one_notice(offsets: list[float]) -> None:
    """Played second by second, as the step does: each notice takes all that waits."""
    arrivals = sorted(NOW + timedelta(seconds=offset) for offset in offsets)
    gaps = [b - a for a, b in pairwise(arrivals)]
    steady = all(gap < PLAN.limits.group for gap in gaps)
    at, sent, told = NOW, 0, 0
    while at < NOW + timedelta(minutes=4):
        here = [one for one in arrivals if one <= at][told:]
        if here:
            part = Waiting(AlertRole.RAISED, Severity.WARNING, len(here), here[0], here[-1])
            if alarms.drafts(PLAN, [part], (), now=at).now:
                sent, told = sent + 1, told + len(here)
        at += timedelta(seconds=0.5)
    assert told == len(arrivals)
    assert sent == 1 if steady else sent >= 1


def test_with_nobody_on_call_it_waits() -> None:
    plan = OnCall(people=(ANN,), shifts=(shift("ann", "00:00", "01:00"),))
    assert alarms.drafts(plan, [waits(5)], (), now=NOW) == alarms.Drafts((), None)


def test_what_nobody_claims_goes_to_the_next_who_was_not_told() -> None:
    escalated: dict[str, Any] = {"role": AlertRole.ESCALATED}
    assert goes(PLAN, waits(2, told=frozenset({"ann"}), **escalated)) == [("ben", 1)]
    assert goes(PLAN, waits(2, told=frozenset({"ann", "ben"}), **escalated)) == [("eva", 1)]
    assert goes(PLAN, waits(2, told=frozenset({"ann", "ben", "eva"}), **escalated)) == []
    assert alarms.escalates(PLAN, frozenset({"ann"}))
    assert not alarms.escalates(PLAN, frozenset({"ann", "ben", "eva"}))


def test_what_is_resolved_goes_to_whoever_was_told_and_can_wait() -> None:
    resolved: dict[str, Any] = {"role": AlertRole.RESOLVED, "told": frozenset({"ann", "eva", "gone"})}
    assert goes(PLAN, waits(89, **resolved)) == []
    assert goes(PLAN, waits(90, **resolved)) == [("ann", 1), ("eva", 1)]
    # With something new it goes at once.
    assert goes(PLAN, waits(4, **resolved), waits(2)) == [("ann", 2)]


def test_in_quiet_hours_only_what_wakes_goes_and_takes_the_rest_with_it() -> None:
    plan = OnCall(people=(ANN,), quiet=Quiet(time(11), time(13)))
    found = alarms.drafts(plan, [waits(5)], (), now=NOW)
    assert (found.now, found.next_at) == ((), NOW.replace(hour=13))
    assert goes(plan, waits(5), waits(2, severity=Severity.CRITICAL)) == [("ann", 2)]
    assert goes(plan, waits(999, role=AlertRole.RESOLVED, told=frozenset({"ann"}))) == []
    critical = waits(999, role=AlertRole.RESOLVED, told=frozenset({"ann"}), severity=Severity.CRITICAL)
    assert goes(plan, critical) == []


def test_no_more_than_so_many_an_hour_and_a_third_is_kept_for_what_is_critical() -> None:
    four = tuple(Made("ann", NOW - minutes * MINUTE) for minutes in (50, 40, 30, 20))
    six = (*four, Made("ann", NOW - 10 * MINUTE), Made("ann", NOW - 5 * MINUTE))
    assert goes(PLAN, waits(5), made=four[1:]) == [("ann", 1)]
    found = alarms.drafts(PLAN, [waits(5)], four, now=NOW)
    assert (found.now, found.next_at) == ((), NOW + 10 * MINUTE)
    assert goes(PLAN, waits(5, severity=Severity.CRITICAL), made=four) == [("ann", 1)]
    found = alarms.drafts(PLAN, [waits(5, severity=Severity.CRITICAL)], six, now=NOW)
    assert (found.now, found.next_at) == ((), NOW + 10 * MINUTE)
    assert goes(PLAN, waits(5), made=tuple(Made("ben", one.at) for one in six)) == [("ann", 1)]
    assert goes(PLAN, waits(5), made=tuple(Made("ann", one.at - HOUR) for one in six)) == [("ann", 1)]


@given(
    st.lists(st.tuples(st.integers(1, 3600 * 4), st.sampled_from(list(Severity))), min_size=1, max_size=80),
    st.integers(1, 6),
)
def test_never_more_than_so_many_in_any_hour_and_nothing_is_left_out(
    arrivals: list[tuple[int, Severity]], an_hour: int
) -> None:
    plan = OnCall(people=(ANN,), limits=Limits(an_hour=an_hour))
    waiting = [(NOW + timedelta(seconds=s), severity) for s, severity in arrivals]
    made: list[Made] = []
    at = NOW
    while waiting:
        parts = []
        for severity in Severity:
            here = sorted(since for since, grave in waiting if grave is severity and since <= at)
            if here:
                parts.append(Waiting(AlertRole.RAISED, severity, len(here), here[0], here[-1]))
        if alarms.drafts(plan, parts, [one for one in made if one.at > at - HOUR], now=at).now:
            made.append(Made("ann", at))
            waiting = [one for one in waiting if one[0] > at]
        at += timedelta(seconds=30)
        assert at < NOW + timedelta(hours=8)
    for one in made:
        assert sum(one.at - HOUR < other.at <= one.at for other in made) <= an_hour
