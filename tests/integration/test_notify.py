"""Notices by other routes: signed, never silently twice, and with no word of an address in what is said of a failure."""

import builtins
import hmac
import logging
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from monitor import notify
from monitor.errors import NotifyError
from monitor.model import Language, Notice, Severity
from monitor.notify import RouteOptions
from tests.conftest import Clock
from tests.integration.hook import BREAK, HANG, Hook, hooked

SECRET = "a-long-enough-secret"
NOTICE = Notice(
    notice_id=7,
    kind="raised",
    severity=Severity.CRITICAL,
    person="Olya",
    language=Language.RUSSIAN,
    made_at=datetime(2024, 8, 9, 12, tzinfo=UTC),
    subject="Срочно: правка",
    body="Новое\n",
    told={"count": 1, "alerts": [{"id": 1, "link": "https://m.example/case/1"}]},
)


async def hand_over(url: str, clock: Clock, *, seconds: float = 5.0) -> None:
    options = RouteOptions({"hook": url}, SECRET, seconds)
    await notify.routes(options, now=clock)["hook"](NOTICE, "notice-7-1@m.example")


async def refused(hook: Hook | str, clock: Clock, **more: Any) -> NotifyError:
    url = hook if isinstance(hook, str) else hook.url
    with pytest.raises(NotifyError) as caught:
        await hand_over(url, clock, **more)
    assert "hunter2" not in " ".join(caught.value.lines())
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


def how(error: NotifyError) -> str:
    return "temporary" if error.temporary else "in doubt" if error.in_doubt else "refused"


async def test_a_webhook_says_all_and_is_signed(clock: Clock) -> None:
    async with hooked() as hook:
        await hand_over(hook.url, clock)
    (asked,) = hook.asked
    assert (asked.method, asked.path) == ("POST", "/hook/hunter2")
    stamp = asked.headers["x-monitor-timestamp"]
    assert stamp == str(int(clock().timestamp()))
    signed = hmac.new(SECRET.encode(), stamp.encode() + b"." + asked.body, sha256).hexdigest()
    assert asked.headers["x-monitor-signature"] == f"sha256={signed}"
    assert asked.headers["idempotency-key"] == "notice-7-1@m.example"
    assert asked.json() == {
        "id": 7,
        "kind": "raised",
        "severity": "critical",
        "person": "Olya",
        "made_at": "2024-08-09T12:00:00+00:00",
        "subject": "Срочно: правка",
        "text": "Новое\n",
        "count": 1,
        "alerts": [{"id": 1, "link": "https://m.example/case/1"}],
    }


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, "temporary"),
        (503, "temporary"),
        (429, "temporary"),
        (400, "refused"),
        (404, "refused"),
        (302, "refused"),
        (HANG, "in doubt"),
        (BREAK, "in doubt"),
    ],
)
async def test_what_an_answer_means(status: int, outcome: str, clock: Clock) -> None:
    async with hooked(status) as hook:
        error = await refused(hook, clock, seconds=0.3)
    assert how(error) == outcome
    assert len(hook.asked) == 1


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://127.0.0.1:1/hunter2", "temporary"),
        ("https://[::hunter2", "refused"),
    ],
)
async def test_without_a_connection_nothing_went(url: str, outcome: str, clock: Clock) -> None:
    assert how(await refused(url, clock)) == outcome


async def test_a_server_that_speaks_no_http_leaves_it_in_doubt(clock: Clock) -> None:
    async with hooked(200) as hook:
        error = await refused(hook.url.replace("http://", "https://"), clock, seconds=0.5)
    # No byte of ours went over a connection that was never made safe.
    assert how(error) == "temporary"


async def test_apprise_hands_over_by_its_own_routes(clock: Clock) -> None:
    async with hooked() as hook:
        await hand_over(hook.url.replace("http://", "json://"), clock)
    (asked,) = hook.asked
    assert asked.json()["title"] == "Срочно: правка"
    assert asked.json()["message"].strip() == "Новое"
    assert asked.json()["type"] == "failure"


@pytest.mark.parametrize("status", [500, HANG])
async def test_what_apprise_fails_with_is_in_doubt(
    status: int, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with hooked(status) as hook:
        error = await refused(hook.url.replace("http://", "json://"), clock, seconds=0.5)
    assert how(error) == "in doubt"
    assert "hunter2" not in "".join(
        record.getMessage() for record in caplog.records if record.name != "asyncio"
    )


async def test_an_address_that_apprise_does_not_know_is_refused(clock: Clock) -> None:
    assert how(await refused("nonsense://hunter2", clock)) == "refused"


async def test_without_the_extra_the_mend_names_it(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "apprise":
            raise ImportError(name)
        return found(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    error = await refused("json://127.0.0.1/hunter2", clock)
    assert (how(error), error.mend) == ("refused", "pip install 'telegram-channel-monitor[routes]'")


async def test_a_ping_is_one_get_and_says_where_it_failed() -> None:
    async with hooked(200, 500) as hook:
        await notify.ping(hook.url)
        with pytest.raises(NotifyError) as caught:
            await notify.ping(hook.url)
    assert [asked.method for asked in hook.asked] == ["GET", "GET"]
    assert "hunter2" not in " ".join(caught.value.lines())
    with pytest.raises(NotifyError, match="heartbeat"):
        await notify.ping("http://127.0.0.1:1/hunter2", timeout=0.5)


def test_the_signature_is_of_the_time_and_the_body() -> None:
    one = notify.signature(SECRET, "1", b"{}")
    assert one != notify.signature(SECRET, "2", b"{}")
    assert one != notify.signature(SECRET, "1", b"[]")
    assert one != notify.signature(SECRET + "x", "1", b"{}")
    assert notify.payload(replace(NOTICE, told={"removed": True})).endswith(b'"removed": true}')
