"""The figures board: who claimed what of a topic within a window of time, by channel and kind.

The window stands in the URL, half-open and in UTC: a day as `since` is its beginning, as `until` its end. What the
URL cannot mean is left out; without a window it is the week that ends with the newest post of a case.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from monitor.model import KINDS, Scope, Side
from monitor.store import claims
from monitor.store.claims import MOST_CLAIMS, Stated, Wanted
from monitor.web.auth import SignedIn
from monitor.web.contradictions import Bounds, Claim
from monitor.web.frame import counts_of
from monitor.web.pages import page, texts_of
from monitor.web.scales import Window
from monitor.web.site import site_of
from monitor.web.texts import Texts
from monitor.web.timeline import board
from monitor.words import MONTHS

router = APIRouter()
WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
# Nothing on the platform lies outside, and nearer the ends of the calendar its arithmetic breaks.
YEARS = range(2000, 2100)
LONGEST_QUOTE = 200
# What `templates/board_panel.svg.html` says, and the texts that say it.
_WORDS = {
    "channel": "board.channel",
    "time": "board.time",
    "quote": "board.quote",
    "figure": "board.figure",
    "side": "board.side",
    "first read as": "board.first",
    "contradicted by": "board.against",
    "corrected from": "board.corrected",
    "rejected": "figure.rejected",
    "inferred": "board.inferred",
    "contradictions not drawn": "board.undrawn",
}


@router.get("/board")
async def board_page(request: Request, user: SignedIn) -> Response:
    """The page."""
    site, texts, asked = site_of(request), texts_of(request), request.query_params
    async with site.database.transaction() as tx:
        wanted = wanted_of(asked, newest=await claims.newest(tx) or site.now())
        topics = await claims.topics(tx)
        stated = await claims.stated(tx, wanted, limit=MOST_CLAIMS + 1)
        counts = await counts_of(tx, request, user)
    shown = claims_of(stated[:MOST_CLAIMS])
    return page(
        request,
        "board.html",
        wanted=wanted,
        panels=board(shown, Window(wanted.since, wanted.until), months=MONTHS[texts.language]),
        claims=len(shown),
        capped=len(stated) > MOST_CLAIMS,
        topics=topics,
        sides=tuple(side.value for side in Side),
        last_day=(wanted.until - timedelta(microseconds=1)).date(),
        said=said_in(texts),
        counts=counts,
    )


def wanted_of(values: Mapping[str, str], *, newest: datetime) -> Wanted:
    """What a URL asks for; a window that ends before it begins is a week too."""
    side, topic = values.get("side", ""), values.get("topic", "")
    until = _moment(values.get("until", ""), whole=True) or _midnight(newest.astimezone(UTC).date()) + _DAY
    since = _moment(values.get("since", ""), whole=False)
    return Wanted(
        since=since if since and since < until else until - WEEK,
        until=until,
        topic=topic if topic.isprintable() and topic else None,
        side=Side(side) if side in tuple(Side) else None,
    )


def _moment(written: str, *, whole: bool) -> datetime | None:
    """A day or a time as a URL has it, in UTC where it names no zone; a day that is taken `whole` is its end."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return _time(written)
    return _midnight(day) + _DAY * whole if day.year in YEARS else None


def _time(written: str) -> datetime | None:
    # Where a URL is typed by hand, its plus is a space.
    try:
        at = datetime.fromisoformat(written.replace(" ", "+"))
    except ValueError:
        return None
    if at.year not in YEARS:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def claims_of(stated: Sequence[Stated]) -> list[Claim]:
    """The claims as the board draws them."""
    return [_claim(one) for one in stated]


def _claim(one: Stated) -> Claim:
    read, now = _bounds(one.first_low, one.first_high), _bounds(one.low, one.high)
    return Claim(
        channel=str(one.channel_id),
        title=one.title or one.handle or str(one.channel_id),
        at=one.posted_at,
        kind=one.kind,
        low=now[0],
        high=now[1],
        side=one.side,
        inferred=one.inferred,
        qualifier=one.qualifier if now == read else "exact",
        quote=" ".join(one.quote.split())[:LONGEST_QUOTE],
        url=f"/p/{one.channel_id}/{one.message_id}@v{one.version}",
        corrected_from=read if one.verdict == "corrected" else None,
        rejected=one.verdict == "rejected",
        scope=Scope(one.scope) if one.scope else None,
    )


def _bounds(low: float | None, high: float | None) -> Bounds:
    """Bounds, open where one is no number that could be drawn: a person may have typed it."""
    return tuple(None if one is None or not isfinite(one) else one for one in (low, high))  # type: ignore[return-value]


def said_in(texts: Texts) -> dict[str, str]:
    """What the panels say, by the words that their template has for it. Kinds that the rules add keep their names."""
    kinds = {kind: texts(f"kind.{kind}") for kind in KINDS}
    sides = {side.value: texts(f"side.{side.value}") for side in Side}
    return kinds | sides | {word: texts(name) for word, name in _WORDS.items()}
