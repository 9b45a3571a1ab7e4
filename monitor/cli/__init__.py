"""The commands, each a few lines: they open what a step needs, call it, and show what came of it.

Exit codes: 0 done, 1 failed, 2 called wrongly. `--json` prints for programs; errors go to the other stream,
in three lines: what, why, what to do.
"""

import signal
import sys

from monitor.cli import (
    accounts,
    alerts,
    archive,
    channels,
    coverage,
    db,
    demo,
    digest,
    evaluate,
    export,
    purge,
    queries,
    researchers,
    rules,
    search,
    site,
    users,
    work,
)
from monitor.cli.base import app, console_error
from monitor.errors import MonitorError
from monitor.store.embedded import end_gracefully

__all__ = [
    "accounts",
    "alerts",
    "app",
    "archive",
    "channels",
    "coverage",
    "db",
    "demo",
    "digest",
    "evaluate",
    "export",
    "main",
    "purge",
    "queries",
    "researchers",
    "rules",
    "search",
    "site",
    "users",
    "work",
]


def main() -> None:
    """Run the command line; every error that we raise on purpose becomes three lines and an exit code."""
    end_gracefully()
    try:
        app(standalone_mode=True)
    except MonitorError as error:
        console_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
