"""The `preview` source: a channel's public pages, t.me/s/<handle>, read without an account.

Paging (`before` and `after` are exclusive; a page holds 20 messages, members of albums counted one by one)::

    newest   the bare page; then, if it does not reach down to the cursor, pages after the cursor, oldest first
    older    pages before an id, until one shows no post

An album at the far edge of a page may be cut by it; it is left to the next page, which shows it whole.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus

from monitor.errors import (
    HandleFree,
    NoPreview,
    NotAChannel,
    NothingShown,
    Restricted,
    SoftBan,
    SourceError,
    Unreadable,
)
from monitor.model import Channel, Clock, Look, Post, SourceName, Watch
from monitor.sources.preview_fetch import PreviewFetcher, PreviewOptions, client_of
from monitor.sources.preview_page import WINDOW, Page, State, parse

FIRST_BAN, LONGEST_BAN = 60.0, 2048.0


class PreviewSource:
    """Reads channels through their public pages; make one with `PreviewSource.opened`."""

    name = SourceName.PREVIEW

    def __init__(self, fetcher: PreviewFetcher, *, canary: str, now: Clock) -> None:
        self._fetcher = fetcher
        self._canary = canary
        self._now = now
        self._bans = 0

    @staticmethod
    @asynccontextmanager
    async def opened(options: PreviewOptions, *, now: Clock) -> AsyncIterator["PreviewSource"]:
        """The source, with its connections closed at the end of the block."""
        async with client_of(options) as client:
            yield PreviewSource(PreviewFetcher(options, client), canary=options.canary, now=now)

    async def newest(self, watch: Watch) -> AsyncGenerator[Look, None]:
        """The newest page; then, oldest first, what lies between the cursor and it."""
        top = self._upper_part(await self._page(watch, ""), watch)
        yield top
        if watch.cursor is None or top.first_id is None:
            return
        cursor = watch.cursor
        while cursor + 1 < top.first_id:
            look = await self._after(watch, cursor, ceiling=top.first_id)
            yield look
            cursor = look.last_id or cursor

    async def older(self, watch: Watch, *, before: int) -> AsyncGenerator[Look, None]:
        """Pages of posts with ids under `before`, down to the first."""
        while before > 1:
            page = await self._under(watch, before)
            look = self._lower_part(page, watch, before=before)
            yield look
            if look.exhausted or look.first_id is None:
                return
            before = look.first_id

    async def _after(self, watch: Watch, cursor: int, *, ceiling: int) -> Look:
        """A look that covers the ids from `cursor` + 1 up to some id under `ceiling`, without a gap.

        A server that does not know `after` answers with its newest page, which shows nothing under the
        ceiling; then the same ids are asked for from above.
        """
        page = await self._page(watch, f"?after={cursor}")
        fresh = _complete(tuple(p for p in page.posts if cursor < p.message_id < ceiling), newest_cut=True)
        if fresh and page.posts[-1].message_id < ceiling:
            return self._look(page, watch, fresh, first_id=cursor + 1, last_id=fresh[-1].message_id)
        page = await self._under(watch, ceiling)
        if not page.posts or page.posts[0].message_id <= cursor + 1:
            return self._between(page, watch, cursor, ceiling)
        step = cursor + 1 + WINDOW
        return self._between(await self._under(watch, step), watch, cursor, step)

    async def _under(self, watch: Watch, before: int) -> Page:
        """The page of the newest posts under an id, and none over it. Raises Unreadable if others are shown."""
        page = await self._page(watch, f"?before={before}")
        below = tuple(post for post in page.posts if post.message_id < before)
        if page.posts and not below:
            raise Unreadable(
                "the pages do not heed `before`", f"asked for ids under {before}", "look for a newer version"
            )
        return replace(page, posts=below)

    def _between(self, page: Page, watch: Watch, cursor: int, before: int) -> Look:
        """A page asked for with `before` as a look that covers the ids after the cursor and under `before`."""
        fresh = [post for post in page.posts if cursor < post.message_id < before]
        whole = _complete(fresh, newest_cut=True)
        last = whole[-1].message_id if len(whole) < len(fresh) else before - 1
        return self._look(page, watch, whole, first_id=cursor + 1, last_id=last)

    def _upper_part(self, page: Page, watch: Watch) -> Look:
        """The newest page as a look: it covers all ids from its oldest whole post up."""
        posts = _complete(page.posts, oldest_cut=True)
        if not posts:
            raise self._nothing(page, watch)
        return self._look(page, watch, posts, first_id=posts[0].message_id, last_id=posts[-1].message_id)

    def _lower_part(self, page: Page, watch: Watch, *, before: int) -> Look:
        posts = _complete(page.posts, oldest_cut=True)
        first = posts[0].message_id if posts else 1
        return replace(
            self._look(page, watch, posts, first_id=first, last_id=before - 1), exhausted=first <= 1
        )

    def _look(self, page: Page, watch: Watch, posts: Sequence[Post], *, first_id: int, last_id: int) -> Look:
        channel = page.channel
        if channel is None:
            if watch.channel_id is None:
                raise self._nothing(page, watch)
            channel = Channel(channel_id=watch.channel_id)
        return Look(
            source=self.name,
            at=self._now(),
            channel=channel,
            posts=tuple(posts),
            set_aside=page.set_aside,
            first_id=first_id,
            last_id=last_id,
        )

    def _nothing(self, page: Page, watch: Watch) -> SourceError:
        if page.set_aside:
            return Unreadable(
                f"no post on the page of @{watch.handle} could be read",
                page.set_aside[0].reason,
                "look for a newer version",
            )
        return NothingShown(
            f"@{watch.handle} shows no posts", "the channel is empty, or its posts are hidden"
        )

    async def _page(self, watch: Watch, query: str) -> Page:
        """A page of posts. Raises the SourceError that names what was there instead."""
        answer = await self._fetcher.get(f"/s/{watch.handle}{query}")
        page = parse(answer.body, watch.handle) if answer.status == HTTPStatus.OK else None
        if page is not None and page.state in (State.POSTS, State.EMPTY):
            if len(page.set_aside) > len(page.posts):
                raise self._nothing(page, watch)
            return page
        if page is None or page.state is State.UNKNOWN:
            card = await self._fetcher.get(f"/{watch.handle}")
            page = parse(card.body, watch.handle)
        raise await self._verdict(page, watch)

    async def _verdict(self, page: Page, watch: Watch) -> SourceError:
        """What a page without posts means for the watch."""
        name = f"@{watch.handle}"
        if page.state in (State.POSTS, State.EMPTY, State.NO_PREVIEW):
            return NoPreview(f"{name} has no public pages", page.words)
        if page.state is State.NOT_A_CHANNEL:
            return NotAChannel(f"{name} is no channel: {page.words}", "only public channels are watched")
        if page.state is State.RESTRICTED:
            return Restricted(f"{name} is not shown", page.words)
        if page.state is State.UNKNOWN:
            return Unreadable(
                f"the page of {name} is none that is known", page.words, "look for a newer version"
            )
        if await self._canary_sings():
            self._bans = 0
            return HandleFree(
                f"nobody has the handle {name}", "the channel was renamed, deleted or made private"
            )
        self._bans += 1
        wait = min(FIRST_BAN * 2 ** (self._bans - 1), LONGEST_BAN)
        return SoftBan(
            "our address is refused: every channel looks like a free handle",
            f"@{self._canary} does too, which is there for certain",
            "set a longer MONITOR_PREVIEW_PACE",
            retry_after=wait,
        )

    async def _canary_sings(self) -> bool:
        """Whether a channel that is there for certain can be seen; if not, free handles prove nothing."""
        answer = await self._fetcher.get(f"/s/{self._canary}")
        return answer.status == HTTPStatus.OK and parse(answer.body, self._canary).state is State.POSTS


def _complete(posts: Sequence[Post], *, oldest_cut: bool = False, newest_cut: bool = False) -> Sequence[Post]:
    """The posts without an album that the page's edge may have cut, unless there is nothing else."""
    if not posts:
        return posts
    edge = posts[0] if oldest_cut else posts[-1]
    if edge.album_id is None or not (oldest_cut or newest_cut):
        return posts
    rest = [post for post in posts if post.album_id != edge.album_id]
    return rest or posts
