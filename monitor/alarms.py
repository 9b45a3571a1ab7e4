"""Pure: what raises an alert, whom it is told, and when a notice goes. No clock, no database.

a case         a topic or a figure of the thresholds, while nobody has it → topic, figure
               an official's channel edited or deleted a post with figures → official, critical
our working    watches, channels, accounts, jobs, the disk, digests and routes → each once while it lasts
whom           the first on call; after `unclaimed` minutes the next who was not told, or who comes then; what is resolved, whoever was
when           once nothing new came for `group`, and `longest` after the first; not in quiet hours unless it wakes;
               at most `an_hour` to a person, of which a third is kept for what is critical
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.errors import UsageError
from monitor.model import (
    AccountFact,
    Alarm,
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
    Severity,
    Shift,
    Thresholds,
    WaitFact,
    Waiting,
    WatchFact,
    Working,
    handle_of,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# The kinds that a case raises; all others come and go with how the product itself works.
TOPIC, FIGURE, OFFICIAL = "topic", "figure", "official"
CASE_KINDS = (TOPIC, FIGURE, OFFICIAL)
SILENT, WATCH, SESSION, BANNED, FLOOD = "silent", "watch", "session", "banned", "flood"
JOB, DISK, DIGEST, ROUTE = "job", "disk", "digest", "route"
WORKING_KINDS = (SILENT, WATCH, SESSION, BANNED, FLOOD, JOB, DISK, DIGEST, ROUTE)
KINDS = (*CASE_KINDS, *WORKING_KINDS)
# What an alert of each kind is of, as its subject is written.
_OF_CASE, _OF_CHANNEL = "a case, as case/7, or a channel, as @rybar", "a channel, as @rybar"
SUBJECTS = {
    **dict.fromkeys(CASE_KINDS, _OF_CASE),
    **dict.fromkeys((SILENT, WATCH), _OF_CHANNEL),
    **dict.fromkeys((SESSION, BANNED), "an account, as monitor status names it"),
    FLOOD: "an account, or an account and a request, as main/messages.getHistory",
    JOB: "a step, as flag or collect:preview",
    DISK: "data",
    DIGEST: "the end of its window, as 2024-08-09T05:00Z",
    ROUTE: "a route, as mail",
}
EDITED, DELETED = "edited", "deleted"
_CASE = re.compile(r"case(/[0-9]+(/[0-9]+(/(v[0-9]+|deleted))?)?)?")
_WAITING = (CaseState.OPEN, CaseState.SECOND_LOOK, CaseState.ESCALATED)
_GIGABYTE = 1e9
# A job may take its time over one run; the worker itself breaks off what takes longer.
_LEAST_MISSED = timedelta(minutes=15)
_FAILURES = 3
_TRIES_OF_A_JOB = 3
# So many alerts are a burst, which is given several times as long to go on.
_MANY, _PATIENCE = 20, 5


# --- what raises an alert -----------------------------------------------------------------------------------


def of_case(happened: Happened, thresholds: Thresholds) -> Alarm | None:
    """The alarm that what happened to a case raises: the gravest one, if any."""
    changed = happened.kind in (EDITED, DELETED)
    if thresholds.official and happened.official and changed and happened.figures:
        mark = f"v{happened.version}" if happened.kind == EDITED else DELETED
        subject = f"case/{happened.case_id}/{happened.message_id}/{mark}"
        return _of_post(happened, OFFICIAL, subject, severity=Severity.CRITICAL, told={"what": happened.kind})
    if happened.state not in _WAITING or happened.held or happened.kind == DELETED:
        return None
    subject = f"case/{happened.case_id}"
    if thresholds.figure is not None and happened.largest >= max(thresholds.figure, 1):
        return _of_post(
            happened, FIGURE, subject, severity=Severity.WARNING, told={"figure": happened.largest}
        )
    hit = sorted(thresholds.topics.intersection(happened.topics))
    return (
        _of_post(happened, TOPIC, subject, severity=Severity.WARNING, told={"topics": hit}) if hit else None
    )


def _of_post(
    happened: Happened, kind: str, subject: str, *, severity: Severity, told: Mapping[str, object]
) -> Alarm:
    about = {
        "handle": happened.handle,
        "title": happened.title,
        "quote": happened.quote,
        "posted_at": happened.posted_at.isoformat() if happened.posted_at else None,
    }
    return Alarm(
        kind=kind,
        subject=subject,
        severity=severity,
        told={name: value for name, value in (*about.items(), *told.items()) if value},
        case_id=happened.case_id,
        channel_id=happened.channel_id,
        message_id=happened.message_id,
        stored_at=happened.stored_at,
    )


def of_working(working: Working, limits: Limits, *, now: datetime) -> tuple[Alarm, ...]:
    """All that somebody must know of how the product works now; what is not in it is well again."""
    found = [_of_watch(watch, limits, now) for watch in working.watches]
    found += [_of_account(account) for account in working.accounts]
    found += [_of_wait(wait, limits, now) for wait in working.waits]
    found += [_of_job(job, now) for job in working.jobs]
    found += [_of_digest(digest, now) for digest in working.digests]
    found += [
        _alarm(ROUTE, fact.route, Severity.CRITICAL, error=fact.error, since=fact.at.isoformat())
        for fact in working.routes
    ]
    found.append(_of_disk(working.free, limits))
    return tuple({(one.kind, one.subject): one for one in found if one is not None}.values())


def _alarm(kind: str, subject: str, severity: Severity, **told: object) -> Alarm:
    return Alarm(
        kind=kind,
        subject=subject,
        severity=severity,
        told={name: value for name, value in told.items() if value is not None},
    )


def _of_watch(watch: WatchFact, limits: Limits, now: datetime) -> Alarm | None:
    if watch.problem is not None:
        since = watch.problem_since or now
        if not watch.stopped and now - since < limits.failing:
            return None
        return _alarm(
            WATCH, watch.handle, Severity.WARNING, error=watch.problem_text, since=since.isoformat()
        )
    # A channel is silent only as far as somebody looked.
    if watch.stopped or watch.gap is None or watch.last_ok_at is None or watch.last_post_at is None:
        return None
    norm = max(watch.gap * limits.silent_times, limits.silent_least)
    if watch.last_ok_at - watch.last_post_at <= norm:
        return None
    return _alarm(
        SILENT,
        watch.handle,
        Severity.WARNING,
        since=watch.last_post_at.isoformat(),
        gap=int(watch.gap.total_seconds()),
    )


def _of_account(account: AccountFact) -> Alarm | None:
    kind = {"session_lost": SESSION, "account_banned": BANNED}.get(account.problem)
    if kind is None:
        return None
    since = account.since.isoformat() if account.since else None
    return _alarm(kind, account.name, Severity.CRITICAL, error=account.words, since=since)


def _of_wait(wait: WaitFact, limits: Limits, now: datetime) -> Alarm | None:
    if wait.until <= now or wait.until - wait.asked_at <= limits.flood:
        return None
    subject = f"{wait.account}/{wait.request}"
    return _alarm(FLOOD, subject, Severity.WARNING, until=wait.until.isoformat())


def ails(job: JobState, now: datetime) -> bool:
    """Whether a job failed again and again, or has not run well for long."""
    missed = max(timedelta(seconds=job.seconds) * _TRIES_OF_A_JOB, _LEAST_MISSED)
    return job.failures >= _FAILURES or now - job.well_at > missed


def _of_job(job: JobState, now: datetime) -> Alarm | None:
    if not ails(job, now):
        return None
    return _alarm(JOB, job.name, Severity.CRITICAL, error=job.error, since=job.well_at.isoformat())


def _of_digest(digest: DigestFact, now: datetime) -> Alarm | None:
    late = digest.late if now - digest.until > HOUR else 0
    if not (digest.failed or digest.in_doubt or late):
        return None
    return _alarm(
        DIGEST,
        f"{digest.until.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        Severity.CRITICAL,
        failed=digest.failed,
        in_doubt=digest.in_doubt,
        late=late,
    )


def _of_disk(free: int | None, limits: Limits) -> Alarm | None:
    if free is None or free >= limits.disk_free_gb * _GIGABYTE:
        return None
    return _alarm(DISK, "data", Severity.CRITICAL, free=free)


def subject_of(kind: str | None, written: str) -> str:
    """A subject as alerts of a kind, or of any, have it: of a channel its handle, however it was written.

    Raises UsageError for what no alert of the kind can be of.
    """
    subject = written.strip()
    channel = subject.startswith(("@", "http://", "https://", "t.me/"))
    if kind in (SILENT, WATCH) or (channel and kind in (None, *CASE_KINDS)):
        return handle_of(subject)
    other = kind in CASE_KINDS and not _CASE.fullmatch(subject)
    if kind is not None and (channel or other or (kind == DISK and subject != "data")):
        raise UsageError(
            f"no alert of {kind} is of {subject}",
            f"its subject is {SUBJECTS[kind]}",
            "see: monitor alerts list",
        )
    return subject


# --- who is told --------------------------------------------------------------------------------------------


def on_call(plan: OnCall, at: datetime) -> tuple[Person, ...]:
    """Who is on call at a time, the first to be told first; each person once."""
    if not plan.shifts:
        return plan.people
    running = sorted(shift.order for shift in plan.shifts if _runs(shift, at))
    by_name = {person.name: person for person in plan.people}
    named = [
        shift.person
        for order in dict.fromkeys(running)
        for shift in plan.shifts
        if shift.order == order and _runs(shift, at)
    ]
    return tuple(by_name[name] for name in dict.fromkeys(named))


def _runs(shift: Shift, at: datetime) -> bool:
    """Whether a shift runs at a time: it began today or, over midnight, yesterday, by the clock of its zone."""
    zone = ZoneInfo(shift.zone)
    today = at.astimezone(zone).date()
    for day in (today - DAY, today):
        if day.weekday() in shift.days:
            ends = day if shift.until > shift.since else day + DAY
            begins_at = datetime.combine(day, shift.since, zone).astimezone(UTC)
            if begins_at <= at < datetime.combine(ends, shift.until, zone).astimezone(UTC):
                return True
    return False


def quiet_until(quiet: Quiet | None, person: Person, severity: Severity, at: datetime) -> datetime | None:
    """When a person's quiet hours end, if they are running and what matters so much does not wake; else None."""
    if quiet is None or severity is Severity.CRITICAL or severity.at_least(quiet.wakes):
        return None
    if not _runs(Shift(person=person.name, since=quiet.since, until=quiet.until, zone=person.zone), at):
        return None
    return _next(quiet.until, ZoneInfo(person.zone), at)


