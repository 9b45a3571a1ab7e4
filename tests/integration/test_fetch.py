"""Files of posts, fetched by Telethon itself from the stand-in: once each, up to a size, and later if not now."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import telethon.crypto.rsa
from telethon import TelegramClient
from telethon.tl import types

from monitor import changes, collect
from monitor.errors import MonitorError
from monitor.fetch import Fetched, Files, fetch
from monitor.looks import Fetched as FetchedLook
from monitor.looks import store
from monitor.model import Channel, Listed, Look, LookKind, Media, MediaKind, Pace, Post, SourceName, Watch
from monitor.sources.telegram import TelegramSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.standin.scenario import Event, Message, Scenario, Text
from monitor.standin.stage import Stage
from monitor.standin.telegram import Delay, TelegramServer, serving_telegram
from monitor.standin.telegram_draw import Painter, content, made_up
from monitor.store import purges, watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database, lock_channel
from tests.conftest import Clock
from tests.integration.helpers import ask

START = datetime(2024, 8, 9, tzinfo=UTC)
LATER = datetime(2024, 9, 9, tzinfo=UTC)
ONE, TWO = 1900000077, 1900000078


def bearing(number: int, **media: Any) -> Message:
    return Message(
        id=number,
        at=timedelta(minutes=number),
        text=Text(f"post {number}"),
        media={"kind": "photo"} | media,
    )


def scenario(*messages: Message, number: int = ONE, events: tuple[Event, ...] = ()) -> Scenario:
    handle = f"channel_{number % 100}"
    return Scenario(id=number, handle=handle, title=handle, messages=messages, events=events)


def media_id(message: int, channel: int = ONE) -> int:
    return made_up("media", channel, message)


def body(message: int, size: int, channel: int = ONE) -> bytes:
    return content(media_id(message, channel), size, 0, size)


@dataclass
class Outside:
    """Telegram with some channels, the source that reads them, and where files go."""

    database: Database
    clock: Clock
    server: TelegramServer
    root: Path
    timeout: float = 20
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        """Open the source anew, as a start of the process does."""
        await self.stack.aclose()
        options = TelegramOptions(api_id=1, api_hash="invented", pace=0, timeout=self.timeout)
        session = Session("main", partial(str, self.session))
        opened = TelegramSource.opened([session], options, AccountMemory(self.database), now=self.clock)
        self.source = await self.stack.enter_async_context(opened)
        self.files = Files(self.source, self.root, 1_000_000)

    async def begin(self) -> None:
        self.session = self.server.session()
        pace = Pace(timedelta(seconds=1), timedelta(minutes=30))
        listed = [
            Listed(handle=handle, label=handle, source=SourceName.TELEGRAM, pace=pace)
            for handle in self.server.stage.channels
        ]
        async with self.database.transaction() as tx:
            await watches.sync(tx, listed)
        await self.open()
        await collect.live(self.database, self.source, now=self.clock)

    async def fetch(self, **span: float) -> Fetched:
        self.clock.forward(**span)
        return await fetch(self.database, self.files, now=self.clock)

    async def rows(self) -> list[Any]:
        return list(await ask(self.database, "SELECT * FROM monitor.media ORDER BY channel_id, message_id"))

    async def states(self) -> list[str]:
        return [row.state for row in await self.rows()]

    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    async def saw(self, *posts: Post) -> None:
        """Store posts as if a look had shown them."""
        look = Look(
            source=SourceName.TELEGRAM, at=self.clock(), channel=Channel(channel_id=ONE), posts=tuple(posts)
        )
        fetched = FetchedLook(look, changes.digests(posts))
        await store(self.database, fetched, watch=None, kind=LookKind.LIVE)


def seen(number: int, **details: Any) -> Post:
    media = Media(MediaKind.PHOTO, details)
    return Post(channel_id=ONE, message_id=number, posted_at=START, text=f"post {number}", media=media)


Opened = Callable[..., AbstractAsyncContextManager[Outside]]


@pytest.fixture
def outside(database: Database, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def opened(*scenarios: Scenario, patience: float = 20) -> AsyncIterator[Outside]:
        clock = Clock(LATER)
        stage = Stage(clock)
        stage.play(scenarios, start=START)
        server = TelegramServer(stage)
        o = Outside(database, clock, server, tmp_path / "media", patience)
        async with serving_telegram(server), o.stack:
            await o.begin()
            yield o

    return opened


async def test_photos_and_documents_are_fetched_once_under_their_hashes(outside: Opened) -> None:
    document = bearing(2, kind="document", name="../../etc/passwd", size=700_000)
    plain = replace(bearing(3), media=None)
    async with outside(scenario(bearing(1), document, plain)) as o:
        assert (await o.fetch()).numbers() == {"files": 2, "left": 0, "failures": 0}
        bodies = (body(1, 90_000), body(2, 700_000))
        assert o.kept() == {sha256(b).hexdigest(): b for b in bodies}
        rows = await o.rows()
        assert [(r.state, r.size, bytes(r.sha256), r.kept_at) for r in rows] == [
            ("kept", len(b), sha256(b).digest(), LATER) for b in bodies
        ]
        assert [(r.kind, r.name, r.problem) for r in rows] == [
            ("photo", None, None),
            ("document", "../../etc/passwd", None),
        ]
        asked = len(o.server.calls)
        assert (await o.fetch(days=1)).numbers() == {"files": 0, "left": 0, "failures": 0}
        assert len(o.server.calls) == asked


async def test_a_file_on_two_posts_is_fetched_once(outside: Opened) -> None:
    async with outside(scenario(bearing(1))) as o:
        await o.saw(seen(7, id=media_id(1)))
        assert (await o.fetch()).files == 1
        assert [(row.message_id, row.state) for row in await o.rows()] == [(1, "kept")]
        await o.saw(seen(8, id=media_id(1)))
        assert (await o.fetch()).files == 0


async def test_a_file_over_the_limit_is_not_asked_for(outside: Opened) -> None:
    async with outside(scenario(bearing(1, kind="video", size=1_000_001), bearing(2, size=1_000_000))) as o:
        done = await o.fetch()
        assert (done.files, done.left) == (1, 1)
        assert await o.states() == ["too_big", "kept"]
        assert len(o.server.called("GetMessages")) == 1


async def test_a_file_that_is_bigger_than_was_said_leaves_nothing_behind(outside: Opened) -> None:
    async with outside(scenario(bearing(1, size=600_000))) as o:
        o.files = Files(o.source, o.root, 500_000)
        await ask(o.database, "UPDATE monitor.media SET size = 5 RETURNING 1")
        assert (await o.fetch()).left == 1
        assert (await o.states(), o.kept(), list(o.root.iterdir())) == (["too_big"], {}, [])
        assert (await o.rows())[0].problem == "more than 500000 bytes"


async def test_a_file_of_a_deleted_post_is_gone(outside: Opened) -> None:
    gone = Event(at=timedelta(days=40), kind="delete", post=1)
    async with outside(scenario(bearing(1), bearing(2), events=(gone,))) as o:
        done = await o.fetch(days=30)
        assert (done.files, done.left, await o.states()) == (1, 1, ["gone", "kept"])
        assert "does not hang" in (await o.rows())[0].problem
        assert (await o.fetch(days=1)).left == 0
        await o.saw(seen(7, id=media_id(1)))
        assert [(row.message_id, row.state) for row in await o.rows()] == [(2, "kept"), (7, "wanted")]


async def test_a_flood_wait_is_no_try_and_is_waited_out(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2))) as o:
        o.server.fail("GetFile", "FLOOD_WAIT_900")
        assert (await o.fetch()).numbers() == {"files": 0, "left": 0, "failures": 1}
        assert [(row.tries, row.next_at - LATER) for row in await o.rows()] == [
            (0, timedelta(seconds=900)),
            (0, timedelta(seconds=900)),
        ]
        assert "must wait 900 s with GetFile" in (await o.rows())[0].problem
        asked = len(o.server.calls)
        assert not any((await o.fetch(seconds=899)).numbers().values())
        assert len(o.server.calls) == asked
        await o.open()
        assert (await o.fetch(seconds=1)).files == 2
        assert {row.problem for row in await o.rows()} == {None}


async def test_a_lost_session_is_no_try_and_goes_on_later(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2))) as o:
        o.server.kill_session()
        for _ in range(8):
            assert (await o.fetch(minutes=5)).numbers() == {"files": 0, "left": 0, "failures": 1}
        assert [(row.tries, row.state) for row in await o.rows()] == [(0, "wanted")] * 2
        o.server.revive_session()
        assert (await o.fetch(minutes=5)).files == 2


async def test_an_expired_reference_is_asked_for_anew(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2, kind="document"))) as o:
        o.server.fail("GetFile", "FILE_REFERENCE_EXPIRED")
        done = await o.fetch()
        assert (done.files, done.failures) == (1, 1)
        failed = next(row for row in await o.rows() if row.state == "wanted")
        assert (failed.tries, failed.next_at) == (1, LATER + timedelta(minutes=5))
        assert "Telegram refused GetFile" in failed.problem
        assert (await o.fetch(minutes=5)).files == 1


async def test_a_file_that_is_never_given_is_left_after_a_few_tries(outside: Opened) -> None:
    async with outside(scenario(bearing(1))) as o:
        o.server.fail("GetFile", "FILE_REFERENCE_INVALID", times=9)
        waits = []
        for _ in range(5):
            assert (await o.fetch()).failures == 1
            waits.append((await o.rows())[0].next_at - o.clock())
            o.clock.at = (await o.rows())[0].next_at
        assert waits == [timedelta(minutes=5) * 4**n for n in range(5)]
        assert await o.states() == ["failed"]
        assert (await o.fetch(days=9)).failures == 0


async def test_a_fault_of_telegrams_holds_up_the_file_longer_than_the_others(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2))) as o:
        o.server.fail("GetFile", "INTERNAL")
        assert (await o.fetch()).failures == 1
        assert sorted(row.tries for row in await o.rows()) == [0, 1]
        assert (await o.fetch(minutes=5)).files == 2


async def test_a_file_of_the_second_data_centre(outside: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    # Telethon keeps the list of data centres for the whole process.
    monkeypatch.setattr(TelegramClient, "_config", None)
    async with outside(scenario(bearing(1, dc=2), bearing(2, kind="document", dc=2))) as o:
        telethon.crypto.rsa.add_key(o.server.public_key(), old=False)
        assert (await o.fetch()).files == 2
        assert {call.dc for call in o.server.called("GetFile")} == {2}
        assert set(o.kept()) == {sha256(b).hexdigest() for b in (body(1, 90_000), body(2, 50_000))}


async def test_a_private_channel_does_not_hold_up_the_others(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2)), scenario(bearing(1), number=TWO)) as o:
        o.server.private.add(ONE)
        done = await o.fetch()
        assert (done.files, done.failures) == (1, 1)
        assert [(row.channel_id, row.state, row.tries) for row in await o.rows()] == [
            (ONE, "wanted", 0),
            (ONE, "wanted", 0),
            (TWO, "kept", 0),
        ]


async def test_files_of_a_channel_that_is_paused_or_read_by_pages_wait(outside: Opened) -> None:
    async with outside(scenario(bearing(1))) as o:
        for change, back in (
            ("paused_at = now()", "paused_at = NULL"),
            ("listed = false", "listed = true"),
            ("source = 'preview'", "source = 'telegram'"),
        ):
            await ask(o.database, f"UPDATE monitor.watches SET {change} RETURNING 1")
            assert not any((await o.fetch()).numbers().values())
            await ask(o.database, f"UPDATE monitor.watches SET {back} RETURNING 1")
        assert (await o.fetch()).files == 1


async def test_a_disk_that_refuses_is_seen_and_costs_time_alone(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2))) as o:
        o.root.write_text("in the way")
        for _ in range(7):
            with pytest.raises(MonitorError, match="files cannot be written"):
                await o.fetch(minutes=5)
            assert not any((await o.fetch()).numbers().values())
        o.root.unlink()
        assert (await o.fetch(minutes=5)).files == 2


async def test_a_file_that_is_purged_while_it_comes_does_not_stay(outside: Opened) -> None:
    async with outside(scenario(bearing(1))) as o:

        class Slow:
            async def file(self, watch: Watch, message_id: int, media_id: int) -> AsyncGenerator[bytes, None]:
                async for piece in o.source.file(watch, message_id, media_id):
                    yield piece
                async with o.database.transaction() as tx:
                    await lock_channel(tx, ONE)
                    await purges.purge(tx, ONE, 1, now=o.clock(), reason="asked for")

        o.files = Files(Slow(), o.root, 1_000_000)
        await o.fetch()
        assert (await o.rows(), o.kept()) == ([], {})


async def test_a_file_that_telegram_has_no_more_is_gone_and_the_others_come(
    outside: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = (bearing(1), bearing(2), bearing(3, kind="document"), bearing(4, kind="document"))
    async with outside(scenario(*messages)) as o:
        for name, empty, lost in (("_photo", types.PhotoEmpty, 2), ("_document", types.DocumentEmpty, 4)):
            monkeypatch.setattr(Painter, name, emptied(getattr(Painter, name), empty, lost=lost))
        o.server._painters.clear()
        assert (await o.fetch()).numbers() == {"files": 2, "left": 2, "failures": 0}
        assert await o.states() == ["kept", "gone", "kept", "gone"]


def emptied(draw: Callable[..., Any], empty: Callable[[int], Any], *, lost: int) -> Callable[..., Any]:
    """A way to draw media that draws nothing for one message."""

    def drawn(painter: Painter, message: Message, *rest: Any) -> Any:
        return empty(media_id(lost)) if message.id == lost else draw(painter, message, *rest)

    return drawn


async def test_a_download_that_hangs_is_that_files_try_alone(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2)), patience=0.3) as o:
        o.server.fail("GetFile", Delay(5))
        assert (await o.fetch()).numbers() == {"files": 0, "left": 0, "failures": 1}
        rows = await o.rows()
        assert [(row.tries, row.state) for row in rows] == [(0, "wanted"), (1, "wanted")]
        assert "did not come in time" in rows[1].problem
        assert [r.problem for r in await ask(o.database, "SELECT problem FROM monitor.accounts")] == [None]
        assert (await o.fetch(minutes=5)).files == 2


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_nobody_foresaw_of_one_file_stops_no_other(
    outside: Opened, monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    real = TelegramClient.iter_download

    def broken(client: TelegramClient, file: Any) -> Any:
        if file.id != media_id(2):
            return real(client, file)
        if at_once:
            raise TypeError("no way to read this")
        return Breaking()

    monkeypatch.setattr(TelegramClient, "iter_download", broken)
    async with outside(scenario(bearing(1), bearing(2), bearing(3))) as o:
        assert (await o.fetch()).numbers() == {"files": 2, "left": 0, "failures": 1}
        assert [(row.state, row.tries) for row in await o.rows()] == [("kept", 0), ("wanted", 1), ("kept", 0)]
        assert "no way to read this" in (await o.rows())[1].problem


class Breaking:
    """A download of Telethon's that breaks in the middle."""

    def __init__(self) -> None:
        self._pieces = breaking()

    def __aiter__(self) -> "Breaking":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def close(self) -> None:
        await self._pieces.aclose()


async def breaking() -> AsyncGenerator[bytes, None]:
    """A download that begins and breaks."""
    yield b"the beginning"
    raise TypeError("no way to read this")


async def test_a_mistake_of_our_own_at_one_file_stops_no_other(outside: Opened) -> None:
    async with outside(scenario(bearing(1), bearing(2))) as o:

        class Mistaken:
            def file(self, watch: Watch, message_id: int, media_id: int) -> AsyncGenerator[bytes, None]:
                return breaking() if message_id == 2 else o.source.file(watch, message_id, media_id)

        o.files = Files(Mistaken(), o.root, 1_000_000)
        assert (await o.fetch()).numbers() == {"files": 1, "left": 0, "failures": 1}
        assert [(row.state, row.tries) for row in await o.rows()] == [("kept", 0), ("wanted", 1)]
        assert "TypeError: no way to read this" in (await o.rows())[1].problem
        assert list(o.kept().values()) == [body(1, 90_000)]
