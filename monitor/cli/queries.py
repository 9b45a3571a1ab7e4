"""Saved queries: which there are, what each asks, and its answer."""

import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from monitor import queries
from monitor.answers import csv_line, json_object
from monitor.cli import show as shown
from monitor.cli.base import Json, app, out, print_json, say, with_archive
from monitor.errors import UsageError
from monitor.queries import SavedQuery
from monitor.settings import Settings
from monitor.store import research
from monitor.store.database import Database
from monitor.store.migrate import shipped

group = typer.Typer(help="Ask the archive what researchers ask of it.", no_args_is_help=True)
app.add_typer(group, name="queries")

Name = Annotated[str, typer.Argument(help="The query's name, or a file of your own that ends in .sql.")]
Given = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", help="A parameter as name=value; the others keep their defaults."),
]
_EVERY = 2**62
# A pager may stand still for a while.
_IDLE = 3600.0


@group.command("list")
def list_(as_json: Json = False) -> None:
    """List the saved queries, each with what it asks."""
    every = queries.load(shipped("docs/queries"))
    if as_json:
        print_json([_as_json(one) for one in every.values()])
        return
    for one in every.values():
        out.print(f"{one.name:<18} {one.title.english}", markup=False)
    out.print(
        "\nwhat one asks  monitor queries show NAME     its answer  monitor queries run NAME", markup=False
    )


@group.command("show")
def show(
    name: Name,
    *,
    parameter: Given = None,
    filled: Annotated[
        bool,
        typer.Option(
            "--filled",
            help="Print the SQL alone, with values in place of its parameters, to be pasted elsewhere.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a query asks, its parameters and its SQL."""
    query = _found(name)
    values = query.values(_given(query, parameter))
    if filled:
        sys.stdout.write(query.filled(values) + "\n")
    elif as_json:
        print_json(_as_json(query) | {"sql": query.sql})
    else:
        shown.saved_query(out, query)


@group.command("run")
def run(
    name: Name,
    *,
    parameter: Given = None,
    as_json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for programs.")] = False,
    most: Annotated[
        int, typer.Option("--limit", min=1, help="Rows of the table; --json and --csv have all.")
    ] = 100,
    seconds: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds that it may take.")] = 60,
) -> None:
    """Answer a query from the archive; it can change nothing there."""
    if as_json and csv:
        raise UsageError(
            "--json and --csv were both given", "the answer has one form", "leave one of them out"
        )
    query = _found(name)
    values = query.values(_given(query, parameter))

    async def work(found: Settings, database: Database) -> None:
        async with research.answered(database, query, values, seconds=seconds, idle=_IDLE) as answer:
            if csv:
                await _csv(answer)
            elif as_json:
                await _json(answer)
            else:
                await _table(answer, most)

    with_archive(work, listed=False)


async def _csv(answer: research.Answer) -> None:
    sys.stdout.write(csv_line(answer.columns))
    async for row in answer.rows(_EVERY):
        sys.stdout.write(csv_line(row))


async def _json(answer: research.Answer) -> None:
    lines = count()
    async for row in answer.rows(_EVERY):
        sys.stdout.write(("[\n" if next(lines) == 0 else ",\n") + json_object(answer.columns, row))
    sys.stdout.write("\n]\n" if next(lines) else "[]\n")


async def _table(answer: research.Answer, most: int) -> None:
    rows = [row async for row in answer.rows(most + 1)]
    shown.table(out, answer.columns, rows[:most])
    if len(rows) > most:
        say(f"only the first {most} rows; --limit shows more, and --csv or --json has all")


def _found(name: str) -> SavedQuery:
    """A query by its name, or in a file of the user's own."""
    if name.endswith(".sql"):
        return _of_file(Path(name))
    every = queries.load(shipped("docs/queries"))
    if name not in every:
        raise UsageError(
            f"there is no query {name}", f"there are {', '.join(every)}", "see monitor queries list"
        )
    return every[name]


def _of_file(path: Path) -> SavedQuery:
    try:
        return queries.parse(path.stem, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read", str(error), "see that it is there, in UTF-8") from error


def _given(query: SavedQuery, pairs: Sequence[str] | None) -> dict[str, str]:
    """Parameters as they were given. Raises UsageError for what is none, or of another query."""
    given: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(
                f"{pair} is no parameter",
                "one is written name=value",
                f"see monitor queries show {query.name}",
            )
        given[name.removeprefix(":")] = value
    query.known(given)
    return given


def _as_json(query: SavedQuery) -> dict[str, object]:
    return {
        "name": query.name,
        "title": query.title.english,
        "question": query.question.english,
        "portable": query.portable,
        "parameters": [
            {"name": one.name, "type": one.type, "default": one.default, "meaning": one.meaning.english}
            for one in query.parameters
        ],
    }
