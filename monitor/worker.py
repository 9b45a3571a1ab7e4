"""Which step runs when, and how the worker starts and stops.

Every step asks the database what is due, so a schedule here is only how often it asks. One worker at a
time holds an advisory lock. On the way out no new run begins, and those under way are waited for: the
scheduler itself would cancel them.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor import (
    alarms,
    alert,
    collect,
    deliver,
    digest,
    fetch,
    flag,
    hand_over,
    index,
    maintain,
    notify,
    oversee,
    recheck,
    review,
)
from monitor.alert import Sender
from monitor.errors import DatabaseError, MonitorError, NotifyError
from monitor.extraction import Rules, RuleTexts
from monitor.looks import Collected
from monitor.mail import MailOptions
from monitor.model import Clock, JobState, OnCall, Priority, Reader
from monitor.notify import Route
from monitor.sources import Source
from monitor.store import handing, runs
from monitor.store.database import WORKER_LOCK, Database

log = structlog.get_logger()
# A step that still runs when its tick comes is meant to; the scheduler would warn of each.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


class Done(Protocol):
    """What a step gives: it can count what it did."""

    def numbers(self) -> dict[str, int]:
        """The counts, by what was counted."""
        ...


Step = Callable[[], Awaitable[Done]]
D = TypeVar("D", bound=Done)
Heard = Callable[[str, Mapping[str, int]], Awaitable[None]]
LONGEST_RUN = 600.0
# Reading goes on in a further run after so long, so that a long one is not taken for one that hangs.
READING_TURN = timedelta(minutes=5)
# A run that is broken off leaves a mail in doubt.
SENDING_TURN = timedelta(minutes=5)
# Containers are killed 30 s after they were asked to stop.
PATIENCE = 15.0
# How often it is asked, in seconds, whether a reader's hour has come.
DIGEST_EVERY = 15.0
# How often it is asked how the product works, and the dead man's switch is held down.
MINUTE = 60.0
States = Callable[[], Sequence[JobState]]


async def _hear_nothing(step: str, counts: Mapping[str, int]) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Job:
    """A step on the schedule: its name, the source that it looks with, seconds between two runs, what it does."""

    step: str
    seconds: float
    run: Step
    source: str = ""

    @property
    def name(self) -> str:
        """One word for the job: the step, and the source where there is one."""
        return f"{self.step}:{self.source}" if self.source else self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker works with. `proving` is the source that can prove that an id holds no post. `heard` is told of every run that did something; `tick` is in seconds.

    `on_call` says who is told of alerts, `place` is where the data lie, `heartbeat` the address of a dead man's switch, `routes` hand notices over, and `mail` is the server for mails. `readers` get the digest, whose links go to `public_url`. `keeping` says for how long what is derived or droppable stays.
    """

    database: Database
    sources: Sequence[Source]
    rules: Rules
    texts: RuleTexts
    now: Clock
    proving: Source | None = None
    files: fetch.Files | None = None
    priority: Priority = field(default_factory=Priority)
    tick: float = 2.0
    heard: Heard = field(default=_hear_nothing)
    on_call: OnCall = field(default_factory=OnCall)
    sender: Sender = field(default_factory=Sender)
    place: Path | None = None
    heartbeat: str | None = None
    routes: Mapping[str, Route] = field(default_factory=dict)
    mail: MailOptions | None = None
    readers: Sequence[Reader] = ()
    public_url: str | None = None
    keeping: maintain.Keeping = field(default_factory=maintain.Keeping)

    def jobs(
        self, hint: Callable[[str], None], stopping: Callable[[], bool], states: States = tuple
    ) -> list[Job]:
        """What there is to do, until `stopping`. Whatever is stored is read at once: `hint` is called with the name of that step.

        `states` tells how the jobs themselves go.
        """
        jobs = [
            Job("flag", self.tick, partial(self._flag, stopping, partial(hint, "review"))),
            Job("review", self.tick, partial(self._review, stopping, partial(hint, "alert"))),
            Job("alert", self.tick, partial(self._alert, hint)),
            Job("oversee", MINUTE, partial(self._oversee, states, partial(hint, "alert"))),
            Job("digest", DIGEST_EVERY, partial(self._digest, partial(hint, "deliver"))),
            Job("deliver", self.tick, partial(self._deliver, stopping)),
            Job("hand_over", self.tick, self._hand_over),
            Job("index", self.tick, partial(self._index, stopping)),
            Job(
                "maintain",
                86400.0,
                partial(maintain.maintain, self.database, now=self.now, keeping=self.keeping),
            ),
        ]
        if self.heartbeat is not None:
            jobs.append(Job("heartbeat", MINUTE, Heart(self.heartbeat, states, self.now).beat))
        for source in self.sources:
            jobs += self._looking(source, partial(hint, "flag"))
        if self.proving is not None:
            fill = partial(
                recheck.fill, self.database, self.proving, now=self.now, stored=partial(hint, "flag")
            )
            jobs.append(Job("fill", self.tick, partial(_told, fill), self.proving.name))
        if self.files is not None:
            jobs.append(
                Job("fetch", self.tick, partial(fetch.fetch, self.database, self.files, now=self.now))
            )
        return jobs

    def _looking(self, source: Source, stored: Callable[[], None]) -> list[Job]:
        """The steps that look through a source; each has a turn of its own, so that none waits for another."""
        base, now = self.database, self.now
        live = partial(collect.live, base, source, now=now, stored=stored)
        older = partial(collect.backfill, base, source, now=now, stored=stored)
        again = partial(recheck.recheck, base, source, now=now, stored=stored)
        return [
            Job(step, self.tick, partial(_told, run), source.name)
            for step, run in (("collect", live), ("backfill", older), ("recheck", again))
        ]

    async def _flag(self, stopping: Callable[[], bool], read: Callable[[], None]) -> Done:
        until = self.now() + READING_TURN
        return await flag.flag(
            self.database,
            self.rules,
            self.texts,
            now=self.now,
            stored=lambda done: read(),
            stop=lambda: stopping() or self.now() >= until,
        )

    async def _index(self, stopping: Callable[[], bool]) -> Done:
        until = self.now() + READING_TURN
        return await index.index(
            self.database,
            now=self.now,
            regex_months=self.keeping.regex_months,
            stop=lambda: stopping() or self.now() >= until,
        )

    async def _review(self, stopping: Callable[[], bool], made: Callable[[], None]) -> Done:
        done = await review.review(self.database, self.priority, now=self.now, stop=stopping)
        if any(done.numbers().values()):
            made()
        return done

    async def _alert(self, hint: Callable[[str], None]) -> Done:
        done = await alert.alert(self.database, self.on_call, now=self.now, sender=self.sender)
        if done.notices:
            hint("hand_over")
            hint("deliver")
        wait = (done.next_at - self.now()).total_seconds() if done.next_at else self.tick
        # What goes before the next tick need not wait for it.
        if wait < self.tick:
            asyncio.get_running_loop().call_later(max(wait, 0.0), hint, "alert")
        return done

    async def _digest(self, composed: Callable[[], None]) -> Done:
        host = self.mail.sender.address.rpartition("@")[2] if self.mail else "localhost"
        done = await digest.digest(
            self.database, self.readers, host=host, public_url=self.public_url, now=self.now
        )
        if done.composed:
            composed()
        return done

    async def _deliver(self, stopping: Callable[[], bool]) -> Done:
        until = self.now() + SENDING_TURN
        return await deliver.deliver(
            self.database, self.mail, now=self.now, stop=lambda: stopping() or self.now() >= until
        )

    async def _hand_over(self) -> Done:
        return await hand_over.hand_over(self.database, self.routes, now=self.now)

    async def _oversee(self, states: States, found: Callable[[], None]) -> Done:
        done = await oversee.oversee(
            self.database, self.on_call.limits, now=self.now, jobs=states(), place=self.place
        )
        if done.raised:
            found()
        return done


