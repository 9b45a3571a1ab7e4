"""The page on which a reader of the digest unsubscribes, without signing in.

To look at it changes nothing, since mail scanners open every link; only a POST does, a provider's one-click one too
(RFC 8058). The page is found by whoever has its address, and by no search engine.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from monitor.store import readers
from monitor.web.pages import page
from monitor.web.security import UNSUBSCRIBING
from monitor.web.site import site_of

router = APIRouter(prefix="/u")


@router.get("/{token}")
async def ask(request: Request, token: str) -> Response:
    """The button."""
    return await _shown(request, token)


@router.post("/{token}")
async def stop(request: Request, token: str) -> Response:
    """Unsubscribe whoever has this token; whatever the form says, there is only one thing to do."""
    if UNSUBSCRIBING.fullmatch(request.url.path):
        site = site_of(request)
        async with site.database.transaction() as tx:
            await readers.unsubscribe(tx, token, now=site.now())
    return await _shown(request, token)


async def _shown(request: Request, token: str) -> Response:
    # What cannot be a token is not asked of the database, which cannot take every text.
    reader = await _reader(request, token) if UNSUBSCRIBING.fullmatch(request.url.path) else None
    return page(
        request,
        "unsubscribe.html",
        status=200 if reader else 404,
        headers={"x-robots-tag": "noindex, nofollow"},
        address=reader.address if reader else None,
        done=reader is not None and reader.unsubscribed_at is not None,
    )


async def _reader(request: Request, token: str) -> readers.Known | None:
    """Whose page it is; it then speaks the language of their digests."""
    async with site_of(request).database.transaction() as tx:
        reader = await readers.of_token(tx, token)
        if reader is not None:
            request.state.spoken = await readers.language_of(tx, reader.address)
    return reader
