"""How the product works: each thing that is wrong raises one alert, and is resolved once it is well again."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import alert, oversee
from monitor.alert import Sender
from monitor.model import JobState, Limits, OnCall, Person
from monitor.oversee import Overseen
from monitor.store import alerts
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask, listed

LIMITS = Limits()
CHANNEL = 1900000077


async def look(
    database: Database, clock: Clock, *, jobs: Sequence[JobState] = (), place: Path | None = None
) -> Overseen:
    return await oversee.oversee(database, LIMITS, now=clock, jobs=jobs, place=place)


async def raised(database: Database, clock: Clock) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        found = await alerts.unresolved(tx, now=clock(), limit=99)
    return sorted((one.kind, one.subject) for one in found)


async def test_all_is_well_with_an_empty_archive(database: Database, clock: Clock, tmp_path: Path) -> None:
    await listed(database, "a_channel")
    done = await look(database, clock, place=tmp_path)
    assert done.numbers() == {"raised": 0, "resolved": 0}


async def test_a_watch_that_fails_is_told_once_and_again_when_it_is_well(
    database: Database, clock: Clock
) -> None:
    plan = OnCall(people=(Person(name="Ann", address="a@m.example"),))
    await listed(database, "a_channel", "b_channel")
    await ask(
        database,
        """UPDATE monitor.watches SET problem = 'unreachable', problem_text = 'no route', problem_since = :now
           WHERE handle = 'a_channel' RETURNING 1""",
        now=clock(),
    )
    assert (await look(database, clock)).raised == 0
    clock.forward(minutes=16)
    assert (await look(database, clock)).raised == 1
    assert (await look(database, clock)).numbers() == {"raised": 0, "resolved": 0}
    assert await raised(database, clock) == [("watch", "a_channel")]
    clock.forward(seconds=2)
    await alert.alert(database, plan, now=clock, sender=Sender())
    await ask(database, "UPDATE monitor.watches SET problem = NULL RETURNING 1")
    assert (await look(database, clock)).numbers() == {"raised": 0, "resolved": 1}
    clock.forward(minutes=2)
    await alert.alert(database, plan, now=clock, sender=Sender())
    told = await ask(database, "SELECT kind, subject FROM monitor.notices ORDER BY notice_id")
    assert [row.kind for row in told] == ["raised", "resolved"]
    assert "cannot be read" in told[0].subject
    assert told[1].subject.startswith("Resolved: ")


async def test_a_channel_is_silent_by_its_own_norm(database: Database, clock: Clock) -> None:
    await listed(database, "quick", "slow", "new", "paused", "unseen")
    for number, handle in enumerate(("quick", "slow", "new", "paused", "unseen")):
        gap, posts = {"quick": (1, 40), "slow": (20, 12), "new": (1, 4)}.get(handle, (1, 40))
        await ask(
            database,
            """INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source)
               SELECT :channel, n, CAST(:now AS timestamptz) - make_interval(hours => (8 + CAST(:gap AS int) * n)), :now, 1, 'preview'
               FROM generate_series(1, CAST(:posts AS int)) n RETURNING 1""",
            channel=number,
            gap=gap,
            posts=posts,
            now=clock(),
        )
        await ask(
            database,
            """UPDATE monitor.watches SET channel_id = :channel, last_post_at = CAST(:now AS timestamptz) - interval '9 hours',
                   last_ok_at = :ok, paused_at = CASE WHEN handle = 'paused' THEN CAST(:now AS timestamptz) END
               WHERE handle = :handle RETURNING 1""",
            channel=number,
            handle=handle,
            ok=clock() - timedelta(hours=8 if handle == "unseen" else 0),
            now=clock(),
        )
    await look(database, clock)
    assert await raised(database, clock) == [("silent", "quick")]
    (row,) = await ask(database, "SELECT told FROM monitor.alerts")
    assert row.told["gap"] == 3600
    await ask(database, "UPDATE monitor.watches SET last_ok_at = :at RETURNING 1", at=clock.forward(days=40))
    assert (await look(database, clock)).resolved == 0
    assert ("silent", "quick") in await raised(database, clock)


async def test_sessions_bans_and_long_waits(database: Database, clock: Clock) -> None:
    memory = AccountMemory(database)
    await memory.fails("one", problem="session_lost", words="logged out", now=clock(), retry_at=None)
    await memory.fails("two", problem="account_banned", words="banned", now=clock(), retry_at=None)
    await memory.fails("three", problem="unreachable", words="no route", now=clock(), retry_at=None)
    await memory.keep_wait("one", "GetHistory", now=clock(), until=clock() + timedelta(hours=2))
    await memory.keep_wait("one", "GetMessages", now=clock(), until=clock() + timedelta(minutes=5))
    await look(database, clock)
    assert await raised(database, clock) == [
        ("banned", "two"),
        ("flood", "one/GetHistory"),
        ("session", "one"),
    ]
    await memory.works("one", now=clock())
    clock.forward(hours=2)
    await look(database, clock)
    assert await raised(database, clock) == [("banned", "two")]


async def test_jobs_and_the_disk(
    database: Database, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oversee, "_free", lambda place: int(1e9))
    failing = JobState(name="fetch", seconds=2, well_at=clock(), failures=3, error="the disk is full")
    await look(database, clock, jobs=[failing], place=tmp_path)
    assert await raised(database, clock) == [("disk", "data"), ("job", "fetch")]
    monkeypatch.undo()
    await look(database, clock, place=tmp_path / "not made yet")
    assert await raised(database, clock) == []


async def delivery(database: Database, state: str, *, again: int = 0, number: int = 1) -> None:
    await ask(
        database,
        """INSERT INTO monitor.deliveries (route, address, window_from, window_until, language, again, state, planned_at, message_id)
           VALUES ('mail', 'o' || CAST(:number AS text) || '@m.example', TIMESTAMPTZ '2024-08-08 08:00+00', TIMESTAMPTZ '2024-08-09 08:00+00',
                   'en', :again, :state, TIMESTAMPTZ '2024-08-09 08:00+00', gen_random_uuid()::text) RETURNING 1""",
        state=state,
        again=again,
        number=number,
    )


@pytest.mark.parametrize(
    ("state", "at", "alarm"),
    [
        ("sent", 20, False),
        ("kept", 20, False),
        ("dropped", 20, False),
        ("planned", 8, False),
        ("planned", 10, True),
        ("sending", 10, True),
        ("handing", 10, True),
        ("failed", 8, True),
        ("in_doubt", 8, True),
    ],
)
async def test_a_digest_that_did_not_go(
    database: Database, clock: Clock, state: str, *, at: int, alarm: bool
) -> None:
    clock.at = clock.at.replace(hour=at, minute=30)
    await delivery(database, state)
    await look(database, clock)
    assert await raised(database, clock) == ([("digest", "2024-08-09T08:00Z")] if alarm else [])


async def test_a_digest_sent_again_by_hand_is_well(database: Database, clock: Clock) -> None:
    await delivery(database, "failed")
    await delivery(database, "failed", number=2)
    await look(database, clock)
    await delivery(database, "sent", again=1)
    assert (await look(database, clock)).resolved == 0
    await delivery(database, "sent", again=1, number=2)
    assert (await look(database, clock)).resolved == 1


async def test_a_route_by_which_the_last_notice_did_not_go(database: Database, clock: Clock) -> None:
    people = [Person(name="Ann", routes=("hook", "ntfy"))]
    for state in ("failed", "in_doubt", "sent"):
        await alert.test(database, people, now=clock(), sender=Sender())
        await ask(
            database,
            """UPDATE monitor.deliveries SET state = :state, ended_at = :now, error = 'answered 403'
               WHERE state = 'planned' AND route = 'hook' RETURNING 1""",
            state=state,
            now=clock.forward(minutes=1),
        )
        await look(database, clock)
        assert await raised(database, clock) == ([] if state == "sent" else [("route", "hook")])
    (row,) = await ask(database, "SELECT count(*) AS n FROM monitor.alerts")
    assert row.n == 1
