"""Whatever is sent to the site, it answers and never fails by its own fault."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.model import Role
from monitor.store import sessions
from monitor.store.database import Database
from monitor.web.server import Server, address_of, listening
from tests.conftest import Clock
from tests.integration.test_review import Archive
from tests.integration.web_helpers import site, someone

# A stream has no end, and a session that is ended can try nothing more.
LEFT_OUT = ("/events", "/logout")


@pytest.mark.slow
async def test_nothing_that_the_schema_allows_or_forbids_makes_the_site_fail(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    archive = Archive(database, tmp_path, clock)
    await archive.posts({n: f"В Судже бой, и 11 танков, сообщение {n}" for n in range(1, 9)})
    lead = await someone(database, clock, "lead", role=Role.LEAD)
    async with database.transaction() as tx:
        token = await sessions.begin(tx, lead.user_id, now=clock())
    app = site(database, clock)
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(app.openapi()), encoding="utf-8")
    with listening("127.0.0.1", 0) as opened:
        server, address = Server(app), address_of(opened)
        serving = asyncio.create_task(server.serve([opened]))
        command = [sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", address]
        command += ["--header", f"Cookie: monitor={token}", "--header", f"Origin: {address}"]
        command += ["--checks", "not_a_server_error", "--max-examples", "3", "--seed", "7", "--no-color"]
        for path in LEFT_OUT:
            command += ["--exclude-path", path]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        server.stop()
        await asyncio.wait_for(serving, 20)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
