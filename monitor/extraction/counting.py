"""What the quantities of a text count.

It stands after the number («11 новых танков»), before it («танки — 7», «человек двадцать»), or with the figure before
(«четыре — над Брянской», «из них 17»). A number that belongs to a name, a date, a price or a formation counts nothing.
"""

from dataclasses import replace

from monitor.extraction.lexicon import Lexicon
from monitor.extraction.nameless import ends_clause, has_fate, nameless, some_of, swapped
from monitor.extraction.quantities import Quantity
from monitor.extraction.refusals import LAST_MARK, is_refused
from monitor.extraction.tokens import NOTHING, Token
from monitor.extraction.view import Counted, View
from monitor.model import Qualifier

Before = tuple[Counted | None, Counted | None]
# How many words may stand between a number and what it counts («10 новых немецких основных боевых танков»).
REACH = 5
HEADER = 7
# What stands before an item of a list.
OPENING = ',-:;("|'
LISTING = ",;|:("
# «60 Bradley vehicles», «31 Abrams tanks»: a name says what the vehicles are.
ARMS = frozenset({"tank", "armour", "artillery"})
VEHICLE = "vehicle"
# «8 421 (+3)»: how far the bracket stands from the figure.
PLUS = 3
# From five on a Russian noun takes the genitive of the plural; 11 to 19 take it whatever they end in.
FEW, MANY, TEEN = 4, 5, 11
PEOPLE = frozenset({"personnel", "killed", "wounded", "captured", "losses"})
_SINGULAR = ("ої", "ой", "ую", "ая", "ою", "ій", "ну", "ву", "ська", "ьку")
# Endings that few nouns share with the words that describe them.
_DESCRIBING = ("ых", "их", "ыми", "ими", "ые", "ие", "ої", "ні", "ові", "кі", "ной", "ого")
_VERBAL = (
    "ли",
    "ла",
    "ло",
    "л",
    "ют",
    "ут",
    "ят",
    "ат",
    "ет",
    "ит",
    "ся",
    "сь",
    "ть",
    "ны",
    "но",
    "ти",
    "уть",
    "ють",
    "ять",
    "ив",
    "ав",
    "о",
    "е",
    "є",
)
_ENDINGS = (
    "ый",
    "ий",
    "ой",
    "ая",
    "яя",
    "ое",
    "ее",
    "ые",
    "ие",
    "ого",
    "его",
    "ому",
    "ему",
    "ым",
    "им",
    "ую",
    "юю",
    "ых",
    "их",
    "ыми",
    "ими",
    "ої",
    "ій",
    "ого",
    "ські",
    "ові",
    "кі",
    "ська",
    "ське",
    "цька",
    "ну",
    "ні",
    "ова",
    "ове",
)


def counted_by(view: View, quantity: Quantity, before: Before, lexicon: Lexicon) -> Counted | None:
    """What a quantity counts, if anything; `before` are the last figure and the last one of people."""
    if is_refused(view, quantity, before[0]):
        return None
    more = _plus(view, quantity, before[0])
    if more is not None:
        return more
    found = (
        swapped(view, quantity)
        or _after(view, quantity)
        or _header(view, quantity, before[0])
        or _inverted(view, quantity, before[0])
        or _with_next(view, quantity)
        or some_of(view, quantity)
        or _with_previous(view, quantity, before)
        or nameless(view, quantity)
    )
    return None if found is None or _disagrees(view, found, lexicon) else found


def _plus(view: View, quantity: Quantity, previous: Counted | None) -> Counted | None:
    """What the day added to a total: «8 421 (+3)»."""
    sign, opening = view.at(quantity.first - 1), view.at(quantity.first - 2)
    if previous is None or sign is None or opening is None or sign.kind != "+" or opening.kind != "(":
        return None
    near = quantity.first - previous.last <= PLUS
    if not view.same_sentence(previous.first, quantity.first) or not near:
        return None
    return replace(
        previous,
        quantity=quantity,
        first=quantity.first - 1,
        last=quantity.last,
        head=None,
        way="added to the one before",
        why=(),
    )


