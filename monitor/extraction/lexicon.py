"""The words that figures rest on, as config/figures.toml has them: each form with the roles that it can play.

A word may have several roles («уничтожить»: it destroys, and makes a number of people killed). Terms of several words
hang on their first word, the longest first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from monitor.extraction.document import RuleFile
from monitor.extraction.forms import (
    Forms,
    counted_forms,
    feminine_forms,
    genitive_forms,
    plural_forms,
    singular_form,
    spread,
    words_of,
)
from monitor.model import Qualifier, Scope, Side, Stance


@dataclass(slots=True, eq=False)
class Entry:
    """What a word, or a term of several words, can be."""

    number: float | None = None
    multiplier: float | None = None
    plural: bool = False
    vague: float | None = None
    qualifier: Qualifier | None = None
    after: Qualifier | None = None
    opens: bool = False
    to: bool = False
    counting: bool = False
    kind: str | None = None
    term: str = ""
    weak: bool = False
    adjective: bool = False
    counted: bool = False
    genitive: bool = False
    cues: tuple[str, ...] = ()
    side: Side | None = None
    stance: Stance | None = None
    verb: tuple[str, ...] = ()
    scope: Scope | None = None
    military: bool = False
    civil: bool = False
    near: bool = False
    before: bool = False
    halts: bool = False
    stop: bool = False
    filler: bool = False
    part: bool = False
    each: bool = False
    short: bool = False
    collective: bool = False
    spoken: bool = False
    reaches: bool = False
    among: bool = False
    preposition: bool = False
    maker: bool = False
    size: bool = False
    troop: bool = False
    single: bool = False
    place: bool = False
    captivity: bool = False
    out_of: bool = False
    against: bool = False
    longer: list[tuple[tuple[Forms, ...], "Entry"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure: whether it is a troop kind, counts people, counts ground, or is numbered itself."""

    name: str
    troop: bool = False
    people: bool = False
    ground: bool = False
    numbered: bool = False
    scale: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words, by their forms, and the kinds."""

    words: Mapping[str, Entry]
    kinds: Mapping[str, Kind]
    cardinal: frozenset[str]


_KIND_KEYS = {
    "troop",
    "people",
    "ground",
    "numbered",
    "lemmas",
    "forms",
    "weak",
    "weak_forms",
    "as_adjective",
    "sizes",
    "kilometres",
}
_GRAMMAR = {
    "stops": "stop",
    "fillers": "filler",
    "parts": "part",
    "each": "each",
    "captivity": "captivity",
    "out_of": "out_of",
    "against": "against",
    "makers": "maker",
    "among": "among",
    "prepositions": "preposition",
    "abbreviations": "short",
    "collective": "collective",
}
_RANGE = {"open": "opens", "to": "to", "spoken": "spoken"}
_VETO = {"near": "near", "before": "before", "after": "halts"}
_KEYS = {
    "grammar": {*_GRAMMAR, "cardinal_endings", "names"},
    "range": {*_RANGE, "reach"},
    "veto": set(_VETO),
    "places": {"beside"},
}


class _Builder:
    """Reads the tables of a figures file into words."""

    def __init__(self, file: RuleFile) -> None:
        self._file = file
        self._table = file.table()
        self.words: dict[str, Entry] = {}

    def entries(self, term: str, *, expand: bool) -> Iterable[Entry]:
        """The entries of every first form of a term; of the whole term, where it has several words."""
        first, *rest = spread(term, expand=expand)
        for form in first:
            entry = self.words.setdefault(form, Entry())
            yield self._longer(entry, tuple(rest)) if rest else entry

    @staticmethod
    def _longer(entry: Entry, rest: tuple[Forms, ...]) -> Entry:
        for known, longer in entry.longer:
            if known == rest:
                return longer
        fresh = Entry()
        entry.longer.append((rest, fresh))
        return fresh

    def terms(self, *keys: str) -> Iterable[tuple[str, bool]]:
        """The terms of a table with `lemmas` and `forms`, and whether they are to be expanded."""
        table = self.table(*keys, allowed={"lemmas", "forms"})
        for key in ("lemmas", "forms"):
            for term in self.listed(table, key, keys):
                yield term, key == "lemmas"

    def all_entries(self, *keys: str) -> Iterable[Entry]:
        """The entries of all terms of a table."""
        for term, expand in self.terms(*keys):
            yield from self.entries(term, expand=expand)

    def table(self, *keys: str, allowed: Iterable[str] = ()) -> Mapping[str, Any]:
        """A table of the file; empty if it is not there."""
        found: Any = self._table
        for key in keys:
            found = found.get(key, {}) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise self._file.mistake(
                keys,
                None,
                what=f"[{'.'.join(keys)}] is no table",
                why="it holds lists of words",
                mend=f"write a table [{'.'.join(keys)}]",
            )
        stray = sorted(set(found) - set(allowed)) if allowed else []
        if stray:
            raise self._file.mistake(
                (*keys, stray[0]),
                None,
                what=f"[{'.'.join(keys)}] has the unknown key `{stray[0]}`",
                why=f"it takes {', '.join(sorted(allowed))}",
                mend="mend or remove it",
            )
        return found

    def listed(self, table: Mapping[str, Any], key: str, keys: tuple[str, ...]) -> list[str]:
        """A list of terms; each must hold a word."""
        value = table.get(key, [])
        if not isinstance(value, list):
            raise self._bad(keys, key, value)
        for term in value:
            if not isinstance(term, str) or not words_of(term):
                raise self._bad(keys, key, term)
        return value

    def _bad(self, keys: tuple[str, ...], key: str, value: object) -> Exception:
        return self._file.mistake(
            (*keys, key),
            value,
            what=f"[{'.'.join(keys)}] `{key}` is no list of words",
            why=f"it holds {value!r}"[:200],
            mend=f'write {key} = ["…", "…"]',
        )

    def names(self, key: str, known: Iterable[str]) -> Iterable[str]:
        """The tables below a table, all of them known."""
        allowed = list(known)
        return self.table(key, allowed=allowed)

    def numbers(self, key: str) -> Iterable[tuple[float, Mapping[str, Any], tuple[str, str]]]:
        """The tables below a table that are named by numbers."""
        for name in self.table(key):
            try:
                value = float(name)
            except ValueError as error:
                raise self._file.mistake(
                    (key, name),
                    None,
                    what=f"[{key}] has the key `{name}`",
                    why="its keys are numbers in quotes",
                    mend='write "12" = { … }',
                ) from error
            yield value, self.table(key, name, allowed={"lemmas", "forms", "vague"}), (key, name)

    def mark(self, name: str, roles: Mapping[str, str], *, expand: bool = False) -> None:
        """Enter the lists of a table, each for a role that a word has or has not."""
        self.table(name, allowed=_KEYS[name])
        for key, role in roles.items():
            for entry in self.listed_entries(name, key, expand=expand):
                setattr(entry, role, True)

    def listed_entries(self, name: str, key: str, *, expand: bool = False) -> Iterable[Entry]:
        """The entries of a list of terms in a table."""
        for term in self.listed(self.table(name), key, (name,)):
            yield from self.entries(term, expand=expand)

    def endings(self, key: str) -> frozenset[str]:
        """A list of endings of words."""
        return frozenset(self.listed(self.table("grammar"), key, ("grammar",)))

    def kind(self, name: str) -> Kind:
        """One kind, its words entered."""
        keys = ("kind", name)
        table = self.table(*keys, allowed=_KIND_KEYS)
        for key, expand, weak in (
            ("lemmas", True, False),
            ("forms", False, False),
            ("weak", True, True),
            ("weak_forms", False, True),
        ):
            for term in self.listed(table, key, keys):
                self._head(name, term, expand=expand, weak=weak, troop=bool(table.get("troop")))
        for term in self.listed(table, "as_adjective", keys):
            for form in feminine_forms(term):
                self.words.setdefault(form, Entry()).kind = None
            for entry in self.entries(term, expand=True):
                entry.adjective = True
        for term in self.listed(table, "sizes", keys):
            for entry in self.entries(term, expand=True):
                entry.size = True
        flags = {key: bool(table.get(key)) for key in ("troop", "people", "ground", "numbered")}
        return Kind(
            name,
            **flags,
            scale={
                form: value
                for term, value in table.get("kilometres", {}).items()
                for form in spread(term, expand=True)[0]
            },
        )

    def _head(self, name: str, term: str, *, expand: bool, weak: bool, troop: bool) -> None:
        counted = counted_forms(term) if expand and len(words_of(term)) == 1 else frozenset()
        genitive = genitive_forms(term) if counted else frozenset()
        single = singular_form(term) if counted else frozenset()
        first = spread(term, expand=expand)[0]
        for form, entry in zip(first, self.entries(term, expand=expand), strict=True):
            if entry.kind is None:
                entry.kind, entry.term = name, term
                entry.counted = form in counted or not (expand or form.isascii())
                entry.genitive = form in genitive or not (expand or form.isascii())
                entry.single = form in single
            if entry.kind == name:
                entry.weak, entry.troop = weak, troop


def compile_lexicon(file: RuleFile) -> Lexicon:
    """The words of a figures file. Raises SettingsError that names file, line, column and mend."""
    build = _Builder(file)
    build.table(
        allowed={
            "number",
            "multiplier",
            "vague",
            "qualifier",
            "after",
            "range",
            "counting",
            "kind",
            "cue",
            "side",
            "stance",
            "verb",
            "scope",
            "evidence",
            "veto",
            "places",
            "grammar",
        }
    )
    _numbers(build)
    for role, values in (
        ("qualifier", Qualifier),
        ("after", Qualifier),
        ("side", Side),
        ("stance", Stance),
        ("scope", Scope),
    ):
        for name in build.names(role, [value.value for value in values]):
            for entry in build.all_entries(role, name):
                if getattr(entry, role) is None:
                    setattr(entry, role, values(name))
    kinds = {name: build.kind(name) for name in build.table("kind")}
    _marks(build)
    for entry in build.words.values():
        entry.longer.sort(key=lambda pair: -len(pair[0]))
        for rest, longer in entry.longer:
            words = [[build.words[form] for form in forms if form in build.words] for forms in rest]
            _inherit(longer, [entry, *chain.from_iterable(words)], words[-1])
    return Lexicon(build.words, kinds, build.endings("cardinal_endings"))


def _inherit(longer: Entry, parts: list[Entry], last: list[Entry]) -> None:
    """A term of several words says what its words say, too: a military one, and for a time («за все втрати») what happened."""
    longer.collective = longer.collective or any(word.collective for word in last)
    longer.captivity = longer.captivity or any(word.captivity for word in last)
    longer.military = longer.military or any(part.military for part in parts)
    if longer.scope is not None:
        longer.cues = longer.cues or tuple(cue for part in parts for cue in part.cues)
        longer.verb = longer.verb or tuple(role for part in parts for role in part.verb)


def _numbers(build: _Builder) -> None:
    for role in ("number", "multiplier", "vague"):
        for value, table, keys in build.numbers(role):
            for key in ("lemmas", "forms", "vague"):
                for term in build.listed(table, key, keys):
                    plural = plural_forms(term) if key == "lemmas" else frozenset()
                    forms = spread(term, expand=key == "lemmas")[0]
                    for form, entry in zip(forms, build.entries(term, expand=key == "lemmas"), strict=True):
                        if value == 1 and form in plural:
                            continue
                        setattr(entry, role, value)
                        entry.plural = form in plural or key == "vague"


def _marks(build: _Builder) -> None:
    """The roles that a word merely has or has not."""
    for role, key in (("cues", "cue"), ("verb", "verb")):
        for name in build.table(key):
            for entry in build.all_entries(key, name):
                setattr(entry, role, (*getattr(entry, role), name))
    for entry in build.all_entries("counting"):
        entry.counting = True
    for name in build.names("evidence", ["military", "civil"]):
        for entry in build.all_entries("evidence", name):
            setattr(entry, name, True)
    build.mark("range", _RANGE)
    build.mark("range", {"reach": "reaches"}, expand=True)
    build.mark("veto", _VETO, expand=True)
    build.mark("places", {"beside": "place"})
    build.mark("grammar", _GRAMMAR)
    list(build.listed_entries("grammar", "names", expand=True))
