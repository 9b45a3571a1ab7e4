"""Commands that set up and run the monitor: init, up."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copy2
from typing import Annotated

import typer

from monitor import notify, settings
from monitor.cli.base import app, on_call_file, out, review_file, rules_file, sender, with_archive
from monitor.cli.site import beside
from monitor.cli.sources import opened
from monitor.errors import UsageError
from monitor.maintain import Keeping
from monitor.model import SourceName, Watch, utc_now
from monitor.settings import Settings
from monitor.store import runs, watches
from monitor.store.database import Database
from monitor.store.migrate import shipped
from monitor.words import counted, plural
from monitor.worker import Work, Worker

TERMS = "first start"


@app.command()
def init() -> None:
    """Set up this directory: config/, .env, and the database."""
    config = Path("config")
    config.mkdir(exist_ok=True)
    for file in sorted(shipped("config").glob("*.toml")):
        if not (config / file.name).exists():
            copy2(file, config / file.name)
            out.print(f"wrote config/{file.name}")
    if not Path(".env").exists():
        descriptor = os.open(".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as fresh:
            fresh.write(settings.example())
        out.print("wrote .env (readable by you alone)")

    async def work(found: Settings, database: Database) -> int:
        async with database.transaction() as tx:
            return len(await watches.every(tx))

    count = with_archive(work)
    out.print(f"the database is ready and {counted(count, 'channel is', 'channels are')} listed → monitor up")


@app.command()
def up(
    yes: Annotated[
        bool, typer.Option("--yes", help="Answer the question of the first start beforehand.")
    ] = False,
) -> None:
    """Run the worker: collect, fetch older posts, flag, keep house; until Ctrl-C."""

    async def work(found: Settings, database: Database) -> None:
        rules, texts = settings.rules(rules_file(found))
        wanted = settings.review(review_file(found))
        plan = settings.on_call(
            on_call_file(found), found.route_names(), [topic.name for topic in rules.topics]
        )
        await _agree(found, database, yes=yes)
        async with opened(found, database, lasting=True) as sources, beside(found) as address:
            out.print("monitor is at work · Ctrl-C to stop · see how it stands with: monitor status")
            if address is not None:
                out.print(f"review {address} · users: monitor user add", markup=False)
            work = Work(
                database=database,
                sources=sources.every,
                proving=sources.proving,
                files=sources.files,
                rules=rules,
                texts=texts,
                priority=wanted.priority,
                now=utc_now,
                on_call=plan,
                sender=sender(found),
                place=found.place(),
                heartbeat=found.heartbeat(),
                routes=notify.routes(found.routes(), now=utc_now),
                mail=found.mail(),
                readers=settings.readers(found.file("digest.toml")),
                public_url=found.public_url,
                keeping=Keeping(regex_months=found.regex_months, raw_months=found.raw_months),
            )
            await Worker(work).run()
        out.print("stopped; everything that was collected is safe, and the next start goes on from here")

    with_archive(work)


def _promises(found: Settings, listed: Sequence[Watch]) -> list[str]:
    """What will be fetched, from where, and how gently."""
    through = {
        source: [f"@{watch.handle}" for watch in listed if watch.source is source] for source in SourceName
    }
    lines = []
    if handles := through[SourceName.PREVIEW]:
        host = found.preview_hosts[0].partition("://")[2]
        lines += [
            f"Fetched are the public web pages of {counted(len(handles), 'channel')} ({', '.join(handles)}) from {host}, without an account.",
            f"At most one request every {found.preview_pace:g} s, as “{found.user_agent}”; robots.txt is obeyed, nothing is posted, joined or counted as a view.",
        ]
    if handles := through[SourceName.TELEGRAM]:
        lines += [
            f"Read through your account {plural(len(handles), 'is', 'are')} {counted(len(handles), 'channel')} ({', '.join(handles)}), or their public web pages while it cannot be reached.",
            f"At most one request every {found.telegram_pace:g} s for each account; nothing is posted, joined, marked as read or counted as a view.",
        ]
    return lines


async def _agree(found: Settings, database: Database, *, yes: bool) -> None:
    """Say on the first start what will be fetched, from where, how gently and under whose terms; ask once."""
    async with database.transaction() as tx:
        if await runs.agreed(tx, TERMS):
            return
        listed = await watches.every(tx)
    for line in _promises(found, listed):
        out.print(line, markup=False)
    out.print(
        "The platform's terms bind you who run this (telegram.org/tos, its content licensing terms too); the README says what that means."
    )
    if not (yes or found.accept_terms):
        if not sys.stdin.isatty():
            raise UsageError(
                "the question of the first start was not answered",
                "there is no terminal to ask on",
                "run `monitor up --yes`, or set MONITOR_ACCEPT_TERMS=true",
            )
        if not typer.confirm("Go on?"):
            raise typer.Exit(1)
    async with database.transaction() as tx:
        await runs.agree(tx, TERMS, now=utc_now())
