"""Saved queries over the demo's channels, as the real steps collect, read and review them; the portable ones in DuckDB too."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import sql

from monitor import queries
from monitor.errors import QueryRefused, QueryTooLong, UsageError
from monitor.queries import SavedQuery
from monitor.store import research
from monitor.store.database import Database
from monitor.store.embedded import Server
from tests.acceptance.helpers import ROOT
from tests.conftest import TEMPLATE
from tests.integration.helpers import ask
from tests.integration.played import play

SAVED = queries.load(ROOT / "docs" / "queries")
# As long as a query of a few hundred posts may take on a slow machine.
SECONDS = 5.0
Row = dict[str, Any]


@pytest.fixture(scope="module")
def played(postgres: Server) -> Iterator[str]:
    """The address of a database with five days of the demo; the tests here only read it."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        name = f"played_{connection.info.backend_pid}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))

        async def work() -> None:
            async with Database(postgres.url(name)) as database:
                await play(database)

        asyncio.run(work())
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def archive(played: str) -> AsyncIterator[Database]:
    async with Database(played) as opened:
        yield opened


async def answer(database: Database, query: SavedQuery, **written: str) -> list[Row]:
    query.known(written)
    async with research.answered(database, query, query.values(written), seconds=SECONDS) as found:
        return [dict(zip(found.columns, row, strict=True)) async for row in found.rows(10_000)]


async def asked(database: Database, name: str, **written: str) -> list[Row]:
    return await answer(database, SAVED[name], **written)


def own(text: str, head: str = "") -> SavedQuery:
    return queries.parse("own", f"-- title: x\n-- question: x\n{head}\n{text}")


# --- every query --------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_each_runs_as_it_is_and_finds_something(archive: Database) -> None:
    found = {name: await asked(archive, name) for name in SAVED}
    assert [name for name, rows in found.items() if not rows] == []


@pytest.mark.slow
def test_the_order_of_rows_does_not_hang_on_how_they_are_found(played: str) -> None:
    plans = (
        "",
        "SET enable_hashjoin = off; SET enable_hashagg = off; SET enable_seqscan = off; SET enable_material = off",
    )
    answers = []
    for plan in plans:
        with psycopg.connect(played, autocommit=True, options="-c timezone=UTC") as connection:
            connection.execute(plan or "SELECT 1")
            answers.append({name: _rows(connection, query) for name, query in SAVED.items()})
    assert answers[0] == answers[1]


def _rows(connection: "psycopg.Connection[tuple[Any, ...]]", query: SavedQuery) -> list[tuple[Any, ...]]:
    return connection.execute(query.filled(query.values({})).encode()).fetchall()


# --- known answers: what the scenarios of the demo say ------------------------------------------------------


async def test_the_ministry_named_three_hundred_first_and_two_repeated_it(archive: Database) -> None:
    rows = await asked(archive, "first-claims", kind="personnel")
    (claim,) = [row for row in rows if row["high"] == 300 and row["low"] is None]
    told = {name: claim[name] for name in ("handle", "message_id", "quote", "side", "channels")}
    assert told == {
        "handle": "demo_ministry", "message_id": 20, "quote": "до 300 военнослужащих ВСУ", "side": "ukraine", "channels": 3,
    }  # fmt: skip
    assert f"{claim['said_at']:%d %H:%M}" == "06 10:20"


async def test_a_text_spread_from_the_ministry_by_forwards(archive: Database) -> None:
    rows = await asked(archive, "spread", channels="3")
    told = [
        (row["place"], row["handle"], str(row["after_first"]), row["how"], row["forwarded_from"])
        for row in rows
    ]
    assert told == [
        (1, "demo_ministry", "0:00:00", "own words", None),
        (2, "demo_blogger", "0:11:23", "forward", "demo_ministry"),
        (3, "demo_governor", "0:38:21", "forward", "demo_ministry"),
    ]


async def test_five_burnt_tanks_were_four_before_the_edit(archive: Database) -> None:
    (row,) = await asked(archive, "corrected-figures", kind="tank")
    assert (row["handle"], row["message_id"], row["version"]) == ("demo_blogger", 18860, 2)
    assert (row["quote_before"], row["quote_after"], row["change"]) == ("4 танка", "5 танков", 1)
    assert f"{row['changed_at']:%d %H:%M:%S}" == "06 12:05:53"


