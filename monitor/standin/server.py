"""The stand-in's public pages over HTTP on loopback, with the faults that it is told to have.

Faults are a queue a path prefix, taken one a request, or lasting until they are taken back; so a test says
exactly what the outside does, and when.
"""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from monitor.standin import pages
from monitor.standin.stage import Played, Stage

CANARY = "telegram"
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class Standin(Stage):
    """A stage as its public pages (ASGI), with the faults that it is told to have."""

    faults: deque[tuple[str, Response | None]] = field(default_factory=deque)
    banned: bool = False
    heeds_after: bool = True
    heeds_before: bool = True
    embeds_hidden: bool = False
    robots: str | None = None
    requests: list[str] = field(default_factory=list)

    def fail(self, prefix: str, *answers: Response | None) -> None:
        """Answer the next requests of paths that begin so with these; None cuts the connection."""
        self.faults.extend((prefix, answer) for answer in answers)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.requests.append(path)
        answer = self._answer(request, path)
        if answer is None:
            await _cut(send)
            raise ConnectionAbortedError
        await answer(scope, receive, send)

    def _answer(self, request: Request, path: str) -> Response | None:
        for fault in self.faults:
            if path.startswith(fault[0]):
                self.faults.remove(fault)
                return fault[1]
        if path == "/robots.txt":
            return PlainTextResponse(self.robots or "", 200 if self.robots is not None else 404)
        parts = request.url.path.strip("/").split("/")
        posts = parts[0] == "s"
        handle = parts[posts].lower() if len(parts) > posts else ""
        if self.banned or (handle not in self.channels and handle != CANARY):
            return HTMLResponse(pages.card(f"Telegram: Contact @{handle}"))
        played = self.channels.get(handle)
        if played is None:
            return HTMLResponse(_canary())
        if not posts and len(parts) > 1 and parts[1].isdecimal() and "embed" in request.query_params:
            return self._embed(played, int(parts[1]))
        return self._page(request, played, posts=posts)

    def _embed(self, played: Played, number: int) -> Response:
        """The page of one post; whose channel is hidden, or embeds are, it is not found."""
        now = self.clock()
        shown = [] if played.hidden or self.embeds_hidden else played.shown(now)
        return HTMLResponse(pages.embed(played.scenario, shown, number, now=now, start=played.start))

    def _page(self, request: Request, played: Played, *, posts: bool) -> Response:
        scenario = played.scenario
        if played.hidden or not posts:
            if posts:
                return RedirectResponse(f"/{scenario.handle}", 302)
            return HTMLResponse(_card(played))
        now = self.clock()
        shown = played.shown(now)
        before, after = request.query_params.get("before"), request.query_params.get("after")
        cut = pages.window(
            shown,
            before=int(before) if before and self.heeds_before else None,
            after=int(after) if after and self.heeds_after else None,
        )
        return HTMLResponse(pages.history(scenario, cut, now=now, start=played.start))


async def _cut(send: Send) -> None:
    """Begin an answer; the server closes the connection when what follows is an error, and only then."""
    head = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"<", "more_body": True})


def _card(played: Played) -> str:
    scenario = played.scenario
    extra = f"{scenario.subscribers:,} subscribers".replace(",", " ")
    if played.hidden == "group":
        extra = "9 767 members, 1 295 online"
    elif played.hidden == "person":
        extra = f"@{scenario.handle}"
    about = (
        "This channel can't be displayed because it violated local laws."
        if played.hidden == "restricted"
        else scenario.about
    )
    return pages.card(f"Telegram: View @{scenario.handle}", extra=extra, about=about)


def _canary() -> str:
    return (
        '<section class="tgme_channel_history"><div class="tgme_widget_message" data-post="telegram/400" '
        'data-view="eyJjIjotMTAwNTY0MDg5MiwicCI6NDAwLCJ0IjoxfQ"><div class="tgme_widget_message_text js-message_text">canary</div>'
        '<a class="tgme_widget_message_date" href="https://t.me/telegram/400"><time datetime="2024-01-01T00:00:00+00:00"></time></a></div></section>'
    )


@asynccontextmanager
async def serving(standin: Standin) -> AsyncIterator[str]:
    """Serve the stand-in on a free port of loopback; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Without a date of the server's own, so that what an answer says of the time is what the test says.
    config = uvicorn.Config(
        standin,
        log_level="critical",
        lifespan="off",
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 - `serve` would take over the process's signals
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn sets a flag, and no event
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()
