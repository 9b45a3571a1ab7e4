"""The memory of an export, measured in the process that makes it: it does not grow with the archive."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from bench.export_archive import measured

# Some 800 letters each, so that a third of the larger archive alone would be more than the bound.
FILL = """
    INSERT INTO monitor.channels (channel_id, first_seen_at, version) VALUES (7, now(), 1);
    INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, handle) VALUES (7, 1, now(), 'desktop', 'long_channel');
    INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source)
    SELECT 7, n, now(), now(), 1, 'desktop' FROM generate_series(1, {posts}) n;
    INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
    SELECT 7, n, 1, now(), 'desktop', false, repeat('Сообщение номер ' || n || ' ', 36), 1, sha256(n::text::bytea)
    FROM generate_series(1, {posts}) n;
    INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at) SELECT 7, n, 1, now() FROM generate_series(1, {posts}) n;
    ANALYZE
"""
GROWTH_MB, PEAK_MB = 25, 200


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_memory_does_not_grow_with_the_rows(form: str, another: Callable[[], str], tmp_path: Path) -> None:
    peaks = []
    for posts in (10_000, 60_000):
        url = another()
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in FILL.format(posts=posts).split(";"):
                connection.execute(statement)
        _, rows, _, peak = measured(url, tmp_path / str(posts), form)
        assert rows >= 2 * posts
        peaks.append(peak)
    assert peaks[1] - peaks[0] < GROWTH_MB
    assert peaks[1] < PEAK_MB