@dataclass(frozen=True, slots=True)
class Beaten:
    """A beat of the heart leaves no trace."""

    def numbers(self) -> dict[str, int]:
        """Nothing."""
        return {}


class Heart:
    """Tells a dead man's switch that all goes well, while it does; somebody elsewhere is told once it stops."""

    def __init__(self, url: str, states: States, now: Clock) -> None:
        self._url = url
        self._states = states
        self._now = now
        self._held: str | None = None

    async def beat(self) -> Done:
        """Tell it, unless a job ails; why it was not told is logged once."""
        ailing = sorted(state.name for state in self._states() if alarms.ails(state, self._now()))
        held = f"these do not run well: {', '.join(ailing)}" if ailing else None
        if held is None:
            try:
                await notify.ping(self._url)
            except NotifyError as error:
                held = f"{error.what}: {error.why}"
        if held is not None and held != self._held:
            log.warning("no heartbeat", why=held)
        self._held = held
        return Beaten()


async def _told(run: Callable[[], Awaitable[Collected]]) -> Collected:
    """A run of looking, with a warning for each watch that failed."""
    done = await run()
    for problem in done.problems:
        log.warning("a watch fails", problem=problem)
    return done


async def recorded(database: Database, step: str, work: Callable[[], Awaitable[D]], *, now: Clock) -> D:
    """Run a step once and record the run, also one that fails; the schedule and the commands both come here."""
    async with database.transaction() as tx:
        run = await runs.begin(tx, step, now=now())
    counts: Mapping[str, int] = {}
    problem: str | None = "broken off"
    try:
        done = await work()
        counts, problem = done.numbers(), None
    except Exception as error:
        problem = error.what if isinstance(error, MonitorError) else f"{type(error).__name__}: {error}"
        raise
    finally:
        async with database.transaction() as tx:
            await runs.end(tx, run, now=now(), counts=counts, error=problem)
    return done


