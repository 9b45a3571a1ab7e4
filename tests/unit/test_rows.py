"""Readings as rows, and as the arrays that are written."""

from datetime import date

import pytest

from monitor.store.rows import FIGURE, Packed, array, columns_of, figure_of, flag_of, integers, rows_of
from tests.rulesets import Counting

TEXTS = ["Тихо", "враг потерял до 11 и 20", "В Судже наши 3 с начала операции 400"]


def test_rows_bear_the_place_of_their_text_and_the_number_of_the_figure() -> None:
    rows = rows_of(map(Counting().read, TEXTS), ["russia"] * 3)
    assert [(row[0], row[1]) for row in rows.figures] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [(row[0], row[1], row[3]) for row in rows.flags] == [
        (1, "number", True),
        (2, "number", True),
        (2, "places", False),
    ]


@pytest.mark.parametrize(
    ("side", "inferred"),
    [("russia", ["ukraine", "russia"]), ("ukraine", ["russia", "ukraine"]), ("other", [None, None])],
)
def test_a_side_is_inferred_from_that_of_the_watch(side: str, inferred: list[str | None]) -> None:
    rows = rows_of(map(Counting().read, ["враг: 11", "наши: 12"]), [side] * 2)
    place = 1 + FIGURE.index("side_inferred")
    assert [row[place] for row in rows.figures] == inferred


def test_what_is_kept_comes_back_as_it_was() -> None:
    reading = Counting().read(TEXTS[2])
    rows = rows_of([reading], ["unknown"])
    back = [
        dict(zip(FIGURE, row[1:], strict=True)) | {"since": row[10] and row[10].isoformat()}
        for row in rows.figures
    ]
    assert tuple(map(figure_of, back)) == reading.figures
    place = reading.flags[1]
    assert place.spans[0].at == (51.2, 35.3)
    span = {"start": 2, "end": 7, "term": "Суджа", "lat": 51.2, "lon": 35.3}
    assert flag_of("places", [span]).spans == place.spans


def test_columns_are_arrays_with_the_places_apart() -> None:
    columns = columns_of(map(Counting().read, TEXTS), ["russia"] * 3)
    assert columns.flag_places == [1, 2, 2]
    assert columns.figure_places == [1, 1, 2, 2]
    assert columns.raised == {1, 2}
    by_name = dict(zip(FIGURE, columns.figures, strict=True))
    assert by_name["number"] == "{1,2,1,2}"
    assert by_name["low"] == "{NULL,NULL,3.0,400.0}"
    assert by_name["stance"] == '{"enemy","enemy","own","own"}'
    assert by_name["since"] == "{NULL,NULL,NULL,2024-08-06}"
    assert columns_of([], []) == ([], (), [], (), frozenset())


def test_an_array_keeps_quotes_backslashes_and_commas() -> None:
    assert array(['a"b', "c\\d", "e,f{}", None, "NULL", ""]) == '{"a\\"b","c\\\\d","e,f{}",NULL,"NULL",""}'
    assert array([True, date(2024, 8, 6), 1.5]) == "{True,2024-08-06,1.5}"
    assert integers([1, -2]) == "{1,-2}"


def test_packed_texts_come_out_as_they_went_in() -> None:
    texts = ["", "Ещё\n«Курск»", "🚀", "\x1f"]
    assert list(Packed.of(texts).texts()) == texts
