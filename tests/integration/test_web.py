"""The site over a real database: signing in and out, who is refused, and what every answer bears."""

import json
from collections.abc import AsyncIterator

import argon2
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from structlog.testing import capture_logs

from monitor.model import Language, Role
from monitor.store import users
from monitor.store.database import Database
from monitor.web.auth import Lead
from monitor.web.security import HEADERS
from monitor.web.static import asset
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.web_helpers import PASSWORD, browser, let_in, log_in, site, someone


@pytest.fixture
def app(database: Database, clock: Clock) -> FastAPI:
    return site(database, clock)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as opened:
        yield opened


# --- signing in and out -------------------------------------------------------------------------------------


async def test_a_stranger_is_sent_to_the_login_and_back(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock)
    sent = await client.get("/account?a=1&b=%D0%B6")
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/login?next=/account%3Fa%3D1%26b%3D%25D0%25B6",
    )
    shown = await client.get(sent.headers["location"])
    assert 'name="next" value="/account?a=1&amp;b=%D0%B6"' in shown.text
    back = await log_in(client, next="/account?a=1&b=%D0%B6")
    assert (back.status_code, back.headers["location"]) == (303, "/account?a=1&b=%D0%B6")
    assert (await client.get("/account")).status_code == 200


async def test_the_cookie_cannot_be_read_by_a_script_or_sent_by_another_site(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock)
    answer = await log_in(client)
    parts = answer.headers["set-cookie"].split("; ")
    assert parts[0].startswith("monitor=")
    assert set(parts[1:]) == {"HttpOnly", "Path=/", "SameSite=lax"}


async def test_over_tls_the_cookie_is_bound_to_the_host(database: Database, clock: Clock) -> None:
    await someone(database, clock)
    async with browser(
        site(database, clock, public_url="https://m.example"), base="https://m.example"
    ) as client:
        answer = await log_in(client)
        parts = answer.headers["set-cookie"].split("; ")
        assert parts[0].startswith("__Host-monitor=")
        assert set(parts[1:]) == {"HttpOnly", "Path=/", "SameSite=lax", "Secure"}
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert (await client.get("/account")).status_code == 200
        over = (await client.post("/logout")).headers["set-cookie"]
        assert over.startswith('__Host-monitor="";')
        assert "Secure" in over
        assert (await client.get("/account")).status_code == 303


@pytest.mark.parametrize(
    "given", [("olya", "wrong"), ("olya", ""), ("nobody", PASSWORD), ("", ""), ("a\0b", "x")]
)
async def test_a_wrong_login_does_not_say_what_was_wrong(
    given: tuple[str, str], client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock)
    answer = await log_in(client, *given)
    assert answer.status_code == 403
    assert "The name or the password is wrong." in answer.text
    assert "set-cookie" not in answer.headers
    assert (await ask(database, "SELECT count(*) AS n FROM monitor.sessions"))[0].n == 0


async def test_a_name_is_taken_in_whatever_case(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock, "Оля")
    assert (await log_in(client, " оЛЯ ")).status_code == 303


async def test_after_five_failures_a_name_waits_and_the_page_says_until_when(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock)
    for _ in range(5):
        assert (await log_in(client, "OLYA", "wrong")).status_code == 403
        clock.forward(minutes=1)
    refused = await log_in(client)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "601"
    assert "possible at 12:15 UTC" in refused.text
    clock.forward(minutes=10)
    assert (await log_in(client)).status_code == 303


