"""Scenarios: how they are read, what they show at a time, and that their pages read back as what they are."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from monitor.model import Entity, ForwardKind, MediaKind, Post
from monitor.sources.preview_page import Page, State, count, parse
from monitor.standin import pages, scenario
from monitor.standin.scenario import THEN, Message, Scenario, Text
from monitor.standin.server import Standin, serving

SHIPPED = scenario.shipped()
TOML = """
[channel]
id = 77
handle = "demo"
title = "Проба"
about = "Выдумано"
subscribers = 12345
verified = true

[[post]]
id = 4
at = "0d 12:00:00"
text = "последнее"
views = 1000
reactions = { "👍" = 100, "🔥" = 1 }

[[post]]
id = 1
at = "0d 10:00:00"
text = \"\"\"
<b>первое</b>
слово
\"\"\"

[[post]]
id = 2
at = "0d 11:00:00"
text = "альбом"
forward = { handle = "other", id = 5, title = "Другой" }
media = [ { kind = "photo" }, { kind = "video", duration = 61 } ]

[[event]]
at = "2d 00:00:00"
kind = "delete"
post = 4

[[event]]
at = "1d 00:00:00"
kind = "edit"
post = 1
text = "второе <i>слово</i>"

[[event]]
at = "1d 12:00:00"
kind = "views"
post = 4
views = 5000

[[event]]
at = "1d 13:00:00"
kind = "rename"
title = "Проба II"

