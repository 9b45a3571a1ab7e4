"""Takes an export of another archive in: seen to be whole, then staged, then written, all in one transaction.

    refuse what cannot be taken in: of one topic or one moment, of another schema, not as its manifest says
    stage each view; refuse a channel that is held here, or was purged; write the tables of record

What no view carries stays behind: raw records, media files, notes, users, mails. `docs/export.md` has the list.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from monitor.errors import ExportError
from monitor.formats import Row, Told, manifest, quiet
from monitor.formats.manifest import DataFile, Manifest
from monitor.model import Clock, ExportColumn
from monitor.store import exports, imports
from monitor.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What was taken in."""

    channels: int
    posts: int
    versions: int
    decisions: int

    def numbers(self) -> dict[str, int]:
        """The counts, for the record of the run."""
        return {
            "channels": self.channels,
            "posts": self.posts,
            "versions": self.versions,
            "decisions": self.decisions,
        }


async def take_in(database: Database, folder: Path, *, now: Clock, told: Told = quiet) -> TakenIn:
    """Take an export in, whole or not at all.

    Raises ExportError for one that is not as its manifest says, was made of one topic or for one moment, is of another
    schema, or has a channel that this archive holds or purged.
    """
    held = manifest.load(folder)
    async with database.transaction() as tx:
        await _refuse_what_does_not_fit(tx, held)
    await asyncio.to_thread(_refuse_what_differs, folder, held)
    async with database.transaction() as tx:
        known = await exports.views(tx)
        for view in imports.TAKEN:
            files = _files_of(held, view)
            columns = known[view][1]
            given = _given(files, columns)
            every = chain.from_iterable(file.read(folder, held.file_format, given) for file in files)
            batches = _counted(every, view, told)
            await imports.stage(tx, view, columns, given=given, batches=batches)
        await _refuse_what_is_held(tx)
        parted = held.filters.since is not None or held.filters.until is not None
        await imports.write(tx, whole=not parted, now=now())
    return TakenIn(*map(held.rows_of, ("channels", "posts", "versions", "decisions")))


async def _refuse_what_does_not_fit(tx: Transaction, held: Manifest) -> None:
    ours = await exports.schema_version(tx)
    if held.schema_version.partition(".")[0] != ours.partition(".")[0]:
        raise ExportError(
            f"this export has schema {held.schema_version}, and this archive {ours}",
            "where the first numbers differ, the same names do not mean the same",
            f"take it in with monitor {held.made_by.version}, and export it anew with a newer one",
        )
    if held.filters.as_of is not None or held.filters.topic is not None:
        raise ExportError(
            "this export cannot be taken in",
            "it has the posts of one topic, or what was said at one moment, and not what lies between",
            "export it anew without --topic and --as-of",
        )


def _refuse_what_differs(folder: Path, held: Manifest) -> None:
    differing = list(manifest.differences(folder, held))
    if differing:
        more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
        raise ExportError(
            f"{folder} is not as its manifest says",
            f"{differing[0]}{more}",
            f"monitor export verify {folder}",
        )


def _files_of(held: Manifest, view: str) -> list[DataFile]:
    files = held.of(view)
    if not files:
        raise ExportError(
            f"this export has no file of {view}", "an archive cannot be made of it", "export it anew"
        )
    return files


def _given(files: list[DataFile], columns: tuple[ExportColumn, ...]) -> list[ExportColumn]:
    """The columns of a view that its files have, too; an older export may lack some, a newer one have more."""
    types = {column.name: column.type for column in files[0].columns}
    given = [column for column in columns if column.name in types]
    for column in given:
        if types[column.name] is not column.kind:
            raise ExportError(
                f"{files[0].name} cannot be taken in",
                f"its column {column.name} is {types[column.name]}, not {column.kind}",
                "export it anew",
            )
    return given


def _counted(batches: Iterator[list[Row]], view: str, told: Told) -> Iterator[list[Row]]:
    rows = 0
    for batch in batches:
        yield batch
        rows += len(batch)
        told(view, rows)


async def _refuse_what_is_held(tx: Transaction) -> None:
    here = await imports.held(tx)
    if here:
        names = [f"@{handle}" if handle else str(channel_id) for channel_id, handle in here]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""  # noqa: PLR2004 - as many as a line holds
        raise ExportError(
            f"this archive already holds {', '.join(names[:5])}{more}, or purged it",
            "two archives of one channel are not put together, since each has its own versions",
            "take it into another archive, or export the other channels alone (--channel)",
        )
