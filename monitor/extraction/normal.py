"""A text as rules see it: small letters, ё as е, no hidden marks or look-alike letters, and each place's origin.

Most texts need nothing but small letters, and their places stay as they are. A text with hidden marks, stress
marks, letters of two alphabets in one word, or letters set apart (К У Р С К) goes through letter by letter; then
`pieces` say where each letter of the normal text comes from.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.extraction.linear import linear

# Soft hyphen, zero-width and direction marks, combining marks, variation selectors; none of them is seen.
_HIDDEN = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff9-\ufffb"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20e2\u20e4-\u20ff\ufe20-\ufe2f"
# Letters and digits of another shape: full-width, superscript, mathematical, circled, ligatures.
_SHAPES = "\u00aa\u00b2\u00b3\u00b9\u00ba\u02b0-\u02b8\u2070-\u209c\u2100-\u2115\u2117-\u214f\u2460-\u24ff\ua640-\ua69d\ufb00-\ufb06\uff01-\uff5e\U0001d400-\U0001d7ff\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"
_CYRILLIC = "\u0400-\u052f"
_STRANGE = (
    f"[{_MARKS}{_SHAPES}]|[\\pL\\pN][{_HIDDEN}]|[{_HIDDEN}][\\pL\\pN]"
    f"|[A-Za-z\u00c0-\u024f\u0370-\u03ff][{_CYRILLIC}]|[{_CYRILLIC}][A-Za-z\u00c0-\u024f\u0370-\u03ff]"
    r"|(?:^|[^\pL\pN])(?:\pL[ \x{00a0}_.*\-]){3,}\pL(?:[^\pL\pN]|$)"
    r"|(?:^|[^\pL\pN])[ABCEHIKMOPTXY]{4,}(?:[^\pL\pN]|$)"
)
# What makes the way through a text worth the while, in one pass; then the stretches that need it.
_ANY_STRANGE = linear(_STRANGE)
_TWO_ALPHABETS = (
    f"[A-Za-z\u00c0-\u024f\u0370-\u03ff](?=[{_CYRILLIC}])|[{_CYRILLIC}](?=[A-Za-z\u00c0-\u024f\u0370-\u03ff])"
)
_MASKED = re.compile(_TWO_ALPHABETS)
_SPOTS = (
    re.compile(f"[{_HIDDEN}{_MARKS}{_SHAPES}]|{_TWO_ALPHABETS}"),
    re.compile(r"(?<![^\W_])[ABCEHIKMOPTXY]{4,}(?![^\W_])"),
)
_SPACE = re.compile(r"\s")
_DROPPED = re.compile(f"[{_HIDDEN}{_MARKS}]")
_APART = re.compile(r"(?<![^\W_])(?:[^\W\d_][ \u00a0_.*-]){3,}[^\W\d_](?![^\W_])")
_WORD = re.compile(r"[^\W\d_]+")
_HAS_CYRILLIC = re.compile(f"[{_CYRILLIC}]")

# Letters that look alike in usual type, after Unicode's confusables; a Latin letter and the Cyrillic one like it.
_ALIKE = "Aа Aа aа BВ CС cс EЕ eе HН IІ iі KК kк MМ mм OО oо PР pр TТ tт XХ xх YУ yу ïї ÏЇ ëе ËЕ éе"
# In a word that is plainly Cyrillic these stand for others, too.
_LOOSELY = "nп uи rг bь hн NИ ăа ĂА äа ÄА àа áа èе êе îі íі ìі óо òо öо õо ôо ÖО ýу ÿу üи αа οо ρр νу ΑА ΒВ ΕЕ ΗН ΙІ ΚК ΜМ ΝН ΟО ΡР ΤТ ΧХ"
_LATIN_OF = (
    "Аa аa ВB СC сc ЕE еe НH ІI іi КK кk МM мm ОO оo РP рp ТT тt ХX хx УY уy ЅS ѕs ЈJ јj ԁd ԛq ԝw һh ѵv үy ԍg"
)
_TO_CYRILLIC = str.maketrans({pair[0]: pair[1] for pair in (_ALIKE + " " + _LOOSELY).split()})
_TO_LATIN = str.maketrans({pair[0]: pair[1] for pair in _LATIN_OF.split()})
_LATIN_ALIKE = frozenset(pair[0] for pair in _ALIKE.split())
_LATIN_LOOSELY = _LATIN_ALIKE | {pair[0] for pair in _LOOSELY.split()}
_CYRILLIC_ALIKE = frozenset(pair[0] for pair in _LATIN_OF.split())
_ONLY_CYRILLIC = re.compile(f"[{_CYRILLIC}](?<![{''.join(sorted(_CYRILLIC_ALIKE))}])")
_ONLY_LATIN = re.compile(f"[A-Za-z](?<![{''.join(sorted(_LATIN_ALIKE))}])")
_LATIN = re.compile("[A-Za-z]")
_ALIKE_WORD = re.compile(
    rf"(?<![^\W_])(?:[{''.join(sorted(_LATIN_ALIKE))}]+|[{''.join(sorted(_CYRILLIC_ALIKE))}]+)(?![^\W_])"
)
# Capitals that look Cyrillic are a word only from so many on: API, IBM and the like stay.
LONG = 4
_CAPITALS = frozenset("ABCEHIKMOPTXY")


class Piece(NamedTuple):
    """A stretch of a normal text: where it begins there and in the original; `end` for one letter of a changed word."""

    normal: int
    start: int
    end: int | None = None


@dataclass(slots=True)
class Normal:
    """A normal text, and the pieces that lead back to the original; none if every letter stands where it stood."""

    text: str
    original: str
    pieces: Sequence[Piece] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the normal text stands in the original, in characters, end excluded."""
        if not self.pieces or start >= end:
            return start, end
        first = self.pieces[bisect_right(self.pieces, start, key=_where) - 1]
        last = self.pieces[bisect_right(self.pieces, end - 1, key=_where) - 1]
        return (
            first.start if first.end is not None else first.start + start - first.normal,
            last.end if last.end is not None else last.start + end - last.normal,
        )


