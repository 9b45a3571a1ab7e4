"""Rules as a user handles them: checked, tried, put in force, read again, explained."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.helpers import ROOT
from tests.acceptance.test_commands import Home
from tests.integration.test_collect_import import export, message

RULES = '[topic.kursk]\nlemmas = ["Курск"]\n'
MORE = RULES + '[topic.sudzha]\nlemmas = ["Суджа"]\n'


@pytest.fixture
def home(tmp_path: Path, url: str) -> Home:
    made = Home(tmp_path, url, "http://127.0.0.1:9")
    written(made, "config/rules.toml", RULES)
    return made


def written(home: Home, name: str, text: str) -> str:
    path = home.path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def imported(home: Home, *texts: str) -> None:
    messages = [message(n, text) for n, text in enumerate(texts, 1)]
    home.run("import", str(export(home.path / "result.json", messages)), "--handle", "@long_channel")


def test_rules_are_checked_without_a_database(home: Home) -> None:
    home.env["MONITOR_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:9/none"
    shown = home.run("rules", "check")
    assert "ruleset   " in shown
    assert "config/rules.toml" in shown
    assert "  kursk" in shown
    other = home.run("rules", "check", str(ROOT / "config" / "rules.toml"))
    assert "  sudzha" in other
    assert other.splitlines()[0] != shown.splitlines()[0]
    broken = written(home, "broken.toml", "[topic.kursk]\nlemmas = [\n")
    lines = home.run("rules", "check", broken, code=2).splitlines()
    assert len(lines) == 3
    assert "broken.toml, line 2, column" in lines[0]
    assert "cannot be read" in home.run("rules", "check", "nowhere.toml", code=2)


def test_rules_are_tried_put_in_force_and_read_again(home: Home) -> None:
    imported(home, "В Судже тихо", "Под Курском тихо", "Погода ясная")
    assert "3 of 3 posts not yet read under the present rules" in home.run("status")
    assert "read 3 posts, flagged 1" in home.run("flag")
    assert "not yet read" not in home.run("status")
    candidate = written(home, "mine.toml", MORE)
    shown = home.run("rules", "try", candidate)
    assert "read 3 posts under these rules; nothing was written" in shown
    assert "not yet read" not in shown
    assert "+ long_channel/1" in shown
    assert "«В Судже тихо»" in shown
    tried = json.loads(home.run("rules", "try", candidate, "--since", "2024-08-01", "--json"))
    assert tried["topics"]["sudzha"]["newly"] == 1
    assert tried["topics"]["sudzha"]["newly_seen"][0]["excerpt"] == "В Судже тихо"
    assert "no post would be flagged otherwise" in home.run("rules", "try", "config/rules.toml")
    written(home, "config/rules.toml", MORE)
    assert json.loads(home.run("status", "--json"))["unread"] == 3
    assert "were not yet read under the rules in force" in home.run("rules", "try", candidate)
    assert json.loads(home.run("flag", "--json"))["flagged"] == 2


def test_the_side_of_a_channel_makes_its_posts_due(home: Home) -> None:
    imported(home, "В Судже тихо")
    home.run("flag")
    written(home, "config/channels.toml", '[[channel]]\nhandle = "long_channel"\nside = "russia"\n')
    home.run("status")
    subprocess.run(
        [sys.executable, "-m", "monitor", "db", "shell"],
        input="UPDATE monitor.watches SET channel_id = (SELECT channel_id FROM monitor.channels);",
        env=home.env, cwd=home.path, text=True, check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(home.run("status", "--json"))["unread"] == 1
    assert "read 1 post," in home.run("flag")


def test_one_text_is_explained(home: Home) -> None:
    assert "kursk" in home.run("explain", "Под Курском тихо")
    assert "«Курском»" in home.run("explain", "Под Курском тихо")
    assert "none: no number stands near" in home.run("explain", "Погода")
    found = json.loads(home.run("explain", "Под Курском тихо", "--json"))
    assert found["flags"][0]["spans"][0] == {"start": 4, "end": 11, "term": "Курск"}
    assert found["figures"] == []
    piped = subprocess.run(
        [sys.executable, "-m", "monitor", "explain", "-", "--json"],
        input="Курск", env=home.env, cwd=home.path, text=True, check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(piped.stdout)["flags"][0]["topic"] == "kursk"


def test_rules_are_measured_on_labelled_posts_without_a_database(home: Home) -> None:
    home.env["MONITOR_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:9/none"
    home.env["MONITOR_CONFIG_DIR"] = str(ROOT / "config")
    gold = str(ROOT / "tests" / "fixtures" / "labelled.jsonl")
    shown = home.run("evaluate", gold, "--json", "scores.json", "--worst", "1")
    told = json.loads((home.path / "scores.json").read_text(encoding="utf-8"))
    assert f"read {told['posts']} labelled posts" in shown
    assert f"{told['troop_figures']['kind_and_bounds']['f1']:.3f}" in shown
    assert json.loads(home.run("evaluate", gold, "--json", "-")) == told
    assert told["ruleset"] in home.run("rules", "check")


def test_what_cannot_be_measured_is_said_in_three_lines(home: Home) -> None:
    lines = home.run("evaluate", code=2).splitlines()
    assert len(lines) == 3
    assert "no decisions of analysts" in lines[0]
    assert "monitor evaluate GOLD.jsonl" in lines[2]
    written(home, "broken.jsonl", '{"text": "Курск", "figures": []}\n{"text": 5}\n')
    assert "broken.jsonl, line 2: this is no labelled post" in home.run("evaluate", "broken.jsonl", code=2)
    assert "nowhere.jsonl cannot be read" in home.run("evaluate", "nowhere.jsonl", code=2)
    empty = written(home, "empty.jsonl", "")
    assert "cannot be written" in home.run("evaluate", empty, "--json", "no/where.json", code=2)


@pytest.mark.slow
def test_ctrl_c_stops_a_long_reading_and_the_next_goes_on(home: Home, url: str) -> None:
    imported(home, *[f"Под Курском тихо. {'Погода ясная. ' * 40} {n}" for n in range(30_000)])
    command = [sys.executable, "-m", "monitor", "flag"]
    process = subprocess.Popen(
        command, cwd=home.path, env=home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute("SELECT 1 FROM monitor.post_state WHERE NOT unread LIMIT 1").fetchone():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130, said + errors
    assert "of 30,000 posts; monitor flag goes on from there" in said
    assert "Traceback" not in errors
    left = json.loads(home.run("status", "--json"))["unread"]
    assert 0 < left < 30_000
    assert f"read {left:,} posts" in home.run("flag")
