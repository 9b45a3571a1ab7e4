"""Messages to a real SMTP server, and to one that misbehaves at each stage: what went is known, or said to be in doubt."""

import asyncio
from typing import Any

import pytest

from monitor.errors import AddressRefused, MailError, MailInDoubt, MailPutOff, MailRefused, ServerAils
from monitor.mail import Mailer
from tests.integration.post import (
    BODY,
    CLOSE,
    DATA,
    DOT,
    GREETING,
    HANG,
    HELLO,
    MAIL,
    MAIL_FROM,
    OTHER,
    PASSWORD,
    RCPT,
    SENDER,
    TAKE_AND_CLOSE,
    TAKE_AND_HANG,
    office,
    options,
    rude,
)

TO = "olya@r.example"
MESSAGE = b"Message-ID: <1@m.example>\r\nSubject: one\r\n\r\nfirst\r\n.\r\n..second\r\nlast\r\n"


class Ends:
    """Counts how often the end of a message was about to be handed over."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


async def send(mailer: Mailer, ends: Ends | None = None, message: bytes = MESSAGE) -> str:
    return await mailer.send(message, TO, sender=SENDER.address, before_end=ends or Ends())


async def test_a_message_arrives_byte_for_byte_and_many_go_through_one_connection() -> None:
    ends = Ends()
    large = MESSAGE + "Суджа под обстрелом\r\n".encode() * 20000
    async with office() as post, Mailer(options(post.port)) as mailer:
        assert (await send(mailer, ends)).startswith("250 2.0.0 kept")
        await send(mailer, ends, large)
        await send(mailer, ends, MESSAGE.removesuffix(b"\r\n"))
    assert [got.raw for got in post.got] == [MESSAGE, large, MESSAGE]
    assert {(got.sender, got.recipient) for got in post.got} == {("monitor@m.example", TO)}
    assert (ends.count, post.connections) == (3, 1)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_server_is_known_by_its_certificate_and_we_log_in(
    tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[str, Any] = {"user": "monitor", "password": PASSWORD.decode(), "tls": tls}
    async with office(tls=tls, login=tls == "starttls") as post:
        if tls == "tls":
            known = {"tls": tls}
        async with Mailer(options(post.port, **known)) as mailer:
            with pytest.raises(ServerAils, match="takes nothing") as strange:
                await send(mailer)
            assert "certificate" in strange.value.why
        monkeypatch.setenv("SSL_CERT_FILE", str(MAIL / "certificate.pem"))
        async with Mailer(options(post.port, **known)) as mailer:
            await send(mailer)
    assert len(post.got) == 1


async def test_a_refused_login_is_no_fault_of_the_address_and_tells_no_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(MAIL / "certificate.pem"))
    async with office(tls="starttls", login=True) as post:
        wrong = options(post.port, tls="starttls", user="monitor", password="wr0ng-secret")
        assert "wr0ng" not in repr(wrong)
        async with Mailer(wrong) as mailer:
            with pytest.raises(ServerAils) as error:
                await send(mailer)
    assert error.value.temporary
    assert "535" in error.value.why
    assert "wr0ng" not in " ".join(error.value.lines())


async def test_a_server_without_starttls_gets_nothing_where_it_is_asked_for() -> None:
    async with rude() as post, Mailer(options(post.port, tls="starttls")) as mailer:
        with pytest.raises(ServerAils):
            await send(mailer)
    assert post.got == []


async def test_nobody_listens() -> None:
    async with rude() as post:
        port = post.port
    async with Mailer(options(port)) as mailer:
        with pytest.raises(ServerAils):
            await send(mailer)


MANNERS: list[tuple[str, str, type[MailError], int]] = [
    (GREETING, "421 4.3.2 come later", ServerAils, 0),
    (GREETING, "554 5.7.1 not you", ServerAils, 0),
    (GREETING, "what?", ServerAils, 0),
    (GREETING, CLOSE, ServerAils, 0),
    (GREETING, HANG, ServerAils, 0),
    (HELLO, CLOSE, ServerAils, 0),
    (MAIL_FROM, "451 4.3.0 later", ServerAils, 0),
    (MAIL_FROM, "530 5.7.0 log in first", ServerAils, 0),
    (MAIL_FROM, CLOSE, ServerAils, 0),
    (MAIL_FROM, HANG, ServerAils, 0),
    (RCPT, "450 4.2.0 greylisted", MailPutOff, 0),
    (RCPT, "421 4.7.0 slow down", ServerAils, 0),
    (RCPT, "550 5.1.1 no such user", AddressRefused, 0),
    (RCPT, "550 no such user", AddressRefused, 0),
    (RCPT, "550 5.1.10 null mx", AddressRefused, 0),
    (RCPT, "550 5.1.0 sender address rejected, or not", MailRefused, 0),
    (RCPT, "553 5.1.8 the domain of the sender is not found", ServerAils, 0),
    (RCPT, "501 5.1.7 bad sender address", ServerAils, 0),
    (RCPT, "530 5.7.0 log in first", ServerAils, 0),
    (RCPT, "550 5.7.1 not from you", MailRefused, 0),
    (RCPT, "553 not in my list of rcpthosts (#5.7.1)", MailRefused, 0),
    (RCPT, "553 no mailbox here by that name (#5.1.1)", AddressRefused, 0),
    (RCPT, "552 5.2.2 full", MailRefused, 0),
    (RCPT, CLOSE, MailPutOff, 0),
    (RCPT, HANG, MailPutOff, 0),
    (DATA, "451 4.3.0 later", MailPutOff, 0),
    (DATA, "554 5.5.1 no", MailRefused, 0),
    (DATA, CLOSE, MailPutOff, 0),
    (DATA, HANG, MailPutOff, 0),
    (BODY, CLOSE, MailPutOff, 0),
    (DOT, "451 4.3.0 later", MailPutOff, 1),
    (DOT, "421 4.3.2 going down", ServerAils, 1),
    (DOT, "554 5.6.0 looks like spam", MailRefused, 1),
    (DOT, "354 again?", MailInDoubt, 1),
    (DOT, "gibberish", MailInDoubt, 1),
    (DOT, CLOSE, MailInDoubt, 1),
    (DOT, TAKE_AND_CLOSE, MailInDoubt, 1),
    (DOT, HANG, MailInDoubt, 1),
    (DOT, TAKE_AND_HANG, MailInDoubt, 1),
]


@pytest.mark.parametrize(("stage", "manner", "error", "ended"), MANNERS)
async def test_whatever_a_server_does_its_outcome_is_told_and_the_next_message_goes(
    stage: str, manner: str, error: type[MailError], ended: int
) -> None:
    ends = Ends()
    async with rude((stage, manner)) as post, Mailer(options(post.port, timeout=0.3)) as mailer:
        with pytest.raises(MailError) as raised:
            await send(mailer, ends, MESSAGE + b"filling\r\n" * 2_000_000 if stage == BODY else MESSAGE)
        assert type(raised.value) is error
        assert ends.count == ended
        kinds = (raised.value.temporary, raised.value.in_doubt, raised.value.refused)
        assert sum(kinds) == 1
        before = len(post.got)
        assert before == (manner in {TAKE_AND_CLOSE, TAKE_AND_HANG})
        await send(mailer, ends)
        assert len(post.got) == before + 1


async def test_a_plain_no_to_one_message_does_not_cost_the_connection() -> None:
    manners = [(RCPT, "550 5.1.1 nobody"), (DATA, "451 later"), (DOT, "554 spam")]
    async with rude(*manners) as post, Mailer(options(post.port)) as mailer:
        for _ in manners:
            with pytest.raises(MailError):
                await send(mailer)
        await send(mailer)
    assert (len(post.got), post.connections) == (1, 1)


async def test_a_connection_that_broke_between_two_messages_is_made_anew() -> None:
    async with rude() as post, Mailer(options(post.port)) as mailer:
        await send(mailer)
        post.manners.append((OTHER, CLOSE))
        await send(mailer)
    assert (len(post.got), post.connections) == (2, 2)


async def test_what_cannot_be_noted_before_its_end_does_not_go() -> None:
    async def broken() -> None:
        raise RuntimeError("no database")

    async with office() as post, Mailer(options(post.port)) as mailer:
        with pytest.raises(RuntimeError):
            await mailer.send(MESSAGE, TO, sender=SENDER.address, before_end=broken)
        assert post.got == []
        await send(mailer)
    assert len(post.got) == 1


async def test_a_send_that_is_broken_off_before_the_end_has_not_gone() -> None:
    held = asyncio.Event()

    async def forever() -> None:
        held.set()
        await asyncio.Event().wait()

    async with office() as post, Mailer(options(post.port)) as mailer:
        sending = asyncio.create_task(mailer.send(MESSAGE, TO, sender=SENDER.address, before_end=forever))
        await asyncio.wait_for(held.wait(), 10)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await send(mailer)
    assert len(post.got) == 1
