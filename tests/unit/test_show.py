"""What the terminal shows, without a terminal."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from monitor.cli import show
from monitor.model import Figure, Flag, Pace, Qualifier, Reading, Scope, Side, SourceName, Span, Watch
from monitor.store.accounts import AccountState
from monitor.store.coverage import Looks, Ranges
from monitor.store.deliveries import LastDay
from monitor.store.flags import Flagged, Stated
from monitor.store.readings import Waiting
from monitor.words import excerpt

NOW = datetime(2024, 8, 6, 12, tzinfo=UTC)


def watch(**more: object) -> Watch:
    return Watch(handle="a_channel", source=SourceName.PREVIEW, pace=Pace(), **more)  # type: ignore[arg-type]


TOTALS = {"posts": 1, "edited": 0, "deleted": 0, "missing": 0, "flagged": 0, "set_aside": 0}


def lines(draw: Callable[[Console], None]) -> list[str]:
    console = Console(file=StringIO(), width=300, soft_wrap=True)
    draw(console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def shown(*watches: Watch, accounts: Sequence[AccountState] = (), **totals: int) -> list[str]:
    standing = show.Standing(watches, accounts, TOTALS | totals)
    return lines(lambda console: show.status(console, standing, now=NOW))


def account(name: str = "main", **more: Any) -> AccountState:
    usual: dict[str, Any] = {
        "last_ok_at": NOW,
        "problem": None,
        "problem_text": None,
        "problem_since": None,
        "retry_at": None,
    }
    return AccountState(name, **(usual | more))


def broken(problem: str, words: str, name: str = "main") -> AccountState:
    return account(name, problem=problem, problem_text=words, problem_since=NOW - timedelta(minutes=3))


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
    assert excerpt(text, start, start + len(quote), width=18) == expected


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


def test_a_watch_that_is_read_another_way_says_so() -> None:
    assert shown(watch(last_look_at=NOW, via=SourceName.PREVIEW))[1].endswith("through preview for now")
    assert show.watch_as_json(watch(via=SourceName.PREVIEW))["via"] == "preview"
    assert show.watch_as_json(watch())["via"] is None


def test_what_is_gone_is_counted_where_there_is_any() -> None:
    assert shown()[-1] == "archive   1 post · 0 edited · 0 flagged · 0 set aside"
    told = shown(deleted=3, missing=1)[-1]
    assert "3 deleted, their words kept · 1 not visible · 0 flagged" in told


def test_accounts_that_work_wait_or_were_not_used() -> None:
    waits = (("ResolveUsername", NOW + timedelta(seconds=90)), ("GetFile", NOW + timedelta(seconds=5)))
    told = shown(accounts=[account(), account("second", waits=waits), account("new", last_ok_at=None)])
    assert told[1] == "accounts  3     ✓ 3 working"
    assert told[2].split() == ["✓", "main", "works"]
    assert told[3].startswith("  ‖ second ")
    assert "waits with ResolveUsername until 12:01:30 (asked by Telegram; 1 min left)" in told[3]
    assert "waits with GetFile until 12:00:05" in told[3]
    assert told[4].endswith("not used yet")


@pytest.mark.parametrize(
    ("problem", "name", "mend"),
    [
        ("session_lost", "main", "monitor login --name main"),
        ("session_lost", "session-2", "monitor login --print, and mend MONITOR_TELEGRAM_SESSIONS"),
        ("account_banned", "main", "recover@telegram.org"),
        ("unreachable", "main", "goes on by itself"),
        ("unheard_of", "main", "see the log"),
    ],
)
def test_an_account_that_does_not_work_says_why_and_what_to_do(problem: str, name: str, mend: str) -> None:
    told = shown(accounts=[broken(problem, "it is [not] accepted", name), account("other")])
    assert told[1] == "accounts  2     ✓ 1 working · ✗ 1 not"
    assert told[2].startswith(f"  ✗ {name} ")
    assert "it is [not] accepted since 06 Aug 11:57     → " in told[2]
    assert mend in told[2]


def test_accounts_for_programs() -> None:
    until = NOW + timedelta(seconds=5)
    standing = show.Standing((), [account(waits=(("GetFile", until),))], TOTALS)
    found = show.standing_as_json(standing)
    assert found["accounts"] == [
        {
            "name": "main",
            "problem": None,
            "problem_text": None,
            "problem_since": None,
            "retry_at": None,
            "last_ok_at": NOW,
            "waits": {"GetFile": until},
        }
    ]


def ranges(*looked: tuple[int, int], **more: Any) -> Ranges:
    usual: dict[str, Any] = {"held": 8, "empty": 0, "purged": 0, "unknown": (), "unshown": 0}
    return Ranges(handle="a_channel", looked=looked, **(usual | more))


def looks(**more: Any) -> Looks:
    usual: dict[str, Any] = {
        "source": "preview",
        "kind": "live",
        "outcome": "ok",
        "detail": None,
        "first_id": 1,
        "last_id": 9,
    }
    times: dict[str, Any] = {"started_at": NOW, "ended_at": NOW + timedelta(minutes=5), "looks": 3}
    return Looks(**({"handle": "a_channel"} | usual | times | more))


def covered(known: Ranges, *found: Looks) -> list[str]:
    return lines(lambda console: show.coverage(console, [known], found))


def test_coverage_names_the_gaps() -> None:
    told = covered(ranges((1, 9), (20, 30), unknown=((10, 19),), empty=2, purged=1))
    assert told == [
        "  ✗ @a_channel        ids 1–30: 8 posts, 2 proven empty, 1 purged",
        "      nobody looked at 10–19",
    ]


def test_coverage_without_a_gap() -> None:
    assert covered(ranges((1, 8))) == ["  ✓ @a_channel        ids 1–8: 8 posts, 0 proven empty"]
    (told,) = covered(ranges((1, 9), unshown=1))
    assert told.startswith("  · @a_channel")
    assert told.endswith("1 without a post, not asked for yet")


def test_coverage_where_no_look_has_worked() -> None:
    failed = looks(outcome="barred", detail="it is [private]", first_id=None, last_id=None)
    told = covered(ranges(held=0), failed)
    assert told[0] == "  · @a_channel        no look has shown a post yet"
    assert "barred" in told[1]
    assert told[1].endswith("×3  it is [private]")


def test_a_row_of_looks_has_its_time_source_kind_ids_and_number() -> None:
    told = covered(ranges((1, 9)), looks(), looks(handle=None, ended_at=NOW + timedelta(days=2)))
    assert told[1].split() == ["06", "Aug", "12:00–12:05", "a_channel", "preview", "live", "ok", "1–9", "×3"]
    assert "06 Aug 12:00 – 08 Aug 12:00" in told[2]
    assert "a file" in told[2]


def figure(**more: Any) -> Figure:
    usual: dict[str, Any] = {
        "start": 0, "end": 2, "kind": "tank", "low": 11.0, "high": 11.0, "qualifier": Qualifier.EXACT,
    }  # fmt: skip
    return Figure(**usual | more)


@pytest.mark.parametrize(
    ("more", "inferred", "short"),
    [
        ({}, None, "tank 11"),
        ({"side": Side.UKRAINE}, Side.RUSSIA, "tank 11 ukraine"),
        ({}, Side.RUSSIA, "tank 11 russia?"),
        ({"kind": "personnel", "low": None, "high": 300.0}, None, "personnel ≤300"),
        ({"kind": "armour", "low": 20.0, "high": None}, None, "armour ≥20"),
        ({"low": 300.0, "high": 400.0, "qualifier": Qualifier.RANGE}, None, "tank 300–400"),
        ({"low": 400.0, "high": 400.0, "qualifier": Qualifier.ABOUT}, None, "tank ~400"),
        ({"low": 76550.0, "high": 76550.0}, None, "tank 76,550"),
        ({"kind": "distance", "low": 0.1, "high": None, "qualifier": Qualifier.VAGUE}, None, "distance ≥0.1"),
        ({"low": None, "high": None}, None, "tank ≥0"),
        ({"scope": Scope.SINCE, "since": date(2024, 8, 6)}, None, "tank 11 since 2024-08-06"),
        ({"scope": Scope.SINCE}, None, "tank 11 in all"),
        ({"scope": Scope.DAY}, None, "tank 11"),
    ],
)
def test_a_figure_in_short(more: dict[str, Any], inferred: Side | None, short: str) -> None:
    assert show.figure_in_short(figure(**more), inferred) == short


def flagged_post(count: int) -> Flagged:
    return Flagged(
        channel_id=7, handle="a_channel", message_id=1, version=1, posted_at=NOW, flagged_at=NOW, text="11 танков",
        flags=(Flag("troop_figures", (Span(0, 9, "танк"),)),), figures=(Stated(figure()),) * count,
    )  # fmt: skip


def test_figures_stand_below_their_post_and_not_more_than_fit() -> None:
    first, second = lines(lambda console: show.flagged(console, flagged_post(2)))
    assert second.strip() == "tank 11 · tank 11"
    assert second.index("tank") == first.index("«")
    assert lines(lambda console: show.flagged(console, flagged_post(20)))[1].endswith(" · 12 more")
    assert len(lines(lambda console: show.flagged(console, flagged_post(0)))) == 1


def test_a_flagged_post_for_programs_has_its_figures_with_their_words() -> None:
    told: Any = show.flagged_as_json(flagged_post(1))
    (only,) = told["figures"]
    assert (only["quote"], only["kind"], only["low"], only["side_inferred"]) == ("11", "tank", 11.0, None)
    assert told["flags"] == [{"topic": "troop_figures", "spans": [{"start": 0, "end": 9, "term": "танк"}]}]


def test_what_waits_to_be_read_is_said_and_nothing_where_nothing_waits() -> None:
    def told(*counts: int) -> str:
        standing = show.Standing([], [], TOTALS, Waiting(*counts))
        return "\n".join(lines(lambda console: show.status(console, standing, now=NOW)))

    assert "reading   12,400 of 200,000 posts not yet read under the present rules" in told(12400, 200000)
    assert "reading" not in told(0, 200000)


def test_what_is_read_in_a_text_for_programs() -> None:
    found = Reading(
        (Flag("kursk", (Span(4, 11, "Курск"),)), Flag("places", (Span(4, 11, "Курск", (51.7, 36.2)),), raised=False)),
        (figure(start=12, end=14),),
    )  # fmt: skip
    told: Any = show.reading_as_json(found, "Под Курском 11 танков")
    assert told["flags"][1]["spans"][0] == {"start": 4, "end": 11, "term": "Курск", "lat": 51.7, "lon": 36.2}
    assert told["flags"][1]["raised"] is False
    assert [row["quote"] for row in told["figures"]] == ["11"]


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (LastDay(12, 0, 13, NOW), f"digest    sent {show.moment(NOW)} to 12 of 13"),
        (LastDay(0, 0, 13, None), "digest    sent to 0 of 13"),
        (
            LastDay(0, 13, 13, None),
            "digest    kept for 13, with no mail server to go to     → monitor digest show",
        ),
    ],
)
def test_how_the_newest_digests_went(day: LastDay, words: str) -> None:
    standing = show.Standing([], [], TOTALS, digest=day)
    assert words in lines(lambda console: show.status(console, standing, now=NOW))


def test_without_digests_nothing_is_said_of_them() -> None:
    assert not [line for line in shown() if line.startswith(("digest", "mails"))]
