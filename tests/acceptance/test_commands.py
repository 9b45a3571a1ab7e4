"""Every command, as a user would call it, on a server of the user's own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.standin.scenario import THEN, shipped
from monitor.standin.server import Standin, serving
from tests.acceptance.helpers import environment, monitor
from tests.integration.test_collect_import import export, message

CHANNELS = """
[[channel]]
handle = "demo_governor"
label = "Губернатор"
since = 2024-08-01
"""


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """The stand-in's pages, served by a thread of this process, as of after all that happens in them."""
    standin = Standin(lambda: datetime(2024, 9, 1, tzinfo=UTC))
    standin.play(shipped(), start=THEN)
    started, host = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving(standin) as address:
            host.append(address)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(20)
    yield host[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


class Home:
    """A directory with a configuration, and the `monitor` command in it."""

    def __init__(self, path: Path, url: str, pages: str) -> None:
        self.path = path
        self.env = environment(
            MONITOR_DATABASE_URL=url,
            MONITOR_PREVIEW_HOSTS=json.dumps([pages]),
            MONITOR_PREVIEW_PACE="0",
            HOME=str(path),
        )
        (path / "config").mkdir()
        (path / "config" / "channels.toml").write_text(CHANNELS, encoding="utf-8")

    def run(self, *arguments: str, code: int = 0) -> str:
        done = monitor(*arguments, cwd=self.path, env=self.env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str) -> Home:
    return Home(tmp_path, url, pages)


def test_from_nothing_to_flagged_posts(home: Home) -> None:
    assert "collected 18 posts" in home.run("collect")
    again = json.loads(home.run("collect", "demo_governor", "--since", "2024-08-01", "--json"))
    assert again["posts"] == 67
    assert "read 85 posts" in home.run("flag")
    shown = home.run("flagged", "--topic", "kursk", "--limit", "3")
    assert shown.count(" demo_governor ") == 3
    found = json.loads(home.run("flagged", "--channel", "@demo_governor", "--since", "2024-08-06", "--json"))
    assert {f["topic"] for post in found for f in post["flags"]} >= {"kursk", "sudzha"}
    status = home.run("status")
    assert "1 up to date" in status
    assert "85 posts" in status
    assert json.loads(home.run("status", "--json"))["totals"]["posts"] == 85


def test_an_import_is_shown_and_refused_by_name(home: Home) -> None:
    path = export(
        home.path / "result.json", [message(1, "В Судже 11 танков"), {"id": 2, "type": "unsupported"}]
    )
    shown = home.run("import", str(path), "--handle", "@long_channel")
    assert "imported 1 new post and" in shown
    assert "set aside 1" in shown
    assert json.loads(home.run("import", str(path), "--json"))["posts"] == 0
    assert "could not export" in home.run("status", "--aside")
    group = export(home.path / "group.json", [message(1, "x")], kind="private_group")
    lines = home.run("import", str(group), code=1).strip().splitlines()
    assert len(lines) == 3
    assert "refused: Длинный канал (private_group)" in lines[0]


def test_dates_without_a_zone_are_asked_about(home: Home) -> None:
    old = {key: value for key, value in message(1, "Привет").items() if key != "date_unixtime"}
    path = export(home.path / "old.json", [old])
    assert "--timezone" in home.run("import", str(path), code=1)
    home.run("import", str(path), "--timezone", "Europe/Moscow")
    assert "no time zone" in home.run("import", str(path), "--timezone", "Mars/North", code=2)


def test_the_channel_list_is_a_file_and_a_pause_is_state(home: Home) -> None:
    home.run("channels", "add", "https://t.me/demo_ministry", "--label", "Министерство")
    assert "demo_ministry" in (home.path / "config" / "channels.toml").read_text()
    assert "listed already" in home.run("channels", "add", "demo_ministry", code=2)
    home.run("channels", "pause", "demo_ministry", "--reason", "holiday")
    assert "holiday" in home.run("status")
    assert "is not running" in home.run("channels", "pause", "demo_ministry", code=2)
    home.run("channels", "resume", "demo_ministry")
    assert "is not paused" in home.run("channels", "resume", "demo_ministry", code=2)
    listed = json.loads(home.run("channels", "list", "--json"))
    assert [w["handle"] for w in listed] == ["demo_governor", "demo_ministry"]
    assert "Министерство" in home.run("channels", "list")


def test_a_channel_that_is_none_is_refused_and_seen(home: Home) -> None:
    home.run("channels", "add", "nobody_there")
    assert home.run("collect", "nobody_there", code=1) == ""
    status = home.run("status").splitlines()
    assert "1 failing" in status[0]
    assert "nobody has the handle" in status[1]
    assert "→" in status[1]
    assert "is not listed" in home.run("collect", "stranger", code=2)


def test_the_database_commands(home: Home, url: str) -> None:
    assert "is at" in home.run("db", "upgrade")
    home.run("collect")
    assert home.run("db", "url").strip().startswith("postgresql://")
    home.run("db", "dump", "archive.dump")
    assert "holds posts" in home.run("db", "restore", "archive.dump", code=1)
    home.run("db", "restore", "archive.dump", "--replace")
    assert json.loads(home.run("status", "--json"))["totals"]["posts"] == 18
    asked = subprocess.run(
        [sys.executable, "-m", "monitor", "db", "shell"],
        input="SELECT count(*) FROM research.posts;\n",
        env=home.env,
        cwd=home.path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "18" in asked.stdout


def test_a_search_says_why_nothing_is_found(home: Home) -> None:
    def told(words: str) -> str:
        return monitor("search", words, cwd=home.path, env=home.env).stderr.strip()

    assert told("") == "nothing is found"
    assert told("и") == "these words are in every text; ask for others"
    home.run("collect", "demo_governor")
    assert "some posts are not indexed yet" in told("Суджа")


def test_a_search_says_that_posts_are_left_out(home: Home) -> None:
    home.run("collect", "demo_governor", "--since", "2024-08-01")
    home.run("index")

    def told(*options: str) -> tuple[int, str]:
        done = monitor("search", "", "--json", *options, cwd=home.path, env=home.env)
        return len(json.loads(done.stdout)), done.stderr.strip()

    assert told("--limit", "2") == (2, "only the first 2 posts; --limit shows more, 10,000 at most")
    every = told("--limit", "10000")
    assert every[1] == ""
    assert told("--limit", str(every[0])) == every


def test_a_search_takes_a_channel_by_name_and_by_number(home: Home) -> None:
    home.run("collect", "demo_governor", "--since", "2024-08-01")
    home.run("index")

    def found(channel: str) -> object:
        return json.loads(home.run("search", "", "--channel", channel, "--json"))

    assert found("1900000001") == found("@Demo_Governor") == found("t.me/demo_governor") != []
    assert found("1900000002") == []
    refused = home.run("search", "танки", "--channel", "1900000001/5", code=2).strip().splitlines()
    assert len(refused) == 3
    assert "no channel: 1900000001/5" in refused[0]
    assert "by its number" in refused[1]
    assert "@rybar" in refused[2]


def test_saved_queries_are_listed_shown_and_answered(home: Home) -> None:
    home.run("collect", "demo_governor", "--since", "2024-08-01")
    home.run("flag")
    assert "first-claims       Who first claimed a number" in home.run("queries", "list")
    listed = json.loads(home.run("queries", "list", "--json"))
    assert {one["name"] for one in listed} >= {"spread", "gaps"}
    shown = home.run("queries", "show", "first-claims")
    assert "this kind of figure alone; empty for all" in shown
    assert "WHERE said_at >= :since" in shown
    filled = home.run("queries", "show", "first-claims", "--filled", "-p", "kind=o'tank")
    assert "kind = 'o''tank'" in filled
    assert ":kind" not in filled
    table = home.run("queries", "run", "posts-per-day", "--limit", "2").splitlines()
    assert table[0].split() == ["day", "handle", "channel_id", "posts", "edited", "deleted", "flagged"]
    assert table[1].split()[:4] == ["2024-08-05", "demo_governor", "1900000001", "15"]
    assert len(table) == 4
    days = json.loads(home.run("queries", "run", "posts-per-day", "--json"))
    assert sum(day["posts"] for day in days) == 85
    lines = home.run("queries", "run", "posts-per-day", "--csv").splitlines()
    assert len(lines) == 1 + len(days)
    assert lines[1].startswith("2024-08-05,demo_governor,1900000001,15,")
    assert home.run("queries", "run", "gaps", "--json") == "[]\n"


def test_what_is_wrong_with_a_query_is_said_in_three_lines(home: Home) -> None:
    def refused(*arguments: str, code: int = 2) -> str:
        lines = home.run("queries", *arguments, code=code).strip().splitlines()
        assert len(lines) == 3, lines
        return "".join(lines)

    assert "there is no query nothing" in refused("run", "nothing")
    assert "since takes no 'x'" in refused("run", "gaps", "-p", "since=x")
    assert "gaps has no parameter nobody" in refused("run", "gaps", "-p", "nobody=1")
    assert "channel is no parameter" in refused("run", "gaps", "-p", "channel")
    assert "both given" in refused("run", "gaps", "--json", "--csv")
    own = home.path / "own.sql"
    assert "own.sql cannot be read" in refused("run", str(own))
    own.write_text("-- title: x\nSELECT 1\n", encoding="utf-8")
    assert "own.sql, line 2 cannot be readit has no question" in refused("run", str(own)).replace("  ", "")
    head = "-- title: x\n-- question: x\n"
    own.write_text(head + "SELECT pg_sleep(9)\n", encoding="utf-8")
    assert "took longer than 0.2 s" in refused("run", str(own), "--timeout", "0.2", code=1)
    own.write_text(head + "SELECT nextval('monitor.cases_case_id_seq')\n", encoding="utf-8")
    assert "read-only transaction" in refused("run", str(own), code=1)


def test_init_sets_a_directory_up(home: Home) -> None:
    (home.path / "config" / "channels.toml").unlink()
    shown = home.run("init")
    assert "4 channels" in shown
    assert (home.path / ".env").stat().st_mode & 0o777 == 0o600
    assert (home.path / "config" / "rules.toml").exists()
    home.run("init")


def test_up_asks_once_and_then_works_until_it_is_ended(home: Home) -> None:
    refusal = home.run("up", code=2)
    assert "was not answered" in refusal
    assert "--yes" in refusal
    for first in (True, False):
        arguments = ["up", "--yes"] if first else ["up"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "monitor", *arguments],
            cwd=home.path,
            env=home.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        said = ""
        while "at work" not in said:
            line = worker.stdout.readline()
            assert line, said
            said += line
        assert ("public web pages of 1 channel (" in said) is first
        if first:
            assert "terms" in said
        while json.loads(home.run("status", "--json"))["totals"]["posts"] < 85:
            pass
        assert "another worker" in home.run("up", code=1)
        worker.send_signal(signal.SIGTERM if first else signal.SIGINT)
        rest, _ = worker.communicate(timeout=30)
        assert "stopped" in rest
        assert worker.returncode == 0
    assert json.loads(home.run("status", "--json"))["totals"]["flagged"] > 0


@pytest.mark.parametrize(
    ("file", "body", "line"),
    [
        ("channels.toml", '[[channel]]\nhandle = "demo_governor"\npace = "fast"\n', "line 1"),
        ("channels.toml", "[[channel]\n", "line 1"),
        ("rules.toml", "[topic.kursk]\nlemma = []\n", "line 2"),
    ],
)
def test_a_wrong_file_stops_the_start_with_file_line_and_mend(
    home: Home, file: str, body: str, line: str
) -> None:
    (home.path / "config" / file).write_text(body)
    lines = home.run("flag", code=2).strip().splitlines()
    assert len(lines) == 3
    assert file in lines[0]
    assert line in lines[0]


def test_a_wrong_setting_names_itself(home: Home) -> None:
    home.env["MONITOR_PREVIEW_PACE"] = "soon"
    assert "MONITOR_PREVIEW_PACE" in home.run("status", code=2)
    home.env["MONITOR_PREVIEW_PACE"] = "1"
    home.env["MONITOR_DATABSE_URL"] = "x"
    done = monitor("status", cwd=home.path, env=home.env)
    assert "MONITOR_DATABSE_URL is none of monitor's" in done.stderr


def test_a_server_that_is_not_there_is_three_lines(home: Home) -> None:
    home.env["MONITOR_DATABASE_URL"] = "postgresql://me:secret@127.0.0.1:9/none"
    said = home.run("status", code=1)
    assert "secret" not in said
    assert len(said.strip().splitlines()) == 3


def test_the_version_is_told(home: Home) -> None:
    assert home.run("--version").startswith("monitor ")
    assert "no channel handle" in home.run("channels", "add", "a!", code=2)
    assert "no date" in home.run("collect", "--since", "soon", code=2)


def test_two_commands_at_once_share_the_embedded_server(home: Home) -> None:
    env = {k: v for k, v in home.env.items() if k != "MONITOR_DATABASE_URL"}
    data = Path(f"/tmp/monitor-two-{os.getpid()}")
    env["MONITOR_DATA_DIR"] = str(data)
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "monitor", "collect"],
            cwd=home.path,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    done = monitor("status", "--json", cwd=home.path, env=env)
    assert json.loads(done.stdout)["totals"]["posts"] == 18
    assert not (data / "postgres" / "postmaster.pid").exists()
    subprocess.run(["rm", "-rf", str(data)], check=True)


def test_another_directory_does_not_change_the_channel_list(home: Home, tmp_path: Path) -> None:
    home.run("channels", "list")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = monitor("channels", "list", "--json", cwd=elsewhere, env=home.env)
    assert [w["handle"] for w in json.loads(done.stdout)] == ["demo_governor"]
    assert "left as it is" in done.stderr


def test_a_paused_channel_that_is_named_says_that_it_is_paused(home: Home) -> None:
    home.run("channels", "pause", "demo_governor", "--reason", "holiday")
    assert "is paused" in home.run("collect", "demo_governor", code=2)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DATABASE_URL", "garbage"), ("DATABASE_URL", "postgresql://me@host:port/x"), ("USER_AGENT", "монитор")],
)
def test_a_value_that_would_fail_later_stops_the_start(home: Home, variable: str, value: str) -> None:
    home.env[f"MONITOR_{variable}"] = value
    assert f"MONITOR_{variable}" in home.run("status", code=2).splitlines()[0]
