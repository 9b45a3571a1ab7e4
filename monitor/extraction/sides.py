"""Whose the things counted are.

The order: a side named within the figure («20 бойцов ВСУ»); the figure before in the same list; the part that a side
plays in the clause (who destroys is not who is destroyed, who gives does not keep, who tells is left out); the heading
of the list; at last the only side of the text that fits. «The enemy» is somebody only where the text says who.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from monitor.extraction.lexicon import Kind
from monitor.extraction.tokens import Token
from monitor.extraction.view import PEOPLE_CUES, Counted, View
from monitor.model import Side, Stance

Found = tuple[Side, Stance | None, str]
_OPPONENT = {Side.UKRAINE: Side.RUSSIA, Side.RUSSIA: Side.UKRAINE}
_PASSIVE = ("но", "ны", "на", "то", "ты", "ні")
_UKRAINIAN = re.compile("[іїєґ]")
# A side stands so near the verb that it does or suffers what the verb says.
_NEAR = 12
# «до взводу особового складу вагнерівців»: so many words after a figure may lead to its owner.
_OWNERS = 3
# One word in so many with a letter that only Ukrainian has makes a text Ukrainian; so many words open a text.
_SHARE, _OPENING = 10, 8
_LOSES_FIRST = 10
# So many words after a side its verb may stand.
_TELLING = 7
_BEING = frozenset({"were", "was", "been", "are", "be", "is", "being"})


class Whole:
    """What a whole text says of sides, found out once: whom it names, whom it only quotes, whom it speaks for."""

    def __init__(self, view: View) -> None:
        self.view = view

    @cached_property
    def named(self) -> list[Side]:
        """The sides that a text names at all, in order."""
        return list(dict.fromkeys(t.entry.side for t in self.view.tokens if t.entry.side is not None))

    @cached_property
    def doing(self) -> frozenset[Side]:
        """The sides that do more than tell."""
        return frozenset(side for _, side in _mentions(self.view, 0, len(self.view.tokens)))

    @cached_property
    def free(self) -> frozenset[Side]:
        """The sides that do more than tell and are no mere places."""
        mentions = _mentions(self.view, 0, len(self.view.tokens))
        return frozenset(side for place, side in mentions if not _is_place(self.view, place))

    @cached_property
    def given(self) -> bool:
        """Whether the text speaks of arms given to Ukraine."""
        gives = any("gives" in token.entry.verb for token in self.view.tokens)
        return gives and Side.UKRAINE in self.named

    @cached_property
    def own(self) -> Side:
        """The side that the text speaks for, by its language and by what it calls the other; unknown in English."""
        tokens = self.view.tokens
        if sum(bool(_UKRAINIAN.search(token.text)) for token in tokens) * _SHARE > len(tokens):
            return Side.UKRAINE
        if all(token.text.isascii() for token in tokens[:_OPENING]):
            return Side.UNKNOWN
        return Side.UKRAINE if any(map(_scorns, tokens)) else Side.RUSSIA


def _scorns(token: Token) -> bool:
    """Whether a word for Russian soldiers is one that only their enemies use («окупанти»)."""
    entry = token.entry
    return entry.side is Side.RUSSIA and entry.kind == "personnel" and not entry.weak


def side_of(whole: Whole, counted: Counted, previous: Counted | None, kind: Kind) -> Found:
    """The side, the stance where a text calls them enemy or ours, and by which rule."""
    view = whole.view
    stance = _stance(view, counted)
    named = _named(view, counted)
    if named is not None:
        return named[0], stance, named[1]
    if counted.head is None and previous is not None and stance is None:
        return previous.side, previous.stance, "as the one before"
    if stance is not None:
        return _of_stance(whole, stance), stance, f"called {stance.value}"
    if _continues(view, counted, previous) and previous is not None:
        return previous.side, previous.stance, "as the one before"
    start, end = view.sentence(counted.first)
    found = _by_part(whole, counted, start, end, kind=kind) or _by_heading(whole, counted)
    found = found or _of_text(whole, counted, previous)
    if not kind.people and kind.troop and whole.given and _is_for_ukraine(view, found[0], start, end):
        return Side.UKRAINE, None, "who receives"
    return found


def _named(view: View, counted: Counted) -> tuple[Side, str] | None:
    """The side that a figure's own words tell, and by which rule."""
    side = _within(view, counted)
    if side is not None:
        return side, "named with it"
    captor = _captor(view, counted) if counted.kind in PEOPLE_CUES else None
    if captor is not None:
        return _OPPONENT[captor], "opponent of who holds them"
    side = _behind(view, counted)
    return None if side is None else (side, "named after it")


