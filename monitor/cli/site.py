"""The command that serves the review site alone, and the site as a process beside the worker."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitor import settings
from monitor.cli.base import app, choice, out, review_file, say, with_archive
from monitor.model import utc_now
from monitor.settings import Settings
from monitor.store.database import Database


@app.command()
def web() -> None:
    """Serve the review site alone; until Ctrl-C."""
    # The pages take a while to load, which the other commands need not wait for.
    from monitor.web.app import make_app  # noqa: PLC0415
    from monitor.web.server import serve  # noqa: PLC0415
    from monitor.web.site import Options  # noqa: PLC0415

    async def work(found: Settings, database: Database) -> None:
        site = make_app(
            database, now=utc_now, options=Options(found.public_url, settings.review(review_file(found)))
        )

        def ready(address: str) -> None:
            out.print(f"review {found.public_url or address} · Ctrl-C to stop", markup=False)

        await serve(site, host=found.web_host, port=found.web_port, ready=ready)

    with_archive(work, listed=False)


# The child is asked to stop, and answers what is under way; then it is ended.
PATIENCE = 15.0
_ADDRESS = re.compile(r"https?://\S+")


@asynccontextmanager
async def beside() -> AsyncIterator[str | None]:
    """The review site in a process of its own for the length of the block; gives its address, None if it did not start.

    Collecting goes on without it: what it says of its failure stands on the error stream.
    """
    command = [sys.executable, "-m", "monitor", *(["--demo"] if choice.demo else []), "web"]
    # In a session of its own, so that Ctrl-C reaches the worker alone, which then asks the site to stop.
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    line = (await process.stdout.readline()).decode()
    found = _ADDRESS.search(line)
    watching = asyncio.create_task(_watch(process))
    try:
        yield found.group() if found else None
    finally:
        watching.cancel()
        await _end(process)


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
