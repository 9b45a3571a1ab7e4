"""Brings the schema to the newest migration, one process at a time, and says how far it is."""

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from monitor.errors import DatabaseError
from monitor.store.database import SESSION, Transaction
from monitor.store.tables import SCHEMA

# Not that of the sender (see database): every command would wait until the mails are sent.
_MIGRATION_LOCK = "SELECT pg_advisory_lock(32286, 3)"


def shipped(name: str) -> Path:
    """A folder that comes with the product: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parents[1]
    inside = package / "_shipped" / name
    return inside if inside.is_dir() else package.parent / name


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@cache
def newest() -> str:
    """The revision that this version of the product needs."""
    return ScriptDirectory(str(shipped("migrations"))).get_current_head() or ""


def _upgrade(url: str) -> tuple[str | None, str]:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"options": SESSION},
    )
    try:
        with engine.connect() as holder, engine.connect() as connection:
            holder.execute(text(_MIGRATION_LOCK))
            before = _revision(connection)
            known = {
                script.revision for script in ScriptDirectory(str(shipped("migrations"))).walk_revisions()
            }
            if before is not None and before not in known:
                raise DatabaseError(
                    f"the database is newer than this version of monitor (revision {before})",
                    "a newer version has migrated it",
                    "install that version, or restore an older dump",
                )
            if before != newest():
                command.upgrade(_config(connection), "head")
            return before, newest()
    except DBAPIError as error:
        raise DatabaseError(
            "the database could not be migrated",
            str(error.orig).strip().splitlines()[0],
            "mend the cause and run `monitor db upgrade` again; each step is done whole or not at all",
        ) from error
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(
        connection, opts={"version_table_schema": SCHEMA}
    ).get_current_revision()
    connection.rollback()
    return found


async def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to the newest revision; gives the revision before and after.

    Raises DatabaseError; other processes that upgrade at once wait for this one.
    """
    return await asyncio.to_thread(_upgrade, url)


async def is_current(tx: Transaction) -> bool:
    """Whether the schema is the one that this version of the product needs."""
    rows = await tx.execute(text(f"SELECT version_num FROM {SCHEMA}.alembic_version"))  # noqa: S608 - a constant
    return rows.scalar_one_or_none() == newest()
