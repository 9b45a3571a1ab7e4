r"""The `desktop` source: JSON that Telegram Desktop exports, read as a stream.

Format: Telegram Desktop's `export_output_json.cpp`, versions 2.1.8 to 7.x. The files are not always JSON:
control characters stand as `\xNN`, two bytes of a line separator stay behind its escape, an aborted export
just ends. So messages are decoded one by one; one that cannot be read is set aside, the others go on.

Of an export of a whole account, public channels are taken and every other chat is refused by name.
"""

import asyncio
import codecs
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import IO, Any

from monitor.errors import ExportError
from monitor.model import Channel, Look, Post, SetAside, SourceName
from monitor.sources import albums
from monitor.sources.desktop_message import Unsupported, read_message

CHUNK = 1 << 20
LARGEST_MESSAGE = 64 << 20
_LARGEST_ID = 1 << 63
BATCH = 2000
# Parsing gives way after so many messages, so that it fills the time in which the database is waited for.
BREATH = 8
PUBLIC = "public_channel"

# Before 2.7.2 ids carry the kind of peer in their upper half (kChatPeerIdShift in its source).
_OLD_SHIFT = 2 << 32
_OLD_ID = range(_OLD_SHIFT, _OLD_SHIFT + (1 << 32))
_NOT_OLD = re.compile(rb'"date_unixtime"|"(?:from|actor)_id"\s*:\s*"')
# Other exporters mark a channel's id as the Bot API does: -100 and the id.
_MARK = 10**12

