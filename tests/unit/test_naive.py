"""The yardstick of the reading bench: what somebody's keywords and one expression find."""

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest

from bench.naive import Naive
from bench.texts import invented, stream, texts


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("до 300 военнослужащих ВСУ, 11 танков", [("personnel", 300), ("tank", 11)]),
        ("понад 1 200 окупантів", [("personnel", 1200)]),
        ("over 20 armoured vehicles and two tanks", [("armour", 20), ("tank", 2)]),
        ("Семь НОВЫХ гаубиц", [("artillery", 7)]),
        ("11 вагонов с углём", []),
    ],
)
def test_naive_figures(text: str, figures: list[tuple[str, float]]) -> None:
    reading = Naive().read(text)
    assert [(figure.kind, figure.high) for figure in reading.figures] == figures
    assert all(text[figure.start : figure.end] for figure in reading.figures)
    assert [flag.topic for flag in reading.flags] == ["troop_figures"] * bool(figures)


def test_naive_topics() -> None:
    assert [flag.topic for flag in Naive().read("Курская область, Судже, sudzha").flags] == [
        "kursk",
        "sudzha",
    ]
    assert Naive().read("Суждение").flags == ()


def test_texts_are_those_of_a_file_or_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONITOR_BENCH_TEXTS", raising=False)
    assert texts(3) == list(stream(3)) == list(islice(invented(), 3))
    lines = "".join(json.dumps({"text": text}) + "\n" for text in "аб")
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    for name in ("a.jsonl", "a.jsonl.gz"):
        monkeypatch.setenv("MONITOR_BENCH_TEXTS", str(tmp_path / name))
        assert texts(3) == ["а", "б", "а"]
        assert list(stream(1)) == ["а", "б"]
