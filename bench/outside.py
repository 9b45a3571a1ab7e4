"""A stand-in in a process of its own, so that it costs the measured one nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def served(module: str, asked: str) -> Iterator[Any]:
    """What `python -m module --serve asked` prints first, as JSON; it serves until the end of the block."""
    command = [sys.executable, "-m", module, "--serve", asked]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.communicate()
