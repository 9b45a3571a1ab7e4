"""Files that posts bear, as they were fetched: by their SHA-256, to whoever is signed in, and never before they are asked for.

A channel chose what is in them. So pictures of the plain kinds alone are shown; all else is handed out to be saved,
under a name of ours, and nothing in it may run.
"""

import mimetypes
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from monitor import media
from monitor.store import media as kept
from monitor.web.auth import SignedIn
from monitor.web.site import site_of

router = APIRouter()
SHOWN = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"))
_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_DIGITS = 64


@router.get("/media/{sha256}")
async def file(request: Request, user: SignedIn, sha256: str) -> Response:
    """One file."""
    site = site_of(request)
    digest = _digest_of(sha256)
    async with site.database.transaction() as tx:
        mime_type = await kept.mime_type(tx, digest) if digest else None
    if digest is None or mime_type is None or site.options.media is None:
        raise HTTPException(404)
    path = media.path_of(site.options.media, digest)
    if not path.is_file():
        raise HTTPException(404)
    return _answer(path, mime_type.lower(), name=sha256[:16])


def _answer(path: Path, mime_type: str, *, name: str) -> Response:
    shown = mime_type in SHOWN
    return FileResponse(
        path,
        media_type=mime_type if shown else "application/octet-stream",
        filename=name + (mimetypes.guess_extension(mime_type) or ".bin"),
        content_disposition_type="inline" if shown else "attachment",
        headers={"content-security-policy": _POLICY},
    )


def _digest_of(written: str) -> bytes | None:
    """The hash in an address; None for what is none as ours are written."""
    hexadecimal = len(written) == _DIGITS and all(digit in "0123456789abcdef" for digit in written)
    return bytes.fromhex(written) if hexadecimal else None
