"""An archive of the demo's channels: five days played by the real steps, and what two analysts said of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import text

from monitor import collect, decide, flag, recheck, review, settings
from monitor.model import Listed, Pace, Role, Saying, Side, SourceName, User, Verdict, VersionKey
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import THEN, shipped
from monitor.standin.server import Standin
from monitor.standin.telegram import TelegramServer, serving_telegram
from monitor.store import decisions, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from monitor.store.decisions import FigureSaid
from tests.conftest import Clock
from tests.integration.web_helpers import someone

CONFIG = Path(__file__).parents[2] / "config"
# A look in the evening; from midnight on one an hour; from the third day on one every two, but for its small hours.
FIRST = timedelta(hours=20)
LOOKS = (
    FIRST,
    *(timedelta(days=1, hours=n) for n in range(48)),
    *(timedelta(days=3, hours=2 * n) for n in range(3, 24)),
)
SAID = (Verdict.RELEVANT, Verdict.RELEVANT, Verdict.NOT_RELEVANT, Verdict.RELEVANT, Verdict.DUPLICATE)


def at(offset: timedelta) -> datetime:
    """A time of the scenarios, in UTC."""
    return (THEN + offset).astimezone(UTC)


async def play(database: Database) -> None:
    """Fill an empty archive."""
    clock = Clock(at(FIRST))
    stage = Standin(clock)
    stage.play(shipped(), start=THEN)
    rules = settings.rules(CONFIG / "rules.toml")
    priority = settings.review(CONFIG / "review.toml").priority
    async with database.transaction() as tx:
        await watches.sync(tx, [_listed(one.handle) for one in shipped()])
    async with _telegram(database, stage, clock) as source:
        for offset in LOOKS:
            clock.at = at(offset)
            await collect.live(database, source, now=clock)
            if offset == FIRST:
                while (await collect.backfill(database, source, now=clock)).looks:
                    pass
            await recheck.recheck(database, source, now=clock)
            await recheck.fill(database, source, now=clock)
            await flag.flag(database, *rules, now=clock)
            await review.review(database, priority, now=clock)
    await _decided(database, clock)


def _listed(handle: str) -> Listed:
    pace = Pace(timedelta(seconds=1), timedelta(minutes=30))
    telegram = SourceName.TELEGRAM
    return Listed(handle=handle, label=handle, source=telegram, pace=pace, since=THEN, side=Side.RUSSIA)


@asynccontextmanager
async def _telegram(database: Database, stage: Standin, clock: Clock) -> AsyncIterator[TelegramSource]:
    server = TelegramServer(stage)
    async with serving_telegram(server):
        sessions = [Session("played", partial(str, server.session()))]
        options = TelegramOptions(api_id=1, api_hash="invented", pace=0, timeout=20)
        memory = AccountMemory(database)
        async with TelegramSource.opened(sessions, options, memory, now=clock) as source:
            yield source


async def _decided(database: Database, clock: Clock) -> None:
    """Two analysts on the first cases: plain decisions, one taken back, second looks, and what they said of figures."""
    olya, petr = [await someone(database, clock, name, role=Role.ANALYST) for name in ("olya", "petr")]
    for number, (case_id, of) in enumerate(await _cases(database)):
        clock.forward(minutes=1)
        verdict = SAID[number % len(SAID)]
        if number % 4 == 3:
            asked = Saying(verdict=Verdict.SECOND_LOOK, of=of, opinion=Verdict.RELEVANT)
            await _say(database, case_id, olya, asked, now=clock())
            verdict = Verdict.NOT_RELEVANT if number % 8 == 3 else Verdict.RELEVANT
            await _say(database, case_id, petr, Saying(verdict=verdict, of=of), now=clock())
        else:
            await _say(database, case_id, olya, Saying(verdict=verdict, of=of), now=clock())
    await _figures(database, olya, clock)


async def _say(database: Database, case_id: int, user: User, said: Saying, *, now: datetime) -> None:
    async with database.transaction() as tx:
        await decide.decide(tx, case_id, user.user_id, said, now=now)


async def _cases(database: Database) -> list[tuple[int, VersionKey]]:
    query = """
        SELECT case_id, channel_id, message_id, version FROM monitor.cases
        ORDER BY opened_at, channel_id, message_id LIMIT 40
        """
    async with database.transaction() as tx:
        rows = await tx.execute(text(query))
        return [(row.case_id, VersionKey(*row[1:])) for row in rows]


async def _figures(database: Database, user: User, clock: Clock) -> None:
    """Of the first figures every second is confirmed, every sixth rejected, and the rest corrected."""
    query = """
        SELECT p.case_id, g.channel_id, g.message_id, g.version, g.first_char, g.end_char, g.low, g.high
        FROM research.figures g JOIN monitor.case_posts p USING (channel_id, message_id, version)
        WHERE g.is_current ORDER BY g.posted_at, g.channel_id, g.message_id, g.number LIMIT 24
        """
    async with database.transaction() as tx:
        for number, row in enumerate((await tx.execute(text(query))).all()):
            verdict = "confirmed" if number % 2 else "corrected" if number % 3 else "rejected"
            figure = FigureSaid(
                of=VersionKey(*row[1:4]),
                first_char=row.first_char,
                end_char=row.end_char,
                verdict=verdict,
                low=row.low if verdict == "corrected" else None,
                high=(row.high or row.low or 0) + 1 if verdict == "corrected" else None,
            )  # fmt: skip
            await decisions.decide_figure(tx, row.case_id, user.user_id, figure, now=clock())
