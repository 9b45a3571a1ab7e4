"""Digests as they were made: the list, and the whole of one, of which a mail has what fits.

The page of a digest is kept as it was composed, with its own style; the policy of its answer allows that one alone, by
its hash, and no script at all.
"""

import re
from base64 import b64encode
from hashlib import sha256

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor.store import editions
from monitor.web.auth import SignedIn
from monitor.web.frame import counts_of
from monitor.web.pages import page
from monitor.web.site import site_of

router = APIRouter()
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@router.get("/digests")
async def digests_page(request: Request, user: SignedIn) -> Response:
    """The list."""
    async with site_of(request).database.transaction() as tx:
        listed = await editions.listed(tx)
        counts = await counts_of(tx, request, user)
    return page(request, "digests.html", listed=listed, counts=counts)


@router.get("/digest/{edition_id}")
async def digest_page(request: Request, user: SignedIn, edition_id: int) -> Response:
    """One digest, whole."""
    async with site_of(request).database.transaction() as tx:
        edition = await editions.get(tx, edition_id)
    if edition is None:
        raise HTTPException(404)
    return HTMLResponse(edition.page, headers={"content-security-policy": policy_of(edition.page)})


def policy_of(html: str) -> str:
    """What a page may do: be styled by its own first style, and nothing else."""
    style = _STYLE.search(html)
    digest = b64encode(sha256((style.group(1) if style else "").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox allow-top-navigation-by-user-activation"
    )
