"""Scenarios drawn as TL objects, as the server of layer 229 shows them to an account that is no member.

What a scenario does not say (ids of media, of other channels, of people) is made up from what it does say, so
that the same scenario gives the same bytes at any time and in any process.
"""

import hashlib
import mimetypes
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import telethon  # noqa: F401 - puts Telethon's own message classes into `types`
from telethon.tl import types

from monitor.model import Entity, MediaKind
from monitor.standin.scenario import Message, Scenario, Text
from monitor.standin.stage import Played

MAIN_DC = 1
_BLOCK = 4096
_SIZES = {"photo": 90_000, "sticker": 20_000, "voice": 30_000, "document": 50_000}
_DURATION = 10
_PLAIN = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strikethrough": types.MessageEntityStrike,
    "code": types.MessageEntityCode,
    "blockquote": types.MessageEntityBlockquote,
    "spoiler": types.MessageEntitySpoiler,
    "mention": types.MessageEntityMention,
    "hashtag": types.MessageEntityHashtag,
    "url": types.MessageEntityUrl,
}
_OPAQUE = {"code", "pre", "text_link"}
_FOUND = re.compile(
    r"(?P<url>https?://[^\s<>«»]*[\w/=]|\bt\.me/\w[\w/]*)"
    r"|(?P<mention>(?<![\w/@.])@[A-Za-z]\w{3,31}\b)"
    r"|(?P<hashtag>(?<![\w/#&])#\w+)"
)
_MARKS = ("@", "#", "://", "t.me/")
_MIME = {
    MediaKind.VIDEO: "video/mp4",
    MediaKind.ANIMATION: "video/mp4",
    MediaKind.ROUND_VIDEO: "video/mp4",
    MediaKind.VOICE: "audio/ogg",
    MediaKind.AUDIO: "audio/mpeg",
    MediaKind.STICKER: "image/webp",
}


class Source(NamedTuple):
    """A channel that a post was forwarded from."""

    id: int
    handle: str
    title: str


class File(NamedTuple):
    """What can be downloaded: bytes of a size, held by a data centre; thumbs are by their letter."""

    size: int
    dc: int
    thumbs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message in TL, with what must be named beside it."""

    tl: bytes
    source: Source | None = None
    bot: str | None = None

    def _bytes(self) -> bytes:
        """What Telethon's vectors ask their members for."""
        return self.tl


