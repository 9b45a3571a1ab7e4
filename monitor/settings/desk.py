"""config/review.toml: how cases are put in order, and how long they may wait."""

from datetime import timedelta
from pathlib import Path

from monitor.errors import SettingsError
from monitor.model import Priority, ReviewOptions
from monitor.settings.toml import parse_toml, where_of

_REVIEW_KEYS = {"priority": {"topics", "figures", "person"}, "minutes": {"claim", "overdue"}}
_DAY = 1440


def review(path: Path) -> ReviewOptions:
    """How cases are put in order and how long they may wait. Raises SettingsError that names file, line and mend."""
    document, body = parse_toml(path)
    for name, table in document.items():
        if name not in _REVIEW_KEYS or not isinstance(table, dict):
            raise SettingsError(
                f"{where_of(path, body, name)}: `{name}` is unknown or has another form",
                "the file holds the tables [priority] and [minutes]",
                "mend or remove it",
            )
        for key in sorted(set(table) - _REVIEW_KEYS[name]):
            raise SettingsError(
                f"{where_of(path, body, name, key)}: `{key}` is unknown",
                f"[{name}] takes {', '.join(sorted(_REVIEW_KEYS[name]))}",
                "mend or remove it",
            )

    def number(table: str, key: str, usual: int, *, least: int) -> int:
        return _minutes(
            document.get(table, {}).get(key, usual), where_of(path, body, table, key), least=least
        )

    usual = ReviewOptions()
    topics = document.get("priority", {}).get("topics", {})
    where = where_of(path, body, "priority", "topics")
    if not isinstance(topics, dict):
        raise SettingsError(f"{where}: `topics` is {topics!r}", "it is a table", "write { kursk = 20 }")
    return ReviewOptions(
        priority=Priority(
            topics={topic: _minutes(value, where, least=0) for topic, value in topics.items()},
            figures=number("priority", "figures", usual.priority.figures, least=0),
            person=number("priority", "person", usual.priority.person, least=0),
        ),
        claim=timedelta(minutes=number("minutes", "claim", _whole(usual.claim), least=1)),
        overdue=timedelta(minutes=number("minutes", "overdue", _whole(usual.overdue), least=1)),
    )


def _whole(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _minutes(value: object, where: str, *, least: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _DAY:
        return value
    raise SettingsError(
        f"{where}: {value!r} is no number of minutes",
        f"it is a whole number from {least} to {_DAY}",
        "mend it",
    )
