"""Telegram's own objects as posts and channels: pure, one TL object in, one post out.

Fields are those of core.telegram.org/constructor/message. What is kept raw is `tl <layer>`, a line break, and the
TL bytes; private people are taken out there too: each becomes "a user" or the id 0, each list of them empty.
"""

import copy
import math
import operator
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLObject, types
from telethon.tl.alltlobjects import LAYER

from monitor.model import (
    NO_COUNTS,
    Channel,
    Count,
    Counts,
    Entity,
    Forward,
    ForwardKind,
    Media,
    MediaKind,
    Post,
    Reply,
    SetAside,
    aware,
)
from monitor.sources.albums import as_album
from monitor.sources.links import kind_of_link, names_user

_HEAD = b"tl %d\n" % LAYER
_MESSAGES = (types.Message, types.MessageService)
_NO_CHATS: Mapping[int, Any] = {}
_LARGEST_NUMBER = 1 << 31
_SOMEBODY = "a user"
# What reading an object may raise, whatever stands in it; its own writer asserts what belongs together.
_MISREAD = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError),
    *(AssertionError, struct.error),
)

_ENTITIES = {
    types.MessageEntityBold: "bold",
    types.MessageEntityItalic: "italic",
    types.MessageEntityUnderline: "underline",
    types.MessageEntityStrike: "strikethrough",
    types.MessageEntityCode: "code",
    types.MessageEntityPre: "pre",
    types.MessageEntityBlockquote: "blockquote",
    types.MessageEntitySpoiler: "spoiler",
    types.MessageEntityTextUrl: "text_link",
    types.MessageEntityUrl: "link",
    types.MessageEntityMention: "mention",
    types.MessageEntityHashtag: "hashtag",
    types.MessageEntityCashtag: "cashtag",
    types.MessageEntityBotCommand: "bot_command",
    types.MessageEntityEmail: "email",
    types.MessageEntityPhone: "phone",
    types.MessageEntityBankCard: "bank_card",
    types.MessageEntityCustomEmoji: "custom_emoji",
    types.MessageEntityMentionName: "mention_name",
    types.InputMessageEntityMentionName: "mention_name",
    types.MessageEntityFormattedDate: "date",
}
_SERVICE = {
    types.MessageActionChannelCreate: "created",
    types.MessageActionChatEditTitle: "renamed",
    types.MessageActionChatEditPhoto: "photo",
    types.MessageActionChatDeletePhoto: "photo",
    types.MessageActionPinMessage: "pinned",
}

# Fields that hold or name private people, in whatever object they stand, and what is kept in their place.
_PERSONAL: Mapping[str, Any] = {
    **dict.fromkeys(("user_id", "chat_id", "inviter_id", "new_creator_id", "auto_setting_from"), 0),
    "author_photo_id": 0,
    **{name: [] for name in ("users", "peers", "winners", "other_participants")},
    **{name: [] for name in ("recent_voters", "recent_repliers", "recent_viewers")},
    **{name: [] for name in ("recent_reactions", "top_reactors")},
    **dict.fromkeys(("from_name", "saved_from_name", "post_author", "author", "from_rank"), _SOMEBODY),
    **dict.fromkeys(("first_name", "last_name", "phone_number", "vcard"), _SOMEBODY),
    **dict.fromkeys(("owner_name", "owner_address", "gift_address"), _SOMEBODY),
    **dict.fromkeys(("story", "cached_page"), None),
}
# The same, where the name of the field alone does not tell.
_PERSONAL_HERE: Mapping[tuple[str, str], Any] = {
    ("InputUser", "access_hash"): 0,
    ("InputPeerUser", "access_hash"): 0,
    ("PageBlockAuthorDate", "author"): types.TextPlain(_SOMEBODY),
    ("WebPage", "attributes"): None,
}
_TELLING = frozenset({"url", *_PERSONAL, *(name for _, name in _PERSONAL_HERE)})
_SCALARS = frozenset({bool, int, float, str, bytes, datetime})
# A page about one person says who they are.
_PAGE_OF_PERSON = frozenset({"telegram_user", "telegram_story"})
_OF_PERSON = frozenset({"title", "description", "photo", "document"})
# What one person did with a bot, with money or with papers; of these nothing is kept but that something was done.
_PRIVATE = frozenset(
    {
        *("MessageActionPaymentSentMe", "MessageActionPaymentSent", "MessageActionPaymentRefunded"),
        *("MessageActionSecureValuesSentMe", "MessageActionSecureValuesSent", "MessageActionSuggestBirthday"),
        *("MessageActionWebViewDataSentMe", "MessageActionWebViewDataSent", "MessageActionRequestedPeer"),
        *("MessageActionRequestedPeerSentMe", "MessageActionCustomAction", "MessageActionPhoneCall"),
    }
)
# What is large or frequent and holds nobody.
_IMPERSONAL = frozenset(
    {
        *(types.MessageMediaPhoto, types.MessageMediaDocument, types.Photo, types.Document),
        *(types.PeerChannel, types.GeoPoint, types.RestrictionReason),
        *(types.ReactionCount, types.ReactionEmoji, types.KeyboardButtonStyle),
        *(
            kind
            for kind in _ENTITIES
            if "MentionName" not in kind.__name__ and "TextUrl" not in kind.__name__
        ),
    }
)


