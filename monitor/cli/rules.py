"""Commands that read posts by the rules: flag, explain, and those for the rules themselves."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from monitor import flag as flagging
from monitor import review as reviewing
from monitor import settings, trial
from monitor.cli import show
from monitor.cli.archive import day_of
from monitor.cli.base import (
    Json,
    app,
    configured,
    err,
    out,
    print_json,
    review_file,
    rules_file,
    with_archive,
)
from monitor.extraction import explain as explained
from monitor.model import utc_now
from monitor.review import Reviewed
from monitor.settings import Settings
from monitor.store import readings, trials
from monitor.store.database import Database
from monitor.trial import Trial
from monitor.words import counted
from monitor.worker import recorded

INTERRUPTED = 128 + signal.SIGINT
group = typer.Typer(help="Check rules, and try them before they are put in force.", no_args_is_help=True)
app.add_typer(group, name="rules")


@asynccontextmanager
async def _interruptible() -> AsyncIterator[Callable[[], bool]]:
    """Let Ctrl-C ask for a stop; gives what tells whether it did. A second one ends at once."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    before = signal.getsignal(signal.SIGINT)

    def ask() -> None:
        asked.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(words: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar; gives what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(words, total=total)
        yield lambda done: bar.update(task, completed=done)


@app.command()
def flag(as_json: Json = False) -> None:
    """Read every post that was not yet read under the present rules; Ctrl-C stops, and the next one goes on."""

    async def work(found: Settings, database: Database) -> tuple[flagging.Read, int]:
        rules, texts = settings.rules(rules_file(found))
        async with database.transaction() as tx:
            due = (await readings.waiting(tx, texts.sha256)).due
        async with _interruptible() as stop:
            with _bar("reading", due) as moved:
                reading = partial(
                    flagging.flag, database, rules, texts,
                    now=utc_now, stored=lambda read: moved(read.posts), stop=stop,
                )  # fmt: skip
                read = await recorded(database, "flag", reading, now=utc_now)
            return read, due if stop() else 0

    read, due = with_archive(work)
    if as_json:
        print_json(read.numbers())
    elif due:
        out.print(f"stopped after {read.posts:,} of {counted(due, 'post')}; monitor flag goes on from there")
    else:
        out.print(f"read {counted(read.posts, 'post')}, flagged {read.flagged}")
    if due:
        raise typer.Exit(INTERRUPTED)


@app.command()
def review(as_json: Json = False) -> None:
    """Make cases of flagged posts for the review, as the worker does by itself."""

    async def work(found: Settings, database: Database) -> Reviewed:
        priority = settings.review(review_file(found)).priority
        making = partial(reviewing.review, database, priority, now=utc_now)
        return await recorded(database, "review", making, now=utc_now)

    done = with_archive(work)
    if as_json:
        print_json(done.numbers())
    else:
        out.print(
            f"opened {counted(done.opened, 'case')}, {counted(done.joined, 'post')} joined one, {done.changed} changed"
        )


@group.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(help="A rules.toml; the one in force if none is given.")
    ] = None,
) -> None:
    """Check the rules, with the figures.toml and places.toml beside them, and list their topics."""
    rules, texts = settings.rules(path or rules_file(configured()))
    out.print(f"ruleset   {texts.sha256.hex()}")
    for role, file in zip(texts._fields, texts, strict=True):
        out.print(f"{role:<9} {file.name}", markup=False)
    for topic in rules.topics:
        quiet = "" if topic.raised else "  stored, not flagged"
        out.print(f"  {topic.name:<20}  {rules.made_of(topic)}{quiet}", markup=False)


@group.command("try")
def try_(
    path: Annotated[Path, typer.Argument(help="The rules.toml to try.")],
    *,
    since: Annotated[str | None, typer.Option(help="Only posts from this date on.")] = None,
    as_json: Json = False,
) -> None:
    """Show what rules would flag newly and no longer, and which figures they would change; writes nothing."""
    back_to = day_of(since) if since else None
    rules, texts = settings.rules(path)

    async def work(found: Settings, database: Database) -> tuple[Trial, int]:
        async with database.transaction() as tx:
            total = await trials.count(tx, since=back_to)
        in_force = settings.rule_texts(rules_file(found)).sha256
        async with _interruptible() as stop:
            with _bar("trying", total) as moved:
                tried = await trial.try_rules(
                    database, rules, texts,
                    in_force=in_force, since=back_to, heard=lambda so_far: moved(so_far.posts), stop=stop,
                )  # fmt: skip
            return tried, total if stop() else 0

    tried, stopped_of = with_archive(work)
    if as_json:
        print_json(show.trial_as_json(tried))
    else:
        show.trial(out, tried)
    if stopped_of:
        err.print(f"stopped after {tried.posts:,} of {counted(stopped_of, 'post')}")
        raise typer.Exit(INTERRUPTED)


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="A text, or - for what is piped in.")], as_json: Json = False
) -> None:
    """Show step by step how the rules read one text."""
    words = sys.stdin.read() if text == "-" else text
    rules, _ = settings.rules(rules_file(configured()))
    reading = rules.read(words)
    if as_json:
        print_json(show.reading_as_json(reading, words))
        return
    for title, lines in explained(rules, words):
        out.print(f"[bold]{escape(title)}[/bold]")
        for line in lines:
            out.print(f"  {escape(line)}")
