"""The figures board: what contradicts what, where things stand, and what the template writes of them."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, select_autoescape

from monitor.model import Scope
from monitor.web import timeline
from monitor.web.contradictions import Claim, contradictions
from monitor.web.scales import Window, time_ticks, values_for
from monitor.web.timeline import GUTTER, MARGIN, PLOT, WIDTH, Mark, Panel, board

DAY = datetime(2024, 8, 6, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=2))
TEMPLATES = Path(timeline.__file__).parent / "templates"
SVG = "{http://www.w3.org/2000/svg}"


def claim(channel: str = "mod", hours: float = 12, low: float | None = 11, high: float | None = 11, **more: Any) -> Claim:  # fmt: skip
    usual: dict[str, Any] = {
        "channel": channel, "title": channel.upper(), "at": DAY + timedelta(hours=hours), "kind": "tank",
        "low": low, "high": high, "side": "ukraine", "qualifier": "exact", "quote": "11 танков", "url": f"/p/{channel}/{hours}@v1",
    }  # fmt: skip
    return Claim(**usual | more)


def only(*claims: Claim) -> Panel:
    (panel,) = board(claims, WINDOW)
    return panel


def marks(panel: Panel) -> list[Mark]:
    return [mark for lane in panel.lanes for mark in lane.marks]


# What contradicts what.


def channels(*claims: Claim, **more: Any) -> list[tuple[str, str]]:
    return [(first.channel, second.channel) for first, second in contradictions(claims, **more)]


def test_ranges_that_do_not_overlap_contradict() -> None:
    assert channels(claim("a", 1), claim("b", 2, 20, 20)) == [("a", "b")]
    assert channels(claim("a", 3), claim("b", 2, 20, 20)) == [("b", "a")]
    assert channels(claim("a", 1), claim("b", 2, 5, 11)) == []


def test_an_open_end_reaches_everywhere() -> None:
    assert channels(claim("a", 1, None, 300), claim("b", 2, 300, None)) == []
    assert channels(claim("a", 1, None, 300), claim("b", 2, 1000, None)) == [("a", "b")]
    assert channels(claim("a", 1, None, None), claim("b", 2, 1, 1)) == []


def test_about_reaches_a_tenth_further() -> None:
    assert channels(claim("a", 1, 400, 400, qualifier="about"), claim("b", 2, 440, 440)) == []
    assert channels(claim("a", 1, 400, 400, qualifier="about"), claim("b", 2, 450, 450)) == [("a", "b")]


def other_claim(more: dict[str, Any]) -> Claim:
    usual: dict[str, Any] = {"channel": "b", "hours": 2, "low": 20, "high": 20}
    return claim(**usual | more)


@pytest.mark.parametrize(
    "more",
    [{"channel": "a"}, {"kind": "drone"}, {"side": "russia"}, {"rejected": True}, {"hours": 25}, {"scope": Scope.SINCE}],
)  # fmt: skip
def test_claims_that_do_not_speak_of_the_same_contradict_nothing(more: dict[str, Any]) -> None:
    assert channels(claim("a", 1), other_claim(more)) == []


def test_a_side_that_is_not_known_contradicts_nothing() -> None:
    assert channels(claim("a", 1, side="unknown"), claim("b", 2, 20, 20, side="unknown")) == []


def test_days_are_those_of_the_zone() -> None:
    late = claim("a", 20), claim("b", 22, 20, 20)
    assert channels(*late) == [("a", "b")]
    assert channels(*late, zone=ZoneInfo("Europe/Moscow")) == []


def test_two_channels_contradict_each_other_once_a_day() -> None:
    hours = [claim(name, hour, low, low) for hour, name, low in ((1, "a", 1), (2, "b", 2), (3, "a", 1), (25, "b", 2), (26, "a", 1))]  # fmt: skip
    assert channels(*hours, claim("c", 4, 1, 2)) == [("a", "b"), ("b", "a")]


def test_a_post_with_a_part_and_a_total_is_taken_together() -> None:
    assert channels(claim("a", 1, 3, 3), claim("a", 1, 11, 11), claim("b", 2, 11, 11)) == []


def test_what_a_channel_said_last_counts() -> None:
    assert channels(claim("a", 1, 3, 3), claim("a", 2, 11, 11), claim("b", 3, 11, 11)) == []


BOUND = st.none() | st.integers(0, 100).map(float)


@given(st.lists(st.builds(claim, st.sampled_from("abc"), st.integers(0, 47), BOUND, BOUND), max_size=20))
def test_a_contradiction_is_always_between_two_channels_on_one_day(claims: list[Claim]) -> None:
    for first, second in contradictions(claims):
        assert first.channel != second.channel
        assert first.at.date() == second.at.date()
        assert first.at <= second.at
    board(claims, WINDOW)


# Scales.


def test_values_go_by_powers_of_ten_over_more_than_two_of_them() -> None:
    assert not values_for([1, 100]).log
    wide = values_for([3, 301])
    assert (wide.log, wide.low, wide.high) == (True, 0, 3)
    assert list(wide.ticks) == [1, 10, 100, 1000]
    assert wide.share(10) == pytest.approx(1 / 3)
    assert wide.share(0) == wide.share(-5) == 0
    assert len(values_for([1, 1e12]).ticks) <= 5


def test_values_start_at_nothing_and_leave_room_above() -> None:
    scale = values_for([11, 15])
    assert list(scale.ticks) == [0, 10, 20]
    assert list(values_for([1]).ticks) == [0, 1, 2]
    assert values_for([0.3]).ticks == pytest.approx((0, 0.2, 0.4))
    assert list(values_for([]).ticks) == list(values_for([0]).ticks) == [0, 1]


@given(st.lists(st.floats(1e-9, 1e15), min_size=1))
def test_every_value_has_a_place_with_room_above(bounds: list[float]) -> None:
    scale = values_for(bounds)
    assert all(-1e-9 <= scale.share(bound) < 1 for bound in bounds)
    assert 2 <= len(scale.ticks) <= 5


def labels(days: float, **more: Any) -> list[str]:
    return [tick.label for tick in time_ticks(Window(DAY, DAY + timedelta(days=days), **more))]


def test_times_are_round_and_few() -> None:
    assert labels(1) == ["6 Aug", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]
    assert labels(2)[4:6] == ["7 Aug", "06:00"]
    assert labels(7) == [f"{day} Aug" for day in range(6, 13)]
    assert labels(365)[:2] == ["Aug 2024", "Nov 2024"]
    assert labels(1, zone=ZoneInfo("Europe/Moscow"))[:2] == ["03:00", "06:00"]
    assert next(tick.label for tick in time_ticks(WINDOW, ["м"] * 12)) == "6 м"


@given(st.floats(0.001, 9000))
def test_no_window_has_too_many_times(days: float) -> None:
    assert len(labels(days)) <= 9


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="an empty window"):
        Window(DAY, DAY)


# Claims that have no place on a board.


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"at": datetime(2024, 8, 6)}, "without a zone"),  # noqa: DTZ001 - that is what is refused
        ({"low": float("nan")}, "no number"),
        ({"corrected_from": (None, float("inf"))}, "no number"),
        ({"url": "javascript:alert(1)"}, "no address"),
        ({"url": "//evil.example"}, "no address"),
        ({"url": "/\\evil.example"}, "no address"),
        ({"url": "/p/\t/evil"}, "no address"),
    ],
)
def test_a_claim_that_cannot_be_shown_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        claim(**more)


# Where things stand.


def test_without_claims_there_is_no_panel() -> None:
    assert board([], WINDOW) == ()
    assert board([claim(hours=48), claim(hours=-1)], WINDOW) == ()


def test_one_claim_stands_at_its_time_and_value() -> None:
    panel = only(claim(hours=24))
    (lane,) = panel.lanes
    (mark,) = lane.marks
    assert mark.bar is not None
    assert mark.bar.x + mark.bar.width / 2 == pytest.approx(GUTTER + (WIDTH - MARGIN - GUTTER) / 2, abs=0.1)
    assert mark.bar.y + mark.bar.height / 2 == pytest.approx(lane.bottom - PLOT * 11 / 15, abs=0.1)
    assert (lane.title, lane.bottom - lane.top, mark.hollow, mark.cross) == ("MOD", PLOT, "", "")
    assert [(label.text, label.place) for label in lane.values][::2] == [
        ("0", lane.bottom),
        ("10", lane.bottom - round(PLOT * 10 / 15, 1)),
    ]
    assert (panel.kind, panel.brackets, panel.height > lane.bottom) == ("tank", (), True)
    assert panel.rows[0].when == "2024-08-07 00:00"


def test_a_range_has_its_height_and_a_point_at_each_bound() -> None:
    panel = only(claim(low=5, high=15))
    (mark,) = marks(panel)
    assert mark.bar is not None
    assert mark.bar.height == pytest.approx(PLOT / 2, abs=0.1)
    assert mark.points.count("M") == 2
    assert marks(only(claim(low=15, high=5)))[0].bar == mark.bar


def test_open_ends_fade_to_the_edge_of_the_lane() -> None:
    panel = only(claim("a", low=None), claim("b", high=None), claim("c", low=None, high=None))
    most, least, nothing = (mark.bar for mark in marks(panel))
    assert most is not None
    assert least is not None
    assert nothing is not None
    assert (most.fade, least.fade, nothing.fade) == ("down", "up", "both")
    assert most.y + most.height == panel.lanes[0].bottom
    assert least.y == panel.lanes[1].top
    assert nothing.height == PLOT
    assert marks(panel)[2].points == ""
    assert [row.bounds for row in panel.rows] == ["≤11", "≥11", "?"]


def test_a_board_of_open_ends_alone_has_a_scale() -> None:
    panel = only(claim("a", low=None, high=None), claim("b", low=None, high=None))
    assert [label.text for label in panel.lanes[0].values] == ["0", "1"]


def test_a_corrected_claim_keeps_its_first_bar_hollow() -> None:
    (mark,) = marks(only(claim(corrected_from=(5, None))))
    assert mark.bar is not None
    assert mark.hollow.count("M") == 2
    assert mark.row.first_bounds == "≥5"
    (closed,) = marks(only(claim(corrected_from=(5, 6))))
    assert closed.hollow.count("M") == 1


def test_a_misreading_does_not_make_the_others_flat() -> None:
    panel = only(claim(corrected_from=(4000, 5000)), claim(hours=13, low=2024, high=2024, rejected=True))
    assert panel.lanes[0].values[-1].text == "15"
    corrected, rejected = marks(panel)
    assert corrected.hollow.count("M") == rejected.hollow.count("M") == 2
    assert (rejected.bar, rejected.points) == (None, "")
    assert rejected.cross


def test_a_board_of_rejected_claims_still_has_a_scale() -> None:
    assert only(claim(rejected=True)).lanes[0].values[-1].text == "15"


def test_figures_of_one_post_stand_side_by_side() -> None:
    first, second = marks(only(claim(low=1, high=1), claim(low=2, high=2)))
    assert first.bar is not None
    assert second.bar is not None
    assert second.bar.x - first.bar.x == timeline.BESIDE


def test_a_bracket_joins_the_nearest_edges() -> None:
    panel = only(claim("a", 10, None, 5), claim("b", 12, 15, 20))
    (bracket,) = panel.brackets
    low, high = (next(label.place for label in lane.values if label.text == "0") for lane in panel.lanes)
    y, other_y = low - PLOT * 5 / 30, high - PLOT * 15 / 30
    assert f" {y:.1f}H" in bracket.path
    assert f"V{other_y:.1f}H" in bracket.path
    assert (bracket.first.against, bracket.second.against) == (("B",), ("A",))


def test_kinds_have_panels_and_channels_keep_their_shape() -> None:
    first, second = board([claim("a"), claim("b"), claim("b", kind="drone")], WINDOW)
    assert (first.kind, second.kind, first.id, second.id) == ("tank", "drone", "board-1", "board-2")
    shape = first.lanes[1].point.partition(" ")[2].partition("v")[2]
    assert shape
    assert second.lanes[0].point.endswith(shape)
    assert not first.lanes[0].point.endswith(shape)


def test_everything_stays_within_the_panel() -> None:
    panel = only(*(claim("a", hours, low, None) for hours in (0, 47.99) for low in range(1, 30)))
    for mark in marks(panel):
        assert mark.bar is not None
        assert mark.bar.x >= 0
        assert mark.bar.x + mark.bar.width <= panel.width
        assert panel.lanes[0].top <= mark.bar.y
        assert mark.bar.y + mark.bar.height <= panel.lanes[0].bottom + 2


@pytest.mark.usefixtures("untraced")
def test_five_hundred_claims_take_less_than_fifty_milliseconds() -> None:
    claims = [
        claim(f"channel{n % 12}", n % 48, n % 90, n % 90 + n % 3, kind="tank" if n % 4 else "drone")
        for n in range(500)
    ]
    crowded = [claim(f"channel{n}", 5 + n / 1000, n, n) for n in range(100)] + claims[:400]
    for many in (claims, crowded):
        taken: list[float] = []
        for _ in range(5):
            start = time.process_time()
            board(many, WINDOW)
            taken.append(time.process_time() - start)
        assert min(taken) < 0.05


def test_contradictions_that_are_not_drawn_are_counted_and_named() -> None:
    panel = only(*(claim(f"channel{n}", 5 + n / 100, n, n) for n in range(20)))
    assert (len(panel.brackets), panel.undrawn) == (timeline.MOST_BRACKETS, 190 - timeline.MOST_BRACKETS)
    assert all(len(row.against) == 19 for row in panel.rows)
    assert "contradictions not drawn: 90" in written(panel)
    assert "not drawn" not in written(only(claim()))


# What the template writes.


def written(panel: Panel, macro: str = "panel", **more: Any) -> str:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())
    return str(getattr(environment.get_template("board_panel.svg.html").module, macro)(panel, **more))


EVIL = '</title><script>alert("1")</script>&\'"'


def test_a_panel_is_sound_svg_without_styles() -> None:
    panel = only(
        claim("a", 10, None, 5, title=EVIL, quote=EVIL),
        claim("b", 12, 15, 20, corrected_from=(1, None)),
        claim("b", rejected=True),
    )
    text = written(panel)
    root = ET.fromstring(text)
    assert root.get("viewBox") == f"0 0 {panel.width} {panel.height}"
    assert not [
        element
        for element in root.iter()
        if "style" in element.attrib or element.tag.endswith(("script", "style"))
    ]
    links = root.findall(f".//{SVG}a")
    assert [link.get("href") for link in links] == [mark.row.claim.url for mark in marks(panel)]
    titles = [link.findtext(f"{SVG}title") or "" for link in links]
    assert EVIL in titles[0]
    assert "corrected from ≥1" in " ".join(titles)
    assert "contradicted by B" in titles[0]
    assert len(root.findall(f".//{SVG}g[@class='board-bracket']")) == 1
    assert len(root.findall(f".//{SVG}path[@class='board-cross']")) == 1


def test_every_gradient_that_is_used_is_there() -> None:
    root = ET.fromstring(
        written(only(claim("a", low=None), claim("b", high=None), claim("c", low=None, high=None)))
    )
    there = {f"url(#{gradient.get('id')})" for gradient in root.iter(f"{SVG}linearGradient")}
    assert {bar.get("fill") for bar in root.iter(f"{SVG}rect") if bar.get("class") == "board-bar"} == there


def test_a_table_says_the_same_in_words() -> None:
    panel = only(claim("a", 10, None, 5, title=EVIL), claim("b", 12, 15, 20, rejected=True))
    root = ET.fromstring(
        written(panel, "table", said={"tank": "танки", "rejected": "отклонено", "ukraine": "Украина"})
    )
    cells = [["".join(cell.itertext()) for cell in row] for row in root.findall("tbody/tr")]
    assert cells == [
        [EVIL, "2024-08-06 10:00", "11 танков", "≤5", "Украина", "", ""],
        ["B", "2024-08-06 12:00", "11 танков", "15–20 (отклонено)", "Украина", "", ""],
    ]
    assert root.findtext("caption") == "танки"
