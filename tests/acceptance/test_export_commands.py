"""Taking the archive out and in at the terminal, as a user does."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.helpers import monitor
from tests.acceptance.test_commands import Home, pages

__all__ = ["pages"]


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str) -> Home:
    return Home(tmp_path, url, pages)


def test_out_seen_to_be_whole_and_in_again(home: Home, another: Callable[[], str], pages: str) -> None:
    home.run("collect")
    home.run("flag")
    told = home.run("export", "out")
    assert "files, " in told
    assert "MB in out" in told
    assert "whole: 23 files" in home.run("export", "verify", "out")
    assert "holds something already" in home.run("export", "out", code=2)
    made = json.loads(home.run("export", "--format", "csv", "table", "--json"))
    assert made["file_format"] == "csv"
    assert len(made["ruleset"]) == 64
    (home.path / "table" / "posts.csv").write_text("")
    (home.path / "other").mkdir()
    other = Home(home.path / "other", another(), pages)
    assert "is not as its manifest says" in other.run("import", "../table", code=1)
    taken = json.loads(other.run("import", "../out", "--json"))
    assert taken["posts"] == 18
    assert "already holds @demo_governor" in other.run("import", "../out", code=1)
    other.run("export", "out")
    assert hashes(home.path / "out") == hashes(other.path / "out")
    assert "are for files of Telegram Desktop" in other.run(
        "import", "../out", "--handle", "x_channel", code=2
    )


def hashes(folder: Path) -> dict[str, str]:
    made = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry["sha256"] for entry in (*made["files"], *made["papers"])}


def test_a_part_of_the_archive_is_taken_out(home: Home) -> None:
    home.run("collect", "demo_governor", "--since", "2024-08-01")
    home.run("flag")
    filters = (
        "--since",
        "2024-08-06",
        "--until",
        "2024-08-07T12:00",
        "--channel",
        "@Demo_Governor",
        "--topic",
        "kursk",
    )
    made = json.loads(home.run("export", "part", "--format", "jsonl", *filters, "--json"))
    assert made["filters"] == {
        "since": "2024-08-06T00:00:00Z",
        "until": "2024-08-07T12:00:00Z",
        "topic": "kursk",
        "channels": [{"channel_id": 1900000001, "handle": "demo_governor"}],
        "as_of": None,
    }
    held = [
        json.loads(line)
        for line in (home.path / "part" / "posts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert held
    assert all("2024-08-06" <= post["posted_at"] < "2024-08-07T12:00" for post in held)
    said = home.run("export", "then", "--format", "jsonl", "--as-of", "2024-08-07")
    assert "in then" in said
    assert (home.path / "then" / "posts_as_of.jsonl").exists()
    assert "no channel 77 is held" in home.run("export", "none", "--channel", "77", code=2)
    assert "or by its number" in home.run("export", "none", "--channel", "a/7", code=2)
    assert "no date: someday" in home.run("export", "none", "--since", "someday", code=2)
    assert not (home.path / "none").exists()


def test_what_differs_is_named_and_the_exit_code_says_so(home: Home) -> None:
    home.run("export", "out", "--format", "csv")
    (home.path / "out" / "gaps.csv").unlink()
    (home.path / "out" / "more.csv").write_text("")
    done = monitor("export", "verify", "out", cwd=home.path, env=home.env)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["✗ more.csv is not in the manifest", "✗ gaps.csv is not there"]
    done = monitor("export", "verify", "out", "--json", cwd=home.path, env=home.env)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "whole": False,
        "differences": ["more.csv is not in the manifest", "gaps.csv is not there"],
    }
    assert "is no export" in home.run("export", "verify", ".", code=1)
