"""The store by itself: migrations and tables agree, the views are commented, guards refuse, dumps come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import Connection, create_engine, make_url, text

from monitor import changes
from monitor.errors import DatabaseError
from monitor.model import Channel, Count, Entity, Look, LookKind, Post, SetAside, SourceName
from monitor.store import aside, backup, channels, coverage, migrate, partitions, posts, runs, watches
from monitor.store.coverage import Looked
from monitor.store.database import SESSION, WORKER_LOCK, Database
from monitor.store.embedded import Server, ensure_database
from monitor.store.tables import SCHEMA, metadata
from tests.conftest import Clock
from tests.integration.helpers import ask, listed

NOW = datetime(2024, 8, 9, 12, tzinfo=UTC)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"), connect_args={"options": SESSION}
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_migrations_make_exactly_the_tables(url: str) -> None:
    with connected(url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "version_table_schema": SCHEMA,
                "include_name": lambda name, kind, parents: kind != "schema" or name == SCHEMA,
                "include_object": lambda thing, name, kind, reflected, other: (
                    not str(name).startswith(("raw_records_", "post_search_"))
                ),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_every_view_and_column_for_researchers_has_its_comment(url: str) -> None:
    bare = """
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0
        WHERE n.nspname = 'research' AND coalesce(col_description(c.oid, a.attnum), '') = ''
        UNION ALL
        SELECT c.relname, '' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'research' AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''
        UNION ALL
        SELECT p.proname, '()' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'research' AND coalesce(obj_description(p.oid, 'pg_proc'), '') = ''
    """
    with connected(url) as connection:
        names = connection.execute(
            text("SELECT table_name FROM information_schema.views WHERE table_schema = 'research'")
        )
        assert {row[0] for row in names} == {
            *(
                "mentions",
                "cases",
                "figure_decisions",
                "watches",
                "posts",
                "versions",
                "channels",
                "flags",
                "figures",
                "places",
                "rulesets",
                "coverage",
                "counts",
                "vacant_ids",
                "media",
                "tombstones",
                "decisions",
                "rule_precision",
                "meta",
                "channel_history",
                "forwards",
                "copies",
                "gaps",
                "confirmed_figures",
                "search_texts",
                "daily_posts",
                "daily_figures",
            )
        }
        assert connection.execute(text(bare)).all() == []
        mute = """SELECT proname FROM pg_proc WHERE pronamespace = 'research'::regnamespace
                  AND coalesce(obj_description(oid, 'pg_proc'), '') = ''"""
        assert connection.execute(text(mute)).all() == []


async def test_upgrading_again_does_nothing_and_an_unknown_revision_is_refused(url: str) -> None:
    head = migrate.newest()
    assert await migrate.upgrade(url) == (head, head)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE monitor.alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="newer than this version"):
        await migrate.upgrade(url)


def test_an_archive_of_the_version_before_keeps_what_was_read_and_what_was_not(postgres: Server) -> None:
    name = "of_before"
    ensure_database(postgres.url("postgres"), name)
    with connected(postgres.url(name)) as connection:
        config = migrate._config(connection)
        command.upgrade(config, "0003")
        for number, ruleset in ((1, "7"), (2, "NULL")):
            connection.execute(
                text(
                    f"""INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at, read_ruleset)
                        VALUES (1, {number}, 1, now(), {ruleset})"""
                )
            )
        connection.commit()
        command.upgrade(config, "head")
        rows = connection.execute(text("SELECT message_id, unread FROM monitor.post_state ORDER BY 1"))
        assert [tuple(row) for row in rows] == [(1, False), (2, True)]
        connection.execute(
            text(
                "INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at) VALUES (1, 3, 1, now())"
            )
        )
        fresh = connection.execute(text("SELECT unread FROM monitor.post_state WHERE message_id = 3"))
        assert fresh.scalar_one() is True


async def test_a_migration_that_fails_says_so(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM monitor.alembic_version")
    with pytest.raises(DatabaseError, match="could not be migrated"):
        await migrate.upgrade(url)


async def test_a_database_that_does_not_know_cyrillic_is_refused(postgres: Server) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE deaf TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'"
        )
        try:
            with pytest.raises(DatabaseError, match="does not understand Cyrillic") as caught:
                async with Database(postgres.url("deaf")):
                    pass
            assert "C.UTF-8" in caught.value.mend
        finally:
            connection.execute("DROP DATABASE deaf WITH (FORCE)")


@pytest.mark.parametrize(
    "address", ["postgresql://nobody@127.0.0.1:9/none", "postgresql:///none?host=/nowhere"]
)
async def test_a_server_that_is_not_there_is_three_lines(address: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        async with Database(address):
            pass
    assert len(caught.value.lines()) == 3


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(DatabaseError, match="cannot be read"):
        Database("not an address")


async def test_one_worker_at_a_time(url: str) -> None:
    async with Database(url) as first, Database(url) as second, first.only_one(WORKER_LOCK) as alone:
        assert alone
        async with second.only_one(WORKER_LOCK) as also:
            assert not also


async def test_partitions_are_made_ahead_over_the_turn_of_the_year(database: Database) -> None:
    december = datetime(2023, 12, 31, 23, tzinfo=UTC)
    async with database.transaction() as tx:
        assert await partitions.ensure(tx, now=december) == 4
        assert await partitions.ensure(tx, now=december) == 0
    rows = await ask(
        database, "SELECT relname FROM pg_class WHERE relname ~ '^raw_records_2[0-9]{5}$' ORDER BY 1"
    )
    assert {"raw_records_202312", "raw_records_202401"} <= {r.relname for r in rows}
    measured = await ask(
        database,
        "SELECT attstattarget FROM pg_attribute WHERE attname = 'vector' AND attrelid = 'monitor.post_search_202312'::regclass",
    )
    assert [row.attstattarget for row in measured] == [1000]


async def look(database: Database, first: int | None, last: int | None, **more: object) -> None:
    span = None if first is None or last is None else (first, last)
    looked = Looked(
        **{  # type: ignore[arg-type]
            "source": SourceName.PREVIEW,
            "kind": LookKind.LIVE,
            "at": NOW,
            "handle": "a_channel",
            "channel_id": 7,
            "span": span,
        }
        | more
    )
    async with database.transaction() as tx:
        await coverage.keep(tx, looked)


async def test_looks_in_a_row_share_a_row_and_a_gap_begins_another(database: Database) -> None:
    await look(database, 10, 20)
    await look(database, 15, 25)
    await look(database, 40, 50)
    await look(database, None, None, outcome="unreachable", detail="no route")
    await look(database, None, None, outcome="unreachable", detail="no route")
    await look(database, 26, 39)
    rows = await ask(
        database, "SELECT first_id, last_id, outcome, looks FROM research.coverage ORDER BY started_at, 1"
    )
    assert sorted([tuple(map(str, r)) for r in rows]) == sorted(
        [
            ("10", "25", "ok", "2"),
            ("40", "50", "ok", "1"),
            ("None", "None", "unreachable", "2"),
            ("26", "39", "ok", "1"),
        ]
    )
    async with database.transaction() as tx:
        assert await coverage.spans(tx, 7) == [(10, 50)]


async def test_a_channel_that_changes_gets_a_version_and_what_was_not_seen_stays(database: Database) -> None:
    first = Channel(channel_id=7, title="Имя", handle="Name", subscribers=Count(1100, 100), verified=True)
    async with database.transaction() as tx:
        assert await channels.keep(tx, first, source=SourceName.PREVIEW, at=NOW)
        assert not await channels.keep(tx, first, source=SourceName.PREVIEW, at=NOW)
        assert not await channels.keep(
            tx, Channel(channel_id=7, title="Имя"), source=SourceName.DESKTOP, at=NOW
        )
        assert await channels.keep(
            tx, Channel(channel_id=7, title="Иначе"), source=SourceName.DESKTOP, at=NOW
        )
    rows = await ask(database, "SELECT title, handle, subscribers, descriptions FROM research.channels")
    assert [tuple(r) for r in rows] == [("Иначе", "Name", 1100, 2)]


async def test_what_is_set_aside_again_is_counted(database: Database) -> None:
    async with database.transaction() as tx:
        for _ in range(2):
            await aside.keep(tx, [SetAside(b"{", "torn", 5)], source=SourceName.DESKTOP, at=NOW)
        await aside.keep(tx, [], source=SourceName.DESKTOP, at=NOW)
        assert await aside.total(tx) == 1
        newest = await aside.newest(tx, limit=5)
    assert [(a.message_id, a.reason, a.times) for a in newest] == [(5, "torn", 2)]


async def test_a_run_that_did_nothing_leaves_no_row_and_a_killed_one_is_closed(
    database: Database, clock: Clock
) -> None:
    async with database.transaction() as tx:
        idle, busy, bad, killed = [await runs.begin(tx, "collect", now=clock()) for _ in range(4)]
        await runs.end(tx, idle, now=clock(), counts={"looks": 4, "posts": 0})
        await runs.end(tx, busy, now=clock(), counts={"looks": 4, "posts": 2})
        await runs.end(tx, bad, now=clock(), counts={}, error="no route")
        assert await runs.close_broken_off(tx, now=clock()) == 1
    rows = await ask(database, "SELECT run_id, outcome FROM monitor.runs ORDER BY run_id")
    assert [tuple(r) for r in rows] == [(busy, "done"), (bad, "failed"), (killed, "broken off")]


def test_text_that_postgres_cannot_hold_is_made_storable() -> None:
    assert posts.storable("a\x00б") == "a\ufffdб"
    assert posts.storable("\ud83d") == "?"
    assert posts.storable("😀") == "😀"


def fill(url: str, words: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO monitor.channels VALUES (7, now(), 1)")
        connection.execute(
            "INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source) "
            "VALUES (7, 1, now(), now(), 1, %s)",
            (words,),
        )


def source_of(url: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT source FROM monitor.posts").fetchone()
    return row[0] if row else None


def test_a_dump_comes_back_and_never_over_posts_unasked(url: str, postgres: Server, tmp_path: Path) -> None:
    fill(url, "dumped")
    path = tmp_path / "archive.dump"
    assert backup.dump(url, path) == path.stat().st_size
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE monitor.posts SET source = 'later'")
    with pytest.raises(DatabaseError, match="holds posts"):
        backup.restore(url, path, replace=False)
    assert source_of(url) == "later"
    backup.restore(url, path, replace=True)
    assert source_of(url) == "dumped"


def test_a_broken_dump_leaves_the_archive_as_it_is(url: str, tmp_path: Path) -> None:
    fill(url, "mine")
    path = tmp_path / "archive.dump"
    path.write_bytes(b"no dump")
    with pytest.raises(DatabaseError, match="could not be restored"):
        backup.restore(url, path, replace=True)
    with pytest.raises(DatabaseError, match="no dump at"):
        backup.restore(url, tmp_path / "nowhere", replace=True)
    assert source_of(url) == "mine"


def test_a_dump_of_something_else_is_refused(url: str, postgres: Server, tmp_path: Path) -> None:
    fill(url, "mine")
    name = make_url(url).database + "_else"  # type: ignore[operator]
    ensure_database(postgres.url("postgres"), name)
    backup.dump(postgres.url(name), tmp_path / "else.dump")
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    with pytest.raises(DatabaseError, match="holds no archive"):
        backup.restore(url, tmp_path / "else.dump", replace=True)
    assert source_of(url) == "mine"


def test_a_dump_that_cannot_be_written_says_so(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="could not be dumped"):
        backup.dump(url, tmp_path / "nowhere" / "archive.dump")


def test_an_address_is_shown_without_its_password() -> None:
    assert "secret" not in backup.shown("postgresql://me:secret@host/db")


def test_programs_that_are_not_there_are_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatabaseError, match="pg_dump is not here"):
        backup.dump(url, tmp_path / "x", bin_dir=str(tmp_path))


async def test_looks_after_a_pause_begin_another_row(database: Database) -> None:
    await look(database, 10, 20)
    await look(database, 15, 25, at=NOW + timedelta(hours=2))
    await look(database, 15, 25, at=NOW + timedelta(days=6))
    rows = await ask(database, "SELECT looks FROM research.coverage ORDER BY started_at")
    assert [r.looks for r in rows] == [2, 1]


async def test_a_wider_backfill_asked_for_meanwhile_goes_on(database: Database) -> None:
    await listed(database, "a_channel", since=NOW)
    async with database.transaction() as tx:
        before = await watches.find(tx, "a_channel")
        assert before is not None
        await watches.advance(tx, before, cursor=50, before=30, channel_id=7)
        assert await watches.reach_back(tx, "a_channel", since=NOW - timedelta(days=9))
        begun = replace(before, channel_id=7)
        await watches.backfilled(tx, replace(begun, channel_id=8), before=10, done=True)
        await watches.backfilled(tx, begun, before=20, done=True)
        after = await watches.find(tx, "a_channel")
        assert after is not None
        assert (after.backfill_done, after.backfill_before) == (False, 20)
        await watches.backfilled(tx, after, before=1, done=True)
        assert await watches.reach_back(tx, "a_channel", since=NOW - timedelta(days=99))
        done = await watches.find(tx, "a_channel")
    assert done is not None
    assert done.backfill_done


async def test_a_cursor_that_was_set_back_is_not_moved_from_an_old_place(database: Database) -> None:
    await listed(database, "a_channel")
    async with database.transaction() as tx:
        fresh = await watches.find(tx, "a_channel")
        assert fresh is not None
        await watches.advance(tx, fresh, cursor=50, before=30, channel_id=7)
        ahead = replace(fresh, cursor=1000)
        await watches.advance(tx, ahead, cursor=1020, before=None, channel_id=7)
        held = await watches.find(tx, "a_channel")
    assert held is not None
    assert held.cursor == 50


def a_look(words: str, **more: object) -> Look:
    post = Post(channel_id=7, message_id=1, posted_at=NOW, text=words, raw=b"raw", **more)  # type: ignore[arg-type]
    return Look(source=SourceName.PREVIEW, at=NOW, channel=Channel(channel_id=7), posts=(post,))


async def keep(database: Database, seen: Look, *, fail: bool = False) -> None:
    async with database.transaction() as tx:
        await partitions.ensure(tx, now=NOW)
        hashes = changes.digests(seen.posts)
        await posts.keep(tx, seen, changes.decide(seen, hashes, {}, now=NOW))
        if fail:
            raise RuntimeError("after all was written")


async def test_a_connection_writes_again_after_a_transaction_was_rolled_back(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await keep(database, a_look("Первый"), fail=True)
    await keep(database, a_look("Второй"))
    rows = await ask(database, "SELECT text FROM research.posts")
    assert [r.text for r in rows] == ["Второй"]


async def test_text_that_postgres_refuses_is_kept_in_another_form(database: Database) -> None:
    extras = {"link_preview": {"title": "a \\u0000 b", "url": "x\x00y", "list": ["\ud83d", 1]}}
    link = Entity("text_link", 0, 3, "https://example.org/\x00")
    await keep(database, a_look("NUL\x00", extras=extras, entities=(link,)))
    rows = await ask(database, "SELECT text, extras, entities FROM research.posts")
    assert rows[0].text == "NUL\ufffd"
    assert rows[0].extras["link_preview"] == {"title": "a \\u0000 b", "url": "x\ufffdy", "list": ["?", 1]}
    assert rows[0].entities[0]["value"] == "https://example.org/\ufffd"


def test_a_restore_keeps_encoding_and_locale_and_refuses_beside_a_worker(url: str, tmp_path: Path) -> None:
    path = tmp_path / "archive.dump"
    backup.dump(url, path)
    with psycopg.connect(url) as worker:
        worker.execute("SELECT pg_advisory_lock(%s, %s)", WORKER_LOCK)
        with pytest.raises(DatabaseError, match="a worker is at work"):
            backup.restore(url, path, replace=True)
    backup.restore(url, path, replace=True)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("b", "C.UTF-8")


def test_a_server_that_is_gone_and_a_directory_are_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(DatabaseError, match="could not be restored"):
        backup.restore("postgresql://nobody@127.0.0.1:9/none", tmp_path / "x", replace=True)
    with pytest.raises(DatabaseError, match="is a directory"):
        backup.dump("postgresql://nobody@127.0.0.1:9/none", tmp_path)
