"""What researchers may ask here: the views of `research` with their meaning, and saved queries with their answers.

A question stands in the URL, so that it can be linked. A page shows its first rows; a file has all of them up to a
cap, and both say where rows are left out.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from monitor.errors import MonitorError, QueryTooLong, UsageError
from monitor.model import User
from monitor.store import research
from monitor.web import asking
from monitor.web.asking import BusyError, Chunk, Question, Table
from monitor.web.auth import SignedIn
from monitor.web.frame import counts_of
from monitor.web.pages import page, texts_of
from monitor.web.site import site_of
from monitor.web.texts import Texts

router = APIRouter()
_FORMS = {
    "csv": (asking.csv_chunks, "text/csv; charset=utf-8"),
    "json": (asking.json_chunks, "application/json"),
}
_REFUSED = (BusyError, QueryTooLong, UsageError)


@router.get("/data")
async def data_page(request: Request, user: SignedIn) -> Response:
    """The views and the saved queries."""
    async with site_of(request).database.transaction() as tx:
        views = await research.catalogue(tx)
        counts = await counts_of(tx, request, user)
    return page(request, "data.html", views=views, queries=asking.saved().values(), counts=counts)


@router.get("/data/{name}.csv")
async def csv_file(request: Request, user: SignedIn, name: str) -> Response:
    """The answer as CSV."""
    return await _file(request, user, name, kind="csv")


@router.get("/data/{name}.json")
async def json_file(request: Request, user: SignedIn, name: str) -> Response:
    """The answer as a JSON object: its rows as objects, and whether they are all."""
    return await _file(request, user, name, kind="json")


@router.get("/data/{name}")
async def query_page(request: Request, user: SignedIn, name: str) -> Response:
    """A query, what it can be asked, and the first rows of its answer."""
    question = _question(request, name)
    if question.wrong:
        return await _page(request, user, question, status=400)
    try:
        table = await asking.table(site_of(request), question)
    except _REFUSED as error:
        return await _page(request, user, question, problem=error)
    return await _page(request, user, question, table=table)


def _question(request: Request, name: str) -> Question:
    query = asking.saved().get(name)
    if query is None:
        raise HTTPException(404)
    return Question.of(query, request.query_params)


async def _page(
    request: Request,
    user: User,
    question: Question,
    *,
    table: Table | None = None,
    problem: Exception | None = None,
    status: int = 200,
) -> Response:
    async with site_of(request).database.transaction() as tx:
        counts = await counts_of(tx, request, user)
    words, status = _worded(texts_of(request), problem) if problem else ("", status)
    return page(
        request,
        "data_query.html",
        status=status,
        query=question.query,
        question=question,
        wrong=[one.name for one in question.wrong],
        table=table,
        problem=words,
        most_in_file=asking.MOST_IN_FILE,
        counts=counts,
    )


def _worded(texts: Texts, problem: Exception) -> tuple[str, int]:
    """What went wrong, in words, and the status that says so to a program."""
    if isinstance(problem, QueryTooLong):
        return texts("data.too_long", n=texts.number(asking.SECONDS)), 422
    if isinstance(problem, BusyError):
        return texts("data.busy"), 429
    why = problem.why if isinstance(problem, MonitorError) else ""
    return texts("data.refused", why=why), 400


# --- files --------------------------------------------------------------------------------------------------


class _Sent(StreamingResponse):
    """A file in chunks; the database is let go of also where nobody reads to the end."""

    def __init__(
        self, first: Chunk, rest: AsyncGenerator[Chunk, None], *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(_joined(first, rest), media_type=media_type, headers=headers)
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._rest.aclose()


async def _joined(first: Chunk, rest: AsyncGenerator[Chunk, None]) -> AsyncIterator[str]:
    yield first.text
    async for chunk in rest:
        yield chunk.text


def _headers(question: Question, kind: str, *, cut: bool) -> dict[str, str]:
    """The file's name, which says too whether rows are left out: of a file that is kept nothing else is left."""
    name = f"{question.query.name}-first-{asking.MOST_IN_FILE}" if cut else question.query.name
    named = {"content-disposition": f'attachment; filename="{name}.{kind}"'}
    # Headers take nothing but ASCII, which values need not be.
    command = f"monitor queries run {question.query.name} --csv with the same parameters"
    return named | ({"x-incomplete": asking.cut(command)} if cut else {})


async def _file(request: Request, user: User, name: str, *, kind: str) -> Response:
    question = _question(request, name)
    if question.wrong:
        return await _page(request, user, question, status=400)
    chunks, media_type = _FORMS[kind]
    rest = chunks(site_of(request), question)
    try:
        # What is wrong mostly shows with the first rows, and can still be said.
        first = await anext(rest)
    except _REFUSED as error:
        return await _page(request, user, question, problem=error)
    return _Sent(first, rest, media_type=media_type, headers=_headers(question, kind, cut=first.cut))
