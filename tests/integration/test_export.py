"""Taking the archive out into files and in again, over real databases: whole, in every format, or not at all."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from monitor import export as exporting
from monitor.errors import ExportError, UsageError
from monitor.export import Order, export
from monitor.formats import Format, manifest, papers
from monitor.formats.manifest import Manifest
from monitor.model import ColumnKind, Language, Role
from monitor.review import review
from monitor.standin.scenario import THEN
from monitor.store import exports, imports, readings, users
from monitor.store.database import Database
from monitor.store.embedded import Server
from monitor.store.exports import SOURCES, Selection
from monitor.take_in import take_in
from tests.conftest import fresh
from tests.integration.board_helpers import AUGUST, make_channel, make_post
from tests.integration.carried import PRIORITY, play
from tests.integration.helpers import ask, listed
from tests.rulesets import shipped_texts

NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)
RULESET = "ab" * 32
DERIVED = {"places", "forwards", "confirmed_figures", "rule_precision", "gaps"}


async def out(database: Database, folder: Path, form: Format = Format.JSONL, **selection: Any) -> Manifest:
    order = Order(form=form, selection=Selection(**selection), ruleset=RULESET)
    return await export(database, folder, order, now=lambda: NOW)


def hashes(made: Manifest) -> dict[str, str]:
    return {entry.name: entry.sha256 for entry in (*made.files, *made.papers)}


def rows(folder: Path, view: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{view}.jsonl").read_text(encoding="utf-8").splitlines()]


def keys(folder: Path, view: str) -> set[tuple[int, int]]:
    return {(row["channel_id"], row["message_id"]) for row in rows(folder, view)}


async def everything(database: Database) -> dict[str, Any]:
    """All that the archive holds, but for runs."""
    tables = await ask(
        database,
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'monitor' AND table_type = 'BASE TABLE'",
    )
    return {
        row.name: await ask(database, f"SELECT t::text FROM monitor.{row.name} t ORDER BY 1")
        for row in tables
        if row.name not in {"runs", "watches"}
    }


async def _fill(address: str) -> None:
    async with Database(address) as database:
        await play(database)


@pytest.fixture(scope="session")
def filled(postgres: Server) -> Iterator[str]:
    """The name of a database with the archive of real shape, to be copied."""
    with fresh(postgres) as address:
        asyncio.run(_fill(address))
        yield urlsplit(address).path.lstrip("/")


@pytest.fixture
async def played(postgres: Server, filled: str) -> AsyncIterator[Database]:
    with fresh(postgres, filled) as address:
        async with Database(address) as database:
            yield database


async def test_what_is_taken_out_in_and_out_again_is_the_same_in_every_format(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    for form in Format:
        before = await out(played, tmp_path / f"{form}-1", form)
        assert hashes(await out(played, tmp_path / f"{form}-2", form)) == hashes(before)
        assert {file.view for file in before.files if not file.rows} == set()
        async with Database(another()) as other:
            taken = await take_in(other, tmp_path / f"{form}-1", now=lambda: NOW)
            after = await out(other, tmp_path / f"{form}-3", form)
        assert hashes(after) == hashes(before)
        counted = {view: after.rows_of(view) for view in ("channels", "posts", "versions", "decisions")}
        assert taken.numbers() == counted


async def test_a_view_of_very_many_rows_is_several_files_of_parquet(
    played: Database, another: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hashes(await out(played, tmp_path / "whole", Format.PARQUET))
    monkeypatch.setattr(exporting, "FILE_ROWS", 60)
    monkeypatch.setattr(exports, "MOST_ROWS", 25)
    made = await out(played, tmp_path / "several", Format.PARQUET)
    assert [file.name for file in made.of("posts")][:2] == ["posts.parquet", "posts-0002.parquet"]
    assert {file.rows for file in made.of("posts")[:-1]} == {50}
    assert list(manifest.differences(tmp_path / "several", made)) == []
    monkeypatch.undo()
    async with Database(another()) as other:
        await take_in(other, tmp_path / "several", now=lambda: NOW)
        assert hashes(await out(other, tmp_path / "again", Format.PARQUET)) == whole


async def test_formats_have_the_same_columns_types_and_rows(played: Database, tmp_path: Path) -> None:
    made = {form: await out(played, tmp_path / form, form) for form in Format}
    assert len({json.dumps([(f.view, f.rows, f.query) for f in one.files]) for one in made.values()}) == 1
    for parquet, lines in zip(made[Format.PARQUET].files, made[Format.JSONL].files, strict=True):
        assert parquet.columns == lines.columns
        both = [
            list(one.read(tmp_path / form, form))
            for one, form in ((parquet, Format.PARQUET), (lines, Format.JSONL))
        ]
        assert [row for batch in both[0] for row in batch] == [row for batch in both[1] for row in batch]


async def test_the_posts_are_as_the_view_has_them(played: Database, tmp_path: Path) -> None:
    await out(played, tmp_path / "out", Format.PARQUET)
    held = await ask(
        played,
        "SELECT channel_id, message_id, posted_at, text, entities::text, links FROM research.posts ORDER BY 1, 2",
    )
    with duckdb.connect(config={"threads": 1}) as reader:
        reader.execute("SET TimeZone = 'UTC'")
        read = reader.execute(
            "SELECT channel_id, message_id, epoch_us(posted_at), text, entities, links FROM read_parquet(?)",
            [str(tmp_path / "out" / "posts.parquet")],
        ).fetchall()
    micro = timedelta(microseconds=1)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert read == [(r[0], r[1], (r[2] - epoch) // micro, r[3], r[4], r[5]) for r in held]


async def test_every_view_is_taken_out_and_what_is_not_taken_in_is_derived(database: Database) -> None:
    async with database.transaction() as tx:
        known = set(await exports.views(tx)) - {"meta", exports.AS_OF}
        parts = await exports.parts(tx, Selection())
    assert {source.view for source in SOURCES} == known
    assert set(imports.TAKEN) == known - DERIVED
    assert all(part.meaning and all(column.meaning for column in part.columns) for part in parts)


async def test_no_name_and_no_note_is_in_any_file(played: Database, tmp_path: Path) -> None:
    for form in (Format.CSV, Format.JSONL):
        await out(played, tmp_path / form, form)
        for path in (tmp_path / form).iterdir():
            held = path.read_text(encoding="utf-8").lower()
            assert not [name for name in ("olga", "petr", "zinaida", "thinks so") if name in held], path
    assert {row["reviewer"] for row in rows(tmp_path / "jsonl", "decisions")} == {"reviewer 2", "reviewer 3"}


async def test_the_manifest_tells_what_is_there_and_what_nobody_saw(played: Database, tmp_path: Path) -> None:
    made = await out(played, tmp_path / "out", Format.CSV)
    assert manifest.load(tmp_path / "out") == made
    assert (made.made_at, made.ruleset, made.schema_version, made.file_format) == (NOW, RULESET, "1.3", "csv")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*hashes(made), "manifest.json"}
    gaps = await ask(played, "SELECT handle, channel_id, since, until FROM research.gaps ORDER BY 1, 3")
    assert [(gap.handle, gap.channel_id, gap.since, gap.until) for gap in made.gaps] == [
        tuple(g) for g in gaps
    ]
    [file] = made.of("posts")
    assert len(await ask(played, file.query)) == file.rows
    written = (tmp_path / "out" / papers.DICTIONARY).read_text(encoding="utf-8")
    assert "| `posted_at` | `timestamp` | When the channel posted it |" in written
    tool = Path(sys.executable).parent / "check-jsonschema"
    schema = ("--builtin-schema", "vendor.citation-file-format")
    cited = str(tmp_path / "out" / papers.CITATION)
    checked = await asyncio.create_subprocess_exec(tool, *schema, "--default-filetype", "yaml", cited)
    assert await checked.wait() == 0


async def test_a_span_has_its_posts_and_what_hangs_on_them(played: Database, tmp_path: Path) -> None:
    since, until = THEN + timedelta(hours=20), THEN + timedelta(hours=30)
    made = await out(played, tmp_path / "out", since=since, until=until)
    posts = rows(tmp_path / "out", "posts")
    inside = await ask(
        played,
        "SELECT channel_id, message_id FROM monitor.posts WHERE posted_at >= :since AND posted_at < :until",
        since=since,
        until=until,
    )
    ours = keys(tmp_path / "out", "posts")
    assert ours == {tuple(key) for key in inside}
    assert 0 < len(posts) < len(await ask(played, "SELECT FROM monitor.posts"))
    assert keys(tmp_path / "out", "versions") == ours
    for view in ("counts", "flags", "figures", "places", "forwards", "copies", "media"):
        held = {
            tuple(key) for key in await ask(played, f"SELECT channel_id, message_id FROM research.{view}")
        }
        assert keys(tmp_path / "out", view) == held & ours
        assert held & ours or view in {"forwards", "media"}
    assert made.of("rule_precision") == []
    for look in rows(tmp_path / "out", "coverage"):
        assert look["ended_at"] >= since.isoformat()[:19]
    for gap in rows(tmp_path / "out", "gaps"):
        assert gap["until"] >= since.isoformat()[:19]
        assert gap["since"] < until.isoformat()[:19]
    assert rows(tmp_path / "out", "coverage")
    assert made.filters.since == since
    assert len(rows(tmp_path / "out", "channels")) == 3


async def test_the_posts_of_a_topic_or_of_channels(played: Database, tmp_path: Path) -> None:
    await out(played, tmp_path / "topic", topic="sudzha")
    flagged = await ask(
        played,
        "SELECT DISTINCT channel_id, message_id FROM research.flags WHERE topic = 'sudzha' AND is_current",
    )
    assert keys(tmp_path / "topic", "posts") == {tuple(key) for key in flagged}
    with pytest.raises(UsageError, match="no post is flagged with none_such"):
        await out(played, tmp_path / "none", topic="none_such")
    async with played.transaction() as tx:
        first = await exports.channel_named(tx, "DEMO_Governor")
        again = await exports.channel_named(tx, str(first.channel_id))
        with pytest.raises(UsageError, match="no channel nobody is held"):
            await exports.channel_named(tx, "nobody")
    assert first == again
    await out(played, tmp_path / "channel", channels=(first,))
    for view in ("posts", "channels", "channel_history", "watches", "coverage", "gaps", "vacant_ids"):
        assert {row["channel_id"] for row in rows(tmp_path / "channel", view)} == {first.channel_id}, view
    assert len(rows(tmp_path / "channel", "rulesets")) == 2


async def test_looks_at_a_handle_that_showed_no_channel_are_that_handles(
    database: Database, tmp_path: Path
) -> None:
    await listed(database, "no_such_channel", "another_one")
    for handle in ("no_such_channel", "another_one"):
        await ask(
            database,
            """INSERT INTO monitor.coverage (handle, source, kind, outcome, started_at, ended_at, looks)
               VALUES (:handle, 'preview', 'live', 'handle_free', now(), now(), 1) RETURNING 1""",
            handle=handle,
        )
    async with database.transaction() as tx:
        chosen = await exports.channel_named(tx, "no_such_channel")
    await out(database, tmp_path / "out", channels=(chosen,))
    assert [row["handle"] for row in rows(tmp_path / "out", "coverage")] == ["no_such_channel"]
    assert rows(tmp_path / "out", "posts") == []


async def test_what_was_said_at_a_moment_and_what_hangs_on_it(played: Database, tmp_path: Path) -> None:
    moment = THEN + timedelta(hours=40)
    made = await out(played, tmp_path / "out", as_of=moment)
    said = await ask(
        played,
        "SELECT channel_id, message_id, version, text FROM research.posts_as_of(:at) ORDER BY 1, 2",
        at=moment,
    )
    told = [
        (r["channel_id"], r["message_id"], r["version"], r["text"])
        for r in rows(tmp_path / "out", "posts_as_of")
    ]
    assert told == [tuple(row) for row in said]
    assert made.of("posts") == []
    versions = {(r["channel_id"], r["message_id"], r["version"]) for r in rows(tmp_path / "out", "versions")}
    assert versions == {row[:3] for row in told}
    for view in ("flags", "figures"):
        assert {
            (r["channel_id"], r["message_id"], r["version"]) for r in rows(tmp_path / "out", view)
        } <= versions
    assert all(row["seen_at"] <= moment.isoformat() for row in rows(tmp_path / "out", "counts"))
    with pytest.raises(ExportError, match="cannot be taken in"):
        await take_in(played, tmp_path / "out", now=lambda: NOW)


async def test_all_files_are_of_one_moment(played: Database, tmp_path: Path) -> None:
    before = await out(played, tmp_path / "before")
    changed = False

    def told(view: str, count: int) -> None:
        nonlocal changed
        if not changed:
            changed = True
            subprocess.run([sys.executable, "-c", _CHANGE, played.url], check=True)

    order = Order(form=Format.JSONL, selection=Selection(), ruleset=RULESET)
    during = await export(played, tmp_path / "during", order, now=lambda: NOW, told=told)
    assert hashes(during) == hashes(before)
    assert hashes(await out(played, tmp_path / "after")) != hashes(before)


_CHANGE = """
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("DELETE FROM monitor.post_counts")
    connection.execute("UPDATE monitor.posts SET first_seen_at = now()")