def _after(view: View, quantity: Quantity) -> Counted | None:
    """What a number counts, from the words after it."""
    tokens = view.tokens
    at, steps, unit = quantity.last + 1, 0, False
    while at < len(tokens) and steps <= REACH:
        token = tokens[at]
        entry = token.entry
        if token.kind in '"/' or _joins_adjectives(view, at):
            at += 1
            continue
        if token.kind == "(":
            closing = view.closing(at)
            if closing is None:
                return None
            at = closing + 1
            steps += 1
            continue
        if token.kind == "n" and steps and tokens[at - 1].entry.kind is not None:
            at += 1
            continue
        if entry.halts or token.kind not in "wm" or (entry.among and quantity.low == 1):
            return None
        if entry.part:
            return _head(view, quantity, at + 1) if _is_plain(view.at(at + 1)) else None
        if entry.kind is not None and not _describes(view, at, quantity):
            return _head(view, quantity, at)
        if entry.kind is None and not _passes(token, unit=unit):
            return None
        unit = unit or entry.counting
        steps += 1
        at += 1
    return None


def _joins_adjectives(view: View, at: int) -> bool:
    """Whether «и» or a comma stands between two words that describe («уничтоженных и брошенных танков»)."""
    token, before, after = view.tokens[at], view.at(at - 1), view.at(at + 1)
    if before is None or after is None or not (token.entry.to or token.kind == ","):
        return False
    return all(word.kind == "w" and word.text.endswith(_DESCRIBING) for word in (before, after))


def _is_plain(token: Token | None) -> bool:
    """Whether a token plainly names what is counted («8 of them policemen»)."""
    return token is not None and token.entry.kind is not None


def _describes(view: View, at: int, quantity: Quantity) -> bool:
    """Whether a word that could be counted only describes the one after it («80 военных баз», «2 tank crews»)."""
    token, after = view.tokens[at], view.at(at + 1)
    if after is None:
        return False
    if token.text.isascii():
        return _describes_in_english(view, at, after, many=(quantity.low or 2) > 1)
    noun = after.entry.kind is not None or after.entry.counting or _is_noun(after)
    return token.entry.adjective and after.kind in "wm" and noun


def _describes_in_english(view: View, at: int, after: Token, *, many: bool) -> bool:
    """A noun describes the noun after it, most of all in the singular («2 tank crews», «95 Leopard 1 tanks»)."""
    token = view.tokens[at]
    if after.kind == "n" and (after.value or 0) <= LAST_MARK:
        beyond = view.at(at + 2)
        return beyond is not None and beyond.entry.kind == token.entry.kind
    if token.kind != "w" or after.kind != "w" or after.entry.cues or after.entry.stop:
        return False
    if after.entry.kind == VEHICLE and token.entry.kind in ARMS:
        return False
    if after.entry.kind is not None and after.text.isascii():
        return not token.text.endswith("s") or after.entry.kind != token.entry.kind
    return many and not token.text.endswith("s") and not token.entry.collective


def _is_noun(token: Token) -> bool:
    """Whether an unknown Russian word after an adjective is the noun it describes («три военных источника»)."""
    known = token.entry is not NOTHING or token.text.isascii()
    return not known and token.kind == "w" and not token.text.endswith((*_VERBAL, *_ENDINGS))


def _passes(token: Token, *, unit: bool) -> bool:
    """Whether a word may stand between a number and what it counts."""
    entry = token.entry
    if entry.stop or entry.civil:
        return False
    if entry.counting or entry.filler or entry.among or entry.side or entry.stance or token.kind == "m":
        return True
    if token.text.isascii():
        return not entry.verb or bool(entry.cues)
    if entry.cues and not token.text.endswith(("о", "и", "ы", "а", "я", "сь", "ся", "ь", "л")):
        return True
    return token.text.endswith(_ENDINGS) or unit


def _head(view: View, quantity: Quantity, at: int) -> Counted | None:
    """The figure whose counted word is found, with the names and owners that belong to it."""
    tokens = view.tokens
    entry = tokens[at].entry
    token = tokens[at]
    if _is_singular_in_english(view, token, quantity):
        return None
    if (
        _is_single(token, quantity)
        and at > 0
        and not any(word.entry.counting for word in tokens[quantity.last + 1 : at])
    ):
        return None
    last = _told(view, at)
    weak = entry.weak and last == at
    while True:
        after = view.at(last + 1)
        if after is None or not _belongs(view, last + 1, entry.kind or ""):
            break
        last += 2 if after.entry.stop or after.entry.out_of else 1
    return Counted(
        quantity,
        entry.kind or "",
        entry.term,
        first=quantity.first,
        last=last,
        head=at,
        weak=weak,
        way="after",
    )


