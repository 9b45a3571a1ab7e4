"""Saved queries as files: their headers, what is wrong with one, the values that people write, and rows as text."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor import answers, queries
from monitor.errors import SettingsError, UsageError
from monitor.model import Language
from monitor.queries import SavedQuery
from tests.acceptance.helpers import ROOT

HEAD = """-- title: Tanks
-- question: How many?
-- ru title: Танки
-- portable: yes
-- :kind text = tank: what is counted
-- ru :kind: что считают
-- :least integer = 2: at least so many
"""
SQL = "SELECT ':kind' AS \":least\", kind::text -- :least\nFROM research.figures /* :kind */ WHERE kind = :kind AND low >= :least"


def query(head: str = HEAD, sql: str = SQL, name: str = "tanks") -> SavedQuery:
    return queries.parse(name, f"{head}\n{sql}\n")


def test_a_file_is_a_query() -> None:
    found = query()
    assert (found.name, found.portable, found.sql) == ("tanks", True, SQL)
    assert [found.title.in_(language) for language in Language] == ["Tanks", "Танки"]
    assert found.question.in_(Language.RUSSIAN) == "How many?"
    assert [(one.name, one.type, one.default) for one in found.parameters] == [
        ("kind", "text", "tank"),
        ("least", "integer", "2"),
    ]
    assert found.parameters[0].meaning == queries.Said("what is counted", "что считают")


def test_only_what_is_a_parameter_is_filled_in() -> None:
    filled = query().filled({"kind": "o'tank", "least": 3})
    assert filled == SQL.replace("= :kind", "= 'o''tank'").replace(">= :least", ">= 3")
    bound = query().written(lambda name: f"<{name}>", rest=str.upper)
    assert bound.endswith("WHERE KIND = <kind> AND LOW >= <least>")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-- titel: x", "neither a parameter nor"),
        ("-- title: x", "title is said twice"),
        ("-- portable: maybe", "portable is"),
        ("-- :more number = 1: x", "there is no type number"),
        ("-- :more integer = x: x", "more takes no 'x'"),
        ("-- :more date = : x", "more has no default"),
        ("-- :kind text = : x", "kind is there twice"),
        ("-- :kind: what", "a parameter is written :kind type = default: meaning"),
        ("-- :more integer = 1: x", "more is not both in the header and in the query"),
        ("-- ru :more: x", "more is not both in the header and in the query"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(line: str, words: str) -> None:
    with pytest.raises(SettingsError, match=r"tanks\.sql, line [78] cannot be read") as refused:
        query(HEAD.replace("-- portable: yes\n", "") + line + "\n")
    assert words in refused.value.why


@pytest.mark.parametrize(
    ("head", "sql", "words"),
    [
        (HEAD.replace("-- title: Tanks\n", ""), SQL, "it has no title"),
        (HEAD.replace("-- question: How many?\n", ""), SQL, "it has no question"),
        (HEAD, SQL + " AND :more = 1", "more is not both"),
        (HEAD, SQL + "; DELETE FROM research.figures", "without a semicolon"),
        (HEAD, "", "stands one query"),
    ],
)
def test_a_query_that_is_not_whole_is_refused(head: str, sql: str, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        query(head, sql)
    assert words in refused.value.why
    assert "tanks.sql" in refused.value.what


def test_a_name_goes_into_addresses() -> None:
    with pytest.raises(SettingsError, match=r"two words\.sql, line 1"):
        query(name="two words")


def test_a_folder_without_queries_is_no_folder_of_queries(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no saved queries"):
        queries.load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("text", "", ""),
        ("text", " Суджа ", " Суджа "),
        ("integer", " -20 ", -20),
        ("timestamp", "2024-08-06", datetime(2024, 8, 6, tzinfo=UTC)),
        ("timestamp", "2024-08-06 13:00", datetime(2024, 8, 6, 13, tzinfo=UTC)),
        ("timestamp", "2024-08-06T13:00+03:00", datetime(2024, 8, 6, 10, tzinfo=UTC)),
        ("timestamp", "2024-08-06T13:00 03:00", datetime(2024, 8, 6, 10, tzinfo=UTC)),
        ("date", "2024-08-06", date(2024, 8, 6)),
        ("interval", "90 minutes", timedelta(minutes=90)),
        ("interval", "1 day 6 Hours", timedelta(hours=30)),
    ],
)
def test_values_are_read_as_people_write_them(kind: str, written: str, value: object) -> None:
    (one,) = query(f"-- title: x\n-- question: x\n-- :a {kind} = {written}: x\n", "SELECT :a").parameters
    assert one.value(None) == value
    assert one.value(written) == value


@pytest.mark.parametrize(
    ("kind", "default", "written"),
    [
        ("text", "", "a\x00b"),
        ("text", "", "a" * 1001),
        ("integer", "1", "1.5"),
        ("integer", "1", "9" * 19),
        ("integer", "1", "9" * 5000),
        ("timestamp", "2024-01-01", "yesterday"),
        ("timestamp", "2024-01-01", "0001-01-01"),
        ("timestamp", "2024-01-01", "9999-12-31T23:59-14:00"),
        ("date", "2024-01-01", "2024-13-01"),
        ("interval", "1 day", "1"),
        ("interval", "1 day", "1 month"),
        ("interval", "1 day", "-1 day"),
        ("interval", "1 day", "99999999999999999999 days"),
    ],
)
def test_a_value_that_is_none_is_refused_with_what_it_takes(kind: str, default: str, written: str) -> None:
    head = f"-- title: x\n-- question: x\n-- :a {kind} = {default}: x\n"
    with pytest.raises(UsageError) as refused:
        query(head, "SELECT :a").values({"a": written})
    assert refused.value.why == f"it takes {queries.TYPES[kind][1]}"


def test_what_is_no_text_has_its_default_where_nothing_is_written() -> None:
    assert query().values({"kind": "", "least": " "}) == {"kind": "", "least": 2}
    with pytest.raises(UsageError, match="no parameter most"):
        query().known({"most": "1"})


def test_every_shipped_query_speaks_both_languages_and_keeps_to_the_schema() -> None:
    every = queries.load(ROOT / "docs" / "queries")
    assert len(every) >= 18
    assert sum(one.portable for one in every.values()) >= 10
    for one in every.values():
        said = (one.title, one.question, *(parameter.meaning for parameter in one.parameters))
        assert all(words.english and words.russian for words in said), one.name
        assert "monitor." not in one.sql, one.name
        assert "::" not in one.sql or not one.portable, one.name
        assert "ORDER BY" in one.sql, one.name


def test_values_are_literals_of_standard_sql() -> None:
    written = [
        queries.literal(value)
        for value in (datetime(2024, 8, 6, 5, tzinfo=UTC), date(2024, 8, 6), timedelta(hours=1), 7, "a'b")
    ]
    assert written == [
        "TIMESTAMPTZ '2024-08-06 05:00:00+00:00'", "DATE '2024-08-06'", "INTERVAL '3600 seconds'", "7", "'a''b'",
    ]  # fmt: skip


# --- rows as text -------------------------------------------------------------------------------------------


def test_a_line_of_csv_tells_nothing_from_an_empty_text() -> None:
    row = (
        None,
        "",
        "a",
        ' "b",',
        1.0,
        True,
        datetime(2024, 8, 6, tzinfo=UTC),
        timedelta(days=1, seconds=61),
        ["я"],
    )
    assert answers.csv_line(row) == (
        ',"",a," ""b"",",1,true,2024-08-06T00:00:00+00:00,1 day 00:01:01,"[""я""]"\r\n'
    )


def test_lengths_of_time_are_as_databases_read_them() -> None:
    lengths = (timedelta(0), timedelta(days=2, hours=3), -timedelta(seconds=90), timedelta(microseconds=5))
    assert [answers.span(one) for one in lengths] == [
        "00:00:00", "2 days 03:00:00", "-00:01:30", "00:00:00.000005",
    ]  # fmt: skip


def test_a_row_of_json_keeps_its_types() -> None:
    row = (Decimal("0.5"), Decimal(7), 2.0, None, date(2024, 8, 6), "я")
    assert answers.json_object("abcdef", row) == (
        '{"a": 0.5, "b": 7, "c": 2, "d": null, "e": "2024-08-06", "f": "я"}'
    )


def test_a_cell_is_for_a_person() -> None:
    values = (None, datetime(2024, 8, 6, 13, tzinfo=UTC), 1.5, "текст", False)
    assert [answers.cell(one) for one in values] == ["", "2024-08-06 13:00:00", "1.5", "текст", "false"]
