"""What the MTProto stand-in says of channels: their names, their histories both ways, and their differences."""

from datetime import timedelta
from typing import Any

import pytest
from telethon import errors, functions, types

from monitor.standin import scenario
from monitor.standin.scenario import THEN, Event, Scenario
from monitor.standin.telegram import TooLong
from monitor.standin.telegram_timeline import Timeline
from tests.unit.standin_telegram import (
    HOUR,
    Clock,
    channel,
    delete,
    edit,
    history,
    said,
    staged,
    talking,
)

SHIPPED = scenario.shipped()
LONG = channel(*(said(n) for n in range(1, 251)), about="О чём", subscribers=12_345, verified=True)
# Posts 1 to 6 at their hours; 2 is edited twice, 3 and 4 go together, 5 goes and comes with no word of it.
LIVELY = channel(
    *(said(n) for n in range(1, 7)),
    events=(
        edit(2, 10, "second"),
        Event(at=HOUR * 11, kind="views", post=2, views=9),
        edit(2, 12, "third"),
        delete(3, 13),
        delete(4, 13),
        delete(5, 14),
        edit(5, 15, "never"),
        delete(9, 16),
    ),
)


def hours(clock: Clock, number: float) -> None:
    clock.offset = HOUR * number


def difference(peer: Any, pts: int, limit: int = 100) -> Any:
    return functions.updates.GetChannelDifferenceRequest(
        types.InputChannel(peer.channel_id, peer.access_hash), types.ChannelMessagesFilterEmpty(), pts, limit
    )


# Names


@pytest.mark.parametrize("handle", ["demo_one", "Demo_One", "DEMO_ONE"])
async def test_a_handle_is_resolved_in_any_case(handle: str) -> None:
    async with talking(staged(LONG)) as (client, _):
        found = await client.get_entity(handle)
        assert (found.id, found.username, found.title) == (LONG.id, "Demo_One", "Проба")
        assert (found.broadcast, found.megagroup, found.verified, found.left) == (True, False, True, True)
        assert not found.restricted


@pytest.mark.parametrize(
    ("handle", "error"),
    [
        ("demo_nobody", errors.UsernameNotOccupiedError),
        ("a", errors.UsernameInvalidError),
        ("9abcd", errors.UsernameInvalidError),
        ("имярек", errors.UsernameInvalidError),
    ],
)
async def test_a_handle_that_leads_nowhere(handle: str, error: type[Exception]) -> None:
    async with talking(staged(LONG)) as (client, _):
        with pytest.raises(error):
            await client(functions.contacts.ResolveUsernameRequest(handle))


async def test_what_is_behind_a_handle_may_be_no_channel() -> None:
    server = staged(LONG)
    played = server.stage.channels["demo_one"]
    async with talking(server) as (client, peer):
        played.hidden = "group"
        assert (await client.get_entity("demo_one")).megagroup
        played.hidden = "restricted"
        found = await client.get_entity("demo_one")
        assert found.restricted
        assert [r.platform for r in found.restriction_reason] == ["all"]
        played.hidden = "person"
        found = await client.get_entity("demo_one")
        assert (type(found), found.first_name, found.bot) == (types.User, "Private Person", False)
        with pytest.raises(errors.PeerIdInvalidError):
            await client(history(types.InputPeerUser(found.id, found.access_hash)))
        with pytest.raises(errors.ChannelInvalidError):
            await client(history(peer))
        played.hidden = "bot"
        assert (await client.get_entity("demo_one")).bot
        played.hidden = "preview"
        assert len(await client.get_messages(peer)) == 1


def every_method(peer: Any) -> list[Any]:
    input_channel = types.InputChannel(peer.channel_id, peer.access_hash)
    return [
        history(peer),
        difference(peer, 1),
        functions.channels.GetChannelsRequest([input_channel]),
        functions.channels.GetFullChannelRequest(input_channel),
        functions.channels.GetMessagesRequest(input_channel, [types.InputMessageID(1)]),
        functions.messages.GetMessagesViewsRequest(peer, [1], increment=False),
    ]


