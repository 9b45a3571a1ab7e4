"""People whom no word beside their number names: prisoners of a swap, «двое погибли», losses of thousands."""

from dataclasses import replace

from monitor.extraction.quantities import Quantity
from monitor.extraction.refusals import is_in_swap
from monitor.extraction.tokens import Token
from monitor.extraction.view import VERY, Counted, View
from monitor.model import Stance

# So many words before a number tell of whom it is.
NEAR = 6
# From how many on a number beside losses counts people though it names none.
LARGE = 1000
# So many words after a number may stand before what happened to those.
FATE = 4
# What stands after a number that ends its clause.
ENDING = ',-;|):".'


def some_of(view: View, quantity: Quantity) -> Counted | None:
    """«один из которых сдался», «четверых из них»: some of the soldiers named before, whom no number counts."""
    part = view.at(quantity.last + 1)
    if part is None or not part.entry.part or view.people_cue_after(quantity.last + 2) is None:
        return None
    start, _ = view.sentence(quantity.first)
    for place in range(quantity.first - 1, max(view.sentence(max(start - 2, 0))[0] - 1, -1), -1):
        entry = view.tokens[place].entry
        if entry.kind == "personnel" and not entry.weak:
            return Counted(
                quantity,
                "personnel",
                entry.term,
                first=quantity.first,
                last=quantity.last + 1,
                head=quantity.last + 1,
                weak=False,
                way="some of them",
            )
        if entry.kind is not None and not entry.weak:
            return None
    return None


def swapped(view: View, quantity: Quantity) -> Counted | None:
    """Prisoners told as «115 на 115»."""
    return _nameless(quantity, "captured", way="swapped") if is_in_swap(view, quantity) else None


def has_fate(view: View, quantity: Quantity) -> bool:
    """Whether what happened to people stands right after a number («двое взяты в плен», «четверо дістали поранень»)."""
    reach = FATE if quantity.spelled else 1
    for token in view.tokens[quantity.last + 1 : quantity.last + 1 + reach]:
        if token.kind != "w" or token.entry.civil or (token.entry.kind is not None and not token.entry.weak):
            return False
        if view.people_cue(token) is not None:
            return True
    return False


def nameless(view: View, quantity: Quantity) -> Counted | None:
    """Thousands beside losses that name nobody («потери ВСУ меньше 80 тысяч»), and prisoners («двое в плену»)."""
    low = quantity.low if quantity.low is not None else quantity.high
    after = view.at(quantity.last + 1)
    start, _ = view.sentence(quantity.first)
    near = view.tokens[max(start, quantity.first - NEAR) : quantity.first]
    if any(token.entry.civil for token in near) or low is None:
        return None
    if quantity.spelled and after is not None and after.entry.military and "captured" in after.entry.cues:
        return _nameless(quantity, "captured", way="prisoners")
    ours = _ours(view, quantity)
    if ours is not None:
        return ours
    fate = _fate_of_some(view, quantity)
    if fate is not None:
        return _nameless(quantity, fate, way="what happened to them")
    sided = any(token.entry.side or token.entry.stance for token in near)
    lost = any("losses" in token.entry.cues for token in near)
    ends = after is None or ends_clause(after) or after.entry.stop
    return (
        _nameless(quantity, "losses", way="losses of thousands")
        if low >= LARGE and sided and lost and ends
        else None
    )


def _ours(view: View, quantity: Quantity) -> Counted | None:
    """«ещё 3 наших ранено»."""
    ours, fate = view.at(quantity.last + 1), view.at(quantity.last + 2)
    if ours is None or ours.entry.stance is not Stance.OWN or fate is None:
        return None
    told = view.people_cue(fate)
    if told in (None, "personnel"):
        return None
    return replace(_nameless(quantity, told, way="called ours"), last=quantity.last + 1)


def _fate_of_some(view: View, quantity: Quantity) -> str | None:
    """What happened to people whom no word names, in a text on nothing but war («трое погибли», «which killed 86»)."""
    if view.military < VERY * (1 + view.civil):
        return None
    before, after = view.at(quantity.first - 1), view.at(quantity.last + 1)
    told = None
    follows = quantity.spelled and after is not None and view.people_cue(after) is not None
    if follows:
        told = view.people_cue_after(quantity.last + 1)
    elif before is not None and ends_clause(after):
        told = view.people_cue(before)
    if told not in ("killed", "wounded", "captured"):
        return None
    start, end = view.sentence(quantity.first)
    around = view.tokens[start:end]
    sided = follows or any(token.entry.side for token in around)
    return told if sided and not any(token.entry.civil for token in around) else None


def ends_clause(token: Token | None) -> bool:
    """Whether a clause or an item of a list ends with this token after a number."""
    return token is None or token.kind in ENDING


def _nameless(quantity: Quantity, kind: str, *, way: str) -> Counted:
    last = quantity.last
    return Counted(quantity, kind, "", first=quantity.first, last=last, head=last, weak=False, way=way)
