"""What happens to cases, told to open pages as it happens (Server-Sent Events).

One connection listens for the whole process, and hands on to each page. A page that was away looks for itself when it
is back: the stream says «look» at its beginning and after a break, and nothing is lost by a hint that was not heard.
Without the stream the pages show the same once they are loaded again.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from monitor.web.auth import SignedIn
from monitor.web.hub import LOOK, Hub
from monitor.web.site import site_of

router = APIRouter()

PING = 15.0


@router.get("/events")
async def events(request: Request, user: SignedIn) -> Response:
    """The stream of one page; it ends with the site, at once."""
    site = site_of(request)
    return StreamingResponse(
        _told(site.hub, site.stopping), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _told(hub: Hub, stopping: asyncio.Event) -> AsyncIterator[str]:
    queue = hub.join()
    stopped = asyncio.create_task(stopping.wait())
    heard = asyncio.create_task(queue.get())
    try:
        yield "retry: 5000\n" + LOOK
        while not stopping.is_set():
            done, _ = await asyncio.wait({heard, stopped}, timeout=PING, return_when=asyncio.FIRST_COMPLETED)
            if heard in done:
                yield heard.result()
                heard = asyncio.create_task(queue.get())
            elif not done:
                yield ": still here\n\n"
    finally:
        # A page that goes away ends the generator wherever it waits.
        stopped.cancel()
        heard.cancel()
        hub.leave(queue)
