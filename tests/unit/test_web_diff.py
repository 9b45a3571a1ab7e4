"""The word diff: nothing is lost, numbers stay whole, and no pair of texts takes long."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.web.diff import Change, diff

WORDS = [
    "5",
    "50",
    "танков",
    "БМП",
    " ",
    "  ",
    "\n",
    ", ",
    "1,5",
    "🇷🇺",
    "🇺🇦",
    "Т-72",
    "и",
    "https://t.me/a/1",
    "2 380",
]
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=40).map("".join))


def shown(old: str, new: str) -> str:
    marks = {Change.SAME: "{}", Change.REMOVED: "[-{}-]", Change.ADDED: "[+{}+]"}
    return "".join(marks[part.change].format(part.text) for part in diff(old, new))


@given(TEXTS, TEXTS)
def test_each_text_can_be_read_off(old: str, new: str) -> None:
    parts = diff(old, new)
    assert "".join(text for change, text in parts if change is not Change.ADDED) == old
    assert "".join(text for change, text in parts if change is not Change.REMOVED) == new
    assert all(text for _, text in parts)
    assert all(one.change != other.change for one, other in pairwise(parts))


@given(TEXTS)
def test_a_text_is_the_same_as_itself(text: str) -> None:
    assert diff(text, text) == (((Change.SAME, text),) if text else ())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("сбито 5 танков", "сбито 50 танков", "сбито [-5-][+50+] танков"),
        ("потери 1,5 тыс.", "потери 1,7 тыс.", "потери [-1,5-][+1,7+] тыс."),
        ("до 2 380 человек", "до 2 480 человек", "до [-2 380-][+2 480+] человек"),
        ("танки Т-72 горят", "танки Т-80 горят", "танки [-Т-72-][+Т-80+] горят"),
        ("флаг 🇷🇺!", "флаг 🇺🇦!", "флаг [-🇷🇺-][+🇺🇦+]!"),
        ("см. https://t.me/a/12", "см. https://t.me/a/13", "см. [-https://t.me/a/12-][+https://t.me/a/13+]"),
        ("Обстановка стабильная.", "Обстановка сложная, но контролируемая.", "Обстановка [-стабильная-][+сложная, но контролируемая+]."),
        ("подбито 5 танков и 3 БМП", "подбито 50 танков и 30 БМП", "подбито [-5-][+50+] танков и [-3-][+30+] БМП"),
        ("первый абзац\n\nвторой", "первый абзац\n\nновый\n\nвторой", "первый абзац\n\n[+новый\n\n+]второй"),
        ("", "всё", "[+всё+]"),
        ("всё", "", "[-всё-]"),
    ],
)  # fmt: skip
def test_a_change_reads_as_a_person_would_tell_it(old: str, new: str, expected: str) -> None:
    assert shown(old, new) == expected


def test_texts_that_share_nothing_but_small_words_are_one_change() -> None:
    old, new = "Противник отступает в беспорядке, потери", "Наши продвинулись в глубину, успех"
    assert [part.change for part in diff(old, new)] == [Change.REMOVED, Change.ADDED]


def test_a_number_that_stays_is_shown_to_stay() -> None:
    assert "300" in {
        part.text.strip()
        for part in diff("уничтожено 300 солдат", "захвачено 300 пленных")
        if part.change is Change.SAME
    }


def words(seed: int, length: int, vocabulary: int, newline: float = 0.1) -> str:
    chance = random.Random(seed)
    some = (
        f"{chance.randrange(vocabulary):x}" + ("\n" if chance.random() < newline else " ")
        for _ in range(length)
    )
    return "".join(some)[:length]


def seconds(old: str, new: str) -> float:
    """Seconds of the processor, the better of two tries: others may use the machine as well."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        parts = diff(old, new)
        taken.append(time.process_time() - start)
        assert "".join(text for change, text in parts if change is not Change.ADDED) == old
    return min(taken)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("".join(f"а{n} " for n in range(900)), "".join(f"б{n} " for n in range(900))),
        (words(1, 4000, 2), words(2, 4000, 2)),
        (words(1, 4000, 500), words(2, 4000, 500)),
        ("x u " * 1000, "x v " * 1000),
        (", " * 2000, ". " * 2000),
    ],
    ids=["nothing shared", "two words", "many words", "every other word", "marks alone"],
)
@pytest.mark.usefixtures("untraced")
def test_posts_are_compared_quickly(old: str, new: str) -> None:
    assert seconds(old, new) < 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (words(1, 100_000, 30_000), words(2, 100_000, 30_000)),
        (words(1, 100_000, 3), words(2, 100_000, 3)),
        (words(1, 100_000, 50, 0.01), words(2, 100_000, 50, 0.01)),
        ("a\n" * 50_000, "a\nb\n" * 25_000),
        ("\n" * 100_000, " " * 100_000),
        ("я" * 100_000, "ю" * 100_000),
        ("".join(f"w{n} " for n in range(14_000)), "".join(f"w{n}\t" for n in range(14_000))),
        ("".join(f"w{n}\n" for n in range(14_000)), "".join(f"w{n}\n" for n in reversed(range(14_000)))),
        (
            "".join(f"line {n} a b a b\n" for n in range(6000)),
            "".join(f"line {n} b a b a\n" for n in range(6000)),
        ),
    ],
    ids=[
        "prose",
        "three words",
        "few words",
        "two lines",
        "white space",
        "one word",
        "other spaces",
        "turned round",
        "each line changed",
    ],
)
@pytest.mark.usefixtures("untraced")
def test_a_hundred_kilobytes_take_less_than_a_second(old: str, new: str) -> None:
    assert seconds(old, new) < 1


def test_one_word_is_found_in_a_long_text() -> None:
    old = words(1, 100_000, 30_000)
    new = old[:50_000].rsplit(" ", 1)[0] + " новое " + old[50_000:].split(" ", 1)[1]
    assert sum(part.change is Change.ADDED for part in diff(old, new)) == 1


def test_lines_that_were_put_in_leave_words_to_be_compared() -> None:
    same = "".join(f"{n} раз и два и раз\n" for n in range(3000))
    old, new = f"начало 5 танков\n{same}конец 7", f"начало 50 танков\n{same}ещё строка\nконец 8"
    parts = diff(old, new)
    assert (Change.REMOVED, "5") in parts
    assert (Change.ADDED, "50") in parts
    assert any(part.change is Change.ADDED and "ещё строка" in part.text for part in parts)
