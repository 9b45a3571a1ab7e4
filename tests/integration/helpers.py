"""Short ways to ask the archive, and scenarios small enough to be read in a test."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from monitor.model import Listed, Pace, SourceName
from monitor.standin.scenario import Message, Scenario, Text
from monitor.store import watches
from monitor.store.database import Database


async def ask(database: Database, query: str, **values: object) -> Sequence[Any]:
    async with database.transaction() as tx:
        return (await tx.execute(text(query), values)).all()


async def listed(database: Database, *handles: str, **more: Any) -> None:
    pace = Pace(timedelta(seconds=60), timedelta(minutes=30))
    async with database.transaction() as tx:
        await watches.sync(
            tx, [Listed(handle=h, label=h, source=SourceName.PREVIEW, pace=pace, **more) for h in handles]
        )


def channel(
    count: int, *, handle: str = "long_channel", number: int = 1900000077, holes: frozenset[int] = frozenset()
) -> Scenario:
    """A channel with one short post a minute, but for the holes."""
    messages = tuple(
        Message(id=i, at=timedelta(minutes=i), text=Text(f"Сообщение номер {i}"), views=10)
        for i in range(1, count + 1)
        if i not in holes
    )
    return Scenario(id=number, handle=handle, title="Длинный канал", messages=messages)
