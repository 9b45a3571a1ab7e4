"""Rulesets written in a test: topics in a few lines, with the shipped files beside them or without."""

from monitor.extraction import RuleFile, Rules, RuleTexts, compile_rules


def texts_of(topics: str, *, figures: str = "", places: str = "") -> RuleTexts:
    return RuleTexts(
        RuleFile("rules.toml", topics), RuleFile("figures.toml", figures), RuleFile("places.toml", places)
    )


def rules_of(topics: str, *, figures: str = "", places: str = "") -> Rules:
    return compile_rules(texts_of(topics, figures=figures, places=places))
