"""What is asked of the MTProto stand-in, and what it is told to do instead of answering.

Faults are taken in the order they were told, each by the first call that fits it; lasting states stand on the
server. A fault is a word of this module, or the message of an RPC error as a string.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CODES = (
    (303, r".*_MIGRATE_\d+"),
    (
        401,
        "AUTH_KEY_(UNREGISTERED|INVALID|PERM_EMPTY)|SESSION_(REVOKED|EXPIRED|PASSWORD_NEEDED)|USER_DEACTIVATED.*",
    ),
    (403, ".*_FORBIDDEN|CHAT_ADMIN_REQUIRED"),
    (406, "AUTH_KEY_DUPLICATED"),
    (420, r"(FLOOD|SLOWMODE|FLOOD_PREMIUM|FLOOD_TEST_PHONE|TAKEOUT_INIT)_.*\d+"),
    (500, r"INTERNAL.*|RPC_.*_FAIL|NO_WORKERS.*|No workers running|AUTH_RESTART(_\d+)?"),
    (503, "(?i:timed?out)"),
)
ANY = "*"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An RPC error, by its message; its code follows from that unless it is given."""

    message: str
    given: int | None = None

    @property
    def code(self) -> int:
        """The number of the error; 400 where nothing else is known."""
        if self.given is not None:
            return self.given
        return next((code for code, form in _CODES if re.fullmatch(form, self.message)), 400)


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks: before the call is done, or `after` it was done and before the answer is sent."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """The answer comes late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TooLong:
    """The difference is said to be too long, however short it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The call is answered as usual; for faults that are to come later."""


Fault = Refusal | Cut | Delay | TooLong | Answer


class RefusedError(Exception):
    """A method cannot be carried out."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(message)


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: the method's name as in TL (`GetHistory`), and its plain arguments by name.

    `at` is a monotonic time in seconds; ids of messages are plain numbers; `channel` is what the call names by
    id and `handle` what it names by name, in lower case.
    """

    name: str
    account: int | None
    channel: int | None
    handle: str | None
    at: float
    dc: int
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Told:
    """A fault, and the calls that it is for; None fits all."""

    name: str
    fault: Fault
    channel: int | str | None = None
    account: int | None = None

    def fits(self, call: Call) -> bool:
        """Whether the fault is for this call."""
        return (
            self.name in (ANY, call.name)
            and self.channel in (None, call.channel, call.handle)
            and self.account in (None, call.account)
        )


def arguments(request: Any) -> dict[str, Any]:
    """The plain values of a request, and lists of message ids."""
    found: dict[str, Any] = {}
    for name, value in vars(request).items():
        if isinstance(value, int | str | float | None):
            found[name] = value
        elif isinstance(value, list):
            found[name] = [getattr(item, "id", item) for item in value]
    return found


def channel_of(request: Any) -> int | None:
    """The id of the channel that a request names, in whichever argument."""
    for name in ("channel", "peer", "id"):
        value = getattr(request, name, None)
        for item in value if isinstance(value, list) else [value]:
            number = getattr(item, "channel_id", None)
            if number is not None:
                return int(number)
    return None
