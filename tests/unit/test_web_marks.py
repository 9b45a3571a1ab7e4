"""Texts cut into pieces for marking: nothing is lost, every mark covers what it should, misfits are named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Figure, Flag, Qualifier, Side, Span
from monitor.web.marks import Piece, TopicSpan, pieces, spans_of

TEXT = "Под Суджей\nвидели 11 танков"


def figure(start: int, end: int, **more: Any) -> Figure:
    usual: dict[str, Any] = {"kind": "tank", "low": 11.0, "high": 11.0, "qualifier": Qualifier.EXACT, "side": Side.UKRAINE}  # fmt: skip
    return Figure(start=start, end=end, **usual | more)


def test_a_text_without_marks_is_one_piece() -> None:
    assert pieces(TEXT, (), ()) == (Piece(TEXT),)
    assert pieces("", (), ()) == ()


def test_a_figure_has_its_tag_where_it_ends() -> None:
    spans = (TopicSpan("sudzha", 4, 10, "суджа"), TopicSpan("troop_figures", 18, 27, "танк"))
    assert pieces(TEXT, spans, (figure(18, 27),)) == (
        Piece("Под "),
        Piece("Суджей", spans=(0,)),
        Piece("\nвидели "),
        Piece("11 танков", spans=(1,), figures=(0,), tags=(0,)),
    )


def test_marks_may_overlap_and_share_an_end() -> None:
    found = pieces(
        "abcdef", (TopicSpan("one", 0, 4, ""), TopicSpan("two", 2, 6, "")), (figure(1, 4), figure(2, 4))
    )
    assert [(piece.text, piece.spans, piece.figures, piece.tags) for piece in found] == [
        ("a", (0,), (), ()),
        ("b", (0,), (0,), ()),
        ("cd", (0, 1), (0, 1), (0, 1)),
        ("ef", (1,), (), ()),
    ]


def test_spans_of_flags_come_in_the_order_of_the_text() -> None:
    flags = (Flag("kursk", (Span(9, 12, "b"), Span(0, 3, "a"))), Flag("figures", (Span(0, 5, "c"),)))
    assert spans_of(flags) == (("figures", 0, 5, "c"), ("kursk", 0, 3, "a"), ("kursk", 9, 12, "b"))


def test_marks_that_do_not_fit_are_named() -> None:
    spans = (TopicSpan("kursk", 20, 28, ""), TopicSpan("sudzha", 4, 10, ""), TopicSpan("none", 3, 3, ""))
    with pytest.raises(ValueError, match=r"27 characters: kursk 20–28, none 3–3, tank -1–4$"):
        pieces(TEXT, spans, (figure(-1, 4),))


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[TopicSpan], list[Figure]]:
    text = draw(st.text(min_size=1, max_size=60))
    places = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    ends = draw(st.lists(places, max_size=8))
    return (
        text,
        [TopicSpan("kursk", start, end, "") for start, end in ends[::2]],
        [figure(start, end) for start, end in ends[1::2]],
    )


@given(marked())
def test_the_pieces_are_the_text_and_each_mark_its_own_words(
    case: tuple[str, list[TopicSpan], list[Figure]],
) -> None:
    text, spans, figures = case
    found = pieces(text, spans, figures)
    assert "".join(piece.text for piece in found) == text
    assert all(piece.text for piece in found)
    for number, span in enumerate(spans):
        assert "".join(piece.text for piece in found if number in piece.spans) == text[span.start : span.end]
    for number, one in enumerate(figures):
        assert "".join(piece.text for piece in found if number in piece.figures) == text[one.start : one.end]
        (at,) = (place for place, piece in enumerate(found) if number in piece.tags)
        assert number in found[at].figures
        assert at + 1 == len(found) or number not in found[at + 1].figures
