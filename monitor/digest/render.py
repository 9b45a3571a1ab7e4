"""Drawing an edition: the mail's HTML with its styles on the elements, its plain text, and the whole for the site.

Mail clients cut a long mail off (Gmail near 102 kB), so entries and rows are left to the web until the HTML fits, and
how many is told; the plain text has the same. Whatever others wrote is escaped, put on one line, and kept from turning
the text around it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from itertools import groupby, starmap
from sys import maxsize
from textwrap import wrap
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from monitor.bounds import bounds_in_short
from monitor.digest.takeaways import Takeaway, changed_figures, conflicting, takeaways
from monitor.digest.told import Told
from monitor.digest.wording import Wording
from monitor.model import CaseState, Side
from monitor.store.summary import Change, Claimed, Entry, Stated, Volume
from monitor.telegram_links import post_link
from monitor.words import MONTHS, excerpt, harmless

# The greeting and the farewell of a delivery come on top of it, and 90 kB in all are the bound.
LARGEST_HTML = 86_000
WIDTH = 78
QUOTE = 280
SHORT_QUOTE = 120
MOST_FIGURES = 6
_BARS = " ▁▂▃▄▅▆▇█"
_BLOCKS = 12


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edition, drawn: see `monitor.model.Edition`. `posts` are the keys of what it quotes."""

    subject: str
    html: str
    body: str
    page: str
    posts: tuple[tuple[int, int], ...]

    @property
    def sha256(self) -> bytes:
        """The hash of all that a reader can see."""
        return hashlib.sha256(f"{self.subject}\0{self.html}\0{self.body}\0{self.page}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Room:
    """How much there is room for: entries a topic, rows of channels and of gaps each, changes, claims, and channels of a claim."""

    entries: int
    rows: int
    changes: int = 10
    claims: int = 20
    ranges: int = 8


# From what one likes to read down to what fits, however many topics and channels there are.
_ROOMS = tuple(starmap(Room, ((12, 100), (8, 60), (5, 40), (3, 30), (2, 20), (1, 10), (0, 5))))
_WHOLE = Room(*[maxsize] * len(fields(Room)))


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of a topic, and how many more cases it has. It is empty for posts whose flags are lifted by now."""

    topic: str
    entries: tuple[Entry, ...]
    more: int


class Row(NamedTuple):
    """A row of the table of figures: each channel's range with its link, how many more channels, and whether two exclude each other."""

    kind: str
    side: str
    ranges: list[tuple[str, str, str | None]]
    more: int
    clash: bool


def drawn(told: Told, *, public_url: str | None) -> Drawn:
    """An edition of what is told; links to pages of ours are there with a `public_url` alone."""
    pen = _Pen(told, public_url)
    room = next((one for one in _ROOMS if len(pen.html(one).encode()) <= LARGEST_HTML), _ROOMS[-1])
    return Drawn(
        subject=pen.subject(),
        html=pen.html(room),
        body=pen.text(room),
        page=pen.page(),
        posts=tuple(sorted(pen.quoted())),
    )


def grouped(told: Told, *, most: int) -> list[Group]:
    """Entries under one topic each, that with the fewest cases, since it says most; each group by time."""
    sizes = {topic.topic: topic.cases for topic in told.topics}
    found = [(_shown(entry, sizes), entry) for entry in told.entries]
    found.sort(key=lambda one: (not one[0], sizes.get(one[0], 0), one[0]))
    groups = []
    for topic, members in groupby(found, key=lambda one: one[0]):
        entries = [entry for _, entry in members]
        first = sorted(entries[:most], key=lambda entry: (entry.posted_at, entry.case_id))
        groups.append(Group(topic, tuple(first), len(entries) - len(first)))
    return groups


def _shown(entry: Entry, sizes: dict[str, int]) -> str:
    """The topic that an entry stands under; an edit or new rules can have left it none."""
    return min((t for t in entry.topics if t in sizes), key=lambda t: (sizes[t], t), default="")


class _Pen:
    """One edition in the drawing."""

    def __init__(self, told: Told, public_url: str | None) -> None:
        self.told = told
        self.t = Wording(told.asked.language)
        self.public_url = public_url
        self.zone = ZoneInfo(told.asked.zone)
        self.conflicts = conflicting(told.claimed)
        self.takeaways = takeaways(told)

    def html(self, room: Room) -> str:
        """The HTML of the mail."""
        return _inliner().inline(self._draw("edition.html", room))

    def page(self) -> str:
        """The whole, for the site."""
        return self._draw("edition.html", _WHOLE)

    def text(self, room: Room) -> str:
        """The plain text of the mail, in lines of at most WIDTH characters, save for links."""
        drawn_text = self._draw("edition.txt", room)
        return "\n".join(_wrapped(drawn_text)).strip("\n") + "\n"

    def quoted(self) -> set[tuple[int, int]]:
        """The keys of all posts that are quoted somewhere."""
        told = self.told
        quoted = [(one.channel_id, one.message_id) for one in told.entries]
        quoted += [(one.channel_id, one.message_id) for one in told.changes]
        return {*quoted, *((one.channel_id, one.message_id) for one in told.deletions)}

    def subject(self) -> str:
        """One line: the day, and what is most of note."""
        counts, t = self.told.counts, self.t
        parts = [t("name"), self.day(self.told.asked.window.since)]
        parts.append(
            t("subject.flagged", n=t.number(counts.flagged)) if counts.flagged else t("subject.quiet")
        )
        more = (("subject.edited", counts.edited), ("subject.deleted", counts.deleted))
        told = [t(name, n=t.number(number)) for name, number in more if number]
        dark = len(self.told.troubled)
        told += [t("subject.dark", channels=t.count("channel", dark))] if dark else []
        return " · ".join([*parts[:2], ", ".join([parts[2], *told])])

    def _draw(self, template: str, room: Room) -> str:
        told = self.told
        known: dict[str, Any] = {
            "t": self.t,
            "told": told,
            "pen": self,
            "lang": told.asked.language.value,
            "subject": self.subject(),
            "narrowed": self.narrowed(room.rows),
            "groups": grouped(told, most=room.entries),
            "takeaways": [
                (self.sentence(one), self.link(*one.post) if one.post else None) for one in self.takeaways
            ],
        }
        parts = {
            "claims": (self.claims(room), room.claims),
            "changes": (told.changes, room.changes),
            "deletions": (told.deletions, room.changes),
            "volumes": (self.volumes(room.rows), room.rows),
            "troubled": (told.troubled, room.rows),
            "gaps": (told.gaps, room.rows),
        }
        known |= {name: rows[:most] for name, (rows, most) in parts.items()}
        known["rest"] = {name: len(rows) - most for name, (rows, most) in parts.items()}
        return _environment().get_template(template).render(known)

    # --- what the templates ask for ---------------------------------------------------------------------

    def more(self, noun: str, number: int) -> str:
        """How many more there are than are drawn, and where they are seen."""
        return self.t("more" if self.public_url else "more.offline", what=self.t.count(noun, number))

    def narrowed(self, most: int) -> str:
        """The topics and channels that an edition is narrowed to; empty where it is not."""
        asked = self.told.asked.narrowed
        return self._listed([*asked.topics, *asked.channels], most)

    def _listed(self, words: Sequence[str], most: int, *, between: str = ", ") -> str:
        more = len(words) - most
        return between.join([*words[:most], *([self.t("flagged.and_more", n=more)] if more > 0 else [])])

    def volumes(self, most: int) -> list[Volume]:
        """How much the channels posted: where not all find room, first those that post the most, or usually do."""
        every = self.told.volumes
        first = sorted(every, key=lambda one: -max(one.posts, self.norm(one) or 0))[:most]
        return [one for one in every if one in first] + [one for one in every if one not in first]

    def day(self, moment: datetime) -> str:
        """A day by the reader's clock: `6 Aug`."""
        local = moment.astimezone(self.zone)
        return f"{local.day} {MONTHS[self.told.asked.language][local.month - 1]}"

    def at(self, moment: datetime) -> str:
        """A time by the reader's clock: `6 Aug 13:20`."""
        return f"{self.day(moment)} {moment.astimezone(self.zone):%H:%M}"

    def link(self, channel_id: int, message_id: int, version: int) -> str | None:
        """Our stable page of a version."""
        return f"{self.public_url}/p/{channel_id}/{message_id}@v{version}" if self.public_url else None

    def telegram(self, one: Entry | Change) -> str | None:
        """The post at Telegram."""
        return post_link(one.handle, one.message_id)

    def channel(self, one: Any) -> str:
        """What a channel is called: its title, else its handle, else its number."""
        return harmless(one.title or one.handle or str(one.channel_id))[:80]

    def clean(self, text: str) -> str:
        """A short text of others, safe to stand anywhere."""
        return harmless(text)[:200]

    def quote(self, text: str, start: int = 0, end: int = 0, *, width: int = QUOTE) -> str:
        """At most `width` characters of a text: its beginning, or the words around a place that lies further on."""
        whole = harmless(text)
        if len(whole) <= width:
            return whole
        if end <= width * 3 // 4:
            cut = whole[: width - 1]
            return (cut.rpartition(" ")[0] or cut) + "…"
        return _bounded(harmless(excerpt(text, start, min(end, start + width // 2), width - 2)), width)

    def figure(self, figure: Stated) -> str:
        """A figure in words: `≤300 personnel · Ukraine`."""
        whose = "" if figure.side == Side.UNKNOWN else f" · {self.t.named('side', figure.side)}"
        return f"{bounds_in_short(figure.low, figure.high)} {self.t.named('kind', figure.kind)}{whose}"

    def figures(self, figures: Sequence[Stated]) -> str:
        """Several of them, the first MOST_FIGURES."""
        return self._listed([self.figure(one) for one in figures], MOST_FIGURES, between="; ")

    def changed(self, change: Change) -> tuple[str, str] | None:
        """The figures that an edit took out and put in; None where it touched none."""
        out, put = changed_figures(change)
        if not (out or put):
            return None
        nothing = self.t("take.nothing_else")
        return self.figures(out) or nothing, self.figures(put) or nothing

    def state(self, entry: Entry) -> str:
        """Where the case of an entry stands."""
        if entry.state == CaseState.DECIDED and entry.verdict is not None:
            return self.t(f"state.{entry.verdict}")
        return self.t(f"state.{entry.state}")

    def copies(self, entry: Entry) -> str:
        """Who else said it."""
        names = list(dict.fromkeys(harmless(copy.name)[:40] for copy in entry.copies))
        more = entry.posts - 1 - len(entry.copies)
        words = ", ".join(names) + (f" {self.t('flagged.and_more', n=more)}" if more > 0 else "")
        return self.t("flagged.copies", names=words)

    def claims(self, room: Room) -> list[Row]:
        """Rows of the table of figures, those that exclude each other first, then those of most claims."""
        clash = {(one.kind, one.side) for one, _ in self.conflicts}
        rows: dict[tuple[str, str], list[Claimed]] = {}
        for one in self.told.claimed:
            rows.setdefault((one.kind, one.side), []).append(one)
        order = sorted(rows, key=lambda key: (key not in clash, -sum(one.claims for one in rows[key]), key))
        return [self._row(rows[key], room.ranges, clash=key in clash) for key in order]

    def _row(self, claimed: Sequence[Claimed], most: int, *, clash: bool) -> Row:
        opposed = {one for pair in self.conflicts for one in pair} if clash else set()
        first = sorted(claimed, key=lambda one: one not in opposed)[:most]
        return Row(
            self.t.named("kind", claimed[0].kind),
            self.t.named("side", claimed[0].side),
            [
                (self.channel(one), self.range(one), self.link(one.channel_id, one.message_id, one.version))
                for one in (first if len(first) < len(claimed) else claimed)
            ],
            len(claimed) - len(first),
            clash,
        )

    def range(self, one: Claimed) -> str:
        """What a channel said, in short, and how often where that was more than once."""
        times = f" ×{one.claims}" if one.claims > 1 else ""
        return bounds_in_short(one.low, one.high) + times

    def norm(self, volume: Volume) -> float | None:
        """How much a channel posts in a window of this length, by the seven days before; None without a day of them."""
        length = self.told.asked.window.until - self.told.asked.window.since
        return volume.before * (length / volume.known) if volume.known >= length / 2 else None

    def bar(self, number: float) -> str:
        """A bar of glyphs, as long as the number is beside the largest of the channels."""
        most = max([*(v.posts for v in self.told.volumes), 1])
        return "█" * round(number / most * _BLOCKS) or ("▏" if number else "")

    def spark(self, place: int) -> str:
        """The hours of the window as one glyph each: 0 for posts, 1 for flagged ones."""
        numbers = [hour[place] for hour in self.told.hours]
        most = max([*numbers, 1])
        return "".join(_BARS[-(-number * (len(_BARS) - 1) // most)] if number else "·" for number in numbers)

    def sentence(self, one: Takeaway) -> str:
        """A takeaway in words."""
        return self.t(one.name, **_SENTENCES.get(one.name, _counted)(self, one.values))


def _counted(pen: _Pen, values: dict[str, Any]) -> dict[str, object]:
    nouns = {
        "posts": "post",
        "flagged": "post",
        "channels": "channel",
        "waiting": "case",
        "decided": "decision",
    }
    return {
        name: pen.t.count(nouns[name], number) if name != "flagged" else pen.t.number(number)
        for name, number in values.items()
    }


def _contradiction(pen: _Pen, values: dict[str, Any]) -> dict[str, object]:
    one, other = values["one"], values["other"]
    return {
        "one": pen.channel(one),
        "other": pen.channel(other),
        "low": pen.range(one),
        "high": pen.range(other),
        "kind": pen.t.named("kind", values["kind"]),
        "side": pen.t.named("side", values["side"]),
    }


def _largest(pen: _Pen, values: dict[str, Any]) -> dict[str, object]:
    return {"figure": pen.figure(values["figure"]), "channel": pen.channel(values["entry"])}


def _corrected(pen: _Pen, values: dict[str, Any]) -> dict[str, object]:
    out, put = pen.changed(values["change"]) or ("", "")
    return {"channel": pen.channel(values["change"]), "out": out, "put": put}


def _deleted(pen: _Pen, values: dict[str, Any]) -> dict[str, object]:
    gone = values["gone"]
    return {
        "posts": pen.t.count("post", values["deleted"]),
        "channel": pen.channel(gone),
        "quote": pen.quote(gone.text, width=SHORT_QUOTE),
    }


def _dark(pen: _Pen, values: dict[str, Any]) -> dict[str, object]:
    first = values["first"]
    return {
        "label": harmless(first.label),
        "since": pen.at(first.since),
        "channels": pen.t.count("channel", values["channels"]),
    }


_SENTENCES: dict[str, Callable[[_Pen, dict[str, Any]], dict[str, object]]] = {
    "take.contradiction": _contradiction,
    "take.largest": _largest,
    "take.corrected": _corrected,
    "take.deleted": _deleted,
    "take.dark": _dark,
}


def _bounded(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")))
        whole = len(line) <= WIDTH or line.strip().startswith("https://")
        lines += [line] if whole else wrap(line, WIDTH, subsequent_indent=indent, drop_whitespace=True)
    return lines


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("monitor.digest"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
