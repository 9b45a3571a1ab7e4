"""Notices through the outbox to a real server: once, or a failure that is seen; also when the worker dies midway."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from monitor import alert, hand_over, notify
from monitor.alert import Sender
from monitor.model import OnCall, Person, Thresholds
from monitor.notify import RouteOptions
from monitor.store import deliveries, handing, working
from monitor.store.database import Database
from monitor.worker import Worker
from tests.conftest import Clock
from tests.integration.helpers import ask, listed
from tests.integration.hook import BREAK, HANG, Hook, hooked
from tests.integration.test_worker import Slow, work

SECRET = "a-long-enough-secret"
ANN = Person(name="Ann", routes=("hook",))


def routes(hook: Hook, clock: Any, *, seconds: float = 5) -> dict[str, notify.Route]:
    return notify.routes(RouteOptions({"hook": hook.url}, SECRET, seconds), now=clock)


async def planned(database: Database, clock: Clock, *people: Person) -> None:
    await alert.test(database, people or (ANN,), now=clock(), sender=Sender("m.example"))


async def states(database: Database) -> list[tuple[str, int]]:
    rows = await ask(database, "SELECT state, tries FROM monitor.deliveries ORDER BY delivery_id")
    return [tuple(row) for row in rows]


async def tries(database: Database) -> list[str]:
    rows = await ask(database, "SELECT outcome FROM monitor.delivery_tries ORDER BY delivery_id, number")
    return [row.outcome for row in rows]


async def test_a_notice_goes_once_by_each_route_that_is_ours(database: Database, clock: Clock) -> None:
    await planned(database, clock, ANN, Person(name="Ben", address="b@m.example"))
    async with hooked() as hook:
        for _ in range(3):
            await hand_over.hand_over(database, routes(hook, clock), now=clock)
    assert [asked.json()["person"] for asked in hook.asked] == ["Ann"]
    assert await states(database) == [("sent", 1), ("planned", 0)]


async def test_a_fault_of_the_other_side_is_tried_again_later_under_the_same_key(
    database: Database, clock: Clock
) -> None:
    await planned(database, clock)
    async with hooked(500, 503, 200) as hook:
        ours = routes(hook, clock)
        assert (await hand_over.hand_over(database, ours, now=clock)).later == 1
        assert (await hand_over.hand_over(database, ours, now=clock)).later == 0
        for seconds in (5, 9, 1, 100):
            clock.forward(seconds=seconds)
            await hand_over.hand_over(database, ours, now=clock)
    assert await states(database) == [("sent", 3)]
    assert await tries(database) == ["temporary", "temporary", "sent"]
    assert len({asked.headers["idempotency-key"] for asked in hook.asked}) == 1


async def test_after_an_hour_it_has_failed_and_is_seen(database: Database, clock: Clock) -> None:
    await planned(database, clock)
    async with hooked(500) as hook:
        for _ in range(12):
            await hand_over.hand_over(database, routes(hook, clock), now=clock)
            clock.forward(minutes=10)
    assert (await states(database))[0][0] == "failed"
    (row,) = await ask(database, "SELECT error, ended_at, next_at FROM monitor.deliveries")
    assert "answered 500" in row.error
    assert "hunter2" not in row.error
    assert (row.ended_at is not None, row.next_at) == (True, None)


@pytest.mark.parametrize(
    ("status", "state"), [(403, "failed"), (302, "failed"), (HANG, "in_doubt"), (BREAK, "in_doubt")]
)
async def test_what_is_refused_or_in_doubt_is_not_sent_again(
    database: Database, clock: Clock, status: int, state: str
) -> None:
    await planned(database, clock)
    async with hooked(status) as hook:
        for _ in range(3):
            await hand_over.hand_over(database, routes(hook, clock, seconds=0.3), now=clock)
            clock.forward(minutes=20)
        assert len(hook.asked) == 1
    assert await states(database) == [(state, 1)]


async def test_what_is_planned_by_a_route_that_was_removed_fails_and_is_seen(
    database: Database, clock: Clock
) -> None:
    await planned(database, clock, ANN, replace(ANN, name="Cid", routes=("gone", "mail")))
    async with hooked() as hook:
        done = await hand_over.hand_over(database, routes(hook, clock), now=clock)
    assert (done.sent, done.failed) == (1, 1)
    assert await states(database) == [("sent", 1), ("failed", 0), ("planned", 0)]
    async with database.transaction() as tx:
        (one,) = await deliveries.ailing(tx)
        assert (one.route, one.error) == (
            "gone",
            "no route is called gone: it is not in MONITOR_ALERT_ROUTES, or was not when the worker started",
        )
        # It is told by another route until somebody has seen to it.
        (fact,) = await working.routes(tx)
        assert fact.route == "gone"
        await deliveries.leave(tx, one.delivery_id, now=clock())
        assert await working.routes(tx) == []


async def test_a_worker_without_any_route_ends_what_was_planned_or_handed_over_by_one(
    database: Database, clock: Clock
) -> None:
    await planned(database, clock, ANN, replace(ANN, name="Cid"))
    await ask(
        database,
        "UPDATE monitor.deliveries SET state = 'handing', tries = 1 WHERE address = 'Ann' RETURNING 1",
    )
    source = Slow()
    worker = Worker(replace(work(database, source), now=clock))
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        while ("planned", 0) in await states(database):
            await asyncio.sleep(0.05)
    source.held.set()
    worker.stop()
    await asyncio.wait_for(running, 10)
    assert await states(database) == [("in_doubt", 1), ("failed", 0)]


async def test_a_fault_of_ours_leaves_it_in_doubt(database: Database, clock: Clock) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    await planned(database, clock)
    assert (await hand_over.hand_over(database, {"hook": broken}, now=clock)).in_doubt == 1
    (row,) = await ask(database, "SELECT error FROM monitor.deliveries")
    assert row.error == "a fault of ours: RuntimeError"


async def test_one_that_hangs_holds_up_no_other(database: Database, clock: Clock) -> None:
    await planned(database, clock, *(replace(ANN, name=f"p{number}") for number in range(6)))
    async with hooked(HANG, 200) as hook:
        done = await hand_over.hand_over(database, routes(hook, clock, seconds=0.5), now=clock)
    assert (done.sent, done.in_doubt) == (5, 1)


async def test_a_worker_that_dies_midway_leaves_it_in_doubt_and_the_next_does_not_send_it(
    database: Database, clock: Clock
) -> None:
    await planned(database, clock)
    async with hooked(HANG, 200) as hook:
        dying = asyncio.create_task(hand_over.hand_over(database, routes(hook, clock), now=clock))
        await asyncio.wait_for(hook.came.wait(), 10)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        assert await states(database) == [("handing", 1)]
        async with database.transaction() as tx:
            assert await handing.close_broken_off(tx, now=clock()) == 1
        await hand_over.hand_over(database, routes(hook, clock), now=clock)
    assert len(hook.asked) == 1
    assert await states(database) == [("in_doubt", 1)]


async def test_a_post_goes_all_the_way_through_a_real_worker_once(database: Database) -> None:
    """From a look that brings a flagged post to the webhook; a second worker then has nothing left to hand over."""
    source = Slow()
    source.held.set()
    await listed(database, "a_channel")
    plan = OnCall(people=(ANN,), thresholds=Thresholds(topics=frozenset({"sudzha"})))
    async with hooked() as hook:
        made = work(database, source)
        made = replace(made, on_call=plan, routes=routes(hook, made.now))
        for _ in range(2):
            worker = Worker(made)
            running = asyncio.create_task(worker.run())
            await asyncio.wait_for(hook.came.wait(), 30)
            await asyncio.sleep(0.3)
            worker.stop()
            await asyncio.wait_for(running, 10)
    (asked,) = hook.asked
    (told,) = asked.json()["alerts"]
    assert (told["kind"], told["subject"], told["told"]["quote"]) == ("topic", "case/1", "Суджа")
    assert await states(database) == [("sent", 1)]
