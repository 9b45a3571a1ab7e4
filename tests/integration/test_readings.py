"""What reading gives is stored whole, once, and again when rules or sides change; many posts are read side by side."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor import collect, flag, readers, settings
from monitor.errors import MonitorError
from monitor.extraction import RuleTexts, compile_rules
from monitor.flag import Read
from monitor.model import Reading
from monitor.sources.desktop import DesktopSource
from monitor.store import flags, purges, readings
from monitor.store.database import Database, lock_channel
from monitor.store.readings import BOTTOM, Waiting
from monitor.store.rows import Packed, columns_of
from tests.acceptance.helpers import ROOT, environment
from tests.conftest import Clock
from tests.integration.helpers import ask, listed
from tests.integration.test_collect_import import export, message
from tests.rulesets import Counting, texts_of

CHANNEL = 1900000077
TEXTS = texts_of("one")
OTHER = texts_of("two")
SHIPPED = settings.rule_texts(ROOT / "config" / "rules.toml")
WORDS = {
    1: "враг потерял до 11 и 20 танков",
    2: "Погода ясная",
    3: "В Судже наши 3, с начала операции 400, ВСУ",
}


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of a test are in its own process alone."""
    monkeypatch.setattr(readers, "FEW", 10**9)


@pytest.fixture
async def filled(database: Database, tmp_path: Path, clock: Clock) -> Database:
    await taken(database, tmp_path, clock, WORDS)
    return database


async def taken(database: Database, place: Path, clock: Clock, words: dict[int, str]) -> None:
    path = export(place / "a.json", [message(n, text) for n, text in words.items()])
    await collect.take(database, DesktopSource(path, handle="long_channel"), now=clock)


async def read(
    database: Database, clock: Clock, texts: RuleTexts = TEXTS, rules: readers.Reader | None = None
) -> Read:
    return await flag.flag(database, rules or Counting(), texts, now=clock)


FIGURES = """SELECT message_id, number, kind, low, high, qualifier, side, stance, side_inferred, scope,
             CAST(since AS text), quote, is_current FROM research.figures ORDER BY message_id, number, read_at"""


async def figures(database: Database) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await ask(database, FIGURES)]


async def watched(database: Database, side: str) -> None:
    await listed(database, "long_channel", side=side)
    await ask(database, f"UPDATE monitor.watches SET channel_id = {CHANNEL} RETURNING 1")


async def test_figures_are_kept_with_all_that_the_text_says_of_them(filled: Database, clock: Clock) -> None:
    done = await read(filled, clock)
    assert (done.posts, done.flagged, done.figures) == (3, 2, 4)
    assert await figures(filled) == [
        (1, 1, "tank", None, 11, "at_most", "unknown", "enemy", None, None, None, "11", True),
        (1, 2, "tank", None, 20, "at_most", "unknown", "enemy", None, None, None, "20", True),
        (3, 1, "tank", 3, 3, "exact", "ukraine", "own", None, None, None, "3", True),
        (3, 2, "tank", 400, 400, "exact", "ukraine", "own", None, "since", "2024-08-06", "400", True),
    ]
    times = await ask(
        filled,
        "SELECT DISTINCT g.posted_at = p.posted_at FROM monitor.figures g JOIN monitor.posts p USING (channel_id, message_id)",
    )
    assert [row[0] for row in times] == [True]


async def test_an_edit_leaves_the_figures_of_the_version_before_on_record(
    filled: Database, tmp_path: Path, clock: Clock
) -> None:
    await read(filled, clock)
    edited = {"edited": "2024-08-06T14:00:00", "edited_unixtime": str(1722934800 + 9000)}
    path = export(tmp_path / "b.json", [message(1, "враг потерял 12 танков", **edited)])
    await collect.take(filled, DesktopSource(path), now=clock)
    assert (await read(filled, clock)).posts == 1
    query = "SELECT version, quote, is_current FROM research.figures WHERE message_id = 1 ORDER BY 1, number"
    rows = [tuple(row) for row in await ask(filled, query)]
    assert rows == [(1, "11", False), (1, "20", False), (2, "12", True)]