def _is_for_ukraine(view: View, side: Side, start: int, end: int) -> bool:
    """Whether arms that another gives, or that nobody is named for in a sentence on giving, are Ukraine's."""
    here = view.tokens[start:end]
    asked = any("gives" in token.entry.verb for token in here) and any(
        t.entry.side is Side.UKRAINE for t in here
    )
    return side is Side.OTHER or (side is Side.UNKNOWN and asked)


def _within(view: View, counted: Counted) -> Side | None:
    """The side that a word of the figure names, or the owner right after it."""
    inside = view.tokens[counted.first : counted.last + 1]
    place = counted.last + 1
    while (after := view.at(place)) is not None and after.kind == "w" and counted.head is not None:
        if not after.entry.verb:
            inside = [*inside, after]
        place += 1
        if after.entry.kind != "personnel" or place > counted.last + _OWNERS:
            break
    return next((token.entry.side for token in reversed(inside) if token.entry.side is not None), None)


def _behind(view: View, counted: Counted) -> Side | None:
    """The side right behind a bare number («19 единиц украинской техники и 30 — российской», «<10 UA»)."""
    after = view.at(counted.last + 1)
    if after is not None and after.kind == "-":
        after = view.at(counted.last + 2)
    return after.entry.side if counted.head is None and after is not None and not after.entry.verb else None


def _captor(view: View, counted: Counted) -> Side | None:
    """Who holds the prisoners counted («из украинского плена», «попали в плен к ВСУ», «surrendered to Ukraine»)."""
    start, end = view.sentence(counted.first)
    told = view.captivities
    for place in told[bisect_left(told, start) : bisect_left(told, end)]:
        token = view.tokens[place]
        before, after, beyond = view.at(place - 1), view.at(place + 1), view.at(place + 2)
        if token.entry.captivity and before is not None and before.entry.side in _OPPONENT:
            return before.entry.side
        to = after is not None and after.entry.preposition and (token.entry.captivity or after.text == "to")
        if to and beyond is not None and beyond.entry.side in _OPPONENT:
            return beyond.entry.side
    return None


def _stance(view: View, counted: Counted) -> Stance | None:
    before = view.at(counted.first - 1)
    if before is not None and before.entry.stance is Stance.OWN:
        return Stance.OWN
    for token in view.tokens[counted.first : counted.last + 2]:
        if token.entry.stance is not None:
            return token.entry.stance
    return None


def _of_stance(whole: Whole, stance: Stance) -> Side:
    """Who the enemy is, if the text names one; «ours» are whom the text speaks for, if it names either."""
    if stance is Stance.OWN:
        return whole.own if any(side in _OPPONENT for side in whole.doing) else Side.UNKNOWN
    enemy = _OPPONENT.get(whole.own, Side.UNKNOWN)
    named = [side for side in whole.named if side in _OPPONENT]
    if len(named) == 1 and named[0] is not whole.own and named[0] in whole.doing:
        return named[0]
    return enemy if enemy in named else Side.UNKNOWN


def _continues(view: View, counted: Counted, previous: Counted | None) -> bool:
    """Whether a figure goes on with the list of the one before: same sentence, no side and no new clause between."""
    if previous is None or not view.same_sentence(previous.last, counted.first):
        return False
    if previous.side is Side.UNKNOWN and previous.stance is None:
        return False
    between = view.tokens[previous.last + 1 : counted.first]
    return not any(
        token.entry.side or token.entry.stance or ("loses" in token.entry.verb) for token in between
    )


def _by_part(whole: Whole, counted: Counted, start: int, end: int, *, kind: Kind) -> Found | None:
    """The part that a side plays in a stretch of text: losing, destroying, being given, or being there."""
    view = whole.view
    mentions = list(_mentions(view, start, end))
    if not mentions:
        return _by_stance(whole, counted, start)
    verb = _verb(view, counted, start, end)
    if verb is None or kind.ground or (verb[1] == "gives" and kind.people):
        return _subject(view, mentions, counted.first)
    place, role = verb
    if role == "loses":
        return _losing(whole, counted, mentions, place)
    if role == "gives":
        receiver = next((side for _, side in mentions if side is Side.UKRAINE), mentions[-1][1])
        return receiver, None, "who receives"
    return _destroyed(whole, counted, mentions, place)


