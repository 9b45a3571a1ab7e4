"""Commands that take the archive out into files, and see that they are whole."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from monitor import export as exporting
from monitor import settings
from monitor.cli.archive import day_of
from monitor.cli.base import Json, app, out, print_json, progress, rules_file, with_archive
from monitor.formats import Format, manifest
from monitor.formats.manifest import Manifest
from monitor.model import channel_of, utc_now
from monitor.settings import Settings
from monitor.store import exports
from monitor.store.database import Database
from monitor.store.exports import Selection
from monitor.words import counted


class _Folders(TyperGroup):
    """`monitor export FOLDER` is short for `monitor export to FOLDER`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] != "--help" and args[0] not in self.commands:
            args = ["to", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    cls=_Folders,
    help="Take the archive out into files; `monitor export FOLDER` is short for `monitor export to FOLDER`.",
    no_args_is_help=True,
)
app.add_typer(group, name="export")


@group.command("to")
def to(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, or is empty.")],
    *,
    form: Annotated[Format, typer.Option("--format", help="The form of the files.")] = Format.PARQUET,
    since: Annotated[str | None, typer.Option(help="Only posts from this date or moment on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only posts before this date or moment.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only posts that are flagged with this topic.")] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only this channel, by its @name or number; several times for several."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="What each channel said at this moment, and what hangs on it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the researchers' views into a folder: one file a view, a dictionary, and a manifest with hashes."""

    async def work(found: Settings, database: Database) -> Manifest:
        async with database.transaction() as tx:
            chosen = [await exports.channel_named(tx, channel_of(name)) for name in channel or ()]
        order = exporting.Order(
            form=form,
            selection=Selection(
                since=day_of(since) if since else None,
                until=day_of(until) if until else None,
                topic=topic,
                channels=tuple(chosen),
                as_of=day_of(as_of) if as_of else None,
            ),
            ruleset=settings.rule_texts(rules_file(found)).sha256.hex(),
        )
        with progress("exporting", len(exports.SOURCES)) as told:
            return await exporting.export(database, folder, order, now=utc_now, told=told)

    done = with_archive(work)
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    rows = sum(file.rows for file in done.files)
    size = sum(file.bytes for file in done.files)
    out.print(
        f"{counted(len(done.files), 'file')}, {counted(rows, 'row')}, {size / 1e6:.1f} MB in {folder}",
        markup=False,
    )
    if done.gaps:
        out.print(
            f"{counted(len(done.gaps), 'span')} in which nobody saw a channel → gaps.{form} and manifest.json"
        )


@group.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `monitor export` wrote.")],
    as_json: Json = False,
) -> None:
    """See that every file of an export is there, and as it was written."""
    held = manifest.load(folder)
    wrong = list(manifest.differences(folder, held))
    if as_json:
        print_json({"whole": not wrong, "differences": wrong})
    else:
        for line in wrong:
            out.print(f"[red]✗[/red] {line}")
        if not wrong:
            rows = sum(file.rows for file in held.files)
            out.print(f"whole: {counted(len(held.files), 'file')}, {counted(rows, 'row')}")
    if wrong:
        raise typer.Exit(1)