async def test_an_edit_is_shown_with_its_figures_before_and_after(archive: Database) -> None:
    rows = await asked(archive, "edited-posts", channel="@Demo_Blogger")
    assert [row["message_id"] for row in rows] == [18837, 18854, 18860, 18873, 18881]
    burnt = rows[2]
    assert burnt["figures_before"].startswith("4 танка; ")
    assert burnt["figures_after"].startswith("5 танков; ")
    assert str(burnt["after_posting"]) == "0:25:33"


async def test_what_was_deleted_is_still_told(archive: Database) -> None:
    rows = await asked(archive, "deleted-posts")
    assert sorted((row["handle"], row["message_id"]) for row in rows) == [
        *(("demo_blogger", number) for number in (18827, 18846, 18899, 18930)),
        ("demo_governor", 4331),
        ("demo_ministry", 30),
    ]
    assert all(row["text"] and row["deleted_at"] > row["posted_at"] for row in rows)


async def test_what_was_said_at_a_time_has_neither_what_came_later_nor_what_was_gone(
    archive: Database,
) -> None:
    before = await asked(archive, "said-as-of", at="2024-08-06 10:30", channel="demo_governor")
    after = await asked(archive, "said-as-of", at="2024-08-06 11:30", channel="demo_governor")
    held = {row["message_id"]: row for row in before}, {row["message_id"]: row for row in after}
    assert 4331 in held[0]
    assert 4331 not in held[1]
    assert "ранены шесть" in held[0][4330]["text"]
    assert "ранены восемь" in held[1][4330]["text"]
    assert max(row["posted_at"] for row in before) < min(
        row["posted_at"] for number, row in held[1].items() if number not in held[0]
    )


async def test_nobody_looked_on_the_first_evening_and_in_the_small_hours_of_the_third_day(
    archive: Database,
) -> None:
    rows = await asked(archive, "gaps", channel="demo_blogger")
    assert [(f"{row['since']:%d %H}", f"{row['until']:%d %H}", row["hours"]) for row in rows] == [
        ("05 17", "05 21", 4),
        ("07 20", "08 03", 7),
    ]
    assert all(row["posts_held"] for row in rows)


async def test_channels_speak_of_a_topic_one_after_the_other(archive: Database) -> None:
    rows = await asked(archive, "first-mentions", topic="sudzha")
    assert rows[0]["handle"] == "demo_governor"
    assert rows[0]["after_first"].total_seconds() == 0
    assert [row["said_at"] for row in rows] == sorted(row["said_at"] for row in rows)
    assert all(row["topic"] == "sudzha" for row in rows)


async def test_the_town_is_the_place_named_most(archive: Database) -> None:
    (first, *_) = await asked(archive, "places")
    assert (first["name"], first["mentions"], first["channels"]) == ("Суджа", 21, 3)
    counted = await ask(
        archive, "SELECT count(*) AS n FROM research.places WHERE is_current AND name = 'Суджа'"
    )
    assert counted[0].n == 21


async def test_second_looks_are_set_beside_first_opinions(archive: Database) -> None:
    rows = await asked(archive, "agreement")
    assert [(row["opinion"], row["answer"], row["cases"], row["share"], row["outcome"]) for row in rows] == [
        ("relevant", "not_relevant", 5, Decimal("0.500"), "disagreed"),
        ("relevant", "relevant", 5, Decimal("0.500"), "agreed"),
    ]


async def test_what_was_read_is_set_beside_what_was_said_of_it(archive: Database) -> None:
    rows = await asked(archive, "read-and-confirmed")
    assert [sum(row[name] for row in rows) for name in ("decided", "confirmed", "corrected", "rejected")] == [
        24, 12, 8, 4,
    ]  # fmt: skip


