"""Purges: what was said goes, everywhere; its hashes stay, and no source brings it back."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from monitor import changes, flag
from monitor.errors import Purged as PurgedChannel
from monitor.looks import Fetched, store
from monitor.model import (
    Channel,
    Count,
    Counts,
    Look,
    LookKind,
    Media,
    MediaKind,
    Pace,
    Post,
    SetAside,
    SourceName,
    Watch,
)
from monitor.store import coverage, media, purges, watches
from monitor.store.database import Database, lock_channel
from monitor.store.purges import Purged
from tests.conftest import Clock
from tests.integration.helpers import ask, listed
from tests.rulesets import Counting, texts_of

ONE, TWO = 1900000077, 1900000078
POSTED = datetime(2024, 8, 9, 10, tzinfo=UTC)
REASON = "the person asked for it"
FILE, OTHER_FILE = b"\x01" * 32, b"\x02" * 32
# Where words of a post could stand, by whichever name the column has.
SPEAKING = (
    "posts",
    "post_versions",
    "post_state",
    "post_counts",
    "raw_records",
    "set_aside",
    "flags",
    "figures",
    "media",
)
VIEWS = ("posts", "versions", "flags", "figures", "places", "counts", "media")


def post(number: int, *, channel: int = ONE, words: str = "", file: int | None = None, **more: Any) -> Post:
    return Post(
        channel_id=channel,
        message_id=number,
        posted_at=POSTED,
        text=words or f"Сообщение {number}",
        media=Media(MediaKind.PHOTO, {"id": file}) if file else None,
        counts=Counts(views=Count(10)),
        raw=f"raw {channel}/{number} {words}".encode(),
        **more,
    )


class Archive:
    """The archive, with what was looked at and when."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    async def look(
        self, *posts: Post, source: SourceName = SourceName.TELEGRAM, channel: int = ONE, **more: Any
    ) -> None:
        look = Look(
            source=source,
            at=self.clock.forward(hours=1),
            channel=Channel(channel_id=channel, title="Канал", handle=f"channel_{channel % 100}"),
            posts=posts,
            **more,
        )
        fetched = Fetched(look, changes.digests(posts))
        await store(self.database, fetched, watch=None, kind=LookKind.LIVE)

    async def flag(self) -> None:
        await flag.flag(self.database, Counting(), texts_of(""), now=self.clock)

    async def keep(self, number: int, digest: bytes) -> None:
        async with self.database.transaction() as tx:
            await media.kept(tx, number, sha256=digest, size=5, now=self.clock())

    async def purge(self, number: int | None, channel: int = ONE) -> Purged:
        async with self.database.transaction() as tx:
            await lock_channel(tx, channel)
            return await purges.purge(tx, channel, number, now=self.clock.forward(hours=1), reason=REASON)

    async def ids(self, table: str, channel: int = ONE, schema: str = "monitor") -> list[int]:
        query = f"SELECT DISTINCT message_id FROM {schema}.{table} WHERE channel_id = :channel ORDER BY 1"
        return [row.message_id for row in await ask(self.database, query, channel=channel)]

    async def held(self, channel: int = ONE) -> set[int]:
        """Every message id that something is held of, in any table or view."""
        found = {number for table in SPEAKING for number in await self.ids(table, channel)}
        shown = {number for view in VIEWS for number in await self.ids(view, channel, "research")}
        assert shown <= found
        return found

    async def tombstones(self, channel: int = ONE) -> list[tuple[int, int, str | None, str]]:
        query = """SELECT message_id, version, sha256, reason FROM research.tombstones
                   WHERE channel_id = :channel ORDER BY 1, 2"""
        return [tuple(row) for row in await ask(self.database, query, channel=channel)]


@pytest.fixture
async def archive(database: Database, clock: Clock) -> Archive:
    """Posts 1 to 3, of which 2 was edited, flagged, bears a file and was once set aside; and another channel's."""
    a = Archive(database, clock)
    await a.look(post(1), post(2, file=21), post(3, file=31), first_id=1, last_id=4)
    await a.look(
        post(2, words="Сообщение 2, теперь другое", file=21),
        set_aside=(SetAside(b"post 2 as it came", "it broke", 2), SetAside(b"post 3", "it broke", 3)),
    )
    await a.look(post(2, channel=TWO, file=22), channel=TWO)
    await a.flag()
    return a


def hashed(*posts: Post) -> list[str]:
    return [digest.hex() for digest in changes.digests(posts).values()]


async def test_a_post_goes_with_all_that_speaks_of_it(archive: Archive) -> None:
    assert await archive.held() == {1, 2, 3}
    for table in SPEAKING:
        assert 2 in await archive.ids(table), table
    assert await archive.purge(2) == Purged(1, 2, ())
    assert await archive.held() == {1, 3}
    assert await archive.held(TWO) == {2}
    first, second = hashed(post(2, file=21)) + hashed(post(2, words="Сообщение 2, теперь другое", file=21))
    assert await archive.tombstones() == [(2, 1, first, REASON), (2, 2, second, REASON)]


async def test_no_source_brings_it_back(archive: Archive) -> None:
    await archive.purge(2)
    for source in SourceName:
        await archive.look(post(1), post(2, words=f"again from {source}", file=21), source=source)
    assert await archive.held() == {1, 3}


