"""The command that serves the review site alone."""

from monitor.cli.base import app, out, with_archive
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
        site = make_app(database, now=utc_now, options=Options(found.public_url))

        def ready(address: str) -> None:
            out.print(f"review {found.public_url or address} · Ctrl-C to stop", markup=False)

        await serve(site, host=found.web_host, port=found.web_port, ready=ready)

    with_archive(work, listed=False)
