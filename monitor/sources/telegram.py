"""The `telegram` source: channels read through accounts of ours, by MTProto; nothing is joined or marked as read.

::

    newest   without a place in the order of changes (pts): the newest page of history, then up from the cursor;
             with one: the changes since then, which are new posts, edits and deletions.
             Where Telegram says that they are too many, history again, and every post held becomes due
    older    pages of history before an id
    again    posts by a page of history where they lie close, else by their ids; one that is not there is asked
             for by its id, beside one that is there for certain

An album at the far edge of a page of history may be cut by it; it is left to the next page.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Container, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from telethon import errors
from telethon.tl import functions, types

from monitor.errors import (
    Barred,
    FloodWait,
    HandleFree,
    NotAChannel,
    NothingShown,
    Restricted,
    ServerFault,
    SessionLost,
    Unreadable,
    UsageError,
)
from monitor.model import Access, Channel, Clock, Look, SourceName, Watch
from monitor.sources import albums
from monitor.sources.pace import AGAIN, FILES, NEWEST, OLDER
from monitor.sources.telegram_account import Account, Answer, Memory
from monitor.sources.telegram_message import read_all, read_channel, refusal
from monitor.sources.telegram_options import Session, TelegramOptions

log = structlog.get_logger()

PAGE = 100
# With more windows of this many ids than this to read, asking by id takes fewer requests.
MOST_WINDOWS = 2
DIFFERENCE = "GetChannelDifference"
DESCRIBE = "GetFullChannel"
DESCRIBED_FOR = timedelta(days=1)
# Full descriptions are limited sharply, so an account asks for one at a time.
BETWEEN_DESCRIPTIONS = timedelta(seconds=60)
# Our place in the order of changes is none that the channel has.
_NO_PLACE = (errors.PersistentTimestampInvalidError, errors.PersistentTimestampEmptyError)
_ALBUM = range(-albums.LARGEST + 1, albums.LARGEST)


@dataclass(slots=True)
class _Seat:
    """How a watch's channel is reached: the account, its access, and a lock that keeps its answers in order."""

    account: Account
    access: Access
    alone: asyncio.Lock
    remembered: bool = False

    @property
    def peer(self) -> Any:
        return types.InputChannel(self.access.channel_id, self.access.access_hash)


@dataclass(frozen=True, slots=True)
class _Page:
    """Messages that Telegram gave, with the channel as it described it and the time of the answer."""

    messages: tuple[Any, ...]
    channel: Channel
    at: datetime
    pts: int | None = None
    empty: frozenset[int] = field(default_factory=frozenset)
    chats: Mapping[int, Any] = field(default_factory=dict)


