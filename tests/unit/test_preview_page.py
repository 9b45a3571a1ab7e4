"""Public pages parsed: states, channels, posts of every kind, and what is set aside."""

import base64
import json
from datetime import UTC, datetime

import pytest

from monitor.model import Channel, Count, Counts, Entity, Forward, ForwardKind, Media, MediaKind, Post, Reply
from monitor.sources.preview_page import Page, State, count, parse, parse_embed

CHANNEL_ID = 1234567890
DATE = (
    '<a class="tgme_widget_message_date" href="https://t.me/Our_Channel/{number}">'
    '<time datetime="2024-08-06T12:54:01+00:00" class="time">12:54</time></a>'
)


def view(channel_id: object = -CHANNEL_ID, **more: object) -> str:
    written = json.dumps({"c": channel_id, "p": 7, "t": 1777999637, "h": "08b5"} | more).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def text(markup: str) -> str:
    return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{markup}</div>'


def meta(*, views: str = "", before_date: str = "", number: int | str = 7) -> str:
    shown = f'<span class="tgme_widget_message_views">{views}</span>' if views else ""
    return (
        f'<div class="tgme_widget_message_footer"><div class="tgme_widget_message_info">{shown}'
        f'<span class="tgme_widget_message_meta">{before_date}{DATE.format(number=number)}</span></div></div>'
    )


def widget(
    inside: str = "",
    *,
    number: int | str = 7,
    foot: str | None = None,
    data: str | None = None,
    classes: str = "",
    name: str = "Our_Channel",
) -> str:
    shown = view() if data is None else data
    return (
        '<div class="tgme_widget_message_wrap js-widget_message_wrap">'
        f'<div class="tgme_widget_message text_not_supported_wrap js-widget_message {classes}" data-post="{name}/{number}" data-view="{shown}">'
        '<div class="tgme_widget_message_user"><i class="tgme_widget_message_user_photo"></i></div>'
        f'<div class="tgme_widget_message_bubble">{inside}{meta(number=number) if foot is None else foot}</div></div></div>'
    )


HEAD = """<div class="tgme_channel_info"><div class="tgme_channel_info_header">
<div class="tgme_channel_info_header_title"><span dir="auto">Наш канал</span></div>
<div class="tgme_channel_info_header_labels"><i class="verified-icon"> ✔</i></div>
<div class="tgme_channel_info_header_username"><a href="https://t.me/Our_Channel">@Our_Channel</a></div></div>
<div class="tgme_channel_info_counters">
<div class="tgme_channel_info_counter"><span class="counter_value">5.09K</span> <span class="counter_type">subscribers</span></div>
<div class="tgme_channel_info_counter"><span class="counter_value">12</span> <span class="counter_type">photos</span></div></div>
<div class="tgme_channel_info_description">Первая строка<br/>вторая &amp; <a href="https://t.me/x">@x</a></div></div>"""


def history(*widgets: str, head: str = HEAD) -> bytes:
    body = "".join(widgets) or '<div class="tme_no_messages_found">No posts found</div>'
    return f"""<!DOCTYPE html><html><head><title>Наш канал – Telegram</title></head><body>{head}
<main class="tgme_main" data-url="/Our_Channel"><section class="tgme_channel_history js-message_history">{body}</section></main>
</body></html>""".encode()


def read(*widgets: str) -> Page:
    return parse(history(*widgets), "our_channel")


def only(inside: str = "", *, classes: str = "", foot: str | None = None) -> Post:
    page = read(widget(inside, classes=classes, foot=foot))
    assert page.set_aside == ()
    (post,) = page.posts
    return post


