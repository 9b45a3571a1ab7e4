"""A public page of a channel, parsed: which of its states it shows, and the posts on it. Pure, bytes in.

Format: https://t.me/s/<handle> as it was in 2026; selectors are those of its own scripts. The page of one
post, t.me/<handle>/<id>?embed=1, draws the same widget without the channel around it. What a widget
cannot show (edit time, forwards, a document's address) is left out, and a number that the page rounded
keeps the step that it was rounded to. Private people are taken out of what is kept of the markup.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from monitor.model import (
    Channel,
    Count,
    Counts,
    Forward,
    ForwardKind,
    Media,
    MediaKind,
    Post,
    Reply,
    SetAside,
    aware,
)
from monitor.sources import albums
from monitor.sources.preview_text import words_of

WINDOW = 20

_EXACT = re.compile(r"\d[\d\s.,]{0,20}")
_ROUNDED = re.compile(r"(\d{1,6})(?:[.,](\d{1,3}))?\s*([KMB])", re.IGNORECASE)
_SCALE = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}
_PEER = re.compile(r"c([0-9]{1,16})_")
_MESSAGE_ID = re.compile(r"[0-9]{1,10}")
_PLACE = re.compile(r"[?&]q=(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")
_DURATION = re.compile(r"(?:(\d+):)?(\d+):(\d+)")
_SOMEBODY = "a user"
_PERSONS = (
    ".tgme_widget_message_from_author",
    ".tgme_widget_message_forwarded_from_author",
    ".tgme_widget_message_reply .tgme_widget_message_author_name",
    ".tgme_widget_message_contact_wrap",
)
# What reading a widget may raise, whatever stands in it; deep nesting ends in a RecursionError.
_MISREAD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class State(StrEnum):
    """What a page is. HTTP's status alone does not tell."""

    POSTS = "posts"
    EMPTY = "empty"
    NO_PREVIEW = "no_preview"
    NOT_A_CHANNEL = "not_a_channel"
    RESTRICTED = "restricted"
    NOBODY = "nobody"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page: its state, and if it shows a channel its description and posts, ascending by id.

    `widgets` counts the messages shown, members of albums one by one. `words` is what the page says where
    it shows no channel.
    """

    state: State
    channel: Channel | None = None
    posts: tuple[Post, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    widgets: int = 0
    words: str = ""


@dataclass(slots=True)
class _Found:
    posts: dict[int, Post] = field(default_factory=dict)
    aside: list[SetAside] = field(default_factory=list)


def parse(body: bytes, handle: str) -> Page:
    """A page of `handle`, be it its posts (t.me/s/…) or its card (t.me/…)."""
    tree = LexborHTMLParser(body.decode("utf-8", "replace"))
    if tree.css_first(".tgme_channel_history") is None:
        return _card(tree)
    shown = _text(tree.css_first(".tgme_channel_info_header_username a")).removeprefix("@") or handle
    widgets = _widgets(tree, shown)
    channel_id = _owner(widgets)
    page = _shown(widgets, channel_id)
    return replace(page, channel=_channel(tree, shown, channel_id))


def parse_embed(body: bytes, handle: str, message_id: int) -> Page:
    """The page of one post of `handle`, or of its whole album (t.me/<handle>/<id>?embed=1).

    Its state is POSTS with that post among `posts` (or with what was set aside), NOT_FOUND, that of the
    card which is there instead, or UNKNOWN. Of the channel it tells no more than id and handle.
    """
    tree = LexborHTMLParser(body.decode("utf-8", "replace"))
    widgets = _widgets(tree, handle)
    if not widgets:
        return _refusal(tree)
    channel_id = _owner(widgets)
    page = _shown(widgets, channel_id)
    if not page.set_aside and message_id not in {post.message_id for post in page.posts}:
        return Page(State.UNKNOWN, words=f"asked for post {message_id}, another one is shown")
    channel = Channel(channel_id=channel_id, handle=handle) if channel_id is not None else None
    return replace(page, channel=channel)


def _refusal(tree: LexborHTMLParser) -> Page:
    """What the page of one post is that shows none."""
    error = tree.css_first(".tgme_widget_message_error")
    if error is None:
        return _card(tree)
    words = " ".join(_text(error).split())
    if words.rstrip(".").lower() == "post not found":
        return Page(State.NOT_FOUND, words=words)
    return Page(State.RESTRICTED if _is_refused(words) else State.UNKNOWN, words=words[:200])


def _widgets(tree: LexborHTMLParser, handle: str) -> list[LexborNode]:
    """The widgets of a channel's own posts."""
    own = handle.lower()
    return [
        w for w in tree.css(".tgme_widget_message[data-post]") if _named(w).partition("/")[0].lower() == own
    ]


