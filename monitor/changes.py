"""Pure: what is new or edited, given what we hold, what we fetched, and now; and when to look again.

What makes a version is its canonical form, the same from every source and written down in
docs/canonical-form.md. It is versioned by `FORM`, since hashes are for ever: a change of the form is a new
number beside the old ones, never a new meaning for an old number.
"""

import unicodedata
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring
from urllib.parse import urlsplit, urlunsplit

from monitor.model import Decision, Held, Look, MediaKind, NewVersion, Pace, Post, SourceName

FORM = 1

# A file of an export shows a state of some past time; every other source shows the present one.
PAST_SOURCES = frozenset({SourceName.DESKTOP})
# Telegram Desktop flattens overlapping formatting to one type a part, so that a bold link may lose its target.
LINK_LOSING_SOURCES = frozenset({SourceName.DESKTOP})

# Only what names each message by its id can prove that one is gone.
PROVING_SOURCES = frozenset({SourceName.TELEGRAM})

# A source that shows a post without its matter («open Telegram to view this») says nothing of it.
UNSEEN_MEDIA = MediaKind.OTHER.value

# At these ages a post is looked at again: most edits and deletions come soon.
RECHECK_AGES = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 6 * 60, 24 * 60, 2 * 24 * 60, 7 * 24 * 60)
)

# A string as JSON, characters beyond ASCII as themselves; an encoder made for each object takes thrice the time.
_quoted = encode_basestring


def canonical_text(text: str) -> str:
    """NFC, without variation selectors, runs of spaces as one, no space at the ends of lines or of the text."""
    plain = unicodedata.normalize("NFC", text.replace("\ufe0f", ""))
    return "\n".join([_one_spaced(line) for line in plain.split("\n")]).strip()


def _one_spaced(line: str) -> str:
    """`str.isprintable` is false for every white space but the plain one, and far quicker than to split."""
    return line.strip() if "  " not in line and line.isprintable() else " ".join(line.split())


def canonical_link(target: str) -> str:
    """A link's target with scheme and host in lower case and a path of at least `/`."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return target.strip()
    path = parts.path or ("/" if parts.netloc else "")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, parts.query, parts.fragment))


def links_of(post: Post) -> tuple[str, ...]:
    """The canonical targets of a post's hidden links, each once, sorted."""
    hidden = {canonical_link(e.value) for e in post.entities if e.type == "text_link" and e.value}
    return tuple(sorted(hidden)) if hidden else ()


@dataclass(frozen=True, slots=True)
class Content:
    """What a version is compared by: canonical text, link targets, media kind."""

    text: str
    links: tuple[str, ...]
    media: str | None

    def encoded(self) -> bytes:
        """The canonical form, of which the SHA-256 is the version's hash (docs/canonical-form.md)."""
        links = ",".join(map(_quoted, self.links))
        media = _quoted(self.media) if self.media is not None else "null"
        body = f'{{"form":{FORM},"links":[{links}],"media":{media},"text":{_quoted(self.text)}}}'
        return body.encode("utf-8", "surrogatepass")

    def digest(self) -> bytes:
        """SHA-256 of the canonical form, 32 bytes."""
        return sha256(self.encoded()).digest()


def content_of(post: Post) -> Content:
    """What a post says in canonical form. A service post's words are the platform's own and are left out."""
    if post.service is not None:
        return Content("", (), f"service:{post.service}")
    kind = post.media.kind.value if post.media else None
    return Content(canonical_text(post.text), links_of(post), kind)


def digests(posts: Iterable[Post]) -> dict[int, bytes]:
    """The hash of each post's canonical form, by message id."""
    return {post.message_id: content_of(post).digest() for post in posts}


def shown_at(held: Held) -> datetime:
    """The latest time at which the channel is known to have shown the held version."""
    if held.source in PAST_SOURCES:
        return held.edited_at or held.posted_at
    return held.seen_at


def decide(
    look: Look,
    hashes: Mapping[int, bytes],
    held: Mapping[int, Held],
    *,
    now: datetime,
    purged: Container[int] = frozenset(),
) -> Decision:
    """What a look changes, given its posts' `digests` and what is held of them, both by message id.

    Posts whose ids are `purged` are not taken in again. Ids that are absent are deleted only where the
    source proves it; what is merely unseen is missing.
    """
    added: list[NewVersion] = []
    seen: list[int] = []
    counted: list[Post] = []
    for post in look.posts:
        if post.message_id in purged:
            continue
        known = held.get(post.message_id)
        if known is None:
            added.append(_version(post, 1, hashes[post.message_id]))
        else:
            seen.append(post.message_id)
            version = _changed(known, post, hashes[post.message_id], look=look)
            if version is not None:
                added.append(version)
        outdated = look.source in PAST_SOURCES and known is not None and known.counts_at is not None
        if post.counts and not outdated and counts_due(known, post, now=now):
            counted.append(post)
    proven = look.source in PROVING_SOURCES
    return Decision(
        added=tuple(added),
        seen=tuple(seen),
        counted=tuple(counted),
        deleted=look.deleted + look.absent if proven else (),
        missing=look.unseen if proven else look.unseen + look.absent,
        due=_due(look, now=now),
    )