def card(title: str, *, extra: str = "", about: str = "") -> bytes:
    return (
        f'<html><head><title>{title}</title></head><body><div class="tgme_page"><div class="tgme_page_title">x</div>'
        f'<div class="tgme_page_extra">{extra}</div><div class="tgme_page_description">{about}</div></div></body></html>'
    ).encode()


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        (
            card("Telegram: View @x", extra="14 909 subscribers", about="О себе"),
            State.NO_PREVIEW,
            "14 909 subscribers",
        ),
        (card("Telegram: View @x", extra="1 subscriber"), State.NO_PREVIEW, "1 subscriber"),
        (
            card("Telegram: Join Group", extra="9 767 members, 1 295 online"),
            State.NOT_A_CHANNEL,
            "a group (9 767 members, 1 295 online)",
        ),
        (
            card("Telegram: Contact @somebody", extra="@somebody"),
            State.NOT_A_CHANNEL,
            "a person or a bot (@somebody)",
        ),
        (
            card("Telegram: Contact @free", about="you can contact @free right away"),
            State.NOBODY,
            "Telegram: Contact @free",
        ),
        (
            card(
                "Telegram: View @x",
                extra="14 909 subscribers",
                about="This channel can&#39;t be displayed because it violated local laws.",
            ),
            State.RESTRICTED,
            "This channel can't be displayed because it violated local laws.",
        ),
        (card("Just a moment…"), State.UNKNOWN, "Just a moment…"),
        (b"", State.UNKNOWN, ""),
        (b"\xff\xfe\x00 no page", State.UNKNOWN, ""),
    ],
)
def test_a_page_without_a_history_is_told_by_its_card(body: bytes, state: State, words: str) -> None:
    assert parse(body, "x") == Page(state, words=words)


def test_a_history_without_posts_is_empty() -> None:
    page = parse(history(), "our_channel")
    assert (page.state, page.channel, page.posts, page.widgets) == (State.EMPTY, None, (), 0)


def test_the_channel_is_described() -> None:
    assert read(widget(text("раз"))).channel == Channel(
        channel_id=CHANNEL_ID,
        title="Наш канал",
        handle="Our_Channel",
        about="Первая строка\nвторая & @x",
        subscribers=Count(5090, 10),
        verified=True,
    )


def test_a_bare_page_tells_of_the_channel_what_the_widgets_do() -> None:
    page = parse(history(widget(text("раз")), head=""), "OUR_CHANNEL")
    assert page.channel == Channel(channel_id=CHANNEL_ID, handle="OUR_CHANNEL", verified=False)


def test_posts_come_ascending_and_once() -> None:
    page = read(widget(number=9), widget(text("раз"), number=7), widget(number=9))
    assert [post.message_id for post in page.posts] == [7, 9]
    assert (page.state, page.widgets) == (State.POSTS, 2)


def test_a_plain_post() -> None:
    post = only(text("Под <b>Курском</b> тихо"), foot=meta(views="1.1K"))
    assert post == Post(
        channel_id=CHANNEL_ID,
        message_id=7,
        posted_at=datetime(2024, 8, 6, 12, 54, 1, tzinfo=UTC),
        text="Под Курском тихо",
        entities=(Entity("bold", 4, 7),),
        counts=Counts(views=Count(1100, 100)),
        raw=post.raw,
    )
    assert "Под <b>Курском</b> тихо" in post.raw.decode()


def test_a_date_in_another_zone_is_turned_to_utc() -> None:
    foot = meta().replace("12:54:01+00:00", "15:54:01+03:00")
    assert only(foot=foot).posted_at == datetime(2024, 8, 6, 12, 54, 1, tzinfo=UTC)


