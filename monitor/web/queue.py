"""The queue and its views, the claim of the next case, and decisions on several cases at once.

Getting a page only reads: a case is claimed by a POST, so that nothing that a browser fetches ahead is held.
The view and what it is narrowed to stand in the URL, and go along as one string through claims and decisions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from monitor import decide
from monitor.errors import Conflict
from monitor.model import User, Verdict
from monitor.store import decisions, handovers, queue
from monitor.store.database import Transaction
from monitor.store.queue import Filter, Place, ViewOf
from monitor.web.auth import Analyst, SignedIn, see
from monitor.web.pages import page, texts_of
from monitor.web.site import site_of

router = APIRouter()
PAGE = 50
LONGEST_WORDS = 100
PATHS = {
    ViewOf.QUEUE: "/queue",
    ViewOf.MINE: "/mine",
    ViewOf.NOBODYS: "/nobodys",
    ViewOf.OVERDUE: "/overdue",
    ViewOf.SECOND_LOOK: "/second-look",
    ViewOf.ESCALATED: "/escalated",
    ViewOf.SNOOZED: "/snoozed",
    ViewOf.DECIDED: "/decided",
    ViewOf.RECENT: "/recent",
    ViewOf.CLOSED: "/closed",
}
# The names that pages link to, and the view that each counts.
COUNTED = {
    "queue": ViewOf.QUEUE,
    "mine": ViewOf.MINE,
    "second_look": ViewOf.SECOND_LOOK,
    "nobodys": ViewOf.NOBODYS,
}


def filter_of(values: Mapping[str, str], view: ViewOf, request: Request) -> Filter:
    """What a URL or a form asks for; what it cannot mean is left out."""
    verdict, words = values.get("verdict", ""), " ".join(values.get("q", "").split())[:LONGEST_WORDS]
    return Filter(
        view=view,
        topic=values.get("topic") or None,
        handle=values.get("channel") or None,
        verdict=Verdict(verdict) if verdict in tuple(Verdict) else None,
        words=words.replace("\0", "") or None,
        overdue=site_of(request).options.review.overdue,
    )


def query_of(wanted: Filter, **more: str) -> str:
    """The part of a URL that narrows a view, with its question mark."""
    named = {
        "topic": wanted.topic,
        "channel": wanted.handle,
        "verdict": wanted.verdict and wanted.verdict.value,
        "q": wanted.words,
    }
    given = {name: value for name, value in {**named, **more}.items() if value}
    return f"?{urlencode(given)}" if given else ""


def path_of(wanted: Filter, **more: str) -> str:
    """The address of a view."""
    return PATHS[wanted.view] + query_of(wanted, **more)


async def counted(tx: Transaction, request: Request, user: User) -> dict[ViewOf, int]:
    """How many cases each view holds."""
    site = site_of(request)
    return await queue.counts(tx, user_id=user.user_id, now=site.now(), overdue=site.options.review.overdue)


def _view(view: ViewOf) -> None:
    async def shown(request: Request, user: SignedIn) -> Response:
        return await _listed(request, user, view)

    router.add_api_route(PATHS[view], shown, name=f"view {view}")


for one in PATHS:
    _view(one)


async def _listed(request: Request, user: User, view: ViewOf) -> Response:
    """A view, page by page."""
    site, wanted = site_of(request), filter_of(request.query_params, view, request)
    after = place_of(request.query_params.get("after", ""))
    async with site.database.transaction() as tx:
        rows = await queue.listed(
            tx, wanted, user_id=user.user_id, now=site.now(), limit=PAGE + 1, after=after
        )
        counts = await counted(tx, request, user)
        last = await queue.newest(tx)
        waits = await handovers.waiting(tx)
    more = path_of(wanted, after=_written(rows[PAGE - 1].place)) if len(rows) > PAGE else None
    return page(
        request,
        "queue.html",
        rows=rows[:PAGE],
        newest=last,
        handover=waits,
        wanted=wanted,
        views=counts,
        paths=PATHS,
        counts={name: counts[counted_as] for name, counted_as in COUNTED.items()},
        more=more,
        plain=path_of(Filter(view)),
        came=view_string(wanted),
        notice=_notice(request),
        undo_batch=request.query_params.get("batch", ""),
        undo=request.query_params.get("undo", ""),
    )


def _notice(request: Request) -> str | None:
    done = request.query_params.get("done", "")
    known = {"empty", "undone", "decided", "bulk", "released"}
    return texts_of(request)(f"queue.done.{done}") if done in known else None


def place_of(written: str) -> Place | None:
    """A place in the order as a URL has it; None for what is none."""
    moment, _, case_id = written.partition("~")
    try:
        return Place(datetime.fromisoformat(moment), int(case_id))
    except ValueError:
        return None


def _written(place: Place) -> str:
    return f"{place.rank_at.isoformat()}~{place.case_id}"


@router.get("/newest")
async def newest(request: Request, user: SignedIn) -> Response:
    """The newest case, for a page whose stream does not come through."""
    async with site_of(request).database.transaction() as tx:
        return JSONResponse({"case_id": await queue.newest(tx)})


# --- the view as one string ---------------------------------------------------------------------------------


def view_string(wanted: Filter) -> str:
    """A view and what narrows it, as forms carry it: `queue?topic=kursk`."""
    return wanted.view.value + query_of(wanted)


def view_of(came: str, request: Request) -> Filter:
    """The view that a form came from; the queue where it says none."""
    name, _, query = came.partition("?")
    view = ViewOf(name) if name in tuple(ViewOf) else ViewOf.QUEUE
    return filter_of(dict(parse_qsl(query)), view, request)


@router.post("/next")
async def claim_next(request: Request, user: Analyst, came: Annotated[str, Form()] = "") -> Response:
    """Claim the first free case of a view, and go to it."""
    async with site_of(request).database.transaction() as tx:
        case_id = await next_of(tx, request, user, came)
    return go_on(request, case_id, came)


async def next_of(tx: Transaction, request: Request, user: User, came: str) -> int | None:
    """Claim the next case of the view that a form came from; those with a state of their own have none."""
    site = site_of(request)
    wanted = view_of(came, request)
    return await decisions.claim_next(
        tx, user.user_id, wanted, now=site.now(), lasting=site.options.review.claim
    )


def go_on(request: Request, case_id: int | None, came: str, **more: str) -> Response:
    """Go to a case, or back to the view where there is none left."""
    if case_id is None:
        return see(path_of(view_of(came, request), **({"done": "empty"} | more)))
    query = urlencode({"came": came} | more)
    return see(f"/case/{case_id}?{query}")


@router.post("/bulk")
async def decide_several(
    request: Request,
    user: Analyst,
    *,
    verdict: Annotated[Verdict, Form()],
    cases: Annotated[list[int], Form()] = [],  # noqa: B006 - FastAPI copies it
    came: Annotated[str, Form()] = "",
) -> Response:
    """One decision on each case that is chosen; those that another holds, or that were edited, are left."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        batch = await decisions.new_batch(tx)
    left = 0
    for case_id in cases[:PAGE]:
        try:
            async with site.database.transaction() as tx:
                await decide.decide_unread(tx, case_id, user.user_id, verdict, batch=batch, now=site.now())
        except Conflict:
            left += 1
    more = {"left": str(left)} if left else {}
    return see(path_of(view_of(came, request), done="bulk", batch=str(batch), **more))


@router.post("/undo-batch")
async def undo_batch(
    request: Request, user: Analyst, batch: Annotated[int, Form()], came: Annotated[str, Form()] = ""
) -> Response:
    """Take a whole batch back."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        for decision_id in await decisions.batch_of(tx, batch, user.user_id):
            await decide.undo(tx, decision_id, user.user_id, now=site.now())
    return see(path_of(view_of(came, request), done="undone"))
