"""One file in by its hash: written piece by piece, kept under its SHA-256, once for each content.

No name of the outside is ever a path here; what is kept is `<two digits>/<the whole hash>`, without extension.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from monitor.errors import MonitorError


class TooBig(MonitorError):  # noqa: N818 - a verdict on the file
    """The file is bigger than is allowed, whatever was said of its size before."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was kept: the SHA-256 of the bytes, and how many they are."""

    sha256: bytes
    size: int


def path_of(root: Path, digest: bytes) -> Path:
    """Where the file of this SHA-256 lies."""
    written = digest.hex()
    return root / written[:2] / written


async def keep(root: Path, pieces: AsyncIterator[bytes], *, largest: int) -> Stored:
    """Keep a file whose bytes come in pieces. Raises TooBig beyond `largest` bytes, OSError if the disk refuses."""
    await asyncio.to_thread(_make, root)
    fresh = root / f".{uuid4().hex}"
    digest, size = sha256(), 0
    try:
        with await asyncio.to_thread(fresh.open, "xb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > largest:
                    raise TooBig(
                        f"more than {largest} bytes", "MONITOR_MEDIA_LARGEST sets how many are fetched"
                    )
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_to_disk, file.fileno())
        await asyncio.to_thread(_settle, fresh, path_of(root, digest.digest()))
    finally:
        await asyncio.to_thread(fresh.unlink, missing_ok=True)
    return Stored(digest.digest(), size)


def remove(root: Path, digest: bytes) -> bool:
    """Remove a kept file; gives whether it was there."""
    place = path_of(root, digest)
    there = place.exists()
    place.unlink(missing_ok=True)
    return there


def _make(root: Path) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)


def _to_disk(descriptor: int) -> None:
    os.fsync(descriptor)


def _settle(fresh: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    fresh.replace(place)
