"""Commands for those who query the archive: logins of the database, and psql as one of them."""

from dataclasses import asdict
from typing import Annotated

import typer

from monitor.cli.base import Json, app, bin_dir, configured, out, print_json, run, say, server
from monitor.errors import DatabaseError
from monitor.store import backup, migrate, researchers

group = typer.Typer(help="Say who may query the archive with SQL.", no_args_is_help=True)
app.add_typer(group, name="researcher")

Name = Annotated[str, typer.Argument(help="The researcher's name: small letters, digits and _.")]


@group.command("add")
def add(name: Name) -> None:
    """Add a researcher, and print the password once."""
    wanted = researchers.name_of(name)
    found = configured()
    with server(found) as url:
        run(migrate.upgrade(url))
        added = researchers.add(url, wanted)
        out.print(f"researcher {wanted} can read the archive", markup=False)
        out.print(f"password {added.password}", markup=False)
        try:
            address = researchers.address(url, wanted, embedded=found.database_url is None)
            out.print(f"address  {address}", markup=False)
        except DatabaseError as error:
            say(f"{error.what}: {error.mend}")
    for thing in added.left_open:
        say(f"on this server researchers can {thing}; a superuser alone could prevent it")


@group.command("list")
def list_(as_json: Json = False) -> None:
    """List the researchers, and how many connections each has now."""
    found = configured()
    with server(found) as url:
        listed = researchers.every(url)
    if as_json:
        print_json([asdict(one) for one in listed])
        return
    if not listed:
        out.print("no researchers yet → monitor researcher add NAME")
    for one in listed:
        out.print(f"{one.name:<32}  {one.connections} of {one.limit} connections", markup=False)


@group.command("remove")
def remove(name: Name) -> None:
    """Shut a researcher out at once, and take the login away."""
    found = configured()
    with server(found) as url:
        researchers.remove(url, name)
    out.print(f"researcher {name} is removed", markup=False)


@app.command("sql")
def sql(
    command: Annotated[
        str | None, typer.Option("-c", "--command", metavar="SQL", help="Run this alone, and end.")
    ] = None,
) -> None:
    """Open psql on the archive as a researcher: it reads the views of `research`, and changes nothing."""
    found = configured()
    with server(found) as url:
        run(migrate.upgrade(url))
        entry = researchers.enter(url, peer=found.database_url is None)
        code = backup.shell(entry, bin_dir=bin_dir(found), command=command)
    raise typer.Exit(code)
