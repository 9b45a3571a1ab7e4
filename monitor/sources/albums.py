"""Albums: several messages that readers see as one. Each member is a post of its own.

The caption of an album stands on its first member, whichever member bears it, since the public pages show
it for the album alone; so the same album is the same from every source.
"""

from collections.abc import Sequence
from dataclasses import replace

from monitor.model import MediaKind, Post

LARGEST = 10
_SEEN_TOGETHER = frozenset({MediaKind.PHOTO, MediaKind.VIDEO})
_OF_ONE_KIND = frozenset({MediaKind.DOCUMENT, MediaKind.AUDIO})


def belongs(post: Post, before: Post) -> bool:
    """Whether a post may be of the album that the post before it belongs to, where the source does not say.

    Members follow one another in ids, were posted in the same second, and are photos and videos, or all
    documents, or all audio (core.telegram.org/api/files#albums-grouped-media).
    """
    if post.media is None or before.media is None or post.message_id != before.message_id + 1:
        return False
    if post.posted_at != before.posted_at or post.forward != before.forward:
        return False
    kinds = {post.media.kind, before.media.kind}
    return kinds <= _SEEN_TOGETHER or (len(kinds) == 1 and kinds <= _OF_ONE_KIND)


def group(posts: Sequence[Post]) -> list[Post]:
    """The same posts, ascending by id, with the albums among them marked and their captions in place."""
    grouped: list[Post] = []
    run: list[Post] = []
    for post in posts:
        if run and belongs(post, run[-1]) and len(run) < LARGEST:
            run.append(post)
        else:
            grouped += as_album(run)
            run = [post]
    return grouped + as_album(run)


def as_album(members: Sequence[Post]) -> list[Post]:
    """The members of one album, marked, with its only caption on the first. One alone is no album.

    Several captions stay where they are: then each belongs to its own picture.
    """
    if len(members) < 2:  # noqa: PLR2004
        return list(members)
    first = members[0].message_id
    marked = [replace(member, album_id=first) for member in members]
    worded = [place for place, member in enumerate(marked) if member.text]
    if len(worded) == 1 and worded[0] != 0:
        bearer = marked[worded[0]]
        marked[0] = _edited_with(replace(marked[0], text=bearer.text, entities=bearer.entities), bearer)
        marked[worded[0]] = replace(bearer, text="", entities=())
    return marked


def _edited_with(first: Post, bearer: Post) -> Post:
    """An edit of the caption is an edit of the member on which it stands."""
    times = [post.edited_at for post in (first, bearer) if post.edited_at is not None]
    return replace(first, edited=first.edited or bearer.edited, edited_at=max(times, default=None))
