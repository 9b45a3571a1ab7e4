"""The words of the product as types: frozen, with aware times, knowing nothing of databases or networks.

A post is keyed by (channel id, message id) in every source; times are aware and in UTC; entity offsets
and lengths are UTF-16 code units, as Telegram counts them (core.telegram.org/api/entities).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from monitor.errors import UsageError

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The one clock; `worker` and `cli` hand it down."""
    return datetime.now(UTC)


def aware(moment: datetime) -> datetime:
    """The same moment in UTC; refuses a time without a zone."""
    if moment.tzinfo is None:
        message = f"a time without a zone: {moment.isoformat()}"
        raise ValueError(message)
    return moment.astimezone(UTC)


class SourceName(StrEnum):
    """A way to read a channel."""

    TELEGRAM = "telegram"
    PREVIEW = "preview"
    DESKTOP = "desktop"


class MediaKind(StrEnum):
    """What hangs on a post; the same word from every source, since it is part of what makes a version."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    ROUND_VIDEO = "round_video"
    VOICE = "voice"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    POLL = "poll"
    LOCATION = "location"
    CONTACT = "contact"
    OTHER = "other"


class Count(NamedTuple):
    """A number as the source gave it: `unit` 1 is exact, else the step it was rounded to («1.1K» is 1100 by 100)."""

    value: int
    unit: int = 1


class Entity(NamedTuple):
    """A stretch of a text with a meaning; offset and length in UTF-16 code units. `value` is a link's target."""

    type: str
    offset: int
    length: int
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """What hangs on a post: its kind, and what the source tells of it (sizes in bytes, durations in seconds)."""

    kind: MediaKind
    details: Mapping[str, Any] = field(default_factory=dict)


class ForwardKind(StrEnum):
    """Where a post was forwarded from. A person stays "a user"; a name that may be a person's is not kept."""

    CHANNEL = "channel"
    USER = "user"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Forward:
    """The origin of a forwarded post, as far as the source tells; names and ids of channels only."""

    kind: ForwardKind
    channel_id: int | None = None
    handle: str | None = None
    message_id: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a post answers; `handle` only where that is in another channel."""

    message_id: int
    handle: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers under a post at one time; reactions by emoji, `custom:<id>` or `paid`."""

    views: Count | None = None
    forwards: Count | None = None
    reactions: Mapping[str, Count] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was counted at all."""
        return self.views is not None or self.forwards is not None or bool(self.reactions)


NO_COUNTS = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message of a channel as one look showed it.

    `album_id` is the message id of the album's first member; the album's caption stands on that member.
    `service` names what happened to the channel, where the post is no message. `extras` holds what is no
    text and no media: link preview, buttons, the bot it came by. `raw` is what it was read from, private
    people taken out.
    """

    channel_id: int
    message_id: int
    posted_at: datetime
    text: str = ""
    entities: tuple[Entity, ...] = ()
    media: Media | None = None
    edited: bool = False
    edited_at: datetime | None = None
    forward: Forward | None = None
    reply: Reply | None = None
    album_id: int | None = None
    service: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    counts: Counts = field(default_factory=lambda: NO_COUNTS)
    raw: bytes = b""

    def __post_init__(self) -> None:
        """Refuse a time without a zone, which two sources would read differently."""
        if self.posted_at.tzinfo is None or (self.edited_at is not None and self.edited_at.tzinfo is None):
            message = f"post {self.message_id} has a time without a zone"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A public channel as one look showed it; None is what the look could not see."""

    channel_id: int
    title: str | None = None
    handle: str | None = None
    about: str | None = None
    subscribers: Count | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Input that could not be taken: its bytes, and why."""

    body: bytes
    reason: str
    message_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a channel gave: posts in ascending order, and the ids that it covered.

    `first_id` to `last_id`, both included, is the range of which the look shows every post there was at
    `at`; it is None where the look proves nothing, and empty (the first over the last) where there was nothing
    new above the last. `exhausted` says that nothing lies further that way.

    `deleted` are message ids that Telegram reports as deleted; `absent` are ids asked for and proven not to be
    there while the channel could be read; `unseen` are ids that were not visible, which proves nothing. Where Telegram keeps an order of changes, `pts` is the place in
    it that this look reached (core.telegram.org/api/updates), and `all_due` says that changes before it
    were lost, so that every post held must be looked at again. `again_after` is the pace that was asked for.
    `instead_of` is what kept the source decided on from giving the look: the outcome, and in words.
    """

    source: SourceName
    at: datetime
    channel: Channel
    posts: tuple[Post, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    first_id: int | None = None
    last_id: int | None = None
    exhausted: bool = False
    deleted: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    unseen: tuple[int, ...] = ()
    pts: int | None = None
    all_due: bool = False
    again_after: timedelta | None = None
    instead_of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the archive holds of a post: its current version, and the hashes of all of them.

    `text`, `links` and `media` (a media kind, or `service:` and its kind) are those of the current version;
    they are filled in only where the hash that was asked about is another than `sha256`.
    """

    message_id: int
    posted_at: datetime
    versions: int
    sha256: bytes
    all_sha256: frozenset[bytes]
    source: SourceName
    seen_at: datetime
    edited_at: datetime | None = None
    text: str = ""
    links: tuple[str, ...] = ()
    media: str | None = None
    counts: Counts = field(default_factory=lambda: NO_COUNTS)
    counts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to add: its number, the form and SHA-256 of its content, and the hash of the version before.

    `current` is False where it is older than the one we hold (found later, in a file).
    """

    post: Post
    number: int
    form: int
    sha256: bytes
    links: tuple[str, ...] = ()
    previous: bytes | None = None
    current: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What a look changes: versions to add, message ids seen again, posts whose counts are to be added.

    `deleted` are ids proven to be gone, `missing` those that were not visible; both may never have been held.
    `due` says when a post is to be looked at again, by message id; those that it does not name, never.
    """

    added: tuple[NewVersion, ...] = ()
    seen: tuple[int, ...] = ()
    counted: tuple[Post, ...] = ()
    deleted: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    due: Mapping[int, datetime] = field(default_factory=dict)

    @property
    def new_posts(self) -> int:
        """How many posts were not held before."""
        return sum(v.number == 1 for v in self.added)

    @property
    def edits(self) -> int:
        """How many further versions held posts got."""
        return len(self.added) - self.new_posts


