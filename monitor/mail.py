"""One message out by SMTP (RFC 5321)."""

from dataclasses import dataclass

from monitor.model import Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptions:
    """The server that takes our mail, and whom mails are from; `timeout` is in seconds, `tls` starttls, tls or none."""

    host: str
    sender: Mailbox
    port: int = 587
    tls: str = "starttls"
    user: str | None = None
    password: str | None = None
    timeout: float = 30.0
    reply_to: Mailbox | None = None
    public_url: str | None = None
