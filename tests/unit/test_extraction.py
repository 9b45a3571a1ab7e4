"""Topics found in texts: by word forms, exceptions and counted things, with exact spans."""

from typing import Any

import pytest

from monitor.errors import SettingsError
from monitor.extraction import Rules, Word, compile_rules, words_of
from monitor.extraction.rules import REACH, forms_of
from monitor.extraction.words import fold

RULES: dict[str, Any] = {
    "topic": {
        "kursk": {
            "lemmas": ["Курск", "курский", "Курщина"],
            "forms": ["Kursk", "ГИС-1"],
            "except": ["курский вокзал", "подводный лодка Курск", "битва под Курск"],
        },
        "troops": {"counts": ["танк", "солдат", "БМП", "отделение"], "except": ["отделение связь"]},
    },
    "numbers": {"lemmas": ["два", "десяток", "п'ять"], "forms": ["пара"]},
}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return compile_rules(RULES)


def found(rules: Rules, text: str) -> dict[str, list[str]]:
    """The words that each topic's spans cover, by topic."""
    return {flag.topic: [text[span.start : span.end] for span in flag.spans] for flag in rules.read(text)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("… — !", []),
        ("Под Курском, тихо.", ["под", "курском", "тихо"]),
        ("Ещё Ёлка", ["еще", "елка"]),
        ("БМП-2 и 11к", ["бмп-2", "и", "11к"]),
        ("п’ять п'ять пʼять", ["п'ять", "п'ять", "п'ять"]),
        ("300–400 из 1,5 тыс.", ["300-400", "из", "1,5", "тыс"]),
        ("в 8.00", ["в", "8.00"]),
        ("Курск,Суджа.Льгов", ["курск", "суджа", "льгов"]),
        (
            "1 904 и 14\u00a0909 и 1\u202f000\u202f000",
            ["1 904", "и", "14\u00a0909", "и", "1\u202f000\u202f000"],
        ),
        ("в 2024 300 солдат", ["в", "2024", "300", "солдат"]),
        ("12 3456", ["12", "3456"]),
        ("#курская_область", ["курская", "область"]),
        ("-дефис- 'кавычки'", ["дефис", "кавычки"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [word.text for word in words_of(text)] == words


def test_words_know_their_places() -> None:
    text = "🚀 Ещё—Курск!"
    assert words_of(text) == [Word("еще", 2, 5), Word("курск", 6, 11)]
    assert text[6:11] == "Курск"


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Ёж", "еж"), ("İSTANBUL Курск", "İstanbul курск"), ("ẞ’ʼ–", "ß''-"), ("", "")],
)
def test_folding_keeps_the_length(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert len(fold(text)) == len(text)


def test_a_lemma_spreads_to_its_forms_in_both_languages() -> None:
    assert {"курск", "курска", "курску", "курском", "курске"} <= forms_of("Курск")
    assert {"курщина", "курщини", "курщині", "курщиною"} <= forms_of("Курщина")
    assert {"наемник", "наемниками"} <= forms_of("наёмник")
    assert {"п'ять", "п'яти"} <= forms_of("п'ять")


def test_a_word_of_no_dictionary_stands_for_itself() -> None:
    assert forms_of("Ъъыква") == {"ъъыква"}


def test_a_form_of_a_word_is_not_its_lemma() -> None:
    assert forms_of("танками") == {"танками"}


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Под КУРСКОМ тихо", ["КУРСКОМ"]),
        ("На Курщині та в Курской области", ["Курщині", "Курской"]),
        ("The battle near Kursk, Kursk!", ["Kursk", "Kursk"]),
        ("у гис-1 стоят", ["гис-1"]),
        ("в Курск,Льгов", ["Курск"]),
        ("🚀🇷🇺 ещё Курск", ["Курск"]),
        ("курсор, экскурс, курс", []),
    ],
)
def test_word_forms(rules: Rules, text: str, spans: list[str]) -> None:
    assert found(rules, text).get("kursk", []) == spans


def test_spans_are_characters_with_the_term_that_matched(rules: Rules) -> None:
    (flag,) = rules.read("🚀 Курской и Kursk")
    assert flag.topic == "kursk"
    assert flag.spans == ((2, 9, "курский"), (12, 17, "Kursk"))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("На Курском вокзале ремонт", []),
        ("погибла подводная лодка «Курск»", []),
        ("годовщина битвы под Курском", []),
        ("На Курском вокзале ждут поезд из Курска", ["Курска"]),
        ("вокзал курский", ["курский"]),
        ("битва под", []),
        ("Курский", ["Курский"]),
    ],
)
def test_exceptions_free_only_their_own_words(rules: Rules, text: str, spans: list[str]) -> None:
    assert found(rules, text).get("kursk", []) == spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("11 танков", ["11 танков"]),
        ("11 новых немецких танков", ["11 новых немецких танков"]),
        ("до 300 солдат, 11 танков", ["300 солдат", "11 танков"]),
        ("1 904 солдата", ["1 904 солдата"]),
        ("300–400 солдат", ["300–400 солдат"]),
        ("1,5 десятка танков", ["десятка танков"]),
        ("двумя танками", ["двумя танками"]),
        ("п’яти танків", ["п’яти танків"]),
        ("пара БМП", ["пара БМП"]),
        ("пары БМП", []),
        ("танки, 11", []),
        ("танки идут", []),
        ("155-мм и танки", []),
        ("11к танков", []),
        ("2 отделения", ["2 отделения"]),
        ("2 отделения связи", []),
        ("танк", []),
    ],
)
def test_numbers_before_counted_things(rules: Rules, text: str, spans: list[str]) -> None:
    assert found(rules, text).get("troops", []) == spans


