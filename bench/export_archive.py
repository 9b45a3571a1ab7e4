"""How long it takes to take a large archive out into files, and how much memory the process holds that does it.

The whole command runs in a process of its own, and what is told is the most that this process ever held.

    python -m bench.export_archive [--posts 1000000] [--formats parquet csv jsonl]
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from bench.digest import peak
from bench.scratch import scratch_server
from monitor.store import migrate
from monitor.store.embedded import ensure_database

# Half of the posts are formatted, every one was counted twice, and one in forty was edited.
RICHER = (
    """UPDATE monitor.post_versions SET links = ARRAY['https://example.org/' || message_id], entities = jsonb_build_array(
           jsonb_build_object('type', 'bold', 'offset', 0, 'length', 12),
           jsonb_build_object('type', 'text_url', 'offset', 20, 'length', 9, 'value', 'https://example.org/' || message_id))
       WHERE message_id % 2 = 0""",
    """INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, edited_at, text, form, sha256)
       SELECT channel_id, message_id, 2, seen_at + interval '2 hours', 'desktop', true, seen_at + interval '1 hour',
              text || ' Уточнено.', 1, sha256(text::bytea)
       FROM monitor.post_versions WHERE message_id % 40 = 0""",
    """INSERT INTO monitor.post_counts (channel_id, message_id, seen_at, source, views, views_unit, reactions)
       SELECT channel_id, message_id, first_seen_at + n * interval '6 hours', 'preview', 100 * n + message_id % 997, 100,
              jsonb_build_object('👍', ARRAY[n, 1])
       FROM monitor.posts CROSS JOIN generate_series(1, 2) n""",
    "VACUUM ANALYZE",
)


async def prepare(url: str, posts: int) -> None:
    """An archive of so many posts, one in twenty of them flagged."""
    from bench.review import fill  # noqa: PLC0415

    await migrate.upgrade(url)
    await fill(url, posts=posts, cases=posts // 20)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as direct:
        for statement in RICHER:
            await direct.execute(statement)


def take_out(folder: str, form: str) -> None:
    """Run the command in this process, and print the most memory that it held, in kB."""
    from monitor.cli import main as monitor  # noqa: PLC0415

    sys.argv = ["monitor", "export", folder, "--format", form]
    try:
        monitor()
    except SystemExit as done:
        if done.code:
            raise
    print(peak())


def measured(url: str, folder: Path, form: str) -> tuple[float, int, int, float]:
    """Seconds, rows, bytes, and the peak of memory in MB."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bench.export_archive", "--out", str(folder), "--formats", form],
        env={**os.environ, "MONITOR_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.perf_counter() - began
    held = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    return (
        took,
        sum(file["rows"] for file in held),
        sum(file["bytes"] for file in held),
        int(done.stdout.split()[-1]) / 1024,
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=["parquet", "csv", "jsonl"])
    parser.add_argument("--out", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.out:
        take_out(asked.out, asked.formats[0])
        return
    with scratch_server() as (scratch, server):
        ensure_database(server.url("postgres"), "takeout")
        url = server.url("takeout")
        began = time.perf_counter()
        asyncio.run(prepare(url, asked.posts))
        print(f"{asked.posts} posts, filled in {time.perf_counter() - began:.0f} s")
        for form in asked.formats:
            took, rows, size, held = measured(url, scratch / form, form)
            print(
                f"{form:8}{rows} rows in {took:.0f} s, {rows / took:.0f} rows/s, {size / 1e6:.0f} MB, peak {held:.0f} MB"
            )


if __name__ == "__main__":
    main()
