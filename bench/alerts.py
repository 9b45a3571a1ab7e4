"""How soon a flagged post is handed to a route, and how many notices a burst makes, through the real worker.

A channel brings posts by the clock of the machine; each is flagged, becomes a case and raises an alert. The route is a
signed webhook to a server in this process. First one post every few seconds, each of which is a notice of its own: from
stored (the answer that first showed it) to the webhook's last byte. Then ten thousand posts within a minute.

    python -m bench.alerts [--posts 40] [--every 4] [--burst 10000]
"""

import argparse
import asyncio
import json
import logging
import statistics
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import structlog

from bench.scratch import scratch_server
from monitor import notify, settings
from monitor.model import (
    Channel,
    Limits,
    Listed,
    Look,
    OnCall,
    Pace,
    Person,
    Post,
    SourceName,
    Thresholds,
    Watch,
    utc_now,
)
from monitor.notify import RouteOptions
from monitor.store import migrate, watches
from monitor.store.database import Database
from monitor.store.embedded import ensure_database
from monitor.worker import Work, Worker

RULES = Path(__file__).parents[1] / "config" / "rules.toml"
SECRET = "bench-bench-bench"
CHANNEL = Channel(channel_id=1900000001, title="Канал", handle="bench_channel")
PLAN = OnCall(
    people=(Person(name="bench", routes=("hook",)),),
    thresholds=Thresholds(topics=frozenset({"sudzha"})),
    limits=Limits(an_hour=3600, unclaimed=timedelta(hours=9)),
)


@dataclass
class Feed:
    """A source whose channel has as many posts as `count` says at a time."""

    count: Callable[[datetime], int]
    name: SourceName = SourceName.PREVIEW
    at_once: int = 1

    async def newest(self, watch: Watch) -> AsyncGenerator[Look, None]:
        """What came since the watch's cursor."""
        now = utc_now()
        after, last = watch.cursor or 0, self.count(now)
        if last > after:
            posts = tuple(_post(number, now) for number in range(after + 1, last + 1))
            yield Look(
                source=self.name, at=now, channel=CHANNEL, posts=posts, first_id=after + 1, last_id=last
            )

    async def older(self, watch: Watch, *, before: int) -> AsyncGenerator[Look, None]:
        """There are no older ones."""
        none: tuple[Look, ...] = ()
        for look in none:
            yield look

    def again(self, watch: Watch, ids: Sequence[int]) -> AsyncGenerator[Look, None]:
        """Nothing changes."""
        return self.older(watch, before=1)


def _post(number: int, now: datetime) -> Post:
    words = f"Под Суджей замечено до {number + 10} танков, сообщение номер {number}"
    return Post(channel_id=CHANNEL.channel_id, message_id=number, posted_at=now, text=words)


@dataclass
class Received:
    """What the webhook was handed: when, and of how many alerts."""

    notices: list[tuple[datetime, int]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def told(self, posts: int) -> None:
        """Wait until so many alerts were handed over."""
        async with self.came:
            await self.came.wait_for(lambda: sum(number for _, number in self.notices) >= posts)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and say that it arrived."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].split("\r\n")[0])
        body = json.loads(await reader.readexactly(size))
        async with self.came:
            self.notices.append((utc_now(), body["count"]))
            self.came.notify_all()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def at_work(url: str, count: Callable[[datetime], int]) -> AsyncIterator[Received]:
    """The worker as `monitor up` runs it, for the length of the block."""
    await migrate.upgrade(url)
    rules, texts = settings.rules(RULES)
    received = Received()
    server = await asyncio.start_server(received.answer, "127.0.0.1", 0)
    hook = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    pace = Pace(timedelta(seconds=1), timedelta(seconds=1))
    async with server, Database(url) as database:
        async with database.transaction() as tx:
            await watches.sync(tx, [Listed(handle="bench_channel", label="", pace=pace)])
        work = Work(
            database=database,
            sources=(Feed(count),),
            rules=rules,
            texts=texts,
            now=utc_now,
            on_call=replace(PLAN),
            routes=notify.routes(RouteOptions({"hook": hook}, SECRET), now=utc_now),
        )
        worker = Worker(work)
        running = asyncio.create_task(worker.run())
        try:
            yield received
        finally:
            worker.stop()
            await running


async def one_by_one(url: str, posts: int, every: float) -> Received:
    """A post every so many seconds."""
    began = utc_now() + timedelta(seconds=2)

    def count(now: datetime) -> int:
        return max(0, min(posts, int((now - began).total_seconds() / every) + 1))

    async with at_work(url, count) as received:
        await received.told(posts)
    return received


async def all_at_once(url: str, posts: int) -> tuple[Received, float]:
    """So many posts within a minute; gives also the seconds until all were told."""
    began = utc_now() + timedelta(seconds=2)

    def count(now: datetime) -> int:
        return max(0, min(posts, int((now - began).total_seconds() * posts / 60)))

    async with at_work(url, count) as received:
        await received.told(posts)
    return received, (received.notices[-1][0] - began).total_seconds()


WAITS = """
    SELECT extract(epoch FROM n.made_at - a.stored_at)::float, n.notice_id, a.stored_at
    FROM monitor.alerts a JOIN monitor.notice_alerts USING (alert_id) JOIN monitor.notices n USING (notice_id)
    ORDER BY n.notice_id
    """


def told(name: str, seconds: Sequence[float]) -> str:
    """Median, p95 and longest."""
    cut = statistics.quantiles(seconds, n=20)
    return f"{name}: median {statistics.median(seconds):.2f} s, p95 {cut[-1]:.2f} s, longest {max(seconds):.2f} s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=40)
    parser.add_argument("--every", type=float, default=4)
    parser.add_argument("--burst", type=int, default=10_000)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with scratch_server() as (_, postgres):
        for name in ("bench_one", "bench_burst"):
            ensure_database(postgres.url("postgres"), name)
        received = asyncio.run(one_by_one(postgres.url("bench_one"), asked.posts, asked.every))
        with psycopg.connect(postgres.url("bench_one")) as connection:
            rows = connection.execute(WAITS).fetchall()
        made = list(dict.fromkeys(row[1] for row in rows))
        arrived = {notice: at for notice, (at, _) in zip(made, received.notices, strict=True)}
        print(f"{asked.posts} posts, one every {asked.every:g} s, {len(made)} notices; a group waits 2 s")
        print("  " + told("from stored to the notice made", [row[0] for row in rows]))
        waits = [(arrived[row[1]] - row[2]).total_seconds() for row in rows]
        print("  " + told("from stored to handed to the route", waits))
        burst, seconds = asyncio.run(all_at_once(postgres.url("bench_burst"), asked.burst))
        print(f"{asked.burst:,} flagged posts within a minute")
        print(f"  {len(burst.notices)} notice(s), of {[number for _, number in burst.notices]} alerts")
        print(f"  all told {seconds:.0f} s after the first was posted")


if __name__ == "__main__":
    main()
