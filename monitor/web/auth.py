"""Who asks: signing in and out, and what a handler demands of whoever asks.

A handler that takes `SignedIn` gets the user, and nobody else reaches it; `at_least(Role.ANALYST)` demands a role.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor import passwords
from monitor.errors import UsageError
from monitor.model import Language, Role, User, user_name_of
from monitor.store import sessions, users
from monitor.web.pages import LANGUAGE_COOKIE, page, texts_of
from monitor.web.site import Options, site_of
from monitor.web.texts import Texts

log = structlog.get_logger()
router = APIRouter()

HOME = "/"
_LANGUAGE_KEPT = 365 * 86400


class NotSignedInError(Exception):
    """Nobody is signed in, where somebody must be."""


class RoleError(Exception):
    """The user's role does not reach; `role` is the least that does."""

    def __init__(self, role: Role) -> None:
        super().__init__(role.value)
        self.role = role


def cookie_name(options: Options) -> str:
    """The name of the cookie; browsers take one with this prefix over TLS alone, from this host alone."""
    return "__Host-monitor" if options.secure else "monitor"


def local_path(wanted: str) -> str:
    """The path to go on to if it is one of this site; else the start. Browsers take what begins with two slashes, of either kind, for a host."""
    is_path = wanted.startswith("/") and not wanted.startswith("//")
    return wanted if is_path and "\\" not in wanted and wanted.isprintable() else HOME


def token_of(request: Request) -> str | None:
    """The token that the browser shows."""
    return request.cookies.get(cookie_name(site_of(request).options))


async def maybe_signed_in(request: Request) -> User | None:
    """Who is signed in, or None."""
    site, token = site_of(request), token_of(request)
    if token is None:
        return None
    async with site.database.transaction() as tx:
        user = await sessions.find(tx, token, now=site.now())
    request.state.user = user
    return user


async def signed_in(request: Request) -> User:
    """Who is signed in. Raises NotSignedInError, which sends the browser to the login page."""
    user = await maybe_signed_in(request)
    if user is None:
        raise NotSignedInError
    return user


SignedIn = Annotated[User, Depends(signed_in)]
MaybeSignedIn = Annotated[User | None, Depends(maybe_signed_in)]


def at_least(role: Role) -> Callable[[User], Awaitable[User]]:
    """A dependency that gives the user where the role reaches. Raises RoleError otherwise."""

    async def allowed(user: SignedIn) -> User:
        if not user.role.at_least(role):
            raise RoleError(role)
        return user

    return allowed


Analyst = Annotated[User, Depends(at_least(Role.ANALYST))]
Lead = Annotated[User, Depends(at_least(Role.LEAD))]


async def to_login(request: Request, _: Exception) -> Response:
    """Send a browser to the login page and back here afterwards; a script is told, and asks for no page."""
    if request.headers.get("sec-fetch-mode", "navigate") != "navigate":
        return page(request, "error.html", status=401, message=texts_of(request)("error.signed_out"))
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = local_path(request.url.path + query) if request.method == "GET" else HOME
    return see("/login" if wanted == HOME else f"/login?next={quote(wanted, safe='/')}")


async def role_refused(request: Request, error: Exception) -> Response:
    """Say which role it takes."""
    texts = texts_of(request)
    role = error.role if isinstance(error, RoleError) else Role.LEAD
    message = texts("error.forbidden", role=texts(f"role.{role}"))
    return page(request, "error.html", status=403, message=message)


def see(path: str) -> RedirectResponse:
    """Go on to a page after a form was taken."""
    return RedirectResponse(path, status_code=303)


# --- signing in and out -------------------------------------------------------------------------------------


@router.get("/login")
async def login_page(request: Request, user: MaybeSignedIn, next: str = HOME) -> Response:  # noqa: A002
    """The form to sign in with."""
    if user is not None:
        return see(local_path(next))
    return _form(request, next)


