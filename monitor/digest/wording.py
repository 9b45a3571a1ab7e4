"""The words of digests in English and Russian, besides those of `monitor.words`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from monitor.words import SHARED, Words

_WORDS: dict[str, tuple[str, str]] = {
    "name": ("Kursk watch", "Курск: наблюдение"),
    "subject.flagged": ("{n} flagged", "отмечено: {n}"),
    "subject.edited": ("{n} edited", "исправлено: {n}"),
    "subject.deleted": ("{n} deleted", "удалено: {n}"),
    "subject.quiet": ("a quiet day", "тихий день"),
    "subject.dark": ("{channels} dark", "не видно: {channels}"),
    "window": ("From {since} to {until} ({zone})", "С {since} по {until} ({zone})"),
    "window.what": (
        "Counted is what reached the archive from the first moment on and before the second.",
        "Учтено то, что попало в архив начиная с первого момента и раньше второго.",
    ),
    "narrowed": ("Only {what}", "Только {what}"),
    "takeaways": ("In short", "Главное"),
    "take.contradiction": (
        "{one} says {low}, {other} says {high} ({kind}, {side}): both cannot hold.",
        "{one}: {low}, {other}: {high} ({kind}, {side}) – одно исключает другое.",
    ),
    "take.largest": (
        "The largest new claim is {figure}, by {channel}.",
        "Самое большое новое число: {figure} – {channel}.",
    ),
    "take.corrected": (
        "{channel} edited a post that was already out: {out} became {put}.",
        "{channel} исправил уже вышедшую запись: было {out}, стало {put}.",
    ),
    "take.nothing_else": ("nothing", "ничего"),
    "take.deleted": (
        "{posts} deleted, the last of {channel}: “{quote}”.",
        "Удалено: {posts}; последняя – {channel}: «{quote}».",
    ),
    "take.dark": (
        "{label} could not be read since {since}; {channels} in all.",
        "{label} не читается с {since}; всего {channels}.",
    ),
    "take.flagged": (
        "Flagged posts that came in: {flagged}; the channels made {posts} in all.",
        "Отмечено: {flagged}; всего каналы написали {posts}.",
    ),
    "take.nothing": (
        "A quiet day: nothing was flagged; the channels made {posts} in all.",
        "Тихий день: ничего не отмечено; всего каналы написали {posts}.",
    ),
    "take.unchanged": (
        "No flagged post was edited or deleted.",
        "Ни одна отмеченная запись не исправлена и не удалена.",
    ),
    "take.read": ("Every channel can be read: {channels}.", "Читаются все: {channels}."),
    "take.waiting": ("Waiting for an analyst: {waiting}.", "Ждут аналитика: {waiting}."),
    "take.decided": ("Analysts made {decided}.", "Аналитики приняли {decided}."),
    "since": ("Since the day before", "По сравнению с днём раньше"),
    "since.now": ("now", "сейчас"),
    "since.before": ("before", "раньше"),
    "since.posts": ("posts", "записи"),
    "since.flagged": ("flagged posts", "отмеченные записи"),
    "since.cases": ("of different text", "из них разного текста"),
    "since.edited": ("edits of flagged posts", "исправления отмеченных"),
    "since.deleted": ("deletions of flagged posts", "удаления отмеченных"),
    "since.decided": ("decisions", "решения"),
    "older": (
        "Besides, {posts} from before came out flagged when older posts were read.",
        "Кроме того, при чтении прежних записей отмечено: {posts}.",
    ),
    "flagged": ("Flagged posts", "Отмеченные записи"),
    "flagged.none": ("None.", "Нет."),
    "more": ("{what} more on the web", "Ещё {what} на сайте"),
    "more.offline": ("{what} more in the archive", "Ещё {what} в архиве"),
    "flagged.before": ("said before; a copy is new", "уже было; копия новая"),
    "flagged.copies": ("also {names}", "также {names}"),
    "flagged.and_more": ("and {n} more", "и ещё {n}"),
    "flagged.edited": ("edited", "исправлено"),
    "flagged.deleted": ("deleted since", "удалено"),
    "state.open": ("not reviewed yet", "ещё не разобрано"),
    "state.snoozed": ("put off", "отложено"),
    "state.second_look": ("waits for a second look", "ждёт второго взгляда"),
    "state.escalated": ("with a lead", "у старшего"),
    "state.closed": ("no flag any more", "отметка снята"),
    "state.relevant": ("relevant, an analyst says", "по теме, по слову аналитика"),
    "state.duplicate": ("a duplicate, an analyst says", "повтор, по слову аналитика"),
    "link.post": ("archived", "в архиве"),
    "link.telegram": ("Telegram", "Telegram"),
    "link.board": ("the board of figures", "табло чисел"),
    "figures": ("Figures", "Числа"),
    "figures.what": (
        "What each channel said, from its lowest to its highest claim. A ≠ stands where two channels cannot both be right.",
        "Что сказал каждый канал, от наименьшего до наибольшего. Знак ≠ стоит там, где два канала исключают друг друга.",
    ),
    "figures.none": ("No figures.", "Чисел нет."),
    "changes": ("Edited after publication", "Исправлено после публикации"),
    "changes.was": ("was", "было"),
    "changes.is": ("is", "стало"),
    "deletions": ("Deleted", "Удалено"),
    "deletions.at": (
        "posted {posted}, found deleted {deleted}",
        "вышло {posted}, удаление найдено {deleted}",
    ),
    "volume": ("How much was posted", "Сколько написано"),
    "volume.norm": ("norm of 7 days", "норма 7 дней"),
    "volume.unknown": ("not known yet", "пока неизвестна"),
    "volume.hours": (
        "by the hour from {since}: posts, and flagged posts",
        "по часам с {since}: записи и отмеченные",
    ),
    "decisions": ("What analysts decided", "Что решили аналитики"),
    "decisions.none": ("Nothing was decided.", "Решений не было."),
    "decisions.waiting": (
        "Waiting: {cases}, {escalated} of them with a lead; the oldest since {oldest}.",
        "Ждут {cases}, из них у старшего: {escalated}; самый старый с {oldest}.",
    ),
    "decisions.no_one": ("Nothing waits for an analyst.", "Ничто не ждёт аналитика."),
    "coverage": ("What was not seen", "Чего не видно"),
    "coverage.all": (
        "Every channel could be read for the whole time.",
        "Все каналы читались всё время.",
    ),
    "coverage.dark": (
        "{label} cannot be read since {since}: {problem}",
        "{label} не читается с {since}: {problem}",
    ),
    "coverage.paused": (
        "{label} is paused since {since}: {problem}",
        "{label} остановлен с {since}: {problem}",
    ),
    "coverage.gap": (
        "{label} was not read from {since} to {until}; what was posted and deleted then is unknown",
        "{label} не читался с {since} по {until}; что появилось и исчезло за это время, неизвестно",
    ),
    "coverage.unread": (
        "Held, and not read by the rules when this was written: {posts}.",
        "Записей, ещё не прочтённых правилами: {posts}.",
    ),
    "coverage.set_aside": (
        "Inputs that could not be taken and are kept aside: {n}.",
        "Не удалось разобрать и отложено: {n}.",
    ),
    "coverage.none": ("No channel is watched.", "Ни один канал не наблюдается."),
    "foot.page": ("This digest on the web", "Эта сводка на сайте"),
    "foot.times": (
        "All times are by the clock of {zone}. Written {at}.",
        "Всё время по часам {zone}. Составлено {at}.",
    ),
    "foot.rules": (
        "Posts are flagged and figures read by rules, not by people; see the state beside each.",
        "Записи отмечают и числа читают правила, а не люди; состояние указано рядом.",
    ),
}


@dataclass(frozen=True, slots=True)
class Wording(Words):
    """The words of a digest in one language."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = SHARED | _WORDS
