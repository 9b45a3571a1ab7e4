"""The command that purges on lawful request: a post, or a whole channel."""

import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from monitor import media
from monitor.cli.base import app, out, with_archive
from monitor.errors import MonitorError, UsageError
from monitor.model import handle_of, utc_now
from monitor.settings import Settings
from monitor.store import purges, watches
from monitor.store.database import Database, lock_channel
from monitor.store.purges import Purged
from monitor.words import counted

_LAST_ID = 2**31 - 1


@app.command()
def purge(
    what: Annotated[
        str, typer.Argument(help="A post as @name/123 or its link, or a whole channel as @name.")
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why; kept for good, so without what is purged.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a post or a channel out of the archive for good, on lawful request; hashes stay, and it is not collected again."""
    handle, message_id = _parsed(what)
    if not reason.strip():
        raise UsageError("no reason was given", "a purge is recorded with its reason", "write --reason '…'")
    if not yes:
        _confirm(handle, message_id)
    purged = with_archive(partial(_purge, handle=handle, message_id=message_id, reason=reason.strip()))
    if purged.posts == 0:
        out.print("nothing was held of it; it is not collected from now on")
        return
    out.print(
        f"purged {counted(purged.posts, 'post')} with {counted(purged.versions, 'version')} and {counted(len(purged.files), 'file')}; their hashes stay"
    )


def _confirm(handle: str, message_id: int | None) -> None:
    if not sys.stdin.isatty():
        raise UsageError("a purge must be confirmed", "there is no terminal to ask on", "add --yes")
    named = (
        f"post {message_id} of @{handle}" if message_id else f"all of @{handle}, with every version and file,"
    )
    typer.confirm(f"Purge {named} for good?", abort=True)


async def _purge(
    found: Settings, database: Database, *, handle: str, message_id: int | None, reason: str
) -> Purged:
    """Purge in one transaction, pause the watch of a channel that goes whole, then remove the files."""
    now = utc_now()
    async with database.transaction() as tx:
        channel_id = await purges.channel_of(tx, handle)
        if channel_id is None:
            raise UsageError(
                f"nothing is held of @{handle}",
                "no channel was seen under this handle",
                "see `monitor channels list`",
            )
        await lock_channel(tx, channel_id)
        purged = await purges.purge(tx, channel_id, message_id, now=now, reason=reason)
        if message_id is None:
            await watches.pause(tx, handle, now=now, reason=f"purged: {reason}")
    _remove(found.media_place(), purged.files)
    return purged


def _remove(root: Path, files: Iterable[bytes]) -> None:
    for digest in files:
        try:
            media.remove(root, digest)
        except OSError as error:
            raise MonitorError(
                "the purge is recorded, and a file of it cannot be removed",
                str(error),
                f"remove by hand: {media.path_of(root, digest)}",
            ) from error


def _parsed(what: str) -> tuple[str, int | None]:
    """Handle and message id in `@name/123`, `t.me/name/123?single` or `@name`."""
    bare = what.strip().partition("?")[0].rstrip("/")
    head, slash, tail = bare.rpartition("/")
    if not (slash and tail.isascii() and tail.isdigit()):
        return handle_of(bare).lower(), None
    if not 0 < int(tail) <= _LAST_ID:
        raise UsageError(f"no post has the id {tail}", "ids go up from 1", "write it as in @name/123")
    return handle_of(head).lower(), int(tail)
