"""Held posts looked at again through public pages and embeds: what is seen, what is not, and what proves nothing."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from monitor.errors import (
    HandleFree,
    NoPreview,
    NothingShown,
    RateLimited,
    Restricted,
    ServerFault,
    SoftBan,
    SourceError,
    Unreadable,
)
from monitor.model import Look, MediaKind, Pace, SourceName, Watch
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.standin import pages
from monitor.standin.scenario import Message, Scenario, Text
from monitor.standin.server import Standin, serving
from tests.conftest import Clock

START = datetime(2024, 8, 9, tzinfo=UTC)
LATER = datetime(2024, 9, 9, tzinfo=UTC)
CHANNEL_ID = 1900000077
WATCH = Watch(handle="our_channel", source=SourceName.PREVIEW, pace=Pace(), channel_id=CHANNEL_ID)
PHOTO = {"kind": "photo"}
NOT_FOUND = '<div class="tgme_widget_message_error">Post not found</div>'


def message(number: int) -> Message:
    return Message(id=number, at=timedelta(minutes=number), text=Text(f"Сообщение номер {number}"))


def album(first: int, count: int = 3) -> list[Message]:
    """An album, its caption on the first member, as scenarios have it."""
    bare = Message(id=first, at=timedelta(minutes=first), media=PHOTO, album=first)
    return [
        replace(bare, id=first + place, text=Text() if place else Text(f"Альбом {first}"))
        for place in range(count)
    ]


def scenario(*messages: Message, number: int = CHANNEL_ID) -> Scenario:
    return Scenario(id=number, handle="our_channel", title="Наш канал", messages=messages)


def numbered(last: int, *, without: Iterable[int] = (), instead: Sequence[Message] = ()) -> Scenario:
    """One short post a minute, but for those that are not there and those that are others."""
    left_out = {*without, *(m.id for m in instead)}
    shown = [message(number) for number in range(1, last + 1) if number not in left_out]
    return scenario(*sorted([*shown, *instead], key=lambda m: m.id))


@dataclass
class Outside:
    """The stand-in, and a source that reads it."""

    standin: Standin
    source: PreviewSource

    async def again(self, ids: Sequence[int], *, watch: Watch = WATCH) -> list[Look]:
        looks = []
        async for look in self.source.again(watch, ids):
            assert look.absent == ()
            assert not look.exhausted
            assert [p.message_id for p in look.posts] == sorted(p.message_id for p in look.posts)
            looks.append(look)
        return looks

    def embeds(self) -> list[int]:
        """The ids whose embeds were asked for."""
        paths = [path.partition("?")[0] for path in self.standin.requests if "embed=1" in path]
        return [int(path.rpartition("/")[2]) for path in paths]

    def pages(self) -> list[str]:
        return [path.removeprefix("/s/our_channel") for path in self.standin.requests if path[:3] == "/s/"]


Opened = Callable[[Scenario], AbstractAsyncContextManager[Outside]]


@pytest.fixture
def outside() -> Opened:
    @asynccontextmanager
    async def opened(played: Scenario) -> AsyncIterator[Outside]:
        clock = Clock(LATER)
        standin = Standin(clock)
        standin.play([played], start=START)
        async with (
            serving(standin) as host,
            PreviewSource.opened(PreviewOptions(hosts=(host,), pace=0), now=clock) as source,
        ):
            yield Outside(standin, source)

    return opened


def seen(looks: Iterable[Look]) -> list[int]:
    return sorted(post.message_id for look in looks for post in look.posts)


def unseen(looks: Iterable[Look]) -> list[int]:
    return sorted(number for look in looks for number in look.unseen)


def spans(looks: Iterable[Look]) -> list[tuple[int | None, int | None]]:
    return [(look.first_id, look.last_id) for look in looks]


async def test_nothing_is_asked_for_nothing(outside: Opened) -> None:
    async with outside(numbered(10)) as o:
        assert await o.again([]) == []
        assert o.standin.requests == []


async def test_all_on_one_page(outside: Opened) -> None:
    async with outside(numbered(30)) as o:
        (look,) = await o.again([25, 27, 30])
        assert seen([look]) == list(range(11, 31))
        assert (look.unseen, spans([look]), look.source) == ((), [(11, 30)], SourceName.PREVIEW)
        assert (look.channel.channel_id, look.channel.title, look.at) == (CHANNEL_ID, "Наш канал", LATER)
        assert (o.pages(), o.embeds()) == (["?before=40"], [])


async def test_several_pages_descend_and_adjoin(outside: Opened) -> None:
    async with outside(numbered(100)) as o:
        looks = await o.again(range(31, 91))
        assert spans(looks) == [(80, 90), (60, 79), (40, 59), (20, 39)]
        assert seen(looks) == list(range(20, 91))
        assert (unseen(looks), o.embeds()) == ([], [])


async def test_ids_far_apart_are_a_page_each(outside: Opened) -> None:
    async with outside(numbered(400)) as o:
        looks = await o.again([3, 150, 380])
        assert o.pages() == ["?before=390", "?before=160", "?before=13"]
        assert {3, 150, 380} <= set(seen(looks))
        assert (spans(looks), unseen(looks)) == ([(370, 380), (140, 150), (1, 3)], [])


async def test_one_that_is_not_there_any_more_is_unseen(outside: Opened) -> None:
    async with outside(numbered(30, without={22})) as o:
        looks = await o.again([20, 22, 24])
        assert 22 not in seen(looks)
        assert [look.unseen for look in looks] == [(), (22,)]
        assert spans(looks) == [(10, 24), (None, None)]
        witness, *asked = o.embeds()
        assert witness in range(10, 31)
        assert asked == [22]
        assert o.standin.requests[-1] == "/our_channel/22?embed=1&mode=tme"


async def test_ids_over_the_newest_are_unseen(outside: Opened) -> None:
    async with outside(numbered(30)) as o:
        looks = await o.again([29, 31, 55])
        assert (unseen(looks), spans(looks)) == ([31, 55], [(11, 55), (None, None)])
        assert 29 in seen(looks[:1])


async def test_the_newest_post_is_checked_before_each_look_that_says_unseen(outside: Opened) -> None:
    gone = range(11, 61)
    async with outside(numbered(70, without=gone)) as o:
        looks = await o.again(gone)
        assert [len(look.unseen) for look in looks] == [0, 20, 20, 10]
        assert unseen(looks) == list(gone)
        assert spans(looks) == [(1, 60), (None, None), (None, None), (None, None)]
        assert [bool(look.posts) for look in looks] == [True, False, False, False]
        assert [n for n in o.embeds() if n not in gone] == [69, 69, 69]


async def test_what_a_page_hides_and_an_embed_shows_is_seen(outside: Opened) -> None:
    played = numbered(30)
    async with outside(played) as o:
        cut = [m for m in played.shown(LATER - START) if m.id not in (18, 21)][-20:]
        page = pages.history(played, cut, now=LATER, start=START)
        o.standin.fail("/s/our_channel", HTMLResponse(page))
        page_look, embeds_look = await o.again([18, 20, 21, 22])
        assert {20, 22} <= set(seen([page_look]))
        assert seen([embeds_look]) == [18, 21]
        assert embeds_look.unseen == ()
        assert embeds_look.posts[1].text == "Сообщение номер 21"


async def test_an_embed_of_a_member_gives_those_of_the_album_that_were_asked_for(outside: Opened) -> None:
    played = numbered(30, instead=album(20, 5))
    async with outside(played) as o:
        cut = [m for m in played.shown(LATER - START) if m.album != 20][-20:]
        o.standin.fail("/s/our_channel", HTMLResponse(pages.history(played, cut, now=LATER, start=START)))
        looks = await o.again([20, 21, 23, 30])
        members = {p.message_id: p for look in looks for p in look.posts if p.album_id == 20}
        assert sorted(members) == [20, 21, 23]
        assert [members[n].text for n in (20, 21, 23)] == ["Альбом 20", "", ""]
        assert (unseen(looks), o.embeds()[1:]) == ([], [23])


async def test_an_album_of_which_one_is_gone(outside: Opened) -> None:
    rest = [m for m in album(20, 4) if m.id != 22]
    async with outside(numbered(30, without={22}, instead=rest)) as o:
        looks = await o.again([20, 21, 22, 23])
        members = {p.message_id: p.album_id for p in looks[0].posts if p.message_id in range(20, 24)}
        assert (members, unseen(looks)) == ({20: 20, 21: 20, 23: 20}, [22])


def whole(played: Scenario) -> dict[int, tuple[int | None, str]]:
    """What each post is when nothing cuts its album."""
    return {m.id: (m.album, m.text.words) for m in played.messages}


@pytest.mark.parametrize("size", [2, 3, 7, 10])
@pytest.mark.parametrize("step", [1, 9])
async def test_no_edge_cuts_an_album(outside: Opened, *, size: int, step: int) -> None:
    played = scenario(*[m for first in range(1, 48, size) for m in album(first, size)])
    last = played.messages[-1].id
    async with outside(played) as o:
        for highest in range(last - 11, last + 1):
            ids = range(highest, 0, -step)[::-1]
            looks = await o.again(ids)
            shown = {p.message_id: (p.album_id, p.text) for look in looks for p in look.posts}
            assert set(ids) <= set(shown)
            assert shown.items() <= whole(played).items()
            assert unseen(looks) == []
        assert o.embeds() == []


async def test_an_album_at_the_very_beginning_is_taken(outside: Opened) -> None:
    async with outside(numbered(30, instead=album(1, 3))) as o:
        looks = await o.again([1])
        assert seen(looks) == [1, 2, 3]
        assert spans(looks) == [(1, 3)]


async def test_service_posts_are_seen_by_the_page_though_they_have_no_embed(outside: Opened) -> None:
    pinned = replace(message(20), service="pinned", text=Text())
    async with outside(numbered(30, without={21}, instead=[pinned])) as o:
        looks = await o.again([20, 21])
        assert (20 in seen(looks[:1]), unseen(looks)) == (True, [21])
        assert 20 not in o.embeds()


async def test_embeds_are_not_tried_by_a_service_post(outside: Opened) -> None:
    pins = [replace(message(n), service="pinned", text=Text()) for n in range(1, 9)]
    async with outside(numbered(60, without={9}, instead=pins)) as o:
        looks = await o.again([7, 9])
        assert (unseen(looks), o.embeds()[0] > 9) == ([9], True)


async def test_where_the_page_has_service_posts_alone_the_newest_page_has_the_witness(
    outside: Opened,
) -> None:
    pins = [replace(message(n), service="pinned", text=Text()) for n in range(1, 4)]
    async with outside(numbered(60, without=range(4, 30), instead=pins)) as o:
        looks = await o.again([2, 9])
        assert (unseen(looks), o.embeds()) == ([9], [60, 9])
        assert o.pages() == ["?before=19", ""]


async def test_a_channel_of_service_posts_alone_proves_nothing(outside: Opened) -> None:
    pins = [replace(message(n), service="pinned", text=Text()) for n in range(1, 4)]
    async with outside(scenario(*pins)) as o:
        with pytest.raises(NothingShown):
            await o.again([2, 9])


async def test_unsupported_posts_are_seen(outside: Opened) -> None:
    hidden = replace(message(20), unsupported=True)
    async with outside(numbered(30, instead=[hidden])) as o:
        (look,) = await o.again([20])
        post = next(p for p in look.posts if p.message_id == 20)
        assert (post.media.kind if post.media else None, look.unseen) == (MediaKind.OTHER, ())


async def test_what_was_set_aside_is_neither_seen_nor_unseen(outside: Opened) -> None:
    played = numbered(10)
    async with outside(played) as o:
        page = pages.history(played, played.messages, now=LATER, start=START)
        broken = page.replace('/our_channel/4"><time', '/our_channel/4"><b').replace(
            '/our_channel/1"><time', '/our_channel/1"><b'
        )
        o.standin.fail("/s/our_channel", HTMLResponse(broken))
        looks = await o.again([1, 3, 4, 5])
        assert (seen(looks), unseen(looks)) == ([2, 3, 5], [])
        assert [a.message_id for look in looks for a in look.set_aside] == [1, 4]
        assert (len(o.pages()), o.embeds()) == (1, [])


async def test_an_embed_that_cannot_be_read_is_set_aside(outside: Opened) -> None:
    played = numbered(30, without={22})
    async with outside(played) as o:
        broken = pages.embed(played, [message(22)], 22, now=LATER, start=START)
        o.standin.fail("/our_channel/22?", HTMLResponse(broken.replace("<time", "<b")))
        looks = await o.again([20, 22])
        assert (unseen(looks), 22 in seen(looks)) == ([], False)
        assert [a.message_id for look in looks for a in look.set_aside] == [22]


async def test_a_post_without_a_name_may_be_any_of_those_that_are_lost(outside: Opened) -> None:
    played = numbered(30)
    async with outside(played) as o:
        page = pages.history(played, played.messages[10:], now=LATER, start=START)
        page = page.replace('data-post="our_channel/22"', 'data-post="our_channel/x"')
        o.standin.fail("/s/our_channel", HTMLResponse(page))
        (look,) = await o.again([20, 22])
        assert (look.unseen, len(look.set_aside), o.embeds()) == ((), 1, [])


async def test_embeds_that_hide_what_pages_show_are_not_believed(outside: Opened) -> None:
    async with outside(numbered(30, without={22})) as o:
        o.standin.embeds_hidden = True
        looks = o.source.again(WATCH, [20, 22])
        first = await anext(looks)
        assert (first.first_id, first.last_id, 20 in seen([first])) == (10, 22, True)
        with pytest.raises(Unreadable, match="embeds of @our_channel hide"):
            await anext(looks)
        assert len(o.embeds()) == 1
        assert {20, 21} <= set(seen(await o.again([20, 21])))


async def test_a_channel_that_is_hidden_after_its_page_was_read_hides_nothing(outside: Opened) -> None:
    played = numbered(30, without={22})
    async with outside(played) as o:
        page = pages.history(played, played.messages[-20:], now=LATER, start=START)
        o.standin.fail("/s/our_channel", HTMLResponse(page))
        o.standin.channels["our_channel"].hidden = "preview"
        with pytest.raises(Unreadable):
            await o.again([22])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (PlainTextResponse("", 429, headers={"Retry-After": "90"}), RateLimited),
        (PlainTextResponse("", 502), ServerFault),
        (PlainTextResponse("", 404), Unreadable),
        (RedirectResponse("/our_channel", 302), Unreadable),
        (HTMLResponse("<html><title>Something else</title></html>"), Unreadable),
        (HTMLResponse(pages.card("Telegram: View @our_channel", extra="12 345 subscribers")), Unreadable),
        (HTMLResponse(pages.card("Telegram: Contact @our_channel")), HandleFree),
        (HTMLResponse(NOT_FOUND.replace("Post not found", "Channel is private")), Unreadable),
        (
            HTMLResponse(NOT_FOUND.replace("Post not found", "This channel can't be displayed because …")),
            Restricted,
        ),
    ],
)
async def test_any_other_answer_to_an_embed_is_no_verdict(
    outside: Opened, answer: PlainTextResponse, error: type[SourceError]
) -> None:
    async with outside(numbered(30, without={22})) as o:
        o.standin.fail("/our_channel/22?", answer)
        looks = o.source.again(WATCH, [20, 22])
        first = await anext(looks)
        assert (20 in seen([first]), first.unseen) == (True, ())
        with pytest.raises(error):
            await anext(looks)


async def test_an_embed_of_another_channel_is_no_verdict(outside: Opened) -> None:
    async with outside(numbered(30, without={22})) as o:
        strange = pages.embed(scenario(message(22), number=5), [message(22)], 22, now=LATER, start=START)
        o.standin.fail("/our_channel/22?", HTMLResponse(strange))
        with pytest.raises(Unreadable):
            await o.again([22])


async def test_looks_before_an_error_stay(outside: Opened) -> None:
    async with outside(numbered(400)) as o:
        o.standin.fail("/s/our_channel?before=160", PlainTextResponse("", 429))
        looks = o.source.again(WATCH, [150, 380])
        assert 380 in seen([await anext(looks)])
        with pytest.raises(RateLimited):
            await anext(looks)


async def test_a_soft_ban_hides_nothing(outside: Opened) -> None:
    async with outside(numbered(400)) as o:
        looks = o.source.again(WATCH, [150, 380])
        await anext(looks)
        o.standin.banned = True
        with pytest.raises(SoftBan):
            await anext(looks)


async def test_a_soft_ban_between_page_and_embed_hides_nothing(outside: Opened) -> None:
    async with outside(numbered(30, without={22})) as o:
        page = pages.card("Telegram: Contact @our_channel")
        o.standin.fail("/our_channel/30?", HTMLResponse(page))
        o.standin.fail("/s/telegram", HTMLResponse(page))
        with pytest.raises(SoftBan):
            await o.again([22])


@pytest.mark.parametrize(("hidden", "error"), [("preview", NoPreview), ("restricted", Restricted)])
async def test_a_channel_that_hides_is_told_by_its_card(
    outside: Opened, hidden: str, error: type[SourceError]
) -> None:
    async with outside(numbered(30)) as o:
        o.standin.channels["our_channel"].hidden = hidden
        with pytest.raises(error):
            await o.again([22])


async def test_a_channel_that_is_gone_is_a_free_handle(outside: Opened) -> None:
    async with outside(numbered(30)) as o:
        o.standin.channels.clear()
        with pytest.raises(HandleFree):
            await o.again([22])


async def test_where_all_lower_posts_are_gone_embeds_are_asked(outside: Opened) -> None:
    async with outside(numbered(60, without=range(1, 31))) as o:
        looks = await o.again([5, 9, 40])
        assert (unseen(looks), 40 in seen(looks)) == ([5, 9], True)
        assert (o.pages(), o.embeds()) == (["?before=50", "?before=19", ""], [60, 9, 5])
        assert spans(looks) == [(31, 40), (1, 9), (None, None)]
        assert {look.channel.channel_id for look in looks} == {CHANNEL_ID}


async def test_the_lowest_posts_of_all_may_be_over_the_id(outside: Opened) -> None:
    async with outside(numbered(60, without=range(1, 31))) as o:
        looks = await o.again([28])
        assert (unseen(looks), seen(looks), spans(looks)) == ([28], [], [(1, 28), (None, None)])
        assert o.pages() == ["?before=38", "?before=31", ""]


async def test_an_empty_channel_proves_nothing(outside: Opened) -> None:
    async with outside(scenario()) as o:
        with pytest.raises(NothingShown):
            await o.again([5])


async def test_a_handle_that_shows_another_channel_says_nothing_of_ours(outside: Opened) -> None:
    async with outside(scenario(*[message(n) for n in range(100, 130)], number=1900000099)) as o:
        looks = await o.again([5, 110, 140])
        assert {look.channel.channel_id for look in looks} == {1900000099}
        assert (unseen(looks), o.embeds()) == ([], [])


async def test_pages_that_do_not_heed_before_are_refused(outside: Opened) -> None:
    async with outside(numbered(90)) as o:
        o.standin.heeds_before = False
        with pytest.raises(Unreadable):
            await o.again([5])


async def test_an_id_that_cannot_be_ends(outside: Opened) -> None:
    async with outside(numbered(30)) as o:
        with pytest.raises(Unreadable):
            await o.again([-3, 2])
