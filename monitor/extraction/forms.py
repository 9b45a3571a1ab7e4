"""Terms of the rules spread out to all their word forms, once, when rules are loaded.

The dictionaries are those of pymorphy3 for Russian and Ukrainian. A word that they do not know is spread out as its
ending suggests; one without Cyrillic letters stands for itself.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import pymorphy3

from monitor.extraction.normal import fold

Forms = frozenset[str]
_UKRAINIAN, _RUSSIAN = re.compile("[іїєґ']"), re.compile("[ыэъ]")
_CYRILLIC = re.compile("[а-яіїєґ]")
# Ukrainian adjectives of places, whose forms can be guessed; other guesses there are mostly wrong.
_REGULAR = ("ський", "зький", "цький")
_PIECES = re.compile(r"[^\s.,/]+|[.,/]")


@cache
def _dictionary(language: str) -> Any:
    return pymorphy3.MorphAnalyzer(lang=language)


def _languages(word: str) -> Iterable[str]:
    if not _CYRILLIC.search(word):
        return ()
    if _UKRAINIAN.search(word):
        return ("uk",)
    return ("ru",) if _RUSSIAN.search(word) else ("ru", "uk")


def _plain(word: str) -> str:
    """A word of a dictionary, which is in small letters already, as it stands in a normal text."""
    return word.replace("ё", "е").replace("’", "'")


@cache
def forms_of(lemma: str) -> Forms:
    """Every form of one word, folded, itself among them.

    A word that the dictionaries know in another form only («боевая», a participle) has the forms of that one.
    """
    word = fold(lemma)
    forms, guessed = {word}, set[str]()
    for language in _languages(word):
        parses = _dictionary(language).parse(word)
        known = [parse for parse in parses if parse.is_known]
        own = [parse for parse in known if _plain(parse.normal_form) == word]
        forms |= {_plain(form.word) for parse in own or known[:1] for form in parse.lexeme}
        plain = "-" not in word and (language == "ru" or word.endswith(_REGULAR))
        if not known and plain and _plain(parses[0].normal_form) == word:
            guessed |= {_plain(form.word) for form in parses[0].lexeme}
    return frozenset(forms if len(forms) > 1 else forms | guessed)


@cache
def _nouns(lemma: str) -> list[tuple[str, frozenset[str]]]:
    """The forms of a word of the dictionaries with their grammemes."""
    word = fold(lemma)
    return [
        (_plain(form.word), form.tag.grammemes)
        for language in _languages(word)
        for parse in _dictionary(language).parse(word)
        if parse.is_known and _plain(parse.normal_form) == word
        for form in parse.lexeme
    ]


def plural_forms(lemma: str) -> Forms:
    """The forms of a noun that are plural and never singular, folded."""
    found = _nouns(lemma)
    return frozenset(form for form, tags in found if "plur" in tags) - {
        form for form, tags in found if "sing" in tags
    }


def counted_forms(lemma: str) -> Forms:
    """The forms of a noun that can stand beside five and more: plural, but not its nominative; folded."""
    return frozenset(
        form for form, tags in _nouns(lemma) if "plur" in tags and not {"nomn", "accs", "voct"} & tags
    )


def genitive_forms(lemma: str) -> Forms:
    """The genitive of the plural of a noun («танков», «человек»), folded."""
    return frozenset(form for form, tags in _nouns(lemma) if {"plur", "gent"} <= tags)


def feminine_forms(lemma: str) -> Forms:
    """The forms of an adjective that are never of men or of many («военной», «военное»), folded."""
    found = _nouns(lemma)
    people = {form for form, tags in found if {"masc", "plur"} & tags}
    return frozenset(form for form, tags in found if {"femn", "neut"} & tags) - people


def singular_form(lemma: str) -> Forms:
    """The noun itself, folded, unless some form of its plural is the same («человек», «солдат»)."""
    found = _nouns(lemma)
    return frozenset({fold(lemma)} if found else ()) - {form for form, tags in found if "plur" in tags}


def words_of(term: str) -> tuple[str, ...]:
    """The words and points of a term as they stand in a normal text."""
    return tuple(_PIECES.findall(fold(term)))


def spread(term: str, *, expand: bool) -> tuple[Forms, ...]:
    """For each word of a term the forms that match it; the word alone where it is not to be expanded."""
    return tuple(forms_of(word) if expand else frozenset({word}) for word in words_of(term))
