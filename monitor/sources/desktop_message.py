"""One message of a Telegram Desktop export as a post: pure, one dictionary in, one post out.

Keys and their versions: Telegram Desktop's `export_output_json.cpp`. Private people are taken out here:
authors, forwarders and voters become "a user", in the raw record too.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from monitor.errors import ExportError
from monitor.model import (
    NO_COUNTS,
    Count,
    Counts,
    Entity,
    Forward,
    ForwardKind,
    Media,
    MediaKind,
    Post,
    Reply,
)

_MEDIA_TYPES = {
    "sticker": MediaKind.STICKER,
    "video_message": MediaKind.ROUND_VIDEO,
    "voice_message": MediaKind.VOICE,
    "animation": MediaKind.ANIMATION,
    "video_file": MediaKind.VIDEO,
    "audio_file": MediaKind.AUDIO,
}
_MEDIA_DETAILS = {
    "photo_file_size": "size",
    "file_size": "size",
    "file_name": "name",
    "width": "width",
    "height": "height",
    "duration_seconds": "duration",
    "mime_type": "mime_type",
    "performer": "performer",
    "title": "title",
    "sticker_emoji": "emoji",
}
_OTHER_MEDIA = (
    "game_title",
    "invoice_information",
    "giveaway_information",
    "giveaway_results",
    "paid_stars_amount",
    "todo_list",
)
_SERVICE = {
    "create_channel": "created",
    "edit_group_title": "renamed",
    "edit_group_photo": "photo",
    "delete_group_photo": "photo",
    "pin_message": "pinned",
}
_LARGEST_NUMBER = 1 << 31
_ENTITY_VALUES = {"text_link": "href", "pre": "language"}
# What may name a private person; an author or forwarder that is a channel says so by its id.
_PERSONAL = frozenset(
    {
        *("author", "contact_information", "contact_vcard", "saved_from", "members", "inviter"),
        *("recent", "user_id", "peer_id", "winners"),
    }
)
_BUTTON_OF_USER = "user_profile"
_BUTTON_DATA = frozenset({"data", "dataBase64"})
_NAMED = (
    ("from", "from_id"),
    ("to", "to_id"),
    ("actor", "actor_id"),
    ("forwarded_from", "forwarded_from_id"),
    ("reply_to_peer", "reply_to_peer_id"),
)
_ROLES = frozenset(role for pair in _NAMED for role in pair)
_AUTHOR = frozenset({"from", "from_id"})
# The keys of a stretch of text, which is nearly all that stands inside a message, and names nobody.
_IMPERSONAL = frozenset({"type", "text", "href", "language", "collapsed"})
_SOMEBODY = "a user"
# Before 2.7.2 a peer's id is a number, and a channel's (or a group's) has this upper half.
_OLD_CHANNEL_ID = range(2 << 32, 3 << 32)


class Unsupported(ValueError):  # noqa: N818 - it is a verdict on the message
    """A message that cannot be a post, and why."""


def read_message(message: Mapping[str, Any], body: bytes, *, channel_id: int, zone: tzinfo | None) -> Post:
    """A message as a post; `body` is how it was written, `zone` places dates of exports that name none.

    Raises Unsupported for what cannot be a post, ExportError where a zone is needed and not given.
    """
    kind = message.get("type")
    if kind == "unsupported":
        raise Unsupported("Telegram Desktop could not export this message: it gives its id alone")
    if kind not in ("message", "service"):
        raise Unsupported(f"a message of unknown type {kind!r}")
    try:
        return _post(message, body, channel_id=channel_id, zone=zone)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise Unsupported(f"its fields are not as expected: {type(error).__name__}: {error}") from error


def _post(message: Mapping[str, Any], body: bytes, *, channel_id: int, zone: tzinfo | None) -> Post:
    text, entities = _text(message)
    if "rich_message" in message and not text:
        raise Unsupported("its words stand in a rich message, a form that is not read yet")
    edited_at = _time(message, "edited", zone)
    posted_at = _time(message, "date", zone)
    if posted_at is None:
        raise Unsupported("it has no date")
    if edited_at is not None and edited_at <= posted_at:
        edited_at = None  # up to 2.1.8 every message was written as edited
    return Post(
        channel_id=channel_id,
        message_id=_integer(message["id"]),
        posted_at=posted_at,
        text=text,
        entities=entities,
        media=_media(message),
        edited=edited_at is not None,
        edited_at=edited_at,
        forward=_forward(message),
        reply=_reply(message),
        service=_SERVICE.get(message["action"], "other") if message["type"] == "service" else None,
        extras=_extras(message),
        counts=_counts(message),
        raw=_raw(message, body),
    )


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LARGEST_NUMBER:
        raise Unsupported(f"{value!r} is no message id of a channel")
    return value


def _time(message: Mapping[str, Any], key: str, zone: tzinfo | None) -> datetime | None:
    seconds = message.get(f"{key}_unixtime")
    written = message.get(key)
    if seconds is not None:
        moment = datetime.fromtimestamp(int(seconds), UTC)
    elif written is not None:
        moment = datetime.fromisoformat(written)
    else:
        return None
    if moment.year < 1990:  # noqa: PLR2004 - an absent time was once written as 1970-01-01
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if zone is None:
        raise ExportError(
            "the dates of this export name no time zone",
            "Telegram Desktop before 3.7.6 wrote the local time of the exporting computer",
            "say where that was: monitor import PATH --timezone Europe/Moscow",
        )
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _text(message: Mapping[str, Any]) -> tuple[str, tuple[Entity, ...]]:
    parts = message.get("text_entities")
    if parts is None:
        parts = message.get("text", "")
    if isinstance(parts, str):
        return parts, ()
    return _joined(parts)


def _joined(parts: object) -> tuple[str, tuple[Entity, ...]]:
    if not isinstance(parts, list):
        message = f"a text is neither a string nor a list: {type(parts).__name__}"
        raise TypeError(message)
    if len(parts) == 1 and isinstance(parts[0], dict) and parts[0]["type"] == "plain":
        return _string(parts[0]["text"]), ()
    words: list[str] = []
    entities: list[Entity] = []
    offset = 0
    for part in parts:
        said = part if isinstance(part, str) else _string(part["text"])
        length = len(said) if said.isascii() else len(said.encode("utf-16-le", "surrogatepass")) // 2
        if not isinstance(part, str) and part["type"] != "plain" and length:
            entities.append(_entity(part, offset, length))
        words.append(said)
        offset += length
    return "".join(words), tuple(entities)


def _entity(part: Mapping[str, Any], offset: int, length: int) -> Entity:
    kind = _string(part["type"])
    value = part.get(_ENTITY_VALUES.get(kind, ""))
    return Entity(kind, offset, length, None if value is None else _string(value))


def _string(value: object) -> str:
    if not isinstance(value, str):
        message = f"{type(value).__name__} stands where words should"
        raise TypeError(message)
    return value


def _media(message: Mapping[str, Any]) -> Media | None:
    kind = _media_kind(message)
    if kind is None:
        return None
    details = {ours: message[theirs] for theirs, ours in _MEDIA_DETAILS.items() if theirs in message}
    if kind is MediaKind.POLL:
        details = _poll(message["poll"])
    elif kind is MediaKind.LOCATION:
        details = dict(message["location_information"])
    return Media(kind, details)


def _media_kind(message: Mapping[str, Any]) -> MediaKind | None:
    if "photo" in message and message.get("type") != "service":
        return MediaKind.PHOTO
    if "media_type" in message or "file" in message:
        return _MEDIA_TYPES.get(message.get("media_type", ""), MediaKind.DOCUMENT)
    if "poll" in message:
        return MediaKind.POLL
    if "location_information" in message:
        return MediaKind.LOCATION
    if "contact_information" in message:
        return MediaKind.CONTACT
    return MediaKind.OTHER if any(key in message for key in _OTHER_MEDIA) else None


def _poll(poll: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "question": _plain(poll["question"]),
        "closed": bool(poll.get("closed")),
        "voters": poll.get("total_voters"),
        "options": [{"text": _plain(o["text"]), "voters": o.get("voters")} for o in poll.get("answers", ())],
    }


def _plain(text: object) -> str:
    return text if isinstance(text, str) else _joined(text)[0]


def _forward(message: Mapping[str, Any]) -> Forward | None:
    if "forwarded_from" not in message and "forwarded_from_id" not in message:
        return None
    origin = message.get("forwarded_from_id")
    if isinstance(origin, str) and origin.startswith("channel"):
        title = message.get("forwarded_from")
        return Forward(
            ForwardKind.CHANNEL,
            channel_id=int(origin.removeprefix("channel")),
            message_id=_number(message.get("forwarded_from_message_id")),
            title=None if title is None else _string(title),
        )
    named = isinstance(origin, str) and origin.startswith("user")
    return Forward(ForwardKind.USER if named else ForwardKind.UNKNOWN)


def _reply(message: Mapping[str, Any]) -> Reply | None:
    number = _number(message.get("reply_to_message_id"))
    return Reply(number) if number is not None and "reply_to_peer_id" not in message else None


def _number(value: object) -> int | None:
    """The id of a message elsewhere, which may be missing without harm to this one."""
    return value if isinstance(value, int) and 0 < value < _LARGEST_NUMBER else None


def _extras(message: Mapping[str, Any]) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if "via_bot" in message:
        extras["via_bot"] = message["via_bot"]
    if "author" in message:
        extras["signed"] = True
    if "inline_bot_buttons" in message:
        rows = message["inline_bot_buttons"]
        extras["buttons"] = [{"text": b.get("text", "")} for row in rows for b in row]
    if "reply_to_peer_id" in message:
        extras["reply_elsewhere"] = True
    if message.get("type") == "service":
        extras["action"] = message["action"]
        if isinstance(message.get("title"), str):
            extras["title"] = message["title"]
    return extras


def _counts(message: Mapping[str, Any]) -> Counts:
    reactions: dict[str, Count] = {}
    for reaction in message.get("reactions", ()):
        name = _reaction(reaction)
        before = reactions[name].value if name in reactions else 0
        reactions[name] = _count(before + int(reaction["count"]))
    views = message.get("views")  # other exporters that imitate the format give it
    if not reactions and not isinstance(views, int):
        return NO_COUNTS
    return Counts(views=_count(views) if isinstance(views, int) else None, reactions=reactions)


def _count(number: int) -> Count:
    if not 0 <= number < 1 << 63:
        message = f"{number} is no count"
        raise ValueError(message)
    return Count(number)


def _reaction(reaction: Mapping[str, Any]) -> str:
    """A custom emoji's id is mostly written as the path of its file, which is none: those are one reaction."""
    if reaction.get("type") == "paid":
        return "paid"
    if "emoji" in reaction:
        return _string(reaction["emoji"])
    number = str(reaction.get("document_id", ""))
    return f"custom:{number if number.isdecimal() else ''}"


