"""Scenarios: one invented channel a file, with times as offsets from a start, and what it looks like at a time.

The files in `scenarios/` are TOML: `[channel]`, `[[post]]` and `[[event]]` (edit, delete, views, rename).
Texts are written in the HTML subset of core.telegram.org/bots/api#html-style.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from monitor.model import Entity, MediaKind

SHIPPED = Path(__file__).parent / "scenarios"
# Offsets count from here: midnight in Moscow, the day before the incursion.
THEN = datetime(2024, 8, 5, tzinfo=timezone(timedelta(hours=3)))

# How long a post's views go on growing.
GROWS = timedelta(days=1)

_OFFSET = re.compile(r"(\d+)d (\d\d):(\d\d):(\d\d)")
_TAGS = {
    "b": "bold",
    "i": "italic",
    "u": "underline",
    "s": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "a": "text_link",
}


@dataclass(frozen=True, slots=True)
class Text:
    """Plain words and their entities, in UTF-16 units."""

    words: str = ""
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the channel shows it at some time. An album's members share `album`, its first id."""

    id: int
    at: timedelta
    text: Text = field(default_factory=Text)
    edited: timedelta | None = None
    views: int = 0
    forwards: int = 0
    reactions: Mapping[str, int] = field(default_factory=dict)
    media: Mapping[str, Any] | None = None
    album: int | None = None
    forward: Mapping[str, Any] | None = None
    reply_to: int | None = None
    poll: Mapping[str, Any] | None = None
    link_preview: Mapping[str, str] | None = None
    signature: str | None = None
    via_bot: str | None = None
    unsupported: bool = False
    service: str | None = None
    title: str | None = None
    pins: int | None = None

    @property
    def media_kind(self) -> MediaKind | None:
        """What hangs on it, in the product's words."""
        if self.poll is not None:
            return MediaKind.POLL
        return MediaKind(self.media["kind"]) if self.media else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to a post or to the channel."""

    at: timedelta
    kind: str
    post: int | None = None
    text: Text | None = None
    views: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A channel, its messages and its events, each ascending in time."""

    id: int
    handle: str
    title: str
    about: str = ""
    subscribers: int = 0
    verified: bool = False
    messages: tuple[Message, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def ends(self) -> timedelta:
        """When nothing happens any more."""
        return max([m.at for m in self.messages] + [e.at for e in self.events], default=timedelta(0))

    def title_at(self, offset: timedelta) -> str:
        """The channel's name at an offset."""
        names = [e.title for e in self.events if e.kind == "rename" and e.at <= offset and e.title]
        return names[-1] if names else self.title

    def shown(self, offset: timedelta) -> list[Message]:
        """The messages that the channel shows at an offset, ascending by id."""
        live = {m.id: grown(m, offset) for m in self.messages if m.at <= offset}
        for event in self.events:
            if event.at <= offset and event.post is not None:
                self._apply(live, event)
        return [live[number] for number in sorted(live)]

    @staticmethod
    def _apply(live: dict[int, Message], event: Event) -> None:
        message = live.get(event.post or 0)
        if message is None:
            return
        if event.kind == "delete":
            del live[message.id]
        else:
            live[message.id] = changed(message, event)


def changed(message: Message, event: Event) -> Message:
    """The message after an edit, or with the views that it then has."""
    if event.kind == "edit" and event.text is not None:
        return replace(message, text=event.text, edited=event.at)
    if event.kind == "views" and event.views is not None:
        return replace(message, views=event.views)
    return message


def grown(message: Message, offset: timedelta) -> Message:
    """Views come in over the first day, most of them in the first hours."""
    share = min(max((offset - message.at) / GROWS, 0.0), 1.0) ** 0.4
    reactions = {name: int(n * share) for name, n in message.reactions.items() if int(n * share)}
    return replace(
        message,
        views=int(message.views * share),
        forwards=int(message.forwards * share),
        reactions=reactions,
    )


def load(path: Path) -> Scenario:
    """A scenario from its file."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    messages = [message for post in document.get("post", []) for message in _messages(post)]
    events = [_event(event) for event in document.get("event", [])]
    return Scenario(
        **document["channel"],
        messages=tuple(sorted(messages, key=lambda m: m.id)),
        events=tuple(sorted(events, key=lambda e: e.at)),
    )


def shipped() -> tuple[Scenario, ...]:
    """The three channels that come with the product."""
    return tuple(load(path) for path in sorted(SHIPPED.glob("*.toml")))


def _messages(post: Mapping[str, Any]) -> Iterator[Message]:
    """One message, or the members of an album: the first bears all that the post has."""
    rest = dict(post)
    media: Sequence[Mapping[str, Any]] = rest.pop("media", [])
    rest["at"] = offset(rest["at"])
    rest["text"] = parse(rest.get("text", ""))
    first = Message(**rest, media=media[0] if media else None, album=rest["id"] if len(media) > 1 else None)
    yield first
    for place, extra in enumerate(media[1:], 1):
        yield Message(id=first.id + place, at=first.at, media=extra, album=first.id, forward=first.forward)


def _event(event: Mapping[str, Any]) -> Event:
    text = parse(event["text"]) if "text" in event else None
    return Event(**{**event, "at": offset(event["at"]), "text": text})


def offset(written: str) -> timedelta:
    """An offset such as `1d 13:20:00`."""
    found = _OFFSET.fullmatch(written)
    if found is None:
        message = f"no offset: {written!r}"
        raise ValueError(message)
    days, hours, minutes, seconds = map(int, found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words = ""
        self.entities: list[Entity] = []
        self._open: list[tuple[str, int, str | None]] = []

    def length(self) -> int:
        return len(self.words.encode("utf-16-le")) // 2

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append((_TAGS[tag], self.length(), dict(attrs).get("href")))

    def handle_endtag(self, tag: str) -> None:
        kind, start, href = self._open.pop()
        if self.length() > start:
            self.entities.append(Entity(kind, start, self.length() - start, href))

    def handle_data(self, data: str) -> None:
        self.words += data


def parse(written: str) -> Text:
    """The words and entities of a text in the HTML subset."""
    parser = _Html()
    parser.feed(written.removesuffix("\n"))
    parser.close()
    return Text(parser.words, tuple(sorted(parser.entities, key=lambda e: (e.offset, -e.length))))
