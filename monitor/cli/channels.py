"""Commands for the channel list: the file is the list, a pause is state."""

from enum import StrEnum
from typing import Annotated

import typer

from monitor import settings
from monitor.cli import show
from monitor.cli.base import Json, app, configured, out, print_json, with_archive
from monitor.errors import UsageError
from monitor.model import SourceName, Watch, handle_of, utc_now
from monitor.settings import Settings
from monitor.store import watches
from monitor.store.database import Database

group = typer.Typer(help="List, add, pause and resume channels.", no_args_is_help=True)
app.add_typer(group, name="channels")


class Through(StrEnum):
    """The sources that a channel can be watched through."""

    PREVIEW = "preview"
    TELEGRAM = "telegram"


Handle = Annotated[str, typer.Argument(help="The channel's @name or its link.")]


@group.command("list")
def list_(as_json: Json = False) -> None:
    """List the watched channels."""

    async def work(found: Settings, database: Database) -> list[Watch]:
        async with database.transaction() as tx:
            return await watches.every(tx)

    found = with_archive(work)
    if as_json:
        print_json([show.watch_as_json(watch) for watch in found])
    else:
        show.channels(out, found)


@group.command()
def add(
    handle: Handle,
    label: Annotated[str | None, typer.Option(help="How it is shown.")] = None,
    source: Annotated[
        Through, typer.Option(help="preview: its public pages; telegram: an account of yours.")
    ] = Through.PREVIEW,
) -> None:
    """Add a channel to config/channels.toml."""
    found = configured()
    name = handle_of(handle)
    settings.add_channel(found.file("channels.toml"), name, label=label, source=SourceName(source.value))
    out.print(
        f"added @{name} to {found.file('channels.toml')}; it is looked at with the next `monitor collect` or `monitor up`"
    )


@group.command()
def pause(
    handle: Handle, reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "by hand"
) -> None:
    """Stop looking at a channel until it is resumed; what is held stays."""
    name = handle_of(handle)

    async def work(found: Settings, database: Database) -> bool:
        async with database.transaction() as tx:
            return await watches.pause(tx, name, now=utc_now(), reason=reason)

    if not with_archive(work):
        raise UsageError(
            f"@{name} is not running", "it is not listed, or paused already", "see `monitor channels list`"
        )
    out.print(f"paused @{name}")


@group.command()
def resume(
    handle: Handle,
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Follow the channel that the handle shows now.")
    ] = False,
) -> None:
    """Look at a paused channel again."""
    name = handle_of(handle)

    async def work(found: Settings, database: Database) -> bool:
        async with database.transaction() as tx:
            return await watches.resume(tx, name, as_new=as_new)

    if not with_archive(work):
        raise UsageError(
            f"@{name} is not paused", "it is not listed, or runs already", "see `monitor channels list`"
        )
    out.print(f"resumed @{name}")
