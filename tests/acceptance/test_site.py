"""The review site as its host runs it: make a user, serve, sign in over a socket, stop."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.test_commands import Home, pages

__all__ = ["pages"]
ROLES = {"viewer", "analyst", "lead"}


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str) -> Home:
    return Home(tmp_path, url, pages)


def given(home: Home, *arguments: str, typed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=home.path,
        env=home.env,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


def test_users_are_added_listed_and_disabled(home: Home) -> None:
    assert "no users yet" in home.run("user", "list")
    shown = home.run("user", "add", "olya", "--language", "ru", "--generate")
    assert re.search(r"^password [2-9][a-z](-[a-z]+){5}$", shown, re.MULTILINE)
    assert "there is a user OLYA already" in home.run("user", "add", "OLYA", "--generate", code=2)
    piped = given(home, "user", "add", "Яна", "--role", "lead", "--password-stdin", typed="тихая гавань\n")
    assert (piped.returncode, piped.stdout) == (0, "user Яна can sign in, as lead\n")
    assert "гавань" not in home.run("user", "list", "--json")
    home.run("user", "disable", "ЯНА")
    found = json.loads(home.run("user", "list", "--json"))
    assert [(user["name"], user["role"], user["disabled_at"] is None) for user in found] == [
        ("olya", "analyst", True),
        ("Яна", "lead", False),
    ]
    assert "disabled 20" in home.run("user", "list")
    assert "user яна can sign in again" in home.run("user", "enable", "яна").casefold()
    assert "is viewer now" in home.run("user", "role", "яна", "viewer")
    [again] = [
        user for user in json.loads(home.run("user", "list", "--json")) if user["name"].casefold() == "яна"
    ]
    assert (again["role"], again["disabled_at"]) == ("viewer", None)


def test_what_cannot_be_a_user_is_three_lines(home: Home) -> None:
    assert "no name of a user" in home.run("user", "add", "a b", "--generate", code=2)
    assert "--password-stdin" in home.run("user", "add", "olya", code=2)
    assert "there is no user olya" in home.run("user", "disable", "olya", code=2)
    short = given(home, "user", "add", "olya", "--password-stdin", typed="short\n")
    assert short.returncode == 2
    assert "10 to 200 characters" in short.stderr
    assert "exclude each other" in home.run("user", "add", "a", "--generate", "--password-stdin", code=2)


def asked(home: Home, *answers: str) -> tuple[int, str]:
    """Add a user on a terminal; each answer waits for its question, since what comes before it is thrown away."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "user", "add", "olya"],
        cwd=home.path,
        env=home.env,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        said = b""
        for answer in answers:
            while not said.endswith(b": "):
                more = os.read(process.stderr.fileno(), 100)
                assert more, said
                said += more
            os.write(ours, f"{answer}\n".encode())
            said += b"|"
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, (said + out + err).decode()


def test_a_password_is_asked_for_twice_on_a_terminal(home: Home) -> None:
    code, said = asked(home, "quiet harbour", "quiet harbor")
    assert (code, "the two passwords differ" in said) == (2, True)
    code, said = asked(home, "quiet harbour", "quiet harbour")
    assert (code, "user olya can sign in" in said, "quiet" in said) == (0, True, False)


def test_the_site_is_served_until_it_is_ended(home: Home) -> None:
    password = home.run("user", "add", "olya", "--generate").split()[-1]
    home.env["MONITOR_WEB_PORT"] = str(free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "web"],
        cwd=home.path,
        env=home.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().split()[1]
    assert address == f"http://127.0.0.1:{home.env['MONITOR_WEB_PORT']}"
    try:
        with httpx.Client(base_url=address, trust_env=False, headers={"origin": address}) as client:
            assert client.post("/login", data={"name": "olya", "password": password}).status_code == 303
            assert "olya" in client.get("/account").text
            assert "cannot listen" in home.run("web", code=1)
            home.run("user", "password", "olya", "--generate")
            assert client.get("/account").status_code == 303
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert password not in out + err


def test_the_site_is_not_shown_to_others_in_clear(home: Home) -> None:
    home.env["MONITOR_WEB_HOST"] = "0.0.0.0"
    assert "MONITOR_WEB_HOST is wrong" in home.run("web", code=2)
