"""The command that logs an account of ours in, once."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.base import app, configured, err, out, run
from monitor.errors import MonitorError, UsageError

# Sessions of the settings are called session-1 and so on.
_NAME = re.compile(r"(?!session-[0-9])[a-z0-9][a-z0-9_-]{0,31}")
_PHONE = re.compile(r"\+?[0-9]{5,15}")


@app.command()
def login(
    *,
    name: Annotated[str, typer.Option(help="How the account is called here.")] = "main",
    phone: Annotated[str | None, typer.Option(help="Its number; asked for if it is not given.")] = None,
    show: Annotated[
        bool, typer.Option("--print", help="Print the session instead of keeping it, for a secret store.")
    ] = False,
) -> None:
    """Log in to Telegram, so that channels with source = "telegram" are read through your account."""
    # Telethon takes half a second to load, which the other commands need not wait for.
    from monitor.sources import telegram_login  # noqa: PLC0415

    found = configured()
    options = found.telegram()
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"no name: {name}",
            "it has small letters, digits, - and _, and is not like session-1",
            "for example --name main",
        )
    path = found.accounts_place() / f"{name}.session"
    if not show:
        _make_room(path)
    if found.telegram_server_key is not None:
        telegram_login.trust(found.telegram_server_key)
    number = _number(phone or _ask("phone number, with its country code"))
    session = run(
        telegram_login.login(
            options, phone=number, ask=_ask, ask_secretly=_ask_secretly, server=found.server()
        )
    )
    if show:
        out.print(session, markup=False)
        return
    _write(path, session)
    out.print(
        f"account {name} is logged in; its session lies in {path} and is as good as a password", markup=False
    )
    err.print('next: source = "telegram" for channels in config/channels.toml, then monitor up', markup=False)


def _ask(question: str) -> str:
    """What a person types, or the next line of what was piped in; asked on the other stream, for --print."""
    with _interruptible():
        err.print(f"{question}: ", end="", markup=False)
        while line := sys.stdin.readline():
            if line.strip():
                return line.strip()
    raise _unanswered(question)


def _ask_secretly(question: str) -> str:
    """As `_ask`, without showing what is typed on a terminal."""
    if not sys.stdin.isatty():
        return _ask(question)
    with _interruptible():
        try:
            return getpass(f"{question}: ", stream=sys.stderr)
        except EOFError as error:
            raise _unanswered(question) from error


def _unanswered(question: str) -> UsageError:
    return UsageError(
        "the login was not finished",
        f"there was no answer to: {question}",
        "run it on a terminal, or pipe in the number, the code and the password, a line each",
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a question at once; the event loop would wait for the answer first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _number(written: str) -> str:
    bare = re.sub(r"[\s()-]", "", written)
    if not _PHONE.fullmatch(bare):
        raise UsageError(
            f"no phone number: {written}", "it has a country code and digits", "for example +79990000000"
        )
    return bare


def _make_room(path: Path) -> None:
    """Make the directory of a session, readable by nobody else, before a code is asked for."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write(path: Path, session: str) -> None:
    """Write a session so that nobody else can read it at any time."""
    fresh = path.with_suffix(".new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(session + "\n")
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> MonitorError:
    return MonitorError(
        f"the session cannot be written to {path}",
        error.strerror or str(error),
        "mend its rights, or set MONITOR_DATA_DIR",
    )
