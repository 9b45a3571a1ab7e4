"""The commands of alerts, as somebody on call types them, and what a wrong setting of theirs says."""

import json
from pathlib import Path

import pytest

from tests.acceptance.test_commands import Home, pages

__all__ = ["pages"]

PERSON = '[[person]]\nname = "Ann"\nroutes = ["hook"]\n'


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str) -> Home:
    return Home(tmp_path, url, pages)


def on_call(home: Home, text: str) -> None:
    (home.path / "config" / "oncall.toml").write_text(text, encoding="utf-8")


def with_a_route(home: Home) -> None:
    home.env["MONITOR_ALERT_ROUTES"] = json.dumps({"hook": "http://127.0.0.1:1/hunter2"})
    home.env["MONITOR_WEBHOOK_SECRET"] = "a-long-enough-secret"


def test_a_silence_is_listed_and_ended(home: Home) -> None:
    assert "no alert is raised" in home.run("alerts", "list")
    assert "silence 1 lasts 2 h" in home.run(
        "alerts", "silence", "watch", "rybar", "--for", "2h", "--note", "it is known"
    )
    assert "silence 1 of watch rybar" in home.run("alerts", "list")
    (silence,) = json.loads(home.run("alerts", "list", "--json"))["silences"]
    assert (silence["kind"], silence["subject"], silence["note"]) == ("watch", "rybar", "it is known")
    assert "silence 1 is over" in home.run("alerts", "unsilence", "1")
    assert "no silence 1 lasts" in home.run("alerts", "unsilence", "1", code=2)
    assert "silence" not in home.run("alerts", "list")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (("silent", "@rybar"), ("silent", "rybar")),
        (("watch", "https://t.me/Rybar"), ("watch", "Rybar")),
        (("topic", "@rybar"), ("topic", "rybar")),
        (("all", "@rybar"), (None, "rybar")),
        (("official", "case/7/12/v2"), ("official", "case/7/12/v2")),
        (("job", "flag"), ("job", "flag")),
    ],
)
def test_a_silence_is_of_a_channel_however_its_handle_is_written(
    home: Home, written: tuple[str, str], kept: tuple[str | None, str]
) -> None:
    home.run("alerts", "silence", *written, "--for", "2h", "--note", "x")
    (silence,) = json.loads(home.run("alerts", "list", "--json"))["silences"]
    assert (silence["kind"], silence["subject"]) == kept


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("silent", "case/7", "--for", "2h"), "no channel handle: case/7"),
        (("topic", "sudzha", "--for", "2h"), "its subject is a case, as case/7, or a channel, as @rybar"),
        (("job", "@rybar", "--for", "2h"), "its subject is a step, as flag or collect:preview"),
        (("disk", "/var", "--for", "2h"), "its subject is data"),
        (("weather", "--for", "2h"), "no kind of alert: weather"),
        (("all", "--for", "forever"), "no length of a silence: forever"),
        (("all", "--for", "0m"), "no length of a silence: 0m"),
        (("all", "--for", "31d"), "no length of a silence: 31d"),
    ],
)
def test_a_silence_has_a_kind_and_an_end(home: Home, arguments: tuple[str, ...], told: str) -> None:
    assert told in home.run("alerts", "silence", *arguments, "--note", "x", code=2)


def test_a_test_notice_goes_through_the_outbox_to_whom_it_is_for(home: Home) -> None:
    assert "nobody is listed" in home.run("alerts", "test", code=2)
    with_a_route(home)
    on_call(home, PERSON)
    assert "a test notice to Ann is planned by hook" in home.run("alerts", "test", "--person", "Ann")
    assert "nobody is called Ben" in home.run("alerts", "test", "--person", "Ben", code=2)


def test_a_mistake_in_who_is_on_call_stops_the_start_and_is_named(home: Home) -> None:
    on_call(home, PERSON)
    said = home.run("up", "--yes", code=2)
    assert "oncall.toml, line 1: no route is called 'hook'" in said
    assert "MONITOR_ALERT_ROUTES" in said
    with_a_route(home)
    on_call(home, f'{PERSON}[thresholds]\ntopics = ["sudja"]\n')
    assert "oncall.toml, line 5: no topic is called 'sudja'" in home.run("up", "--yes", code=2)
    on_call(home, PERSON)
    del home.env["MONITOR_WEBHOOK_SECRET"]
    said = home.run("up", "--yes", code=2)
    assert "MONITOR_WEBHOOK_SECRET is not set" in said
    assert "hunter2" not in said
