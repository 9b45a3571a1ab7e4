"""config/channels.toml: which channels are watched, and how."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from monitor.errors import SettingsError, UsageError
from monitor.model import Listed, Pace, SourceName, handle_of
from monitor.settings.toml import entries_of, parse_toml

# A source that is listed and that no worker reads would be a channel that nobody looks at.
WATCHED_BY = (SourceName.PREVIEW, SourceName.TELEGRAM)
# Telegram says itself how soon to ask again, so its pace is bounded widely.
_PACES = {SourceName.TELEGRAM: Pace(timedelta(seconds=1), timedelta(minutes=30))}
SIDES = ("russia", "ukraine", "other", "unknown")
_PACE = re.compile(r"\s*([0-9]{1,5})([smhd])\s*-\s*([0-9]{1,5})([smhd])\s*")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CHANNEL_KEYS = {"handle", "label", "person", "person_since", "side", "source", "pace", "since"}


def channels(path: Path) -> tuple[Listed, ...]:
    """The channel list. Raises SettingsError that names the file, the line and the mend."""
    document, body = parse_toml(path)
    listed: list[Listed] = []
    for entry, where in entries_of(document, "channel", path=path, body=body):
        one = _listed(entry, where)
        if any(one.key == other.key for other in listed):
            raise SettingsError(
                f"{where}: @{one.handle} is listed twice", "a handle stands for one watch", "remove one"
            )
        listed.append(one)
    return tuple(listed)


def _listed(entry: Mapping[str, Any], where: str) -> Listed:
    unknown = sorted(set(entry) - _CHANNEL_KEYS)
    if unknown:
        raise SettingsError(
            f"{where}: unknown key `{unknown[0]}`",
            f"a channel has {', '.join(sorted(_CHANNEL_KEYS))}",
            "mend or remove it",
        )
    try:
        handle = handle_of(str(entry.get("handle", "")))
    except UsageError as error:
        raise SettingsError(f"{where}: {error.what}", error.why, error.mend) from error
    source = _choice(entry, "source", WATCHED_BY, SourceName.PREVIEW, where=where)
    return Listed(
        handle=handle,
        label=_words(entry, "label", where) or handle,
        source=source,
        person=_words(entry, "person", where),
        person_since=_date(entry, "person_since", where),
        side=_choice(entry, "side", SIDES, "unknown", where=where),
        pace=_pace(entry.get("pace"), where, usual=_PACES.get(source, Pace())),
        since=_since(entry, where),
    )


def _words(entry: Mapping[str, Any], key: str, where: str) -> str | None:
    value = entry.get(key)
    if value is None or isinstance(value, str):
        return value
    raise SettingsError(f"{where}: `{key}` is {value!r}", "it is words in quotes", f'write {key} = "…"')


def _choice(entry: Mapping[str, Any], key: str, choices: tuple[Any, ...], default: Any, *, where: str) -> Any:
    value = entry.get(key, default)
    if value not in choices:
        words = ", ".join(str(choice) for choice in choices)
        raise SettingsError(f"{where}: `{key}` is {value!r}", f"it is one of {words}", "choose one of these")
    return type(choices[0])(value)


def _date(entry: Mapping[str, Any], key: str, where: str) -> date | None:
    value = entry.get(key)
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise SettingsError(
        f"{where}: `{key}` is {value!r}", "it is a date without quotes", f"write {key} = 2024-05-14"
    )


def _since(entry: Mapping[str, Any], where: str) -> datetime | None:
    day = _date(entry, "since", where)
    return datetime.combine(day, time(), UTC) if day else None


def _pace(written: object, where: str, *, usual: Pace) -> Pace:
    if written is None:
        return usual
    found = _PACE.fullmatch(str(written))
    if found is not None:
        count, unit, slow_count, slow_unit = found.groups()
        quickest = timedelta(seconds=int(count) * _UNITS[unit])
        slowest = timedelta(seconds=int(slow_count) * _UNITS[slow_unit])
        if timedelta(0) < quickest <= slowest:
            return Pace(quickest, slowest)
    raise SettingsError(
        f"{where}: `pace` is {written!r}",
        "it is the quickest and the slowest time between two looks, in s, m, h or d",
        'write pace = "1m-30m"',
    )


def add_channel(
    path: Path, handle: str, *, label: str | None, source: SourceName = SourceName.PREVIEW
) -> None:
    """Append a channel to the list, leaving the rest of the file as it stands; the result must load."""
    listed = channels(path)
    if any(entry.key == handle.lower() for entry in listed):
        raise UsageError(
            f"@{handle} is listed already", f"it stands in {path}", "see `monitor channels list`"
        )
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except TOMLKitError as error:
        raise SettingsError(f"{path} cannot be edited", str(error), "add the entry by hand") from error
    entries = document.setdefault("channel", tomlkit.aot())
    # Within a list in one line a table must be in one line too.
    entry = tomlkit.inline_table() if isinstance(entries, Array) else tomlkit.table()
    entry.update({"handle": handle, "label": label or handle})
    if source is not SourceName.PREVIEW:
        entry.update({"source": source.value})
    entries.append(entry)
    fresh = path.with_suffix(".toml.new")
    try:
        fresh.write_text(tomlkit.dumps(document), encoding="utf-8")
        channels(fresh)
        fresh.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written",
            error.strerror or str(error),
            "mend its rights, or add the entry by hand",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
