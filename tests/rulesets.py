"""Rulesets for tests: the shipped one, and topics written in a few lines."""

from functools import cache
from pathlib import Path

from monitor.extraction import RuleFile, Rules, RuleTexts, compile_rules

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
