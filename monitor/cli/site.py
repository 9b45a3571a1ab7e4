"""The command that serves the review site alone, and the site as a process beside the worker."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from monitor import settings
from monitor.cli.base import app, choice, out, review_file, say, with_archive
from monitor.model import utc_now
from monitor.settings import Settings
from monitor.store.database import Database


@app.command()
def web(
    beside: Annotated[
        bool,
        typer.Option("--beside", hidden=True, help="Stop when the input ends, as it does with the worker."),
    ] = False,
) -> None:
    """Serve the review site alone; until Ctrl-C."""
    # The pages take a while to load, which the other commands need not wait for.
    from monitor.web.app import make_app  # noqa: PLC0415
    from monitor.web.server import serve  # noqa: PLC0415
    from monitor.web.site import Options  # noqa: PLC0415

    async def work(found: Settings, database: Database) -> None:
        options = Options(found.public_url, settings.review(review_file(found)), found.media_place())
        site = make_app(database, now=utc_now, options=options)

        def ready(address: str) -> None:
            out.print(f"review {found.public_url or address} · Ctrl-C to stop", markup=False)

        serving = serve(site, host=found.web_host, port=found.web_port, ready=ready)
        await (_until_the_input_ends(serving) if beside else serving)

    with_archive(work, listed=False)


# The child is asked to stop, and answers what is under way; then it is ended.
PATIENCE = 15.0
_ADDRESS = re.compile(r"https?://\S+")


async def _until_the_input_ends(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until stopped, or until whoever holds the other end of the input is gone, however it ended."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    task = asyncio.create_task(serving)
    ended = asyncio.create_task(reader.read())
    await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        os.kill(os.getpid(), signal.SIGTERM)
    ended.cancel()
    try:
        await task
    finally:
        pipe.close()


@asynccontextmanager
async def beside(found: Settings) -> AsyncIterator[str | None]:
    """The review site in a process of its own for the length of the block; gives its address, None if there is none.

    Collecting goes on without it: what it says of its failure stands on the error stream.
    """
    if not found.web:
        yield None
        return
    command = [sys.executable, "-m", "monitor", *(["--demo"] if choice.demo else []), "web", "--beside"]
    # In a session of its own, so that Ctrl-C reaches the worker alone, which then asks the site to stop.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    address = await _address(process)
    watching = asyncio.create_task(_watch(process))
    try:
        yield address
    finally:
        watching.cancel()
        await _end(process)


async def _address(process: asyncio.subprocess.Process) -> str | None:
    """Where the site listens, as it says once it does; the worker does not wait for it long."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    except TimeoutError:
        return None
    told = _ADDRESS.search(line.decode())
    return told.group() if told else None


async def _watch(process: asyncio.subprocess.Process) -> None:
    code = await process.wait()
    say(f"the review site ended by itself (code {code}); collecting goes on, and monitor web starts it again")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
