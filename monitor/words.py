"""Words that people read on every surface, in English and Russian, in one table, so that neither can lack one.

Values stand in braces and are put in by name. Nouns that are counted have a table of their own: English has two
forms, Russian three (https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from monitor.model import Language

QUOTE = 90
# What would turn the text around it, or hide in it: controls, and marks of direction (UAX #9).
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

SHARED: dict[str, tuple[str, str]] = {
    "verdict.relevant": ("Relevant", "По теме"),
    "verdict.not_relevant": ("Not relevant", "Не по теме"),
    "verdict.duplicate": ("Duplicate", "Повтор"),
    "verdict.second_look": ("Second look", "Второй взгляд"),
    "verdict.escalate": ("Escalate", "Старшему"),
    "verdict.snooze": ("Snooze", "Отложить"),
    "verdict.undo": ("Undo", "Отмена"),
    "kind.personnel": ("personnel", "личный состав"),
    "kind.killed": ("killed", "убитые"),
    "kind.wounded": ("wounded", "раненые"),
    "kind.captured": ("captured", "пленные"),
    "kind.losses": ("losses", "потери"),
    "kind.unit": ("units", "подразделения"),
    "kind.tank": ("tanks", "танки"),
    "kind.armour": ("armour", "бронетехника"),
    "kind.artillery": ("artillery", "артиллерия"),
    "kind.vehicle": ("vehicles", "техника"),
    "kind.aircraft": ("aircraft", "авиация"),
    "kind.drone": ("drones", "беспилотники"),
    "kind.munition": ("munitions", "боеприпасы"),
    "kind.other_equipment": ("other equipment", "прочее"),
    "kind.settlement": ("settlements", "населённые пункты"),
    "kind.distance": ("km", "км"),
    "kind.area": ("area", "площадь"),
    "side.ukraine": ("Ukraine", "Украина"),
    "side.russia": ("Russia", "Россия"),
    "side.north_korea": ("North Korea", "КНДР"),
    "side.other": ("other", "другие"),
    "side.unknown": ("unknown", "неизвестно"),
}

COUNTED: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "case": (("case", "cases"), ("случай", "случая", "случаев")),
    "post": (("post", "posts"), ("запись", "записи", "записей")),
    "copy": (("copy", "copies"), ("копия", "копии", "копий")),
    "version": (("version", "versions"), ("версия", "версии", "версий")),
    "figure": (("figure", "figures"), ("число", "числа", "чисел")),
    "channel": (("channel", "channels"), ("канал", "канала", "каналов")),
    "minute": (("minute", "minutes"), ("минута", "минуты", "минут")),
    "claim": (("claim", "claims"), ("утверждение", "утверждения", "утверждений")),
    "decision": (("decision", "decisions"), ("решение", "решения", "решений")),
    "edit": (("edit", "edits"), ("исправление", "исправления", "исправлений")),
    "deletion": (("deletion", "deletions"), ("удаление", "удаления", "удалений")),
    "gap": (("gap", "gaps"), ("пробел", "пробела", "пробелов")),
    "row": (("row", "rows"), ("строка", "строки", "строк")),
}

MONTHS: dict[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    Language.RUSSIAN: ("янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words in one language: `t("verdict.relevant")`, `t.named("kind", "tank")`, `t.count("case", 5)`.

    What needs more of them has a table of its own, with these in it.
    """

    table: ClassVar[Mapping[str, tuple[str, str]]] = SHARED

    language: Language

    @property
    def _place(self) -> int:
        return 0 if self.language is Language.ENGLISH else 1

    def __call__(self, name: str, /, **values: object) -> str:
        """One text, with its values put in. Raises KeyError where there is none of that name."""
        found = self.table[name][self._place]
        return found.format(**values) if values else found

    def named(self, group: str, name: str) -> str:
        """The word for one of a group that rules may add to, as `kind`; the bare name where there is none."""
        return self.table.get(f"{group}.{name}", (name, name))[self._place]

    def count(self, noun: str, number: int) -> str:
        """A number and its noun in the form it asks for: `1 case`, `22 случая`."""
        english, russian = COUNTED[noun]
        form = english[number != 1] if self.language is Language.ENGLISH else russian[_russian(number)]
        return f"{self.number(number)}\N{NO-BREAK SPACE}{form}"

    def number(self, number: float) -> str:
        """A number with its thousands apart, and no more than two decimals."""
        written = f"{number:,.2f}".rstrip("0").rstrip(".")
        if self.language is Language.ENGLISH:
            return written
        return written.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")


def plural(number: int, one: str, many: str | None = None) -> str:
    """What is said of a number in English: `plural(1, "is", "are")` is `is`, and without the last an s is put to it."""
    return one if number == 1 else many or f"{one}s"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its English noun: `1 job`, `1,200 jobs`."""
    return f"{number:,} {plural(number, one, many)}"


def excerpt(text: str, start: int, end: int, width: int = QUOTE) -> str:
    """The words around a span on one line, none cut in two, with an ellipsis where something was left out."""
    margin = max((width - (end - start)) // 2, 0)
    left, right = max(start - margin, 0), min(end + margin, len(text))
    if left:
        left = start - len(text[left:start].partition(" ")[2])
    if right < len(text):
        right = end + len(text[end:right].rpartition(" ")[0])
    words = " ".join(text[left:right].split())
    return ("…" if left else "") + words + ("…" if right < len(text) else "")


def harmless(text: str) -> str:
    """A text of others without what would turn or break the lines around it, on one line."""
    return " ".join(_HIDDEN.sub(" ", text).split())


def _russian(number: int) -> int:
    """Which of the three forms: 1, 21 … one; 2 to 4, 22 to 24 … few; all others many."""
    tens, ones = abs(number) % 100, abs(number) % 10
    if ones == 1 and tens != 11:  # noqa: PLR2004
        return 0
    return 1 if 2 <= ones <= 4 and not 12 <= tens <= 14 else 2  # noqa: PLR2004