async def test_what_was_never_held_can_be_purged_beforehand(archive: Archive) -> None:
    assert await archive.purge(9) == Purged(0, 0, ())
    await archive.look(post(9), post(10))
    assert await archive.held() == {1, 2, 3, 10}
    assert await archive.tombstones() == [(9, 0, None, REASON)]


async def test_a_purge_done_twice_is_one(archive: Archive) -> None:
    await archive.purge(2)
    before = await archive.tombstones()
    assert await archive.purge(2) == Purged(0, 0, ())
    assert await archive.tombstones() == before


async def test_a_channel_goes_with_how_it_described_itself(archive: Archive) -> None:
    await archive.keep(21, FILE)
    await archive.keep(31, OTHER_FILE)
    assert await archive.purge(None) == Purged(3, 4, (FILE, OTHER_FILE))
    assert await archive.held() == set()
    for table in ("monitor.channels", "monitor.channel_versions", "research.channels"):
        assert not await ask(archive.database, f"SELECT 1 FROM {table} WHERE channel_id = :c", c=ONE), table
        assert await ask(archive.database, f"SELECT 1 FROM {table} WHERE channel_id = :c", c=TWO), table
    marks = await archive.tombstones()
    assert [(number, version) for number, version, _, _ in marks] == [(0, 0), (1, 1), (2, 1), (2, 2), (3, 1)]
    with pytest.raises(PurgedChannel):
        await archive.look(post(1), post(50))
    assert await archive.held() == set()


async def test_a_file_that_hangs_nowhere_else_goes(archive: Archive) -> None:
    await archive.keep(21, FILE)
    assert (await archive.purge(2)).files == (FILE,)
    assert await archive.ids("media") == [3]


async def test_a_file_that_hangs_on_another_post_stays_and_is_that_ones(archive: Archive) -> None:
    await archive.look(post(2, channel=TWO, words="forwarded", file=21), channel=TWO)
    await archive.keep(21, FILE)
    assert (await archive.purge(2)).files == ()
    rows = await ask(
        archive.database, "SELECT channel_id, message_id, sha256 FROM monitor.media WHERE media_id = 21"
    )
    assert [(row.channel_id, row.message_id, bytes(row.sha256)) for row in rows] == [(TWO, 2, FILE)]
    assert (await archive.purge(None, TWO)).files == (FILE,)


async def test_a_content_that_another_file_has_too_stays(archive: Archive) -> None:
    await archive.keep(21, FILE)
    await archive.keep(31, FILE)
    assert (await archive.purge(2)).files == ()
    assert (await archive.purge(3)).files == (FILE,)


async def test_a_record_that_an_album_shares_goes_with_any_member(archive: Archive) -> None:
    first = post(11, file=41, album_id=11)
    await archive.look(first, replace(post(12, file=42, album_id=11), raw=first.raw, text=""))
    assert await archive.ids("raw_records") == [1, 2, 3, 11]
    await archive.purge(12)
    assert await archive.ids("raw_records") == [1, 2, 3]
    assert 11 in await archive.ids("posts")


async def test_no_word_of_it_is_left_in_any_table(archive: Archive) -> None:
    await archive.look(
        post(7, words="Совершенно особое слово"), set_aside=(SetAside(b"\xd0\x9e", "broken", 7),)
    )
    await archive.purge(7)
    tables = await ask(
        archive.database,
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'monitor' AND table_type = 'BASE TABLE'",
    )
    for table in tables:
        found = await ask(
            archive.database, f"SELECT 1 FROM monitor.{table.name} t WHERE CAST(t AS text) LIKE '%особое%'"
        )
        assert not found, table.name


async def test_purged_ids_are_no_holes_and_are_told_in_coverage(archive: Archive) -> None:
    await archive.purge(2)
    async with archive.database.transaction() as tx:
        assert await coverage.holes(tx, ONE, first_id=1, last_id=4, limit=9) == [4]
        watch = Watch(handle="channel_77", source=SourceName.TELEGRAM, pace=Pace(), channel_id=ONE)
        known = await coverage.ranges(tx, watch)
    assert (known.held, known.purged, known.empty, known.unshown) == (2, 1, 0, 1)
    assert (known.looked, known.unknown) == (((1, 4),), ())


async def test_a_channel_is_found_by_its_handle(archive: Archive) -> None:
    async with archive.database.transaction() as tx:
        assert await purges.channel_of(tx, "Channel_77") == ONE
        assert await purges.channel_of(tx, "stranger") is None
    await listed(archive.database, "channel_77", "watched_one")
    await ask(
        archive.database,
        "UPDATE monitor.watches SET channel_id = :c WHERE handle = 'watched_one' RETURNING 1",
        c=TWO,
    )
    async with archive.database.transaction() as tx:
        assert await purges.channel_of(tx, "channel_77") == ONE
        assert await purges.channel_of(tx, "watched_one") == TWO
        assert await watches.find(tx, "watched_one") is not None


async def test_the_hash_of_a_tombstone_is_that_of_the_canonical_form(archive: Archive) -> None:
    await archive.purge(1)
    expected = sha256(changes.content_of(post(1)).encoded()).hexdigest()
    assert await archive.tombstones() == [(1, 1, expected, REASON)]
    (row,) = await ask(archive.database, "SELECT purged_at FROM research.tombstones")
    assert row.purged_at == archive.clock()