"""


async def test_half_an_export_has_not_its_name(played: Database, tmp_path: Path) -> None:
    def told(view: str, count: int) -> None:
        if view == "versions":
            raise KeyboardInterrupt

    order = Order(form=Format.CSV, selection=Selection(), ruleset=RULESET)
    with pytest.raises(KeyboardInterrupt):
        await export(played, tmp_path / "out", order, now=lambda: NOW, told=told)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    await out(played, tmp_path / "there")
    for held in (tmp_path / "there", tmp_path / "there" / "manifest.json"):
        with pytest.raises(UsageError, match="holds something already"):
            await out(played, held)
    with pytest.raises(ExportError, match="cannot be written"):
        await out(played, tmp_path / "there" / "manifest.json" / "below")


async def test_what_differs_from_the_manifest_is_named(played: Database, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    made = await out(played, folder)
    assert list(manifest.differences(folder, made)) == []
    (folder / "more.txt").write_text("more")
    (folder / "gaps.jsonl").unlink()
    (folder / "cases.jsonl").write_text("{}\n")
    posts = (folder / "posts.jsonl").read_bytes()
    (folder / "posts.jsonl").write_bytes(posts.replace(b"2024", b"2023", 1))
    short = tuple(f.model_copy(update={"rows": 1}) if f.view == "flags" else f for f in made.files)
    count = len(rows(folder, "flags"))
    wrong = list(manifest.differences(folder, made.model_copy(update={"files": short})))
    assert wrong == [
        "more.txt is not in the manifest",
        "posts.jsonl has another SHA-256 than the manifest says",
        f"flags.jsonl has {count} rows, not 1",
        f"cases.jsonl has 3 bytes, not {made.of('cases')[0].bytes}",
        "gaps.jsonl is not there",
    ]


async def refused(database: Database, folder: Path, words: str) -> ExportError:
    """That an export is refused with these words, and that nothing of it is left."""
    before = await everything(database)
    with pytest.raises(ExportError, match=words) as error:
        await take_in(database, folder, now=lambda: NOW)
    assert await everything(database) == before
    return error.value


def restate(folder: Path, **changes: Any) -> None:
    held = manifest.load(folder)
    manifest.write(folder, held.model_copy(update=changes))


async def test_what_cannot_be_taken_in_is_refused_and_leaves_nothing(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    made = await out(played, folder)
    error = await refused(played, folder, "already holds @demo_")
    assert "two archives of one channel are not put together" in error.why
    async with Database(another()) as other:
        restate(folder, schema_version="2.0")
        await refused(other, folder, "this export has schema 2.0, and this archive 1.3")
        restate(folder, format_version=2)
        await refused(other, folder, "is an export of form 2")
        manifest.write(folder, made.model_copy(update={"filters": manifest.Filters(topic="kursk")}))
        await refused(other, folder, "cannot be taken in")
        odd = manifest.Column(name="title", type=ColumnKind.JSON)
        changed = tuple(
            f.model_copy(update={"columns": (odd,)}) if f.view == "channels" else f for f in made.files
        )
        manifest.write(folder, made.model_copy(update={"files": changed}))
        await refused(other, folder, "channels.jsonl cannot be taken in")
        left = tuple(file for file in made.files if file.view != "cases")
        manifest.write(folder, made.model_copy(update={"files": left}))
        await refused(other, folder, "is not as its manifest says")
        (folder / "cases.jsonl").rename(tmp_path / "cases.jsonl")
        await refused(other, folder, "has no file of cases")
        (tmp_path / "cases.jsonl").rename(folder / "cases.jsonl")
        manifest.write(folder, made)
        await refused(other, tampered(folder, "posts", posted_at=None), "does not fit together")
        await refused(other, tampered(folder, "channels", channel_id="none"), "does not fit together")


def tampered(origin: Path, view: str, **values: Any) -> Path:
    """A copy in which the first row of a view is changed, and the manifest with it."""
    folder = shutil.copytree(origin, origin.with_name(view))
    held = rows(folder, view)
    held[0] |= values
    path = folder / f"{view}.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in held), encoding="utf-8")
    made = manifest.load(folder)
    entry = manifest.paper(path).model_dump()
    restate(folder, files=tuple(f.model_copy(update=entry) if f.view == view else f for f in made.files))
    return folder


async def test_what_was_purged_here_is_not_brought_back(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    await out(played, tmp_path / "out")
    async with Database(another()) as other:
        [held] = await ask(played, "SELECT min(channel_id) AS channel_id FROM monitor.posts")
        await ask(
            other,
            """INSERT INTO monitor.tombstones (channel_id, message_id, version, purged_at, reason)
               VALUES (:channel, 0, 0, now(), 'asked for') RETURNING 1""",
            channel=held.channel_id,
        )
        await refused(other, tmp_path / "out", "or purged it")


async def test_an_archive_with_its_own_numbers_keeps_them(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    await out(played, tmp_path / "out")
    async with Database(another()) as other:
        await make_channel(other, 7, "Ministry")
        for number in (1, 2):
            await make_post(other, (7, number), "Курск", hours=8)
        async with other.transaction() as tx:
            for name in ("first", "second"):
                await users.add(
                    tx, name, role=Role.ANALYST, password="-", language=Language.ENGLISH, now=AUGUST
                )
        before = await everything(other)
        await take_in(other, tmp_path / "out", now=lambda: NOW)
        after = await everything(other)
        for table, held in before.items():
            assert set(map(tuple, held)) <= set(map(tuple, after[table])), table
        await out(other, tmp_path / "again")
        decided = await ask(
            other,
            "SELECT user_id, name, password, disabled_at FROM monitor.users WHERE user_id > 2 ORDER BY 1",
        )
        verdicts = await ask(other, "SELECT count(*) FROM research.rule_precision WHERE decided > 0")
    assert [tuple(row) for row in decided] == [
        (4, "reviewer 4 of an import", "", NOW),
        (5, "reviewer 5 of an import", "", NOW),
    ]
    assert verdicts
    shifts = {"case_id": 2, "duplicate_of": 2}
    for view in ("decisions", "cases", "copies", "figure_decisions"):
        first, second = rows(tmp_path / "out", view), rows(tmp_path / "again", view)
        theirs = [row for row in second if row["channel_id"] != 7]
        assert len(first) == len(theirs)
        for old, new in zip(first, theirs, strict=True):
            moved = {k: v + shifts[k] if k in shifts and v is not None else v for k, v in old.items()}
            if old.get("reviewer"):
                moved["reviewer"] = f"reviewer {int(old['reviewer'][9:]) + 2}"
            assert new == moved


async def test_a_part_says_only_what_it_knows_of_other_posts(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    since = THEN + timedelta(hours=20)
    await out(played, tmp_path / "part", since=since, until=since + timedelta(hours=10))
    async with Database(another()) as other:
        await take_in(other, tmp_path / "part", now=lambda: NOW)
        looks = await ask(
            other,
            """SELECT c.first_id, c.last_id, p.low, p.high FROM monitor.coverage c
               JOIN (SELECT channel_id, min(message_id) AS low, max(message_id) AS high FROM monitor.posts GROUP BY 1) p
                   USING (channel_id)""",
        )
        cases = await ask(
            other,
            """SELECT FROM monitor.cases c WHERE posts = 0 OR NOT EXISTS (
                   SELECT FROM monitor.posts p WHERE p.channel_id = c.channel_id AND p.message_id = c.message_id)""",
        )
        await out(other, tmp_path / "again")
    assert any(look.first_id is not None for look in looks)
    for look in looks:
        assert look.first_id is None or look.low <= look.first_id <= look.last_id <= look.high
    assert cases == []
    for view in ("posts", "versions", "counts", "flags", "mentions", "places", "figures", "decisions"):
        assert rows(tmp_path / "again", view) == rows(tmp_path / "part", view), view


async def test_channels_alone_come_out_as_they_went_in(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    async with played.transaction() as tx:
        chosen = (
            await exports.channel_named(tx, "demo_blogger"),
            await exports.channel_named(tx, "demo_governor"),
        )
    before = hashes(await out(played, tmp_path / "part", channels=chosen))
    async with Database(another()) as other:
        await take_in(other, tmp_path / "part", now=lambda: NOW)
        after = hashes(await out(other, tmp_path / "again", channels=chosen))
    # What is told of other channels' posts (their place among copies, whence forwards come) is not known there.
    beyond = {f"{view}.jsonl" for view in ("copies", "cases", "decisions", "forwards")} | {papers.CITATION}
    assert {name for name in before if before[name] != after[name]} <= beyond


async def test_steps_go_on_from_what_was_taken_in(
    played: Database, another: Callable[[], str], tmp_path: Path
) -> None:
    await out(played, tmp_path / "out")
    async with played.transaction() as tx:
        waiting = await readings.waiting(tx, shipped_texts().sha256)
    async with Database(another()) as other:
        await take_in(other, tmp_path / "out", now=lambda: NOW)
        async with other.transaction() as tx:
            assert await readings.waiting(tx, shipped_texts().sha256) == waiting
        done = await review(other, PRIORITY, now=lambda: NOW)
        alone = await ask(
            other,
            """SELECT DISTINCT channel_id, message_id FROM research.flags f WHERE is_current AND NOT EXISTS (
                   SELECT FROM monitor.case_posts p WHERE p.channel_id = f.channel_id AND p.message_id = f.message_id)""",
        )
        assert await ask(other, "SELECT FROM monitor.alert_due") == []
    assert done.changed == 0
    assert alone == []
