"""config/digest.toml: who gets the digest, when, in which language, and of what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.errors import SettingsError, UsageError
from monitor.model import Language, Narrowed, Reader, handle_of, mailbox_of
from monitor.settings.toml import entries_of, parse_toml

_KEYS = {"address", "name", "zone", "hour", "language", "topics", "channels"}
_HOURS = range(24)
_USUAL_HOUR = 8


def readers(path: Path) -> tuple[Reader, ...]:
    """The readers of the digest, each address once. Raises SettingsError that names the file, the line and the mend."""
    document, body = parse_toml(path)
    listed: dict[str, Reader] = {}
    for entry, where in entries_of(document, "reader", path=path, body=body):
        one = _reader(entry, where)
        if one.address in listed:
            raise SettingsError(
                f"{where}: {one.address} is listed twice", "an address gets one digest a day", "remove one"
            )
        listed[one.address] = one
    return tuple(listed.values())


def _reader(entry: Mapping[str, Any], where: str) -> Reader:
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise SettingsError(
            f"{where}: unknown key `{unknown[0]}`",
            f"a reader has {', '.join(sorted(_KEYS))}",
            "mend or remove it",
        )
    try:
        address = mailbox_of(str(entry.get("address", ""))).address
        handles = tuple(sorted({handle_of(handle).lower() for handle in words_of(entry, "channels", where)}))
    except UsageError as error:
        raise SettingsError(f"{where}: {error.what}", error.why, error.mend) from error
    return Reader(
        address=address,
        name=name_of(entry.get("name", ""), where),
        zone=zone_of(entry.get("zone", "UTC"), where),
        hour=_hour(entry.get("hour", _USUAL_HOUR), where),
        language=language_of(entry.get("language", Language.ENGLISH.value), where),
        narrowed=Narrowed(tuple(sorted(set(words_of(entry, "topics", where)))), handles),
    )


def zone_of(written: object, where: str) -> str:
    """The name of a time zone. Raises SettingsError for one that is none."""
    try:
        return ZoneInfo(str(written)).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"{where}: {written!r} is no time zone",
            "it is a name of the IANA list",
            'write zone = "Europe/Kyiv"',
        ) from error


def name_of(value: object, where: str) -> str:
    """What a person is called. Raises SettingsError for what a mail could not carry."""
    if isinstance(value, str) and (value.isprintable() or not value) and not set(value) & set('<>"'):
        return value.strip()
    raise SettingsError(f"{where}: `name` is {value!r}", "it is words in quotes", 'write name = "Olya"')


def _hour(value: object, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in _HOURS:
        return value
    raise SettingsError(
        f"{where}: `hour` is {value!r}", "it is a whole number from 0 to 23", "write hour = 8"
    )


def language_of(value: object, where: str) -> Language:
    """A language by its two letters. Raises SettingsError."""
    if isinstance(value, str) and value in tuple(Language):
        return Language(value)
    raise SettingsError(f"{where}: `language` is {value!r}", "it is en or ru", "choose one of these")


def words_of(entry: Mapping[str, Any], key: str, where: str) -> list[str]:
    """The list of words under a key, empty without it. Raises SettingsError."""
    value = entry.get(key, [])
    if isinstance(value, list) and all(isinstance(word, str) and word for word in value):
        return value
    raise SettingsError(
        f"{where}: `{key}` is {value!r}", "it is a list of words in quotes", f'write {key} = ["…"]'
    )
