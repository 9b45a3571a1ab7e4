"""The page on which a user changes language, keys and password."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor import passwords
from monitor.errors import UsageError
from monitor.model import Language, User
from monitor.store import sessions, users
from monitor.web.auth import SignedIn, attempt, see, token_of, wait_said
from monitor.web.pages import page, texts_of
from monitor.web.site import site_of

router = APIRouter(prefix="/account")
_NOTICES = frozenset({"kept", "password"})


class NewPassword(BaseModel):
    """The form: what the password is, and twice what it is to be."""

    present: str = ""
    new: str = ""
    again: str = ""


@router.get("")
async def account(request: Request, user: SignedIn, done: str = "") -> Response:
    """The page."""
    notice = texts_of(request)(f"done.{done}") if done in _NOTICES else None
    return _shown(request, notice=notice)


def _shown(request: Request, *, status: int = 200, problem: str = "", notice: str | None = None) -> Response:
    return page(
        request,
        "account.html",
        status=status,
        problem=problem,
        notice=notice,
        shortest=passwords.SHORTEST,
    )


@router.get("/feeds")
async def feeds(request: Request, user: SignedIn, done: str = "") -> Response:
    """The page on the user's feeds."""
    async with site_of(request).database.transaction() as tx:
        token = await users.feed_token(tx, user.user_id)
    notice = texts_of(request)("done.feed") if done == "feed" else None
    return page(request, "feeds.html", notice=notice, feed=f"/feed/{token}.atom" if token else None)


@router.post("/feeds")
async def new_feeds(request: Request, user: SignedIn) -> Response:
    """Make the address of the user's feeds, or another one."""
    async with site_of(request).database.transaction() as tx:
        await users.new_feed_token(tx, user.user_id)
    return see("/account/feeds?done=feed")


@router.post("/preferences")
async def preferences(
    request: Request,
    user: SignedIn,
    language: Annotated[str, Form()] = "",
    keys: Annotated[str, Form()] = "",
) -> Response:
    """Keep language and keys; an unticked box is not sent."""
    if language not in tuple(Language):
        raise HTTPException(400)
    async with site_of(request).database.transaction() as tx:
        await users.prefer(tx, user.user_id, language=Language(language), keys=keys == "on")
    return see("/account?done=kept")


@router.post("/password")
async def change_password(
    request: Request, user: SignedIn, given: Annotated[NewPassword, Form()]
) -> Response:
    """Change the password; every other session of the user ends with it."""
    texts = texts_of(request)
    if given.new != given.again:
        return _shown(request, status=400, problem=texts("account.password.differ"))
    try:
        fresh = await passwords.hashed(given.new)
    except UsageError:
        rule = {"shortest": passwords.SHORTEST, "longest": passwords.LONGEST}
        return _shown(request, status=400, problem=texts("account.password.refused", **rule))
    return await _change(request, user, present=given.present, fresh=fresh)


async def _change(request: Request, user: User, *, present: str, fresh: str) -> Response:
    site, texts = site_of(request), texts_of(request)
    tried = await attempt(request, user.name)
    if tried.wait_until is not None:
        return _shown(request, status=429, problem=wait_said(texts, tried.wait_until))
    async with site.database.transaction() as tx:
        kept = await users.password_of(tx, user.user_id)
    if not await site.verifier.matches(present, kept):
        return _shown(request, status=403, problem=texts("account.password.wrong"))
    async with site.database.transaction() as tx:
        await sessions.succeeded(tx, tried)
        await users.set_password(tx, user.user_id, fresh, instead_of=kept)
        await sessions.end_all(tx, user.user_id, but=token_of(request))
    return see("/account?done=password")
