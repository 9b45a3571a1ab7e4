"""Rules compiled for matching: every lemma spread out to its word forms once, when they are loaded.

A topic has `lemmas` (spread out by the Russian and Ukrainian dictionaries of pymorphy3), `forms` (taken as
they stand), `except` (phrases of lemmas in which its words mean something else) and `counts` (lemmas of
things; a number shortly before one is a match). What counts as a number is in the table `numbers`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pymorphy3

from monitor.errors import SettingsError
from monitor.extraction.document import RuleTexts
from monitor.extraction.words import Word, fold, words_of
from monitor.model import Flag, Reading, Span

# A number counts a thing that is at most so many words after it («11 новых немецких танков»: three).
REACH = 4
_TOPIC_KEYS = {"lemmas", "forms", "except", "counts"}
_NUMBER_KEYS = {"lemmas", "forms"}

Forms = frozenset[str]
Phrase = tuple[Forms, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its words, the phrases in which these mean something else, and the things it counts."""

    name: str
    words: Mapping[str, str]
    exceptions: tuple[Phrase, ...]
    counts: Mapping[str, str]

    def read(self, words: list[Word], numbers: Forms) -> Flag | None:
        """The flag that the words of a text earn, if any."""
        free = self._free(words)
        spans = [
            Span(word.start, word.end, self.words[word.text])
            for word, is_free in zip(words, free, strict=True)
            if is_free and word.text in self.words
        ]
        if self.counts:
            spans += self._counted(words, free, numbers)
        return Flag(self.name, tuple(sorted(spans))) if spans else None

    def _free(self, words: list[Word]) -> list[bool]:
        free = [True] * len(words)
        for phrase in self.exceptions:
            for start in range(len(words) - len(phrase) + 1):
                if all(words[start + i].text in forms for i, forms in enumerate(phrase)):
                    free[start : start + len(phrase)] = [False] * len(phrase)
        return free

    def _counted(self, words: list[Word], free: list[bool], numbers: Forms) -> list[Span]:
        spans = []
        for place, word in enumerate(words):
            if word.text in self.counts and free[place]:
                start = next(
                    (
                        i
                        for i in range(place - 1, max(place - 1 - REACH, -1), -1)
                        if _is_number(words[i], numbers)
                    ),
                    None,
                )
                if start is not None:
                    spans.append(Span(words[start].start, word.end, self.counts[word.text]))
        return spans


def _is_number(word: Word, numbers: Forms) -> bool:
    return word.text in numbers or (word.text[0].isdigit() and not any(c.isalpha() for c in word.text))


@dataclass(frozen=True, slots=True)
class Rules:
    """All topics of a ruleset."""

    topics: tuple[Topic, ...]
    numbers: Forms

    def read(self, text: str) -> Reading:
        """What a text says, by these rules."""
        words = words_of(text)
        found = (topic.read(words, self.numbers) for topic in self.topics)
        return Reading(tuple(flag for flag in found if flag is not None))


@cache
def _dictionaries() -> tuple[Any, ...]:
    return tuple(pymorphy3.MorphAnalyzer(lang=language) for language in ("ru", "uk"))


@cache
def forms_of(lemma: str) -> Forms:
    """Every form of a word, folded: by the dictionaries where they know it, else as it stands."""
    forms = {fold(lemma)}
    for dictionary in _dictionaries():
        for parse in dictionary.parse(lemma):
            if parse.is_known and fold(parse.normal_form) == fold(lemma):
                forms |= {fold(form.word) for form in parse.lexeme}
    return frozenset(forms)


def compile_rules(texts: RuleTexts) -> Rules:
    """Rules from the texts of their files. Raises SettingsError that names file, line, column and mend."""
    document = texts.rules.table()
    stray = sorted(set(document) - {"topic", "numbers"})
    if stray:
        raise SettingsError(
            f"unknown table `{stray[0]}`", "rules have [topic.NAME] and [numbers]", "remove or rename it"
        )
    topics = document.get("topic")
    if not isinstance(topics, dict) or not topics:
        raise SettingsError(
            "there is no topic", "without one nothing is ever flagged", "write a table [topic.NAME]"
        )
    numbers = _table(document.get("numbers", {}), "numbers", _NUMBER_KEYS)
    return Rules(
        tuple(_topic(name, table) for name, table in topics.items()),
        frozenset(_spread(numbers)),
    )


def _topic(name: str, written: object) -> Topic:
    table = _table(written, f"topic.{name}", _TOPIC_KEYS)
    words, counts = _spread(table), _spread({"lemmas": table.get("counts", [])})
    if not words and not counts:
        raise SettingsError(
            f"[topic.{name}] matches nothing", "it has no lemmas, forms or counts", "add at least one"
        )
    exceptions = tuple(
        tuple(forms_of(word.text) for word in words_of(phrase)) for phrase in table.get("except", [])
    )
    return Topic(name, words, exceptions, counts)


def _table(written: object, name: str, keys: Iterable[str]) -> Mapping[str, list[str]]:
    if not isinstance(written, dict):
        raise SettingsError(f"[{name}] is no table", "it holds lists of words", f"write a table [{name}]")
    for key, value in written.items():
        if key not in keys:
            raise SettingsError(
                f"[{name}] has the unknown key `{key}`",
                f"it takes {', '.join(sorted(keys))}",
                "mend or remove it",
            )
        if not isinstance(value, list) or not all(isinstance(word, str) and words_of(word) for word in value):
            raise SettingsError(
                f"[{name}] `{key}` is no list of words", f"it is {value!r}"[:200], f'write {key} = ["…", "…"]'
            )
    return written


def _spread(table: Mapping[str, list[str]]) -> dict[str, str]:
    """Each form, with the term of the rules that it comes from."""
    spread = {form: lemma for lemma in table.get("lemmas", []) for form in forms_of(lemma)}
    return spread | {fold(form): form for form in table.get("forms", [])}
