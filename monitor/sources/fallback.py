"""Another source for when the one decided on cannot be reached: looks go on, and come back by themselves.

Only what lies with our connection or session is answered so. What the channel or the platform decided (a
ban, a private channel) is not evaded by going another way.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from monitor.errors import SourceError
from monitor.model import Look, SourceName, Watch
from monitor.sources import Source

Looks = AsyncGenerator[Look, None]


class WithFallback:
    """The source `first`; where that cannot be reached, `second` under the first one's name."""

    def __init__(self, first: Source, second: Source) -> None:
        self.name: SourceName = first.name
        self.at_once = first.at_once
        self._first = first
        self._second = second

    def newest(self, watch: Watch) -> Looks:
        """As the source that can be reached gives them."""
        return _either(watch, lambda: self._first.newest(watch), lambda: self._second.newest(watch))

    def older(self, watch: Watch, *, before: int) -> Looks:
        """As the source that can be reached gives them."""
        return _either(
            watch,
            lambda: self._first.older(watch, before=before),
            lambda: self._second.older(watch, before=before),
        )

    def again(self, watch: Watch, ids: Sequence[int]) -> Looks:
        """As the source that can be reached gives them."""
        return _either(watch, lambda: self._first.again(watch, ids), lambda: self._second.again(watch, ids))


async def _either(watch: Watch, first: Callable[[], Looks], second: Callable[[], Looks]) -> Looks:
    """The looks of the first; of the second where the first fails before its first look, and may be stood in for."""
    refused: SourceError | None = None
    begun = False
    try:
        async with aclosing(first()) as looks:
            async for look in looks:
                begun = True
                yield look
    except SourceError as error:
        if begun or not error.elsewhere:
            raise
        refused = error
    if refused is None:
        return
    try:
        async with aclosing(second()) as looks:
            async for look in looks:
                _refuse_another(look, watch, refused)
                yield replace(look, instead_of=None if begun else (refused.outcome, refused.what))
                begun = True
    except SourceError as error:
        if error is refused:
            raise
        raise _both(refused, error) from error


def _refuse_another(look: Look, watch: Watch, refused: SourceError) -> None:
    """The pages go by the handle, which may have passed to another channel than the one that is followed by its id."""
    if watch.channel_id not in (None, look.channel.channel_id):
        raise refused


def _both(first: SourceError, second: SourceError) -> SourceError:
    """The first one's trouble, which a person can mend, and that the pages do not stand in for it.

    It is this watch's alone, since other accounts may well work.
    """
    why = f"{first.why}; and the public pages do not stand in: {second.what}"
    return type(first)(first.what, why, first.mend, retry_after=second.retry_after)
