"""What makes a version, what a look changes, and when to look again."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from monitor import changes
from monitor.model import (
    Channel,
    Count,
    Counts,
    Decision,
    Entity,
    Held,
    Look,
    Media,
    MediaKind,
    Pace,
    Post,
    SourceName,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSTED = NOW - timedelta(days=10)
SITE = "https://example.org/"
TELEGRAM, PREVIEW, DESKTOP = SourceName.TELEGRAM, SourceName.PREVIEW, SourceName.DESKTOP
VIEWS = Counts(views=Count(100))


def post(text: str = "Мост открыт.", *links: str, **more: Any) -> Post:
    entities = tuple(Entity("text_link", place, 1, link) for place, link in enumerate(links))
    fields: dict[str, Any] = {"channel_id": 1, "message_id": 7, "posted_at": POSTED} | more
    return Post(text=text, entities=entities, **fields)


def held(of: Post, *older: Post, source: SourceName = PREVIEW, **more: Any) -> Held:
    content = changes.content_of(of)
    fields: dict[str, Any] = {
        "message_id": of.message_id,
        "posted_at": of.posted_at,
        "versions": 1 + len(older),
        "sha256": content.digest(),
        "all_sha256": frozenset(changes.content_of(p).digest() for p in (of, *older)),
        "source": source,
        "seen_at": NOW - timedelta(hours=1),
        "edited_at": of.edited_at,
        "text": of.text,
        "links": content.links,
        "media": content.media,
    }
    return Held(**fields | more)


def decided(shown: Post, known: Held | None, source: SourceName = PREVIEW) -> Decision:
    look = Look(source=source, at=NOW, channel=Channel(channel_id=1), posts=(shown,))
    holding = {known.message_id: known} if known else {}
    return changes.decide(look, changes.digests(look.posts), holding, now=NOW)


@pytest.mark.parametrize(
    ("shown", "form", "digest"),
    [
        (
            post("  Мост \u00a0 открыт. \n"),
            '{"form":1,"links":[],"media":null,"text":"Мост открыт."}',
            "2900834dd605d905ea7c2a7f9211e871c4de02e8bf69724e979688fec6bbb450",
        ),
        (
            post("Ferry at noon \r\n and\tat  six", "HTTPS://Example.ORG", media=Media(MediaKind.PHOTO)),
            '{"form":1,"links":["https://example.org/"],"media":"photo","text":"Ferry at noon\\nand at six"}',
            "373bf2c6f7c570e6e1bbae29ff8f35dc5743d55102052ee5d1a79c836207b686",
        ),
        (
            post("Channel renamed", SITE, service="renamed"),
            '{"form":1,"links":[],"media":"service:renamed","text":""}',
            "73e1cb7b18dc45893f531e469d7c215fa0eea62eb90bf4d1d7a9cf7bcb5698e2",
        ),
        (
            post("\ud83d"),
            '{"form":1,"links":[],"media":null,"text":"\ud83d"}',
            "58117c4c928b0581c878c58a34e1810ca4dfc855a87877171d4fa8d200b360fa",
        ),
    ],
)
def test_the_canonical_form_never_changes(shown: Post, form: str, digest: str) -> None:
    content = changes.content_of(shown)
    assert content.encoded() == form.encode("utf-8", "surrogatepass")
    assert content.digest().hex() == digest
    assert changes.digests([shown]) == {7: bytes.fromhex(digest)}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        (" \n\n a \n\n b\n ", "a\n\nb"),
        ("и\u0306", "й"),
        ("☀\ufe0f", "☀"),
        ("e\ufe0f\u0301", "é"),
        ("a\u2003b\u3000c\x0bd", "a b c d"),
        ("a\u200bb", "a\u200bb"),
        ("a\u2028b", "a b"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert changes.canonical_text(text) == canonical


@given(st.text(alphabet=st.characters() | st.sampled_from(" \t\n\r\u00a0\ufe0f\u0301\u0306eи"), max_size=40))
@example("e\ufe0f\u0301")
def test_the_canonical_text_is_its_own_and_normal(text: str) -> None:
    canonical = changes.canonical_text(text)
    assert changes.canonical_text(canonical) == canonical
    assert unicodedata.is_normalized("NFC", canonical)
    assert canonical.split() == unicodedata.normalize("NFC", text.replace("\ufe0f", "")).split()
    assert not any(line != line.strip() or "  " in line for line in canonical.split("\n"))
    assert changes.canonical_text(f" {text}\n") == canonical


@pytest.mark.parametrize(
    ("target", "canonical"),
    [
        ("HTTPS://Example.ORG/Path?Q=1#Part", "https://example.org/Path?Q=1#Part"),
        (" https://example.org ", "https://example.org/"),
        ("mailto:Desk@example.org", "mailto:Desk@example.org"),
        ("example.org/a", "example.org/a"),
        ("http://[broken", "http://[broken"),
        ("", ""),
    ],
)
def test_canonical_links(target: str, canonical: str) -> None:
    assert changes.canonical_link(target) == canonical


def test_links_are_the_hidden_ones_once_and_sorted() -> None:
    plain = Entity("link", 0, 5, "https://example.org/plain")
    without_target = Entity("text_link", 0, 5)
    shown = post("a", "https://b.example", "https://a.example/", "https://B.example/")
    shown = replace(shown, entities=(*shown.entities, plain, without_target))
    assert changes.links_of(shown) == ("https://a.example/", "https://b.example/")
    assert changes.links_of(post()) == ()


@given(st.permutations(["https://a.example/", "https://b.example/x", "https://c.example/"]), st.booleans())
def test_what_no_source_must_see_makes_no_version(links: list[str], signed: bool) -> None:
    shown = post("Text", *links)
    other = replace(
        shown,
        entities=(Entity("bold", 0, 4), *shown.entities),
        edited=True,
        edited_at=NOW,
        counts=VIEWS,
        album_id=7,
        extras={"signed": signed},
        raw=b"other",
    )
    first = post("Text", *sorted(links))
    assert changes.content_of(other).digest() == changes.content_of(first).digest()


def test_a_new_post_is_version_one() -> None:
    shown = post("Text", SITE)
    decision = decided(shown, None)
    (version,) = decision.added
    assert (version.number, version.previous, version.current, version.form) == (1, None, True, changes.FORM)
    assert (version.post, version.links) == (shown, (SITE,))
    assert (decision.seen, decision.counted) == ((), ())
    assert (decision.new_posts, decision.edits) == (1, 0)


def test_a_post_seen_again_adds_nothing() -> None:
    assert decided(post("Text  "), held(post("Text"))) == Decision(seen=(7,))


def test_an_edit_is_a_version_linked_to_the_one_before() -> None:
    known = held(post("Before"))
    decision = decided(post("After"), known)
    (version,) = decision.added
    assert (version.number, version.previous, version.current) == (2, known.sha256, True)
    assert (decision.seen, decision.new_posts, decision.edits) == ((7,), 0, 1)


@pytest.mark.parametrize("source", [PREVIEW, TELEGRAM])
def test_an_edit_back_is_a_version_too(source: SourceName) -> None:
    (version,) = decided(post("First"), held(post("Second"), post("First")), source).added
    assert (version.number, version.current) == (3, True)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("held_edit", "edit", "held_seen", "current"),
    [
        (-3 * HOUR, -2 * HOUR, HOUR, True),
        (-3 * HOUR, -2 * HOUR, -HOUR, True),
        (-2 * HOUR, -3 * HOUR, -HOUR, False),
        (-2 * HOUR, -3 * HOUR, HOUR, False),
        (-2 * HOUR, -2 * HOUR, HOUR, False),
        (-2 * HOUR, -2 * HOUR, -HOUR, True),
        (None, -2 * HOUR, HOUR, False),
        (None, -2 * HOUR, -HOUR, True),
        (-2 * HOUR, None, HOUR, False),
        (-2 * HOUR, None, -HOUR, True),
        (None, None, HOUR, False),
        (None, None, timedelta(0), True),
    ],
)
def test_which_of_two_states_is_the_later_is_told_by_their_edits_else_by_the_looks(
    held_edit: timedelta | None, edit: timedelta | None, held_seen: timedelta, current: bool
) -> None:
    edited = NOW + held_edit if held_edit is not None else None
    known = held(post("Held", edited_at=edited), source=TELEGRAM, seen_at=NOW + held_seen)
    shown = post("Shown", edited_at=NOW + edit if edit is not None else None)
    (version,) = decided(shown, known, TELEGRAM).added
    assert (version.number, version.current) == (2, current)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (post("a", media=Media(MediaKind.PHOTO)), post("a", media=Media(MediaKind.VIDEO))),
        (post("a", media=Media(MediaKind.PHOTO)), post("a")),
        (post("a", SITE), post("a")),
        (post("a", SITE), post("a", "https://example.org/2")),
        (post("a", media=Media(MediaKind.OTHER)), post("b", media=Media(MediaKind.PHOTO))),
        (post("a"), post("", media=Media(MediaKind.PHOTO))),
        (post("", service="renamed"), post("", service="photo")),
        (post("a", media=Media(MediaKind.OTHER)), post("a", SITE, media=Media(MediaKind.PHOTO))),
    ],
)
def test_media_links_and_words_make_versions(before: Post, after: Post) -> None:
    assert [version.number for version in decided(after, held(before)).added] == [2]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (post("a", SITE, media=Media(MediaKind.VIDEO)), post("", media=Media(MediaKind.OTHER))),
        (post("a", media=Media(MediaKind.VIDEO)), post("a", media=Media(MediaKind.OTHER))),
        (post("a", media=Media(MediaKind.OTHER)), post("a", media=Media(MediaKind.VIDEO))),
    ],
)
def test_what_a_source_cannot_show_is_no_edit(before: Post, after: Post) -> None:
    assert decided(after, held(before)).added == ()


@pytest.mark.parametrize(
    ("before", "after", "versions"),
    [
        ((PREVIEW, SITE), (DESKTOP,), 0),
        ((DESKTOP,), (PREVIEW, SITE), 0),
        ((DESKTOP, SITE), (PREVIEW,), 1),
        ((PREVIEW,), (DESKTOP, SITE), 1),
        ((PREVIEW, SITE), (DESKTOP, "https://example.org/2"), 1),
        ((PREVIEW, SITE), (TELEGRAM,), 1),
    ],
)
def test_a_link_lost_by_an_export_is_no_edit(
    before: tuple[SourceName, *tuple[str, ...]], after: tuple[SourceName, *tuple[str, ...]], versions: int
) -> None:
    known = held(post("a", *before[1:]), source=before[0])
    assert len(decided(post("a", *after[1:]), known, after[0]).added) == versions


def test_the_time_at_which_a_version_was_shown() -> None:
    edited = post("a", edited_at=POSTED + timedelta(hours=2))
    assert changes.shown_at(held(post("a"))) == NOW - timedelta(hours=1)
    assert changes.shown_at(held(post("a"), source=DESKTOP)) == POSTED
    assert changes.shown_at(held(edited, source=DESKTOP)) == POSTED + timedelta(hours=2)


@pytest.mark.parametrize(
    ("held_from", "held_edit", "file_edit", "current"),
    [
        (PREVIEW, None, None, False),
        (PREVIEW, None, timedelta(days=9), False),
        (PREVIEW, None, timedelta(days=10) - timedelta(hours=1), False),
        (PREVIEW, None, timedelta(days=10) - timedelta(minutes=59), True),
        (DESKTOP, None, None, True),
        (DESKTOP, None, timedelta(hours=1), True),
        (DESKTOP, timedelta(hours=2), timedelta(hours=1), False),
        (DESKTOP, timedelta(hours=2), timedelta(hours=2), True),
        (DESKTOP, timedelta(hours=2), None, False),
    ],
)
def test_an_export_found_later_is_current_only_if_it_says_what_came_after(
    held_from: SourceName, held_edit: timedelta | None, file_edit: timedelta | None, current: bool
) -> None:
    known = held(post("Held", edited_at=POSTED + held_edit if held_edit else None), source=held_from)
    shown = post("In the file", edited_at=POSTED + file_edit if file_edit else None)
    (version,) = decided(shown, known, DESKTOP).added
    assert (version.number, version.previous, version.current) == (2, known.sha256, current)


def test_an_export_of_a_version_held_before_adds_nothing() -> None:
    known = held(post("Second"), post("First"))
    assert decided(post("First"), known, DESKTOP) == Decision(seen=(7,))


def test_counts_are_kept_when_due() -> None:
    counted = post(counts=VIEWS)
    assert decided(counted, None).counted == (counted,)
    assert decided(counted, held(counted, counts=VIEWS, counts_at=POSTED)).counted == ()
    assert decided(post(), None).counted == ()


def test_an_export_does_not_overwrite_newer_counts() -> None:
    counted = post(counts=VIEWS)
    newer = held(counted, counts=Counts(views=Count(900)), counts_at=NOW - timedelta(days=2))
    assert decided(counted, newer, DESKTOP).counted == ()
    assert decided(counted, newer, PREVIEW).counted == (counted,)
    assert decided(counted, held(counted), DESKTOP).counted == (counted,)


@pytest.mark.parametrize(
    ("age", "since", "due"),
    [
        (timedelta(minutes=30), timedelta(minutes=5), True),
        (timedelta(minutes=30), timedelta(minutes=4, seconds=59), False),
        (timedelta(hours=1), timedelta(minutes=5), True),
        (timedelta(hours=12), timedelta(hours=1), True),
        (timedelta(hours=12), timedelta(minutes=59), False),
        (timedelta(days=300), timedelta(days=1), True),
        (timedelta(days=300), timedelta(hours=23), False),
        (timedelta(seconds=-5), timedelta(minutes=5), True),
    ],
)
def test_counts_thin_out_with_age(age: timedelta, since: timedelta, due: bool) -> None:
    shown = post(posted_at=NOW - age, counts=VIEWS)
    known = held(shown, counts=Counts(views=Count(90)), counts_at=NOW - since)
    assert changes.counts_due(known, shown, now=NOW) is due
    assert not changes.counts_due(replace(known, counts=VIEWS), shown, now=NOW)


def test_first_counts_are_always_due() -> None:
    assert changes.counts_due(None, post(counts=VIEWS), now=NOW)
    assert changes.counts_due(held(post()), post(counts=VIEWS), now=NOW)


MINUTES = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=2))


@given(MINUTES, MINUTES, st.none() | MINUTES, st.booleans())
def test_the_interval_stays_within_its_pace(
    one: timedelta, other: timedelta, interval: timedelta | None, found: bool
) -> None:
    pace = Pace(min(one, other), max(one, other))
    after = changes.next_interval(pace, interval, found=found)
    assert pace.quickest <= after <= pace.slowest
    if interval is not None and pace.quickest <= interval <= pace.slowest:
        assert after <= interval if found else after >= interval


def test_the_interval_halves_and_grows_by_half() -> None:
    pace = Pace(timedelta(minutes=1), timedelta(minutes=30))
    assert changes.next_interval(pace, timedelta(minutes=8), found=True) == timedelta(minutes=4)
    assert changes.next_interval(pace, timedelta(minutes=8), found=False) == timedelta(minutes=12)
    assert changes.next_interval(pace, None, found=False) == timedelta(seconds=90)
    assert changes.next_interval(pace, None, found=True) == timedelta(minutes=1)
    assert changes.next_interval(pace, timedelta(minutes=25), found=False) == timedelta(minutes=30)


@pytest.mark.parametrize(("failures", "minutes"), [(0, 1), (1, 2), (3, 8), (6, 64), (7, 120), (10_000, 120)])
def test_failures_double_the_wait_up_to_two_hours(failures: int, minutes: int) -> None:
    assert changes.backoff(failures, retry_after=None, permanent=False) == timedelta(minutes=minutes)


def test_the_other_side_may_ask_for_longer_and_a_lasting_fault_waits_a_day() -> None:
    assert changes.backoff(0, retry_after=30, permanent=False) == timedelta(minutes=1)
    assert changes.backoff(0, retry_after=9000, permanent=False) == timedelta(seconds=9000)
    assert changes.backoff(5, retry_after=None, permanent=True) == timedelta(days=1)


@given(st.text(max_size=30), st.sampled_from(["https://", "tg://", ""]))
def test_a_canonical_link_is_its_own(rest: str, scheme: str) -> None:
    canonical = changes.canonical_link(scheme + rest)
    assume(not canonical.startswith(("//", "/")))
    assert changes.canonical_link(canonical) == canonical
