"""What the terminal shows, without a terminal."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from monitor.cli import show
from monitor.model import Pace, SourceName, Watch

NOW = datetime(2024, 8, 6, 12, tzinfo=UTC)


def watch(**more: object) -> Watch:
    return Watch(handle="a_channel", source=SourceName.PREVIEW, pace=Pace(), **more)  # type: ignore[arg-type]


def shown(*watches: Watch) -> list[str]:
    console = Console(file=StringIO(), width=200)
    show.status(console, watches, {"posts": 1, "edited": 0, "flagged": 0, "set_aside": 0}, now=NOW)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("коротко", "коротко", "коротко"),
        ("один два три четыре пять шесть семь", "четыре", "…три четыре пять…"),
        ("один\nдва  три", "два", "один два три"),
    ],
)
def test_an_excerpt_cuts_no_word(text: str, quote: str, expected: str) -> None:
    start = text.index(quote)
    assert show.excerpt(text, start, start + len(quote), width=18) == expected


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(hours=30), "1 d"),
        (timedelta(hours=3), "3 h"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span: timedelta, expected: str) -> None:
    assert show.ago(span) == expected


def test_each_state_of_a_watch_has_its_words_and_each_problem_its_mend() -> None:
    assert "not looked at yet" in shown(watch())[1]
    assert "next look in 40 s" in shown(watch(last_look_at=NOW, next_look_at=NOW + timedelta(seconds=40)))[1]
    assert (
        "fetching back to 2024-08-01"
        in shown(watch(last_look_at=NOW, backfill_since=datetime(2024, 8, 1, tzinfo=UTC)))[1]
    )
    failing = shown(
        watch(problem="no_preview", problem_text="no pages", problem_since=NOW, last_look_at=NOW)
    )[1]
    assert "✗" in failing
    assert "no pages since 06 Aug 12:00" in failing
    assert "→" in failing
    assert "channels resume a_channel" in shown(watch(paused_at=NOW, pause_reason="by hand"))[1]
    assert "channels add" in shown()[0]
