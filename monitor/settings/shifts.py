"""config/oncall.toml: who is told of alerts, when and by which routes, and what raises one."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import time, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from monitor.errors import SettingsError, UsageError
from monitor.model import (
    MAIL_ROUTE,
    Language,
    Limits,
    OnCall,
    Person,
    Quiet,
    Severity,
    Shift,
    Thresholds,
    mailbox_of,
)
from monitor.settings.readers import language_of, name_of, words_of, zone_of
from monitor.settings.toml import entries_of, parse_toml, where_of

KEYS = {
    "person": {"name", "address", "zone", "language", "routes"},
    "shift": {"person", "days", "from", "until", "zone", "order"},
    "quiet": {"from", "until", "wakes"},
    "routes": {severity.value for severity in Severity},
    "thresholds": {"topics", "figure", "official"},
    "limits": {
        "unclaimed", "an_hour", "group", "longest", "silent_times", "silent_hours", "failing", "flood", "disk_free_gb",
    },
}  # fmt: skip
_ENTRIES = ("person", "shift")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class _Table(NamedTuple):
    """A table of the file, and where each of its keys stands."""

    values: Mapping[str, Any]
    where: Callable[[str], str]


def on_call(
    path: Path, routes: Collection[str] = (MAIL_ROUTE,), topics: Collection[str] | None = None
) -> OnCall:
    """Who is told of what; `routes` are those set up, and `topics` those of the rules, where they are known.

    Raises SettingsError that names the file, the line and the mend.
    """
    document, body = parse_toml(path)
    tables = {name: _table(document, name, path=path, body=body) for name in KEYS if name not in _ENTRIES}
    _known_alone(document, path, body)
    people = _people(document, path, body, routes=routes)
    found = OnCall(
        people=people,
        shifts=_shifts(document, path, body, people=people),
        quiet=_quiet(tables["quiet"]),
        routes=_routes(tables["routes"], routes),
        thresholds=_thresholds(tables["thresholds"], topics),
        limits=_limits(tables["limits"]),
    )
    _each_is_reached(found, where_of(path, body, "routes"))
    return found


def _known_alone(document: Mapping[str, Any], path: Path, body: str) -> None:
    for name in document:
        if name not in KEYS:
            raise SettingsError(
                f"{where_of(path, body, name)}: `{name}` is unknown",
                "the file holds [[person]], [[shift]], [quiet], [routes], [thresholds] and [limits]",
                "mend or remove it",
            )


def _table(document: Mapping[str, Any], name: str, *, path: Path, body: str) -> _Table:
    values = document.get(name, {})
    if not isinstance(values, dict):
        raise SettingsError(
            f"{where_of(path, body, name)}: `{name}` has another form", "it is a table", f"write [{name}]"
        )
    found = _Table(values, lambda key: where_of(path, body, name, key))
    for key in values:
        _known_key(name, key, found.where(key))
    return found


def _known_key(name: str, key: str, where: str) -> None:
    if key not in KEYS[name]:
        raise SettingsError(
            f"{where}: unknown key `{key}`",
            f"`{name}` takes {', '.join(sorted(KEYS[name]))}",
            "mend or remove it",
        )


def _entries(document: Mapping[str, Any], name: str, path: Path, body: str) -> list[tuple[_Table, str]]:
    alone = {name: document[name]} if name in document else {}
    found = []
    for entry, where in entries_of(alone, name, path=path, body=body):
        for key in sorted(entry):
            _known_key(name, key, where)
        found.append((_Table(entry, lambda key, where=where: where), where))  # type: ignore[misc]
    return found


# --- people and shifts --------------------------------------------------------------------------------------


def _people(
    document: Mapping[str, Any], path: Path, body: str, *, routes: Collection[str]
) -> tuple[Person, ...]:
    people: dict[str, Person] = {}
    for (entry, _), where in _entries(document, "person", path, body):
        one = _person(entry, where, routes)
        if one.name in people:
            raise SettingsError(
                f"{where}: {one.name} is listed twice", "shifts name people", "give one another name"
            )
        people[one.name] = one
    return tuple(people.values())


def _person(entry: Mapping[str, Any], where: str, routes: Collection[str]) -> Person:
    name = name_of(entry.get("name", ""), where)
    if not name:
        raise SettingsError(f"{where}: this person has no name", "shifts name people", 'write name = "Olya"')
    own = tuple(words_of(entry, "routes", where)) if "routes" in entry else (MAIL_ROUTE,)
    if not own:
        raise SettingsError(f"{where}: `routes` is empty", f"{name} could not be told", "name a route")
    _set_up(own, routes, where)
    return Person(
        name=name,
        address=_address(entry, where) if MAIL_ROUTE in own or "address" in entry else "",
        zone=zone_of(entry.get("zone", "UTC"), where),
        language=language_of(entry.get("language", Language.ENGLISH.value), where),
        routes=own,
    )


def _address(entry: Mapping[str, Any], where: str) -> str:
    try:
        return mailbox_of(str(entry.get("address", ""))).address
    except UsageError as error:
        raise SettingsError(f"{where}: {error.what}", error.why, error.mend) from error


def _set_up(wanted: Collection[str], routes: Collection[str], where: str) -> None:
    """Refuse a route by which nothing could go."""
    for route in wanted:
        if route not in routes and route == MAIL_ROUTE:
            raise SettingsError(
                f"{where}: the route mail has no server", "MONITOR_SMTP_HOST is not set", "set it"
            )
        if route not in routes:
            raise SettingsError(
                f"{where}: no route is called {route!r}",
                f"there are {', '.join(sorted(routes)) or 'none'}",
                "mend it, or name its address in MONITOR_ALERT_ROUTES",
            )


def _shifts(
    document: Mapping[str, Any], path: Path, body: str, *, people: Collection[Person]
) -> tuple[Shift, ...]:
    zones = {person.name: person.zone for person in people}
    return tuple(_shift(entry, where, zones) for (entry, _), where in _entries(document, "shift", path, body))


def _shift(entry: Mapping[str, Any], where: str, zones: Mapping[str, str]) -> Shift:
    name = entry.get("person")
    if not isinstance(name, str) or name not in zones:
        raise SettingsError(
            f"{where}: `person` is {name!r}", "a shift is of a [[person]] of this file", "name one of them"
        )
    order = entry.get("order", 1)
    if not _is_whole(order) or order < 1:
        raise SettingsError(f"{where}: `order` is {order!r}", "the first on call is 1", "write order = 1")
    return Shift(
        person=name,
        since=_hour(entry.get("from", "00:00"), "from", where),
        until=_hour(entry.get("until", "00:00"), "until", where),
        days=_days(entry, where),
        zone=zone_of(entry["zone"], where) if "zone" in entry else zones[name],
        order=order,
    )


def _days(entry: Mapping[str, Any], where: str) -> frozenset[int]:
    days = words_of(entry, "days", where) if "days" in entry else list(_DAYS)
    if days and all(day in _DAYS for day in days):
        return frozenset(_DAYS.index(day) for day in days)
    raise SettingsError(
        f"{where}: `days` is {days!r}", f"it is a list of {', '.join(_DAYS)}", 'write days = ["sat", "sun"]'
    )


def _hour(value: object, key: str, where: str) -> time:
    found = _HOUR.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return time(int(found.group(1)), int(found.group(2)))
    raise SettingsError(
        f"{where}: `{key}` is {value!r}", "it is hours and minutes in quotes", f'write {key} = "08:00"'
    )


# --- tables -------------------------------------------------------------------------------------------------


def _quiet(table: _Table) -> Quiet | None:
    if not table.values:
        return None
    hours = [_hour(table.values.get(key), key, table.where(key)) for key in ("from", "until")]
    if hours[0] == hours[1]:
        raise SettingsError(
            f"{table.where('until')}: these quiet hours have no end", "it is the hour of `from`", "mend it"
        )
    wakes = table.values.get("wakes", Severity.CRITICAL.value)
    if wakes not in tuple(Severity):
        raise SettingsError(
            f"{table.where('wakes')}: `wakes` is {wakes!r}", "it is info, warning or critical", "choose one"
        )
    return Quiet(hours[0], hours[1], Severity(wakes))


def _routes(table: _Table, routes: Collection[str]) -> dict[Severity, tuple[str, ...]]:
    found = {}
    for key in table.values:
        found[Severity(key)] = tuple(words_of(table.values, key, table.where(key)))
        _set_up(found[Severity(key)], routes, table.where(key))
    return found


def _each_is_reached(found: OnCall, where: str) -> None:
    """A severity that names routes and none of a person's would silently tell them nothing."""
    for severity, routes in found.routes.items():
        for person in found.people:
            if routes and not set(routes) & set(person.routes):
                raise SettingsError(
                    f"{where}: {person.name} has none of the routes of {severity.value}",
                    f"{person.name} has {', '.join(person.routes)}",
                    "add one of them, or write [] where nobody is to be told",
                )


