"""The handover of a shift: a note to whoever is next, beside what waits; the next analyst accepts it."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from monitor.errors import Conflict
from monitor.model import User
from monitor.store import handovers
from monitor.store.queue import ViewOf
from monitor.web.auth import Analyst, see
from monitor.web.pages import page, texts_of
from monitor.web.queue import COUNTED, PATHS, counted
from monitor.web.site import site_of

router = APIRouter(prefix="/handover")
LONGEST_NOTE = 4000
MOST_OPEN, MOST_ACCEPTED = 20, 10
# What the next analyst will ask for.
_STANDS = (ViewOf.QUEUE, ViewOf.MINE, ViewOf.OVERDUE, ViewOf.SECOND_LOOK, ViewOf.ESCALATED, ViewOf.SNOOZED)
_NOTICES = frozenset({"given", "accepted"})


@router.get("")
async def handover_page(request: Request, user: Analyst, done: str = "") -> Response:
    """The page."""
    notice = texts_of(request)(f"handover.done.{done}") if done in _NOTICES else None
    return await _shown(request, user, notice=notice)


async def _shown(
    request: Request, user: User, *, status: int = 200, problem: str = "", notice: str | None = None
) -> Response:
    async with site_of(request).database.transaction() as tx:
        waiting = await handovers.open_ones(tx, limit=MOST_OPEN)
        accepted = await handovers.accepted(tx, limit=MOST_ACCEPTED)
        views = await counted(tx, request, user)
    return page(
        request,
        "handover.html",
        status=status,
        waiting=waiting,
        accepted=accepted,
        stands={view: (PATHS[view], views[view]) for view in _STANDS},
        problem=problem,
        notice=notice,
        longest=LONGEST_NOTE,
        counts={name: views[view] for name, view in COUNTED.items()},
    )


@router.post("")
async def give(request: Request, user: Analyst, note: Annotated[str, Form()] = "") -> Response:
    """Leave a note."""
    words = note.replace("\x00", "").strip()[:LONGEST_NOTE]
    if not words:
        return await _shown(request, user, status=400, problem=texts_of(request)("handover.problem"))
    site = site_of(request)
    async with site.database.transaction() as tx:
        await handovers.give(tx, user.user_id, words, now=site.now())
    return see("/handover?done=given")


@router.post("/accept")
async def accept(request: Request, user: Analyst, handover: Annotated[int, Form()]) -> Response:
    """Accept a note. Raises Conflict where another did before."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        done = await handovers.accept(tx, handover, user.user_id, now=site.now())
    if not done:
        raise Conflict(
            "this note waits for nobody", "another accepted it", "see the handovers", kind="accepted"
        )
    return see("/handover?done=accepted")
