"""The command that tells where nobody looked: coverage."""

from dataclasses import dataclass
from typing import Annotated

import typer

from monitor.cli import show
from monitor.cli.archive import day_of
from monitor.cli.base import Json, app, out, print_json, say, with_archive
from monitor.errors import UsageError
from monitor.model import Watch, handle_of
from monitor.settings import Settings
from monitor.store import coverage as store
from monitor.store import watches
from monitor.store.database import Database


@dataclass(frozen=True, slots=True)
class _Shown:
    looks: list[store.Looks]
    ranges: list[store.Ranges]


@app.command()
def coverage(
    channel: Annotated[
        str | None, typer.Argument(help="A channel's @name; all of them if none is given.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only looks from this date on.")] = None,
    as_json: Json = False,
) -> None:
    """Show who looked where and when, which message ids are held, proven empty or unknown, and where looks failed."""
    name = handle_of(channel).lower() if channel else None
    start = day_of(since) if since else None

    async def work(found: Settings, database: Database) -> _Shown:
        async with database.transaction() as tx:
            chosen = await _chosen(await watches.every(tx), name)
            ranges = [await store.ranges(tx, watch) for watch in chosen]
            channel_id = chosen[0].channel_id if name else None
            looks = await store.listed(tx, handle=name, channel_id=channel_id, since=start)
            return _Shown(looks, ranges)

    found = with_archive(work)
    if len(found.looks) == store.MOST_LISTED:
        say(f"the newest {store.MOST_LISTED} rows of looks alone are shown; research.coverage has all")
    if as_json:
        print_json(
            {
                "channels": [r.as_dict() for r in found.ranges],
                "looks": [look.as_dict() for look in found.looks],
            }
        )
        return
    show.coverage(out, found.ranges, found.looks)


async def _chosen(every: list[Watch], name: str | None) -> list[Watch]:
    chosen = [watch for watch in every if name is None or watch.handle == name]
    if name is not None and not chosen:
        raise UsageError(f"@{name} is not listed", "coverage is kept by watch", "see `monitor channels list`")
    return chosen