@pytest.mark.parametrize("by_scenario", [True, False])
async def test_a_private_channel_is_closed_everywhere_and_its_handle_is_free(by_scenario: bool) -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        if by_scenario:
            server.stage.channels["demo_one"].hidden = "private"
        else:
            server.private.add(LONG.id)
        for request in every_method(peer):
            with pytest.raises(errors.ChannelPrivateError):
                await client(request)
        with pytest.raises(errors.UsernameNotOccupiedError):
            await client(functions.contacts.ResolveUsernameRequest("demo_one"))


async def test_a_wrong_hash_opens_nothing() -> None:
    async with talking(staged(LONG)) as (client, peer):
        wrong = types.InputPeerChannel(peer.channel_id, peer.access_hash + 1)
        for request in every_method(wrong):
            with pytest.raises(errors.ChannelInvalidError):
                await client(request)
        with pytest.raises(errors.ChannelInvalidError):
            await client(history(types.InputPeerChannel(5, 5)))
        with pytest.raises(errors.ChannelInvalidError):
            await client(functions.channels.GetFullChannelRequest(types.InputChannelEmpty()))


async def test_a_channel_in_full() -> None:
    clock = Clock()
    pinned = channel(said(1), said(2, service="pinned", pins=1), about="О чём", subscribers=12_345)
    async with talking(staged(pinned, clock=clock)) as (client, peer):
        full = (await client(functions.channels.GetFullChannelRequest(peer))).full_chat
        assert (full.about, full.participants_count, full.pts, full.pinned_msg_id) == ("О чём", 12_345, 3, 1)
        hours(clock, 1.5)
        full = (await client(functions.channels.GetFullChannelRequest(peer))).full_chat
        assert (full.pts, full.pinned_msg_id) == (2, None)
        (chat,) = (await client(functions.channels.GetChannelsRequest([peer]))).chats
        assert chat.access_hash == peer.access_hash


async def test_a_channel_is_renamed_in_time() -> None:
    clock = Clock()
    renamed = channel(said(1), events=(Event(at=HOUR * 5, kind="rename", title="Новое"),))
    async with talking(staged(renamed, clock=clock)) as (client, _):
        titles = []
        for number in (4, 5):
            hours(clock, number)
            titles.append((await client.get_entity("demo_one")).title)
        assert titles == ["Проба", "Новое"]


async def test_another_scenario_takes_a_channels_place() -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        assert (await client.get_messages(peer, ids=1)).message == "post 1"
        server.stage.play([channel(said(1, 1, "other"))], start=THEN)
        assert (await client.get_messages(peer, ids=1)).message == "other"
        played = server.stage.channels["demo_one"]
        played.scenario = channel(said(1, 1, "third"))
        assert (await client.get_messages(peer, ids=1)).message == "third"


# Histories


async def ids(client: Any, request: Any) -> list[int]:
    return [m.id for m in (await client(request)).messages]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, range(250, 150, -1)),
        ({"limit": 1000}, range(250, 150, -1)),
        ({"limit": 3}, range(250, 247, -1)),
        ({"limit": 0}, []),
        ({"limit": -5}, []),
        ({"offset_id": 11}, range(10, 0, -1)),
        ({"offset_id": 1}, []),
        ({"offset_id": 900, "limit": 2}, [250, 249]),
        ({"offset_id": 100, "add_offset": 5, "limit": 2}, [94, 93]),
        ({"offset_id": 100, "add_offset": -3, "limit": 3}, [102, 101, 100]),
        ({"offset_id": 100, "add_offset": -1, "limit": 3}, [100, 99, 98]),
        ({"offset_id": 1, "add_offset": -100}, range(100, 0, -1)),
        ({"offset_id": 241, "add_offset": -100}, range(250, 240, -1)),
        ({"offset_id": 251, "add_offset": -100}, []),
        ({"min_id": 247}, [250, 249, 248]),
        ({"max_id": 153}, [152, 151]),
        ({"max_id": 100}, []),
        ({"offset_date": THEN + HOUR * 4}, [3, 2, 1]),
        ({"offset_date": THEN + HOUR * 4, "offset_id": 3}, [2, 1]),
        ({"offset_date": THEN + HOUR * 4, "add_offset": -2, "limit": 2}, [5, 4]),
    ],
)
async def test_a_history_is_a_window(given: dict[str, Any], shown: Any) -> None:
    async with talking(staged(LONG)) as (client, peer):
        page = await client(history(peer, **given))
        assert [m.id for m in page.messages] == list(shown)
        assert (page.pts, page.count) == (251, 250)
        assert ([c.id for c in page.chats], page.users) == ([LONG.id], [])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 250])