def _thresholds(table: _Table, topics: Collection[str] | None) -> Thresholds:
    wanted = words_of(table.values, "topics", table.where("topics"))
    for topic in wanted:
        if topics is not None and topic not in topics:
            raise SettingsError(
                f"{table.where('topics')}: no topic is called {topic!r}",
                f"the rules have {', '.join(sorted(topics))}",
                "mend it, or add the topic to rules.toml",
            )
    figure = table.values.get("figure")
    official = table.values.get("official", False)
    if not isinstance(official, bool):
        raise SettingsError(
            f"{table.where('official')}: `official` is {official!r}",
            "it is true or false",
            "write official = true",
        )
    return Thresholds(
        topics=frozenset(wanted),
        figure=None if figure is None else _number(table, "figure", 0, least=0, most=1e12),
        official=official,
    )


def _limits(table: _Table) -> Limits:
    usual = Limits()

    def span(key: str, unit: timedelta, default: timedelta, *, least: float, most: float) -> timedelta:
        return unit * _number(table, key, default / unit, least=least, most=most)

    minute, second = timedelta(minutes=1), timedelta(seconds=1)
    found = Limits(
        unclaimed=span("unclaimed", minute, usual.unclaimed, least=1, most=1440),
        an_hour=int(_number(table, "an_hour", usual.an_hour, least=1, most=3600)),
        group=span("group", second, usual.group, least=0, most=3600),
        longest=span("longest", second, usual.longest, least=0, most=3600),
        silent_times=_number(table, "silent_times", usual.silent_times, least=1, most=1000),
        silent_least=span("silent_hours", timedelta(hours=1), usual.silent_least, least=0.1, most=1000),
        failing=span("failing", minute, usual.failing, least=0, most=1440),
        flood=span("flood", minute, usual.flood, least=1, most=1440),
        disk_free_gb=_number(table, "disk_free_gb", usual.disk_free_gb, least=0, most=1e6),
    )
    if found.longest < found.group:
        raise SettingsError(
            f"{table.where('longest')}: `longest` is less than `group`",
            "a group is over once nothing came for `group` seconds, and after `longest` at the latest",
            "make it larger",
        )
    return found


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(table: _Table, key: str, usual: float, *, least: float, most: float) -> float:
    value = table.values.get(key, usual)
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if number and least <= value <= most and (key != "an_hour" or _is_whole(value)):
        return float(value)
    raise SettingsError(
        f"{table.where(key)}: `{key}` is {value!r}", f"it is a number from {least:g} to {most:g}", "mend it"
    )
