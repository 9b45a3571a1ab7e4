"""Fetching against a server on loopback that answers badly, and how politely that is taken."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from monitor.errors import RateLimited, RobotsRefusal, ServerFault, Unreachable
from monitor.sources import preview_fetch
from monitor.sources.preview_fetch import Fetched, PreviewFetcher, PreviewOptions, Turns, client_of
from monitor.standin.scenario import Scenario
from monitor.standin.server import Receive, Send, Standin, serving

START = datetime(2024, 8, 5, tzinfo=UTC)


@dataclass(slots=True)
class Listening(Standin):
    """A stand-in that keeps the headers of each request."""

    heard: list[Headers] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.heard.append(Headers(scope=scope))
        await Standin.__call__(self, scope, receive, send)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def standin() -> Listening:
    made = Listening(clock=lambda: START)
    made.play([Scenario(id=5, handle="demo", title="Проба")], start=START)
    return made


@asynccontextmanager
async def fetching(
    standin: Standin, *, pace: float = 0.0, before: tuple[str, ...] = (), after: tuple[str, ...] = ()
) -> AsyncIterator[PreviewFetcher]:
    async with serving(standin) as address:
        options = PreviewOptions(
            hosts=(*before, address, *after), pace=pace, timeout=5.0, user_agent="tester/1.0 (hello)"
        )
        async with client_of(options) as client:
            yield PreviewFetcher(options, client)


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def limited(headers: Mapping[str, str]) -> Response:
    return PlainTextResponse("slower", 429, headers=headers)


async def test_a_page_is_fetched_after_robots_txt_once(standin: Listening) -> None:
    async with fetching(standin) as fetcher:
        first = await fetcher.get("/s/demo")
        await fetcher.get("/s/demo?before=5")
    assert (first.status, b"tgme_channel_history" in first.body, first.location) == (200, True, "")
    assert standin.requests == ["/robots.txt", "/s/demo", "/s/demo?before=5"]


async def test_a_redirect_is_told_and_not_followed(standin: Listening) -> None:
    standin.channels["demo"].hidden = "preview"
    async with fetching(standin) as fetcher:
        assert await fetcher.get("/s/demo") == Fetched(302, b"", "/demo")
    assert standin.requests == ["/robots.txt", "/s/demo"]


async def test_we_say_who_we_are_and_keep_no_cookie(standin: Listening) -> None:
    standin.fail("/s/demo", PlainTextResponse("hello", headers={"set-cookie": "stel_ssid=1; Path=/"}))
    async with fetching(standin) as fetcher:
        await fetcher.get("/s/demo")
        await fetcher.get("/s/demo")
    assert len(standin.heard) == 3
    for headers in standin.heard:
        assert headers["user-agent"] == "tester/1.0 (hello)"
        assert headers["accept-language"] == "en-US,en;q=0.9"
        assert "cookie" not in headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Tue, 06 Aug 2024 10:01:30 GMT"}, 30.0),
        ({"retry-after": "9" * 400}, 86400.0),
        (
            {"retry-after": "Tue, 06 Aug 2024 10:01:30 GMT", "date": "Tue, 06 Aug 2024 10:00:00 GMT"},
            90.0,
        ),
        (
            {"retry-after": "Tue, 06 Aug 2024 09:00:00 GMT", "date": "Tue, 06 Aug 2024 10:00:00 GMT"},
            30.0,
        ),
        ({"retry-after": "Tue, 06 Aug 2024 10:01:30 GMT", "date": "today"}, 30.0),
        ({"retry-after": "0"}, 30.0),
        ({"retry-after": "²"}, 30.0),
        ({"retry-after": "soon"}, 30.0),
        ({}, 30.0),
    ],
)
async def test_429_is_heeded_for_every_path(
    standin: Listening, headers: dict[str, str], seconds: float
) -> None:
    answer = limited({})
    answer.raw_headers += [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    standin.fail("/s/demo", answer)
    async with fetching(standin) as fetcher:
        with pytest.raises(RateLimited) as first:
            await fetcher.get("/s/demo")
        with pytest.raises(RateLimited) as second:
            await fetcher.get("/s/other")
    assert first.value.retry_after == seconds
    assert second.value.retry_after == pytest.approx(seconds, abs=5.0)
    assert standin.requests == ["/robots.txt", "/s/demo"]


async def test_429_without_a_time_doubles_until_something_is_answered(
    standin: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Turns, "hold", lambda _, seconds: waits.append(seconds))
    standin.fail("/s/demo", *[limited({})] * 7)
    async with fetching(standin) as fetcher:
        for _ in range(7):
            with pytest.raises(RateLimited):
                await fetcher.get("/s/demo")
        await fetcher.get("/s/demo")
        standin.fail("/s/demo", limited({}))
        with pytest.raises(RateLimited):
            await fetcher.get("/s/demo")
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 30.0]


async def test_those_in_line_when_429_comes_ask_no_more(standin: Listening) -> None:
    async with fetching(standin, pace=0.2) as fetcher:
        await fetcher.get("/s/demo")
        standin.fail("/s/demo", limited({"retry-after": "60"}))
        answers = await asyncio.gather(
            fetcher.get("/s/demo"), fetcher.get("/s/demo?before=9"), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [RateLimited, RateLimited]
    assert standin.requests == ["/robots.txt", "/s/demo", "/s/demo"]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_fault_of_the_server_passes(standin: Listening, status: int) -> None:
    standin.fail("/s/demo", PlainTextResponse("oops", status))
    async with fetching(standin) as fetcher:
        with pytest.raises(ServerFault, match=f"127.0.0.1 answered {status}"):
            await fetcher.get("/s/demo")
        assert (await fetcher.get("/s/demo")).status == 200


async def test_a_cut_connection_is_unreachable_and_asks_no_other_host(
    standin: Listening, closed: str
) -> None:
    standin.fail("/s/demo", None)
    async with fetching(standin, after=(closed,)) as fetcher:
        with pytest.raises(Unreachable, match="broke off"):
            await fetcher.get("/s/demo")
        assert (await fetcher.get("/s/demo")).status == 200


async def test_an_answer_past_all_measure_is_refused(
    standin: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_fetch, "LARGEST_PAGE", 10)
    standin.fail("/s/demo", PlainTextResponse("x" * 11))
    async with fetching(standin) as fetcher:
        with pytest.raises(Unreachable, match="too large"):
            await fetcher.get("/s/demo")


async def test_the_next_host_only_where_there_is_no_connection(standin: Listening, closed: str) -> None:
    other = Listening(clock=lambda: START)
    async with (
        serving(other) as address,
        fetching(standin, before=(closed,), after=(address,)) as fetcher,
    ):
        assert (await fetcher.get("/s/demo")).status == 200
        standin.fail("/s/demo", PlainTextResponse("oops", 500))
        with pytest.raises(ServerFault):
            await fetcher.get("/s/demo")
    assert standin.requests == ["/robots.txt", "/s/demo", "/s/demo"]
    assert other.requests == []


async def test_without_any_host_the_message_names_them_and_the_mend(closed: str) -> None:
    options = PreviewOptions(hosts=(closed,), pace=0.0)
    async with client_of(options) as client:
        with pytest.raises(Unreachable) as caught:
            await PreviewFetcher(options, client).get("/s/demo")
    assert caught.value.what == f"no connection to {closed}"
    assert "MONITOR_PREVIEW_HOSTS" in caught.value.mend


@pytest.mark.parametrize(
    "robots",
    [
        "User-agent: *\nDisallow: /s/\n",
        "User-agent: tester\nDisallow: /\n",
        "User-agent: *\nDisallow: /s/demo$\n",
    ],
)
async def test_robots_txt_is_obeyed(standin: Listening, robots: str) -> None:
    standin.robots = robots
    async with fetching(standin) as fetcher:
        for _ in range(2):
            with pytest.raises(RobotsRefusal, match="asks not to fetch /s/demo"):
                await fetcher.get("/s/demo")
    assert standin.requests == ["/robots.txt"]


async def test_robots_txt_that_allows(standin: Listening) -> None:
    standin.robots = "User-agent: *\nDisallow: /private/\n\nUser-agent: other\nDisallow: /\n"
    async with fetching(standin) as fetcher:
        assert (await fetcher.get("/s/demo")).status == 200


@pytest.mark.parametrize(
    ("answer", "error"),
    [(PlainTextResponse("", 503), ServerFault), (limited({"retry-after": "9"}), RateLimited)],
)
async def test_robots_txt_that_cannot_be_had_means_wait(
    standin: Listening, answer: Response, error: type[Exception]
) -> None:
    standin.fail("/robots.txt", answer)
    async with fetching(standin) as fetcher:
        with pytest.raises(error):
            await fetcher.get("/s/demo")
    assert standin.requests == ["/robots.txt"]


async def test_after_a_fault_robots_txt_is_asked_for_again(standin: Listening) -> None:
    standin.fail("/robots.txt", PlainTextResponse("", 500))
    async with fetching(standin) as fetcher:
        with pytest.raises(ServerFault):
            await fetcher.get("/s/demo")
        await fetcher.get("/s/demo")
    assert standin.requests == ["/robots.txt", "/robots.txt", "/s/demo"]


async def test_robots_txt_is_read_anew_when_it_is_old(
    standin: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_fetch, "ROBOTS_KEPT", -1.0)
    async with fetching(standin) as fetcher:
        await fetcher.get("/s/demo")
        standin.robots = "User-agent: *\nDisallow: /\n"
        with pytest.raises(RobotsRefusal):
            await fetcher.get("/s/demo")


async def test_requests_keep_their_distance(standin: Listening) -> None:
    clock = asyncio.get_running_loop()
    async with fetching(standin, pace=0.1) as fetcher:
        began = clock.time()
        await asyncio.gather(*(fetcher.get(f"/s/demo?before={n}") for n in (7, 8, 9)))
        assert clock.time() - began >= 3 * 0.1 - 0.01
    assert standin.requests == ["/robots.txt", *(f"/s/demo?before={n}" for n in (7, 8, 9))]


async def test_a_crawl_delay_slows_what_is_quicker(standin: Listening) -> None:
    standin.robots = "User-agent: *\nCrawl-delay: 0.2\n"
    clock = asyncio.get_running_loop()
    async with fetching(standin) as fetcher:
        began = clock.time()
        for number in (7, 8, 9):
            await fetcher.get(f"/s/demo?before={number}")
        # The first page was in its turn already when the delay was read.
        assert clock.time() - began >= 2 * 0.2 - 0.01


async def test_turns_hold_and_slow() -> None:
    turns = Turns(0.0)
    assert turns.held_for() == 0.0
    turns.hold(100.0)
    turns.hold(1.0)
    assert 90.0 < turns.held_for() <= 100.0
    clock = asyncio.get_running_loop()
    turns.slow_to(0.1)
    turns.slow_to(0.01)
    began = clock.time()
    await turns.wait()
    await turns.wait()
    assert clock.time() - began >= 0.09
