"""Every error that the product raises on purpose: what happened, why, and what to do about it.

::

    MonitorError                  exit code 1
    ├── UsageError                exit code 2: the command was called wrongly
    │   └── SettingsError         a wrong setting, rule or channel list; names file, line and mend
    ├── DatabaseError             the database cannot be reached, made or trusted
    │   └── RightsLacking         our role may not do it; has the SQL for whoever may
    ├── QueryTooLong              a researcher's query took longer than it may
    ├── QueryRefused              the database does not take a query: its SQL, or a right that lacks
    ├── ExportError               an export cannot be written, trusted or taken in
    ├── NotifyError               a notice did not go by its route; says whether it may have, and whether to try again
    │   └── MailError             a mail did not go, or may not have
    │       ├── ServerAils        the server cannot be reached, or takes nothing from us now: all mails wait
    │       ├── MailPutOff        not taken now, or the connection broke before the end of the message
    │       ├── MailInDoubt       its end was handed over, and no answer came
    │       └── MailRefused       the server will not take this message
    │           └── AddressRefused  nor any other to this address
    ├── Conflict                  somebody or something was there first: a case is held, edited, decided
    └── SourceError               a look at a channel failed; says how, and whether it will pass
        ├── Unreachable           no connection, or it broke
        ├── ServerFault           the other side answered with a fault of its own (5xx)
        ├── RateLimited           asked to slow down (429), with `retry_after`
        ├── FloodWait             an account must wait with one kind of request
        ├── SessionLost           an account's session is not accepted, or there is none
        ├── AccountBanned         an account of ours is banned
        ├── Barred                the channel is private, or shut to our account
        ├── SoftBan               everything looks empty, the canary too
        ├── Unreadable            a page that is none we know: the markup has changed
        ├── RobotsRefusal         robots.txt asks not to fetch it
        ├── Fault                 our own: a mistake in the code met this channel
        ├── NothingShown          the channel is there and shows no post
        ├── NoPreview             the channel exists but shows no public pages
        ├── HandleFree            nobody has this handle
        ├── NotAChannel           a group, a bot or a person
        ├── Restricted            the platform does not show it, and says why
        ├── HandleTaken           the handle now shows another channel
        └── Purged                the channel was purged, and is not collected again
"""

from typing import ClassVar


class MonitorError(Exception):
    """An error for a person to read.

    `what` happened, `why`, and `mend`: what to do. Each is one line without a full stop at the end.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.mend = mend

    def lines(self) -> list[str]:
        """What, why and what to do, as far as they are known."""
        return [line for line in (self.what, self.why, self.mend) if line]


class UsageError(MonitorError):
    """The command was called with something that it cannot take."""

    exit_code = 2


class SettingsError(UsageError):
    """A wrong value in a setting, a rules file or the channel list."""


class DatabaseError(MonitorError):
    """The database cannot be reached, made or trusted."""


class RightsLacking(DatabaseError):
    """Our role may not do what was asked; `script` is the whole SQL for somebody who may.

    `password` is the one that the login will have once the script was run, if it makes one.
    """

    def __init__(
        self, what: str, why: str = "", mend: str = "", *, script: str, password: str | None = None
    ) -> None:
        super().__init__(what, why, mend)
        self.script = script
        self.password = password


class QueryTooLong(MonitorError):
    """A researcher's query took longer than it may, and was ended; nothing else is wrong."""


class QueryRefused(MonitorError):
    """The database does not take a query: its SQL is wrong, it would write, or it may not read what it asks for."""


class ExportError(MonitorError):
    """An export cannot be written, trusted or taken in."""


class Conflict(MonitorError):
    """What was asked for does not fit how things stand by now. `kind` is held, edited, own_second, accepted or settled."""

    def __init__(self, what: str, why: str = "", mend: str = "", *, kind: str = "settled") -> None:
        super().__init__(what, why, mend)
        self.kind = kind


class NotifyError(MonitorError):
    """A notice that did not go by its route, or may have.

    `temporary` means that it did not go and can be tried again, `in_doubt` that its end was handed over and nobody
    answered, so that a person alone sends it again. With neither, the other side or the address refuses it.
    """

    def __init__(
        self, what: str, why: str = "", mend: str = "", *, temporary: bool = False, in_doubt: bool = False
    ) -> None:
        super().__init__(what, why, mend)
        self.temporary = temporary
        self.in_doubt = in_doubt
        self.refused = not (temporary or in_doubt)


