"""Listening: the site answers over a socket, and ends its event streams when it is asked to stop."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import StreamingResponse

from monitor.errors import MonitorError
from monitor.store.database import Database
from monitor.web.server import Server, address_of, listening
from monitor.web.site import site_of
from tests.conftest import Clock
from tests.integration.web_helpers import site


@pytest.fixture
def app(database: Database, clock: Clock) -> FastAPI:
    made = site(database, clock)

    @made.get("/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def words() -> AsyncIterator[str]:
            yield "data: here\n\n"
            await site_of(request).stopping.wait()

        return StreamingResponse(words(), media_type="text/event-stream")

    return made


@pytest.mark.parametrize("end", [Server.stop, lambda _: os.kill(os.getpid(), signal.SIGTERM)])
async def test_a_stop_ends_an_open_stream_at_once(app: FastAPI, end: Callable[[Server], None]) -> None:
    with listening("127.0.0.1", 0) as opened:
        server = Server(app)
        serving = asyncio.create_task(server.serve([opened]))
        async with httpx.AsyncClient(base_url=address_of(opened), trust_env=False) as client:
            assert (await client.get("/healthz")).text == "ok\n"
            async with client.stream("GET", "/stream") as answer:
                assert "server" not in answer.headers
                lines = answer.aiter_lines()
                assert await anext(lines) == "data: here"
                begun = asyncio.get_running_loop().time()
                end(server)
                assert [line async for line in lines if line] == []
            await asyncio.wait_for(serving, 5)
            assert asyncio.get_running_loop().time() - begun < 2
    assert not server.force_exit


def test_an_answer_in_two_packets_does_not_wait_between_them() -> None:
    with listening("127.0.0.1", 0) as opened, socket.create_connection(opened.getsockname()):
        accepted, _ = opened.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_port_that_is_taken_says_so() -> None:
    with listening("127.0.0.1", 0) as opened:
        port = opened.getsockname()[1]
        with pytest.raises(MonitorError, match=f"cannot listen at 127.0.0.1, port {port}") as caught:
            listening("127.0.0.1", port)
        assert "in use" in caught.value.why
        assert "MONITOR_WEB_PORT" in caught.value.mend


async def test_an_address_of_the_newer_kind_is_bracketed() -> None:
    with suppress(MonitorError), listening("::1", 0) as opened:
        assert address_of(opened).startswith("http://[::1]:")
