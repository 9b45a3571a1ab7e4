"""Telegram's own objects: what they become, what is set aside, that nobody private is left, and that pages agree."""

import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import TLObject, types
from telethon.tl.alltlobjects import LAYER

from monitor.changes import digests
from monitor.model import Channel, Count, Counts, Entity, Forward, ForwardKind, Media, MediaKind, Post, Reply
from monitor.sources.links import _bare, kind_of_link
from monitor.sources.preview_page import parse
from monitor.sources.telegram_message import (
    Unsupported,
    parse_raw,
    read,
    read_all,
    read_channel,
    refusal,
    without_people,
)
from monitor.standin import pages, scenario

CHANNEL = 1500000002
AT = datetime(2024, 8, 6, 10, 20, tzinfo=UTC)
LATER = AT + timedelta(minutes=7)
PERSON = 6_660_001_666
NAME = "Пётр Скрытый"
US = types.PeerChannel(CHANNEL)
SOMEBODY = types.PeerUser(PERSON)


def message(number: int = 5, *, text: Any = "", at: Any = AT, **more: Any) -> Any:
    return types.Message(**{"id": number, "peer_id": US, "date": at, "message": text, "post": True} | more)


def service(action: Any, number: int = 5, **more: Any) -> Any:
    return types.MessageService(**{"id": number, "peer_id": US, "date": AT, "action": action} | more)


def post(given: Any, **more: Any) -> Post:
    """The post, which its raw record gives again, and which can be told in JSON."""
    found = read(given, channel_id=CHANNEL, **more)
    again = read(parse_raw(found.raw), channel_id=CHANNEL, **more)
    assert again == found
    assert read(given, channel_id=CHANNEL, raw=False, **more).raw == b""
    json.dumps([found.extras, found.media.details if found.media else None], allow_nan=False)
    return found


def photo(*sizes: Any, number: int = 11) -> Any:
    return types.Photo(number, 22, b"reference", AT, list(sizes), 2)


def document(*attributes: Any, size: int = 4096, mime_type: str = "video/mp4") -> Any:
    return types.Document(33, 44, b"reference", AT, mime_type, size, 4, list(attributes))


def hanging(*attributes: Any, **more: Any) -> Any:
    return types.MessageMediaDocument(document=document(*attributes, **more))


def test_a_plain_message() -> None:
    plain = message(text="Паром в полдень", views=1200, forwards=7)
    found = post(plain)
    assert (found.channel_id, found.message_id, found.text) == (CHANNEL, 5, "Паром в полдень")
    assert (found.posted_at, found.edited, found.edited_at) == (AT, False, None)
    assert found.counts == Counts(Count(1200), Count(7))
    assert found.raw == b"tl %d\n" % LAYER + bytes(plain)
    assert without_people(plain) is plain
    assert (found.media, found.forward, found.reply, found.service, found.extras) == (
        None,
        None,
        None,
        None,
        {},
    )


def test_times_are_in_utc() -> None:
    moscow = timezone(timedelta(hours=3))
    found = read(message(at=AT.astimezone(moscow), edit_date=LATER.astimezone(moscow)), channel_id=CHANNEL)
    assert (found.posted_at.tzinfo, found.edited_at) == (UTC, LATER)


def test_an_edit_that_is_hidden_is_none() -> None:
    assert (post(message(edit_date=LATER)).edited, post(message(edit_date=LATER)).edited_at) == (True, LATER)
    hidden = post(message(edit_date=LATER, edit_hide=True))
    assert (hidden.edited, hidden.edited_at) == (False, None)


ENTITIES = [
    (types.MessageEntityBold(0, 4), "bold", None),
    (types.MessageEntityItalic(0, 4), "italic", None),
    (types.MessageEntityUnderline(0, 4), "underline", None),
    (types.MessageEntityStrike(0, 4), "strikethrough", None),
    (types.MessageEntityCode(0, 4), "code", None),
    (types.MessageEntityPre(0, 4, "sql"), "pre", "sql"),
    (types.MessageEntityPre(0, 4, ""), "pre", None),
    (types.MessageEntityBlockquote(0, 4), "blockquote", None),
    (types.MessageEntitySpoiler(0, 4), "spoiler", None),
    (types.MessageEntityTextUrl(0, 4, "https://example.org/a"), "text_link", "https://example.org/a"),
    (types.MessageEntityTextUrl(0, 4, f"tg://user?id={PERSON}"), "mention_name", None),
    (types.MessageEntityUrl(0, 4), "link", None),
    (types.MessageEntityMention(0, 4), "mention", None),
    (types.MessageEntityHashtag(0, 4), "hashtag", None),
    (types.MessageEntityCashtag(0, 4), "cashtag", None),
    (types.MessageEntityBotCommand(0, 4), "bot_command", None),
    (types.MessageEntityEmail(0, 4), "email", None),
    (types.MessageEntityPhone(0, 4), "phone", None),
    (types.MessageEntityBankCard(0, 4), "bank_card", None),
    (types.MessageEntityCustomEmoji(0, 4, 5368324170671202286), "custom_emoji", "5368324170671202286"),
    (types.MessageEntityMentionName(0, 4, PERSON), "mention_name", None),
    (types.InputMessageEntityMentionName(0, 4, types.InputUser(PERSON, PERSON)), "mention_name", None),
    (types.MessageEntityFormattedDate(0, 4, AT), "date", None),
    (types.MessageEntityUnknown(0, 4), "unknown", None),
]


@pytest.mark.parametrize(
    ("entity", "kind", "value"), ENTITIES, ids=[f"{type(e).__name__}-{v}" for e, _, v in ENTITIES]
)
def test_entities(entity: Any, kind: str, value: str | None) -> None:
    found = post(message(text="слово", entities=[entity]))
    assert found.entities == (Entity(kind, 0, 4, value),)
    assert_nobody(found)


