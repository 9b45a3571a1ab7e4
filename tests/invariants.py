"""What holds for the reading of any text, whatever it says; and texts made of the rules' own words and worse."""

import math
import random
from collections.abc import Iterator

from monitor.extraction import Rules
from monitor.extraction.normal import normalise
from monitor.model import Figure, Qualifier, Reading

WORDS = (
    *("танк", "танков", "танки", "БМП", "БТР", "ББМ", "солдат", "солдата", "бойцов ВСУ", "военнослужащих", "человек", "осіб"),
    *("од", "ед.", "единиц техники", "рота", "роты", "взвода", "бригад", "ДРГ", "гаубиц", "гармат", "пикапа", "самолёта"),
    *("дронов", "БПЛА", "ракет", "снарядов", "км", "км²", "кв. км", "населённых пунктов", "сёл", "troops", "tanks", "tank"),
    *("soldiers", "crews", "vehicles", "howitzers", "drones", "miles", "villages", "Leopard", "Т-72", "F-16", "200-х"),
    *("один", "двое", "пять", "пять-шесть", "двадцать", "триста", "сто", "полторы", "тысяч", "тысяча", "тыс.", "сотни", "десятки"),
    *("несколько", "пара", "several", "dozens", "hundred", "twenty", "млн", "к", "до", "более", "не менее", "около", "от", "свыше"),
    *("up to", "at least", "around", "from", "to", "between", "and", "или", "по", "и более", "+", "из них", "среди них", "of them"),
    *("потери", "потеряли", "уничтожено", "убитыми", "ранены", "взяты в плен", "сдались", "killed", "wounded", "captured", "lost"),
    *("противник", "враг", "наши", "ВСУ", "РФ", "российских", "украинских", "окупантів", "Ukrainian", "Russia", "enemy", "КНДР"),
    *("за сутки", "с начала", "с 24.02.22", "since", "орден", "рублей", "лет", "августа", "погибших", "мирных", "жителей", "№"),
    *("продвинулись", "вглубь", "контроль", "заняли", "от границы", "призванных", "которые", "тело", "члены экипажа", "калибра"),
    *("Курск", "Курской", "Курська", "Kursk", "Суджа", "Судже", "Sudzha", "область", "подлодка", "битва", "вокзал", "1943"),
    *("#Курск", "#курскаяобласть", "@kursk", "https://t.me/kursk", "kursk.ru", "Малая Локня", "Снагость", "Коренево"),
    *("К У Р С К", "K Y P C K", "KYPCK", "Kурск", "cолдат", "Су\u200bджа", "Су\u0301джа", "та\u00adнк", "𝐊𝐮𝐫𝐬𝐤", "①", "ﬁve"),
)  # fmt: skip
NUMBERS = (
    *("0", "1", "2", "7", "11", "20", "300", "1 000", "2 380", "76.550", "1,5", "12:30", "3/4", "24.02.22", "06.08.2024"),
    *("300–400", "10-12", "11к", "2.5", "0,5", "1,234,567", "999999999999", "9" * 320, "٣", "½", "²", "1\ufe0f\u20e3", "51.1234"),
)  # fmt: skip
MARKS = (
    *(" ", " ", " ", " ", ", ", ". ", "\n", "\n\n", ": ", "; ", " — ", "-", " - ", "(", ")", " (", ") ", "«", "»", '"', "*", "**"),
    *("!", "?", "…", "%", "$", "€", "°", "=", "/", "+", "~", "#", "@", "•", "🔻", "▪️", "\u00a0", "\t", "\r\n", "\0", "'", "’"),
    *("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u0301", "\u0306", "\u0308", "\u202e", "\ufe0f", "🇷🇺", "👨‍💻", "\ud83d", "\udc4d"),
    *("İ", "ß", "ﷺ", "ё", "й", "A", "а", "x", "х", "_", "Ё", "ǅ", "\U0010ffff"),
)  # fmt: skip
PIECES = (*WORDS, *NUMBERS, *MARKS)


def grammatical(rng: random.Random, pieces: int) -> str:
    """So many pieces: words, numbers and marks, mostly parted as in a text."""
    out: list[str] = []
    for _ in range(pieces):
        out.append(rng.choice(rng.choices((WORDS, NUMBERS, MARKS), (5, 3, 2))[0]))
        out.append(" " if rng.random() < 0.7 else rng.choice(MARKS) if rng.random() < 0.5 else "")
    return "".join(out)


def broken(rules: Rules, text: str) -> tuple[Reading, list[str]]:
    """A text's reading, and what of it cannot be."""
    reading = rules.read(text)
    wrong = list(_wrong(reading, text))
    if rules.read(text) != reading:
        wrong.append("another reading the second time")
    return reading, wrong


def _wrong(reading: Reading, text: str) -> Iterator[str]:
    places = [(span.start, span.end, flag.topic) for flag in reading.flags for span in flag.spans]
    places += [(figure.start, figure.end, figure.kind) for figure in reading.figures]
    yield from (
        f"{place} is no stretch of the text" for place in places if not 0 <= place[0] < place[1] <= len(text)
    )
    yield from (f"{place} is blank" for place in places if not text[place[0] : place[1]].strip())
    yield from (f"the flag of {flag.topic} shows nothing" for flag in reading.flags if not flag.spans)
    topics = [flag.topic for flag in reading.flags]
    if len(set(topics)) < len(topics):
        yield f"a topic twice in {topics}"
    order = [(figure.start, figure.end) for figure in reading.figures]
    if order != sorted(set(order)):
        yield f"figures out of order: {order}"
    yield from (f"{figure} has bounds that cannot be" for figure in reading.figures if not bounded(figure))


def bounded(figure: Figure) -> bool:
    """Whether the bounds of a figure are finite, are not negative, and are as its qualifier says."""
    low, high = figure.low, figure.high
    if not all(bound is None or (math.isfinite(bound) and bound >= 0) for bound in (low, high)):
        return False
    match figure.qualifier:
        case Qualifier.AT_MOST:
            return low is None and high is not None
        case Qualifier.AT_LEAST | Qualifier.VAGUE:
            return low is not None and high is None
        case Qualifier.EXACT | Qualifier.ABOUT:
            return low is not None and low == high
        case Qualifier.RANGE:
            return low is not None and high is not None and low < high


def unfaithful(text: str) -> list[str]:
    """What is wrong with the places of a text's normal form: each letter has one, none before the last one's."""
    normal = normalise(text)
    places = [normal.span(at, at + 1) for at in range(len(normal.text))]
    wrong = [f"{place} is outside" for place in places if not 0 <= place[0] < place[1] <= len(text)]
    return wrong if places == sorted(places) else [*wrong, "places run backwards"]
