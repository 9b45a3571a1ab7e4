"""Reading what is due: new posts, edits and new rules by one path."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import collect, flag
from monitor.extraction import Rules, RuleTexts, compile_rules
from monitor.sources.desktop import DesktopSource
from monitor.store import flags, readings
from monitor.store.database import Database
from monitor.store.flags import Flagged
from monitor.store.readings import BOTTOM
from monitor.store.rows import columns_of
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_collect_import import export, message
from tests.rulesets import texts_of

RULES = '[topic.sudzha]\nlemmas = ["Суджа"]\n'
MORE = RULES + '[topic.kursk]\nlemmas = ["Курск"]\n'


def rules(body: str) -> tuple[Rules, RuleTexts]:
    texts = texts_of(body)
    return compile_rules(texts), texts


@pytest.fixture
async def filled(database: Database, tmp_path: Path, clock: Clock) -> Database:
    texts = {1: "В Судже спокойно", 2: "Погода ясная", 3: "Курск и Суджа на связи"}
    path = export(tmp_path / "a.json", [message(n, words) for n, words in texts.items()])
    await collect.take(database, DesktopSource(path, handle="long_channel"), now=clock)
    return database


async def current(database: Database) -> list[tuple[int, int, str]]:
    rows = await ask(
        database, "SELECT message_id, version, topic FROM research.flags WHERE is_current ORDER BY 1, 3"
    )
    return [tuple(row) for row in rows]


async def test_what_was_read_is_not_read_again(filled: Database, clock: Clock) -> None:
    done = await flag.flag(filled, *rules(RULES), now=clock)
    assert (done.posts, done.flagged) == (3, 2)
    assert await current(filled) == [(1, 1, "sudzha"), (3, 1, "sudzha")]
    assert (await flag.flag(filled, *rules(RULES), now=clock)).posts == 0


async def test_new_rules_make_every_post_due_and_old_flags_stay_on_record(
    filled: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flag, "BATCH", 2)
    await flag.flag(filled, *rules(RULES), now=clock)
    done = await flag.flag(filled, *rules(MORE), now=clock)
    assert done.posts == 3
    assert await current(filled) == [(1, 1, "sudzha"), (3, 1, "kursk"), (3, 1, "sudzha")]
    rows = await ask(filled, "SELECT count(*) AS n FROM monitor.flags")
    assert rows[0].n == 5
    assert (await flag.flag(filled, *rules(RULES), now=clock)).posts == 3
    assert await current(filled) == [(1, 1, "sudzha"), (3, 1, "sudzha")]


async def test_an_edit_makes_its_post_due(filled: Database, tmp_path: Path, clock: Clock) -> None:
    await flag.flag(filled, *rules(RULES), now=clock)
    edited = {"edited": "2024-08-06T14:00:00", "edited_unixtime": str(1722934800 + 9000)}
    path = export(tmp_path / "b.json", [message(2, "Погода в Судже ясная", **edited)])
    await collect.take(filled, DesktopSource(path), now=clock)
    assert (await flag.flag(filled, *rules(RULES), now=clock)).posts == 1
    assert (2, 2, "sudzha") in await current(filled)


async def test_a_version_that_came_while_reading_stays_due(filled: Database, clock: Clock) -> None:
    async with filled.transaction() as tx:
        ruleset = await readings.ruleset(tx, RULES, now=clock())
        unread = await readings.fresh(tx, after=BOTTOM, limit=10)
    await ask(filled, "UPDATE monitor.post_state SET version = 2 WHERE message_id = 1 RETURNING 1")
    async with filled.transaction() as tx:
        kept = await readings.keep(tx, ruleset, unread, columns_of([], []), now=clock())
    assert kept == 2
    rows = await ask(filled, "SELECT message_id FROM monitor.post_state WHERE unread")
    assert [r.message_id for r in rows] == [1]


async def test_spans_are_the_places_of_the_words(filled: Database, clock: Clock) -> None:
    await flag.flag(filled, *rules(MORE), now=clock)
    for post in await listed(filled):
        for found in post.flags:
            for span in found.spans:
                assert post.text[span.start : span.end] in {"Судже", "Суджа", "Курск"}


async def listed(database: Database, **more: object) -> list[Flagged]:
    async with database.transaction() as tx:
        return await flags.flagged(tx, limit=10, **more)  # type: ignore[arg-type]


async def test_the_list_can_be_narrowed(filled: Database, clock: Clock) -> None:
    await flag.flag(filled, *rules(MORE), now=clock)
    assert [p.message_id for p in await listed(filled)] == [3, 1]
    assert [p.message_id for p in await listed(filled, topic="kursk")] == [3]
    assert [p.message_id for p in await listed(filled, handle="Long_Channel")] == [3, 1]
    assert await listed(filled, handle="other") == []
    assert await listed(filled, since=datetime(2030, 1, 1, tzinfo=UTC)) == []
    async with filled.transaction() as tx:
        assert await flags.total(tx) == 2
        assert len(await flags.flagged_after(tx, clock() - timedelta(seconds=1), limit=10)) == 2
        assert await flags.flagged_after(tx, clock(), limit=10) == []


async def test_new_posts_and_new_rules_at_once_leave_none_unread(
    filled: Database, tmp_path: Path, clock: Clock
) -> None:
    await flag.flag(filled, *rules(RULES), now=clock)
    path = export(tmp_path / "c.json", [message(9, "Курск")])
    await collect.take(filled, DesktopSource(path), now=clock)
    assert (await flag.flag(filled, *rules(MORE), now=clock)).posts == 4
    assert (await flag.flag(filled, *rules(MORE), now=clock)).posts == 0
