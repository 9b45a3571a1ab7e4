"""Files of rows: Parquet, CSV and JSON lines, written and read batch by batch, with the same columns and values in each.

The same rows give the same bytes: nothing in a file tells when it was written.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from monitor.formats import lines, separated
from monitor.model import ExportColumn

Row = tuple[object, ...]
# The view that is under way, and how many rows of it are through.
Told = Callable[[str, int], None]


def quiet(view: str, rows: int) -> None:
    """Tell nobody."""


class Format(StrEnum):
    """A form of files, by the end of their names."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


class Writer(Protocol):
    """One file that is being written."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Write what is left; the file is whole then."""
        ...


def writer(form: Format, path: Path, columns: Sequence[ExportColumn]) -> Writer:
    """A new file. Raises ExportError where the format wants a package that is not installed."""
    if form is Format.PARQUET:
        # pyarrow is an extra, and takes a third of a second to load.
        from monitor.formats import parquet  # noqa: PLC0415

        return parquet.Writer(path, columns)
    return separated.Writer(path, columns) if form is Format.CSV else lines.Writer(path, columns)


def read(form: Format, path: Path, columns: Sequence[ExportColumn]) -> Iterator[list[Row]]:
    """The rows of a file in batches. Raises ExportError for one that is not of this format or lacks a column."""
    if form is Format.PARQUET:
        from monitor.formats import parquet  # noqa: PLC0415

        return parquet.read(path, columns)
    return separated.read(path, columns) if form is Format.CSV else lines.read(path, columns)
