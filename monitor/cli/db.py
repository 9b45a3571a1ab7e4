"""Commands for the database itself."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.base import app, bin_dir, configured, out, run, say, server
from monitor.store import backup, migrate, researchers

group = typer.Typer(help="Upgrade, open, dump and restore the database.", no_args_is_help=True)
app.add_typer(group, name="db")


@group.command()
def upgrade() -> None:
    """Bring the tables to this version; does nothing if they are."""
    found = configured()
    with server(found) as url:
        before, after = run(migrate.upgrade(url))
    out.print(f"the database is at {after}" + ("" if before == after else f" (was {before or 'empty'})"))


@group.command()
def url(
    researcher: Annotated[
        str | None, typer.Option(metavar="NAME", help="The address for a researcher, without the password.")
    ] = None,
) -> None:
    """Print the database's address."""
    found = configured()
    embedded = found.database_url is None
    with server(found) as address:
        if researcher is None:
            shown = backup.shown(address)
        else:
            run(migrate.upgrade(address))
            shown = researchers.address(address, researcher, embedded=embedded)
    out.print(shown, markup=False)
    if researcher is not None:
        say("the password goes into PGPASSWORD or ~/.pgpass, or is asked for")
    if embedded:
        say("this server runs while a monitor command does, such as `monitor up`")


@group.command()
def shell() -> None:
    """Open psql on the archive."""
    found = configured()
    with server(found) as address:
        run(migrate.upgrade(address))
        code = backup.shell(address, bin_dir=bin_dir(found))
    raise typer.Exit(code)


@group.command()
def dump(path: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Write the whole archive to a file."""
    found = configured()
    with server(found) as address:
        size = backup.dump(address, path, bin_dir=bin_dir(found))
    out.print(f"dumped the archive to {path} ({size / 1e6:.1f} MB)", markup=False)


@group.command()
def restore(
    path: Annotated[Path, typer.Argument(help="A file that `monitor db dump` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of an archive that holds posts.")
    ] = False,
) -> None:
    """Put the archive of a dump in the place of this one; it is whole or not done."""
    found = configured()
    with server(found) as address:
        backup.restore(address, path, replace=replace, bin_dir=bin_dir(found))
        run(migrate.upgrade(address))
        researchers.settle(address)
    out.print(f"restored the archive from {path}", markup=False)
