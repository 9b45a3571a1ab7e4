"""How quick researchers' questions are on an archive of millions of posts, and whether it still takes in new ones.

Each question is asked with other words and times each round: cold, with the caches of Postgres and, for root, of the
system emptied before each; then warm. Ingest is the whole collect path, beside an empty archive in the same run.

    python -m bench.archive [--posts 5000000] [--rounds 20] [--regex-months 3]
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from bench import export
from bench.archive_fill import CHANNELS, END, FIRST_CHANNEL, MONTHS, fill, month, vocabulary
from bench.plans import explained, pages, scans
from bench.scratch import scratch_server
from monitor.maintain import Keeping, maintain
from monitor.store import migrate, partitions
from monitor.store.database import SESSION, Database
from monitor.store.embedded import ensure_database

COLD = 5
TAKEN = 10_000
CONTENT_WORDS = 56
COMMON, MIDDLING, RARE, SCARCE = 0.02, 0.002, 0.0002, 0.00002
DAY = timedelta(days=1)
Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in SQL, and the values for each round."""

    name: str
    sql: str
    values: Callable[[int], Values]


def word(share: float, n: int) -> str:
    """A word that about this share of the posts has, another for each round."""
    words, weights = vocabulary()
    rank = int((weights * CONTENT_WORDS > share).sum())
    return str(words[rank + n])


def at(n: int) -> datetime:
    """A time within the last year, another for each round."""
    return END - (13 * n % 300 + 1) * DAY - timedelta(hours=n % 24)


def lately(n: int) -> datetime:
    """A time within the last months, another for each round."""
    return END - (3 * n % 40 + 1) * DAY


def channel(n: int) -> int:
    """A channel, a busy or a quiet one."""
    return FIRST_CHANNEL + 7 * n % CHANNELS


SEARCH = "SELECT * FROM research.search(%(words)s, %(since)s, %(until)s)"
QUESTIONS = (
    Question(
        "search, common word, 30 days, ranked",
        SEARCH,
        lambda n: {"words": word(COMMON, n), "since": at(n) - 30 * DAY, "until": at(n)},
    ),
    Question(
        "search, two words, a year, ranked",
        SEARCH,
        lambda n: {"words": f"{word(COMMON, n)} {word(MIDDLING, n)}", "since": END - 365 * DAY, "until": END},
    ),
    Question(
        "search, rare word, all time, ranked",
        "SELECT * FROM research.search(%(words)s)",
        lambda n: {"words": word(RARE, n)},
    ),
    Question(
        "search, rare word, all time, newest",
        "SELECT * FROM research.search(%(words)s, ranked => false)",
        lambda n: {"words": word(RARE, n)},
    ),
    *(
        Question(
            f"regular expression, {days} days with its index",
            "SELECT * FROM research.matching(%(words)s, %(since)s, %(until)s)",
            lambda n, days=days: {  # type: ignore[misc]
                "words": rf"{word(MIDDLING, n)[:7]}[а-я]* ",
                "since": lately(n) - days * DAY,
                "until": lately(n),
            },
        )
        for days in (7, 30)
    ),
    Question(
        "regular expression, rare word, 11 weeks with it",
        "SELECT * FROM research.matching(%(words)s, %(since)s)",
        lambda n: {"words": rf"{word(SCARCE, n)[:9]}[а-я]* ", "since": END - 77 * DAY},
    ),
    Question(
        "flagged in 24 hours",
        """SELECT posted_at, handle, message_id, topic FROM research.flags
           WHERE is_current AND posted_at >= %(since)s AND posted_at < %(until)s ORDER BY posted_at DESC LIMIT 200""",
        lambda n: {"since": at(n) - DAY, "until": at(n)},
    ),
    Question(
        "posts per day and channel, 30 days",
        "SELECT day, handle, posts FROM research.daily_posts WHERE day >= %(since)s AND day < %(until)s ORDER BY 1, 2",
        lambda n: {"since": at(n).date() - 30 * DAY, "until": at(n).date()},
    ),
    Question(
        "figures by week and side, a year",
        """SELECT date_trunc('week', day) AS week, side, sum(figures), max(most) FROM research.daily_figures
           WHERE kind = %(kind)s AND day >= %(since)s GROUP BY 1, 2 ORDER BY 1, 2""",
        lambda n: {
            "kind": ("personnel", "killed", "tank", "uav")[n % 4],
            "since": END.date() - (365 - n) * DAY,
        },
    ),
    Question(
        "as of a time, one channel, a week",
        """SELECT message_id, version, text FROM research.posts_as_of(%(at)s)
           WHERE channel_id = %(channel)s AND posted_at >= %(since)s ORDER BY posted_at DESC""",
        lambda n: {"at": at(n), "since": at(n) - 7 * DAY, "channel": channel(n)},
    ),
    Question(
        "as of a time, every channel, an hour",
        """SELECT handle, message_id, version, text FROM research.posts_as_of(%(at)s)
           WHERE posted_at >= %(since)s ORDER BY posted_at DESC""",
        lambda n: {"at": at(n), "since": at(n) - timedelta(hours=1)},
    ),
)
_FREE = Path("/proc/sys/vm/drop_caches")