async def test_telethon_reads_a_history_both_ways(size: int, reverse: bool) -> None:
    holed = channel(*(said(n * 3) for n in range(1, size + 1)))
    async with talking(staged(holed)) as (client, peer):
        found = [m.id async for m in client.iter_messages(peer, wait_time=0, reverse=reverse)]
        assert found == sorted(found, reverse=not reverse)
        assert len(found) == size
        newer = [m.id async for m in client.iter_messages(peer, wait_time=0, reverse=True, min_id=151)]
        assert newer == list(range(154 - 1, size * 3 + 1, 3))


async def test_a_history_has_no_more_than_was_posted_by_now() -> None:
    clock = Clock(HOUR * 2)
    async with talking(staged(LIVELY, clock=clock)) as (client, peer):
        seen = {}
        for number in (0, 2, 6, 10, 13, 14, 6, 2):
            hours(clock, number)
            seen[number] = await ids(client, history(peer))
            page = await client(history(peer))
            assert page.count == len(seen[number])
        assert seen == {0: [], 2: [2, 1], 6: [6, 5, 4, 3, 2, 1], 10: [6, 5, 4, 3, 2, 1], 13: [6, 5, 2, 1], 14: [6, 2, 1]}  # fmt: skip


async def test_messages_are_looked_up_by_id() -> None:
    server = staged(LIVELY, clock=Clock(HOUR * 14))
    async with talking(server) as (client, peer):
        found = await client.get_messages(peer, ids=[6, 3, 2, 77])
        assert [m and m.message for m in found] == ["post 6", None, "third", None]
        wanted = [types.InputMessageID(n) for n in (2, 3)]
        page = await client(functions.channels.GetMessagesRequest(peer, wanted))
        assert [(type(m).__name__, m.id, m.peer_id.channel_id) for m in page.messages] == [
            ("Message", 2, LIVELY.id),
            ("MessageEmpty", 3, LIVELY.id),
        ]
        for many, error in (([], errors.MessageIdsEmptyError), (wanted * 51, errors.BadRequestError)):
            with pytest.raises(error):
                await client(functions.channels.GetMessagesRequest(peer, many))


async def test_a_gap_of_histories_alone() -> None:
    server = staged(LONG)
    server.hidden_in_history = {(LONG.id, 249), (LONG.id, 3), (99, 250)}
    async with talking(server) as (client, peer):
        assert await ids(client, history(peer, limit=2)) == [250, 248]
        assert await ids(client, history(peer, offset_id=5)) == [4, 2, 1]
        assert (await client.get_messages(peer, ids=249)).message == "post 249"
        got = await client(difference(peer, 247))
        assert [m.id for m in got.new_messages] == [247, 248, 250]
        assert (got.pts, got.final) == (251, True)


