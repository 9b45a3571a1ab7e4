"""Mail servers for tests, on loopback: a real one, and one that misbehaves at whatever stage it is told to."""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from monitor.mail import MailOptions
from monitor.model import Mailbox

SENDER = Mailbox("Монитор", "monitor@m.example")
MAIL = Path(__file__).parents[1] / "fixtures" / "mail"
PASSWORD = b"tram-7-lantern"


def options(port: int, *, timeout: float = 5.0, tls: str = "none", **more: Any) -> MailOptions:
    return MailOptions(host="127.0.0.1", port=port, sender=SENDER, timeout=timeout, tls=tls, **more)


@dataclass(slots=True)
class Got:
    """A message as it came over the wire."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def key(self) -> str:
        found = re.search(rb"(?im)^message-id:\s*(\S+)", self.raw)
        assert found is not None
        return found.group(1).decode()


# With slots, the oldest Python 3.11 cannot list an object's members, which aiosmtpd does.
@dataclass
class Office:
    """What a server got; `port` is where it listens."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    connections: int = 0

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert isinstance(envelope.original_content, bytes)
        for recipient in envelope.rcpt_tos:
            self.got.append(Got(str(envelope.mail_from), recipient, envelope.original_content))
        return "250 2.0.0 kept"


def _known(*asked: Any) -> AuthResult:
    data = asked[-1]
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"monitor", PASSWORD)
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def office(*, tls: str = "none", login: bool = False) -> AsyncIterator[Office]:
    """A real SMTP server: aiosmtpd."""
    made = Office()
    context = None
    if tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(MAIL / "certificate.pem", MAIL / "key.pem")
    more: dict[str, Any] = {"authenticator": _known, "auth_required": True} if login else {}
    loop = asyncio.get_running_loop()

    def connected() -> SMTP:
        made.connections += 1
        return SMTP(
            made,
            hostname="post.example",
            loop=loop,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_require_tls=tls == "starttls",
            **more,
        )

    server = await loop.create_server(connected, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


GREETING, HELLO, MAIL_FROM, RCPT, DATA, BODY, DOT = "greeting", "hello", "mail", "rcpt", "data", "body", "dot"
OTHER = "other"
CLOSE, HANG, TAKE_AND_CLOSE, TAKE_AND_HANG = "close", "hang", "take and close", "take and hang"
_WORDS = {"EHLO": HELLO, "HELO": HELLO, "MAIL": MAIL_FROM, "RCPT": RCPT, "DATA": DATA}
_USUAL = {GREETING: "220 hello", HELLO: "250 hello", DATA: "354 go on"}


@dataclass
class Rude(Office):
    """Behaves as the next of its manners says, a message each: (stage, what it does). Then as usual.

    What it does is a line it answers, or one of CLOSE, HANG, TAKE_AND_CLOSE, TAKE_AND_HANG. It answers for what it took after `slow` seconds.
    """

    manners: deque[tuple[str, str]] = field(default_factory=deque)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    slow: float = 0.0

    def _manner(self, stage: str) -> str:
        if self.manners and self.manners[0][0] == stage:
            return self.manners.popleft()[1]
        return _USUAL.get(stage, "250 ok")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._session(reader, writer)
        writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stage, under_way = GREETING, Got("", "", b"")
        while stage:
            act = self._manner(stage)
            if not await self._act(act, under_way if stage == DOT else None, reader, writer):
                return
            if act.startswith("354") and stage == DATA:
                stage, under_way.raw = DOT, await self._body(reader, writer)
                continue
            line = (await reader.readline()).decode()
            stage = _WORDS.get(line[:4].upper(), OTHER) if line else ""
            address = line.partition("<")[2].partition(">")[0]
            if stage == MAIL_FROM:
                under_way = Got(address, "", b"")
            if stage == RCPT:
                under_way.recipient = address

    async def _act(
        self, act: str, got: Got | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Do it; gives whether the session goes on."""
        if got is not None and (act in (TAKE_AND_CLOSE, TAKE_AND_HANG) or act.startswith("2")):
            self.got.append(got)
            await asyncio.sleep(self.slow)
        if act in (HANG, TAKE_AND_HANG):
            self.came.set()
            await reader.read()
            return False
        if act in (CLOSE, TAKE_AND_CLOSE):
            return False
        writer.write(act.encode() + b"\r\n")
        await writer.drain()
        return not act.startswith("421")

    async def _body(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        if self.manners and self.manners[0][0] == BODY:
            self.manners.popleft()
            await reader.read(100)
            writer.transport.abort()
        whole = await reader.readuntil(b"\r\n.\r\n")
        return whole[:-3].replace(b"\r\n..", b"\r\n.")


@asynccontextmanager
async def rude(*manners: tuple[str, str]) -> AsyncIterator[Rude]:
    """A server with these manners."""
    made = Rude(manners=deque(manners))
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError):
            await made.serve(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**22)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def keys(got: Iterable[Got]) -> list[str]:
    return [one.key for one in got]
