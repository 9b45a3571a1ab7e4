"""The rules as functions of frames of posts, for engines that spread work over many machines (Dask, for instance).

A frame has a row for each version of a post, as `versions` of an export has them: channel_id, message_id, version, text.
What comes out has the columns of `research.flags` and `research.figures` that the text alone decides. The rules are
compiled once in each process, from their own text, so that nothing but frames and that text travels.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from monitor.errors import UsageError
from monitor.extraction import Reading, Rules, RuleTexts, compile_rules

try:
    import pandas as pd
except ImportError as error:
    raise UsageError(
        "frames cannot be read here",
        "they want pandas, which is not installed",
        "pip install 'telegram-channel-monitor[cluster]'",
    ) from error

Row = tuple[object, ...]
KEY = {"channel_id": "int64", "message_id": "int64", "version": "int64"}
FLAGS = KEY | {"topic": "str", "raised": "bool", "spans": "str"}
FIGURES = KEY | {
    "number": "int64",
    "kind": "str",
    "low": "float64",
    "high": "float64",
    "qualifier": "str",
    "side": "str",
    "quote": "str",
    "first_char": "int64",
    "end_char": "int64",
    "term": "str",
}


def empty(columns: dict[str, str]) -> "pd.DataFrame":
    """A frame without rows, of FLAGS or FIGURES: what Dask calls `meta`."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def flags_of(versions: "pd.DataFrame", texts: RuleTexts) -> "pd.DataFrame":
    """The topics that each version is about: a row each, `spans` as JSON of start, end and term."""
    return _frame(_flags(_readings(versions, texts)), FLAGS)


def figures_of(versions: "pd.DataFrame", texts: RuleTexts) -> "pd.DataFrame":
    """The figures that each version states, a row each, numbered from 1; an open bound is NaN."""
    return _frame(_figures(_readings(versions, texts)), FIGURES)


def _frame(rows: Iterator[Row], columns: dict[str, str]) -> "pd.DataFrame":
    return pd.DataFrame.from_records(list(rows), columns=list(columns)).astype(columns)


def _readings(versions: Any, texts: RuleTexts) -> Iterator[tuple[Row, str, Reading]]:
    rules = _compiled(texts)
    columns = (versions[name] for name in (*KEY, "text"))
    for channel_id, message_id, version, text in zip(*columns, strict=True):
        yield (channel_id, message_id, version), text, rules.read(text)


@lru_cache(maxsize=2)
def _compiled(texts: RuleTexts) -> Rules:
    return compile_rules(texts)


def _flags(readings: Iterator[tuple[Row, str, Reading]]) -> Iterator[Row]:
    for key, _, reading in readings:
        for flag in reading.flags:
            spans = [{"start": span.start, "end": span.end, "term": span.term} for span in flag.spans]
            yield *key, flag.topic, flag.raised, json.dumps(spans, ensure_ascii=False)


def _figures(readings: Iterator[tuple[Row, str, Reading]]) -> Iterator[Row]:
    for key, text, reading in readings:
        for number, one in enumerate(reading.figures, 1):
            bounds = (one.low, one.high, one.qualifier.value, one.side.value)
            quote = text[one.start : one.end]
            yield *key, number, one.kind, *bounds, quote, one.start, one.end, one.term
