"""The gazetteer: settlements by their written-out forms, with coordinates; a name needs its capital letters.

Many villages are called like common words, so that «Белая» is a place only where the text writes it large.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from monitor.extraction.document import RuleFile
from monitor.extraction.normal import Normal, fold
from monitor.extraction.topics import Word
from monitor.model import Span

_KEYS = {"name", "district", "region", "latitude", "longitude", "forms"}
_PIECE = re.compile(r"[^\W_]+")


class _Form(NamedTuple):
    """The rest of a form after its first word, which of its words are written large, and the place."""

    rest: tuple[str, ...]
    large: tuple[bool, ...]
    name: str
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Places by the first word of their forms, the longest first."""

    forms: Mapping[str, list[_Form]]
    rarest: frozenset[str]

    @property
    def count(self) -> int:
        """How many places there are."""
        return len({form.name for forms in self.forms.values() for form in forms})

    def read(self, normal: Normal, words: Sequence[Word]) -> Iterator[Span]:
        """The places that a text names, whose words are given too."""
        place = 0
        while place < len(words):
            found = None
            for form in self.forms.get(words[place].text, ()):
                stretch = words[place : place + 1 + len(form.rest)]
                if tuple(word.text for word in stretch[1:]) == form.rest and all(
                    not large or normal.original[normal.span(word.start, word.end)[0]].isupper()
                    for word, large in zip(stretch, form.large, strict=True)
                ):
                    found = form
                    yield Span(*normal.span(stretch[0].start, stretch[-1].end), form.name, form.at)
                    break
            place += 1 + len(found.rest) if found else 1


def compile_gazetteer(file: RuleFile) -> Gazetteer:
    """The places of a file. Raises SettingsError that names file, line, column and mend."""
    document = file.table()
    stray = sorted(set(document) - {"place"})
    entries = document.get("place", [])
    if stray or not isinstance(entries, list):
        key = stray[0] if stray else "place"
        raise file.mistake(
            (key,),
            None,
            what=f"`{key}` is unknown or has another form",
            why="the file holds [[place]] entries alone",
            mend="remove it",
        )
    forms: dict[str, list[_Form]] = {}
    rarest: set[str] = set()
    for entry in entries:
        _check(file, entry)
        for written in entry["forms"]:
            first, *rest = pieces = _PIECE.findall(fold(written))
            large = tuple(piece[0].isupper() for piece in _PIECE.findall(written))
            # The last name of several is the telling one: «Малая Локня», «Красная Яруга».
            rarest.add(
                next(
                    (piece for piece, big in zip(reversed(pieces), reversed(large), strict=True) if big),
                    pieces[-1],
                )
            )
            at = (float(entry["latitude"]), float(entry["longitude"]))
            forms.setdefault(first, []).append(_Form(tuple(rest), large, entry["name"], at))
    for choices in forms.values():
        choices.sort(key=lambda form: -len(form.rest))
    return Gazetteer(forms, frozenset(rarest))


def _check(file: RuleFile, entry: Any) -> None:
    name = entry.get("name") if isinstance(entry, dict) else entry
    if not isinstance(name, str) or not isinstance(entry, dict):
        raise file.mistake(
            ("place",),
            name,
            what=f"a place is {name!r}",
            why="each has a name in quotes",
            mend='write name = "…"',
        )
    stray = sorted(set(entry) - _KEYS)
    if stray:
        raise file.mistake(
            ("place", stray[0]),
            None,
            what=f"the place {name} has the unknown key `{stray[0]}`",
            why=f"it takes {', '.join(sorted(_KEYS))}",
            mend="mend or remove it",
        )
    for key, most in (("latitude", 90), ("longitude", 180)):
        value = entry.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > most:
            raise file.mistake(
                ("place",),
                name,
                what=f"the place {name} has the {key} {value!r}",
                why=f"it is a number of degrees up to {most}",
                mend=f"write {key} = 51.19",
            )
    written = entry.get("forms")
    if (
        not isinstance(written, list)
        or not written
        or not all(isinstance(form, str) and _PIECE.search(form) for form in written)
    ):
        raise file.mistake(
            ("place",),
            name,
            what=f"the place {name} has no list of forms",
            why="names are found by their written-out forms",
            mend='write forms = ["…", "…"]',
        )
