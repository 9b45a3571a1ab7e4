"""Citations and links: names and words from outside never break the form."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.telegram_links import channel_link, post_link
from monitor.web.citation import Cited, apa, bibtex, first_words


def cited(**more: Any) -> Cited:
    usual: dict[str, Any] = {
        "channel_id": 1234, "title": "Рыбарь", "handle": "rybar", "message_id": 62000, "version": 2,
        "posted_at": datetime(2024, 8, 6, 13, 20, tzinfo=UTC), "seen_at": datetime(2024, 8, 7, 0, 5, 9, tzinfo=UTC),
        "sha256": "ab12", "url": "https://monitor.example/p/rybar/62000@v2",
        "telegram_url": "https://t.me/rybar/62000", "text": "Противник продвинулся\nдо 15 км вглубь 🇷🇺",
    }  # fmt: skip
    return Cited(**usual | more)


def test_a_reference_after_apa() -> None:
    assert apa(cited()) == (
        "Рыбарь [@rybar]. (2024, August 6). Противник продвинулся до 15 км вглубь 🇷🇺 [Telegram post]. Telegram. "
        "Retrieved August 7, 2024, from https://monitor.example/p/rybar/62000@v2"
    )


@pytest.mark.parametrize(
    ("title", "handle", "author"),
    [
        (None, "rybar", "@rybar."),
        (" \n", "rybar", "@rybar."),
        (None, None, "Telegram channel 1234."),
        ("Сводки", None, "Сводки."),
        ("Readovka.", None, "Readovka."),
        ("Два\nмайора \u202eзло", "dva_majors", "Два майора зло [@dva_majors]."),
    ],
)
def test_an_author_is_named_as_well_as_can_be(title: str | None, handle: str | None, author: str) -> None:
    assert apa(cited(title=title, handle=handle)).startswith(f"{author} (2024,")


def test_a_post_without_words_is_described() -> None:
    assert "(2024, August 6). [Telegram post without words]. Telegram." in apa(cited(text=" \u200e\n"))
    assert "title = {{[Telegram post without words]}}" in bibtex(cited(text=""))


def test_an_entry_for_bibtex() -> None:
    assert bibtex(cited()) == (
        "@misc{rybar-62000-v2,\n"
        "  author = {{Рыбарь}},\n"
        "  title = {{Противник продвинулся до 15 км вглубь 🇷🇺}},\n"
        "  year = {2024},\n"
        "  month = aug,\n"
        "  day = {6},\n"
        "  howpublished = {Telegram, \\url{https://t.me/rybar/62000}},\n"
        "  url = {https://monitor.example/p/rybar/62000@v2},\n"
        "  urldate = {2024-08-07},\n"
        "  note = {Telegram post, version 2, posted 2024-08-06 13:20:00 UTC, retrieved 2024-08-07 00:05:09 UTC, SHA-256 ab12}\n"
        "}\n"
    )


def test_days_are_those_of_utc() -> None:
    moscow = timezone(timedelta(hours=3))
    late = cited(posted_at=datetime(2024, 9, 1, 1, 0, tzinfo=moscow))
    assert "(2024, August 31)" in apa(late)
    assert "month = aug,\n  day = {31}" in bibtex(late)


def test_every_special_character_is_escaped() -> None:
    entry = bibtex(cited(title='\\ { } $ & # _ % ~ ^ < > | "', handle=None, telegram_url=None))
    assert entry.startswith("@misc{1234-62000-v2,")
    assert (
        r"author = {{\textbackslash{} \textbraceleft{} \textbraceright{} \$ \& \# \_ \% \textasciitilde{} "
        r"\textasciicircum{} \textless{} \textgreater{} \textbar{} \char34{}}},"
    ) in entry
    assert "howpublished = {Telegram}," in entry


def test_an_address_keeps_its_braces_out_of_the_entry() -> None:
    assert "url = {https://monitor.example/p/%7Ba%7D%5C@v1}" in bibtex(
        cited(url="https://monitor.example/p/{a}\\@v1")
    )


@given(st.text(max_size=60), st.text(max_size=200))
def test_braces_always_balance_and_an_entry_has_its_lines(title: str, text: str) -> None:
    entry = bibtex(cited(title=title, text=text))
    depth = 0
    for letter in entry:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert entry.count("\n") == 11
    assert "\n" not in apa(cited(title=title, text=text))


def test_first_words_count_a_link_a_hashtag_and_an_emoji_as_one() -> None:
    assert first_words("раз  два\nтри", most=2) == "раз два"
    assert first_words("#Курск https://t.me/a/1?b=c слово", most=2) == "#Курск https://t.me/a/1?b=c"
    assert first_words("🇷🇺🇺🇦 👨‍👩‍👧 ⚡️Курск дальше", most=5) == "🇷🇺🇺🇦 👨‍👩‍👧 ⚡️Курск"
    assert len(first_words("слово " * 50).split()) == 20
    assert first_words("") == ""


@given(st.text(max_size=100))
def test_first_words_are_one_line_of_the_text(text: str) -> None:
    found = first_words(text)
    assert found == " ".join(found.split())
    assert set(found) <= set(text) | {" "}


def test_links_to_telegram() -> None:
    assert channel_link("dva_majors") == "https://t.me/dva_majors"
    assert post_link("dva_majors", 17) == "https://t.me/dva_majors/17"


@pytest.mark.parametrize(
    "handle",
    [None, "", "abc", "1abcd", "a" * 33, "рыбарь", "ry bar", "rybar/../x", "@rybar", "t.me/rybar", "rybar\n", "javascript:alert", "ry\u202ebar"],
)  # fmt: skip
def test_no_link_is_made_of_what_is_no_handle(handle: str | None) -> None:
    assert channel_link(handle) is None
    assert post_link(handle, 5) is None


@pytest.mark.parametrize("message_id", [0, -4])
def test_no_link_is_made_of_what_is_no_message(message_id: int) -> None:
    assert post_link("rybar", message_id) is None


@given(st.text(), st.integers())
def test_a_link_is_always_one_of_telegrams(handle: str, message_id: int) -> None:
    link = post_link(handle, message_id)
    assert link is None or re.fullmatch(r"https://t\.me/[A-Za-z]\w{3,31}/[1-9]\d*", link, re.ASCII)