class LookKind(StrEnum):
    """Why a look was made; looks of one kind in a row share a row of coverage."""

    LIVE = "live"
    BACKFILL = "backfill"
    RECHECK = "recheck"
    HOLES = "holes"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon a watch is looked at again: from the quickest to the slowest."""

    quickest: timedelta = timedelta(minutes=1)
    slowest: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One entry of config/channels.toml: what we decided to follow, and how."""

    handle: str
    label: str
    source: SourceName = SourceName.PREVIEW
    person: str | None = None
    person_since: date | None = None
    side: str = "unknown"
    pace: Pace = field(default_factory=Pace)
    since: datetime | None = None

    @property
    def key(self) -> str:
        """Handles are equal without regard to case."""
        return self.handle.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A followed handle and where we stand with it.

    `cursor` is the newest message id stored without a gap below it since the watch began. The backfill goes
    down from `backfill_before` (exclusive) to posts of `backfill_since`; `backfill_done` says it got there.
    `pts` is the place in Telegram's order of changes up to which they are stored; since `lost_at` it is known
    that some will never be told. `via` is the source that
    the last look came through, where that is another than the one decided on.
    """

    handle: str
    source: SourceName
    pace: Pace
    label: str = ""
    side: str = "unknown"
    channel_id: int | None = None
    cursor: int | None = None
    pts: int | None = None
    lost_at: datetime | None = None
    backfill_since: datetime | None = None
    backfill_before: int | None = None
    backfill_done: bool = False
    interval: timedelta | None = None
    failures: int = 0
    problem: str | None = None
    problem_text: str | None = None
    problem_since: datetime | None = None
    paused_at: datetime | None = None
    pause_reason: str | None = None
    next_look_at: datetime | None = None
    last_look_at: datetime | None = None
    last_post_at: datetime | None = None
    via: SourceName | None = None


class Access(NamedTuple):
    """How one account reaches a channel: the hash is worth nothing to another account."""

    channel_id: int
    access_hash: int
    handle: str


class Span(NamedTuple):
    """Where a text shows a topic: character offsets, end excluded, and the term of the rules that matched.

    `at` is where a place lies, as degrees of latitude and longitude (WGS 84).
    """

    start: int
    end: int
    term: str
    at: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """A topic found in one version of a post, with the spans that show why; one not `raised` asks for no review."""

    topic: str
    spans: tuple[Span, ...]
    raised: bool = True


class Side(StrEnum):
    """Whose people or things a figure counts."""

    UKRAINE = "ukraine"
    RUSSIA = "russia"
    NORTH_KOREA = "north_korea"
    OTHER = "other"
    UNKNOWN = "unknown"


# The kinds of figures that come with the rules (config/figures.toml may add to them): those of people and arms, and
# the others. What is pressing, and what opens a digest, goes by the first.
TROOP_KINDS = (
    "personnel", "killed", "wounded", "captured", "losses", "unit", "tank", "armour", "artillery", "vehicle",
)  # fmt: skip
KINDS = (*TROOP_KINDS, "aircraft", "drone", "munition", "other_equipment", "settlement", "distance", "area")


class Qualifier(StrEnum):
    """How a text bounds a number."""

    EXACT = "exact"
    ABOUT = "about"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    RANGE = "range"
    VAGUE = "vague"


class Stance(StrEnum):
    """Whose a text calls them without naming a side: the enemy's, or its own."""

    ENEMY = "enemy"
    OWN = "own"