def test_the_time_of_a_video_is_not_the_date() -> None:
    video = (
        '<a class="tgme_widget_message_video_player" href="https://t.me/Our_Channel/7"><video src="v.mp4"></video>'
        '<time class="message_video_duration js-message_video_duration">0:37</time></a>'
    )
    assert only(video).posted_at == datetime(2024, 8, 6, 12, 54, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2", Count(2)),
        ("999", Count(999)),
        ("14 909", Count(14909)),
        ("14\u00a0909", Count(14909)),
        ("1,234,567", Count(1234567)),
        ("1.1K", Count(1100, 100)),
        ("9.15K", Count(9150, 10)),
        ("11.1k", Count(11100, 100)),
        ("104K", Count(104000, 1000)),
        ("214.4K", Count(214400, 100)),
        ("2.19M", Count(2190000, 10000)),
        ("1,5M", Count(1500000, 100000)),
        ("3B", Count(3000000000, 1000000000)),
        (" 7 ", Count(7)),
        ("", None),
        ("много", None),
        ("K", None),
        ("1.2.3K", None),
        ("-5", None),
        ("9" * 30, None),
    ],
)
def test_counts_keep_the_step_they_were_rounded_to(written: str, expected: Count | None) -> None:
    assert count(written) == expected


@pytest.mark.parametrize(
    ("before_date", "edited", "signed"),
    [
        ("", False, False),
        ("edited &nbsp;", True, False),
        ('<span class="tgme_widget_message_from_author" dir="auto">Иван Петров</span>,&nbsp;', False, True),
        (
            '<span class="tgme_widget_message_from_author" dir="auto">Иван Петров</span>,&nbsp;edited &nbsp;',
            True,
            True,
        ),
        ('<span class="tgme_widget_message_from_author" dir="auto">edited</span>,&nbsp;', False, True),
        (
            '<a class="tgme_widget_message_from_author" href="https://t.me/ivan_petrov">Иван Петров</a>',
            False,
            True,
        ),
    ],
)
def test_edits_and_signatures(before_date: str, *, edited: bool, signed: bool) -> None:
    post = only(text("раз"), foot=meta(before_date=before_date))
    assert post.edited is edited
    assert post.extras == ({"signed": True} if signed else {})
    assert post.edited_at is None
    for name in ("Иван", "Петров", "ivan_petrov"):
        assert name not in post.raw.decode()
        assert name not in repr(post)


def forwarded(name: str) -> str:
    return f'<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from&nbsp;{name}</div>'


def test_a_forward_from_a_channel() -> None:
    name = (
        '<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/other_channel/42">'
        '<span dir="auto">Другой канал</span></a>'
    )
    author = ' (<span class="tgme_widget_message_forwarded_from_author">Пётр Иванов</span>)'
    post = only(forwarded(name + author) + text("раз"))
    assert post.forward == Forward(
        ForwardKind.CHANNEL, handle="other_channel", message_id=42, title="Другой канал"
    )
    assert "Другой канал" in post.raw.decode()
    assert "Пётр" not in post.raw.decode()


@pytest.mark.parametrize(
    "name",
    [
        '<span class="tgme_widget_message_forwarded_from_name">Иван Петров</span>',
        '<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/ivan_petrov"><span>Иван Петров</span></a>',
        '<a class="tgme_widget_message_forwarded_from_name"><span>Иван Петров</span></a>',
        '<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/ivan_petrov/²"><span>Иван Петров</span></a>',
    ],
)
def test_a_forward_from_a_person_names_nobody(name: str) -> None:
    post = only(forwarded(name) + text("раз"))
    assert post.forward == Forward(ForwardKind.USER)
    assert "Forwarded from&nbsp;a user" in post.raw.decode()
    for private in ("Иван", "ivan_petrov"):
        assert private not in post.raw.decode()
        assert private not in repr(post)


def reply(href: str, author: str = "Иван Петров") -> str:
    return (
        f'<a class="tgme_widget_message_reply" href="{href}"><i class="tgme_widget_message_reply_thumb"></i>'
        f'<div class="tgme_widget_message_author accent_color"><span class="tgme_widget_message_author_name" dir="auto">{author}</span></div>'
        '<div class="tgme_widget_message_text js-message_reply_text" dir="auto">чужие слова</div></a>'
    )


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://t.me/our_channel/3", Reply(3)),
        ("https://t.me/other_channel/3", Reply(3, "other_channel")),
        ("https://t.me/other_channel/3?single", Reply(3, "other_channel")),
        ("https://t.me/other_channel", None),
        ("https://t.me/other_channel/99999999999", None),
    ],
)
def test_a_reply_and_its_quote_apart_from_the_words(href: str, expected: Reply | None) -> None:
    post = only(reply(href) + text("свои слова"))
    assert post.reply == expected
    assert post.text == "свои слова"
    assert "Иван" not in post.raw.decode()


