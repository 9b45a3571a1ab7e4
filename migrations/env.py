"""Runs migrations on the connection that `monitor.store.migrate` hands over, one transaction each."""

from alembic import context
from sqlalchemy import Connection, text

from monitor.store.tables import SCHEMA, metadata

PARTITIONS = ("raw_records_", "post_search_")
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "15min"


def include_object(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    """Leave out the monthly partitions, which the worker makes and the tables do not list."""
    return not (kind == "table" and reflected and compared is None and (name or "").startswith(PARTITIONS))


def run(connection: Connection) -> None:
    """Run what is asked, under a lock timeout and a statement timeout, so that a migration never hangs a site."""
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=lambda name, kind, parents: kind != "schema" or name == SCHEMA,
        include_object=include_object,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