class Scope(StrEnum):
    """What time a figure counts over: the day, or all since a date."""

    DAY = "day"
    SINCE = "since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that a text states: what it counts, its bounds (None is open), and whose they are.

    `start` and `end` are character offsets, end excluded; `term` is the word of the rules that named what is
    counted. `since` is the date that a `scope` of that name runs from, if the text gives one.
    """

    start: int
    end: int
    kind: str
    low: float | None
    high: float | None
    qualifier: Qualifier
    side: Side = Side.UNKNOWN
    stance: Stance | None = None
    scope: Scope | None = None
    since: date | None = None
    term: str = ""


_OPPONENT = {Side.RUSSIA: Side.UKRAINE, Side.UKRAINE: Side.RUSSIA}


def inferred_side(figure: Figure, watched: str) -> Side | None:
    """The side that «the enemy» or «ours» means in a channel of the side `watched`; None where that tells nothing."""
    own = Side(watched) if watched in _OPPONENT else None
    if own is None or figure.stance is None:
        return None
    return own if figure.stance is Stance.OWN else _OPPONENT[own]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the rules find in one text: flags in the order of the rules, figures in that of the text."""

    flags: tuple[Flag, ...] = ()
    figures: tuple[Figure, ...] = ()


class Role(StrEnum):
    """What a user of the review site may do; each may all that those before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    LEAD = "lead"

    def at_least(self, other: "Role") -> bool:
        """Whether this one may all that the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Language(StrEnum):
    """A language of the review site."""

    ENGLISH = "en"
    RUSSIAN = "ru"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person of the review site; `keys` says whether single keys act. The password's hash is never in here."""

    user_id: int
    name: str
    role: Role
    language: Language
    keys: bool
    created_at: datetime
    disabled_at: datetime | None = None


LONGEST_NAME = 32


def user_name_of(written: str) -> str:
    """The name of a user in NFC. Raises UsageError for what cannot be one: letters, digits, `.`, `_`, `-`, at most 32."""
    name = unicodedata.normalize("NFC", written.strip())
    if 0 < len(name) <= LONGEST_NAME and name[0].isalnum() and re.sub("[._-]", "", name).isalnum():
        return name
    raise UsageError(
        f"no name of a user: {written}",
        f"it has letters, digits, `.`, `_` and `-`, begins with one of the first two, and has at most {LONGEST_NAME}",
        "for example olya",
    )


