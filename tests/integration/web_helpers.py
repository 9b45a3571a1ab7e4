"""A browser for tests: the whole site on a real database, spoken to without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from monitor import passwords
from monitor.model import Language, Role, User
from monitor.store import sessions, users
from monitor.store.database import Database
from monitor.web.app import make_app
from monitor.web.site import Options
from tests.conftest import Clock

PASSWORD = "7h-quiet-ferry"
OURS = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}


async def someone(
    database: Database,
    clock: Clock,
    name: str = "olya",
    *,
    role: Role = Role.ANALYST,
    language: Language = Language.ENGLISH,
) -> User:
    kept = await passwords.hashed(PASSWORD)
    async with database.transaction() as tx:
        return await users.add(tx, name, role=role, password=kept, language=language, now=clock())


@asynccontextmanager
async def browser(
    app: FastAPI, *, base: str = "http://127.0.0.1:8046", address: str = "192.0.2.1"
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 50000))
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=OURS) as client:
        yield client


async def log_in(
    client: httpx.AsyncClient, name: str = "olya", password: str = PASSWORD, **more: str
) -> httpx.Response:
    return await client.post("/login", data={"name": name, "password": password, **more})


async def let_in(database: Database, client: httpx.AsyncClient, user: User, clock: Clock) -> str:
    """Sign a user in without the form, which takes its time over the password; gives the token."""
    async with database.transaction() as tx:
        token = await sessions.begin(tx, user.user_id, now=clock())
    client.cookies.set("monitor", token)
    return token


def site(database: Database, clock: Clock, *, public_url: str | None = None, **more: Any) -> FastAPI:
    return make_app(database, now=clock, options=Options(public_url), **more)