@pytest.mark.parametrize(
    ("said", "url", "entity"),
    [
        ("#тег", "?q=%23тег", Entity("hashtag", 0, 4)),
        ("example.org", "http://example.org/", Entity("link", 0, 11)),
        ("HTTPS://Example.org/a", "https://example.org/a", Entity("link", 0, 21)),
        ("@Some_Channel", "https://t.me/some_channel", Entity("mention", 0, 13)),
        ("@Some_Channel", "https://t.me/other", Entity("text_link", 0, 13, "https://t.me/other")),
        ("почта", "mailto:us@example.org", Entity("email", 0, 5)),
        ("номер", "tel:+70000000000", Entity("phone", 0, 5)),
        ("люди", "tg://resolve?domain=users", Entity("text_link", 0, 4, "tg://resolve?domain=users")),
        ("здесь", "http://[oops", Entity("text_link", 0, 5, "http://[oops")),
    ],
)
def test_a_link_that_its_words_show_hides_nothing(said: str, url: str, entity: Entity) -> None:
    assert post(
        message(text=said, entities=[types.MessageEntityTextUrl(0, entity.length, url)])
    ).entities == (entity,)


@given(st.text(alphabet="ab.%2E/:@ t", max_size=12), st.text(alphabet="ab.%2E/:@ t", max_size=12))
def test_words_are_a_link_if_and_only_if_they_are_the_address(href: str, said: str) -> None:
    if kind_of_link(href, said)[0] != "mention":
        assert (kind_of_link(href, said)[0] == "link") == (_bare(href) == _bare(said))


@given(
    st.text(max_size=12), st.lists(st.tuples(st.integers(-3, 30), st.integers(-3, 2_000_000_000)), max_size=5)
)
def test_entities_lie_within_the_text_and_are_sorted(said: str, places: list[tuple[int, int]]) -> None:
    entities = [types.MessageEntityBold(offset, length) for offset, length in places]
    entities += [
        types.MessageEntityTextUrl(offset, length, "https://example.org/") for offset, length in places
    ]
    found = read(message(text=said, entities=entities), channel_id=CHANNEL, raw=False).entities
    units = len(said.encode("utf-16-le", "surrogatepass")) // 2
    assert all(0 <= e.offset < e.offset + e.length <= units for e in found)
    assert list(found) == sorted(found, key=lambda e: (e.offset, -e.length))
    inside = [(o, n) for o, n in places if o >= 0 and n > 0 and o + n <= units]
    assert {(e.offset, e.length) for e in found} >= set(inside)


def test_offsets_count_utf16() -> None:
    bold = post(message(text="😀 жир", entities=[types.MessageEntityBold(3, 3)])).entities[0]
    assert (bold.offset, bold.length) == (3, 3)
    url = types.MessageEntityTextUrl(3, 11, "https://example.org")
    assert post(message(text="😀 example.org", entities=[url])).entities[0].type == "link"