def chill(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Empty the caches of Postgres, and for root those of the system."""
    connection.execute("CHECKPOINT")
    connection.execute("SELECT pg_buffercache_evict_all()")
    if os.geteuid() == 0 and _FREE.exists():
        _FREE.write_text("3")


def ask(
    connection: "psycopg.Connection[tuple[object, ...]]", question: Question, n: int
) -> tuple[float, int]:
    """Milliseconds until all rows are here, and how many."""
    values = question.values(n)
    began = time.perf_counter()
    rows = connection.execute(question.sql.encode(), values).fetchall()
    return (time.perf_counter() - began) * 1000, len(rows)


def p95(found: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(found, n=20, method="inclusive")[18] if len(found) > 1 else found[0]


def plan(connection: "psycopg.Connection[tuple[object, ...]]", question: Question) -> str:
    """How Postgres goes about it: the kinds of scans with their tables or indexes, and the pages touched."""
    found = explained(connection, question.sql, question.values(1))
    told = ", ".join(f"{name}{f' ×{count}' if count > 1 else ''}" for name, count in scans(found).items())
    return f"{told}; {pages(found[-1]):,} pages"


def questions(url: str, rounds: int) -> None:
    """Ask everything, cold and warm, and print a table."""
    with psycopg.connect(url, autocommit=True, options=SESSION) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_buffercache")
        print(f"{'':<44}{'rows':>6}{'warm p50':>10}{'p95':>8}{'max':>8}{'cold max':>10}  (ms)")
        for question in QUESTIONS:
            cold = []
            for n in range(COLD):
                chill(connection)
                cold.append(ask(connection, question, n)[0])
            for n in range(rounds):
                ask(connection, question, n)
            warm = [ask(connection, question, n) for n in [*range(rounds)] * 3]
            times = [took for took, _ in warm]
            rows = statistics.median(count for _, count in warm)
            print(
                f"{question.name:<44}{rows:>6.0f}{statistics.median(times):>10.1f}{p95(times):>8.1f}{max(times):>8.1f}{max(cold):>10.0f}"
            )
        for question in QUESTIONS:
            print(f"{question.name}: {plan(connection, question)}")


async def prepare(url: str) -> None:
    """The tables, and a partition for each month."""
    await migrate.upgrade(url)
    async with Database(url) as database, database.transaction() as tx:
        for back in range(-2, MONTHS):
            await partitions.make(tx, "post_search", month(back)[0])


async def keep_house(url: str, *, regex_months: int) -> None:
    """What the worker does once a day."""
    async with Database(url) as database:
        await maintain(
            database, now=lambda: END - timedelta(days=1), keeping=Keeping(regex_months=regex_months)
        )


def take(url: str, path: Path) -> float:
    """Posts a second of collecting from a file."""
    command = [sys.executable, "-m", "bench.collect", "--take", url, str(path)]
    done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(done["posts"] / done["seconds"])


def ingest(empty: str, full: str, scratch: Path) -> None:
    """The rate of collecting into a full archive beside that into one that is empty at first."""
    into_empty, into_full = [], []
    for n in range(3):
        path = export.write(scratch / f"{n}.json", TAKEN)
        exported = json.loads(path.read_text(encoding="utf-8"))
        exported["id"] += n
        path.write_text(json.dumps(exported, ensure_ascii=False), encoding="utf-8")
        into_empty.append(take(empty, path))
        into_full.append(take(full, path))
    ratio = statistics.median(f / e for f, e in zip(into_full, into_empty, strict=True))
    rates = f"{statistics.median(into_empty):,.0f}/s into an empty archive, {statistics.median(into_full):,.0f}/s into this one"
    print(f"collecting {TAKEN:,} posts: {rates}, ratio {ratio:.2f}")


def main() -> None:
    """Fill, ask and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--regex-months", type=int, default=3)
    asked = parser.parse_args()
    with scratch_server() as (scratch, server):
        for name in ("empty", "full"):
            ensure_database(server.url("postgres"), name)
        url = server.url("full")
        asyncio.run(prepare(url))
        fill(url, asked.posts)
        asyncio.run(keep_house(url, regex_months=asked.regex_months))
        with psycopg.connect(url) as connection:
            sizes = connection.execute(
                "SELECT pg_size_pretty(pg_database_size(current_database()))"
            ).fetchone()
        print(f"the archive takes {sizes[0] if sizes else '?'}")
        questions(url, asked.rounds)
        ingest(server.url("empty"), url, scratch)


if __name__ == "__main__":
    main()
