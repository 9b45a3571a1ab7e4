"""Running the `monitor` command as a user would: another process, its own directory and environment."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    return kept | {"NO_COLOR": "1", "MONITOR_WEB": "off", "COLUMNS": "200", "PYTHONWARNINGS": "error"} | more


def monitor(
    *arguments: str, cwd: Path, env: Mapping[str, str], timeout: float = 120
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=cwd,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def outside(code: str) -> Iterator[str]:
    """A world outside in a process of its own, so that it goes on while the worker dies; gives the line it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate(timeout=30)