STICKERS = types.InputStickerSetEmpty()
VIDEO = types.DocumentAttributeVideo(37.4, 848, 480)
ROUND = types.DocumentAttributeVideo(41.0, 384, 384, round_message=True)
MEDIA: list[tuple[Any, MediaKind, Mapping[str, Any]]] = [
    (
        types.MessageMediaPhoto(
            photo=photo(
                types.PhotoStrippedSize("i", b"\1"),
                types.PhotoSize("m", 320, 200, 9000),
                types.PhotoSizeProgressive("y", 1280, 800, [100, 70000, 4000]),
                types.PhotoSizeEmpty("z"),
            )
        ),
        MediaKind.PHOTO,
        {"id": 11, "dc_id": 2, "size": 70000, "width": 1280, "height": 800},
    ),
    (
        types.MessageMediaPhoto(photo=photo(types.PhotoCachedSize("s", 90, 60, b"\1" * 5))),
        MediaKind.PHOTO,
        {"id": 11, "dc_id": 2, "size": 5, "width": 90, "height": 60},
    ),
    (types.MessageMediaPhoto(photo=photo()), MediaKind.PHOTO, {"id": 11, "dc_id": 2}),
    (types.MessageMediaPhoto(photo=types.PhotoEmpty(11)), MediaKind.PHOTO, {}),
    (types.MessageMediaPhoto(ttl_seconds=10), MediaKind.PHOTO, {}),
    (
        hanging(VIDEO, types.DocumentAttributeFilename("ролик.mp4")),
        MediaKind.VIDEO,
        {
            "id": 33,
            "dc_id": 4,
            "size": 4096,
            "mime_type": "video/mp4",
            "width": 848,
            "height": 480,
            "duration": 37,
            "name": "ролик.mp4",
        },
    ),
    (hanging(ROUND), MediaKind.ROUND_VIDEO, {"duration": 41, "width": 384, "height": 384}),
    (hanging(VIDEO, types.DocumentAttributeAnimated()), MediaKind.ANIMATION, {"duration": 37}),
    (
        hanging(types.DocumentAttributeImageSize(30, 20), types.DocumentAttributeAnimated()),
        MediaKind.ANIMATION,
        {"width": 30, "height": 20},
    ),
    (hanging(types.DocumentAttributeAudio(74, voice=True)), MediaKind.VOICE, {"duration": 74}),
    (
        hanging(
            types.DocumentAttributeAudio(210, title="Марш", performer="Хор"),
            mime_type="audio/mpeg",
            size=5 << 30,
        ),
        MediaKind.AUDIO,
        {
            "id": 33,
            "dc_id": 4,
            "size": 5 << 30,
            "mime_type": "audio/mpeg",
            "duration": 210,
            "title": "Марш",
            "performer": "Хор",
        },
    ),
    (hanging(types.DocumentAttributeSticker("☕", STICKERS)), MediaKind.STICKER, {"emoji": "☕"}),
    (hanging(types.DocumentAttributeCustomEmoji("🫡", STICKERS), VIDEO), MediaKind.STICKER, {"emoji": "🫡"}),
    (
        hanging(types.DocumentAttributeFilename("../../etc/passwd"), types.DocumentAttributeHasStickers()),
        MediaKind.DOCUMENT,
        {"name": "../../etc/passwd"},
    ),
    (types.MessageMediaDocument(document=types.DocumentEmpty(33)), MediaKind.DOCUMENT, {}),
    (types.MessageMediaDocument(video=True, ttl_seconds=9), MediaKind.VIDEO, {}),
    (types.MessageMediaDocument(video=True, round=True, ttl_seconds=9), MediaKind.ROUND_VIDEO, {}),
    (types.MessageMediaDocument(voice=True, ttl_seconds=9), MediaKind.VOICE, {}),
    (
        types.MessageMediaGeo(types.GeoPoint(35.27, 51.19, 0)),
        MediaKind.LOCATION,
        {"latitude": 51.19, "longitude": 35.27},
    ),
    (types.MessageMediaGeo(types.GeoPointEmpty()), MediaKind.LOCATION, {}),
    (
        types.MessageMediaGeoLive(types.GeoPoint(35.27, 51.19, 0), 900),
        MediaKind.LOCATION,
        {"latitude": 51.19, "longitude": 35.27},
    ),
    (
        types.MessageMediaVenue(types.GeoPoint(35.27, 51.19, 0), "Вокзал", "Площадь, 1", "gplaces", "x", "y"),
        MediaKind.LOCATION,
        {"latitude": 51.19, "longitude": 35.27, "title": "Вокзал", "address": "Площадь, 1"},
    ),
    (types.MessageMediaContact("+7000", NAME, NAME, f"FN:{NAME}", PERSON), MediaKind.CONTACT, {}),
    (types.MessageMediaDice(4, "🎲"), MediaKind.OTHER, {"type": "dice"}),
    (types.MessageMediaUnsupported(), MediaKind.OTHER, {"type": "unsupported"}),
    (
        types.MessageMediaGame(types.Game(1, 2, "g", "Игра", "описание", photo())),
        MediaKind.OTHER,
        {"type": "game"},
    ),
    (types.MessageMediaInvoice("Счёт", "за", "RUB", 5, "x"), MediaKind.OTHER, {"type": "invoice"}),
    (types.MessageMediaStory(SOMEBODY, 4), MediaKind.OTHER, {"type": "story"}),
    (types.MessageMediaGiveaway([CHANNEL], 5, AT), MediaKind.OTHER, {"type": "giveaway"}),
    (
        types.MessageMediaGiveawayResults(CHANNEL, 3, 1, 0, [PERSON], AT),
        MediaKind.OTHER,
        {"type": "giveaway_results"},
    ),
    (
        types.MessageMediaPaidMedia(50, [types.MessageExtendedMediaPreview(w=30, h=20)]),
        MediaKind.OTHER,
        {"type": "paid_media"},
    ),
    (
        types.MessageMediaToDo(
            types.TodoList(types.TextWithEntities("Дела", []), []), [types.TodoCompletion(1, SOMEBODY, AT)]
        ),
        MediaKind.OTHER,
        {"type": "to_do"},
    ),
]


@pytest.mark.parametrize(
    ("media", "kind", "details"), MEDIA, ids=[f"{type(m).__name__}-{k}" for m, k, _ in MEDIA]
)
def test_media(media: Any, kind: MediaKind, details: Mapping[str, Any]) -> None:
    found = post(message(text="подпись", media=media)).media
    assert found is not None
    assert found.kind is kind
    assert details.items() <= found.details.items()
    assert {"access_hash", "file_reference"}.isdisjoint(found.details)
    assert details or not found.details
    assert_nobody(found)


def poll(**more: Any) -> Any:
    words = types.TextWithEntities
    answers = [
        types.PollAnswer(words("Да", []), b"0"),
        types.PollAnswer(words("Нет", []), b"1", added_by=SOMEBODY, date=AT),
    ]
    asked = types.Poll(1, words("Едем?", [types.MessageEntityMentionName(0, 2, PERSON)]), answers, 0, **more)
    votes = [
        types.PollAnswerVoters(b"0", voters=12, recent_voters=[SOMEBODY]),
        types.PollAnswerVoters(b"1", voters=3, recent_voters=[]),
    ]
    return types.MessageMediaPoll(asked, types.PollResults(False, results=votes, total_voters=15))


def test_a_poll_as_the_exports_tell_it() -> None:
    options = [{"text": "Да", "voters": 12}, {"text": "Нет", "voters": 3}]
    told = {"question": "Едем?", "closed": True, "voters": 15, "options": options}
    assert post(message(media=poll(closed=True))).media == Media(MediaKind.POLL, told)


def test_a_poll_without_results_and_with_plain_words() -> None:
    asked = types.Poll(1, types.TextWithEntities("", []), [], 0)
    asked.question = "Едем?"
    media = types.MessageMediaPoll(asked, types.PollResults())
    found = read(message(media=media), channel_id=CHANNEL, raw=False).media
    assert found == Media(
        MediaKind.POLL, {"question": "Едем?", "closed": False, "voters": None, "options": []}
    )


def web_page(**more: Any) -> Any:
    page = {"id": 1, "url": "https://example.org/a", "display_url": "example.org/a", "hash": 0}
    return types.MessageMediaWebPage(types.WebPage(**page | more))


