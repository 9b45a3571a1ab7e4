"""Rulesets for tests: the shipped one, topics written in a few lines, and a reader that knows only numbers."""

import re
from datetime import date
from functools import cache
from pathlib import Path

from monitor.extraction import RuleFile, Rules, RuleTexts, compile_rules
from monitor.model import Figure, Flag, Qualifier, Reading, Scope, Side, Span, Stance

CONFIG = Path(__file__).parents[1] / "config"


def texts_of(topics: str, *, figures: str = "", places: str = "") -> RuleTexts:
    return RuleTexts(
        RuleFile("rules.toml", topics), RuleFile("figures.toml", figures), RuleFile("places.toml", places)
    )


def rules_of(topics: str, *, figures: str = "", places: str = "") -> Rules:
    return compile_rules(texts_of(topics, figures=figures, places=places))


def shipped_texts() -> RuleTexts:
    names = ("rules.toml", "figures.toml", "places.toml")
    return RuleTexts(*(RuleFile(name, (CONFIG / name).read_text(encoding="utf-8")) for name in names))


@cache
def shipped_rules() -> Rules:
    return compile_rules(shipped_texts())


class Counting:
    """A reader to whom every number counts tanks: of the enemy after «враг», of our own after «наши»; and so on.

    A text with a number has the topic `number`; one that names Суджа has `places`, which is not raised.
    """

    def read(self, text: str) -> Reading:
        figures = tuple(self._figure(text, found) for found in re.finditer(r"\d+", text))
        spans = tuple(Span(figure.start, figure.end, "танк") for figure in figures)
        flags = [Flag("number", spans)] if spans else []
        at = text.find("Судж")
        if at >= 0:
            flags.append(Flag("places", (Span(at, at + 5, "Суджа", (51.2, 35.3)),), raised=False))
        return Reading(tuple(flags), figures)

    def _figure(self, text: str, found: re.Match[str]) -> Figure:
        before = text[: found.start()]
        stance = Stance.ENEMY if "враг" in before else Stance.OWN if "наши" in before else None
        number = float(found.group())
        at_most, since = "до " in before, "с начала" in before
        return Figure(
            start=found.start(),
            end=found.end(),
            kind="tank",
            low=None if at_most else number,
            high=number,
            qualifier=Qualifier.AT_MOST if at_most else Qualifier.EXACT,
            side=Side.UKRAINE if "ВСУ" in text else Side.UNKNOWN,
            stance=stance,
            scope=Scope.SINCE if since else None,
            since=date(2024, 8, 6) if since else None,
            term="танк",
        )
