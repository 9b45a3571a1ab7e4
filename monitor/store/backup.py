"""Dumps and restores of the whole archive with Postgres's own programs.

A restore goes into a fresh database beside the old one and takes its name only when it is whole, so that a
broken dump costs nothing.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from monitor.errors import DatabaseError
from monitor.store.database import WORKER_LOCK
from monitor.store.embedded import find_binaries

# pg_dump of 17 and later sets it, older servers do not know it, and nothing depends on it.
_HARMLESS = 'unrecognized configuration parameter "transaction_timeout"'


def _program(name: str, bin_dir: str | None) -> str:
    try:
        own = find_binaries(bin_dir).directory / name
    except DatabaseError:
        own = Path(name)
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise DatabaseError(
            f"{name} is not here",
            "it comes with PostgreSQL's client programs",
            "install them, or set MONITOR_PG_BIN",
        )
    return found


def _plain(url: URL) -> tuple[str, dict[str, str]]:
    """The address for libpq without its password, which goes by the environment where `ps` does not show it."""
    environment = dict(os.environ)
    if url.password is not None:
        environment["PGPASSWORD"] = str(url.password)
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False), environment


def dump(url: str, path: Path, *, bin_dir: str | None = None) -> int:
    """Write the archive to a file in pg_dump's own form; gives its size in bytes. The file is whole or not there."""
    if path.is_dir():
        raise DatabaseError(f"{path} is a directory", "a dump is one file", "name a file in it")
    address, environment = _plain(make_url(url))
    fresh = path.with_name(path.name + ".part")
    # Roles belong to a server and not to the archive: elsewhere there is nobody to grant anything to.
    bare = ("--no-owner", "--no-privileges")
    command = [_program("pg_dump", bin_dir), "--format=custom", *bare, f"--file={fresh}", address]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        fresh.unlink(missing_ok=True)
        raise DatabaseError(
            "the archive could not be dumped",
            _last(done.stderr),
            f"see that {path.parent} has room and is yours",
        )
    fresh.replace(path)
    return path.stat().st_size


def shell(url: str, *, bin_dir: str | None = None, command: str | None = None) -> int:
    """Open psql on the archive, or run one command in it; gives its exit code."""
    target = make_url(url)
    address, environment = _plain(target)
    # That of the wheel speaks no TLS, which the network may ask for.
    by_network = shutil.which("psql") if target.host and not bin_dir else None
    once = [] if command is None else ["--no-psqlrc", f"--command={command}"]
    # Ctrl-C is psql's: it ends a query there, and not the whole.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        psql = [by_network or _program("psql", bin_dir), *once, address]
        return subprocess.run(psql, env=environment, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def restore(url: str, path: Path, *, replace: bool, bin_dir: str | None = None) -> None:
    """Put the archive of a dump in the place of this one; `replace` says that the present posts may go.

    Raises DatabaseError, and leaves the present archive as it is, where anything goes wrong.
    """
    if not path.is_file():
        raise DatabaseError(
            f"no dump at {path}", "there is no such file", "name one that `monitor db dump` wrote"
        )
    target = make_url(url)
    try:
        _refuse_to_replace(target, replace=replace)
        _swap(target, path, bin_dir)
    except psycopg.Error as error:
        raise DatabaseError(
            "the archive could not be restored",
            _last(str(error)),
            "see that your role may make and rename databases",
        ) from error


def _refuse_to_replace(target: URL, *, replace: bool) -> None:
    with psycopg.connect(_address(target)) as connection:
        held = connection.execute("SELECT to_regclass('monitor.posts')").fetchone()
        filled = (
            held and held[0] and connection.execute("SELECT EXISTS (SELECT FROM monitor.posts)").fetchone()
        )
        free = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", WORKER_LOCK).fetchone()
    if filled and filled[0] and not replace:
        raise DatabaseError(
            "the archive holds posts", "a restore would take their place", "dump it first, then add --replace"
        )
    if free is None or not free[0]:
        raise DatabaseError(
            "a worker is at work on this archive", "it would write into the restored one", "stop it first"
        )


def _swap(target: URL, path: Path, bin_dir: str | None) -> None:
    """Fill a database beside the present one, then let the two change names in one transaction."""
    name = str(target.database)
    present, beside, before = (sql.Identifier(name + suffix) for suffix in ("", "_restoring", "_before"))
    with psycopg.connect(_address(target.set(database="postgres")), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(beside))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(before))
        connection.execute(_like(connection, name, beside))
        try:
            _fill(target.set(database=f"{name}_restoring"), path, bin_dir)
        except DatabaseError:
            connection.execute(sql.SQL("DROP DATABASE {}").format(beside))
            raise
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        with connection.transaction():
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(present, before))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(beside, present))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(before))


def _like(
    connection: "psycopg.Connection[tuple[object, ...]]", name: str, fresh: sql.Identifier
) -> sql.Composed:
    """The statement that makes a database with the encoding and locale of another."""
    row = connection.execute(
        """
        SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text,
               coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
        FROM pg_database d WHERE datname = %s
        """,
        (name,),
    ).fetchone()
    encoding, collate, ctype, provider, locale = row or ("UTF8", "C.UTF-8", "C.UTF-8", "c", None)
    made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
        fresh, sql.Literal(encoding), sql.Literal(collate), sql.Literal(ctype)
    )
    more = {"b": "LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", "i": "LOCALE_PROVIDER icu ICU_LOCALE {}"}
    if provider in more and locale is not None:
        made += sql.SQL(" " + more[str(provider)]).format(sql.Literal(locale))
    return made


def _fill(target: URL, path: Path, bin_dir: str | None) -> None:
    address, environment = _plain(target)
    bare = ("--no-owner", "--no-privileges")
    command = [_program("pg_restore", bin_dir), *bare, "--jobs=2", f"--dbname={address}", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if "error:" in line and _HARMLESS not in line]
    if done.returncode and (errors or "error:" not in done.stderr):
        raise DatabaseError(
            f"{path} could not be restored",
            _last("\n".join(errors) or done.stderr),
            "the archive is as it was",
        )
    with psycopg.connect(_address(target)) as connection:
        if (connection.execute("SELECT to_regclass('monitor.posts')").fetchone() or (None,))[0] is None:
            raise DatabaseError(
                f"{path} holds no archive", "it has no table monitor.posts", "name a dump of monitor"
            )


def _address(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _last(words: str) -> str:
    lines = [line for line in words.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


def shown(url: str) -> str:
    """The address as it may be printed: without its password."""
    return make_url(url).render_as_string(hide_password=True)
