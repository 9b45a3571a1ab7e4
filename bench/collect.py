"""Posts a second of the whole collect path for Telegram Desktop files, beside raw COPY of the same rows.

The path is: read the file, parse, decide, store posts, versions, state, raw records and coverage, commit.
The measure beside it, in the same run on the same server, is COPY of the very rows that this left behind
into copies of the same tables without an index. The ratio of the two is what counts.

    python -m bench.collect [--sizes 10000,100000,500000] [--rounds 3]
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from psycopg import sql

from bench import export
from bench.scratch import scratch_server
from monitor import collect
from monitor.model import utc_now
from monitor.sources.desktop import DesktopSource
from monitor.store import migrate
from monitor.store.database import Database
from monitor.store.embedded import ensure_database

TABLES = ("posts", "post_versions", "post_state", "raw_records", "coverage")
CHUNK = 1 << 20


async def take(url: str, path: Path) -> dict[str, float]:
    """Import a file into a fresh archive; gives seconds and this process's peak memory in MB."""
    await migrate.upgrade(url)
    async with Database(url) as database:
        began = time.perf_counter()
        done = await collect.take(database, DesktopSource(path), now=utc_now)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    return {
        "posts": done.posts,
        "seconds": seconds,
        "peak_mb": peak if sys.platform != "darwin" else peak / 1e6,
    }


def raw_copy(url: str, scratch: Path) -> float:
    """Seconds to COPY the archive's rows into unindexed copies of their tables, all in one transaction."""
    files = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS raw_copy CASCADE; CREATE SCHEMA raw_copy")
        for table in TABLES:
            files[table] = scratch / table
            with files[table].open("wb") as file, connection.cursor().copy(
                sql.SQL("COPY (SELECT * FROM monitor.{}) TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
            ) as copy:  # fmt: skip
                for block in copy:
                    file.write(block)
            connection.execute(
                sql.SQL("CREATE TABLE raw_copy.{0} (LIKE monitor.{0})").format(sql.Identifier(table))
            )
        connection.execute("CHECKPOINT")
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        for table, path in files.items():
            statement = sql.SQL("COPY raw_copy.{} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
            with path.open("rb") as file, connection.cursor().copy(statement) as copy:
                while block := file.read(CHUNK):
                    copy.write(block)
        connection.commit()
        return time.perf_counter() - began


def measure(server_url: str, path: Path, scratch: Path) -> dict[str, float]:
    """One round: a fresh database, the import in a process of its own, then raw COPY."""
    name = "bench"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    ensure_database(server_url, name)
    url = server_url.replace("/postgres?", f"/{name}?")
    command = [sys.executable, "-m", "bench.collect", "--take", url, str(path)]
    done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    seconds = raw_copy(url, scratch)
    return {
        "posts_s": done["posts"] / done["seconds"],
        "raw_s": done["posts"] / seconds,
        "ratio": seconds / done["seconds"],
        "peak_mb": done["peak_mb"],
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10000,100000,500000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--take", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        print(json.dumps(asyncio.run(take(asked.take[0], Path(asked.take[1])))))
        return
    with scratch_server() as (scratch, server):
        print(f"{'posts':>8} {'collect/s':>10} {'COPY/s':>10} {'ratio':>6} {'(range)':>13} {'peak MB':>8}")
        for size in map(int, asked.sizes.split(",")):
            path = export.write(scratch / f"{size}.json", size)
            rounds = [measure(server.url("postgres"), path, scratch) for _ in range(asked.rounds)]
            path.unlink()
            middle = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
            ratios = [r["ratio"] for r in rounds]
            spread = f"({min(ratios):.2f}–{max(ratios):.2f})"
            print(
                f"{size:>8} {middle['posts_s']:>10.0f} {middle['raw_s']:>10.0f} {middle['ratio']:>6.2f} {spread:>13} {middle['peak_mb']:>8.0f}"
            )


if __name__ == "__main__":
    main()