def test_a_web_page_is_no_media() -> None:
    page = web_page(site_name="Пример", title="Заголовок", description="О чём", author=NAME)
    found = post(message(text="см.", media=page))
    preview = {"url": "https://example.org/a", "site": "Пример", "title": "Заголовок", "description": "О чём"}
    assert (found.media, found.extras) == (None, {"link_preview": preview})
    assert_nobody(found)
    pending = types.MessageMediaWebPage(types.WebPagePending(1, AT))
    assert (post(message(media=pending)).media, post(message(media=pending)).extras) == (None, {})
    assert (post(message(media=types.MessageMediaEmpty())).media) is None


def test_a_page_about_a_person_keeps_its_address_alone() -> None:
    page = web_page(type="telegram_user", site_name="Telegram", title=NAME, description=NAME, photo=photo())
    found = post(message(media=page))
    assert found.extras == {"link_preview": {"url": "https://example.org/a", "site": "Telegram"}}
    assert_nobody(found)
    assert parse_raw(found.raw).media.webpage.photo is None


CHATS = {
    77: types.Channel(77, "Городской вестник", types.ChatPhotoEmpty(), AT, username="vestnik"),
    78: types.Channel(
        78,
        "Куплено",
        types.ChatPhotoEmpty(),
        AT,
        usernames=[types.Username("passive"), types.Username("bought", active=True)],
    ),
    79: types.ChannelForbidden(79, 1, "Закрыто"),
}


def forwarded(**more: Any) -> Any:
    return types.MessageFwdHeader(**{"date": AT} | more)


@pytest.mark.parametrize(
    ("header", "forward"),
    [
        (
            forwarded(from_id=types.PeerChannel(77), channel_post=2071, post_author=NAME),
            Forward(ForwardKind.CHANNEL, 77, "vestnik", 2071, "Городской вестник"),
        ),
        (
            forwarded(from_id=types.PeerChannel(78)),
            Forward(ForwardKind.CHANNEL, 78, "bought", None, "Куплено"),
        ),
        (
            forwarded(from_id=types.PeerChannel(79)),
            Forward(ForwardKind.CHANNEL, 79, None, None, "Закрыто"),
        ),
        (
            forwarded(from_id=types.PeerChannel(80), channel_post=1),
            Forward(ForwardKind.CHANNEL, 80, None, 1),
        ),
        (
            forwarded(from_id=SOMEBODY, saved_from_peer=SOMEBODY, saved_from_msg_id=4),
            Forward(ForwardKind.USER),
        ),
        (
            forwarded(from_name=NAME, saved_from_name=NAME, saved_from_id=SOMEBODY),
            Forward(ForwardKind.USER),
        ),
        (forwarded(from_id=types.PeerChat(PERSON)), Forward(ForwardKind.UNKNOWN)),
        (forwarded(), Forward(ForwardKind.UNKNOWN)),
    ],
)
def test_forwards(header: Any, forward: Forward) -> None:
    found = post(message(text="переслано", fwd_from=header), chats=CHATS)
    assert found.forward == forward
    assert_nobody(found)


@pytest.mark.parametrize(
    ("header", "reply", "extras"),
    [
        (types.MessageReplyHeader(reply_to_msg_id=3), Reply(3), {}),
        (types.MessageReplyHeader(reply_to_msg_id=3, reply_to_peer_id=US), Reply(3), {}),
        (
            types.MessageReplyHeader(reply_to_msg_id=3, reply_to_peer_id=types.PeerChannel(77)),
            Reply(3, "vestnik"),
            {},
        ),
        (
            types.MessageReplyHeader(reply_to_msg_id=3, reply_to_peer_id=types.PeerChannel(80)),
            None,
            {"reply_elsewhere": True},
        ),
        (
            types.MessageReplyHeader(
                reply_to_msg_id=3,
                reply_to_peer_id=SOMEBODY,
                reply_from=forwarded(from_name=NAME, from_id=SOMEBODY),
                reply_media=types.MessageMediaContact(NAME, NAME, NAME, NAME, PERSON),
                quote=True,
                quote_text="слова",
                quote_entities=[types.MessageEntityMentionName(0, 2, PERSON)],
            ),
            None,
            {"reply_elsewhere": True},
        ),
        (types.MessageReplyHeader(reply_to_scheduled=True), None, {}),
        (types.MessageReplyStoryHeader(SOMEBODY, 3), None, {}),
    ],
)
def test_replies(header: Any, reply: Reply | None, extras: dict[str, Any]) -> None:
    found = post(message(text="ответ", reply_to=header), chats=CHATS)
    assert (found.reply, found.extras) == (reply, extras)
    assert_nobody(found)


@pytest.mark.parametrize(
    ("action", "kind", "extras"),
    [
        (types.MessageActionChannelCreate("Имя"), "created", {"action": "channel_create"}),
        (
            types.MessageActionChatEditTitle("Новое имя"),
            "renamed",
            {"action": "chat_edit_title", "title": "Новое имя"},
        ),
        (types.MessageActionChatEditPhoto(photo()), "photo", {"action": "chat_edit_photo"}),
        (types.MessageActionChatDeletePhoto(), "photo", {"action": "chat_delete_photo"}),
        (types.MessageActionPinMessage(), "pinned", {"action": "pin_message"}),
        (types.MessageActionSetMessagesTTL(60, PERSON), "other", {"action": "set_messages_ttl"}),
        (types.MessageActionChatAddUser([PERSON]), "other", {"action": "chat_add_user"}),
        (types.MessageActionChatDeleteUser(PERSON), "other", {"action": "chat_delete_user"}),
        (types.MessageActionChatJoinedByLink(PERSON), "other", {"action": "chat_joined_by_link"}),
        (
            types.MessageActionInviteToGroupCall(types.InputGroupCall(1, 2), [PERSON]),
            "other",
            {"action": "invite_to_group_call"},
        ),
        (
            types.MessageActionGeoProximityReached(SOMEBODY, SOMEBODY, 5),
            "other",
            {"action": "geo_proximity_reached"},
        ),
    ],
)
def test_service_messages(action: Any, kind: str, extras: dict[str, Any]) -> None:
    found = post(service(action, from_id=None))
    assert (found.service, found.extras, found.text, found.media) == (kind, extras, "", None)
    assert_nobody(found)


