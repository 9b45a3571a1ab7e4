"""The step that tries rules: what they would flag newly and no longer, and which figures they would add and remove.

It reads the current version of every post, compares with what is stored of it now, and writes nothing.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from monitor import readers
from monitor.extraction import RuleTexts
from monitor.readers import Batch, Reader
from monitor.store import trials
from monitor.store.database import Database
from monitor.store.readings import BOTTOM
from monitor.store.rows import FIGURE, Packed, Rows, rows_of
from monitor.store.trials import FIGURE_KEY, Stored

BATCH = 500
EXAMPLES = 3
_KEY_PLACES = tuple(1 + FIGURE.index(name) for name in FIGURE_KEY)
_KIND = FIGURE_KEY.index("kind")


class Example(NamedTuple):
    """A post that a change would concern, and the span that shows why."""

    post: Stored
    start: int
    end: int


@dataclass(slots=True)
class Change:
    """What would change for a topic: posts newly flagged and no longer flagged, and the first of each."""

    newly: int = 0
    no_longer: int = 0
    newly_seen: list[Example] = field(default_factory=list)
    no_longer_seen: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class Trial:
    """What a trial found. `unread` posts were not yet read under the rules in force, so what is stored of them is older."""

    posts: int = 0
    unread: int = 0
    topics: dict[str, Change] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def compare(self, posts: Sequence[Stored], rows: Rows) -> None:
        """Take in a batch: what is stored of the posts, and what the tried rules find in them."""
        flags: list[dict[str, str]] = [{} for _ in posts]
        figures: list[Counter[tuple[Any, ...]]] = [Counter() for _ in posts]
        for place, topic, spans, raised in rows.flags:
            if raised:
                flags[place][topic] = spans
        for row in rows.figures:
            figures[row[0]][tuple(row[place] for place in _KEY_PLACES)] += 1
        for post, found, counted in zip(posts, flags, figures, strict=True):
            self.posts += 1
            self.unread += not post.is_read
            self._compare_flags(post, found)
            held = Counter(map(tuple, post.figures))
            self.added.update(_by_kind(counted - held))
            self.removed.update(_by_kind(held - counted))

    def _compare_flags(self, post: Stored, found: dict[str, str]) -> None:
        for topic in found.keys() - post.flags.keys():
            change = self.topics.setdefault(topic, Change())
            change.newly += 1
            _show(change.newly_seen, post, json.loads(found[topic]))
        for topic in post.flags.keys() - found.keys():
            change = self.topics.setdefault(topic, Change())
            change.no_longer += 1
            _show(change.no_longer_seen, post, post.flags[topic])


def _show(seen: list[Example], post: Stored, spans: Sequence[dict[str, Any]]) -> None:
    if len(seen) < EXAMPLES:
        span = spans[0] if spans else {"start": 0, "end": 0}
        seen.append(Example(post, span["start"], span["end"]))


def _by_kind(figures: Counter[tuple[Any, ...]]) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for key, times in figures.items():
        kinds[key[_KIND]] += times
    return kinds


async def try_rules(
    database: Database,
    rules: Reader,
    texts: RuleTexts,
    *,
    in_force: bytes,
    since: datetime | None = None,
    heard: Callable[[Trial], None] = lambda trial: None,
    stop: Callable[[], bool] = lambda: False,
    processes: int | None = None,
) -> Trial:
    """Try rules on the posts since a time of posting; `in_force` is the hash of the present ones. `heard` is told of each batch."""
    trial = Trial()
    after = BOTTOM

    async def take() -> list[Stored] | None:
        nonlocal after
        async with database.transaction() as tx:
            posts = await trials.stored(tx, in_force, since=since, after=after, limit=BATCH)
        if posts:
            after = posts[-1].channel_id, posts[-1].message_id
        return posts or None

    async with readers.opened(rules, texts, rows_of, processes=processes) as reading:

        async def one(posts: list[Stored]) -> None:
            # Nothing that is compared depends on the side of a watch.
            batch = Batch(Packed.of(post.text for post in posts), ["unknown"] * len(posts))
            trial.compare(posts, await reading.read(batch))
            heard(trial)

        await reading.through(take, one, stop)
    return trial
