"""The normal form of a text: what hides a word from rules is taken away, and every letter keeps its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.extraction.normal import character_of, fold, normalise, utf16_offsets


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Под КУРСКОМ, ещё Ёлка", "под курском, еще елка"),
        ("Kурск и Cуджа", "курск и суджа"),
        ("Су\u200bджу, Су\u0301джа, Кур\u00adск", "суджу, суджа, курск"),
        ("у К У Р С К", "укурск"),
        ("К\u00a0У\u00a0Р\u00a0С\u00a0К", "курск"),
        ("KYPCK под огнём", "курск под огнем"),
        ("KYPCK", "kypck"),
        ("API и IBM", "api и ibm"),
        ("Сhina and Kursk", "china and kursk"),
        ("и\u0306 е\u0308", "й е"),
        ("1км²", "1км2"),
        ("𝐊𝐮𝐫𝐬𝐤", "kursk"),
        ("ﬁre", "fire"),
        ("⚡️🇷🇺 👨‍💻 Курск", "⚡️🇷🇺 👨‍💻 курск"),
        ("5-я рoта", "5-я рота"),
        ("\u0301", ""),
        ("", ""),
    ],
)
def test_normal_forms(text: str, normal: str) -> None:
    assert normalise(text).text == normal


def test_a_letter_that_grows_when_small_keeps_its_place() -> None:
    text = "İ Курск и Cуджа İ"
    found = normalise(text)
    at = found.text.index("суджа")
    assert text[slice(*found.span(at, at + 5))] == "Cуджа"


@pytest.mark.parametrize(
    ("text", "word", "quote"),
    [
        ("под Су\u200bджу\u0301 идут", "суджу", "Су\u200bджу\u0301"),
        ("тут К У Р С К.", "курск", "К У Р С К"),
        ("Kурск", "курск", "Kурск"),
        ("🚀🚀 Кур\u00adск", "курск", "Кур\u00adск"),
    ],
)
def test_spans_cut_the_original(text: str, word: str, quote: str) -> None:
    normal = normalise(text)
    at = normal.text.index(word)
    start, end = normal.span(at, at + len(word))
    assert text[start:end].rstrip("\u0301") == quote.rstrip("\u0301")


@given(st.text())
def test_every_letter_has_its_place(text: str) -> None:
    normal = normalise(text)
    places = [normal.span(at, at + 1) for at in range(len(normal.text))]
    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)


@given(st.text())
def test_utf16_units_lead_back_to_characters(text: str) -> None:
    offsets = utf16_offsets(text)
    assert offsets[-1] == len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert [character_of(offsets, offset) for offset in offsets] == list(range(len(text) + 1))


@pytest.mark.parametrize(("word", "folded"), [("Ёж", "еж"), ("п’ять", "п'ять"), ("Т–72", "т-72"), ("ʼ", "'")])
def test_terms_are_folded_as_texts_are(word: str, folded: str) -> None:
    assert fold(word) == folded
