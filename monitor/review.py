"""The step that makes cases of flagged posts, for a person to decide on.

    until nothing is due, or stopped:
        take posts whose flags changed, the oldest first
        for each: find its case by the post, else by its copies; decide what becomes of it; write that
    wake the cases whose time has come

Reading leaves word of each post whose flags may have changed, in its own transaction, so none is missed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from monitor import triage
from monitor.model import Clock, FlaggedPost, Outcome, Priority
from monitor.store import cases
from monitor.store.database import Database, Transaction

BATCH = 200


@dataclass(slots=True)
class Reviewed:
    """What a run made: cases opened, posts that joined one, cases changed in another way, cases woken."""

    opened: int = 0
    joined: int = 0
    changed: int = 0
    woken: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"opened": self.opened, "joined": self.joined, "changed": self.changed, "woken": self.woken}


async def review(
    database: Database, priority: Priority, *, now: Clock, stop: Callable[[], bool] = lambda: False
) -> Reviewed:
    """Make cases of every post that is due, and wake those that were put off until now."""
    done = Reviewed()
    more = True
    while more and not stop():
        async with database.transaction() as tx:
            desk = _Desk(tx, priority, now, done)
            for post in await cases.take(tx, limit=BATCH):
                await desk.place(post)
            more = await cases.any_due(tx)
    async with database.transaction() as tx:
        done.woken = await cases.wake(tx, now=now(), limit=BATCH)
    return done


@dataclass(frozen=True, slots=True)
class _Desk:
    """One transaction in which posts are put into cases."""

    tx: Transaction
    priority: Priority
    now: Clock
    done: Reviewed

    async def place(self, post: FlaggedPost) -> None:
        """Write what becomes of one post's case."""
        if post.case_id is not None:
            await self._change(post.case_id, post)
            return
        keys = triage.keys_of(post)
        case_id = await cases.by_keys(self.tx, keys) if post.topics else None
        if case_id is not None:
            case = await cases.held(self.tx, case_id, apart=post)
            await self._write(case_id, post, triage.joined(case, post, self.priority))
            self.done.joined += 1
        elif post.topics:
            outcome = triage.opened(post, self.priority, now=self.now())
            case_id = await cases.add(self.tx, post, outcome, now=self.now())
            await cases.join(self.tx, case_id, post, keys, now=self.now())
            await cases.record(self.tx, case_id, post, outcome, now=self.now())
            self.done.opened += 1

    async def _change(self, case_id: int, post: FlaggedPost) -> None:
        case = await cases.held(self.tx, case_id, apart=post)
        outcome = triage.changed(case, post, self.priority)
        if outcome is not None:
            await self._write(case_id, post, outcome)
            self.done.changed += 1

    async def _write(self, case_id: int, post: FlaggedPost, outcome: Outcome) -> None:
        await cases.join(self.tx, case_id, post, triage.keys_of(post), now=self.now())
        await cases.alter(self.tx, case_id, outcome, now=self.now())
        await cases.record(self.tx, case_id, post, outcome, now=self.now())
