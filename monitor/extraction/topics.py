"""Topics by their words: terms in all their forms, the phrases in which they mean something else, hashtags, patterns.

A term matches word by word, the longest first; hyphens part words, so that «Курск-Суджа» holds both. An exception takes
its words out; a word of `unless` in the same sentence does so too, but for the terms of `sure`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import re2

from monitor.errors import SettingsError
from monitor.extraction.document import RuleFile
from monitor.extraction.forms import Forms, spread
from monitor.extraction.linear import linear, words_in
from monitor.extraction.normal import Normal, fold
from monitor.extraction.tokens import without_links
from monitor.model import Span

KEYS = {"lemmas", "forms", "except", "unless", "sure", "hashtags", "patterns", "figures", "gazetteer", "flag"}
_WORD = re.compile(r"[^\W_]+")
_END = re.compile(r"[.!?…](?=\s|$)|\n")
_SHORT = 3


class Word(NamedTuple):
    """A word of a text: folded, and where it stands in the normal text."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """The words of a normal text, in order; hyphens and apostrophes part them."""
    return [Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(without_links(text))]


class Terms:
    """Terms of one or several words by their first word, the longest first; a text with a term has a word of `rarest`."""

    def __init__(self, terms: Iterable[tuple[str, bool]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[Forms, ...], str]]] = {}
        parted = [(term, _parted(term, expand=expand)) for term, expand in terms]
        self.rarest = {form for _, parts in parted if len(parts) == 1 for form in parts[0]}
        for term, (first, *rest) in parted:
            if not any(forms & self.rarest for forms in (first, *rest)):
                self.rarest |= max((first, *rest), key=lambda forms: max(map(len, forms)))
            for form in first:
                self._by_first.setdefault(form, []).append((tuple(rest), term))
        for choices in self._by_first.values():
            choices.sort(key=lambda choice: -len(choice[0]))
        self.terms = len(parted)
        self.count = sum(map(len, self._by_first.values()))

    def at(self, words: Sequence[Word], place: int) -> tuple[int, str] | None:
        """How many words the longest term takes that begins at a place, and which it is."""
        for rest, term in self._by_first.get(words[place].text, ()):
            if place + len(rest) < len(words) and all(
                words[place + 1 + offset].text in forms for offset, forms in enumerate(rest)
            ):
                return 1 + len(rest), term
        return None

    def found(self, words: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
        """The terms in a text, as first word, number of words, term; none overlaps the one before."""
        firsts, done = self._by_first, 0
        for place in [place for place, word in enumerate(words) if word[0] in firsts]:
            hit = self.at(words, place) if place >= done else None
            if hit is not None:
                yield place, *hit
                done = place + hit[0]


def _parted(term: str, *, expand: bool) -> list[Forms]:
    """The forms of each word of a term; hyphens part words here as they do in texts."""
    return list(spread(" ".join(_WORD.findall(fold(term))), expand=expand))


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of words. `figures` are the kinds that make it; a `gazetteer` topic has its places elsewhere."""

    name: str
    terms: Terms
    exceptions: Terms
    unless: Terms
    sure: Terms
    hashtags: tuple[str, ...] = ()
    patterns: tuple[Any, ...] = ()
    figures: frozenset[str] = frozenset()
    gazetteer: bool = False
    raised: bool = True

    def read(self, normal: Normal, words: Sequence[Word]) -> list[Span]:
        """The places where a text, whose words are given too, shows this topic by its words and patterns."""
        spans = [
            Span(*normal.span(start, end), term) for start, end, term in self._by_words(normal.text, words)
        ]
        for pattern in self.patterns:
            spans += [
                Span(*normal.span(*found.span()), pattern.pattern)
                for found in pattern.finditer(normal.text)
                if found.end() > found.start()
            ]
        return sorted(set(spans))

    def _by_words(self, text: str, words: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
        surely = {place: count for place, count, _ in self.sure.found(words)}
        taken = {
            place + offset for place, count, _ in self.exceptions.found(words) for offset in range(count)
        }
        doubtful = _Doubts(text, words, self.unless)
        for place, count, term in self.terms.found(words):
            sure = place in surely
            if not sure and (place in taken or words[place].start in doubtful):
                continue
            last = place + max(count, surely.get(place, 1)) - 1
            yield words[place].start, words[last].end, term
        for word in words if self.hashtags else ():
            if (
                text[word.start - 1 : word.start] == "#"
                and self.terms.at([word], 0) is None
                and any(self._tagged(word.text, tag) for tag in self.hashtags)
            ):
                yield word.start, word.end, "#" + word.text

    @staticmethod
    def _tagged(word: str, tag: str) -> bool:
        return word.startswith(tag) and len(word) >= len(tag) + _SHORT


class _Doubts:
    """The sentences of a text in which one of the terms stands; a place in one of them is in here."""

    def __init__(self, text: str, words: Sequence[Word], terms: Terms) -> None:
        hits = [words[place].start for place, _, _ in terms.found(words)] if terms.count else []
        self._ends = [found.end() for found in _END.finditer(text)] if hits else []
        self._numbers = {bisect_right(self._ends, hit) for hit in hits}

    def __contains__(self, place: int) -> bool:
        return bisect_right(self._ends, place) in self._numbers


def gate_of(words: Iterable[str], tags: Iterable[str]) -> Any:
    """An expression that finds whether a text has one of these words or hashtags, in one pass; None if there are none."""
    whole = [f"(?:{words_in(sorted(words))})(?:$|[^\\pL\\pN])"] if words else []
    tagged = [f"#(?:{words_in(sorted(tags))})"] if tags else []
    return linear(rf"(?:^|[^\pL\pN])(?:{'|'.join([*whole, *tagged])})") if whole or tagged else None


def compile_topic(file: RuleFile, name: str, written: object, kinds: Iterable[str]) -> Topic:
    """A topic from its table. Raises SettingsError that names file, line, column and mend."""
    keys = ("topic", name)
    if not isinstance(written, dict):
        raise file.mistake(
            keys,
            None,
            what=f"[topic.{name}] is no table",
            why="a topic holds lists of words",
            mend=f"write a table [topic.{name}]",
        )
    for key, value in written.items():
        if key not in KEYS:
            raise file.mistake(
                (*keys, key),
                None,
                what=f"[topic.{name}] has the unknown key `{key}`",
                why=f"it takes {', '.join(sorted(KEYS))}",
                mend="mend or remove it",
            )
        _check(file, keys, key, value)
    _check_kinds(file, keys, written.get("figures", ()), frozenset(kinds))
    terms = [(term, True) for key in ("lemmas", "sure") for term in written.get(key, ())] + [
        (term, False) for term in written.get("forms", ())
    ]
    sure = Terms((term, True) for term in written.get("sure", ()))
    found = Terms(terms)
    tags = tuple(fold(tag) for tag in written.get("hashtags", ()))
    topic = Topic(
        name=name,
        terms=found,
        exceptions=Terms((term, True) for term in written.get("except", ())),
        unless=Terms((term, True) for term in written.get("unless", ())),
        sure=sure,
        hashtags=tags,
        patterns=tuple(_pattern(file, keys, pattern) for pattern in written.get("patterns", ())),
        figures=frozenset(written.get("figures", ())),
        gazetteer=bool(written.get("gazetteer")),
        raised=bool(written.get("flag", True)),
    )
    if not (topic.terms.count or topic.patterns or topic.figures or topic.gazetteer or topic.hashtags):
        raise file.mistake(
            keys,
            None,
            what=f"[topic.{name}] matches nothing",
            why="it has no lemmas, forms, hashtags, patterns, figures or gazetteer",
            mend="add at least one",
        )
    return topic


def _check(file: RuleFile, keys: tuple[str, ...], key: str, value: object) -> None:
    if key in ("gazetteer", "flag"):
        if not isinstance(value, bool):
            raise file.mistake(
                (*keys, key),
                value,
                what=f"[{'.'.join(keys)}] `{key}` is {value!r}",
                why="it is true or false",
                mend=f"write {key} = true",
            )
        return
    if not isinstance(value, list):
        raise _no_list(file, keys, key, value)
    for term in value:
        if not isinstance(term, str) or not re.search(r"[^\W_]", term):
            raise _no_list(file, keys, key, term)


def _no_list(file: RuleFile, keys: tuple[str, ...], key: str, value: object) -> SettingsError:
    return file.mistake(
        (*keys, key),
        value,
        what=f"[{'.'.join(keys)}] `{key}` is no list of words",
        why=f"it holds {value!r}"[:200],
        mend=f'write {key} = ["…", "…"]',
    )


def _check_kinds(
    file: RuleFile, keys: tuple[str, ...], written: Iterable[str], kinds: frozenset[str]
) -> None:
    for kind in written:
        if kind not in kinds:
            raise file.mistake(
                (*keys, "figures"),
                kind,
                what=f"there is no kind of figure `{kind}`",
                why=f"figures.toml has {', '.join(sorted(kinds)) or 'none'}",
                mend="choose one of these",
            )


def _pattern(file: RuleFile, keys: tuple[str, ...], written: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(written, options)
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise file.mistake(
            (*keys, "patterns"),
            written,
            what=f"the pattern {written!r} is no RE2 expression",
            why=why,
            mend="mend it; RE2 has no look-around and no back-references",
        ) from error


def topics_table(file: RuleFile) -> Mapping[str, Any]:
    """The tables of all topics. Raises SettingsError for a file that holds something else, or none."""
    document = file.table()
    stray = sorted(set(document) - {"topic"})
    if stray:
        raise file.mistake(
            (stray[0],),
            None,
            what=f"unknown table `{stray[0]}`",
            why="rules have [topic.NAME] alone",
            mend="remove or rename it",
        )
    topics = document.get("topic")
    if not isinstance(topics, dict) or not topics:
        raise file.mistake(
            ("topic",),
            None,
            what="there is no topic",
            why="without one nothing is ever flagged",
            mend="write a table [topic.NAME]",
        )
    return topics
