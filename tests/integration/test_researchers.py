"""A researcher's login, by password over loopback: what it reads, what it cannot do, and who else is kept out."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from monitor import oversee
from monitor.errors import DatabaseError, RightsLacking, UsageError
from monitor.model import Limits
from monitor.store import backup, hearing, migrate, researchers
from monitor.store.database import Database
from monitor.store.embedded import Server, Supervisor, ensure_database, find_binaries, reload_settings
from tests.conftest import Clock

Connection = psycopg.Connection[tuple[object, ...]]
REFUSED = (psycopg.errors.InsufficientPrivilege,)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def cluster() -> Iterator[Server]:
    """A server that listens on loopback, with an archive."""
    place = Path(tempfile.mkdtemp(prefix="monitor-researchers-"))
    place.chmod(0o755)
    with Supervisor(place / "data", port=free_port()).held() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        ensure_database(server.url("postgres"), "monitor")
        asyncio.run(migrate.upgrade(server.url()))
        yield server
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with cluster() as made:
        yield made


@pytest.fixture(scope="module")
def of_another() -> Iterator[Server]:
    """The same, but a server as somebody else keeps it: every role comes in by its password."""
    with cluster() as made:
        (made.data_dir / "pg_hba.conf").write_text(
            "local all monitor peer map=monitor\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        reload_settings(made.url("postgres"))
        yield made


def as_owner(server: Server, database: str = "monitor") -> Connection:
    return psycopg.connect(server.url(database), autocommit=True)


@dataclass(frozen=True)
class Anna:
    """A researcher, and the server where she is one."""

    name: str
    password: str
    server: Server

    def url(self, database: str = "monitor") -> str:
        return f"postgresql://{self.name}:{self.password}@127.0.0.1:{self.server.port}/{database}"

    def connect(self, database: str = "monitor") -> Connection:
        return psycopg.connect(self.url(database), autocommit=True)


@pytest.fixture
def anna(server: Server) -> Iterator[Anna]:
    name = f"anna_{os.urandom(4).hex()}"
    added = researchers.add(server.url(), name)
    assert added.left_open == []
    yield Anna(name, added.password, server)
    if name in {one.name for one in researchers.every(server.url())}:
        researchers.remove(server.url(), name)


@pytest.fixture
def session(anna: Anna) -> Iterator[Connection]:
    with anna.connect() as connection:
        yield connection


def refused(connection: Connection, statement: str) -> psycopg.Error | None:
    """The error of a statement; None if it was done."""
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        return error
    return None


def relations(server: Server) -> list[tuple[str, str, str]]:
    """Every table, partition, view and sequence outside the system's own schemas: schema, name, kind."""
    with as_owner(server) as connection:
        rows = connection.execute(
            """SELECT n.nspname, c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
        )
        return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def named(schema: str, name: str) -> str:
    return f'"{schema}"."{name}"'


def test_the_views_are_read_and_nothing_else_is(server: Server, session: Connection) -> None:
    found = relations(server)
    assert len([one for one in found if one[0] == "research"]) >= 20
    assert len([one for one in found if one[0] == "monitor"]) >= 40
    for schema, name, _ in found:
        error = refused(session, f"SELECT * FROM {named(schema, name)} LIMIT 1")
        if schema == "research":
            assert error is None, f"{name}: {error}"
        else:
            assert isinstance(error, REFUSED), named(schema, name)
    for name in (
        "pg_authid",
        "pg_shadow",
        "pg_hba_file_rules",
        "pg_ident_file_mappings",
        "pg_statistic",
        "pg_largeobject",
    ):
        assert isinstance(refused(session, f"SELECT * FROM pg_catalog.{name}"), REFUSED), name
    with as_owner(server) as owner:
        owner.execute("ANALYZE monitor.alembic_version")
        own = owner.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'alembic_version'").fetchone()
    hers = session.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'alembic_version'").fetchone()
    assert (own, hers) == ((1,), (0,))
    assert session.execute("SELECT count(*) FROM posts_as_of(now())").fetchone() == (0,)
    assert session.execute("SELECT schema_version IS NOT NULL FROM meta").fetchone() == (True,)


def test_words_and_expressions_are_searched(server: Server, session: Connection) -> None:
    with as_owner(server) as owner:
        owner.execute(
            "CREATE TABLE monitor.post_search_201501 PARTITION OF monitor.post_search FOR VALUES FROM ('2015-01-01') TO ('2015-02-01')"
        )
        owner.execute(
            """INSERT INTO monitor.post_search VALUES (1, 2, '2015-01-02', 1, 'ru', 'У Суджи танки', research.search_vector('У Суджи танки', 'ru'))"""
        )
        try:
            for function, asked in (("search", "танк суджа"), ("matching", "тан[а-я]+")):
                found = session.execute(
                    f"SELECT message_id, excerpt FROM {function}(%s)".encode(), [asked]
                ).fetchall()
                assert [row[0] for row in found] == [2], function
            assert session.execute("SELECT posts_as_of(now()), stems('війною')").fetchall() == []
        finally:
            owner.execute("DROP TABLE monitor.post_search_201501")


def test_no_column_of_another_schema_is_granted(server: Server, anna: Anna) -> None:
    with as_owner(server) as connection:
        rows = connection.execute(
            """SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_(catalog|toast)'
                 AND n.nspname NOT IN ('information_schema', 'research')
                 AND (has_any_column_privilege(%(name)s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
                      OR has_table_privilege(%(name)s, c.oid, 'DELETE, TRUNCATE, TRIGGER'))""",
            {"name": anna.name},
        ).fetchall()
    assert rows == []


def test_functions_outside_research_are_those_of_extensions(server: Server, anna: Anna) -> None:
    with as_owner(server) as connection:
        rows = connection.execute(
            """SELECT n.nspname, e.extname, bool_or(p.prosecdef), bool_or(p.provolatile = 'v' AND n.nspname = 'research')
               FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
               LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
               LEFT JOIN pg_extension e ON e.oid = d.refobjid
               WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
                 AND has_schema_privilege(%(name)s, n.oid, 'USAGE') AND has_function_privilege(%(name)s, p.oid, 'EXECUTE')
               GROUP BY 1, 2 ORDER BY 1, 2""",
            {"name": anna.name},
        ).fetchall()
    assert rows == [
        *(("public", extension, False, False) for extension in ("btree_gin", "pg_trgm")),
        ("research", None, False, False),
    ]


WRITES = (
    "CREATE TABLE research.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE TABLE monitor.mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE TEMPORARY VIEW mine AS SELECT 1",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION research.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE DATABASE mine",
    "CREATE ROLE mine",
    "CREATE EXTENSION pg_prewarm",
    "CREATE OR REPLACE VIEW research.meta AS SELECT '2.0'::text AS schema_version",
    "DROP VIEW research.gaps",
    "COMMENT ON VIEW research.gaps IS 'mine'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "ALTER ROLE monitor PASSWORD 'mine'",
    "ALTER ROLE monitor_research LOGIN",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100",
    "ALTER ROLE CURRENT_USER SET temp_file_limit = -1",
    "SET temp_file_limit = -1",
    "SET ROLE monitor",
    "SET SESSION AUTHORIZATION monitor",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'mine')",
    "SELECT lo_import('/etc/hostname')",
    "SELECT lo_unlink(1)",
    "SELECT pg_advisory_lock(32286, 1)",
    "SELECT pg_try_advisory_xact_lock_shared(1)",
    "SELECT pg_logical_emit_message(false, 'mine', 'mine')",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'monitor'",
    "COPY (SELECT 1) TO '/tmp/monitor-researchers-mine'",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "DO $$ BEGIN LOCK TABLE monitor.posts IN ACCESS SHARE MODE; END $$",
    "DO $$ BEGIN LOCK TABLE research.posts IN SHARE MODE; END $$",
    "GRANT SELECT ON monitor.users TO CURRENT_USER",
)


def test_nothing_is_written_even_without_the_default_of_reading_alone(
    server: Server, session: Connection
) -> None:
    with as_owner(server) as owner:
        count = "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_largeobject_metadata)"
        before = owner.execute(count).fetchone()
        assert isinstance(refused(session, WRITES[3]), psycopg.errors.ReadOnlySqlTransaction)
        session.execute("SET default_transaction_read_only = off")
        for statement in WRITES:
            assert isinstance(refused(session, statement), REFUSED), statement
        assert owner.execute(count).fetchone() == before
    assert not Path("/tmp/monitor-researchers-mine").exists()


def test_no_row_of_any_relation_is_changed(server: Server, anna: Anna, session: Connection) -> None:
    session.execute("SET default_transaction_read_only = off")
    for schema, name, kind in relations(server):
        relation = named(schema, name)
        statements = [
            f"INSERT INTO {relation} DEFAULT VALUES",
            f"DELETE FROM {relation}",
            f"TRUNCATE {relation}",
        ]
        if kind == "S":
            statements = [f"SELECT nextval('{relation}')", f"SELECT setval('{relation}', 1)"]
        for statement in statements:
            error = refused(session, statement)
            # A view that joins cannot be written at all, whoever asks.
            never = (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.WrongObjectType)
            assert isinstance(error, REFUSED + (never if kind == "v" else ())), statement
    with as_owner(server) as connection:
        rows = connection.execute(
            """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'research'::regnamespace
               AND has_table_privilege(%s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')""",
            (anna.name,),
        ).fetchall()
    assert rows == []


async def test_what_a_researcher_tells_the_site_is_passed_over(server: Server, session: Connection) -> None:
    told = aiter(hearing.cases(server.url()))
    first = asyncio.ensure_future(anext(told))
    with as_owner(server) as owner:
        listens = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        while owner.execute(listens).fetchone() == (0,):
            await asyncio.sleep(0.02)
        for words in ("mine", "", "1", "x open", "1 mine", "1 open <b>", "9" * 99 + " open"):
            session.execute("SELECT pg_notify('monitor_review', %s)", (words,))
        owner.execute("SELECT pg_notify('monitor_review', '7 second_look')")
    assert await asyncio.wait_for(first, 20) == (7, "second_look")
    await told.aclose()  # type: ignore[attr-defined]


def test_the_defaults_stand_and_the_limits_hold(anna: Anna, session: Connection) -> None:
    shown = {
        name: session.execute(f"SHOW {name}").fetchone()
        for name in (
            *("default_transaction_read_only", "statement_timeout", "search_path", "temp_file_limit"),
            *("idle_in_transaction_session_timeout", "timezone"),
        )
    }
    assert shown == {
        "default_transaction_read_only": ("on",),
        "statement_timeout": ("1min",),
        "search_path": ("research",),
        "temp_file_limit": ("5GB",),
        "idle_in_transaction_session_timeout": ("5min",),
        "timezone": ("UTC",),
    }
    more = [anna.connect() for _ in range(researchers.CONNECTIONS - 1)]
    (listed,) = [one for one in researchers.every(anna.server.url()) if one.name == anna.name]
    assert (listed.connections, listed.limit) == (5, 5)
    with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
        anna.connect()
    for connection in more:
        connection.close()


def test_a_statement_that_takes_too_long_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(researchers.DEFAULTS, "statement_timeout", "300ms")
    name = f"slow_{os.urandom(4).hex()}"
    added = researchers.add(server.url(), name)
    with (
        Anna(name, added.password, server).connect() as connection,
        pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"),
    ):
        connection.execute("SELECT pg_sleep(60)")
    researchers.remove(server.url(), name)


async def test_who_lifts_the_default_is_cut_off_and_nobody_else_is(server: Server, anna: Anna) -> None:
    with anna.connect() as busy, anna.connect() as idle, as_owner(server) as owner:
        busy.execute("SET statement_timeout = 0")
        ended: list[BaseException] = []

        def wait() -> None:
            try:
                busy.execute("SELECT pg_sleep(600)")
            except psycopg.Error as error:
                ended.append(error)

        idle.execute("BEGIN")
        idle.execute("SELECT 1")
        owner.execute("BEGIN")
        thread = threading.Thread(target=wait)
        thread.start()
        count = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND xact_start IS NOT NULL"
        while owner.execute(count, (anna.name,)).fetchone() != (2,):
            owner.execute("SELECT pg_stat_clear_snapshot()")
        async with Database(server.url()) as database, database.transaction() as tx:
            assert await researchers.end_overlong(tx, longest=researchers.LONGEST) == 0
            assert await researchers.end_overlong(tx, longest=timedelta(0)) == 2
        thread.join(60)
        assert [type(error) for error in ended] == [psycopg.errors.QueryCanceled]
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
        assert busy.execute("SELECT 1").fetchone() == (1,)
        assert owner.execute("SELECT 2").fetchone() == (2,)


async def test_the_worker_cuts_off_and_says_how_many(
    server: Server, anna: Anna, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anna.connect() as idle:
        idle.execute("BEGIN")
        idle.execute("SELECT 1")
        async with Database(server.url()) as database:
            done = await oversee.oversee(database, Limits(), now=clock)
            assert done.numbers() == {"raised": 0, "resolved": 0}
            monkeypatch.setattr(researchers, "LONGEST", timedelta(0))
            done = await oversee.oversee(database, Limits(), now=clock)
            assert done.numbers() == {"raised": 0, "resolved": 0, "cut_off": 1}
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")


def test_what_a_later_migration_makes_is_read(server: Server, session: Connection) -> None:
    with as_owner(server) as owner:
        try:
            owner.execute("CREATE VIEW research.later AS SELECT handle FROM monitor.watches")
            owner.execute("CREATE FUNCTION research.later_too() RETURNS int LANGUAGE sql AS 'SELECT 7'")
            owner.execute("REVOKE EXECUTE ON FUNCTION research.later_too FROM PUBLIC")
            assert session.execute("SELECT count(*) FROM later").fetchone() == (0,)
            assert session.execute("SELECT later_too()").fetchone() == (7,)
            owner.execute("DROP VIEW research.later")
            owner.execute("CREATE VIEW research.later AS SELECT 8 AS n")
            assert session.execute("SELECT n FROM later").fetchone() == (8,)
        finally:
            owner.execute("DROP VIEW IF EXISTS research.later")
            owner.execute("DROP FUNCTION IF EXISTS research.later_too")


# --- who comes in -------------------------------------------------------------------------------------------


def test_the_server_listens_on_loopback_alone(server: Server) -> None:
    pid = int((server.data_dir / "postmaster.pid").read_text().split()[0])
    heard = [one.laddr for one in psutil.Process(pid).net_connections("inet") if one.status == "LISTEN"]
    assert [(one.ip, one.port) for one in heard] == [("127.0.0.1", server.port)]


def test_only_researchers_come_by_network_and_only_to_the_archive(server: Server, anna: Anna) -> None:
    wrong = Anna(anna.name, "wrong", server)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        wrong.connect()
    for database in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
            anna.connect(database)
    with as_owner(server) as owner:
        owner.execute("ALTER ROLE monitor PASSWORD 'known'")
        owner.execute("CREATE ROLE stranger LOGIN PASSWORD 'known'")
        for name in ("monitor", "stranger"):
            with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
                Anna(name, "known", server).connect()
        owner.execute("ALTER ROLE monitor PASSWORD NULL")
        owner.execute("DROP ROLE stranger")
    researchers.enter(server.url(), peer=True)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        Anna("monitor_sql", "guessed", server).connect()


def test_the_owner_of_the_machine_comes_in_as_a_researcher_without_a_password(server: Server) -> None:
    entry = researchers.enter(server.url(), peer=True)
    assert make_url(entry).password is None
    with psycopg.connect(entry, autocommit=True) as connection:
        assert connection.execute("SELECT current_user, session_user").fetchone() == (
            "monitor_sql",
            "monitor_sql",
        )
        connection.execute("RESET SESSION AUTHORIZATION")
        connection.execute("SET default_transaction_read_only = off")
        assert isinstance(refused(connection, "SET ROLE monitor"), REFUSED)
        assert isinstance(refused(connection, "CREATE TEMPORARY TABLE mine ()"), REFUSED)
        assert isinstance(refused(connection, "SELECT * FROM monitor.users"), REFUSED)
    assert "monitor_sql" not in {one.name for one in researchers.every(server.url())}


def test_an_archive_without_grants_is_opened_when_it_is_entered(server: Server) -> None:
    researchers.enter(server.url(), peer=True)
    ensure_database(server.url("postgres"), "monitor_demo")
    asyncio.run(migrate.upgrade(server.url("monitor_demo")))
    with psycopg.connect(researchers.enter(server.url("monitor_demo"), peer=True)) as connection:
        assert connection.execute("SELECT count(*) FROM posts").fetchone() == (0,)


def test_an_address_has_no_password_and_is_for_researchers_alone(server: Server, anna: Anna) -> None:
    address = researchers.address(server.url(), anna.name, embedded=True)
    assert address == f"postgresql://{anna.name}@127.0.0.1:{server.port}/monitor"
    given = "postgresql://keeper:secret@db.example.org:6432/archive?sslmode=require&user=keeper"
    assert researchers._as(make_url(given), "anna", None) == (
        "postgresql://anna@db.example.org:6432/archive?sslmode=require"
    )
    for name in ("monitor", "monitor_sql", "nobody_there"):
        with pytest.raises(UsageError, match="there is no researcher"):
            researchers.address(server.url(), name, embedded=True)


def test_without_a_port_there_is_no_address(postgres: Server, url: str) -> None:
    name = f"anna_{os.urandom(4).hex()}"
    researchers.add(url, name)
    with pytest.raises(DatabaseError, match="by its socket alone"):
        researchers.address(url, name, embedded=True)
    researchers.remove(url, name)


# --- names, and an end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["Anna", "анна", "1anna", "a-b", "", "a" * 64, "pg_anna", "monitor_sql", "monitor", "public"]
)
def test_a_name_that_the_server_would_not_take_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="cannot be a researcher's name"):
        researchers.name_of(written)


def test_a_role_that_is_not_ours_is_left_alone(server: Server, anna: Anna) -> None:
    with as_owner(server) as owner:
        owner.execute("CREATE ROLE bystander LOGIN")
        with pytest.raises(UsageError, match="has a role bystander already"):
            researchers.add(server.url(), "bystander")
        with pytest.raises(UsageError, match=f"a researcher {anna.name} already"):
            researchers.add(server.url(), anna.name)
        for name in ("bystander", "monitor", "monitor_research", "monitor_sql"):
            with pytest.raises(UsageError, match="there is no researcher"):
                researchers.remove(server.url(), name)
        owner.execute("DROP ROLE bystander")


def test_a_removed_researcher_is_out_at_once_whatever_they_left(server: Server, anna: Anna) -> None:
    with anna.connect() as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
        researchers.remove(server.url(), anna.name)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        anna.connect()
    with as_owner(server) as owner:
        found = owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (anna.name,))
        assert found.fetchone() is None


