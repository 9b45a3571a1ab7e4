"""Scenarios drawn as public pages: the markup of t.me/s and of its embeds, written by us after what its own scripts look for."""

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby

from monitor.model import Entity, MediaKind
from monitor.standin.scenario import Message, Scenario, Text

WINDOW = 20
_OPEN = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "spoiler": "tg-spoiler",
}


def rounded(number: int) -> str:
    """A number as the pages write it: three digits and a letter from a thousand on."""
    for scale, letter in ((1_000_000, "M"), (1_000, "K")):
        if number >= scale:
            whole, part = divmod(number, scale)
            digits = max(3 - len(str(whole)), 0)
            cut = f"{part * 1000 // scale:03}"[:digits].rstrip("0")
            return f"{whole}.{cut}{letter}" if cut else f"{whole}{letter}"
    return str(number)


def html(text: Text) -> str:
    """Words and entities as the page writes them."""
    units = text.words.encode("utf-16-le")
    # Of two entities over the same words the later is the outer, as a parser finds them when they close.
    outer_first = list(reversed(text.entities))
    outer_first.sort(key=lambda e: (e.offset, -e.length))
    return _drawn(units, 0, len(units) // 2, outer_first)


def _drawn(units: bytes, start: int, end: int, entities: Sequence[Entity]) -> str:
    """The words from `start` to `end` with the entities within, each drawn with those inside it."""
    out: list[str] = []
    for place, entity in enumerate(entities):
        if entity.offset < start:
            continue
        close = entity.offset + entity.length
        inside = [e for e in entities[place + 1 :] if e.offset + e.length <= close]
        out += [
            _plain(units, start, entity.offset),
            _tagged(entity, _drawn(units, entity.offset, close, inside)),
        ]
        start = close
    return "".join([*out, _plain(units, start, end)])


def _plain(units: bytes, start: int, end: int) -> str:
    return escape(units[start * 2 : end * 2].decode("utf-16-le"), quote=True).replace("\n", "<br/>")


def _tagged(entity: Entity, said: str) -> str:
    if entity.type == "text_link":
        href = escape(entity.value or "", quote=True)
        return f'<a href="{href}" target="_blank" rel="noopener">{said}</a>'
    tag = _OPEN[entity.type]
    return f"<{tag}>{said}</{tag}>"


def window(messages: Sequence[Message], *, before: int | None, after: int | None) -> list[Message]:
    """The messages of one page: the newest 20, those before an id, or the oldest 20 after one."""
    if after is not None:
        return [m for m in messages if m.id > after][:WINDOW]
    return [m for m in messages if before is None or m.id < before][-WINDOW:]


def history(scenario: Scenario, messages: Sequence[Message], *, now: datetime, start: datetime) -> str:
    """A page of posts; `messages` are those of the window, `start` is when the scenario began."""
    offset = now - start
    widgets = "".join(
        _widget(scenario, list(group), now, start)
        for _, group in groupby(messages, key=lambda m: m.album or m.id)
    )
    body = widgets or '<div class="tme_no_messages_found">No posts found</div>'
    links = ""
    if messages:
        links = f'<link rel="prev" href="/s/{scenario.handle}?before={messages[0].id}">'
        links += f'<link rel="canonical" href="/s/{scenario.handle}?before={messages[-1].id + 1}">'
    title = escape(scenario.title_at(offset))
    verified = '<i class="verified-icon"> ✔</i>' if scenario.verified else ""
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title} – Telegram</title>{links}</head><body>
<div class="tgme_channel_info"><div class="tgme_channel_info_header">
<div class="tgme_channel_info_header_title"><span dir="auto">{title}</span></div>
<div class="tgme_channel_info_header_labels">{verified}</div>
<div class="tgme_channel_info_header_username"><a href="/{scenario.handle}">@{scenario.handle}</a></div></div>
<div class="tgme_channel_info_counters"><div class="tgme_channel_info_counter"><span class="counter_value">{rounded(scenario.subscribers)}</span>
<span class="counter_type">subscribers</span></div></div>
<div class="tgme_channel_info_description">{escape(scenario.about)}</div></div>
<main class="tgme_main" data-url="/{scenario.handle}"><section class="tgme_channel_history js-message_history">{body}</section></main>
</body></html>"""


def embed(
    scenario: Scenario, messages: Sequence[Message], number: int, *, now: datetime, start: datetime
) -> str:
    """The page of one post with its whole album; service posts have none, and neither has an id not shown."""
    found = next((m for m in messages if m.id == number and not m.service), None)
    if found is None:
        return _framed(
            '<div class="tgme_widget_message"><div class="tgme_widget_message_error">Post not found</div></div>'
        )
    members = [m for m in messages if m.album == found.album] if found.album else [found]
    peer = f' data-peer="c{scenario.id}_-1" data-peer-hash="0" data-post-id="{members[0].id}"'
    return _framed(_message(scenario, members, now=now, start=start, more=peer))


def _framed(widget: str) -> str:
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Telegram Widget</title><meta name="robots" content="noindex, nofollow"></head>'
        f'<body class="widget_frame_base tgme_widget body_widget_post">{widget}</body></html>'
    )


def _widget(scenario: Scenario, members: Sequence[Message], now: datetime, start: datetime) -> str:
    message = _message(scenario, members, now=now, start=start)
    return f'<div class="tgme_widget_message_wrap js-widget_message_wrap">\n{message}</div>'


def _message(
    scenario: Scenario, members: Sequence[Message], *, now: datetime, start: datetime, more: str = ""
) -> str:
    first = members[0]
    view = {
        "c": -scenario.id,
        "p": f"{first.id}g" if first.album else first.id,
        "t": int(now.timestamp()),
        "h": "0" * 18,
    }
    data = base64.urlsafe_b64encode(json.dumps(view).encode()).decode().rstrip("=")
    service = " service_message" if first.service else ""
    return f"""<div class="tgme_widget_message text_not_supported_wrap js-widget_message{service}" data-post="{scenario.handle}/{first.id}" data-view="{data}"{more}>
