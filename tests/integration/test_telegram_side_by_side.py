"""Steps that look at a channel side by side, at one pace: none starves or undoes another, and nothing is lost between."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from monitor import changes, collect, looks, recheck
from monitor.errors import DatabaseError
from monitor.looks import Collected, Fetched, store
from monitor.model import Channel, Look, LookKind, Post, SetAside, SourceName
from monitor.sources.telegram_options import Session
from monitor.standin.telegram import Delay
from monitor.store import coverage, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from tests.integration.helpers import ask, channel
from tests.integration.helpers import listed as listed_as_pages
from tests.integration.telegram_helpers import (
    GREETING,
    LONG,
    OTHER,
    START,
    Opened,
    Outside,
    ask_again,
    keep,
    listed,
    opening,
    other,
)

Step = Callable[[Outside], Awaitable[Collected]]


@pytest.fixture
def outside(database: Database) -> Opened:
    return opening(database)


def look_of(*numbers: int, at: datetime, **rest: Any) -> Look:
    """A look that showed some posts of the long channel as they were first posted."""
    posts = tuple(
        Post(
            channel_id=LONG,
            message_id=n,
            posted_at=START + timedelta(minutes=n),
            text=f"Сообщение номер {n}",
        )
        for n in numbers
    )
    plain: dict[str, Any] = {"source": SourceName.TELEGRAM}
    return Look(at=at, channel=Channel(channel_id=LONG), posts=posts, **plain | rest)


async def imported(o: Outside, *numbers: int, at: datetime | None = None) -> None:
    """Take posts from a file, as an import does."""
    look = look_of(*numbers, at=at or o.clock(), source=SourceName.DESKTOP)
    fetched = Fetched(look, changes.digests(look.posts))
    await store(o.database, fetched, watch=None, kind=LookKind.IMPORT)


async def due(o: Outside) -> list[int]:
    query = "SELECT message_id FROM monitor.post_state WHERE look_at <= :at ORDER BY 1"
    return [row.message_id for row in await ask(o.database, query, at=o.clock())]


async def lost_since(o: Outside) -> datetime | None:
    return (await o.watch()).lost_at


# What nobody was told of


async def test_changes_from_before_a_watch_went_to_accounts_are_found(outside: Opened) -> None:
    async with outside(channel(250), watched=False) as o:
        await listed_as_pages(o.database, "long_channel", since=START)
        await collect.live(o.database, o.pages, now=o.clock)
        while (await collect.backfill(o.database, o.pages, now=o.clock)).looks:
            pass
        assert len(await o.ids()) == 250
        o.clock.forward(hours=1)
        o.edit(3, "Исправлено")
        o.delete(5)
        await listed(o.database, "long_channel")
        watch = await o.watch()
        assert (watch.cursor, watch.pts, watch.source) == (250, None, SourceName.TELEGRAM)
        await o.look()
        assert (await o.watch()).pts == 253
        assert await lost_since(o) is None
        assert {3, 5} <= set(await due(o))
        while (await o.recheck(minutes=1)).looks:
            pass
        assert [text for _, text in await o.versions(3)] == ["Сообщение номер 3", "Исправлено"]
        assert await o.presence(5) == "deleted"


async def test_posts_of_a_long_gap_are_made_due_once_at_its_beginning_and_at_its_end(outside: Opened) -> None:
    async with outside(channel(20)) as o:
        await o.look()
        o.post(21, 2500)
        o.server.too_long = 1000
        await o.look()
        begun = o.clock()
        assert await lost_since(o) == begun
        assert set(range(1, 21)) <= set(await due(o))
        while (await o.recheck(minutes=1)).looks:
            pass
        assert await due(o) == []
        await o.look(minutes=1)
        assert (await o.watch()).pts == 21
        assert await lost_since(o) == begun
        assert await due(o) == []
        o.edit(3, "Исправлено")
        await o.look(minutes=1)
        watch = await o.watch()
        assert (watch.cursor, watch.pts, watch.lost_at) == (2520, 2522, None)
        while (await o.recheck(minutes=1)).looks:
            pass
        assert [number for number, _ in await o.versions(3)] == [1, 2]


# Held, and not shown where it should be


async def test_a_post_from_a_file_that_the_newest_page_lacks_is_proven_deleted(outside: Opened) -> None:
    async with outside(channel(50)) as o:
        await imported(o, 20, 30)
        o.delete(20)
        await o.look(minutes=5)
        assert await due(o) == [20]
        assert (await o.recheck()).deleted == 1
        assert [await o.presence(n) for n in (20, 30)] == ["deleted", "present"]


async def test_a_post_that_was_deleted_before_the_backfill_came_is_proven_deleted(outside: Opened) -> None:
    async with outside(channel(250)) as o:
        await imported(o, 40, 60)
        o.delete(60)
        await o.look(hours=2)
        assert await due(o) == []
        await o.backfill(minutes=1)
        assert await due(o) == [60]
        await o.recheck(minutes=1)
        assert [await o.presence(n) for n in (40, 60)] == ["present", "deleted"]


@pytest.mark.parametrize(
    ("minutes", "aside", "doubted"),
    [
        (61, (), [20]),
        (59, (), []),
        (61, (SetAside(b"{", "broken", 20),), []),
        (61, (SetAside(b"{", "broken", 21),), [20]),
        (61, (SetAside(b"{", "broken"),), []),
    ],
)
async def test_what_was_just_seen_or_is_set_aside_is_not_doubted(
    outside: Opened, minutes: int, aside: tuple[SetAside, ...], doubted: list[int]
) -> None:
    async with outside(channel(50)) as o:
        await o.look()
        o.clock.forward(minutes=minutes)
        shown = [n for n in range(10, 31) if n not in (20, 21)]
        whole = shown if 21 in [thing.message_id for thing in aside] else [*shown, 21]
        await keep(o, look_of(*whole, at=o.clock(), set_aside=aside, first_id=10, last_id=30))
        assert await due(o) == doubted


# What fails apart


async def _recheck(o: Outside) -> Collected:
    return await recheck.recheck(o.database, o.source, now=o.clock)


async def _fill(o: Outside) -> Collected:
    return await recheck.fill(o.database, o.source, now=o.clock)


async def _backfill(o: Outside) -> Collected:
    return await collect.backfill(o.database, o.source, now=o.clock)


@pytest.mark.parametrize(
    ("step", "request_name", "kind"),
    [
        (_recheck, "GetHistory", "recheck"),
        (_backfill, "GetHistory", "backfill"),
        (_fill, "GetMessages", "holes"),
    ],
)
async def test_a_step_that_fails_waits_by_itself(
    outside: Opened, step: Step, request_name: str, kind: str
) -> None:
    async with outside(channel(250, holes=frozenset({200}))) as o:
        await o.look()
        await ask_again(o, 240)
        before = await o.watch()
        o.server.fail(request_name, "INTERNAL", times=2)
        o.clock.forward(seconds=1)
        assert (await step(o)).failures == 1
        after = await o.watch()
        assert (after.next_look_at, after.problem, after.failures) == (before.next_look_at, None, 0)
        rows = await ask(o.database, "SELECT outcome, looks FROM monitor.coverage WHERE kind = :k", k=kind)
        assert ("server_fault", 1) in [tuple(row) for row in rows]
        o.clock.forward(minutes=9, seconds=59)
        assert (await step(o)).numbers() == Collected().numbers()
        o.clock.forward(seconds=1)
        await ask_again(o, 240)
        assert (await step(o)).failures == 1


async def test_posts_that_fail_leave_their_turn_to_others(outside: Opened) -> None:
    async with outside(channel(150)) as o:
        await o.look()
        await o.backfill()
        await ask_again(o, *range(1, 151))
        o.server.fail("GetHistory", "INTERNAL")
        assert (await _recheck(o)).failures == 1
        o.clock.forward(minutes=10)
        assert await due(o) == list(range(1, 51))
        assert (await _recheck(o)).failures == 0
        o.clock.forward(minutes=50)
        assert await due(o) == list(range(51, 151))


# Who comes first


@pytest.mark.parametrize(
    ("step", "kind"), [(_recheck, LookKind.RECHECK), (_backfill, LookKind.BACKFILL), (_fill, LookKind.HOLES)]
)
async def test_the_watch_that_waited_longest_comes_first(
    outside: Opened, step: Step, kind: LookKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    holes = frozenset({200})
    first, second = channel(250, holes=holes), channel(250, handle="a_channel", number=OTHER, holes=holes)
    async with outside(first, second) as o:
        await o.look()
        await ask_again(o, 240)
        for handle, hours in (("a_channel", 1), ("long_channel", 2)):
            async with o.database.transaction() as tx:
                at = o.clock() - timedelta(hours=hours)
                await watches.next_of(tx, await o.watch(handle), kind, at=at)
        o.called()
        monkeypatch.setattr(o.telegram, "at_once", 1)
        await step(o)
        assert next(call.channel for call in o.server.calls if call.name not in GREETING) == LONG
        assert {call.channel for call in o.server.calls} >= {LONG, OTHER}


async def test_a_run_takes_no_further_watch_after_a_while(
    outside: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with outside(channel(10), other(10)) as o:
        monkeypatch.setattr(looks, "LONGEST", 0)
        assert (await o.look()).looks == 0
        async with o.database.transaction() as tx:
            still = await watches.due(tx, now=o.clock(), source=SourceName.TELEGRAM)
        assert len(still) == 2
        monkeypatch.undo()
        assert (await o.look()).posts == 20


# Handles and names that passed to others


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_watch_begun_anew_asks_who_bears_the_handle(outside: Opened, *, restarted: bool) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.server.private.add(LONG)
        await o.look()
        assert (await o.watch()).problem == "barred"
        o.stage.channels["old_name"] = o.stage.channels.pop("long_channel")
        o.stage.channels["old_name"].scenario = replace(channel(10), handle="old_name")
        o.stage.play([other(5, "long_channel")], start=START)
        async with o.database.transaction() as tx:
            await watches.resume(tx, "long_channel", as_new=True)
        assert await AccountMemory(o.database).accesses("a0") == {}
        if restarted:
            await o.open()
        else:
            await o.look()
            assert (await o.watch()).paused_at is None
        o.called()
        assert (await o.look(hours=3)).failures == 0
        assert o.called()[0] == "ResolveUsername"
        assert (await o.watch()).channel_id == OTHER
        assert await o.ids(OTHER) == [1, 2, 3, 4, 5]


async def test_pages_of_another_channel_never_stand_in(outside: Opened) -> None:
    async with outside(channel(250), fallback=True) as o:
        await o.look()
        await ask_again(o, 240)
        o.server.down = True
        o.stage.channels.clear()
        o.stage.play([other(260, "long_channel")], start=START)
        for step in (_recheck, _backfill, Outside.look):
            assert (await step(o)).failures == 1
        watch = await o.watch()
        assert (watch.problem, watch.paused_at, watch.channel_id) == ("unreachable", None, LONG)
        assert await o.ids(OTHER) == []
        assert await ask(o.database, "SELECT 1 FROM monitor.channels WHERE channel_id = :c", c=OTHER) == []


async def test_what_the_pages_stand_in_for_is_in_coverage(outside: Opened) -> None:
    async with outside(channel(30), fallback=True) as o:
        o.server.down = True
        assert (await o.look()).failures == 0
        rows = await ask(
            o.database,
            "SELECT source, kind, outcome, detail, first_id, last_id FROM monitor.coverage ORDER BY source",
        )
        assert [(r.source, r.kind, r.outcome) for r in rows] == [
            ("preview", "live", "ok"),
            ("telegram", "live", "unreachable"),
        ]
        assert "no connection" in rows[1].detail
        assert (rows[1].first_id, rows[1].last_id) == (None, None)
        async with o.database.transaction() as tx:
            assert await coverage.spans(tx, LONG) == [(rows[0].first_id, rows[0].last_id)]


async def test_what_was_another_accounts_is_forgotten(outside: Opened) -> None:
    async with outside(channel(10), accounts=2) as o:
        del o.sessions[1]
        await o.open()
        await o.look()
        old = (await AccountMemory(o.database).accesses("a0"))[LONG]
        o.server.fail("GetChannelDifference", "FLOOD_WAIT_90000")
        await o.look()
        assert [kind for kind, _ in (await o.account()).waits] == ["GetChannelDifference"]
        words = o.server.session(1)
        o.sessions[:] = [Session("a0", lambda: words)]
        await o.open()
        o.post(11)
        await o.look(hours=26)
        assert old not in (await AccountMemory(o.database).accesses("a0")).values()
        await o.look(hours=3)
        assert (await o.watch()).problem is None
        assert 11 in await o.ids()
        assert (await AccountMemory(o.database).accesses("a0"))[LONG].access_hash != old.access_hash


async def test_waits_of_another_account_do_not_hold_the_new_one(outside: Opened) -> None:
    async with outside(channel(10), accounts=2) as o:
        del o.sessions[1]
        await o.open()
        await o.look()
        o.server.fail("GetChannelDifference", "FLOOD_WAIT_90000")
        await o.look()
        words = o.server.session(1)
        o.sessions[:] = [Session("a0", lambda: words)]
        await o.open()
        for _ in range(2):
            async with o.database.transaction() as tx:
                await watches.make_due(tx, "long_channel")
            await o.look()
        assert (await o.account()).waits == ()
        assert "GetChannelDifference" in o.called()


async def test_a_name_stands_for_the_account_that_it_first_stood_for(database: Database) -> None:
    memory = AccountMemory(database)
    assert [await memory.is_same("main", n) for n in (1, 1, 2, 2, 1)] == [True, True, False, True, False]
    assert await memory.is_same("second", 1)


async def test_an_account_that_could_not_be_recognised_is_not_worked_with(
    outside: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> bool:
        raise DatabaseError("broke off")

    async with outside(channel(10)) as o:
        monkeypatch.setattr(AccountMemory, "is_same", refuse)
        with pytest.raises(DatabaseError):
            await o.look()
        monkeypatch.undo()
        assert (await o.look()).posts == 10
        rows = await ask(o.database, "SELECT user_id IS NOT NULL AS known FROM monitor.accounts")
        assert [row.known for row in rows] == [True]


# Late pages


async def test_a_deletion_reported_later_than_a_page_outlives_it(outside: Opened) -> None:
    async with outside(channel(30), fallback=True) as o:
        await o.look()
        kept = o.stage.channels["long_channel"].scenario
        o.server.down = True
        o.delete(10)
        await ask_again(o, 10)
        await o.recheck()
        missed = o.clock()
        assert await o.presence(10) == "missing"
        o.stage.play([kept], start=START)
        o.server.down = False
        o.clock.forward(hours=2)
        late = await anext(o.telegram.again(await o.watch(), [10]))
        assert [post.message_id for post in late.posts] == [10]
        o.delete(10)
        assert (await o.look()).deleted == 1
        await keep(o, late)
        query = "SELECT presence, missing_since, deleted_at FROM research.posts WHERE message_id = 10"
        assert [tuple(row) for row in await ask(o.database, query)] == [("deleted", missed, o.clock())]


async def test_a_post_stored_after_its_deletion_was_reported_is_deleted(outside: Opened) -> None:
    async with outside(channel(300)) as o:
        await o.look()
        late = await anext(o.telegram.older(await o.watch(), before=201))
        o.delete(150)
        await o.look()
        reported = o.clock()
        assert await o.vacant("deleted") == [150]
        await keep(o, late)
        assert await o.vacant("deleted") == []
        query = "SELECT presence, deleted_at FROM research.posts WHERE message_id = 150"
        assert [tuple(row) for row in await ask(o.database, query)] == [("deleted", reported)]


async def test_a_post_from_a_file_whose_id_is_proven_empty_is_deleted(outside: Opened) -> None:
    async with outside(channel(300, holes=frozenset({20, 21, 22, 250}))) as o:
        await o.look()
        o.delete(60)
        await o.look()
        reported = o.clock()
        await o.backfill()
        await o.recheck()
        assert await o.vacant("empty") == [20, 21, 22, 250]
        proven = o.clock()
        o.clock.forward(days=1)
        await imported(o, 19, 21, 23, 60, 250)
        query = """SELECT message_id, presence, deleted_at FROM research.posts
                   WHERE presence <> 'present' ORDER BY 1"""
        assert [tuple(row) for row in await ask(o.database, query)] == [
            (21, "deleted", proven),
            (60, "deleted", reported),
            (250, "deleted", proven),
        ]


# One pace, one lock


async def test_a_slow_connection_lets_no_burst_out(outside: Opened) -> None:
    scenarios = [other(2, f"channel_{n}", OTHER + n) for n in range(8)]
    async with outside(*scenarios, pace=0.05) as o:
        await o.look()
        await o.open()
        o.server.calls.clear()
        o.server.fail("GetConfig", Delay(0.6))
        assert (await o.look()).failures == 0
        times = [call.at for call in o.server.calls if call.name == "GetChannelDifference"]
        assert len(times) == 8
        assert min(after - before for before, after in pairwise(times)) > 0.03


async def test_what_a_locked_block_raises_is_its_own_and_frees_the_lock(database: Database, url: str) -> None:
    lock = (0x7E30, 7)
    async with Database(url) as second:
        with pytest.raises(FileNotFoundError):
            await _fail_locked(database, second, lock)
        async with second.only_one(lock) as alone:
            assert alone


async def _fail_locked(first: Database, second: Database, lock: tuple[int, int]) -> None:
    async with first.only_one(lock) as alone, second.only_one(lock) as too:
        assert (alone, too) == (True, False)
        raise FileNotFoundError("session-main.txt")


async def test_a_lock_that_cannot_be_asked_for_is_worded(url: str) -> None:
    gone = Database(url.rsplit("/", 1)[0] + "/no_such_archive")
    with pytest.raises(DatabaseError, match="cannot be reached"):
        async with gone.only_one((0x7E30, 7)):
            pass


async def test_steps_side_by_side_store_each_post_once(outside: Opened) -> None:
    async with outside(channel(300, holes=frozenset({7}))) as o:
        await o.look()
        await ask_again(o, *range(201, 301))
        o.post(301, 50)
        o.edit(250, "Исправлено")
        o.clock.forward(hours=1)
        await asyncio.gather(o.look(seconds=1), _recheck(o), _backfill(o), _fill(o))
        await o.backfill()
        assert await o.ids() == [n for n in range(1, 351) if n != 7]
        rows = await ask(o.database, "SELECT message_id FROM monitor.posts WHERE version > 1")
        assert [row.message_id for row in rows] == [250]
