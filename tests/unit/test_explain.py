"""How a text is read, told step by step."""

from dataclasses import replace
from datetime import date

import pytest

from monitor.extraction import explain
from monitor.extraction.explain import figure_line
from monitor.model import Figure, Qualifier, Scope, Side, Stance
from tests.rulesets import rules_of, shipped_rules

TITLES = ["normal text", "words of the rules", "numbers", "figures", "topics"]


def told(text: str) -> dict[str, list[str]]:
    return dict(explain(shipped_rules(), text))


def test_the_steps_come_in_the_order_of_reading() -> None:
    assert [title for title, _ in explain(shipped_rules(), "Под Курском до 300 солдат ВСУ")] == TITLES


def test_a_text_as_it_stands_is_not_repeated() -> None:
    assert told("под Курском тихо")["normal text"] == ["as it stands, in small letters"]


def test_what_was_hidden_is_shown() -> None:
    (line,) = told("Под Kуp\u200bcком тихо")["normal text"]
    assert "под курском тихо" in line


def test_words_numbers_figures_and_topics_are_told() -> None:
    steps = told("Под Курском до 300 солдат ВСУ")
    assert any(line.startswith("до: ") and "qualifier" in line for line in steps["words of the rules"])
    assert any(
        line.startswith("солдат: ") and "kind personnel" in line for line in steps["words of the rules"]
    )
    assert steps["numbers"] == ["«до 300» ..300"]
    (line,) = steps["figures"]
    assert line.startswith("«до 300 солдат всу» personnel ..300 at_most ukraine")
    assert any(line.startswith("kursk: «Курском» by ") for line in steps["topics"])
    assert any(line.startswith("troop_figures: «до 300 солдат ВСУ»") for line in steps["topics"])


def test_a_text_that_says_nothing_says_why() -> None:
    steps = told("Доброе утро")
    assert steps["words of the rules"] == ["none"]
    assert steps["numbers"] == ["none"]
    assert steps["figures"] == ["none: no number stands near a word that is counted"]
    assert steps["topics"] == ["none"]


def test_a_number_near_a_counted_word_may_be_no_figure() -> None:
    assert told("Орденом награждены 5 солдат")["figures"] == ["none"]


def test_a_topic_that_is_not_raised_says_so() -> None:
    rules = rules_of('[topic.quiet]\nforms = ["тишина"]\nflag = false')
    assert dict(explain(rules, "Тишина"))["topics"] == ["quiet (not flagged): «Тишина» by тишина"]


@pytest.mark.parametrize("text", ["", "\ud83d", "\u0301", "1" * 400 + " танков", "İ 5 танков ВСУ"])
def test_any_text_can_be_explained(text: str) -> None:
    assert [title for title, _ in explain(shipped_rules(), text)] == TITLES


TANKS = Figure(start=0, end=1, kind="tank", low=11, high=11, qualifier=Qualifier.EXACT)


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (TANKS, "tank 11 exact unknown"),
        (replace(TANKS, low=None, qualifier=Qualifier.AT_MOST, side=Side.UKRAINE), "tank ..11 at_most ukraine"),
        (replace(TANKS, high=None, qualifier=Qualifier.AT_LEAST, scope=Scope.DAY), "tank 11.. at_least unknown (day)"),
        (
            replace(TANKS, low=3, qualifier=Qualifier.RANGE, stance=Stance.ENEMY, scope=Scope.SINCE, since=date(2024, 8, 6)),
            "tank 3..11 range unknown (since, since 2024-08-06, called enemy)",
        ),
    ],
)  # fmt: skip
def test_a_figure_in_one_line(figure: Figure, line: str) -> None:
    assert figure_line("x", figure) == f"«x» {line}"
