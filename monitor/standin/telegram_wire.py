"""MTProto's lower layers, seen from the server: frames on TCP, and the encryption of messages.

Frames: core.telegram.org/mtproto/mtproto-transports (full, abridged and intermediate, not obfuscated).
Encryption: core.telegram.org/mtproto/description, version 2.
"""

import asyncio
import os
import struct
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from telethon.crypto import AES, AuthKey

UNKNOWN_KEY = struct.pack("<i", -404)
_ABRIDGED, _INTERMEDIATE = b"\xef", b"\xee\xee\xee\xee"
_LARGEST = 1 << 24
_LONG = 127
_EMPTY = 12
# Key id and message key; then salt, session, id, sequence and length, filled up to blocks of 16.
_SMALLEST = 24 + 32 + 16


class MalformedError(ValueError):
    """What came is no MTProto; the connection is closed."""


class Codec(Protocol):
    """A way to put packets into a stream."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next packet."""
        ...

    def frame(self, packet: bytes) -> bytes:
        """A packet as it goes over the wire."""
        ...


@dataclass(slots=True)
class Full:
    """Length, number, packet, checksum; `head` is what was read to find out that it is this one."""

    head: bytes = b""
    sent: int = 0

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next packet; its checksum is held to."""
        size = self.head or await reader.readexactly(4)
        self.head = b""
        length = int.from_bytes(size, "little")
        if not _EMPTY <= length <= _LARGEST:
            message = f"a packet of {length} bytes"
            raise MalformedError(message)
        rest = await reader.readexactly(length - 4)
        if crc32(size + rest[:-4]) != int.from_bytes(rest[-4:], "little"):
            raise MalformedError("a wrong checksum")
        return rest[4:-4]

    def frame(self, packet: bytes) -> bytes:
        """A packet with its length, number and checksum."""
        head = struct.pack("<ii", len(packet) + 12, self.sent)
        self.sent += 1
        return b"".join((head, packet, struct.pack("<I", crc32(packet, crc32(head)))))


class Abridged:
    """A byte of length in words, or three more where that is too little."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next packet."""
        words = (await reader.readexactly(1))[0]
        if words >= _LONG:
            words = int.from_bytes(await reader.readexactly(3), "little")
        return await reader.readexactly(words * 4)

    def frame(self, packet: bytes) -> bytes:
        """A packet with its length."""
        words = len(packet) // 4
        return (bytes([words]) if words < _LONG else b"\x7f" + words.to_bytes(3, "little")) + packet


class Intermediate:
    """Four bytes of length."""

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The next packet."""
        length = int.from_bytes(await reader.readexactly(4), "little")
        if length > _LARGEST:
            message = f"a packet of {length} bytes"
            raise MalformedError(message)
        return await reader.readexactly(length)

    def frame(self, packet: bytes) -> bytes:
        """A packet with its length."""
        return struct.pack("<i", len(packet)) + packet


async def codec(reader: asyncio.StreamReader) -> Codec:
    """The codec that the client announces; full is the one without an announcement."""
    head = await reader.readexactly(1)
    if head == _ABRIDGED:
        return Abridged()
    head += await reader.readexactly(3)
    return Intermediate() if head == _INTERMEDIATE else Full(head)


class Message(NamedTuple):
    """A decrypted message: its body is a TL object's bytes, with what follows it."""

    salt: int
    session: int
    id: int
    sequence: int
    body: bytes


@dataclass(slots=True)
class Key:
    """An authorization key and who is logged in with it; each belongs to one data centre."""

    auth: Any
    dc: int
    account: int | None = None
    pending: int | None = None
    salt: int = field(default_factory=lambda: int.from_bytes(os.urandom(8), "little", signed=True))
    sessions: set[int] = field(default_factory=set)

    @classmethod
    def fresh(cls, dc: int, account: int) -> "Key":
        """A key that was never negotiated; its first byte is kept from 0, as it is read as a number."""
        return cls(AuthKey(b"\x01" + os.urandom(255)), dc, account)

    def opened(self, packet: bytes) -> Message:
        """Decrypt a packet from the client."""
        secret, msg_key = self.auth.key, packet[8:24]
        if len(packet) < _SMALLEST or len(packet) % 16 != _SMALLEST % 16:
            message = f"an encrypted packet of {len(packet)} bytes"
            raise MalformedError(message)
        plain = AES.decrypt_ige(packet[24:], *_aes(secret, msg_key, 0))
        if sha256(secret[88:120] + plain).digest()[8:24] != msg_key:
            raise MalformedError("a wrong message key")
        salt, session, number, sequence, length = struct.unpack_from("<qqqii", plain)
        return Message(salt, session, number, sequence, plain[32 : 32 + length])

    def sealed(self, message: Message) -> bytes:
        """Encrypt a message for the client."""
        secret = self.auth.key
        head = struct.pack(
            "<qqqii", message.salt, message.session, message.id, message.sequence, len(message.body)
        )
        padding = os.urandom(-(len(message.body) + 12) % 16 + 12)
        # The head is 32 bytes, so that only the body and the padding decide about the blocks of 16.
        plain = b"".join((head, message.body, padding))
        digest = sha256(secret[96:128])
        digest.update(plain)
        msg_key = digest.digest()[8:24]
        cipher = AES.encrypt_ige(plain, *_aes(secret, msg_key, 8))
        return b"".join((struct.pack("<Q", self.auth.key_id), msg_key, cipher))


def _aes(secret: bytes, msg_key: bytes, x: int) -> tuple[bytes, bytes]:
    """The AES key and vector of a message; x is 0 from the client and 8 to it."""
    a = sha256(msg_key + secret[x : x + 36]).digest()
    b = sha256(secret[x + 40 : x + 76] + msg_key).digest()
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


@dataclass(slots=True)
class Numbers:
    """Message ids of a server: about the time in 2^-32 seconds, ascending, 1 above a multiple of 4."""

    last: int = 0

    def next(self) -> int:
        """The next id."""
        now = int(time.time() * (1 << 32)) & ~3 | 1
        self.last = max(now, self.last + 4)
        return self.last
