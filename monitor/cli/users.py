"""Commands for the users of the review site."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from getpass import getpass
from typing import Annotated

import typer

from monitor import passwords
from monitor.cli.base import Json, app, out, print_json, run, with_archive
from monitor.errors import UsageError
from monitor.model import Language, Role, User, user_name_of, utc_now
from monitor.settings import Settings
from monitor.store import sessions, users
from monitor.store.database import Database, Transaction

group = typer.Typer(help="Say who may sign in at the review site.", no_args_is_help=True)
app.add_typer(group, name="user")

# 47 bits; whoever gets it by another way than the terminal should change it.
_WORDS = 5

Name = Annotated[str, typer.Argument(help="The user's name; the same in whatever case.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of the input.")
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password, and print it.")]


@group.command("add")
def add(
    name: Name,
    *,
    role: Annotated[Role, typer.Option(help="A viewer reads, an analyst decides.")] = Role.ANALYST,
    language: Annotated[Language, typer.Option(help="The language of the pages.")] = Language.ENGLISH,
    password_stdin: FromStdin = False,
    generate: Generate = False,
) -> None:
    """Add a user."""
    wanted = user_name_of(name)
    password = _password(stdin=password_stdin, generate=generate)
    kept = run(passwords.hashed(password))

    async def work(found: Settings, database: Database) -> User:
        async with database.transaction() as tx:
            return await users.add(tx, wanted, role=role, password=kept, language=language, now=utc_now())

    user = with_archive(work, listed=False)
    out.print(f"user {user.name} can sign in, as {user.role.value}", markup=False)
    _show(password, generate)


@group.command("list")
def list_(as_json: Json = False) -> None:
    """List the users."""

    async def work(found: Settings, database: Database) -> Sequence[User]:
        async with database.transaction() as tx:
            return await users.every(tx)

    found = with_archive(work, listed=False)
    if as_json:
        print_json([asdict(user) for user in found])
        return
    if not found:
        out.print("no users yet → monitor user add NAME")
    for user in found:
        state = f"disabled {user.disabled_at:%Y-%m-%d}" if user.disabled_at else ""
        out.print(
            f"{user.name:<32}  {user.role.value:<7}  {user.language.value}  {state}".rstrip(), markup=False
        )


@group.command("password")
def password_(name: Name, password_stdin: FromStdin = False, generate: Generate = False) -> None:
    """Set another password; the user's sessions end."""
    password = _password(stdin=password_stdin, generate=generate)
    kept = run(passwords.hashed(password))

    async def work(found: Settings, database: Database) -> User:
        async with database.transaction() as tx:
            user = await _named(tx, name)
            await users.set_password(tx, user.user_id, kept)
            await sessions.end_all(tx, user.user_id)
            return user

    user = with_archive(work, listed=False)
    out.print(f"user {user.name} has another password, and must sign in again", markup=False)
    _show(password, generate)


@group.command("disable")
def disable(name: Name) -> None:
    """Shut a user out at once; what the user decided stays."""

    async def work(found: Settings, database: Database) -> User:
        async with database.transaction() as tx:
            user = await _named(tx, name)
            await users.disable(tx, user.user_id, now=utc_now())
            return user

    user = with_archive(work, listed=False)
    out.print(f"user {user.name} is disabled", markup=False)


@group.command("enable")
def enable(name: Name) -> None:
    """Let a user in again who was disabled; they sign in anew."""

    async def work(found: Settings, database: Database) -> User:
        async with database.transaction() as tx:
            user = await _named(tx, name)
            await users.enable(tx, user.user_id)
            return user

    user = with_archive(work, listed=False)
    out.print(f"user {user.name} can sign in again", markup=False)


@group.command("role")
def role_(name: Name, role: Annotated[Role, typer.Argument(help="viewer, analyst or lead.")]) -> None:
    """Give a user another role, from their next page on."""

    async def work(found: Settings, database: Database) -> User:
        async with database.transaction() as tx:
            user = await _named(tx, name)
            await users.set_role(tx, user.user_id, role)
            return user

    user = with_archive(work, listed=False)
    out.print(f"user {user.name} is {role.value} now", markup=False)


async def _named(tx: Transaction, name: str) -> User:
    user = await users.find(tx, user_name_of(name))
    if user is None:
        raise UsageError(f"there is no user {name}", "", "see `monitor user list`")
    return user


def _show(password: str, made: bool) -> None:
    if made:
        out.print(f"password {password}", markup=False)


def _password(*, stdin: bool, generate: bool) -> str:
    """The password: made, read from the input, or asked for twice. Raises UsageError where there is none."""
    if generate and stdin:
        raise UsageError("--generate and --password-stdin exclude each other", "", "give one of them")
    if generate:
        return passwords.made(_WORDS)
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError(
            "no password was given",
            "there is no terminal to ask on",
            "pipe it in with --password-stdin, or let one be made with --generate",
        )
    first = getpass("password: ", stream=sys.stderr)
    if first != getpass("again: ", stream=sys.stderr):
        raise UsageError("the two passwords differ", "", "try again")
    return first