def made_up(*of: object, bits: int = 62) -> int:
    """A positive number that follows from what it is made of."""
    digest = hashlib.sha256("\0".join(map(str, of)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - bits) or 1


def channel_id(handle: str) -> int:
    """The id of a channel that is not on the stage."""
    return 1_000_000_000 + made_up("channel", handle.lower(), bits=29)


def person_id(handle: str) -> int:
    """The id of a person or bot."""
    return 100_000_000 + made_up("person", handle.lower(), bits=29)


def content(media_id: int, size: int, offset: int, limit: int) -> bytes:
    """Bytes of a medium from an offset on, as many as there are up to a limit."""
    end = min(offset + limit, size)
    if offset >= end:
        return b""
    first = offset // _BLOCK
    blocks = (
        random.Random(f"{media_id}:{n}").randbytes(_BLOCK)  # noqa: S311 - filler, nothing secret
        for n in range(first, (end - 1) // _BLOCK + 1)
    )
    return b"".join(blocks)[offset - first * _BLOCK : end - first * _BLOCK]


@dataclass(slots=True)
class Painter:
    """Draws one channel's messages and keeps them drawn; `files` has the media drawn so far, by id."""

    played: Played
    ids: Mapping[str, int]
    files: dict[int, File]
    scenario: Scenario = field(init=False)
    start: datetime = field(init=False)
    _kept: dict[int, tuple[timedelta | int, Drawn]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scenario, self.start = self.played.scenario, self.played.start

    @property
    def stale(self) -> bool:
        """Whether another scenario is played in its place."""
        return self.played.scenario is not self.scenario or self.played.start != self.start

    def drawn(self, message_id: int, offset: timedelta) -> Drawn:
        """A message that is shown at an offset."""
        stamp = self.played.timeline.stamp(message_id, offset)
        kept = self._kept.get(message_id)
        if kept is None or kept[0] != stamp:
            message = self.played.timeline.message(message_id, offset)
            kept = self._kept[message_id] = (stamp, self._draw(message))
        return kept[1]

    def _draw(self, message: Message) -> Drawn:
        tl = self._service(message) if message.service else self._post(message)
        return Drawn(bytes(tl), self._source(message), message.via_bot)

    def _peer(self) -> Any:
        return types.PeerChannel(self.scenario.id)

    def _service(self, message: Message) -> Any:
        return types.MessageService(
            id=message.id,
            peer_id=self._peer(),
            date=self.start + message.at,
            action=self._action(message),
            post=True,
            reply_to=_reply(message.pins),
        )

    def _action(self, message: Message) -> Any:
        if message.service == "created":
            return types.MessageActionChannelCreate(self.scenario.title)
        if message.service == "renamed":
            return types.MessageActionChatEditTitle(message.title or self.scenario.title)
        if message.service == "photo":
            return types.MessageActionChatEditPhoto(self._photo(message, message.media or {}))
        if message.service == "pinned":
            return types.MessageActionPinMessage()
        return types.MessageActionHistoryClear()

    def _post(self, message: Message) -> Any:
        return types.Message(
            id=message.id,
            peer_id=self._peer(),
            date=self.start + message.at,
            message=message.text.words,
            post=True,
            fwd_from=self._forward(message),
            via_bot_id=person_id(message.via_bot.lstrip("@")) if message.via_bot else None,
            reply_to=_reply(message.reply_to),
            media=self._media(message),
            entities=list(entities(message.text)) or None,
            views=message.views,
            forwards=message.forwards,
            edit_date=None if message.edited is None else self.start + message.edited,
            post_author=message.signature,
            grouped_id=message.album and made_up("album", self.scenario.id, message.album),
            reactions=_reactions(message.reactions),
        )

    def _source(self, message: Message) -> Source | None:
        forward = message.forward
        if forward is None or forward.get("user"):
            return None
        handle = forward["handle"]
        return Source(
            self.ids.get(handle.lower()) or channel_id(handle), handle, forward.get("title", handle)
        )

    def _forward(self, message: Message) -> Any:
        """A person is named by id or, where they hide their account, by name; here the odd ones hide."""
        if message.forward is None:
            return None
        date = self.start + message.at
        source = self._source(message)
        if source is not None:
            return types.MessageFwdHeader(
                date=date, from_id=types.PeerChannel(source.id), channel_post=message.forward.get("id")
            )
        if message.forward.get("hidden", message.id % 2):
            return types.MessageFwdHeader(date=date, from_name="Private Person")
        person = person_id(f"{self.scenario.id}/{message.id}")
        return types.MessageFwdHeader(date=date, from_id=types.PeerUser(person))

    def _media(self, message: Message) -> Any:  # noqa: PLR0911 - one a kind
        if message.poll is not None:
            return _poll(message.poll, made_up("poll", self.scenario.id, message.id))
        if message.media is None:
            return _webpage(message.link_preview) if message.link_preview else None
        media = message.media
        kind = MediaKind(media["kind"])
        if kind is MediaKind.PHOTO:
            return types.MessageMediaPhoto(photo=self._photo(message, media))
        if kind is MediaKind.LOCATION:
            point = types.GeoPoint(long=media["longitude"], lat=media["latitude"], access_hash=0)
            return types.MessageMediaGeo(point)
        if kind is MediaKind.CONTACT:
            return types.MessageMediaContact("+10000000000", "Private", "Person", "", 0)
        if kind is MediaKind.OTHER:
            return types.MessageMediaUnsupported()
        return types.MessageMediaDocument(
            video=kind in (MediaKind.VIDEO, MediaKind.ROUND_VIDEO) or None,
            round=kind is MediaKind.ROUND_VIDEO or None,
            voice=kind is MediaKind.VOICE or None,
            document=self._document(message, media, kind),
        )

    def _file(self, message: Message, media: Mapping[str, Any], thumbs: Mapping[str, int]) -> dict[str, Any]:
        """What photos and documents have in common; `dc` in a scenario's media names the data centre."""
        number = made_up("media", self.scenario.id, message.id)
        size = media.get("size", _SIZES.get(str(media.get("kind", "photo")), 100_000))
        self.files[number] = File(size, media.get("dc", MAIN_DC), thumbs)
        return {
            "id": number,
            "access_hash": made_up("media hash", number),
            "file_reference": number.to_bytes(8, "big"),
            "date": self.start + message.at,
            "dc_id": media.get("dc", MAIN_DC),
        }

    def _photo(self, message: Message, media: Mapping[str, Any]) -> Any:
        size, width, height = (
            media.get("size", _SIZES["photo"]),
            media.get("width", 1280),
            media.get("height", 720),
        )
        thumbs = {"m": max(size // 8, 1), "y": size}
        sizes = [
            types.PhotoSize("m", width // 4 or 1, height // 4 or 1, thumbs["m"]),
            types.PhotoSize("y", width, height, size),
        ]
        return types.Photo(**self._file(message, media, thumbs), sizes=sizes)

    def _document(self, message: Message, media: Mapping[str, Any], kind: MediaKind) -> Any:
        common = self._file(message, media, {})
        return types.Document(
            **common,
            mime_type=media.get("mime") or _mime(kind, media),
            size=self.files[common["id"]].size,
            attributes=list(_attributes(kind, media)),
        )


def _mime(kind: MediaKind, media: Mapping[str, Any]) -> str:
    guessed = mimetypes.guess_type(str(media.get("name", "")))[0]
    return _MIME.get(kind) or guessed or "application/octet-stream"


def _attributes(kind: MediaKind, media: Mapping[str, Any]) -> Iterator[Any]:
    duration = media.get("duration", _DURATION)
    if kind in (MediaKind.VIDEO, MediaKind.ANIMATION, MediaKind.ROUND_VIDEO):
        width, height = media.get("width", 640), media.get("height", 640)
        yield types.DocumentAttributeVideo(
            float(duration), width, height, round_message=kind is MediaKind.ROUND_VIDEO or None
        )
    if kind is MediaKind.ANIMATION:
        yield types.DocumentAttributeAnimated()
    if kind in (MediaKind.VOICE, MediaKind.AUDIO):
        yield types.DocumentAttributeAudio(
            int(duration),
            voice=kind is MediaKind.VOICE or None,
            title=media.get("title"),
            performer=media.get("performer"),
        )
    if kind is MediaKind.STICKER:
        yield types.DocumentAttributeImageSize(512, 512)
        yield types.DocumentAttributeSticker(media.get("emoji", ""), types.InputStickerSetEmpty())
    if "name" in media:
        yield types.DocumentAttributeFilename(media["name"])


def _reply(message_id: int | None) -> Any:
    return None if message_id is None else types.MessageReplyHeader(reply_to_msg_id=message_id)


def _reactions(counts: Mapping[str, int]) -> Any:
    if not counts:
        return None
    return types.MessageReactions([types.ReactionCount(_reaction(name), n) for name, n in counts.items()])


def _reaction(name: str) -> Any:
    """A scenario's reaction: an emoji, `custom:` and a document's id, or `paid`."""
    if name == "paid":
        return types.ReactionPaid()
    if name.startswith("custom:"):
        return types.ReactionCustomEmoji(int(name.removeprefix("custom:")))
    return types.ReactionEmoji(name)


def _poll(poll: Mapping[str, Any], number: int) -> Any:
    def plain(said: str) -> Any:
        return types.TextWithEntities(said, [])

    options = list(enumerate(poll["options"]))
    return types.MessageMediaPoll(
        types.Poll(
            id=number,
            question=plain(poll["question"]),
            answers=[types.PollAnswer(plain(o["text"]), bytes([n])) for n, o in options],
            hash=0,
            closed=poll.get("closed") or None,
            multiple_choice=poll.get("multiple") or None,
            quiz=poll.get("quiz") or None,
        ),
        types.PollResults(
            results=[
                types.PollAnswerVoters(bytes([n]), voters=o["voters"], recent_voters=[]) for n, o in options
            ],
            total_voters=sum(o["voters"] for _, o in options),
        ),
    )


def _webpage(preview: Mapping[str, str]) -> Any:
    page = types.WebPage(
        id=made_up("page", preview["url"]),
        url=preview["url"],
        display_url=preview["url"].split("://", 1)[-1],
        hash=0,
        type="article",
        site_name=preview.get("site"),
        title=preview.get("title"),
        description=preview.get("description"),
    )
    return types.MessageMediaWebPage(page)


def entities(text: Text) -> Iterator[Any]:
    """The entities of a text: those of the scenario, and what the server finds in the words by itself."""
    found = _found(text) if any(mark in text.words for mark in _MARKS) else []
    for entity in sorted([*text.entities, *found], key=lambda e: (e.offset, -e.length)):
        yield _entity(entity)


def _entity(entity: Entity) -> Any:
    if entity.type == "text_link":
        return types.MessageEntityTextUrl(entity.offset, entity.length, entity.value)
    if entity.type == "pre":
        return types.MessageEntityPre(entity.offset, entity.length, entity.value or "")
    if entity.type == "custom_emoji":
        return types.MessageEntityCustomEmoji(entity.offset, entity.length, int(entity.value or 0))
    return _PLAIN[entity.type](entity.offset, entity.length)


def _found(text: Text) -> list[Entity]:
    """Links, mentions and hashtags, but for those inside code or another link."""
    taken = [(e.offset, e.offset + e.length) for e in text.entities if e.type in _OPAQUE]
    found = []
    for match in _FOUND.finditer(text.words):
        start = len(text.words[: match.start()].encode("utf-16-le")) // 2
        length = len(match[0].encode("utf-16-le")) // 2
        if not any(a < start + length and start < b for a, b in taken):
            found.append(Entity(str(match.lastgroup), start, length))
    return found
