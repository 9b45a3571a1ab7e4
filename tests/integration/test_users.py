"""Users, sessions and failed logins in the store."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import UsageError
from monitor.model import Language, Role, User, user_name_of
from monitor.store import sessions, users
from monitor.store.database import Database
from tests.integration.helpers import ask

NOW = datetime(2024, 8, 9, 12, tzinfo=UTC)


async def added(database: Database, name: str = "Оля") -> User:
    async with database.transaction() as tx:
        return await users.add(
            tx, name, role=Role.ANALYST, password="hash", language=Language.RUSSIAN, now=NOW
        )


async def whose(database: Database, token: str, now: datetime) -> User | None:
    async with database.transaction() as tx:
        return await sessions.find(tx, token, now=now)


async def test_a_user_is_found_in_whatever_case(database: Database) -> None:
    user = await added(database)
    assert user == User(
        user_id=user.user_id,
        name="Оля",
        role=Role.ANALYST,
        language=Language.RUSSIAN,
        keys=True,
        created_at=NOW,
    )
    async with database.transaction() as tx:
        assert await users.find(tx, "оЛЯ") == user
        assert await users.find(tx, "Коля") is None
        assert await users.password_of(tx, user.user_id) == "hash"


async def test_a_name_is_taken_once(database: Database) -> None:
    await added(database)
    with pytest.raises(UsageError, match="there is a user ОЛЯ already"):
        await added(database, "ОЛЯ")


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a/b", "a\0", "x" * 33, "<b>", "a\nb"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="no name of a user"):
        user_name_of(name)


@pytest.mark.parametrize(("written", "name"), [(" olya ", "olya"), ("Оля.П_2-я", "Оля.П_2-я"), ("7", "7")])
def test_what_is_a_name(written: str, name: str) -> None:
    assert user_name_of(written) == name


async def test_preferences_are_kept_one_by_one(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        await users.prefer(tx, user.user_id, keys=False)
        await users.prefer(tx, user.user_id, language=Language.ENGLISH)
        found = await users.find(tx, "Оля")
    assert found is not None
    assert (found.language, found.keys) == (Language.ENGLISH, False)


async def test_a_password_is_replaced_only_where_it_still_stands(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        assert not await users.set_password(tx, user.user_id, "new", instead_of="other")
        assert await users.set_password(tx, user.user_id, "new", instead_of="hash")
        assert await users.set_password(tx, user.user_id, "newer")
        assert await users.password_of(tx, user.user_id) == "newer"


async def test_a_disabled_user_has_no_session_and_no_password(database: Database) -> None:
    user, other = await added(database), await added(database, "Яна")
    async with database.transaction() as tx:
        tokens = [await sessions.begin(tx, u.user_id, now=NOW) for u in (user, user, other)]
        await users.disable(tx, user.user_id, now=NOW)
        late = await sessions.begin(tx, user.user_id, now=NOW)
        assert await users.password_of(tx, user.user_id) is None
        assert [u.name for u in await users.every(tx)] == ["Яна", "Оля"]
    found = [await whose(database, token, NOW) for token in (*tokens, late)]
    assert found == [None, None, other, None]


async def test_of_a_token_only_the_hash_is_kept(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        token = await sessions.begin(tx, user.user_id, now=NOW)
    (row,) = await ask(database, "SELECT token_sha256, used_at FROM monitor.sessions")
    assert len(token) >= 43
    assert len(row.token_sha256) == 32
    assert token.encode() not in bytes(row.token_sha256)
    assert await whose(database, token, NOW) == user
    assert await whose(database, token + "x", NOW) is None


async def test_use_is_noted_once_a_minute(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        token = await sessions.begin(tx, user.user_id, now=NOW)
    noted = []
    for seconds in (59, 60, 90, 120):
        await whose(database, token, NOW + timedelta(seconds=seconds))
        (row,) = await ask(database, "SELECT used_at FROM monitor.sessions")
        noted.append((row.used_at - NOW).total_seconds())
    assert noted == [0, 60, 60, 120]


async def test_an_idle_session_ends(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        token = await sessions.begin(tx, user.user_id, now=NOW)
    assert await whose(database, token, NOW + timedelta(hours=11, minutes=59)) == user
    later = NOW + timedelta(hours=23, minutes=58)
    assert await whose(database, token, later) == user
    assert await whose(database, token, later + timedelta(hours=12)) is None


async def test_a_session_ends_after_a_week_however_much_it_is_used(database: Database) -> None:
    user = await added(database)
    async with database.transaction() as tx:
        token = await sessions.begin(tx, user.user_id, now=NOW)
    for hours in range(6, 7 * 24, 6):
        assert await whose(database, token, NOW + timedelta(hours=hours)) == user
    assert await whose(database, token, NOW + timedelta(days=7)) is None


async def test_sessions_are_ended_one_by_one_or_all_but_one(database: Database) -> None:
    user, other = await added(database), await added(database, "Яна")
    async with database.transaction() as tx:
        one, two, three, foreign = [
            await sessions.begin(tx, u.user_id, now=NOW) for u in (user, user, user, other)
        ]
        await sessions.end(tx, one)
        assert await sessions.end_all(tx, user.user_id, but=two) == 1
    found = [await whose(database, token, NOW) for token in (one, two, three, foreign)]
    assert found == [None, user, None, other]
    async with database.transaction() as tx:
        assert await sessions.end_all(tx, user.user_id) == 1


async def tried(
    database: Database, *, name: str = "olya", address: str = "", now: datetime = NOW
) -> sessions.Try:
    async with database.transaction() as tx:
        return await sessions.try_login(tx, name=name, address=address or os.urandom(4).hex(), now=now)


async def test_a_name_may_fail_five_times_in_a_quarter_of_an_hour(database: Database) -> None:
    for minute in range(5):
        now = NOW + timedelta(minutes=minute)
        assert (await tried(database, name="Olya" if minute else "olya", now=now)).wait_until is None
    first_over = NOW + timedelta(minutes=15)
    refused = await tried(database, name="OLYA", now=NOW + timedelta(minutes=5))
    assert refused == sessions.Try(wait_until=first_over)
    assert (await tried(database, name="yana", now=NOW)).wait_until is None
    assert (await tried(database, now=first_over)).wait_until is None
    assert (await tried(database, now=first_over)).wait_until == first_over + timedelta(minutes=1)


async def test_an_address_may_fail_twenty_times(database: Database) -> None:
    for number in range(20):
        assert (await tried(database, name=f"n{number}", address="192.0.2.1")).wait_until is None
    refused = await tried(database, name="n20", address="192.0.2.1")
    assert refused.wait_until == NOW + timedelta(minutes=15)
    assert (await tried(database, name="n20", address="192.0.2.2")).wait_until is None


async def test_tries_side_by_side_are_all_counted(database: Database) -> None:
    found = await asyncio.gather(*(tried(database) for _ in range(12)))
    assert sum(one.wait_until is None for one in found) == 5


async def test_a_login_that_succeeds_does_not_count_and_forgives_nothing(database: Database) -> None:
    for _ in range(4):
        await tried(database)
    for _ in range(3):
        one = await tried(database)
        assert one.wait_until is None
        async with database.transaction() as tx:
            await sessions.succeeded(tx, one)
    assert (await tried(database)).wait_until is None
    assert (await tried(database)).wait_until is not None


async def test_neither_names_nor_addresses_are_kept(database: Database) -> None:
    await tried(database, name="olya", address="192.0.2.1")
    rows = await ask(database, "SELECT subject_sha256 FROM monitor.login_failures")
    assert [len(row.subject_sha256) for row in rows] == [32, 32]


async def test_what_is_old_is_cleared(database: Database) -> None:
    user = await added(database)
    await tried(database)
    await tried(database, now=NOW + timedelta(hours=12))
    async with database.transaction() as tx:
        await sessions.begin(tx, user.user_id, now=NOW)
        kept = await sessions.begin(tx, user.user_id, now=NOW + timedelta(hours=12))
        await sessions.clear_old(tx, now=NOW + timedelta(hours=12))
    (row,) = await ask(
        database,
        "SELECT (SELECT count(*) FROM monitor.sessions) AS s, (SELECT count(*) FROM monitor.login_failures) AS f",
    )
    assert (row.s, row.f) == (1, 2)
    assert await whose(database, kept, NOW + timedelta(hours=12)) == user