def test_a_quote_without_words_of_its_own_leaves_no_text() -> None:
    assert only(reply("https://t.me/our_channel/3")).text == ""


def photo(number: int, *, single: bool = False) -> str:
    tail = "?single" if single else ""
    grouped = "grouped_media_wrap " if single else ""
    return (
        f'<a class="tgme_widget_message_photo_wrap {grouped}5386313276578272691 1254098787_460002739" data-ratio="0.75" '
        f'href="https://t.me/Our_Channel/{number}{tail}" style="background-image:url(\'https://cdn.example.org/p.jpg\')"></a>'
    )


def video(number: int, *, duration: str = "0:37", looped: bool = False, single: bool = False) -> str:
    tail = "?single" if single else ""
    time = (
        f'<time class="message_video_duration js-message_video_duration">{duration}</time>'
        if duration
        else ""
    )
    return (
        f'<a class="tgme_widget_message_video_player js-message_video_player{" grouped_media_wrap" if single else ""}" href="https://t.me/Our_Channel/{number}{tail}">'
        f'<i class="tgme_widget_message_video_thumb"></i><div class="tgme_widget_message_video_wrap"><video src="v.mp4?token=1"{" autoplay loop muted" if looped else ""}></video></div>{time}</a>'
    )


def document(number: int, title: str, extra: str, *, audio: bool = False, single: bool = False) -> str:
    return (
        f'<a class="tgme_widget_message_document_wrap" href="https://t.me/Our_Channel/{number}{"?single" if single else ""}">'
        f'<div class="tgme_widget_message_document_icon accent_bg{" audio" if audio else ""}"></div><div class="tgme_widget_message_document">'
        f'<div class="tgme_widget_message_document_title accent_color">{title}</div><div class="tgme_widget_message_document_extra">{extra}</div></div></a>'
    )


def grouped(*members: str) -> str:
    return f'<div class="tgme_widget_message_grouped_wrap js-message_grouped_wrap"><div class="tgme_widget_message_grouped">{"".join(members)}</div></div>'


ROUND = (
    '<a class="tgme_widget_message_roundvideo_player" href="https://t.me/Our_Channel/7"><video class="tgme_widget_message_roundvideo" src="r.mp4"></video>'
    '<time class="tgme_widget_message_roundvideo_duration">0:09</time></a>'
)
VOICE = (
    '<a class="tgme_widget_message_voice_player" href="https://t.me/Our_Channel/7"><audio class="tgme_widget_message_voice" src="v.ogg" data-waveform="1"></audio>'
    '<time class="tgme_widget_message_voice_duration">1:02:03</time></a>'
)
STICKER = '<div class="tgme_widget_message_sticker_wrap media_supported_cont"><i class="tgme_widget_message_sticker" data-webp="s.webp"></i></div>'
TOO_BIG = (
    '<a class="tgme_widget_message_video_player not_supported" href="https://t.me/Our_Channel/7"><i class="tgme_widget_message_video_thumb"></i>'
    '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported_label">Media is too big</div></div>'
    '<time class="message_video_duration">21:05</time></a>'
)
UNSUPPORTED = '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported_label">Please open Telegram to view this post</div></div>'


def location(query: str) -> str:
    return f'<a class="tgme_widget_message_location_wrap" href="https://maps.google.com/maps{query}"><div class="tgme_widget_message_location"></div></a>'


