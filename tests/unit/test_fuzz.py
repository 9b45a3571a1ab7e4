"""Fuzzing itself: a seed makes the same text each time, and what is wrong with a reading is noted with its seed."""

from typing import cast

from bench.fuzz import LONGEST, Outcome, check, text_of
from monitor.extraction import Rules
from monitor.model import Flag, Reading, Span
from tests.rulesets import shipped_rules

SEEDS = range(40)


class Broken:
    """Reads what is no part of a text; of some texts nothing at all."""

    def read(self, text: str) -> Reading:
        if len(text) % 2:
            raise ValueError("an odd text")
        return Reading((Flag("kursk", (Span(0, len(text) + 1, "Курск"),)),))


def test_a_seed_makes_one_text() -> None:
    texts = [text_of(seed) for seed in SEEDS]
    assert texts == [text_of(seed) for seed in SEEDS]
    assert len(set(texts)) > len(SEEDS) / 2
    assert max(map(len, texts)) <= LONGEST


def test_what_is_well_is_counted() -> None:
    outcome = Outcome()
    for seed in SEEDS[:10]:
        check(shipped_rules(), seed, outcome)
    assert (outcome.texts, outcome.failures, len(outcome.slowest)) == (10, [], 5)
    assert outcome.slowest == sorted(outcome.slowest, reverse=True)


def test_what_is_wrong_is_noted_with_its_seed() -> None:
    outcome = Outcome()
    for seed in SEEDS:
        check(cast("Rules", Broken()), seed, outcome)
    assert {seed for seed, _ in outcome.failures} == set(SEEDS)
    said = " ".join(what for _, what in outcome.failures)
    assert "ValueError: an odd text" in said
    assert "is no stretch of the text" in said
