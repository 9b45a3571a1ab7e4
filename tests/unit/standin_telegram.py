"""What the tests of the MTProto stand-in share: a stage with a clock that stands, and Telethon as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from telethon import TelegramClient, functions
from telethon.sessions import StringSession

from monitor.standin.scenario import THEN, Event, Message, Scenario, Text
from monitor.standin.stage import Stage
from monitor.standin.telegram import TelegramServer, serving_telegram

HOUR = timedelta(hours=1)


@dataclass
class Clock:
    """A clock that stands at an offset from the start of the scenarios until it is set."""

    offset: timedelta = 1000 * HOUR

    def __call__(self) -> datetime:
        return THEN + self.offset


def said(number: int, hours: int | None = None, words: str | None = None, **rest: Any) -> Message:
    return Message(
        id=number,
        at=HOUR * (number if hours is None else hours),
        text=Text(f"post {number}" if words is None else words),
        **rest,
    )


def edit(post: int, hours: int, words: str) -> Event:
    return Event(at=HOUR * hours, kind="edit", post=post, text=Text(words))


def delete(post: int, hours: int) -> Event:
    return Event(at=HOUR * hours, kind="delete", post=post)


def channel(*messages: Message, events: tuple[Event, ...] = (), **rest: Any) -> Scenario:
    named = {"id": 1_700_000_001, "handle": "Demo_One", "title": "Проба", **rest}
    return Scenario(messages=messages, events=tuple(sorted(events, key=lambda e: e.at)), **named)


def staged(*scenarios: Scenario, clock: Clock | None = None, accounts: int = 1) -> TelegramServer:
    stage = Stage(clock=clock or Clock())
    stage.play(scenarios, start=THEN)
    return TelegramServer(stage, accounts=accounts)


def fresh(session: Any, **options: Any) -> Any:
    """A client of a class of its own, since Telethon keeps the list of data centres on the class."""
    kind = type("Client", (TelegramClient,), {})
    chosen = {"receive_updates": False, "retry_delay": 0, "flood_sleep_threshold": 0, **options}
    return kind(session, 1, "invented", **chosen)


@asynccontextmanager
async def connected(server: TelegramServer, account: int = 0, **options: Any) -> AsyncIterator[Any]:
    """A client that is logged in with a session of the server's; the server must be served."""
    client = fresh(StringSession(server.session(account)), **options)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


@asynccontextmanager
async def talking(server: TelegramServer, handle: str = "demo_one") -> AsyncIterator[tuple[Any, Any]]:
    """A server that is served, a client on it, and a channel as the client can name it."""
    async with serving_telegram(server), connected(server) as client:
        yield client, await client.get_input_entity(handle)


async def raw(client: Any, request: Any) -> Any:
    """Send one request past Telethon's own retries and waits."""
    return await client._sender.send(request)


def history(peer: Any, **given: Any) -> Any:
    asked = {
        "offset_id": 0,
        "offset_date": None,
        "add_offset": 0,
        "limit": 100,
        "max_id": 0,
        "min_id": 0,
        "hash": 0,
        **given,
    }
    return functions.messages.GetHistoryRequest(peer, **asked)
