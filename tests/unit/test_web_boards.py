"""The pure parts of the boards: windows out of URLs, claims out of rows, paces, and lines over time."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import Side
from monitor.store.channels import Card
from monitor.store.claims import Stated
from monitor.web.board import claims_of, wanted_of
from monitor.web.channels import pace, state_of
from monitor.web.trend import FOOT, LEFT, RIGHT, TOP, trend

NOW = datetime(2024, 8, 9, 12, tzinfo=UTC)
MIDNIGHT = datetime(2024, 8, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        ({}, MIDNIGHT - 7 * DAY, MIDNIGHT),
        ({"since": "2024-08-06"}, MIDNIGHT - 4 * DAY, MIDNIGHT),
        ({"since": "2024-08-06", "until": "2024-08-06"}, MIDNIGHT - 4 * DAY, MIDNIGHT - 3 * DAY),
        ({"since": "2024-08-06T03:00+03:00"}, MIDNIGHT - 4 * DAY, MIDNIGHT),
        ({"since": "2024-08-06T03:00 03:00"}, MIDNIGHT - 4 * DAY, MIDNIGHT),
        ({"until": "2024-08-09T00:00:00"}, MIDNIGHT - 8 * DAY, MIDNIGHT - DAY),
        ({"since": "2024-08-20"}, MIDNIGHT - 7 * DAY, MIDNIGHT),
        ({"since": "0001-01-01", "until": "9999-12-31T00:00"}, MIDNIGHT - 7 * DAY, MIDNIGHT),
        ({"since": "x", "until": "2024-13-01"}, MIDNIGHT - 7 * DAY, MIDNIGHT),
    ],
)
def test_the_window_is_what_the_url_can_mean(given: dict[str, str], since: datetime, until: datetime) -> None:
    wanted = wanted_of(given, newest=NOW)
    assert (wanted.since, wanted.until) == (since, until)


def test_topic_and_side_are_those_that_can_be() -> None:
    wanted = wanted_of({"topic": "kursk", "side": "russia"}, newest=NOW)
    assert (wanted.topic, wanted.side) == ("kursk", Side.RUSSIA)
    wanted = wanted_of({"topic": "a\x00", "side": "moon"}, newest=NOW)
    assert (wanted.topic, wanted.side) == (None, None)


def stated(**more: object) -> Stated:
    usual: dict[str, object] = {
        "channel_id": 7, "message_id": 1, "version": 2, "posted_at": NOW, "title": None, "handle": None,
        "kind": "tank", "low": 11.0, "high": 11.0, "first_low": 11.0, "first_high": 11.0, "qualifier": "about",
        "scope": None, "side": "ukraine", "inferred": False, "verdict": None, "quote": "11\n танков",
    }  # fmt: skip
    return Stated(**usual | more)  # type: ignore[arg-type]


def test_a_claim_links_to_its_version_and_is_named_as_far_as_possible() -> None:
    plain, named = claims_of([stated(), stated(handle="mod", scope="day")])
    assert (plain.url, plain.title, plain.quote) == ("/p/7/1@v2", "7", "11 танков")
    assert named.title == "mod"
    assert not plain.rejected
    assert plain.corrected_from is None


def test_what_an_analyst_set_is_exact_and_keeps_its_first_reading() -> None:
    corrected, rejected, odd = claims_of(
        [
            stated(verdict="corrected", low=5.0, high=None),
            stated(verdict="rejected"),
            stated(low=float("inf"), high=float("nan")),
        ]
    )
    assert (corrected.qualifier, corrected.corrected_from, corrected.high) == ("exact", (11.0, 11.0), None)
    assert (rejected.rejected, rejected.qualifier) == (True, "about")
    assert (odd.low, odd.high) == (None, None)


def test_a_pace_is_of_what_is_held() -> None:
    week = timedelta(days=7)
    assert pace(14, NOW - 30 * DAY, week, now=NOW) == 2
    assert pace(14, NOW - 2 * DAY, week, now=NOW) == 7
    assert pace(14, NOW, week, now=NOW) == 14
    assert pace(0, None, week, now=NOW) == 0


def test_a_channel_stands_as_its_watch_does() -> None:
    usual = dict.fromkeys(Card.__dataclass_fields__) | {"watched": True, "week": 0, "month": 0}
    changes: list[tuple[dict[str, object], str]] = [
        ({}, "new"), ({"last_look_at": NOW}, "ok"), ({"problem": "x", "last_look_at": NOW}, "failing"),
        ({"problem": "x", "paused_at": NOW}, "paused"), ({"watched": False}, "unwatched"),
    ]  # fmt: skip
    for change, state in changes:
        assert state_of(Card(**{**usual, **change})) == state  # type: ignore[arg-type]


def test_a_line_goes_in_steps_and_stays_within() -> None:
    drawn = trend([(NOW, 1000), (NOW + DAY, 1200), (NOW + 2 * DAY, 1100)], until=NOW + 4 * DAY)
    assert drawn is not None
    assert drawn.path.startswith(f"M{LEFT}.0 ")
    assert drawn.path.endswith(f"H{RIGHT}")
    assert drawn.path.count("V") == 2
    heights = [float(found) for found in re.findall(r"V([\d.]+)", drawn.path)]
    assert all(TOP <= height <= FOOT for height in heights)
    assert heights[0] < heights[1]
    assert drawn.values[0].value <= 1000
    assert drawn.values[-1].value >= 1200


@pytest.mark.parametrize("values", [[0.0], [5.0], [7.0, 7.0], [1e9, 2.0]])
def test_any_numbers_have_a_line(values: list[float]) -> None:
    points = [(NOW + number * DAY, value) for number, value in enumerate(values)]
    drawn = trend(points, until=NOW + 9 * DAY)
    assert drawn is not None
    assert len(drawn.values) >= 2


def test_without_numbers_or_time_there_is_no_line() -> None:
    assert trend([], until=NOW) is None
    assert trend([(NOW, 5)], until=NOW) is None
