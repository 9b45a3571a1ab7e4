"""Collecting through public pages, with everything that the outside does wrong."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from monitor import collect
from monitor.looks import Collected
from monitor.model import Watch
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.standin.scenario import THEN, Event, Message, Scenario, Text, shipped
from monitor.standin.server import Standin, serving
from monitor.store import coverage, watches
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask, channel, listed

START = datetime(2024, 8, 9, tzinfo=UTC)
LATER = datetime(2024, 9, 9, tzinfo=UTC)
LONG = 1900000077


class Outside:
    """The stand-in, a source that reads it, and the clock that both go by."""

    def __init__(self, standin: Standin, source: PreviewSource, database: Database, clock: Clock) -> None:
        self.standin = standin
        self.source = source
        self.database = database
        self.clock = clock

    async def look(self) -> Collected:
        self.clock.forward(hours=3)
        return await collect.live(self.database, self.source, now=self.clock)

    async def backfill(self) -> int:
        rounds = 0
        while (await collect.backfill(self.database, self.source, now=self.clock)).looks:
            rounds += 1
        return rounds

    async def watch(self, handle: str = "long_channel") -> Watch:
        async with self.database.transaction() as tx:
            found = await watches.find(tx, handle)
        assert found is not None
        return found

    async def ids(self, channel_id: int = LONG) -> list[int]:
        rows = await ask(
            self.database,
            "SELECT message_id FROM monitor.posts WHERE channel_id = :c ORDER BY 1",
            c=channel_id,
        )
        return [row.message_id for row in rows]

    async def outcomes(self) -> list[tuple[str, str, int | None, int | None]]:
        rows = await ask(
            self.database,
            "SELECT kind, outcome, first_id, last_id FROM monitor.coverage ORDER BY coverage_id",
        )
        return [tuple(row) for row in rows]


Opened = Callable[..., AbstractAsyncContextManager[Outside]]


@pytest.fixture
def outside(database: Database) -> Opened:
    @asynccontextmanager
    async def opened(
        *scenarios: Scenario, at: datetime = LATER, hosts: tuple[str, ...] = ()
    ) -> AsyncIterator[Outside]:
        clock = Clock(at)
        standin = Standin(clock)
        standin.play(scenarios, start=START)
        async with serving(standin) as host:
            options = PreviewOptions(hosts=(*hosts, host), pace=0)
            async with PreviewSource.opened(options, now=clock) as source:
                yield Outside(standin, source, database, clock)

    return opened


async def test_the_first_look_takes_the_newest_page_and_the_backfill_the_rest(outside: Opened) -> None:
    async with outside(channel(95)) as o:
        await listed(o.database, "long_channel", since=START)
        first = await o.look()
        assert (first.posts, first.looks) == (20, 1)
        assert (await o.watch()).cursor == 95
        assert await o.ids() == list(range(76, 96))
        await o.backfill()
        assert await o.ids() == list(range(1, 96))
        watch = await o.watch()
        assert watch.backfill_done
        async with o.database.transaction() as tx:
            assert await coverage.spans(tx, LONG) == [(1, 95)]


async def test_a_backfill_ends_at_the_date_it_was_asked_for(outside: Opened) -> None:
    async with outside(channel(200)) as o:
        await listed(o.database, "long_channel", since=START + timedelta(minutes=100))
        await o.look()
        await o.backfill()
        ids = await o.ids()
        assert min(ids) <= 100
        assert min(ids) > 60
        async with o.database.transaction() as tx:
            await watches.reach_back(tx, "long_channel", since=START)
        await o.backfill()
        assert await o.ids() == list(range(1, 201))


async def test_looking_again_finds_nothing_and_doubles_nothing(outside: Opened) -> None:
    async with outside(channel(30)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        again = await o.look()
        assert (again.posts, again.edits, again.looks) == (0, 0, 1)
        rows = await ask(o.database, "SELECT looks FROM monitor.coverage")
        assert [row.looks for row in rows] == [2]


@pytest.mark.parametrize("heeds_after", [True, False])
@pytest.mark.parametrize("holes", [frozenset[int](), frozenset(range(40, 150)), frozenset({59, 60, 61})])
async def test_what_was_posted_meanwhile_is_fetched_without_a_gap(
    outside: Opened, *, heeds_after: bool, holes: frozenset[int]
) -> None:
    whole = channel(230, holes=holes)
    early = replace(whole, messages=tuple(m for m in whole.messages if m.id <= 30))
    async with outside(early) as o:
        o.standin.heeds_after = heeds_after
        await listed(o.database, "long_channel", since=START)
        await o.look()
        o.standin.play([whole], start=START)
        for _ in range(6):
            await o.look()
        assert (await o.watch()).cursor == 230
        await o.backfill()
        assert await o.ids() == [m.id for m in whole.messages]
        async with o.database.transaction() as tx:
            assert await coverage.spans(tx, LONG) == [(1, 230)]


async def test_a_watch_far_behind_shows_the_newest_first_and_gives_way(outside: Opened) -> None:
    whole = channel(600)
    async with outside(replace(whole, messages=whole.messages[:20])) as o:
        await listed(o.database, "long_channel")
        await o.look()
        o.standin.play([whole], start=START)
        await o.look()
        assert 600 in await o.ids()
        watch = await o.watch()
        assert watch.cursor is not None
        assert watch.cursor < 580
        assert watch.next_look_at == o.clock()
        for _ in range(4):
            await o.look()
        assert await o.ids() == list(range(1, 601))


async def test_every_kind_of_widget_of_the_shipped_channels_is_taken_whole(outside: Opened) -> None:
    scenarios = shipped()
    async with outside() as o:
        o.standin.play(scenarios, start=THEN)
        await listed(o.database, *(s.handle for s in scenarios), since=THEN.astimezone(UTC))
        await o.look()
        await o.backfill()
        for scenario in scenarios:
            shown = scenario.shown(scenario.ends)
            assert await o.ids(scenario.id) == [m.id for m in shown]
        kinds = {r.media_kind for r in await ask(o.database, "SELECT DISTINCT media_kind FROM monitor.posts")}
        expected = {m.media_kind.value for s in scenarios for m in s.shown(s.ends) if m.media_kind}
        assert kinds - {None, "other"} == expected
        assert await ask(o.database, "SELECT 1 FROM monitor.set_aside") == []


async def test_an_edit_becomes_a_version_and_a_change_of_views_does_not(outside: Opened) -> None:
    edits = (Event(at=timedelta(days=30, hours=10), kind="edit", post=5, text=Text("Сообщение исправлено")),)
    async with outside(replace(channel(10), events=edits), at=START + timedelta(days=30, hours=2)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        assert (await o.look()).edits == 0
        assert (await o.look()).edits == 1
        assert (await o.look()).edits == 0
        rows = await ask(
            o.database,
            "SELECT version, text, edited, previous_sha256 FROM monitor.post_versions WHERE message_id = 5 ORDER BY 1",
        )
        assert [(r.version, r.text, r.edited) for r in rows] == [
            (1, "Сообщение номер 5", False),
            (2, "Сообщение исправлено", True),
        ]
        assert rows[1].previous_sha256 is not None


async def test_a_renamed_channel_gets_a_new_description(outside: Opened) -> None:
    rename = (Event(at=timedelta(days=31, hours=5), kind="rename", title="Новое имя"),)
    async with outside(replace(channel(10), events=rename)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        await o.look()
        rows = await ask(o.database, "SELECT version, title FROM monitor.channel_versions ORDER BY 1")
        assert [tuple(r) for r in rows] == [(1, "Длинный канал"), (2, "Новое имя")]


async def test_albums_give_one_post_a_member_also_where_a_page_cuts_them(outside: Opened) -> None:
    photo = {"kind": "photo"}
    messages: list[Message] = []
    for number in range(1, 80):
        first = (number - 1) // 7 * 7 + 1
        messages.append(
            Message(
                id=number,
                at=timedelta(minutes=first),
                text=Text(f"Альбом {first}") if number == first else Text(),
                media=photo,
                album=first,
            )
        )
    scenario = Scenario(id=LONG, handle="long_channel", title="Альбомы", messages=tuple(messages))
    async with outside(scenario) as o:
        await listed(o.database, "long_channel", since=START)
        await o.look()
        await o.backfill()
        rows = await ask(
            o.database,
            "SELECT message_id, album_id, version, text FROM research.posts ORDER BY message_id",
        )
        assert [r.message_id for r in rows] == list(range(1, 80))
        assert all(r.album_id == (r.message_id - 1) // 7 * 7 + 1 for r in rows if r.message_id < 78)
        assert {r.version for r in rows} == {1}
        assert [r.text for r in rows if r.text] == [f"Альбом {n}" for n in range(1, 80, 7)]


@pytest.mark.parametrize(
    ("hidden", "problem", "stopped"),
    [
        ("preview", "no_preview", False),
        ("group", "not_a_channel", True),
        ("person", "not_a_channel", True),
        ("restricted", "restricted", False),
    ],
)
async def test_a_channel_that_hides_is_told_by_its_card(
    outside: Opened, hidden: str, problem: str, *, stopped: bool
) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel")
        o.standin.channels["long_channel"].hidden = hidden
        done = await o.look()
        assert done.failures == 1
        watch = await o.watch()
        assert (watch.problem, watch.paused_at is not None) == (problem, stopped)
        assert await o.outcomes() == [("live", problem, None, None)]
        assert o.standin.requests[-2:] == ["/s/long_channel", "/long_channel"]


async def test_a_channel_that_comes_back_goes_on_where_it_stood(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        o.standin.channels["long_channel"].hidden = "preview"
        await o.look()
        await o.look()
        o.standin.channels["long_channel"].hidden = ""
        o.standin.play([channel(15)], start=START)
        await o.look()
        assert await o.ids() == list(range(1, 16))
        watch = await o.watch()
        assert (watch.problem, watch.failures) == (None, 0)
        assert [(k, out) for k, out, _, _ in await o.outcomes()] == [
            ("live", "ok"),
            ("live", "no_preview"),
            ("live", "ok"),
        ]


async def test_a_free_handle_is_believed_only_while_the_canary_sings(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel", "nobody_there")
        await o.look()
        assert (await o.watch("nobody_there")).problem == "handle_free"
        o.standin.banned = True
        done = await o.look()
        assert done.failures == 1
        problems = {(await o.watch(h)).problem for h in ("long_channel", "nobody_there")}
        assert "soft_ban" in problems
        assert await o.ids() == list(range(1, 11))
        o.standin.banned = False
        await o.look()
        assert (await o.watch()).problem is None


async def test_too_many_requests_hold_every_watch_for_as_long_as_asked(outside: Opened) -> None:
    async with outside(channel(10), channel(10, handle="other_channel", number=1900000078)) as o:
        await listed(o.database, "long_channel", "other_channel")
        o.standin.fail("/s/", PlainTextResponse("", 429, headers={"Retry-After": "7200"}))
        done = await o.look()
        assert done.failures == 1
        asked = len(o.standin.requests)
        for handle in ("long_channel", "other_channel"):
            due = (await o.watch(handle)).next_look_at
            assert due is not None
            assert due >= o.clock() + timedelta(seconds=7200)
        assert (await o.look()).failures == 1
        assert len(o.standin.requests) == asked


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (PlainTextResponse("fault", 500), "server_fault"),
        (None, "unreachable"),
        (HTMLResponse("<html><title>Something else</title></html>"), "unreadable"),
        (RedirectResponse("/elsewhere", 302), "no_preview"),
    ],
)
async def test_one_broken_answer_costs_one_look(
    outside: Opened, answer: PlainTextResponse | None, problem: str
) -> None:
    async with outside(channel(10), channel(10, handle="other_channel", number=1900000078)) as o:
        await listed(o.database, "long_channel", "other_channel")
        o.standin.fail("/s/long_channel", answer)
        if problem == "unreadable":
            o.standin.fail("/long_channel", HTMLResponse("<html><title>Something else</title></html>"))
        assert (await o.look()).failures == 1
        assert (await o.watch()).problem == problem
        assert (await o.watch("other_channel")).problem is None
        await o.look()
        assert (await o.watch()).problem is None
        assert await o.ids() == list(range(1, 11))


async def test_a_fault_in_the_middle_of_a_backfill_loses_nothing(outside: Opened) -> None:
    async with outside(channel(130)) as o:
        await listed(o.database, "long_channel", since=START)
        await o.look()
        o.standin.fail("/s/long_channel?before=91", PlainTextResponse("", 502))
        await o.backfill()
        # Its newest posts do not wait for it.
        assert (await o.watch()).problem is None
        failed = "SELECT kind, outcome FROM monitor.coverage WHERE outcome <> 'ok'"
        assert [tuple(row) for row in await ask(o.database, failed)] == [("backfill", "server_fault")]
        await o.look()
        o.clock.forward(minutes=10)
        await o.backfill()
        assert await o.ids() == list(range(1, 131))


async def test_a_handle_that_shows_another_channel_stops_its_watch(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        o.standin.play([channel(40, number=1900000099)], start=START)
        done = await o.look()
        assert done.failures == 1
        watch = await o.watch()
        assert watch.problem == "handle_taken"
        assert watch.paused_at is not None
        assert await o.ids(1900000099) == []
        assert (await o.look()).looks == 0
        async with o.database.transaction() as tx:
            assert await watches.resume(tx, "long_channel", as_new=True)
        await o.look()
        assert await o.ids(1900000099) == list(range(21, 41))
        assert await o.ids() == list(range(1, 11))


async def test_a_widget_that_cannot_be_read_is_set_aside_and_the_others_go_on(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel")
        page = o.standin.channels["long_channel"]
        from monitor.standin import pages

        shown = page.scenario.shown(o.clock() - page.start)
        broken = pages.history(page.scenario, shown, now=o.clock(), start=page.start).replace(
            'href="https://t.me/long_channel/4"><time', 'href="https://t.me/long_channel/4"><b'
        )
        o.standin.fail("/s/long_channel", HTMLResponse(broken))
        await o.look()
        assert await o.ids() == [1, 2, 3, 5, 6, 7, 8, 9, 10]
        aside = await ask(o.database, "SELECT message_id, reason, body FROM monitor.set_aside")
        assert [r.message_id for r in aside] == [4]
        assert "Сообщение номер 4" in bytes(aside[0].body).decode()


async def test_an_empty_channel_is_told_from_silence(outside: Opened) -> None:
    async with outside(replace(channel(1), messages=())) as o:
        await listed(o.database, "long_channel")
        await o.look()
        assert (await o.watch()).problem == "empty"


async def test_another_host_is_tried_only_when_the_first_cannot_be_connected_to(outside: Opened) -> None:
    async with outside(channel(10), hosts=("http://127.0.0.1:9",)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        assert await o.ids() == list(range(1, 11))


async def test_a_paused_watch_is_left_alone(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel")
        async with o.database.transaction() as tx:
            assert await watches.pause(tx, "long_channel", now=o.clock(), reason="by hand")
            assert not await watches.pause(tx, "long_channel", now=o.clock(), reason="again")
        assert (await o.look()).looks == 0
        async with o.database.transaction() as tx:
            assert await watches.resume(tx, "long_channel")
            assert not await watches.resume(tx, "long_channel")
        assert (await o.look()).posts == 10


async def test_a_busy_channel_is_looked_at_sooner_and_a_quiet_one_later(outside: Opened) -> None:
    async with outside(channel(10)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        busy = (await o.watch()).interval
        for _ in range(12):
            await o.look()
        quiet = (await o.watch()).interval
        assert (busy, quiet) == (timedelta(minutes=1), timedelta(minutes=30))
        o.standin.play([channel(12)], start=START)
        await o.look()
        assert (await o.watch()).interval == timedelta(minutes=15)


async def test_pages_that_heed_nothing_are_refused_and_move_no_cursor(outside: Opened) -> None:
    async with outside(channel(30)) as o:
        await listed(o.database, "long_channel")
        await o.look()
        o.standin.play([channel(90)], start=START)
        o.standin.heeds_before = o.standin.heeds_after = False
        assert (await o.look()).failures == 1
        watch = await o.watch()
        assert (watch.problem, watch.cursor) == ("unreadable", 30)
        o.standin.heeds_before = o.standin.heeds_after = True
        for _ in range(3):
            await o.look()
        assert await o.ids() == list(range(11, 91))


async def test_an_album_at_the_edge_does_not_hide_that_after_was_not_heeded(outside: Opened) -> None:
    whole = channel(100)
    members = [
        replace(m, media={"kind": "photo"}, album=81) if 81 <= m.id <= 84 else m for m in whole.messages
    ]
    async with outside(replace(whole, messages=whole.messages[:30])) as o:
        o.standin.heeds_after = False
        await listed(o.database, "long_channel")
        await o.look()
        o.standin.play([replace(whole, messages=tuple(members))], start=START)
        for _ in range(4):
            await o.look()
        assert await o.ids() == list(range(11, 101))


async def test_handles_that_are_named_are_looked_at_alone(outside: Opened) -> None:
    async with outside(channel(10), channel(10, handle="other_channel", number=1900000078)) as o:
        await listed(o.database, "long_channel", "other_channel", since=START)
        only = frozenset({"other_channel"})
        done = await collect.live(o.database, o.source, now=o.clock, only=only)
        await collect.backfill(o.database, o.source, now=o.clock, only=only)
        assert done.looks == 1
        assert await o.ids() == []
