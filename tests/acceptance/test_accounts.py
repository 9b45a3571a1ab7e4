"""Reading through an account, as a user does it: log in, collect, see what was covered, and purge."""

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.sources.telegram_login import is_session
from monitor.standin.scenario import THEN, shipped
from monitor.standin.stage import Stage
from monitor.standin.telegram import TelegramServer, serving_telegram
from tests.acceptance.test_commands import Home, pages

__all__ = ["pages"]

CHANNELS = """
[[channel]]
handle = "demo_governor"
label = "Governor"
source = "telegram"
"""
NUMBER = "+99966 00000"


@dataclass
class Telegram:
    """The stand-in in a thread of its own, where it must be used."""

    server: TelegramServer
    loop: asyncio.AbstractEventLoop
    port: int = 0

    def do(self, work: Callable[[], Any]) -> Any:
        async def there() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(there(), self.loop).result(20)

    def reset(self) -> None:
        self.server.passwords.clear()
        self.server.refused_api_ids.clear()
        self.server.calls.clear()


@pytest.fixture(scope="module")
def served() -> Iterator[Telegram]:
    stage = Stage(lambda: datetime(2024, 9, 1, tzinfo=UTC))
    stage.play(shipped(), start=THEN)
    loop = asyncio.new_event_loop()
    telegram = Telegram(TelegramServer(stage), loop)
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving_telegram(telegram.server) as address:
            telegram.port = address.port
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(20)
    yield telegram
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


@pytest.fixture
def telegram(served: Telegram) -> Telegram:
    served.do(served.reset)
    return served


class Reader(Home):
    """A home whose channel is read through an account, and what is typed there."""

    def __init__(self, path: Path, url: str, pages: str, *, telegram: Telegram) -> None:
        super().__init__(path, url, pages)
        key = path / "key.pem"
        key.write_text(telegram.do(telegram.server.public_key))
        self.env |= {
            "MONITOR_DATA_DIR": str(path / "data"),
            "MONITOR_TELEGRAM_API_ID": "17",
            "MONITOR_TELEGRAM_API_HASH": "invented",
            "MONITOR_TELEGRAM_PACE": "0",
            "MONITOR_TELEGRAM_SERVER": f"1@127.0.0.1:{telegram.port}",
            "MONITOR_TELEGRAM_SERVER_KEY": str(key),
        }
        self.list(CHANNELS)

    def list(self, channels: str) -> None:
        (self.path / "config" / "channels.toml").write_text(channels, encoding="utf-8")

    @property
    def session(self) -> Path:
        return self.path / "data" / "accounts" / "main.session"

    def type(self, *lines: str, code: int = 0, arguments: tuple[str, ...] = ()) -> tuple[str, str]:
        """Pipe lines into `monitor login`; gives what it printed on both streams."""
        done = subprocess.run(
            [sys.executable, "-m", "monitor", "login", *arguments],
            input="".join(line + "\n" for line in lines),
            cwd=self.path,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str, telegram: Telegram) -> Reader:
    return Reader(tmp_path, url, pages, telegram=telegram)


@pytest.fixture
def reader(home: Reader, telegram: Telegram) -> Reader:
    """A home with an account that is logged in already."""
    home.session.parent.mkdir(parents=True)
    home.session.write_text(telegram.do(telegram.server.session) + "\n")
    return home


def test_a_login_keeps_a_session_for_its_owner_alone(home: Reader, telegram: Telegram) -> None:
    telegram.server.passwords[0] = "правильный"
    told, asked = home.type(NUMBER, "99999", telegram.server.code, "wrong", "правильный")
    assert f"its session lies in {home.session}" in told
    for question in ("phone number", "code that Telegram sent", "two-step password"):
        assert question in asked
    assert "source" in asked.splitlines()[-1]
    written = home.session.read_text().strip()
    assert is_session(written)
    assert written not in told + asked
    assert home.session.stat().st_mode & 0o777 == 0o600
    assert home.session.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.session.parent.iterdir()] == ["main.session"]
    assert "main              not used yet" in home.run("status")
    assert "collected" in home.run("collect", "@demo_governor")
    assert [c.account for c in telegram.server.called("GetHistory")] == [0]


def test_another_login_replaces_the_session(reader: Reader, telegram: Telegram) -> None:
    before = reader.session.read_text()
    reader.type(telegram.server.code, arguments=("--phone", NUMBER))
    assert is_session(reader.session.read_text().strip())
    assert reader.session.read_text() != before
    reader.type(telegram.server.code, arguments=("--phone", NUMBER, "--name", "second"))
    assert sorted(path.stem for path in reader.session.parent.iterdir()) == ["main", "second"]