@pytest.mark.parametrize(
    ("inside", "media"),
    [
        (photo(7), Media(MediaKind.PHOTO)),
        (video(7), Media(MediaKind.VIDEO, {"duration": 37})),
        (video(7, duration=""), Media(MediaKind.VIDEO)),
        (video(7, duration="потом"), Media(MediaKind.VIDEO)),
        (video(7, duration="", looped=True), Media(MediaKind.ANIMATION)),
        (TOO_BIG, Media(MediaKind.VIDEO, {"duration": 1265, "too_big": True})),
        (ROUND, Media(MediaKind.ROUND_VIDEO, {"duration": 9})),
        (VOICE, Media(MediaKind.VOICE, {"duration": 3723})),
        (STICKER, Media(MediaKind.STICKER)),
        ('<tg-sticker class="tgme_widget_message_tgsticker"></tg-sticker>', Media(MediaKind.STICKER)),
        (
            document(7, "сводка.pdf", "1.2 MB"),
            Media(MediaKind.DOCUMENT, {"title": "сводка.pdf", "extra": "1.2 MB"}),
        ),
        (
            document(7, "Марш", "Оркестр", audio=True),
            Media(MediaKind.AUDIO, {"title": "Марш", "extra": "Оркестр"}),
        ),
        (location("?q=51.19,-35.27"), Media(MediaKind.LOCATION, {"latitude": 51.19, "longitude": -35.27})),
        (location("?q=where"), Media(MediaKind.LOCATION)),
        (UNSUPPORTED, Media(MediaKind.OTHER, {"unsupported": "Please open Telegram to view this post"})),
        (UNSUPPORTED + text("но слова есть"), None),
        (
            f'<div class="media_supported_cont"></div><div class="media_not_supported_cont">{UNSUPPORTED}</div>',
            None,
        ),
        (
            f'<div class="media_supported_cont">{video(7)}</div>{UNSUPPORTED}',
            Media(MediaKind.VIDEO, {"duration": 37}),
        ),
        (text("одни слова"), None),
    ],
)
def test_media(inside: str, media: Media | None) -> None:
    assert only(inside).media == media


def test_a_contact_is_somebody() -> None:
    contact = (
        '<a class="tgme_widget_message_contact_wrap" href="tel:+70000000000"><div class="tgme_widget_message_contact_name">Иван Петров</div>'
        '<div class="tgme_widget_message_contact_phone">+7 000 000 00 00</div></a>'
    )
    post = only(contact)
    assert post.media == Media(MediaKind.CONTACT)
    for private in ("Иван", "000"):
        assert private not in post.raw.decode().replace("08b5", "")


def option(percent: str, words: str) -> str:
    return (
        f'<div class="tgme_widget_message_poll_option"><div class="tgme_widget_message_poll_option_percent">{percent}</div>'
        f'<div class="tgme_widget_message_poll_option_text">{words}</div></div>'
    )


@pytest.mark.parametrize(
    ("voters", "kept"), [('<span class="tgme_widget_message_voters">222</span>', "222"), ("", None)]
)
def test_a_poll_whose_voters_stand_in_the_foot(voters: str, kept: str | None) -> None:
    poll = (
        '<div class="media_supported_cont"><div class="tgme_widget_message_poll multiple"><div class="tgme_widget_message_poll_question">Читаете?</div>'
        f'<div class="tgme_widget_message_poll_type">Anonymous Poll</div>{option("16%", "Да")}{option("&lt;1%", "Нет")}{option("", "Не знаю")}</div></div>'
    )
    assert only(poll, foot=voters + meta()).media == Media(
        MediaKind.POLL,
        {
            "question": "Читаете?",
            "type": "Anonymous Poll",
            "voters": kept,
            "options": [
                {"text": "Да", "percent": 16},
                {"text": "Нет", "percent": 1},
                {"text": "Не знаю", "percent": 0},
            ],
        },
    )


