"""The step that hands notices over to the routes besides mail.

    what is planned by a route that was removed: it fails
    until nothing is due:
        claim one delivery; hand it over; record what came of it

What did not go is tried again, ever later, for an hour; what may have gone is in doubt, and a person sends it again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from monitor.errors import NotifyError
from monitor.model import Clock, DeliveryState
from monitor.notify import Route
from monitor.store import handing
from monitor.store.database import Database
from monitor.store.handing import Claimed

AT_ONCE = 4
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=10)
# Later than that an alert is no news; it has failed, and is shown.
_PATIENCE = timedelta(hours=1)


@dataclass(slots=True)
class Handed:
    """What came of the deliveries of a run."""

    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    later: int = 0

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {"sent": self.sent, "failed": self.failed, "in_doubt": self.in_doubt, "later": self.later}


async def hand_over(database: Database, routes: Mapping[str, Route], *, now: Clock) -> Handed:
    """Hand over what is due by these routes, a few at a time, so that one that hangs holds up no other."""
    done = Handed()
    async with database.transaction() as tx:
        done.failed += await handing.end_unreachable(tx, list(routes), now=now())
    async with asyncio.TaskGroup() as lanes:
        for _ in range(AT_ONCE):
            lanes.create_task(_lane(database, routes, done, now=now))
    return done


async def _lane(database: Database, routes: Mapping[str, Route], done: Handed, *, now: Clock) -> None:
    while True:
        async with database.transaction() as tx:
            claimed = await handing.claim(tx, list(routes), now=now())
        if claimed is None:
            return
        await _one(database, routes[claimed.route], claimed, done, now=now)


async def _one(database: Database, route: Route, claimed: Claimed, done: Handed, *, now: Clock) -> None:
    state, error = DeliveryState.SENT, None
    try:
        await route(claimed.notice, claimed.key)
    except NotifyError as caught:
        error = f"{caught.what}: {caught.why}"
        state = _state_after(caught, claimed, now)
    except Exception as caught:  # noqa: BLE001 - whatever it was, it may have gone
        error, state = f"a fault of ours: {type(caught).__name__}", DeliveryState.IN_DOUBT
    wait = min(_FIRST_WAIT * 2 ** (claimed.tries - 1), _LONGEST_WAIT)
    async with database.transaction() as tx:
        await handing.tried(
            tx,
            claimed,
            state,
            now=now(),
            error=error,
            next_at=now() + wait if state is DeliveryState.PLANNED else None,
        )
    _count(done, state)


def _state_after(error: NotifyError, claimed: Claimed, now: Clock) -> DeliveryState:
    if error.in_doubt:
        return DeliveryState.IN_DOUBT
    again = error.temporary and now() - claimed.planned_at < _PATIENCE
    return DeliveryState.PLANNED if again else DeliveryState.FAILED


def _count(done: Handed, state: DeliveryState) -> None:
    done.sent += state is DeliveryState.SENT
    done.failed += state is DeliveryState.FAILED
    done.in_doubt += state is DeliveryState.IN_DOUBT
    done.later += state is DeliveryState.PLANNED
