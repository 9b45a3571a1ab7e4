"""manifest.json: what an export holds, by what it was asked for, and the hash of each of its files.

It alone says when the export was made, so that the same archive gives the same files twice.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from monitor.errors import ExportError
from monitor.formats import Format, Row, read
from monitor.model import ColumnKind, ExportColumn
from monitor.words import counted

NAME = "manifest.json"
# A further number would be read by another version of the product.
FORMAT_VERSION = 1
_PLAIN = r"^[A-Za-z0-9_]+(-[0-9]+)?(\.[a-z]+)?$"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Product(_Frozen):
    """What wrote it."""

    name: str
    version: str


class Channel(_Frozen):
    """A channel that was asked for."""

    channel_id: int | None
    handle: str | None


class Filters(_Frozen):
    """What was asked for; what is null left nothing out."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    topic: str | None = None
    channels: tuple[Channel, ...] = ()
    as_of: AwareDatetime | None = None


class Column(_Frozen):
    """A column and its type: int64, float64, bool, text, timestamp, date, json, list<text> or duration."""

    name: str
    type: ColumnKind


class Paper(_Frozen):
    """A file that is for reading."""

    name: Annotated[str, Field(pattern=_PLAIN)]
    bytes: int
    sha256: str


class DataFile(Paper):
    """A file of rows."""

    view: Annotated[str, Field(pattern=_PLAIN)]
    rows: int
    columns: tuple[Column, ...]
    query: str

    def read(
        self, folder: Path, form: Format, columns: Sequence[ExportColumn] | None = None
    ) -> Iterator[list[Row]]:
        """Its rows in batches: all its columns, or those that are given."""
        every = [ExportColumn(column.name, column.type, "") for column in self.columns]
        return read(form, folder / self.name, every if columns is None else columns)


class Gap(_Frozen):
    """A span in which nobody saw what a channel said."""

    handle: str
    channel_id: int | None
    since: AwareDatetime
    until: AwareDatetime


class Manifest(_Frozen):
    """All that is told of an export."""

    format_version: int
    made_at: AwareDatetime
    made_by: Product
    schema_version: str
    ruleset: str
    file_format: Format
    filters: Filters
    files: tuple[DataFile, ...]
    papers: tuple[Paper, ...]
    gaps: tuple[Gap, ...]

    def of(self, view: str) -> list[DataFile]:
        """The files of a view, in the order of its rows."""
        return [file for file in self.files if file.view == view]

    def rows_of(self, view: str) -> int:
        """How many rows of a view there are."""
        return sum(file.rows for file in self.of(view))


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest into its folder."""
    (folder / NAME).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Manifest:
    """The manifest of a folder. Raises ExportError where there is none, or none that this version can read."""
    try:
        manifest = Manifest.model_validate_json((folder / NAME).read_bytes())
    except OSError as error:
        raise ExportError(
            f"{folder} is no export",
            f"{NAME} cannot be read: {error.strerror}",
            "name a folder that `monitor export` wrote",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ExportError(
            f"the manifest of {folder} cannot be read",
            f"{where}: {first['msg']}".removeprefix(": "),
            "take the export anew",
        ) from error
    if manifest.format_version != FORMAT_VERSION:
        raise ExportError(
            f"{folder} is an export of form {manifest.format_version}",
            f"this version of monitor reads form {FORMAT_VERSION}",
            f"use monitor {manifest.made_by.version}",
        )
    return manifest


def paper(path: Path) -> Paper:
    """The entry of a file, by what stands in it."""
    return Paper(name=path.name, bytes=path.stat().st_size, sha256=digest(path))


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(folder: Path, manifest: Manifest) -> Iterable[str]:
    """What is not as the manifest says, one line each: files that lack, differ, or are too many."""
    entries = (*manifest.files, *manifest.papers)
    for name in sorted({path.name for path in folder.iterdir()} - {entry.name for entry in entries} - {NAME}):
        yield f"{name} is not in the manifest"
    for entry in entries:
        path = folder / entry.name
        if not path.is_file():
            yield f"{entry.name} is not there"
        elif path.stat().st_size != entry.bytes:
            yield f"{entry.name} has {path.stat().st_size} bytes, not {entry.bytes}"
        elif digest(path) != entry.sha256:
            yield f"{entry.name} has another SHA-256 than the manifest says"
        elif (
            isinstance(entry, DataFile) and (rows := _rows(folder, entry, manifest.file_format)) != entry.rows
        ):
            yield f"{entry.name} has {counted(rows, 'row')}, not {entry.rows}"


def _rows(folder: Path, file: DataFile, form: Format) -> int:
    return sum(map(len, file.read(folder, form)))