def _shown(widgets: Iterable[LexborNode], channel_id: int | None) -> Page:
    found = _Found()
    for widget in widgets:
        _take(widget, channel_id, found)
    posts = tuple(found.posts[number] for number in sorted(found.posts))
    state = State.POSTS if posts or found.aside else State.EMPTY
    return Page(state, None, posts, tuple(found.aside), len(posts) + len(found.aside))


def _is_refused(words: str) -> bool:
    return "can't be displayed" in words.replace("’", "'")


def _card(tree: LexborHTMLParser) -> Page:
    about = _text(tree.css_first(".tgme_page_description"))
    extra = _text(tree.css_first(".tgme_page_extra"))
    title = _text(tree.css_first("title"))
    if _is_refused(about):
        return Page(State.RESTRICTED, words=about)
    if re.search(r"\bsubscribers?\b", extra):
        return Page(State.NO_PREVIEW, words=extra)
    if re.search(r"\b(members?|online)\b", extra):
        return Page(State.NOT_A_CHANNEL, words=f"a group ({extra})")
    if extra.startswith("@"):
        return Page(State.NOT_A_CHANNEL, words=f"a person or a bot ({extra})")
    if title.startswith("Telegram: Contact"):
        return Page(State.NOBODY, words=title)
    return Page(State.UNKNOWN, words=title[:200])


def _channel(tree: LexborHTMLParser, handle: str, channel_id: int | None) -> Channel | None:
    if channel_id is None:
        return None
    about = tree.css_first(".tgme_channel_info_description")
    subscribers = next(
        (
            count(_text(counter.css_first(".counter_value")))
            for counter in tree.css(".tgme_channel_info_counter")
            if _text(counter.css_first(".counter_type")).startswith("subscriber")
        ),
        None,
    )
    return Channel(
        channel_id=channel_id,
        title=_text(tree.css_first(".tgme_channel_info_header_title")) or None,
        handle=handle,
        about=words_of(about).text.strip() if about else None,
        subscribers=subscribers,
        verified=tree.css_first(".tgme_channel_info_header_labels .verified-icon") is not None,
    )


def _named(widget: LexborNode) -> str:
    return widget.attributes.get("data-post") or ""


def _take(widget: LexborNode, channel_id: int | None, found: _Found) -> None:
    """Read one widget into what was found; one that cannot be read is set aside with its markup."""
    number = _message_id(_named(widget).partition("/")[2])
    try:
        if number is None:
            raise ValueError("its data-post has no message id")
        if _channel_id(widget) != channel_id or channel_id is None:
            raise ValueError("it belongs to another channel than its neighbours")
        members = _members(widget, channel_id, number)
    except _MISREAD as error:
        # Whether what cannot be read names a person cannot be known either; so it is kept without names at least.
        found.aside.append(SetAside(_raw(widget), f"this widget cannot be read: {error}", number))
        return
    found.posts.update({post.message_id: post for post in members})


def _owner(widgets: Iterable[LexborNode]) -> int | None:
    """The id that most widgets of the page name, so that a stray one does not pass for the channel."""
    named: Counter[int] = Counter()
    for widget in widgets:
        with suppress(ValueError):
            named[_channel_id(widget)] += 1
    return named.most_common(1)[0][0] if named else None


