"""Fetching public pages: one polite pace for the whole process, and every refusal told by its name.

Nothing is sent but GET of public pages with an honest User-Agent; no view is counted (that is a POST the
pages' own script makes), no cookie is kept, robots.txt is obeyed.
"""

import asyncio
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from protego import Protego

from monitor.errors import RateLimited, RobotsRefusal, ServerFault, Unreachable

FIRST_WAIT, LONGEST_WAIT = 30.0, 900.0
LONGEST_ASKED = 24 * 3600.0
ROBOTS_KEPT = 24 * 3600.0
LARGEST_PAGE = 8 << 20
HEADERS = {"Accept-Language": "en-US,en;q=0.9", "Accept": "text/html"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOptions:
    """How the public pages are fetched: hosts in order, seconds between requests, who we say we are."""

    hosts: tuple[str, ...] = ("https://t.me", "https://telegram.me")
    pace: float = 2.0
    timeout: float = 20.0
    user_agent: str = "telegram-channel-monitor"
    canary: str = "telegram"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: its status and body, and where it points if it points elsewhere."""

    status: int
    body: bytes
    location: str = ""


class Turns:
    """One request at a time, `seconds` apart, and none before `not_before`; times are the loop's own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._next = 0.0
        self.not_before = 0.0

    async def wait(self) -> None:
        """Wait for one's turn."""
        async with self._lock:
            clock = asyncio.get_running_loop()
            delay = self._next - clock.time()
            if delay > 0:
                await asyncio.sleep(delay)
            self._next = clock.time() + self._seconds

    def slow_to(self, seconds: float) -> None:
        """Take at least so long between two requests from now on."""
        self._seconds = max(self._seconds, seconds)

    def held_for(self) -> float:
        """Seconds for which no request may be made."""
        return max(self.not_before - asyncio.get_running_loop().time(), 0.0)

    def hold(self, seconds: float) -> None:
        """Make no request for so long."""
        self.not_before = max(self.not_before, asyncio.get_running_loop().time() + seconds)


class PreviewFetcher:
    """Fetches paths of the public pages, from the first host that can be connected to."""

    def __init__(self, options: PreviewOptions, client: httpx.AsyncClient) -> None:
        self._options = options
        self._client = client
        self._turns = Turns(options.pace)
        self._refusals = 0
        self._robots: dict[str, tuple[float, Protego | None]] = {}
        self._asking_robots = asyncio.Lock()

    async def get(self, path: str) -> Fetched:
        """The page at a path such as `/s/name?before=20`, redirects not followed.

        Raises Unreachable, ServerFault, RateLimited (with `retry_after`) or RobotsRefusal.
        """
        self._heed()
        last: httpx.TransportError | None = None
        for host in self._options.hosts:
            try:
                await self._allowed(host, path)
                return self._judged(await self._request(host + path))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
        hosts = ", ".join(self._options.hosts)
        raise Unreachable(
            f"no connection to {hosts}", str(last), "see the network, or set MONITOR_PREVIEW_HOSTS"
        )

    def _heed(self) -> None:
        """Refuse while the other side waits: at once, and again for those who stood in line meanwhile."""
        held = self._turns.held_for()
        if held > 0:
            raise self._limited(held)

    async def _request(self, url: str) -> httpx.Response:
        await self._turns.wait()
        self._heed()
        try:
            response = await self._client.get(url)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except httpx.HTTPError as error:
            raise Unreachable(f"the answer of {url} broke off", str(error) or type(error).__name__) from error
        if len(response.content) > LARGEST_PAGE:
            raise Unreachable(f"the answer of {url} is too large", f"{len(response.content)} bytes")
        return response

    def _judged(self, response: httpx.Response) -> Fetched:
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            seconds = self._asked_to_wait(response)
            self._turns.hold(seconds)
            raise self._limited(seconds)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ServerFault(
                f"{response.url.host} answered {status}", response.reason_phrase, "it usually passes"
            )
        self._refusals = 0
        return Fetched(status, response.content, response.headers.get("location", ""))

    def _asked_to_wait(self, response: httpx.Response) -> float:
        """Seconds to wait: as the answer says (a number, or a date), else 30 s doubling to 15 min."""
        said = response.headers.get("retry-after", "").strip()
        asked = _seconds_in(said, response.headers.get("date", ""))
        if asked > 0:
            return min(asked, LONGEST_ASKED)
        self._refusals += 1
        return min(FIRST_WAIT * 2.0 ** (self._refusals - 1), LONGEST_WAIT)

    def _limited(self, seconds: float) -> RateLimited:
        return RateLimited(
            "the public pages asked for fewer requests",
            f"nothing is fetched for {seconds:.0f} s",
            "set a longer MONITOR_PREVIEW_PACE if it comes back",
            retry_after=seconds,
        )

    async def _allowed(self, host: str, path: str) -> None:
        """Obey robots.txt (RFC 9309): not there means allowed, a fault of the server means wait."""
        async with self._asking_robots:
            rules = await self._rules_of(host)
        if rules is None:
            return
        if not rules.can_fetch(host + path, self._options.user_agent):
            raise RobotsRefusal(
                f"robots.txt of {host} asks not to fetch {path.partition('?')[0]}",
                "monitor obeys it",
                "pause the watch, or read the channel through another source",
            )
        delay = rules.crawl_delay(self._options.user_agent)
        if delay:
            self._turns.slow_to(float(delay))

    async def _rules_of(self, host: str) -> Protego | None:
        now = asyncio.get_running_loop().time()
        kept = self._robots.get(host)
        if kept is None or now - kept[0] > ROBOTS_KEPT:
            answer = await self._request(f"{host}/robots.txt")
            if (
                answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
                or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
            ):
                self._judged(answer)
            rules = Protego.parse(answer.text) if answer.status_code == HTTPStatus.OK else None
            kept = self._robots[host] = (now, rules)
        return kept[1]


def _seconds_in(said: str, date: str) -> float:
    """The seconds that a Retry-After names (RFC 9110, 10.2.3); 0 where it names none."""
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        asked: float = (parsedate_to_datetime(said) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return asked


def client_of(options: PreviewOptions) -> httpx.AsyncClient:
    """The HTTP client for the public pages: no cookies, no redirects, our own name."""
    return httpx.AsyncClient(
        headers=HEADERS | {"User-Agent": options.user_agent},
        timeout=options.timeout,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=True,
    )