class Worker:
    """The schedule. `run` returns after `stop`, or after SIGTERM or Ctrl-C where it handles the signals."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stopping = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._running: set[str] = set()
        self._hinted: set[str] = set()
        self._states: dict[str, JobState] = {}
        self._scheduler: AsyncIOScheduler | None = None

    def stop(self) -> None:
        """Begin no new run, and let `run` return once those under way are done."""
        self._stopping.set()

    def hint(self, step: str) -> None:
        """Let a step look at once; it is only a hint, since the step asks the database what is due."""
        self._hinted.add(step)
        if self._scheduler is None or step in self._running or self._stopping.is_set():
            return
        if self._scheduler.get_job(step) is not None:
            self._scheduler.modify_job(step, next_run_time=datetime.now(UTC))

    def states(self) -> Sequence[JobState]:
        """How each job goes."""
        return tuple(self._states.values())

    async def run(self) -> None:
        """Work until stopped. Raises DatabaseError if another worker works on this archive."""
        async with self._only_worker(), self._signals():
            scheduler = AsyncIOScheduler(
                timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
            )
            for job in self._work.jobs(self.hint, self._stopping.is_set, self.states):
                self._states[job.name] = JobState(
                    name=job.name, seconds=job.seconds, well_at=self._work.now()
                )
                scheduler.add_job(
                    self._job,
                    "interval",
                    args=[job],
                    seconds=job.seconds,
                    id=job.name,
                    next_run_time=datetime.now(UTC),
                )
            scheduler.start()
            self._scheduler = scheduler
            try:
                await self._stopping.wait()
            finally:
                scheduler.pause()
                self._scheduler = None
                await self._finish()
                scheduler.shutdown(wait=False)

    async def _finish(self) -> None:
        """Wait a while for what is under way, then break it off: each look is one transaction, so nothing is lost."""
        for patience in (PATIENCE, None):
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=patience)
            for task in self._under_way:
                task.cancel()

    @asynccontextmanager
    async def _only_worker(self) -> AsyncIterator[None]:
        database = self._work.database
        async with database.only_one(WORKER_LOCK) as alone:
            if not alone:
                raise DatabaseError(
                    "another worker is at work on this archive",
                    "two would look at every channel twice",
                    "stop that one first",
                )
            async with database.transaction() as tx:
                await runs.close_broken_off(tx, now=self._work.now())
                await handing.close_broken_off(tx, now=self._work.now())
            yield

    @asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    async def _job(self, job: Job) -> None:
        task = asyncio.create_task(self._until_idle(job))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            # On the way out what takes too long is broken off, which is no failure of the scheduler's.
            if not self._stopping.is_set():
                raise

    async def _until_idle(self, job: Job) -> None:
        """Run a step again at once while it finds something to do, so that a long backfill waits for no clock."""
        self._running.add(job.name)
        try:
            while not self._stopping.is_set():
                self._hinted.discard(job.name)
                if not (await self._once(job) or job.name in self._hinted):
                    return
        finally:
            self._running.discard(job.name)

    async def _once(self, job: Job) -> bool:
        """One run; gives whether it did something. Whatever goes wrong is logged, and the next tick tries again."""
        try:
            async with asyncio.timeout(LONGEST_RUN):
                done = await recorded(self._work.database, job.step, job.run, now=self._work.now)
            counts = done.numbers()
            self._well(job)
            if any(number for key, number in counts.items() if key not in runs.IDLE):
                log.debug("step done", step=job.name, **counts)
                await self._work.heard(job.step, counts)
            return any(counts.values())
        except MonitorError as error:
            self._failed(job, error.what)
            log.warning(
                "step failed, the next run tries again",
                step=job.name,
                what=error.what,
                why=error.why,
                mend=error.mend,
            )
        except Exception as error:
            self._failed(job, type(error).__name__)
            log.exception("step failed", step=job.name)
        return False

    def _well(self, job: Job) -> None:
        self._states[job.name] = JobState(name=job.name, seconds=job.seconds, well_at=self._work.now())

    def _failed(self, job: Job, what: str) -> None:
        state = self._states[job.name]
        self._states[job.name] = replace(state, failures=state.failures + 1, error=what)
