"""Commands that bring posts in and show them: import, collect, flagged, status."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from monitor import collect as collecting
from monitor import settings
from monitor.cli import show
from monitor.cli.base import Json, app, choice, err, out, print_json, progress, rules_file, say, with_archive
from monitor.cli.sources import opened, sessions
from monitor.errors import UsageError
from monitor.formats import manifest
from monitor.looks import Collected
from monitor.model import Look, handle_of, utc_now
from monitor.settings import Settings
from monitor.sources import Source
from monitor.sources.desktop import DesktopSource
from monitor.store import (
    accounts,
    alerts,
    aside,
    deliveries,
    flags,
    imports,
    posts,
    queue,
    readers,
    readings,
    watches,
)
from monitor.store.accounts import AccountState
from monitor.store.database import Database
from monitor.take_in import TakenIn, take_in
from monitor.words import counted
from monitor.worker import recorded


def day_of(written: str, *, option: str = "--since") -> datetime:
    """A day or a moment as the user wrote it, in UTC where no zone is named."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise UsageError(
            f"no date: {written}", "a date has the form 2024-08-06", f"write {option} 2024-08-06"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help="result.json of Telegram Desktop's JSON export, or its folder; or a folder that `monitor export` wrote."
        ),
    ],
    handle: Annotated[
        str | None, typer.Option(help="The channel's @name, which the export does not tell.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Zone of the exporting computer, for exports before June 2022.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take in a public channel's export of Telegram Desktop, or another archive's export whole."""
    if (path / manifest.NAME).is_file():
        _take_in(path, own=handle is None and timezone is None, as_json=as_json)
        return
    source = DesktopSource(path, zone=_zone(timezone), handle=handle_of(handle) if handle else None)

    async def work(found: Settings, database: Database) -> Collected:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(),
            console=err, transient=True,
        ) as bar:  # fmt: skip
            task = bar.add_task("importing", total=source.progress.total)

            def stored(look: Look) -> None:
                bar.update(task, completed=source.progress.read)

            take = partial(collecting.take, database, source, now=utc_now, stored=stored)
            return await recorded(database, "import", take, now=utc_now)

    collected = with_archive(work)
    refused = source.progress.refused
    if as_json:
        print_json({**collected.numbers(), "refused": refused})
        return
    out.print(
        f"imported {counted(collected.posts, 'new post')} and {counted(collected.edits, 'further version')}"
    )
    if collected.set_aside:
        out.print(
            f"set aside {counted(collected.set_aside, 'message')} that could not be read → monitor status --aside"
        )
    for name in refused:
        out.print(f"refused {name}: only public channels are kept", markup=False)


def _take_in(folder: Path, *, own: bool, as_json: bool) -> None:
    if not own:
        raise UsageError(
            "--handle and --timezone are for files of Telegram Desktop",
            f"{folder} is an export of another archive, which tells both",
            "leave them out",
        )

    async def work(found: Settings, database: Database) -> TakenIn:
        with progress("importing", len(imports.TAKEN)) as told:
            take = partial(take_in, database, folder, now=utc_now, told=told)
            return await recorded(database, "import", take, now=utc_now)

    taken = with_archive(work)
    if as_json:
        print_json(taken.numbers())
        return
    out.print(
        f"imported {counted(taken.posts, 'post')} of {counted(taken.channels, 'channel')} with {counted(taken.versions, 'version')} "
        f"and {counted(taken.decisions, 'decision')}"
    )


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"no time zone: {name}", "zones are named as in Europe/Moscow", "mend --timezone"
        ) from error


@app.command()
def collect(
    channel: Annotated[
        list[str] | None, typer.Argument(help="Handles to look at; all that are due if none is given.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Fetch older posts back to this date, too.")] = None,
    as_json: Json = False,
) -> None:
    """Look at the channels that are due, once; with --since go on until the older posts are fetched."""
    handles = [handle_of(name).lower() for name in channel or []]
    back_to = day_of(since) if since else None

    async def work(found: Settings, database: Database) -> Collected:
        await _choose(database, handles, back_to)
        only = frozenset(handles) or None
        async with opened(found, database, only=only) as sources:
            look = partial(_collect, database, sources.every, older=back_to is not None, only=only)
            return await recorded(database, "collect", look, now=utc_now)

    collected = with_archive(work)
    if as_json:
        print_json(collected.numbers() | {"problems": collected.problems})
        return
    gone = f", {counted(collected.deleted, 'deletion')}" if collected.deleted else ""
    out.print(
        f"collected {counted(collected.posts, 'post')} and {counted(collected.edits, 'edit')}{gone} in {counted(collected.looks, 'look')}"
    )
    for problem in collected.problems:
        out.print(f"[red]✗[/red] {escape(problem)}")
    if collected.failures:
        raise typer.Exit(1)