class Unsupported(ValueError):  # noqa: N818 - it is a verdict on the message
    """A message that cannot be a post, and why."""


def read_all(
    messages: Iterable[Any], *, channel_id: int, chats: Mapping[int, Any] = _NO_CHATS, raw: bool = True
) -> tuple[tuple[Post, ...], tuple[SetAside, ...]]:
    """Messages as posts, ascending by id, albums joined; what cannot be read comes apart. Raises nothing.

    Ids without a message (MessageEmpty, or None as Telethon's get_messages has it) are left out.
    """
    posts: dict[int, Post] = {}
    albums: dict[int, list[int]] = {}
    aside: list[SetAside] = []
    for message in messages:
        if message is None or isinstance(message, types.MessageEmpty):
            continue
        try:
            post = read(message, channel_id=channel_id, chats=chats, raw=raw)
        except Unsupported as error:
            aside.append(_set_aside(message, str(error)))
            continue
        if isinstance(message.grouped_id, int) and post.message_id not in posts:
            albums.setdefault(message.grouped_id, []).append(post.message_id)
        posts[post.message_id] = post
    for members in albums.values():
        posts.update((post.message_id, post) for post in as_album([posts[n] for n in sorted(members)]))
    return tuple(posts[number] for number in sorted(posts)), tuple(aside)


def read(message: Any, *, channel_id: int, chats: Mapping[int, Any] = _NO_CHATS, raw: bool = True) -> Post:
    """A types.Message or types.MessageService as a post; `chats` are channels by id, to name where it is from.

    Raises Unsupported for what cannot be a post of this channel.
    """
    if not isinstance(message, _MESSAGES):
        raise Unsupported(f"{type(message).__name__} is no message")
    try:
        return _post(message, channel_id, chats=chats, raw=raw)
    except Unsupported:
        raise
    except _MISREAD as error:
        raise Unsupported(f"its fields are not as expected: {type(error).__name__}: {error}") from error


def parse_raw(raw: bytes) -> Any:
    """The TL object in a post's raw record. Raises ValueError if that is of another layer, or damaged."""
    if not raw.startswith(_HEAD):
        message = f"no record of layer {LAYER}: {raw[:16]!r}"
        raise ValueError(message)
    reader = BinaryReader(raw[len(_HEAD) :])
    try:
        found = reader.tgread_object()
    except (*_MISREAD, BufferError, TypeNotFoundError) as error:
        message = f"a damaged record of layer {LAYER}"
        raise ValueError(message) from error
    if reader.tell_position() != len(raw) - len(_HEAD):
        message = f"a record of layer {LAYER} with {len(raw)} bytes, more than it needs"
        raise ValueError(message)
    return found