def _is_singular_in_english(view: View, token: Token, quantity: Quantity) -> bool:
    """Whether an English noun is in the singular beside a number of many; names of models have no plural."""
    entry = token.entry
    if not token.text.isascii() or token.kind != "w" or token.text.endswith("s") or entry.collective:
        return False
    if entry.kind in ("distance", "area") or any(letter.isdigit() for letter in token.text):
        return False
    value = quantity.low if quantity.low is not None else quantity.high
    return value is not None and value > 1 and view.english


def _is_single(token: Token, quantity: Quantity) -> bool:
    """Whether a word stands for one thing beside a number of many («235-й гарнизонный военный суд»)."""
    value = quantity.high if quantity.low is None else quantity.low
    if not token.entry.single or value is None or value <= 1 or quantity.qualifier is Qualifier.VAGUE:
        return False
    # «дві бригади»: after two to four a form that is not the dictionary's is of the plural, too.
    if value <= FEW and token.text != token.entry.term:
        return False
    return value % 10 != 1 or value % 100 == TEEN


def _told(view: View, at: int) -> int:
    """Where a name of soldiers ends that says who these are («52 тела российских военных», «2000 человек военных»)."""
    entry = view.tokens[at].entry
    reach = 4 if entry.kind == "killed" else 2 if entry.kind == "personnel" and entry.weak else 0
    for place in range(at + 1, min(at + reach, len(view.tokens))):
        entry = view.tokens[place].entry
        if entry.kind == "personnel" and not entry.weak:
            return place
        if not _passes(view.tokens[place], unit=False):
            break
    return at


def _belongs(view: View, at: int, kind: str) -> bool:
    """Whether a token after the counted word is part of its name: a model, or an owner («бойцов ВСУ», «солдат из КНДР»)."""
    token, after = view.tokens[at], view.at(at + 1)
    if token.kind == "m" and not token.entry.kind:
        return not token.text[0].isdigit() or "-" not in token.text
    if token.entry.kind == kind and _is_model(token, view.tokens[at - 1]):
        return True
    if kind in ARMS and token.text.isascii() and token.entry.kind in (kind, VEHICLE):
        return True
    if token.entry.out_of and after is not None and after.entry.side is not None:
        return True
    return (
        token.entry.side is not None
        and token.entry.kind is None
        and not token.entry.verb
        and not token.text.endswith(_ENDINGS)
        and (after is None or after.entry.kind is None or bool(after.entry.cues))
    )


def _is_model(token: Token, named: Token) -> bool:
    """Whether a word of the same kind is a model of what is counted («танков Т-55», «ракет ATACMS»)."""
    foreign = token.text.isascii() and not named.text.isascii()
    return token.kind in "wm" and (foreign or any(letter.isdigit() for letter in token.text))


def _header(view: View, quantity: Quantity, previous: Counted | None) -> Counted | None:
    """A counted word that heads its line, with a dash or colon before the number («танки — 7», «поранено – 12 220»)."""
    at, roughly = quantity.first - 1, False
    while (token := view.at(at)) is not None and (token.kind in '"≈~' or token.entry.counting):
        roughly = roughly or token.entry.counting
        at -= 1
    after = view.at(quantity.last + 1)
    if token is None or token.kind not in "-:" or (after is not None and after.entry.halts):
        return None
    if roughly and quantity.qualifier is Qualifier.EXACT:
        quantity = replace(quantity, qualifier=Qualifier.ABOUT)
    # A vague number is no number to the loop, but what it counts was read already.
    read = previous.last if previous is not None and previous.way != "after" else -1
    for place in range(at - 1, max(at - 1 - HEADER, read), -1):
        token = view.tokens[place]
        if token.kind in "|;n-:,d" or token.entry.number is not None:
            return None
        if token.entry.kind is not None and not (token.entry.adjective and token.entry.weak):
            if previous is not None and previous.head == place and previous.way == "after":
                return None
            return Counted(
                quantity,
                token.entry.kind,
                token.entry.term,
                first=place,
                last=quantity.last,
                head=place,
                weak=token.entry.weak,
                way="header",
            )
        cue = view.people_cue(token)
        if cue is not None and place == at - 1:
            return Counted(
                quantity,
                cue,
                token.text,
                first=place,
                last=quantity.last,
                head=place,
                weak=True,
                way="header",
            )
    return None