def _next(clock: time, zone: ZoneInfo, at: datetime) -> datetime:
    today = at.astimezone(zone).date()
    times = (datetime.combine(day, clock, zone).astimezone(UTC) for day in (today, today + DAY))
    return next(one for one in times if one > at)


def routes_for(plan: OnCall, person: Person, severity: Severity) -> tuple[str, ...]:
    """By which routes a person is told what matters so much."""
    taken = plan.routes.get(severity)
    return person.routes if taken is None else tuple(route for route in person.routes if route in taken)


# --- when a notice goes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice to be made: for whom, and of what. Its severity is the highest of what is new in it."""

    person: Person
    parts: tuple[Waiting, ...]

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return _gravest(self.parts)


class Drafts(NamedTuple):
    """The notices that go now, and when the next one will, as far as that is known."""

    now: tuple[Draft, ...]
    next_at: datetime | None


def drafts(
    plan: OnCall, waiting: Iterable[Waiting], made: Sequence[Made], *, now: datetime, coming: bool = False
) -> Drafts:
    """What is to be told now, one notice a person, and when to look again; `coming` says that a burst is on its way."""
    by_person: dict[str, list[Waiting]] = {}
    people = {person.name: person for person in plan.people}
    for part in waiting:
        for person in _told_to(plan, part, now):
            by_person.setdefault(person.name, []).append(part)
    ready, later = [], []
    for name, parts in by_person.items():
        draft = Draft(people[name], tuple(parts))
        over = _group_over(plan, draft, coming=coming, now=now)
        at = max(over, _allowed_at(plan, draft, [one.at for one in made if one.person == name], now))
        if at <= now:
            ready.append(draft)
        else:
            later.append(at)
    return Drafts(tuple(ready), min(later, default=None))


