"""How to cite one version of a post: as BibTeX and after APA, 7th edition.

APA (https://apastyle.apa.org/style-grammar-guidelines/references/examples, social media): the author's name and
handle, the date, up to the first 20 words as the title (a link, a hashtag and an emoji count as one), the kind of
post in brackets, the site, and the date of retrieval, since a post may be edited. Days are in UTC.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from monitor.model import aware

TITLE_WORDS = 20

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ONE_EMOJI = "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff][\ufe0f\U0001f3fb-\U0001f3ff]*"
_COUNTED = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|{_ONE_EMOJI}(?:\u200d{_ONE_EMOJI})*"
    "|[^\\s\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff]+"
)
# Control and direction marks would let a title turn round what stands beside it.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# BibTeX counts braces even behind a backslash, so that a lone one must not stand there at all.
_BIBTEX = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "$": r"\$", "&": r"\&",
    "#": r"\#", "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\char34{}",
})  # fmt: skip
_NO_KEY = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """One version of a post, as it is cited: `url` is our own stable page, `sha256` the hash in hexadecimal."""

    channel_id: int
    title: str | None
    handle: str | None
    message_id: int
    version: int
    posted_at: datetime
    seen_at: datetime
    sha256: str
    url: str
    telegram_url: str | None = None
    text: str = ""


def first_words(text: str, most: int = TITLE_WORDS) -> str:
    """Up to so many words of a text on one line; empty where it has none."""
    seen = _UNSEEN.sub("", text)
    end = 0
    for _, word in zip(range(most), _COUNTED.finditer(seen), strict=False):
        end = word.end()
    return " ".join(seen[:end].split())


def apa(cited: Cited) -> str:
    """A reference after APA, without its italics."""
    posted, seen = aware(cited.posted_at), aware(cited.seen_at)
    title = first_words(cited.text)
    told = f"{title} [Telegram post]" if title else "[Telegram post without words]"
    when = f"{posted.year}, {_MONTHS[posted.month - 1]} {posted.day}"
    retrieved = f"{_MONTHS[seen.month - 1]} {seen.day}, {seen.year}"
    return f"{_author(cited)} ({when}). {told}. Telegram. Retrieved {retrieved}, from {_address(cited.url)}"


def _author(cited: Cited) -> str:
    name = _name(cited)
    handle = f" [@{cited.handle}]" if cited.handle and name != f"@{cited.handle}" else ""
    return name + handle + ("" if (name + handle).endswith(".") else ".")


def _name(cited: Cited) -> str:
    """The channel's name; its handle where it has none, else its id."""
    title = " ".join(_UNSEEN.sub("", cited.title or "").split())
    return title or (f"@{cited.handle}" if cited.handle else f"Telegram channel {cited.channel_id}")


def bibtex(cited: Cited) -> str:
    """An entry for BibTeX and biblatex; letters beyond ASCII stay as they are (UTF-8)."""
    posted, seen = aware(cited.posted_at), aware(cited.seen_at)
    where = rf"Telegram, \url{{{_address(cited.telegram_url)}}}" if cited.telegram_url else "Telegram"
    fields = {
        "author": f"{{{{{_escaped(_name(cited))}}}}}",
        "title": f"{{{{{_escaped(first_words(cited.text) or '[Telegram post without words]')}}}}}",
        "year": f"{{{posted.year}}}",
        "month": _MONTHS[posted.month - 1][:3].lower(),
        "day": f"{{{posted.day}}}",
        "howpublished": f"{{{where}}}",
        "url": f"{{{_address(cited.url)}}}",
        "urldate": f"{{{seen:%Y-%m-%d}}}",
        "note": f"{{Telegram post, version {cited.version}, posted {posted:%Y-%m-%d %H:%M:%S} UTC, retrieved {seen:%Y-%m-%d %H:%M:%S} UTC, SHA-256 {_escaped(cited.sha256)}}}",
    }
    lines = ",\n".join(f"  {name} = {value}" for name, value in fields.items())
    return f"@misc{{{_key(cited)},\n{lines}\n}}\n"


def _key(cited: Cited) -> str:
    return f"{_NO_KEY.sub('', cited.handle or '') or cited.channel_id}-{cited.message_id}-v{cited.version}"


def _escaped(text: str) -> str:
    return text.translate(_BIBTEX)


def _address(url: str) -> str:
    """A link with only such characters as neither BibTeX nor the end of a sentence could break."""
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]")