class TelegramSource:
    """Reads channels through accounts; make one with `TelegramSource.opened`."""

    name = SourceName.TELEGRAM
    at_once = 8

    def __init__(self, accounts: Sequence[Account], options: TelegramOptions, *, now: Clock) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._options = options
        self._now = now
        self._locks: dict[str, asyncio.Lock] = {}
        self._described: dict[int, datetime] = {}
        self._describing: dict[str, datetime] = {}

    @staticmethod
    @asynccontextmanager
    async def opened(
        sessions: Iterable[Session], options: TelegramOptions, memory: Memory, *, now: Clock
    ) -> AsyncIterator["TelegramSource"]:
        """The source; its sessions are held, and its connections closed at the end of the block.

        Raises UsageError where another process holds a session: two at a time would end it for both.
        """
        async with AsyncExitStack() as stack:
            accounts = []
            for session in sessions:
                if not await stack.enter_async_context(memory.only(session.number())):
                    raise UsageError(
                        f"the session of account {session.name} is in use",
                        "another process of monitor holds it, and Telegram ends a session that is used twice",
                        "stop that process first",
                    )
                account = Account(session, options, memory, now=now)
                await account.remember()
                stack.push_async_callback(account.close)
                accounts.append(account)
            yield TelegramSource(accounts, options, now=now)

    async def newest(self, watch: Watch) -> AsyncGenerator[Look, None]:
        """New posts, and what changed in older ones since the last look."""
        seat = await self._seat(watch, urgency=NEWEST)
        if watch.pts is None or watch.cursor is None:
            # What changed while nobody followed the order of changes is never told.
            looks = self._from_history(seat, watch, follow=True, lost=watch.cursor is not None)
        elif seat.account.waits_with(DIFFERENCE):
            looks = self._from_history(seat, watch, follow=False)
        else:
            looks = self._changes(seat, watch)
        last: Look | None = None
        try:
            async with aclosing(looks):
                async for look in looks:
                    last = look
                    yield look
            if last is not None and (described := await self._described_now(seat)) is not None:
                # By itself, since new posts must not wait for it.
                yield _nothing_new(last, described)
        except (Barred, NotAChannel, Restricted) as error:
            # The watch may mean another channel by now than the one once found under its handle.
            if watch.channel_id is None and seat.remembered:
                raise await _outdated(seat) from error
            raise

    async def older(self, watch: Watch, *, before: int) -> AsyncGenerator[Look, None]:
        """Pages of posts with ids under `before`, down to the first."""
        seat = await self._seat(watch, urgency=OLDER)
        while before > 1:
            page = await self._history(seat, watch, urgency=OLDER, offset_id=before)
            whole = _complete(page.messages, edge=-1)
            first = whole[-1].id if whole else 1
            look = self._look(page, whole, first_id=first, last_id=before - 1)
            yield replace(look, exhausted=first <= 1)
            before = first

    async def again(self, watch: Watch, ids: Sequence[int]) -> AsyncGenerator[Look, None]:
        """Posts as they are now; those that are gone are `absent`, which is proven."""
        seat = await self._seat(watch, urgency=AGAIN)
        rest = sorted(ids)
        while rest:
            top = rest[-1]
            near = [number for number in rest if number > top - PAGE]
            if _windows(rest) <= MOST_WINDOWS or len(near) >= PAGE // 4:
                async with aclosing(self._by_page(seat, watch, near)) as looks:
                    async for look in looks:
                        yield look
                rest = rest[: -len(near)]
            else:
                yield await self._by_id(seat, watch, rest[-PAGE + 1 :])
                rest = rest[: -PAGE + 1]

    async def file(self, watch: Watch, message_id: int, media_id: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file that hangs on a post. Raises NothingShown where it does not hang there any more."""
        seat = await self._seat(watch, urgency=FILES)
        page = await self._messages(seat, watch, [message_id], urgency=FILES)
        media = next((found for m in page.messages if (found := _file_of(m, media_id)) is not None), None)
        if media is None:
            raise NothingShown(
                f"file {media_id} does not hang on post {message_id} any more", "it was changed or deleted"
            )
        async with aclosing(seat.account.download(media)) as pieces:
            async for piece in pieces:
                yield piece

    # --- how a channel is reached ---

    async def _seat(self, watch: Watch, *, urgency: int) -> _Seat:
        """The account that reads a watch's channel, and how. Raises SourceError where none does."""
        if not self._accounts:
            raise SessionLost(
                "there is no account to read Telegram with", "none has logged in", "log in: monitor login"
            )
        alone = self._locks.setdefault(watch.handle, asyncio.Lock())
        for account in self._accounts.values():
            access = _known(account, watch)
            if access is not None:
                return _Seat(account, access, alone, remembered=True)
        account = min(self._accounts.values(), key=lambda a: a.load)
        with account.assigned():
            return _Seat(account, await self._resolve(account, watch, urgency=urgency), alone)

    async def _resolve(self, account: Account, watch: Watch, *, urgency: int) -> Access:
        request = functions.contacts.ResolveUsernameRequest(watch.handle)
        found = (await account.ask(request, urgency=urgency)).result
        chat = next(iter([*found.chats, *found.users]), None)
        if chat is None:
            raise HandleFree(f"nobody has the handle @{watch.handle}", "Telegram finds nothing under it")
        _refuse_what_is_no_channel(chat, watch)
        access = Access(chat.id, chat.access_hash or 0, watch.handle)
        await account.keep_access(access)
        return access

    async def _ask(self, seat: _Seat, request: Any, *, urgency: int) -> Answer:
        try:
            return await seat.account.ask(request, urgency=urgency, alone=seat.alone)
        except Unreadable as error:
            if not isinstance(error.__cause__, errors.ChannelInvalidError):
                raise
            raise await _outdated(seat) from error

    # --- requests ---

    async def _history(self, seat: _Seat, watch: Watch, *, urgency: int, **where: int) -> _Page:
        """A page of history, the newest message first; `where` as messages.getHistory takes it."""
        asked = {"offset_id": 0, "add_offset": 0, "limit": PAGE, "max_id": 0, "min_id": 0} | where
        request = functions.messages.GetHistoryRequest(peer=_as_peer(seat), offset_date=None, hash=0, **asked)
        return _page(await self._ask(seat, request, urgency=urgency), watch, seat)

    async def _messages(self, seat: _Seat, watch: Watch, ids: Sequence[int], *, urgency: int) -> _Page:
        """Messages by their ids, at most 100; those that are not there are in the page's `empty`."""
        request = functions.channels.GetMessagesRequest(
            channel=seat.peer, id=[types.InputMessageID(number) for number in ids]
        )
        return _page(await self._ask(seat, request, urgency=urgency), watch, seat)

    # --- new posts and changes ---

    async def _changes(self, seat: _Seat, watch: Watch) -> AsyncGenerator[Look, None]:
        pts, cursor = watch.pts, watch.cursor or 0
        while True:
            answer = await self._difference(seat, pts)
            if answer is None:
                async with aclosing(self._from_history(seat, watch, follow=True, lost=True)) as looks:
                    async for look in looks:
                        yield look
                return
            look = await self._changed(seat, watch, answer, cursor=cursor)
            yield look
            if answer.result.final:
                return
            pts, cursor = look.pts, look.last_id or cursor

    async def _difference(self, seat: _Seat, pts: int | None) -> Answer | None:
        """What changed since a place in the order of changes; None where that cannot be told any more."""
        request = functions.updates.GetChannelDifferenceRequest(
            channel=seat.peer, filter=types.ChannelMessagesFilterEmpty(), pts=pts, limit=PAGE
        )
        try:
            answer = await self._ask(seat, request, urgency=NEWEST)
        except Unreadable as error:
            if isinstance(error.__cause__, _NO_PLACE):
                return None
            raise
        lost = isinstance(answer.result, types.updates.ChannelDifferenceTooLong)
        return None if lost else answer

    async def _changed(self, seat: _Seat, watch: Watch, answer: Answer, *, cursor: int) -> Look:
        """A difference as a look: it covers the ids from the cursor up to the newest that it names."""
        page, gone = _difference(answer, watch, seat)
        fresh = [m.id for m in page.messages if m.id > cursor]
        first, last = cursor + 1, max(fresh, default=cursor)
        covered = range(cursor + 1, last + 1)
        whole = await self._with_siblings(seat, watch, page.messages, covered=covered, urgency=NEWEST)
        return replace(
            self._look(page, whole, first_id=first, last_id=last),
            deleted=gone,
            pts=page.pts,
            again_after=timedelta(seconds=answer.result.timeout) if answer.result.timeout else None,
        )

    async def _from_history(
        self, seat: _Seat, watch: Watch, *, follow: bool, lost: bool = False
    ) -> AsyncGenerator[Look, None]:
        """The newest page; then, oldest first, what lies between the cursor and it.

        With `follow` the page's place in the order of changes is taken; without it changes that were not
        seen yet are still to be told. `lost` says that some of them never will be.
        """
        page = await self._history(seat, watch, urgency=NEWEST)
        if watch.channel_id is None and not _bears(page, watch, seat):
            raise await _outdated(seat)
        whole = _complete(page.messages, edge=-1)
        if not whole:
            raise NothingShown(f"@{watch.handle} shows no posts", "the channel is empty")
        top = self._look(page, whole, first_id=whole[-1].id, last_id=whole[0].id)
        yield replace(top, pts=page.pts if follow else None, all_due=lost)
        cursor = watch.cursor
        while cursor is not None and cursor + 1 < whole[-1].id:
            look = await self._after(seat, watch, cursor, ceiling=whole[-1].id)
            yield look
            cursor = look.last_id

    async def _after(self, seat: _Seat, watch: Watch, cursor: int, *, ceiling: int) -> Look:
        """A look that covers the ids from `cursor` + 1 up to some id under `ceiling`, without a gap.

        A page may hold fewer posts than were asked for, so that only one that shows more proves an end.
        """
        page = await self._history(seat, watch, urgency=NEWEST, offset_id=cursor + 1, add_offset=-PAGE)
        between = [m for m in page.messages if cursor < m.id < ceiling]
        ended = not between or any(m.id >= ceiling for m in page.messages)
        whole = between if ended else _complete(between, edge=0)
        last = ceiling - 1 if ended else whole[0].id
        # Of an album that was looked at while it was being posted, the first members lie below.
        above = range(cursor + 1, ceiling + albums.LARGEST)
        joined = await self._with_siblings(seat, watch, whole, covered=above)
        return self._look(page, joined, first_id=cursor + 1, last_id=last)

    # --- looking again ---

    async def _by_page(self, seat: _Seat, watch: Watch, near: Sequence[int]) -> AsyncGenerator[Look, None]:
        """Posts that lie within one page of history; those that it does not show are asked for by id.

        These are a look of their own: the page is older, and must not pass for what came after it.
        """
        first, last = near[0], near[-1]
        page = await self._history(seat, watch, urgency=AGAIN, offset_id=last + 1, min_id=first - 1)
        shown = {m.id for m in page.messages}
        lacking = [number for number in near if number not in shown]
        covered = frozenset(range(first, last + 1)) - frozenset(lacking)
        whole = await self._with_siblings(seat, watch, page.messages, covered=covered)
        yield self._look(page, whole, first_id=first, last_id=last)
        if lacking:
            yield await self._by_id(seat, watch, lacking, canary=max(shown, default=None))

    async def _by_id(
        self, seat: _Seat, watch: Watch, ids: Sequence[int], *, canary: int | None = None
    ) -> Look:
        page = await self._checked(seat, watch, ids, canary=canary)
        whole = await self._with_siblings(seat, watch, page.messages, covered=range(0))
        return replace(self._look(page, whole), absent=tuple(sorted(page.empty)))

    async def _checked(self, seat: _Seat, watch: Watch, ids: Sequence[int], *, canary: int | None) -> _Page:
        """Messages by id, with at least one among them that is there, else an absence proves nothing.

        Raises NothingShown or Unreadable where even the newest post cannot be had.
        """
        asked = [*ids[-PAGE + 1 :], *([canary] if canary is not None else [])]
        page = await self._messages(seat, watch, asked, urgency=AGAIN)
        if page.messages:
            return replace(page, empty=page.empty - {canary})
        newest = await self._history(seat, watch, urgency=AGAIN, limit=1)
        if not newest.messages:
            raise NothingShown(f"@{watch.handle} shows no posts", "so that nothing proves that one is gone")
        page = await self._messages(seat, watch, [*ids[-PAGE + 1 :], newest.messages[0].id], urgency=AGAIN)
        if not page.messages:
            raise Unreadable(
                f"posts of @{watch.handle} cannot be had by their ids",
                "not even one that its history shows",
                "it is tried again by itself",
            )
        return page

    async def _with_siblings(
        self,
        seat: _Seat,
        watch: Watch,
        messages: Iterable[Any],
        *,
        covered: Container[int],
        urgency: int = AGAIN,
    ) -> tuple[Any, ...]:
        """The messages with all members of the albums among them, as far as ids outside `covered` may be some."""
        found = {m.id: m for m in messages}
        groups = {m.grouped_id for m in found.values() if _group(m) is not None}
        near = {
            m.id + step
            for m in found.values()
            if _group(m) is not None
            for step in _ALBUM
            if m.id + step > 0 and m.id + step not in covered
        }
        lacking = sorted(near - found.keys())
        for start in range(0, len(lacking), PAGE):
            page = await self._messages(seat, watch, lacking[start : start + PAGE], urgency=urgency)
            found |= {m.id: m for m in page.messages if _group(m) in groups}
        return tuple(found.values())

    # --- looks ---

    async def _described_now(self, seat: _Seat) -> Answer | None:
        """The channel's full description, where that is due and can be had."""
        now, number, name = self._now(), seat.access.channel_id, seat.account.name
        due = self._described.get(number, now) <= now and self._describing.get(name, now) <= now
        if not due or seat.account.waits_with(DESCRIBE):
            return None
        self._describing[name] = now + BETWEEN_DESCRIPTIONS
        try:
            request = functions.channels.GetFullChannelRequest(seat.peer)
            answer = await self._ask(seat, request, urgency=OLDER)
        except (FloodWait, ServerFault, Unreadable):
            return None
        self._described[number] = now + DESCRIBED_FOR
        chat = next((c for c in answer.result.chats if c.id == number), None)
        return None if chat is None else Answer(read_channel(chat, answer.result.full_chat), answer.at)

    def _look(
        self, page: _Page, messages: Iterable[Any], *, first_id: int | None = None, last_id: int | None = None
    ) -> Look:
        posts, set_aside = read_all(
            messages, channel_id=page.channel.channel_id, chats=page.chats, raw=self._options.raw
        )
        return Look(
            source=self.name,
            at=page.at,
            channel=page.channel,
            posts=posts,
            set_aside=set_aside,
            first_id=first_id,
            last_id=last_id,
        )


def _nothing_new(last: Look, described: Answer) -> Look:
    """A look at the channel's description alone."""
    top = last.last_id
    first = None if top is None else top + 1
    return Look(source=last.source, at=described.at, channel=described.result, first_id=first, last_id=top)


def _known(account: Account, watch: Watch) -> Access | None:
    """How an account reaches a watch's channel, if it has found it before."""
    if watch.channel_id is not None:
        return account.accesses.get(watch.channel_id)
    return next((a for a in account.accesses.values() if a.handle.lower() == watch.handle), None)


async def _outdated(seat: _Seat) -> ServerFault:
    """Give up an access; what to say of it."""
    await seat.account.forget_access(seat.access.channel_id)
    return ServerFault(
        "our access to the channel is not accepted any more", "the handle is resolved anew next time"
    )


def _bears(page: _Page, watch: Watch, seat: _Seat) -> bool:
    """Whether a channel bears the handle under which it was once found, as far as the page tells."""
    chat = page.chats.get(seat.access.channel_id)
    bought = getattr(chat, "usernames", None) or ()
    names = {getattr(chat, "username", None), *(name.username for name in bought)} - {None}
    return chat is None or watch.handle in {name.lower() for name in names}


def _as_peer(seat: _Seat) -> Any:
    return types.InputPeerChannel(seat.access.channel_id, seat.access.access_hash)


def _refuse_what_is_no_channel(chat: Any, watch: Watch) -> None:
    """Only public broadcast channels pass. Raises the SourceError that names what the handle is instead."""
    if isinstance(chat, types.ChannelForbidden):
        raise Barred(f"@{watch.handle} is shut to our account", chat.title, "see it in Telegram")
    words = refusal(chat)
    if words is not None:
        raise NotAChannel(f"@{watch.handle} is no channel: {words}", "only public channels are watched")
    if getattr(chat, "restricted", False):
        reasons = [r.text for r in chat.restriction_reason or () if r.platform == "all"]
        if reasons:
            raise Restricted(f"@{watch.handle} is not shown", reasons[0])


def _page(answer: Answer, watch: Watch, seat: _Seat) -> _Page:
    """What an answer shows of the channel; its messages in the order given."""
    result = answer.result
    messages = tuple(m for m in result.messages if not isinstance(m, types.MessageEmpty))
    empty = frozenset(m.id for m in result.messages if isinstance(m, types.MessageEmpty))
    channel = _channel_in(result.chats, watch, seat)
    chats = {chat.id: chat for chat in result.chats}
    return _Page(messages, channel, answer.at, getattr(result, "pts", None), empty, chats)


def _channel_in(chats: Iterable[Any], watch: Watch, seat: _Seat) -> Channel:
    chat = next((c for c in chats if c.id == seat.access.channel_id), None)
    if chat is None:
        return Channel(channel_id=seat.access.channel_id)
    _refuse_what_is_no_channel(chat, watch)
    return read_channel(chat)


def _difference(answer: Answer, watch: Watch, seat: _Seat) -> tuple[_Page, tuple[int, ...]]:
    """The messages that a difference brings, each as it is now, and the ids that it says are deleted."""
    result = answer.result
    chats = {chat.id: chat for chat in getattr(result, "chats", ())}
    channel = _channel_in(chats.values(), watch, seat)
    found = {m.id: m for m in getattr(result, "new_messages", ())}
    gone: set[int] = set()
    for update in getattr(result, "other_updates", ()):
        if isinstance(update, (types.UpdateEditChannelMessage, types.UpdateNewChannelMessage)):
            found[update.message.id] = update.message
        elif isinstance(update, types.UpdateDeleteChannelMessages):
            gone |= set(update.messages)
    messages = tuple(m for m in found.values() if not isinstance(m, types.MessageEmpty))
    return _Page(messages, channel, answer.at, result.pts, chats=chats), tuple(sorted(gone))


def _group(message: Any) -> int | None:
    """The album that a message belongs to; a service message belongs to none."""
    number: int | None = getattr(message, "grouped_id", None)
    return number


def _complete(messages: Sequence[Any], *, edge: int) -> Sequence[Any]:
    """The messages, newest first, without an album that the page's edge (0 the newest, -1 the oldest) may have cut."""
    if not messages or _group(messages[edge]) is None:
        return messages
    rest = [m for m in messages if _group(m) != _group(messages[edge])]
    return rest or messages


def _windows(ids: Sequence[int]) -> int:
    """How many pages of history it takes to see these ids, ascending."""
    count, low = 0, None
    for number in reversed(ids):
        if low is None or number < low:
            count, low = count + 1, number - PAGE + 1
    return count


def _file_of(message: Any, media_id: int) -> Any:
    """The photo or document of that id on a message, or None."""
    media = getattr(message, "media", None)
    for holder in (media, getattr(media, "webpage", None)):
        for name in ("photo", "document"):
            found = getattr(holder, name, None)
            if isinstance(found, types.Photo | types.Document) and found.id == media_id:
                return found
    return None