def _where(piece: Piece) -> int:
    return piece.normal


def normalise(text: str) -> Normal:
    """The normal form of a text of any length, with the places of its letters in the original."""
    if _ANY_STRANGE.search(text.encode("utf-8", "surrogatepass")) is not None:
        return _slow(text)
    small = _small(text)
    return Normal(small, text) if len(small) == len(text) else _slow(text)


def fold(word: str) -> str:
    """A word of the rules as it stands in a normal text."""
    return normalise(word).text.replace("’", "'").replace("ʼ", "'").replace("–", "-").replace("—", "-")


def utf16_offsets(text: str) -> list[int]:
    """For each character of a text, and for its end, the offset in UTF-16 units, as Telegram counts entities."""
    offsets, at = [], 0
    for letter in text:
        offsets.append(at)
        at += 2 if ord(letter) > 0xFFFF else 1  # noqa: PLR2004 - the last of the basic plane
    return [*offsets, at]


def character_of(offsets: Sequence[int], unit: int) -> int:
    """The character at a UTF-16 offset, by what `utf16_offsets` gave."""
    return max(bisect_right(offsets, unit) - 1, 0)


def _slow(text: str) -> Normal:
    """The text with each strange stretch made normal letter by letter; the rest is only made small."""
    used = _MASKED.search(text) is not None
    mask = _Mask(mostly=(used or _SPOTS[1].search(text) is not None) and _mostly_cyrillic(text), used=used)
    out: list[str] = []
    pieces: list[Piece] = []
    length = done = 0
    for start, end in [*_stretches(text, mask), (len(text), len(text))]:
        plain = _small(text[done:start])
        if len(plain) == start - done:
            pieces.append(Piece(length, done))
            out.append(plain)
            length += len(plain)
        else:
            length = _letters(text, range(done, start), out, pieces, length)
        letters, begins, ends = _clusters(text[start:end], start)
        joined = _together(letters, begins, ends)
        _unmask(joined, letters, mask)
        for letter, begin, stop in zip(letters, begins, ends, strict=True):
            small = _small(letter)
            pieces += [Piece(length + place, begin, stop) for place in range(len(small))]
            out.append(small)
            length += len(small)
        done = end
    return Normal("".join(out), text, pieces)


def _small(text: str) -> str:
    return text.lower().replace("ё", "е")


