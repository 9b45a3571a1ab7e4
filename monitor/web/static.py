"""The style and the script, read once. Their address bears a hash of all of them, so that they may be kept for a year."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

_PLACE = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

router = APIRouter()


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(_PLACE.iterdir()) if path.suffix in _TYPES}


@cache
def fingerprint() -> str:
    """Sixteen hexadecimal digits that change with any file."""
    digest = sha256()
    for name, body in _files().items():
        digest.update(f"{name} {len(body)}\n".encode() + body)
    return digest.hexdigest()[:16]


def asset(name: str) -> str:
    """The address of a file. Raises KeyError where there is none of that name."""
    return f"/static/{fingerprint()}/{name}" if _files()[name] else ""


@router.get("/static/{version}/{name}")
async def static(version: str, name: str) -> Response:
    """One file; under an old address it is the present one, and is not kept."""
    if name not in _files():
        raise HTTPException(404)
    lasting = "public, max-age=31536000, immutable" if version == fingerprint() else "no-cache"
    return Response(_files()[name], media_type=_TYPES[Path(name).suffix], headers={"cache-control": lasting})
