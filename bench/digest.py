"""How long a digest over a day of very many posts takes to compose, and how much memory.

One in ten posts is flagged; seven days as full lie before it, for the norm. Each time it is composed by a process of
its own, since what a worker has loaded besides is none of it.

    python -m bench.digest [--posts 100000] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg

from bench.scratch import scratch_server
from monitor.digest import preview
from monitor.digest.told import Asked
from monitor.model import EVERYTHING, Language, Window, utc_now
from monitor.store import migrate
from monitor.store.database import Database
from monitor.store.embedded import ensure_database

DAYS, EACH = 8, 10
# The archive comes with a post every twenty seconds, and is pressed into as many days.
PRESSED = (
    "UPDATE monitor.posts SET posted_at = now() - (now() - posted_at) * {by}, first_seen_at = now() - (now() - first_seen_at) * {by}",
    "UPDATE monitor.case_posts SET joined_at = now() - (now() - joined_at) * {by}",
    """INSERT INTO monitor.watches (handle, listed, label, side, source, quickest_seconds, slowest_seconds, channel_id)
       SELECT v.handle, true, v.title, 'unknown', 'preview', 60, 1800, v.channel_id FROM monitor.channel_versions v""",
    "VACUUM ANALYZE",
)


async def compose(url: str) -> tuple[float, int, int, int]:
    """Seconds, posts of the day, flagged ones, and bytes of the mail's HTML."""
    now = utc_now()
    window = Window(now - timedelta(days=1), now)
    asked = Asked(window=window, zone="Europe/Moscow", language=Language.RUSSIAN, narrowed=EVERYTHING)
    async with Database(url) as database:
        began = time.perf_counter()
        told, made = await preview(database, asked, public_url="https://watch.example.org", now=now)
        took = time.perf_counter() - began
    return took, told.counts.posts, told.counts.flagged, len(made.html.encode())


async def prepare(url: str, posts: int) -> None:
    """An archive with so many posts in its last day."""
    # What fills an archive loads far more than what composes, whose memory is measured.
    from bench.review import fill  # noqa: PLC0415

    await migrate.upgrade(url)
    await fill(url, posts=posts * DAYS, cases=posts * DAYS // EACH)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as direct:
        for statement in PRESSED:
            await direct.execute(statement.replace("{by}", str(86400 / posts / 20)).encode())


def peak() -> int:
    """The most memory that this process ever held, in kB; what the system counts for it begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def measured(url: str, rounds: int) -> None:
    """Compose in processes of their own, and print what they took."""
    took, memory = [], []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-m", "bench.digest", "--compose", url],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, posts, flagged, size, peak = done.stdout.split()
        took.append(float(seconds))
        memory.append(int(peak) / 1024)
        print(
            f"{posts} posts, {flagged} flagged: {float(seconds):.2f} s, {int(peak) / 1024:.0f} MB, mail {int(size) / 1000:.0f} kB"
        )
    print(
        f"median {statistics.median(took):.2f} s, most {max(took):.2f} s; memory at most {max(memory):.0f} MB"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compose", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.compose:
        numbers = asyncio.run(compose(asked.compose))
        print(*numbers, peak())
        return
    with scratch_server() as (_, server):
        ensure_database(server.url("postgres"), "digest")
        url = server.url("digest")
        began = time.perf_counter()
        asyncio.run(prepare(url, asked.posts))
        print(f"filled in {time.perf_counter() - began:.0f} s")
        measured(url, asked.rounds)


if __name__ == "__main__":
    main()
