"""Text → topics: pure, by rules that a person can read. No database, no network, no settings.

The order: a text is cut into words; words of a topic's exceptions are left out; what remains of the topic's
words, or a number and what it counts, is a span.
"""

from monitor.extraction.document import RuleFile, RuleTexts
from monitor.extraction.rules import Rules, compile_rules
from monitor.extraction.words import Word, words_of
from monitor.model import Figure, Flag, Reading

__all__ = ["Figure", "Flag", "Reading", "RuleFile", "RuleTexts", "Rules", "Word", "compile_rules", "words_of"]
