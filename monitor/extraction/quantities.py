"""Numbers in a text: digits and words, their multipliers, ranges, and the words that bound them.

The order: a number is put together from its words («двадцать пять», «полторы тысячи»), then joined to a second one as
a range («от 200 до 300», «пять-шесть», «10–12 тыс.»), then bounded by the qualifier before or after it.
"""

from dataclasses import dataclass, replace

from monitor.extraction.tokens import Token
from monitor.model import Qualifier

# From here on words of numbers add up: «двадцать пять», not «двенадцать пять».
TENS = 20
THOUSAND = 1000
# «до» and «to» have so many letters; a verb of rising or falling stands so many words before.
SHORT, CHANGE = 2, 7
# Endings of one of a thing after «до»: «роты», «взвода», «отделения».
_GENITIVE = ("а", "ы", "я", "и", "у")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number: the tokens from `first` (its qualifier) over `number` to `last`, its bounds, and how it is told.

    `bare` is whether no word bounds it; `spelled` whether it is in words.
    """

    first: int
    number: int
    last: int
    low: float | None
    high: float | None
    qualifier: Qualifier
    bare: bool = True
    spelled: bool = False
    each: bool = False


@dataclass(frozen=True, slots=True)
class _Number:
    """A number by itself; `vague` where only its order of magnitude is known. `scale` is its last multiplier."""

    value: float
    last: int
    vague: bool = False
    scale: float = 1
    spelled: bool = False


def quantities_of(tokens: list[Token]) -> list[Quantity]:
    """The quantities of a text, in order; none overlaps another."""
    found: list[Quantity] = []
    at, free = 0, 0
    while at < len(tokens):
        number = _number(tokens, at)
        if number is None:
            bound = tokens[at].entry.qualifier
            if bound is not None and _measures(tokens, at):
                found.append(_with(Quantity(at, at, at, 1, 1, Qualifier.EXACT, bare=False), bound))
                free = at + 1
            at += 1
            continue
        quantity = _bounded(tokens, _ranged(tokens, at, number), free)
        found.append(quantity)
        at = free = quantity.last + 1
    return found


def _measures(tokens: list[Token], at: int) -> bool:
    """Whether a strength is told without a number: «до роты», «более взвода», «до усиленного взвода»."""
    if tokens[at].entry.qualifier is Qualifier.ABOUT:
        return False
    for token in tokens[at + 1 : at + 3]:
        if token.entry.size and token.text.endswith(_GENITIVE):
            return True
        if not token.text.endswith(("ого", "ой", "ої")):
            return False
    return False


def _number(tokens: list[Token], at: int) -> _Number | None:
    token = tokens[at]
    if token.kind == "n" and token.value is not None:
        return _multiplied(tokens, _Number(token.value, at))
    entry = token.entry
    if entry.number is not None:
        return _multiplied(tokens, _spelled(tokens, at))
    if entry.vague is not None:
        counting = entry.counting and at > 0 and _is_number(tokens[at - 1])
        return None if counting else _vague(tokens, at)
    if entry.multiplier is not None and len(token.text) > 1:
        return _of_itself(tokens, at)
    return None


def _is_number(token: Token) -> bool:
    """Whether a token is a number, or a word of one."""
    return token.kind == "n" or token.entry.number is not None or token.entry.multiplier is not None


def _spelled(tokens: list[Token], at: int) -> _Number:
    """Words that add up: each smaller than the one before («сто двадцать пять», «two and a half» aside)."""
    value = tokens[at].entry.number or 0.0
    smallest = value
    while at + 1 < len(tokens):
        more = tokens[at + 1].entry.number
        if (
            more is None
            or not 1 <= more < smallest
            or smallest < TENS
            or len(str(int(smallest)).rstrip("0")) > 1
        ):
            break
        value, smallest, at = value + more, more, at + 1
    return _Number(value, at, spelled=True)


def _multiplied(tokens: list[Token], number: _Number) -> _Number:
    """A number with the multipliers after it, and what those leave over («две тысячи триста»)."""
    at = number.last + 1
    while at < len(tokens) and tokens[at].entry.multiplier is not None:
        scale = tokens[at].entry.multiplier or 1
        number = replace(number, value=number.value * scale, last=at, scale=number.scale * scale)
        at += 1
    if number.scale >= 100 and number.spelled and at < len(tokens):  # noqa: PLR2004 - «сто тысяч двести»
        rest = _spelled(tokens, at) if tokens[at].entry.number else None
        if rest is not None and rest.value < number.scale:
            number = replace(number, value=number.value + rest.value, last=rest.last)
    return number


def _vague(tokens: list[Token], at: int) -> _Number:
    """«несколько», «несколько десятков тысяч»: the multipliers alone tell the magnitude."""
    value, last = tokens[at].entry.vague or 0.0, at
    scale = 1.0
    while last + 1 < len(tokens) and tokens[last + 1].entry.multiplier is not None:
        scale *= tokens[last + 1].entry.multiplier or 1
        last += 1
    return _Number(scale if scale > 1 else value, last, vague=True, spelled=True)


def _of_itself(tokens: list[Token], at: int) -> _Number | None:
    """A multiplier without a number: «тысяча» is one, «тысячи» by itself is vague, and so is «сотни тысяч»."""
    entry, last = tokens[at].entry, at
    if entry.short and at and tokens[at - 1].kind != "n":
        return None
    value = entry.multiplier or 1.0
    while last + 1 < len(tokens) and tokens[last + 1].entry.multiplier is not None:
        last += 1
        value *= tokens[last].entry.multiplier or 1
    bounded = at > 0 and tokens[at - 1].entry.qualifier is not None
    vague = entry.plural or (last > at and not bounded)
    if not vague and not bounded and tokens[at].text.endswith(("и", "ы", "і")):
        vague = True
    rest = _spelled(tokens, last + 1) if last + 1 < len(tokens) and tokens[last + 1].entry.number else None
    if rest is not None and TENS <= rest.value < value and not (vague and value < THOUSAND):
        return _Number(value + rest.value, rest.last, spelled=True)
    return _Number(value, last, vague=vague, scale=value, spelled=True)


def _ranged(tokens: list[Token], at: int, number: _Number) -> Quantity:
    """The number as a quantity, together with a second one that makes it a range."""
    exact = Quantity(
        at,
        at,
        number.last,
        number.value,
        None if number.vague else number.value,
        Qualifier.VAGUE if number.vague else Qualifier.EXACT,
        spelled=number.spelled,
    )
    link = number.last + 1
    if number.vague or link + 1 >= len(tokens):
        return exact
    opened = at > 0 and tokens[at - 1].entry.opens
    dashed = tokens[link].kind == "-" and tokens[link].start - tokens[number.last].end <= 1
    if not (dashed or (tokens[link].entry.to and (opened or tokens[link].entry.spoken))):
        return exact
    second = _number(tokens, link + 1)
    if second is None or second.vague:
        return exact
    low = number.value * (
        second.scale
        if number.scale == 1 and number.value < second.value / max(second.scale, 1) * 1.0001
        else 1
    )
    if low >= second.value:
        return exact
    first = at - 1 if opened and not dashed else at
    return Quantity(first, at, second.last, low, second.value, Qualifier.RANGE, spelled=number.spelled)


def _bounded(tokens: list[Token], quantity: Quantity, free: int) -> Quantity:
    """The quantity with its qualifier, which stands no further left than the token `free`."""
    after = quantity.last + 1
    before = quantity.first - 1
    if after < len(tokens) and tokens[after].entry.after is not None and _adjoins(tokens, after):
        bound = tokens[after].entry.after
        return replace(_with(quantity, bound or Qualifier.EXACT), last=after, bare=False)
    while before >= free and tokens[before].kind in '"(' and tokens[before].text in '*"':
        before -= 1
    return quantity if before < free else _bounded_before(tokens, quantity, before, free=free)


def _bounded_before(tokens: list[Token], quantity: Quantity, before: int, *, free: int) -> Quantity:
    """The quantity with the qualifier at the token `before`, if that is one."""
    token = tokens[before]
    bound = token.entry.qualifier
    if bound is not None and not (bound is Qualifier.AT_MOST and _reaches(tokens, before)):
        earlier = before - 1 >= free and tokens[before - 1].entry.qualifier is not None
        return replace(_with(quantity, bound), first=before - earlier, bare=False)
    roughly = token.entry.opens and quantity.spelled and quantity.high is not None
    if roughly and tokens[quantity.number].entry.multiplier:
        return replace(_with(quantity, Qualifier.ABOUT), first=before, bare=False)
    return replace(quantity, first=before, each=True) if token.entry.each else quantity


def _reaches(tokens: list[Token], at: int) -> bool:
    """Whether «до» says what a number rises or falls to («увеличить до 120 тысяч»), not its bound."""
    return len(tokens[at].text) == SHORT and any(
        token.entry.reaches for token in tokens[max(at - CHANGE, 0) : at]
    )


def _adjoins(tokens: list[Token], after: int) -> bool:
    """«20+», «20 и более»; a plus before another number belongs to that one."""
    token = tokens[after]
    follows = tokens[after + 1] if after + 1 < len(tokens) else None
    return token.kind != "+" or (
        token.start == tokens[after - 1].end and (follows is None or follows.kind != "n")
    )


def _with(quantity: Quantity, bound: Qualifier) -> Quantity:
    value = quantity.low
    if quantity.qualifier in (Qualifier.VAGUE, Qualifier.RANGE) or bound is Qualifier.RANGE:
        return quantity
    low = None if bound is Qualifier.AT_MOST else value
    high = None if bound is Qualifier.AT_LEAST else value
    return replace(quantity, low=low, high=high, qualifier=bound)
