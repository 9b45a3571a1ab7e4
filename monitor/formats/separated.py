"""CSV (RFC 4180, but for lines that end in LF), UTF-8, with a head: null is an empty field, an empty text is "".

Lists and JSON are JSON texts. Python's own reader does not tell "" from nothing before 3.13, so that fields are found here.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from monitor.errors import ExportError
from monitor.formats.values import PARSE, batched, encode, moment
from monitor.model import ColumnKind, ExportColumn

Row = tuple[object, ...]
_SPECIAL = re.compile('[",\r\n]')
_FIELD = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",]*))(,|\n\Z)')


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if not value or _SPECIAL.search(value) else value


def _listed(value: object) -> str:
    return _quoted(encode(value))


def _boolean(value: object) -> str:
    return "true" if value else "false"


_FORM: dict[ColumnKind, Callable[..., str]] = {
    ColumnKind.INTEGER: str,
    ColumnKind.DOUBLE: repr,
    ColumnKind.BOOLEAN: _boolean,
    ColumnKind.TEXT: _quoted,
    ColumnKind.TIMESTAMP: moment,
    ColumnKind.DATE: str,
    ColumnKind.JSON: _quoted,
    ColumnKind.TEXTS: _listed,
    ColumnKind.SPAN: str,
}
_PARSE: dict[ColumnKind, Callable[[str], object]] = PARSE | {
    ColumnKind.INTEGER: int,
    ColumnKind.DOUBLE: float,
    ColumnKind.BOOLEAN: {"true": True, "false": False}.__getitem__,
    ColumnKind.TEXTS: json.loads,
    ColumnKind.SPAN: int,
}


class Writer:
    """One file of CSV."""

    def __init__(self, path: Path, columns: Sequence[ExportColumn]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._forms = [_FORM[column.kind] for column in columns]
        self._file.write(",".join(_quoted(column.name) for column in columns) + "\n")

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        for row in rows:
            fields = [
                "" if value is None else form(value) for form, value in zip(self._forms, row, strict=True)
            ]
            self._file.write(",".join(fields) + "\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def read(path: Path, columns: Sequence[ExportColumn]) -> Iterator[list[Row]]:
    """The rows of a file in batches. Raises ExportError where a record is none or lacks a column."""
    return batched(_rows(path, columns))


def _rows(path: Path, columns: Sequence[ExportColumn]) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="\n") as file:
        records = enumerate(_records(file), 1)
        number = 0
        try:
            head = [field or "" for field in _fields(next(records)[1])]
            wanted = [(head.index(column.name), _PARSE.get(column.kind)) for column in columns]
            for number, record in records:  # noqa: B007 - named by the error
                fields = _fields(record)
                yield tuple(_value(fields[place], parse) for place, parse in wanted)
        except (ValueError, KeyError, IndexError, StopIteration) as error:
            raise ExportError(
                f"{path.name} cannot be read", f"record {number}: {error}", "take the export anew"
            ) from error


def _value(field: str | None, parse: Callable[[str], object] | None) -> object:
    return field if field is None or parse is None else parse(field)


def _records(file: Iterable[str]) -> Iterator[str]:
    """Lines put together until each quote is closed."""
    open_lines: list[str] = []
    inside = False
    for line in file:
        inside ^= line.count('"') % 2 == 1
        open_lines.append(line)
        if not inside:
            yield "".join(open_lines)
            open_lines = []
    if open_lines:
        raise ValueError("it ends within quotes")


def _fields(record: str) -> list[str | None]:
    """The fields of a record: None for nothing, a text for what is quoted."""
    fields: list[str | None] = []
    place = 0
    while found := _FIELD.match(record, place):
        quoted, bare, end = found.groups()
        fields.append(quoted.replace('""', '"') if quoted is not None else bare or None)
        if end != ",":
            return fields
        place = found.end()
    raise ValueError("a quote stands where none can")