def test_a_private_dealing_leaves_that_it_was() -> None:
    told = types.MessageActionCustomAction(f"{NAME} вступил")
    found = read(service(told), channel_id=CHANNEL)
    assert found.extras == {"action": "custom_action"}
    assert isinstance(parse_raw(found.raw).action, types.MessageActionEmpty)
    assert_nobody(found)


def test_a_pin_names_what_was_pinned() -> None:
    pinned = service(types.MessageActionPinMessage(), reply_to=types.MessageReplyHeader(reply_to_msg_id=3))
    assert post(pinned).reply == Reply(3)


def test_reactions() -> None:
    results = [
        types.ReactionCount(types.ReactionEmoji("👍"), 12),
        types.ReactionCount(types.ReactionCustomEmoji(536), 4),
        types.ReactionCount(types.ReactionPaid(), 50),
        types.ReactionCount(types.ReactionEmpty(), 1),
        types.ReactionCount(types.ReactionEmoji("👍"), 3),
    ]
    recent = [types.MessagePeerReaction(SOMEBODY, AT, types.ReactionEmoji("👍"))]
    top = [types.MessageReactor(5, peer_id=SOMEBODY)]
    given = types.MessageReactions(results, min=True, recent_reactions=recent, top_reactors=top)
    found = post(message(text="да", reactions=given))
    assert found.counts == Counts(reactions={"👍": Count(15), "custom:536": Count(4), "paid": Count(50)})
    assert_nobody(found)


def test_extras() -> None:
    buttons = [
        types.KeyboardInlineButton("Сайт", types.InlineButtonTypeUrl("https://example.org/")),
        types.KeyboardInlineButton("Кто", types.InlineButtonTypeUserProfile(PERSON)),
        types.KeyboardInlineButton("Он", types.InlineButtonTypeUrl(f"tg://user?id={PERSON}")),
    ]
    found = post(
        message(
            text="с кнопками",
            reply_markup=types.ReplyInlineMarkup([types.KeyboardInlineButtonRow(buttons)]),
            via_bot_id=99,
            post_author=NAME,
            restriction_reason=[
                types.RestrictionReason("ios", "terms", "Только не здесь"),
                types.RestrictionReason("all", "terms", "Нельзя"),
            ],
        )
    )
    assert found.extras == {
        "signed": True,
        "buttons": [{"text": "Сайт", "url": "https://example.org/"}, {"text": "Кто"}, {"text": "Он"}],
        "restricted": "Нельзя",
    }
    assert parse_raw(found.raw).via_bot_id == 99
    assert_nobody(found)


def test_extras_that_are_not_there() -> None:
    elsewhere = [types.RestrictionReason("ios", "terms", "Только не здесь")]
    assert post(message(restriction_reason=elsewhere, reply_markup=types.ReplyKeyboardHide())).extras == {}
    assert post(message(from_id=SOMEBODY)).extras == {"signed": True}


def assert_nobody(found: Any) -> None:
    """No trace of the planted person, be it by name or by id, in words or in TL bytes."""
    raw = found.raw if isinstance(found, Post) else b""
    assert NAME not in repr(found)
    assert str(PERSON) not in repr(found)
    assert NAME.encode() not in raw
    assert PERSON.to_bytes(8, "little") not in raw
    assert str(PERSON).encode() not in raw


def planted() -> Any:
    """A post that names a person wherever Telegram could."""
    return message(
        text="Слова",
        from_id=SOMEBODY,
        from_rank=NAME,
        saved_peer_id=SOMEBODY,
        guestchat_via_from=SOMEBODY,
        post_author=NAME,
        fwd_from=forwarded(
            from_id=SOMEBODY,
            from_name=NAME,
            post_author=NAME,
            saved_from_peer=SOMEBODY,
            saved_from_msg_id=1,
            saved_from_id=SOMEBODY,
            saved_from_name=NAME,
        ),
        reply_to=types.MessageReplyHeader(
            reply_to_msg_id=2, reply_to_peer_id=SOMEBODY, reply_from=forwarded(from_name=NAME)
        ),
        entities=[
            types.MessageEntityBold(0, 5),
            types.MessageEntityMentionName(0, 2, PERSON),
            types.InputMessageEntityMentionName(0, 2, types.InputUser(PERSON, PERSON)),
        ],
        media=poll(),
        replies=types.MessageReplies(3, 4, comments=True, recent_repliers=[SOMEBODY], channel_id=9),
        factcheck=types.FactCheck(
            1,
            country="RU",
            text=types.TextWithEntities("Слова", [types.MessageEntityMentionName(0, 2, PERSON)]),
        ),
    )


def test_nobody_is_left_anywhere_and_nothing_is_changed() -> None:
    given = planted()
    before = deepcopy(given.to_dict())
    found = post(given)
    assert_nobody(found)
    assert given.to_dict() == before
    assert found.extras == {"signed": True, "reply_elsewhere": True}
    cleaned = parse_raw(found.raw)
    assert (cleaned.post_author, cleaned.fwd_from.from_name) == ("a user", "a user")
    assert (cleaned.from_id, cleaned.replies.recent_repliers) == (types.PeerUser(0), [])
    assert cleaned.replies.replies == 3
    assert without_people(cleaned) is cleaned


def _reachable() -> dict[str, type]:
    found: dict[str, type] = {}
    waiting: list[Any] = [types.Message, types.MessageService]
    while waiting:
        kind = waiting.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            waiting += [inner for _, told in _fields(kind) for inner in _kinds(told)]
    return found


