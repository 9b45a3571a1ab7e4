"""Pure: what a notice says, in the language and by the clock of the person it is for. No clock, no database."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from monitor.model import Alert, AlertRole, Language, Person, Severity

# More would not be read; the site has them all.
SHOWN = 20
REMOVED = {
    Language.ENGLISH: "removed on lawful request",
    Language.RUSSIAN: "удалено по законному требованию",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Alerts of which a notice says the same, how many there are, and of each kind how many."""

    role: AlertRole
    count: int
    kinds: Mapping[str, int]
    first: Sequence[Alert]


class Worded(NamedTuple):
    """A notice in words: for people, and as JSON values for programs."""

    subject: str
    body: str
    told: dict[str, Any]


_EN: dict[str, str] = {
    "info": "Info",
    "warning": "Warning",
    "critical": "Critical",
    "resolved": "Resolved",
    "raised_head": "New",
    "escalated_head": "Nobody has claimed these yet; you are next on call",
    "resolved_head": "Resolved",
    "more": "and {count:,} more",
    "case": "case {case}",
    "all": "All of them: {link}",
    "all_bare": "All of them: monitor alerts list, or the queue of the review site",
    "topic": "{name} on {topics}",
    "figure": "{name} states {figure}",
    "official_edited": "{name} edited a post with figures",
    "official_deleted": "{name} deleted a post with figures",
    "silent": "@{subject} has posted nothing since {since}; its usual gap is {gap}",
    "watch": "@{subject} cannot be read since {since}: {error}",
    "session": "the account {subject} is not logged in any more: {error}",
    "banned": "the account {subject} is banned: {error}",
    "flood": "Telegram asks {subject} to wait until {until}",
    "job": "the step {subject} has not run well since {since}: {error}",
    "disk": "only {free} GB are free where the data lie",
    "digest": "the digest of {subject} did not go: {failed} failed, {in_doubt} in doubt, {late} late",
    "route": "notices do not go by {subject} since {since}: {error}",
    "many_topic": "{count:,} cases on topics",
    "many_figure": "{count:,} cases with large figures",
    "many_official": "{count:,} changed posts of officials",
    "many_silent": "{count:,} silent channels",
    "many_watch": "{count:,} failing watches",
    "many_session": "{count:,} lost sessions",
    "many_banned": "{count:,} banned accounts",
    "many_flood": "{count:,} long waits",
    "many_job": "{count:,} missed jobs",
    "many_disk": "{count:,} full disks",
    "many_digest": "{count:,} unsent digests",
    "many_route": "{count:,} broken routes",
    "test_subject": "Test: notices reach you",
    "test_body": "This is a test notice of the monitor. Nothing happened.",
    "min": "{n} min",
    "h": "{n} h",
    "d": "{n} d",
}
_RU: dict[str, str] = {
    "info": "К сведению",
    "warning": "Внимание",
    "critical": "Срочно",
    "resolved": "Снято",
    "raised_head": "Новое",
    "escalated_head": "Этого никто не взял; вы следующие на дежурстве",
    "resolved_head": "Снято",
    "more": "и ещё {count:,}",
    "case": "дело {case}",
    "all": "Всё вместе: {link}",
    "all_bare": "Всё вместе: monitor alerts list или очередь на сайте проверки",
    "topic": "{name}: {topics}",
    "figure": "{name} называет {figure}",
    "official_edited": "{name}: правка поста с числами",
    "official_deleted": "{name}: удалён пост с числами",
    "silent": "@{subject} молчит с {since}; обычно между постами {gap}",
    "watch": "@{subject} не читается с {since}: {error}",
    "session": "учётная запись {subject} больше не в системе: {error}",
    "banned": "учётная запись {subject} заблокирована: {error}",
    "flood": "Telegram просит {subject} ждать до {until}",
    "job": "шаг {subject} не удаётся с {since}: {error}",
    "disk": "там, где лежат данные, свободно лишь {free} ГБ",
    "digest": "дайджест за {subject} не ушёл: не принято {failed}, неясно {in_doubt}, опаздывает {late}",
    "route": "уведомления не уходят через {subject} с {since}: {error}",
    "many_topic": "дел по темам: {count:,}",
    "many_figure": "дел с большими числами: {count:,}",
    "many_official": "правок и удалений у официальных лиц: {count:,}",
    "many_silent": "молчащих каналов: {count:,}",
    "many_watch": "каналов, которые не читаются: {count:,}",
    "many_session": "потерянных сеансов: {count:,}",
    "many_banned": "заблокированных учётных записей: {count:,}",
    "many_flood": "долгих ожиданий: {count:,}",
    "many_job": "пропущенных шагов: {count:,}",
    "many_disk": "полных дисков: {count:,}",
    "many_digest": "неотправленных дайджестов: {count:,}",
    "many_route": "неработающих путей: {count:,}",
    "test_subject": "Проверка: уведомления доходят",
    "test_body": "Это пробное уведомление монитора. Ничего не случилось.",
    "min": "{n} мин",
    "h": "{n} ч",
    "d": "{n} дн.",
}
# Russian has the number behind a colon, and needs no other form.
_ONE = {
    "topic": "1 case on topics",
    "figure": "1 case with large figures",
    "official": "1 changed post of officials",
    "silent": "1 silent channel",
    "watch": "1 failing watch",
    "session": "1 lost session",
    "banned": "1 banned account",
    "flood": "1 long wait",
    "job": "1 missed job",
    "disk": "1 full disk",
    "digest": "1 unsent digest",
    "route": "1 broken route",
}
WORDS = {Language.ENGLISH: _EN, Language.RUSSIAN: _RU}
_HOURS_IN_MINUTES, _DAYS_IN_HOURS = 120, 48
_LONGEST_ERROR = 200


