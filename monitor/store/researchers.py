"""The researchers' way in: login roles that read the views of `research`, and nothing else.

Roles belong to the whole server, so ours are the direct members of one group, and no other is ever touched. What
they may do are grants to the group. How they do it are settings of each login, which are not inherited from a group,
and which its holder can change: against a holder only the grants, the number of connections, the size of temporary
files and `end_overlong` hold.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url, text

from monitor.errors import DatabaseError, RightsLacking, UsageError
from monitor.store.database import Transaction
from monitor.store.embedded import LOOPBACK, RESEARCH_GROUP, SQL_ROLE

CONNECTIONS = 5
LONGEST = timedelta(minutes=15)
# Defaults of a login; its holder may change them.
DEFAULTS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "5min",
    "search_path": "research",
    "timezone": "UTC",
}
# A superuser alone sets and lifts it.
TEMP_FILES = "5GB"
PASSWORD_BYTES = 16

T = TypeVar("T")
Connection = psycopg.Connection[tuple[object, ...]]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NOT_OURS = ("monitor", "pg_", "postgres", "public", "none")

_GROUP = """
DO $$ BEGIN
    CREATE ROLE {group} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
# Functions of the server that write, or that hold locks which our worker waits for; whoever works here keeps them.
_CLOSED = """
DO $$ DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND proname ~ '^(lo_.*|loread|lowrite|pg_(try_)?advisory_.*|pg_logical_emit_message)$'
          AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I, %I', one, {owner}, {us});
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END $$
"""
_RIGHTS: tuple[LiteralString, ...] = (
    "GRANT CONNECT ON DATABASE {database} TO {group}",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {owner}, {us}",
    "REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA research TO {group}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA research TO {group}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA research TO {group}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA research GRANT SELECT ON TABLES TO {group}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA research GRANT EXECUTE ON FUNCTIONS TO {group}",
)
_FACTS = """
    SELECT r.rolname, r.rolsuper, r.rolsuper OR r.rolcreaterole, pg_get_userbyid(n.nspowner), current_database(),
           coalesce((SELECT g.rolcanlogin OR g.rolsuper FROM pg_roles g WHERE g.rolname = %s), false)
    FROM pg_roles r, pg_namespace n WHERE r.rolname = current_user AND n.nspname = 'research'
"""
# Who made the group is a member of it too, with the right to put others in.
_OURS = """
    SELECT r.rolname, r.oid FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid
    WHERE m.roleid = to_regrole(%(group)s) AND r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> current_user
    GROUP BY r.rolname, r.oid HAVING NOT bool_or(m.admin_option)
"""
_OPEN = """
    SELECT has_database_privilege(g.oid, current_database(), 'CONNECT') AND has_schema_privilege(g.oid, n.oid, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('v', 'm', 'r', 'p')
                                                AND NOT has_table_privilege(g.oid, c.oid, 'SELECT'))
    FROM pg_roles g, pg_namespace n WHERE g.rolname = %s AND n.nspname = 'research'
"""
_LEFT_OPEN = """
    SELECT what FROM pg_roles g, LATERAL (VALUES
        ('make temporary tables', has_database_privilege(g.oid, current_database(), 'TEMPORARY')),
        ('make schemas', has_database_privilege(g.oid, current_database(), 'CREATE')),
        ('make tables in the schema public', has_schema_privilege(g.oid, 'public', 'CREATE')),
        ('make large objects', has_function_privilege(g.oid, 'pg_catalog.lo_create(oid)', 'EXECUTE')),
        ('hold the locks by which the worker knows that it is alone',
            has_function_privilege(g.oid, 'pg_catalog.pg_advisory_lock(bigint)', 'EXECUTE')),
        ('fill the disk with temporary files', NOT EXISTS (
            SELECT FROM pg_roles r, unnest(r.rolconfig) c WHERE r.rolname = %(name)s AND c ~ '^temp_file_limit='))
    ) AS checked (what, can) WHERE g.rolname = %(group)s AND can
"""
_OWNED = """
    SELECT count(*) FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = to_regrole(%s)
       AND deptype = 'o' AND classid IN ('pg_class'::regclass, 'pg_namespace'::regclass, 'pg_proc'::regclass,
                                         'pg_type'::regclass, 'pg_database'::regclass)
"""
_OVERLONG = """
    SELECT count(*) FILTER (WHERE CASE WHEN a.state = 'active' THEN pg_cancel_backend(a.pid)
                                       ELSE pg_terminate_backend(a.pid) END)
    FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
    WHERE a.datname = current_database() AND NOT r.rolsuper AND pg_has_role(r.oid, 'USAGE')
      AND EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid AND m.roleid = to_regrole(:group)
                                                  AND NOT m.admin_option)
      AND r.rolname <> current_user AND a.xact_start < clock_timestamp() - CAST(:longest AS interval)
"""


