"""Numbers that count nothing: part of a name or a date, a price, a share, a time of day, or said twice."""

import re
from math import isclose

from monitor.extraction.quantities import Quantity
from monitor.extraction.tokens import Token
from monitor.extraction.view import Counted, View

# The highest mark of a tank («Leopard 2»), that of one which no rule knows, the last day of a month.
LAST_MARK, SECOND_MARK, LAST_DAY = 9, 3, 31
# No count of people, arms or ground is larger.
MOST = 1e9
MARKED = frozenset({"tank", "armour"})
_TIME = re.compile(r"(?:[01]?\d|2[0-4])\.[0-5]\d")


def is_refused(view: View, quantity: Quantity, previous: Counted | None) -> bool:
    """Whether a number counts nothing, whatever stands beside it; `previous` is the figure before."""
    if _refused(view, quantity) or _is_repeated(view, quantity) or _is_conversion(view, quantity, previous):
        return True
    return is_in_swap(view, quantity) and not _tells_of_prisoners(view, quantity)


def _refused(view: View, quantity: Quantity) -> bool:
    """Whether the number is plainly something else: a percentage, a price, a number of something."""
    before, after = view.at(quantity.first - 1), view.at(quantity.last + 1)
    if before is not None and (before.entry.before or before.kind in "№$€₽£#=&/"):
        return True
    if (
        before is not None
        and quantity.bare
        and (_is_name(before, quantity) or _is_time(view, before, quantity))
    ):
        return True
    if after is not None and (after.kind in "%$€₽£°=/" and after.text != "*"):
        return True
    return quantity.low == 0 or quantity.high == 0 or _is_part_of_one(quantity)


def is_in_swap(view: View, quantity: Quantity) -> bool:
    """Whether the number is half of a swap or a score told as «115 на 115»."""
    for step in (-1, 1):
        word, other = view.at(quantity.number + step), view.at(quantity.number + 2 * step)
        if word is not None and word.entry.against and other is not None and other.value == quantity.low:
            return True
    return False


def _tells_of_prisoners(view: View, quantity: Quantity) -> bool:
    start, end = view.sentence(quantity.first)
    return any("captured" in token.entry.cues for token in view.tokens[start:end])


def _is_part_of_one(quantity: Quantity) -> bool:
    """Whether the number has decimals that no count has, as coordinates do, or is too large for any."""
    # 2.2 * 100 is 220.00000000000003.
    return any(
        bound is not None and (bound > MOST or not isclose(bound * 100, round(bound * 100)))
        for bound in (quantity.low, quantity.high)
    )


def _is_conversion(view: View, quantity: Quantity, previous: Counted | None) -> bool:
    """Whether a bracket only says the figure before in other units («10 miles (16 km)»)."""
    opening = view.at(quantity.first - 1)
    return (
        opening is not None
        and opening.kind == "("
        and previous is not None
        and previous.last == quantity.first - 2
        and previous.kind in {"distance", "area"}
    )


def _is_repeated(view: View, quantity: Quantity) -> bool:
    """Whether a bracket only says the number before in words («11 (одиннадцать) танков»), or a row of digits is none."""
    before, earlier = view.at(quantity.first - 1), view.at(quantity.first - 2)
    if before is None or earlier is None:
        return False
    if before.kind == "(":
        return quantity.spelled and earlier.value == quantity.low
    here = view.tokens[quantity.first]
    return (
        before.kind == "-"
        and earlier.kind == "n"
        and earlier.end == before.start
        and before.end == here.start
    )


def _is_time(view: View, before: Token, quantity: Quantity) -> bool:
    """Whether a number is a time of day («с 8.00 противник атакует»)."""
    found = _TIME.fullmatch(view.tokens[quantity.number].text)
    return found is not None and (before.entry.opens or before.entry.preposition)


def _is_name(before: Token, quantity: Quantity) -> bool:
    """Whether a number belongs to the name or date before it: «Leopard 2 tanks», «September 25»."""
    value = quantity.high or 0
    entry = before.entry
    if entry.halts:
        return before.text.isascii() and value <= LAST_DAY
    if quantity.spelled or value > LAST_MARK or before.kind != "w":
        return False
    if entry.kind is not None:
        return not entry.counted and not entry.cues and (before.text.isascii() or entry.kind in MARKED)
    plain = entry.stop or entry.cues or entry.verb or entry.filler or entry.side or entry.qualifier
    return before.text.isascii() and value <= SECOND_MARK and not plain
