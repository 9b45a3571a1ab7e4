"""What holds for the reading of any text at all: of the rules' own words, of marks, of letters from anywhere."""

import os
import random
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.extraction.normal import normalise
from tests.invariants import PIECES, bounded, broken, grammatical, unfaithful
from tests.noise import KINDS, noise
from tests.posts import POSTS
from tests.rulesets import shipped_rules

steady = settings(derandomize=True, deadline=None, max_examples=200)
ANY = st.text(st.characters(exclude_categories=()), max_size=300)
PIECED = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
SPACED = st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join)
GRAMMATICAL = st.integers(0, 2**32).map(lambda seed: grammatical(random.Random(seed), 30))
NOISED = st.builds(
    lambda text, kind, seed: noise(text, kind, random.Random(seed)),
    st.sampled_from(POSTS),
    st.sampled_from(KINDS),
    st.integers(0, 2**32),
)
TEXTS = st.one_of(ANY, PIECED, SPACED, GRAMMATICAL, NOISED, st.builds(str.__add__, NOISED, PIECED))


@steady
@given(TEXTS)
def test_any_text_has_a_reading_that_can_be(text: str) -> None:
    _, wrong = broken(shipped_rules(), text)
    assert wrong == []


@steady
@given(TEXTS)
def test_every_letter_of_a_normal_text_has_its_place(text: str) -> None:
    assert unfaithful(text) == []


@steady
@given(TEXTS, st.sampled_from(["Тихо вокруг.", "Quiet here!", "…", "👍", "Спокойной ночи"]))
def test_a_paragraph_that_says_nothing_changes_no_topic(text: str, more: str) -> None:
    longer = f"{text}\n\n{more}"
    # Which alphabet a text is in decides on its words of look-alikes; more of one may change that.
    assume(normalise(longer).text.startswith(normalise(text).text))
    before, after = shipped_rules().read(text), shipped_rules().read(longer)
    assert [flag.topic for flag in after.flags] == [flag.topic for flag in before.flags]


@pytest.mark.parametrize("text", POSTS)
def test_the_invented_posts_have_readings_that_can_be(text: str) -> None:
    assert broken(shipped_rules(), text)[1] == []


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\0", "\ud83d", "\u0301", "1", "\u200b" * 50, "до", "(" * 50]
)
def test_texts_that_say_nothing_have_no_figures(text: str) -> None:
    reading, wrong = broken(shipped_rules(), text)
    assert (reading.flags, reading.figures, wrong) == ((), (), [])


@pytest.mark.parametrize(
    "text",
    [
        "ВСУ потеряли " + "тысяч " * 200 + "танков",
        "ВСУ потеряли 0-1 " + "тысяч " * 200 + "танков",
        "ВСУ потеряли " + "9" * 5000 + " танков",
        "ВСУ потеряли " + "9" * 400 + "к солдат",
        "ВСУ потеряли " + "9" * 299 + "-" + "9" * 300 + "к солдат",
        "ВСУ продвинулись на " + "9" * 400 + " метров вглубь",
    ],
)
def test_numbers_without_end_make_no_bound_without_end(text: str) -> None:
    assert all(bounded(figure) for figure in shipped_rules().read(text).figures)


def test_figures_stand_in_the_order_of_the_text() -> None:
    assert broken(shipped_rules(), "Сожжено 4 танка, рота потеряла несколько: 2")[1] == []


def test_a_reading_is_the_same_in_every_process() -> None:
    """A ruleset's hash names one reading, so nothing may hang on the order of a set."""
    code = "from tests.posts import POSTS; from tests.rulesets import shipped_rules; print([shipped_rules().read(post) for post in POSTS])"
    readings = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(readings) == 1