async def test_a_channel_was_renamed_and_its_subscribers_are_known(archive: Database) -> None:
    rows = await asked(archive, "channel-names", channel="demo_blogger")
    assert [row["change"] for row in rows] == ["first seen", "the same name", "another name"]
    assert (rows[-1]["title"], rows[-1]["title_before"]) == (
        "Два наблюдателя | Курск (демо)",
        "Два наблюдателя (демо)",
    )
    assert rows[-1]["subscribers"] == 871_200


async def test_days_add_up_to_all_posts(archive: Database) -> None:
    rows = await asked(archive, "posts-per-day")
    (total,) = await ask(
        archive,
        """SELECT count(*) AS posts, count(*) FILTER (WHERE version > 1) AS edited,
                  count(*) FILTER (WHERE presence = 'deleted') AS deleted FROM research.posts""",
    )
    assert tuple(sum(row[name] for row in rows) for name in ("posts", "edited", "deleted")) == tuple(total)
    assert total.deleted == 6


async def test_claims_that_cannot_both_be_true_are_found_and_copies_are_not_set_against_each_other(
    archive: Database,
) -> None:
    rows = await asked(archive, "contradictions", kind="personnel", side="ukraine")
    wide = await asked(archive, "contradictions", within="4 days")
    assert len(wide) > len(await asked(archive, "contradictions"))
    for row in [*rows, *wide]:
        apart = (
            row["other_low"] is not None and row["high"] is not None and row["other_low"] > row["high"]
        ) or (row["other_high"] is not None and row["low"] is not None and row["other_high"] < row["low"])
        assert apart
        assert row["channel_id"] != row["other_channel_id"]
        assert {row["message_id"], row["other_message_id"]} != {20, 18856}


async def test_a_window_and_a_channel_narrow_an_answer(archive: Database) -> None:
    everything = await asked(archive, "words", words="суджа")
    day = {"since": "2024-08-06", "until": "2024-08-07"}
    narrowed = await asked(archive, "words", words="СУДЖА", channel="@demo_governor", **day)
    assert narrowed
    assert narrowed == [
        row for row in everything if row["handle"] == "demo_governor" and f"{row['posted_at']:%d}" == "06"
    ]


# --- bounds -------------------------------------------------------------------------------------------------


