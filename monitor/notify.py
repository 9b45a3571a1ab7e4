"""One notice out by another route than mail: a signed webhook of ours, or whatever Apprise knows; and the heartbeat.

An address is a secret, often with a token in it: no error and no log has it. A notice whose last byte was handed over
and not answered for is in doubt, and is not sent again by itself.
"""

import asyncio
import hmac
import json
import logging
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import httpx

from monitor.errors import NotifyError
from monitor.model import Clock, Notice, Severity

# They write addresses into their logs.
for _name in ("httpx", "httpcore", "apprise", "urllib3", "requests"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

SIGNATURE, TIMESTAMP = "X-Monitor-Signature", "X-Monitor-Timestamp"
TIMEOUT = 15.0
_SLOW_DOWN, _SERVER_FAULT, _REDIRECT = 429, 500, 300

Route = Callable[[Notice, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """Addresses by the name of the route, and the key that webhooks are signed with; `timeout` is in seconds."""

    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    timeout: float = TIMEOUT

    @property
    def webhooks(self) -> tuple[str, ...]:
        """The routes that are webhooks of ours."""
        return tuple(name for name, url in self.addresses.items() if is_webhook(url))


def is_webhook(url: str) -> bool:
    """Whether an address is one that we post to ourselves."""
    return url.startswith(("https://", "http://"))


def routes(options: RouteOptions, *, now: Clock) -> dict[str, Route]:
    """By the name of each route, what hands a notice over to it, under a key that stays the same at each try.

    Each raises NotifyError where the notice did not go, or may not have.
    """
    return {
        name: partial(_webhook, name, url, options=options, now=now)
        if is_webhook(url)
        else partial(_apprise, name, url, options=options)
        for name, url in options.addresses.items()
    }


def payload(notice: Notice) -> bytes:
    """The body of a webhook: JSON in UTF-8."""
    body = {
        "id": notice.notice_id,
        "kind": notice.kind,
        "severity": notice.severity.value,
        "person": notice.person,
        "made_at": notice.made_at.isoformat(),
        "subject": notice.subject,
        "text": notice.body,
        **notice.told,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the header of the signature says: HMAC-SHA256 (RFC 2104) over the timestamp, a dot, and the body."""
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256)
    return f"sha256={signed.hexdigest()}"


async def _webhook(
    name: str, url: str, notice: Notice, key: str, *, options: RouteOptions, now: Clock
) -> None:
    body, at = payload(notice), str(int(now().timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": key,
        TIMESTAMP: at,
        SIGNATURE: signature(options.secret, at, body),
    }
    try:
        # The bound on the whole holds against an answer that comes byte by byte.
        async with asyncio.timeout(2 * options.timeout), httpx.AsyncClient(timeout=options.timeout) as client:
            answer = await client.post(url, content=body, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise _not_gone(name, f"no connection: {type(error).__name__}", temporary=True) from None
    except (httpx.TransportError, TimeoutError) as error:
        raise _not_gone(
            name, f"it was handed over, and no answer came: {type(error).__name__}", in_doubt=True
        ) from None
    except (httpx.InvalidURL, ValueError) as error:
        raise _not_gone(name, f"its address is none: {type(error).__name__}") from None
    status = answer.status_code
    if status >= _SERVER_FAULT or status == _SLOW_DOWN:
        raise _not_gone(name, f"the other side answered {status}", temporary=True)
    if status >= _REDIRECT:
        raise _not_gone(name, f"the other side answered {status}, and redirects are not followed")


def _not_gone(name: str, why: str, **how: bool) -> NotifyError:
    if how.get("in_doubt"):
        return NotifyError(f"a notice may not have gone by {name}", why, "see whether it is there", **how)
    return NotifyError(
        f"a notice did not go by {name}",
        why,
        f"see to {name} in MONITOR_ALERT_ROUTES, and to its service",
        **how,
    )


_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


async def _apprise(name: str, url: str, notice: Notice, key: str, *, options: RouteOptions) -> None:
    # It loads a hundred plug-ins the first time.
    sender = await asyncio.to_thread(_sender, name, url)
    sending = sender.async_notify(title=notice.subject, body=notice.body, notify_type=_TYPES[notice.severity])
    try:
        gone = await asyncio.wait_for(sending, options.timeout)
    except TimeoutError:
        raise _not_gone(name, f"no answer within {options.timeout:g} s", in_doubt=True) from None
    except Exception as error:  # noqa: BLE001 - plug-ins of many hands
        raise _not_gone(name, f"its plug-in failed: {type(error).__name__}", in_doubt=True) from None
    if not gone:
        # It says no more than that; a fault on the way back looks the same as a refusal.
        raise _not_gone(name, "Apprise says that it failed, and not whether it arrived", in_doubt=True)


def _sender(name: str, url: str) -> Any:
    """Apprise with one address. Raises NotifyError without the extra, or for an address that it does not know."""
    # What its plug-ins import is none of ours to mend.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # It takes a while to load, and comes with an extra.
            import apprise  # noqa: PLC0415
        except ImportError:
            raise NotifyError(
                f"the route {name} needs Apprise",
                "the extra `routes` is not installed",
                "pip install 'telegram-channel-monitor[routes]'",
            ) from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        sender = apprise.Apprise()
        known = sender.add(url)
    if not known:
        raise _not_gone(name, "Apprise does not know this kind of address")
    return sender


async def ping(url: str, *, timeout: float = TIMEOUT) -> None:  # noqa: ASYNC109 - httpx takes it
    """Tell a dead man's switch that all goes well. Raises NotifyError where it could not be told."""
    try:
        async with asyncio.timeout(2 * timeout), httpx.AsyncClient(timeout=timeout) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
        raise _unheard(type(error).__name__) from None
    if answer.status_code >= _REDIRECT:
        raise _unheard(f"it answered {answer.status_code}")


def _unheard(why: str) -> NotifyError:
    return NotifyError(
        "the heartbeat did not arrive",
        why,
        "see to MONITOR_HEARTBEAT_URL, and to its service",
        temporary=True,
    )
