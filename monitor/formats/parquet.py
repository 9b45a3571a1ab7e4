"""Parquet by pyarrow, an extra: zstd, one row group a batch, times in UTC to the microsecond, JSON as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

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


class Writer:
    """One file of Parquet."""

    def __init__(self, path: Path, columns: Sequence[ExportColumn]) -> None:
        self._types = [_TYPES[column.kind] for column in columns]
        self._schema = pa.schema(
            [pa.field(column.name, kind) for column, kind in zip(columns, self._types, strict=True)]
        )
        # Other pools keep what they were given back, which a long export would pile up.
        self._pool = pa.system_memory_pool()
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", memory_pool=self._pool)

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows, as one row group."""
        arrays = [
            pa.array(values, kind, memory_pool=self._pool)
            for values, kind in zip(zip(*rows, strict=True), self._types, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


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
