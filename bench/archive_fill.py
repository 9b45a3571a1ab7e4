"""An archive of millions of invented posts, written straight into its tables by a process for each half of the months.

Words are inflected Russian ones drawn by Zipf's law, every third a stop word; lengths are lognormal with some 590
characters at the mean. One post in a hundred is flagged, and there are three figures to ten posts.
"""

import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from multiprocessing import get_context

import numpy as np
import psycopg
import pymorphy3

CHANNELS, MONTHS, BLOCK = 500, 24, 5000
FIRST_CHANNEL = 1_900_010_000
WORDS, EACH = 400_000, 12
STOP = """
    и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было
    вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть был него до вас опять уж
    вам ведь там потом себя ничего ей может они тут где есть надо
    """.split()  # noqa: SIM905 - as a list it is a word a line
STOP_SHARE, MEAN_WORDS, SPREAD = 0.33, 84, 0.7
KINDS = ("personnel", "killed", "wounded", "tank", "armour", "uav", "settlement", "distance")
SIDES = ("ukraine", "russia", "unknown")
END = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """Months of one process: where to write, how many posts a month, and which months, counted back from the newest."""

    url: str
    a_month: int
    months: Sequence[int]


@cache
def vocabulary() -> tuple[np.ndarray, np.ndarray]:
    """Words, the commonest first, and how likely each is to be drawn."""
    known = pymorphy3.MorphAnalyzer(lang="ru").dictionary.words.iterkeys()
    words = list(
        itertools.islice(
            (w for w in itertools.islice(known, 0, None, EACH) if len(w) > 2 and w.isalpha()), WORDS
        )
    )
    random.Random(6).shuffle(words)
    weights = 1 / (np.arange(len(words)) + 2.7)
    return np.array(words, dtype=object), weights / weights.sum()


def month(back: int) -> tuple[datetime, datetime]:
    """The first instant of a month, so many before the newest, and of the one after it."""
    count = END.year * 12 + END.month - 2 - back
    first = datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
    return first, (first + timedelta(days=32)).replace(day=1)


def texts(chance: np.random.Generator, count: int) -> Iterator[str]:
    """So many posts' words."""
    words, weights = vocabulary()
    sizes = np.clip(chance.lognormal(np.log(MEAN_WORDS) - SPREAD**2 / 2, SPREAD, count).astype(int), 4, 600)
    total = int(sizes.sum())
    drawn = words[np.searchsorted(np.cumsum(weights), chance.random(total) * 0.999999)]
    common = chance.random(total) < STOP_SHARE
    drawn[common] = np.array(STOP, dtype=object)[chance.integers(0, len(STOP), int(common.sum()))]
    at = 0
    for size in sizes:
        yield " ".join(drawn[at : at + size])
        at += size