async def test_another_side_of_the_watch_makes_its_posts_due_and_infers_anew(
    filled: Database, clock: Clock
) -> None:
    await watched(filled, "russia")
    assert (await read(filled, clock)).posts == 3
    assert [row[8] for row in await figures(filled)] == ["ukraine", "ukraine", "russia", "russia"]
    assert (await read(filled, clock)).posts == 0
    await watched(filled, "ukraine")
    assert (await waiting(filled)).due == 3
    assert (await read(filled, clock)).posts == 3
    assert [row[8] for row in await figures(filled)] == ["russia", "russia", "ukraine", "ukraine"]
    assert (await read(filled, clock)).posts == 0
    sides = await ask(filled, "SELECT DISTINCT read_side FROM monitor.post_state")
    assert [row[0] for row in sides] == ["ukraine"]


async def waiting(database: Database, texts: RuleTexts = TEXTS) -> Waiting:
    async with database.transaction() as tx:
        return await readings.waiting(tx, texts.sha256)


async def test_what_waits_is_counted_under_rules_never_used_too(filled: Database, clock: Clock) -> None:
    assert await waiting(filled) == (3, 3)
    await read(filled, clock)
    assert await waiting(filled) == (0, 3)
    assert await waiting(filled, OTHER) == (3, 3)


async def test_a_channel_is_known_to_be_read_until_other_rules_read_one_of_its_posts(
    filled: Database, tmp_path: Path, clock: Clock
) -> None:
    async def known() -> tuple[object, ...]:
        rows = await ask(filled, "SELECT read_ruleset, read_side FROM monitor.channels")
        return tuple(rows[0])

    await read(filled, clock)
    assert await known() == (1, "unknown")
    await taken(filled, tmp_path, clock, {4: "ещё 5"})
    async with filled.transaction() as tx:
        other = await readings.ruleset(tx, "other", now=clock())
        posts = await readings.fresh(tx, after=BOTTOM, limit=10)
        await readings.keep(tx, other, posts, columns_of([Reading()], posts.sides), now=clock())
    assert await known() == (None, None)
    assert (await read(filled, clock)).posts == 1
    assert await known() == (1, "unknown")


async def test_a_place_is_kept_and_asks_for_no_review(filled: Database, clock: Clock) -> None:
    await read(filled, clock)
    places = await ask(
        filled, "SELECT message_id, topic, name, latitude, longitude, quote, is_current FROM research.places"
    )
    assert [tuple(row) for row in places] == [(3, "places", "Суджа", 51.2, 35.3, "Судже", True)]
    topics = await ask(filled, "SELECT DISTINCT topic FROM research.flags")
    assert [row.topic for row in topics] == ["number"]
    async with filled.transaction() as tx:
        assert await flags.total(tx) == 2
        shown = await flags.flagged(tx, limit=10)
        assert await flags.flagged(tx, limit=10, topic="places") == []
    assert [(post.message_id, len(post.figures)) for post in shown] == [(3, 2), (1, 2)]
    assert {found.topic for post in shown for found in post.flags} == {"number"}
    assert shown[0].figures[1].figure == Counting().read(WORDS[3]).figures[1]