def test_an_album_is_its_members_with_the_caption_on_the_first() -> None:
    inside = (
        forwarded(
            '<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/other_channel/40">Другой</a>'
        )
        + grouped(
            photo(9, single=True), video(7, single=True), video(8, duration="", looped=True, single=True)
        )
        + text(text("Подпись <b>одна</b>"))
    )
    page = read(widget(inside, foot=meta(views="104K"), data=view(p="7g")), widget(text("после"), number=10))
    first, second, third, after = page.posts
    assert [post.message_id for post in page.posts] == [7, 8, 9, 10]
    assert [post.album_id for post in page.posts] == [7, 7, 7, None]
    assert [post.media.kind if post.media else None for post in page.posts] == [
        MediaKind.VIDEO,
        MediaKind.ANIMATION,
        MediaKind.PHOTO,
        None,
    ]
    assert (first.text, first.entities) == ("Подпись одна", (Entity("bold", 8, 4),))
    assert (second.text, second.entities, third.text) == ("", (), "")
    assert (first.counts.views, second.counts, third.counts) == (Count(104000, 1000), Counts(), Counts())
    assert {post.forward.message_id if post.forward else None for post in (first, second, third)} == {40}
    assert (page.widgets, after.text) == (4, "после")


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_album_of_documents(*, wrapped: bool) -> None:
    members = [
        document(7, "раз.mp3", "А", audio=True, single=True),
        document(8, "два.mp3", "Б", audio=True, single=True),
    ]
    posts = read(widget((grouped(*members) if wrapped else "".join(members)) + text("Список"))).posts
    assert [(p.message_id, p.album_id, p.text) for p in posts] == [(7, 7, "Список"), (8, 7, "")]
    assert [p.media for p in posts] == [
        Media(MediaKind.AUDIO, {"title": "раз.mp3", "extra": "А"}),
        Media(MediaKind.AUDIO, {"title": "два.mp3", "extra": "Б"}),
    ]


def test_an_album_of_which_one_is_left_is_none() -> None:
    (post,) = read(widget(grouped(photo(8, single=True)) + text("Подпись"), number=8)).posts
    assert (post.message_id, post.album_id, post.text) == (8, None, "Подпись")


@pytest.mark.parametrize(
    ("said", "kind", "extras"),
    [
        ("Channel created", "created", {}),
        ("Channel name was changed to «Курск pinned»", "renamed", {"title": "Курск pinned"}),
        ("Channel name was changed", "renamed", {}),
        ("Channel photo updated", "photo", {}),
        ("Наш канал pinned «Доброе утро»", "pinned", {}),
        ("Live stream started", "other", {}),
    ],
)
def test_service_posts(said: str, kind: str, extras: dict[str, str]) -> None:
    post = only(text(f"<b>{said}</b>") + photo(7), classes="service_message service_message_photo")
    assert (post.service, post.extras) == (kind, extras | {"action": said})
    assert (post.text, post.entities, post.media, post.counts) == ("", (), None, Counts())


def test_reactions_of_every_kind() -> None:
    shown = (
        '<div class="tgme_widget_message_reactions js-message_reactions">'
        '<span class="tgme_reaction tgme_reaction_paid"><i class="icon icon-telegram-stars"></i>9.15K</span>'
        '<span class="tgme_reaction"><i class="emoji" style="background-image:url()"><b>🔥</b></i>55.2K</span>'
        '<span class="tgme_reaction"><tg-emoji emoji-id="5188"></tg-emoji>31</span>'
        '<span class="tgme_reaction"><i class="emoji"><b>👎</b></i></span>'
        '<span class="tgme_reaction">5</span></div>'
    )
    assert only(text("раз") + shown).counts == Counts(
        reactions={"paid": Count(9150, 10), "🔥": Count(55200, 100), "custom:5188": Count(31)}
    )


