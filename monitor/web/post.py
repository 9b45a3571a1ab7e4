"""The stable page of one version of a post, to be linked and cited: what it said, when, and its hash.

The address is /p/<channel>/<message>@v<version>, by Telegram's ids, which no rename changes. A version that was
purged on lawful request is said to be so.
"""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor.model import VersionKey
from monitor.store import casefile, media
from monitor.store.casefile import PostFacts, Version
from monitor.telegram_links import post_link
from monitor.web import marks
from monitor.web.auth import SignedIn
from monitor.web.citation import Cited, apa, bibtex
from monitor.web.pages import page
from monitor.web.site import site_of

router = APIRouter()


@router.get("/p/{channel_id:int}/{message_id:int}@v{version:int}")
async def post_page(
    request: Request, user: SignedIn, channel_id: int, message_id: int, *, version: int
) -> Response:
    """The page."""
    of = VersionKey(channel_id, message_id, version)
    async with site_of(request).database.transaction() as tx:
        post = await casefile.facts(tx, channel_id, message_id)
        versions = await casefile.versions(tx, channel_id, message_id)
        spans = marks.spans_of(await casefile.flags(tx, of))
        figures = await casefile.figures(tx, of)
        case_id = await casefile.case_of(tx, channel_id, message_id)
        file = await media.of_version(tx, channel_id, message_id, version=version)
    shown = next((one for one in versions if one.version == version), None)
    if post is None or shown is None:
        raise HTTPException(404)
    cited = _cited(request, post, shown)
    pieces = marks.pieces(shown.text, spans, [one.figure for one in figures])
    return page(
        request,
        "post.html",
        post=post,
        shown=shown,
        versions=versions,
        held={"pieces": pieces, "spans": spans, "figures": figures},
        cited=cited,
        apa=apa(cited),
        bibtex=bibtex(cited),
        case_id=case_id,
        file=file,
    )


def _cited(request: Request, post: PostFacts, shown: Version) -> Cited:
    site = site_of(request)
    base = site.options.public_url or str(request.base_url).rstrip("/")
    return Cited(
        channel_id=post.channel_id,
        title=post.title_then or post.title,
        handle=post.handle,
        message_id=post.message_id,
        version=shown.version,
        posted_at=post.posted_at,
        seen_at=shown.seen_at,
        sha256=shown.sha256,
        url=f"{base}/p/{post.channel_id}/{post.message_id}@v{shown.version}",
        telegram_url=post_link(post.handle, post.message_id),
        text=shown.text,
    )
