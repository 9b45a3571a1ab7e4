"""The step that fills the text index and adds up the days, so that collecting never waits for either.

until nothing is due, or stopped:
    take posts that are new or changed; write their words and count their days anew, in one transaction
"""

from collections.abc import Callable
from dataclasses import dataclass

from monitor.model import Clock
from monitor.store import indexing, partitions
from monitor.store.database import Database

BATCH = 1000


@dataclass(slots=True)
class Indexed:
    """What a run did: posts seen to, texts written, days counted."""

    posts: int = 0
    texts: int = 0
    days: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"posts": self.posts, "texts": self.texts, "days": self.days}


async def index(
    database: Database, *, now: Clock, regex_months: int, stop: Callable[[], bool] = lambda: False
) -> Indexed:
    """Index every post that is due; regular expressions are quick in the last `regex_months` months."""
    done = Indexed()
    more = True
    while more and not stop():
        async with database.transaction() as tx:
            due = await indexing.take(tx, limit=BATCH)
            since = partitions.first_of(regex_months, now=now())
            batch = await indexing.write(tx, due, regex_since=since)
            more = await indexing.any_due(tx)
        done.posts += batch.posts
        done.texts += batch.texts
        done.days += batch.days
    return done