def worded(person: Person, severity: Severity, parts: Sequence[Part], *, public_url: str | None) -> Worded:
    """A notice of these parts. Only the first alerts of each are told one by one, the others are counted."""
    words = WORDS[person.language]
    shown = [replace(part, first=part.first[:SHOWN]) for part in parts]
    lines: list[str] = []
    for part in shown:
        lines += _section(words, part, person, public_url)
    lines.append(words["all"].format(link=f"{public_url}/queue") if public_url else words["all_bare"])
    told = {
        "count": sum(part.count for part in parts),
        "alerts": [_as_json(alert, part.role, public_url) for part in shown for alert in part.first],
    }
    return Worded(_subject(words, severity, shown, person), "\n".join(lines) + "\n", told)


def trial_notice(person: Person) -> Worded:
    """A notice that only shows that notices arrive."""
    words = WORDS[person.language]
    return Worded(words["test_subject"], words["test_body"] + "\n", {"count": 0, "alerts": []})


def headline(alert: Alert, *, language: Language = Language.ENGLISH, zone: str = "UTC") -> str:
    """An alert in one line."""
    words = WORDS[language]
    told = dict(alert.told)
    if told.get("removed"):
        return f"{alert.subject}: {REMOVED[language]}"
    named = {
        **dict.fromkeys(("error", "since", "until", "gap", "free", "topics", "figure"), "?"),
        **dict.fromkeys(("failed", "in_doubt", "late"), 0),
        **{key: _shown(key, value, words, zone) for key, value in told.items()},
        "subject": alert.subject,
        "name": f"@{told['handle']}" if told.get("handle") else told.get("title", "?"),
    }
    kind = f"{alert.kind}_{told.get('what')}" if alert.kind == "official" else alert.kind
    return words.get(kind, "{subject}").format(**named)


def _shown(key: str, value: Any, words: Mapping[str, str], zone: str) -> object:
    shown = _SHOWN.get(key)
    return shown(value, words, zone) if shown else value


def _moment(value: Any, _: Mapping[str, str], zone: str) -> str:
    return f"{datetime.fromisoformat(value).astimezone(ZoneInfo(zone)):%d.%m. %H:%M}"


def _span(value: Any, words: Mapping[str, str], _: str) -> str:
    minutes = max(round(timedelta(seconds=value) / timedelta(minutes=1)), 1)
    if minutes < _HOURS_IN_MINUTES:
        return words["min"].format(n=minutes)
    hours = round(minutes / 60)
    return words["h"].format(n=hours) if hours < _DAYS_IN_HOURS else words["d"].format(n=round(hours / 24))


_SHOWN: dict[str, Callable[[Any, Mapping[str, str], str], object]] = {
    "since": _moment,
    "until": _moment,
    "gap": _span,
    "free": lambda value, words, zone: f"{value / 1e9:.1f}",
    "topics": lambda value, words, zone: ", ".join(value),
    "figure": lambda value, words, zone: f"{value:,.10g}",
    "error": lambda value, words, zone: " ".join(str(value).split())[:_LONGEST_ERROR],
}


def _subject(words: Mapping[str, str], severity: Severity, parts: Sequence[Part], person: Person) -> str:
    resolved = all(part.role is AlertRole.RESOLVED for part in parts)
    told = parts if resolved else [part for part in parts if part.role is not AlertRole.RESOLVED]
    head = words["resolved"] if resolved else words[severity.value]
    if sum(part.count for part in told) == 1:
        (alert,) = (part.first[0] for part in told)
        return f"{head}: {headline(alert, language=person.language, zone=person.zone)}"
    kinds: Counter[str] = Counter()
    for part in told:
        kinds.update(part.kinds)
    return f"{head}: " + ", ".join(
        _counted(person.language, kind, count) for kind, count in kinds.most_common()
    )


def _counted(language: Language, kind: str, count: int) -> str:
    if count == 1 and language is Language.ENGLISH:
        return _ONE[kind]
    return WORDS[language][f"many_{kind}"].format(count=count)


def _section(words: Mapping[str, str], part: Part, person: Person, public_url: str | None) -> Iterable[str]:
    yield words[f"{part.role.value}_head"]
    for alert in part.first:
        yield f"- {headline(alert, language=person.language, zone=person.zone)}"
        if part.role is AlertRole.RESOLVED:
            continue
        if alert.told.get("quote"):
            yield f"  «{alert.told['quote']}»"
        if alert.case_id is not None:
            yield f"  {_link(alert.case_id, public_url) or words['case'].format(case=alert.case_id)}"
    if part.count > len(part.first):
        yield "- " + words["more"].format(count=part.count - len(part.first))
    yield ""


def _link(case_id: int, public_url: str | None) -> str | None:
    return f"{public_url}/case/{case_id}" if public_url else None


def _as_json(alert: Alert, role: AlertRole, public_url: str | None) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "state": role.value,
        "kind": alert.kind,
        "subject": alert.subject,
        "severity": alert.severity.value,
        "raised_at": alert.raised_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "resolution": alert.resolution,
        "case": alert.case_id,
        "link": _link(alert.case_id, public_url) if alert.case_id is not None else None,
        "told": dict(alert.told),
        "words": headline(alert),
    }
