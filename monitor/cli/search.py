"""Commands that search the archive: search, and index, which makes it ready for that."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer
from rich.markup import escape

from monitor import index as indexing
from monitor.cli import show
from monitor.cli.archive import day_of
from monitor.cli.base import Json, app, out, print_json, say, with_archive
from monitor.model import channel_of, utc_now
from monitor.settings import Settings
from monitor.store import indexing as waiting
from monitor.store import search as searching
from monitor.store.database import Database
from monitor.store.search import CLOSED, OPENED, Asked, Hit
from monitor.words import counted
from monitor.worker import recorded

LONGEST = 60_000
MOST = 10_000


@app.command()
def index(as_json: Json = False) -> None:
    """Make new and changed posts ready for search and count the days, as the worker does by itself."""

    async def work(found: Settings, database: Database) -> indexing.Indexed:
        run = partial(indexing.index, database, now=utc_now, regex_months=found.regex_months)
        return await recorded(database, "index", run, now=utc_now)

    done = with_archive(work)
    if as_json:
        print_json(done.numbers())
    else:
        out.print(f"indexed {counted(done.posts, 'post')}, counted {counted(done.days, 'day')}")


@app.command()
def search(  # noqa: PLR0913 - each is an option of the command
    words: Annotated[str, typer.Argument(help='Words in any form; "a phrase", or, and -not are understood.')],
    *,
    regex: Annotated[bool, typer.Option("--regex", help="The words are a regular expression.")] = False,
    channel: Annotated[str | None, typer.Option(help="Only this channel, by its @name or number.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only posts on this topic.")] = None,
    since: Annotated[str | None, typer.Option(help="Only posts from this date on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only posts before this date.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first, not the best.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Search what the posts say now."""
    asked = Asked(
        words=words,
        regex=regex,
        channel=channel_of(channel) if channel else None,
        topic=topic,
        since=day_of(since) if since else None,
        until=day_of(until, option="--until") if until else None,
        newest=newest,
        most=limit + 1,
    )

    async def work(found: Settings, database: Database) -> tuple[Sequence[Hit], bool, bool]:
        async with database.transaction() as tx:
            hits = await searching.find(tx, asked, timeout_ms=LONGEST)
            common = bool(words.strip()) and not regex and await searching.only_common(tx, words)
            return hits, common, await waiting.any_due(tx)

    hits, common, due = with_archive(work)
    if due:
        say("some posts are not indexed yet, so they are not found → monitor index")
    # No more than MOST are ranked, so one more than that never comes.
    ranked = bool(words) and not regex and not newest
    if len(hits) > limit or (ranked and len(hits) == MOST):
        more = "narrow the search" if limit == MOST else f"--limit shows more, {MOST:,} at most"
        say(f"only the first {limit:,} posts; {more}")
    if as_json:
        print_json([_as_json(hit) for hit in hits[:limit]])
        return
    for hit in hits[:limit]:
        _print(hit)
    if not hits:
        say("these words are in every text; ask for others" if common else "nothing is found")


def _as_json(hit: Hit) -> dict[str, object]:
    times = {"posted_at": hit.posted_at.isoformat(), "changed_at": hit.changed_at.isoformat()}
    return asdict(hit) | times


def _print(hit: Hit) -> None:
    state = "" if hit.presence == "present" else f" [red]{hit.presence}[/]"
    marked = escape(" ".join(hit.excerpt.split())).replace(OPENED, "[bold]").replace(CLOSED, "[/bold]")
    name = hit.handle or str(hit.channel_id)
    out.print(f"{show.moment(hit.posted_at)}  {escape(name):<16} {' '.join(hit.topics)}{state}")
    out.print(f"    {marked}")