def handle_of(text: str) -> str:
    """The handle in `@name`, `name`, `t.me/name` or a link to it.

    Raises UsageError for what cannot be one (https://core.telegram.org/method/channels.checkUsername:
    5 to 32 of a-z, 0-9 and underscore; some short ones were sold, so 4 pass too).
    """
    bare = text.strip().removeprefix("https://").removeprefix("http://")
    for host in ("t.me/s/", "t.me/", "telegram.me/s/", "telegram.me/"):
        bare = bare.removeprefix(host)
    bare = bare.removeprefix("@").rstrip("/")
    if bare.isascii() and 4 <= len(bare) <= 32 and bare.replace("_", "a").isalnum() and bare[0].isalpha():  # noqa: PLR2004
        return bare
    raise UsageError(
        f"no channel handle: {text}",
        "a handle has 4 to 32 letters, digits and underscores, and starts with a letter",
        "write it as the channel's page shows it, for example @rybar",
    )


def channel_of(text: str) -> str:
    """A channel as a person names it: its handle as `handle_of` reads it, or the digits of its id.

    Raises UsageError for what is neither.
    """
    if (bare := text.strip()).isascii() and bare.isdigit():
        return bare
    try:
        return handle_of(text)
    except UsageError as error:
        raise UsageError(
            f"no channel: {text}",
            "a channel is named by its @name (4 to 32 letters, digits and underscores, a letter first) or by its number",
            "write for example @rybar, or its channel_id in research.channels",
        ) from error


# --- review -------------------------------------------------------------------------------------------------


class CaseState(StrEnum):
    """Where a case stands; all but the last two ask for somebody, now or at a time."""

    OPEN = "open"
    SNOOZED = "snoozed"
    SECOND_LOOK = "second_look"
    ESCALATED = "escalated"
    DECIDED = "decided"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What an analyst says of a case. `undo` takes the one before back, and is a decision like the others."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not_relevant"
    DUPLICATE = "duplicate"
    SECOND_LOOK = "second_look"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    UNDO = "undo"


class CaseEvent(StrEnum):
    """What a case goes through besides decisions, each recorded."""

    OPENED = "opened"
    JOINED = "joined"
    EDITED = "edited"
    TOPIC_ADDED = "topic_added"
    REOPENED = "reopened"
    WOKEN = "woken"
    CLOSED = "closed"
    CLAIMED = "claimed"
    TAKEN_OVER = "taken_over"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Priority:
    """What puts a case ahead of others, each in minutes that it is let in front of a case as old.

    `figures` counts for each power of ten of its largest figure of people or arms, `person` for a channel that
    speaks for an official.
    """

    topics: Mapping[str, int] = field(default_factory=dict)
    figures: int = 15
    person: int = 30


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """How cases are put in order, how long one stays an analyst's, and after how long it is overdue."""

    priority: Priority = field(default_factory=Priority)
    claim: timedelta = timedelta(minutes=15)
    overdue: timedelta = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedPost:
    """A post whose flags changed: its present version and topics, and by what its copies are known.

    `largest` is the largest bound of its troop figures, 0 without any; `text` is of the present version.
    """

    channel_id: int
    message_id: int
    version: int
    text: str
    topics: tuple[str, ...]
    largest: float = 0
    official: bool = False
    origin: tuple[int, int] | None = None
    case_id: int | None = None
    read_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCase:
    """A case as it stands; `others` are the topics of its other posts than the one looked at."""

    case_id: int
    state: CaseState
    topics: tuple[str, ...]
    opened_at: datetime
    rank_at: datetime
    others: tuple[str, ...] = ()
    wake_on_edit: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a case: its state and topics, its place in the order, and what it went through."""

    state: CaseState
    topics: tuple[str, ...]
    rank_at: datetime
    events: tuple[tuple[CaseEvent, str | None], ...]


class VersionKey(NamedTuple):
    """One version of a post."""

    channel_id: int
    message_id: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What an analyst says of a case, to be written as a decision on the version that was read.

    `opinion` is what somebody who asks for a second look thinks themselves.
    """

    verdict: Verdict
    of: VersionKey
    opinion: Verdict | None = None
    reason: str | None = None
    note: str | None = None
    duplicate_of: int | None = None
    wake_at: datetime | None = None
    wake_on_edit: bool = False
    batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Saying):
    """A decision as it was made. `second` is set on the answer to one that asked for a second look; `undoes` is the
    decision that this one takes back.
    """

    decision_id: int
    case_id: int
    user_id: int
    user: str
    decided_at: datetime
    second: bool = False
    undoes: int | None = None