def test_a_number_reaches_so_far_and_no_further(rules: Rules) -> None:
    near, far = "11 " + "раз " * (REACH - 1) + "танков", "11 " + "раз " * REACH + "танков"
    assert found(rules, near) == {"troops": [near]}
    assert found(rules, far) == {}


def test_topics_come_in_the_order_of_the_rules(rules: Rules) -> None:
    assert list(found(rules, "11 танков под Курском")) == ["kursk", "troops"]
    assert rules.read("Доброе утро") == ()


def test_numbers_may_be_left_out() -> None:
    bare = compile_rules({"topic": {"troops": {"counts": ["танк"]}}})
    assert found(bare, "двумя танками и 11 танков") == {"troops": ["11 танков"]}


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({}, "there is no topic"),
        ({"topic": {}}, "there is no topic"),
        ({"topic": []}, "there is no topic"),
        ({"topics": {}}, "unknown table `topics`"),
        ({"topic": {"a": 5}}, "[topic.a] is no table"),
        ({"topic": {"a": {}}}, "[topic.a] matches nothing"),
        ({"topic": {"a": {"except": ["x"]}}}, "[topic.a] matches nothing"),
        ({"topic": {"a": {"lemma": ["x"]}}}, "[topic.a] has the unknown key `lemma`"),
        ({"topic": {"a": {"lemmas": "x"}}}, "[topic.a] `lemmas` is no list of words"),
        ({"topic": {"a": {"lemmas": [1]}}}, "[topic.a] `lemmas` is no list of words"),
        ({"topic": {"a": {"forms": ["x", ""]}}}, "[topic.a] `forms` is no list of words"),
        ({"topic": {"a": {"forms": ["x"], "except": ["—"]}}}, "[topic.a] `except` is no list of words"),
        ({"topic": {"a": {"forms": ["x"]}}, "numbers": []}, "[numbers] is no table"),
        (
            {"topic": {"a": {"forms": ["x"]}}, "numbers": {"counts": ["x"]}},
            "[numbers] has the unknown key `counts`",
        ),
    ],
)
def test_mistakes_in_the_rules_name_the_table_and_the_mend(document: dict[str, Any], what: str) -> None:
    with pytest.raises(SettingsError) as caught:
        compile_rules(document)
    assert caught.value.what == what
    assert caught.value.why
    assert caught.value.mend