async def test_a_post_that_is_flagged_for_no_review_alone_is_not_shown(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    await taken(database, tmp_path, clock, {1: "В Судже тихо"})
    done = await read(database, clock)
    assert (done.posts, done.flagged) == (1, 0)
    async with database.transaction() as tx:
        assert await flags.total(tx) == 0
        assert await flags.flagged_after(tx, clock().replace(year=2000), limit=10) == []


async def test_the_rules_of_an_archive_are_shown_whole(filled: Database, clock: Clock) -> None:
    await read(filled, clock)
    await read(filled, clock, OTHER)
    rows = await ask(filled, "SELECT sha256, body, first_used_at FROM research.rulesets ORDER BY ruleset_id")
    assert [tuple(row) for row in rows] == [(t.sha256.hex(), t.body, clock()) for t in (TEXTS, OTHER)]


async def test_of_a_post_purged_while_it_was_read_nothing_is_written(filled: Database, clock: Clock) -> None:
    async with filled.transaction() as tx:
        ruleset = await readings.ruleset(tx, TEXTS.body, now=clock())
        posts = await readings.fresh(tx, after=BOTTOM, limit=10)
    found = columns_of(map(Counting().read, posts.texts.texts()), posts.sides)
    async with filled.transaction() as tx:
        await lock_channel(tx, CHANNEL)
        await purges.purge(tx, CHANNEL, 1, now=clock(), reason="asked for")
    async with filled.transaction() as tx:
        assert await readings.keep(tx, ruleset, posts, found, now=clock()) == 2
    for table in ("flags", "figures"):
        rows = await ask(filled, f"SELECT DISTINCT message_id FROM monitor.{table}")
        assert [row.message_id for row in rows] == [3], table


MANY = 2500


def many() -> dict[int, str]:
    return {n: f"Под Курском и в Судже 11 танков, номер {n}" if n % 3 else "Тихо" for n in range(1, MANY + 1)}


async def everything(database: Database) -> list[tuple[object, ...]]:
    flagged = "SELECT message_id, topic, CAST(spans AS text), is_current FROM research.flags WHERE is_current ORDER BY 1, 2"
    return [tuple(row) for row in await ask(database, flagged)] + [
        row for row in await figures(database) if row[-1]
    ]


async def test_processes_find_what_the_thread_finds(
    database: Database, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken(database, tmp_path, clock, many())
    rules = compile_rules(SHIPPED)
    assert (await read(database, clock, SHIPPED, rules)).posts == MANY
    once = await everything(database)
    assert len(once) > MANY
    monkeypatch.setattr(flag, "BATCH", 100)
    monkeypatch.setattr(readers, "FEW", -1)
    started: list[object] = []

    class Nowhere:
        """Counts what is read here, and not in the processes; so slow that those have the time to begin."""

        def read(self, text: str) -> Reading:
            started.append(text)
            time.sleep(0.003)
            return rules.read(text)

    changed = SHIPPED._replace(rules=SHIPPED.rules._replace(text=SHIPPED.rules.text + "\n#\n"))
    done = await flag.flag(database, Nowhere(), changed, now=clock, processes=2)
    assert done.posts == MANY
    assert len(started) < MANY
    assert await everything(database) == once


async def test_a_stop_loses_nothing_and_the_next_run_goes_on(
    database: Database, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flag, "BATCH", 100)
    await taken(database, tmp_path, clock, many())
    await read(database, clock)
    so_far: list[int] = []

    def stored(done: Read) -> None:
        so_far.append(done.posts)

    stopped = await flag.flag(
        database, Counting(), OTHER, now=clock, stored=stored, stop=lambda: len(so_far) > 4
    )
    assert 500 <= stopped.posts < MANY
    assert (await waiting(database, OTHER)).due == MANY - stopped.posts
    assert (await read(database, clock, OTHER)).posts == MANY - stopped.posts
    assert (await waiting(database, OTHER)).due == 0


async def test_new_posts_do_not_wait_for_the_old_ones(
    database: Database, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flag, "BATCH", 100)
    await taken(database, tmp_path, clock, many())
    await read(database, clock)
    came = asyncio.Event()
    order: list[str] = []

    class Watching(Counting):
        def read(self, text: str) -> Reading:
            order.append(text)
            return super().read(text)

    running = asyncio.create_task(
        flag.flag(database, Watching(), OTHER, now=clock, stored=lambda done: came.set())
    )
    await came.wait()
    await taken(database, tmp_path, clock, {MANY + 1: "новое 7"})
    taken_by_then = len(order)
    assert (await running).posts == MANY + 1
    assert order.index("новое 7") < min(taken_by_then + 1500, MANY)
    assert (await waiting(database, OTHER)).due == 0


async def test_new_posts_below_those_under_way_are_read_in_the_same_run(
    database: Database, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flag, "BATCH", 10)
    words = {n: f"номер {n}" for n in range(50, 100)}
    await taken(database, tmp_path, clock, words)
    earlier = iter([{3: "номер 3"}])
    came: list[asyncio.Task[None]] = []

    def stored(done: Read) -> None:
        came.extend(asyncio.create_task(taken(database, tmp_path, clock, more)) for more in earlier)

    await flag.flag(database, Counting(), TEXTS, now=clock, stored=stored)
    await asyncio.gather(*came)
    await read(database, clock)
    assert (await waiting(database)).due == 0


async def test_an_error_in_a_batch_ends_the_run_and_what_was_stored_stays(
    database: Database, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flag, "BATCH", 100)
    await taken(database, tmp_path, clock, many())

    class Failing(Counting):
        def read(self, text: str) -> Reading:
            if text.endswith("номер 1001"):
                raise RuntimeError("a fault of ours")
            return super().read(text)

    with pytest.raises(RuntimeError, match="a fault of ours"):
        await read(database, clock, rules=Failing())
    due = (await waiting(database)).due
    assert 0 < due <= MANY
    assert (await read(database, clock)).posts == due


async def test_a_process_that_is_killed_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "FEW", -1)
    rules = compile_rules(SHIPPED)
    batch = readers.Batch(Packed.of(["11 танков"] * 20), [""] * 20)
    async with readers.opened(rules, SHIPPED, columns_of, processes=1) as reading:
        await reading.read(batch)
        while not reading._is_ready():
            await asyncio.sleep(0.02)
        assert reading._pool is not None
        for number in list(reading._pool._processes):
            os.kill(number, signal.SIGKILL)
        with pytest.raises(MonitorError, match="a process that reads posts was ended") as caught:
            await reading.read(batch)
    assert len(caught.value.lines()) == 3


REFLAG = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from monitor import flag, settings
from monitor.store.database import Database

async def main():
    flag.BATCH = 50
    rules, texts = settings.rules(Path(sys.argv[2]))
    async with Database(sys.argv[1]) as database:
        await flag.flag(database, rules, texts, now=lambda: datetime(2024, 8, 9, tzinfo=UTC), processes=2,
                        stored=lambda read: print(read.posts, flush=True))

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.slow
async def test_killed_in_the_midst_and_begun_anew_it_is_as_if_nothing_had_happened(
    database: Database, url: str, tmp_path: Path, clock: Clock
) -> None:
    await taken(database, tmp_path, clock, many())
    rules = compile_rules(SHIPPED)
    await read(database, clock, SHIPPED, rules)
    once = await everything(database)
    for name, file in SHIPPED._asdict().items():
        (tmp_path / f"{name}.toml").write_text(file.text + ("\n#\n" if name == "rules" else ""))
    texts = settings.rule_texts(tmp_path / "rules.toml")
    (tmp_path / "reflag.py").write_text(REFLAG)
    env = environment()
    env.pop("COVERAGE_PROCESS_CONFIG", None)
    command = [sys.executable, str(tmp_path / "reflag.py"), url, str(tmp_path / "rules.toml")]
    for batches in (1, 9, 25):
        process = subprocess.Popen(  # noqa: ASYNC220 - it is to be killed
            command, cwd=ROOT, env=env | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(batches):
            if not await asyncio.to_thread(process.stdout.readline):
                break
        process.kill()
        await asyncio.to_thread(process.communicate)
    due = (await waiting(database, texts)).due
    assert due < MANY
    assert (await read(database, clock, texts, rules)).posts == due
    assert await everything(database) == once
