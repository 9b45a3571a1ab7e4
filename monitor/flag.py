"""The step that reads posts: whatever was not yet read under the present rules is due.

First those never read since they changed, then those read under other rules; batch by batch, off the event
loop, and what reading gave is stored together with the fact that it was read.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from monitor.extraction import Flag, Rules, RuleTexts
from monitor.model import Clock
from monitor.store import flags
from monitor.store.database import Database
from monitor.store.flags import Unread

BATCH = 500


@dataclass(slots=True)
class Read:
    """What a run of reading gave."""

    posts: int = 0
    flagged: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"posts": self.posts, "flagged": self.flagged}


async def flag(
    database: Database,
    rules: Rules,
    texts: RuleTexts,
    *,
    now: Clock,
    stored: Callable[[Read], None] = lambda read: None,
) -> Read:
    """Read every post that is due under `rules`, whose texts in the files are `texts`; `stored` hears of each batch."""
    read = Read()
    async with database.transaction() as tx:
        ruleset = await flags.ruleset(tx, texts.body, now=now())
    after: tuple[int, int] | None = None
    while True:
        async with database.transaction() as tx:
            unread = await flags.unread(tx, ruleset, limit=BATCH, after=after)
        if not unread and after is None:
            after = (0, 0)
            continue
        if not unread:
            return read
        result = await asyncio.to_thread(_read, rules, unread)
        async with database.transaction() as tx:
            await flags.keep(tx, ruleset, result, now=now())
        if after is not None:
            after = (unread[-1].channel_id, unread[-1].message_id)
        read.posts += len(result)
        read.flagged += sum(bool(found) for _, found in result)
        stored(read)


def _read(rules: Rules, unread: list[Unread]) -> list[tuple[Unread, tuple[Flag, ...]]]:
    return [(post, rules.read(post.text).flags) for post in unread]
