"""A yardstick for reading: the keywords and the one expression that a competent engineer writes in an afternoon.

A topic is a word that begins so. A figure is a qualifier if there is one, a number, up to three words, and a word of
some kind; it is exact whatever the qualifier says.
"""

import re

from monitor.model import Figure, Flag, Qualifier, Reading, Span

TOPICS = {
    "kursk": re.compile(r"\b(?:курск\w*|курян\w*|курщин\w*|kursk\w*)", re.IGNORECASE),
    "sudzha": re.compile(r"\b(?:судж\w*|sudzh\w*|sudja\w*)", re.IGNORECASE),
}
# Each kind by the commonest words for it in Russian, Ukrainian and English; the first that fits is taken.
KINDS = {
    "killed": r"убит|погибш|ликвидирован|уничтожен|двухсот|вбит|загибл|ліквідован|знищен|killed|dead",
    "wounded": r"ранен|трёхсот|трехсот|поранен|wounded|injured",
    "captured": r"пленн|военнопленн|полонен|captured|prisoner|pow",
    "losses": r"потер|втрат|losses|casualties",
    "personnel": r"военнослужащ|солдат|боевик|боец|бойц|наёмник|наемник|военных|оккупант|военнопленн"
    r"|військовослужбов|військових|бійц|бойовик|окупант|найманц|особового склад|soldier|troop|fighter|militant|servicem|mercenar",
    "unit": r"взвод|рот[аыу]?\b|батальон|полк|бригад|дивизи|дрг|чот|батальйон|дивізі|platoon|compan|battalion|regiment|brigade|division",
    "tank": r"танк|tank",
    "armour": r"бмп|бтр|ббм|бронемашин|бронетранспорт|бронетехник|бронемашин|бронетехнік|бойов\w+ броньован|боев\w+ бронир|armou?red vehicle|ifv|apc|bmp|btr|mrap",
    "artillery": r"гаубиц|миномёт|миномет|орудий|сау|рсзо|гармат|міномет|артсистем|артилерійськ\w+ систем|howitzer|mortar|artillery|mlrs",
    "vehicle": r"автомоб|машин|грузовик|пикап|мотоцикл|единиц\w* техник|автомобіл|вантажів|пікап|одиниц\w* технік|vehicle|truck|pickup|motorcycle",
}
NUMBERS = {
    "один": 1, "одна": 1, "два": 2, "две": 2, "двух": 2, "двое": 2, "три": 3, "трёх": 3, "трех": 3, "трое": 3,
    "четыре": 4, "пять": 5, "шесть": 6, "семь": 7, "восемь": 8, "девять": 9, "десять": 10, "двадцать": 20, "сто": 100,
    "дві": 2, "двоє": 2, "троє": 3, "чотири": 4, "п'ять": 5, "шість": 6, "сім": 7, "вісім": 8, "дев'ять": 9,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "dozen": 12,
}  # fmt: skip
_NUMBER = r"\d{1,3}(?:[ .,\u00a0\u202f]\d{3})+|\d+|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_HEADS = "|".join(f"(?P<{kind}>(?:{words})\\w*)" for kind, words in KINDS.items())
FIGURE = re.compile(
    r"(?:\b(?:до|около|более|свыше|не менее|порядка|примерно|up to|about|over|more than|at least|понад|близько)\s+)?"
    rf"\b(?P<number>{_NUMBER})\b\s+(?:[\w-]+\s+){{0,3}}?\b(?:{_HEADS})",
    re.IGNORECASE,
)
_GAPS = re.compile(r"[ .,\u00a0\u202f]")


class Naive:
    """Reads a text as the rules do, by these expressions alone."""

    troop_kinds = frozenset(KINDS)

    def read(self, text: str) -> Reading:
        """Topics and figures; no sides."""
        flags = []
        for topic, words in TOPICS.items():
            spans = tuple(Span(*found.span(), topic) for found in words.finditer(text))
            if spans:
                flags.append(Flag(topic, spans))
        figures = tuple(_figure(found) for found in FIGURE.finditer(text))
        if figures:
            flags.append(Flag("troop_figures", tuple(Span(one.start, one.end, one.term) for one in figures)))
        return Reading(tuple(flags), figures)


def _figure(found: re.Match[str]) -> Figure:
    kind = found.lastgroup or ""
    written = found["number"].lower()
    number = float(NUMBERS[written] if written in NUMBERS else _GAPS.sub("", written))
    return Figure(
        start=found.start(), end=found.end(), kind=kind, low=number, high=number, qualifier=Qualifier.EXACT, term=kind
    )  # fmt: skip