async def test_views_are_told_and_whether_they_were_to_be_counted_is_seen() -> None:
    clock = Clock(HOUR * 48)
    server = staged(channel(said(1, views=100, forwards=7), said(2)), clock=clock)
    async with talking(server) as (client, peer):
        ask = functions.messages.GetMessagesViewsRequest
        told = await client(ask(peer, [1, 9], increment=False))
        assert [(v.views, v.forwards) for v in told.views] == [(100, 7), (None, None)]
        message = await client.get_messages(peer, ids=1)
        assert (message.views, message.forwards) == (100, 7)
        await client(ask(peer, [1], increment=True))
        counted = [c.arguments["increment"] for c in server.called("GetMessagesViews")]
        assert counted == [False, True]
        with pytest.raises(errors.BadRequestError):
            await client(ask(peer, [1] * 101, increment=False))


async def test_counts_grow_with_the_clock() -> None:
    clock = Clock(HOUR)
    server = staged(channel(said(1, views=1000, reactions={"👍": 100})), clock=clock)
    async with talking(server) as (client, peer):
        views = []
        for number in (1, 2, 12, 25, 60):
            hours(clock, number)
            views.append((await client.get_messages(peer, ids=1)).views)
        assert views == sorted(views)
        assert (views[0], views[-2:]) == (0, [1000, 1000])
        assert len(set(views)) == 4


# Differences


def told(update: Any) -> tuple[Any, ...]:
    if isinstance(update, types.UpdateDeleteChannelMessages):
        return ("gone", update.messages, update.pts, update.pts_count)
    return (update.message.id, update.message.message, update.pts, update.pts_count)


@pytest.mark.parametrize(
    ("asked", "new", "others", "end"),
    [
        # A pts is 1 and what happened: posts 1 to 6 make it 7, two edits 9, three deletions 12.
        ((1, 6, 100), [1, 2, 3, 4, 5, 6], [], 7),
        ((7, 9, 100), None, None, 7),
        ((7, 10, 100), [], [(2, "second", 8, 1)], 8),
        ((7, 12, 100), [], [(2, "third", 9, 1)], 9),
        ((7, 12, 1), [], [(2, "third", 8, 1)], 8),
        ((9, 14, 100), [], [("gone", [3, 4], 11, 2), ("gone", [5], 12, 1)], 12),
        ((8, 99, 100), [], [(2, "third", 9, 1), ("gone", [3, 4], 11, 2), ("gone", [5], 12, 1)], 12),
        # What was posted and deleted since is told as deleted; what was posted and edited as new.
        ((2, 99, 100), [2, 6], [("gone", [3, 4], 11, 2), ("gone", [5], 12, 1)], 12),
        ((2, 99, 3), [2], [], 5),
        ((5, 99, 2), [6], [], 7),
        ((12, 99, 100), None, None, 12),
    ],
)
async def test_a_difference_is_what_happened_since(
    asked: tuple[int, int, int], new: list[int] | None, others: list[Any] | None, end: int
) -> None:
    start, now, limit = asked
    async with talking(staged(LIVELY, clock=Clock(HOUR * now))) as (client, peer):
        got = await client(difference(peer, start, limit))
        assert (got.pts, got.timeout) == (end, 1)
        assert got.final is (end == 12 or limit == 100)
        if new is None:
            assert isinstance(got, types.updates.ChannelDifferenceEmpty)
        else:
            assert [m.id for m in got.new_messages] == new
            assert [told(u) for u in got.other_updates] == others
            assert [c.id for c in got.chats] == [LIVELY.id]


async def test_an_album_counts_as_many_as_it_has_members() -> None:
    album = channel(
        *(said(n, 1, album=1, media={"kind": "photo"}) for n in (1, 2, 3)),
        events=tuple(delete(n, 5) for n in (1, 2, 3)),
    )
    clock = Clock(HOUR)
    async with talking(staged(album, clock=clock)) as (client, peer):
        assert (await client(difference(peer, 1))).pts == 4
        hours(clock, 5)
        got = await client(difference(peer, 4))
        assert [told(u) for u in got.other_updates] == [("gone", [1, 2, 3], 7, 3)]


