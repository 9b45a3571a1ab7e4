"""The worker: steps follow one another, a failing one is recorded and tried again, a stop waits for what runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from monitor.errors import DatabaseError, Unreachable
from monitor.extraction import compile_rules
from monitor.looks import Collected
from monitor.maintain import Keeping, maintain
from monitor.model import (
    Channel,
    JobState,
    Look,
    OnCall,
    Person,
    Post,
    SourceName,
    Thresholds,
    Watch,
    utc_now,
)
from monitor.store.database import Database
from monitor.worker import Heart, Work, Worker, recorded
from tests.conftest import Clock
from tests.integration.helpers import ask, listed
from tests.integration.hook import hooked
from tests.rulesets import texts_of

RULES = texts_of('[topic.sudzha]\nlemmas = ["Суджа"]\n')


class Slow:
    """A source whose one look takes as long as it is held."""

    name = SourceName.PREVIEW
    at_once = 1

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.held = asyncio.Event()
        self.faults: list[Exception] = []

    async def newest(self, watch: Watch) -> AsyncGenerator[Look, None]:
        self.asked.set()
        await self.held.wait()
        if self.faults:
            raise self.faults.pop()
        post = Post(channel_id=7, message_id=1, posted_at=datetime(2024, 8, 6, tzinfo=UTC), text="Суджа")
        yield Look(
            source=self.name,
            at=utc_now(),
            channel=Channel(channel_id=7),
            posts=(post,),
            first_id=1,
            last_id=1,
        )

    async def older(self, watch: Watch, *, before: int) -> AsyncGenerator[Look, None]:
        looks: list[Look] = []
        for look in looks:
            yield look

    def again(self, watch: Watch, ids: Sequence[int]) -> AsyncGenerator[Look, None]:
        return self.older(watch, before=1)


def work(database: Database, source: Slow) -> Work:
    return Work(
        database=database, sources=(source,), rules=compile_rules(RULES), texts=RULES, now=utc_now, tick=0.05
    )


async def test_a_stop_waits_for_what_is_under_way(database: Database) -> None:
    source = Slow()
    await listed(database, "a_channel")
    worker = Worker(work(database, source))
    running = asyncio.create_task(worker.run())
    await source.asked.wait()
    worker.stop()
    await asyncio.sleep(0.1)
    assert not running.done()
    source.held.set()
    await asyncio.wait_for(running, 10)
    assert len(await ask(database, "SELECT 1 FROM monitor.posts")) == 1


async def test_what_is_collected_is_flagged_and_heard_of(database: Database) -> None:
    source = Slow()
    source.held.set()
    source.faults = [RuntimeError("a fault of ours"), Unreachable("no route")]
    heard: list[str] = []
    read = asyncio.Event()

    async def hear(step: str, counts: object) -> None:
        heard.append(step)
        if step == "flag":
            read.set()

    await listed(database, "a_channel")
    made = work(database, source)
    worker = Worker(replace(made, heard=hear))
    running = asyncio.create_task(worker.run())
    for problem in ("unreachable", "fault"):
        while not await ask(database, f"SELECT 1 FROM monitor.watches WHERE problem = '{problem}'"):
            await asyncio.sleep(0.02)
        await ask(database, "UPDATE monitor.watches SET next_look_at = NULL RETURNING 1")
    await asyncio.wait_for(read.wait(), 20)
    worker.stop()
    await asyncio.wait_for(running, 10)
    assert "collect" in heard
    looked = await ask(database, "SELECT outcome, detail FROM research.coverage ORDER BY started_at")
    assert [r.outcome for r in looked] == ["unreachable", "fault", "ok"]
    assert "RuntimeError: a fault of ours" in looked[1].detail
    assert len(await ask(database, "SELECT 1 FROM research.flags WHERE is_current")) == 1


async def test_what_is_collected_is_flagged_at_once_however_long_the_tick(database: Database) -> None:
    source = Slow()
    read = asyncio.Event()

    async def hear(step: str, counts: object) -> None:
        if step == "flag":
            read.set()

    await listed(database, "a_channel")
    worker = Worker(replace(work(database, source), tick=3600, heard=hear))
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(source.asked.wait(), 5)
    # By then the first run of the rules is over, which found nothing.
    await asyncio.sleep(0.2)
    assert not read.is_set()
    source.held.set()
    await asyncio.wait_for(read.wait(), 5)
    worker.stop()
    await asyncio.wait_for(running, 10)
    assert len(await ask(database, "SELECT 1 FROM research.flags WHERE is_current")) == 1


async def test_a_second_worker_is_refused(database: Database, url: str) -> None:
    source = Slow()
    first = Worker(work(database, source))
    running = asyncio.create_task(first.run())
    while not await ask(database, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 32286"):
        await asyncio.sleep(0.02)
    async with Database(url) as other:
        with pytest.raises(DatabaseError, match="another worker"):
            await Worker(work(other, source)).run()
    source.held.set()
    first.stop()
    await asyncio.wait_for(running, 10)


async def test_a_step_that_fails_is_recorded_and_its_error_goes_on(database: Database, clock: Clock) -> None:
    async def fail() -> Collected:
        raise DatabaseError("the disk is full")

    with pytest.raises(DatabaseError):
        await recorded(database, "collect", fail, now=clock)
    rows = await ask(database, "SELECT outcome, error FROM monitor.runs")
    assert [tuple(r) for r in rows] == [("failed", "the disk is full")]


async def test_keeping_house_makes_partitions_once(database: Database, clock: Clock) -> None:
    first = {"partitions": 4, "dropped": 0, "indexes": 2, "measured": 1}
    assert (await maintain(database, now=clock, keeping=Keeping())).numbers() == first
    again = await maintain(database, now=clock, keeping=Keeping())
    assert (again.partitions, again.dropped, again.indexes) == (0, 0, 0)


async def test_a_flagged_post_is_told_without_waiting_for_a_tick(database: Database) -> None:
    source = Slow()
    source.held.set()
    await listed(database, "a_channel")
    plan = OnCall(
        people=(Person(name="Ann", routes=("hook",)),), thresholds=Thresholds(topics=frozenset({"sudzha"}))
    )
    worker = Worker(replace(work(database, source), tick=3600, on_call=plan))
    running = asyncio.create_task(worker.run())
    # The group is over two seconds after its last alert, which is sooner than this tick; so that is hinted at too.
    while not await ask(database, "SELECT 1 FROM monitor.deliveries"):
        await asyncio.sleep(0.05)
        assert not running.done()
    worker.stop()
    await asyncio.wait_for(running, 10)
    (row,) = await ask(database, "SELECT told_at - raised_at AS waited FROM monitor.alerts")
    assert row.waited.total_seconds() >= 2


async def test_the_heart_beats_while_all_goes_well_and_says_once_why_not(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    states = [JobState(name="flag", seconds=2, well_at=clock())]
    async with hooked() as hook:
        heart = Heart(hook.url, lambda: states, clock)
        await heart.beat()
        assert len(hook.asked) == 1
        states[0] = replace(states[0], failures=3, error="the database cannot be reached")
        for _ in range(3):
            await heart.beat()
        assert len(hook.asked) == 1
        states[0] = replace(states[0], failures=0)
        await heart.beat()
        assert len(hook.asked) == 2
        clock.forward(minutes=20)
        await heart.beat()
        assert len(hook.asked) == 2
        hook.statuses = [500]
        states[0] = replace(states[0], well_at=clock())
        for _ in range(3):
            await heart.beat()
        assert len(hook.asked) == 5
    said = capsys.readouterr().out
    assert said.count("no heartbeat") == 3
    assert "hunter2" not in said


async def test_a_worker_pings_and_knows_how_its_jobs_go(database: Database) -> None:
    source = Slow()
    await listed(database, "a_channel")
    async with hooked() as hook:
        worker = Worker(replace(work(database, source), heartbeat=hook.url))
        running = asyncio.create_task(worker.run())
        await asyncio.wait_for(hook.came.wait(), 20)
        await asyncio.wait_for(source.asked.wait(), 20)
        assert {"flag", "review", "alert", "oversee", "heartbeat", "collect:preview"} <= {
            state.name for state in worker.states()
        }
        # A hint at a step that this worker does not have is no fault.
        worker.hint("nothing")
        source.held.set()
        worker.stop()
        await asyncio.wait_for(running, 10)


async def rename(database: Database, table: str, to: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(text(f"ALTER TABLE monitor.{table} RENAME TO {to}"))


async def test_a_job_that_fails_is_counted_until_it_runs_well(database: Database) -> None:
    source = Slow()
    source.held.set()
    await listed(database, "a_channel")
    worker = Worker(replace(work(database, source), tick=0.02))
    await rename(database, "review_due", "elsewhere")
    running = asyncio.create_task(worker.run())
    while not any(state.name == "review" and state.failures >= 3 for state in worker.states()):
        await asyncio.sleep(0.02)
    (ailing,) = (state for state in worker.states() if state.name == "review")
    assert ailing.error == "ProgrammingError"
    await rename(database, "elsewhere", "review_due")
    while any(state.failures for state in worker.states() if state.name == "review"):
        await asyncio.sleep(0.02)
    worker.stop()
    await asyncio.wait_for(running, 10)
