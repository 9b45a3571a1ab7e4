"""What guards every answer: its headers, and the refusal of requests that another site made.

A request that changes something is taken where the browser says that it comes from this site (Sec-Fetch-Site),
or, from browsers that do not say so, where Origin names this host; one that tells neither is refused. This is what
keeps a stranger's page from acting for whoever is signed in, so that no form needs a token. Mail providers tell
neither where a reader unsubscribes (RFC 8058); the address of that page is itself the secret that it takes.

A request must be for a host that the site is known by: an address in numbers, this machine, or the host of
MONITOR_PUBLIC_URL. Else a stranger could point a name of theirs at this machine, and read it as their own site.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.pages import page, texts_of
from monitor.web.site import site_of

log = structlog.get_logger()

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    # With no-referrer a browser would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
UNSUBSCRIBING = re.compile(r"/u/[A-Za-z0-9_-]{22}")
_HSTS = "max-age=31536000"


def ours(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request may act: it changes nothing, or comes from this site or from the person directly."""
    if method in SAFE:
        return True
    if (site := headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")
    origin, host = headers.get("origin"), headers.get("host")
    return bool(origin and host) and _host(origin or "") == (host or "").lower()


def is_known(host: str, public_url: str | None) -> bool:
    """Whether a Host header names this site."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_address(name) or name == urlsplit(public_url or "").hostname


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def _host(origin: str) -> str | None:
    """The host and port of an origin; None for `null`, and for what is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") and parts.netloc else None


class Guard:
    """The outermost layer of the site, so that errors pass it too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is not ours; give every answer its headers, and a mistake of ours its page."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        public_url = site_of(Request(scope)).options.public_url
        if not is_known(Headers(scope=scope).get("host", ""), public_url):
            await _error(scope, receive, answer, status=421, name="error.host")
            return
        from_mail = scope["method"] == "POST" and UNSUBSCRIBING.fullmatch(scope["path"])
        if not (from_mail or ours(scope["method"], Headers(scope=scope))):
            await _error(scope, receive, answer, status=403, name="error.origin")
            return
        try:
            await self._app(scope, receive, answer)
        except Exception:
            log.exception("a page failed", path=scope["path"])
            if answer.begun:
                raise
            await _error(scope, receive, answer, status=500, name="error.own")


class _Answer:
    """Sends an answer on with the headers that each has; what a handler set itself stays."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
            if site_of(Request(self._scope)).options.secure:
                headers.setdefault("strict-transport-security", _HSTS)
        await self._send(message)


async def _error(scope: Scope, receive: Receive, send: Send, *, status: int, name: str) -> None:
    request = Request(scope, receive)
    answer = page(request, "error.html", status=status, message=texts_of(request)(name))
    await answer(scope, receive, send)
