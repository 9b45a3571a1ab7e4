"""A server for webhooks on this machine that does what a test asks for: answers, faults, hangs, or breaks off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HANG, BREAK = 0, -1


@dataclass
class Asked:
    """One request that came whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hook:
    """What came, and with what to answer: a status each, the last of them for all that follow."""

    statuses: list[int] = field(default_factory=lambda: [200])
    asked: list[Asked] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, _ = head.split(" ", 2)
            lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value for name, _, value in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, path, headers, body))
            self.came.set()
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            if status == HANG:
                await asyncio.sleep(30)
            if status > 0:
                more = "Location: /elsewhere\r\n" if 300 <= status < 400 else ""
                writer.write(
                    f"HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def hooked(*statuses: int) -> AsyncIterator[Hook]:
    """The server, for the length of the block."""
    hook = Hook(list(statuses or (200,)))
    server = await asyncio.start_server(hook.answer, "127.0.0.1", 0)
    hook.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook/hunter2"
    try:
        yield hook
    finally:
        server.close()
