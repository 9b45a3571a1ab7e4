"""Ways to read a channel: each gives looks, and none knows of the database.

Fetching and parsing are apart: parsers run on bytes, so that what was kept can be read again.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from monitor.model import Look, SourceName, Watch


class Source(Protocol):
    """A way to read a channel: `telegram`, `preview` or `desktop`.

    Every method gives looks whose ranges adjoin the one before, so that a cursor can follow them. All raise
    a SourceError where the channel cannot be read. `at_once` watches may be looked at side by side.
    """

    name: SourceName
    at_once: int

    def newest(self, watch: Watch) -> AsyncGenerator[Look, None]:
        """The newest posts, and after them, oldest first, what lies between these and the watch's cursor.

        The first look covers the newest posts; those that follow go up from the cursor. Without a cursor
        there is one look.
        """
        ...

    def older(self, watch: Watch, *, before: int) -> AsyncGenerator[Look, None]:
        """Posts with ids under `before`, the newest of them first, down to the channel's beginning."""
        ...

    def again(self, watch: Watch, ids: Sequence[int]) -> AsyncGenerator[Look, None]:
        """Posts that are held, ids ascending, as they are now: each is among a look's posts, `absent` or `unseen`.

        Other posts that were seen on the way may be among them.
        """
        ...
