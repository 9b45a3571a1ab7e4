"""The worker: steps follow one another, a failing one is recorded and tried again, a stop waits for what runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.errors import DatabaseError, Unreachable
from monitor.extraction import compile_rules
from monitor.looks import Collected
from monitor.maintain import maintain
from monitor.model import Channel, Look, Post, SourceName, Watch, utc_now
from monitor.store.database import Database
from monitor.worker import Work, Worker, recorded
from tests.conftest import Clock
from tests.integration.helpers import ask, listed
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
    assert (await maintain(database, now=clock)).numbers() == {"partitions": 2}
    assert (await maintain(database, now=clock)).numbers() == {"partitions": 0}
