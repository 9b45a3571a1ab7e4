"""The page of one case, and what is done there: claim, decide, take back, say whether a figure was read rightly.

The answer to a decision carries the next claimed case. What somebody else thought is not shown to whoever gives the
second look, until it is given.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor import decide
from monitor.model import KINDS, CaseState, Decided, Saying, Side, User, Verdict, VersionKey
from monitor.store import casefile, decisions, media, reasons
from monitor.store.casefile import CaseHead, PostFacts, ReadFigure, Version
from monitor.store.database import Transaction
from monitor.store.decisions import FigureSaid
from monitor.telegram_links import post_link
from monitor.web import marks
from monitor.web.auth import Analyst, SignedIn, see
from monitor.web.diff import diff
from monitor.web.pages import page, texts_of
from monitor.web.queue import COUNTED, counted, go_on, next_of, path_of, view_of
from monitor.web.site import site_of

router = APIRouter()
# How long a case may be put off, by the name that the form sends.
SNOOZES = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "12h": timedelta(hours=12)}
MORNING = time(8)
EDIT = "edit"
_KIND = re.compile("[a-z_]{0,40}")
SIDES = tuple(side.value for side in Side)
LONGEST_NOTE = 4000


@dataclass(frozen=True, slots=True)
class Held:
    """All that a case's page shows of the case and its first post."""

    head: CaseHead
    post: PostFacts
    versions: Sequence[Version]
    pieces: Sequence[marks.Piece]
    spans: Sequence[marks.TopicSpan]
    figures: Sequence[ReadFigure]


class Said(BaseModel):
    """The form of a decision; `channel`, `message` and `version` are what was read."""

    verdict: Verdict
    channel: int
    message: int
    version: int
    note: str = ""
    reason: str = ""
    opinion: str = ""
    wake: str = ""
    duplicate_of: str = ""
    came: str = ""


class FigureForm(BaseModel):
    """The form of a word on a figure: its place in the version that was read, and what it should be."""

    channel: int
    message: int
    version: int
    first: int
    end: int
    verdict: str
    kind: str = ""
    low: str = ""
    high: str = ""
    side: str = ""
    came: str = ""


@router.get("/case/{case_id}")
async def case_page(request: Request, user: SignedIn, case_id: int, came: str = "") -> Response:
    """The page."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        held = await _held(tx, case_id, now=site.now())
        if held is None:
            raise HTTPException(404)
        made = await decisions.of_case(tx, case_id)
        values: dict[str, Any] = {
            "members": await casefile.members(tx, case_id),
            "around": await casefile.around(tx, held.head.of.channel_id, held.head.of.message_id),
            "events": await casefile.events(tx, case_id),
            "reasons": await reasons.every(tx),
            "file": await media.of_version(
                tx, held.head.of.channel_id, held.head.of.message_id, version=held.head.of.version
            ),
        }
        counts = await counted(tx, request, user)
    return page(
        request,
        "case.html",
        held=held,
        mine=held.head.holder_id == user.user_id,
        decisions=shown_to(made, held.head, user),
        last=_last_of(made, user),
        reread=_reread(made, held),
        link=post_link(held.post.handle, held.post.message_id),
        counts={name: counts[view] for name, view in COUNTED.items()},
        came=came,
        back=path_of(view_of(came, request)),
        snoozes=SNOOZES,
        diff=diff,
        kinds=KINDS,
        sides=SIDES,
        notice=_notice(request),
        undo=request.query_params.get("undo", ""),
        **values,
    )


async def _held(tx: Transaction, case_id: int, *, now: datetime) -> Held | None:
    head = await casefile.head(tx, case_id, now=now)
    post = await casefile.facts(tx, head.of.channel_id, head.of.message_id) if head else None
    if head is None or post is None:
        return None
    versions = await casefile.versions(tx, post.channel_id, post.message_id)
    of = VersionKey(post.channel_id, post.message_id, post.version)
    figures = await casefile.figures(tx, of)
    spans = marks.spans_of(await casefile.flags(tx, of))
    text = next(version.text for version in versions if version.version == post.version)
    pieces = marks.pieces(text, spans, [one.figure for one in figures])
    return Held(head, post, versions, pieces, spans, figures)


def shown_to(made: Sequence[Decided], head: CaseHead, user: User) -> Sequence[Decided]:
    """The decisions that a user may see: whoever is to give a second look sees none, until it is given."""
    blind = head.state is CaseState.SECOND_LOOK and head.decided_by != user.user_id
    return () if blind else made


def _last_of(made: Sequence[Decided], user: User) -> Decided | None:
    """The decision that this user can take back: the last of all, if it is theirs."""
    undone = {one.undoes for one in made}
    left = [one for one in made if one.verdict is not Verdict.UNDO and one.decision_id not in undone]
    return left[-1] if left and left[-1].user_id == user.user_id else None


def _reread(made: Sequence[Decided], held: Held) -> tuple[Version, object] | None:
    """The version that was decided on before the present one, and how the two differ."""
    read = [one.of.version for one in made if one.verdict is not Verdict.UNDO]
    before = next((v for v in held.versions if read and v.version == read[-1]), None)
    if before is None or before.version == held.post.version:
        return None
    now = next(v for v in held.versions if v.version == held.post.version)
    return before, diff(before.text, now.text)


def _notice(request: Request) -> str | None:
    done = request.query_params.get("done", "")
    known = {"decided", "undone", "claimed", "figure"}
    return texts_of(request)(f"case.done.{done}") if done in known else None


# --- what is done -------------------------------------------------------------------------------------------


@router.post("/case/{case_id}/claim")
async def claim(
    request: Request,
    user: Analyst,
    case_id: int,
    *,
    over: Annotated[str, Form()] = "",
    came: Annotated[str, Form()] = "",
) -> Response:
    """Claim a case; with `over` from whoever holds it."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        held = await decisions.claim(
            tx, case_id, user.user_id, now=site.now(), lasting=site.options.review.claim, over=over == "yes"
        )
    if held is None:
        raise HTTPException(404)
    return go_on(request, case_id, came, **({"done": "claimed"} if held.user_id == user.user_id else {}))


