r"""The `desktop` source: JSON that Telegram Desktop exports, read as a stream.

Format: Telegram Desktop's `export_output_json.cpp`, versions 2.1.8 to 7.x. The files are not always JSON:
control characters stand as `\xNN`, two bytes of a line separator stay behind its escape, an aborted export
just ends. So messages are decoded one by one; one that cannot be read is set aside, the others go on.

Of an export of a whole account, public channels are taken and every other chat is refused by name.
"""

import codecs
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
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
BATCH = 1000
PUBLIC = "public_channel"

# Before 2.7.2 ids carry the kind of peer in their upper half (kChatPeerIdShift in its source).
_OLD_SHIFT = 2 << 32
_OLD_ID = range(_OLD_SHIFT, _OLD_SHIFT + (1 << 32))

_MESSAGES = re.compile(r'"messages"\s*:\s*\[')
_CHAT = re.compile(r'\{\s*"(?:name|type|id|username)"\s*:')
_GAP = re.compile(r"[\s,]*")
_NEXT = re.compile(r'\}\s*,\s*(?=\{\s*"id"\s*:\s*-?\d+\s*,\s*"type"\s*:\s*")|\}\s*(?=\]\s*\})')
_ESCAPED_BYTE = re.compile(r"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_SEPARATOR_REST = re.compile(r"(\\u202[89])\udc80[\udca8\udca9]")

_decode = json.JSONDecoder().raw_decode


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
                chat = json.loads(repaired(head[start:]).rstrip().rstrip(",") + "}")
                return Chat(chat.get("name"), str(chat["type"]), int(chat["id"]), chat.get("username"))
            except (ValueError, KeyError, TypeError):
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
        except ValueError:
            boundary = _NEXT.search(self._text, start)
            if boundary is None and len(self._text) - start < LARGEST_MESSAGE:
                return None
            end = boundary.start() + 1 if boundary else len(self._text)
            message = None
        written = self._text[start:end]
        self._at = end
        return _whole(message, written)

    def _torn(self, start: int) -> Piece | None:
        rest = self._text[start:]
        self._at = len(self._text)
        if not rest.strip("]} \n\r\t,"):
            return None
        body = rest.encode("utf-8", "surrogateescape")
        return Piece(None, body, "the file ends in the middle of this message: the export was broken off")


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
            message = json.loads(mended)
        except UnicodeEncodeError:
            return Piece(None, body, "its bytes are not UTF-8")
        except ValueError as error:
            return Piece(None, body, f"it is not JSON: {error}")
    if not isinstance(message, dict):
        return Piece(None, body, "it is no message but a bare value")
    return Piece(message, body)


def repaired(written: str) -> str:
    r"""The text with two known faults of Telegram Desktop mended: `\xNN`, and the rest of a line separator."""
    without_rest = _SEPARATOR_REST.sub(r"\1", written)
    return _ESCAPED_BYTE.sub(r"\1\\u00\2", without_rest)


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
        """What the file holds, oldest first, in looks of about 1,000 posts.

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
                        yield look
                else:
                    self.progress.refused.append(f"{chat.name or 'unnamed'} ({chat.type})")
                    for _ in scanner.messages():
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

    def _channel(self, chat: Chat, scanner: Scanner, *, now: Callable[[], datetime]) -> Iterator[Look]:
        batch = _Batch(self._zone)
        last: int | None = None
        for piece in scanner.messages():
            if batch.channel is None:
                handle = self._handle or chat.username
                batch.channel = Channel(
                    channel_id=bare_id(chat.id, piece.message), title=chat.name, handle=handle
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
        self._posts: list[Post] = []
        self._ids: set[int] = set()
        self._aside: list[SetAside] = []

    def take(self, piece: Piece) -> bool:
        """Take a piece in; gives False where it must begin the next batch."""
        if piece.message is None:
            self._aside.append(SetAside(piece.body, piece.reason))
            return True
        post = self._read(piece.message, piece.body)
        if post is None:
            return True
        full = len(self._posts) >= BATCH and not albums.belongs(post, self._posts[-1])
        if full or post.message_id in self._ids:
            return False
        self._ids.add(post.message_id)
        self._posts.append(post)
        return True

    def _read(self, message: Mapping[str, Any], body: bytes) -> Post | None:
        channel_id = self.channel.channel_id if self.channel else 0
        try:
            return read_message(message, body, channel_id=channel_id, zone=self._zone)
        except Unsupported as reason:
            number = message.get("id")
            self._aside.append(SetAside(body, str(reason), number if isinstance(number, int) else None))
            return None

    def look(self, at: datetime, last: int | None) -> Look:
        """The batch as a look, its range adjoining the id that the batch before ended at."""
        if self.channel is None:
            message = "a batch without a channel"
            raise ValueError(message)
        posts = albums.group(sorted(self._posts, key=lambda post: post.message_id))
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


def bare_id(written: int, first_message: Mapping[str, Any] | None) -> int:
    """The channel's own id: without the shift of old versions or the -100 of other exporters."""
    marked = str(written)
    if marked.startswith("-100"):
        return int(marked[4:])
    old = first_message is not None and isinstance(first_message.get("from_id"), int)
    return written - _OLD_SHIFT if old and written in _OLD_ID else written


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