def _losing(whole: Whole, counted: Counted, mentions: list[tuple[int, Side]], verb: int) -> Found:
    """Who loses: whoever is called enemy or ours beside the verb, named right after it, or nearest to it."""
    view = whole.view
    start, _ = view.sentence(counted.first)
    near = view.tokens[max(verb - 2, start) : verb + 3]
    called = next((token.entry.stance for token in near if token.entry.stance), None)
    if called is not None:
        return _of_stance(whole, called), called, f"called {called.value}"
    owner = view.at(verb + 1)
    if owner is not None and owner.entry.side is not None and verb < counted.first:
        return owner.entry.side, None, "whose losses"
    return _nearest(mentions, verb, "who loses")


def _by_stance(whole: Whole, counted: Counted, start: int) -> Found | None:
    """«Противник потерял 5 танков» counts the enemy's; «противник уничтожил 5 танков» those of whoever speaks."""
    view = whole.view
    called = [
        (place, view.tokens[place].entry.stance)
        for place in range(start, counted.first)
        if view.tokens[place].entry.stance
    ]
    if not called:
        return None
    place, stance = called[-1]
    verbs = [role for token in view.tokens[place + 1 : counted.first] for role in token.entry.verb]
    if stance is Stance.ENEMY and "destroys" in verbs and "loses" not in verbs:
        stance = Stance.OWN
    elif stance is Stance.OWN and "destroys" in verbs and "loses" not in verbs:
        stance = Stance.ENEMY
    return (_of_stance(whole, stance), stance, f"called {stance.value}") if stance else None


def _destroyed(whole: Whole, counted: Counted, mentions: list[tuple[int, Side]], verb: int) -> Found | None:
    """The side destroyed: the opponent of who does it before the verb, or of who the text speaks for."""
    view = whole.view
    before = [side for place, side in mentions if place < verb and verb - place <= _NEAR]
    by = [side for place, side in mentions if (word := view.at(place - 1)) is not None and word.text == "by"]
    if any(side not in _OPPONENT for side in before):
        return Side.OTHER, None, "far from this war"
    doer = by[0] if by else before[-1] if before else None
    if _is_passive(view, verb) and not by:
        doer = whole.own if whole.own in before else None
    if doer is not None and (verb < counted.first or by):
        return _OPPONENT[doer], None, "opponent of who destroys"
    free = [mention for mention in mentions if not _is_place(view, mention[0])]
    return _nearest(free, counted.first, "named near it") if free else None


def _is_passive(view: View, verb: int) -> bool:
    text = view.tokens[verb].text
    if text.isascii():
        before = view.at(verb - 1)
        return before is not None and before.text in _BEING
    return text.endswith(_PASSIVE)


def _subject(view: View, mentions: list[tuple[int, Side]], place: int) -> Found:
    """Whoever is there: the first side before the figure that is no mere place («в Украине»), else the nearest."""
    free = [mention for mention in mentions if not _is_place(view, mention[0])]
    clause = max((at for at in range(mentions[0][0], place) if view.tokens[at].kind == ";"), default=-1)
    before = [mention for mention in free if mention[0] < place]
    before = [mention for mention in before if mention[0] > clause] or before
    if before:
        return before[0][1], None, "named before it"
    return _nearest(free or mentions, place, "named near it")


def _is_place(view: View, place: int) -> bool:
    return any(token.entry.preposition for token in view.tokens[max(place - 2, 0) : place])


def _nearest(mentions: list[tuple[int, Side]], place: int, rule: str) -> Found:
    """The mention nearest to a place, those before it first."""
    best = min(
        mentions,
        key=lambda mention: (place - mention[0]) if mention[0] <= place else 3 * (mention[0] - place),
    )
    return best[1], None, rule


