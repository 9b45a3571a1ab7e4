"""Labelled posts: how they are read from a file, and what is counted right, false, missed and confused."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import UsageError
from monitor.extraction.scores import Labelled, Score, labelled_posts, pairs_of, score
from monitor.model import Figure, Qualifier, Side
from tests.rulesets import shipped_rules

FIXTURE = Path(__file__).parents[1] / "fixtures" / "labelled.jsonl"


def figure(start: int, end: int, **more: Any) -> Figure:
    usual: dict[str, Any] = {
        "start": start, "end": end, "kind": "tank", "low": 11.0, "high": 11.0,
        "qualifier": Qualifier.EXACT, "side": Side.UKRAINE,
    }  # fmt: skip
    return Figure(**usual | more)


def row(**more: Any) -> str:
    one = {
        "start": 0,
        "end": 9,
        "kind": "tank",
        "low": 11,
        "high": 11,
        "qualifier": "exact",
        "side": "unknown",
    }
    usual = {"id": "a", "text": "11 танков", "troop_figures": True, "figures": [one]}
    return json.dumps(usual | more)


def test_ratios_follow_from_hits_false_alarms_and_misses() -> None:
    one = Score(hits=3, false=1, missed=2)
    assert (one.precision, one.recall, one.f1) == (0.75, 0.6, 6 / 9)
    assert (Score().precision, Score().recall, Score().f1) == (None, None, None)
    assert Score(missed=1).f1 == 0


def test_pairs_that_agree_are_made_first_and_each_figure_once() -> None:
    wide, near = figure(0, 20, low=5.0, high=5.0), figure(5, 15)
    read = figure(6, 14)
    assert list(pairs_of([wide, near], [read])) == [(near, read), (wide, None)]
    assert list(pairs_of([], [read])) == [(None, read)]
    assert list(pairs_of([near], [figure(15, 20)])) == [(near, None), (None, figure(15, 20))]


def test_a_labelled_post_has_topics_and_figures() -> None:
    (post,) = labelled_posts(["\n", row(kursk=False, source="a book")])
    assert (post.name, post.topics) == ("a", {"troop_figures": True, "kursk": False})
    assert post.figures == (figure(0, 9, side=Side.UNKNOWN),)
    assert next(labelled_posts(['{"text": "", "figures": []}'])).name == "1"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Expecting property name"),
        ("5", "not subscriptable"),
        ("[]", "list indices"),
        ('{"text": ""}', "there is no 'figures'"),
        (row(text=None), "its text is None"),
        (row(figures=[{"start": 0, "end": 2}]), "there is no 'kind'"),
        (row(figures=["11"]), "indices"),
        (row(text="11 бмп"), "its characters 0 to 9 are not"),
        (row(figures=[json.loads(row())["figures"][0] | {"quote": "12 танков"}]), "are not «12 танков»"),
        (row(figures=[json.loads(row())["figures"][0] | {"side": "mars"}]), "'mars' is not a valid Side"),
        (row(figures=[json.loads(row())["figures"][0] | {"low": "few"}]), "could not convert"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_labelled_post_is_named(line: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(labelled_posts([row(), line], file="gold.jsonl"))
    assert caught.value.what == "gold.jsonl, line 2: this is no labelled post"
    assert why in caught.value.why
    assert "docs/rules.md" in caught.value.mend


def test_what_is_wrong_is_counted_and_kept_the_worst_first() -> None:
    text = "Видели 11 танков и 300 солдат ВСУ"
    right = Labelled("right", text, {"troop_figures": True}, (figure(7, 16), figure(19, 33, kind="personnel", low=300.0, high=300.0)))  # fmt: skip
    wrong = Labelled("wrong", text, {"troop_figures": True, "kursk": True}, (figure(7, 16, low=12.0),))
    scores = score(shipped_rules(), [right, wrong])
    assert scores.posts == 2
    assert (scores.topics["kursk"].missed, scores.topics["troop_figures"].hits) == (1, 2)
    assert (scores.troop.span.hits, scores.troop.value.hits, scores.troop.value.false) == (3, 2, 2)
    assert scores.confused == {("tank", "tank"): 2, ("personnel", "personnel"): 1, ("-", "personnel"): 1}
    (worst,) = scores.worst
    assert (worst.wrong, worst.name, worst.topics) == (3, "wrong", (("kursk", True),))
    assert [(labelled and labelled.low, read and read.kind) for labelled, read in worst.figures] == [
        (12.0, "tank"),
        (None, "personnel"),
    ]


def test_a_kind_read_as_another_counts_against_both() -> None:
    post = Labelled("a", "Видели 11 танков ВСУ", {}, (figure(7, 16, kind="drone"),))
    scores = score(shipped_rules(), [post])
    assert scores.kinds["drone"].value.missed == 1
    assert scores.kinds["tank"].value.false == 1
    assert scores.confused == {("drone", "tank"): 1}
    assert scores.kinds["drone"].sides == {True: 1}


def test_the_shipped_rules_read_the_labelled_posts() -> None:
    scores = score(shipped_rules(), labelled_posts(FIXTURE.read_text(encoding="utf-8").splitlines()))
    assert scores.posts >= 40
    assert {name: one.f1 for name, one in scores.topics.items()} == {
        "kursk": 1.0,
        "sudzha": 1.0,
        "troop_figures": 1.0,
    }
    assert (scores.troop.value.f1 or 0) >= 0.9
