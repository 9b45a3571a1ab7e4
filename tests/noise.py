"""Noise that a reader does not see and a rule must not: look-alike letters, zero-width marks, stress, soft hyphens.

Noise only puts marks in and changes letters one for one, so that every place of a noised text is one of the clean.
"""

import random
import re
from collections.abc import Callable

LATIN_OF = dict(zip("аеорсухіАВЕКМНОРСТУХІ", "aeopcyxiABEKMHOPCTYXI", strict=True))
CYRILLIC_OF = {latin: cyrillic for cyrillic, latin in LATIN_OF.items()}
WIDTHLESS = "\u200b\u200c\u200d\u2060\ufeff"
STRESS, SOFT_HYPHEN = "\u0301", "\u00ad"
MARKS = frozenset(WIDTHLESS + STRESS + SOFT_HYPHEN)
_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = frozenset("аеиоуыэюяіїєaeiouy")


def _alike(word: str, rng: random.Random) -> str:
    """Three of ten letters that have a look-alike are it."""
    others = CYRILLIC_OF if word.isascii() else LATIN_OF
    return "".join(others[letter] if letter in others and rng.random() < 0.3 else letter for letter in word)


def _widthless(word: str, rng: random.Random) -> str:
    """A mark without width after three of twenty letters."""
    return "".join(letter + (rng.choice(WIDTHLESS) if rng.random() < 0.15 else "") for letter in word)


def _stressed(word: str, rng: random.Random) -> str:
    """A stress on one of the vowels of a word."""
    places = [place for place, letter in enumerate(word) if letter.lower() in _VOWELS]
    if not places:
        return word
    at = rng.choice(places) + 1
    return word[:at] + STRESS + word[at:]


def _hyphenated(word: str, rng: random.Random) -> str:
    """Soft hyphens inside, at one of five places between letters."""
    return word[0] + "".join((SOFT_HYPHEN if rng.random() < 0.2 else "") + letter for letter in word[1:])


_NOISES: dict[str, Callable[[str, random.Random], str]] = {
    "look-alikes": _alike,
    "zero-width": _widthless,
    "stress": _stressed,
    "soft hyphens": _hyphenated,
}
KINDS = (*_NOISES, "all together")


def noise(text: str, kind: str, rng: random.Random) -> str:
    """A text with noise of one of KINDS in its words."""
    for name, noised in _NOISES.items():
        if kind in (name, "all together"):
            text = _WORD.sub(lambda found, noised=noised: noised(found.group(), rng), text)  # type: ignore[misc]
    return text


def clean_place(noised: str, place: int) -> int:
    """Where a place of a noised text stands in the clean one."""
    return sum(letter not in MARKS for letter in noised[:place])
