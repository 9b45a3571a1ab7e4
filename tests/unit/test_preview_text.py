"""The words of a public page's text and their entities."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from monitor.model import Entity
from monitor.sources.preview_text import Words, words_of


def read(markup: str) -> Words:
    node = LexborHTMLParser(f'<div class="text">{markup}</div>').css_first(".text")
    assert node is not None
    return words_of(node)


def emoji(sign: str) -> str:
    return (
        f'<i class="emoji" style="background-image:url(\'//telegram.org/img/emoji.png\')"><b>{sign}</b></i>'
    )


def test_plain_words_have_no_entities() -> None:
    assert read("Под Курском тихо") == Words("Под Курском тихо", ())


def test_no_words_are_no_words() -> None:
    assert read("") == Words("", ())


def test_breaks_are_lines_and_breaks_of_the_source_are_spaces() -> None:
    assert read("раз<br/>два<br>три\nчетыре").text == "раз\nдва\nтри четыре"


def test_escapes_are_undone_after_the_tags() -> None:
    assert read("2 &lt; 3 &amp; 4&#33; &#39;да&#39; &lt;b&gt;") == Words("2 < 3 & 4! 'да' <b>", ())


def test_comments_say_nothing() -> None:
    assert read("до<!-- между -->после").text == "допосле"


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("b", "bold"),
        ("strong", "bold"),
        ("i", "italic"),
        ("em", "italic"),
        ("u", "underline"),
        ("s", "strikethrough"),
        ("del", "strikethrough"),
        ("code", "code"),
        ("pre", "pre"),
        ("blockquote", "blockquote"),
        ("tg-spoiler", "spoiler"),
    ],
)
def test_styles(tag: str, kind: str) -> None:
    assert read(f"до <{tag}>слово</{tag}> после") == Words("до слово после", (Entity(kind, 3, 5),))


def test_an_unknown_tag_keeps_its_words() -> None:
    assert read("до <mark>слово</mark>") == Words("до слово", ())


def test_a_style_without_words_is_none() -> None:
    assert read("до<b></b> после") == Words("до после", ())


def test_nested_styles_come_outer_first() -> None:
    assert read("<b>жирно <i>и <u>криво</u></i></b>!") == Words(
        "жирно и криво!", (Entity("bold", 0, 13), Entity("italic", 6, 7), Entity("underline", 8, 5))
    )


def test_offsets_count_utf_16_units_over_emoji() -> None:
    said = read(f"{emoji('🚀')} старт <b>{emoji('🇷🇺')} и <i>код</i></b>")
    assert said.text == "🚀 старт 🇷🇺 и код"
    assert said.entities == (Entity("bold", 9, 10), Entity("italic", 16, 3))
    units = said.text.encode("utf-16-le")
    assert units[16 * 2 : 19 * 2].decode("utf-16-le") == "код"


def test_the_picture_of_an_emoji_is_no_style() -> None:
    assert read(emoji("🔥")) == Words("🔥", ())


def test_bold_around_an_emoji_stays() -> None:
    assert read(f"<b>{emoji('🔥')}</b>").entities == (Entity("bold", 0, 2),)


def test_custom_emoji_keep_their_id() -> None:
    said = read(f'да <tg-emoji emoji-id="5188481279963715781">{emoji("🚀")}</tg-emoji>!')
    assert said == Words("да 🚀!", (Entity("custom_emoji", 3, 2, "5188481279963715781"),))


@pytest.mark.parametrize(
    ("markup", "entity"),
    [
        (
            '<a href="https://example.org/a" target="_blank" rel="noopener" onclick="return confirm(\'Open?\');">здесь</a>',
            Entity("text_link", 0, 5, "https://example.org/a"),
        ),
        ('<a href="https://example.org/a">https://example.org/a</a>', Entity("link", 0, 21)),
        ('<a href="http://example.org/">example.org</a>', Entity("link", 0, 11)),
        ('<a href="http://Example.org/a">example.org/a</a>', Entity("link", 0, 13)),
        ('<a href="https://example.org/%D0%B0">https://example.org/а</a>', Entity("link", 0, 21)),
        (
            '<a href="https://example.org/b">example.org/a</a>',
            Entity("text_link", 0, 13, "https://example.org/b"),
        ),
        ('<a href="https://t.me/Some_Channel">@some_channel</a>', Entity("mention", 0, 13)),
        ('<a href="https://telegram.me/some_channel">@some_channel</a>', Entity("mention", 0, 13)),
        (
            '<a href="https://t.me/other">@some_channel</a>',
            Entity("text_link", 0, 13, "https://t.me/other"),
        ),
        ('<a href="https://t.me/some_channel">t.me/some_channel</a>', Entity("link", 0, 17)),
        ('<a href="?q=%23%D0%9A%D1%83%D1%80%D1%81%D0%BA">#Курск</a>', Entity("hashtag", 0, 6)),
        ('<a href="?q=%24USD">$USD</a>', Entity("cashtag", 0, 4)),
        ('<a href="mailto:desk@example.org">desk@example.org</a>', Entity("email", 0, 16)),
        ('<a href="tel:112">112</a>', Entity("phone", 0, 3)),
        ('<a href="http://[oops">oops</a>', Entity("text_link", 0, 4, "http://[oops")),
    ],
)
def test_links(markup: str, entity: Entity) -> None:
    assert read(markup).entities == (entity,)


@pytest.mark.parametrize("markup", ["<a>слово</a>", '<a href="">слово</a>', "<a href>слово</a>"])
def test_a_link_without_a_target_is_words(markup: str) -> None:
    assert read(markup) == Words("слово", ())


def test_a_link_within_a_spoiler() -> None:
    said = read('<tg-spoiler>под <a href="https://example.org/x">спойлером</a></tg-spoiler>')
    assert said.entities == (
        Entity("spoiler", 0, 13),
        Entity("text_link", 4, 9, "https://example.org/x"),
    )
