"""The demo: the real worker on a stand-in's invented channels, in a database of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from monitor import passwords, settings
from monitor.cli import show
from monitor.cli.base import (
    app,
    archive,
    choice,
    configured,
    on_call_file,
    out,
    review_file,
    rules_file,
    server,
)
from monitor.cli.site import beside
from monitor.cli.sources import Opened
from monitor.model import Language, Listed, Pace, Role, SourceName, utc_now
from monitor.settings import Settings
from monitor.sources.fallback import WithFallback
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import THEN, Scenario, shipped
from monitor.standin.server import CANARY, Standin, serving
from monitor.store import flags, news, posts, readings, users, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from monitor.words import counted
from monitor.worker import Work, Worker

# The first screen opens on the day of the incursion, with a day and a half of posts already there.
OPENS = timedelta(days=1, hours=13, minutes=16)
FIRST_SCREEN = 12
ANALYST = "analyst"
MOST = 10_000
PACE = Pace(timedelta(seconds=1), timedelta(seconds=6))


@app.command()
def demo(
    speed: Annotated[
        float, typer.Option(min=1, help="How many times faster than the clock the channels play.")
    ] = 60.0,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="Stop by itself after so many seconds.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew: forget what an earlier demo collected.")
    ] = False,
) -> None:
    """Play three invented channels and collect and flag them, live."""
    choice.demo = True
    found = configured()
    began = time.monotonic()
    scenarios = shipped()
    out.print(
        f"[bold]monitor demo[/bold] · a local stand-in plays {len(scenarios)} invented channels at {speed:g}× · Ctrl-C to stop"
    )
    with server(found) as url, suppress(KeyboardInterrupt):
        out.print(f"database   ready in {time.monotonic() - began:.1f} s   {_where(found)}", markup=False)
        asyncio.run(_play(found, url, scenarios, speed=speed, seconds=seconds, fresh=fresh))
    out.print("\nstopped; the archive is whole, and `make demo` goes on from here")


def _where(found: Settings) -> str:
    return "your own server" if found.database_url else f"embedded Postgres · {found.place()}"


async def _play(
    found: Settings,
    url: str,
    scenarios: tuple[Scenario, ...],
    *,
    speed: float,
    seconds: float | None,
    fresh: bool,
) -> None:
    async with archive(found, url) as database:
        rules, texts = settings.rules(rules_file(found))
        async with database.transaction() as tx:
            if fresh:
                await posts.forget_everything(tx)
            await watches.sync(tx, [_listed(scenario) for scenario in scenarios])
            begins = await posts.newest_time(tx)
        stage = Standin(_clock(begins or THEN + OPENS, speed))
        stage.play(scenarios, start=THEN)
        password = await _analyst(database)
        async with _sources(stage, database) as sources, beside(found) as address:
            review = f"{address}  user {ANALYST}  password {password}" if address else None
            screen = Screen(database, [scenario.handle for scenario in scenarios], review=review)
            worker = Worker(
                Work(
                    database=database,
                    sources=sources.every,
                    proving=sources.proving,
                    rules=rules,
                    texts=texts,
                    priority=settings.review(review_file(found)).priority,
                    now=utc_now,
                    tick=0.5,
                    heard=screen.hear,
                    on_call=settings.on_call(on_call_file(found)),
                )
            )
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, worker.stop)
            await worker.run()
        await screen.sum_up()


async def _analyst(database: Database) -> str:
    """The password of the demo's analyst, made anew each time."""
    password = passwords.made(2)
    kept = await passwords.hashed(password)
    async with database.transaction() as tx:
        user = await users.find(tx, ANALYST)
        if user is None:
            await users.add(
                tx, ANALYST, role=Role.ANALYST, password=kept, language=Language.ENGLISH, now=utc_now()
            )
        else:
            await users.set_password(tx, user.user_id, kept)
    return password


