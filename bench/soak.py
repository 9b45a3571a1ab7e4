"""A year of digests for hundreds of readers in six zones, with a server that misbehaves and a sender that is killed.

The clock is our own, everything else is real. It ends with how many went, and fails if one came twice or is missing
without being shown.

    python -m bench.soak [--readers 500] [--days 365] [--seed 1]
"""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime

from bench.scratch import scratch_server
from monitor.store import migrate
from monitor.store.database import Database
from monitor.store.embedded import ensure_database
from tests.integration.year import Year, check, people

START = datetime(2024, 1, 1, tzinfo=UTC)


async def soak(url: str, *, readers: int, days: int, seed: int) -> None:
    await migrate.upgrade(url)
    began = time.monotonic()
    async with Database(url) as database:
        year = Year(database, people(readers), START, days, seed=seed)
        running = asyncio.create_task(year.run())
        while not running.done():
            await asyncio.wait({running}, timeout=30)
            sys.stderr.write(f"{year.now:%Y-%m-%d} · {year.planned:,} planned · {year.kills:,} kills\n")
        states = await check(year, await running)
    went = " · ".join(f"{count:,} {state}" for state, count in sorted(states.items(), reverse=True))
    print(f"{readers} readers · {days} days · {year.planned:,} digests · {went} · none twice, none unseen")
    print(f"{year.kills:,} kills · {time.monotonic() - began:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--readers", type=int, default=500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with scratch_server() as (_, server):
        ensure_database(server.url("postgres"), "soak")
        asyncio.run(soak(server.url("soak"), readers=wanted.readers, days=wanted.days, seed=wanted.seed))


if __name__ == "__main__":
    main()