def _due(look: Look, *, now: datetime) -> dict[int, datetime]:
    """When the posts of a look are to be looked at again; a file shows none as it is now."""
    if look.source in PAST_SOURCES:
        return {}
    ages = ((post.message_id, next_recheck(post.posted_at, now=now)) for post in look.posts)
    return {number: at for number, at in ages if at is not None}


def _changed(held: Held, post: Post, digest: bytes, *, look: Look) -> NewVersion | None:
    if digest == held.sha256 or _same_but_unseen(held, content_of(post), look.source):
        return None
    later = _is_later(held, post) if look.source in PAST_SOURCES else not _was_before(held, post, look)
    if digest in held.all_sha256 and (look.source in PAST_SOURCES or not later):
        return None
    return _version(post, held.versions + 1, digest, previous=held.sha256, current=later)


def _was_before(held: Held, post: Post, look: Look) -> bool:
    """Whether a look shows an earlier state than the held version.

    Steps look at a channel side by side, so that a page may be stored after a later one.
    """
    if held.source in PAST_SOURCES:
        return False
    if post.edited_at is not None and held.edited_at is not None and post.edited_at != held.edited_at:
        return post.edited_at < held.edited_at
    return look.at < held.seen_at


def _version(
    post: Post, number: int, digest: bytes, *, previous: bytes | None = None, current: bool = True
) -> NewVersion:
    return NewVersion(post, number, FORM, digest, links_of(post), previous, current=current)


def _same_but_unseen(held: Held, content: Content, source: SourceName) -> bool:
    """Whether two contents differ only by what one of the two sources cannot see."""
    before = Content(canonical_text(held.text), held.links, held.media)
    if content == Content("", (), UNSEEN_MEDIA):
        return True
    if before.text != content.text or (
        before.media != content.media and UNSEEN_MEDIA not in (before.media, content.media)
    ):
        return False
    fewer_here = source in LINK_LOSING_SOURCES and set(content.links) <= set(before.links)
    fewer_there = held.source in LINK_LOSING_SOURCES and set(before.links) <= set(content.links)
    return before.links == content.links or fewer_here or fewer_there


def _is_later(held: Held, post: Post) -> bool:
    """Whether a post in a file says what came after the held version.

    The channel showed the held version at `shown_at`. A file whose last edit lies before that must be an
    earlier state, or the channel would have shown the file's words instead.
    """
    said_at = post.edited_at or post.posted_at
    return said_at >= shown_at(held) if held.source in PAST_SOURCES else said_at > shown_at(held)


def counts_due(held: Held | None, post: Post, *, now: datetime) -> bool:
    """Whether counts are worth a row: they differ, and the last row is old enough for the post's age."""
    if held is None or held.counts_at is None:
        return True
    if held.counts == post.counts:
        return False
    age = now - post.posted_at
    gap = timedelta(minutes=5) if age < timedelta(hours=1) else min(age / 12, timedelta(days=1))
    return now - held.counts_at >= gap


def next_interval(
    pace: Pace, interval: timedelta | None, *, found: bool, asked: timedelta | None = None
) -> timedelta:
    """How long to wait after a look: as the other side `asked`, within the watch's pace.

    Where it asks nothing: half as long where there was something new, half as long again where not.
    """
    current = interval or pace.quickest
    wanted = asked or (current / 2 if found else current * 1.5)
    return min(max(wanted, pace.quickest), pace.slowest)


def next_recheck(posted_at: datetime, *, now: datetime) -> datetime | None:
    """When a post is to be looked at again, by its age; None once it is older than the last age."""
    age = now - posted_at
    if age >= RECHECK_AGES[-1]:
        return None
    return next((posted_at + next_age for next_age in RECHECK_AGES if next_age > age), None)


def backoff(failures: int, *, retry_after: float | None, permanent: bool) -> timedelta:
    """How long to leave a failing watch alone: a minute, doubling to two hours; a day if it will not pass."""
    if permanent:
        return timedelta(days=1)
    doubled = timedelta(minutes=2 ** min(failures, 7))
    waited = min(doubled, timedelta(hours=2))
    return max(waited, timedelta(seconds=retry_after or 0))
