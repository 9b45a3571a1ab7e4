"""Words and numbers of a text with their places, folded so that a rule need not think of case or ё."""

import re
from typing import NamedTuple

# Digits in groups; or letters and digits (БМП-2, 11к) with inner hyphens and apostrophes, and between digits
# points and commas: «Курск,Суджа» are two words.
_WORD = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|[^\W_]+(?:(?:[-–’'ʼ]|(?<=\d)[.,](?=\d))[^\W_]+)*")
_FOLD = str.maketrans({"ё": "е", "’": "'", "ʼ": "'", "–": "-"})


class Word(NamedTuple):
    """A folded word and where it stands in the text, in characters, end excluded."""

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """Lower case, ё as е, one apostrophe, one hyphen; the same length as the text."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lowered.translate(_FOLD)


def words_of(text: str) -> list[Word]:
    """The words of a text, in order."""
    return [Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(fold(text))]