def _fields(kind: Any) -> Iterator[tuple[str, str]]:
    """The fields of a TL class, and how they are declared."""
    plain = next(base for base in kind.__mro__ if base.__module__.startswith("telethon.tl.types"))
    for field in list(inspect.signature(plain.__init__).parameters.values())[1:]:
        if field.annotation is not field.empty:
            yield field.name, str(field.annotation)


def _kinds(told: str) -> Iterator[Any]:
    for name in re.findall(r"\bType[A-Z]\w+", told):
        alias = getattr(types, name, None)
        yield from typing.get_args(alias) or ([alias] if alias is not None else ())


REACHABLE = _reachable()
# Fields that sound like a person's and are none: a group's or a bot's, a file's, a place's, an artist's.
HARMLESS = frozenset(
    [
        "BotApp.short_name",
        "Channel.username",
        "DocumentAttributeAudio.performer",
        "DocumentAttributeFilename.file_name",
        "Game.short_name",
        "InputFile.name",
        "InputFileBig.name",
        "InputGameShortName.short_name",
        "InputStickerSetShortName.short_name",
        "PageBlockAnchor.name",
        "RequestPeerTypeCreateBot.suggested_name",
        "RequestPeerTypeCreateBot.suggested_username",
        "StarGiftAttributeBackdrop.name",
        "StarGiftAttributeModel.name",
        "StarGiftAttributePattern.name",
        "TextAnchor.name",
        "TextEmail.email",
        "TextPhone.phone",
        "Username.username",
        "WebPage.site_name",
    ]
)
SOUNDS = re.compile(
    r"user|name$|author|phone|email|vcard|rank$|owner|inviter|creator_id|winners$|recent_(?!m)|viewers|voters$|performer"
)
COUNTS = re.compile(r"total_|per_user|\.voters$|_count$")
PERSONS = {
    "TypePeer": SOMEBODY,
    "TypeInputPeer": types.InputPeerUser(PERSON, PERSON),
    "TypeInputUser": types.InputUser(PERSON, PERSON),
}
# These stand only in what is not kept at all: stories, pages in full, dealings with bots.
DEALT_WITH = re.compile(r"^(Secure|Payment|RequestedPeer|Story|Page$|PrivacyV|MediaArea|Privacy)")


def _made(kind: Any, depth: int = 0) -> Any:
    """An object of a class, with a person wherever one is declared or sounds as if it could be."""
    return kind(**{name: _filled(kind.__name__, name, told, depth) for name, told in _fields(kind)})


def _filled(kind: str, name: str, told: str, depth: int) -> Any:
    inner = list(_kinds(told))
    if inner and depth > 2 and told.startswith("typing.Optional"):
        return None
    if inner and depth > 2 and "List" in told:
        return []
    value = _object(inner, told, depth) if inner else _scalar(f"{kind}.{name}", told)
    return [value] if "List" in told else value


def _object(inner: list[Any], told: str, depth: int) -> Any:
    """The plainest of a family ends the nesting where something must stand."""
    for family, person in PERSONS.items():
        if re.search(rf"\b{family}\b", told):
            return person
    return _made(min(inner, key=lambda k: len(list(_fields(k)))) if depth > 1 else inner[-1], depth + 1)


def _scalar(field: str, told: str) -> Any:
    personal = SOUNDS.search(field.partition(".")[2]) is not None and field not in HARMLESS
    values: dict[str, Any] = {"datetime": AT, "str": NAME if personal else "x", "bytes": b"x"}
    values |= {"float": 1.0, "bool": True, "int": PERSON if personal and not COUNTS.search(field) else 1}
    return next((value for word, value in values.items() if word in told), None)


@pytest.mark.parametrize(
    "kind", [k for n, k in REACHABLE.items() if not DEALT_WITH.match(n)], ids=lambda k: k.__name__
)
def test_no_object_of_telegram_holds_a_person_afterwards(kind: Any) -> None:
    given = _made(kind)
    cleaned = without_people(given)
    told = repr(cleaned.to_dict())
    assert NAME not in told
    assert str(PERSON) not in told
    assert without_people(cleaned) is cleaned


def test_albums_are_joined_by_their_group_and_the_caption_stands_first() -> None:
    several = [
        message(9, text="одиночка"),
        message(8, grouped_id=700, text="подпись", edit_date=LATER, entities=[types.MessageEntityBold(0, 3)]),
        types.MessageEmpty(7, US),
        message(6, grouped_id=700, media=types.MessageMediaPhoto(photo=photo())),
        None,
        message(4, grouped_id=700, media=types.MessageMediaPhoto(photo=photo())),
        message(3, grouped_id=701),
    ]
    posts, aside = read_all(several, channel_id=CHANNEL)
    assert aside == ()
    assert [(p.message_id, p.album_id, p.text) for p in posts] == [
        (3, None, ""),
        (4, 4, "подпись"),
        (6, 4, ""),
        (8, 4, ""),
        (9, None, "одиночка"),
    ]
    assert (posts[1].entities, posts[1].edited_at) == ((Entity("bold", 0, 3),), LATER)


def test_a_message_that_comes_twice_is_one_post() -> None:
    posts, _ = read_all(
        [message(4, grouped_id=7, text="а"), message(4, grouped_id=7, text="б")], channel_id=CHANNEL
    )
    assert [(p.text, p.album_id) for p in posts] == [("б", None)]


def test_chats_and_raw_reach_every_post() -> None:
    given = message(fwd_from=forwarded(from_id=types.PeerChannel(77)))
    posts, _ = read_all([given], channel_id=CHANNEL, chats=CHATS, raw=False)
    assert (posts[0].raw, posts[0].forward and posts[0].forward.handle) == (b"", "vestnik")