def test_what_a_researcher_was_given_is_not_dropped_with_them(server: Server, anna: Anna) -> None:
    with as_owner(server, "postgres") as owner:
        owner.execute("CREATE SCHEMA theirs")
        owner.execute("CREATE TABLE theirs.work AS SELECT 1 AS n")
        owner.execute(sql.SQL("ALTER TABLE theirs.work OWNER TO {}").format(sql.Identifier(anna.name)))
        with pytest.raises(DatabaseError, match="is shut out, but the role is still there") as caught:
            researchers.remove(server.url(), anna.name)
        assert "REASSIGN OWNED" in caught.value.mend
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            anna.connect()
        assert owner.execute("SELECT n FROM theirs.work").fetchone() == (1,)
        owner.execute("DROP SCHEMA theirs CASCADE")
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(anna.name)))


def test_a_restored_archive_is_open_to_the_same_researchers(
    server: Server, anna: Anna, tmp_path: Path
) -> None:
    path = tmp_path / "archive.dump"
    backup.dump(server.url(), path)
    program = find_binaries(None).path("pg_restore")
    script = subprocess.run([program, "--file=-", str(path)], capture_output=True, text=True, check=True)
    assert "CREATE VIEW research.posts" in script.stdout
    assert "GRANT" not in script.stdout
    assert "monitor_research" not in script.stdout
    backup.restore(server.url(), path, replace=True)
    with pytest.raises(psycopg.Error), anna.connect() as connection:
        connection.execute("SELECT count(*) FROM research.posts")
    researchers.settle(server.url())
    with anna.connect() as connection:
        assert connection.execute("SELECT count(*) FROM posts").fetchone() == (0,)
        connection.execute("SET default_transaction_read_only = off")
        assert isinstance(refused(connection, "CREATE TEMPORARY TABLE mine ()"), REFUSED)
        assert isinstance(refused(connection, "SELECT lo_create(0)"), REFUSED)


