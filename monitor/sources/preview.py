"""The `preview` source: a channel's public pages, t.me/s/<handle>, read without an account.

Paging (`before` and `after` are exclusive; a page holds 20 messages, members of albums counted one by one)::

    newest   the bare page; then, if it does not reach down to the cursor, pages after the cursor, oldest first
    older    pages before an id, until one shows no post
    again    pages around the ids, from the highest down; an id that its page lacks is asked for by its embed,
             t.me/<handle>/<id>?embed=1, which shows a post with its whole album, or «Post not found»

An album at the far edge of a page may be cut by it; it is left to the next page, which shows it whole.

That an embed is not found proves nothing: service posts have none, and neither has a channel that restricts
saving. So it is believed only after the embed of a post that a page shows, and then as «unseen», never gone.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple

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
from monitor.sources import albums
from monitor.sources.preview_fetch import PreviewFetcher, PreviewOptions, client_of
from monitor.sources.preview_page import WINDOW, Page, State, parse, parse_embed

FIRST_BAN, LONGEST_BAN = 60.0, 2048.0


class PreviewSource:
    """Reads channels through their public pages; make one with `PreviewSource.opened`."""

    name = SourceName.PREVIEW
    # How many watches are looked at at the same time.
    at_once: int = 1

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

    async def again(self, watch: Watch, ids: Sequence[int]) -> AsyncGenerator[Look, None]:
        """Held posts as they are now, highest ids first: each is among a look's posts or `unseen`, never `absent`.

        An id whose post was set aside is neither. What a page lacks is asked for by embeds; looks without a
        range follow the page's, each of at most 20 ids. Raises Unreadable where embeds hide what the pages
        show.
        """
        left = sorted(set(ids))
        edge = max(left, default=0) + albums.LARGEST
        while left:
            # No further than an edge that is known, else far enough over the id to have its album whole.
            page = await self._under(watch, min(edge, left[-1] + albums.LARGEST))
            whole = _uncut(page.posts)
            edge = whole[0].message_id if whole else min(left[0], 1)
            if edge <= left[-1]:
                asked = [number for number in left if number >= edge]
                async with aclosing(self._covered(replace(page, posts=whole), watch, asked)) as looks:
                    async for look in looks:
                        yield look
                aside = {entry.message_id for entry in page.set_aside}
                left = [number for number in left if number < edge and number not in aside]

    async def _covered(self, page: Page, watch: Watch, asked: Sequence[int]) -> AsyncGenerator[Look, None]:
        """Looks at the ids of the stretch that a page covers: all of the page first, then by embeds what it lacks.

        What the page shows is worth keeping, whatever becomes of the embeds.
        """
        top, bottom = asked[-1], page.posts[0].message_id if page.posts else 1
        # Over the highest id that was asked for, the page's near edge may cut an album.
        posts = [post for post in page.posts if (post.album_id or post.message_id) <= top]
        lost = _lost(page, asked)
        witness = await self._witness(page, watch) if lost and not posts else None
        shown = replace(page, channel=witness.channel) if witness else page
        last = max(top, posts[-1].message_id if posts else 0)
        look = self._look(shown, watch, posts, first_id=bottom, last_id=last)
        yield look
        if lost and witness is None:
            witness = await self._witness(page, watch)
        for start in range(0, len(lost), WINDOW):
            look = replace(look, at=self._now(), posts=(), set_aside=(), first_id=None, last_id=None)
            yield await self._with_embeds(look, watch, witness, lost=lost[start : start + WINDOW])

    async def _witness(self, page: Page, watch: Watch) -> "_Witness":
        """What embeds can be tried by, from this page, else from the newest. Raises NothingShown."""
        witness = _witness_on(page)
        if witness is None:
            newest = await self._page(watch, "")
            witness = _witness_on(newest)
            if witness is None:
                raise self._nothing(newest, watch)
        return witness

    async def _with_embeds(
        self, look: Look, watch: Watch, witness: "_Witness | None", *, lost: Sequence[int]
    ) -> Look:
        """The look, and of the ids that its page lacks, the posts that their embeds show, or that they do not.

        No embed is asked for on a handle that shows another channel by now.
        """
        if witness is None or watch.channel_id not in (None, look.channel.channel_id):
            return look
        await self._try_embeds(look, watch, witness.post)
        posts = {post.message_id: post for post in look.posts}
        aside, unseen = list(look.set_aside), []
        for number in lost:
            if number not in posts:
                page = await self._embed(look, watch, number)
                posts |= {post.message_id: post for post in page.posts if post.message_id in lost}
                aside += page.set_aside
                unseen += [number] if page.state is State.NOT_FOUND else []
        return replace(
            look,
            posts=tuple(posts[number] for number in sorted(posts)),
            set_aside=tuple(aside),
            unseen=tuple(sorted(unseen)),
        )

    async def _try_embeds(self, look: Look, watch: Watch, witness: Post) -> None:
        """Raise Unreadable if the embed of a post that a page shows does not show it."""
        page = await self._embed(look, watch, witness.message_id)
        if witness.message_id not in {post.message_id for post in page.posts}:
            raise Unreadable(
                f"the embeds of @{watch.handle} hide what its pages show",
                f"post {witness.message_id} is on a page, and its embed says: {page.words or 'nothing'}",
                "nothing is taken for missing meanwhile; look for a newer version if it stays",
            )

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

    async def _embed(self, look: Look, watch: Watch, number: int) -> Page:
        """The page of one post: POSTS, or NOT_FOUND. Raises the SourceError that names what was there instead."""
        answer = await self._fetcher.get(f"/{watch.handle}/{number}?embed=1&mode=tme")
        if answer.status != HTTPStatus.OK:
            raise await self._verdict(Page(State.UNKNOWN, words=f"status {answer.status}"), watch)
        page = parse_embed(answer.body, look.channel.handle or watch.handle, number)
        if page.channel is not None and page.channel.channel_id != look.channel.channel_id:
            page = Page(State.UNKNOWN, words=f"post {number} is shown as another channel's")
        if page.state in (State.POSTS, State.NOT_FOUND):
            return page
        # A card with subscribers says nothing against the public pages, which were read just now.
        raise await self._verdict(
            replace(page, state=State.UNKNOWN) if page.state is State.NO_PREVIEW else page, watch
        )

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


def _uncut(posts: Sequence[Post]) -> tuple[Post, ...]:
    """The posts without what the far edge may have cut, unless there is nothing else.

    That is an album, or a post with media, which may be the last of one.
    """
    if not posts or posts[0].media is None:
        return tuple(posts)
    edge = posts[0]
    rest = posts[1:] if edge.album_id is None else [p for p in posts if p.album_id != edge.album_id]
    return tuple(rest or posts)


def _lost(page: Page, asked: Sequence[int]) -> list[int]:
    """The ids that a page should show and does not, the highest first.

    None where something was set aside that does not say which post it is: it may be any of them.
    """
    aside = {entry.message_id for entry in page.set_aside}
    shown = {post.message_id for post in page.posts} | aside
    return [] if None in aside else sorted(set(asked) - shown, reverse=True)


class _Witness(NamedTuple):
    """A post that a page shows, so that its embed must, and the channel as that page has it."""

    channel: Channel
    post: Post


def _witness_on(page: Page) -> _Witness | None:
    """A post to try embeds by: no service post, which has none, and one with words if there is one."""
    plain = [post for post in page.posts if post.service is None]
    if page.channel is None or not plain:
        return None
    return _Witness(page.channel, max(plain, key=lambda post: (bool(post.text), post.message_id)))
