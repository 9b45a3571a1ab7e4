"""Scenarios as TL: what a message of a scenario is when Telethon has read it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from telethon import types

from monitor.model import Entity
from monitor.standin import scenario
from monitor.standin.scenario import THEN, Message, Scenario, Text
from monitor.standin.telegram_draw import channel_id, content, entities, person_id
from tests.unit.standin_telegram import HOUR, Clock, channel, edit, said, staged, talking

SHIPPED = scenario.shipped()


async def read(*messages: Message, **rest: Any) -> list[Any]:
    """The messages as a client gets them."""
    async with talking(staged(channel(*messages, **rest))) as (client, peer):
        found: list[Any] = await client.get_messages(peer, limit=100)
        return found[::-1]


async def one(**given: Any) -> Any:
    (message,) = await read(said(7, 1, **given))
    return message


async def test_a_post_is_a_post() -> None:
    message = await one(words="слово", views=10, forwards=3, signature="Редактор", reply_to=5)
    assert (message.id, message.message, message.post, message.from_id) == (7, "слово", True, None)
    assert message.date == THEN + HOUR
    assert (message.views, message.forwards, message.post_author) == (10, 3, "Редактор")
    assert message.reply_to.reply_to_msg_id == 5
    assert (message.media, message.edit_date, message.grouped_id, message.fwd_from) == (None,) * 4


async def test_an_edited_post_says_when() -> None:
    (message,) = await read(said(1), events=(edit(1, 5, "new"),))
    assert (message.message, message.edit_date) == ("new", THEN + 5 * HOUR)
    assert not message.edit_hide


ENTITIES = [
    ("bold", None, types.MessageEntityBold),
    ("italic", None, types.MessageEntityItalic),
    ("underline", None, types.MessageEntityUnderline),
    ("strikethrough", None, types.MessageEntityStrike),
    ("code", None, types.MessageEntityCode),
    ("pre", None, types.MessageEntityPre),
    ("blockquote", None, types.MessageEntityBlockquote),
    ("spoiler", None, types.MessageEntitySpoiler),
    ("text_link", "https://example.org/", types.MessageEntityTextUrl),
    ("custom_emoji", "5188481279963715781", types.MessageEntityCustomEmoji),
]


@pytest.mark.parametrize(("kind", "value", "expected"), ENTITIES)
async def test_entities_are_as_they_were_written(kind: str, value: str | None, expected: type) -> None:
    text = Text("🚀 слово", (Entity(kind, 3, 5, value),))
    message = replace(said(1), text=text)
    (found,) = (await read(message))[0].entities
    assert (type(found), found.offset, found.length) == (expected, 3, 5)
    if kind == "text_link":
        assert found.url == value
    if kind == "custom_emoji":
        assert found.document_id == int(value or 0)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ничего", []),
        ("пишет @demo_two, и #Курск.", [("Mention", "@demo_two"), ("Hashtag", "#Курск")]),
        ("🚀 https://example.org/a?b=1. Дальше", [("Url", "https://example.org/a?b=1")]),
        ("«https://example.org/»", [("Url", "https://example.org/")]),
        ("t.me/demo_two/5 и a@example.org", [("Url", "t.me/demo_two/5")]),
        ("@ab и # и a#b", []),
    ],
)
def test_the_server_finds_links_mentions_and_hashtags(words: str, found: list[tuple[str, str]]) -> None:
    units = words.encode("utf-16-le")
    drawn = [
        (
            type(e).__name__.removeprefix("MessageEntity"),
            units[e.offset * 2 : (e.offset + e.length) * 2].decode("utf-16-le"),
        )
        for e in entities(Text(words))
    ]
    assert drawn == found


@pytest.mark.parametrize("kind", ["code", "pre", "text_link"])
def test_nothing_is_found_inside_code_and_links(kind: str) -> None:
    text = Text("см. @demo_two и #тег", (Entity(kind, 4, 9, "https://example.org"),))
    assert [type(e).__name__ for e in entities(text)][1:] == ["MessageEntityHashtag"]


async def test_a_photo_has_sizes() -> None:
    photo = (await one(media={"kind": "photo", "width": 800, "height": 600, "size": 4000})).photo
    assert [(s.type, s.w, s.h, s.size) for s in photo.sizes] == [("m", 200, 150, 500), ("y", 800, 600, 4000)]
    assert (photo.dc_id, photo.date) == (1, THEN + HOUR)
    assert photo.id == (await one(media={"kind": "photo"})).photo.id


DOCUMENTS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"kind": "video", "duration": 61, "width": 640, "height": 360}, "video/mp4", {"video": True}),
    ({"kind": "animation", "duration": 5}, "video/mp4", {"gif": True}),
    ({"kind": "round_video", "duration": 9}, "video/mp4", {"video_note": True}),
    ({"kind": "voice", "duration": 7}, "audio/ogg", {"voice": True}),
    ({"kind": "audio", "title": "Марш", "performer": "Оркестр"}, "audio/mpeg", {"audio": True}),
    ({"kind": "sticker", "emoji": "🔥"}, "image/webp", {"sticker": True}),
    ({"kind": "document", "name": "сводка.pdf", "size": 12}, "application/pdf", {"document": True}),
    ({"kind": "document", "name": "x"}, "application/octet-stream", {"document": True}),
    ({"kind": "document", "name": "x", "mime": "text/x-demo"}, "text/x-demo", {"document": True}),
]


@pytest.mark.parametrize(("media", "mime", "is_a"), DOCUMENTS)
async def test_documents_say_what_they_are(media: dict[str, Any], mime: str, is_a: dict[str, Any]) -> None:
    message = await one(media=media)
    assert message.document.mime_type == mime
    assert all(bool(getattr(message, name)) is value for name, value in is_a.items())
    assert message.media.round is (media["kind"] == "round_video")
    assert message.media.voice is (media["kind"] == "voice")
    assert message.media.video is (media["kind"] in ("video", "round_video"))
    file = message.file
    assert file.name == media.get("name")
    assert file.title == media.get("title")
    assert file.performer == media.get("performer")
    assert file.emoji == media.get("emoji")
    assert "size" not in media or file.size == media["size"]
    assert "duration" not in media or file.duration == media["duration"]
    assert "width" not in media or (file.width, file.height) == (media["width"], media["height"])


async def test_media_of_the_second_data_centre_say_so() -> None:
    assert (await one(media={"kind": "document", "name": "x", "dc": 2})).document.dc_id == 2
    assert (await one(media={"kind": "photo", "dc": 2})).photo.dc_id == 2


async def test_places_people_and_what_nobody_can_show() -> None:
    geo = (await one(media={"kind": "location", "latitude": 51.1, "longitude": 35.2})).geo
    assert (geo.lat, geo.long) == (51.1, 35.2)
    contact = (await one(media={"kind": "contact"})).contact
    assert (contact.first_name, contact.last_name) == ("Private", "Person")
    assert isinstance((await one(media={"kind": "other"})).media, types.MessageMediaUnsupported)


async def test_an_unsupported_post_has_its_words_here() -> None:
    message = await one(words="слово", unsupported=True)
    assert (message.message, message.media) == ("слово", None)


async def test_a_poll_has_its_results() -> None:
    options = [{"text": "Да", "voters": 3}, {"text": "Нет", "voters": 4}]
    media = (await one(poll={"question": "Как?", "options": options, "quiz": True, "closed": True})).media
    assert (media.poll.question.text, media.poll.quiz, media.poll.closed) == ("Как?", True, True)
    assert [a.text.text for a in media.poll.answers] == ["Да", "Нет"]
    assert [(r.option, r.voters) for r in media.results.results] == [(b"\0", 3), (b"\1", 4)]
    assert media.results.total_voters == 7
    assert not (await one(poll={"question": "Как?", "options": options})).media.poll.closed


async def test_a_link_has_a_preview() -> None:
    link = {"url": "https://example.org/a", "site": "example.org", "title": "Т", "description": "О"}
    page = (await one(link_preview=link)).media.webpage
    assert (page.url, page.site_name, page.title, page.description) == tuple(link.values())
    assert page.display_url == "example.org/a"


async def test_an_album_is_as_many_messages_and_its_words_stand_on_the_first() -> None:
    members = [said(n, 1, "слово" if n == 1 else "", album=1, media={"kind": "photo"}) for n in (1, 2, 3)]
    found = await read(*members, said(9, album=9, media={"kind": "photo"}))
    assert [m.message for m in found] == ["слово", "", "", "post 9"]
    groups = [m.grouped_id for m in found]
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert all(g > 0 for g in groups)
    assert len({m.photo.id for m in found}) == 4


async def test_a_forward_from_a_channel_names_it() -> None:
    known = channel(said(1), id=1_700_000_055, handle="Demo_Two", title="Второй")
    forwards = [
        said(1, forward={"handle": "demo_two", "id": 8, "title": "Второй"}),
        said(2, forward={"handle": "demo_far", "id": 9, "title": "Дальний"}),
    ]
    async with talking(staged(channel(*forwards), known)) as (client, peer):
        near, far = (await client.get_messages(peer, limit=2))[::-1]
        assert (near.fwd_from.from_id.channel_id, near.fwd_from.channel_post) == (1_700_000_055, 8)
        assert far.fwd_from.from_id.channel_id == channel_id("demo_far")
        assert (near.forward.chat.title, far.forward.chat.username) == ("Второй", "demo_far")
        assert (await client.get_entity("demo_two")).access_hash == near.forward.chat.access_hash


async def test_a_forward_from_a_person_has_an_id_or_a_name_and_no_profile() -> None:
    found = await read(*(said(n, forward={"user": True}) for n in (1, 2)))
    hidden, open_ = [m.fwd_from for m in found]
    assert (hidden.from_id, hidden.from_name) == (None, "Private Person")
    assert (type(open_.from_id), open_.from_name) == (types.PeerUser, None)
    assert found[1].forward.sender is None
    shown = await one(forward={"user": True, "hidden": False})
    assert isinstance(shown.fwd_from.from_id, types.PeerUser)


async def test_a_bot_that_helped_is_named() -> None:
    message = await one(via_bot="@demo_bot")
    assert message.via_bot_id == person_id("demo_bot")
    assert (message.via_bot.username, message.via_bot.bot) == ("demo_bot", True)


async def test_reactions_of_three_kinds() -> None:
    reactions = (await one(reactions={"👍": 5, "custom:51884812799637157": 4, "paid": 3})).reactions.results
    assert [r.count for r in reactions] == [5, 4, 3]
    assert reactions[0].reaction.emoticon == "👍"
    assert reactions[1].reaction.document_id == 51884812799637157
    assert isinstance(reactions[2].reaction, types.ReactionPaid)


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({"service": "created"}, types.MessageActionChannelCreate),
        ({"service": "renamed", "title": "Новое"}, types.MessageActionChatEditTitle),
        ({"service": "photo"}, types.MessageActionChatEditPhoto),
        ({"service": "pinned", "pins": 3}, types.MessageActionPinMessage),
        ({"service": "else"}, types.MessageActionHistoryClear),
    ],
)
async def test_what_happened_to_the_channel(given: dict[str, Any], action: type) -> None:
    message = await one(**given)
    assert (type(message), type(message.action)) == (types.MessageService, action)
    assert (message.id, message.date) == (7, THEN + HOUR)
    if "title" in given:
        assert message.action.title == "Новое"
    if "pins" in given:
        assert message.reply_to.reply_to_msg_id == 3


@pytest.mark.parametrize("played", SHIPPED, ids=lambda s: s.handle)
async def test_the_shipped_scenarios_read_back_as_what_they_are(played: Scenario) -> None:
    clock = Clock(played.ends)
    async with talking(staged(played, clock=clock), played.handle) as (client, peer):
        for offset in (timedelta(days=1), timedelta(days=3), played.ends):
            clock.offset = offset
            found = {m.id: m async for m in client.iter_messages(peer, wait_time=0)}
            shown = played.shown(offset)
            assert sorted(found) == [m.id for m in shown]
            for message in shown:
                assert_same(message, found[message.id])


def assert_same(message: Message, found: Any) -> None:
    assert found.date == THEN + message.at
    if message.service:
        assert isinstance(found, types.MessageService)
        return
    assert (found.message, found.views, found.post_author) == (
        message.text.words,
        message.views,
        message.signature,
    )
    assert (found.edit_date is None) is (message.edited is None)
    assert (found.grouped_id is None) is (message.album is None)
    assert (found.fwd_from is None) is (message.forward is None)
    told = {r.reaction.emoticon: r.count for r in found.reactions.results} if found.reactions else {}
    assert told == message.reactions
    assert len(found.entities or []) >= len(message.text.entities)
    assert (found.media is None) is not bool(message.media or message.poll or message.link_preview)


def test_the_bytes_of_a_medium_are_the_same_from_wherever_they_are_read() -> None:
    whole = content(5, 10_000, 0, 1 << 20)
    assert len(whole) == 10_000
    for offset, limit in ((0, 1), (4095, 2), (4096, 4096), (9_999, 50), (10_000, 5), (20_000, 5)):
        assert content(5, 10_000, offset, limit) == whole[offset : offset + limit]
    assert content(6, 10_000, 0, 100) != whole[:100]