def test_what_else_hangs_on_a_post() -> None:
    inside = (
        '<div>via <a class="tgme_widget_message_via_bot" href="https://t.me/poll_bot">@poll_bot</a></div>'
        + text('<a href="https://example.org/a">ссылка</a>')
        + '<a class="tgme_widget_message_link_preview" href="https://example.org/a"><i class="link_preview_image"></i>'
        '<div class="link_preview_site_name accent_color">Пример</div><div class="link_preview_title">Статья</div></a>'
        '<div class="tgme_widget_message_inline_row"><a class="tgme_widget_message_inline_button" href="https://example.org/b">Жми</a></div>'
    )
    assert only(inside).extras == {
        "via_bot": "@poll_bot",
        "link_preview": {"url": "https://example.org/a", "site": "Пример", "title": "Статья"},
        "buttons": [{"text": "Жми", "url": "https://example.org/b"}],
    }


def test_widgets_of_other_channels_are_no_concern() -> None:
    page = read(widget(text("чужое"), name="other_channel", data=view(-5)), widget(text("своё")))
    assert [post.text for post in page.posts] == ["своё"]
    assert page.set_aside == ()


UNDATED = meta().replace("datetime=", "data-other=")


@pytest.mark.parametrize(
    ("broken", "reason", "number"),
    [
        (widget(text("сломано"), number=8, foot=UNDATED), "it has no date", 8),
        (widget(text("сломано"), number=8, foot=""), "it has no date", 8),
        (widget(text("сломано"), number=8, foot=meta().replace("+00:00", "")), "a time without a zone", 8),
        (widget(text("сломано"), number=8, foot=meta().replace("2024-08-06", "вчера")), "isoformat", 8),
        (
            widget(
                text("сломано"),
                number=8,
                foot=meta().replace("2024-08-06T12:54:01+00:00", "0001-01-01T00:00:00+03:00"),
            ),
            "out of range",
            8,
        ),
        (widget(text("сломано"), number=8, data=""), "its data-view names no channel", 8),
        (widget(text("сломано"), number=8, data="%%%"), "its data-view names no channel", 8),
        (widget(text("сломано"), number=8, data=view("x")), "its data-view names no channel", 8),
        (widget(text("сломано"), number=8, data=view(float("inf"))), "its data-view names no channel", 8),
        (widget(text("сломано"), number=8, data=base64.urlsafe_b64encode(b"[1]").decode()), "no channel", 8),
        (widget(text("сломано"), number=8, data=view(-5)), "another channel than its neighbours", 8),
        (widget(text("сломано"), number="x"), "its data-post has no message id", None),
        (widget(text("сломано"), number="²"), "its data-post has no message id", None),
        (widget(text("сломано"), number="9" * 5000), "its data-post has no message id", None),
        (widget(text("<b>" * 3000 + "сломано"), number=8), "recursion", 8),
    ],
)
def test_what_cannot_be_read_is_set_aside_and_the_others_go_on(
    broken: str, reason: str, number: int | None
) -> None:
    page = read(broken, widget(text("раз"), number=9), widget(text("два"), number=10))
    assert [post.text for post in page.posts] == ["раз", "два"]
    (aside,) = page.set_aside
    assert (aside.message_id, page.state, page.widgets) == (number, State.POSTS, 3)
    assert reason in aside.reason
    assert "сломано" in aside.body.decode()


def test_what_is_set_aside_names_no_person_either() -> None:
    inside = forwarded('<span class="tgme_widget_message_forwarded_from_name">Иван Петров</span>')
    page = read(widget(inside, foot=""))
    assert (page.posts, page.state, page.widgets) == ((), State.POSTS, 1)
    assert "Иван" not in page.set_aside[0].body.decode()


def test_without_any_id_there_is_no_channel() -> None:
    page = read(widget(text("раз"), data=""))
    assert (page.channel, page.posts, len(page.set_aside)) == (None, (), 1)


def framed(inside: str) -> bytes:
    return (
        '<!DOCTYPE html><html><head><title>Telegram Widget</title><meta name="robots" content="noindex, nofollow"></head>'
        f'<body class="widget_frame_base tgme_widget body_widget_post">{inside}</body></html>'
    ).encode()


