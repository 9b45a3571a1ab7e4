"""Collecting and looking again through Telethon itself, over sockets to the stand-in, into the real Postgres."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import zstandard
from starlette.responses import PlainTextResponse

from monitor import changes, collect, recheck
from monitor.errors import FloodWait, NothingShown, UsageError
from monitor.model import Channel, Look, Post, SourceName
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_message import parse_raw
from monitor.standin.scenario import THEN, Message, Scenario, Text, shipped
from monitor.standin.telegram import Cut, Delay, Refusal, TooLong
from monitor.store import coverage, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from tests.integration.helpers import ask, channel
from tests.integration.telegram_helpers import (
    GENTLE,
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


@pytest.fixture
def outside(database: Database) -> Opened:
    return opening(database)


# The first look, the backfill, and what is kept


async def test_the_first_look_takes_a_page_and_the_backfill_goes_down_to_the_first_post(
    outside: Opened,
) -> None:
    async with outside(channel(250)) as o:
        first = await o.look()
        # The second look is at the description alone.
        assert (first.posts, first.looks, first.failures) == (100, 2, 0)
        watch = await o.watch()
        assert (watch.cursor, watch.backfill_before, watch.pts) == (250, 151, 251)
        assert o.called() == ["ResolveUsername", "GetHistory", "GetFullChannel"]
        await o.backfill()
        assert await o.ids() == list(range(1, 251))
        assert (await o.watch()).backfill_done
        assert await o.spans() == [(1, 250)]
        assert o.called() == ["GetHistory"] * 2


async def test_a_long_channel_is_read_in_pages_of_a_hundred(outside: Opened) -> None:
    async with outside(channel(3050)) as o:
        await o.look()
        await o.backfill()
        assert len(await o.ids()) == 3050
        pages = [c.arguments for c in o.server.called("GetHistory")]
        assert {p["limit"] for p in pages} == {100}
        # Without a look back, the backfill may fetch a page ahead that it then need not store.
        assert len(pages) <= 31 + 7 * 3


async def test_a_backfill_ends_at_the_date_it_was_asked_for(outside: Opened, database: Database) -> None:
    async with outside(channel(400), watched=False) as o:
        await listed(database, "long_channel", since=START + timedelta(minutes=250))
        await o.look()
        await o.backfill()
        assert min(await o.ids()) == 201
        assert (await o.watch()).backfill_done


async def test_the_raw_record_is_kept_without_people(outside: Opened) -> None:
    messages = (
        Message(id=1, at=timedelta(minutes=1), text=Text("Подписано"), signature="Иван Петров"),
        Message(id=2, at=timedelta(minutes=2), text=Text("Переслано"), forward={"user": "Иван Петров"}),
    )
    async with outside(Scenario(id=LONG, handle="long_channel", title="Люди", messages=messages)) as o:
        await o.look()
        rows = await ask(o.database, "SELECT body FROM monitor.raw_records ORDER BY message_id")
        bodies = [zstandard.ZstdDecompressor().decompress(row.body) for row in rows]
        assert [parse_raw(body).id for body in bodies] == [1, 2]
        assert "Иван".encode() not in b"".join(bodies)


async def test_without_raw_records_none_are_kept(outside: Opened) -> None:
    async with outside(channel(3), raw=False) as o:
        await o.look()
        assert await ask(o.database, "SELECT 1 FROM monitor.raw_records") == []


async def test_an_empty_channel_is_no_failure_to_look(outside: Opened) -> None:
    async with outside(channel(0)) as o:
        await o.look()
        assert (await o.watch()).problem == "empty"
        o.post(1)
        await o.look(hours=3)
        assert await o.ids() == [1]
        assert len(o.server.called("ResolveUsername")) == 1


async def test_the_description_is_asked_for_once_a_day_and_one_a_minute(outside: Opened) -> None:
    scenarios = (replace(channel(3), about="О чём", subscribers=5), other(3))
    async with outside(*scenarios) as o:
        await o.look()
        assert len(o.server.called("GetFullChannel")) == 1
        await o.look()
        await o.look()
        assert len(o.server.called("GetFullChannel")) == 2
        await o.look(hours=25)
        await o.look()
        assert len(o.server.called("GetFullChannel")) == 4
        rows = await ask(
            o.database, "SELECT about FROM monitor.channel_versions WHERE channel_id = :c", c=LONG
        )
        assert "О чём" in {row.about for row in rows}


@pytest.mark.parametrize("fault", ["FLOOD_WAIT_26", "INTERNAL", "CHAT_ADMIN_REQUIRED"])
async def test_posts_do_not_wait_for_a_description(outside: Opened, fault: str) -> None:
    async with outside(channel(3)) as o:
        o.server.fail("GetFullChannel", fault)
        assert (await o.look()).posts == 3
        await o.look(minutes=2)
        assert (await o.look()).failures == 0


# Changes


async def test_new_posts_come_by_the_difference(outside: Opened) -> None:
    async with outside(channel(30)) as o:
        await o.look()
        o.called()
        o.post(31, 3)
        assert (await o.look()).posts == 3
        assert o.called() == ["GetChannelDifference"]
        watch = await o.watch()
        assert (watch.cursor, watch.pts) == (33, 34)
        assert (await o.look()).posts == 0
        assert await o.spans() == [(1, 33)]


async def test_the_server_says_how_soon_to_ask_again(outside: Opened) -> None:
    async with outside(channel(3)) as o:
        o.server.difference_timeout = 40
        await o.look()
        await o.look()
        assert (await o.watch()).next_look_at == o.clock() + timedelta(seconds=40)


async def test_an_edit_is_a_second_version_with_its_time(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.edit(5, "Исправлено")
        edited_at = START + o.soon
        done = await o.look()
        assert (done.posts, done.edits) == (0, 1)
        assert await o.versions(5) == [(1, "Сообщение номер 5"), (2, "Исправлено")]
        rows = await ask(
            o.database, "SELECT edited_at FROM monitor.post_versions WHERE message_id = 5 ORDER BY version"
        )
        assert [row.edited_at for row in rows] == [None, edited_at]


async def test_an_edit_of_what_no_version_holds_makes_none(outside: Opened) -> None:
    async with outside(channel(10, handle="long_channel"), at=START + timedelta(minutes=30)) as o:
        o.happens(more=(_liked(11, o.soon),))
        await o.look(minutes=1)
        o.edit(11, "Нравится")
        done = await o.look(hours=2)
        assert (done.edits, done.failures) == (0, 0)
        rows = await ask(
            o.database,
            "SELECT reactions, views FROM monitor.post_counts WHERE message_id = 11 ORDER BY seen_at",
        )
        assert len(rows) == 2
        assert rows[0].views < rows[1].views
        assert rows[0].reactions["👍"] < rows[1].reactions["👍"]


def _liked(number: int, at: timedelta) -> Message:
    return Message(id=number, at=at, text=Text("Нравится"), views=90_000, reactions={"👍": 900})


async def test_views_are_a_series_that_thins_out_with_age(outside: Opened) -> None:
    async with outside(channel(1), at=START + timedelta(minutes=1)) as o:
        o.happens(more=(_liked(2, o.soon),))
        await o.look(seconds=10)
        for minutes in (2, 5, 6, 20, 60, 300, 1000):
            await o.recheck(minutes=minutes)
        rows = await ask(
            o.database, "SELECT views FROM monitor.post_counts WHERE message_id = 2 ORDER BY seen_at"
        )
        views = [row.views for row in rows]
        assert len(views) >= 5
        assert views == sorted(views)
        assert len(await o.versions(2)) == 1


async def test_a_deleted_post_keeps_its_text_and_is_never_merely_missing(outside: Opened) -> None:
    async with outside(channel(10), fallback=True) as o:
        await o.look()
        o.delete(4)
        assert (await o.look()).deleted == 1
        gone_at = o.clock()
        o.server.down = True
        await ask_again(o, 4)
        await o.recheck()
        rows = await ask(
            o.database, "SELECT presence, missing_since FROM monitor.post_state WHERE message_id = 4"
        )
        assert [tuple(row) for row in rows] == [("deleted", gone_at)]
        assert await o.versions(4) == [(1, "Сообщение номер 4")]


async def test_a_deletion_of_what_was_never_held_is_noted(outside: Opened) -> None:
    async with outside(channel(300)) as o:
        await o.look()
        o.delete(50)
        assert (await o.look()).deleted == 0
        assert await o.vacant("deleted") == [50]
        await o.backfill()
        assert 50 not in await o.ids()


async def test_a_page_from_before_a_deletion_does_not_bring_the_post_back(outside: Opened) -> None:
    async with outside(channel(300)) as o:
        await o.look()
        late = await anext(o.telegram.older(await o.watch(), before=201))
        again = await anext(o.telegram.again(await o.watch(), [250]))
        o.delete(150, 250)
        await o.look()
        await keep(o, late)
        await keep(o, again)
        assert await o.presence(150) == "deleted"
        assert await o.presence(250) == "deleted"
        rows = await ask(o.database, "SELECT look_at FROM monitor.post_state WHERE message_id IN (150, 250)")
        assert [row.look_at for row in rows] == [None, None]


async def test_a_page_from_before_an_edit_makes_no_false_version(outside: Opened) -> None:
    async with outside(channel(300)) as o:
        await o.look()
        late = await anext(o.telegram.older(await o.watch(), before=201))
        again = await anext(o.telegram.again(await o.watch(), [250]))
        o.edit(150, "Исправлено")
        o.edit(250, "Исправлено")
        await o.look()
        await keep(o, late)
        await keep(o, again)
        assert await o.versions(250) == [(1, "Сообщение номер 250"), (2, "Исправлено")]
        assert await o.versions(150) == [(1, "Исправлено"), (2, "Сообщение номер 150")]
        rows = await ask(
            o.database, "SELECT version FROM monitor.posts WHERE message_id IN (150, 250) ORDER BY 1"
        )
        assert [row.version for row in rows] == [1, 2]


async def test_a_page_does_not_pass_for_the_later_lookup_beside_it(outside: Opened) -> None:
    async with outside(channel(60)) as o:
        await o.look()
        o.delete(30)
        watch = await o.watch()
        o.clock.forward(minutes=1)
        looks = o.telegram.again(watch, list(range(1, 61)))
        page = await anext(looks)
        o.edit(40, "Исправлено")
        await o.look(minutes=1)
        o.clock.forward(minutes=1)
        lookup = await anext(looks)
        await looks.aclose()
        await keep(o, page)
        await keep(o, lookup)
        assert page.at < lookup.at
        assert lookup.absent == (30,)
        assert [n for n, _ in await o.versions(40)] == [1, 2]
        rows = await ask(o.database, "SELECT version FROM monitor.posts WHERE message_id = 40")
        assert rows[0].version == 2


async def test_many_changes_come_in_several_differences(outside: Opened) -> None:
    async with outside(channel(20)) as o:
        await o.look()
        o.called()
        o.post(21, 350)
        o.edit(3, "Исправлено")
        done = await o.look()
        assert (done.posts, done.edits) == (350, 1)
        assert o.called() == ["GetChannelDifference"] * 4
        assert (await o.watch()).pts == 372
        assert await o.spans() == [(1, 370)]


async def test_a_watch_far_behind_gives_way_and_is_due_at_once(outside: Opened) -> None:
    async with outside(channel(20)) as o:
        await o.look()
        o.post(21, 1500)
        await o.look()
        watch = await o.watch()
        assert watch.cursor == 1020
        assert watch.next_look_at == o.clock()
        await o.look(seconds=1)
        assert await o.ids() == list(range(1, 1521))


async def test_an_album_that_a_difference_cuts_is_one_album(outside: Opened) -> None:
    async with outside(channel(5)) as o:
        await o.look()
        for numbers in ((6, 7), (8, 9)):
            o.happens(more=tuple(_late_member(n, o.soon) for n in numbers))
            await o.look()
        o.edit(8, "Другая подпись")
        await o.look()
        rows = await ask(
            o.database,
            "SELECT message_id, album_id, text FROM research.posts WHERE message_id > 5 ORDER BY 1",
        )
        assert {row.album_id for row in rows} == {6}
        assert [row.text for row in rows] == ["Другая подпись", "", "", ""]


def _late_member(number: int, at: timedelta) -> Message:
    words = Text("Подпись") if number == 8 else Text()
    return Message(id=number, at=at, text=words, media={"kind": "photo"}, album=6)


async def test_albums_at_the_edges_of_pages_are_whole(outside: Opened) -> None:
    messages = tuple(_member(n) for n in range(1, 330))
    scenario = Scenario(id=LONG, handle="long_channel", title="Альбомы", messages=messages)
    early = replace(scenario, messages=messages[:20])
    async with outside(early) as o:
        await o.look()
        o.stage.play([scenario], start=START)
        o.server.fail("GetChannelDifference", TooLong())
        await o.look()
        await o.backfill()
        rows = await ask(
            o.database, "SELECT message_id, album_id, version, text FROM research.posts ORDER BY 1"
        )
        assert [row.message_id for row in rows] == list(range(1, 330))
        assert {row.version for row in rows} == {1}
        assert all(row.album_id == (row.message_id - 1) // 7 * 7 + 1 for row in rows)
        assert [row.message_id for row in rows if row.text] == list(range(1, 330, 7))


def _member(number: int) -> Message:
    first = (number - 1) // 7 * 7 + 1
    words = Text(f"Альбом {first}") if number == first + 1 else Text()
    return Message(id=number, at=timedelta(minutes=first), text=words, media={"kind": "photo"}, album=first)


# Changes that were lost


@pytest.mark.parametrize("fault", [TooLong(), "PERSISTENT_TIMESTAMP_INVALID"])
async def test_lost_changes_are_found_by_history_and_by_looking_again(outside: Opened, fault: Any) -> None:
    async with outside(channel(250)) as o:
        await o.look()
        await o.backfill()
        o.edit(3, "Исправлено")
        o.delete(200)
        o.post(251, 350)
        o.server.fail("GetChannelDifference", fault)
        assert (await o.look()).posts == 350
        watch = await o.watch()
        assert (watch.cursor, watch.pts) == (600, 603)
        assert await o.spans() == [(1, 600)]
        due = await ask(o.database, "SELECT 1 FROM monitor.post_state WHERE look_at <= :at", at=o.clock())
        assert len(due) >= 250
        while (await o.recheck(minutes=1)).looks:
            pass
        assert await o.presence(200) == "deleted"
        assert await o.versions(3) == [(1, "Сообщение номер 3"), (2, "Исправлено")]


async def test_a_watch_with_much_to_look_at_gives_way_and_is_still_due(outside: Opened) -> None:
    async with outside(channel(850)) as o:
        await o.look()
        await o.backfill()
        o.edit(3, "Исправлено")
        o.server.fail("GetChannelDifference", TooLong())
        await o.look()
        assert (await o.recheck(minutes=1)).looks == recheck.BATCHES
        assert await o.versions(3) == [(1, "Сообщение номер 3")]
        await o.recheck(seconds=0.5)
        assert await o.versions(3) == [(1, "Сообщение номер 3"), (2, "Исправлено")]
        assert (await o.recheck(seconds=0.5)).looks == 0


async def test_the_place_in_the_changes_moves_only_when_the_gap_is_closed(outside: Opened) -> None:
    async with outside(channel(20)) as o:
        await o.look()
        o.post(21, 1500)
        o.server.too_long = 1000
        await o.look()
        watch = await o.watch()
        assert (watch.cursor, watch.pts) == (920, 21)
        assert watch.next_look_at == o.clock()
        await o.look(seconds=1)
        watch = await o.watch()
        assert (watch.cursor, watch.pts) == (1520, 1521)
        assert await o.ids() == list(range(1, 1521))


async def test_a_gap_that_a_fault_leaves_open_is_closed_later(outside: Opened) -> None:
    async with outside(channel(20)) as o:
        await o.look()
        o.post(21, 500)
        o.server.too_long = 300
        o.server.fail("GetHistory", "CHANNEL_MONOFORUM_UNSUPPORTED")
        assert (await o.look()).failures == 1
        await o.look(hours=3)
        assert (await o.watch()).pts == 521
        assert await o.ids() == list(range(1, 521))


async def test_a_gap_that_is_broken_off_half_way_keeps_the_place(outside: Opened) -> None:
    async with outside(channel(20)) as o:
        await o.look()
        o.post(21, 500)
        o.server.too_long = 300
        seen: list[int] = []

        def third(call: Any) -> Any:
            if call.name == "GetHistory":
                seen.append(1)
            return Delay(0) if call.name != "GetHistory" or len(seen) != 3 else Refusal("INTERNAL")

        o.server.chaos = third
        assert (await o.look()).failures == 1
        assert (await o.watch()).pts == 21
        assert 520 in await o.ids()
        o.server.chaos = None
        await o.look(hours=3)
        assert (await o.watch()).pts == 521
        assert await o.ids() == list(range(1, 521))


# What must wait


async def test_a_flood_wait_holds_one_kind_of_request_and_the_others_go_on(outside: Opened) -> None:
    async with outside(channel(10), other(10)) as o:
        await o.look()
        o.post(11)
        o.called()
        o.server.fail("GetChannelDifference", "FLOOD_WAIT_7000", channel=LONG)
        o.server.fail("GetChannelDifference", Delay(0.2), channel=OTHER)
        done = await o.look()
        watch = await o.watch()
        assert (done.failures, watch.problem) == (1, "flood_wait")
        assert watch.next_look_at == o.clock() + timedelta(seconds=7000)
        account = await o.account()
        assert account.waits == (("GetChannelDifference", o.clock() + timedelta(seconds=7000)),)
        o.called()
        assert (await o.look()).failures == 0
        assert o.called() == ["GetHistory"]
        await o.look(hours=2)
        assert 11 in await o.ids()


async def test_after_the_wait_it_goes_on(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.edit(3, "Исправлено")
        o.server.fail("GetChannelDifference", "FLOOD_WAIT_2")
        assert (await o.look()).failures == 1
        assert (await o.look(minutes=3)).edits == 1
        assert (await o.watch()).problem is None
        assert (await o.account()).waits == ()


async def test_history_in_place_of_the_difference_loses_no_change(outside: Opened) -> None:
    async with outside(channel(10), other(10)) as o:
        await o.look()
        o.edit(3, "Исправлено")
        o.delete(4)
        o.post(11)
        o.server.fail("GetChannelDifference", "FLOOD_WAIT_2", channel=OTHER)
        pts = (await o.watch()).pts
        async with o.database.transaction() as tx:
            await watches.postpone(tx, ["long_channel"], until=o.clock() + timedelta(minutes=61))
        await o.look()
        o.clock.forward(seconds=1)
        async with o.database.transaction() as tx:
            await watches.make_due(tx, "long_channel")
        assert (await collect.live(o.database, o.source, now=o.clock)).posts == 1
        assert (await o.watch()).pts == pts
        done = await o.look()
        assert done.deleted == 1
        assert (await o.watch()).pts == 14


async def test_waits_outlive_a_restart(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.server.fail("GetChannelDifference", "FLOOD_WAIT_7000")
        await o.look()
        await o.open()
        o.called()
        async with o.database.transaction() as tx:
            await watches.make_due(tx, "long_channel")
        assert (await o.look(seconds=5)).failures == 0
        assert o.called() == ["GetHistory", "GetFullChannel"]
        assert [kind for kind, _ in (await o.account()).waits] == ["GetChannelDifference"]


async def test_a_backfill_that_must_wait_does_not_stop_the_newest_posts(outside: Opened) -> None:
    async with outside(channel(300), other(300)) as o:
        await o.look()
        o.server.fail("GetHistory", "FLOOD_WAIT_7000")
        done = await collect.backfill(o.database, o.source, now=o.clock)
        assert done.failures >= 1
        assert (await collect.backfill(o.database, o.source, now=o.clock)).failures == 0
        assert (await o.recheck()).failures == 0
        o.post(301)
        assert (await o.look(minutes=31)).posts == 1
        rows = await ask(o.database, "SELECT outcome FROM monitor.coverage WHERE kind = 'backfill'")
        assert "flood_wait" in {row.outcome for row in rows}
        o.clock.forward(hours=3)
        await o.open()
        await o.backfill()
        assert await o.ids() == list(range(1, 302))


async def test_a_handle_that_may_not_be_resolved_yet_waits_in_every_step(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        o.server.fail("ResolveUsername", "FLOOD_WAIT_60000")
        assert (await o.look()).failures == 1
        watch = await o.watch()
        assert watch.next_look_at == o.clock() + timedelta(seconds=60000)
        with pytest.raises(FloodWait):
            await anext(o.telegram.older(watch, before=5))


# Faults of the line and of the other side


@pytest.mark.parametrize("after", [False, True])
async def test_a_cut_connection_costs_nothing(outside: Opened, *, after: bool) -> None:
    async with outside(channel(250)) as o:
        o.server.fail("GetHistory", Cut(after=after))
        assert (await o.look()).failures == 0
        o.server.fail("GetHistory", Cut(after=after))
        await o.backfill()
        o.edit(3, "Исправлено")
        o.server.fail("GetChannelDifference", Cut(after=after))
        assert (await o.look()).edits == 1
        assert await o.ids() == list(range(1, 251))
        assert len(await o.versions(3)) == 2


async def test_a_fault_of_telegrams_own_fails_the_look_and_passes(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        o.server.fail("GetHistory", "INTERNAL")
        assert (await o.look()).failures == 1
        assert (await o.watch()).problem == "server_fault"
        assert (await o.look()).posts == 10
        assert (await o.watch()).problem is None


async def test_an_answer_that_is_too_slow_is_a_lost_line(outside: Opened) -> None:
    async with outside(channel(10), timeout=0.5) as o:
        o.server.fail("GetHistory", Delay(30))
        assert (await o.look()).failures == 1
        assert (await o.watch()).problem == "unreachable"
        assert (await o.look()).posts == 10


async def test_a_fault_at_the_greeting_leaves_no_half_open_connection(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        o.server.fail("GetConfig", "INTERNAL")
        assert (await o.look()).failures == 1
        o.server.calls.clear()
        assert (await o.look()).posts == 10
        assert o.server.calls[0].name == "GetConfig"


async def test_a_lost_line_is_replaced_by_the_public_pages_and_found_again(outside: Opened) -> None:
    async with outside(channel(30), fallback=True) as o:
        await o.look()
        await o.backfill()
        pts = (await o.watch()).pts
        o.server.down = True
        o.edit(5, "Исправлено")
        o.delete(6)
        o.post(31, 2)
        done = await o.look()
        assert (done.posts, done.failures) == (2, 0)
        watch = await o.watch()
        assert (watch.via, watch.cursor, watch.pts, watch.problem) == (SourceName.PREVIEW, 32, pts, None)
        account = await o.account()
        assert (account.problem, account.retry_at) == ("unreachable", o.clock() + timedelta(seconds=15))
        o.server.down = False
        done = await o.look()
        assert (await o.watch()).via is None
        assert (await o.account()).problem is None
        assert await o.presence(6) == "deleted"
        assert await o.versions(5) == [(1, "Сообщение номер 5"), (2, "Исправлено")]
        assert (await o.watch()).pts == 35


async def test_many_watches_that_lose_the_line_at_once_are_one_failure(outside: Opened) -> None:
    scenarios = [other(3, f"channel_{n}", OTHER + n) for n in range(8)]
    async with outside(*scenarios, fallback=True) as o:
        await o.look()
        o.server.down = True
        assert (await o.look()).failures == 0
        assert (await o.account()).retry_at == o.clock() + timedelta(seconds=15)
        assert {(await o.watch(s.handle)).via for s in scenarios} == {SourceName.PREVIEW}


async def test_where_neither_can_look_the_first_trouble_is_told(outside: Opened) -> None:
    async with outside(channel(10), fallback=True) as o:
        o.server.down = True
        o.stage.fail("/s/", *[PlainTextResponse("", 503)] * 3)
        assert (await o.look()).failures == 1
        watch = await o.watch()
        assert watch.problem == "unreachable"
        assert watch.problem_text is not None
        assert "the public pages do not stand in" in watch.problem_text


@pytest.mark.parametrize("first", [SourceName.TELEGRAM, SourceName.PREVIEW])
async def test_a_change_of_the_source_makes_no_version(outside: Opened, first: SourceName) -> None:
    scenarios = shipped()
    ends = THEN.astimezone(UTC) + max(s.ends for s in scenarios) + timedelta(days=1)
    async with outside(*scenarios, start=THEN.astimezone(UTC), at=ends, fallback=True) as o:
        o.server.down = first is SourceName.PREVIEW
        for _ in range(3):
            await _read_anew(o)
            o.server.down = not o.server.down
        for scenario in scenarios:
            assert await o.ids(scenario.id) == [m.id for m in scenario.shown(scenario.ends)]
        rows = await ask(
            o.database,
            "SELECT message_id, source, version FROM monitor.post_versions ORDER BY message_id, version",
        )
        # What the pages do not show is a version of its own once Telegram shows it.
        unseen = (
            {m.id for s in scenarios for m in s.messages if m.unsupported}
            if first is SourceName.PREVIEW
            else set()
        )
        assert {row.message_id for row in rows if row.version > 1} == unseen
        assert await ask(o.database, "SELECT 1 FROM monitor.post_state WHERE presence <> 'present'") == []
        assert await ask(o.database, "SELECT reason FROM monitor.set_aside") == []
        states = await ask(o.database, "SELECT via, problem FROM monitor.watches")
        assert {row.problem for row in states} == {None}


async def _read_anew(o: Outside) -> None:
    async with o.database.transaction() as tx:
        for watch in await watches.every(tx):
            await watches.pause(tx, watch.handle, now=o.clock(), reason="read anew")
            await watches.resume(tx, watch.handle, as_new=True)
    await o.look()
    await o.backfill()


# Sessions and bans


@pytest.mark.parametrize("fault", ["killed", "AUTH_KEY_DUPLICATED", "SESSION_REVOKED"])
async def test_a_lost_session_is_told_stood_in_for_and_not_asked_in_vain(outside: Opened, fault: str) -> None:
    async with outside(channel(10), fallback=True) as o:
        await o.look()
        if fault == "killed":
            o.server.kill_session()
        else:
            o.server.fail("*", fault)
        o.post(11)
        assert (await o.look()).posts == 1
        account = await o.account()
        assert (account.problem, account.retry_at) == ("session_lost", o.clock() + timedelta(minutes=5))
        assert (await o.watch()).via is SourceName.PREVIEW
        o.called()
        async with o.database.transaction() as tx:
            await watches.make_due(tx, "long_channel")
        await o.look(minutes=4)
        assert o.called() == []
        o.server.revive_session()
        await o.look()
        assert o.called()[0] == "GetChannelDifference"
        assert (await o.account()).problem is None
        assert (await o.watch()).via is None


async def test_a_key_that_is_forgotten_is_a_lost_session(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        for key in list(o.server._keys.values()):
            o.server.forget(key)
        o.server.cut()
        await o.look()
        assert (await o.watch()).problem == "session_lost"


async def test_a_banned_account_is_not_evaded(outside: Opened) -> None:
    async with outside(channel(10), fallback=True) as o:
        await o.look()
        o.server.fail("GetChannelDifference", "USER_DEACTIVATED_BAN")
        assert (await o.look()).failures == 1
        watch = await o.watch()
        assert (watch.problem, watch.paused_at, watch.via) == ("account_banned", o.clock(), None)
        account = await o.account()
        assert (account.problem, account.retry_at) == ("account_banned", None)
        o.called()
        async with o.database.transaction() as tx:
            await watches.resume(tx, "long_channel")
        assert (await o.look(days=2)).failures == 1
        assert o.called() == []
        assert (await o.look(days=2)).looks == 0


async def test_a_lost_session_is_not_softened_by_the_line_that_is_closed_with_it(outside: Opened) -> None:
    scenarios = [other(3, f"channel_{n}", OTHER + n) for n in range(4)]
    async with outside(*scenarios, fallback=True) as o:
        await o.look()
        for n in range(1, 4):
            o.server.fail("GetChannelDifference", Delay(5), channel=OTHER + n)
        o.server.fail("GetChannelDifference", "AUTH_KEY_UNREGISTERED", channel=OTHER)
        assert (await o.look()).failures == 0
        assert (await o.account()).problem == "session_lost"


# What the channel decided


async def test_a_channel_that_became_private_pauses_its_watch(outside: Opened) -> None:
    async with outside(channel(10), fallback=True) as o:
        await o.look()
        o.server.private.add(LONG)
        assert (await o.look()).failures == 1
        watch = await o.watch()
        assert (watch.problem, watch.via) == ("barred", None)
        assert watch.paused_at is not None
        assert (await o.account()).problem is None
        assert o.stage.requests == []


@pytest.mark.parametrize(
    ("hidden", "words", "problem"),
    [
        ("group", "a group", "not_a_channel"),
        ("person", "a person", "not_a_channel"),
        ("bot", "a bot", "not_a_channel"),
        ("restricted", "violated", "restricted"),
        ("private", "nobody has", "handle_free"),
    ],
)
async def test_what_is_no_public_channel_is_refused_by_name(
    outside: Opened, hidden: str, words: str, problem: str
) -> None:
    async with outside(channel(10), fallback=True) as o:
        o.stage.channels["long_channel"].hidden = hidden
        assert (await o.look()).failures == 1
        watch = await o.watch()
        assert watch.problem == problem
        assert words in (watch.problem_text or "")
        assert (watch.paused_at is not None) is (problem == "not_a_channel")
        assert o.called() == ["ResolveUsername"]
        assert o.stage.requests == []


async def test_a_channel_that_turned_into_a_group_is_read_no_more(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.post(11)
        o.stage.channels["long_channel"].hidden = "group"
        await o.look()
        assert (await o.watch()).problem == "not_a_channel"
        assert 11 not in await o.ids()


async def test_a_free_handle_is_said_to_be_free(outside: Opened, database: Database) -> None:
    async with outside(watched=False) as o:
        await listed(database, "nobody_here")
        await o.look()
        assert (await o.watch("nobody_here")).problem == "handle_free"


async def test_a_renamed_channel_is_followed_by_its_id(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.stage.channels["new_name"] = o.stage.channels.pop("long_channel")
        o.stage.channels["new_name"].scenario = replace(channel(12), handle="new_name")
        o.stage.play([other(5, "long_channel")], start=START)
        done = await o.look()
        assert (done.posts, done.failures) == (2, 0)
        rows = await ask(
            o.database, "SELECT handle FROM monitor.channel_versions WHERE channel_id = :c", c=LONG
        )
        assert {row.handle for row in rows} == {"long_channel", "new_name"}


async def test_a_handle_that_another_channel_bears_is_never_mixed(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        await ask_to_forget(o)
        await o.open()
        o.stage.channels.clear()
        o.stage.play([other(5, "long_channel")], start=START)
        await o.look()
        watch = await o.watch()
        assert watch.problem == "handle_taken"
        assert watch.paused_at is not None
        assert await o.ids(OTHER) == []
        async with o.database.transaction() as tx:
            await watches.resume(tx, "long_channel", as_new=True)
        await o.look(hours=25)
        assert await o.ids(OTHER) == [1, 2, 3, 4, 5]


async def ask_to_forget(o: Outside) -> None:
    await AccountMemory(o.database).forget_access("a0", LONG)


async def test_a_watch_begun_anew_does_not_take_the_old_channel(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.stage.channels["new_name"] = o.stage.channels.pop("long_channel")
        o.stage.channels["new_name"].scenario = replace(channel(12), handle="new_name")
        o.stage.play([other(5, "long_channel")], start=START)
        async with o.database.transaction() as tx:
            await watches.pause(tx, "long_channel", now=o.clock(), reason="passed on")
            await watches.resume(tx, "long_channel", as_new=True)
        await o.look()
        await o.look(hours=3)
        assert (await o.watch()).channel_id == OTHER
        assert await o.ids(OTHER) == [1, 2, 3, 4, 5]


async def test_an_access_that_is_refused_is_resolved_anew(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await o.look()
        o.server.fail("GetChannelDifference", "CHANNEL_INVALID")
        assert (await o.look()).failures == 1
        assert (await o.watch()).problem == "server_fault"
        assert await AccountMemory(o.database).accesses("a0") == {}
        o.called()
        assert (await o.look()).failures == 0
        assert o.called()[:2] == ["ResolveUsername", "GetChannelDifference"]


async def test_a_refusal_that_nobody_knows_is_this_watchs_own(outside: Opened) -> None:
    async with outside(channel(10), other(10)) as o:
        await o.look()
        o.server.fail("GetChannelDifference", "BRAND_NEW_ERROR", channel=LONG)
        assert (await o.look()).failures == 1
        assert (await o.watch()).problem == "unreadable"
        assert (await o.watch("other_channel")).problem is None


# Several accounts


async def test_watches_are_spread_over_the_accounts_and_stay_with_them(outside: Opened) -> None:
    scenarios = [other(3, f"channel_{n}", OTHER + n) for n in range(8)]
    async with outside(*scenarios, accounts=2) as o:
        await o.look()
        resolved = {c.handle: c.account for c in o.server.called("ResolveUsername")}
        assert Counter(resolved.values()) == {0: 4, 1: 4}
        await o.open()
        o.server.calls.clear()
        await o.look()
        asked = {c.channel: c.account for c in o.server.called("GetChannelDifference")}
        assert asked == {s.id: resolved[s.handle] for s in scenarios}
        assert o.server.called("ResolveUsername") == []


async def test_a_new_watch_goes_to_an_account_that_works(outside: Opened, database: Database) -> None:
    async with outside(channel(10), other(10), accounts=2, watched=False) as o:
        await listed(database, "long_channel")
        o.server.fail("GetHistory", "USER_DEACTIVATED_BAN")
        await o.look()
        assert (await o.watch()).problem == "account_banned"
        await listed(database, "long_channel", "other_channel")
        await o.look()
        assert (await o.watch("other_channel")).problem is None


async def test_a_session_is_used_by_one_source_alone(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        again = TelegramSource.opened(o.sessions, o.options, AccountMemory(o.database), now=o.clock)
        with pytest.raises(UsageError, match="in use"):
            async with again:
                pass


async def test_without_an_account_the_pages_stand_in(outside: Opened) -> None:
    async with outside(channel(10), fallback=True) as o:
        o.sessions.clear()
        await o.open()
        assert (await o.look()).posts == 10
        assert (await o.watch()).via is SourceName.PREVIEW


# Looking again


def _young(count: int, **rest: Any) -> tuple[Scenario, datetime]:
    return channel(count, **rest), START + timedelta(minutes=count)


async def test_posts_are_looked_at_again_at_falling_ages(outside: Opened) -> None:
    scenario, at = _young(1)
    async with outside(scenario, at=at) as o:
        await o.look(seconds=1)
        ages = []
        for _ in range(12):
            rows = await ask(o.database, "SELECT look_at FROM monitor.post_state")
            if rows[0].look_at is None:
                break
            ages.append(rows[0].look_at - at)
            o.clock.at = rows[0].look_at
            assert (await o.recheck(seconds=0.5)).looks == 1
        assert tuple(ages) == changes.RECHECK_AGES


async def test_what_history_lacks_is_asked_for_by_id_beside_what_it_shows(outside: Opened) -> None:
    async with outside(channel(60)) as o:
        await o.look()
        o.server.hidden_in_history.add((LONG, 20))
        o.delete(30, 31)
        await ask_again(o, *range(1, 61))
        o.called()
        done = await o.recheck()
        assert done.deleted == 2
        assert [await o.presence(n) for n in (20, 30, 31)] == ["present", "deleted", "deleted"]
        assert o.called() == ["GetHistory", "GetMessages"]
        rows = await ask(
            o.database, "SELECT missing_since, last_seen_at FROM monitor.post_state WHERE message_id = 30"
        )
        assert rows[0].last_seen_at < rows[0].missing_since == o.clock()


async def test_what_is_all_gone_is_proven_by_the_newest_post(outside: Opened) -> None:
    async with outside(channel(400)) as o:
        await o.look()
        await o.backfill()
        gone = [5, 120, 250, 260]
        o.delete(*gone)
        await ask_again(o, *gone)
        o.called()
        assert (await o.recheck()).deleted == 4
        assert o.called() == ["GetMessages", "GetHistory", "GetMessages"]


async def test_far_apart_posts_are_asked_for_by_id_and_near_ones_by_page(outside: Opened) -> None:
    async with outside(channel(900)) as o:
        await o.look()
        await o.backfill()
        o.called()
        await ask_again(o, *range(850, 890), 10, 200, 400, 600)
        assert (await o.recheck()).looks == 2
        assert o.called() == ["GetHistory", "GetMessages"]


async def test_an_empty_channel_proves_no_deletion(outside: Opened) -> None:
    async with outside(channel(3)) as o:
        await o.look()
        o.delete(1, 2, 3)
        o.clock.forward(hours=1)
        with pytest.raises(NothingShown):
            _ = [look async for look in o.telegram.again(await o.watch(), [1, 2, 3])]


async def test_the_newest_post_gone_is_proven_by_the_one_below(outside: Opened) -> None:
    async with outside(channel(300)) as o:
        await o.look()
        o.delete(300)
        await ask_again(o, 300)
        done = await o.recheck()
        assert (done.deleted, done.failures) == (1, 0)
        assert await o.presence(300) == "deleted"


async def test_holes_are_filled_or_proven_empty(outside: Opened) -> None:
    scenario = channel(260, holes=frozenset({7, 8, 120, 255}))
    async with outside(scenario) as o:
        o.server.hidden_in_history |= {(LONG, 50), (LONG, 200)}
        await o.look()
        await o.backfill()
        assert 50 not in await o.ids()
        await o.recheck()
        assert await o.ids() == [m.id for m in scenario.messages]
        assert await o.vacant("empty") == [7, 8, 120, 255]
        o.called()
        await o.recheck(minutes=5)
        assert o.called() == []
        watch = await o.watch()
        async with o.database.transaction() as tx:
            found = await coverage.ranges(tx, watch)
        assert (found.held, found.empty, found.unshown) == (256, 4, 0)


async def test_many_holes_give_way_and_go_on(outside: Opened) -> None:
    scenario = channel(900, holes=frozenset(range(100, 850)))
    async with outside(scenario) as o:
        await o.look()
        await o.backfill()
        await o.recheck(minutes=1)
        assert 0 < len(await o.vacant("empty")) < 750
        await o.recheck(minutes=1)
        assert await o.vacant("empty") == list(range(100, 850))


async def test_holes_are_not_judged_by_the_pages(outside: Opened) -> None:
    async with outside(channel(30, holes=frozenset({7})), fallback=True) as o:
        await o.look()
        await o.backfill()
        o.server.down = True
        await o.recheck()
        assert await o.vacant("empty") == []
        o.server.down = False
        await o.recheck(hours=2)
        assert await o.vacant("empty") == [7]


async def test_the_pages_find_nothing_deleted_but_missing(outside: Opened) -> None:
    scenario, at = _young(30)
    async with outside(scenario, at=at, fallback=True) as o:
        await o.look(seconds=30)
        o.delete(10)
        o.server.down = True
        done = await o.recheck(hours=2)
        assert (done.deleted, done.missing) == (0, 1)
        assert await o.presence(10) == "missing"
        first = o.clock()
        o.server.down = False
        await o.recheck(hours=5)
        rows = await ask(
            o.database, "SELECT presence, missing_since FROM monitor.post_state WHERE message_id = 10"
        )
        assert [tuple(row) for row in rows] == [("deleted", first)]


async def test_a_post_that_is_seen_again_is_not_missing_any_more(outside: Opened) -> None:
    scenario, at = _young(30)
    async with outside(scenario, at=at, fallback=True) as o:
        await o.look(seconds=30)
        o.server.down = True
        kept = o.stage.channels["long_channel"].scenario
        o.delete(10)
        await o.recheck(hours=2)
        assert await o.presence(10) == "missing"
        o.stage.play([kept], start=START)
        o.server.down = False
        await o.recheck(hours=5)
        assert await o.presence(10) == "present"


# How gently


async def test_two_hundred_watches_keep_the_pace_of_one_account(outside: Opened) -> None:
    scenarios = [other(2, f"channel_{n}", OTHER + n) for n in range(200)]
    async with outside(*scenarios, pace=0.01) as o:
        assert (await o.look()).failures == 0
        await o.open()
        await o.look()
        calls = [call for call in o.server.calls if call.name not in GREETING]
        # Single calls may be a little late on the way; a score of them cannot be early.
        assert min(late.at - early.at for early, late in zip(calls, calls[20:], strict=False)) >= 0.17
        assert calls[-1].at - calls[0].at >= 0.01 * (len(calls) - 1) * 0.95
        assert {call.name for call in calls} <= GENTLE
        assert len(o.server.called("ResolveUsername")) == 200


async def test_requests_that_stood_in_line_do_not_go_out_together(outside: Opened) -> None:
    async with outside(channel(300), pace=0.1) as o:
        await o.look()
        o.server.calls.clear()
        o.server.fail("GetChannelDifference", Delay(0.35))
        await asyncio.gather(
            o.look(),
            collect.backfill(o.database, o.source, now=o.clock),
            recheck.recheck(o.database, o.source, now=o.clock),
        )
        times = [call.at for call in o.server.calls]
        assert min(after - before for before, after in pairwise(times)) > 0.08


# Files


async def test_a_file_is_read_piece_by_piece(outside: Opened) -> None:
    messages = (Message(id=1, at=timedelta(minutes=1), media={"kind": "photo"}),)
    async with outside(Scenario(id=LONG, handle="long_channel", title="Фото", messages=messages)) as o:
        await o.look()
        rows = await ask(o.database, "SELECT (media->>'id')::bigint AS id FROM monitor.post_versions")
        watch = await o.watch()
        body = b"".join([piece async for piece in o.telegram.file(watch, 1, rows[0].id)])
        assert body
        with pytest.raises(NothingShown):
            _ = [piece async for piece in o.telegram.file(watch, 1, 5)]
        o.server.fail("GetFile", "FLOOD_WAIT_700")
        with pytest.raises(FloodWait):
            _ = [piece async for piece in o.telegram.file(watch, 1, rows[0].id)]


# Where the cursor and the holes are judged


def _look(first: int | None, last: int | None, shown: tuple[int, ...] = ()) -> Look:
    posts = tuple(Post(channel_id=1, message_id=n, posted_at=START) for n in shown)
    return Look(
        source=SourceName.TELEGRAM,
        at=START,
        channel=Channel(channel_id=1),
        posts=posts,
        first_id=first,
        last_id=last,
    )


@pytest.mark.parametrize(
    ("look", "holes"),
    [
        (_look(None, None), False),
        (_look(5, 5), False),
        (_look(5, 7, (5, 6, 7)), False),
        (_look(5, 7, (5, 7)), True),
        (_look(5, 7, (4, 5, 6, 7)), False),
        (_look(5, 7, (3, 4, 8)), False),
    ],
)
def test_holes_are_ids_of_a_range_with_posts_that_show_none(look: Look, *, holes: bool) -> None:
    assert collect.has_holes(look) is holes