<div class="tgme_widget_message_bubble">{_inside(scenario, members)}{_foot(scenario, first, start)}</div></div>"""


def _inside(scenario: Scenario, members: Sequence[Message]) -> str:
    first = members[0]
    if first.unsupported:
        return '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported_label">Please open Telegram to view this post</div></div>'
    if first.service:
        return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{escape(_service(first))}</div>'
    parts = [_via(first), _forward(first), _reply(scenario, first)]
    parts.append(_album(scenario, members) if first.album else _media(scenario, first))
    if first.text.words:
        parts.append(_text(first, nested=bool(first.album)))
    if first.link_preview:
        parts.append(_link_preview(first.link_preview))
    if first.reactions:
        parts.append(_reactions(first))
    return "".join(parts)


def _text(message: Message, *, nested: bool) -> str:
    said = f'<div class="tgme_widget_message_text js-message_text" dir="auto">{html(message.text)}</div>'
    return (
        f'<div class="tgme_widget_message_text js-message_text" dir="auto">{said}</div>' if nested else said
    )


def _service(message: Message) -> str:
    return {
        "created": "Channel created",
        "renamed": f"Channel name was changed to «{message.title}»",
        "photo": "Channel photo updated",
        "pinned": "Channel pinned a post",
    }.get(message.service or "", "Service message")


def _via(message: Message) -> str:
    if not message.via_bot:
        return ""
    return f'<div>via <a class="tgme_widget_message_via_bot" href="https://t.me/{message.via_bot[1:]}">{message.via_bot}</a></div>'


def _forward(message: Message) -> str:
    if message.forward is None:
        return ""
    if message.forward.get("user"):
        name = '<span class="tgme_widget_message_forwarded_from_name">Private Person</span>'
    else:
        href = f"https://t.me/{message.forward['handle']}/{message.forward['id']}"
        name = f'<a class="tgme_widget_message_forwarded_from_name" href="{href}"><span dir="auto">{escape(message.forward["title"])}</span></a>'
    return f'<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from&nbsp;{name}</div>'


def _reply(scenario: Scenario, message: Message) -> str:
    if message.reply_to is None:
        return ""
    return (
        f'<a class="tgme_widget_message_reply" href="https://t.me/{scenario.handle}/{message.reply_to}">'
        f'<div class="tgme_widget_message_author"><span class="tgme_widget_message_author_name">{escape(scenario.title)}</span></div>'
        '<div class="tgme_widget_message_text js-message_reply_text">words of the post that is answered</div></a>'
    )


def _album(scenario: Scenario, members: Iterable[Message]) -> str:
    items = "".join(_media(scenario, m, album=True) for m in members)
    return f'<div class="tgme_widget_message_grouped_wrap js-message_grouped_wrap"><div class="tgme_widget_message_grouped">{items}</div></div>'


def _media(scenario: Scenario, message: Message, *, album: bool = False) -> str:  # noqa: PLR0911 - one a kind
    if message.poll is not None:
        return _poll(message)
    kind = message.media_kind
    if kind is None or message.media is None:
        return ""
    href = f"https://t.me/{scenario.handle}/{message.id}" + ("?single" if album else "")
    grouped = "grouped_media_wrap " if album else ""
    length = _clock(int(message.media.get("duration", 0)))
    if kind is MediaKind.PHOTO:
        return f"""<a class="tgme_widget_message_photo_wrap {grouped}5386313276578272691" href="{href}" style="background-image:url('/media/{message.id}.jpg')"></a>"""
    if kind in (MediaKind.VIDEO, MediaKind.ANIMATION):
        looped = " autoplay loop muted" if kind is MediaKind.ANIMATION else ""
        shown = (
            ""
            if looped
            else f'<time class="message_video_duration js-message_video_duration">{length}</time>'
        )
        return (
            f'<a class="tgme_widget_message_video_player {grouped}js-message_video_player" href="{href}"><i class="tgme_widget_message_video_thumb"></i>'
            f'<div class="tgme_widget_message_video_wrap"><video src="/media/{message.id}.mp4?token=0"{looped}></video></div>{shown}</a>'
        )
    if kind is MediaKind.ROUND_VIDEO:
        return (
            f'<a class="tgme_widget_message_roundvideo_player" href="{href}"><video class="tgme_widget_message_roundvideo" src="/media/{message.id}.mp4"></video>'
            f'<time class="tgme_widget_message_roundvideo_duration">{length}</time></a>'
        )
    if kind is MediaKind.VOICE:
        return f'<a class="tgme_widget_message_voice_player" href="{href}"><audio class="tgme_widget_message_voice" src="/media/{message.id}.ogg"></audio><time class="tgme_widget_message_voice_duration">{length}</time></a>'
    if kind is MediaKind.STICKER:
        return '<div class="tgme_widget_message_sticker_wrap"><i class="tgme_widget_message_sticker" data-webp="/media/s.webp"></i></div>'
    if kind is MediaKind.LOCATION:
        place = f"https://maps.google.com/maps?q={message.media['latitude']},{message.media['longitude']}"
        return f'<a class="tgme_widget_message_location_wrap" href="{place}"></a>'
    return _document(message, href, audio=kind is MediaKind.AUDIO)


def _document(message: Message, href: str, *, audio: bool) -> str:
    media = message.media or {}
    title = media.get("title") if audio else media.get("name")
    extra = media.get("performer") if audio else f"{int(media.get('size', 0)) / 1024:.1f} KB"
    icon = " audio" if audio else ""
    return (
        f'<a class="tgme_widget_message_document_wrap" href="{href}"><div class="tgme_widget_message_document_icon accent_bg{icon}"></div>'
        f'<div class="tgme_widget_message_document"><div class="tgme_widget_message_document_title">{escape(str(title))}</div>'
        f'<div class="tgme_widget_message_document_extra">{escape(str(extra))}</div></div></a>'
    )


def _poll(message: Message) -> str:
    poll = message.poll or {}
    voters = sum(option["voters"] for option in poll["options"])
    kind = (
        "Final Results" if poll.get("closed") else "Anonymous Quiz" if poll.get("quiz") else "Anonymous Poll"
    )
    options = "".join(
        f'<div class="tgme_widget_message_poll_option"><div class="tgme_widget_message_poll_option_percent">{round(100 * o["voters"] / max(voters, 1))}%</div>'
        f'<div class="tgme_widget_message_poll_option_text">{escape(o["text"])}</div></div>'
        for o in poll["options"]
    )
    return (
        f'<div class="tgme_widget_message_poll"><div class="tgme_widget_message_poll_question">{escape(poll["question"])}</div>'
        f'<div class="tgme_widget_message_poll_type">{kind}</div><div class="tgme_widget_message_poll_options">{options}</div></div>'
        f'<span class="tgme_widget_message_voters">{rounded(voters)}</span>'
    )


def _link_preview(preview: object) -> str:
    named = dict(preview)  # type: ignore[call-overload]
    return (
        f'<a class="tgme_widget_message_link_preview" href="{escape(named["url"])}"><div class="link_preview_site_name">{escape(named.get("site", ""))}</div>'
        f'<div class="link_preview_title">{escape(named.get("title", ""))}</div><div class="link_preview_description">{escape(named.get("description", ""))}</div></a>'
    )


def _reactions(message: Message) -> str:
    shown = "".join(
        f'<span class="tgme_reaction"><i class="emoji" style="background-image:url()"><b>{emoji}</b></i>{rounded(number)}</span>'
        for emoji, number in message.reactions.items()
    )
    return f'<div class="tgme_widget_message_reactions js-message_reactions">{shown}</div>'


def _foot(scenario: Scenario, message: Message, start: datetime) -> str:
    views = (
        ""
        if message.service or not message.views
        else f'<span class="tgme_widget_message_views">{rounded(message.views)}</span>'
    )
    author = (
        f'<span class="tgme_widget_message_from_author" dir="auto">{escape(message.signature)}</span>,&nbsp;'
        if message.signature
        else ""
    )
    edited = "edited &nbsp;" if message.edited is not None else ""
    posted = (start + message.at).astimezone(UTC).isoformat(timespec="seconds")
    return (
        f'<div class="tgme_widget_message_footer"><div class="tgme_widget_message_info">{views}<span class="tgme_widget_message_meta">{author}{edited}'
        f'<a class="tgme_widget_message_date" href="https://t.me/{scenario.handle}/{message.id}"><time datetime="{posted}" class="time"></time></a></span></div></div>'
    )


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def card(title: str, *, extra: str = "", about: str = "") -> str:
    """The card of a handle (t.me/<handle>) that shows no posts."""
    return f"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>{escape(title)}</title></head><body><div class="tgme_page">
<div class="tgme_page_extra">{escape(extra)}</div><div class="tgme_page_description">{escape(about)}</div></div></body></html>"""