[[event]]
at = "2d 01:00:00"
kind = "views"
post = 4
views = 9000
"""


@pytest.fixture
def demo(tmp_path: Path) -> Scenario:
    path = tmp_path / "demo.toml"
    path.write_text(TOML, encoding="utf-8")
    return scenario.load(path)


def at(written: str) -> timedelta:
    return scenario.offset(written)


def drawn(played: Scenario, messages: list[Message], offset: timedelta) -> Page:
    page = pages.history(played, messages, now=THEN + offset, start=THEN)
    return parse(page.encode(), played.handle)


def test_a_scenario_is_read_in_order(demo: Scenario) -> None:
    assert (demo.id, demo.handle, demo.title, demo.subscribers, demo.verified) == (
        77,
        "demo",
        "Проба",
        12345,
        True,
    )
    assert [m.id for m in demo.messages] == [1, 2, 3, 4]
    assert [e.kind for e in demo.events] == ["edit", "views", "rename", "delete", "views"]
    assert demo.messages[0].text == Text("первое\nслово", (Entity("bold", 0, 6),))
    assert demo.ends == timedelta(days=2, hours=1)


def test_an_empty_scenario_ends_at_once() -> None:
    assert Scenario(id=1, handle="x", title="x").ends == timedelta(0)


def test_an_album_is_as_many_messages(demo: Scenario) -> None:
    first, second = demo.messages[1:3]
    assert (first.album, first.media_kind, first.text.words) == (2, MediaKind.PHOTO, "альбом")
    assert (second.album, second.media_kind, second.text.words) == (2, MediaKind.VIDEO, "")
    assert first.at == second.at
    assert first.forward == second.forward is not None
    assert (demo.messages[0].album, demo.messages[0].media_kind) == (None, None)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("просто", Text("просто")),
        ("раз\nдва\n", Text("раз\nдва")),
        ("2 &lt; 3 &amp; 4", Text("2 < 3 & 4")),
        ("🚀 <b>пуск</b>", Text("🚀 пуск", (Entity("bold", 3, 4),))),
        ("<b></b>пусто", Text("пусто")),
        (
            '<tg-spoiler>под <a href="https://example.org/?a=1&amp;b=2">ним</a></tg-spoiler>',
            Text(
                "под ним",
                (Entity("spoiler", 0, 7), Entity("text_link", 4, 3, "https://example.org/?a=1&b=2")),
            ),
        ),
        (
            "<u>u</u><s>s</s><code>c</code><pre>p</pre><blockquote>q</blockquote>",
            Text(
                "uscpq",
                (
                    Entity("underline", 0, 1),
                    Entity("strikethrough", 1, 1),
                    Entity("code", 2, 1),
                    Entity("pre", 3, 1),
                    Entity("blockquote", 4, 1),
                ),
            ),
        ),
    ],
)
def test_the_html_subset_both_ways(written: str, text: Text) -> None:
    assert scenario.parse(written) == text
    assert scenario.parse(pages.html(text).replace("<br/>", "\n")) == text


def test_a_tag_outside_the_subset_is_refused() -> None:
    with pytest.raises(KeyError, match="marquee"):
        scenario.parse("<marquee>x</marquee>")


@pytest.mark.parametrize("written", ["1d", "1d 1:00:00", "-1d 00:00:00", "1d 00:00:00 UTC"])
def test_a_wrong_offset_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no offset"):
        scenario.offset(written)


def test_offsets() -> None:
    assert at("1d 13:20:05") == timedelta(days=1, hours=13, minutes=20, seconds=5)


@pytest.mark.parametrize(
    ("offset", "shown"),
    [
        ("0d 09:59:59", []),
        ("0d 10:00:00", [1]),
        ("0d 11:00:00", [1, 2, 3]),
        ("1d 23:59:59", [1, 2, 3, 4]),
        ("2d 00:00:00", [1, 2, 3]),
        ("9d 00:00:00", [1, 2, 3]),
    ],
)
def test_posts_come_and_go(demo: Scenario, offset: str, shown: list[int]) -> None:
    assert [m.id for m in demo.shown(at(offset))] == shown


def test_an_edit_shows_from_its_time_on(demo: Scenario) -> None:
    before, after = demo.shown(at("0d 23:59:59"))[0], demo.shown(at("1d 00:00:00"))[0]
    assert (before.text.words, before.edited) == ("первое\nслово", None)
    assert (after.text, after.edited) == (
        Text("второе слово", (Entity("italic", 7, 5),)),
        timedelta(days=1),
    )


def test_views_and_reactions_grow_over_a_day(demo: Scenario) -> None:
    hours = [demo.shown(at("0d 12:00:00") + timedelta(hours=h))[-1] for h in (0, 1, 6, 24)]
    views = [m.views for m in hours]
    assert views == sorted(views)
    assert (views[0], views[1] > 0, views[3]) == (0, True, 5000)
    assert hours[0].reactions == {}
    assert 0 < hours[1].reactions["👍"] < 100
    assert hours[3].reactions == {"👍": 100, "🔥": 1}


def test_a_rename_shows_from_its_time_on(demo: Scenario) -> None:
    assert demo.title_at(at("1d 12:59:59")) == "Проба"
    assert demo.title_at(at("1d 13:00:00")) == "Проба II"
    channel = drawn(demo, demo.shown(at("1d 13:00:00")), at("1d 13:00:00")).channel
    assert channel is not None
    assert (channel.title, channel.about, channel.verified) == ("Проба II", "Выдумано", True)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1K"),
        (1100, "1.1K"),
        (1150, "1.15K"),
        (10050, "10K"),
        (12345, "12.3K"),
        (104999, "104K"),
        (999999, "999K"),
        (1000000, "1M"),
        (2190000, "2.19M"),
    ],
)
def test_numbers_are_cut_to_three_digits(number: int, written: str) -> None:
    assert pages.rounded(number) == written
    read = count(written)
    assert read is not None
    assert read.value <= number < read.value + read.unit * 10


def numbered(*ids: int) -> list[Message]:
    return [Message(id=number, at=timedelta(0)) for number in ids]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, None, range(11, 31)),
        (11, None, range(1, 11)),
        (25, None, range(5, 25)),
        (1, None, range(0)),
        (None, 3, range(4, 24)),
        (None, 25, range(26, 31)),
        (None, 30, range(0)),
    ],
)
def test_a_page_is_a_window_of_twenty(before: int | None, after: int | None, shown: range) -> None:
    messages = numbered(*range(1, 31))
    assert [m.id for m in pages.window(messages, before=before, after=after)] == list(shown)


def test_a_page_without_messages_is_empty(demo: Scenario) -> None:
    assert drawn(demo, [], timedelta(0)).state is State.EMPTY


def _at_each_state(played: Scenario) -> list[timedelta]:
    """Before and after each edit and deletion, so that every text and every message is shown at some time."""
    seconds = timedelta(seconds=1)
    changes = [e.at for e in played.events if e.kind in ("edit", "delete")]
    return [*(moment - seconds for moment in changes), played.ends]


def assert_same(message: Message, post: Post) -> None:
    hidden = message.service or message.unsupported
    assert post.text == ("" if hidden else message.text.words)
    assert post.entities == (() if hidden else message.text.entities)
    kind = MediaKind.OTHER if message.unsupported else message.media_kind
    assert (post.media.kind if post.media else None) == (None if message.service else kind)
    assert (post.album_id, post.service) == (message.album, message.service)
    assert (post.reply.message_id if post.reply else None) == message.reply_to
    assert post.edited is (message.edited is not None)
    assert post.extras.get("signed", False) is (message.signature is not None)
    assert post.extras.get("via_bot") == message.via_bot
    assert_forward(message.forward, post)


def assert_forward(forward: Mapping[str, Any] | None, post: Post) -> None:
    if forward is None:
        assert post.forward is None
        return
    assert post.forward is not None
    if forward.get("user"):
        assert post.forward.kind is ForwardKind.USER
    else:
        assert (post.forward.handle, post.forward.message_id, post.forward.title) == (
            forward["handle"],
            forward["id"],
            forward["title"],
        )


@pytest.mark.parametrize("played", SHIPPED, ids=lambda s: s.handle)
def test_the_shipped_scenarios_read_back_as_what_they_are(played: Scenario) -> None:
    seen: set[int] = set()
    for offset in _at_each_state(played):
        shown = played.shown(offset)
        page = drawn(played, shown, offset)
        assert page.set_aside == ()
        assert [p.message_id for p in page.posts] == [m.id for m in shown]
        for message, post in zip(shown, page.posts, strict=True):
            assert (post.channel_id, post.posted_at) == (played.id, (THEN + message.at).astimezone(UTC))
            assert_same(message, post)
        seen |= {m.id for m in shown}
    assert seen == {m.id for m in played.messages}


def test_the_shipped_scenarios_name_no_person_in_what_is_kept() -> None:
    for played in SHIPPED:
        for post in drawn(played, played.shown(played.ends), played.ends).posts:
            assert "Private Person" not in post.raw.decode()
    signed = [m for s in SHIPPED for m in s.messages if m.signature]
    assert signed
    page = drawn(SHIPPED[0], [replace(m, text=Text()) for m in signed], SHIPPED[0].ends)
    for message, post in zip(sorted(signed, key=lambda m: m.id), page.posts, strict=True):
        assert (message.signature or "") not in post.raw.decode()


def test_service_posts_and_media_read_back() -> None:
    base = Message(id=1, at=timedelta(0))
    stage = Scenario(id=5, handle="demo", title="Проба")
    for message in (
        replace(base, service="renamed", title="Новое"),
        replace(base, service="else"),
        replace(base, media={"kind": "animation"}),
        replace(base, media={"kind": "audio", "title": "Марш", "performer": "Оркестр", "duration": 5}),
        replace(base, media={"kind": "location", "latitude": 51.1, "longitude": 35.2}),
        replace(base, poll={"question": "Да?", "quiz": True, "options": [{"text": "Нет", "voters": 0}]}),
    ):
        (post,) = drawn(stage, [message], timedelta(0)).posts
        assert (post.media.kind if post.media else None) == message.media_kind
        assert post.service == {"renamed": "renamed", "else": "other"}.get(message.service or "")


async def fetch(standin: Standin, *paths: str) -> list[httpx.Response]:
    async with serving(standin) as address, httpx.AsyncClient(trust_env=False) as client:
        return [await client.get(address + path) for path in paths]


def staged(played: Scenario, offset: str = "1d 00:00:00", hidden: str = "") -> Standin:
    standin = Standin(clock=lambda: datetime(2024, 8, 5, tzinfo=UTC) + at(offset))
    standin.play([played], start=datetime(2024, 8, 5, tzinfo=UTC))
    standin.channels[played.handle].hidden = hidden
    return standin


async def test_pages_are_served_as_of_the_clock(demo: Scenario) -> None:
    standin = staged(demo, "0d 11:30:00")
    newest, older, newer, empty = await fetch(
        standin, "/s/Demo", "/s/demo?before=3", "/s/demo?after=2", "/s/demo?before=1"
    )
    assert [p.message_id for p in parse(newest.content, "demo").posts] == [1, 2, 3]
    assert [p.message_id for p in parse(older.content, "demo").posts] == [1, 2]
    assert [p.message_id for p in parse(newer.content, "demo").posts] == [3]
    assert parse(empty.content, "demo").state is State.EMPTY
    assert standin.requests == ["/s/Demo", "/s/demo?before=3", "/s/demo?after=2", "/s/demo?before=1"]


async def test_a_server_that_does_not_know_after_shows_its_newest_page(demo: Scenario) -> None:
    standin = staged(demo)
    standin.heeds_after = False
    (newer,) = await fetch(standin, "/s/demo?after=3")
    assert [p.message_id for p in parse(newer.content, "demo").posts] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("hidden", "state"),
    [
        ("preview", State.NO_PREVIEW),
        ("group", State.NOT_A_CHANNEL),
        ("person", State.NOT_A_CHANNEL),
        ("restricted", State.RESTRICTED),
    ],
)
async def test_a_hidden_channel_points_to_its_card(demo: Scenario, hidden: str, state: State) -> None:
    posts, shown = await fetch(staged(demo, hidden=hidden), "/s/demo", "/demo")
    assert (posts.status_code, posts.headers["location"]) == (302, "/demo")
    assert parse(shown.content, "demo").state is state


async def test_free_handles_the_canary_and_a_ban(demo: Scenario) -> None:
    standin = staged(demo)
    free, canary = await fetch(standin, "/s/nobody", "/s/telegram")
    assert parse(free.content, "nobody").state is State.NOBODY
    assert parse(canary.content, "telegram").state is State.POSTS
    standin.banned = True
    channel, canary = await fetch(standin, "/s/demo", "/s/telegram")
    assert {parse(r.content, "x").state for r in (channel, canary)} == {State.NOBODY}


async def test_faults_are_taken_in_order_where_they_belong(demo: Scenario) -> None:
    standin = staged(demo)
    standin.fail("/s/demo?", PlainTextResponse("first", 500), PlainTextResponse("second", 502))
    statuses = [r.status_code for r in await fetch(standin, *["/s/demo?before=9"] * 3, "/s/demo")]
    assert statuses == [500, 502, 200, 200]
    standin.fail("/s/demo?", PlainTextResponse("third", 503))
    assert [r.status_code for r in await fetch(standin, "/s/demo", "/s/demo?before=9")] == [200, 503]


async def test_a_cut_connection_is_no_answer(demo: Scenario) -> None:
    standin = staged(demo)
    standin.fail("/s/demo", None)
    with pytest.raises(httpx.RemoteProtocolError):
        await fetch(standin, "/s/demo")


async def test_robots_txt_is_there_if_it_is_set(demo: Scenario) -> None:
    standin = staged(demo)
    (missing,) = await fetch(standin, "/robots.txt")
    standin.robots = "User-agent: *\n"
    (there,) = await fetch(standin, "/robots.txt")
    assert (missing.status_code, there.status_code, there.text) == (404, 200, "User-agent: *\n")


async def test_what_is_no_request_is_not_answered(demo: Scenario) -> None:
    standin = staged(demo)

    async def never(*_: object) -> None:
        raise AssertionError

    await standin({"type": "lifespan"}, never, never)
    assert standin.requests == []
