"""The site put together: its guard, its routers, and what each kind of error shows."""

from contextlib import suppress

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from monitor.errors import Conflict, DatabaseError, UsageError
from monitor.model import Clock
from monitor.store import migrate
from monitor.store.database import Database
from monitor.web import (
    account,
    auth,
    board,
    case,
    channels,
    data,
    digests,
    feed,
    files,
    handover,
    post,
    precision,
    queue,
    reasons,
    search,
    static,
    stream,
    unsubscribe,
)
from monitor.web.auth import SignedIn, see
from monitor.web.hub import Hub
from monitor.web.pages import page, texts_of
from monitor.web.security import Guard
from monitor.web.site import Options, Site, site_of

# The longest form is a note and a choice of many cases.
LARGEST_BODY = 256 * 1024
ROUTERS = (
    *(static.router, auth.router, account.router, queue.router, case.router, post.router, stream.router),
    files.router,
    digests.router,
    *(search.router, feed.router),
    data.router,
    *(board.router, channels.router, reasons.router, handover.router, precision.router),
    unsubscribe.router,
)
_MESSAGES = {404: "error.not_found", 405: "error.method", 413: "error.too_large"}


def make_app(database: Database, *, now: Clock, options: Options) -> FastAPI:
    """The site on a database that the caller opened, and closes."""
    app = FastAPI(title="monitor", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.site = Site(database=database, now=now, options=options, hub=Hub(database.url))
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST_BODY)
    app.add_middleware(Guard)
    app.add_exception_handler(auth.NotSignedInError, auth.to_login)
    app.add_exception_handler(auth.RoleError, auth.role_refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(DatabaseError, _no_database)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(UsageError, _unreadable)
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/", start)
    app.add_api_route("/healthz", alive)
    app.add_api_route("/readyz", ready)
    return app


async def start(user: SignedIn) -> Response:
    """The start is the queue."""
    return see("/queue")


async def alive() -> Response:
    """Whether the process answers."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Whether pages can be served: the database answers, understands Cyrillic, and has the tables of this version."""
    database = site_of(request).database
    try:
        await database.check()
        async with database.transaction() as tx:
            current = await migrate.is_current(tx)
    except DatabaseError as error:
        return PlainTextResponse(f"{error.what}\n", status_code=503)
    if not current:
        return PlainTextResponse("the database is of another version: monitor db upgrade\n", status_code=503)
    return PlainTextResponse("ok\n")


async def _refused(request: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    # Whoever is signed in keeps the links of a page; without a database there is still one to show.
    with suppress(DatabaseError):
        await auth.maybe_signed_in(request)
    message = texts_of(request)(_MESSAGES.get(status, "error.bad_request"))
    return page(request, "error.html", status=status, headers=headers, message=message)


async def _unreadable(request: Request, _: Exception) -> Response:
    return page(request, "error.html", status=400, message=texts_of(request)("error.bad_request"))


async def _no_database(request: Request, _: Exception) -> Response:
    return page(request, "error.html", status=503, message=texts_of(request)("error.database"))


async def _conflict(request: Request, error: Exception) -> Response:
    """Say who or what was there first, and lead on from there."""
    with suppress(DatabaseError):
        await auth.maybe_signed_in(request)
    kind = error.kind if isinstance(error, Conflict) else "settled"
    case_id = request.path_params.get("case_id")
    onwards = f"/case/{case_id}" if case_id is not None else "/queue"
    message = texts_of(request)(f"conflict.{kind}")
    return page(request, "conflict.html", status=409, message=message, onwards=onwards)