async def test_a_query_that_takes_too_long_is_ended_and_says_so(archive: Database) -> None:
    slow = own("SELECT pg_sleep(30), :a", "-- :a text = : x")
    with pytest.raises(QueryTooLong, match=r"own took longer than 0\.1 s"):
        async with research.answered(archive, slow, slow.values({}), seconds=0.1):
            pass
    assert (await ask(archive, "SELECT current_setting('statement_timeout') AS own"))[0].own == "0"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT nextval('monitor.cases_case_id_seq')", "read-only transaction"),
        ("SELECT * FROM research.nothing", "does not exist"),
        ("SELEKT 1", "syntax error"),
    ],
)
async def test_what_the_database_does_not_take_is_said(archive: Database, text: str, why: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        await answer(archive, own(text))
    assert why in refused.value.why


async def test_a_value_that_is_out_of_bounds_is_said(archive: Database) -> None:
    with pytest.raises(UsageError, match="own cannot work with a value"):
        await answer(archive, own("SELECT CAST(:a AS smallint)", "-- :a integer = 1: x"), a="99999")


async def test_colons_and_percents_of_a_query_are_its_own(archive: Database) -> None:
    text = "SELECT ':a' AS \"b:a\", 'x%' LIKE '%' AS c, '\\' AS d, 5 % 3 AS e, :a::text || '%s' AS f"
    assert await answer(archive, own(text, "-- :a text = : x"), a="%(a)s:a") == [
        {"b:a": ":a", "c": True, "d": "\\", "e": 2, "f": "%(a)s:a%s"}
    ]


@pytest.fixture
def role(played: str) -> Iterator[str]:
    """A role that may read the schema of researchers and nothing else."""
    with psycopg.connect(played, autocommit=True) as connection:
        name = f"readers_{connection.info.backend_pid}"
        role = sql.Identifier(name)
        for statement in (
            "CREATE ROLE {} NOLOGIN",
            "GRANT USAGE ON SCHEMA research TO {}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA research TO {}",
        ):
            connection.execute(sql.SQL(statement).format(role))
        yield name
        for statement in ("DROP OWNED BY {}", "DROP ROLE {}"):
            connection.execute(sql.SQL(statement).format(role))


async def test_a_query_has_the_rights_of_researchers_where_there_is_such_a_role(
    archive: Database, role: str
) -> None:
    async def who(name: str, text: str) -> object:
        query = own(text)
        async with research.answered(archive, query, {}, seconds=SECONDS, role=name) as found:
            (row,) = [row async for row in found.rows(2)]
            return row[0]

    assert await who(role, "SELECT current_user") == role
    assert await who("no_such_role", "SELECT current_user") != role
    assert await who(role, "SELECT count(*) FROM research.posts") == 281
    with pytest.raises(QueryRefused) as refused:
        await who(role, "SELECT count(*) FROM monitor.users")
    assert "permission denied" in refused.value.why
    for name in SAVED:
        query = SAVED[name]
        async with research.answered(archive, query, query.values({}), seconds=SECONDS, role=role) as found:
            assert found.columns
    assert (await ask(archive, "SELECT current_user AS own"))[0].own != role


# --- DuckDB -------------------------------------------------------------------------------------------------

_TYPES = {"tsvector": "text",
    "timestamp with time zone": "TIMESTAMPTZ", "double precision": "DOUBLE", "jsonb": "VARCHAR", "text[]": "VARCHAR",
}  # fmt: skip


@pytest.mark.slow
async def test_portable_queries_find_the_same_in_duckdb_over_files_of_the_views(
    archive: Database, played: str, tmp_path: Path
) -> None:
    async with archive.transaction() as tx:
        views = [view for view in await research.catalogue(tx) if view.arguments is None]
    portable = [query for query in SAVED.values() if query.portable]
    assert len(portable) >= 10
    with (
        psycopg.connect(played, autocommit=True, options="-c timezone=UTC") as connection,
        duckdb.connect() as duck,
    ):
        duck.execute("SET TimeZone = 'UTC'")
        duck.execute("CREATE SCHEMA research")
        for view in views:
            _copied(connection, duck, view, tmp_path / f"{view.name}.csv")
        for query in portable:
            there = duck.execute(query.filled(query.values({}))).fetchall()
            assert _plain(there) == _plain(_rows(connection, query)), query.name


def _copied(
    connection: "psycopg.Connection[tuple[Any, ...]]",
    duck: duckdb.DuckDBPyConnection,
    view: research.View,
    path: Path,
) -> None:
    """A view as a file, and the file as a table of DuckDB."""
    columns = ", ".join(f'"{one.name}" {_TYPES.get(one.type, one.type)}' for one in view.columns)
    duck.execute(f"CREATE TABLE research.{view.name} ({columns})")
    copy = f"COPY (SELECT * FROM research.{view.name}) TO STDOUT (FORMAT csv, HEADER, NULL '\\N')"
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(copy.encode()) as chunks:
        for chunk in chunks:
            file.write(chunk)
    duck.execute(f"COPY research.{view.name} FROM '{path}' (FORMAT csv, HEADER, NULLSTR '\\N')")


def _plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows with numbers of one type: each database has its own for sums and shares."""
    return [
        tuple(float(value) if isinstance(value, Decimal | int) else value for value in row) for row in rows
    ]


# --- the catalogue ------------------------------------------------------------------------------------------


async def test_every_view_column_and_function_says_what_it_means(database: Database) -> None:
    async with database.transaction() as tx:
        views = await research.catalogue(tx)
    assert {view.name for view in views} >= {"posts", "versions", "figures", "coverage", "posts_as_of"}
    silent = [view.name for view in views if not view.meaning]
    silent += [
        f"{view.name}.{one.name}"
        for view in views
        for one in view.columns
        if view.arguments is None and not one.meaning
    ]
    assert silent == []


async def test_a_view_or_column_without_a_comment_is_seen(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.exec_driver_sql("CREATE VIEW research.silent AS SELECT 1 AS nothing")
        views = {view.name: view for view in await research.catalogue(tx)}
    assert (views["silent"].meaning, views["silent"].columns[0].meaning) == ("", "")
