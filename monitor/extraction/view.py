"""A text's tokens as figures look at them: sentences, the cues near a figure, and how military the text around is."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from monitor.extraction.lexicon import Kind
from monitor.extraction.quantities import Quantity
from monitor.extraction.tokens import Token
from monitor.model import Qualifier, Scope, Side, Stance

PEOPLE_CUES = ("losses", "killed", "wounded", "captured", "personnel")
# How far from a figure the word may stand that tells what happened: after it in its clause, before it in its sentence.
AFTER, BEFORE = 8, 30
# So much of a sentence is looked at around a place, so that a text without any end of one costs no more.
LONGEST_BEFORE, LONGEST_AFTER = 120, 80
# A clause set off by commas, at most so long, stands between those counted and what happened to them.
CLAUSE = 20
# A crew or a company is smaller; in a text as military as that, so many people are soldiers.
MANY, VERY = 100, 4
# «15 раненых и один погибший солдат»: so near stands the word that both share.
LIST = 5
# A bracket between a number and what it counts is no longer.
LONGEST_BRACKET = 12
# One military word is in any report.
SOME = 2
# A list under a heading has at most so many items, each of at most so many words.
MOST_ITEMS, LONGEST_ITEM = 20, 30
_PARTICIPLES = (
    "вших",
    "ших",
    "щих",
    "нных",
    "мых",
    "тых",
    "вшие",
    "щие",
    "нные",
    "вший",
    "щий",
    "них",
    "лих",
    "ший",
)
_WHO = frozenset({"которые", "які", "что", "who", "which", "that", "которых", "яких"})
_DATE = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{2,4})")


@dataclass(frozen=True, slots=True)
class Counted:
    """A quantity and what it counts: `first` to `last` are the tokens of the figure, `head` the one that names it."""

    quantity: Quantity
    kind: str
    term: str
    first: int
    last: int
    head: int | None
    weak: bool
    way: str
    side: Side = Side.UNKNOWN
    stance: Stance | None = None
    why: tuple[str, ...] = field(default=())
    troop: bool = False


class View:
    """The tokens of one text, and the questions that reading figures asks of them."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self._starts: list[int] = []
        self._ends: dict[int, int] = {}
        self._headings: dict[int, list[Token]] = {}
        self._is_heading: dict[int, bool] = {}
        start = 0
        for place, token in enumerate(tokens):
            self._starts.append(start)
            if token.kind == "|":
                self._ends[start], start = place, place + 1
        self._ends[start] = len(tokens)

    @cached_property
    def military(self) -> int:
        """How many words of the text are military."""
        return sum(map(_is_military, self.tokens))

    @cached_property
    def vetoes(self) -> list[int]:
        """The places of words beside which nothing is a figure."""
        return [place for place, token in enumerate(self.tokens) if token.entry.near]

    @cached_property
    def captivities(self) -> list[int]:
        """The places of words on prisoners."""
        return [
            place
            for place, token in enumerate(self.tokens)
            if token.entry.captivity or "captured" in token.entry.cues
        ]

    @cached_property
    def english(self) -> bool:
        """Whether most words are in Latin letters."""
        words = [token.text.isascii() for token in self.tokens if token.kind == "w"]
        return sum(words) * 2 > len(words)

    @cached_property
    def civil(self) -> int:
        """How many words of the text are civil."""
        return sum(token.entry.civil for token in self.tokens)

    def at(self, place: int) -> Token | None:
        """The token at a place, if there is one."""
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def sentence(self, place: int) -> tuple[int, int]:
        """The first token of the sentence around a place, and the one after its last; of a very long one a part."""
        if place >= len(self.tokens):
            return len(self.tokens), len(self.tokens)
        start = self._starts[place]
        return max(start, place - LONGEST_BEFORE), min(self._ends[start], place + LONGEST_AFTER)

    def same_sentence(self, one: int, other: int) -> bool:
        """Whether no sentence ends between two places."""
        return self._starts[one] == self._starts[other]

    def closing(self, opening: int) -> int | None:
        """Where a bracket closes, if it does soon."""
        for place in range(opening + 1, min(opening + LONGEST_BRACKET, len(self.tokens))):
            if self.tokens[place].kind == ")":
                return place
        return None

    # --- what happened -------------------------------------------------------------------------------------------

    @staticmethod
    def people_cue(token: Token) -> str | None:
        """What a word says happened to people."""
        return next((cue for cue in PEOPLE_CUES if cue in token.entry.cues), None)

    def own_cue_of(self, counted: Counted) -> str | None:
        """The cue within a figure or right after it, in its own clause; for a bare number also right before it."""
        last = counted.head if counted.head is not None else counted.last
        for place in range(counted.quantity.last + 1, last):
            cue = self.people_cue(self.tokens[place])
            if cue is not None:
                return cue
        found = self.people_cue_after(counted.last + 1)
        if found is None and counted.head is None:
            before = self.tokens[max(counted.first - 2, 0) : counted.first]
            found = next((cue for token in reversed(before) if (cue := self.people_cue(token))), None)
        return found

    def people_cue_after(self, start: int, *, over: bool = True) -> str | None:
        """What a clause says happened to those named right before a place; it looks `over` one clause in between."""
        for place in range(start, min(start + AFTER, len(self.tokens))):
            token = self.tokens[place]
            if token.kind == ",":
                return self._cue_after_clause(place) if over else None
            if token.kind in ";|(:" or self._counts(token):
                return None
            cue = self.people_cue(token)
            if cue is not None:
                follows = self.at(place + 1)
                of_next = follows is not None and self._counts(follows) and not token.text.isascii()
                return None if of_next else cue
        return None

    def _cue_after_clause(self, comma: int) -> str | None:
        """The cue in a clause that describes those counted («…, погибших в боях»), or after it («…, призванных оттуда, погибли»)."""
        first = self.at(comma + 1)
        if first is None or first.kind != "w" or (first.text.isascii() and not first.entry.stop):
            return None
        if first.text in _WHO:
            return self.people_cue_after(comma + 2, over=False)
        if not first.text.split()[0].endswith(_PARTICIPLES):
            return None
        return self.people_cue_after(comma + 1, over=False) or self._cue_beyond(comma + 2)

    def _cue_beyond(self, start: int) -> str | None:
        """The cue after the comma that closes a clause."""
        for place in range(start, min(start + CLAUSE, len(self.tokens))):
            if self.tokens[place].kind in ",|":
                return (
                    self.people_cue_after(place + 1, over=False) if self.tokens[place].kind == "," else None
                )
        return None

    @staticmethod
    def _counts(token: Token) -> bool:
        return token.kind == "n" or token.entry.number is not None or token.entry.vague is not None

    def cue_of(self, counted: Counted) -> str | None:
        """What happened to the people counted: the cue of their own, else the nearest before in the sentence."""
        own = self.own_cue_of(counted)
        before = self.at(counted.first - 1)
        doing = self.people_cue(before) if before is not None else None
        if own is not None and (doing in (None, "personnel") or own != "personnel"):
            return own
        start, _ = self.sentence(counted.first)
        for place in range(counted.first - 1, max(start, counted.first - BEFORE) - 1, -1):
            if self.tokens[place].kind == ";":
                break
            cue = self.people_cue(self.tokens[place])
            if cue is not None:
                return cue
        return next(
            (cue for token in reversed(self.heading(counted.first)) if (cue := self.people_cue(token))), None
        )

    def heading(self, place: int) -> list[Token]:
        """The line with a colon at its end that heads the list in which a place stands; empty if there is none."""
        start, _ = self.sentence(place)
        found = self._headings.get(start)
        if found is None:
            found = self._headings[start] = self._heading_before(start)
        return found

    def _heading_before(self, start: int) -> list[Token]:
        for _ in range(MOST_ITEMS):
            if start == 0:
                return []
            end = start
            start, _ = self.sentence(max(end - 2, 0))
            if self._heads(start, end):
                return self.tokens[start:end]
            if end - start > LONGEST_ITEM:
                return []
        return []

    def _heads(self, start: int, end: int) -> bool:
        """Whether a line heads those after it; each of a long list's lines asks it of the twenty before."""
        if start not in self._is_heading:
            line = self.tokens[start:end]
            self._is_heading[start] = any(token.kind == ":" for token in line[-4:]) or any(
                "losses" in token.entry.cues for token in line
            )
        return self._is_heading[start]

    # --- whether it is a figure ----------------------------------------------------------------------------------

    def vetoed(self, counted: Counted) -> bool:
        """Whether a word of the sentence says that this is no figure of force."""
        start, end = self.sentence(counted.first)
        at = bisect_left(self.vetoes, start)
        return at < len(self.vetoes) and self.vetoes[at] < end

    def killed_right_before(self, counted: Counted) -> bool:
        """Whether prisoners are said to be killed («казнили 56 пленных»)."""
        before = self.at(counted.first - 1)
        return before is not None and self.people_cue(before) == "killed"

    def on_ground(self, counted: Counted, kind: str, previous: Counted | None) -> bool:
        """Whether the sentence tells of ground taken, held or lost, and not of how far things lie apart.

        An area after another one in this sentence or the one before goes on with it.
        """
        start, end = self.sentence(counted.first)
        if kind == "area" and previous is not None and previous.kind == kind:
            return previous.last >= self.sentence(max(start - 2, 0))[0]
        near = [self.at(counted.first - 1), self.at(counted.first - 2), self.at(counted.last + 1)]
        if kind == "distance":
            if near[0] is not None and "advance" in near[0].entry.cues:
                return True
            if any(token is not None and token.entry.place for token in near):
                return False
            return any("advance" in token.entry.cues for token in self.tokens[start:end])
        return any("ground" in token.entry.cues for token in self.tokens[start:end])

    def is_military(self, counted: Counted, kind: Kind, previous: Counted | None) -> bool:
        """Whether a weak word is read: by the words of its sentence, or by the figure before in it."""
        start, end = self.sentence(counted.first)
        inside = self.tokens[counted.first : counted.last + 1]
        heading = self.heading(counted.first)
        listed = any(token.kind == ":" for token in heading[-2:])
        around = [
            *(heading if listed else ()),
            *self.tokens[start : counted.first],
            *self.tokens[counted.last + 1 : end],
        ]
        military = sum(map(_is_military, around))
        civil = sum(token.entry.civil for token in around)
        if self._follows_people(counted, previous) and civil == 0:
            return True
        head = self.at(counted.head) if counted.head is not None else None
        owner = any(
            token.entry.side or token.entry.stance or token.entry.military
            for token in inside
            if token is not head
        )
        if kind.people or kind.name in ("killed", "wounded"):
            return self._are_soldiers(counted, around, military=military + owner, civil=civil)
        if kind.numbered:
            formed = counted.quantity.spelled or counted.quantity.qualifier is not Qualifier.EXACT
            return owner or military > civil or (formed and civil == 0 and self._text_is_military())
        if kind.name == "losses":
            return civil == 0 and (owner or military > 0 or any(token.entry.side for token in around))
        return (owner or military >= civil) and self._text_is_military()

    def _follows_people(self, counted: Counted, previous: Counted | None) -> bool:
        """Whether the figure before, in this sentence or the one before it, counts soldiers."""
        if previous is None or (previous.kind not in PEOPLE_CUES and (previous.weak or not previous.troop)):
            return False
        start, _ = self.sentence(counted.first)
        return previous.last >= self.sentence(max(start - 2, 0))[0]

    def _are_soldiers(self, counted: Counted, around: list[Token], *, military: int, civil: int) -> bool:
        """People are soldiers beside soldiers or losses of a side; killed and wounded ones need that more plainly."""
        lost = any("losses" in token.entry.cues for token in around) and any(
            token.entry.side or token.entry.stance for token in around
        )
        if civil > lost:
            return False
        if lost or any(_destroyed(token) for token in around):
            return True
        head = self.at(counted.head) if counted.head is not None else None
        named = head is not None and head.entry.side is not None
        cue = self.cue_of(counted)
        if cue in ("killed", "wounded") or counted.kind in ("killed", "wounded"):
            near = self.tokens[counted.last + 1 : counted.last + 1 + LIST]
            told = self._has_stance(counted) or any(map(_is_soldier, near))
            return named or (counted.kind != "personnel" and told)
        force = any(token.entry.military and token.entry.side for token in around)
        before = self.tokens[max(counted.first - LIST, 0) : counted.first]
        force = force or any(token.entry.troop and not token.entry.weak for token in before)
        strong = force or military >= SOME or any(_is_soldier(token) for token in around)
        return strong or (named and cue is not None) or self._are_by_text(counted, cue, military=military)

    def _are_by_text(self, counted: Counted, cue: str | None, *, military: int) -> bool:
        """People of whom their sentence does not tell enough: the whole text decides."""
        if military:
            return cue == "captured" or self._text_is_military()
        many = (counted.quantity.low or 0) >= MANY
        return cue is None and many and self.military >= VERY * (1 + self.civil)

    def _has_stance(self, counted: Counted) -> bool:
        return any(token.entry.stance for token in self.tokens[counted.first : counted.last + 1])

    def _text_is_military(self) -> bool:
        return self.military >= SOME and self.military > self.civil

    # --- over what time ------------------------------------------------------------------------------------------

    def scope(self, counted: Counted) -> Scope | None:
        """The day or since a date, where the sentence says so; the nearest word decides."""
        before, after = self.at(counted.first - 1), self.at(counted.last + 2)
        if self.tokens[counted.first].kind == "+" or (before is not None and before.kind == "+"):
            return Scope.DAY
        if after is not None and after.kind == "+" and self.tokens[counted.last + 1].kind == "(":
            return Scope.SINCE
        start, end = self.sentence(counted.first)
        dated = [*self.heading(counted.first), *self.tokens[start : counted.first]]
        if any(token.kind == "d" for token in dated):
            return Scope.SINCE if self.since(counted) else None
        told = [
            (counted.first - place if place < counted.first else place - counted.last, scope)
            for place in range(start, end)
            if (scope := self.tokens[place].entry.scope) is not None
        ]
        return min(told, key=_where)[1] if told else None

    def since(self, counted: Counted) -> date | None:
        """The first date that the text names with «from», if it stands before the figure."""
        return self._first_date[1] if self._first_date[0] < counted.first else None

    @cached_property
    def _first_date(self) -> tuple[int, date | None]:
        for place in range(1, len(self.tokens)):
            found = _DATE.fullmatch(self.tokens[place].text) if self.tokens[place].kind == "d" else None
            if found is not None and self.tokens[place - 1].entry.opens:
                return place, _day(found)
        return len(self.tokens), None


def _where(told: tuple[int, Scope]) -> int:
    return told[0]


def _is_soldier(token: Token) -> bool:
    """Whether a word names soldiers plainly, or says that people were destroyed."""
    if token.entry.kind in ("personnel", "captured") and not token.entry.weak:
        return not token.text.isascii() or token.text.endswith("s") or token.entry.collective
    return False


def _is_military(token: Token) -> bool:
    return token.entry.military or (
        token.entry.kind is not None and token.entry.troop and not token.entry.weak
    )


def _destroyed(token: Token) -> bool:
    """Whether a word says that people were destroyed as soldiers are."""
    return token.entry.military and "destroys" in token.entry.verb and "killed" in token.entry.cues


def _day(found: re.Match[str]) -> date | None:
    day, month, year = (int(part) for part in found.groups())
    try:
        return date(year + 2000 if year < 100 else year, month, day)  # noqa: PLR2004 - two digits
    except ValueError:
        return None
