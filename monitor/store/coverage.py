"""Who looked where, when, and what came of it: every look leaves its mark, the failed ones too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from monitor.model import LookKind, SourceName
from monitor.store.database import Transaction

OK = "ok"
# A row says that somebody looked all the time from its first look to its last; so a pause begins another.
LONGEST_SILENCE = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One look for the record. `span` is the range of message ids that it covered; None proves nothing."""

    source: SourceName
    kind: LookKind
    at: datetime
    handle: str | None = None
    channel_id: int | None = None
    outcome: str = OK
    detail: str | None = None
    span: tuple[int, int] | None = None


_LAST = text(
    """
    SELECT coverage_id, channel_id, outcome, first_id, last_id, ended_at FROM monitor.coverage
    WHERE handle IS NOT DISTINCT FROM :handle AND source = :source AND kind = :kind
      AND (CAST(:handle AS text) IS NOT NULL OR channel_id = :channel)
    ORDER BY ended_at DESC, coverage_id DESC LIMIT 1
    """
)
_EXTEND = text(
    """
    UPDATE monitor.coverage SET ended_at = greatest(ended_at, :at), looks = looks + 1, detail = :detail,
           first_id = least(first_id, :first), last_id = greatest(last_id, :last)
    WHERE coverage_id = :row
    """
)
_ADD = text(
    """
    INSERT INTO monitor.coverage (handle, channel_id, source, kind, outcome, detail, first_id, last_id, started_at,
                                  ended_at, looks)
    VALUES (:handle, :channel, :source, :kind, :outcome, :detail, :first, :last, :at, :at, 1)
    """
)


async def keep(tx: Transaction, looked: Looked) -> None:
    """Record a look: in the row of the look before, where that came out the same on adjoining ids."""
    first, last = looked.span or (None, None)
    row = {
        "handle": looked.handle.lower() if looked.handle else None,
        "channel": looked.channel_id,
        "source": looked.source.value,
        "kind": looked.kind.value,
        "outcome": looked.outcome,
        "detail": looked.detail,
        "at": looked.at,
        "first": first,
        "last": last,
    }
    before = (await tx.execute(_LAST, row)).one_or_none()
    if before is not None and _continues(before, looked):
        await tx.execute(_EXTEND, row | {"row": before.coverage_id})
    else:
        await tx.execute(_ADD, row)


def _continues(before: Any, looked: Looked) -> bool:
    if before.outcome != looked.outcome or before.channel_id != looked.channel_id:
        return False
    if looked.at - before.ended_at > LONGEST_SILENCE:
        return False
    if looked.span is None or before.first_id is None:
        return looked.span is None and before.first_id is None
    first, last = looked.span
    return bool(first <= before.last_id + 1 and before.first_id <= last + 1)


async def spans(tx: Transaction, channel_id: int) -> Sequence[tuple[int, int]]:
    """The ranges of message ids that were looked at in a channel, whoever looked, joined and ascending."""
    rows = await tx.execute(
        text(
            """
            SELECT lower(r) AS first, upper(r) - 1 AS last
            FROM (SELECT unnest(range_agg(int8range(first_id, last_id, '[]'))) AS r FROM monitor.coverage
                  WHERE channel_id = :channel AND outcome = 'ok' AND first_id IS NOT NULL) joined
            ORDER BY 1
            """
        ),
        {"channel": channel_id},
    )
    return [(row.first, row.last) for row in rows]
