"""One message out by SMTP (RFC 5321), handed over in stages, so that as little as possible is ever in doubt.

    connect, STARTTLS, login → MAIL → RCPT → DATA → the message without its end → `before_end` → the end → the answer

Until the end is handed over nothing has gone, whatever breaks; after the answer everything is known. Between the two a
message is in doubt.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException, SMTPSenderRefused
from aiosmtplib.protocol import SMTPProtocol

from monitor.errors import AddressRefused, MailError, MailInDoubt, MailPutOff, MailRefused, ServerAils
from monitor.model import Mailbox

_GO_ON, _CLOSING, _REFUSED = 354, 421, 500
_TAKEN, _NOT_TAKEN = range(200, 300), range(400, 600)
# RFC 5321 §4.2.3: no such mailbox, not local, no such name; but many servers say so, too, that we may not relay.
_NO_SUCH_ADDRESS = frozenset({550, 551, 553})
# RFC 4954 §6: log in first, by a better way, again, encrypted.
_LOGIN_WANTED = frozenset({530, 534, 535, 538})
# RFC 3463 §3.2: mailbox, system, form and having moved of the recipient; then form and system of the sender, which
# Postfix looks at no earlier than at the recipient. 5.1.0 is said of both.
_OF_RECIPIENT = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10"})
_OF_SENDER = frozenset({"1.7", "1.8"})
# At the beginning, or at the end in qmail's manner.
_ENHANCED = re.compile(r"(?:^|\(#)[245]\.(\d{1,3}\.\d{1,3})\b")
_LONGEST_ANSWER = 300
# How often it is asked whether the message has left us.
_LOOK = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptions:
    """The server that takes our mail, and whom mails are from; `timeout` is in seconds, `tls` starttls, tls or none."""

    host: str
    sender: Mailbox
    port: int = 587
    tls: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    reply_to: Mailbox | None = None
    public_url: str | None = None


class Mailer:
    """Hands messages over one after the other, through one connection for as long as that holds."""

    def __init__(self, options: MailOptions) -> None:
        self._options = options
        self._client = self._fresh()
        self._between = False

    async def __aenter__(self) -> Self:
        """Connect at the first message, not before."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Take leave of the server, where it still listens."""
        with suppress(SMTPException, OSError):
            if self._client.is_connected and self._between:
                await self._client.quit(timeout=min(self._options.timeout, 2.0))
        self._client.close()

    async def send(
        self, message: bytes, recipient: str, *, sender: str, before_end: Callable[[], Awaitable[None]]
    ) -> str:
        """Hand one message over to one recipient, byte for byte; gives what the server said.

        `message` has lines that end in CRLF. `before_end` is awaited once all but the end is handed over; if it
        raises, the message has not gone. Raises MailError of the kind that tells what came of it.
        """
        try:
            await self._connected()
            self._between = False
            protocol = await self._begun(message, recipient, sender)
            await before_end()
            answer = await self._ended(protocol, recipient)
            self._between = True
        finally:
            if not self._between:
                self._abort()
        return _said(answer)

    async def check(self) -> None:
        """Connect and log in, as for a message. Raises ServerAils."""
        await self._connected()

    def _fresh(self) -> SMTP:
        options = self._options
        return SMTP(
            hostname=options.host,
            port=options.port,
            username=options.user,
            password=options.password,
            timeout=options.timeout,
            use_tls=options.tls == "tls",
            start_tls=options.tls == "starttls",
        )

    async def _connected(self) -> None:
        """A connection that takes a message: the last one where it still answers, else a new one."""
        if self._client.is_connected and self._between:
            with suppress(SMTPException, OSError):
                await self._client.rset()
                return
        self._abort()
        self._client = self._fresh()
        try:
            # The bound on the whole holds against one that answers each stage just in time.
            async with asyncio.timeout(3 * self._options.timeout):
                await self._client.connect()
                # It greets the server too, which else only the first message would.
                await self._client.rset()
        except SMTPResponseException as error:
            raise _ails(f"it answered {error.code} {_plain(error.message)}") from None
        except (SMTPException, OSError, ValueError, RuntimeError) as error:
            raise _ails(_plain(str(error)) or type(error).__name__) from None
        self._between = True

    async def _begun(self, message: bytes, recipient: str, sender: str) -> SMTPProtocol:
        try:
            await self._client.mail(sender)
        except SMTPSenderRefused as error:
            # What it has against our sender, or wants us to log in first, is no fault of this message.
            raise _ails(f"it answered {error.code} {_plain(error.message)} to the sender") from None
        except (SMTPException, OSError) as error:
            raise _ails(_plain(str(error)) or type(error).__name__) from None
        async with _before_the_end(recipient):
            answer = await self._client.execute_command(b"RCPT", b"TO:<" + recipient.encode("ascii") + b">")
            if answer.code not in _TAKEN:
                self._keep_after(answer)
                raise _not_taken(answer, recipient, at_address=True)
            answer = await self._client.execute_command(b"DATA")
            if answer.code != _GO_ON:
                self._keep_after(answer)
                raise _not_taken(answer, recipient)
            protocol = self._client.protocol
            if protocol is None:
                raise ConnectionError("the connection broke")
            protocol.write(_stuffed(message))
            await self._flushed(protocol)
            return protocol

    async def _flushed(self, protocol: SMTPProtocol) -> None:
        """Wait until the message has left us, so that what happens to its end is soon known."""
        async with asyncio.timeout(self._options.timeout):
            while protocol.is_connected:
                transport = protocol.transport
                if isinstance(transport, asyncio.WriteTransport) and not transport.get_write_buffer_size():
                    return
                await asyncio.sleep(_LOOK)
        raise ConnectionError("the connection broke")

    async def _ended(self, protocol: SMTPProtocol, recipient: str) -> SMTPResponse:
        if not protocol.is_connected:
            raise _put_off(recipient, "the connection broke before the end of the message")
        try:
            answer = await protocol.execute_command(b".", timeout=self._options.timeout)
        except (SMTPException, OSError) as error:
            raise _in_doubt(
                recipient, f"no answer came: {_plain(str(error)) or type(error).__name__}"
            ) from None
        if answer.code in _TAKEN:
            return answer
        if answer.code not in _NOT_TAKEN:
            raise _in_doubt(recipient, f"the answer was none that we know: {_said(answer)}")
        self._keep_after(answer)
        raise _not_taken(answer, recipient)

    def _keep_after(self, answer: SMTPResponse) -> None:
        """A server that only said no to this message takes the next one."""
        self._between = answer.code != _CLOSING and self._client.is_connected

    def _abort(self) -> None:
        """Break off at once: what lies unsent in our buffer must not go."""
        transport = self._client.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        self._client.close()
        self._between = False