def _channel_id(widget: LexborNode) -> int:
    """The channel's own id, from `data-view`: base64url without padding of {"c": -id, …}.

    The page of one post may lack it, and has `data-peer` then: c<id>_<hash>.
    """
    written = widget.attributes.get("data-view") or ""
    try:
        view = json.loads(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
        return abs(int(view["c"]))
    except _MISREAD as error:
        peer = _PEER.match(widget.attributes.get("data-peer") or "")
        if peer is not None:
            return int(peer.group(1))
        raise ValueError("its data-view names no channel") from error


def _members(widget: LexborNode, channel_id: int, number: int) -> list[Post]:
    post = _post(widget, channel_id, number)
    # A node that both selectors choose comes twice.
    group = {
        member: node
        for node in widget.css(
            ".tgme_widget_message_grouped_wrap a[href*='?single'], a.tgme_widget_message_document_wrap[href*='?single']"
        )
        if (member := _address(node.attributes.get("href") or "")[1]) is not None
    }
    if not group:
        return [post]
    first = min(group)
    bare = replace(post, text="", entities=(), counts=Counts(), extras={}, reply=None)
    members = [
        replace(post if member == first else bare, message_id=member, media=_one_media(node))
        for member, node in sorted(group.items())
    ]
    return albums.as_album(members)


def _post(widget: LexborNode, channel_id: int, number: int) -> Post:
    service = "service_message" in _classes(widget)
    text = _body(widget)
    words = words_of(text) if text is not None else None
    said, entities = words if words is not None else ("", ())
    extras = _extras(widget)
    kind = None
    if service:
        kind, extras = _service(said, extras)
        said, entities = "", ()
    return Post(
        channel_id=channel_id,
        message_id=number,
        posted_at=_posted_at(widget),
        text=said,
        entities=entities,
        media=None if service else _media(widget, said),
        edited=_edited(widget),
        forward=_forward(widget),
        reply=_reply(widget),
        service=kind,
        extras=extras,
        counts=_counts(widget),
        raw=_raw(widget),
    )


def _body(widget: LexborNode) -> LexborNode | None:
    """The node of the post's own words: an album's caption is nested twice, the innermost is the text."""
    nodes = widget.css(".js-message_text")
    # A node's own search finds the node itself too.
    return next((node for node in nodes if len(node.css(".js-message_text")) == 1), None)


def _posted_at(widget: LexborNode) -> datetime:
    time = widget.css_first("a.tgme_widget_message_date time[datetime]")
    if time is None:
        raise ValueError("it has no date")
    return aware(datetime.fromisoformat(time.attributes["datetime"] or ""))


def _edited(widget: LexborNode) -> bool:
    meta = widget.css_first(".tgme_widget_message_meta")
    child = meta.first_child if meta else None
    while child is not None:
        if child.is_text_node and "edited" in (child.text_content or ""):
            return True
        child = child.next
    return False


_SERVICE = (
    ("channel created", "created"),
    ("channel name was changed", "renamed"),
    ("channel photo", "photo"),
    ("pinned", "pinned"),
)


def _service(said: str, extras: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    lowered = said.lower()
    kind = next((name for words, name in _SERVICE if words in lowered), "other")
    title = re.search(r"[«“\"](.*)[»”\"]", said, re.DOTALL)
    if kind == "renamed" and title:
        extras = extras | {"title": title.group(1)}
    return kind, extras | {"action": said}


_BY_SELECTOR = (
    (".tgme_widget_message_poll", MediaKind.POLL),
    (".tgme_widget_message_roundvideo_player", MediaKind.ROUND_VIDEO),
    (".tgme_widget_message_voice_player", MediaKind.VOICE),
    (".tgme_widget_message_sticker_wrap, .tgme_widget_message_tgsticker", MediaKind.STICKER),
    (".tgme_widget_message_location_wrap", MediaKind.LOCATION),
    (".tgme_widget_message_contact_wrap", MediaKind.CONTACT),
    (".tgme_widget_message_video_player", MediaKind.VIDEO),
    (".tgme_widget_message_photo_wrap", MediaKind.PHOTO),
    (".tgme_widget_message_document_wrap", MediaKind.DOCUMENT),
)


def _media(widget: LexborNode, said: str) -> Media | None:
    for selector, kind in _BY_SELECTOR:
        node = widget.css_first(selector)
        if node is not None:
            return _described(kind, node, voters=_text(widget.css_first(".tgme_widget_message_voters")))
    label = widget.css_first(".message_media_not_supported_label")
    if label is not None and widget.css_first(".media_supported_cont") is None and not said:
        return Media(MediaKind.OTHER, {"unsupported": _text(label)})
    return None


def _one_media(node: LexborNode) -> Media:
    classes = _classes(node)
    if "tgme_widget_message_video_player" in classes:
        return _described(MediaKind.VIDEO, node)
    if "tgme_widget_message_document_wrap" in classes:
        return _described(MediaKind.DOCUMENT, node)
    return _described(MediaKind.PHOTO, node)


def _described(kind: MediaKind, node: LexborNode, *, voters: str = "") -> Media:
    if kind is MediaKind.VIDEO:
        return _video(node)
    if kind is MediaKind.POLL:
        return Media(kind, _poll(node, voters))
    if kind is MediaKind.DOCUMENT:
        audio = node.css_first(".audio") is not None
        title, extra = (
            _text(node.css_first(".tgme_widget_message_document_title")),
            _text(node.css_first(".tgme_widget_message_document_extra")),
        )
        return Media(MediaKind.AUDIO if audio else kind, {"title": title, "extra": extra})
    if kind is MediaKind.LOCATION:
        place = _PLACE.search(node.attributes.get("href") or "")
        return Media(
            kind, {"latitude": float(place.group(1)), "longitude": float(place.group(2))} if place else {}
        )
    duration = _seconds(_text(node.css_first("time")))
    return Media(kind, {"duration": duration} if duration is not None else {})


def _video(node: LexborNode) -> Media:
    duration = _seconds(_text(node.css_first("time.message_video_duration")))
    video = node.css_first("video")
    looped = video is not None and "loop" in video.attributes
    if looped and duration is None:
        return Media(MediaKind.ANIMATION)
    details: dict[str, Any] = {"duration": duration} if duration is not None else {}
    if "not_supported" in _classes(node):
        details["too_big"] = True
    return Media(MediaKind.VIDEO, details)


def _poll(node: LexborNode, voters: str) -> dict[str, Any]:
    """A poll as shown; its voters are counted in the foot of the widget, apart from it."""
    return {
        "question": _text(node.css_first(".tgme_widget_message_poll_question")),
        "type": _text(node.css_first(".tgme_widget_message_poll_type")),
        "voters": voters or None,
        "options": [
            {
                "text": _text(option.css_first(".tgme_widget_message_poll_option_text")),
                "percent": int(
                    re.sub(r"\D", "", _text(option.css_first(".tgme_widget_message_poll_option_percent")))
                    or 0
                ),
            }
            for option in node.css(".tgme_widget_message_poll_option")
        ],
    }


def _forward(widget: LexborNode) -> Forward | None:
    block = widget.css_first(".tgme_widget_message_forwarded_from")
    if block is None:
        return None
    name = block.css_first("a.tgme_widget_message_forwarded_from_name[href]")
    handle, number = _address(name.attributes.get("href") or "") if name else (None, None)
    if handle is None or number is None:
        return Forward(ForwardKind.USER)
    return Forward(ForwardKind.CHANNEL, handle=handle, message_id=number, title=_text(name) or None)


def _reply(widget: LexborNode) -> Reply | None:
    node = widget.css_first("a.tgme_widget_message_reply[href]")
    handle, number = _address(node.attributes.get("href") or "") if node else (None, None)
    if number is None:
        return None
    own = _named(widget).partition("/")[0]
    return Reply(number, None if handle is None or handle.lower() == own.lower() else handle)


def _address(href: str) -> tuple[str | None, int | None]:
    """Handle and message id of https://t.me/<handle>/<id>."""
    parts = href.partition("://")[2].partition("?")[0].split("/")
    number = _message_id(parts[2]) if len(parts) == 3 else None  # noqa: PLR2004
    return (parts[1], number) if number is not None else (None, None)


def _message_id(written: str) -> int | None:
    """An id that Telegram could have given: 32 bits."""
    return int(written) if _MESSAGE_ID.fullmatch(written) and int(written) < 1 << 31 else None


def _extras(widget: LexborNode) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if widget.css_first(".tgme_widget_message_from_author") is not None:
        extras["signed"] = True
    via = widget.css_first(".tgme_widget_message_via_bot")
    if via is not None:
        extras["via_bot"] = _text(via)
    preview = widget.css_first("a.tgme_widget_message_link_preview[href]")
    if preview is not None:
        named = {
            "url": preview.attributes.get("href"),
            "site": _text(preview.css_first(".link_preview_site_name")),
            "title": _text(preview.css_first(".link_preview_title")),
            "description": _text(preview.css_first(".link_preview_description")),
        }
        extras["link_preview"] = {key: value for key, value in named.items() if value}
    buttons = [
        {"text": _text(b), "url": b.attributes.get("href")}
        for b in widget.css("a.tgme_widget_message_inline_button")
    ]
    return extras | ({"buttons": buttons} if buttons else {})


def _counts(widget: LexborNode) -> Counts:
    reactions = dict(_reactions(widget))
    return Counts(views=count(_text(widget.css_first(".tgme_widget_message_views"))), reactions=reactions)


def _reactions(widget: LexborNode) -> Iterator[tuple[str, Count]]:
    for node in widget.css(".tgme_widget_message_reactions .tgme_reaction"):
        number = count("".join(n.text_content or "" for n in node.iter(include_text=True) if n.is_text_node))
        custom, emoji = node.css_first("tg-emoji"), node.css_first("i.emoji")
        if number is None:
            continue
        if "tgme_reaction_paid" in _classes(node):
            yield "paid", number
        elif custom is not None:
            yield f"custom:{custom.attributes.get('emoji-id') or ''}", number
        elif emoji is not None:
            yield _text(emoji), number


def count(written: str) -> Count | None:
    """A number as the page writes it, with the step it was rounded to: «214.4K» is 214,400 by 100."""
    said = written.strip()
    if _EXACT.fullmatch(said):
        return Count(int(re.sub(r"[\s.,]", "", said)))
    found = _ROUNDED.fullmatch(said)
    if found is None:
        return None
    whole, part = found.group(1), found.group(2) or ""
    unit = int(_SCALE[found.group(3).upper()] // 10 ** len(part))
    return Count(int(whole + part) * unit, unit)


def _seconds(written: str) -> int | None:
    found = _DURATION.fullmatch(written.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _raw(widget: LexborNode) -> bytes:
    """The widget's markup, in which a private person is "a user". Changes the tree, so it is taken last."""
    for person in widget.css(", ".join(_PERSONS)):
        person.inner_html = _SOMEBODY
        for attribute in person.attributes.keys() - {"class"}:
            del person.attrs[attribute]
    for name in widget.css(".tgme_widget_message_forwarded_from_name"):
        if _address(name.attributes.get("href") or "")[1] is None:
            name.replace_with(_SOMEBODY)
    return (widget.html or "").encode()


def _classes(node: LexborNode) -> set[str]:
    return set((node.attributes.get("class") or "").split())


def _text(node: LexborNode | None) -> str:
    return node.text().replace("\u00a0", " ").strip() if node is not None else ""
