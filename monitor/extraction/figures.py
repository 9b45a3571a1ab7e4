"""Figures: of which kind a thing counted is, and whether it is a figure at all.

Words near it make people killed, wounded, captured or lost. Weak words («человек», «машина») count only where the text
around is military, ground only where it is taken, held or lost. Last, whose they are, and over what time.
"""

from collections.abc import Iterator
from dataclasses import replace

from monitor.extraction.counting import PEOPLE, counted_by
from monitor.extraction.lexicon import Kind, Lexicon
from monitor.extraction.quantities import quantities_of
from monitor.extraction.sides import Whole, side_of
from monitor.extraction.tokens import Token
from monitor.extraction.view import Counted, View
from monitor.model import Figure, Scope


def figures_of(tokens: list[Token], lexicon: Lexicon) -> Iterator[tuple[Figure, Counted]]:
    """The figures of a text with what they were made from; offsets are those of the normal text."""
    view = View(tokens)
    whole = Whole(view)
    previous: Counted | None = None
    people: Counted | None = None
    for quantity in quantities_of(tokens):
        found = counted_by(view, quantity, (previous, people), lexicon)
        name = _kind(view, found, previous, lexicon) if found is not None else None
        if found is None or name is None:
            continue
        kind = lexicon.kinds[name]
        counted = replace(found, kind=name, troop=kind.troop)
        side, stance, how = side_of(whole, counted, previous, kind)
        previous = replace(counted, side=side, stance=stance, why=(*counted.why, how))
        people = previous if name in PEOPLE else people
        yield _figure(view, previous, kind), previous


def _figure(view: View, counted: Counted, kind: Kind) -> Figure:
    tokens, quantity = view.tokens, counted.quantity
    low, high = quantity.low, quantity.high
    scale = kind.scale.get(tokens[counted.head].text, 1) if counted.head is not None else 1
    scope = view.scope(counted)
    return Figure(
        start=tokens[counted.first].start,
        end=tokens[counted.last].end,
        kind=kind.name,
        low=low if low is None else round(low * scale, 6),
        high=high if high is None else round(high * scale, 6),
        qualifier=quantity.qualifier,
        side=counted.side,
        stance=counted.stance,
        scope=scope,
        since=view.since(counted) if scope is Scope.SINCE else None,
        term=counted.term,
    )


def _kind(view: View, counted: Counted, previous: Counted | None, lexicon: Lexicon) -> str | None:
    """The kind of a figure; None where it is none."""
    kind = lexicon.kinds[counted.kind]
    if view.vetoed(counted):
        return None
    if kind.ground:
        return kind.name if view.on_ground(counted, kind.name, previous) else None
    if counted.way == "with the one before":
        return _kind_of_part(view, counted, kind)
    if counted.weak and not view.is_military(counted, kind, previous):
        return None
    if kind.name != "personnel":
        killed = kind.name == "captured" and view.killed_right_before(counted)
        return "killed" if killed else kind.name
    return view.cue_of(counted) or kind.name


def _kind_of_part(view: View, counted: Counted, kind: Kind) -> str:
    """A number without a word of its own is of the kind before, unless something else happened to these."""
    if kind.name not in PEOPLE:
        return kind.name
    return view.own_cue_of(counted) or kind.name
