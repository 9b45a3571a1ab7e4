"""Listening: one uvicorn in this process, which ends its event streams when it is asked to stop.

uvicorn alone would wait for an open stream for as long as it waits for anything, since a stream has no end.
"""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from monitor.errors import MonitorError
from monitor.web.site import Site

# Containers are killed 30 s after they were asked to stop.
PATIENCE = 10


class Server(uvicorn.Server):
    """Serves one site until `stop`, or until SIGTERM or Ctrl-C."""

    def __init__(self, app: FastAPI) -> None:
        self._site: Site = app.state.site
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                # The address of whoever asks is a header of the server in front, where there is one.
                proxy_headers=self._site.options.public_url is not None,
                timeout_graceful_shutdown=PATIENCE,
            )
        )

    def stop(self) -> None:
        """Take no new request, end the streams, and let `serve` return once the rest is answered."""
        self._site.stopping.set()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does; uvicorn would raise it again at the end, as if a stop that was asked for had failed."""
        again = self.should_exit and sig == signal.SIGINT
        self.force_exit = self.force_exit or again
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._site.stopping.set)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped."""
        self._loop = asyncio.get_running_loop()
        try:
            await super().serve(sockets)
        finally:
            self._site.stopping.set()


def listening(host: str, port: int) -> socket.socket:
    """A socket at an address, not yet answered. Raises MonitorError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise MonitorError(
            f"the review site cannot listen at {host}, port {port}",
            error.strerror or str(error),
            "stop what listens there, or set MONITOR_WEB_PORT and MONITOR_WEB_HOST",
        ) from error
    # asyncio sets it on sockets that it made itself alone; without it a page waits 40 ms for its second packet.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def address_of(opened: socket.socket) -> str:
    """The address to type for a socket of ours."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: FastAPI, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve a site at an address until it is asked to stop; `ready` is told the address as it listens."""
    with listening(host, port) as opened:
        ready(address_of(opened))
        await Server(app).serve([opened])
