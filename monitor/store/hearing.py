"""What the database tells of cases as it happens. It is only a hint to look: what is due is asked for by a query.

Whoever may log in may tell, researchers too, so what has not the form of ours is passed over.
"""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import psycopg

from monitor.errors import DatabaseError
from monitor.model import CaseState

CASES = "monitor_review"
_TOLD = re.compile(rf"([0-9]{{1,18}}) ({'|'.join(CaseState)})")


class CaseNews(NamedTuple):
    """A case that was opened, moved, claimed or given back, and the state that it has now."""

    case_id: int
    state: str


async def cases(url: str) -> AsyncIterator[CaseNews]:
    """News of cases for as long as the connection lasts. Raises DatabaseError where it is lost."""
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(f"LISTEN {CASES}")
            async for told in connection.notifies():
                if found := _TOLD.fullmatch(told.payload):
                    yield CaseNews(int(found.group(1)), found.group(2))
    except (psycopg.Error, OSError) as error:
        raise DatabaseError("the database does not tell of cases any more", str(error).strip()) from error
