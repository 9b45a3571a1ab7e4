"""Values as text, for the formats that have no types: times as 2024-08-06T10:20:00.000000Z, days as 2024-08-06."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import TypeVar

from monitor.model import ColumnKind

BATCH = 2_000
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
T = TypeVar("T")


def moment(value: datetime) -> str:
    """A time in UTC, to the microsecond."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


PARSE: dict[ColumnKind, Callable[[str], object]] = {
    ColumnKind.TIMESTAMP: datetime.fromisoformat,
    ColumnKind.DATE: date.fromisoformat,
}


def batched(rows: Iterator[T]) -> Iterator[list[T]]:
    """The same rows, some at a time."""
    batch: list[T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