@dataclass(frozen=True, slots=True)
class Researcher:
    """A login of ours: how many connections it has now, and how many it may have."""

    name: str
    connections: int
    limit: int


@dataclass(frozen=True, slots=True)
class Added:
    """A new login: the password that is kept nowhere, and what this server still lets researchers do."""

    password: str
    left_open: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Facts:
    """Who we are on this server, and whose the archive is."""

    us: str
    is_super: bool
    makes_roles: bool
    owner: str
    database: str

    def filled(self, statement: LiteralString) -> sql.Composed:
        """A statement with its names put in."""
        return sql.SQL(statement).format(
            group=sql.Identifier(RESEARCH_GROUP),
            database=sql.Identifier(self.database),
            owner=sql.Identifier(self.owner),
            us=sql.Identifier(self.us),
        )

    def closing(self) -> sql.Composed:
        """The statement that closes functions; in it the names are words and not identifiers."""
        return sql.SQL(_CLOSED).format(owner=sql.Literal(self.owner), us=sql.Literal(self.us))

    def opening(self) -> list[sql.Composed]:
        """The statements that make the group and give it its rights."""
        return [self.filled(_GROUP), *map(self.filled, _RIGHTS), self.closing()]


def name_of(written: str) -> str:
    """The name of a researcher. Raises UsageError for one that no login of ours can have."""
    name = written.strip()
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{written} cannot be a researcher's name",
            "it is a name of the server: small letters a-z, digits and _, a letter first, 63 at most",
            "choose another, for example anna_k",
        )
    if name.startswith(_NOT_OURS[:2]) or name in _NOT_OURS:
        raise UsageError(
            f"{written} cannot be a researcher's name",
            "names that begin with monitor or pg_, and those of the server itself, are taken",
            "choose another, for example anna_k",
        )
    return name


def add(url: str, name: str) -> Added:
    """Make a login, and open the archive to it.

    Raises UsageError where the name is taken, and RightsLacking, with the SQL, where our role may not make roles.
    """
    password = secrets.token_hex(PASSWORD_BYTES)

    def work(connection: Connection) -> Added:
        facts = _facts(connection)
        _refuse_taken(connection, name)
        login = _login(facts, name, verifier=_verifier(connection, name, password))
        statements = [*facts.opening(), *login]
        with _or_script(connection, facts, statements, password=password):
            _require_roles(facts)
            _execute(connection, statements)
            return Added(password, _left_open(connection, name))

    return _done(url, work)


def every(url: str) -> list[Researcher]:
    """The researchers of this server, by name."""

    def work(connection: Connection) -> list[Researcher]:
        statement = f"""
            SELECT o.rolname, count(a.pid), r.rolconnlimit
            FROM ({_OURS}) o JOIN pg_roles r ON r.oid = o.oid LEFT JOIN pg_stat_activity a ON a.usesysid = o.oid
            WHERE o.rolname <> %(own)s GROUP BY o.rolname, r.rolconnlimit ORDER BY o.rolname
        """  # noqa: S608 - a constant
        rows = connection.execute(statement, {"group": RESEARCH_GROUP, "own": SQL_ROLE})
        return [Researcher(str(row[0]), int(str(row[1])), int(str(row[2]))) for row in rows]

    return _done(url, work)


def remove(url: str, name: str) -> None:
    """Shut a researcher out at once, and take the login away.

    Raises UsageError where it is none of ours, and DatabaseError where something on the server still belongs to it.
    """
    role = sql.Identifier(name)

    def shut_out(connection: Connection) -> None:
        _require_ours(connection, name)
        statements = [sql.SQL("ALTER ROLE {} NOLOGIN").format(role)]
        gone = [*statements, sql.SQL("DROP OWNED BY {}").format(role), sql.SQL("DROP ROLE {}").format(role)]
        with _or_script(connection, _facts(connection), gone):
            _execute(connection, statements)
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (name,)
            )

    def drop(connection: Connection) -> None:
        owned = connection.execute(_OWNED, (name,)).fetchone()
        if owned and owned[0]:
            raise psycopg.errors.DependentObjectsStillExist(f"{owned[0]} objects belong to it")
        # What a login can leave behind by itself: default privileges for what it cannot make, large objects.
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))

    _done(url, shut_out)
    try:
        _done(url, drop)
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DatabaseError(
            f"{name} is shut out, but the role is still there",
            _first(error),
            f"give what it owns to another, in each database: REASSIGN OWNED BY {name} TO …; then remove it again",
        ) from error


