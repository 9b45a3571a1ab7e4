"""Killed while Telegram brings posts, edits and deletions, and started again, the archive ends with the truth."""

import json
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from monitor.standin.scenario import Event, Message, Scenario, Text
from monitor.standin.telegram_faults import Call, Cut, Delay, Fault, TooLong
from tests.acceptance.helpers import environment, outside

POSTS = 10_000
CHANGES = 50
KILLS = 10
PLAYED = timedelta(seconds=45)
LONGEST = 300.0
HANDLE = "killed_channel"

OUTSIDE = """
import asyncio, json, sys
from datetime import timedelta
from monitor.model import utc_now
from monitor.standin.stage import Stage
from monitor.standin.telegram import TelegramServer, serving_telegram
from tests.acceptance.test_kill_telegram import scenario, trouble

async def main():
    stage = Stage(utc_now)
    stage.play([scenario()], start=utc_now() + timedelta(seconds=5))
    server = TelegramServer(stage)
    server.chaos = trouble
    async with serving_telegram(server):
        print(json.dumps(server.session()), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""
CHANNELS = f"""
[[channel]]
handle = "{HANDLE}"
label = "Канал"
source = "telegram"
since = 2020-01-01
"""
ARCHIVE = """
    SELECT p.message_id, s.presence, array_agg(v.text ORDER BY v.version), max(v.text) FILTER (WHERE v.version = p.version)
    FROM monitor.posts p JOIN monitor.post_versions v USING (channel_id, message_id)
    JOIN monitor.post_state s USING (channel_id, message_id)
    GROUP BY p.message_id, s.presence
    """


CHANCE = random.Random(20240807)
FAULTS: list[Fault] = [Cut(), Cut(after=True), Delay(0.3), TooLong()]


def trouble(call: Call) -> Fault | None:
    """One call in ten meets a fault that passes by itself within the time of a test."""
    if call.name not in ("GetHistory", "GetMessages", "GetChannelDifference") or CHANCE.randrange(10):
        return None
    fault = CHANCE.choice(FAULTS)
    return None if isinstance(fault, TooLong) and call.name != "GetChannelDifference" else fault


def scenario() -> Scenario:
    """Most posts are there at the start; some come, and some change or go, while the worker is killed."""
    chance = random.Random(20240806)
    early = POSTS - 200
    messages = [
        Message(
            id=n,
            at=-timedelta(minutes=POSTS - n) if n <= early else PLAYED * (n - early) / 200,
            text=Text(f"Пост {n}"),
        )
        for n in range(1, POSTS + 1)
    ]
    chosen = chance.sample(range(POSTS // 2, POSTS), 2 * CHANGES)
    events = [
        Event(
            at=max(messages[n - 1].at, timedelta(0)) + PLAYED * chance.random(),
            kind="edit" if rank < CHANGES else "delete",
            post=n,
            text=Text(f"Пост {n}, исправлен") if rank < CHANGES else None,
        )
        for rank, n in enumerate(chosen)
    ]
    return Scenario(
        id=1900003000,
        handle=HANDLE,
        title="Канал",
        messages=tuple(messages),
        events=tuple(sorted(events, key=lambda event: event.at)),
    )


def worker(home: Path, url: str, session: str) -> "subprocess.Popen[bytes]":
    env = environment(
        MONITOR_DATABASE_URL=url,
        MONITOR_TELEGRAM_API_ID="1",
        MONITOR_TELEGRAM_API_HASH="x",
        MONITOR_TELEGRAM_SESSIONS=json.dumps([session]),
        MONITOR_TELEGRAM_PACE="0.02",
        MONITOR_PREVIEW_HOSTS='["http://127.0.0.1:9"]',
        MONITOR_ACCEPT_TERMS="true",
        MONITOR_LOG_LEVEL="error",
    )
    env.pop("COVERAGE_PROCESS_CONFIG", None)  # a killed process could not write its measurements
    return subprocess.Popen(
        [sys.executable, "-m", "monitor", "up"], cwd=home, env=env, stdout=subprocess.DEVNULL
    )


def archive(url: str) -> dict[int, tuple[str, list[str], str]]:
    with psycopg.connect(url) as connection:
        return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(ARCHIVE)}


def at_work(url: str, looks: int, until: float) -> int:
    """Wait until the worker has looked so often."""
    while True:
        assert time.monotonic() < until
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT coalesce(sum(looks), 0)::int FROM monitor.coverage").fetchone()
        if row is not None and row[0] >= looks:
            return int(row[0])
        time.sleep(0.05)


def wrong(url: str, played: Scenario) -> list[str]:
    """What differs between the archive and the truth."""
    held = archive(url)
    shown = {m.id: m.text.words for m in played.shown(PLAYED * 3)}
    found = [f"{n} is lost" for n in shown.keys() - held.keys()]
    for n, (presence, texts, current) in held.items():
        if (presence == "present") != (n in shown):
            found.append(f"{n} is {presence}")
        if n in shown and current != shown[n]:
            found.append(f"{n} says {current}")
        if len(texts) != len(set(texts)) or not set(texts) <= {f"Пост {n}", f"Пост {n}, исправлен"}:
            found.append(f"{n} has versions {texts}")
    return found


@pytest.mark.slow
def test_kill_9_ten_times_among_posts_edits_and_deletions(url: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "channels.toml").write_text(CHANNELS, encoding="utf-8")
    chance = random.Random(20240806)
    until = time.monotonic() + LONGEST
    looks = 0
    with outside(OUTSIDE) as printed:
        session: str = json.loads(printed)
        for _ in range(KILLS):
            process = worker(tmp_path, url, session)
            looks = at_work(url, looks + chance.randrange(2, 12), until)
            time.sleep(chance.random() / 5)
            assert process.poll() is None
            process.kill()
            process.wait()
        last = worker(tmp_path, url, session)
        at_work(url, looks + 1, until)
        played = scenario()
        while found := wrong(url, played):
            assert time.monotonic() < until, found[:10]
            assert last.poll() is None
            time.sleep(0.5)
        last.terminate()
        assert last.wait(60) == 0
    with psycopg.connect(url) as connection:
        watch = connection.execute(
            "SELECT cursor, backfill_before, backfill_done, pts FROM monitor.watches"
        ).fetchone()
    assert watch == (POSTS, 1, True, 1 + POSTS + 2 * CHANGES)
