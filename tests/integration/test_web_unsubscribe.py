"""Unsubscribing on the site: by a person with the button, by a mail provider in one click, and by nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from monitor.model import Language
from monitor.store import readers
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.mailing import OLYA, planned
from tests.integration.web_helpers import browser, site

ADDRESS = "olya@r.example"


@pytest.fixture
async def token(database: Database, clock: Clock) -> str:
    async with database.transaction() as tx:
        await readers.known(tx, "ann@r.example", now=clock())
        return (await readers.known(tx, ADDRESS, now=clock())).token


@pytest.fixture
async def client(database: Database, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(site(database, clock)) as opened:
        yield opened


async def stopped(database: Database) -> list[str]:
    rows = await ask(database, "SELECT address FROM monitor.readers WHERE unsubscribed_at IS NOT NULL")
    return [row.address for row in rows]


async def test_looking_changes_nothing_and_the_button_does(
    client: httpx.AsyncClient, database: Database, token: str
) -> None:
    await client.get(f"/u/{token}")
    shown = await client.get(f"/u/{token}")
    assert shown.status_code == 200
    assert f'<form method="post" action="/u/{token}"' in shown.text
    assert ADDRESS in shown.text
    assert await stopped(database) == []
    done = await client.post(f"/u/{token}")
    assert done.status_code == 200
    assert "gets the digest no more" in done.text
    assert await stopped(database) == [ADDRESS]
    assert f'action="/u/{token}"' not in (await client.get(f"/u/{token}")).text


@pytest.mark.parametrize(
    "foreign", [{}, {"sec-fetch-site": "cross-site"}, {"origin": "https://mail.example"}]
)
async def test_a_mail_provider_unsubscribes_in_one_click(
    client: httpx.AsyncClient, database: Database, token: str, foreign: dict[str, str]
) -> None:
    client.headers = httpx.Headers(foreign)
    for _ in range(2):
        answer = await client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert await stopped(database) == [ADDRESS]


async def test_a_token_that_is_nobodys_is_not_found(
    client: httpx.AsyncClient, database: Database, token: str
) -> None:
    for wrong in (token[::-1], token + "x", token[:-1], "%00", "x" * 22, "%D0%B6" * 22):
        for shown in (await client.get(f"/u/{wrong}"), await client.post(f"/u/{wrong}")):
            assert shown.status_code == 404
            assert "This link is nobody" in shown.text
            assert '<form method="post" action="/u/' not in shown.text
    assert await stopped(database) == []


@pytest.mark.parametrize("path", ["/u/{}/", "/u/{}/x", "/u/{}%0A", "/U/{}", "/login", "/language", "/u/"])
async def test_no_other_page_takes_what_another_site_sends(
    client: httpx.AsyncClient, database: Database, token: str, path: str
) -> None:
    client.headers = httpx.Headers()
    assert (await client.post(path.format(token))).status_code == 403
    assert await stopped(database) == []


async def test_another_method_is_not_let_through(client: httpx.AsyncClient, token: str) -> None:
    client.headers = httpx.Headers()
    assert (await client.delete(f"/u/{token}")).status_code == 403


async def test_the_page_speaks_russian(client: httpx.AsyncClient, token: str) -> None:
    client.headers["accept-language"] = "ru"
    assert "Отписаться" in (await client.get(f"/u/{token}")).text
    assert "больше не получит сводку" in (await client.post(f"/u/{token}")).text


async def test_the_page_speaks_the_language_of_the_digest_unless_another_is_chosen(
    client: httpx.AsyncClient, database: Database
) -> None:
    await planned(database, OLYA, replace(OLYA, address="ann@r.example", language=Language.ENGLISH))
    (row,) = await ask(database, "SELECT token FROM monitor.readers WHERE address = :a", a=OLYA.address)
    client.headers["accept-language"] = "en"
    assert "Отписаться" in (await client.get(f"/u/{row.token}")).text
    chosen = await client.post("/language", data={"language": "en", "next": f"/u/{row.token}"})
    assert chosen.headers["location"] == f"/u/{row.token}"
    assert "Unsubscribe" in (await client.get(f"/u/{row.token}")).text


async def test_the_page_sets_no_cookie_is_not_kept_and_is_not_found_by_searching(
    client: httpx.AsyncClient, token: str
) -> None:
    for answer in (
        await client.get(f"/u/{token}"),
        await client.post(f"/u/{token}"),
        await client.get("/u/x"),
    ):
        assert "set-cookie" not in answer.headers
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["cache-control"] == "no-store"
