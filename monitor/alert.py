"""The step that raises alerts of cases, and makes notices of all alerts.

    until nothing is due:
        take what happened to cases; raise what passes a threshold
    resolve the alerts of cases that somebody has, or has dealt with
    whatever is to be told now, to whom it is to be told: a notice, and a delivery for each of its routes

A notice is written with its deliveries in one transaction, so none is lost or made twice; another step hands it over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor import alarms, notice_texts
from monitor.model import Alert, AlertRole, Clock, OnCall, Person, Severity, Waiting
from monitor.notice_texts import SHOWN, Part
from monitor.store import alerts, notices
from monitor.store.database import Database, Transaction

BATCH = 1000
# So many posts that wait to be read, or to be put into cases, are a burst whose alerts are one notice.
BURST = 50
TEST = "test"
# How long the news stands that an official's post changed, where nobody takes up its case.
LASTING = timedelta(days=1)


@dataclass(slots=True)
class Alerted:
    """What a run did; `next_at` is when there will be something to tell, as far as that is known."""

    raised: int = 0
    resolved: int = 0
    notices: int = 0
    next_at: datetime | None = None

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"raised": self.raised, "resolved": self.resolved, "notices": self.notices}


@dataclass(frozen=True, slots=True)
class Sender:
    """Of whom notices speak: the host of their message ids, and where the review site is reached, if it is known."""

    host: str = "localhost"
    public_url: str | None = None


async def alert(database: Database, plan: OnCall, *, now: Clock, sender: Sender) -> Alerted:
    """Raise, resolve and tell what is due. With nobody on the list alerts are raised and shown, and nobody is told."""
    done = Alerted()
    more = True
    while more:
        async with database.transaction() as tx:
            count, happened = await alerts.take(tx, now=now(), limit=BATCH)
            found = (alarms.of_case(one, plan.thresholds) for one in happened)
            done.raised += await alerts.raise_(tx, [one for one in found if one is not None], now=now())
            more = count == BATCH
    async with database.transaction() as tx:
        done.resolved = await alerts.resolve_cases(tx, alarms.CASE_KINDS, now=now(), lasting=LASTING)
        if plan.people:
            await _Desk(tx, plan, sender, now()).tell(done)
    return done


@dataclass(frozen=True, slots=True)
class _Desk:
    """One transaction in which notices are made."""

    tx: Transaction
    plan: OnCall
    sender: Sender
    now: datetime

    async def tell(self, done: Alerted) -> None:
        """Make the notices that go now, and note when the next will."""
        waiting = [part for part in await notices.waiting(self.tx, now=self.now) if await self._goes_on(part)]
        made = await notices.made_since(self.tx, self.now - alarms.HOUR)
        coming = await notices.burst(self.tx, of=BURST)
        ready = alarms.drafts(self.plan, waiting, made, now=self.now, coming=coming)
        for draft in ready.now:
            await self._make(draft.person, draft.severity, draft.parts)
        await notices.settle_resolved(self.tx, [person.name for person in self.plan.people], now=self.now)
        done.notices = len(ready.now)
        times = (ready.next_at, await notices.next_escalation(self.tx, now=self.now))
        done.next_at = min((at for at in times if at is not None and at > self.now), default=None)

    async def _goes_on(self, part: Waiting) -> bool:
        """Whether anybody is left to be told; an escalation of which everybody on the list was told is over."""
        if part.role is AlertRole.ESCALATED and not alarms.escalates(self.plan, part.told):
            taken = await notices.take(self.tx, part, now=self.now)
            await notices.stop_escalating(self.tx, taken.ids)
            return False
        return True

    async def _make(self, person: Person, severity: Severity, parts: Sequence[Waiting]) -> None:
        taken = [(part.role, await notices.take(self.tx, part, now=self.now)) for part in parts]
        shown = [
            Part(role, len(one.ids), one.kinds, await alerts.first_of(self.tx, one.ids, limit=SHOWN))
            for role, one in taken
        ]
        worded = notice_texts.worded(person, severity, _merged(shown), public_url=self.sender.public_url)
        notice_id = await _add(self.tx, person, worded, kind=_kind(parts), severity=severity, now=self.now)
        for role, one in taken:
            await notices.tell(
                self.tx, notice_id, role, one.ids, now=self.now, escalate_after=self.plan.limits.unclaimed
            )
        routes = alarms.routes_for(self.plan, person, severity)
        await notices.plan(self.tx, notice_id, person, routes=routes, host=self.sender.host, now=self.now)


def _merged(parts: Sequence[Part]) -> list[Part]:
    """One part a role: groups of one role differ only in how grave they are, or in who was told."""
    found = []
    for role in AlertRole:
        own = [part for part in parts if part.role is role]
        if own:
            kinds: dict[str, int] = {}
            for part in own:
                for kind, count in part.kinds.items():
                    kinds[kind] = kinds.get(kind, 0) + count
            first = sorted((one for part in own for one in part.first), key=_gravest_first)
            found.append(Part(role, sum(part.count for part in own), kinds, first))
    return found


def _gravest_first(one: Alert) -> tuple[int, int]:
    return -list(Severity).index(one.severity), one.alert_id


def _kind(parts: Sequence[Waiting]) -> str:
    roles = {part.role for part in parts}
    first: AlertRole = next(role for role in (AlertRole.ESCALATED, *AlertRole) if role in roles)
    return first.value


async def _add(
    tx: Transaction,
    person: Person,
    worded: notice_texts.Worded,
    *,
    kind: str,
    severity: Severity,
    now: datetime,
) -> int:
    return await notices.add(
        tx,
        person,
        kind=kind,
        severity=severity,
        subject=worded.subject,
        body=worded.body,
        told=worded.told,
        now=now,
    )


async def test(database: Database, people: Sequence[Person], *, now: datetime, sender: Sender) -> list[int]:
    """Plan a test notice to each of these people by all their routes; gives the ids of the notices."""
    made = []
    async with database.transaction() as tx:
        for person in people:
            worded = notice_texts.trial_notice(person)
            made.append(await _add(tx, person, worded, kind=TEST, severity=Severity.INFO, now=now))
            await notices.plan(tx, made[-1], person, routes=person.routes, host=sender.host, now=now)
    return made
