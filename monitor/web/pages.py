"""Drawing pages: Jinja2 with everything escaped, and nothing undefined.

A page knows `t` (the words), `user` (None where nobody is signed in), `path`, `nav`, and whatever its handler gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from monitor.model import Language, User
from monitor.web.keys import key, label
from monitor.web.site import site_of
from monitor.web.static import asset
from monitor.web.texts import Texts, preferred
from monitor.words import MONTHS

LANGUAGE_COOKIE = "language"


@dataclass(frozen=True, slots=True)
class Place:
    """A page that every page links to; `name` is that of its text, of its key and of its count."""

    name: str
    path: str


NAV = (
    Place("queue", "/queue"),
    Place("mine", "/mine"),
    Place("second_look", "/second-look"),
    Place("nobodys", "/nobodys"),
    Place("search", "/search"),
    Place("board", "/board"),
    Place("channels", "/channels"),
    Place("precision", "/precision"),
    Place("digests", "/digests"),
    Place("data", "/data"),
    Place("account", "/account"),
)


def user_of(request: Request) -> User | None:
    """Who is signed in, as far as this request has asked."""
    found = getattr(request.state, "user", None)
    return found if isinstance(found, User) else None


def language_of(request: Request) -> Language:
    """The user's language; before signing in the one chosen on this browser, else the reader's, else the one it asks for."""
    user, chosen = user_of(request), request.cookies.get(LANGUAGE_COOKIE)
    if user is not None:
        return user.language
    if chosen in tuple(Language):
        return Language(chosen)
    if (spoken := getattr(request.state, "spoken", None)) in tuple(Language):
        return Language(spoken)
    return preferred(request.headers.get("accept-language", ""))


def texts_of(request: Request) -> Texts:
    """The words in the language of whoever asks."""
    return Texts(language_of(request))


def page(
    request: Request,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> HTMLResponse:
    """A page: the template of that name, drawn with what every page knows and these values."""
    return HTMLResponse(drawn(request, name, **values), status_code=status, headers=headers)


def drawn(request: Request, name: str, **values: object) -> str:
    """The text of a page, or of a part of one."""
    query = f"?{request.url.query}" if request.url.query else ""
    known: dict[str, Any] = {
        "t": texts_of(request),
        "user": user_of(request),
        "now": site_of(request).now(),
        "path": request.url.path,
        "here": request.url.path + query if request.method == "GET" else "/",
        "nav": NAV,
        "counts": {},
        "notice": None,
    }
    return _ENVIRONMENT.get_template(name).render(known | values)


# --- filters ------------------------------------------------------------------------------------------------


def _time_element(moment: datetime, words: str) -> Markup:
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"), exact.strftime("%Y-%m-%d %H:%M:%S UTC"), words
    )


def _day(moment: datetime, now: datetime, language: Language) -> str:
    year = f" {moment.year}" if moment.year != now.year else ""
    return f"{moment.day} {MONTHS[language][moment.month - 1]}{year}"


@pass_context
def moment_filter(context: Context, moment: datetime) -> Markup:
    """A time in UTC as `6 Aug 13:20`, with the year where it is another than this."""
    exact, texts = moment.astimezone(UTC), context["t"]
    return _time_element(exact, f"{_day(exact, context['now'], texts.language)} {exact:%H:%M}")


@pass_context
def day_filter(context: Context, moment: datetime) -> Markup:
    """The day of a time in UTC: `6 Aug`, with the year where it is another than this."""
    exact = moment.astimezone(UTC)
    return _time_element(exact, _day(exact, context["now"], context["t"].language))


def clock_filter(moment: datetime) -> Markup:
    """The time of day in UTC: `13:20`."""
    return _time_element(moment, f"{moment.astimezone(UTC):%H:%M}")


@pass_context
def age_filter(context: Context, moment: datetime) -> Markup:
    """How long ago a time is: `12 min`."""
    return _time_element(moment, span(context["t"], context["now"] - moment))


def span(texts: Texts, length: timedelta) -> str:
    """A span of time in its largest unit; what is under a minute, or still to come, is now."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return texts("span.now")
    if minutes < 60:  # noqa: PLR2004
        return texts("span.minutes", n=minutes)
    if minutes < 48 * 60:
        return texts("span.hours", n=minutes // 60)
    return texts("span.days", n=minutes // 1440)


@pass_context
def number_filter(context: Context, number: float) -> str:
    """A number with its thousands apart."""
    texts: Texts = context["t"]
    return texts.number(number)


def excerpt_filter(text: str, most: int = 140) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def plain_filter(number: float) -> str:
    """A number as a field takes it: `1500`, `0.5`."""
    return f"{number:f}".rstrip("0").rstrip(".")


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("monitor.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "moment": moment_filter,
        "day": day_filter,
        "clock": clock_filter,
        "age": age_filter,
        "number": number_filter,
        "excerpt": excerpt_filter,
        "plain": plain_filter,
    }
    made.globals |= {"asset": asset, "key": key, "key_label": label, "languages": tuple(Language)}
    return made


_ENVIRONMENT = _environment()