# --- a server that somebody else keeps ------------------------------------------------------------------------


def archive_of(server: Server, name: str, rights: str) -> str:
    """An archive that belongs to a role without a superuser's rights; gives its address by password."""
    with as_owner(server, "postgres") as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'known' {rights}")
        owner.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = f"postgresql://{name}:known@127.0.0.1:{server.port}/{name}"
    asyncio.run(migrate.upgrade(url))
    return url


async def test_a_role_that_may_make_roles_is_enough_and_the_rest_is_told(of_another: Server) -> None:
    url = await asyncio.to_thread(archive_of, of_another, "keeper", "CREATEROLE")
    added = researchers.add(url, "olga")
    assert added.left_open == [
        "make large objects",
        "hold the locks by which the worker knows that it is alone",
        "fill the disk with temporary files",
    ]
    assert [one.name for one in researchers.every(url)] == ["olga"]
    with pytest.raises(UsageError, match="there is no researcher"):
        researchers.remove(url, "keeper")
    with Anna("olga", added.password, of_another).connect("keeper") as connection:
        assert connection.execute("SELECT count(*) FROM posts").fetchone() == (0,)
        connection.execute("SET default_transaction_read_only = off")
        assert isinstance(refused(connection, "CREATE TEMPORARY TABLE mine ()"), REFUSED)
        assert isinstance(refused(connection, "SET ROLE keeper"), REFUSED)
        connection.execute("BEGIN")
        connection.execute("SELECT 1")
        async with Database(url) as database, database.transaction() as tx:
            assert await researchers.end_overlong(tx, longest=timedelta(0)) == 1
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    for _ in range(2):
        with psycopg.connect(researchers.enter(url, peer=False)) as connection:
            assert connection.execute("SELECT session_user").fetchone() == ("monitor_sql",)
            until = connection.execute(
                "SELECT valuntil BETWEEN now() AND now() + interval '1 minute' FROM pg_user WHERE usename = session_user"
            )
            assert until.fetchone() == (True,)
    researchers.remove(url, "olga")
    assert researchers.every(url) == []


