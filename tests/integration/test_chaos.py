"""Whatever fails on the way, the archive ends equal to the truth that the stand-in holds.

Ten thousand posts, fifty edits and fifty deletions in four channels; every kind of fault strikes at random,
with a fixed seed, on both ways to read them. The clock is the test's own.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from starlette.responses import PlainTextResponse

from monitor import collect, recheck
from monitor.model import Listed, Pace, SourceName
from monitor.sources import Source
from monitor.sources.fallback import WithFallback
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import Event, Message, Scenario, Text
from monitor.standin.server import CANARY, Standin, serving
from monitor.standin.telegram import TelegramServer, serving_telegram
from monitor.standin.telegram_faults import Call, Cut, Delay, Fault, Refusal, TooLong
from monitor.store import watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask

START = datetime(2024, 8, 6, tzinfo=UTC)
CHANNELS = 4
POSTS = 2_500
CHANGES = 50
SEED = 20240806
# Most posts are there at first; the rest, with most of the changes, come in this long.
PLAYED = timedelta(hours=4)
STEP = timedelta(minutes=3)
PER_MILLE = 90
FAULTS: list[Fault] = [
    *map(Refusal, ("FLOOD_WAIT_20", "FLOOD_WAIT_400", "CHANNEL_PRIVATE", "USERNAME_NOT_OCCUPIED")),
    *map(Refusal, ("AUTH_KEY_DUPLICATED", "AUTH_KEY_UNREGISTERED")),
    *(Cut(), Cut(after=True), Delay(0.05), TooLong()),
]


def scenario(place: int) -> Scenario:
    """A channel with holes in its ids, in which a share of all changes happens."""
    chance = random.Random(SEED + place)
    numbers = sorted(chance.sample(range(1, POSTS + POSTS // 20), POSTS))
    early = int(POSTS * 0.9)
    messages = [
        Message(
            id=number,
            at=-timedelta(minutes=POSTS - rank)
            if rank < early
            else PLAYED * (rank - early) / (POSTS - early),
            text=Text(f"Пост {number} канала {place}: до {rank} человек"),
            views=chance.randrange(10, 10_000),
        )
        for rank, number in enumerate(numbers)
    ]
    return Scenario(
        id=1900002000 + place,
        handle=f"chaos_{place}",
        title=f"Канал {place}",
        messages=tuple(messages),
        events=tuple(sorted(_changes(chance, messages, place), key=lambda event: event.at)),
    )


def _changes(chance: random.Random, messages: list[Message], place: int) -> list[Event]:
    """Edits of some, deletions of others, some of both; the later ones mostly of newer posts."""
    share = CHANGES // CHANNELS + (place < CHANGES % CHANNELS)
    chosen = chance.sample(messages[POSTS // 2 :], 2 * share)
    events = []
    for rank, message in enumerate(chosen):
        at = max(message.at, timedelta(0)) + PLAYED * chance.random()
        if rank < share:
            words = f"{message.text.words} (исправлено, {rank})"
            events.append(Event(at=at, kind="edit", post=message.id, text=Text(words)))
        else:
            events.append(Event(at=at, kind="delete", post=message.id))
    both = [event for event in events if event.kind == "edit"][:3]
    return events + [Event(at=event.at + STEP * 5, kind="delete", post=event.post) for event in both]


@dataclass
class Outside:
    """The stand-in with its troubles: what strikes next is drawn from one seeded source of chance."""

    stage: Standin
    server: TelegramServer
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    struck: dict[str, int] = field(default_factory=dict)
    down_until: datetime | None = None

    def trouble(self, call: Call) -> Fault | None:
        """What a call meets; most meet nothing."""
        if call.name not in ("GetHistory", "GetMessages", "GetChannelDifference", "ResolveUsername"):
            return None
        if self.chance.randrange(1000) >= PER_MILLE:
            return None
        fault = self.chance.choice(FAULTS)
        if isinstance(fault, TooLong) and call.name != "GetChannelDifference":
            return None
        name = fault.message if isinstance(fault, Refusal) else type(fault).__name__
        self.struck[name] = self.struck.get(name, 0) + 1
        return fault

    def between(self, now: datetime) -> None:
        """What happens between two calls: all connections go, for a while or not, and histories hide some posts."""
        drawn = self.chance.randrange(100)
        if self.down_until is not None and now >= self.down_until:
            self.server.down, self.down_until = False, None
        elif self.down_until is None and drawn < 3:
            self.server.down, self.down_until = True, now + STEP * 3
            self.struck["down"] = self.struck.get("down", 0) + 1
        elif drawn < 10:
            self.server.cut()
        elif drawn < 20:
            self.server.fail("*", "INTERNAL" if drawn < 11 else "FLOOD_WAIT_7")
        elif drawn < 30:
            self.stage.fail(
                "/",
                *self.chance.choice([(PlainTextResponse("", 502),), (None,), (PlainTextResponse("", 429),)]),
            )
        self._hide()

    def _hide(self) -> None:
        played = self.chance.choice(list(self.stage.channels.values()))
        numbers = [m.id for m in played.scenario.messages]
        hidden = self.chance.sample(numbers, 30)
        self.server.hidden_in_history = {(played.scenario.id, number) for number in hidden}

    def calm(self) -> None:
        """Nothing fails any more."""
        self.server.chaos = None
        self.server.down, self.down_until = False, None
        self.server.hidden_in_history = set()
        self.stage.faults.clear()


@asynccontextmanager
async def opened(database: Database, clock: Clock, outside: Outside) -> AsyncIterator[Source]:
    """The sources as the worker opens them, anew at each start."""
    options = TelegramOptions(api_id=1, api_hash="x", pace=0, timeout=5, retry=timedelta(minutes=10))
    async with serving(outside.stage) as host:
        pages = PreviewOptions(hosts=(host,), pace=0, canary=CANARY, user_agent="test")
        session = Session("main", partial(str, outside.server.session()))
        async with (
            PreviewSource.opened(pages, now=clock) as preview,
            TelegramSource.opened([session], options, AccountMemory(database), now=clock) as telegram,
        ):
            yield WithFallback(telegram, preview)


async def look(database: Database, source: Source, clock: Clock) -> None:
    """One round of every step that looks."""
    await collect.live(database, source, now=clock)
    await collect.backfill(database, source, now=clock)
    await recheck.recheck(database, source, now=clock)
    await recheck.fill(database, source, now=clock)


async def resume_all(database: Database) -> None:
    """What a person does who sees that a watch has paused and asks."""
    async with database.transaction() as tx:
        for watch in await watches.every(tx):
            if watch.paused_at is not None:
                await watches.resume(tx, watch.handle)


def truth(scenarios: list[Scenario], now: datetime) -> dict[tuple[int, int], tuple[str, bool]]:
    """The text and whether it is there of every post that was ever posted, by channel and message id."""
    found: dict[tuple[int, int], tuple[str, bool]] = {}
    for one in scenarios:
        shown = {m.id: m.text.words for m in one.shown(now - START)}
        spoken = {event.post: event.text.words for event in one.events if event.kind == "edit" and event.text}
        for message in one.messages:
            there = message.id in shown
            words = shown[message.id] if there else spoken.get(message.id, message.text.words)
            found[one.id, message.id] = (words, there)
    return found


def said(scenarios: list[Scenario]) -> dict[tuple[int, int], list[str]]:
    """All that each post ever said, in order."""
    texts = {(one.id, m.id): [m.text.words] for one in scenarios for m in one.messages}
    for one in scenarios:
        for event in one.events:
            if event.kind == "edit" and event.text is not None and event.post is not None:
                texts[one.id, event.post].append(event.text.words)
    return texts


async def check(database: Database, scenarios: list[Scenario], now: datetime) -> None:
    """Nothing is lost or doubled, no deletion and no version is false."""
    expected, ever = truth(scenarios, now), said(scenarios)
    rows = await ask(
        database,
        """
        SELECT v.channel_id, v.message_id, array_agg(v.text ORDER BY v.version) AS texts, s.presence,
               max(v.text) FILTER (WHERE v.version = s.version) AS current
        FROM monitor.post_versions v JOIN monitor.post_state s USING (channel_id, message_id)
        GROUP BY v.channel_id, v.message_id, s.presence
        """,
    )
    held = {(row.channel_id, row.message_id): row for row in rows}
    there = {key for key, (_, shown) in expected.items() if shown}
    assert there - held.keys() == set(), "lost"
    assert held.keys() - expected.keys() == set(), "made up"
    wrongly_gone = {key for key in there if held[key].presence != "present"}
    assert wrongly_gone == set(), "false deletions"
    still_there = {key for key, row in held.items() if key not in there and row.presence != "deleted"}
    assert still_there == set(), "deletions not found"
    for key, row in held.items():
        if key in there:
            assert row.current == expected[key][0], (key, row.texts)
        assert set(row.texts) <= set(ever[key]), (key, "false versions")
        assert len(row.texts) == len(set(row.texts)), (key, "doubled versions")
    reported = await ask(
        database, "SELECT channel_id, first_id, last_id FROM monitor.vacant_ids WHERE reason = 'empty'"
    )
    empty = {(row.channel_id, n) for row in reported for n in range(row.first_id, row.last_id + 1)}
    assert empty & there == set(), "proven empty, and there"


@pytest.mark.slow
async def test_every_fault_at_random_ends_with_the_truth(database: Database, clock: Clock) -> None:
    scenarios = [scenario(place) for place in range(CHANNELS)]
    assert sum(len(one.messages) for one in scenarios) == CHANNELS * POSTS
    clock.at = START
    stage = Standin(clock)
    stage.play(scenarios, start=START)
    server = TelegramServer(stage)
    outside = Outside(stage, server)
    server.chaos = outside.trouble
    pace = Pace(timedelta(minutes=1), timedelta(minutes=10))
    async with database.transaction() as tx:
        await watches.sync(
            tx,
            [
                Listed(
                    handle=one.handle,
                    label=one.title,
                    source=SourceName.TELEGRAM,
                    pace=pace,
                    since=START - timedelta(days=30),
                )
                for one in scenarios
            ],
        )
    async with serving_telegram(server):
        while clock.at < START + PLAYED * 2:
            # A few hours each, so that restarts are among what happens.
            async with opened(database, clock, outside) as source:
                for _ in range(40):
                    outside.between(clock.at)
                    await look(database, source, clock)
                    await resume_all(database)
                    clock.forward(seconds=STEP.total_seconds())
        outside.calm()
        async with opened(database, clock, outside) as source:
            for _ in range(12):
                clock.forward(hours=3)
                await resume_all(database)
                await look(database, source, clock)
    assert len(outside.struck) >= 8, outside.struck
    await check(database, scenarios, clock.at)
    holes = await ask(
        database, "SELECT 1 FROM monitor.watches WHERE holes_at IS NULL OR paused_at IS NOT NULL"
    )
    assert holes == []