@router.post("/case/{case_id}/renew")
async def renew(request: Request, user: Analyst, case_id: int) -> Response:
    """Keep a claim alive while its page is open; 409 once it is lost."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        kept = await decisions.renew(
            tx, case_id, user.user_id, now=site.now(), lasting=site.options.review.claim
        )
    return Response(status_code=204 if kept else 409)


@router.post("/case/{case_id}/release")
async def release(
    request: Request, user: Analyst, case_id: int, came: Annotated[str, Form()] = ""
) -> Response:
    """Give a case back."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        await decisions.release(tx, case_id, user.user_id, now=site.now())
    return see(path_of(view_of(came, request), done="released"))


@router.post("/case/{case_id}/decide")
async def decide_case(
    request: Request, user: Analyst, case_id: int, form: Annotated[Said, Form()]
) -> Response:
    """Decide, and go on with the next case of the view."""
    site = site_of(request)
    said = _saying(form, now=site.now())
    async with site.database.transaction() as tx:
        made = await decide.decide(tx, case_id, user.user_id, said, now=site.now())
        following = await next_of(tx, request, user, form.came)
    return go_on(request, following, form.came, done="decided", undo=str(made))


def _saying(form: Said, *, now: datetime) -> Saying:
    opinion = form.opinion if form.verdict is Verdict.SECOND_LOOK else ""
    snoozed = form.verdict is Verdict.SNOOZE
    return Saying(
        verdict=form.verdict,
        of=VersionKey(form.channel, form.message, form.version),
        opinion=Verdict(opinion) if opinion in (Verdict.RELEVANT, Verdict.NOT_RELEVANT) else None,
        reason=form.reason or None,
        note=form.note.strip()[:LONGEST_NOTE] or None,
        duplicate_of=int(form.duplicate_of) if form.duplicate_of.isdecimal() else None,
        wake_at=wake_at(form.wake, now=now) if snoozed else None,
        wake_on_edit=snoozed and form.wake == EDIT,
    )


def wake_at(wanted: str, *, now: datetime) -> datetime | None:
    """When a case is to come back: in so many hours, in the morning, or never by the clock."""
    if wanted == EDIT:
        return None
    if wanted in SNOOZES:
        return now + SNOOZES[wanted]
    morning = datetime.combine(now.date(), MORNING, now.tzinfo)
    return morning if morning > now else morning + timedelta(days=1)


@router.post("/undo")
async def undo(
    request: Request, user: Analyst, decision: Annotated[int, Form()], came: Annotated[str, Form()] = ""
) -> Response:
    """Take a decision back, claim its case again and go to it."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        case_id = await decide.undo(tx, decision, user.user_id, now=site.now())
        await decisions.claim(tx, case_id, user.user_id, now=site.now(), lasting=site.options.review.claim)
    return go_on(request, case_id, came, done="undone")


@router.post("/case/{case_id}/figure")
async def word_on_figure(
    request: Request, user: Analyst, case_id: int, form: Annotated[FigureForm, Form()]
) -> Response:
    """Confirm, correct or reject a figure, or take that back."""
    if form.verdict not in ("confirmed", "corrected", "rejected", "undone"):
        raise HTTPException(400)
    corrected = form.verdict == "corrected"
    # Rules may add kinds of their own.
    known = _KIND.fullmatch(form.kind) and form.side in ("", *SIDES)
    if corrected and not known:
        raise HTTPException(400)
    said = FigureSaid(
        of=VersionKey(form.channel, form.message, form.version),
        first_char=form.first,
        end_char=form.end,
        verdict=form.verdict,
        kind=form.kind or None if corrected else None,
        low=_bound(form.low) if corrected else None,
        high=_bound(form.high) if corrected else None,
        side=form.side or None if corrected else None,
    )
    site = site_of(request)
    async with site.database.transaction() as tx:
        await decisions.decide_figure(tx, case_id, user.user_id, said, now=site.now())
    return go_on(request, case_id, form.came, done="figure")


def _bound(written: str) -> float | None:
    """A bound as it was typed; None where it is open. Raises a refusal for what is no number."""
    bare = written.strip().replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", ".")
    try:
        bound = float(bare) if bare else None
    except ValueError as error:
        raise HTTPException(400) from error
    if bound is not None and not (math.isfinite(bound) and bound >= 0):
        raise HTTPException(400)
    return bound