async def _collect(
    database: Database, sources: Sequence[Source], *, older: bool, only: frozenset[str] | None
) -> Collected:
    collected = Collected()
    for source in sources:
        await collecting.live(database, source, now=utc_now, result=collected, only=only)
        if older:
            await _backfill(database, source, collected, only)
    return collected


async def _choose(database: Database, handles: list[str], since: datetime | None) -> None:
    async with database.transaction() as tx:
        for handle in handles or [watch.handle for watch in await watches.every(tx)]:
            watch = await watches.find(tx, handle)
            if watch is not None and watch.paused_at and handles:
                raise UsageError(
                    f"@{handle} is paused", watch.pause_reason or "", f"monitor channels resume {handle}"
                )
            if watch is None:
                raise UsageError(
                    f"@{handle} is not listed",
                    "only listed channels are collected",
                    f"monitor channels add {handle}",
                )
            if handles:
                await watches.make_due(tx, handle)
            if since is not None:
                await watches.reach_back(tx, handle, since=since)


async def _backfill(
    database: Database, source: Source, collected: Collected, only: frozenset[str] | None
) -> None:
    with Progress(
        TextColumn("fetching older posts"), MofNCompleteColumn(), console=err, transient=True
    ) as bar:
        task = bar.add_task("older", total=None)
        while True:
            before = collected.looks
            await collecting.backfill(database, source, now=utc_now, result=collected, only=only)
            bar.update(task, completed=collected.posts)
            if collected.looks == before:
                return


@app.command()
def flagged(
    *,
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    since: Annotated[str | None, typer.Option(help="Only posts from this date on.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List flagged posts, the newest first."""

    async def work(found: Settings, database: Database) -> list[flags.Flagged]:
        async with database.transaction() as tx:
            return await flags.flagged(
                tx,
                topic=topic,
                handle=handle_of(channel) if channel else None,
                since=day_of(since) if since else None,
                limit=limit,
            )

    found = with_archive(work)
    if as_json:
        print_json([show.flagged_as_json(post) for post in found])
        return
    for post in reversed(found):
        show.flagged(out, post)
    if not found:
        say(
            "nothing is flagged; bring posts in with `monitor collect` or `monitor import`, then `monitor flag`"
        )


def _with_session(found: Settings, used: list[AccountState]) -> list[AccountState]:
    """The accounts that have a session, also those not used yet; the demo's has none that is kept."""
    if choice.demo:
        return used
    names = [session.name for session in sessions(found)]
    known = {account.name: account for account in used}
    fresh = [AccountState(name, None, None, None, None, None) for name in names if name not in known]
    return [account for account in used if account.name in names] + fresh


@app.command()
def status(
    aside_too: Annotated[bool, typer.Option("--aside", help="List what was set aside, and why.")] = False,
    as_json: Json = False,
) -> None:
    """Show how the watches stand, the worst first, each with its mend."""

    async def work(found: Settings, database: Database) -> tuple[show.Standing, list[aside.Aside]]:
        async with database.transaction() as tx:
            totals = await posts.total(tx)
            totals["flagged"] = await flags.total(tx)
            totals["set_aside"] = await aside.total(tx)
            ours = _with_session(found, await accounts.every(tx, now=utc_now()))
            waiting = await readings.waiting(tx, settings.rule_texts(rules_file(found)).sha256)
            standing = show.Standing(
                await watches.every(tx),
                ours,
                totals,
                waiting,
                await queue.waiting(tx),
                await alerts.count(tx),
                show.Mails(await deliveries.ailing(tx), await readers.away(tx)),
                await deliveries.last_day(tx),
            )
            return standing, await aside.newest(tx, limit=20)

    standing, asides = with_archive(work)
    if as_json:
        print_json(show.standing_as_json(standing))
        return
    show.status(out, standing, now=utc_now())
    if aside_too:
        show.asides(out, asides)
