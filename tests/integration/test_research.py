"""What researchers rely on: what was said at a time, copies, forwards and gaps, over a real database."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from monitor.store.database import Database
from tests.integration.board_helpers import AUGUST, make_channel, make_post
from tests.integration.helpers import ask, listed


def at(hours: float) -> datetime:
    return AUGUST + timedelta(hours=hours)


async def version(
    database: Database, message_id: int, number: int, words: str, *, seen: float, edited: float | None
) -> None:
    await ask(
        database,
        """INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, edited_at, text, form, sha256)
           VALUES (7, :m, :v, :seen, 'preview', true, :edited, :words, 1, '\\x02') RETURNING 1""",
        m=message_id,
        v=number,
        seen=at(seen),
        edited=None if edited is None else at(edited),
        words=words,
    )


async def said(database: Database, hours: float) -> list[tuple[Any, ...]]:
    rows = await ask(
        database,
        "SELECT message_id, version, text FROM research.posts_as_of(:at) ORDER BY message_id",
        at=at(hours),
    )
    return [tuple(row) for row in rows]


async def test_what_was_said_at_a_time_follows_edits_and_deletions(database: Database) -> None:
    await make_channel(database, 7, "Ministry")
    await make_post(database, (7, 1), "первое", hours=8)
    await make_post(database, (7, 2), "второе", hours=9)
    await version(database, 1, 2, "первое, исправлено", seen=13, edited=11)
    await version(database, 1, 3, "первое, ещё раз", seen=15, edited=None)
    await ask(
        database,
        "UPDATE monitor.post_state SET presence = 'deleted', deleted_at = :at WHERE message_id = 2 RETURNING 1",
        at=at(12),
    )
    assert await said(database, 7) == []
    assert await said(database, 8) == [(1, 1, "первое")]
    assert await said(database, 10.5) == [(1, 1, "первое"), (2, 1, "второе")]
    assert await said(database, 11) == [(1, 2, "первое, исправлено"), (2, 1, "второе")]
    assert await said(database, 12) == [(1, 2, "первое, исправлено")]
    assert await said(database, 15) == [(1, 3, "первое, ещё раз")]
    rows = await ask(database, "SELECT handle, said_from, sha256 FROM research.posts_as_of(:at)", at=at(14))
    assert [tuple(row) for row in rows] == [("channel_7", at(11), "02")]


async def test_an_older_version_that_was_found_later_is_in_its_time(database: Database) -> None:
    await make_channel(database, 7, "Ministry")
    await make_post(database, (7, 1), "каким стало", hours=8)
    await ask(database, "UPDATE monitor.post_versions SET edited_at = :at RETURNING 1", at=at(10))
    await version(database, 1, 2, "каким было", seen=20, edited=9)
    assert await said(database, 8.5) == []
    assert await said(database, 9) == [(1, 2, "каким было")]
    assert await said(database, 21) == [(1, 1, "каким стало")]


async def test_the_function_is_put_into_the_query_that_calls_it(database: Database) -> None:
    async with database.transaction() as tx:
        rows = await tx.execute(
            text(
                "EXPLAIN SELECT text FROM research.posts_as_of(now()) WHERE channel_id = 7 AND message_id = 1"
            )
        )
        plan = "\n".join(row[0] for row in rows)
    assert "Function Scan" not in plan
    assert "posts_as_of" not in plan
    assert "post_versions" in plan


async def test_copies_are_in_order_and_forwards_say_how_late_they_are(database: Database) -> None:
    await make_channel(database, 7, "Ministry")
    await make_channel(database, 8, "Majors")
    await make_post(database, (7, 1), "Курск", hours=8)
    await make_post(database, (8, 2), "Курск", hours=9.5, case=False)
    await ask(
        database,
        """INSERT INTO monitor.case_posts SELECT 8, 2, case_id, 1, topics, joined_at FROM monitor.case_posts RETURNING 1""",
    )
    await ask(
        database,
        """UPDATE monitor.posts SET forward_kind = 'channel', forward_channel_id = 7, forward_message_id = 1
           WHERE channel_id = 8 RETURNING 1""",
    )
    copies = await ask(database, "SELECT handle, place, after_first FROM research.copies ORDER BY place")
    assert [tuple(row) for row in copies] == [
        ("channel_7", 1, timedelta(0)),
        ("channel_8", 2, timedelta(hours=1.5)),
    ]
    forwards = await ask(database, "SELECT handle, after_origin FROM research.forwards")
    assert [tuple(row) for row in forwards] == [("channel_8", timedelta(hours=1.5))]


async def test_gaps_lie_between_looks_that_saw_the_channel(database: Database) -> None:
    await listed(database, "channel_7")
    for start, end, outcome in ((0, 3, "ok"), (3.5, 5, "ok"), (6, 8, "unreachable"), (11, 12, "ok")):
        await ask(
            database,
            """INSERT INTO monitor.coverage (handle, source, kind, outcome, started_at, ended_at, looks)
               VALUES ('channel_7', 'preview', 'live', :outcome, :start, :end, 2) RETURNING 1""",
            outcome=outcome,
            start=at(start),
            end=at(end),
        )
    rows = await ask(database, "SELECT since, until, length FROM research.gaps")
    assert [tuple(row) for row in rows] == [(at(5), at(11), timedelta(hours=6))]


async def test_the_schema_says_its_version_and_a_channel_its_history(database: Database) -> None:
    await make_channel(database, 7, "Ministry", subscribers=100)
    await make_channel(database, 7, "Ministry of Defence", subscribers=90, at=at(3))
    history = await ask(
        database, "SELECT version, title, subscribers FROM research.channel_history ORDER BY version"
    )
    assert [tuple(row) for row in history] == [(1, "Ministry", 100), (2, "Ministry of Defence", 90)]
    [meta] = await ask(database, "SELECT schema_version FROM research.meta")
    assert meta.schema_version == "1.3"
