"""Rows of an answer as text: for a person, and as CSV and JSON for programs, which lose nothing."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

_HOUR, _MINUTE = 3600, 60
_QUOTED = frozenset(',"\r\n')


def cell(value: object) -> str:
    """A value for a person, times in UTC; empty for nothing."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else written(value)


def written(value: object) -> str:
    """A value in full."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return str(plain(value))


def span(length: timedelta) -> str:
    """A length of time as databases read it: `1 day 03:25:00`, `-00:00:10`."""
    sign, length = ("-", -length) if length < timedelta() else ("", length)
    clock = f"{length.seconds // _HOUR:02}:{length.seconds // _MINUTE % 60:02}:{length.seconds % 60:02}"
    clock += f".{length.microseconds:06}" if length.microseconds else ""
    days = f"{sign}{length.days} day{'s' * (length.days != 1)} " if length.days else ""
    return f"{days}{sign}{clock}"


def plain(value: object) -> object:
    """A value as JSON has it; a whole number stays whole."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, datetime | date | timedelta):
        return written(value)
    return value


def csv_line(values: Sequence[object]) -> str:
    """A line of CSV (RFC 4180): nothing is an empty field, an empty text is `""`."""
    return ",".join("" if value is None else _quoted(written(value)) for value in values) + "\r\n"


def _quoted(text: str) -> str:
    if text and not _QUOTED.intersection(text) and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'


def json_object(columns: Sequence[str], values: Sequence[object]) -> str:
    """A row as a JSON object on one line."""
    row = {name: plain(value) for name, value in zip(columns, values, strict=True)}
    return json.dumps(row, ensure_ascii=False, default=plain)
