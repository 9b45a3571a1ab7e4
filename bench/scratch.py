"""A database of its own for one measurement, gone with its folder at the end."""

import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.store.embedded import Server, Supervisor


@contextmanager
def scratch_server() -> Iterator[tuple[Path, Server]]:
    """A folder and the server that lives in it until the end of the block; prints what the numbers rest on."""
    with tempfile.TemporaryDirectory(prefix="monitor-bench-") as place:
        scratch = Path(place)
        # Run by root, the server's processes belong to another user, who must reach their data.
        scratch.chmod(0o755)
        with Supervisor(scratch / "data").held() as server:
            version = server.binaries.version
            print(f"PostgreSQL {version} · Python {platform.python_version()} · {platform.machine()}")
            yield scratch, server
