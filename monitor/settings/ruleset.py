"""config/rules.toml, and figures.toml and places.toml beside it: the rules that posts are read by."""

from pathlib import Path

from monitor.extraction import RuleFile, Rules, RuleTexts, compile_rules
from monitor.settings.toml import toml_text
from monitor.store.migrate import shipped


def rule_texts(rules_file: Path) -> RuleTexts:
    """The files of a ruleset: the one of topics, and figures.toml and places.toml beside it, else those shipped.

    Raises SettingsError for one that cannot be read.
    """

    def beside(name: str) -> RuleFile:
        own = rules_file.with_name(name)
        return _rule_file(own if own.exists() else shipped("config") / name)

    return RuleTexts(_rule_file(rules_file), beside("figures.toml"), beside("places.toml"))


def _rule_file(path: Path) -> RuleFile:
    return RuleFile(str(path), toml_text(path))


def rules(rules_file: Path) -> tuple[Rules, RuleTexts]:
    """The rules and their texts, by whose hash they are known. Raises SettingsError with file, line, column, mend."""
    texts = rule_texts(rules_file)
    return compile_rules(texts), texts
