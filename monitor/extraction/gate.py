"""Whether a text may hold a figure at all; most texts hold none, and are done with here.

The text's words become a row of letters, one for what each can be, on which two patterns tell whether a number stands
near a word that is counted. A weak one, or one of ground,
counts only where some word of the text is military.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.extraction.lexicon import Entry, Lexicon
from monitor.extraction.linear import linear, words_in

_WORD = re.compile(r"[^\W_]+(?:-\d+)?")
# n a number, h a word that is counted, w a weak one or one of ground, l losses, p «of them», s a measure of strength («рота»), q a bound, - any other.
SHORTEST = 3
_PLAINLY = re.compile(r"n[^hs]{0,6}[hs]|[hs][^n]{0,2}n|[hs].*np|l.{0,8}n|q.?s")
_WEAKLY = re.compile(r"n[^w]{0,6}w|w[^n]{0,2}n")


@dataclass(frozen=True, slots=True)
class Gate:
    """What each word can be, as a letter; and an expression for texts with any `counted` or any `military` word.

    A text that may hold a figure holds one of the words `needed`.
    """

    letters: Mapping[str, str]
    counted: Any
    military: Any
    needed: frozenset[str]

    def passes(self, text: str, encoded: bytes) -> bool:
        """Whether a normal text, given as UTF-8 too, may hold a figure."""
        military = _found(self.military, encoded)
        if not (military or _found(self.counted, encoded)):
            return False
        get = self.letters.get
        row = "".join(["n" if word[0].isdecimal() else get(word, "-") for word in _WORD.findall(text)])
        if _PLAINLY.search(row) is not None:
            return True
        return military and _WEAKLY.search(row) is not None


def _found(expression: Any, encoded: bytes) -> bool:
    return expression is not None and expression.search(encoded) is not None


def gate_of(lexicon: Lexicon) -> Gate:
    """The gate of a lexicon."""
    grounds = {name for name, kind in lexicon.kinds.items() if kind.ground}
    rules: list[tuple[str, Callable[[Entry], bool]]] = [
        ("q", lambda entry: entry.qualifier is not None),
        ("p", lambda entry: entry.part),
        ("l", lambda entry: "losses" in entry.cues),
        ("n", lambda entry: bool(entry.number or entry.multiplier or entry.vague)),
        ("w", lambda entry: entry.kind in grounds or (entry.kind is not None and entry.weak)),
        ("h", lambda entry: entry.kind not in {None, *grounds} and not entry.weak),
        ("s", lambda entry: entry.size),
    ]
    letters = {
        word: "w" if letter == "h" else letter for letter, wanted in rules for word in _ends(lexicon, wanted)
    }
    letters |= {word: letter for letter, wanted in rules for word in _single(lexicon, wanted)}
    # «к» and «т» are thousands only behind digits, which are numbers by themselves.
    letters = {word: letter for word, letter in letters.items() if letter != "n" or len(word) > 1}
    counted = {word for word, letter in letters.items() if letter in "hs"}
    military = set(_single(lexicon, _means_war))
    return Gate(letters, _expression(counted), _expression(military), frozenset(counted | military))


def _expression(words: Iterable[str]) -> Any:
    either = words_in(sorted(words))
    return linear(rf"(?:^|[^\pL])(?:{either})(?:$|[^\pL])") if either else None


def _means_war(entry: Entry) -> bool:
    return entry.military or "losses" in entry.cues or (entry.troop and not entry.weak)


def _single(lexicon: Lexicon, wanted: Callable[[Entry], bool]) -> Iterable[str]:
    """The words with such an entry."""
    return (form for form, entry in lexicon.words.items() if wanted(entry))


def _ends(lexicon: Lexicon, wanted: Callable[[Entry], bool]) -> Iterable[str]:
    """The last words of longer terms with such an entry; by themselves they may be anybody's («военная база»)."""
    for entry in lexicon.words.values():
        for rest, longer in entry.longer:
            if wanted(longer):
                yield from (last for last in rest[-1] if len(last) >= SHORTEST)
    for form, entry in lexicon.words.items():
        pieces = _WORD.findall(form)
        if len(pieces) > 1 and wanted(entry) and len(pieces[-1]) >= SHORTEST:
            yield pieces[-1]
