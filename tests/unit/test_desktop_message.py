"""One message of an export: what it becomes, what sets it aside, and that nobody private is left in it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.changes import content_of
from monitor.errors import ExportError
from monitor.model import Count, Counts, Entity, Forward, ForwardKind, Media, MediaKind, Post, Reply
from monitor.sources.desktop_message import Unsupported, read_message, without_people

EXPORTS = Path(__file__).parent.parent / "fixtures" / "desktop"
CHANNEL = 1500000002


def in_file(name: str, number: int) -> dict[str, Any]:
    messages = json.loads((EXPORTS / f"{name}.json").read_bytes())["messages"]
    found: dict[str, Any] = next(message for message in messages if message["id"] == number)
    return found


def message(**more: object) -> dict[str, Any]:
    return {"id": 5, "type": "message", "date_unixtime": "1704067200", "text": ""} | more


def read(message: dict[str, Any], zone: str | None = "Europe/Moscow") -> Post:
    body = json.dumps(message).encode()
    return read_message(message, body, channel_id=CHANNEL, zone=ZoneInfo(zone) if zone else None)


def test_a_plain_message_keeps_its_bytes() -> None:
    plain = message(text="Паром в полдень", **{"from": "Harbour notes", "from_id": f"channel{CHANNEL}"})
    post = read(plain)
    assert (post.channel_id, post.message_id, post.text) == (CHANNEL, 5, "Паром в полдень")
    assert post.posted_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert post.raw == json.dumps(plain).encode()
    assert without_people(plain) is plain
    assert (post.media, post.forward, post.reply, post.service, post.extras) == (None, None, None, None, {})
    assert not post.counts


def test_entities_prefer_text_entities_and_count_utf16() -> None:
    post = read(in_file("v4_2", 20))
    assert post.text == "Ветер ☀️😀 наш наблюдательt=+12☔"
    assert post.entities == (
        Entity("mention_name", 11, 15),
        Entity("pre", 26, 5, "text"),
        Entity("custom_emoji", 31, 1),
    )


def test_entities_of_the_older_text() -> None:
    post = read(in_file("v2_1_8", 3))
    assert post.text == "Расписание 🚆 — на сайте!"
    assert post.entities == (
        Entity("text_link", 16, 8, "https://example.org/trains"),
        Entity("bold", 24, 1),
    )


@given(st.lists(st.tuples(st.sampled_from(["plain", "bold", "text_link"]), st.text(max_size=8)), max_size=8))
def test_entities_cover_their_parts(parts: list[tuple[str, str]]) -> None:
    written = [{"type": kind, "text": said, "href": "https://example.org/"} for kind, said in parts]
    post = read(message(text_entities=written))
    units = post.text.encode("utf-16-le")
    covered = [units[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le") for e in post.entities]
    assert post.text == "".join(said for _, said in parts)
    assert covered == [said for kind, said in parts if kind != "plain" and said]


def test_a_lone_surrogate_counts_as_one_unit() -> None:
    post = read(message(text=["\ud83d", {"type": "bold", "text": "b"}]))
    assert post.entities == (Entity("bold", 1, 1),)


@pytest.mark.parametrize(
    ("more", "posted", "edited"),
    [
        ({"date": "2020-07-01T10:00:00"}, "2020-07-01T07:00", None),
        ({"date": "2010-07-01T10:00:00"}, "2010-07-01T06:00", None),
        ({"date": "2020-07-01T10:00:00+01:00"}, "2020-07-01T09:00", None),
        ({"date": "2020-07-01T10:00:00Z"}, "2020-07-01T10:00", None),
        ({"date": "wrong", "date_unixtime": "1593597600"}, "2020-07-01T10:00", None),
        (
            {"date": "2020-07-01T10:00:00", "edited": "2020-07-01T10:00:01"},
            "2020-07-01T07:00",
            "2020-07-01T07:00:01",
        ),
        ({"date": "2020-07-01T10:00:00", "edited": "2020-07-01T10:00:00"}, "2020-07-01T07:00", None),
        ({"date": "2020-07-01T10:00:00", "edited": "1970-01-01T03:00:00"}, "2020-07-01T07:00", None),
        ({"date": "2020-07-01T10:00:00", "edited_unixtime": "0"}, "2020-07-01T07:00", None),
    ],
)
def test_times_are_utc(more: dict[str, str], posted: str, edited: str | None) -> None:
    post = read({"id": 5, "type": "message", "text": ""} | more)
    assert post.posted_at == datetime.fromisoformat(posted).replace(tzinfo=UTC)
    assert post.edited_at == (datetime.fromisoformat(edited).replace(tzinfo=UTC) if edited else None)
    assert post.edited is (edited is not None)


def test_a_local_time_needs_a_zone() -> None:
    local = {"id": 5, "type": "message", "date": "2020-07-01T10:00:00", "text": ""}
    with pytest.raises(ExportError, match="no time zone"):
        read(local, zone=None)
    assert read(message(), zone=None).posted_at == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"type": "unsupported"}, "could not export this message"),
        ({"type": "novel"}, "unknown type 'novel'"),
        ({"type": ["message"]}, "unknown type"),
        ({"type": None}, "unknown type None"),
        ({"id": True}, "True is no message id"),
        ({"id": -999999995}, "-999999995 is no message id"),
        ({"id": 1 << 31}, "no message id"),
        ({"date_unixtime": None}, "it has no date"),
        ({"date_unixtime": "0"}, "it has no date"),
        ({"date_unixtime": "soon"}, "ValueError"),
        ({"date_unixtime": "9" * 30}, "Error"),
        ({"date_unixtime": None, "date": "yesterday"}, "ValueError"),
        ({"date_unixtime": None, "date": 5}, "TypeError"),
        ({"text": None}, "neither a string nor a list: NoneType"),
        ({"text": 5}, "neither a string nor a list: int"),
        ({"text": {}}, "neither a string nor a list: dict"),
        ({"text": [{"type": "plain", "text": 5}]}, "int stands where words should"),
        ({"text": ["a", {"type": "bold", "text": None}]}, "NoneType stands where words should"),
        ({"text": ["a", {"type": 7, "text": "b"}]}, "int stands where words should"),
        ({"text": ["a", {"type": "text_link", "text": "b", "href": 7}]}, "int stands where words should"),
        ({"text": ["a", {"text": "b"}]}, "KeyError: 'type'"),
        ({"text": ["a", 5]}, "TypeError"),
        ({"type": "service"}, "KeyError: 'action'"),
        ({"media_type": []}, "TypeError"),
        ({"poll": "which"}, "TypeError"),
        ({"poll": {"question": 7}}, "neither a string nor a list"),
        ({"reactions": [{"type": "emoji", "emoji": "x"}]}, "KeyError: 'count'"),
        ({"reactions": [{"type": "emoji", "emoji": "x", "count": -1}]}, "-1 is no count"),
        ({"reactions": [{"type": "emoji", "emoji": 5, "count": 1}]}, "int stands where words should"),
        ({"views": 1 << 63}, "is no count"),
        ({"forwarded_from_id": "channelX"}, "ValueError"),
        ({"forwarded_from_id": "channel5", "forwarded_from": 5}, "int stands where words should"),
        ({"inline_bot_buttons": 5}, "TypeError"),
        ({"rich_message": {"blocks": []}}, "a rich message, a form that is not read yet"),
    ],
)
def test_what_cannot_be_a_post_says_why(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        read(message() | more)
    assert reason in str(refusal.value)


def test_nesting_without_end_is_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(5000):
        nested = {"x": nested}
    with pytest.raises(Unsupported, match="RecursionError"):
        read_message(message(more=nested), b"", channel_id=CHANNEL, zone=None)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    *("id", "type", "date", "date_unixtime", "edited", "edited_unixtime", "text", "text_entities", "photo"),
    *("media_type", "file", "poll", "location_information", "reactions", "inline_bot_buttons", "action"),
    *("from", "from_id", "forwarded_from", "forwarded_from_id", "reply_to_message_id", "views", "title"),
)


@given(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=4))
def test_any_fields_give_a_sound_post_or_a_reason(junk: dict[str, Any]) -> None:
    try:
        post = read_message(message() | junk, b"", channel_id=CHANNEL, zone=UTC)
    except Unsupported:
        return
    assert 0 < post.message_id < 1 << 31
    assert isinstance(post.text, str)
    assert all(isinstance(entity.value, str | None) for entity in post.entities)
    assert content_of(post).digest()


@pytest.mark.parametrize(
    ("more", "media"),
    [
        ({}, None),
        (
            {"photo": "p.jpg", "photo_file_size": 9, "width": 4, "height": 3},
            Media(MediaKind.PHOTO, {"size": 9, "width": 4, "height": 3}),
        ),
        (
            {"file": "f.pdf", "file_name": "f.pdf", "file_size": 7},
            Media(MediaKind.DOCUMENT, {"name": "f.pdf", "size": 7}),
        ),
        (
            {"file": "s.webp", "media_type": "sticker", "sticker_emoji": "🙂"},
            Media(MediaKind.STICKER, {"emoji": "🙂"}),
        ),
        (
            {"file": "m.mp4", "media_type": "video_message", "duration_seconds": 3},
            Media(MediaKind.ROUND_VIDEO, {"duration": 3}),
        ),
        ({"file": "v.ogg", "media_type": "voice_message"}, Media(MediaKind.VOICE)),
        ({"file": "a.mp4", "media_type": "animation"}, Media(MediaKind.ANIMATION)),
        (
            {"file": "a.mp3", "media_type": "audio_file", "performer": "Хор", "title": "Песня"},
            Media(MediaKind.AUDIO, {"performer": "Хор", "title": "Песня"}),
        ),
        ({"file": "n.bin", "media_type": "new_kind"}, Media(MediaKind.DOCUMENT)),
        (
            {"location_information": {"latitude": 1.5, "longitude": 2.5}},
            Media(MediaKind.LOCATION, {"latitude": 1.5, "longitude": 2.5}),
        ),
        ({"game_title": "Chess"}, Media(MediaKind.OTHER)),
        ({"todo_list": {"title": "List"}}, Media(MediaKind.OTHER)),
        ({"paid_stars_amount": 5}, Media(MediaKind.OTHER)),
    ],
)
def test_media(more: dict[str, Any], media: Media | None) -> None:
    assert read(message(**more)).media == media


def test_paths_of_files_are_not_taken() -> None:
    post = read(in_file("v2_7_2", 14))
    assert post.media == Media(
        MediaKind.VIDEO, {"mime_type": "video/mp4", "duration": 12, "width": 640, "height": 360}
    )
    assert "passwd" not in repr(post.media)


def test_a_poll_with_formatted_words() -> None:
    post = read(in_file("v5_16", 30))
    assert post.media == Media(
        MediaKind.POLL,
        {
            "question": "Which hours suit you",
            "closed": False,
            "voters": 7,
            "options": [{"text": "Morning", "voters": 3}, {"text": "Evening", "voters": 4}],
        },
    )
    assert "user_id" not in post.raw.decode()


def test_reactions_without_their_voters() -> None:
    post = read(in_file("v5_16", 30))
    reactions = {
        "👍": Count(12),
        "custom:": Count(5),
        "custom:5368324170671202286": Count(4),
        "paid": Count(5),
    }
    assert post.counts == Counts(reactions=reactions)
    assert b"recent" not in post.raw
    assert post.extras == {"signed": True}


def test_views_of_other_exporters() -> None:
    assert read(message(views=1200)).counts == Counts(views=Count(1200))
    assert not read(message(views="many")).counts


def test_a_contact_is_a_contact_without_its_person() -> None:
    post = read(in_file("v5_16", 31))
    assert post.media == Media(MediaKind.CONTACT)
    assert post.extras["buttons"] == [{"text": "Catalogue"}, {"text": "Ask"}]
    raw = json.loads(post.raw)
    assert "contact_information" not in raw
    assert raw["inline_bot_buttons"][0][0]["data"] == "https://example.org/catalogue"
    assert raw["inline_bot_buttons"][0][1] == {"type": "user_profile", "text": "Ask"}


@pytest.mark.parametrize(
    ("more", "forward"),
    [
        ({}, None),
        ({"forwarded_from": "Vera Example"}, Forward(ForwardKind.UNKNOWN)),
        ({"forwarded_from": None}, Forward(ForwardKind.UNKNOWN)),
        ({"forwarded_from": "Vera Example", "forwarded_from_id": "user7"}, Forward(ForwardKind.USER)),
        ({"forwarded_from": "Дом 5", "forwarded_from_id": "chat7"}, Forward(ForwardKind.UNKNOWN)),
        (
            {"forwarded_from": "Library desk", "forwarded_from_id": "channel7"},
            Forward(ForwardKind.CHANNEL, 7, title="Library desk"),
        ),
        ({"forwarded_from": None, "forwarded_from_id": "channel7"}, Forward(ForwardKind.CHANNEL, 7)),
        (
            {"forwarded_from_id": "channel7", "forwarded_from_message_id": 30},
            Forward(ForwardKind.CHANNEL, 7, message_id=30),
        ),
        (
            {"forwarded_from_id": "channel7", "forwarded_from_message_id": 10**30},
            Forward(ForwardKind.CHANNEL, 7),
        ),
    ],
)
def test_forwards(more: dict[str, Any], forward: Forward | None) -> None:
    assert read(message(**more)).forward == forward


def test_replies() -> None:
    assert read(message(reply_to_message_id=4)).reply == Reply(4)
    assert read(message(reply_to_message_id=-4)).reply is None
    elsewhere = read(in_file("imitation", 50))
    assert elsewhere.reply is None
    assert elsewhere.extras == {"via_bot": "@example_bot", "reply_elsewhere": True}


@pytest.mark.parametrize(
    ("action", "service"),
    [
        ("create_channel", "created"),
        ("edit_group_title", "renamed"),
        ("edit_group_photo", "photo"),
        ("delete_group_photo", "photo"),
        ("pin_message", "pinned"),
        ("boost_apply", "other"),
    ],
)
def test_services(action: str, service: str) -> None:
    post = read(message(type="service", action=action, photo="p.jpg", title=None))
    assert (post.service, post.media, post.extras) == (service, None, {"action": action})
    named = read(message(type="service", action=action, title="Новое имя"))
    assert named.extras["title"] == "Новое имя"


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"from": "Harbour notes", "from_id": "channel5"}, {"from": "Harbour notes", "from_id": "channel5"}),
        ({"from": None, "from_id": "channel5"}, {"from": None, "from_id": "channel5"}),
        ({"from": None}, {"from": None}),
        ({"from": "City", "from_id": 10089934593}, {"from": "City", "from_id": 10089934593}),
        ({"from": "Vera", "from_id": 4294967811}, {"from": "a user"}),
        ({"from": "Vera", "from_id": 515}, {"from": "a user"}),
        ({"from": "Vera", "from_id": "user5"}, {"from": "a user"}),
        ({"from": "Vera"}, {"from": "a user"}),
        ({"from_id": "user5"}, {"from": "a user"}),
        ({"actor": "Vera", "actor_id": "user5"}, {"actor": "a user"}),
        ({"actor": "City", "actor_id": "channel5"}, {"actor": "City", "actor_id": "channel5"}),
        ({"forwarded_from": "Vera"}, {"forwarded_from": "a user"}),
        (
            {"forwarded_from": "Desk", "forwarded_from_id": "channel7"},
            {"forwarded_from": "Desk", "forwarded_from_id": "channel7"},
        ),
        ({"reply_to_peer_id": "user5"}, {"reply_to_peer": "a user"}),
        ({"reply_to_peer_id": "-1001500000004"}, {"reply_to_peer_id": "-1001500000004"}),
        ({"to": "Vera", "to_id": "user5"}, {"to": "a user"}),
        ({"author": "Vera", "saved_from": "Vera", "members": ["Vera"], "inviter": "Vera"}, {}),
        ({"contact_information": {"first_name": "Vera"}, "contact_vcard": "vera.vcf"}, {}),
        (
            {"giveaway_results": {"winners": [5], "winners_count": 1}},
            {"giveaway_results": {"winners_count": 1}},
        ),
        (
            {"text": ["a", {"type": "mention_name", "text": "b", "user_id": 5}]},
            {"text": ["a", {"type": "mention_name", "text": "b"}]},
        ),
        ({"reactions": [{"count": 1, "recent": [{"from": "Vera"}]}]}, {"reactions": [{"count": 1}]}),
    ],
)
def test_people_become_a_user(more: dict[str, Any], kept: dict[str, Any]) -> None:
    cleaned = without_people({"id": 5} | more)
    assert cleaned == {"id": 5} | kept
    assert without_people(cleaned) == cleaned
    assert (cleaned == {"id": 5} | more) is (kept == more)


def test_a_cleaned_record_can_hold_a_lone_surrogate() -> None:
    post = read(message(text="\ud83d", author="Sam Sample"))
    assert json.loads(post.raw)["text"] == "?"
