"""Atom feeds of searches (RFC 4287), for feed readers, which cannot sign in: the address stands for a user.

The newest posts that match are the entries; one that is edited keeps its id, and says when it last changed.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from xml.etree import ElementTree

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from monitor.store import users
from monitor.store.search import Hit
from monitor.telegram_links import post_link
from monitor.web.search import find, given_in
from monitor.web.site import site_of
from monitor.web.texts import Texts

ATOM = "http://www.w3.org/2005/Atom"
_LONGEST_TITLE = 100
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# XML 1.0 §2.2 has no way to write these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

router = APIRouter()


@router.get("/feed/{token}.atom")
async def atom(request: Request, token: str) -> Response:
    """The newest posts that match the address; 304 where they are as the reader has them."""
    if not _TOKEN.fullmatch(token):
        raise HTTPException(404)
    async with site_of(request).database.transaction() as tx:
        user = await users.of_feed(tx, token)
    if user is None:
        raise HTTPException(404)
    found = await find(request, given_in(request.query_params) | {"newest": "1"})
    if found.problem:
        words = Texts(user.language)(found.problem, why=found.why)
        return PlainTextResponse(f"{words}\n", status_code=400)
    body = feed_of(request, found.hits)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, max-age=60", "x-robots-tag": "noindex"}
    # A list, in which a proxy may have marked tags as weak (RFC 9110 §13.1.2).
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/atom+xml; charset=utf-8", headers=headers)


def feed_of(request: Request, posts: Sequence[Hit]) -> bytes:
    """The feed as XML."""
    site = site_of(request)
    base = site.options.public_url or str(request.base_url).rstrip("/")
    query = f"?{request.url.query}" if request.url.query else ""
    feed = ElementTree.Element("feed", xmlns=ATOM)
    words = request.query_params.get("q", "").strip()
    _add(feed, "title", words or "Telegram channels")
    _add(feed, "id", f"{base}/search{query}")
    ElementTree.SubElement(feed, "link", rel="alternate", type="text/html", href=f"{base}/search{query}")
    newest = max((post.changed_at for post in posts), default=datetime(1970, 1, 1, tzinfo=UTC))
    _add(feed, "updated", _written(newest))
    for post in posts:
        _entry(feed, post, base)
    drawn: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return drawn


def _entry(feed: ElementTree.Element, post: Hit, base: str) -> None:
    entry = ElementTree.SubElement(feed, "entry")
    line = " ".join(post.text.split())
    name = post.title or post.handle or str(post.channel_id)
    _add(entry, "title", line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1].rstrip() + "…")
    # As RFC 4151 has it; what it names never changes, whatever address the site gets.
    _add(entry, "id", f"tag:telegram.org,2013:{post.channel_id}/{post.message_id}")
    _add(entry, "published", _written(post.posted_at))
    _add(entry, "updated", _written(post.changed_at))
    _add(ElementTree.SubElement(entry, "author"), "name", name)
    page = f"{base}/p/{post.channel_id}/{post.message_id}@v{post.version}"
    ElementTree.SubElement(entry, "link", rel="alternate", type="text/html", href=page)
    if (telegram := post_link(post.handle, post.message_id)) is not None:
        ElementTree.SubElement(entry, "link", rel="via", type="text/html", href=telegram)
    for topic in post.topics:
        ElementTree.SubElement(entry, "category", term=topic)
    _add(entry, "content", post.text)


def _add(parent: ElementTree.Element, name: str, words: str) -> None:
    ElementTree.SubElement(parent, name).text = _UNWRITABLE.sub("", words)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
