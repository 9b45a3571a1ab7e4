"""The whole site on a port of its own, some sixty cases made by the real steps, and analysts at browsers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page
from sqlalchemy import text

from bench.chromium import RussianKeys
from monitor import changes, flag, looks, review, settings
from monitor.model import (
    Channel,
    Count,
    Forward,
    ForwardKind,
    Look,
    LookKind,
    Media,
    MediaKind,
    Post,
    Role,
    SourceName,
    User,
)
from monitor.store import sessions
from monitor.store.database import Database
from monitor.web.server import Server, address_of, listening
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.web_helpers import site, someone

CONFIG = Path(__file__).parents[2] / "config"
MINISTRY = Channel(channel_id=1900003001, title="Министерство", handle="made_ministry", about="Сводки")
BLOGGER = Channel(
    channel_id=1900003002, title="Два полковника", handle="made_blogger", subscribers=Count(81_400)
)
EDITED, COPIED, DELETED, FORWARDED = 901, 902, 903, 904
PLAIN = 56
LONG = "Под Курском с утра до 300 военнослужащих ВСУ при поддержке 11 танков и более 20 боевых бронированных машин."


def posts_of(clock: Clock) -> tuple[Post, ...]:
    """Posts of the ministry: most say one thing of Sudzha each, the last ones are of a special kind."""

    def post(number: int, words: str, **more: Any) -> Post:
        at = clock.at - timedelta(hours=5) + timedelta(minutes=number % 240)
        return Post(channel_id=MINISTRY.channel_id, message_id=number, posted_at=at, text=words, **more)

    plain = [
        post(n, f"Под Суджей замечено {n + 2} танков и до {n * 10} военнослужащих ВСУ, бой идёт {n}-й час")
        for n in range(1, PLAIN + 1)
    ]
    origin = Forward(ForwardKind.CHANNEL, channel_id=1900003099, title="Чужой канал", message_id=5)
    return (
        *plain,
        post(EDITED, "Курск. Обстановка стабильная, 4 танка противника отошли."),
        post(COPIED, LONG),
        post(DELETED, "Суджа: посты сняты, 5 БТР ушли на север, связи нет."),
        post(
            FORWARDED,
            "Суджу видно с дороги. <b>Тихо</b> & пусто",
            forward=origin,
            media=Media(MediaKind.PHOTO),
        ),
    )


async def told(database: Database, clock: Clock, channel: Channel, *posts: Post, **more: Any) -> None:
    """Store one look, then read and sort into cases what it brought, as the worker does."""
    clock.forward(minutes=1)
    look = Look(source=SourceName.TELEGRAM, at=clock.at, channel=channel, posts=posts, **more)
    fetched = looks.Fetched(look, changes.digests(posts))
    await looks.store(database, fetched, watch=None, kind=LookKind.LIVE)
    await flag.flag(database, *settings.rules(CONFIG / "rules.toml"), now=clock)
    await review.review(database, settings.review(CONFIG / "review.toml").priority, now=clock)


async def fill(database: Database, clock: Clock) -> None:
    """An archive with some sixty open cases; one was edited, one copied, one deleted since."""
    posts = posts_of(clock)
    await told(database, clock, MINISTRY, *posts)
    edited = next(post for post in posts if post.message_id == EDITED)
    await told(
        database,
        clock,
        MINISTRY,
        replace(edited, text=edited.text.replace("стабильная", "сложная"), edited=True, edited_at=clock.at),
    )
    copy = Post(channel_id=BLOGGER.channel_id, message_id=7, posted_at=clock.at, text=LONG)
    await told(database, clock, BLOGGER, copy)
    await told(database, clock, MINISTRY, deleted=(DELETED,))


@dataclass(slots=True)
class Seat:
    """An analyst at a page, with a Russian keyboard."""

    user: User
    page: Page
    keys: RussianKeys

    async def go(self, code: str, **held: bool) -> None:
        """Press a key that leads to another page, and wait until that is there."""
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await self.keys.press(code, **held)

    async def follow(self, act: Awaitable[object]) -> None:
        """Do what leads to another page, and wait until that is there."""
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await act

    @property
    def case_id(self) -> int:
        """The case whose page is open."""
        return int(self.page.url.partition("/case/")[2].partition("?")[0])

    async def notice(self) -> str:
        return await self.page.locator("#notice").inner_text()


@dataclass(slots=True)
class Desk:
    """The site that runs, its archive, and the browser."""

    database: Database
    clock: Clock
    address: str
    browser: Browser

    async def user(self, name: str, role: Role = Role.ANALYST) -> User:
        return await someone(self.database, self.clock, name, role=role)

    async def context(self, user: User | None, **options: Any) -> BrowserContext:
        """A browser of its own, in which a user is signed in."""
        context = await self.browser.new_context(base_url=self.address, **options)
        context.set_default_timeout(20_000)
        if user is not None:
            async with self.database.transaction() as tx:
                token = await sessions.begin(tx, user.user_id, now=self.clock())
            await context.add_cookies([{"name": "monitor", "value": token, "url": self.address}])
        return context

    async def seat(self, name: str = "olya", **options: Any) -> Seat:
        """An analyst at the queue."""
        user = await self.user(name)
        page = await (await self.context(user, **options)).new_page()
        await page.goto("/queue", wait_until="domcontentloaded")
        return Seat(user, page, await RussianKeys.of(page))

    async def ask(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await ask(self.database, query, **values)]

    async def run(self, statement: str, **values: object) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(text(statement), values)

    async def state(self, case_id: int) -> str:
        rows = await self.ask("SELECT state FROM monitor.cases WHERE case_id = :c", c=case_id)
        return str(rows[0][0])

    async def case_of(self, message_id: int) -> int:
        rows = await self.ask(
            "SELECT case_id FROM monitor.case_posts WHERE message_id = :m ORDER BY case_id", m=message_id
        )
        return int(rows[0][0])

    async def edit(self, case_id: int, words: str) -> datetime:
        """Let the first post of a case be edited on Telegram."""
        rows = await self.ask(
            "SELECT message_id, posted_at FROM monitor.cases JOIN monitor.posts USING (channel_id, message_id) WHERE case_id = :c",
            c=case_id,
        )
        message_id, posted_at = rows[0]
        post = Post(
            channel_id=MINISTRY.channel_id,
            message_id=message_id,
            posted_at=posted_at,
            text=words,
            edited=True,
            edited_at=self.clock.at,
        )
        await told(self.database, self.clock, MINISTRY, post)
        return self.clock.at


@asynccontextmanager
async def served(database: Database, clock: Clock) -> AsyncIterator[str]:
    """The site on a free port of this machine; gives its address."""
    with listening("127.0.0.1", 0) as opened:
        server = Server(site(database, clock))
        serving = asyncio.create_task(server.serve([opened]))
        try:
            yield address_of(opened)
        finally:
            server.stop()
            await asyncio.wait_for(serving, 15)
