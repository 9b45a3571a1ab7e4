"""Alerts of cases: raised once, told to whom is on call, escalated, resolved, silenced, and purged."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from monitor import alert, collect, flag, review
from monitor.alert import Alerted, Sender
from monitor.model import (
    CaseState,
    Language,
    Limits,
    OnCall,
    Person,
    Priority,
    Quiet,
    Severity,
    Shift,
    Thresholds,
)
from monitor.sources.desktop import DesktopSource
from monitor.store import alerts, decisions, purges, silences
from monitor.store.database import Database, lock_channel
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_collect_import import export, message
from tests.integration.test_review import EDIT
from tests.integration.web_helpers import someone
from tests.rulesets import shipped_rules, shipped_texts

ANN = Person(name="Ann", address="ann@m.example")
BEN = Person(name="Ben", address="ben@m.example", language=Language.RUSSIAN, routes=("mail", "hook"))
PLAN = OnCall(
    people=(ANN, BEN),
    thresholds=Thresholds(topics=frozenset({"sudzha"}), figure=1000, official=True),
)
SENDER = Sender("m.example", "https://m.example")


class Desk:
    """An archive into which posts come, and the alerts that are raised of them."""

    def __init__(self, database: Database, place: Path, clock: Clock) -> None:
        self.database, self.place, self.clock = database, place, clock
        self.plan = PLAN
        self.files = 0

    async def posts(self, texts: dict[int, str], **more: str) -> None:
        self.files += 1
        path = export(self.place / f"{self.files}.json", [message(n, t, **more) for n, t in texts.items()])
        await collect.take(self.database, DesktopSource(path, handle="long_channel"), now=self.clock)
        await flag.flag(self.database, shipped_rules(), shipped_texts(), now=self.clock)
        await review.review(self.database, Priority(), now=self.clock)

    async def run(self, **forward: float) -> Alerted:
        if forward:
            self.clock.forward(**forward)
        return await alert.alert(self.database, self.plan, now=self.clock, sender=SENDER)

    async def raised(self) -> list[tuple[str, str, str | None]]:
        rows = await ask(
            self.database, "SELECT kind, subject, resolution FROM monitor.alerts ORDER BY 1, 2, 3"
        )
        return [tuple(row) for row in rows]

    async def notices(self) -> list[Any]:
        rows = await ask(self.database, "SELECT * FROM monitor.notices ORDER BY notice_id")
        return list(rows)

    async def told(self) -> list[tuple[str, str]]:
        return [(row.person, row.kind) for row in await self.notices()]


@pytest.fixture
def desk(database: Database, tmp_path: Path, clock: Clock) -> Desk:
    return Desk(database, tmp_path, clock)


async def test_a_flagged_post_is_told_with_its_words_and_link_and_a_delivery_for_each_route(
    desk: Desk,
) -> None:
    desk.plan = replace(PLAN, people=(BEN,))
    await desk.posts({1: "В Судже тихо", 2: "Погода ясная"})
    done = await desk.run()
    assert (done.numbers(), done.next_at) == (
        {"raised": 1, "resolved": 0, "notices": 0},
        desk.clock() + timedelta(seconds=2),
    )
    assert (await desk.run(seconds=2)).numbers() == {"raised": 0, "resolved": 0, "notices": 1}
    assert (await desk.run(seconds=2)).numbers() == {"raised": 0, "resolved": 0, "notices": 0}
    (notice,) = await desk.notices()
    assert (notice.person, notice.language, notice.severity) == ("Ben", "ru", "warning")
    assert "«В Судже тихо»" in notice.body
    assert "https://m.example/case/1" in notice.body
    assert notice.told["alerts"][0]["kind"] == "topic"
    planned = await ask(
        desk.database, "SELECT route, address, state, message_id, name FROM monitor.deliveries ORDER BY 1"
    )
    assert [tuple(row) for row in planned] == [
        ("hook", "Ben", "planned", f"notice-{notice.notice_id}-2@m.example", "Ben"),
        ("mail", "ben@m.example", "planned", f"notice-{notice.notice_id}-1@m.example", "Ben"),
    ]


async def test_when_a_post_came_to_us_counts_and_not_when_it_was_posted(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    (row,) = await ask(
        desk.database,
        """SELECT a.stored_at, v.seen_at, p.posted_at, a.told FROM monitor.alerts a
           JOIN monitor.posts p USING (channel_id, message_id)
           JOIN monitor.post_versions v USING (channel_id, message_id)""",
    )
    assert row.stored_at == row.seen_at
    assert row.posted_at < desk.clock() - timedelta(days=2)
    assert row.told["posted_at"] == row.posted_at.isoformat()


async def test_a_large_figure_raises_without_a_topic(desk: Desk) -> None:
    await desk.posts({1: "Уничтожено до 1200 солдат противника", 2: "Уничтожено до 900 солдат противника"})
    await desk.run()
    assert await desk.raised() == [("figure", "case/1", None)]


async def test_with_nobody_on_the_list_alerts_are_raised_and_shown_and_nobody_is_told(desk: Desk) -> None:
    desk.plan = OnCall(thresholds=PLAN.thresholds)
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(minutes=5)
    assert await desk.notices() == []
    async with desk.database.transaction() as tx:
        assert await alerts.count(tx) == {Severity.WARNING: 1}
        (one,) = await alerts.unresolved(tx, now=desk.clock(), limit=9)
    assert (one.kind, one.told_at, one.silenced) == ("topic", None, False)


async def test_copies_and_further_edits_of_a_case_raise_nothing_new(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.posts({1: "В Судже бой"}, **EDIT)
    await desk.run()
    await desk.posts({1: "В Судже опять бой"}, edited="2024-08-06T15:00:00", edited_unixtime="1722950000")
    await desk.run()
    assert await desk.raised() == [("topic", "case/1", None)]


async def official(desk: Desk) -> None:
    """The channel of the posts speaks for an official from now on."""
    await ask(
        desk.database,
        """INSERT INTO monitor.watches (handle, listed, label, person, side, source, quickest_seconds, slowest_seconds, channel_id)
           SELECT 'long_channel', true, '', 'The governor', 'russia', 'preview', 60, 60, channel_id FROM monitor.channels
           RETURNING 1""",
    )


async def test_an_official_who_edits_or_deletes_a_post_with_figures_is_critical(desk: Desk) -> None:
    await desk.posts({1: "В Судже уничтожено 30 солдат", 2: "Под Суджей 5 танков", 3: "В Судже тихо"})
    await official(desk)
    await desk.run()
    await desk.posts({1: "В Судже никого не уничтожено", 3: "В Судже всё ещё тихо"}, **EDIT)
    await ask(
        desk.database,
        "UPDATE monitor.post_state SET presence = 'deleted', deleted_at = :at WHERE message_id IN (2, 3) RETURNING 1",
        at=desk.clock(),
    )
    await desk.run()
    assert [one[:2] for one in await desk.raised() if one[0] == "official"] == [
        ("official", "case/1/1/v2"),
        ("official", "case/2/2/deleted"),
    ]
    await desk.run(seconds=2)
    (notice,) = await desk.notices()
    assert notice.severity == "critical"
    assert "deleted a post with figures" in notice.body
    # Nobody takes up a deletion; the news lapses, and whoever was told is told.
    await desk.run(days=1, minutes=1)
    assert {row.resolution for row in await ask(desk.database, "SELECT resolution FROM monitor.alerts")} == {
        None,
        "lapsed",
    }


async def decide(desk: Desk, case_id: int, state: CaseState) -> None:
    async with desk.database.transaction() as tx:
        await decisions.move(tx, case_id, state, None, now=desk.clock())


async def test_what_is_decided_is_resolved_and_whoever_was_told_is_told(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо", 2: "Под Суджей тоже"})
    await desk.run()
    await desk.run(seconds=2)
    await decide(desk, 1, CaseState.DECIDED)
    done = await desk.run(seconds=1)
    assert done.numbers() == {"raised": 0, "resolved": 1, "notices": 0}
    await desk.run(seconds=90)
    assert await desk.told() == [("Ann", "raised"), ("Ann", "resolved")]
    assert await desk.raised() == [("topic", "case/1", "decided"), ("topic", "case/2", None)]
    last = (await desk.notices())[-1]
    assert last.told["alerts"][0]["resolution"] == "decided"
    await desk.run(minutes=5)
    assert len(await desk.told()) == 2


async def test_what_is_resolved_before_anybody_was_told_is_never_told(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await decide(desk, 1, CaseState.CLOSED)
    for _ in range(3):
        await desk.run(minutes=2)
    assert await desk.notices() == []


async def test_a_decided_case_raises_again_once_it_comes_back(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await decide(desk, 1, CaseState.DECIDED)
    await desk.run()
    await desk.posts({1: "В Судже бой"}, **EDIT)
    await desk.run()
    assert await desk.raised() == [("topic", "case/1", "decided"), ("topic", "case/1", None)]


async def test_a_case_that_nobody_claims_goes_to_the_next_and_each_is_told_once(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    done = await desk.run(seconds=2)
    assert await desk.told() == [("Ann", "raised")]
    assert done.next_at == desk.clock() + timedelta(minutes=15)
    await desk.run(minutes=14)
    assert len(await desk.told()) == 1
    await desk.run(minutes=1)
    await desk.run(seconds=2)
    assert await desk.told() == [("Ann", "raised"), ("Ben", "escalated")]
    for _ in range(4):
        await desk.run(minutes=20)
    assert len(await desk.told()) == 2
    (row,) = await ask(desk.database, "SELECT level, escalate_at FROM monitor.alerts")
    assert tuple(row) == (1, None)
    # Both are told once it is dealt with.
    await decide(desk, 1, CaseState.DECIDED)
    await desk.run(minutes=2)
    await desk.run(minutes=2)
    assert sorted((await desk.told())[2:]) == [("Ann", "resolved"), ("Ben", "resolved")]


async def test_a_claim_stops_the_escalation(desk: Desk, clock: Clock) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(seconds=2)
    user = await someone(desk.database, clock)
    async with desk.database.transaction() as tx:
        await decisions.claim(tx, 1, user.user_id, now=clock(), lasting=timedelta(minutes=15))
    await desk.run()
    await desk.run(minutes=16)
    await desk.run(seconds=2)
    assert ("Ben", "escalated") not in await desk.told()
    assert await desk.raised() == [("topic", "case/1", "claimed")]


async def test_quiet_hours_hold_back_until_they_end(desk: Desk) -> None:
    at = desk.clock()
    quiet = Quiet((at - timedelta(hours=1)).time(), (at + timedelta(hours=1)).time())
    desk.plan = replace(PLAN, quiet=quiet)
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    done = await desk.run(minutes=10)
    assert (done.notices, done.next_at) == (0, at + timedelta(hours=1))
    await desk.run(minutes=50)
    assert await desk.told() == [("Ann", "raised")]


async def test_with_nobody_on_call_it_waits_for_whoever_comes(desk: Desk) -> None:
    since = (desk.clock() + timedelta(hours=2)).time()
    desk.plan = replace(PLAN, shifts=(Shift(person="Ben", since=since, until=since.replace(minute=30)),))
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(hours=1)
    assert await desk.notices() == []
    await desk.run(hours=1)
    assert await desk.told() == [("Ben", "raised")]


async def test_a_case_that_all_on_call_let_be_goes_to_whoever_comes_next(desk: Desk) -> None:
    at = desk.clock()
    shifts = (
        Shift(person="Ann", since=at.time(), until=(at + timedelta(hours=8)).time()),
        Shift(person="Ben", since=(at + timedelta(hours=8)).time(), until=(at + timedelta(hours=16)).time()),
    )
    desk.plan = replace(PLAN, shifts=shifts)
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(seconds=2)
    await desk.run(hours=2)
    await desk.posts({2: "Под Суджей бой"})
    await desk.run()
    done = await desk.run(seconds=2)
    # What waits for the next shift does not hide when the other is to be escalated.
    assert done.next_at == desk.clock() + timedelta(minutes=15)
    await desk.run(hours=5)
    assert await desk.told() == [("Ann", "raised"), ("Ann", "raised")]
    await desk.run(hours=1)
    assert (await desk.told())[2:] == [("Ben", "escalated")]
    await desk.run(hours=16)
    assert len(await desk.told()) == 3
    assert {
        row.escalate_at for row in await ask(desk.database, "SELECT escalate_at FROM monitor.alerts")
    } == {None}


async def silence(
    desk: Desk, *, hours: float = 2, kind: str | None = None, subject: str | None = None
) -> int:
    async with desk.database.transaction() as tx:
        return await silences.add(
            tx,
            kind=kind,
            subject=subject,
            until=desk.clock() + timedelta(hours=hours),
            note="known",
            made_by="ann",
            now=desk.clock(),
        )


@pytest.mark.parametrize(
    ("kind", "subject", "silenced"),
    [
        (None, None, True),
        ("topic", None, True),
        ("topic", "case/1", True),
        (None, "case/1", True),
        ("topic", "case", True),
        ("topic", "Long_Channel", True),
        (None, "long_channel", True),
        ("topic", "long", False),
        ("figure", None, False),
        ("topic", "case/2", False),
        ("topic", "case/11", False),
        ("topic", "ca", False),
    ],
)
async def test_a_silence_holds_back_what_it_is_of_and_ends(
    desk: Desk, kind: str | None, subject: str | None, silenced: bool
) -> None:
    await silence(desk, kind=kind, subject=subject)
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(seconds=2)
    assert bool(await desk.notices()) is not silenced
    async with desk.database.transaction() as tx:
        (one,) = await alerts.unresolved(tx, now=desk.clock(), limit=9)
    assert one.silenced is silenced
    # What still stands is told once the silence is over.
    await desk.run(hours=2)
    assert ("Ann", "raised") in await desk.told()


async def test_a_silence_can_be_ended_early(desk: Desk) -> None:
    number = await silence(desk)
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    async with desk.database.transaction() as tx:
        assert [one.silence_id for one in await silences.lasting(tx, now=desk.clock())] == [number]
        assert await silences.end(tx, number, now=desk.clock())
        assert not await silences.end(tx, number, now=desk.clock())
        assert not await silences.lasting(tx, now=desk.clock())
    await desk.run(seconds=2)
    assert await desk.told() == [("Ann", "raised")]


async def test_a_resolution_under_a_silence_waits_too(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(seconds=2)
    await silence(desk)
    await decide(desk, 1, CaseState.DECIDED)
    await desk.run()
    await desk.run(minutes=5)
    assert len(await desk.told()) == 1
    await desk.run(hours=2)
    assert await desk.told() == [("Ann", "raised"), ("Ann", "resolved")]


async def test_whoever_is_off_the_list_is_not_waited_for(desk: Desk) -> None:
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(seconds=2)
    desk.plan = replace(PLAN, people=(BEN,))
    await decide(desk, 1, CaseState.DECIDED)
    await desk.run()
    await desk.run(minutes=5)
    assert await desk.told() == [("Ann", "raised")]
    (row,) = await ask(desk.database, "SELECT resolution_told_at FROM monitor.alerts")
    assert row.resolution_told_at is not None


async def test_a_severity_without_routes_is_made_and_goes_nowhere(desk: Desk) -> None:
    desk.plan = replace(PLAN, routes={Severity.WARNING: ()})
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    await desk.run(seconds=2)
    assert await desk.told() == [("Ann", "raised")]
    assert await ask(desk.database, "SELECT 1 FROM monitor.deliveries") == []


# --- a burst ------------------------------------------------------------------------------------------------


async def burst(desk: Desk, first: int, last: int) -> None:
    """Cases of flagged posts as the step of review leaves them, so many at once."""
    values: dict[str, object] = {"first": first, "last": last, "now": desk.clock()}
    statements = (
        """INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source)
           SELECT 7, n, :now, :now, 1, 'preview' FROM generate_series(CAST(:first AS bigint), :last) n""",
        """INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
           SELECT 7, n, 1, :now, 'preview', false, 'В Судже тихо, пост ' || n, 1, int8send(n)
           FROM generate_series(CAST(:first AS bigint), :last) n""",
        """INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at, unread)
           SELECT 7, n, 1, :now, false FROM generate_series(CAST(:first AS bigint), :last) n""",
        """INSERT INTO monitor.cases (state, opened_at, changed_at, rank_at, topics, channel_id, message_id, version, posts)
           SELECT 'open', :now, :now, :now, ARRAY['sudzha'], 7, n, 1, 1 FROM generate_series(CAST(:first AS bigint), :last) n""",
        """INSERT INTO monitor.case_posts (channel_id, message_id, case_id, version, topics, joined_at)
           SELECT channel_id, message_id, case_id, 1, topics, :now FROM monitor.cases
           WHERE message_id BETWEEN :first AND :last""",
        """INSERT INTO monitor.case_events (case_id, happened_at, kind, channel_id, message_id, version)
           SELECT case_id, :now, 'opened', channel_id, message_id, 1 FROM monitor.cases
           WHERE message_id BETWEEN :first AND :last""",
    )
    async with desk.database.transaction() as tx:
        for statement in statements:
            await tx.execute(text(statement), values)


async def test_ten_thousand_flagged_posts_in_a_minute_are_one_notice(desk: Desk) -> None:
    done = Alerted()
    for second in range(60):
        await burst(desk, second * 167 + 1, min((second + 1) * 167, 10_000))
        ran = await desk.run(seconds=1)
        done.raised += ran.raised
        assert ran.notices == 0
    assert done.raised == 10_000
    await desk.run(seconds=10)
    (notice,) = await desk.notices()
    assert notice.subject == "Warning: 10,000 cases on topics"
    assert notice.told["count"] == 10_000
    assert len(notice.body) < 10_000
    for _ in range(5):
        assert (await desk.run(minutes=1)).notices == 0
    (row,) = await ask(desk.database, "SELECT count(*) AS n FROM monitor.notice_alerts")
    assert row.n == 10_000
    (row,) = await ask(desk.database, "SELECT count(*) AS n FROM monitor.deliveries")
    assert row.n == 1


async def test_posts_that_are_not_read_yet_belong_to_the_burst(desk: Desk) -> None:
    await burst(desk, 1, 3)
    await desk.run()
    await burst(desk, 4, 200)
    async with desk.database.transaction() as tx:
        await tx.execute(text("DELETE FROM monitor.alert_due"))
        await tx.execute(text("UPDATE monitor.post_state SET unread = true WHERE message_id > 3"))
    assert (await desk.run(seconds=20)).notices == 0
    async with desk.database.transaction() as tx:
        await tx.execute(text("UPDATE monitor.post_state SET unread = false WHERE message_id > 30"))
    assert (await desk.run(seconds=1)).notices == 1


async def test_a_stream_that_does_not_end_is_a_few_notices_and_all_is_told(desk: Desk) -> None:
    desk.plan = replace(PLAN, people=(ANN,), limits=Limits(unclaimed=timedelta(hours=9)))
    for minute in range(90):
        await burst(desk, minute + 1, minute + 1)
        await desk.run(minutes=1)
    times: list[datetime] = [row.made_at for row in await desk.notices()]
    for at in times:
        assert sum(at - timedelta(hours=1) < other <= at for other in times) <= 4
    await desk.run(hours=1)
    (row,) = await ask(desk.database, "SELECT count(*) AS n FROM monitor.notice_alerts")
    assert row.n == 90


# --- purges, and tests --------------------------------------------------------------------------------------


async def test_a_purge_takes_the_words_out_of_alerts_notices_and_digests(desk: Desk) -> None:
    await desk.posts({1: "В Судже особое", 2: "Под Суджей иное"})
    await desk.run()
    await desk.run(seconds=2)
    await ask(
        desk.database,
        """WITH e AS (INSERT INTO monitor.editions (window_from, window_until, zone, language, filter, composed_at,
                          subject, html, body, page, counts, sha256)
                      SELECT TIMESTAMPTZ '2024-08-08', TIMESTAMPTZ '2024-08-09', 'UTC', language, '', now(),
                             'особое', 'особое', 'особое', 'особое', '{}', '' FROM unnest(ARRAY['en', 'ru']) AS language
                      RETURNING edition_id)
           INSERT INTO monitor.edition_posts (edition_id, channel_id, message_id)
           SELECT edition_id, (SELECT channel_id FROM monitor.posts LIMIT 1), 1 FROM e RETURNING 1""",
    )
    await ask(
        desk.database,
        """INSERT INTO monitor.alert_due (kind, case_id, channel_id, message_id, at)
           SELECT 'edited', 1, channel_id, 1, now() FROM monitor.posts LIMIT 1 RETURNING 1""",
    )
    (row,) = await ask(desk.database, "SELECT channel_id FROM monitor.posts LIMIT 1")
    async with desk.database.transaction() as tx:
        await lock_channel(tx, row.channel_id)
        await purges.purge(tx, row.channel_id, 1, now=desk.clock(), reason="asked for")
    tables = await ask(
        desk.database,
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'monitor' AND table_type = 'BASE TABLE'",
    )
    for table in tables:
        query = f"SELECT 1 FROM monitor.{table.name} t WHERE CAST(t AS text) LIKE '%особое%'"
        assert not await ask(desk.database, query), table.name
    (notice,) = await desk.notices()
    assert (notice.body, notice.told) == ("removed on lawful request", {"removed": True})
    editions = await ask(desk.database, "SELECT html FROM monitor.editions ORDER BY language")
    assert [row.html for row in editions] == ["removed on lawful request", "удалено по законному требованию"]
    assert await ask(desk.database, "SELECT 1 FROM monitor.alert_due") == []
    kept = await ask(desk.database, "SELECT told->>'quote' AS quote FROM monitor.alerts ORDER BY alert_id")
    assert [row.quote for row in kept] == [None, "Под Суджей иное"]
    with pytest.raises(Exception, match="only ever added"):
        await ask(desk.database, "UPDATE monitor.editions SET html = '' RETURNING 1")


async def test_a_test_goes_by_all_routes_and_counts_for_nothing(desk: Desk) -> None:
    made = await alert.test(desk.database, [ANN, BEN], now=desk.clock(), sender=SENDER)
    assert len(made) == 2
    assert await desk.told() == [("Ann", "test"), ("Ben", "test")]
    planned = await ask(desk.database, "SELECT route, name FROM monitor.deliveries ORDER BY delivery_id")
    assert [tuple(row) for row in planned] == [("mail", "Ann"), ("mail", "Ben"), ("hook", "Ben")]
    desk.plan = replace(PLAN, limits=Limits(an_hour=1))
    await desk.posts({1: "В Судже тихо"})
    await desk.run()
    assert (await desk.run(seconds=2)).notices == 1
