"""Text → topics and figures: pure, by rules that a person can read. No database, no network, no settings.

The order: a text is made normal (`normal`); topics are found by their words (`topics`), places by the gazetteer
(`places`); figures by tokens (`tokens`), quantities (`quantities`), what they count (`counting`, `nameless`,
`refusals`), of which kind that is (`figures`, `view`) and whose (`sides`), with the words of the rules (`lexicon`,
`forms`). `gate` spares most texts all of the latter. `explain` shows the steps, `scores` measures them on labelled
posts.
"""

from monitor.extraction.document import RuleFile, RuleTexts
from monitor.extraction.explain import explain
from monitor.extraction.rules import Rules, compile_rules
from monitor.model import Figure, Flag, Reading

__all__ = ["Figure", "Flag", "Reading", "RuleFile", "RuleTexts", "Rules", "compile_rules", "explain"]