def _raw(message: Mapping[str, Any], body: bytes) -> bytes:
    """The bytes as they stood, unless they name a person: then the record without them."""
    cleaned = without_people(message)
    return body if cleaned is message else json.dumps(cleaned, ensure_ascii=False).encode("utf-8", "replace")


def without_people(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message itself if it names no private person, else a copy in which each is "a user"."""
    if not _names_people(message):
        return message
    cleaned: Mapping[str, Any] = _cleaned(message)
    return cleaned


def _names_people(value: Any) -> bool:
    if isinstance(value, list):
        parts = value
    elif not _PERSONAL.isdisjoint(value) or value.get("type") == _BUTTON_OF_USER or _people_of(value):
        return True
    else:
        parts = value.values()
    for part in parts:
        if isinstance(part, dict):
            if not part.keys() <= _IMPERSONAL and _names_people(part):
                return True
        elif isinstance(part, list) and _names_people(part):
            return True
    return False


def _cleaned(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if not isinstance(value, dict):
        return value
    hidden = _PERSONAL | _BUTTON_DATA if value.get("type") == _BUTTON_OF_USER else _PERSONAL
    kept = {key: _cleaned(part) for key, part in value.items() if key not in hidden}
    for name, number in _people_of(value):
        kept[name] = _SOMEBODY
        kept.pop(number, None)
    return kept


def _people_of(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The roles in which somebody is named who is no channel."""
    roles = _ROLES & value.keys()
    if not roles or (roles == _AUTHOR and _is_channel(value["from_id"])):
        return []
    return [
        (name, number)
        for name, number in _NAMED
        if (value.get(name) or value.get(number)) and not _is_channel(value.get(number))
    ]


def _is_channel(number: object) -> bool:
    if isinstance(number, str):
        return number.startswith(("channel", "-100"))
    return isinstance(number, int) and number in _OLD_CHANNEL_ID