class Strange(TLObject):  # type: ignore[misc]
    """What a later layer might send."""


@pytest.mark.parametrize(
    ("given", "reason", "number"),
    [
        (message(peer_id=types.PeerChannel(1)), "it was posted elsewhere", 5),
        (message(peer_id=SOMEBODY, from_id=SOMEBODY), "it was posted elsewhere", 5),
        (message(at=None), "it has no date", 5),
        (message(0), "0 is no message id of a channel", None),
        (message(1 << 40), f"{1 << 40} is no message id of a channel", None),
        (message("7"), "'7' is no message id of a channel", None),  # type: ignore[arg-type]
        (message(at=AT.replace(tzinfo=None)), "ValueError: a time without a zone", 5),
        (message(views=-1, forwards=0), "ValueError: -1 is no count", 5),
        (message(text="слово", entities=[None]), "AttributeError", 5),
        (message(media=object()), "TypeError", 5),
        (
            message(media=types.MessageMediaGeo(types.GeoPoint(float("nan"), 1.0, 0))),
            "ValueError: nan is no place",
            5,
        ),
        (message(media=hanging(types.DocumentAttributeVideo(float("inf"), 1, 1))), "OverflowError", 5),
        (message(rich_message=types.RichMessage([], [], [])), "its words stand in a rich message", 5),
        (Strange(), "Strange is no message", None),
        ("нечто", "str is no message", None),
    ],
)
def test_what_cannot_be_read_is_set_aside(given: Any, reason: str, number: int | None) -> None:
    good = message(6, text="рядом")
    posts, aside = read_all([given, good], channel_id=CHANNEL)
    assert [p.text for p in posts] == ["рядом"]
    assert [(reason in a.reason, a.message_id) for a in aside] == [(True, number)]
    assert aside[0].body
    assert PERSON.to_bytes(8, "little") not in aside[0].body
    with pytest.raises(Unsupported):
        read(given, channel_id=CHANNEL)


def test_an_empty_message_is_no_post() -> None:
    with pytest.raises(Unsupported, match="MessageEmpty is no message"):
        read(types.MessageEmpty(7, US), channel_id=CHANNEL)


def test_what_can_be_written_is_set_aside_whole() -> None:
    given = message(text="слова", views=-1, forwards=0, post_author=NAME)
    _, aside = read_all([given], channel_id=CHANNEL)
    assert parse_raw(aside[0].body).message == "слова"
    assert NAME.encode() not in aside[0].body


def test_odd_content_that_does_no_harm() -> None:
    assert post(message(text=None)).text == ""
    lone = read(message(text="a\ud83d"), channel_id=CHANNEL)
    assert (lone.text, parse_raw(lone.raw).message) == ("a\ud83d", "a\ufffd")
    assert read(message(media=Strange()), channel_id=CHANNEL, raw=False).media == Media(
        MediaKind.OTHER, {"type": "strange"}
    )
    nothing = types.MessageService(5, US, AT)
    assert read(nothing, channel_id=CHANNEL, raw=False).service == "other"
    grouped = message(4)
    grouped.grouped_id = []
    assert read_all([grouped], channel_id=CHANNEL, raw=False)[0][0].album_id is None
    assert post(message(text="слово", entities=[types.MessageEntityBold(9, 4)])).entities == ()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no record of layer"),
        (b"tl 1\n\0\0\0\0", "no record of layer"),
        (b"tl %d\n" % LAYER, "damaged"),
        (b"tl %d\nabcdefgh" % LAYER, "damaged"),
        (b"tl %d\n" % LAYER + bytes(message(text="слово"))[:-6], "damaged"),
        (b"tl %d\n" % LAYER + bytes(message(text="слово")) + b"more", "more than it needs"),
    ],
)
def test_a_raw_record_that_cannot_be_read(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_raw(raw)


def channel(**more: Any) -> Any:
    told = {"id": CHANNEL, "title": "Канал", "photo": types.ChatPhotoEmpty(), "date": AT, "broadcast": True}
    return types.Channel(**told | more)


def full(**more: Any) -> Any:
    settings = types.PeerNotifySettings()
    told = {"id": CHANNEL, "about": "О нас", "chat_photo": types.PhotoEmpty(1), "notify_settings": settings}
    counters = dict.fromkeys(("read_inbox_max_id", "read_outbox_max_id", "unread_count", "pts"), 0)
    return types.ChannelFull(**told | counters | {"bot_info": []} | more)


def test_channels() -> None:
    plain = channel(username="Our_Channel", verified=True, participants_count=90)
    assert read_channel(plain) == Channel(
        channel_id=CHANNEL, title="Канал", handle="Our_Channel", subscribers=Count(90), verified=True
    )
    assert read_channel(plain, full(participants_count=95)).subscribers == Count(95)
    assert read_channel(plain, full()).subscribers == Count(90)
    assert read_channel(channel(usernames=CHATS[78].usernames), full()) == Channel(
        channel_id=CHANNEL, title="Канал", handle="bought", about="О нас", verified=False
    )


@pytest.mark.parametrize(
    ("chat", "words"),
    [
        (channel(username="Our_Channel"), None),
        (channel(), "a private channel"),
        (channel(username="x", megagroup=True, broadcast=False), "a group"),
        (channel(username="x", gigagroup=True), "a group"),
        (types.Chat(1, "Группа", types.ChatPhotoEmpty(), 3, AT, 1), "a group"),
        (types.ChatForbidden(1, "Группа"), "a group"),
        (types.ChannelForbidden(1, 2, "Канал", broadcast=True), "a channel that is closed to us"),
        (types.ChannelForbidden(1, 2, "Группа", megagroup=True), "a group"),
        (types.User(1, bot=True), "a bot"),
        (types.User(1), "a person"),
        (types.UserEmpty(1), "a person"),
        (None, "of an unknown kind (NoneType)"),
    ],
)
def test_what_is_no_public_channel_is_refused(chat: Any, words: str | None) -> None:
    assert refusal(chat) == words


DRAWN = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strikethrough": types.MessageEntityStrike,
    "code": types.MessageEntityCode,
    "blockquote": types.MessageEntityBlockquote,
    "spoiler": types.MessageEntitySpoiler,
}
ACTIONS = {
    "created": types.MessageActionChannelCreate("имя"),
    "renamed": types.MessageActionChatEditTitle("имя"),
    "photo": types.MessageActionChatEditPhoto(photo()),
    "pinned": types.MessageActionPinMessage(),
}
ATTRIBUTES: dict[MediaKind, list[Any]] = {
    MediaKind.VIDEO: [VIDEO],
    MediaKind.ANIMATION: [VIDEO, types.DocumentAttributeAnimated()],
    MediaKind.ROUND_VIDEO: [ROUND],
    MediaKind.VOICE: [types.DocumentAttributeAudio(9, voice=True)],
    MediaKind.AUDIO: [types.DocumentAttributeAudio(9, title="Марш")],
    MediaKind.STICKER: [types.DocumentAttributeSticker("☕", STICKERS)],
    MediaKind.DOCUMENT: [types.DocumentAttributeFilename("файл.pdf")],
}


