"""What an evaluation shows, as tables and for programs."""

import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from monitor.cli.evaluate import as_json, tables
from monitor.extraction.scores import Labelled, Scores, labelled_posts, score
from monitor.model import Figure, Qualifier, Side
from tests.rulesets import shipped_rules

FIXTURE = Path(__file__).parents[1] / "fixtures" / "labelled.jsonl"


@pytest.fixture(scope="module")
def scores() -> Scores:
    """The labelled posts of the fixture, and one whose label is wrong on purpose."""
    posts = list(labelled_posts(FIXTURE.read_text(encoding="utf-8").splitlines()))
    figure = Figure(
        start=7, end=16, kind="drone", low=12, high=12, qualifier=Qualifier.EXACT, side=Side.RUSSIA
    )
    wrong = Labelled("wrong", "Видели 11 танков ВСУ [b]" + "\nи т. д." * 40, {"kursk": True}, (figure,))
    return score(shipped_rules(), [*posts, wrong])


def shown(scores: Scores, worst: int = 5) -> list[str]:
    console = Console(file=StringIO(), width=300, soft_wrap=True, highlight=False)
    tables(console, scores, worst=worst)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def row(lines: list[str], name: str) -> list[str]:
    found = next(line for line in lines if line.startswith(f"  {name} "))
    return found.removeprefix(f"  {name}").split()


def test_tables_and_json_agree(scores: Scores) -> None:
    lines, told = shown(scores), as_json(scores)
    assert lines[0] == f"read {told['posts']} labelled posts"
    for name, one in told["topics"].items():
        ratios = [f"{one[key]:.3f}" for key in ("precision", "recall", "f1")]
        assert row(lines, name) == [*ratios, *(str(one[key]) for key in ("right", "false", "missed"))]
    for name, kinds in {**told["figures"], "troop kinds": told["troop_figures"]}.items():
        ratios = [
            "-" if kinds[measure][key] is None else f"{kinds[measure][key]:.3f}"
            for measure in ("found", "kind_and_bounds")
            for key in ("precision", "recall", "f1")
        ]
        assert row(lines, name)[:6] == ratios
    cells = [cell for cell in told["kinds"] if cell["labelled"] != cell["read"]]
    table = lines[lines.index(next(line for line in lines if line.startswith("kinds confused"))) + 1 :]
    assert [int(line.split()[-1]) for line in table[: len(cells)]] == [cell["count"] for cell in cells]


def test_columns_stand_under_their_heads(scores: Scores) -> None:
    lines = shown(scores)
    head = next(line for line in lines if line.startswith("figures "))
    troop = next(line for line in lines if line.startswith("  troop kinds"))
    ends = [found.end() for found in re.finditer(r"precision|recall|F1", head)]
    assert [found.end() for found in re.finditer(r"\d\.\d{3}", troop)][:6] == ends


def test_each_wrong_figure_is_one_line_with_what_was_labelled_and_read(scores: Scores) -> None:
    lines = shown(scores)
    at = next(place for place, line in enumerate(lines) if line.startswith("  wrong  2 wrong  «Видели"))
    assert "[b]" in lines[at]
    assert lines[at].endswith("…»")
    assert lines[at + 1].split() == ["kursk", "labelled;", "not", "read"]
    assert "«11 танков» drone 12 russia" in lines[at + 2]
    assert lines[at + 2].endswith("read «11 танков ВСУ» tank 11 ukraine")


def test_no_more_posts_than_asked_for_and_all_in_json(scores: Scores) -> None:
    assert not any("most wrong" in line for line in shown(scores, worst=0))
    told = as_json(scores)["misread"]
    assert len(told) == len(scores.worst)
    wrong = next(post for post in told if post["name"] == "wrong")
    assert wrong["topics"] == [{"topic": "kursk", "labelled": True, "read": False}]
    assert wrong["figures"][0]["labelled"]["quote"] == "11 танков"
    assert wrong["figures"][0]["read"]["kind"] == "tank"


def test_nothing_is_shown_of_what_is_not_labelled() -> None:
    assert shown(Scores()) == ["read 0 labelled posts"]