def _told_to(plan: OnCall, part: Waiting, now: datetime) -> Iterable[Person]:
    if part.role is AlertRole.RESOLVED:
        return (person for person in plan.people if person.name in part.told)
    return [person for person in on_call(plan, now) if person.name not in part.told][:1]


def _gravest(parts: Iterable[Waiting]) -> Severity:
    """What is resolved wakes nobody."""
    return max(
        (Severity.INFO if part.role is AlertRole.RESOLVED else part.severity for part in parts),
        key=list(Severity).index,
    )


def _allowed_at(plan: OnCall, draft: Draft, made: Sequence[datetime], now: datetime) -> datetime:
    """When a person may be told again, so that they are not told too often."""
    an_hour = plan.limits.an_hour
    allowed = an_hour if draft.severity is Severity.CRITICAL else an_hour - an_hour // 3
    recent = sorted(one for one in made if one > now - HOUR)
    return recent[-allowed] + HOUR if len(recent) >= allowed else now


def _group_over(plan: OnCall, draft: Draft, *, coming: bool, now: datetime) -> datetime:
    """When nothing more is to be waited for: what wakes ends the wait, and takes the rest with it."""
    waking = [
        part for part in draft.parts if quiet_until(plan.quiet, draft.person, _gravest([part]), now) is None
    ]
    parts = waking or draft.parts
    first, last = min(part.first_at for part in parts), max(part.last_at for part in parts)
    over = min(last + _pause(parts, plan.limits, coming=coming), first + plan.limits.longest)
    until = None if waking else quiet_until(plan.quiet, draft.person, draft.severity, now)
    return max(over, until) if until else over


def _pause(parts: Sequence[Waiting], limits: Limits, *, coming: bool) -> timedelta:
    """How long nothing new must come: long where nobody waits for it, or where it is many."""
    if any(part.severity is Severity.CRITICAL and part.role is not AlertRole.RESOLVED for part in parts):
        return limits.group
    if coming or all(part.role is AlertRole.RESOLVED for part in parts):
        return limits.longest
    return limits.group * _PATIENCE if sum(part.count for part in parts) > _MANY else limits.group


def escalates(plan: OnCall, told: frozenset[str]) -> bool:
    """Whether anybody on the list is left who was not told; with none of them on call now it waits for whoever comes."""
    return any(person.name not in told for person in plan.people)
