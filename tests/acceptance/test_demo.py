"""The demo as a newcomer runs it: the embedded database, the stand-in, the real worker, live."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.helpers import environment, monitor

SOON = 20.0
A_MINUTE = 60.0


@pytest.fixture
def data() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="monitor-demo-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def posts(env: dict[str, str], cwd: Path) -> int:
    done = monitor("--demo", "status", "--json", cwd=cwd, env=env)
    return int(json.loads(done.stdout)["totals"]["posts"])


def signed_in(address: str, password: str) -> bool:
    """Whether the printed password opens the queue."""
    with httpx.Client(base_url=address, headers={"origin": address}, trust_env=False) as client:
        client.post("/login", data={"name": "analyst", "password": password})
        return client.get("/queue").status_code == 200


@pytest.mark.slow
def test_posts_flags_an_edit_and_a_deletion_are_on_the_screen_and_a_second_start_goes_on(
    data: Path, tmp_path: Path
) -> None:
    env = environment(
        MONITOR_DATA_DIR=str(data),
        PYTHONUNBUFFERED="1",
        MONITOR_WEB="on",
        MONITOR_WEB_PORT="0",
        MONITOR_LOG_LEVEL="warning",
    )
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "demo"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        shown = ""
        while "flagged so far" not in shown:
            line = process.stdout.readline()
            assert line, shown
            shown += line
        assert time.monotonic() - began < SOON
        assert "monitor demo" in shown
        assert "database   ready in" in shown
        assert "kursk" in shown
        reviewed = re.search(r"review   (http://127\.0\.0\.1:\d+)  user analyst  password (\S+)", shown)
        while reviewed is None:
            shown += process.stdout.readline()
            reviewed = re.search(r"review   (http://127\.0\.0\.1:\d+)  user analyst  password (\S+)", shown)
        assert signed_in(*reviewed.groups())
        began = time.monotonic()
        awaited = {" → «", "deleted; its words are kept", "troop_figures", "demo_blogger"}
        while awaited:
            line = process.stdout.readline()
            shown += line
            assert line, shown
            assert time.monotonic() - began < A_MINUTE, shown
            awaited -= {words for words in awaited if words in line}
    finally:
        process.terminate()
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "the archive is whole" in rest
    assert not (data / "postgres" / "postmaster.pid").exists()
    held = posts(env, tmp_path)
    again = monitor("demo", "--for", "4", "--speed", "600", cwd=tmp_path, env=env)
    assert again.returncode == 0, again.stderr
    assert posts(env, tmp_path) > held
    fresh = monitor("demo", "--for", "1", "--speed", "1", "--fresh", cwd=tmp_path, env=env)
    assert fresh.returncode == 0, fresh.stderr
    assert posts(env, tmp_path) < held