def _letters(text: str, places: range, out: list[str], pieces: list[Piece], length: int) -> int:  # noqa: PLR0917
    """Letters of which some are longer when small (İ), one by one; gives the length of the normal text with them."""
    for place in places:
        small = _small(text[place])
        pieces += [Piece(length + offset, place, place + 1) for offset in range(len(small))]
        out.append(small)
        length += len(small)
    return length


def _stretches(text: str, mask: "_Mask") -> list[tuple[int, int]]:
    """The words of a text that hold something strange, and letters that are set apart, in order."""
    found = [(match.start(), match.end()) for match in _APART.finditer(text)]
    for spots in (*_SPOTS, _ALIKE_WORD) if mask.used else _SPOTS:
        end = 0
        for spot in spots.finditer(text):
            if spot.start() >= end:
                start = spot.start()
                while start > end and not text[start - 1].isspace():
                    start -= 1
                gap = _SPACE.search(text, spot.end())
                end = gap.start() if gap else len(text)
                found.append((start, end))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _clusters(text: str, offset: int) -> tuple[list[str], list[int], list[int]]:
    """Letters with the marks upon them as one, hidden marks left out; й and ё are put together, stress is dropped."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, letter in enumerate(text, offset):
        if _DROPPED.match(letter):
            composed = unicodedata.normalize("NFC", letters[-1] + letter) if letters else ""
            if len(composed) == 1 and letter in "\u0306\u0308" and ends[-1] == place:
                letters[-1], ends[-1] = composed, place + 1
            continue
        plain = letter if letter.isascii() else unicodedata.normalize("NFKC", letter)
        for one in plain or letter:
            letters.append(one)
            starts.append(place)
            ends.append(place + 1)
    return letters, starts, ends


def _together(letters: list[str], starts: list[int], ends: list[int]) -> str:
    """Take out what stands between letters that are set apart (К У Р С К), in place; gives the text that remains."""
    joined = "".join(letters)
    gaps = {place for match in _APART.finditer(joined) for place in range(match.start() + 1, match.end(), 2)}
    if gaps:
        kept = [place for place in range(len(letters)) if place not in gaps]
        letters[:] = [letters[place] for place in kept]
        starts[:] = [starts[place] for place in kept]
        ends[:] = [ends[place] for place in kept]
    return "".join(letters)


def _mostly_cyrillic(text: str) -> bool:
    """Whether a text has more letters that can only be Cyrillic than such that can only be Latin; else, more at all."""
    words = " ".join(word for word in text.split() if "/" not in word)
    sure = len(_ONLY_CYRILLIC.findall(words)) - len(_ONLY_LATIN.findall(words))
    return sure > 0 or (sure == 0 and len(_HAS_CYRILLIC.findall(words)) > len(_LATIN.findall(words)))


class _Mask(NamedTuple):
    """Whether a text is mostly Cyrillic, and whether it uses look-alikes in some word at all."""

    mostly: bool
    used: bool


def _unmask(joined: str, letters: list[str], mask: _Mask) -> None:
    """Give words of two alphabets, and in a masked text those of look-alikes alone, the letters of one; in place."""
    for match in _WORD.finditer(joined):
        letters[match.start() : match.end()] = _unmasked(match.group(), mask)


def _unmasked(word: str, mask: _Mask) -> str:
    letters = set(word)
    cyrillic = {letter for letter in letters if _HAS_CYRILLIC.match(letter)}
    latin = letters - cyrillic
    if not latin:
        return (
            word.translate(_TO_LATIN)
            if mask.used and not mask.mostly and letters <= _CYRILLIC_ALIKE
            else word
        )
    if not cyrillic:
        alike = (letters <= _CAPITALS and len(word) >= LONG) or (mask.used and letters <= _LATIN_ALIKE)
        return word.translate(_TO_CYRILLIC) if alike and mask.mostly else word
    plainly = cyrillic - _CYRILLIC_ALIKE or (mask.mostly and latin <= _LATIN_ALIKE)
    if plainly and latin <= _LATIN_LOOSELY:
        return word.translate(_TO_CYRILLIC)
    return word.translate(_TO_LATIN) if cyrillic <= _CYRILLIC_ALIKE else word
