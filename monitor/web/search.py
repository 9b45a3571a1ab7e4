"""The page that searches all posts; every filter is in its address, and so in that of its feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from monitor.errors import SearchRefused, UsageError
from monitor.model import channel_of
from monitor.store import claims, indexing, users
from monitor.store import search as searching
from monitor.store.database import Transaction
from monitor.store.search import CLOSED, OPENED, Asked, Hit
from monitor.web.auth import SignedIn
from monitor.web.frame import counts_of
from monitor.web.pages import page, texts_of
from monitor.web.site import site_of

MOST = 100
LONGEST_MS = 10_000
_LONGEST_WORDS = 300
# What an address may name; whatever else stands in it is not looked at.
FIELDS = ("q", "regex", "newest", "channel", "topic", "since", "until")

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: hits and whether there are more, or the name of the text that says why none, with its values."""

    hits: Sequence[Hit] = ()
    more: bool = False
    problem: str = ""
    why: str = ""


@router.get("/search")
async def search_page(request: Request, user: SignedIn) -> Response:
    """The form, and what is found."""
    given = given_in(request.query_params)
    found = await find(request, given) if given else Found()
    async with site_of(request).database.transaction() as tx:
        seen = await _seen(tx, user.user_id, given, found)
        counts = await counts_of(tx, request, user)
    texts = texts_of(request)
    return page(
        request,
        "search.html",
        status=400 if found.problem else 200,
        given=dict.fromkeys(FIELDS, "") | given,
        searched=bool(given),
        hits=[(hit, marked(hit.excerpt)) for hit in found.hits],
        problem=texts(found.problem, why=found.why) if found.problem else "",
        more=found.more,
        counts=counts,
        **seen,
    )


async def _seen(tx: Transaction, user_id: int, given: Mapping[str, str], found: Found) -> dict[str, Any]:
    """What stands around the hits: topics to choose from, the feed, and why nothing may be found."""
    token = await users.feed_token(tx, user_id)
    words = given.get("q", "")
    fruitless = not found.hits and not found.problem and words and "regex" not in given
    return {
        "topics": await claims.topics(tx),
        "feed": f"/feed/{token}.atom?{urlencode(given)}" if token else None,
        "common": bool(fruitless) and await searching.only_common(tx, words),
        "due": await indexing.any_due(tx),
    }


def given_in(values: Mapping[str, str]) -> dict[str, str]:
    """The filters of an address, those without a value left out."""
    # No text in the database can hold a zero byte.
    given = {name: values.get(name, "").replace("\0", "").strip()[:_LONGEST_WORDS] for name in FIELDS}
    return {name: value for name, value in given.items() if value}


async def find(request: Request, given: Mapping[str, str]) -> Found:
    """Search as an address asks for."""
    try:
        since, until = (_day(given[name]) if name in given else None for name in ("since", "until"))
    except ValueError:
        return Found(problem="search.problem.date")
    try:
        channel = channel_of(given["channel"]) if "channel" in given else None
    except UsageError:
        return Found(problem="search.problem.channel", why=given["channel"])
    asked = Asked(
        words=given.get("q", ""),
        regex="regex" in given,
        newest="newest" in given,
        channel=channel,
        topic=given.get("topic"),
        since=since,
        until=until,
        most=MOST + 1,
    )
    try:
        async with site_of(request).database.transaction() as tx:
            hits = await searching.find(tx, asked, timeout_ms=LONGEST_MS)
    except SearchRefused as refused:
        return Found(problem=f"search.problem.{refused.kind}", why=refused.why)
    return Found(hits[:MOST], more=len(hits) > MOST)


def _day(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def marked(excerpt: str) -> Markup:
    """An excerpt with what matched in <mark>; everything else is escaped."""
    escaped = str(Markup.escape(excerpt))
    return Markup(escaped.replace(OPENED, "<mark>").replace(CLOSED, "</mark>"))  # noqa: S704 - escaped above
