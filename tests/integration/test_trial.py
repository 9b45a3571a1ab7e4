"""Trying rules: what would change is counted by topic and kind, with examples, and nothing is written."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import flag, readers, trial
from monitor.model import Reading
from monitor.store import trials
from monitor.store.database import Database
from monitor.trial import Trial
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_readings import taken
from tests.rulesets import Counting, rules_of, texts_of

TEXTS = texts_of('[topic.kursk]\nlemmas = ["Курск"]\n')
OTHER = (
    '[topic.sudzha]\nlemmas = ["Суджа"]\n[topic.kursk]\nlemmas = ["Курск"]\nexcept = ["битва под Курск"]\n'
)
WORDS = {1: "В Судже тихо", 2: "Годовщина битвы под Курском", 3: "Курск и Суджа", 4: "Погода ясная"}


@pytest.fixture
async def filled(database: Database, tmp_path: Path, clock: Clock) -> Database:
    await taken(database, tmp_path, clock, WORDS)
    return database


async def tried(database: Database, rules: readers.Reader | None = None, **more: object) -> Trial:
    return await trial.try_rules(
        database,
        rules or rules_of(OTHER),
        texts_of(OTHER),
        in_force=TEXTS.sha256,
        **more,  # type: ignore[arg-type]
    )


async def test_posts_newly_flagged_and_no_longer_are_counted_with_examples(
    filled: Database, clock: Clock
) -> None:
    await flag.flag(filled, rules_of(TEXTS.rules.text), TEXTS, now=clock)
    before = await ask(filled, "SELECT * FROM monitor.flags ORDER BY message_id")
    done = await tried(filled)
    assert (done.posts, done.unread) == (4, 0)
    assert {name: (change.newly, change.no_longer) for name, change in done.topics.items()} == {
        "sudzha": (2, 0),
        "kursk": (0, 1),
    }
    (gone,) = done.topics["kursk"].no_longer_seen
    assert (gone.post.handle, gone.post.message_id) == ("long_channel", 2)
    assert gone.post.text[gone.start : gone.end] == "Курском"
    first = done.topics["sudzha"].newly_seen[0]
    assert first.post.text[first.start : first.end] == "Судже"
    assert await ask(filled, "SELECT * FROM monitor.flags ORDER BY message_id") == before
    assert len(await ask(filled, "SELECT 1 FROM monitor.rulesets")) == 1


async def test_posts_that_wait_for_the_rules_in_force_are_counted(filled: Database, clock: Clock) -> None:
    assert (await tried(filled)).unread == 4
    await flag.flag(filled, rules_of(OTHER), texts_of(OTHER), now=clock)
    assert (await tried(filled)).unread == 4
    await flag.flag(filled, rules_of(TEXTS.rules.text), TEXTS, now=clock)
    assert (await tried(filled)).unread == 0


async def test_figures_added_and_removed_are_counted_by_kind(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    await taken(database, tmp_path, clock, {1: "11 и 12", 2: "нет", 3: "13"})
    await flag.flag(database, Counting(), TEXTS, now=clock)
    assert (await tried(database, Counting())).added == {}

    class Fewer(Counting):
        def read(self, text: str) -> Reading:
            found = super().read(text)
            return Reading((), found.figures[:1])

    done = await tried(database, Fewer())
    assert (done.added, done.removed) == ({}, {"tank": 1})
    assert done.topics["number"].no_longer == 2
    await ask(database, "DELETE FROM monitor.figures RETURNING 1")
    assert (await tried(database, Counting())).added == {"tank": 3}


async def test_only_posts_since_a_time_are_read(filled: Database) -> None:
    since = datetime(2030, 1, 1, tzinfo=UTC)
    assert (await tried(filled, since=since)).posts == 0
    async with filled.transaction() as tx:
        assert await trials.count(tx, since=since) == 0
        assert await trials.count(tx, since=None) == 4


async def test_it_goes_through_in_batches_and_can_be_stopped(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "BATCH", 1)
    heard: list[int] = []
    assert (await tried(filled, heard=lambda so_far: heard.append(so_far.posts))).posts == 4
    assert heard == [1, 2, 3, 4]
    assert (await tried(filled, stop=lambda: True)).posts == 0