def read_channel(chat: Any, full: Any | None = None) -> Channel:
    """A types.Channel, and its types.ChannelFull if there is one, as a channel."""
    counted = [of.participants_count for of in (full, chat) if of is not None]
    subscribers = next((number for number in counted if number is not None), None)
    return Channel(
        channel_id=chat.id,
        title=chat.title or None,
        handle=_handle(chat),
        about=(full.about or None) if full is not None else None,
        subscribers=_count(subscribers) if subscribers is not None else None,
        verified=bool(chat.verified),
    )


def refusal(chat: Any) -> str | None:
    """What a peer is instead of a public broadcast channel, in words; None if it is one."""
    if isinstance(chat, types.Channel | types.ChannelForbidden):
        return _refusal_of_channel(chat)
    if isinstance(chat, types.User | types.UserEmpty):
        return "a bot" if getattr(chat, "bot", False) else "a person"
    if isinstance(chat, types.Chat | types.ChatForbidden | types.ChatEmpty):
        return "a group"
    return f"of an unknown kind ({type(chat).__name__})"


def _refusal_of_channel(chat: Any) -> str | None:
    if chat.megagroup or getattr(chat, "gigagroup", False) or not chat.broadcast:
        return "a group"
    if isinstance(chat, types.ChannelForbidden):
        return "a channel that is closed to us"
    return None if _handle(chat) else "a private channel"


def _handle(chat: Any) -> str | None:
    """A channel's name of its own, or the first active one of those that it bought."""
    own: str | None = getattr(chat, "username", None)
    bought = getattr(chat, "usernames", None) or ()
    return own or next((name.username for name in bought if name.active), None)


def _post(message: Any, channel_id: int, *, chats: Mapping[int, Any], raw: bool) -> Post:
    peer = message.peer_id
    if not isinstance(peer, types.PeerChannel) or peer.channel_id != channel_id:
        raise Unsupported("it was posted elsewhere")
    service = isinstance(message, types.MessageService)
    action = (message.action or types.MessageActionEmpty()) if service else None
    text = (message.message or "") if action is None else ""
    if message.rich_message is not None and not text:
        raise Unsupported("its words stand in a rich message, a form that is not read yet")
    edited_at = None if message.edit_date is None or message.edit_hide else _time(message.edit_date)
    return Post(
        channel_id=channel_id,
        message_id=_message_id(message.id),
        posted_at=_time(message.date),
        text=text,
        entities=_entities(message.entities, text) if text and message.entities else (),
        media=_media(message.media) if message.media is not None and action is None else None,
        edited=edited_at is not None,
        edited_at=edited_at,
        forward=_forward(message.fwd_from, chats) if message.fwd_from is not None else None,
        reply=_reply(message, chats) if message.reply_to is not None else None,
        service=_SERVICE.get(type(action), "other") if action is not None else None,
        extras=_extras(message, chats, action=action),
        counts=_counts(message),
        raw=_raw(message) if raw else b"",
    )


def _message_id(number: Any) -> int:
    if not isinstance(number, int) or not 0 < number < _LARGEST_NUMBER:
        raise Unsupported(f"{number!r} is no message id of a channel")
    return number


def _number(number: Any) -> int | None:
    """The id of a message elsewhere, which may be missing without harm to this one."""
    return number if isinstance(number, int) and 0 < number < _LARGEST_NUMBER else None


def _time(moment: datetime | None) -> datetime:
    if moment is None:
        raise Unsupported("it has no date")
    return moment if moment.tzinfo is UTC else aware(moment)


def _entities(listed: Iterable[Any], text: str) -> tuple[Entity, ...]:
    units = text.encode("utf-16-le", "surrogatepass")
    found = [entity for one in listed if (entity := _entity(one, units)) is not None]
    found.sort(key=lambda entity: (entity.offset, -entity.length))
    return tuple(found)


