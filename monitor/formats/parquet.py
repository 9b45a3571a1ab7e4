"""Parquet by pyarrow, an extra: zstd, one row group a batch, times in UTC to the microsecond, JSON as text.

Columns are put together as the bytes of their Arrow arrays: `pa.array` would load pandas wherever it is installed, only to
see that a list is none of its own, which costs more memory than all the rest of an export.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from monitor.errors import ExportError, UsageError
from monitor.formats.values import BATCH
from monitor.model import ColumnKind, ExportColumn

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise UsageError(
        "Parquet cannot be written or read here",
        "it wants pyarrow, which is not installed",
        "pip install 'telegram-channel-monitor[parquet]', or take --format csv or jsonl",
    ) from error

Row = tuple[object, ...]
_TYPES = {
    ColumnKind.INTEGER: pa.int64(),
    ColumnKind.DOUBLE: pa.float64(),
    ColumnKind.BOOLEAN: pa.bool_(),
    ColumnKind.TEXT: pa.string(),
    ColumnKind.TIMESTAMP: pa.timestamp("us", "UTC"),
    ColumnKind.DATE: pa.date32(),
    ColumnKind.JSON: pa.string(),
    ColumnKind.TEXTS: pa.list_(pa.string()),
    ColumnKind.SPAN: pa.int64(),
}
_TOLD = (ColumnKind.INTEGER, ColumnKind.DOUBLE, ColumnKind.TIMESTAMP, ColumnKind.DATE, ColumnKind.SPAN)
_EPOCH, _EPOCH_DAY, _MICROSECOND = (
    datetime(1970, 1, 1, tzinfo=UTC),
    date(1970, 1, 1),
    timedelta(microseconds=1),
)


class Writer:
    """One file of Parquet."""

    def __init__(self, path: Path, columns: Sequence[ExportColumn]) -> None:
        self._kinds = [column.kind for column in columns]
        self._schema = pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in columns])
        # Dictionaries cost memory and save nothing under zstd; the least and most of a text is as long as the text, and
        # would be held of every row group to the end.
        told = [column.name for column in columns if column.kind in _TOLD]
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", use_dictionary=False, write_statistics=told
        )

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows, as one row group."""
        columns = zip(self._kinds, zip(*rows, strict=True), strict=True)
        arrays = [_ARRAY[kind](_TYPES[kind], values) for kind, values in columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


# The layout of arrays is Arrow's columnar format (arrow.apache.org/docs/format/Columnar.html): a bit for each value that
# is there, from the lowest on; then the values, or where each begins and all of them in a row.


def _bits(values: Iterable[object]) -> Any:
    written = "".join("1" if value else "0" for value in values)
    return pa.py_buffer(int(written[::-1] or "0", 2).to_bytes(len(written) // 8 + 1, "little"))


def _there(values: Sequence[object]) -> Any:
    return _bits(value is not None for value in values) if None in values else None


def _flat(code: str, of: Callable[[Any], Any]) -> Callable[[Any, Sequence[Any]], Any]:
    def made(kind: Any, values: Sequence[Any]) -> Any:
        numbers: array[Any] = array(code, [0 if value is None else of(value) for value in values])
        return pa.Array.from_buffers(kind, len(values), [_there(values), pa.py_buffer(numbers)])

    return made


def _booleans(kind: Any, values: Sequence[Any]) -> Any:
    return pa.Array.from_buffers(kind, len(values), [_there(values), _bits(values)])


def _begins(values: Iterable[Sequence[object]]) -> Any:
    return pa.py_buffer(array("i", accumulate(map(len, values), initial=0)))


def _texts(kind: Any, values: Sequence[Any]) -> Any:
    encoded = [b"" if value is None else value.encode() for value in values]
    return pa.Array.from_buffers(
        kind, len(values), [_there(values), _begins(encoded), pa.py_buffer(b"".join(encoded))]
    )


def _lists(kind: Any, values: Sequence[Any]) -> Any:
    held = [value or () for value in values]
    inner = _texts(kind.value_type, [text for texts in held for text in texts])
    return pa.Array.from_buffers(kind, len(values), [_there(values), _begins(held)], children=[inner])


def _same(value: object) -> object:
    return value


def _microseconds(value: datetime) -> int:
    return (value - _EPOCH) // _MICROSECOND


def _days(value: date) -> int:
    return (value - _EPOCH_DAY).days


_ARRAY: dict[ColumnKind, Callable[[Any, Sequence[Any]], Any]] = {
    ColumnKind.INTEGER: _flat("q", _same),
    ColumnKind.DOUBLE: _flat("d", _same),
    ColumnKind.BOOLEAN: _booleans,
    ColumnKind.TEXT: _texts,
    ColumnKind.TIMESTAMP: _flat("q", _microseconds),
    ColumnKind.DATE: _flat("i", _days),
    ColumnKind.JSON: _texts,
    ColumnKind.TEXTS: _lists,
    ColumnKind.SPAN: _flat("q", _same),
}


def read(path: Path, columns: Sequence[ExportColumn]) -> Iterator[list[Row]]:
    """The rows of a file in batches. Raises ExportError for one that is not whole or lacks a column."""
    names = [column.name for column in columns]
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            lacking = [name for name in names if name not in file.schema_arrow.names]
            if lacking:
                raise ExportError(
                    f"{path.name} cannot be read", f"it has no column {lacking[0]}", "take the export anew"
                )
            for batch in file.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
                yield list(zip(*(batch.column(name).to_pylist() for name in names), strict=True))
    except pa.ArrowException as error:
        why = str(error).strip().splitlines()[0]
        raise ExportError(f"{path.name} cannot be read", why, "take the export anew") from error
