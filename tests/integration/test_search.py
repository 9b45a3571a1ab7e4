"""The text index, the daily counts, and searching: by words in any form, by regular expressions, over a real database."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from bench.plans import Node, explained
from monitor.errors import UsageError
from monitor.index import BATCH, index
from monitor.maintain import Keeping, maintain
from monitor.store import indexing, partitions, purges, search
from monitor.store.database import Database
from monitor.store.search import Asked
from tests.acceptance.helpers import ROOT
from tests.conftest import Clock
from tests.integration.board_helpers import AUGUST, make_channel, make_post
from tests.integration.helpers import ask

WORDS = {
    1: "Противник атаковал в Курской области, уничтожено 11 танков",
    2: "В Судже идут бои. Губернатор: ситуация стабильная",
    3: "Ворог атакував Курську область, знищено дронами п'ять танків",
    4: "Ukrainian forces attacked near Sudzha; 5 tanks were destroyed",
    5: "Погода без осадков",
}


async def make(database: Database, words: dict[int, str] = WORDS) -> None:
    await make_channel(database, 7, "Ministry")
    for number, said in words.items():
        await make_post(database, (7, number), said, hours=number)


async def run(database: Database, *, months: int = 12, now: datetime = AUGUST) -> dict[str, int]:
    return (await index(database, now=lambda: now, regex_months=months)).numbers()


async def found(database: Database, words: str, **more: Any) -> list[int]:
    return [hit.message_id for hit in await hits(database, words, **more)]


async def hits(database: Database, words: str, **more: Any) -> Sequence[search.Hit]:
    async with database.transaction() as tx:
        return await search.find(tx, Asked(words=words, **more), timeout_ms=10_000)


async def test_words_are_found_in_any_form_and_language(database: Database) -> None:
    await make(database)
    assert await run(database) == {"posts": 5, "texts": 5, "days": 1}
    assert await found(database, "курская") == [1]
    assert sorted(await found(database, "танк")) == [1, 3]
    assert await found(database, "суджа") == [2]
    assert await found(database, "attack tank") == [4]
    assert await found(database, "Курської області") == [3]
    assert await found(database, "п’ять дронів") == [3]
    assert await found(database, '"идут бои"') == [2]
    assert await found(database, '"бои идут"') == []
    assert await found(database, "танки -курская", newest=True) == [3]
    assert await found(database, "осадки or суджа", newest=True) == [5, 2]
    assert await found(database, "и") == []


async def test_the_best_come_first_or_the_newest(database: Database) -> None:
    await make(
        database, {1: "танк, танк, танк", 2: "танк и поле и лес", 3: "о погоде и танке, и о поле, и о реке"}
    )
    await run(database)
    assert (await found(database, "танк"))[0] == 1
    assert await found(database, "танк", newest=True) == [3, 2, 1]
    assert await found(database, "танк", newest=True, most=2) == [3, 2]


async def test_filters_narrow_a_search(database: Database) -> None:
    await make(database)
    await make_channel(database, 8, "Majors")
    await make_post(database, (8, 1), "танки у Суджи", hours=30, topics=("sudzha",))
    await run(database)
    at = AUGUST + timedelta(hours=1)
    assert await found(database, "танк", channel="@CHANNEL_8") == [1]
    assert await found(database, "танк", channel="8") == [1]
    assert await found(database, "танк", channel="nobody") == []
    assert await found(database, "", channel="8") == await found(database, "", channel="@CHANNEL_8") == [1]
    assert [(h.handle, h.topics) for h in await hits(database, "танк", topic="sudzha")] == [
        ("channel_8", ("sudzha",))
    ]
    assert await found(database, "танк", since=at, until=at + timedelta(seconds=1)) == [1]
    assert await found(database, "танк", since=at + timedelta(seconds=1), newest=True) == [1, 3]
    assert await found(database, "танк", until=at) == []
    for function in ("search", "matching"):
        asked = f"SELECT count(*) AS n FROM research.{function}('танк', since => NULL, until => NULL)"
        assert (await ask(database, asked))[0].n == 3


async def test_excerpts_mark_what_matched(database: Database) -> None:
    await make(database)
    await run(database)
    [russian] = await hits(database, "область курская")
    assert "⟦Курской⟧ ⟦области⟧" in russian.excerpt
    [ukrainian] = await hits(database, "область дрон")
    assert "⟦область⟧" in ukrainian.excerpt
    assert "⟦дронами⟧" in ukrainian.excerpt
    [by_regex] = await hits(database, r"\d+ танк", regex=True)
    assert by_regex.excerpt == "Противник атаковал в Курской области, уничтожено ⟦11 танк⟧ов"
    assert (by_regex.handle, by_regex.title, by_regex.presence) == ("channel_7", "Ministry", "present")


async def test_a_long_text_is_cut_around_what_matches(database: Database) -> None:
    await make(database, {1: "до " * 100 + "СУДЖА" + " по" * 100})
    await run(database)
    [hit] = await hits(database, "суджа", regex=True)
    assert hit.excerpt.startswith("… ")
    assert hit.excerpt.endswith(" …")
    assert "⟦СУДЖА⟧" in hit.excerpt
    assert len(hit.excerpt) < 250


async def test_signs_that_cannot_be_seen_hide_nothing(database: Database) -> None:
    await make(database, {1: "Су\u00adд\u200bжа́"})
    await run(database)
    assert await found(database, "суджа") == [1]
    assert await found(database, "суджа", regex=True) == [1]


async def test_a_wrong_expression_and_words_that_say_nothing_are_told(database: Database) -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        await found(database, "(суджа", regex=True)
    async with database.transaction() as tx:
        assert await search.only_common(tx, "и в на")
        assert not await search.only_common(tx, "суджа")


async def test_a_search_that_takes_too_long_is_told(database: Database) -> None:
    await make(database)
    await run(database)
    slow = "(" + "|".join(f"({'.{0,60}' * 3}{n})" for n in range(40)) + ")\\1"
    async with database.transaction() as tx:
        with pytest.raises(UsageError, match="takes too long"):
            await search.find(tx, Asked(words=slow, regex=True), timeout_ms=1)


async def test_an_edit_is_found_by_its_new_words_alone(database: Database) -> None:
    await make(database)
    await run(database)
    await _edit(database, 2, "В Рыльске тихо")
    assert (await run(database))["texts"] == 1
    assert await found(database, "суджа") == []
    assert await found(database, "рыльск") == [2]
    await _edit(database, 2, "", version=3)
    await run(database)
    assert await found(database, "рыльск") == []
    [day] = await ask(database, "SELECT posts, edited, flagged FROM research.daily_posts")
    assert tuple(day) == (5, 1, 4)


async def test_a_post_that_moves_in_time_moves_in_the_index_and_the_counts(database: Database) -> None:
    await make(database)
    await run(database)
    for month in (9, 10):
        await ask(
            database,
            "UPDATE monitor.posts SET posted_at = :at WHERE message_id = 2 RETURNING 1",
            at=datetime(2024, month, 1, tzinfo=UTC),
        )
    await run(database)
    assert [hit.posted_at.month for hit in await hits(database, "суджа")] == [10]
    rows = await ask(database, "SELECT day::text, posts FROM research.daily_posts ORDER BY day")
    assert [tuple(row) for row in rows] == [("2024-08-06", 4), ("2024-10-01", 1)]
    assert len(await ask(database, "SELECT 1 FROM monitor.post_search")) == 5


async def test_deletions_and_figures_are_counted_by_day(database: Database) -> None:
    await make_channel(database, 7, "Ministry")
    figure = {"kind": "tank", "low": 11.0, "high": None, "side": "unknown", "side_inferred": "ukraine"}
    await make_post(
        database, (7, 1), "не менее 11 танков", figures=[figure, figure | {"low": 5.0, "high": 7.0}]
    )
    await make_post(database, (7, 2), "о другом", topics=())
    await run(database)
    assert await ask(database, "SELECT 1 FROM monitor.index_due") == []
    await ask(
        database,
        "UPDATE monitor.post_state SET presence = 'deleted', deleted_at = now() WHERE message_id = 1 RETURNING 1",
    )
    await run(database)
    [day] = await ask(
        database, "SELECT handle, posts, edited, deleted, missing, flagged FROM research.daily_posts"
    )
    assert tuple(day) == ("channel_7", 2, 0, 1, 0, 1)
    [claims] = await ask(
        database, "SELECT kind, side, figures, posts, least, most FROM research.daily_figures"
    )
    assert tuple(claims) == ("tank", "ukraine", 2, 1, 5.0, 11.0)


async def test_a_purge_takes_a_post_out_of_search_and_counts(database: Database) -> None:
    await make(database)
    await run(database)
    async with database.transaction() as tx:
        await purges.purge(tx, 7, 2, now=AUGUST, reason="a court")
    assert await found(database, "суджа") == []
    await run(database)
    [day] = await ask(database, "SELECT posts FROM research.daily_posts")
    assert day.posts == 4
    async with database.transaction() as tx:
        await purges.purge(tx, 7, None, now=AUGUST, reason="a court")
    await run(database)
    assert await ask(database, "SELECT 1 FROM research.daily_posts") == []


async def test_more_than_a_batch_is_indexed_in_one_run_and_stops_when_asked(database: Database) -> None:
    await make_channel(database, 7, "Ministry")
    await ask(
        database,
        """WITH p AS (INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source)
                      SELECT 7, n, :at, :at, 1, 'preview' FROM generate_series(1, :n) n RETURNING message_id),
                v AS (INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
                      SELECT 7, message_id, 1, :at, 'preview', false, 'слово', 1, '\\x01' FROM p)
           INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at) SELECT 7, message_id, 1, :at FROM p RETURNING 1""",
        at=AUGUST,
        n=BATCH + 1,
    )
    stopped = await index(database, now=lambda: AUGUST, regex_months=0, stop=lambda: True)
    assert stopped.posts == 0
    assert (await run(database))["posts"] == BATCH + 1
    assert len(await found(database, "слово", most=BATCH * 2)) == BATCH + 1


async def test_two_runs_that_count_one_day_wait_for_each_other(database: Database) -> None:
    await make(database)
    await run(database, months=0)
    await make_post(database, (7, 6), "Танки", hours=6)
    async with database.transaction() as first:
        await indexing.write(first, await indexing.take(first, limit=1), regex_since=None)
        await make_post(database, (7, 7), "Танки", hours=7)
        second = asyncio.create_task(run(database, months=0))
        while not await _waits(database):
            assert not second.done()
            await asyncio.sleep(0.01)
    assert (await second)["posts"] == 1
    [row] = await ask(database, "SELECT posts FROM monitor.daily_posts")
    assert row.posts == 7


async def _waits(database: Database) -> bool:
    [row] = await ask(database, "SELECT count(*) AS n FROM pg_locks WHERE NOT granted")
    return bool(row.n)


async def test_the_recent_months_can_be_searched_by_expressions(database: Database, clock: Clock) -> None:
    await make(database)
    await run(database, months=1, now=datetime(2024, 9, 30, tzinfo=UTC))
    assert await _with_regex(database) == []
    for months, wanted in ((2, ["202408"]), (0, [])):
        await maintain(
            database, now=lambda: datetime(2024, 9, 1, tzinfo=UTC), keeping=Keeping(regex_months=months)
        )
        assert [m for m in await _with_regex(database) if m == "202408"] == wanted
    assert partitions.first_of(0, now=clock()) is None


async def test_raw_records_are_dropped_by_the_month(database: Database) -> None:
    keeping = Keeping(raw_months=2)
    for month in (6, 7, 8):
        await maintain(database, now=lambda m=month: datetime(2024, m, 15, tzinfo=UTC), keeping=Keeping())  # type: ignore[misc]
    kept = await maintain(database, now=lambda: datetime(2024, 8, 15, tzinfo=UTC), keeping=keeping)
    assert kept.dropped == 1
    async with database.transaction() as tx:
        months = await partitions.months(tx, "raw_records")
    assert [m.month for m in months] == [7, 8, 9]


@pytest.mark.parametrize("looked", [1, 3, 20_000])
async def test_a_topic_without_words_is_found_however_long_ago_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch, looked: int
) -> None:
    monkeypatch.setattr(search, "_LOOKED", looked)
    await make_channel(database, 7, "Ministry")
    await make_channel(database, 8, "Majors")
    for number in range(1, 9):
        topics = ("sudzha", "kursk") if number in (2, 3, 7) else ("kursk",)
        await make_post(database, (7 + number % 2, number), f"танк {number}", hours=number, topics=topics)
    await make_post(database, (7, 9), "", hours=3.5, topics=("sudzha",))
    await run(database)
    assert await found(database, "", topic="sudzha") == [7, 3, 2]
    assert await found(database, "", topic="sudzha", most=2) == [7, 3]
    assert await found(database, "", topic="sudzha", channel="8") == [7, 3]
    assert await found(database, "", topic="sudzha", until=AUGUST + timedelta(hours=7)) == [3, 2]
    assert await found(database, "", topic="sudzha", since=AUGUST + timedelta(hours=3)) == [7, 3]
    assert await found(database, "", topic="weather") == []
    assert await found(database, "танк", topic="sudzha", newest=True) == [7, 3, 2]
    await _edit(database, 3, "погода")
    assert await found(database, "", topic="sudzha") == [7, 2]


async def test_a_rare_word_is_not_sought_along_the_time(database: Database) -> None:
    await make(database)
    await run(database)
    asked = "SELECT message_id FROM research.search(%(words)s, ranked => false)"
    plans = await asyncio.to_thread(_plans, database.url, asked, {"words": "суджа"})
    assert "Backward" not in str(plans)
    assert "post_search" in str(plans)


@pytest.mark.parametrize("function", ["search", "matching"])
async def test_a_prepared_search_is_planned_with_its_values(database: Database, function: str) -> None:
    await make(database)
    await run(database)
    asked = f"SELECT message_id FROM research.{function}(%(words)s, %(since)s, %(until)s)"
    values = {"words": "судже", "since": AUGUST, "until": AUGUST + timedelta(days=1)}
    plans = await asyncio.to_thread(_plans, database.url, asked, values)
    assert "post_search_202408" in str(plans)
    assert re.search(r"posted_at >= '2024-08-06", str(plans))
    assert not re.search(r"posted_at [<>]=? \$", str(plans))
    assert ("text ~~* '%судже%'" in str(plans)) is (function == "matching")


def _plans(url: str, asked: str, values: dict[str, Any]) -> Sequence[Node]:
    """What Postgres does for a client that prepares what it asks, and has asked it before."""
    options = "-c plan_cache_mode=force_generic_plan -c timezone=UTC"
    with psycopg.connect(url, autocommit=True, options=options, prepare_threshold=0) as driver:
        return explained(driver, asked, values)


async def _edit(database: Database, number: int, words: str, *, version: int = 2) -> None:
    await ask(
        database,
        """INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
           VALUES (7, :m, :v, :at, 'preview', true, :words, 1, '\\x02') RETURNING 1""",
        m=number, v=version, at=AUGUST, words=words,
    )  # fmt: skip
    await ask(
        database,
        "UPDATE monitor.posts SET version = :v WHERE message_id = :m RETURNING 1",
        m=number,
        v=version,
    )
    await ask(
        database,
        "UPDATE monitor.post_state SET version = :v WHERE message_id = :m RETURNING 1",
        m=number,
        v=version,
    )


async def _with_regex(database: Database) -> list[str]:
    rows = await ask(
        database,
        "SELECT substring(indexname, '[0-9]{6}') AS month FROM pg_indexes WHERE indexname LIKE 'post_search_%_text' ORDER BY 1",
    )
    return [row.month for row in rows]


async def test_the_statements_of_the_page_on_searching_run(database: Database) -> None:
    await make(database)
    await run(database)
    page = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    statements = [
        s
        for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
        for s in block.split(";\n")
        if s.strip()
    ]
    assert len(statements) == 3
    driver = await AsyncConnection.connect(database.url)
    async with driver:
        for statement in statements:
            await driver.execute(statement.encode())
