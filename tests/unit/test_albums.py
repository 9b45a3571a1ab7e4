"""Albums: which posts belong together, and where the caption stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Entity, Forward, ForwardKind, Media, MediaKind, Post
from monitor.sources.albums import LARGEST, as_album, belongs, group

SECOND = datetime(2024, 5, 1, 12, tzinfo=UTC)
PHOTO, VIDEO, DOCUMENT, AUDIO = MediaKind.PHOTO, MediaKind.VIDEO, MediaKind.DOCUMENT, MediaKind.AUDIO


def post(number: int, kind: MediaKind | None = PHOTO, text: str = "", *, at: datetime = SECOND) -> Post:
    media = Media(kind) if kind else None
    return Post(channel_id=1500000001, message_id=number, posted_at=at, text=text, media=media)


@pytest.mark.parametrize(
    ("kind", "before", "together"),
    [
        (PHOTO, PHOTO, True),
        (VIDEO, PHOTO, True),
        (PHOTO, VIDEO, True),
        (DOCUMENT, DOCUMENT, True),
        (AUDIO, AUDIO, True),
        (DOCUMENT, PHOTO, False),
        (AUDIO, DOCUMENT, False),
        (MediaKind.STICKER, MediaKind.STICKER, False),
        (MediaKind.VOICE, MediaKind.VOICE, False),
        (None, PHOTO, False),
        (PHOTO, None, False),
    ],
)
def test_which_kinds_make_an_album(kind: MediaKind | None, before: MediaKind | None, together: bool) -> None:
    assert belongs(post(2, kind), post(1, before)) is together


def test_members_follow_one_another_in_the_same_second_from_one_origin() -> None:
    origin = Forward(ForwardKind.CHANNEL, channel_id=1500000002)
    assert not belongs(post(3), post(1))
    assert not belongs(post(2, at=SECOND + timedelta(seconds=1)), post(1))
    assert not belongs(replace(post(2), forward=origin), post(1))
    assert belongs(replace(post(2), forward=origin), replace(post(1), forward=origin))


def test_the_only_caption_moves_to_the_first_member_with_its_links_and_its_edit() -> None:
    link = Entity("text_link", 0, 5, "https://example.org/")
    edited = SECOND + timedelta(hours=1)
    bearer = replace(post(3, text="Паром"), entities=(link,), edited=True, edited_at=edited)
    first, second, third = as_album([post(1), post(2), bearer])
    assert (first.text, first.entities, first.edited, first.edited_at) == ("Паром", (link,), True, edited)
    assert (third.text, third.entities) == ("", ())
    assert [member.album_id for member in (first, second, third)] == [1, 1, 1]


def test_the_later_of_two_edits_stands_on_the_first_member() -> None:
    early, late = SECOND + timedelta(hours=1), SECOND + timedelta(hours=2)
    first = replace(post(1), edited=True, edited_at=late)
    bearer = replace(post(2, text="Ferry"), edited=True, edited_at=early)
    assert as_album([first, bearer])[0].edited_at == late
    assert as_album([post(1), post(2, text="Ferry")])[0].edited_at is None


def test_several_captions_or_none_stay_where_they_are() -> None:
    assert [p.text for p in as_album([post(1), post(2, text="a"), post(3, text="b")])] == ["", "a", "b"]
    assert [p.text for p in as_album([post(1, text="a"), post(2)])] == ["a", ""]
    assert [p.text for p in as_album([post(1), post(2)])] == ["", ""]


def test_one_alone_is_no_album() -> None:
    assert as_album([post(1, text="a")]) == [post(1, text="a")]
    assert as_album([]) == group([]) == []


def test_runs_are_cut_at_the_largest_album() -> None:
    grouped = group([post(number) for number in range(1, LARGEST + 4)])
    assert [p.album_id for p in grouped] == [1] * LARGEST + [LARGEST + 1] * 3


def test_albums_among_other_posts() -> None:
    posts = [post(1, None, "a"), post(2), post(3, VIDEO, "b"), post(4, DOCUMENT), post(6), post(7, text="c")]
    grouped = group(posts)
    assert [p.album_id for p in grouped] == [None, 2, 2, None, 6, 6]
    assert [p.text for p in grouped] == ["a", "b", "", "", "c", ""]


@given(st.lists(st.tuples(st.sampled_from([PHOTO, VIDEO, DOCUMENT, None]), st.sampled_from(["", "a"]))))
def test_grouping_loses_no_post_and_no_word_and_is_the_same_twice(
    members: list[tuple[MediaKind | None, str]],
) -> None:
    posts = [post(number, kind, text) for number, (kind, text) in enumerate(members, 1)]
    grouped = group(posts)
    assert [p.message_id for p in grouped] == [p.message_id for p in posts]
    assert sorted(p.text for p in grouped) == sorted(p.text for p in posts)
    assert group(grouped) == grouped
