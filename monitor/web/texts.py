"""The words of the interface in English and Russian, in one table, so that neither language can lack one.

Values stand in braces and are put in by name. Nouns that are counted have a table of their own: English has two
forms, Russian three (https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html).
"""

from dataclasses import dataclass

from monitor.model import Language

TEXTS: dict[str, tuple[str, str]] = {
    # every page
    "site": ("Review", "Разбор"),
    "skip": ("Skip to the content", "К содержанию"),
    "nav": ("Pages", "Страницы"),
    "nav.queue": ("Queue", "Очередь"),
    "nav.mine": ("Mine", "Мои"),
    "nav.second_look": ("Second look", "Второй взгляд"),
    "nav.nobodys": ("Nobody's", "Ничьи"),
    "nav.board": ("Board", "Табло"),
    "nav.channels": ("Channels", "Каналы"),
    "nav.precision": ("Rules' precision", "Точность правил"),
    "nav.account": ("My account", "Учётная запись"),
    "sign_out": ("Sign out", "Выйти"),
    "signed_in_as": ("Signed in as {name}", "Вы вошли как {name}"),
    "language": ("Language", "Язык"),
    "utc": ("All times are in UTC", "Всё время указано по UTC"),
    "back": ("Back to the queue", "К очереди"),
    # keys
    "keys": ("Keys", "Клавиши"),
    "keys.title": ("Keys of this page", "Клавиши этой страницы"),
    "keys.off": (
        "Single keys are turned off; Ctrl+k still works.",
        "Одиночные клавиши выключены; Ctrl+k работает.",
    ),
    "palette": ("Actions", "Действия"),
    "palette.title": ("What do you want to do?", "Что сделать?"),
    "palette.none": ("Nothing of that name on this page", "На этой странице такого нет"),
    "close": ("Close", "Закрыть"),
    # signing in
    "login.title": ("Sign in", "Вход"),
    "login.name": ("Name", "Имя"),
    "login.password": ("Password", "Пароль"),
    "login.do": ("Sign in", "Войти"),
    "login.wrong": ("The name or the password is wrong.", "Неверное имя или пароль."),
    "login.wait": (
        "Too many failed attempts. The next one is possible at {at} UTC.",
        "Слишком много неудачных попыток. Следующая возможна в {at} по UTC.",
    ),
    "login.help": (
        "Whoever runs this site makes an account with “monitor user add”.",
        "Учётную запись заводит тот, у кого работает сайт: «monitor user add».",
    ),
    # my account
    "account.title": ("My account", "Моя учётная запись"),
    "account.role": ("Role", "Роль"),
    "account.since": ("Since", "С"),
    "account.preferences": ("Language and keys", "Язык и клавиши"),
    "account.keys": ("Single keys act (j, k, 1, 2 …)", "Одиночные клавиши работают (j, k, 1, 2 …)"),
    "account.keys.why": (
        "Turn this off if you speak to your computer or press keys by accident.",
        "Выключите, если вы управляете голосом или нажимаете клавиши случайно.",
    ),
    "account.keep": ("Keep", "Сохранить"),
    "account.password": ("Change the password", "Смена пароля"),
    "account.password.now": ("Present password", "Нынешний пароль"),
    "account.password.new": ("New password", "Новый пароль"),
    "account.password.again": ("New password again", "Новый пароль ещё раз"),
    "account.password.rule": ("{shortest} characters or more.", "Не короче {shortest} символов."),
    "account.password.change": ("Change it and sign out elsewhere", "Сменить и выйти на других устройствах"),
    "account.password.wrong": ("The present password is wrong.", "Нынешний пароль неверен."),
    "account.password.differ": ("The new passwords differ.", "Новые пароли не совпадают."),
    "account.password.refused": (
        "The new password must have {shortest} to {longest} characters.",
        "В новом пароле должно быть от {shortest} до {longest} символов.",
    ),
    "done.kept": ("Kept.", "Сохранено."),
    "done.password": (
        "The password is changed, and all your other sessions are over.",
        "Пароль сменён, остальные ваши сеансы завершены.",
    ),
    # roles
    "role.viewer": ("viewer", "наблюдатель"),
    "role.analyst": ("analyst", "аналитик"),
    "role.lead": ("lead", "старший"),
    # the queue
    "views": ("Views", "Разделы"),
    "view.queue": ("Queue", "Очередь"),
    "view.mine": ("Mine", "Мои"),
    "view.nobodys": ("Nobody's", "Ничьи"),
    "view.overdue": ("Overdue", "Просроченные"),
    "view.second": ("Second look", "Второй взгляд"),
    "view.escalated": ("Escalated", "Переданные старшему"),
    "view.snoozed": ("Snoozed", "Отложенные"),
    "view.decided": ("Decided", "Решённые"),
    "view.closed": ("Closed", "Закрытые"),
    "queue.next": ("Claim the next case", "Взять следующий"),
    "queue.down": ("Down", "Вниз"),
    "queue.up": ("Up", "Вверх"),
    "queue.pick": ("Choose this case", "Выбрать этот случай"),
    "queue.chosen": ("Those chosen:", "Выбранные:"),
    "queue.more": ("More", "Дальше"),
    "queue.empty": (
        "Nothing is here. New cases come by themselves.",
        "Здесь пусто. Новые случаи придут сами.",
    ),
    "queue.narrowed": ("Narrowed to", "Только"),
    "queue.widen": ("show all", "показать все"),
    "queue.fresh": ("{n} new — show", "Новых: {n} — показать"),
    "queue.done.empty": ("There is no further case here.", "Больше случаев здесь нет."),
    "queue.done.decided": ("Decided.", "Решено."),
    "queue.done.undone": ("Taken back.", "Отменено."),
    "queue.done.bulk": ("Decided together.", "Решено вместе."),
    "queue.done.released": ("Given back to the queue.", "Возвращено в очередь."),
    "undo": ("Undo", "Отменить"),
    "undo_last": ("Undo my decision", "Отменить моё решение"),
    "mine": ("mine", "у меня"),
    "edited": ("edited", "изменён"),
    "reopened": ("reopened", "открыт снова"),
    "gone": ("deleted", "удалена"),
    # a case
    "case.title": ("Case {number}", "Случай {number}"),
    "case.wakes": ("comes back", "вернётся"),
    "case.held_by": ("held by {name} until", "у {name} до"),
    "case.lost": (
        "This case is not yours any more: the claim ran out or was taken over.",
        "Этот случай больше не ваш: время вышло или его забрали.",
    ),
    "case.collected": ("collected", "собрано"),
    "case.edited": ("edited,", "изменено,"),
    "case.deleted": ("deleted", "удалено"),
    "case.missing": ("not visible since", "не видно с"),
    "case.forwarded": ("Forwarded from", "Переслано из"),
    "case.somebody": ("a user", "пользователя"),
    "case.reread": ("Changed since it was decided", "Изменилось после решения"),
    "case.media": ("Media, not loaded:", "Вложение, не загружено:"),
    "case.no_text": ("(no text)", "(без текста)"),
    "case.stable": ("Stable page", "Постоянная страница"),
    "case.telegram": ("On Telegram", "В Telegram"),
    "case.around": ("Ten posts before and after", "Десять записей до и после"),
    "case.this": ("this post", "эта запись"),
    "case.helps": ("What helps to decide", "Что поможет решить"),
    "case.why": ("Why it is here", "Почему это здесь"),
    "case.no_flag": ("No topic is found in it any more.", "Больше ни одной темы в нём не найдено."),
    "case.figures": ("Figures", "Числа"),
    "case.inferred": ("inferred:", "выведено:"),
    "case.versions": ("Versions", "Версии"),
    "case.version": ("Version {number}", "Версия {number}"),
    "case.copies": ("The same text elsewhere", "Тот же текст в других местах"),
    "case.more_copies": ("and {n} more", "и ещё {n}"),
    "case.channel": ("The channel", "Канал"),
    "case.history": ("What happened", "Что было"),
    "case.decide": ("Decide", "Решить"),
    "case.take_over": ("Take over from {name}", "Забрать у {name}"),
    "case.claim": ("Claim", "Взять"),
    "case.release": ("Give back", "Вернуть"),
    "case.opinion": ("Your own opinion", "Ваше мнение"),
    "case.no_opinion": ("not sure", "не уверен"),
    "case.wake": ("Until when", "До каких пор"),
    "case.reason": ("Reason", "Причина"),
    "case.note": ("Note", "Заметка"),
    "case.done.decided": ("Decided; here is the next case.", "Решено; вот следующий случай."),
    "case.done.undone": ("Taken back; the case is yours again.", "Отменено; случай снова ваш."),
    "case.done.claimed": ("The case is yours.", "Случай ваш."),
    "case.done.figure": ("Kept.", "Сохранено."),
    "wake.1h": ("for 1 hour", "на 1 час"),
    "wake.4h": ("for 4 hours", "на 4 часа"),
    "wake.12h": ("for 12 hours", "на 12 часов"),
    "wake.morning": ("until 08:00", "до 08:00"),
    "wake.edit": ("until edited", "до изменения"),
    "post.not_current": ("not what it says now", "сейчас там другое"),
    "post.retrieved": ("Retrieved", "Получено"),
    "post.address": ("Address", "Адрес"),
    "post.case": ("Case", "Случай"),
    "post.cite": ("Cite", "Сослаться"),
    "conflict.title": ("This cannot be done by now", "Сейчас этого сделать нельзя"),
    "conflict.onwards": ("See how it stands", "Посмотреть, как обстоит дело"),
    "conflict.held": ("Another analyst holds this case.", "Этот случай у другого аналитика."),
    "conflict.edited": (
        "The post was edited while you read it; nothing was written.",
        "Пока вы читали, запись изменили; ничего не записано.",
    ),
    "conflict.own_second": (
        "You asked for this second look yourself; somebody else gives it.",
        "Второй взгляд просили вы; его даёт другой.",
    ),
    "conflict.settled": (
        "It was decided meanwhile, or this decision does not stand any more.",
        "Уже решено, или это решение больше не в силе.",
    ),
    # states, verdicts, events
    "state.open": ("open", "открыт"),
    "state.snoozed": ("snoozed", "отложен"),
    "state.second_look": ("second look", "второй взгляд"),
    "state.escalated": ("escalated", "передан старшему"),
    "state.decided": ("decided", "решён"),
    "state.closed": ("closed", "закрыт"),
    "verdict.relevant": ("Relevant", "По теме"),
    "verdict.not_relevant": ("Not relevant", "Не по теме"),
    "verdict.duplicate": ("Duplicate", "Повтор"),
    "verdict.second_look": ("Second look", "Второй взгляд"),
    "verdict.escalate": ("Escalate", "Старшему"),
    "verdict.snooze": ("Snooze", "Отложить"),
    "verdict.undo": ("Undo", "Отмена"),
    "event.opened": ("opened", "открыт"),
    "event.joined": ("a copy joined", "добавилась копия"),
    "event.edited": ("the post was edited", "запись изменена"),
    "event.topic_added": ("a topic was found", "найдена тема"),
    "event.reopened": ("reopened", "открыт снова"),
    "event.woken": ("came back", "вернулся"),
    "event.closed": ("closed: its last topic is gone", "закрыт: последняя тема исчезла"),
    "event.claimed": ("claimed", "взят"),
    "event.taken_over": ("taken over", "забран"),
    "event.released": ("given back", "возвращён"),
    # figures and channels
    "figure.confirm": ("Confirm", "Верно"),
    "figure.reject": ("Reject", "Неверно"),
    "figure.correct": ("Correct", "Исправить"),
    "figure.keep": ("Keep the correction", "Сохранить исправление"),
    "figure.low": ("from", "от"),
    "figure.high": ("to", "до"),
    "figure.kind": ("kind", "что"),
    "figure.side": ("side", "чьё"),
    "figure.confirmed": ("confirmed", "подтверждено"),
    "figure.corrected": ("corrected", "исправлено"),
    "figure.rejected": ("rejected", "отклонено"),
    "channel.then": ("Called then", "Тогда назывался"),
    "channel.person": ("Speaks for", "Говорит от имени"),
    "channel.subscribers": ("Subscribers", "Подписчики"),
    "channel.side": ("Side", "Сторона"),
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
    # what went wrong
    "error.title": ("This did not work", "Не получилось"),
    "error.not_found": ("There is no such page.", "Такой страницы нет."),
    "error.forbidden": (
        "Your role does not allow this. It takes at least: {role}.",
        "Ваша роль этого не позволяет. Нужна как минимум: {role}.",
    ),
    "error.origin": (
        "This request came from another site, or hides where it is from; nothing was done. Open the page here and send it again.",
        "Запрос пришёл с другого сайта или скрывает, откуда он; ничего не сделано. Откройте страницу здесь и отправьте ещё раз.",
    ),
    "error.bad_request": ("The request cannot be read.", "Запрос не удалось прочесть."),
    "error.method": ("This cannot be done with this page.", "С этой страницей так нельзя."),
    "error.too_large": ("That is too much to take in at once.", "Это слишком много за один раз."),
    "error.signed_out": ("You are not signed in any more.", "Вы больше не вошли."),
    "error.database": (
        "The database cannot be reached. Nothing that was decided is lost; try again in a minute.",
        "База данных недоступна. Решения не потеряны; попробуйте через минуту.",
    ),
    "error.own": (
        "A mistake of ours met this page; it is in the log. Try again, or go another way.",
        "На этой странице сработала наша ошибка, она записана в журнал. Попробуйте ещё раз или иначе.",
    ),
    # spans of time, in short
    "span.now": ("now", "сейчас"),
    "span.minutes": ("{n} min", "{n} мин"),
    "span.hours": ("{n} h", "{n} ч"),
    "span.days": ("{n} d", "{n} дн"),
}