def test_where_rights_are_lacking_the_sql_is_given_and_is_enough(of_another: Server) -> None:
    url = archive_of(of_another, "mason", "")
    with pytest.raises(RightsLacking, match="role mason has not the rights") as caught:
        researchers.add(url, "pavel")
    password = caught.value.password
    assert password is not None
    assert password not in caught.value.script
    with as_owner(of_another, "mason") as administrator:
        administrator.execute(caught.value.script)
    pavel = Anna("pavel", password, of_another)
    with pavel.connect("mason") as connection:
        assert connection.execute("SELECT count(*) FROM posts").fetchone() == (0,)
        assert connection.execute("SHOW temp_file_limit").fetchone() == ("5GB",)
        connection.execute("SET default_transaction_read_only = off")
        for statement in (
            "CREATE TEMPORARY TABLE mine ()",
            "SELECT lo_create(0)",
            "SELECT pg_advisory_lock(1)",
        ):
            assert isinstance(refused(connection, statement), REFUSED), statement
    with psycopg.connect(url) as ours:
        ours.execute("CREATE TEMPORARY TABLE incoming ()")
        ours.execute("SELECT pg_advisory_lock(1)")
    with pytest.raises(RightsLacking) as caught:
        researchers.remove(url, "pavel")
    with as_owner(of_another, "mason") as administrator:
        administrator.execute(caught.value.script)
    assert "pavel" not in {one.name for one in researchers.every(url)}


def test_where_psql_cannot_be_entered_the_sql_that_allows_it_is_given(of_another: Server) -> None:
    url = archive_of(of_another, "joiner", "")
    with pytest.raises(RightsLacking, match="role joiner has not the rights") as caught:
        researchers.enter(url, peer=False)
    with as_owner(of_another, "joiner") as administrator:
        administrator.execute(caught.value.script)
    with psycopg.connect(researchers.enter(url, peer=False)) as connection:
        assert connection.execute("SELECT count(*) FROM posts").fetchone() == (0,)


def test_a_group_that_is_somebodys_login_is_left_alone(
    of_another: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(researchers, "RESEARCH_GROUP", "postgres_like")
    with as_owner(of_another) as owner:
        owner.execute("CREATE ROLE postgres_like LOGIN")
        with pytest.raises(DatabaseError, match="is somebody's login"):
            researchers.add(of_another.url(), "rita")
        owner.execute("DROP ROLE postgres_like")


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(DatabaseError, match="the database refused it"):
        researchers.every("postgresql://me:secret@127.0.0.1:9/none")