def refused(words: str) -> bytes:
    return framed(
        f'<div class="tgme_widget_message"><div class="tgme_widget_message_error">{words}</div></div>'
    )


def test_an_embed_is_one_post_with_the_id_of_its_channel() -> None:
    page = parse_embed(framed(widget(text("раз <b>два</b>"), foot=meta(views="1.1K"))), "our_channel", 7)
    assert (page.state, page.widgets, page.set_aside) == (State.POSTS, 1, ())
    assert page.channel == Channel(channel_id=CHANNEL_ID, handle="our_channel")
    assert page.posts == read(widget(text("раз <b>два</b>"), foot=meta(views="1.1K"))).posts


@pytest.mark.parametrize("member", [7, 8, 9])
def test_an_embed_of_a_member_is_its_whole_album(member: int) -> None:
    inside = grouped(*(photo(n, single=True) for n in (7, 8, 9))) + text(text("Подпись"))
    page = parse_embed(framed(widget(inside)), "Our_Channel", member)
    assert [(p.message_id, p.album_id, p.text) for p in page.posts] == [
        (7, 7, "Подпись"),
        (8, 7, ""),
        (9, 7, ""),
    ]


@pytest.mark.parametrize("data", ["", view(None), base64.urlsafe_b64encode(b'{"t":1,"h":"0"}').decode()])
def test_an_embed_without_the_channel_in_its_data_view_has_it_as_peer(data: str) -> None:
    peer = f'data-peer="c{CHANNEL_ID}_-6044378432856379164" data-post='
    page = parse_embed(framed(widget(text("раз"), data=data).replace("data-post=", peer)), "our_channel", 7)
    assert [(p.channel_id, p.text) for p in page.posts] == [(CHANNEL_ID, "раз")]


@pytest.mark.parametrize("peer", ["", "u5_1", "c_1", "cx_1"])
def test_an_embed_without_any_channel_is_set_aside(peer: str) -> None:
    markup = widget(text("раз"), data="").replace("data-post=", f'data-peer="{peer}" data-post=')
    page = parse_embed(framed(markup), "our_channel", 7)
    assert (page.state, page.channel, page.posts) == (State.POSTS, None, ())
    assert [(a.message_id, a.reason) for a in page.set_aside] == [
        (7, "this widget cannot be read: its data-view names no channel")
    ]


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        (refused("Post not found"), State.NOT_FOUND, "Post not found"),
        (refused('Post <a href="#">not\n found</a>.'), State.NOT_FOUND, "Post not found."),
        (refused("Channel is private"), State.UNKNOWN, "Channel is private"),
        (
            refused("This channel can’t be displayed because it violated local laws."),
            State.RESTRICTED,
            "This channel can’t be displayed because it violated local laws.",
        ),
        (framed(""), State.UNKNOWN, "Telegram Widget"),
        (card("Telegram: Contact @our_channel"), State.NOBODY, "Telegram: Contact @our_channel"),
        (card("Telegram: View @x", extra="14 909 subscribers"), State.NO_PREVIEW, "14 909 subscribers"),
        (framed(widget(text("чужое"), name="other_channel")), State.UNKNOWN, "Telegram Widget"),
        (framed(widget(text("раз"), number=8)), State.UNKNOWN, "asked for post 7, another one is shown"),
        (b"", State.UNKNOWN, ""),
    ],
)
def test_what_is_there_instead_of_an_embed(body: bytes, state: State, words: str) -> None:
    assert parse_embed(body, "our_channel", 7) == Page(state, words=words)


def test_the_words_of_a_post_are_no_error() -> None:
    said = text("Post not found") + '<div class="tgme_widget_message_error">Post not found</div>'
    assert parse_embed(framed(widget(said)), "our_channel", 7).state is State.POSTS
