"""How Telegram is read, and through which sessions; apart from what reads it, which takes long to load."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramOptions:
    """How Telegram is read: the application's own id and hash, and how gently.

    `pace` and `timeout` are in seconds; `retry` is how long an account that does not work is left alone at most.
    """

    api_id: int
    api_hash: str = field(repr=False)
    pace: float = 1.0
    timeout: float = 60.0
    retry: timedelta = timedelta(minutes=5)
    raw: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """A session by its name; `read` gives Telethon's session string as it is now, since a new login replaces it."""

    name: str
    read: Callable[[], str]

    def number(self) -> int:
        """A signed 32-bit number that stands for the session and tells nothing of it."""
        return int.from_bytes(sha256(self.read().encode()).digest()[:4], "big", signed=True)