def _form(request: Request, wanted: str, *, problem: str = "", status: int = 200, wait: int = 0) -> Response:
    """The login page; `wait` is in seconds. What was typed is not shown again."""
    return page(
        request,
        "login.html",
        status=status,
        headers={"retry-after": str(wait)} if wait else None,
        next=local_path(wanted),
        here=f"/login?next={quote(local_path(wanted), safe='/')}",
        problem=problem,
    )


@router.post("/login")
async def login(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = HOME,  # noqa: A002
) -> Response:
    """Sign in, if the password is right and not too many before it were wrong."""
    site, texts = site_of(request), texts_of(request)
    user, kept = await _known(request, name)
    tried = await attempt(request, user.name if user else name)
    if tried.wait_until is not None:
        wait = int((tried.wait_until - site.now()).total_seconds()) + 1
        return _form(request, next, problem=wait_said(texts, tried.wait_until), status=429, wait=wait)
    if not await site.verifier.matches(password, kept) or user is None or kept is None:
        log.info("login failed", user=user.name if user else None, address=address_of(request))
        return _form(request, next, problem=texts("login.wrong"), status=403)
    return await _let_in(request, user, tried, kept=kept, password=password, wanted=next)


async def _known(request: Request, name: str) -> tuple[User | None, str | None]:
    """The user of a name and the hash of the password; nobody where there is none, or none any more."""
    try:
        wanted = user_name_of(name)
    except UsageError:
        return None, None
    async with site_of(request).database.transaction() as tx:
        user = await users.find(tx, wanted)
        return user, await users.password_of(tx, user.user_id) if user else None


def wait_said(texts: Texts, until: datetime) -> str:
    """Until when a login must wait, in the next whole minute."""
    return texts("login.wait", at=f"{until + timedelta(seconds=59):%H:%M}")


def address_of(request: Request) -> str:
    """Where a request comes from, as far as the server knows."""
    return request.client.host if request.client else ""


async def attempt(request: Request, name: str) -> sessions.Try:
    """Count a try against its name and its address, before the password is looked at."""
    site = site_of(request)
    async with site.database.transaction() as tx:
        await sessions.clear_old(tx, now=site.now())
        return await sessions.try_login(tx, name=name, address=address_of(request), now=site.now())


async def _let_in(
    request: Request, user: User, tried: sessions.Try, *, kept: str, password: str, wanted: str
) -> Response:
    site = site_of(request)
    fresh = await passwords.hashed(password) if passwords.outdated(kept) else None
    async with site.database.transaction() as tx:
        await sessions.succeeded(tx, tried)
        if fresh is not None:
            await users.set_password(tx, user.user_id, fresh, instead_of=kept)
        if (before := token_of(request)) is not None:
            await sessions.end(tx, before)
        token = await sessions.begin(tx, user.user_id, now=site.now())
    log.info("signed in", user=user.name)
    answer = see(local_path(wanted))
    answer.set_cookie(
        cookie_name(site.options), token, path="/", secure=site.options.secure, httponly=True, samesite="lax"
    )
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session, on the server too."""
    site, token = site_of(request), token_of(request)
    if token is not None:
        async with site.database.transaction() as tx:
            await sessions.end(tx, token)
    answer = see("/login")
    answer.delete_cookie(
        cookie_name(site.options), path="/", secure=site.options.secure, httponly=True, samesite="lax"
    )
    return answer


@router.post("/language")
async def choose_language(
    request: Request,
    user: MaybeSignedIn,
    language: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = HOME,  # noqa: A002
) -> Response:
    """Change the language and come back; before signing in it is kept on this browser."""
    if language not in tuple(Language):
        raise HTTPException(400)
    site, answer = site_of(request), see(local_path(next))
    if user is not None:
        async with site.database.transaction() as tx:
            await users.prefer(tx, user.user_id, language=Language(language))
    answer.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=_LANGUAGE_KEPT,
        secure=site.options.secure,
        httponly=True,
        samesite="lax",
    )
    return answer
