"""The reasons that a decision may name, as a lead sets them. A key stands in decisions, so it is never changed or removed."""

import re
from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from monitor.model import User
from monitor.store import reasons
from monitor.web.auth import Lead, see
from monitor.web.frame import counts_of
from monitor.web.pages import page, texts_of
from monitor.web.site import site_of

router = APIRouter(prefix="/reasons")
KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
LONGEST = 80
_NOTICES = frozenset({"added", "moved", "retired", "back"})


class NewReason(BaseModel):
    """The form: the key that decisions keep, and the words that analysts read."""

    key: str = ""
    english: str = ""
    russian: str = ""


@router.get("")
async def reasons_page(request: Request, user: Lead, done: str = "") -> Response:
    """The page."""
    notice = texts_of(request)(f"reasons.done.{done}") if done in _NOTICES else None
    return await _shown(request, user, notice=notice)


async def _shown(
    request: Request,
    user: User,
    *,
    status: int = 200,
    problem: str = "",
    notice: str | None = None,
    typed: NewReason | None = None,
) -> Response:
    async with site_of(request).database.transaction() as tx:
        every = await reasons.every(tx, retired=True)
        counts = await counts_of(tx, request, user)
    return page(
        request,
        "reasons.html",
        status=status,
        offered=[one for one in every if one.retired_at is None],
        retired=[one for one in every if one.retired_at is not None],
        problem=problem,
        notice=notice,
        typed=typed or NewReason(),
        longest=LONGEST,
        counts=counts,
    )


@router.post("")
async def add(request: Request, user: Lead, form: Annotated[NewReason, Form()]) -> Response:
    """Offer one more."""
    typed = NewReason(key=form.key.strip(), english=_line(form.english), russian=_line(form.russian))
    if not KEY.fullmatch(typed.key):
        problem = "reasons.problem.key"
    elif not all(0 < len(words) <= LONGEST for words in (typed.english, typed.russian)):
        problem = "reasons.problem.words"
    else:
        async with site_of(request).database.transaction() as tx:
            added = await reasons.add(tx, typed.key, english=typed.english, russian=typed.russian)
        if added:
            return see("/reasons?done=added")
        problem = "reasons.problem.taken"
    said = texts_of(request)(problem, longest=LONGEST)
    return await _shown(request, user, status=400, problem=said, typed=typed)


def _line(written: str) -> str:
    """Words on one line, without what cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in written).split())


@router.post("/move")
async def move(
    request: Request, user: Lead, reason: Annotated[str, Form()], way: Annotated[str, Form()] = ""
) -> Response:
    """Move one up or down by a place."""
    async with site_of(request).database.transaction() as tx:
        moved = await reasons.move(tx, reason, by=-1 if way == "up" else 1)
    return see("/reasons?done=moved" if moved else "/reasons")


@router.post("/retire")
async def retire(request: Request, user: Lead, reason: Annotated[str, Form()]) -> Response:
    """Offer one no more."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        done = KEY.fullmatch(reason) and await reasons.retire(tx, reason, now=site.now())
    return see("/reasons?done=retired" if done else "/reasons")


@router.post("/back")
async def bring_back(request: Request, user: Lead, reason: Annotated[str, Form()]) -> Response:
    """Offer a retired one again."""
    async with site_of(request).database.transaction() as tx:
        done = KEY.fullmatch(reason) and await reasons.bring_back(tx, reason)
    return see("/reasons?done=back" if done else "/reasons")
