"""Files that posts bear: shown when asked for, in a way in which nothing in them can run."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from monitor import media
from monitor.store.database import Database
from monitor.web.app import make_app
from monitor.web.site import Options
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_review import Archive
from tests.integration.web_helpers import browser, let_in, someone

PICTURE = b"\x89PNG\r\n\x1a\n picture"
PAGE = b"<script>alert(1)</script>"
HANG = (
    "UPDATE monitor.posts SET media_kind = 'photo' WHERE message_id = :m",
    """UPDATE monitor.post_versions SET media_kind = 'photo', media = jsonb_build_object('id', CAST(:m AS bigint))
       WHERE message_id = :m""",
    """INSERT INTO monitor.media (media_id, channel_id, message_id, kind, size, mime_type, state, sha256)
       SELECT :m, channel_id, message_id, 'photo', :size, :type, :state, :sha FROM monitor.posts WHERE message_id = :m""",
)


class Shelf(Archive):
    """An archive of three posts with files on them, and an analyst's browser."""

    client: httpx.AsyncClient
    root: Path

    async def keep(self, message_id: int, body: bytes, mime_type: str | None, *, state: str = "kept") -> str:
        """Hang a file on a post; gives its hash."""

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        digest = sha256(body).digest()
        if state == "kept":
            assert (await media.keep(self.root, pieces(), largest=1000)).sha256 == digest
        values = {
            "m": message_id,
            "size": len(body),
            "type": mime_type,
            "state": state,
            "sha": digest if state == "kept" else None,
        }
        async with self.database.transaction() as tx:
            for statement in HANG:
                await tx.execute(text(statement), values)
        return digest.hex()

    async def case_page(self, message_id: int) -> str:
        rows = await ask(
            self.database, "SELECT case_id FROM monitor.case_posts WHERE message_id = :m", m=message_id
        )
        return (await self.client.get(f"/case/{rows[0].case_id}")).text


@pytest.fixture
async def shelf(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Shelf]:
    shelf = Shelf(database, tmp_path, clock)
    shelf.root = tmp_path / "media"
    await shelf.posts({1: "В Судже бой", 2: "Суджа ночью", 3: "Под Суджей тихо"})
    async with browser(make_app(database, now=clock, options=Options(media=shelf.root))) as client:
        await let_in(database, client, await someone(database, clock, "olya"), clock)
        shelf.client = client
        yield shelf


async def test_a_picture_is_linked_and_shown_when_it_is_asked_for(shelf: Shelf) -> None:
    digest = await shelf.keep(1, PICTURE, "image/png")
    html = await shelf.case_page(1)
    assert f'href="/media/{digest}"' in html
    assert "<img" not in html
    answer = await shelf.client.get(f"/media/{digest}")
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("mime_type", ["text/html", "image/svg+xml", "application/pdf", "IMAGE/SVG+XML", ""])
async def test_what_could_run_is_handed_out_to_be_saved(shelf: Shelf, mime_type: str) -> None:
    digest = await shelf.keep(1, PAGE, mime_type)
    answer = await shelf.client.get(f"/media/{digest}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{digest[:16]}.')
    assert answer.content == PAGE


async def test_what_was_not_fetched_says_why(shelf: Shelf) -> None:
    await shelf.keep(1, b"a", "image/png", state="too_big")
    await shelf.keep(2, b"b", "image/png", state="wanted")
    assert "It is bigger than is fetched." in await shelf.case_page(1)
    assert "It is still to be fetched." in await shelf.case_page(2)
    assert "/media/" not in await shelf.case_page(1)


async def test_there_is_nothing_else_to_be_had(shelf: Shelf) -> None:
    digest = await shelf.keep(1, PICTURE, "image/png")
    (shelf.root / "secret").write_text("secret", encoding="utf-8")
    for nothing in ("0" * 64, "secret", "..%2Fsecret", digest.upper(), digest[:-1], "%00"):
        assert (await shelf.client.get(f"/media/{nothing}")).status_code in (400, 404), nothing
    media.remove(shelf.root, bytes.fromhex(digest))
    assert (await shelf.client.get(f"/media/{digest}")).status_code == 404
    shelf.client.cookies.clear()
    assert (await shelf.client.get(f"/media/{digest}")).status_code == 303