async def test_after_twenty_failures_an_address_waits_and_others_do_not(
    app: FastAPI, client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock)
    for number in range(20):
        await log_in(client, f"name{number}", "")
    assert (await log_in(client)).status_code == 429
    async with browser(app, address="192.0.2.2") as elsewhere:
        assert (await log_in(elsewhere)).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(
    app: FastAPI, client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    token = await let_in(database, client, await someone(database, clock), clock)
    assert (await client.get("/account")).status_code == 200
    assert (await client.post("/logout")).headers["location"] == "/login"
    client.cookies.set("monitor", token)
    assert (await client.get("/account")).status_code == 303
    assert (await client.post("/logout")).status_code == 303


async def test_signing_in_again_ends_the_session_before(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    assert (await log_in(client)).status_code == 303
    assert (await ask(database, "SELECT count(*) AS n FROM monitor.sessions"))[0].n == 1
    assert (await client.get("/login?next=/account")).headers["location"] == "/account"


async def test_a_session_ends_when_it_is_not_used(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    clock.forward(hours=11)
    assert (await client.get("/account")).status_code == 200
    clock.forward(hours=11)
    assert (await client.get("/account")).status_code == 200
    clock.forward(hours=12)
    assert (await client.get("/account")).status_code == 303


async def test_a_disabled_user_is_out_at_once_and_cannot_come_back(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    user = await someone(database, clock)
    await let_in(database, client, user, clock)
    async with database.transaction() as tx:
        await users.disable(tx, user.user_id, now=clock())
    assert (await client.get("/account")).status_code == 303
    assert (await log_in(client)).status_code == 403


async def test_a_hash_of_older_costs_is_renewed_when_its_user_signs_in(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    async with database.transaction() as tx:
        await users.add(tx, "olya", role=Role.VIEWER, password=cheap, language=Language.ENGLISH, now=clock())
    for _ in range(2):
        assert (await log_in(client)).status_code == 303
    (row,) = await ask(database, "SELECT password FROM monitor.users")
    assert not argon2.PasswordHasher().check_needs_rehash(row.password)


async def test_a_script_is_told_that_nobody_is_signed_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/account", headers={"sec-fetch-mode": "cors"})
    assert answer.status_code == 401
    assert "location" not in answer.headers


async def test_a_role_that_does_not_reach_is_told_which_does(
    app: FastAPI, client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    @app.get("/for-leads")
    async def for_leads(user: Lead) -> str:
        return user.name

    assert (await client.get("/for-leads")).status_code == 303
    await let_in(database, client, await someone(database, clock), clock)
    refused = await client.get("/for-leads")
    assert refused.status_code == 403
    assert "at least: lead" in refused.text
    await let_in(database, client, await someone(database, clock, "yana", role=Role.LEAD), clock)
    assert (await client.get("/for-leads")).json() == "yana"


# --- my account ---------------------------------------------------------------------------------------------


async def test_language_and_keys_are_kept(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    assert '<html lang="en" data-keys="on">' in (await client.get("/account")).text
    kept = await client.post("/account/preferences", data={"language": "ru"})
    assert kept.headers["location"] == "/account?done=kept"
    shown = (await client.get("/account?done=kept")).text
    assert '<html lang="ru" data-keys="off">' in shown
    assert "Сохранено." in shown
    assert (await client.post("/account/preferences", data={"language": "xx"})).status_code == 400
    switched = await client.post("/language", data={"language": "en", "next": "//evil.example"})
    assert switched.headers["location"] == "/"
    assert '<html lang="en" data-keys="off">' in (await client.get("/account")).text


async def test_before_signing_in_the_browser_says_the_language(client: httpx.AsyncClient) -> None:
    assert "<h1>Вход</h1>" in (await client.get("/login", headers={"accept-language": "ru,en;q=0.5"})).text
    await client.post("/language", data={"language": "ru", "next": "/login"})
    assert "<h1>Вход</h1>" in (await client.get("/login")).text
    client.cookies.set("language", "<b>")
    assert "<h1>Sign in</h1>" in (await client.get("/login")).text


async def test_a_password_is_changed_and_other_sessions_end(
    app: FastAPI, client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    user = await someone(database, clock)
    await let_in(database, client, user, clock)
    async with browser(app) as other:
        await let_in(database, other, user, clock)
        new = {"present": PASSWORD, "new": "тихая гавань", "again": "тихая гавань"}
        changed = await client.post("/account/password", data=new)
        assert changed.headers["location"] == "/account?done=password"
        assert (await client.get("/account")).status_code == 200
        assert (await other.get("/account")).status_code == 303
        assert (await log_in(other)).status_code == 403
        assert (await log_in(other, password="тихая гавань")).status_code == 303


REFUSED = (
    ({"present": "wrong"}, 403, "present password is wrong"),
    ({"again": "another one"}, 400, "differ"),
    ({"new": "short", "again": "short"}, 400, "10 to 200"),
    ({"new": "", "again": ""}, 400, "10 to 200"),
)


async def test_a_password_that_cannot_be_changed_says_why(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    for change, status, said in REFUSED:
        form = {"present": PASSWORD, "new": "quiet harbour", "again": "quiet harbour"} | change
        answer = await client.post("/account/password", data=form)
        assert (answer.status_code, said in answer.text) == (status, True)
        assert "quiet harbour" not in answer.text
        assert PASSWORD not in answer.text


async def test_a_password_cannot_be_guessed_from_an_open_session(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    form = {"present": "wrong", "new": "quiet harbour", "again": "quiet harbour"}
    found = [(await client.post("/account/password", data=form)).status_code for _ in range(6)]
    assert found == [403] * 5 + [429]


# --- what every answer bears --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/login", "/account", "/nowhere", "/healthz", "/readyz", "/boom", asset("app.js"), "/"]
)
async def test_every_answer_has_the_headers(path: str, app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/boom")
    async def boom() -> str:
        raise ValueError("secret-detail")

    answer = await client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    kept = answer.headers["cache-control"]
    assert kept == ("public, max-age=31536000, immutable" if path.startswith("/static") else "no-store")
    assert "strict-transport-security" not in answer.headers


async def test_a_mistake_of_ours_shows_a_page_and_no_detail(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/boom")
    async def boom() -> str:
        raise ValueError("secret-detail")

    with capture_logs() as logs:
        answer = await client.get("/boom")
    assert answer.status_code == 500
    assert "A mistake of ours" in answer.text
    assert "secret-detail" not in answer.text
    assert [entry["event"] for entry in logs] == ["a page failed"]


async def test_a_request_of_another_site_does_nothing(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8046"},
    ):
        answer = await client.post("/logout", headers=headers)
        assert answer.status_code == 403
        assert "came from another site" in answer.text
        assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert (await client.get("/account")).status_code == 200


async def test_an_older_browser_is_known_by_its_origin(app: FastAPI) -> None:
    async with browser(app) as client:
        del client.headers["sec-fetch-site"]
        assert (await client.post("/logout")).status_code == 403
        assert (await client.post("/logout", headers={"origin": "http://127.0.0.1:8046"})).status_code == 303
        assert (await client.post("/logout", headers={"origin": "http://127.0.0.1:1"})).status_code == 403


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/login/", "/static/x/../app.py"])
async def test_nothing_else_is_served(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


async def test_files_are_kept_by_their_present_address_alone(client: httpx.AsyncClient) -> None:
    answer = await client.get(asset("style.css"))
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert (await client.get("/static/older/style.css")).headers["cache-control"] == "no-cache"
    assert (await client.get("/static/older/none.css")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/login", 405), ("GET", "/logout", 405), ("POST", "/nowhere", 404)]
)
async def test_what_cannot_be_done_has_a_page(
    method: str, path: str, status: int, client: httpx.AsyncClient
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert "<h1>This did not work</h1>" in answer.text


async def test_a_body_may_be_so_large_and_no_larger(client: httpx.AsyncClient) -> None:
    answer = await client.post("/login", data={"name": "x" * 300_000})
    assert answer.status_code == 413


async def test_what_is_signed_in_keeps_its_links_on_an_error_page(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    assert 'id="nav-account"' in (await client.get("/nowhere")).text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8046", 200),
        ("localhost:9", 200),
        ("[::1]:8046", 200),
        ("m.example", 200),
        ("evil.example", 421),
        ("m.example.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("[", 421),
    ],
)
async def test_a_name_that_is_not_ours_is_not_answered(
    database: Database, clock: Clock, host: str, status: int
) -> None:
    async with browser(site(database, clock, public_url="https://m.example")) as client:
        answer = await client.get("/healthz", headers={"host": host})
    assert answer.status_code == status


async def test_probes_tell_the_process_from_the_database(clock: Clock, url: str) -> None:
    async with Database(url) as database:
        app = site(database, clock)
        async with browser(app) as client:
            assert [(await client.get(path)).text for path in ("/healthz", "/readyz")] == ["ok\n"] * 2
            async with database.transaction() as tx:
                await tx.execute(text("UPDATE monitor.alembic_version SET version_num = '0001'"))
            answer = await client.get("/readyz")
            assert (answer.status_code, "monitor db upgrade" in answer.text) == (503, True)
    gone = Database("postgresql://nobody:hunter2@127.0.0.1:1/none")
    async with browser(site(gone, clock)) as client:
        client.cookies.set("monitor", "x")
        found = [await client.get(path) for path in ("/healthz", "/readyz", "/account", "/nowhere")]
        assert [answer.status_code for answer in found] == [200, 503, 503, 404]
        assert not any("hunter2" in answer.text or "127.0.0.1" in answer.text for answer in found)


async def test_no_secret_is_in_a_page_or_a_log(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    user = await someone(database, clock)
    with capture_logs() as logs:
        await log_in(client, password="wrong-guess-9")
        await log_in(client, "typed-password-here", "x")
        await log_in(client)
        token = client.cookies["monitor"]
        pages = [await client.get(path) for path in ("/account", "/login", "/nowhere")]
    async with database.transaction() as tx:
        kept = await users.password_of(tx, user.user_id)
    assert kept is not None
    secrets = [PASSWORD, token, kept, "wrong-guess-9", "typed-password-here"]
    said = json.dumps(logs, default=str) + "".join(page.text for page in pages)
    assert len(logs) == 3
    assert not [secret for secret in secrets if secret in said]


async def test_a_page_of_a_user_makes_one_query(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await let_in(database, client, await someone(database, clock), clock)
    asked: list[str] = []

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    await client.get("/account")
    assert len(asked) == 1
    clock.forward(minutes=1)
    await client.get("/account")
    assert len(asked) == 3


async def test_the_time_of_the_wait_is_never_too_early(
    client: httpx.AsyncClient, database: Database, clock: Clock
) -> None:
    await someone(database, clock)
    clock.forward(seconds=30)
    for _ in range(5):
        await log_in(client, password="")
    assert "12:16 UTC" in (await log_in(client)).text
    clock.forward(minutes=15, seconds=30)
    assert (await log_in(client)).status_code == 303
