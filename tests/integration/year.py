"""Many days of digests on a clock of our own, with a mail server that misbehaves and a sender that is killed.

What comes of it is checked at the end: no message came twice, and each that did not come is shown to somebody.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from monitor.deliver import deliver
from monitor.digest.windows import due_windows
from monitor.model import Language, Reader
from monitor.store import deliveries, readers
from monitor.store.database import Database
from tests.integration.helpers import ask
from tests.integration.mailing import HOST, edition
from tests.integration.post import (
    BODY,
    CLOSE,
    DATA,
    DOT,
    GREETING,
    HANG,
    MAIL_FROM,
    RCPT,
    TAKE_AND_CLOSE,
    TAKE_AND_HANG,
    Rude,
    options,
    rude,
)

# Either side of the changes of the clock; Chatham is 45 minutes off the hour, Lord Howe changes by half an hour.
ZONES = (
    *("Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham"),
    *("Asia/Kathmandu", "Europe/Moscow"),
)
MANNERS = (
    *((GREETING, "421 4.3.2 later"), (MAIL_FROM, "451 4.3.0 later"), (RCPT, "450 4.2.0 greylisted")),
    *((RCPT, CLOSE), (DATA, "451 later"), (DATA, CLOSE), (BODY, CLOSE), (DOT, "451 later")),
    *((DOT, "554 5.6.0 spam"), (DOT, CLOSE), (DOT, TAKE_AND_CLOSE)),
)
HANGING = ((RCPT, HANG), (DOT, HANG), (DOT, TAKE_AND_HANG))
STEP = timedelta(minutes=15)


def people(count: int) -> list[Reader]:
    """So many readers, of every zone and of hours at which clocks are changed."""
    return [
        Reader(
            address=f"r{number}@r.example",
            zone=ZONES[number % len(ZONES)],
            hour=(2, 3, 8, 23)[number // len(ZONES) % 4],
            language=list(Language)[number % 2],
        )
        for number in range(count)
    ]


@dataclass(slots=True)
class Year:
    """A run; `misbehave` is how likely the server misbehaves at a step, `kill` how likely the sender is killed."""

    database: Database
    whom: Sequence[Reader]
    start: datetime
    days: int
    seed: int = 1
    misbehave: float = 0.25
    kill: float = 0.15
    hang: float = 0.01
    kills: int = 0
    planned: int = 0
    now: datetime = field(init=False)
    came: Counter[str] = field(default_factory=Counter)
    _last: dict[str, datetime] = field(init=False, default_factory=dict)

    async def run(self) -> Counter[str]:
        """All of it; gives how often each message came, by its id."""
        chance = random.Random(self.seed)
        self.now = self.start
        async with rude() as post, self.database.transaction() as tx:
            for reader in self.whom:
                await readers.known(tx, reader.address, now=self.start)
            await tx.commit()
            end = self.start + timedelta(days=self.days)
            while self.now < end:
                await self._step(post, chance)
                self.now += STEP
            # Whatever is left goes, or fails, within two days of good manners.
            post.manners.clear()
            for _ in range(60):
                await self._send(post)
                self.now += timedelta(hours=1)
        return self.came

    async def _step(self, post: Rude, chance: random.Random) -> None:
        if not await self._plan() and chance.random() > self.misbehave:
            return
        post.manners.clear()
        if chance.random() < self.misbehave:
            post.manners.extend(chance.choices(MANNERS, k=3))
        if chance.random() < self.hang:
            post.manners.append(chance.choice(HANGING))
        if chance.random() < self.kill:
            sending = asyncio.create_task(self._send(post))
            # As good as a kill for what is in the database: it is broken off at whatever it waits for.
            for _ in range(chance.randrange(1, 120)):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            self.kills += 1
        await self._send(post)

    async def _plan(self) -> int:
        fresh = 0
        for reader in self.whom:
            last = self._last.get(reader.address)
            for window in due_windows(reader, now=self.now, last_until=last, first_at=self.start):
                number = await edition(self.database, reader, window)
                async with self.database.transaction() as tx:
                    fresh += await deliveries.plan_digest(
                        tx, reader, window, host=HOST, now=self.now, edition_id=number
                    )
                    newest = await deliveries.last_until(tx, reader.address)
                assert newest == window.until
                self._last[reader.address] = newest
        self.planned += fresh
        return fresh

    async def _send(self, post: Rude) -> None:
        try:
            await deliver(self.database, options(post.port, timeout=0.2), now=lambda: self.now)
        finally:
            # A year of mails is not kept.
            self.came.update(got.key for got in post.got)
            post.got.clear()


async def check(year: Year, came: Counter[str]) -> dict[str, int]:
    """Nothing came twice, nothing is missing unseen, windows have no gap; gives how many of each state there are."""
    assert came
    twice = {key: count for key, count in came.items() if count > 1}
    assert not twice, twice
    rows = await ask(year.database, "SELECT * FROM monitor.deliveries ORDER BY address, window_from")
    assert len(rows) == year.planned
    states = Counter(row.state for row in rows)
    assert set(states) <= {"sent", "in_doubt", "failed"}, states
    sent = {f"<{row.message_id}>" for row in rows if row.state == "sent"}
    doubt = {f"<{row.message_id}>" for row in rows if row.state == "in_doubt"}
    assert sent <= set(came)
    assert set(came) - sent <= doubt
    async with year.database.transaction() as tx:
        shown = {one.delivery_id for one in await deliveries.ailing(tx)}
    assert shown == {row.delivery_id for row in rows if row.state != "sent"}
    for reader in year.whom:
        theirs = [row for row in rows if row.address == reader.address]
        assert year.days - 1 <= len(theirs) <= year.days + 1
        assert all(a.window_until == b.window_from for a, b in pairwise(theirs))
        lengths = {row.window_until - row.window_from for row in theirs}
        assert lengths <= {timedelta(hours=24) + timedelta(minutes=30 * part) for part in range(-2, 3)}
    return dict(states)


def around(year: int, month: int, day: int, *, days: int) -> datetime:
    """The start of so many days in whose midst lies this one."""
    return datetime(year, month, day, tzinfo=UTC) - timedelta(days=days // 2)
