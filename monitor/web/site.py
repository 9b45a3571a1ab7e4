"""What every page handler stands on: the database, the clock, the options, and the word to stop."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import HTTPConnection

from monitor.model import Clock, ReviewOptions
from monitor.passwords import Verifier
from monitor.store.database import Database
from monitor.web.hub import Hub

# How many questions of researchers are answered at once; the queue of whoever reviews must not wait for them.
MOST_ASKING = 6


@dataclass(frozen=True, slots=True)
class Options:
    """How the site is reached, and how long cases may wait. `public_url` is as people type it, None where that is this
    machine's own address; `media` is where files that posts bear are kept.
    """

    public_url: str | None = None
    review: ReviewOptions = field(default_factory=ReviewOptions)
    media: Path | None = None

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS, so that its cookie may demand it."""
        return (self.public_url or "").startswith("https://")


@dataclass(frozen=True, slots=True)
class Site:
    """One running site. `stopping` is set when it is to end: an event stream must end with it, at once;
    `asking` is what questions of researchers take turns by.
    """

    database: Database
    now: Clock
    options: Options
    hub: Hub
    verifier: Verifier = field(default_factory=Verifier)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_ASKING))


def site_of(request: HTTPConnection) -> Site:
    """The site that a request came to."""
    site = request.app.state.site
    if not isinstance(site, Site):
        message = "the app was not made by make_app"
        raise TypeError(message)
    return site
