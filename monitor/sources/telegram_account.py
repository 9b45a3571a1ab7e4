"""One account of ours at Telegram: its connection, its pace, what it must wait for, and whether it works.

Requests go through `ask`, which turns every way to fail into a SourceError. A flood wait holds for one kind
of request of one account and is never slept through; a session that is not accepted is left alone for a
while and then tried again; a ban is final.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import structlog
from telethon import TelegramClient, errors
from telethon.errors.common import AuthKeyNotFound
from telethon.sessions import StringSession

from monitor.errors import (
    AccountBanned,
    Barred,
    FloodWait,
    HandleFree,
    MonitorError,
    ServerFault,
    SessionLost,
    SourceError,
    Unreachable,
    Unreadable,
)
from monitor.model import Access, Clock
from monitor.sources.pace import FILES, NEWEST, Pacer
from monitor.sources.telegram_options import Session, TelegramOptions

log = structlog.get_logger()
# Its warnings come back to us as errors, with words of our own.
logging.getLogger("telethon").setLevel(logging.CRITICAL)

FIRST_RETRY = timedelta(seconds=15)
# How old the record that an account works may become.
NOTED_FOR = timedelta(minutes=1)
# A resolved handle costs the strictest limit of all, so these go at half the pace.
RESOLVE = "ResolveUsername"
DOWNLOAD = "GetFile"
_BANNED = (errors.UserDeactivatedError, errors.UserDeactivatedBanError, errors.PhoneNumberBannedError)
_BARRED = (errors.ChannelPrivateError, errors.UserBannedInChannelError, errors.ChatForbiddenError)
_NOBODY = (errors.UsernameNotOccupiedError, errors.UsernameInvalidError)
_NO_SESSION = (errors.UnauthorizedError, errors.AuthKeyDuplicatedError, AuthKeyNotFound)
_THEIRS = (errors.ServerError, errors.RpcCallFailError, errors.TimedOutError)
_NO_LINE = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError)


class Memory(Protocol):
    """What is remembered of accounts between two starts."""

    def only(self, session: int) -> AbstractAsyncContextManager[bool]:
        """Hold a session, a 32-bit number taken from it, for the block; gives False where another process does."""
        ...

    async def accesses(self, account: str) -> dict[int, Access]:
        """How an account reaches channels, by channel id."""
        ...

    async def keep_access(self, account: str, access: Access, *, now: datetime) -> None:
        """Remember how an account reaches a channel."""
        ...

    async def forget_access(self, account: str, channel_id: int) -> None:
        """Forget an access that was refused."""
        ...

    async def is_same(self, account: str, user_id: int) -> bool:
        """Whether a name stands for the account it stood for before; if not, what was remembered is forgotten."""
        ...

    async def waits(self, account: str) -> dict[str, datetime]:
        """Until when which kind of request must wait."""
        ...

    async def keep_wait(self, account: str, request: str, *, now: datetime, until: datetime) -> None:
        """Remember that a kind of request must wait."""
        ...

    async def works(self, account: str, *, now: datetime) -> None:
        """Record that an account answers."""
        ...

    async def fails(
        self, account: str, *, problem: str, words: str, now: datetime, retry_at: datetime | None
    ) -> None:
        """Record what keeps an account from working, and when it is tried again."""
        ...


class Answer(NamedTuple):
    """What Telegram answered, and when."""

    result: Any
    at: datetime


class Account:
    """An account of ours. Ask with `ask`; close it at the end."""

    def __init__(self, session: Session, options: TelegramOptions, memory: Memory, *, now: Clock) -> None:
        self.name = session.name
        self.accesses: dict[int, Access] = {}
        self._session = session
        self._options = options
        self._memory = memory
        self._now = now
        self._pacer = Pacer(options.pace)
        self._resolving = Pacer(options.pace * 2)
        self._waits: dict[str, datetime] = {}
        self._client: Any = None
        self._connecting = asyncio.Lock()
        self._works_since: datetime | None = None
        self._assigned = 0
        self._trouble: SourceError | None = None
        self._retry_at: datetime | None = None
        self._failures = 0

    @property
    def load(self) -> tuple[bool, bool, int]:
        """What speaks against giving it another channel: whether it is out of work or must wait, and how many it has."""
        return self._out_of_work() is not None, self.waits_with(RESOLVE), len(self.accesses) + self._assigned

    @contextmanager
    def assigned(self) -> Iterator[None]:
        """Count a channel as this account's while its handle is being resolved."""
        self._assigned += 1
        try:
            yield
        finally:
            self._assigned -= 1

    async def remember(self) -> None:
        """Take up what was remembered of the account."""
        self.accesses = await self._memory.accesses(self.name)
        self._waits = await self._memory.waits(self.name)

    async def close(self) -> None:
        """End the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.disconnect()

    async def keep_access(self, access: Access) -> None:
        """Remember how this account reaches a channel."""
        self.accesses[access.channel_id] = access
        await self._memory.keep_access(self.name, access, now=self._now())

    async def forget_access(self, channel_id: int) -> None:
        """Forget an access that was refused, so that the handle is resolved anew."""
        self.accesses.pop(channel_id, None)
        await self._memory.forget_access(self.name, channel_id)

    def waits_with(self, kind: str) -> bool:
        """Whether a kind of request (Telegram's method, without its namespace) must wait."""
        return self._wait_left(kind) > timedelta(0)

    async def ask(self, request: Any, *, urgency: int, alone: asyncio.Lock | None = None) -> Answer:
        """Telegram's answer to a request, with no other request under the lock `alone` meanwhile."""
        kind = kind_of(request)
        # A connection may take long, and turns that were taken meanwhile would all be used at once.
        await self._lined_up(kind)
        if kind == RESOLVE:
            await self._resolving.turn(urgency)
        await self._pacer.turn(urgency)
        late = alone is not None and alone.locked()
        async with alone or nullcontext():
            if late:
                # Its turn has passed while it stood here, and two requests must not go out together.
                await self._pacer.turn(NEWEST)
            # While this one waited, another may have been refused.
            self._refuse(kind)
            async with self._judged(kind):
                result = await _answered(await self._connected(kind), request)
            answer = Answer(result, self._now())
        await self._works()
        return answer

    async def download(self, media: Any) -> AsyncGenerator[bytes, None]:
        """The bytes of a file, piece by piece; each piece takes a turn."""
        await self._lined_up(DOWNLOAD)
        async with self._judged(DOWNLOAD):
            pieces = aiter((await self._connected(DOWNLOAD)).iter_download(media))
        try:
            while True:
                await self._pacer.turn(FILES)
                async with self._judged(DOWNLOAD):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield bytes(piece)
        finally:
            await pieces.close()

    async def _lined_up(self, kind: str) -> None:
        """Connect if need be. Raises what is known to keep the account from this kind of request."""
        self._refuse(kind)
        async with self._judged(kind):
            await self._connected(kind)

    @asynccontextmanager
    async def _judged(self, kind: str) -> AsyncIterator[None]:
        """Within a time, and every way to fail turned into a SourceError."""
        try:
            async with asyncio.timeout(self._options.timeout):
                yield
        except MonitorError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            raise await self._verdict(error, kind) from error

    async def _connected(self, kind: str) -> Any:
        async with self._connecting:
            self._refuse(kind)
            if self._client is None or not self._client.is_connected():
                await self.close()
                client = client_of(self._session.read(), self._options)
                try:
                    await client.connect()
                    await self._recognise(client)
                except BaseException:
                    # A connection that was not introduced would look like a good one.
                    await client.disconnect()
                    raise
                self._client = client
            return self._client

    async def _recognise(self, client: Any) -> None:
        """Forget what was another account's: a name may be given to a new login."""
        me = await client.get_me(input_peer=True)
        number = getattr(me, "user_id", None)
        if number is not None and not await self._memory.is_same(self.name, number):
            self.accesses.clear()
            self._waits.clear()

    def _wait_left(self, kind: str) -> timedelta:
        until = self._waits.get(kind)
        return until - self._now() if until else timedelta(0)

    def _refuse(self, kind: str) -> None:
        """Raise what is known already, without troubling Telegram."""
        trouble, left = self._out_of_work(), self._wait_left(kind)
        if trouble is not None:
            raise _again(trouble)
        if left > timedelta(0):
            raise _flood_wait(self.name, kind, left.total_seconds())

    def _out_of_work(self) -> SourceError | None:
        """What keeps the account from working now, if anything does."""
        over = self._retry_at is not None and self._now() >= self._retry_at
        return None if over else self._trouble

    async def _works(self) -> None:
        now = self._now()
        self._failures = 0
        if self._works_since is not None and now - self._works_since < NOTED_FOR:
            return
        if self._trouble is not None:
            log.warning("an account works again", account=self.name)
        self._trouble, self._works_since = None, now
        await self._memory.works(self.name, now=now)

    async def _verdict(self, error: BaseException, kind: str) -> SourceError:
        """What an exception of Telethon's means; raises the cancellation of our own task as it is."""
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise error
        if isinstance(error, errors.FloodError) and hasattr(error, "seconds"):
            return await self._told_to_wait(kind, error.seconds)
        if isinstance(error, _BANNED):
            return await self._out(AccountBanned(*_words_of_ban(self.name)), retry=None)
        if isinstance(error, _NO_SESSION):
            return await self._out(_session_lost(self.name, str(error)), retry=self._options.retry)
        if isinstance(error, _THEIRS):
            return ServerFault("Telegram answered with a fault of its own", f"{kind}: {error}")
        if isinstance(error, _NO_LINE):
            return await self._cut_off(error, kind)
        return _refusal(error, kind)

    async def _cut_off(self, error: BaseException, kind: str) -> SourceError:
        """One lost line fails all that is asked at the time, and one that we closed ourselves has its reason.

        Files come over lines of their own, from other data centres.
        """
        if kind == DOWNLOAD and isinstance(error, TimeoutError):
            return ServerFault("a file did not come in time", "its data centre does not answer")
        known = self._out_of_work()
        if known is not None:
            return _again(known)
        return await self._out(_unreachable(self.name, error), retry=self._patience())

    def _patience(self) -> timedelta:
        self._failures += 1
        doubled: timedelta = FIRST_RETRY * 2 ** min(self._failures - 1, 10)
        return min(doubled, self._options.retry)

    async def _told_to_wait(self, kind: str, seconds: int) -> SourceError:
        now = self._now()
        until = now + timedelta(seconds=max(seconds, 1))
        self._waits[kind] = until
        log.warning("an account must wait", account=self.name, request=kind, until=until.isoformat())
        await self._memory.keep_wait(self.name, kind, now=now, until=until)
        return _flood_wait(self.name, kind, max(seconds, 1))

    async def _out(self, trouble: SourceError, *, retry: timedelta | None) -> SourceError:
        """Leave the account alone for a while, and let a person know."""
        now = self._now()
        fresh = self._trouble is None or type(self._trouble) is not type(trouble)
        self._trouble, self._works_since = trouble, None
        self._retry_at = now + retry if retry is not None else None
        if fresh:
            log.error("an account does not work", account=self.name, what=trouble.what, mend=trouble.mend)
        await self._memory.fails(
            self.name, problem=trouble.outcome, words=trouble.what, now=now, retry_at=self._retry_at
        )
        if not isinstance(trouble, Unreachable):
            await self.close()
        return trouble


def client_of(session: str, options: TelegramOptions) -> Any:
    """A Telethon client that sleeps through no wait, wants no updates, and tells failures at once."""
    return TelegramClient(
        StringSession(session),
        options.api_id,
        options.api_hash,
        receive_updates=False,
        flood_sleep_threshold=0,
        request_retries=0,
        connection_retries=2,
        retry_delay=0.5,
        raise_last_call_error=True,
        timeout=10,
    )


async def _answered(client: Any, request: Any) -> Any:
    """The answer to a request. Raises ConnectionError where the line is given up: Telethon forgets what waits then."""
    asking, given_up = asyncio.ensure_future(client(request)), client.disconnected
    given_up.add_done_callback(_heard)
    try:
        await asyncio.wait([asking, given_up], return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise ConnectionError("the connection was lost, and not to be had again")
        return asking.result()
    finally:
        asking.add_done_callback(_heard)
        asking.cancel()
        given_up.cancel()


def _heard(future: "asyncio.Future[Any]") -> None:
    """Take notice of how a future ended, since asyncio complains of one whose error nobody saw."""
    if not future.cancelled():
        future.exception()


def kind_of(request: Any) -> str:
    """The kind of a request: Telegram's name of the method, without its namespace."""
    return type(request).__name__.removesuffix("Request")


def _again(trouble: SourceError) -> SourceError:
    return type(trouble)(trouble.what, trouble.why, trouble.mend)


def _flood_wait(account: str, kind: str, seconds: float) -> FloodWait:
    return FloodWait(
        f"account {account} must wait {seconds:.0f} s with {kind}",
        "Telegram asked for fewer requests",
        "it goes on by itself; a longer MONITOR_TELEGRAM_PACE avoids it",
        retry_after=seconds,
    )


def _session_lost(account: str, why: str) -> SessionLost:
    return SessionLost(
        f"the session of account {account} is not accepted any more",
        why,
        f"log in again: monitor login --name {account}",
    )


def _words_of_ban(account: str) -> tuple[str, str, str]:
    return (
        f"account {account} is banned",
        "Telegram closed it; its watches are paused, since a ban is not evaded",
        'write to recover@telegram.org, or set source = "preview" for its channels',
    )


def _unreachable(account: str, error: BaseException) -> Unreachable:
    why = str(error) or type(error).__name__
    return Unreachable(
        f"account {account} has no connection to Telegram", why, "it goes on by itself; see the network"
    )


def _refusal(error: BaseException, kind: str) -> SourceError:
    """What concerns the channel, and not the account."""
    if isinstance(error, _BARRED):
        return Barred(
            "the channel is private, or shut to our account",
            str(error),
            "see it in Telegram; then monitor channels resume, or set another source for it",
        )
    if isinstance(error, _NOBODY):
        return HandleFree("nobody has this handle", "the channel was renamed, deleted or made private")
    return Unreadable(f"Telegram refused {kind}", str(error), "look for a newer version of monitor")
