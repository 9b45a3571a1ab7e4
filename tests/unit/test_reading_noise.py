"""Noise that a reader does not see changes no topic, hardly a figure, and the words that are shown for them least."""

import random
from collections import Counter
from collections.abc import Iterable
from functools import cache

import pytest

from monitor.model import Figure, Reading
from tests.noise import KINDS, MARKS, clean_place, noise
from tests.posts import POSTS
from tests.rulesets import shipped_rules

SEEDS = range(3)
MOST = 0.02


@cache
def clean() -> tuple[Reading, ...]:
    return tuple(map(shipped_rules().read, POSTS))


def noised(kind: str) -> Iterable[tuple[str, Reading, str]]:
    """Each post with its clean reading and a noised text, for each seed."""
    for seed in SEEDS:
        rng = random.Random(seed)
        for text, reading in zip(POSTS, clean(), strict=True):
            yield text, reading, noise(text, kind, rng)


def values(figures: Iterable[Figure]) -> Counter[tuple[str, float | None, float | None]]:
    return Counter((figure.kind, figure.low, figure.high) for figure in figures)


def test_the_posts_hold_enough_to_lose() -> None:
    topics = Counter(flag.topic for reading in clean() for flag in reading.flags)
    kinds = {figure.kind for reading in clean() for figure in reading.figures}
    assert len(POSTS) >= 60
    assert sum(len(reading.figures) for reading in clean()) >= 120
    assert min(topics["kursk"], topics["sudzha"], topics["troop_figures"]) >= 5
    assert len(kinds) >= 14
    assert not any(MARKS & set(text) for text in POSTS)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_changes_no_topic(kind: str) -> None:
    changed = [
        text
        for _, reading, text in noised(kind)
        if [flag.topic for flag in shipped_rules().read(text).flags] != [flag.topic for flag in reading.flags]
    ]
    assert changed == []


@pytest.mark.parametrize("kind", KINDS)
def test_noise_costs_hardly_a_figure(kind: str) -> None:
    both = total = 0
    for _, reading, text in noised(kind):
        there, found = values(reading.figures), values(shipped_rules().read(text).figures)
        both += 2 * (there & found).total()
        total += there.total() + found.total()
    assert 1 - both / total < MOST


@pytest.mark.parametrize("kind", KINDS)
def test_spans_cut_the_noised_text_as_they_cut_the_clean_one(kind: str) -> None:
    shifted = []
    for original, reading, text in noised(kind):
        found = shipped_rules().read(text)
        if values(found.figures) == values(reading.figures):
            quotes = [original[figure.start : figure.end] for figure in reading.figures]
            places = [
                (clean_place(text, figure.start), clean_place(text, figure.end)) for figure in found.figures
            ]
            if [original[start:end] for start, end in places] != quotes:
                shifted.append(text)
    assert len(shifted) <= MOST * len(POSTS) * len(SEEDS)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_only_adds_marks_and_changes_letters_one_for_one(kind: str) -> None:
    for original, _, text in noised(kind):
        assert text != original or not any(letter.isalpha() for letter in original)
        assert clean_place(text, len(text)) == len(original)