def _entity(entity: Any, units: bytes) -> Entity | None:
    """An entity with what of it lies within the text, which is given in UTF-16."""
    start, end = entity.offset, min(entity.offset + entity.length, len(units) // 2)
    if not 0 <= start < end:
        return None
    kind, value = _ENTITIES.get(type(entity), "unknown"), None
    if kind == "text_link":
        kind, value = kind_of_link(entity.url, units[start * 2 : end * 2].decode("utf-16-le", "replace"))
    elif kind == "pre":
        value = entity.language or None
    elif kind == "custom_emoji":
        value = str(entity.document_id)
    return Entity(kind, start, end - start, value)


def _media(media: Any) -> Media | None:
    if isinstance(media, types.MessageMediaWebPage | types.MessageMediaEmpty):
        return None
    reader = _READERS.get(type(media))
    return reader(media) if reader else Media(MediaKind.OTHER, {"type": _word(media, "MessageMedia")})


def _photo(media: Any) -> Media:
    photo = media.photo
    if not isinstance(photo, types.Photo):
        return Media(MediaKind.PHOTO)
    sizes = [size for size in photo.sizes if hasattr(size, "w")]
    largest = max(sizes, key=lambda size: size.w * size.h, default=None)
    details = {"id": photo.id, "dc_id": photo.dc_id}
    if largest is not None:
        details |= {"size": _bytes_of(largest), "width": largest.w, "height": largest.h}
    return Media(MediaKind.PHOTO, details)


def _bytes_of(size: Any) -> int:
    """The length in bytes of a picture in one of the three ways that Telegram tells it."""
    if isinstance(size, types.PhotoSizeProgressive):
        return max(size.sizes, default=0)
    return len(size.bytes) if isinstance(size, types.PhotoCachedSize) else int(size.size)


def _document(media: Any) -> Media:
    document = media.document
    if not isinstance(document, types.Document):
        return Media(_kind_of_expired(media))
    parts = {type(part): part for part in document.attributes}
    details = {
        "id": document.id,
        "dc_id": document.dc_id,
        "size": document.size,
        "mime_type": document.mime_type,
        **_described(parts),
    }
    return Media(_kind_of(parts), {key: value for key, value in details.items() if value not in (None, "")})


def _kind_of(parts: Mapping[Any, Any]) -> MediaKind:
    """What a document is by its attributes; a moving sticker is a video too, and a GIF mostly."""
    if types.DocumentAttributeSticker in parts or types.DocumentAttributeCustomEmoji in parts:
        return MediaKind.STICKER
    video, audio = parts.get(types.DocumentAttributeVideo), parts.get(types.DocumentAttributeAudio)
    if video is not None and video.round_message:
        return MediaKind.ROUND_VIDEO
    if types.DocumentAttributeAnimated in parts:
        return MediaKind.ANIMATION
    if video is not None:
        return MediaKind.VIDEO
    if audio is not None:
        return MediaKind.VOICE if audio.voice else MediaKind.AUDIO
    return MediaKind.DOCUMENT


def _kind_of_expired(media: Any) -> MediaKind:
    """What a document was that is no longer there."""
    if media.round:
        return MediaKind.ROUND_VIDEO
    if media.voice:
        return MediaKind.VOICE
    return MediaKind.VIDEO if media.video else MediaKind.DOCUMENT


def _described(parts: Mapping[Any, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for part in parts.values():
        if isinstance(part, types.DocumentAttributeFilename):
            details["name"] = part.file_name
        elif isinstance(part, types.DocumentAttributeVideo):
            details |= {"width": part.w, "height": part.h, "duration": round(part.duration)}
        elif isinstance(part, types.DocumentAttributeImageSize):
            details |= {"width": part.w, "height": part.h}
        elif isinstance(part, types.DocumentAttributeAudio):
            details |= {"duration": part.duration, "title": part.title, "performer": part.performer}
        elif isinstance(part, types.DocumentAttributeSticker | types.DocumentAttributeCustomEmoji):
            details["emoji"] = part.alt
    return details


def _poll(media: Any) -> Media:
    poll, results = media.poll, media.results
    voters = {result.option: result.voters for result in results.results or ()}
    details = {
        "question": _plain(poll.question),
        "closed": bool(poll.closed),
        "voters": results.total_voters,
        "options": [
            {"text": _plain(answer.text), "voters": voters.get(getattr(answer, "option", None))}
            for answer in poll.answers
        ],
    }
    return Media(MediaKind.POLL, details)


def _plain(text: Any) -> str:
    """The words of a TextWithEntities, which was a plain string up to layer 178."""
    said: str = text if isinstance(text, str) else text.text
    return said


def _location(media: Any) -> Media:
    details: dict[str, Any] = {}
    if isinstance(media.geo, types.GeoPoint):
        details = {"latitude": _degrees(media.geo.lat), "longitude": _degrees(media.geo.long)}
    if isinstance(media, types.MessageMediaVenue):
        details |= {"title": media.title, "address": media.address}
    return Media(MediaKind.LOCATION, details)


def _degrees(angle: float) -> float:
    if not math.isfinite(angle):
        message = f"{angle} is no place"
        raise ValueError(message)
    return angle


def _contact(_media: Any) -> Media:
    return Media(MediaKind.CONTACT)


_READERS: Mapping[Any, Callable[[Any], Media]] = {
    types.MessageMediaPhoto: _photo,
    types.MessageMediaDocument: _document,
    types.MessageMediaPoll: _poll,
    types.MessageMediaGeo: _location,
    types.MessageMediaGeoLive: _location,
    types.MessageMediaVenue: _location,
    types.MessageMediaContact: _contact,
}


def _word(of: Any, family: str) -> str:
    """The name of a TL object within its family: a MessageMediaGiveawayResults is `giveaway_results`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(of).__name__.removeprefix(family)).lower()


def _forward(header: Any, chats: Mapping[int, Any]) -> Forward:
    origin = header.from_id
    if isinstance(origin, types.PeerChannel):
        chat = chats.get(origin.channel_id)
        return Forward(
            ForwardKind.CHANNEL,
            channel_id=origin.channel_id,
            handle=_handle(chat),
            message_id=_number(header.channel_post),
            title=getattr(chat, "title", None),
        )
    named = isinstance(origin, types.PeerUser) or (origin is None and header.from_name)
    return Forward(ForwardKind.USER if named else ForwardKind.UNKNOWN)


def _reply(message: Any, chats: Mapping[int, Any]) -> Reply | None:
    """What a post answers; None if that is in a chat of which no handle is known."""
    number = _number(getattr(message.reply_to, "reply_to_msg_id", None))
    if number is None:
        return None
    if not _answers_elsewhere(message):
        return Reply(number)
    handle = _handle(chats.get(getattr(message.reply_to.reply_to_peer_id, "channel_id", 0)))
    return Reply(number, handle) if handle else None


def _answers_elsewhere(message: Any) -> bool:
    peer = getattr(message.reply_to, "reply_to_peer_id", None)
    return peer is not None and getattr(peer, "channel_id", None) != message.peer_id.channel_id


def _extras(message: Any, chats: Mapping[int, Any], *, action: Any) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if message.post_author or isinstance(message.from_id, types.PeerUser):
        extras["signed"] = True
    if message.media is not None and isinstance(message.media, types.MessageMediaWebPage):
        extras |= _link_preview(message.media.webpage)
    if message.reply_markup is not None:
        extras |= _buttons(message.reply_markup)
    if message.reply_to is not None and _answers_elsewhere(message) and _reply(message, chats) is None:
        extras["reply_elsewhere"] = True
    if message.restriction_reason:
        extras |= _restricted(message.restriction_reason)
    if action is not None:
        extras["action"] = _word(action, "MessageAction")
        if isinstance(action, types.MessageActionChatEditTitle):
            extras["title"] = action.title
    return extras


def _link_preview(page: Any) -> dict[str, Any]:
    if not isinstance(page, types.WebPage):
        return {}
    named = {"url": page.url, "site": page.site_name}
    if page.type not in _PAGE_OF_PERSON:
        named |= {"title": page.title, "description": page.description}
    return {"link_preview": {key: value for key, value in named.items() if value}}


def _buttons(markup: Any) -> dict[str, Any]:
    buttons = [_button(button) for row in getattr(markup, "rows", None) or () for button in row.buttons]
    return {"buttons": buttons} if buttons else {}


def _button(button: Any) -> dict[str, Any]:
    url = getattr(button.type, "url", None)
    return {"text": button.text} | ({"url": url} if url and not names_user(url) else {})


def _restricted(reasons: Iterable[Any]) -> dict[str, Any]:
    everywhere = [reason.text for reason in reasons if reason.platform == "all"]
    return {"restricted": "\n".join(everywhere)} if everywhere else {}


def _counts(message: Any) -> Counts:
    views, forwards = message.views, message.forwards
    reactions = _reactions(message.reactions.results) if message.reactions is not None else {}
    if views is None and forwards is None and not reactions:
        return NO_COUNTS
    return Counts(
        views=_count(views) if views is not None else None,
        forwards=_count(forwards) if forwards is not None else None,
        reactions=reactions,
    )


def _count(number: int) -> Count:
    if not 0 <= number < 1 << 63:
        message = f"{number} is no count"
        raise ValueError(message)
    return Count(number)


def _reactions(results: Iterable[Any]) -> dict[str, Count]:
    reactions: dict[str, Count] = {}
    for result in results:
        name = _reaction(result.reaction)
        if name is not None:
            before = reactions[name].value if name in reactions else 0
            reactions[name] = _count(before + result.count)
    return reactions


def _reaction(reaction: Any) -> str | None:
    if isinstance(reaction, types.ReactionEmoji):
        emoji: str = reaction.emoticon
        return emoji
    if isinstance(reaction, types.ReactionCustomEmoji):
        return f"custom:{reaction.document_id}"
    return "paid" if isinstance(reaction, types.ReactionPaid) else None


def _set_aside(message: Any, reason: str) -> SetAside:
    try:
        body = _raw(message) if isinstance(message, TLObject) else b""
    except _MISREAD:
        # What cannot be written cannot be cleaned of people for certain, so its contents are not kept.
        body = b""
    known = type(message).__name__.encode("utf-8", "replace")
    return SetAside(body or known, reason, _number(getattr(message, "id", None)))


def _raw(message: Any) -> bytes:
    cleaned = without_people(message)
    try:
        return _HEAD + bytes(cleaned)
    except (TypeError, UnicodeEncodeError):
        words = (message.message or "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return _HEAD + bytes(_copied(cleaned, {"message": words}))


def without_people(value: Any) -> Any:
    """A TL object itself if it names no private person, else a copy in which each is "a user"."""
    kind = type(value)
    if isinstance(value, list):
        return _each_without(value)
    if kind in _IMPERSONAL or not isinstance(value, TLObject):
        return value
    if kind.__name__ in _PRIVATE:
        return types.MessageActionEmpty()
    changed = {
        name: kept
        for name, part in vars(value).items()
        if part
        and (name in _TELLING or type(part) not in _SCALARS)
        and name[0] != "_"
        and (kept := _kept(kind.__name__, name, part)) is not part
    }
    if kind is types.WebPage and value.type in _PAGE_OF_PERSON:
        changed |= {name: None for name in _OF_PERSON if getattr(value, name) is not None}
    return _copied(value, changed) if changed else value


def _each_without(parts: list[Any]) -> list[Any]:
    cleaned = [without_people(part) for part in parts]
    return parts if all(map(operator.is_, cleaned, parts)) else cleaned


def _kept(kind: str, name: str, part: Any) -> Any:
    """What stays of a field. One that is named as if it held a person's id may hold an object that does."""
    if name in _PERSONAL or (kind, name) in _PERSONAL_HERE:
        instead = _PERSONAL_HERE.get((kind, name), _PERSONAL.get(name))
        if instead is None or type(instead) is type(part) or (kind, name) in _PERSONAL_HERE:
            return part if part == instead else instead
    if name == "url" and isinstance(part, str) and names_user(part):
        return "tg://user"
    return without_people(part)


def _copied(value: Any, changed: Mapping[str, Any]) -> Any:
    copied = copy.copy(value)
    vars(copied).update(changed)
    return copied