COUNTED: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "case": (("case", "cases"), ("случай", "случая", "случаев")),
    "post": (("post", "posts"), ("запись", "записи", "записей")),
    "copy": (("copy", "copies"), ("копия", "копии", "копий")),
    "version": (("version", "versions"), ("версия", "версии", "версий")),
    "figure": (("figure", "figures"), ("число", "числа", "чисел")),
    "channel": (("channel", "channels"), ("канал", "канала", "каналов")),
    "minute": (("minute", "minutes"), ("минута", "минуты", "минут")),
    "decision": (("decision", "decisions"), ("решение", "решения", "решений")),
}

MONTHS: dict[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    Language.RUSSIAN: ("янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"),
}


@dataclass(frozen=True, slots=True)
class Texts:
    """The words in one language: `t("login.title")`, `t("login.wait", at="12:30")`, `t.count("case", 5)`."""

    language: Language

    @property
    def _place(self) -> int:
        return 0 if self.language is Language.ENGLISH else 1

    def __call__(self, name: str, /, **values: object) -> str:
        """One text, with its values put in. Raises KeyError where there is none of that name."""
        found = TEXTS[name][self._place]
        return found.format(**values) if values else found

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


def _russian(number: int) -> int:
    """Which of the three forms: 1, 21 … one; 2 to 4, 22 to 24 … few; all others many."""
    tens, ones = abs(number) % 100, abs(number) % 10
    if ones == 1 and tens != 11:  # noqa: PLR2004
        return 0
    return 1 if 2 <= ones <= 4 and not 12 <= tens <= 14 else 2  # noqa: PLR2004


def preferred(accepted: str) -> Language:
    """The language to greet with, from an Accept-Language header; English where it names none of ours."""
    wishes = [entry.partition(";") for entry in accepted.lower().split(",")]
    known = {language.value: language for language in Language}
    found = [
        (_weight(weight), known[code])
        for tag, _, weight in wishes
        if (code := tag.strip().split("-")[0]) in known
    ]
    weight, language = max(found, key=lambda one: one[0], default=(0.0, Language.ENGLISH))
    return language if weight > 0 else Language.ENGLISH


def _weight(written: str) -> float:
    """The weight of a wish, 1 where it has none."""
    try:
        return float(written.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
