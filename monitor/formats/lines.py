"""JSON lines (jsonlines.org): one object a row, its keys in the order of the columns, UTF-8."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from monitor.errors import ExportError
from monitor.formats.values import PARSE, batched, encode, moment
from monitor.model import ColumnKind, ExportColumn

Row = tuple[object, ...]
_FORM: dict[ColumnKind, Callable[..., str]] = {ColumnKind.TIMESTAMP: moment, ColumnKind.DATE: str}


class Writer:
    """One file of JSON lines."""

    def __init__(self, path: Path, columns: Sequence[ExportColumn]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._names = [column.name for column in columns]
        self._formed = [(n, _FORM[column.kind]) for n, column in enumerate(columns) if column.kind in _FORM]

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        for row in rows:
            values = list(row)
            for place, form in self._formed:
                if values[place] is not None:
                    values[place] = form(values[place])
            self._file.write(encode(dict(zip(self._names, values, strict=True))) + "\n")

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def read(path: Path, columns: Sequence[ExportColumn]) -> Iterator[list[Row]]:
    """The rows of a file in batches. Raises ExportError where a line is none or lacks a column."""
    return batched(_rows(path, columns))


def _rows(path: Path, columns: Sequence[ExportColumn]) -> Iterator[Row]:
    wanted = [(column.name, PARSE.get(column.kind)) for column in columns]
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            try:
                held = json.loads(line)
                yield tuple(
                    parse(held[name]) if parse and held[name] is not None else held[name]
                    for name, parse in wanted
                )
            except (ValueError, KeyError, TypeError) as error:
                raise ExportError(
                    f"{path.name} cannot be read", f"line {number}: {error}", "take the export anew"
                ) from error
