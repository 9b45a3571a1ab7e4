"""Telegram and its pages on one stage, the source that reads them into the archive, and what happens there."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from monitor import changes, collect, recheck
from monitor.looks import Collected, Fetched, store
from monitor.model import Listed, Look, LookKind, Pace, SourceName, Watch
from monitor.sources import Source
from monitor.sources.fallback import WithFallback
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import Event, Message, Scenario, Text
from monitor.standin.server import Standin, serving
from monitor.standin.telegram import TelegramServer, serving_telegram
from monitor.store import accounts, coverage, watches
from monitor.store.accounts import AccountMemory, AccountState
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask, channel

START = datetime(2024, 8, 9, tzinfo=UTC)
LATER = datetime(2024, 9, 9, tzinfo=UTC)
LONG = 1900000077
OTHER = 1900000078
# What a source that joins nothing, sends nothing and marks nothing as read may ask for.
# Telethon asks these itself, once a connection.
GREETING = {"GetConfig", "GetUsers", "GetState", "GetDifference"}
GENTLE = {
    *("ResolveUsername", "GetHistory", "GetMessages", "GetChannelDifference", "GetFullChannel"),
    "GetFile",
}


@dataclass
class Outside:
    """Telegram and its public pages on one stage, the source that reads them, and the clock that all go by."""

    database: Database
    clock: Clock
    stage: Standin
    server: TelegramServer
    pages: PreviewSource
    options: TelegramOptions
    sessions: list[Session]
    fallback: bool
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        """Open the source anew, as a start of the process does."""
        await self.stack.aclose()
        opened = TelegramSource.opened(
            self.sessions, self.options, AccountMemory(self.database), now=self.clock
        )
        self.telegram = await self.stack.enter_async_context(opened)
        self.source: Source = WithFallback(self.telegram, self.pages) if self.fallback else self.telegram

    async def look(self, **span: float) -> Collected:
        self.clock.forward(**(span or {"hours": 1}))
        return await collect.live(self.database, self.source, now=self.clock)

    async def backfill(self, **span: float) -> None:
        self.clock.forward(**span)
        while (await collect.backfill(self.database, self.source, now=self.clock)).looks:
            pass

    async def recheck(self, **span: float) -> Collected:
        self.clock.forward(**(span or {"hours": 1}))
        done = await recheck.recheck(self.database, self.source, now=self.clock)
        filled = await recheck.fill(self.database, self.source, now=self.clock)
        for name, number in filled.numbers().items():
            setattr(done, name, getattr(done, name) + number)
        done.problems += filled.problems
        return done

    async def watch(self, handle: str = "long_channel") -> Watch:
        async with self.database.transaction() as tx:
            found = await watches.find(tx, handle)
        assert found is not None
        return found

    async def account(self) -> AccountState:
        async with self.database.transaction() as tx:
            return (await accounts.every(tx, now=self.clock()))[0]

    async def ids(self, channel_id: int = LONG) -> list[int]:
        query = "SELECT message_id FROM monitor.posts WHERE channel_id = :c ORDER BY 1"
        return [row.message_id for row in await ask(self.database, query, c=channel_id)]

    async def versions(self, number: int) -> list[tuple[int, str]]:
        query = "SELECT version, text FROM monitor.post_versions WHERE message_id = :n ORDER BY 1"
        return [tuple(row) for row in await ask(self.database, query, n=number)]

    async def presence(self, number: int) -> str:
        query = "SELECT presence FROM monitor.post_state WHERE message_id = :n"
        return str((await ask(self.database, query, n=number))[0].presence)

    async def vacant(self, reason: str) -> list[int]:
        query = """SELECT generate_series(first_id, last_id) AS id FROM monitor.vacant_ids
                   WHERE reason = :reason ORDER BY 1"""
        return [row.id for row in await ask(self.database, query, reason=reason)]

    async def spans(self) -> list[tuple[int, int]]:
        async with self.database.transaction() as tx:
            return list(await coverage.spans(tx, LONG))

    @property
    def soon(self) -> timedelta:
        return self.clock() - START + timedelta(seconds=1)

    def happens(self, *events: Event, more: tuple[Message, ...] = (), handle: str = "long_channel") -> None:
        scenario = self.stage.channels[handle].scenario
        changed = replace(scenario, events=(*scenario.events, *events), messages=(*scenario.messages, *more))
        self.stage.play([changed], start=START)

    def edit(self, number: int, words: str, **rest: Any) -> None:
        self.happens(Event(at=self.soon, kind="edit", post=number, text=Text(words)), **rest)

    def delete(self, *numbers: int) -> None:
        self.happens(*(Event(at=self.soon, kind="delete", post=number) for number in numbers))

    def post(self, first: int, count: int = 1, **rest: Any) -> None:
        new = range(first, first + count)
        self.happens(more=tuple(Message(id=n, at=self.soon, text=Text(f"Новое {n}"), **rest) for n in new))

    def called(self) -> list[str]:
        """The calls since the last time this was asked, without those of a connection."""
        names = [call.name for call in self.server.calls if call.name not in GREETING]
        self.server.calls.clear()
        return names


Opened = Callable[..., AbstractAsyncContextManager[Outside]]


def opening(database: Database) -> Opened:
    """How a test opens its stage: with the scenarios that it gives."""

    @asynccontextmanager
    async def opened(
        *scenarios: Scenario,
        at: datetime = LATER,
        start: datetime = START,
        accounts: int = 1,
        fallback: bool = False,
        watched: bool = True,
        **options: Any,
    ) -> AsyncIterator[Outside]:
        clock = Clock(at)
        stage = Standin(clock)
        stage.play(scenarios, start=start)
        server = TelegramServer(stage, accounts=accounts)
        if watched:
            await listed(database, *(s.handle for s in scenarios), since=start)
        chosen = TelegramOptions(api_id=1, api_hash="invented", **{"pace": 0, "timeout": 20, **options})
        async with (
            serving_telegram(server),
            serving(stage) as host,
            PreviewSource.opened(PreviewOptions(hosts=(host,), pace=0), now=clock) as pages,
        ):
            sessions = [_session(server, n) for n in range(accounts)]
            o = Outside(database, clock, stage, server, pages, chosen, sessions, fallback)
            async with o.stack:
                await o.open()
                yield o

    return opened


def _session(server: TelegramServer, number: int) -> Session:
    words = server.session(number)
    return Session(f"a{number}", lambda: words)


async def listed(database: Database, *handles: str, **more: Any) -> None:
    pace = Pace(timedelta(seconds=1), timedelta(minutes=30))
    entries = [Listed(handle=h, label=h, source=SourceName.TELEGRAM, pace=pace, **more) for h in handles]
    async with database.transaction() as tx:
        await watches.sync(tx, entries)


async def keep(o: Outside, look: Look) -> None:
    """Store a look late, as a step does that was slow."""
    fetched = Fetched(look, changes.digests(look.posts))
    await store(o.database, fetched, watch=await o.watch(), kind=LookKind.BACKFILL)


def other(count: int, handle: str = "other_channel", number: int = OTHER) -> Scenario:
    return channel(count, handle=handle, number=number)


async def ask_again(o: Outside, *numbers: int) -> None:
    async with o.database.transaction() as tx:
        await tx.execute(
            text("UPDATE monitor.post_state SET look_at = :at WHERE message_id = ANY(:ids)"),
            {"at": o.clock(), "ids": list(numbers)},
        )