# --- mail ---------------------------------------------------------------------------------------------------


class Mailbox(NamedTuple):
    """Whom a mail is from or to: a name for people, which may be empty, and the address."""

    name: str
    address: str


_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_MAILBOX = re.compile(r"(?P<name>[^<>\"\x00-\x1f\x7f]*)<(?P<address>[^<>]+)>")


def mailbox_of(written: str) -> Mailbox:
    """The mailbox in `olya@example.org` or `Olya <olya@example.org>`, its address in small letters.

    Raises UsageError for what cannot be one (RFC 5321 §4.1.2, without quoted and international local parts).
    """
    found = _MAILBOX.fullmatch(written.strip())
    name, address = (found["name"].strip(), found["address"]) if found else ("", written.strip())
    if _ADDRESS.fullmatch(address):
        return Mailbox(name, address.lower())
    raise UsageError(
        f"no mail address: {written!r}", "it has the form olya@example.org, in plain letters", "mend it"
    )


class Window(NamedTuple):
    """A half-open span of time: `since` lies in it, `until` does not."""

    since: datetime
    until: datetime


class Narrowed(NamedTuple):
    """What a digest is narrowed to: topics by name, channels by handle in small letters; empty is all of them."""

    topics: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


EVERYTHING = Narrowed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A person who gets the digest each day at an hour of their zone (an IANA name)."""

    address: str
    name: str = ""
    zone: str = "UTC"
    hour: int = 8
    language: Language = Language.ENGLISH
    narrowed: Narrowed = EVERYTHING


class DeliveryState(StrEnum):
    """How far a delivery got. What was `handing` when its worker died is in doubt; `kept` had no server to go to."""

    PLANNED = "planned"
    SENDING = "sending"
    HANDING = "handing"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    DROPPED = "dropped"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A digest as it was composed. `html` and `body` (plain text) are the two halves of the mail, `page` all of it for the site.

    `html` has the comments `<!--greeting-->` and `<!--farewell-->` where a delivery puts what is the reader's own;
    in the plain text that goes before and after. `counts` is what was counted, by name.
    """

    edition_id: int
    window: Window
    zone: str
    language: Language
    narrowed: Narrowed
    composed_at: datetime
    subject: str
    html: str
    body: str
    page: str
    counts: Mapping[str, int]
    sha256: bytes


# --- alerts -------------------------------------------------------------------------------------------------