_MESSAGES = re.compile(r'"messages"\s*:\s*\[')
_CHAT = re.compile(r'\{\s*"(?:name|type|id|username)"\s*:')
_GAP = re.compile(r"[\s,]*")
# What follows a message: the next one, or the end of its chat and the head of the next chat.
_NEXT = re.compile(
    r'\}\s*,\s*(?=\{\s*"id"\s*:\s*-?\d+\s*,\s*"type"\s*:\s*"(?:message|service|unsupported)")'
    r'|\}\s*(?=\]\s*\}\s*,\s*\{\s*(?:"name"\s*:\s*(?:null|"(?:[^"\\]|\\.)*")\s*,\s*)?'
    r'"type"\s*:\s*"(?:replies|\w+_(?:messages|codes|chat|group|supergroup|channel))")'
)
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)
_ESCAPED_BYTE = re.compile(r"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_SEPARATOR_REST = re.compile(r"(\\u202[89])\udc80[\udca8\udca9]")


def _no_number(word: str) -> None:
    message = f"{word} is no value of JSON"
    raise ValueError(message)


# NaN and Infinity, which Python reads, could not be stored.
_JSON = json.JSONDecoder(parse_constant=_no_number)
_decode = _JSON.raw_decode


@dataclass(frozen=True, slots=True)
class Chat:
    """The head of one chat in an export, before its messages."""

    name: str | None
    type: str
    id: int
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of the file: decoded, or None with the reason why it could not be; and its bytes."""

    message: dict[str, Any] | None
    body: bytes
    reason: str = ""


class Scanner:
    """Walks an export file: chats, and the messages of each, however broken the file is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._utf8 = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.read = 0

    def _more(self) -> bool:
        """Read on; gives False at the end of the file."""
        chunk = self._file.read(CHUNK)
        self.read += len(chunk)
        self._text = self._text[self._at :] + self._utf8.decode(chunk, final=not chunk)
        self._at = 0
        self._ended = not chunk
        return not self._ended

    def chats(self) -> Iterator[Chat]:
        """The chats of the file in order; ask for the messages of one before going on to the next."""
        while True:
            found = _MESSAGES.search(self._text, self._at)
            if found:
                head = self._text[self._at : found.start()]
                self._at = found.end()
                yield self._chat(head)
            elif len(self._text) - self._at > LARGEST_MESSAGE:
                self._at = len(self._text) - CHUNK
            elif not self._more():
                return

    def _chat(self, head: str) -> Chat:
        starts = [match.start() for match in _CHAT.finditer(head)]
        for start in reversed(starts):
            try:
                chat = _JSON.decode(_readable(repaired(head[start:])).rstrip().rstrip(",") + "}")
                return Chat(chat.get("name"), str(chat["type"]), int(chat["id"]), chat.get("username"))
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        raise ExportError(
            "this is no export of Telegram Desktop that can be read",
            "before the messages there is no head with the chat's type and id",
            "export the channel anew: ⋮ → Export chat history → JSON",
        )

    def messages(self) -> Iterator[Piece]:
        """The messages of the chat that was given last; the last piece may be the torn end of the file."""
        while True:
            piece = self._next()
            if piece is None:
                return
            yield piece

    def _next(self) -> Piece | None:
        while True:
            start = _GAP.match(self._text, self._at).end()  # type: ignore[union-attr]
            if start < len(self._text):
                if self._text[start] == "]":
                    self._at = start + 1
                    return None
                piece = self._piece(start)
                if piece is not None:
                    return piece
            elif self._ended:
                return None
            if self._ended:
                return self._torn(start)
            self._more()

    def _piece(self, start: int) -> Piece | None:
        """The message that begins at `start`; None if the buffer does not hold all of it yet."""
        try:
            message, end = _decode(self._text, start)
        except (ValueError, RecursionError):
            boundary = _boundary(self._text, start)
            if boundary is None and len(self._text) - start < LARGEST_MESSAGE:
                return None
            message, end = None, boundary or len(self._text)
        if end == len(self._text) and not self._ended and not isinstance(message, dict | None):
            return None  # a number may go on in the next chunk
        written = self._text[start:end]
        self._at = end
        return _whole(message, written if message is not None else written.rstrip())

    def _torn(self, start: int) -> Piece:
        body = self._text[start:].encode("utf-8", "surrogateescape")
        self._at = len(self._text)
        return Piece(None, body, "the file ends in the middle of this message: the export was broken off")


def _boundary(text: str, start: int) -> int | None:
    """Where the broken message at `start` ends: by its own brackets, or before what can only be the next."""
    following = _NEXT.search(text, start)
    ends = [end for end in (_balanced(text, start), following and following.start() + 1) if end is not None]
    return min(ends, default=None)


def _balanced(text: str, start: int) -> int | None:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = text[token.start()]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth <= 0:
                return token.start() if mark == "]" and depth < 0 else token.end()
        elif mark == "," and depth == 0:
            return token.start()
        elif token.end() == token.start() + 1 and mark == '"':
            return None
    return None


def _whole(message: object, written: str) -> Piece:
    """A message decoded, repaired if it must be, or the reason why that cannot be done."""
    try:
        body = written.encode("utf-8")
    except UnicodeEncodeError:
        body, message = written.encode("utf-8", "surrogateescape"), None
    if message is None:
        mended = repaired(written)
        try:
            mended.encode("utf-8")
            message = _JSON.decode(mended)
        except UnicodeEncodeError:
            return Piece(None, body, "its bytes are not UTF-8")
        except RecursionError:
            return Piece(None, body, "it is nested too deeply")
        except ValueError as error:
            return Piece(None, body, f"it is not JSON: {error}")
    if not isinstance(message, dict):
        return Piece(None, body, "it is no message but a bare value")
    return Piece(message, body)


def repaired(written: str) -> str:
    r"""The text with two known faults of Telegram Desktop mended: `\xNN`, and the rest of a line separator."""
    without_rest = _SEPARATOR_REST.sub(r"\1", written)
    return _ESCAPED_BYTE.sub(r"\1\\u00\2", without_rest)


def _readable(words: str) -> str:
    return words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(slots=True)
class Progress:
    """How far an import is, for whoever shows it: bytes read of bytes in all, and the chats refused by name."""

    total: int = 0
    read: int = 0
    refused: list[str] = field(default_factory=list)


class DesktopSource:
    """One export file (`result.json`, or the folder that it lies in)."""

    name = SourceName.DESKTOP

    def __init__(self, path: Path, *, zone: tzinfo | None = None, handle: str | None = None) -> None:
        self._path = export_file(path)
        self._zone = zone
        self._handle = handle
        self.progress = Progress(total=self._path.stat().st_size)

    async def looks(self, *, now: Callable[[], datetime]) -> AsyncGenerator[Look, None]:
        """What the file holds, oldest first, in looks of about 2,000 posts.

        Raises ExportError if it holds no public channel, or dates that cannot be placed without a time zone.
        """
        taken = 0
        with self._path.open("rb") as file:
            scanner = Scanner(file)
            for chat in scanner.chats():
                if chat.type == PUBLIC:
                    taken += 1
                    for look in self._channel(chat, scanner, now=now):
                        self.progress.read = scanner.read
                        if look is None:
                            await asyncio.sleep(0)
                        else:
                            yield look
                else:
                    self.progress.refused.append(f"{chat.name or 'unnamed'} ({chat.type})")
                    for place, _ in enumerate(scanner.messages()):
                        self.progress.read = scanner.read
                        if place % BREATH == 0:
                            await asyncio.sleep(0)
            self.progress.read = scanner.read
        if not taken:
            raise self._nothing_taken()

    def _nothing_taken(self) -> ExportError:
        if self.progress.refused:
            return ExportError(
                f"refused: {', '.join(self.progress.refused[:5])}",
                "only public channels are kept; groups, private chats and private channels never",
                "export a public channel: ⋮ → Export chat history → JSON",
            )
        return ExportError(
            f"{self._path} holds no chat",
            "no list of messages is in it",
            "choose the result.json of Telegram Desktop's JSON export",
        )

    def _channel(self, chat: Chat, scanner: Scanner, *, now: Callable[[], datetime]) -> Iterator[Look | None]:
        """The looks of one chat, and None every few messages, when whoever else waits may go on."""
        batch = _Batch(self._zone)
        last: int | None = None
        for place, piece in enumerate(scanner.messages()):
            if place % BREATH == 0:
                yield None
            if batch.channel is None:
                handle = self._handle or chat.username
                batch.channel = Channel(
                    channel_id=bare_id(chat.id, piece.body), title=chat.name, handle=handle
                )
            if not batch.take(piece):
                yield batch.look(now(), last)
                last = batch.ended_at
                batch = _Batch(self._zone, batch.channel)
                batch.take(piece)
        if batch.channel is not None:
            yield batch.look(now(), last)


class _Batch:
    """Posts and broken pieces on their way into one look; an album is never cut in two."""

    def __init__(self, zone: tzinfo | None, channel: Channel | None = None) -> None:
        self.channel = channel
        self.ended_at: int | None = None
        self._zone = zone
        self._posts: dict[int, Post] = {}
        self._last: Post | None = None
        self._aside: list[SetAside] = []
        self._size = 0

    def take(self, piece: Piece) -> bool:
        """Take a piece in; gives False where it must begin the next batch."""
        if piece.message is None:
            return self._set_aside(SetAside(piece.body, piece.reason))
        channel_id = self.channel.channel_id if self.channel else 0
        try:
            post = read_message(piece.message, piece.body, channel_id=channel_id, zone=self._zone)
        except Unsupported as reason:
            number = piece.message.get("id")
            known = isinstance(number, int) and abs(number) < _LARGEST_ID
            return self._set_aside(SetAside(piece.body, str(reason), number if known else None))
        return self._posts.get(post.message_id) == post or self._keep(post)

    def _keep(self, post: Post) -> bool:
        apart = self._last is None or not albums.belongs(post, self._last)
        if (self._full and apart) or post.message_id in self._posts:
            return False
        self._posts[post.message_id] = self._last = post
        self._size += len(post.raw)
        return True

    def _set_aside(self, piece: SetAside) -> bool:
        if self._size > LARGEST_MESSAGE:
            return False
        self._aside.append(piece)
        self._size += len(piece.body)
        return True

    @property
    def _full(self) -> bool:
        return len(self._posts) >= BATCH or self._size > LARGEST_MESSAGE

    def look(self, at: datetime, last: int | None) -> Look:
        """The batch as a look, its range adjoining the id that the batch before ended at."""
        if self.channel is None:
            message = "a batch without a channel"
            raise ValueError(message)
        posts = albums.group([self._posts[number] for number in sorted(self._posts)])
        first = posts[0].message_id if posts else None
        ends = posts[-1].message_id if posts else None
        self.ended_at = ends if ends is not None else last
        adjoining = last + 1 if last is not None and first is not None and last < first else first
        return Look(
            source=SourceName.DESKTOP,
            at=at.astimezone(UTC),
            channel=self.channel,
            posts=tuple(posts),
            set_aside=tuple(self._aside),
            first_id=adjoining,
            last_id=ends,
        )


def bare_id(written: int, first_message: bytes) -> int:
    """The channel's own id: without the shift of old versions or the -100 of other exporters.

    A shifted id could be a new channel's own; the first message tells which, since no version that shifted
    ids wrote the time in seconds, or ids of peers as strings.
    """
    number = -written - _MARK if written < -_MARK else written
    if number in _OLD_ID and not _NOT_OLD.search(first_message):
        number -= _OLD_SHIFT
    if not 0 < number < _LARGEST_ID:
        raise ExportError(
            f"{written} is no id of a channel",
            "posts are kept by the channel's id, and this file names none that can be one",
            "export the channel anew: ⋮ → Export chat history → JSON",
        )
    return number


def export_file(path: Path) -> Path:
    """The JSON file of an export, given it or its folder. Raises ExportError if there is none."""
    file = path / "result.json" if path.is_dir() else path
    if file.is_file():
        return file
    html = path.is_dir() and (path / "messages.html").exists()
    raise ExportError(
        f"no export file at {file}",
        "this is an HTML export, which lacks edit times and ids" if html else "there is no such file",
        "export the channel as JSON: ⋮ → Export chat history → Format: Machine-readable JSON",
    )