def _mentions(view: View, start: int, end: int) -> Iterator[tuple[int, Side]]:
    """The sides that a stretch names, without those that only tell («сообщили в Минобороны России»)."""
    for place in range(start, end):
        side = view.tokens[place].entry.side
        if (
            side is not None
            and not _tells(view, place, start)
            and not (place and view.tokens[place - 1].entry.maker)
        ):
            yield place, side


def _tells(view: View, place: int, start: int) -> bool:
    """Whether a side only tells: beside a word of telling, or before the colon of what it says."""
    if place and "loses" in view.tokens[place - 1].entry.verb:
        return False
    before = view.tokens[max(place - 3, start) : place]
    clause = max((at for at, token in enumerate(before, 1) if token.kind == ","), default=0)
    around = [*before[clause:], *view.tokens[place + 1 : place + 4]]
    if any("tells" in token.entry.verb for token in around) or _goes_on_to_tell(view, place):
        return True
    after = next((token for token in view.tokens[place + 1 : place + 4] if token.entry.side is None), None)
    before = view.tokens[start:place]
    return after is not None and after.kind == ":" and not any(token.entry.verb for token in before)


def _goes_on_to_tell(view: View, place: int) -> bool:
    """Whether the first thing a side does is to tell («российская сторона в первые часы говорила о 300 бойцах»)."""
    for token in view.tokens[place + 1 : place + 1 + _TELLING]:
        if token.entry.verb or token.kind not in "wm":
            return "tells" in token.entry.verb
    return False


def _verb(view: View, counted: Counted, start: int, end: int) -> tuple[int, str] | None:
    """The word nearest to a figure that says what part the sides play, those before it first."""
    found: list[tuple[int, int, str]] = []
    for place in range(start, end):
        for role in view.tokens[place].entry.verb:
            if role != "tells":
                away = counted.first - place if place <= counted.first else 3 * (place - counted.last)
                away -= _LOSES_FIRST if role == "loses" else 0
                found.append((away, place, role))
    if not found:
        return None
    _, place, role = min(found)
    return place, role


def _start(token: Token) -> int:
    return token.start


def _by_heading(whole: Whole, counted: Counted) -> Found | None:
    """The side of the line that heads the list."""
    view = whole.view
    heading = view.heading(counted.first)
    if not heading:
        return None
    start = bisect_left(view.tokens, heading[0].start, key=_start)
    stance = next((token.entry.stance for token in heading if token.entry.stance), None)
    mentions = list(_mentions(view, start, start + len(heading)))
    verbs = [
        (start + offset, role)
        for offset, token in enumerate(heading)
        for role in token.entry.verb
        if role != "tells"
    ]
    if mentions:
        active = [
            place
            for place, role in verbs
            if role == "destroys" and not view.tokens[place].text.endswith(_PASSIVE)
        ]
        before = [side for place, side in mentions if active and place < active[0]]
        if before and before[-1] in _OPPONENT:
            return _OPPONENT[before[-1]], stance, "opponent of the heading's"
        return mentions[-1][1], stance, "of the heading"
    return (_of_stance(whole, stance), stance, f"called {stance.value} by the heading") if stance else None


def _of_text(whole: Whole, counted: Counted, previous: Counted | None) -> Found:
    """The side of the figures before; else one named shortly before, or the only one of the text or its opponent."""
    if previous is not None and previous.side is not Side.UNKNOWN:
        return previous.side, previous.stance, "as the figures before"
    if len(whole.free) != 1:
        return _before(whole, counted) or (Side.UNKNOWN, None, "not named")
    side = next(iter(whole.free))
    verb = _verb(whole.view, counted, *whole.view.sentence(counted.first))
    if side is whole.own and side in _OPPONENT and verb is not None and verb[1] == "destroys":
        return _OPPONENT[side], None, "opponent of whom the text speaks for"
    return side, None, "the only side named"


def _before(whole: Whole, counted: Counted) -> Found | None:
    """The side that the sentence before spoke of, where this one only says «потеряли»."""
    start, end = whole.view.sentence(counted.first)
    verb = _verb(whole.view, counted, start, end)
    earlier, _ = whole.view.sentence(max(start - 2, 0))
    mentions = [m for m in _mentions(whole.view, earlier, start) if not _is_place(whole.view, m[0])]
    if not mentions or verb is None or verb[1] != "loses":
        return None
    return mentions[0][1], None, "named in the sentence before"