def enter(url: str, *, peer: bool) -> str:
    """The address at which `monitor sql` comes in as a researcher, with a password that is good for a minute.

    With `peer` the server knows us by who we are on this machine, and no password is set. Raises RightsLacking.
    """
    password = secrets.token_hex(PASSWORD_BYTES)

    def work(connection: Connection) -> None:
        facts = _facts(connection)
        with _or_script(connection, facts, _may_make_roles(connection, facts)):
            if not _is_there(connection, SQL_ROLE):
                _require_roles(facts)
                _execute(connection, [*facts.opening(), *_login(facts, SQL_ROLE)])
            elif not _is_open(connection):
                _execute(connection, facts.opening())
            if not peer:
                _require_roles(facts)
                _set_password(connection, _verifier(connection, SQL_ROLE, password))

    _done(url, work)
    return _as(make_url(url), SQL_ROLE, None if peer else password)


def settle(url: str) -> None:
    """Give the group its rights in an archive that took another's place, where there is the group."""

    def work(connection: Connection) -> None:
        facts = _facts(connection)
        if _is_there(connection, RESEARCH_GROUP):
            with _or_script(connection, facts, facts.opening()):
                _execute(connection, facts.opening())

    _done(url, work)


def address(url: str, name: str, *, embedded: bool) -> str:
    """The address of the archive for a researcher, without the password.

    Raises UsageError where there is no such one, and DatabaseError where nobody can come in by network.
    """

    def work(connection: Connection) -> str:
        _require_ours(connection, name)
        target = make_url(url)
        if embedded:
            target = URL.create("postgresql", host=LOOPBACK, port=_port(connection), database=target.database)
        return _as(target, name, None)

    return _done(url, work)


async def end_overlong(tx: Transaction, *, longest: timedelta) -> int:
    """Cancel what a researcher runs in a transaction older than `longest`, and end one that idles; gives how many.

    The ages are the server's own. Sessions that our role has no power over are left alone.
    """
    rows = await tx.execute(text(_OVERLONG), {"group": RESEARCH_GROUP, "longest": longest})
    return int(rows.scalar_one())


# --- within a transaction -----------------------------------------------------------------------------------