def test_a_session_may_be_printed_for_a_secret_store(home: Reader, telegram: Telegram) -> None:
    told, _ = home.type(NUMBER, telegram.server.code, arguments=("--print",))
    assert told.count("\n") == 1
    session = told.removesuffix("\n")
    assert is_session(session)
    assert not home.session.parent.exists()
    home.env["MONITOR_TELEGRAM_SESSIONS"] = json.dumps([session])
    assert "collected" in home.run("collect")
    assert "✓ session-1         works" in home.run("status")


def test_a_login_that_cannot_be(home: Reader, telegram: Telegram) -> None:
    assert "no phone number: twelve" in home.type("twelve", code=2)[1]
    unknown = home.type("+44 20 0000 0000", code=2)[1]
    assert "this number has no account" in unknown
    assert "the code is wrong" in home.type(NUMBER, "1", "2", "3", code=2)[1]
    unfinished = home.type(NUMBER, code=2)[1]
    assert "there was no answer to: code that Telegram sent" in unfinished
    assert "a line each" in unfinished
    telegram.server.refused_api_ids.add(17)
    assert "id or hash is wrong" in home.type(NUMBER, code=2)[1]
    assert not home.session.exists()


@pytest.mark.parametrize("name", ["Main", "../main", "session-1", "a" * 33, ""])
def test_a_name_that_is_none(home: Reader, name: str) -> None:
    assert "no name: " in home.type(code=2, arguments=("--name", name))[1]


def test_a_login_without_an_application_says_where_to_get_one(home: Reader) -> None:
    del home.env["MONITOR_TELEGRAM_API_ID"]
    lines = home.type(code=2)[1].strip().splitlines()
    assert len(lines) == 3
    assert "MONITOR_TELEGRAM_API_ID" in lines[0]
    assert "my.telegram.org" in lines[2]


def test_a_login_without_a_network_or_a_place_fails(home: Reader) -> None:
    home.env["MONITOR_TELEGRAM_SERVER"] = "1@127.0.0.1:9"
    assert "Telegram cannot be reached" in home.type(NUMBER, code=1)[1]
    (home.path / "file").write_text("")
    home.env["MONITOR_DATA_DIR"] = str(home.path / "file")
    assert "the session cannot be written" in home.type(code=1)[1]


def test_on_a_terminal_the_password_is_not_shown(home: Reader, telegram: Telegram) -> None:
    telegram.server.passwords[0] = "pa55word"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "login"],
        cwd=home.path,
        env=home.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = ""
    for question, answer in (
        ("phone number", NUMBER),
        ("code that Telegram sent:", telegram.server.code),
        ("two-step password:", "pa55word"),
    ):
        seen += read_until(ours, question)
        os.write(ours, answer.encode() + b"\n")
    seen += read_until(ours, "good as a password")
    read_rest(ours)
    assert process.wait(60) == 0
    os.close(ours)
    assert NUMBER in seen
    assert "pa55word" not in seen


def read_until(terminal: int, words: str) -> str:
    seen = b""
    while words.encode() not in seen:
        assert select.select([terminal], [], [], 60)[0], seen
        seen += os.read(terminal, 4096)
    return seen.decode()


def read_rest(terminal: int) -> None:
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        # Linux says so when nobody holds the other end any more.
        pass


def test_ctrl_c_ends_a_question_at_once(home: Reader) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "login", "--phone", NUMBER],
        cwd=home.path,
        env=home.env,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    asked = ""
    while not asked.endswith("Telegram sent: "):
        character = process.stderr.read(1)
        assert character, asked
        asked += character
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")


def test_a_channel_is_read_through_the_account_and_status_shows_it(
    reader: Reader, telegram: Telegram
) -> None:
    assert "collected" in reader.run("collect", "@demo_governor", "--since", "2024-08-01")
    assert telegram.server.called("GetHistory")
    assert {"JoinChannel", "ReadHistory", "GetMessagesViews"}.isdisjoint(
        c.name for c in telegram.server.calls
    )
    told = reader.run("status")
    assert "@demo_governor    telegram  last post" in told
    assert "accounts  1     ✓ 1 working\n  ✓ main              works" in told
    standing = reader.json("status")
    assert standing["totals"]["posts"] > 60
    (account,) = standing["accounts"]
    assert (account["name"], account["problem"], account["waits"]) == ("main", None, {})
    reader.session.unlink()
    assert "accounts" not in reader.run("status")