@asynccontextmanager
async def _sources(stage: Standin, database: Database) -> AsyncIterator[Opened]:
    """The stand-in's MTProto server and its pages, and the sources that read them as they read the real ones."""
    # Telethon takes half a second to load, which the other commands need not wait for.
    from monitor.sources.telegram import TelegramSource  # noqa: PLC0415
    from monitor.standin.telegram import TelegramServer, serving_telegram  # noqa: PLC0415

    server = TelegramServer(stage)
    async with serving_telegram(server), serving(stage) as host:
        pages = PreviewOptions(hosts=(host,), pace=0.02, user_agent="monitor demo", canary=CANARY)
        session = Session("demo", partial(str, server.session()))
        options = TelegramOptions(api_id=1, api_hash="demo", pace=0.05)
        memory = AccountMemory(database)
        async with (
            PreviewSource.opened(pages, now=utc_now) as preview,
            TelegramSource.opened([session], options, memory, now=utc_now) as telegram,
        ):
            yield Opened((WithFallback(telegram, preview),), proving=telegram)


def _listed(scenario: Scenario) -> Listed:
    return Listed(
        handle=scenario.handle,
        label=scenario.title,
        source=SourceName.TELEGRAM,
        pace=PACE,
        since=THEN.astimezone(UTC),
    )


def _clock(begins: datetime, speed: float) -> Callable[[], datetime]:
    started = time.monotonic()
    return lambda: begins + timedelta(seconds=(time.monotonic() - started) * speed)


class Screen:
    """What the demo prints: first a screen of what is there, then each post, edit and deletion as it comes."""

    def __init__(self, database: Database, handles: list[str], *, review: str | None = None) -> None:
        self._database = database
        self._review = review
        self._handles = handles
        self._read_to = datetime.min.replace(tzinfo=UTC)
        self._deleted_to = datetime.min.replace(tzinfo=UTC)
        self._opened = False
        self._alone = asyncio.Lock()

    async def hear(self, step: str, counts: Mapping[str, int]) -> None:
        """Print what a run brought."""
        async with self._alone:
            if step == "flag":
                await self._read()
            elif self._opened and counts.get("deleted"):
                await self._deleted()

    async def _read(self) -> None:
        async with self._database.transaction() as tx:
            fresh = await news.versions_after(tx, self._read_to, limit=MOST)
            found = {(post.channel_id, post.message_id): post for post in await flags.flagged(tx, limit=MOST)}
            totals = await posts.total(tx)
            begun = all(watch.cursor is not None for watch in await watches.every(tx))
            begun = begun and not await readings.any_unread(tx)
        if not (self._opened or begun):
            return
        self._read_to = max([self._read_to, *(item.at for item in fresh)])
        if self._opened:
            for item in fresh:
                show.came_in(out, item, found.get((item.channel_id, item.message_id)))
            return
        self._opened = True
        self._deleted_to = self._read_to
        names = " · ".join(self._handles)
        out.print(
            f"channels   {names}     collected {counted(totals['posts'], 'post')}, {totals['edited']} edited\n"
        )
        flagged = sorted(found.values(), key=lambda post: post.posted_at)
        for post in flagged[-FIRST_SCREEN:]:
            show.flagged(out, post)
        self._guide(len(flagged))

    async def _deleted(self) -> None:
        async with self._database.transaction() as tx:
            gone = await news.deletions_after(tx, self._deleted_to, limit=MOST)
        self._deleted_to = max([self._deleted_to, *(item.at for item in gone)])
        for item in gone:
            show.gone(out, item)

    def _guide(self, count: int) -> None:
        out.print(f"\n{count} flagged so far, the newest above; new ones follow as they are posted\n")
        if self._review is not None:
            out.print(f"review   {self._review}", markup=False)
        out.print("flagged  monitor --demo flagged --topic troop_figures     (.venv/bin/monitor)")
        out.print("digest   monitor --demo digest preview --date 2024-08-06 --posted")
        out.print("sql      monitor --demo sql     select * from posts;")
        out.print("more     monitor --demo status\n")

    async def sum_up(self) -> None:
        """Print what is held at the end."""
        async with self._database.transaction() as tx:
            totals = await posts.total(tx)
            flagged = await flags.total(tx)
        out.print(
            f"\n{counted(totals['posts'], 'post')}, {totals['edited']} edited, {totals['deleted']} deleted with their words kept, {flagged} flagged"
        )
