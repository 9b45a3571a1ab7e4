"""The step that sends digests and alerts by mail, one after the other and from one process alone.

    what a sender that died left: sending → planned, handing → in doubt
    until nothing is due:
        claim one; hand it over; record what came of it

    planned → sending → handing → sent
       ↑         │         │
       ├─────────┴─────────┤  not taken now: later, ever less often, for two days (an alert: an hour)
       │                   └→ in_doubt: no answer came; a person alone has it sent again, as a new delivery
       └→ failed: refused, or not taken for too long      dropped: not wanted any more      kept: no mail server

`handing` is committed before the end of a message is handed over, and every change names the state that it starts from:
so whatever dies when, no message goes twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.errors import AddressRefused, Conflict, MailError, MailPutOff, ServerAils
from monitor.letters import Addressed, digest_letter, notice_letter
from monitor.mail import Mailer, MailOptions
from monitor.model import Clock, Mailbox
from monitor.store import deliveries, readers
from monitor.store.database import SENDER_LOCK, Database
from monitor.store.deliveries import Claimed

LATE = timedelta(minutes=30)
_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120))
_PATIENCE = timedelta(days=2)
# Later than that an alert is no news; it has failed, and is shown.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=10)
_PATIENCE_OF_ALERTS = timedelta(hours=1)
# How long everything waits at most where it is the server that ails.
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(slots=True)
class Delivered:
    """What came of the deliveries of a run; `busy` where another process was sending, and this one did nothing."""

    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    dropped: int = 0
    kept: int = 0
    later: int = 0
    busy: bool = False

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {
            "sent": self.sent,
            "failed": self.failed,
            "in_doubt": self.in_doubt,
            "dropped": self.dropped,
            "kept": self.kept,
            "later": self.later,
        }


async def deliver(
    database: Database,
    options: MailOptions | None,
    *,
    now: Clock,
    stop: Callable[[], bool] = lambda: False,
) -> Delivered:
    """Send what is due until nothing is, until `stop`, or until the server takes nothing more."""
    done = Delivered()
    async with database.only_one(SENDER_LOCK) as alone:
        if not alone:
            done.busy = True
            return done
        async with database.transaction() as tx:
            done.in_doubt += await deliveries.recover(tx, now=now())
            if options is None:
                done.kept += await deliveries.keep(tx, now=now())
        if options is not None:
            async with Mailer(options) as mailer:
                sender = _Sender(database, mailer, options, done, now)
                while not stop() and await sender.one():
                    pass
                await sender.hold_against()
    return done


@dataclass(slots=True)
class _Sender:
    database: Database
    mailer: Mailer
    options: MailOptions
    done: Delivered
    now: Clock
    unsure: dict[str, str] = field(default_factory=dict)

    async def one(self) -> bool:
        """Claim one delivery, send it and record it; gives whether there may be more to do."""
        async with self.database.transaction() as tx:
            claimed = await deliveries.claim(tx, now=self.now())
            if claimed is not None and claimed.unwanted:
                await deliveries.drop(tx, claimed, claimed.unwanted, now=self.now())
                self.done.dropped += 1
                return True
        if claimed is None:
            return False
        try:
            said = await self._hand_over(claimed)
        except MailError as error:
            await self._not_sent(claimed, error)
            return not isinstance(error, ServerAils)
        except Conflict:
            # Another sender recovered it while our connection to the database was lost.
            return False
        async with self.database.transaction() as tx:
            await deliveries.sent(tx, claimed, said, now=self.now())
        self.done.sent += 1
        return True

    async def _hand_over(self, claimed: Claimed) -> str:
        async def before_end() -> None:
            async with self.database.transaction() as tx:
                await deliveries.handing(tx, claimed)

        try:
            letter = self._letter(claimed)
        except Exception as error:
            # One letter that cannot be written must not hold up the others for ever.
            raise MailPutOff("a mail could not be written", f"a fault of ours: {error!r}") from error
        return await self.mailer.send(
            letter,
            claimed.address,
            sender=self.options.sender.address,
            before_end=before_end,
        )

    def _letter(self, claimed: Claimed) -> bytes:
        to, now = Mailbox(claimed.name, claimed.address), self.now()
        if claimed.notice is not None:
            return notice_letter(claimed.notice, to, self.options, message_id=claimed.message_id, now=now)
        assert claimed.edition is not None  # noqa: S101 - a check of the table
        addressed = Addressed(
            to=to,
            language=claimed.language,
            message_id=claimed.message_id,
            token=claimed.token,
            late=now > claimed.edition.window.until + LATE,
        )
        return digest_letter(claimed.edition, addressed, self.options, now=now)

    async def _not_sent(self, claimed: Claimed, error: MailError) -> None:
        now, why = self.now(), f"{error.what}: {error.why}"
        patience = _PATIENCE if claimed.edition else _PATIENCE_OF_ALERTS
        async with self.database.transaction() as tx:
            if error.in_doubt:
                await deliveries.doubt(tx, claimed, why, now=now)
                self.done.in_doubt += 1
            elif error.temporary and now - claimed.planned_at < patience:
                wait = _wait(claimed)
                await deliveries.put_off(tx, claimed, why, next_at=now + wait, now=now)
                self.done.later += 1
                if isinstance(error, ServerAils):
                    await deliveries.pause(tx, until=now + min(wait, _LONGEST_PAUSE), now=now)
            else:
                await deliveries.fail(tx, claimed, why, now=now)
                self.done.failed += 1
                if isinstance(error, AddressRefused) and claimed.edition is not None:
                    if error.sure:
                        await readers.refused(tx, claimed.address, error.why, now=now)
                    else:
                        self.unsure[claimed.address] = error.why

    async def hold_against(self) -> None:
        """Let no more go to addresses that seem to be none. A server that took nothing from us may refuse us, not them."""
        if self.done.sent and self.unsure:
            async with self.database.transaction() as tx:
                for address, why in self.unsure.items():
                    await readers.refused(tx, address, why, now=self.now())


def _wait(claimed: Claimed) -> timedelta:
    if claimed.edition is not None:
        return _WAITS[min(claimed.tries, len(_WAITS)) - 1]
    doubled: int = 2 ** min(claimed.tries - 1, 10)
    return min(_FIRST_WAIT * doubled, _LONGEST_WAIT)
