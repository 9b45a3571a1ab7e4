"""How one text is read, step by step, in words for a person who writes rules."""

from collections.abc import Iterator

from monitor.extraction.figures import figures_of
from monitor.extraction.lexicon import Entry
from monitor.extraction.normal import normalise
from monitor.extraction.quantities import quantities_of
from monitor.extraction.rules import Rules
from monitor.extraction.tokens import Token, tokens_of
from monitor.model import Figure

Step = tuple[str, list[str]]
_ROLES = {
    "kind": "kind", "cues": "cue", "side": "side", "stance": "stance", "verb": "verb", "qualifier": "qualifier",
    "number": "number", "multiplier": "multiplier", "vague": "vague", "scope": "scope",
}  # fmt: skip
_MARKS = {
    "weak": "weak",
    "military": "military",
    "civil": "civil",
    "near": "veto",
    "before": "veto",
    "halts": "veto",
}


def explain(rules: Rules, text: str) -> Iterator[Step]:
    """Each step of reading a text: its title, and what came of it."""
    normal = normalise(text)
    changed = [] if normal.text == text.lower() else [f"{text!r} → {normal.text!r}"]
    yield "normal text", changed or ["as it stands, in small letters"]
    tokens = tokens_of(normal, rules.lexicon)
    yield "words of the rules", [_told(token) for token in tokens if _roles(token.entry)] or ["none"]
    passes = rules.gate.passes(normal.text, normal.text.encode("utf-8", "surrogatepass"))
    yield (
        "numbers",
        [_quantity(tokens, q.first, q.last, _bounds(q.low, q.high)) for q in quantities_of(tokens)]
        or ["none"],
    )
    found = list(figures_of(tokens, rules.lexicon)) if passes else []
    lines = [
        f"{figure_line(normal.text[f.start : f.end], f)}: {counted.term or 'no word'} {counted.way}; {', '.join(counted.why)}"
        for f, counted in found
    ]
    yield "figures", lines or ["none" if passes else "none: no number stands near a word that is counted"]
    reading = rules.read(text)
    yield (
        "topics",
        [
            f"{flag.topic}{'' if flag.raised else ' (not flagged)'}: "
            + ", ".join(f"«{text[s.start : s.end]}» by {s.term}" for s in flag.spans)
            for flag in reading.flags
        ]
        or ["none"],
    )


def figure_line(quote: str, figure: Figure) -> str:
    """A figure in one line: its words, kind, bounds, qualifier, side, and over what time."""
    more = [figure.scope.value] if figure.scope else []
    more += [f"since {figure.since}"] if figure.since else []
    more += [f"called {figure.stance.value}"] if figure.stance else []
    tail = f" ({', '.join(more)})" if more else ""
    return (
        f"«{quote}» {figure.kind} {_bounds(figure.low, figure.high)} {figure.qualifier} {figure.side}{tail}"
    )


def _bounds(low: float | None, high: float | None) -> str:
    if low == high and low is not None:
        return f"{low:g}"
    return f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"


def _quantity(tokens: list[Token], first: int, last: int, bounds: str) -> str:
    return f"«{' '.join(token.text for token in tokens[first : last + 1])}» {bounds}"


def _told(token: Token) -> str:
    return f"{token.text}: {', '.join(_roles(token.entry))}"


def _roles(entry: Entry) -> list[str]:
    roles = []
    for name, word in _ROLES.items():
        value = getattr(entry, name)
        if value is not None and value != ():
            roles.append(f"{word} {'/'.join(value) if isinstance(value, tuple) else value}")
    return roles + [word for name, word in _MARKS.items() if getattr(entry, name)]