async def test_a_pts_that_never_was_is_refused() -> None:
    async with talking(staged(LIVELY)) as (client, peer):
        with pytest.raises(errors.PersistentTimestampEmptyError):
            await client(difference(peer, 0))
        with pytest.raises(errors.PersistentTimestampInvalidError):
            await client(difference(peer, 13))


async def test_a_difference_may_be_too_long() -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        server.too_long, server.difference_timeout = 200, 30
        assert isinstance(await client(difference(peer, 51)), types.updates.ChannelDifference)
        got = await client(difference(peer, 50))
        assert isinstance(got, types.updates.ChannelDifferenceTooLong)
        assert (got.dialog.pts, got.dialog.top_message, got.timeout, got.final) == (251, 250, 30, True)
        assert [m.id for m in got.messages] == list(range(250, 240, -1))
        server.fail("GetChannelDifference", TooLong())
        assert isinstance(await client(difference(peer, 250)), types.updates.ChannelDifferenceTooLong)
        assert isinstance(await client(difference(peer, 250)), types.updates.ChannelDifference)


async def test_a_difference_may_be_too_long_for_an_empty_channel() -> None:
    server = staged(channel())
    async with talking(server) as (client, peer):
        server.fail("GetChannelDifference", TooLong())
        got = await client(difference(peer, 1))
        assert (got.dialog.pts, got.dialog.top_message, got.messages) == (1, 0, [])


def kept(held: dict[int, str], got: Any) -> None:
    """Apply a difference to what is held, as a client does."""
    for message in got.new_messages:
        held[message.id] = getattr(message, "message", None) or ""
    for update in got.other_updates:
        if isinstance(update, types.UpdateDeleteChannelMessages):
            for number in update.messages:
                held.pop(number, None)
        else:
            held[update.message.id] = update.message.message


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("played", [*SHIPPED, LIVELY], ids=lambda s: s.handle)
async def test_differences_lead_from_one_state_to_the_next(played: Scenario, limit: int) -> None:
    clock = Clock(timedelta(0))
    held: dict[int, str] = {}
    pts, ends = 1, played.ends + HOUR
    async with talking(staged(played, clock=clock), played.handle) as (client, peer):
        for step in range(1, 9):
            clock.offset = ends * step / 8
            final = False
            while not final:
                got = await client(difference(peer, pts, limit))
                pts, final = got.pts, got.final
                if isinstance(got, types.updates.ChannelDifference):
                    kept(held, got)
            shown = {m.id: "" if m.service else m.text.words for m in played.shown(clock.offset)}
            assert held == shown


@pytest.mark.parametrize("played", [*SHIPPED, LIVELY], ids=lambda s: s.handle)
def test_the_timeline_is_what_the_scenario_shows(played: Scenario) -> None:
    timeline = Timeline(played)
    moments = sorted({c.at for c in timeline.changes} | {e.at for e in played.events})
    for moment in [*moments, *reversed(moments), played.ends + 48 * HOUR]:
        shown = played.shown(moment)
        assert timeline.live(timeline.pts(moment)) == [m.id for m in shown]
        assert [timeline.message(m.id, moment) for m in shown] == shown
        assert all(timeline.shows(m.id, moment) for m in shown)
    assert [timeline.pts(c.at) >= n for n, c in enumerate(timeline.changes, 2)].count(False) == 0


async def test_a_handle_that_moves_keeps_the_old_channel_where_it_was() -> None:
    server = staged(channel(said(1)))
    async with talking(server) as (client, peer):
        old = server.stage.channels.pop("demo_one")
        server.stage.channels["demo_moved"] = old
        server.stage.play([channel(said(5), id=1_700_000_009)], start=THEN)
        assert (await client.get_messages(peer, ids=1)).message == "post 1"
        found = await client(functions.contacts.ResolveUsernameRequest("demo_one"))
        assert found.peer.channel_id == 1_700_000_009
