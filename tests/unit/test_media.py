"""Files kept by their hash: once for each content, nothing half done, and no name of the outside is a path."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from monitor.media import Stored, TooBig, keep, path_of, remove

BODY = b"one" * 1000


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def broken() -> AsyncIterator[bytes]:
    yield b"the first half"
    raise ConnectionError("it broke")


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_a_file_is_kept_under_its_hash(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "media"
    stored = await keep(root, pieces(BODY[:7], BODY[7:]), largest=len(BODY))
    assert stored == Stored(sha256(BODY).digest(), len(BODY))
    written = sha256(BODY).hexdigest()
    assert path_of(root, stored.sha256) == root / written[:2] / written
    assert path_of(root, stored.sha256).read_bytes() == BODY
    assert files(root) == [f"{written[:2]}/{written}"]


async def test_a_content_is_kept_once(tmp_path: Path) -> None:
    first = await keep(tmp_path, pieces(BODY), largest=10_000)
    assert await keep(tmp_path, pieces(BODY[:1], BODY[1:]), largest=10_000) == first
    assert len(files(tmp_path)) == 1


async def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    stored = await keep(tmp_path, pieces(), largest=1)
    assert (stored.size, stored.sha256) == (0, sha256().digest())
    assert path_of(tmp_path, stored.sha256).read_bytes() == b""


@pytest.mark.parametrize("parts", [(BODY,), (BODY[:2999], b"ab"), (b"a",) * 3001])
async def test_what_is_too_big_leaves_nothing_behind(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    largest = 2999 if len(parts) == 1 else 3000
    with pytest.raises(TooBig, match=f"more than {largest} bytes"):
        await keep(tmp_path, pieces(*parts), largest=largest)
    assert list(tmp_path.iterdir()) == []


async def test_what_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        await keep(tmp_path, broken(), largest=10_000)
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_refuses_says_so(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.write_text("a file stands where the directory should")
    with pytest.raises(OSError, match="media"):
        await keep(root, pieces(BODY), largest=10_000)


async def test_nobody_else_can_enter(tmp_path: Path) -> None:
    root = tmp_path / "media"
    stored = await keep(root, pieces(BODY), largest=10_000)
    place = path_of(root, stored.sha256)
    assert [path.stat().st_mode & 0o777 for path in (root, place.parent)] == [0o700, 0o700]
    assert place.stat().st_mode & 0o111 == 0


async def test_a_file_is_removed_once(tmp_path: Path) -> None:
    stored = await keep(tmp_path, pieces(BODY), largest=10_000)
    assert remove(tmp_path, stored.sha256)
    assert not remove(tmp_path, stored.sha256)
    assert files(tmp_path) == []
    assert not remove(tmp_path / "never-made", stored.sha256)
