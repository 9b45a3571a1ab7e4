"""The channels: which are watched and how they go, and one of them with its pace, its gaps, its edits and its names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor.store import channels, coverage
from monitor.store.channels import MONTH, WEEK, Card
from monitor.store.coverage import OK, Looks
from monitor.web.auth import SignedIn
from monitor.web.frame import counts_of
from monitor.web.pages import page, texts_of
from monitor.web.site import site_of
from monitor.web.trend import trend
from monitor.words import MONTHS

router = APIRouter()
# What a page lists of each: the newest; it says how many more there are.
MOST_RANGES, MOST_FAILURES, MOST_ROWS = 50, 30, 60
_DAY = timedelta(days=1)


@router.get("/channels")
async def channels_page(request: Request, user: SignedIn) -> Response:
    """The list."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        cards = await channels.cards(tx, now=site.now())
        counts = await counts_of(tx, request, user)
    return page(
        request, "channels.html", cards=cards, state_of=state_of, pace=Pace(site.now()), counts=counts
    )


def state_of(card: Card) -> str:
    """How a channel stands: `ok`, `new`, `failing`, `paused` or `unwatched`."""
    if not card.watched:
        return "unwatched"
    if card.paused_at is not None:
        return "paused"
    if card.problem is not None:
        return "failing"
    return "ok" if card.last_look_at is not None else "new"


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of channels at a time, in posts a day."""

    now: datetime

    def week(self, card: Card) -> float:
        """Over 7 days."""
        return pace(card.week, card.first_post_at, WEEK, now=self.now)

    def month(self, card: Card) -> float:
        """Over 30 days."""
        return pace(card.month, card.first_post_at, MONTH, now=self.now)


def pace(posts: int, first_at: datetime | None, length: timedelta, *, now: datetime) -> float:
    """Posts a day over a length of time, or since the oldest post held where that is less; at least over one day."""
    held = length if first_at is None else min(length, now - first_at)
    return posts / (max(held, _DAY) / _DAY)


@router.get("/channel/{channel_id}")
async def channel_page(request: Request, user: SignedIn, channel_id: int) -> Response:
    """One channel."""
    site = site_of(request)
    now = site.now()
    async with site.database.transaction() as tx:
        card = await channels.card(tx, channel_id, now=now)
        if card is None:
            raise HTTPException(404)
        ranges = await coverage.of_channel(tx, channel_id, handle=card.handle or "")
        looks = await coverage.listed(
            tx, handle=(card.handle or "").lower(), since=now - MONTH, channel_id=channel_id
        )
        gaps = await coverage.gaps(tx, since=now - MONTH, until=now, channel_ids=[channel_id])
        rates = [await channels.rates(tx, channel_id, since=since) for since in (None, now - MONTH)]
        subscribers = await channels.subscribers(tx, channel_id)
        names = await channels.names(tx, channel_id)
        counts = await counts_of(tx, request, user)
    line = [(one.seen_at, float(one.subscribers)) for one in subscribers]
    return page(
        request,
        "channel.html",
        card=card,
        state=state_of(card),
        pace=Pace(now),
        ranges=ranges,
        most=MOST_RANGES,
        failed=failures(looks),
        gaps=gaps[::-1][:MOST_RANGES],
        rates=rates,
        subscribers=subscribers[::-1][:MOST_ROWS],
        first=subscribers[0].subscribers if subscribers else None,
        line=trend(line, until=now, months=MONTHS[texts_of(request).language]),
        names=names,
        counts=counts,
    )


def failures(looks: Sequence[Looks]) -> list[Looks]:
    """The looks that gave nothing, the newest first."""
    return [look for look in reversed(looks) if look.outcome != OK][:MOST_FAILURES]
