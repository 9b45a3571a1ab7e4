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
