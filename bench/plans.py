"""How Postgres goes about a statement, with what the functions in it execute."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg

# A node of a plan, as EXPLAIN writes it (https://www.postgresql.org/docs/current/sql-explain.html).
Node = Mapping[str, Any]

_EXPLAINED = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
}


def explained(
    connection: "psycopg.Connection[tuple[object, ...]]", statement: str, values: Mapping[str, object]
) -> Sequence[Node]:
    """Execute a statement, and give the plans in it as they ended: that of the statement itself is the last.

    The role has to be a superuser, and the connection to commit by itself.
    """
    plans: list[Node] = []

    def heard(said: psycopg.errors.Diagnostic) -> None:
        _, _, written = (said.message_primary or "").partition("plan:\n")
        if written:
            plans.append(json.loads(written)["Plan"])

    connection.execute("LOAD 'auto_explain'")
    for setting, value in _EXPLAINED.items():
        connection.execute(f"SET {setting} = {value}".encode())
    connection.add_notice_handler(heard)
    connection.execute(statement.encode(), values)
    connection.remove_notice_handler(heard)
    for setting in _EXPLAINED:
        connection.execute(f"RESET {setting}".encode())
    return plans


def scans(plans: Iterable[Node]) -> Counter[str]:
    """How often each kind of scan was made of each table or index; partitions count as one."""
    return Counter(
        f"{node['Node Type'].removesuffix(' Scan').lower()} {'_'.join(part for part in name.split('_') if not part.isdigit())}"
        for node in _nodes(plans)
        if (name := node.get("Index Name") or node.get("Relation Name")) and node["Actual Loops"]
    )


def pages(plan: Node) -> int:
    """How many pages were touched, in the functions of it too."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _nodes(plans: Iterable[Node]) -> Iterator[Node]:
    for node in plans:
        yield node
        yield from _nodes(node.get("Plans", ()))