class MailError(NotifyError):
    """A mail that did not go, or may not have. Each kind says by `kept` which of the three it is."""

    kept: ClassVar[str] = "refused"

    def __init__(self, what: str, why: str = "", mend: str = "") -> None:
        super().__init__(
            what, why, mend, temporary=self.kept == "temporary", in_doubt=self.kept == "in_doubt"
        )


class ServerAils(MailError):
    """The server cannot be reached, refuses our login or our sender, or asks for a pause: no fault of any address."""

    kept = "temporary"


class MailPutOff(MailError):
    """The message was not taken now, or the connection broke before its end was handed over."""

    kept = "temporary"


class MailInDoubt(MailError):
    """The end of the message was handed over, and no answer came: it may have gone."""

    kept = "in_doubt"


class MailRefused(MailError):
    """The server will not take this message."""


class SearchRefused(UsageError):
    """A search that cannot be done; `kind` is regex for an expression that cannot be read, slow for what takes too long."""

    def __init__(self, what: str, why: str = "", mend: str = "", *, kind: str) -> None:
        super().__init__(what, why, mend)
        self.kind = kind


class AddressRefused(MailRefused):
    """The server knows no such address. It is not `sure` where the answer may as well mean that we may not send there."""

    def __init__(self, what: str, why: str = "", mend: str = "", *, sure: bool = True) -> None:
        super().__init__(what, why, mend)
        self.sure = sure


class SourceError(MonitorError):
    """A look at a channel that gave no posts.

    `outcome` is the word kept in coverage and on the watch. `permanent` means that looking again will not
    help until a person acts or the channel changes. `shared` means that the fault lies with the connection
    or the host, so that every watch of the source waits. `elsewhere` means that another source may still read
    the channel. `retry_after` is in seconds, if the other side named it.
    """

    outcome: ClassVar[str] = "failed"
    permanent: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    elsewhere: ClassVar[bool] = False

    def __init__(self, what: str, why: str = "", mend: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(what, why, mend)
        self.retry_after = retry_after


class Unreachable(SourceError):
    """No connection, or it broke before the answer was whole."""

    outcome = "unreachable"
    elsewhere = True


class ServerFault(SourceError):
    """The other side answered with a fault of its own (5xx)."""

    outcome = "server_fault"


class RateLimited(SourceError):
    """The other side asked for fewer requests (429)."""

    outcome = "rate_limited"
    shared = True


class FloodWait(SourceError):
    """An account was asked to wait with one kind of request; its other requests and other accounts go on."""

    outcome = "flood_wait"


class SessionLost(SourceError):
    """An account's session is not accepted any more, or there is none."""

    outcome = "session_lost"
    elsewhere = True


class AccountBanned(SourceError):
    """An account of ours is banned; that is not evaded, so its watches pause and ask."""

    outcome = "account_banned"
    permanent = True


class Barred(SourceError):
    """The channel is private, or shut to our account; that is not evaded, so the watch pauses and asks."""

    outcome = "barred"
    permanent = True


class SoftBan(SourceError):
    """Every channel looks like a free handle, the canary too: our address is refused."""

    outcome = "soft_ban"
    shared = True


class Unreadable(SourceError):
    """A page that is none of those we know."""

    outcome = "unreadable"


class RobotsRefusal(SourceError):
    """robots.txt asks not to fetch these pages."""

    outcome = "robots"


class Fault(SourceError):
    """A mistake of our own that showed at this channel; it is this watch's trouble, and not the others'."""

    outcome = "fault"


class NothingShown(SourceError):
    """The channel is there and shows no post, so that its id cannot be known yet."""

    outcome = "empty"


class NoPreview(SourceError):
    """The channel exists but shows no public pages."""

    outcome = "no_preview"


class HandleFree(SourceError):
    """Nobody has this handle."""

    outcome = "handle_free"


class NotAChannel(SourceError):
    """The handle belongs to a group, a bot or a person; these are never collected."""

    outcome = "not_a_channel"
    permanent = True


class Restricted(SourceError):
    """The platform does not show the channel, and says why."""

    outcome = "restricted"


class HandleTaken(SourceError):
    """The handle now shows another channel than the one that was watched."""

    outcome = "handle_taken"
    permanent = True


class Purged(SourceError):
    """The whole channel was purged on lawful request, and nothing of it is collected again."""

    outcome = "purged"
    permanent = True