def _stuffed(message: bytes) -> bytes:
    """The message as it goes over the wire, without its end: a dot that begins a line is doubled (RFC 5321 §4.5.2)."""
    whole = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not whole.endswith(b"\r\n"):
        whole += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole)


@asynccontextmanager
async def _before_the_end(recipient: str) -> AsyncIterator[None]:
    """Whatever breaks in this block, nothing has gone."""
    try:
        yield
    except SMTPResponseException as error:
        raise _not_taken(SMTPResponse(error.code, error.message), recipient) from None
    except (SMTPException, OSError, ValueError, RuntimeError) as error:
        raise _put_off(recipient, _plain(str(error)) or type(error).__name__) from None


def _not_taken(answer: SMTPResponse, recipient: str, *, at_address: bool = False) -> MailError:
    said = f"the server answered {_said(answer)}"
    detail = _detail(answer)
    if answer.code == _CLOSING or answer.code in _LOGIN_WANTED or detail in _OF_SENDER:
        return _ails(f"it answered {_said(answer)}")
    if answer.code < _REFUSED:
        return _put_off(recipient, said)
    if at_address and (detail in _OF_RECIPIENT or (not detail and answer.code in _NO_SUCH_ADDRESS)):
        return AddressRefused(
            f"the address {recipient} is refused",
            said,
            f"mend it, then monitor digest resubscribe {recipient}",
            sure=bool(detail),
        )
    return MailRefused(
        f"a mail to {recipient} is refused", said, "mend what it names, then monitor digest resend"
    )


def _detail(answer: SMTPResponse) -> str:
    """What an answer is about: subject and detail of its enhanced code (RFC 3463); empty where it has none."""
    found = _ENHANCED.search(answer.message)
    return found.group(1) if found else ""


def _put_off(recipient: str, why: str) -> MailPutOff:
    return MailPutOff(f"a mail to {recipient} did not go yet", why, "it is tried again by itself")


def _in_doubt(recipient: str, why: str) -> MailInDoubt:
    return MailInDoubt(
        f"a mail to {recipient} may not have gone",
        f"its end was handed over, and {why}",
        "ask whether it came; then monitor digest taken, or monitor digest resend",
    )


def _ails(why: str) -> ServerAils:
    return ServerAils(
        "the mail server takes nothing from us", why, "see to MONITOR_SMTP_HOST and what stands beside it"
    )


def _said(answer: SMTPResponse) -> str:
    return f"{answer.code} {_plain(answer.message)}".strip()


def _plain(said: str) -> str:
    """What the other side said, on one line that a terminal and the database can hold."""
    kept = said.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in kept).split())[:_LONGEST_ANSWER]
