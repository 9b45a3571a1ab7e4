"""Text → topics: pure, by rules that a person can read. No database, no network, no settings.

The order: a text is cut into words; words of a topic's exceptions are left out; what remains of the topic's
words, or a number and what it counts, is a span.
"""

from monitor.extraction.rules import Rules, compile_rules
from monitor.extraction.words import Word, words_of
from monitor.model import Flag

__all__ = ["Flag", "Rules", "Word", "compile_rules", "words_of"]
