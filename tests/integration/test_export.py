"""Taking the archive out into files and in again, over real databases: whole, in every format, or not at all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from monitor.export import Order, export
from monitor.formats import Format
from monitor.formats.manifest import Manifest
from monitor.store.database import Database
from monitor.store.exports import Selection
from monitor.take_in import take_in
from tests.integration.played import play

NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)
RULESET = "ab" * 32


def order(form: Format = Format.JSONL, **selection: object) -> Order:
    return Order(form=form, selection=Selection(**selection), ruleset=RULESET)  # type: ignore[arg-type]


async def out(database: Database, folder: Path, form: Format = Format.JSONL, **selection: object) -> Manifest:
    return await export(database, folder, order(form, **selection), now=lambda: NOW)


def hashes(made: Manifest) -> dict[str, str]:
    return {entry.name: entry.sha256 for entry in (*made.files, *made.papers)}


def rows(folder: Path, view: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{view}.jsonl").read_text(encoding="utf-8").splitlines()]


async def test_what_is_taken_out_in_and_out_again_is_the_same_in_every_format(
    database: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    await play(database)
    for form in Format:
        before = await out(database, tmp_path / f"{form}-1", form)
        assert hashes(await out(database, tmp_path / f"{form}-2", form)) == hashes(before)
        empty = {file.view for file in before.files if not file.rows}
        assert empty == set()
        async with Database(another()) as other:
            taken = await take_in(other, tmp_path / f"{form}-1", now=lambda: NOW)
            assert taken.numbers().items() >= {"channels": 3}.items()
            after = await out(other, tmp_path / f"{form}-3", form)
        assert hashes(after) == hashes(before)