def fill_part(part: Part) -> int:
    """Write the posts of some months and make them ready for search; gives how many."""
    made = 0
    with psycopg.connect(part.url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off; SET work_mem = '64MB'")
        for back in part.months:
            first, end = month(back)
            chance = np.random.default_rng(back)
            for start in range(0, part.a_month, BLOCK):
                count = min(BLOCK, part.a_month - start)
                number = (MONTHS - back) * 10_000_000 + start
                span = (end - first) / part.a_month
                _block(connection, chance, [(number + n, first + span * (start + n)) for n in range(count)])
                made += count
            connection.execute(SEARCH, (first, end))
            sys.stderr.write(f"{first:%Y-%m} · {made:,} posts\n")
    return made


def _block(
    connection: "psycopg.Connection[tuple[object, ...]]",
    chance: np.random.Generator,
    keys: Sequence[tuple[int, datetime]],
) -> None:
    shares = 1 / (np.arange(CHANNELS) + 5)
    channels = FIRST_CHANNEL + chance.choice(CHANNELS, len(keys), p=shares / shares.sum())
    rows = [
        (int(channel), number, at, words)
        for channel, (number, at), words in zip(channels, keys, texts(chance, len(keys)), strict=True)
    ]
    cursor = connection.cursor()
    with connection.transaction():
        with cursor.copy(POSTS) as copy:
            for channel, number, at, _ in rows:
                copy.write_row((channel, number, at, at, 1, "desktop"))
        with cursor.copy(VERSIONS) as copy:
            for channel, number, at, words in rows:
                copy.write_row(
                    (channel, number, 1, at, "desktop", False, words, 1, sha256(words.encode()).digest())
                )
        with cursor.copy(STATES) as copy:
            for channel, number, at, _ in rows:
                copy.write_row((channel, number, 1, at, 1, "unknown", False))
        with cursor.copy(FLAGS) as copy:
            for channel, number, at, _ in rows[::100]:
                copy.write_row((channel, number, 1, 1, ("kursk", "sudzha")[number % 2], "[]", at))
        with cursor.copy(FIGURES) as copy:
            for n, (channel, number, at, _) in enumerate(rows):
                if n % 10 in (0, 3, 7):
                    low = float(number % 300 + 1)
                    kind, side = KINDS[number % len(KINDS)], SIDES[number // 7 % len(SIDES)]
                    copy.write_row(
                        (channel, number, 1, 1, 1, at, kind, low, low, "exact", side, 0, 5, "слово", at)
                    )


def _copy(table: str, columns: str) -> str:
    return f"COPY monitor.{table} ({columns}) FROM STDIN"


POSTS = _copy("posts", "channel_id, message_id, posted_at, first_seen_at, version, source")
VERSIONS = _copy(
    "post_versions", "channel_id, message_id, version, seen_at, source, edited, text, form, sha256"
)
STATES = _copy("post_state", "channel_id, message_id, version, last_seen_at, read_ruleset, read_side, unread")
FLAGS = _copy("flags", "channel_id, message_id, version, ruleset_id, topic, spans, flagged_at")
FIGURES = _copy(
    "figures",
    "channel_id, message_id, version, ruleset_id, number, posted_at, kind, low, high, qualifier, side, first_char, end_char, "
    "term, read_at",
)
SEARCH = """
    INSERT INTO monitor.post_search (channel_id, message_id, posted_at, version, language, text, vector)
    SELECT channel_id, message_id, posted_at, version, language, plain, research.search_vector(plain, language)
    FROM (SELECT p.channel_id, p.message_id, p.posted_at, p.version, research.plain(v.text) AS plain,
                 research.language_of(v.text) AS language
          FROM monitor.posts p JOIN monitor.post_versions v USING (channel_id, message_id, version)
          WHERE p.posted_at >= %s AND p.posted_at < %s OFFSET 0) t
    """
BEFORE = f"""
    ALTER TABLE monitor.posts DISABLE TRIGGER posts_new_index;
    DROP INDEX monitor.post_search_vector;
    INSERT INTO monitor.rulesets (sha256, body, first_used_at) VALUES ('\\x01', '', now());
    INSERT INTO monitor.channels (channel_id, first_seen_at, version)
    SELECT {FIRST_CHANNEL} + n, now(), 1 FROM generate_series(0, {CHANNELS} - 1) n;
    INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, title, handle, subscribers)
    SELECT {FIRST_CHANNEL} + n, 1, now(), 'desktop', 'Канал ' || n, 'bench_' || n, 1000 * n
    FROM generate_series(0, {CHANNELS} - 1) n
    """
AFTER = (
    "CREATE INDEX post_search_vector ON monitor.post_search USING gin (vector)",
    """
    INSERT INTO monitor.daily_posts (channel_id, day, posts, edited, deleted, missing, flagged)
    SELECT p.channel_id, CAST(p.posted_at AT TIME ZONE 'UTC' AS date), count(*), 0, 0, 0, count(f.topic)
    FROM monitor.posts p LEFT JOIN monitor.flags f USING (channel_id, message_id) GROUP BY 1, 2
    """,
    """
    INSERT INTO monitor.daily_figures (channel_id, day, kind, side, figures, posts, least, most)
    SELECT channel_id, CAST(posted_at AT TIME ZONE 'UTC' AS date), kind, side, count(*), count(*), min(low), max(high)
    FROM monitor.figures GROUP BY 1, 2, 3, 4
    """,
    "ALTER TABLE monitor.posts ENABLE TRIGGER posts_new_index",
    (
        "VACUUM ANALYZE monitor.posts, monitor.post_versions, monitor.post_state, monitor.flags, monitor.figures, "
        "monitor.daily_posts, monitor.daily_figures, monitor.channels, monitor.channel_versions"
    ),
    "VACUUM monitor.post_search",
)


def fill(url: str, posts: int) -> None:
    """Fill an empty archive, whose months have their partitions, with about so many posts."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(BEFORE)
    halves = [Part(url, posts // MONTHS, range(half, MONTHS, 2)) for half in (0, 1)]
    with ProcessPoolExecutor(len(halves), mp_context=get_context("spawn")) as pool:
        made = sum(pool.map(fill_part, halves))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        for statement in AFTER:
            connection.execute(statement)
    print(f"{made:,} posts in {time.monotonic() - began:.0f} s")