def _done(url: str, work: Callable[[Connection], T]) -> T:
    """Do work in one transaction, again if another process made the same role meanwhile."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    races = (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateObject, psycopg.errors.InternalError_)
    tries = 3
    while True:
        tries -= 1
        try:
            with psycopg.connect(plain, connect_timeout=10) as connection:
                return work(connection)
        except psycopg.errors.DependentObjectsStillExist:
            raise
        except psycopg.Error as error:
            if not (tries and isinstance(error, races)):
                raise DatabaseError(
                    "the database refused it", _first(error), "see that MONITOR_DATABASE_URL is right"
                ) from error


def _facts(connection: Connection) -> _Facts:
    row = connection.execute(_FACTS, (RESEARCH_GROUP,)).fetchone()
    if row is None:
        raise DatabaseError(
            "there is no schema research", "the archive is not made yet", "monitor db upgrade"
        )
    if row[5]:
        raise DatabaseError(
            f"the role {RESEARCH_GROUP} is somebody's login",
            "monitor needs that name for the group of its researchers, and changes no role of others",
            f"rename it: ALTER ROLE {RESEARCH_GROUP} RENAME TO …",
        )
    return _Facts(str(row[0]), bool(row[1]), bool(row[2]), str(row[3]), str(row[4]))


@contextmanager
def _or_script(
    connection: Connection, facts: _Facts, statements: Sequence[sql.Composed], *, password: str | None = None
) -> Iterator[None]:
    try:
        with connection.transaction():
            yield
    except psycopg.errors.InsufficientPrivilege as error:
        body = "".join(f"{one.as_string(connection).strip()};\n" for one in statements)
        raise RightsLacking(
            f"the role {facts.us} has not the rights to do this",
            _first(error),
            f"let somebody who has them run the SQL above in the database {facts.database}",
            script=f"BEGIN;\n{body}COMMIT;\n",
            password=password,
        ) from error


def _require_roles(facts: _Facts) -> None:
    if not facts.makes_roles:
        raise psycopg.errors.InsufficientPrivilege("it may not make roles")


def _execute(connection: Connection, statements: Sequence[sql.Composed]) -> None:
    for statement in statements:
        connection.execute(statement)


def _login(facts: _Facts, name: str, *, verifier: str | None = None) -> list[sql.Composed]:
    """The statements that make a login; the last of them are for a superuser, or for who is none."""
    role = sql.Identifier(name)
    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {} IN ROLE {}").format(
        role, sql.Literal(verifier), sql.Literal(CONNECTIONS), sql.Identifier(RESEARCH_GROUP)
    )
    settings = dict(DEFAULTS)
    if facts.is_super or not facts.makes_roles:
        settings["temp_file_limit"] = TEMP_FILES
    changed = [
        sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(key), sql.Literal(value))
        for key, value in settings.items()
    ]
    # Without it we could neither end what the login runs too long nor take it away.
    ruled = [] if facts.is_super else [sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(facts.us))]
    return [made, *changed, *ruled]


def _may_make_roles(connection: Connection, facts: _Facts) -> list[sql.Composed]:
    """What a superuser grants once, so that our role can make and open logins from then on."""
    there = [name for name in (SQL_ROLE,) if _is_there(connection, name)]
    return [
        facts.filled(_GROUP),
        facts.filled("ALTER ROLE {us} CREATEROLE"),
        *(
            sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(sql.Identifier(name), sql.Identifier(facts.us))
            for name in (RESEARCH_GROUP, *there)
        ),
        *facts.opening()[1:],
    ]


def _set_password(connection: Connection, verifier: str) -> None:
    ((until,),) = connection.execute("SELECT (clock_timestamp() + interval '1 minute')::text").fetchall()
    statement = sql.SQL("ALTER ROLE {} PASSWORD {} VALID UNTIL {}")
    connection.execute(statement.format(sql.Identifier(SQL_ROLE), sql.Literal(verifier), sql.Literal(until)))


def _verifier(connection: Connection, name: str, password: str) -> str:
    """What the server keeps of a password (SCRAM-SHA-256), made here, so that no log of it has the password."""
    made = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return made.decode()


def _is_there(connection: Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    return found is not None


def _is_open(connection: Connection) -> bool:
    row = connection.execute(_OPEN, (RESEARCH_GROUP,)).fetchone()
    return bool(row and row[0])


def _left_open(connection: Connection, name: str) -> list[str]:
    rows = connection.execute(_LEFT_OPEN, {"group": RESEARCH_GROUP, "name": name})
    return [str(row[0]) for row in rows]


def _is_ours(connection: Connection, name: str) -> bool:
    rows = connection.execute(_OURS, {"group": RESEARCH_GROUP})
    return name != SQL_ROLE and name in {row[0] for row in rows}


def _refuse_taken(connection: Connection, name: str) -> None:
    if _is_ours(connection, name):
        raise UsageError(
            f"there is a researcher {name} already",
            "the password is kept nowhere",
            "for a new password remove the researcher, and add them again",
        )
    if _is_there(connection, name):
        raise UsageError(
            f"the server has a role {name} already",
            "it is none of the monitor's, and roles belong to the whole server",
            "choose another name",
        )


def _require_ours(connection: Connection, name: str) -> None:
    if not _is_ours(connection, name):
        raise UsageError(f"there is no researcher {name}", "", "see `monitor researcher list`")


def _port(connection: Connection) -> int:
    row = connection.execute(
        "SELECT current_setting('listen_addresses'), current_setting('port')::int"
    ).fetchone()
    if row is None or not row[0]:
        raise DatabaseError(
            "the embedded database is reached by its socket alone",
            "it listens at no port, or did not yet when it was started",
            "set MONITOR_PG_PORT and start again; on this machine `monitor sql` works without",
        )
    return int(str(row[1]))


def _as(target: URL, name: str, password: str | None) -> str:
    bare = target.difference_update_query(("user", "password"))
    fresh = URL.create(
        "postgresql", name, password, host=bare.host, port=bare.port, database=bare.database, query=bare.query
    )
    return fresh.render_as_string(hide_password=False)


def _first(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
