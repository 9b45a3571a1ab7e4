"""Posts a second of reading all posts anew under other rules, beside the bare engine on as many processes.

The bare engine reads the same texts in two processes, without a database; both begin to count when the rules
are compiled. The texts are invented, unless MONITOR_BENCH_TEXTS names a JSONL file (or .jsonl.gz) with a field
`text`, whose texts are taken over and over.

    python -m bench.reflag [--posts 200000] [--rounds 3]
"""

import argparse
import asyncio
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import __main__
from bench.scratch import scratch_server
from bench.texts import texts
from monitor import changes, flag, settings
from monitor.extraction import RuleFile, Rules, RuleTexts, compile_rules
from monitor.looks import Fetched, store
from monitor.model import Channel, Look, LookKind, Post, SourceName, utc_now
from monitor.readers import look_seldom
from monitor.store import migrate
from monitor.store.database import Database
from monitor.store.embedded import ensure_database

RULES = Path(__file__).parents[1] / "config" / "rules.toml"
PROCESSES = 2
CHANNELS = 20
LOOK = 2000
START = datetime(2024, 8, 1, tzinfo=UTC)


_rules: list[Rules] = []


def _begin(rule_texts: RuleTexts) -> None:
    _rules.append(compile_rules(rule_texts))
    look_seldom()


def _bare(some: list[str]) -> float:
    """Seconds to read texts, once every process is ready."""
    began = time.perf_counter()
    for one in some:
        _rules[0].read(one)
    return time.perf_counter() - began


def _ready() -> int:
    time.sleep(0.2)
    return os.getpid()


def bare(rule_texts: RuleTexts, all_texts: list[str]) -> float:
    """Seconds that two processes need for the texts, half each."""
    with ProcessPoolExecutor(
        PROCESSES, mp_context=get_context("spawn"), initializer=_begin, initargs=(rule_texts,)
    ) as pool:
        list(pool.map(len, [""] * PROCESSES))
        for future in [pool.submit(_ready) for _ in range(2 * PROCESSES)]:
            future.result()
        return max(pool.map(_bare, [all_texts[place::PROCESSES] for place in range(PROCESSES)]))


async def fill(database: Database, all_texts: list[str]) -> None:
    """An archive of these posts, some channels of the same length."""
    each = -(-len(all_texts) // CHANNELS)
    for place in range(CHANNELS):
        channel = Channel(channel_id=1900002000 + place, title=f"Канал {place}", handle=f"reflag_{place:02}")
        own = all_texts[place * each : (place + 1) * each]
        for first in range(0, len(own), LOOK):
            posts = tuple(
                Post(
                    channel_id=channel.channel_id,
                    message_id=number,
                    posted_at=START + timedelta(seconds=number),
                    text=words,
                )
                for number, words in enumerate(own[first : first + LOOK], first + 1)
            )
            look = Look(source=SourceName.DESKTOP, at=utc_now(), channel=channel, posts=posts)
            await store(database, Fetched(look, changes.digests(posts)), watch=None, kind=LookKind.IMPORT)


def other(rule_texts: RuleTexts, number: int) -> RuleTexts:
    """The same rules under another hash."""
    file = rule_texts.rules
    return rule_texts._replace(rules=RuleFile(file.name, f"{file.text}\n# {number}\n"))


async def reflag(database: Database, rule_texts: RuleTexts) -> float:
    """Seconds to read all posts anew, the start of the processes included."""
    rules = compile_rules(rule_texts)
    began = time.perf_counter()
    await flag.flag(database, rules, rule_texts, now=utc_now, processes=PROCESSES)
    return time.perf_counter() - began


async def measure(url: str, count: int, rounds: int) -> list[dict[str, float]]:
    """Rounds of the bare engine and of a reflag over the same texts, once all was read for the first time."""
    await migrate.upgrade(url)
    rule_texts, all_texts = settings.rule_texts(RULES), texts(count)
    done = []
    async with Database(url) as database:
        await fill(database, all_texts)
        first = await reflag(database, rule_texts)
        print(f"first reading {count / first:.0f} posts/s", flush=True)
        for number in range(rounds):
            alone = await asyncio.to_thread(bare, rule_texts, all_texts)
            whole = await reflag(database, other(rule_texts, number))
            done.append({"bare_s": count / alone, "reflag_s": count / whole, "ratio": alone / whole})
    return done


def main() -> None:
    """Measure and print a row of a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with scratch_server() as (_, server):
        ensure_database(server.url("postgres"), "bench")
        done = asyncio.run(measure(server.url("bench"), asked.posts, asked.rounds))
    middle = {key: statistics.median(one[key] for one in done) for key in done[0]}
    ratios = [one["ratio"] for one in done]
    print(
        "| posts | bare engine, posts/s | reflag, posts/s | ratio (range of the rounds) |\n|---|---|---|---|"
    )
    print(
        f"| {asked.posts:,} | {middle['bare_s']:,.0f} | {middle['reflag_s']:,.0f} | {middle['ratio']:.2f} ({min(ratios):.2f}–{max(ratios):.2f}, {len(done)} rounds) |"
    )


if __name__ == "__main__":
    # Every process of a pool loads the main module first; that of the command is next to empty, and this is not.
    __main__.__spec__ = None
    del __main__.__file__
    import_module("bench.reflag").main()
