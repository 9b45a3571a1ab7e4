"""Files of rows: whatever a row holds comes out of each format as it went in, and the same rows give the same bytes."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ExportError
from monitor.formats import Format, Row, manifest, papers, read, writer
from monitor.model import ColumnKind, ExportColumn

COLUMNS = [ExportColumn(kind.name.lower(), kind, "what it means") for kind in ColumnKind]
NOTHING: Row = tuple(None for _ in COLUMNS)
EARLY = datetime(988, 7, 27, 4, 5, 6, 7, tzinfo=UTC)
AWKWARD: list[Row] = [
    (
        2**63 - 1,
        0.1,
        True,
        'он сказал: "да, нет"\r\nи ушёл',
        EARLY,
        date(1, 1, 1),
        '{"a": [1, 2]}',
        ["", "а,б", '"'],
        0,
    ),
    (-(2**63), -1e300, False, "", datetime(2024, 8, 6, 10, 20, tzinfo=UTC), date(2024, 8, 6), '""', [], -1),
    NOTHING,
    (0, 5e-324, True, "null\u2028\x1c,\t🙂'\\N", datetime.max.replace(tzinfo=UTC), date.max, "[]", ["\n"], 1),
]

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = {
    ColumnKind.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ColumnKind.DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    ColumnKind.BOOLEAN: st.booleans(),
    ColumnKind.TEXT: words,
    ColumnKind.TIMESTAMP: st.datetimes(timezones=st.just(UTC)),
    ColumnKind.DATE: st.dates(),
    ColumnKind.JSON: words,
    ColumnKind.TEXTS: st.lists(words, max_size=3),
    ColumnKind.SPAN: st.integers(-(2**63), 2**63 - 1),
}
some_rows = st.lists(st.tuples(*(st.none() | values[column.kind] for column in COLUMNS)), max_size=8)


def put(form: Format, path: Path, *batches: list[Row]) -> Path:
    file = writer(form, path, COLUMNS)
    for batch in batches:
        file.write(batch)
    file.close()
    return path


def taken(form: Format, path: Path, columns: list[ExportColumn] | None = None) -> list[Row]:
    return [row for batch in read(form, path, COLUMNS if columns is None else columns) for row in batch]


@pytest.mark.parametrize("form", Format)
def test_awkward_values_come_back_as_they_were(form: Format, tmp_path: Path) -> None:
    path = put(form, tmp_path / "file", AWKWARD[:2], AWKWARD[2:])
    assert taken(form, path) == AWKWARD
    assert path.read_bytes() == put(form, tmp_path / "again", AWKWARD[:2], AWKWARD[2:]).read_bytes()


@pytest.mark.parametrize("form", Format)
def test_more_rows_than_are_read_at_once_come_in_their_order(form: Format, tmp_path: Path) -> None:
    many: list[Row] = [(number, *NOTHING[1:]) for number in range(4500)]
    assert taken(form, put(form, tmp_path / "many", many)) == many


@pytest.mark.parametrize("form", Format)
def test_any_values_come_back_as_they_were(form: Format, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("any")

    @settings(max_examples=60, deadline=None)
    @given(some_rows)
    def comes_back(rows: list[Row]) -> None:
        assert taken(form, put(form, place / "file", *([rows] if rows else []))) == rows

    comes_back()


@pytest.mark.parametrize("form", Format)
def test_columns_are_found_by_name_and_one_that_lacks_is_named(form: Format, tmp_path: Path) -> None:
    path = put(form, tmp_path / "file", AWKWARD)
    chosen = [COLUMNS[3], COLUMNS[0]]
    assert taken(form, path, chosen) == [(row[3], row[0]) for row in AWKWARD]
    with pytest.raises(ExportError, match="cannot be read"):
        taken(form, path, [ExportColumn("none_such", ColumnKind.TEXT, "")])


def test_other_programs_read_the_same(tmp_path: Path) -> None:
    table = pq.read_table(put(Format.PARQUET, tmp_path / "a.parquet", AWKWARD))
    assert table.column("text").to_pylist() == [row[3] for row in AWKWARD]
    assert str(table.schema.field("timestamp").type) == "timestamp[us, tz=UTC]"
    with put(Format.CSV, tmp_path / "a.csv", AWKWARD).open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert [record["text"] for record in records] == [row[3] or "" for row in AWKWARD]
    assert records[0]["timestamp"] == "0988-07-27T04:05:06.000007Z"
    lines = put(Format.JSONL, tmp_path / "a.jsonl", AWKWARD).read_bytes().split(b"\n")[:-1]
    assert [json.loads(line)["texts"] for line in lines] == [row[7] for row in AWKWARD]


@pytest.mark.parametrize(
    ("form", "change"),
    [
        (Format.CSV, lambda held: held[:-30] + b'"'),
        (Format.CSV, lambda held: held.replace(b"true", b"maybe", 1)),
        (Format.CSV, lambda held: held.replace(b'"', b'x"', 1)),
        (Format.CSV, lambda held: b""),
        (Format.JSONL, lambda held: held[:-9]),
        (Format.JSONL, lambda held: b"[1]\n"),
        (Format.PARQUET, lambda held: held[:-9]),
        (Format.PARQUET, lambda held: b""),
    ],
)
def test_a_torn_file_is_refused_by_its_name(
    form: Format, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = put(form, tmp_path / "torn", AWKWARD)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ExportError, match="torn cannot be read"):
        taken(form, path)


def test_without_pyarrow_parquet_says_what_to_install() -> None:
    code = """
import sys
sys.modules["pyarrow"] = None
from pathlib import Path
from monitor.formats import Format, writer
try:
    writer(Format.PARQUET, Path("none"), [])
except Exception as error:
    print(*error.lines(), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'telegram-channel-monitor[parquet]', or take --format csv or jsonl" in done.stdout


def test_a_folder_without_a_manifest_or_with_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is no export"):
        manifest.load(tmp_path)
    (tmp_path / manifest.NAME).write_text("{}")
    with pytest.raises(ExportError, match="cannot be read") as refused:
        manifest.load(tmp_path)
    assert refused.value.why == "format_version: Field required"


def test_a_manifest_names_no_file_outside_of_its_folder() -> None:
    for name in ("../up", "/etc/passwd", "a/b.csv", ".hidden", "..", "a\n"):
        with pytest.raises(ValueError, match="pattern"):
            manifest.Paper(name=name, bytes=0, sha256="")


def test_a_bar_or_a_tag_in_a_meaning_does_not_break_the_dictionary() -> None:
    written = papers.dictionary(
        [papers.Told("posts", ["posts.csv"], "All.", [COLUMNS[0]._replace(meaning="a|b <c>")])]
    )
    assert "\n## posts\n\n`posts.csv`. All.\n\n| column | type | meaning |\n" in written
    assert "| `integer` | `int64` | a\\|b &lt;c> |" in written