def _inverted(view: View, quantity: Quantity, previous: Counted | None) -> Counted | None:
    """«человек двадцать», «танков пять-шесть»: a number after what it counts is a rough one; «танков 7, БТР 12» is none."""
    at = quantity.first - 1
    token, before = view.at(at), view.at(at - 1)
    if token is None or token.entry.kind is None or not token.entry.genitive or token.text.isascii():
        return None
    if previous is not None and previous.last >= at:
        return None
    listed = not quantity.spelled and (before is None or before.kind in LISTING)
    if quantity.qualifier is Qualifier.EXACT and not listed:
        quantity = replace(quantity, qualifier=Qualifier.ABOUT)
    entry = token.entry
    return Counted(
        quantity,
        entry.kind or "",
        entry.term,
        first=at,
        last=quantity.last,
        head=at,
        weak=entry.weak,
        way="inverted",
    )


def _with_next(view: View, quantity: Quantity) -> Counted | None:
    """«351 и 468 кв. км», «убито 20, ранено 40 солдат»: the word after the second number is that of the first, too."""
    at = quantity.last + 1
    link, before = view.at(at), view.at(quantity.first - 1)
    if link is None or not (link.entry.to or link.entry.out_of or link.kind == ","):
        return None
    fates = [token is not None and view.people_cue(token) is not None for token in (before, view.at(at + 1))]
    if not all(fates) and link.kind == ",":
        return None
    second = at + 1 + all(fates)
    number = view.at(second)
    found = (
        _after(view, replace(quantity, last=second)) if number is not None and number.kind == "n" else None
    )
    if found is None or (all(fates) and found.kind not in PEOPLE):
        return None
    return replace(found, quantity=quantity, last=quantity.last, head=None, way="with the next")


def _with_previous(view: View, quantity: Quantity, before: Before) -> Counted | None:
    """A number without a word of its own, in a list with the figure before («8 — над Белгородской», «из них 17»)."""
    fate = has_fate(view, quantity)
    previous = before[1] if fate else before[0]
    if previous is None or not _is_in_list(view, quantity, previous, fate=fate):
        return None
    after = view.at(quantity.last + 1)
    ends = ends_clause(after) or fate
    if not ends and after is not None and not _lets_end(after):
        return None
    return replace(
        previous,
        quantity=quantity,
        first=quantity.first,
        last=quantity.last,
        head=None,
        way="with the one before",
        why=(),
    )


def _lets_end(after: Token) -> bool:
    """Whether a word after a bare number names nothing that it counts."""
    entry = after.entry
    return (
        entry.stop or entry.part or entry.opens or entry.each or bool(entry.cues or entry.verb or entry.scope)
    )


def _is_in_list(view: View, quantity: Quantity, previous: Counted, *, fate: bool) -> bool:
    """Whether a number goes on with what the figure before counts."""
    before, after = view.at(quantity.first - 1), view.at(quantity.last + 1)
    near = [view.people_cue(token) for token in view.tokens[max(quantity.first - 2, 0) : quantity.first]]
    told = fate or (before is not None and near[-1] is not None)
    opens = before is None or before.kind == "|" or before.entry.filler
    if previous.kind in PEOPLE and told and (quantity.spelled or opens):
        start, _ = view.sentence(quantity.first)
        return previous.last >= view.sentence(max(start - 2, 0))[0]
    if not view.same_sentence(previous.last, quantity.first):
        return False
    ends = ends_clause(after)
    if fate or (any(near) and previous.kind in PEOPLE and ends):
        return True
    if not quantity.bare and previous.kind in PEOPLE and ends:
        return True
    if before is None:
        return False
    entry = before.entry
    return (
        before.kind in OPENING
        or bool(entry.part or entry.filler or entry.to or entry.cues or entry.scope)
        or quantity.each
    )


def _disagrees(view: View, counted: Counted, lexicon: Lexicon) -> bool:
    """Whether the grammar shows a formation's own number («72 бригади», «3 бригада»), not how many there are."""
    kind = lexicon.kinds[counted.kind]
    if not kind.numbered or counted.head is None or counted.way != "after":
        return False
    quantity, token = counted.quantity, view.tokens[counted.head]
    if quantity.spelled or not quantity.bare or token.text.isascii() or quantity.low is None:
        return False
    between = view.tokens[quantity.last + 1 : counted.head]
    if any(word.text.endswith(_SINGULAR) for word in between):
        return True
    if quantity.low >= MANY:
        return not token.entry.counted
    before = view.at(quantity.first - 1)
    return token.text == token.entry.term or (before is not None and before.entry.kind is not None)