class Severity(StrEnum):
    """How much an alert matters; each more than those before it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    def at_least(self, other: "Severity") -> bool:
        """Whether this one matters as much as the other."""
        order = list(Severity)
        return order.index(self) >= order.index(other)


MAIL_ROUTE = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be on call; `zone` is an IANA name, and `routes` say by which ways they are reached."""

    name: str
    address: str = ""
    zone: str = "UTC"
    language: Language = Language.ENGLISH
    routes: tuple[str, ...] = (MAIL_ROUTE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """When a person is on call: from an hour to an hour of a zone, over midnight where that is not later.

    `days` are those on which it begins, Monday is 0. The lowest `order` is told first.
    """

    person: str
    since: time
    until: time
    days: frozenset[int] = frozenset(range(7))
    zone: str = "UTC"
    order: int = 1


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours, in each person's own zone, in which only what matters as much as `wakes` is told."""

    since: time
    until: time
    wakes: Severity = Severity.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What of a case raises an alert: one of the topics, a figure of at least so many, an official's edit or deletion."""

    topics: frozenset[str] = frozenset()
    figure: float | None = None
    official: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How soon, how often and from when on. `silent_times` are multiples of a channel's usual gap between posts."""

    unclaimed: timedelta = timedelta(minutes=15)
    an_hour: int = 6
    group: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(seconds=90)
    silent_times: float = 6.0
    silent_least: timedelta = timedelta(hours=6)
    failing: timedelta = timedelta(minutes=15)
    flood: timedelta = timedelta(minutes=60)
    disk_free_gb: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """config/oncall.toml: who is told of alerts, when, and by which routes.

    `routes` narrows a severity to some of a person's routes; without shifts everybody is on call, in their order.
    """

    people: tuple[Person, ...] = ()
    shifts: tuple[Shift, ...] = ()
    quiet: Quiet | None = None
    routes: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: Limits = field(default_factory=Limits)


class AlertRole(StrEnum):
    """What a notice says of an alert."""

    RAISED = "raised"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What somebody must know of, before it is known whether it was raised already.

    `told` is what a notice says of it, by name, plain JSON values. `stored_at` is when the post was stored.
    """

    kind: str
    subject: str
    severity: Severity
    told: Mapping[str, Any] = field(default_factory=dict)
    case_id: int | None = None
    channel_id: int | None = None
    message_id: int | None = None
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as it stands."""

    alert_id: int
    kind: str
    subject: str
    severity: Severity
    told: Mapping[str, Any]
    raised_at: datetime
    case_id: int | None = None
    told_at: datetime | None = None
    level: int = 0
    resolved_at: datetime | None = None
    resolution: str | None = None
    silenced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one person. `told` is the same for programs: `count`, and the first of its alerts."""

    notice_id: int
    kind: str
    severity: Severity
    person: str
    language: Language
    made_at: datetime
    subject: str
    body: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """How a job of the worker goes: seconds between two runs, when one last ended well, and failures since then."""

    name: str
    seconds: float
    well_at: datetime
    failures: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What happened to a post of a case: opened, joined, edited, topic_added, reopened or deleted.

    `largest` is its largest figure of people or arms, `figures` whether it states any now or did before; `held` is
    whether an analyst has the case. `stored_at` is when the version came to us.
    """

    kind: str
    case_id: int
    channel_id: int
    message_id: int
    version: int
    state: CaseState
    topics: tuple[str, ...] = ()
    largest: float = 0
    figures: bool = False
    official: bool = False
    held: bool = False
    handle: str | None = None
    title: str | None = None
    quote: str = ""
    posted_at: datetime | None = None
    stored_at: datetime | None = None


class WatchFact(NamedTuple):
    """How a watch stands; `gap` is the median between its channel's posts of late, None where there are too few."""

    handle: str
    problem: str | None = None
    problem_text: str | None = None
    problem_since: datetime | None = None
    stopped: bool = False
    last_ok_at: datetime | None = None
    last_post_at: datetime | None = None
    gap: timedelta | None = None


class AccountFact(NamedTuple):
    """An account of ours that does not work."""

    name: str
    problem: str
    words: str
    since: datetime | None = None


class WaitFact(NamedTuple):
    """What Telegram asks an account to wait with, since when and until when."""

    account: str
    request: str
    asked_at: datetime
    until: datetime


class DigestFact(NamedTuple):
    """Digests of one window that did not go: how many failed, are in doubt, or are not sent yet."""

    until: datetime
    failed: int = 0
    in_doubt: int = 0
    late: int = 0


class RouteFact(NamedTuple):
    """A route by which the last notice did not go, or may not have."""

    route: str
    error: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """How the product itself works; `free` is in bytes, None where it is not known."""

    watches: Sequence[WatchFact] = ()
    accounts: Sequence[AccountFact] = ()
    waits: Sequence[WaitFact] = ()
    jobs: Sequence[JobState] = ()
    digests: Sequence[DigestFact] = ()
    routes: Sequence[RouteFact] = ()
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Alerts that are to be told alike: how many, the first and the last time one of them came to wait, who was told."""

    role: AlertRole
    severity: Severity
    count: int
    first_at: datetime
    last_at: datetime
    told: frozenset[str] = frozenset()


class Made(NamedTuple):
    """A notice of the last hour: to whom, and when."""

    person: str
    at: datetime


# --- what is taken out of the archive ------------------------------------------------------------------------


class ColumnKind(StrEnum):
    """What a column of an export holds, and the Python values that stand for it."""

    INTEGER = "int64"
    DOUBLE = "float64"
    BOOLEAN = "bool"
    TEXT = "text"
    TIMESTAMP = "timestamp"  # aware, to the microsecond
    DATE = "date"
    JSON = "json"  # as its text
    TEXTS = "list<text>"
    SPAN = "duration"  # as whole microseconds


class ExportColumn(NamedTuple):
    """A column of an export, and what it means."""

    name: str
    kind: ColumnKind
    meaning: str
