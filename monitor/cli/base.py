"""What every command shares: settings, the database, the two output streams."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from monitor import __version__, settings
from monitor.alert import Sender
from monitor.errors import MonitorError, RightsLacking
from monitor.formats import Told
from monitor.settings import Settings
from monitor.store import embedded, migrate, watches
from monitor.store.database import Database
from monitor.store.embedded import DEMO_SUFFIX, Supervisor
from monitor.words import counted

T = TypeVar("T")

app = typer.Typer(
    name="monitor",
    help="Keeps what public Telegram channels said, every version of it, and flags what a human should see.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(slots=True)
class _Choice:
    demo: bool = False


choice = _Choice()


def _version(value: bool) -> None:
    if value:
        out.print(f"monitor {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    demo: Annotated[
        bool, typer.Option("--demo", help="Work on the demo's archive instead of the real one.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    choice.demo = demo


def console_error(error: MonitorError) -> None:
    """An error as three lines: what, why, what to do; the SQL that mends it goes to the output stream."""
    if isinstance(error, RightsLacking):
        sys.stdout.write(error.script)
        if error.password is not None:
            err.print(f"password {error.password}", markup=False)
    marks = ("[red]✗[/red] ", "  ", "  → ")
    for mark, line in zip(marks, (error.what, error.why, error.mend), strict=True):
        if line:
            err.print(mark, end="")
            err.print(line, markup=False)


def say(line: str) -> None:
    """A remark on what takes time, on the stream that programs do not read."""
    err.print(line, style="dim", markup=False)


def print_json(value: object) -> None:
    """One JSON document on the output stream."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end."""
    return asyncio.run(work)


def configured() -> Settings:
    """The settings in force, with the log set up; unknown variables of ours are named."""
    found = settings.load()
    for name in settings.unknown_variables(os.environ):
        say(f"the variable {name} is none of monitor's; see .env.example")
    level = logging.getLevelNamesMapping()[found.log_level.upper()]
    shown: list[Any] = [
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if not found.log_json else "iso", utc=True)
    ]
    shown += [structlog.processors.add_log_level, structlog.processors.format_exc_info]
    shown += [
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if found.log_json
        else structlog.dev.ConsoleRenderer(colors=err.is_terminal and not err.no_color)
    ]
    structlog.configure(
        processors=shown,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return found


def review_file(found: Settings) -> Path:
    """How cases are put in order; the demo has what is shipped."""
    return migrate.shipped("config") / "review.toml" if choice.demo else found.file("review.toml")


def rules_file(found: Settings) -> Path:
    """The topics in force; the demo has those that are shipped."""
    return migrate.shipped("config") / "rules.toml" if choice.demo else found.file("rules.toml")


def on_call_file(found: Settings) -> Path:
    """Who is told of alerts; the demo tells nobody."""
    return migrate.shipped("config") / "oncall.toml" if choice.demo else found.file("oncall.toml")


def sender(found: Settings) -> Sender:
    """Of whom notices speak."""
    mail = found.mail()
    host = mail.sender.address.partition("@")[2] if mail else "localhost"
    return Sender(host=host, public_url=found.public_url)


@contextmanager
def server(found: Settings) -> Iterator[str]:
    """The address of the archive's database, whose server is held for the length of the block."""
    if found.database_url is not None:
        url = found.database_url.get_secret_value()
        yield _demo_of(url) if choice.demo else url
        return
    with supervisor(found).held() as running:
        name = embedded.ROLE + (DEMO_SUFFIX if choice.demo else "")
        embedded.ensure_database(running.url("postgres"), name)
        yield running.url(name)


def _demo_of(url: str) -> str:
    """A database beside the real one on the user's own server, so that invented posts never mix with it."""
    parts = urlsplit(url)
    name = (parts.path.lstrip("/") or "monitor") + DEMO_SUFFIX
    embedded.ensure_database(url, name)
    return parts._replace(path=f"/{name}").geturl()


def supervisor(found: Settings) -> Supervisor:
    """The supervisor of the embedded database, as set."""
    return Supervisor(found.place(), pg_bin=bin_dir(found), port=found.pg_port, say=say)


def bin_dir(found: Settings) -> str | None:
    """Where PostgreSQL's programs are, if that is set."""
    return str(found.pg_bin) if found.pg_bin else None


@asynccontextmanager
async def archive(found: Settings, url: str, *, listed: bool = True) -> AsyncIterator[Database]:
    """The archive's database, migrated, checked, and with the channel list taken over."""
    await migrate.upgrade(url)
    async with Database(url) as database:
        if listed and not choice.demo:
            await _take_over_list(found, database)
        yield database


async def _take_over_list(found: Settings, database: Database) -> None:
    """Take the channel list over, but never the shipped one over the user's own, only since another directory is here."""
    path = found.file("channels.toml")
    async with database.transaction() as tx:
        if path == migrate.shipped("config") / "channels.toml" and await watches.every(tx):
            say("no config/ here: the channel list of the last command is left as it is")
        else:
            await watches.sync(tx, settings.channels(path))


def with_archive(work: Callable[[Settings, Database], Coroutine[Any, Any, T]], *, listed: bool = True) -> T:
    """Run work on the archive: the server is started if need be, and let go of at the end."""
    found = configured()

    async def opened(url: str) -> T:
        async with archive(found, url, listed=listed) as database:
            return await work(found, database)

    with server(found) as url:
        return run(opened(url))


@contextmanager
def progress(what: str, total: int) -> Iterator[Told]:
    """A bar over views on the other stream, with the rows of the one that is under way; nothing without a terminal."""
    with Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
        console=err, transient=True, disable=not err.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=total)
        seen: set[str] = set()

        def told(view: str, rows: int) -> None:
            seen.add(view)
            bar.update(
                task,
                completed=len(seen),
                description=f"{view} {counted(rows, 'row')}".replace(",", " "),
            )

        yield told
