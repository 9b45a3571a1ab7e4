"""Logging in, as Telethon does it at the stand-in: what a person may mistype, and what Telegram may refuse."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import rsa
from telethon import TelegramClient
from telethon.sessions import StringSession

from monitor.errors import FloodWait, MonitorError, Unreachable, UsageError
from monitor.sources.telegram_login import is_session, login, trust
from monitor.sources.telegram_options import TelegramOptions
from monitor.standin import telegram_keys as keys
from monitor.standin.telegram import Address, TelegramServer, serving_telegram
from tests.unit.standin_telegram import channel, fresh, said, staged

OPTIONS = TelegramOptions(api_id=1, api_hash="invented", pace=0)
NUMBER = "+9996600000"


@pytest.fixture(scope="module")
def key() -> rsa.PrivateKey:
    return keys.made_key()


@pytest.fixture(autouse=True)
def _no_list_of_data_centres(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telethon keeps it for the whole process."""
    monkeypatch.setattr(TelegramClient, "_config", None)


@asynccontextmanager
async def telegram(key: rsa.PrivateKey, tmp_path: Path) -> AsyncIterator[tuple[TelegramServer, Address]]:
    server = staged(channel(said(1)))
    server._key = key
    pem = tmp_path / "key.pem"
    pem.write_text(server.public_key())
    trust(pem)
    async with serving_telegram(server) as address:
        yield server, address


class Person:
    """Somebody who answers questions in their order, and what was asked."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.asked: list[str] = []

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        return next(self._answers)


async def logged_in(address: Address, person: Person, *, phone: str = NUMBER, dc: int = 1) -> str:
    where = (dc, address.host, address.port)
    return await login(OPTIONS, phone=phone, ask=person, ask_secretly=person, server=where)


async def who(session: str) -> int:
    client = fresh(StringSession(session))
    await client.connect()
    try:
        return int((await client.get_me()).id)
    finally:
        await client.disconnect()


async def test_a_code_is_enough_where_there_is_no_password(key: rsa.PrivateKey, tmp_path: Path) -> None:
    async with telegram(key, tmp_path) as (server, address):
        person = Person(f" {server.code} ")
        session = await logged_in(address, person)
        assert is_session(session)
        assert await who(session) == 7_000_000_000
        assert person.asked == ["code that Telegram sent"]
        assert {"SendMessage", "JoinChannel", "LogOut"}.isdisjoint({c.name for c in server.calls})


async def test_slips_may_be_mended(key: rsa.PrivateKey, tmp_path: Path) -> None:
    async with telegram(key, tmp_path) as (server, address):
        server.passwords[0] = "правильный"
        person = Person("99999", "1", server.code, "wrong", "правильный")
        assert await who(await logged_in(address, person)) == 7_000_000_000
        assert person.asked == ["code that Telegram sent"] * 3 + ["two-step password"] * 2
        assert len(server.called("SendCode")) == 1


@pytest.mark.parametrize(
    ("password", "answers", "what"),
    [
        (None, ("1", "2", "3"), "the code is wrong"),
        ("right", ("12345", "a", "b", "c"), "the two-step password is wrong"),
    ],
)
async def test_after_three_slips_it_ends(
    key: rsa.PrivateKey, tmp_path: Path, *, password: str | None, answers: tuple[str, ...], what: str
) -> None:
    async with telegram(key, tmp_path) as (server, address):
        server.passwords = {0: password} if password else {}
        with pytest.raises(UsageError, match=what):
            await logged_in(address, Person(*answers))


async def test_an_account_of_another_data_centre_is_followed_there(
    key: rsa.PrivateKey, tmp_path: Path
) -> None:
    async with telegram(key, tmp_path) as (server, address):
        server.fail("SendCode", "PHONE_MIGRATE_2")
        session = StringSession(await logged_in(address, Person(server.code)))
        assert (session.dc_id, session.port) == (2, address.second_port)
        assert await who(session.save()) == 7_000_000_000


async def test_a_connection_that_breaks_while_a_person_looks_for_the_code(
    key: rsa.PrivateKey, tmp_path: Path
) -> None:
    async with telegram(key, tmp_path) as (server, address):

        class Slow(Person):
            def __call__(self, question: str) -> str:
                server.cut()
                return super().__call__(question)

        assert is_session(await logged_in(address, Slow(server.code)))


@pytest.mark.parametrize(
    ("refusal", "kind", "what", "mend"),
    [
        ("API_ID_INVALID", UsageError, "id or hash is wrong", "my.telegram.org"),
        ("PHONE_NUMBER_INVALID", UsageError, "no such phone number", "country code"),
        ("PHONE_NUMBER_UNOCCUPIED", UsageError, "has no account", "well-established"),
        ("PHONE_NUMBER_BANNED", UsageError, "is banned", "recover@telegram.org"),
        ("PHONE_CODE_EXPIRED", UsageError, "too old", "start again"),
        ("FLOOD_WAIT_77", FloodWait, "asks to wait", "77 s"),
        ("SOMETHING_NEW", UsageError, "refused the login", "try again"),
    ],
)
async def test_refusals_say_what_to_do(
    key: rsa.PrivateKey, tmp_path: Path, *, refusal: str, kind: type[MonitorError], what: str, mend: str
) -> None:
    async with telegram(key, tmp_path) as (server, address):
        server.fail("SignIn" if "CODE" in refusal else "SendCode", refusal)
        with pytest.raises(kind, match=what) as caught:
            await logged_in(address, Person(server.code))
        assert mend in caught.value.mend
        assert caught.value.why


async def test_a_server_that_is_not_there(key: rsa.PrivateKey, tmp_path: Path) -> None:
    async with telegram(key, tmp_path) as (server, address):
        server.down = True
        with pytest.raises(Unreachable, match="cannot be reached") as caught:
            await logged_in(address, Person())
        assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "words", ["", "no key", "-----BEGIN RSA PUBLIC KEY-----\nx\n-----END RSA PUBLIC KEY-----"]
)
def test_a_file_that_holds_no_key(tmp_path: Path, words: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(words)
    with pytest.raises(UsageError, match="holds no public key") as caught:
        trust(path)
    assert "MONITOR_TELEGRAM_SERVER_KEY" in caught.value.mend


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no public key"):
        trust(tmp_path / "none.pem")


@pytest.mark.parametrize("words", ["", "1", "1garbage", "session", "1" + "A" * 20, "ж"])
def test_what_is_no_session(words: str) -> None:
    assert not is_session(words)
