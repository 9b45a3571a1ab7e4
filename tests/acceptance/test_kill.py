"""Killed at any instant and started again, the archive is the same as if nothing had happened."""

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from monitor.changes import Content
from tests.acceptance.helpers import environment, outside

POSTS = 20_000
KILLS = 20
LONGEST = 600.0

OUTSIDE = f"""
import asyncio, sys
from datetime import datetime, UTC
from monitor.standin.server import Standin, serving
from tests.integration.helpers import channel

async def main():
    standin = Standin(lambda: datetime(2024, 12, 1, tzinfo=UTC))
    standin.play([channel({POSTS})], start=datetime(2024, 8, 9, tzinfo=UTC))
    async with serving(standin) as host:
        print(host, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""
CHANNELS = '[[channel]]\nhandle = "long_channel"\nlabel = "Длинный канал"\nsince = 2024-08-01\n'

# Everything but the times at which we looked.
ARCHIVE = """
    SELECT p.message_id, p.posted_at, p.version, v.text, encode(v.sha256, 'hex'), s.presence, s.version,
           encode(r.sha256, 'hex') IS NOT NULL
    FROM monitor.posts p JOIN monitor.post_versions v USING (channel_id, message_id)
    JOIN monitor.post_state s USING (channel_id, message_id)
    LEFT JOIN monitor.raw_records r ON r.sha256 = v.raw_sha256 AND r.seen_at = v.seen_at
    ORDER BY 1, 3
"""


def worker(home: Path, url: str, host: str) -> "subprocess.Popen[bytes]":
    env = environment(
        MONITOR_DATABASE_URL=url,
        MONITOR_PREVIEW_HOSTS=json.dumps([host]),
        MONITOR_PREVIEW_PACE="0",
        MONITOR_ACCEPT_TERMS="true",
        MONITOR_LOG_LEVEL="error",
    )
    env.pop("COVERAGE_PROCESS_CONFIG", None)  # a killed process could not write its measurements
    return subprocess.Popen(
        [sys.executable, "-m", "monitor", "up"], cwd=home, env=env, stdout=subprocess.DEVNULL
    )


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM monitor.posts").fetchone()
    return int(row[0]) if row else 0


def archive(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(ARCHIVE).fetchall()


def wait_for(url: str, posts: int, until: float) -> None:
    while count(url) < posts:
        assert time.monotonic() < until, f"{count(url)} of {posts} posts"
        time.sleep(0.1)


def undisturbed() -> list[tuple[object, ...]]:
    """What the archive must hold, from the scenario alone: the start is a minute before the first post."""
    start = datetime(2024, 8, 9, tzinfo=UTC).timestamp()
    rows: list[tuple[object, ...]] = []
    for number in range(1, POSTS + 1):
        words = f"Сообщение номер {number}"
        digest = Content(words, (), None).digest().hex()
        posted = datetime.fromtimestamp(start + number * 60, UTC)
        rows.append((number, posted, 1, words, digest, "present", 1, True))
    return rows


@pytest.mark.slow
def test_kill_9_at_twenty_random_instants_of_a_backfill(url: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "channels.toml").write_text(CHANNELS, encoding="utf-8")
    chance = random.Random(20240806)
    until = time.monotonic() + LONGEST
    kills = 0
    with outside(OUTSIDE) as host:
        for number in range(KILLS):
            before = count(url)
            process = worker(tmp_path, url, host)
            wait_for(
                url, min(before + chance.randrange(20, POSTS // KILLS), POSTS - 20 * (KILLS - number)), until
            )
            time.sleep(chance.random() / 10)
            assert process.poll() is None
            process.kill()
            process.wait()
            kills += 1
        last = worker(tmp_path, url, host)
        wait_for(url, POSTS, until)
        last.terminate()
        assert last.wait(60) == 0
    assert kills == KILLS
    assert archive(url) == undisturbed()
    with psycopg.connect(url) as connection:
        covered = connection.execute(
            "SELECT range_agg(int8range(first_id, last_id, '[]'))::text FROM monitor.coverage WHERE outcome = 'ok'"
        ).fetchone()
        watch = connection.execute(
            "SELECT cursor, backfill_before, backfill_done FROM monitor.watches"
        ).fetchone()
    assert covered == (f"{{[1,{POSTS + 1})}}",)
    assert watch == (POSTS, 1, True)
