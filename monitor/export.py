"""Takes the researchers' views out of the archive into a folder of files.

    one transaction that sees one state
        for each view: its rows, batch by batch, into one file
    what the columns mean, how to cite it, and last the manifest with the hash of each file
    the folder gets its name

The folder has another name until it is whole, so that half an export is never taken for one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor import __version__
from monitor.errors import ExportError, UsageError
from monitor.formats import Format, Row, Told, Writer, manifest, papers, quiet, writer
from monitor.formats.manifest import DataFile, Manifest
from monitor.formats.values import moment
from monitor.model import Clock
from monitor.store import exports
from monitor.store.database import Database, Transaction
from monitor.store.exports import AS_OF, Part, Selection

_POSTS = ("posts", AS_OF)
# What Parquet tells of its row groups is held until a file is whole: some 25 kB each.
FILE_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be taken out, in which form, and the hash of the rules in force."""

    form: Format
    selection: Selection
    ruleset: str


async def export(
    database: Database, folder: Path, order: Order, *, now: Clock, told: Told = quiet
) -> Manifest:
    """Write an export; gives its manifest.

    Raises UsageError where the folder holds something or nothing is flagged with the topic, ExportError where it
    cannot be written.
    """
    with _whole(folder) as place:
        async with database.snapshot() as tx:
            made_at = now()
            await _check(tx, order.selection)
            written = _Written(place, order.form)
            for part in await exports.parts(tx, order.selection):
                await written.add(tx, part, told)
            version = await exports.schema_version(tx)
        done = _manifest(written, order, version=version, made_at=made_at)
        manifest.write(place, done)
    return done


async def _check(tx: Transaction, selection: Selection) -> None:
    if selection.topic is not None and not await exports.any_flagged(tx, selection.topic):
        raise UsageError(
            f"no post is flagged with {selection.topic}",
            "an export of a topic has the posts that are flagged with it",
            "see the topics in config/rules.toml, or leave --topic out",
        )


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is meant, which gets its name at the end of the block, and is gone if it raises."""
    target = folder.absolute()
    _refuse_full(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        try:
            yield place
            place.chmod(0o755)
            os.replace(place, target)  # noqa: PTH105 - Path.replace says it of files
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    except OSError as error:
        raise ExportError(
            f"the export cannot be written to {folder}",
            error.strerror or str(error),
            "see that there is room and it is yours",
        ) from error


def _refuse_full(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise UsageError(
            f"{target} holds something already",
            "an export is a folder of its own",
            "name one that is not there yet",
        )


@dataclass(slots=True)
class _Open:
    """A file that is being written, and how many rows it has."""

    path: Path
    writer: Writer
    rows: int = 0

    def add(self, batch: list[Row]) -> None:
        """Write rows."""
        self.writer.write(batch)
        self.rows += len(batch)


class _Written:
    """What is written so far."""

    def __init__(self, place: Path, form: Format) -> None:
        self.place, self.form = place, form
        self.files: list[DataFile] = []
        self.views: list[papers.Told] = []
        self.gaps: list[manifest.Gap] = []
        self.channels: set[object] = set()
        self.posts = 0
        self.span: tuple[datetime, datetime] | None = None

    async def add(self, tx: Transaction, part: Part, told: Told) -> None:
        """Write one view."""
        rows, first = 0, len(self.files)
        # A view without rows has a file, too.
        file = self._begin(part)
        try:
            async with aclosing(exports.rows(tx, part)) as batches:
                async for batch in batches:
                    if self.form is Format.PARQUET and file.rows + len(batch) > FILE_ROWS:
                        self._end(part, file)
                        file = self._begin(part, number=len(self.files) - first + 1)
                    file.add(batch)
                    rows += len(batch)
                    self._note(part, batch)
                    told(part.view, rows)
        except BaseException:
            file.writer.close()
            raise
        self._end(part, file)
        names = tuple(entry.name for entry in self.files[first:])
        self.views.append(papers.Told(part.view, names, part.meaning, part.columns))

    def _begin(self, part: Part, number: int = 1) -> "_Open":
        path = self.place / f"{part.view}{f'-{number:04}' if number > 1 else ''}.{self.form}"
        return _Open(path, writer(self.form, path, part.columns))

    def _end(self, part: Part, file: "_Open") -> None:
        file.writer.close()
        columns = tuple(manifest.Column(name=column.name, type=column.kind) for column in part.columns)
        entry = manifest.paper(file.path).model_dump()
        self.files.append(
            DataFile(**entry, view=part.view, rows=file.rows, columns=columns, query=part.query)
        )

    def _note(self, part: Part, batch: list[Row]) -> None:
        """Keep what the manifest and the citation say of the whole."""
        names = [column.name for column in part.columns]
        if part.view == "gaps":
            self.gaps += [manifest.Gap.model_validate(dict(zip(names, row, strict=True))) for row in batch]
        elif part.view in _POSTS:
            channel, posted = names.index("channel_id"), names.index("posted_at")
            times = [row[posted] for row in batch] + list(self.span or ())
            self.span = min(times), max(times)  # type: ignore[type-var, assignment]
            self.channels.update(row[channel] for row in batch)
            self.posts += len(batch)


def _manifest(written: _Written, order: Order, *, version: str, made_at: datetime) -> Manifest:
    """Write what is for reading; gives the manifest of all."""
    first, last = written.span or (None, None)
    cited = papers.Cited(
        __version__, version, len(written.channels), written.posts, first, last, _named(order.selection)
    )
    texts = {papers.DICTIONARY: papers.dictionary(written.views), papers.CITATION: papers.citation(cited)}
    for name, words in texts.items():
        (written.place / name).write_text(words, encoding="utf-8", newline="\n")
    return Manifest(
        format_version=manifest.FORMAT_VERSION,
        made_at=made_at,
        made_by=manifest.Product(name="telegram-channel-monitor", version=__version__),
        schema_version=version,
        ruleset=order.ruleset,
        file_format=order.form,
        filters=_filters(order.selection),
        files=tuple(written.files),
        papers=tuple(manifest.paper(written.place / name) for name in texts),
        gaps=tuple(written.gaps),
    )


def _filters(selection: Selection) -> manifest.Filters:
    return manifest.Filters(
        since=selection.since,
        until=selection.until,
        topic=selection.topic,
        channels=tuple(
            manifest.Channel(channel_id=one.channel_id, handle=one.handle) for one in selection.channels
        ),
        as_of=selection.as_of,
    )


def _named(selection: Selection) -> list[str]:
    """The filters in words."""
    told = [
        ("posted from", selection.since),
        ("posted before", selection.until),
        ("flagged with", selection.topic),
        ("as of", selection.as_of),
    ]
    channels = [f"@{one.handle}" if one.handle else str(one.channel_id) for one in selection.channels]
    words = [f"{what} {moment(x) if isinstance(x, datetime) else x}" for what, x in told if x is not None]
    return words + ([f"channels {' '.join(channels)}"] if channels else [])
