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
_ENTITY_VALUES = {"text_link": "href", "pre": "language"}
# What may name a private person; an author or forwarder that is a channel says so by its id.
_PERSONAL = ("author", "contact_information", "contact_vcard", "saved_from", "members", "inviter")
_NAMED = (("from", "from_id"), ("actor", "actor_id"), ("forwarded_from", "forwarded_from_id"))
_SOMEBODY = "a user"


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
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unsupported(f"its fields are not as expected: {type(error).__name__}: {error}") from error


def _post(message: Mapping[str, Any], body: bytes, *, channel_id: int, zone: tzinfo | None) -> Post:
    text, entities = _text(message)
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
        service=_SERVICE.get(message["action"], "other") if message.get("type") == "service" else None,
        extras=_extras(message),
        counts=_counts(message),
        raw=_raw(message, body),
    )


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise Unsupported(f"{value!r} is no message id of a channel")
    return value


def _time(message: Mapping[str, Any], key: str, zone: tzinfo | None) -> datetime | None:
    seconds = message.get(f"{key}_unixtime")
    if seconds is not None:
        return datetime.fromtimestamp(int(seconds), UTC)
    written = message.get(key)
    if written is None:
        return None
    local = datetime.fromisoformat(written)
    if local.year < 1990:  # noqa: PLR2004 - an absent time was once written as 1970-01-01
        return None
    if zone is None:
        raise ExportError(
            "the dates of this export name no time zone",
            "Telegram Desktop before 3.7.6 wrote the local time of the exporting computer",
            "say where that was: monitor import PATH --timezone Europe/Moscow",
        )
    return local.replace(tzinfo=zone).astimezone(UTC)


def _text(message: Mapping[str, Any]) -> tuple[str, tuple[Entity, ...]]:
    parts = message.get("text_entities")
    if parts is None:
        parts = message.get("text", "")
    if isinstance(parts, str):
        return parts, ()
    if len(parts) == 1 and isinstance(parts[0], dict) and parts[0]["type"] == "plain":
        return parts[0]["text"], ()
    return _joined(parts)


def _joined(parts: list[Any]) -> tuple[str, tuple[Entity, ...]]:
    words: list[str] = []
    entities: list[Entity] = []
    offset = 0
    for part in parts:
        said = part if isinstance(part, str) else part["text"]
        length = len(said) if said.isascii() else len(said.encode("utf-16-le", "surrogatepass")) // 2
        if not isinstance(part, str) and part["type"] != "plain" and length:
            entities.append(
                Entity(part["type"], offset, length, part.get(_ENTITY_VALUES.get(part["type"], "")))
            )
        words.append(said)
        offset += length
    return "".join(words), tuple(entities)


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


def _plain(text: str | list[Any]) -> str:
    return text if isinstance(text, str) else _joined(text)[0]


def _forward(message: Mapping[str, Any]) -> Forward | None:
    if "forwarded_from" not in message and "forwarded_from_id" not in message:
        return None
    origin = message.get("forwarded_from_id")
    if isinstance(origin, str) and origin.startswith("channel"):
        number = message.get("forwarded_from_message_id")
        return Forward(
            ForwardKind.CHANNEL,
            channel_id=int(origin.removeprefix("channel")),
            message_id=number if isinstance(number, int) else None,
            title=message.get("forwarded_from"),
        )
    named = isinstance(origin, str) and origin.startswith("user")
    return Forward(ForwardKind.USER if named else ForwardKind.UNKNOWN)


def _reply(message: Mapping[str, Any]) -> Reply | None:
    number = message.get("reply_to_message_id")
    return Reply(number) if isinstance(number, int) and "reply_to_peer_id" not in message else None


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
    reactions = {_reaction(r): Count(int(r["count"])) for r in message.get("reactions", ())}
    views = message.get("views")  # other exporters that imitate the format give it
    if not reactions and not isinstance(views, int):
        return NO_COUNTS
    return Counts(views=Count(views) if isinstance(views, int) else None, reactions=reactions)


def _reaction(reaction: Mapping[str, Any]) -> str:
    if reaction.get("type") == "paid":
        return "paid"
    return str(reaction["emoji"]) if "emoji" in reaction else f"custom:{reaction.get('document_id', '')}"


def _raw(message: Mapping[str, Any], body: bytes) -> bytes:
    """The bytes as they stood, unless they name a person: then the record without them."""
    cleaned = without_people(message)
    return body if cleaned is message else json.dumps(cleaned, ensure_ascii=False).encode("utf-8", "replace")


def without_people(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message itself if it names no private person, else a copy in which each is "a user"."""
    personal = [key for key in _PERSONAL if key in message]
    named = [pair for pair in _NAMED if pair[0] in message and not _is_channel(message.get(pair[1]), pair[0])]
    voters = any("recent" in reaction for reaction in message.get("reactions", ()))
    mentions = any(
        isinstance(part, dict) and "user_id" in part
        for key in ("text", "text_entities")
        if isinstance(message.get(key), list)
        for part in message[key]
    )
    if not (personal or named or voters or mentions):
        return message
    cleaned = {key: value for key, value in message.items() if key not in personal}
    for name, number in named:
        cleaned[name] = _SOMEBODY
        cleaned.pop(number, None)
    if voters:
        cleaned["reactions"] = [{k: v for k, v in r.items() if k != "recent"} for r in message["reactions"]]
    if mentions:
        for key in ("text", "text_entities"):
            if isinstance(message.get(key), list):
                cleaned[key] = [_without_user(part) for part in message[key]]
    return cleaned


def _without_user(part: object) -> object:
    return {k: v for k, v in part.items() if k != "user_id"} if isinstance(part, dict) else part


def _is_channel(number: object, role: str) -> bool:
    """Whether an author's id is a channel's. Old exports write bare numbers; there the author is the channel."""
    if role == "from" and (number is None or isinstance(number, int)):
        return True
    return isinstance(number, str) and number.startswith("channel")