def test_a_lost_session_is_seen_and_the_pages_stand_in(reader: Reader, telegram: Telegram) -> None:
    telegram.do(telegram.server.kill_session)
    assert "collected 18 posts" in reader.run("collect")
    told = reader.run("status")
    assert "through preview for now" in told
    assert "accounts  1     ✗ 1 not" in told
    assert "is not accepted any more" in told
    assert "→ monitor login --name main; its channels are read through their public pages meanwhile" in told
    reader.type(telegram.server.code, arguments=("--phone", NUMBER))
    assert "collected" in reader.run("collect", "@demo_governor")
    told = reader.run("status")
    assert "for now" not in told
    assert "✓ main              works" in told


def test_without_an_account_the_pages_stand_in(home: Reader) -> None:
    assert "collected 18 posts" in home.run("collect")
    assert "through preview for now" in home.run("status")


def test_a_session_that_is_none_stops_the_start_and_is_not_shown(reader: Reader) -> None:
    reader.session.write_text("hunter2\n")
    lines = reader.run("collect", code=2).strip().splitlines()
    assert "the session of account main cannot be read" in lines[0]
    assert "monitor login --name main" in lines[2]
    reader.session.unlink()
    reader.env["MONITOR_TELEGRAM_SESSIONS"] = '["hunter2"]'
    said = reader.run("collect", code=2)
    assert "MONITOR_TELEGRAM_SESSIONS" in said
    assert "hunter2" not in said


def test_an_account_without_an_application_stops_the_start(reader: Reader) -> None:
    del reader.env["MONITOR_TELEGRAM_API_HASH"]
    assert "MONITOR_TELEGRAM_API_HASH is not set" in reader.run("collect", code=2)
    reader.list(CHANNELS.replace("telegram", "preview"))
    assert "collected 18 posts" in reader.run("collect")


def test_coverage_tells_what_was_looked_at(reader: Reader) -> None:
    assert "no look has shown a post yet" in reader.run("coverage")
    reader.run("collect", "@demo_governor", "--since", "2024-08-01")
    told = reader.run("coverage", "@demo_governor").splitlines()
    assert told[0].strip().split(" ", 2)[1] == "@demo_governor"
    assert "posts" in told[0]
    assert any(" telegram  live      ok " in line for line in told)
    assert reader.run("coverage", "--since", "2999-01-01").splitlines() == told[:1]
    found = reader.json("coverage", "@demo_governor")
    (known,) = found["channels"]
    assert known["handle"] == "demo_governor"
    assert (known["unknown"], known["held"] > 60) == ([], True)
    assert {(look["source"], look["outcome"]) for look in found["looks"]} == {("telegram", "ok")}
    assert "is not listed" in reader.run("coverage", "@stranger", code=2)
    assert "no date" in reader.run("coverage", "--since", "soon", code=2)


def test_a_purge_takes_a_post_out_for_good(reader: Reader) -> None:
    reader.run("collect", "@demo_governor", "--since", "2024-08-01")
    reader.run("flag")
    before = reader.json("status")["totals"]["posts"]
    refused = reader.run("purge", "@demo_governor/4316", "--reason", "asked for", code=2)
    assert "add --yes" in refused
    told = reader.run("purge", "https://t.me/demo_governor/4316?single", "--reason", "asked for", "--yes")
    assert "purged 1 post with " in told
    assert reader.json("status")["totals"]["posts"] == before - 1
    reader.run("collect", "@demo_governor", "--since", "2024-07-01")
    assert reader.json("status")["totals"]["posts"] == before - 1
    assert reader.json("coverage")["channels"][0]["purged"] == 1
    assert "nothing was held" in reader.run("purge", "@demo_governor/4316", "--reason", "again", "--yes")


def test_a_purge_of_a_channel_pauses_its_watch(reader: Reader) -> None:
    reader.run("collect")
    reader.run("purge", "@demo_governor", "--reason", "asked for", "--yes")
    told = reader.run("status")
    assert "paused: purged: asked for" in told
    assert reader.json("status")["totals"]["posts"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("@demo_governor/0", "--reason", "x"), "no post has the id 0"),
        (("@demo_governor/99999999999", "--reason", "x"), "no post has the id"),
        (("@demo_governor/12", "--reason", "  "), "no reason was given"),
        (("@demo_governor/12x", "--reason", "x"), "no channel handle"),
        (("@stranger/12", "--reason", "x"), "nothing is held of @stranger"),
        (("@demo_governor/12",), "reason"),
    ],
)
def test_a_purge_that_cannot_be(home: Reader, arguments: tuple[str, ...], said: str) -> None:
    assert said in home.run("purge", *arguments, "--yes", code=2)