def as_telegram(told: scenario.Message, start: datetime) -> Any:
    """A message of a scenario as Telegram would send it."""
    at = (start + told.at).astimezone(UTC)
    if told.service:
        return types.MessageService(told.id, US, at, action=ACTIONS[told.service])
    return message(
        told.id,
        at=at,
        text="" if told.unsupported else told.text.words,
        entities=[] if told.unsupported else [_entity(e) for e in told.text.entities],
        media=types.MessageMediaUnsupported() if told.unsupported else _media(told),
        edit_date=(start + told.edited).astimezone(UTC) if told.edited is not None else None,
        grouped_id=told.album,
        views=told.views,
        forwards=0,
        post_author=told.signature,
        reply_to=types.MessageReplyHeader(reply_to_msg_id=told.reply_to) if told.reply_to else None,
        fwd_from=forwarded(from_id=types.PeerChannel(77), channel_post=1) if told.forward else None,
    )


def _entity(entity: Entity) -> Any:
    if entity.type == "pre":
        return types.MessageEntityPre(entity.offset, entity.length, "")
    if entity.type == "text_link":
        return types.MessageEntityTextUrl(entity.offset, entity.length, entity.value)
    return DRAWN[entity.type](entity.offset, entity.length)


def _media(told: scenario.Message) -> Any:
    kind = told.media_kind
    if kind is MediaKind.POLL:
        return poll()
    if kind is MediaKind.PHOTO:
        return types.MessageMediaPhoto(photo=photo())
    if kind is MediaKind.LOCATION:
        return types.MessageMediaGeo(types.GeoPoint(35.27, 51.19, 0))
    if kind is not None:
        return hanging(*ATTRIBUTES[kind])
    return web_page(title=told.link_preview["title"]) if told.link_preview else None


def both(played: scenario.Scenario, at: timedelta) -> tuple[list[Post], list[Post]]:
    """What the pages and what Telegram itself tell of a scenario at a time."""
    start = scenario.THEN
    shown = played.shown(at)
    page = parse(pages.history(played, shown, now=start + at, start=start).encode(), played.handle)
    posts, aside = read_all([as_telegram(told, start) for told in shown], channel_id=CHANNEL)
    assert page.set_aside == aside == ()
    return list(page.posts), list(posts)


@pytest.mark.parametrize("played", scenario.shipped(), ids=lambda played: played.handle)
@pytest.mark.parametrize("share", [0.4, 1.0])
def test_the_pages_and_telegram_tell_the_same(played: scenario.Scenario, share: float) -> None:
    seen, sent = both(played, played.ends * share)
    assert len(seen) > 20
    assert digests(seen) == digests(sent)
    for one, other in zip(seen, sent, strict=True):
        assert (one.posted_at, one.album_id, one.edited) == (other.posted_at, other.album_id, other.edited)
        assert (one.reply, one.service) == (other.reply, other.service)
        assert set(one.entities) == set(other.entities)


def told(number: int, said: str = "", **more: Any) -> scenario.Message:
    return scenario.Message(id=number, at=timedelta(minutes=number), text=scenario.parse(said), **more)


KINDS = [
    told(place, f"Подпись <b>{kind}</b>" if kind is not MediaKind.STICKER else "", media={"kind": kind.value})
    for place, kind in enumerate([*ATTRIBUTES, MediaKind.PHOTO], 1)
]
LINKS = [
    told(
        31,
        'Смотрите <a href="https://example.org">здесь</a> и <a href="http://example.org/a">example.org/a</a>',
    ),
    told(
        32,
        '<a href="https://t.me/demo_ministry">@demo_ministry</a> 😀 <a href="https://t.me/other">@demo</a>',
    ),
    told(
        33, '<b>жирно <a href="HTTPS://Example.org/%D0%B0?b=1&amp;c">и ссылка</a></b>  <pre>код\nвторой</pre>'
    ),
    told(34, f'<a href="tg://user?id={PERSON}">он</a>'),
]


def test_every_kind_and_every_link_is_the_same_in_both() -> None:
    played = scenario.Scenario(id=CHANNEL, handle="demo_all", title="Всё", messages=(*KINDS, *LINKS))
    seen, sent = both(played, played.ends)
    assert digests(seen) == digests(sent)
    assert [p.entities for p in seen] == [p.entities for p in sent]
    assert [p.media.kind if p.media else None for p in sent[: len(KINDS)]] == [m.media_kind for m in KINDS]
