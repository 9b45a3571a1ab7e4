"""How soon a post is stored and flagged: twenty channels, ten posts a second in total, through the real worker.

The stand-in plays in a process of its own by the clock of the machine. «answered» is the server's answer that
first showed the post, «flagged» is when its flag was written. From posted to answered depends on the pace of
requests alone, so it is told for the default pace and for a quick one.

    python -m bench.latency [--seconds 60] [--paces 1.0,0.1]
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg

from bench.outside import served
from bench.scratch import scratch_server
from monitor import settings
from monitor.model import Listed, Pace, SourceName, utc_now
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import Message, Scenario, Text
from monitor.standin.stage import Stage
from monitor.standin.telegram import TelegramServer, serving_telegram
from monitor.store import migrate, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from monitor.store.embedded import ensure_database
from monitor.worker import Work, Worker

CHANNELS = 20
POSTS_A_SECOND = 10
RULES = Path(__file__).parents[1] / "config" / "rules.toml"
BEFORE = 50


def channels(seconds: float) -> list[Scenario]:
    """Channels with some posts at first, then one after the other posts, each of which is to be flagged."""
    count = int(seconds * POSTS_A_SECOND / CHANNELS) + 1
    return [
        Scenario(
            id=1900001000 + place,
            handle=f"latency_{place:02}",
            title=f"Канал {place}",
            messages=tuple(
                Message(
                    id=n + 1, at=_at(n, place), text=Text(f"Под Курском до {n + 2} танков, канал {place}")
                )
                for n in range(BEFORE + count)
            ),
        )
        for place in range(CHANNELS)
    ]


def _at(number: int, place: int) -> timedelta:
    step = CHANNELS / POSTS_A_SECOND
    return timedelta(seconds=(number - BEFORE) * step + place / POSTS_A_SECOND)


async def serve(seconds: float, warm: float) -> None:
    """Play by the machine's clock, new posts from `warm` seconds on; prints a session."""
    stage = Stage(utc_now)
    stage.play(channels(seconds), start=utc_now() + timedelta(seconds=warm))
    server = TelegramServer(stage)
    async with serving_telegram(server):
        print(json.dumps(server.session()), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def work(url: str, session: str, *, pace: float, seconds: float) -> None:
    """The worker as `monitor up` runs it, for so long."""
    await migrate.upgrade(url)
    rules, texts = settings.rules(RULES)
    options = TelegramOptions(api_id=1, api_hash="bench", pace=pace)
    listed = [
        Listed(
            handle=f"latency_{place:02}",
            label="",
            source=SourceName.TELEGRAM,
            pace=Pace(timedelta(seconds=1), timedelta(minutes=30)),
        )
        for place in range(CHANNELS)
    ]
    async with Database(url) as database:
        async with database.transaction() as tx:
            await watches.sync(tx, listed)
        sessions = [Session("bench", partial(str, session))]
        async with TelegramSource.opened(sessions, options, AccountMemory(database), now=utc_now) as source:
            worker = Worker(Work(database=database, sources=(source,), rules=rules, texts=texts, now=utc_now))
            asyncio.get_running_loop().call_later(seconds, worker.stop)
            await worker.run()


WAITS = """
    SELECT extract(epoch FROM min(f.flagged_at) - p.first_seen_at)::float,
           extract(epoch FROM p.first_seen_at - p.posted_at)::float
    FROM monitor.posts p JOIN monitor.flags f USING (channel_id, message_id)
    WHERE p.posted_at > %s GROUP BY p.first_seen_at, p.posted_at, p.channel_id, p.message_id
    """


def waits(url: str, since: datetime) -> tuple[list[float], list[float]]:
    """Seconds from answered to flagged, and from posted to answered, of posts since a time; whole ones are shown."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(WAITS, (since,)).fetchall()
    return [float(row[0]) for row in rows], [float(row[1]) for row in rows]


def told(name: str, seconds: Sequence[float]) -> str:
    """Median, p95 and longest."""
    cut = statistics.quantiles(seconds, n=20)
    return f"{name}: median {statistics.median(seconds):.2f} s, p95 {cut[-1]:.2f} s, longest {max(seconds):.2f} s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--paces", default="1.0,0.1")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve(*map(float, asked.serve.split(":"))))
        return
    with scratch_server() as (_, postgres):
        for number, pace in enumerate(map(float, asked.paces.split(","))):
            ensure_database(postgres.url("postgres"), f"bench_{number}")
            url = postgres.url(f"bench_{number}")
            began = datetime.now(UTC)
            # Each handle is resolved at half the pace, and each history read, before the clock counts.
            warm = 10 + 4 * CHANNELS * pace
            with served("bench.latency", f"{asked.seconds}:{warm}") as session:
                asyncio.run(work(url, session, pace=pace, seconds=warm + asked.seconds))
            flagged, answered = waits(url, began + timedelta(seconds=warm + 1))
            print(
                f"one request every {pace:g} s, {CHANNELS} channels, {len(flagged)} posts in {asked.seconds:g} s"
            )
            print("  " + told("from answered to stored and flagged", flagged))
            print("  " + told("from posted to answered", answered))


if __name__ == "__main__":
    main()
