"""Passwords: kept as argon2id (RFC 9106), checked away from the event loop, and made where nobody chose one.

A password is taken in NFC, since keyboards write «й» in two ways.
"""

import asyncio
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monitor.errors import UsageError

SHORTEST = 10
# Much more would make every login slow.
LONGEST = 200

_HASHER = PasswordHasher()
# Each hash takes 64 MiB while it is made.
_AT_ONCE = 4
_DIGITS = "23456789"
_LETTERS = "abcdefghkmnpqrstuvwxyz"
_LIST = """
    acorn amber anchor apple april arrow aspen autumn badge baker barley basil beach berry birch blanket blossom
    bottle branch bread brick bridge bright brook brush bucket butter button cabin candle canvas carpet castle cedar
    chalk cherry chimney cinder circle clear clever cloud clover coast cobalt coffee comet copper coral corner cotton
    cradle crane cricket crimson crystal daisy dawn desert distant dolphin donkey early east ember engine evening
    fabric falcon farmer feather fern ferry fiddle field flint flower forest fossil fountain fresh frost garden garlic
    gentle ginger glacier glass golden granite grape gravel green guitar hammer harbour harvest hazel heather hedge
    heron hidden hollow honey horizon iris island ivory jacket jasmine jolly juniper kettle kitchen ladder lagoon
    lantern larch laurel lavender lemon lilac linen little lively lobster lucky magnet magpie mango maple marble
    market meadow mellow melon mild mirror misty morning moss mountain mustard narrow nectar needle nest nickel noble
    north nutmeg oasis ocean olive onion orange orchard otter oyster paddle paper parcel parsley peach pebble pencil
    pepper pillow pine planet plum pocket polar pond poplar poppy prairie proud quartz quick quiet quill rabbit
    radish rain raven ribbon ridge river robin rocket rosemary round rustic saddle saffron sailor salmon sandal
    satin season shadow shell shore silent silver simple slate smooth snow soft sparrow spice spring spruce steady
    stone stream summer sunny swallow sweet table tailor tangerine teapot thistle thunder tidy timber tulip tunnel
    turnip valley vanilla velvet village violet walnut warm water wheat willow window winter wooden woollen yellow
"""
WORDS = tuple(_LIST.split())


async def hashed(password: str) -> str:
    """The hash to keep, with its salt and costs. Raises UsageError for one that is too short or too long."""
    taken = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(taken) <= LONGEST:
        raise UsageError(
            "this password cannot be taken",
            f"one has {SHORTEST} to {LONGEST} characters",
            "choose another, for example four words",
        )
    return await asyncio.to_thread(_HASHER.hash, taken)


class Verifier:
    """Checks passwords, a few at a time; one for each process."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one kept; where none is kept this takes just as long, so that it tells nothing."""
        taken = unicodedata.normalize("NFC", password[: LONGEST + 1])
        async with self._turns:
            return await asyncio.to_thread(_matches, taken, kept if len(taken) <= LONGEST else None)


def _matches(password: str, kept: str | None) -> bool:
    if kept is None:
        _HASHER.hash(password)
        return False
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether a hash was made with other costs than those of today."""
    return _HASHER.check_needs_rehash(kept)


def made(words: int = 2) -> str:
    """A password to read out, like 7h-quiet-ferry: 7 bits, and 8 more for each word."""
    first = secrets.choice(_DIGITS) + secrets.choice(_LETTERS)
    return "-".join([first, *(secrets.choice(WORDS) for _ in range(words))])
