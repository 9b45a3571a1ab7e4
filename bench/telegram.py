"""Posts a second of the collect path through Telethon, beside bare Telethon on the same server in the same run.

The server is the stand-in's MTProto server in a process of its own; the measure beside ours is
`client.iter_messages(channel, wait_time=0)`, which keeps nothing. Ours resolves, pages, parses, decides and
stores posts, versions, state, counts, entities and coverage, once without raw records and once with them.

    python -m bench.telegram [--posts 100000] [--rounds 3]
"""

import argparse
import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from telethon import TelegramClient
from telethon.sessions import StringSession

from bench.export import vocabulary
from bench.outside import served
from bench.scratch import scratch_server
from monitor import collect
from monitor.model import Entity, Listed, SourceName, utc_now
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import Message, Scenario, Text
from monitor.standin.stage import Stage
from monitor.standin.telegram import TelegramServer, serving_telegram
from monitor.store import migrate, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from monitor.store.embedded import ensure_database

HANDLE = "bench_channel"
START = datetime(2024, 8, 5, tzinfo=UTC)


def channel(count: int) -> Scenario:
    """Posts of about a kilobyte of Russian text in UTF-8, each with an entity, views and reactions."""
    chance = random.Random(20240806)
    words = vocabulary(chance)
    messages = tuple(
        Message(
            id=number,
            at=timedelta(seconds=number),
            text=Text(" ".join(chance.choices(words, k=75)), (Entity("bold", 0, 5, None),)),
            views=number,
            reactions={"👍": number % 90 + 1},
        )
        for number in range(1, count + 1)
    )
    return Scenario(id=1900000088, handle=HANDLE, title="Канал для замера", messages=messages)


async def serve(count: int) -> None:
    """Serve until the input ends; prints a session."""
    now = START + timedelta(seconds=count + 86400)
    stage = Stage(lambda: now)
    stage.play([channel(count)], start=START)
    server = TelegramServer(stage)
    async with serving_telegram(server):
        server.warm()
        print(json.dumps([server.session() for _ in range(64)]), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def bare(session: str) -> dict[str, float]:
    """What Telethon alone does: every message once, nothing kept."""
    client: Any = TelegramClient(StringSession(session), 1, "bench", receive_updates=False)
    await client.connect()
    peer = await client.get_input_entity(HANDLE)
    began, count = time.perf_counter(), 0
    async for _ in client.iter_messages(peer, wait_time=0):
        count += 1
    seconds = time.perf_counter() - began
    await client.disconnect()
    return {"posts": count, "seconds": seconds, "peak_mb": peak_mb(), "cpu": time.process_time()}


async def ours(url: str, session: str, *, raw: bool) -> dict[str, float]:
    """The collect path into a fresh archive."""
    await migrate.upgrade(url)
    options = TelegramOptions(api_id=1, api_hash="bench", pace=0, raw=raw)
    async with Database(url) as database:
        async with database.transaction() as tx:
            since = START - timedelta(days=1)
            await watches.sync(
                tx, [Listed(handle=HANDLE, label=HANDLE, source=SourceName.TELEGRAM, since=since)]
            )
        memory = AccountMemory(database)
        sessions = [Session("bench", partial(str, session))]
        async with TelegramSource.opened(sessions, options, memory, now=utc_now) as source:
            began = time.perf_counter()
            done = await collect.live(database, source, now=utc_now)
            looks = 0
            while done.looks > looks:
                looks = done.looks
                await collect.backfill(database, source, now=utc_now, result=done)
            seconds = time.perf_counter() - began
    return {"posts": done.posts, "seconds": seconds, "peak_mb": peak_mb(), "cpu": time.process_time()}


def peak_mb() -> float:
    """Peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1024


def run(*arguments: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "bench.telegram", *arguments]
    done: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return done


def fresh(server_url: str) -> str:
    """An empty database."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS bench WITH (FORCE)"))
    ensure_database(server_url, "bench")
    return server_url.replace("/postgres?", "/bench?")


def measure(server_url: str, sessions: list[str]) -> dict[str, float]:
    """One round: bare, ours without raw records, ours with them."""
    rounds = {
        "bare": run("--bare", sessions.pop()),
        "lean": run("--ours", fresh(server_url), sessions.pop(), "lean"),
        "raw": run("--ours", fresh(server_url), sessions.pop(), "raw"),
    }
    rates = {name: done["posts"] / done["seconds"] for name, done in rounds.items()}
    return {
        **{f"{name}_s": rate for name, rate in rates.items()},
        "lean_ratio": rates["lean"] / rates["bare"],
        "raw_ratio": rates["raw"] / rates["bare"],
        "peak_mb": max(rounds["lean"]["peak_mb"], rounds["raw"]["peak_mb"]),
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve(asked.serve))
    elif asked.bare:
        print(json.dumps(asyncio.run(bare(asked.bare))))
    elif asked.ours:
        url, session, kind = asked.ours
        print(json.dumps(asyncio.run(ours(url, session, raw=kind == "raw"))))
    else:
        compare(asked.posts, asked.rounds)


def compare(count: int, rounds: int) -> None:
    """Some rounds, and the median of each figure."""
    with scratch_server() as (_, postgres), served("bench.telegram", str(count)) as sessions:
        print(f"{count} posts")
        done = [measure(postgres.url("postgres"), sessions) for _ in range(rounds)]
    middle = {key: statistics.median(one[key] for one in done) for key in done[0]}
    print(f"bare Telethon      {middle['bare_s']:>8.0f} posts/s")
    for kind, words in (("lean", "without raw"), ("raw", "with raw")):
        ratios = [one[f"{kind}_ratio"] for one in done]
        print(
            f"ours, {words:<12} {middle[f'{kind}_s']:>8.0f} posts/s   ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        )
    print(f"peak memory of ours {middle['peak_mb']:.0f} MB")


if __name__ == "__main__":
    main()
