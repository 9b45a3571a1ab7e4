"""Cases out of flagged posts: opened, joined by copies, brought back by edits, closed when the rules change."""

from pathlib import Path

import pytest

from monitor import collect, flag, review
from monitor.model import Priority
from monitor.sources.desktop import DesktopSource
from monitor.store import purges
from monitor.store.database import Database, lock_channel
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_collect_import import export, message
from tests.integration.test_flag import MORE, RULES, rules

PRIORITY = Priority(topics={"sudzha": 30, "kursk": 20})
LONG = "В Судже идут бои, говорят очевидцы, и этот текст достаточно длинный"
EDIT = {"edited": "2024-08-06T14:00:00", "edited_unixtime": str(1722934800 + 9000)}


class Archive:
    """An archive into which posts come, and what its cases then are."""

    def __init__(self, database: Database, place: Path, clock: Clock) -> None:
        self.database, self.place, self.clock = database, place, clock
        self.files = 0

    async def posts(self, texts: dict[int, str], *, body: str = RULES, **more: str) -> review.Reviewed:
        self.files += 1
        path = export(self.place / f"{self.files}.json", [message(n, t, **more) for n, t in texts.items()])
        await collect.take(self.database, DesktopSource(path, handle="long_channel"), now=self.clock)
        return await self.again(body)

    async def again(self, body: str) -> review.Reviewed:
        self.clock.forward(minutes=1)
        await flag.flag(self.database, *rules(body), now=self.clock)
        return await review.review(self.database, PRIORITY, now=self.clock)

    async def cases(self) -> list[tuple[str, list[str], int]]:
        rows = await ask(self.database, "SELECT state, topics, posts FROM monitor.cases ORDER BY case_id")
        return [tuple(row) for row in rows]

    async def events(self) -> list[str]:
        rows = await ask(self.database, "SELECT kind FROM monitor.case_events ORDER BY event_id")
        return [row.kind for row in rows]

    async def settle(self, state: str) -> None:
        await ask(self.database, "UPDATE monitor.cases SET state = :state RETURNING 1", state=state)


@pytest.fixture
def archive(database: Database, tmp_path: Path, clock: Clock) -> Archive:
    return Archive(database, tmp_path, clock)


async def test_each_flagged_post_is_a_case_and_no_other_is(archive: Archive) -> None:
    done = await archive.posts({1: "В Судже тихо", 2: "Погода ясная", 3: "Под Суджей бой"})
    assert done.numbers() == {"opened": 2, "joined": 0, "changed": 0, "woken": 0}
    assert await archive.cases() == [("open", ["sudzha"], 1), ("open", ["sudzha"], 1)]
    assert (await archive.again(RULES)).numbers() == {"opened": 0, "joined": 0, "changed": 0, "woken": 0}


async def test_a_copy_joins_the_case_that_says_the_same(archive: Archive) -> None:
    await archive.posts({1: LONG})
    done = await archive.posts({2: LONG.upper()})
    assert done.numbers()["joined"] == 1
    assert await archive.cases() == [("open", ["sudzha"], 2)]
    assert await archive.events() == ["opened", "joined"]


async def test_a_copy_of_what_was_decided_joins_and_says_so(archive: Archive) -> None:
    await archive.posts({1: LONG})
    await archive.settle("decided")
    await archive.posts({2: LONG})
    assert await archive.cases() == [("decided", ["sudzha"], 2)]


async def test_an_edit_brings_a_decided_case_back(archive: Archive) -> None:
    await archive.posts({1: "В Судже тихо"})
    await archive.settle("decided")
    await archive.posts({1: "В Судже бой"}, **EDIT)
    assert await archive.cases() == [("open", ["sudzha"], 1)]
    assert await archive.events() == ["opened", "edited", "reopened"]
    rows = await ask(archive.database, "SELECT version FROM monitor.cases")
    assert rows[0].version == 2


async def test_new_rules_add_topics_and_bring_decided_cases_back_for_new_ones_alone(archive: Archive) -> None:
    await archive.posts({1: "В Судже тихо", 2: "Курск и Суджа на связи"})
    await archive.settle("decided")
    await archive.again(MORE)
    assert await archive.cases() == [("decided", ["sudzha"], 1), ("open", ["kursk", "sudzha"], 1)]


async def test_an_undecided_case_without_flags_is_closed_and_comes_back_with_them(archive: Archive) -> None:
    await archive.posts({1: "В Курске тихо"}, body=MORE)
    await archive.again(RULES)
    assert await archive.cases() == [("closed", [], 1)]
    await archive.again(MORE)
    assert await archive.cases() == [("open", ["kursk"], 1)]
    assert await archive.events() == ["opened", "closed", "topic_added", "reopened"]


async def test_a_snoozed_case_wakes_in_its_time(archive: Archive) -> None:
    await archive.posts({1: "В Судже тихо"})
    await ask(
        archive.database,
        "UPDATE monitor.cases SET state = 'snoozed', wake_at = :at RETURNING 1",
        at=archive.clock.at.replace(hour=15),
    )
    assert (await archive.again(RULES)).woken == 0
    archive.clock.forward(hours=4)
    assert (await archive.again(RULES)).woken == 1
    assert await archive.cases() == [("open", ["sudzha"], 1)]


async def test_what_was_decided_is_never_changed(archive: Archive) -> None:
    await archive.posts({1: "В Судже тихо"})
    for statement in ("DELETE FROM monitor.case_events", "UPDATE monitor.case_events SET kind = 'x'"):
        with pytest.raises(Exception, match="only ever added"):
            await ask(archive.database, f"{statement} RETURNING 1")


async def test_a_purge_hands_a_case_on_and_closes_one_that_has_no_post_left(archive: Archive) -> None:
    await archive.posts({1: LONG, 2: "В Судже тихо"})
    await archive.posts({3: LONG})
    rows = await ask(archive.database, "SELECT channel_id FROM monitor.posts LIMIT 1")
    for message_id in (1, 2):
        async with archive.database.transaction() as tx:
            await lock_channel(tx, rows[0].channel_id)
            await purges.purge(tx, rows[0].channel_id, message_id, now=archive.clock(), reason="asked for")
    cases = await ask(archive.database, "SELECT state, message_id, posts FROM monitor.cases ORDER BY case_id")
    assert [tuple(row) for row in cases] == [("open", 3, 1), ("closed", 2, 0)]
    assert (await archive.again(RULES)).numbers()["opened"] == 0
