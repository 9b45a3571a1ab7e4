"""All rules of a ruleset, compiled for reading.

The order: a text is made normal; then each topic's words are sought in it, its figures are read if it may hold any,
and its places; a topic of figures is found where a figure of its kinds is.
"""

from dataclasses import dataclass, replace
from typing import Any

from monitor.extraction.document import RuleTexts
from monitor.extraction.figures import figures_of
from monitor.extraction.gate import Gate, gate_of
from monitor.extraction.lexicon import Lexicon, compile_lexicon
from monitor.extraction.normal import Normal, normalise
from monitor.extraction.places import Gazetteer, compile_gazetteer
from monitor.extraction.tokens import tokens_of
from monitor.extraction.topics import Topic, Word, compile_topic, topics_table, words_of
from monitor.extraction.topics import gate_of as words_gate
from monitor.model import Figure, Flag, Reading, Span
from monitor.words import counted

NOTHING = Reading()


@dataclass(frozen=True, slots=True)
class Rules:
    """All topics of a ruleset, and how its figures and places are read.

    `any` finds whether a text holds a word that matters at all, `words` one of a topic or place.
    """

    topics: tuple[Topic, ...]
    lexicon: Lexicon
    gazetteer: Gazetteer
    gate: Gate
    any: Any
    words: Any
    patterned: bool
    troop_kinds: frozenset[str]

    def read(self, text: str) -> Reading:
        """What a text says, by these rules; places are characters of the text as given."""
        normal = normalise(text)
        encoded = normal.text.encode("utf-8", "surrogatepass")
        if not self.patterned and (self.any is None or self.any.search(encoded) is None):
            return NOTHING
        figures = self._figures(normal) if self.gate.passes(normal.text, encoded) else ()
        words = words_of(normal.text) if self.words is not None and self.words.search(encoded) else []
        flags = []
        for topic in self.topics:
            spans = self._spans(topic, normal, figures, words)
            if spans:
                flags.append(Flag(topic.name, tuple(spans), topic.raised))
        return Reading(tuple(flags), figures)

    def made_of(self, topic: Topic) -> str:
        """What a topic is found by, in a few words."""
        parts = (
            [f"{counted(topic.terms.terms, 'term')} in {counted(topic.terms.count, 'form')}"]
            if topic.terms.count
            else []
        )
        parts += [counted(len(topic.hashtags), "hashtag")] if topic.hashtags else []
        parts += [counted(len(topic.patterns), "pattern")] if topic.patterns else []
        parts += [f"{counted(len(topic.figures), 'kind')} of figures"] if topic.figures else []
        parts += [counted(self.gazetteer.count, "place")] if topic.gazetteer else []
        return ", ".join(parts)

    def _figures(self, normal: Normal) -> tuple[Figure, ...]:
        found = figures_of(tokens_of(normal, self.lexicon), self.lexicon)
        if not normal.pieces:
            return tuple(figure for figure, _ in found)
        return tuple(_placed(figure, normal) for figure, _ in found)

    def _spans(
        self, topic: Topic, normal: Normal, figures: tuple[Figure, ...], words: list[Word]
    ) -> list[Span]:
        spans = topic.read(normal, words)
        if topic.figures:
            spans += [Span(f.start, f.end, f.term) for f in figures if f.kind in topic.figures]
        if topic.gazetteer:
            spans += self.gazetteer.read(normal, words)
        return spans


def _placed(figure: Figure, normal: Normal) -> Figure:
    start, end = normal.span(figure.start, figure.end)
    return replace(figure, start=start, end=end)


def compile_rules(texts: RuleTexts) -> Rules:
    """Rules from the texts of their files. Raises SettingsError that names file, line, column and mend."""
    lexicon = compile_lexicon(texts.figures)
    topics = topics_table(texts.rules)
    compiled = tuple(compile_topic(texts.rules, name, table, lexicon.kinds) for name, table in topics.items())
    gazetteer = compile_gazetteer(texts.places)
    words = {word for topic in compiled for word in topic.terms.rarest}
    if any(topic.gazetteer for topic in compiled):
        words |= gazetteer.rarest
    tags = {tag for topic in compiled for tag in topic.hashtags}
    gate = gate_of(lexicon)
    return Rules(
        compiled,
        lexicon,
        gazetteer,
        gate,
        words_gate(words | gate.needed, tags),
        words_gate(words, tags),
        any(topic.patterns for topic in compiled),
        frozenset(name for name, kind in lexicon.kinds.items() if kind.troop),
    )
