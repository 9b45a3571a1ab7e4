"""The commands for researchers, as a user calls them: embedded with a port, and on servers that somebody else keeps."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import Engine

from monitor.store import researchers
from monitor.store.database import Database
from monitor.store.embedded import Server
from tests.acceptance.helpers import environment, monitor
from tests.acceptance.test_docs import blocks
from tests.integration.board_helpers import make_channel, make_post
from tests.integration.test_researchers import archive_of, as_owner, cluster, free_port, of_another

__all__ = ["of_another"]


class Home:
    """A directory from which the `monitor` command works on an archive."""

    def __init__(self, path: Path, **settings: str) -> None:
        self.path = path
        self.env = environment(HOME=str(path), PAGER="cat", **settings)

    def run(self, *arguments: str, code: int = 0) -> str:
        done = monitor(*arguments, cwd=self.path, env=self.env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def home(tmp_path: Path, url: str) -> Home:
    return Home(tmp_path, MONITOR_DATABASE_URL=url)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Home]:
    place = Path(tempfile.mkdtemp(prefix="monitor-entry-"))
    place.chmod(0o755)
    yield Home(tmp_path, MONITOR_DATA_DIR=str(place / "data"))
    shutil.rmtree(place)


@contextmanager
def psql_held(home: Home) -> Iterator["subprocess.Popen[str]"]:
    """psql as a researcher, open for the length of the block, which keeps the server running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "sql"],
        cwd=home.path,
        env=home.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\\echo open\n")
    process.stdin.flush()
    assert process.stdout.readline() == "open\n"
    yield process
    process.communicate(timeout=60)


def test_a_researcher_of_the_embedded_database_comes_in_by_its_port(embedded: Home) -> None:
    said = embedded.run("researcher", "add", "anna")
    assert "MONITOR_PG_PORT" in said
    assert "address" not in said
    assert "by its socket alone" in embedded.run("db", "url", "--researcher", "anna", code=1)
    embedded.run("researcher", "remove", "anna")
    embedded.env["MONITOR_PG_PORT"] = str(free_port())
    lines = dict(line.split(maxsplit=1) for line in embedded.run("researcher", "add", "anna").splitlines())
    assert lines["researcher"] == "anna can read the archive"
    assert lines["address"] == f"postgresql://anna@127.0.0.1:{embedded.env['MONITOR_PG_PORT']}/monitor"
    with psql_held(embedded):
        assert lines["address"] in embedded.run("db", "url", "--researcher", "anna")
        with psycopg.connect(lines["address"], password=lines["password"]) as connection:
            assert connection.execute("SELECT count(*) FROM posts").fetchone() == (0,)
            (listed,) = json.loads(embedded.run("researcher", "list", "--json"))
            assert listed == {"name": "anna", "connections": 1, "limit": 5}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(lines["address"], password="wrong")


def test_psql_is_a_researchers_and_ends_as_its_statement_did(embedded: Home) -> None:
    assert "monitor_sql" in embedded.run("sql", "-c", "SELECT current_user, count(*) FROM posts")
    assert "permission denied" in embedded.run("sql", "-c", "SELECT * FROM monitor.users", code=1)
    assert "read-only transaction" in embedded.run(
        "sql", "--command", "CREATE TABLE research.mine ()", code=1
    )
    with psql_held(embedded) as process:
        said, _ = process.communicate(
            "RESET SESSION AUTHORIZATION;\nSELECT 'I am ' || current_user;\n", timeout=60
        )
        assert "I am monitor_sql" in said
    assert process.returncode == 0
    assert "I am nobody yet" in embedded.run("--demo", "sql", "-c", "SELECT 'I am nobody yet' FROM meta")


def test_the_commands_on_a_server_of_ones_own(home: Home, url: str) -> None:
    name = f"boris_{os.urandom(4).hex()}"
    assert "password " in home.run("researcher", "add", name)
    assert "already" in home.run("researcher", "add", name, code=2)
    assert f"{name} " in home.run("researcher", "list")
    assert home.run("db", "url", "--researcher", name).startswith(f"postgresql://{name}@")
    assert "monitor_sql" in home.run("sql", "-c", "SELECT current_user FROM meta")
    assert "is removed" in home.run("researcher", "remove", name)
    assert "there is no researcher" in home.run("researcher", "remove", name, code=2)
    assert "cannot be a researcher's name" in home.run("researcher", "add", "Boris", code=2)


def test_without_psql_the_lack_is_named(home: Home, tmp_path: Path) -> None:
    home.env |= {"MONITOR_PG_BIN": str(tmp_path), "PATH": str(tmp_path)}
    lines = home.run("sql", code=1).splitlines()
    assert "psql is not here" in lines[0]
    assert "MONITOR_PG_BIN" in lines[2]


def test_who_may_not_make_roles_gets_the_sql_for_somebody_who_may(of_another: Server, tmp_path: Path) -> None:
    url = archive_of(of_another, "tenant", "")
    home = Home(tmp_path, MONITOR_DATABASE_URL=url)
    for arguments in (("researcher", "add", "vera"), ("sql", "-c", "SELECT 'in' || 'side' FROM meta")):
        done = monitor(*arguments, cwd=home.path, env=home.env)
        assert done.returncode == 1
        assert done.stdout.startswith("BEGIN;")
        assert "the role tenant has not the rights to do this" in done.stderr
        assert "in the database tenant" in done.stderr
        with as_owner(of_another, "tenant") as administrator:
            administrator.execute(done.stdout)
    assert "vera" in home.run("researcher", "list")
    assert "inside" in home.run("sql", "-c", "SELECT 'in' || 'side' FROM meta")


@pytest.fixture
def archive() -> Iterator[Server]:
    with cluster() as made:
        yield made


async def test_the_recipes_of_the_page_for_researchers_work(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(archive.url()) as database:
        await make_channel(database, 7, "Ministry")
        await make_post(database, (7, 1), "В Судже 11 танков", hours=8)
        await make_post(database, (7, 2), "В Судже тихо", hours=9)
    added = researchers.add(archive.url(), "anna")
    monkeypatch.setenv("PGPASSWORD", added.password)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for written in blocks("python", "research.md"):
        here = written.replace("127.0.0.1:5433", f"127.0.0.1:{archive.port}")
        assert "5433" not in here
        exec(compile(here, "research.md", "exec"), known)
    engine: Engine = known["archive"]
    engine.dispose()
    assert list(known["posts"]["text"]) == ["В Судже 11 танков", "В Судже тихо"]
    assert known["by_day"].tolist() == [2]
    assert known["longest"].values.tolist() == [["channel_7", 17]]
    assert known["counted"].values.tolist() == [["channel_7", 2]]
