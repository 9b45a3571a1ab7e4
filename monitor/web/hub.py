"""Hearing of cases for all open pages at once: one connection that listens while any page does."""

import asyncio
import json

import structlog

from monitor.errors import DatabaseError
from monitor.store import hearing

log = structlog.get_logger()

AGAIN = 5.0
# A page that does not read so many hints is told to look instead.
MOST_WAITING = 200
LOOK = "event: look\ndata: {}\n\n"


class Hub:
    """Listens while any page does, and hands on what it hears."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pages: set[asyncio.Queue[str]] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self) -> asyncio.Queue[str]:
        """A queue of events for one page, as the stream writes them."""
        queue: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._pages.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        return queue

    def leave(self, queue: asyncio.Queue[str]) -> None:
        """Hear no more; the last one out ends the listening."""
        self._pages.discard(queue)
        if not self._pages and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                async for news in hearing.cases(self._url):
                    told = json.dumps({"case_id": news.case_id, "state": news.state})
                    self._tell(f"event: case\ndata: {told}\n\n")
            except DatabaseError as error:
                log.warning(error.what, why=error.why)
            await asyncio.sleep(AGAIN)
            self._tell(LOOK)

    def _tell(self, event: str) -> None:
        for queue in self._pages:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(LOOK)
            else:
                queue.put_nowait(event)
