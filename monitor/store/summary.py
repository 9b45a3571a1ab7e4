"""What a digest tells of a window of time, read in a fixed number of queries, whatever the window holds.

What counts is when we came to know of something: a post belongs to the window in which it joined a case, an edit to
that in which the case was told of it, a deletion to that in which it was proven, a decision to that in which it was
made. So nothing that came late is lost between two digests, and nothing is told twice. Posts that were older by
`OLDER` when they joined, as an archive's past is, are counted and not listed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.model import Narrowed, Window
from monitor.store.database import Transaction

OLDER = timedelta(days=2)
NORM = timedelta(days=7)
MOST_ENTRIES = 200
MOST_CHANGES = 40


@dataclass(frozen=True, slots=True)
class Within:
    """A window, and the posts in it that are asked for: of topics, and of channels by id; None is all of them.

    `posted` asks for what was posted in the window, whenever it came to be known, as for a day of an imported past.
    """

    window: Window
    topics: tuple[str, ...] | None = None
    channel_ids: tuple[int, ...] | None = None
    posted: bool = False

    def values(self) -> dict[str, object]:
        """The values that the queries take."""
        return {
            "since": self.window.since,
            "until": self.window.until,
            "topics": None if self.topics is None else list(self.topics),
            "ids": None if self.channel_ids is None else list(self.channel_ids),
            "oldest": self.window.since - OLDER,
        }

    def flagged(self) -> str:
        """The posts of cases that are asked for, as a query."""
        return _FLAGGED.replace("m.joined_at", "p.posted_at") if self.posted else _FLAGGED


async def within(tx: Transaction, window: Window, narrowed: Narrowed, *, posted: bool = False) -> Within:
    """A window narrowed as a reader wants it; handles that no channel has ask for none."""
    if not narrowed.channels:
        return Within(window, narrowed.topics or None, posted=posted)
    rows = await tx.execute(
        text(
            """
            SELECT c.channel_id FROM monitor.channels c
            JOIN monitor.channel_versions v ON v.channel_id = c.channel_id AND v.version = c.version
            WHERE lower(v.handle) = ANY(:handles)
            UNION
            SELECT channel_id FROM monitor.watches WHERE handle = ANY(:handles) AND channel_id IS NOT NULL
            """
        ),
        {"handles": list(narrowed.channels)},
    )
    return Within(window, narrowed.topics or None, tuple(sorted(row.channel_id for row in rows)), posted)


_OF_CHANNELS = "(CAST(:ids AS bigint[]) IS NULL OR {p}.channel_id = ANY(:ids))"
_OF_TOPICS = "(CAST(:topics AS text[]) IS NULL OR {m}.topics && CAST(:topics AS text[]))"
_FLAGGED = f"""
    SELECT m.case_id, m.channel_id, m.message_id, m.version, m.topics, p.posted_at, p.posted_at < :oldest AS older
    FROM monitor.case_posts m JOIN monitor.posts p USING (channel_id, message_id)
    WHERE m.joined_at >= :since AND m.joined_at < :until
      AND {_OF_CHANNELS.format(p="m")} AND {_OF_TOPICS.format(m="m")}
    """  # noqa: S608 - constants
_EDITED = f"""
    SELECT e.event_id, e.channel_id, e.message_id, e.version, e.happened_at FROM monitor.case_events e
    JOIN monitor.case_posts m ON m.channel_id = e.channel_id AND m.message_id = e.message_id
    WHERE e.kind = 'edited' AND e.happened_at >= :since AND e.happened_at < :until AND e.version > 1
      AND {_OF_CHANNELS.format(p="m")} AND {_OF_TOPICS.format(m="m")}
    """  # noqa: S608 - constants
_DELETED = f"""
    SELECT s.channel_id, s.message_id, s.version, s.deleted_at, m.case_id FROM monitor.post_state s
    JOIN monitor.case_posts m USING (channel_id, message_id)
    WHERE s.deleted_at >= :since AND s.deleted_at < :until AND s.presence = 'deleted'
      AND {_OF_CHANNELS.format(p="m")} AND {_OF_TOPICS.format(m="m")}
    """  # noqa: S608 - constants
_NAMED = """
    LEFT JOIN monitor.channels c ON c.channel_id = {p}.channel_id
    LEFT JOIN monitor.channel_versions h ON h.channel_id = c.channel_id AND h.version = c.version
    """


# What was last said of a figure, if anything.
_LAST_WORD = """
    LEFT JOIN LATERAL (
        SELECT d.* FROM monitor.figure_decisions d
        WHERE d.channel_id = g.channel_id AND d.message_id = g.message_id AND d.version = g.version
          AND d.first_char = g.first_char AND d.end_char = g.end_char
        ORDER BY d.figure_decision_id DESC LIMIT 1) d ON true
    """


class Counts(NamedTuple):
    """How much a window holds: posts that were posted in it; flagged posts that came to be known in it, their cases, and
    those of them that were older; edits and deletions of flagged posts, and decisions.
    """

    posts: int
    flagged: int
    cases: int
    older: int
    edited: int
    deleted: int
    decided: int


async def counts(tx: Transaction, asked: Within) -> Counts:
    """The counts of a window."""
    row = (
        await tx.execute(
            text(
                f"""
                WITH told AS ({asked.flagged()})
                SELECT (SELECT count(*) FROM monitor.posts p WHERE p.posted_at >= :since AND p.posted_at < :until
                          AND {_OF_CHANNELS.format(p="p")}) AS posts,
                       (SELECT count(*) FROM told WHERE NOT older) AS flagged,
                       (SELECT count(DISTINCT case_id) FROM told WHERE NOT older) AS cases,
                       (SELECT count(*) FROM told WHERE older) AS older,
                       (SELECT count(*) FROM ({_EDITED}) e) AS edited,
                       (SELECT count(*) FROM ({_DELETED}) d) AS deleted,
                       (SELECT count(*) FROM monitor.decisions d WHERE d.verdict <> 'undo' AND {_DECIDED}) AS decided
                """  # noqa: S608 - constants
            ),
            asked.values(),
        )
    ).one()
    return Counts(*row)


_DECIDED = f"""
    d.decided_at >= :since AND d.decided_at < :until
    AND {_OF_CHANNELS.format(p="d")} AND {_OF_TOPICS.format(m="d")}
    AND NOT EXISTS (SELECT FROM monitor.decisions u WHERE u.undoes = d.decision_id)
    """


class Copy(NamedTuple):
    """Where else a post was said, in the order of the times: what the channel is called, and when."""

    name: str
    posted_at: datetime


class Stated(NamedTuple):
    """A figure of an entry: its bounds and side in force."""

    kind: str
    low: float | None
    high: float | None
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A case of the window by its first post there. `start` and `end` are where the text shows why it was flagged.

    `posts` counts the case's posts in the window, `copies` names the first of the others. `state` and `verdict` are
    those of the case. `said_before` tells that the case is older than the window, and only a copy came in it.
    """

    case_id: int
    channel_id: int
    message_id: int
    version: int
    handle: str | None
    title: str | None
    topics: tuple[str, ...]
    posted_at: datetime
    text: str
    start: int
    end: int
    figures: tuple[Stated, ...]
    posts: int
    copies: tuple[Copy, ...]
    state: str
    verdict: str | None
    edited: bool
    deleted: bool
    said_before: bool


_ENTRIES = f"""
    WITH told AS ({{flagged}}),
    folded AS (
        SELECT DISTINCT ON (case_id) told.*, count(*) OVER (PARTITION BY case_id) AS posts
        FROM told WHERE NOT older ORDER BY case_id, posted_at, channel_id, message_id),
    first AS (
        SELECT f.*, c.state, c.verdict, c.opened_at, c.opened_at - c.rank_at AS points
        FROM folded f JOIN monitor.cases c USING (case_id)
        WHERE c.verdict IS DISTINCT FROM 'not_relevant' OR c.state <> 'decided'
        ORDER BY points DESC, posts DESC, posted_at, case_id LIMIT :limit)
    SELECT f.case_id, f.channel_id, f.message_id, f.version, h.handle, h.title, f.topics, f.posted_at, v.text, f.posts,
           f.state, f.verdict, f.version > 1 AS edited, s.presence = 'deleted' AS deleted,
           f.opened_at < :since AS said_before, r.span,
           (SELECT json_agg(json_build_array(coalesce(oh.title, oh.handle, t.channel_id::text), t.posted_at)
                            ORDER BY t.posted_at)
            FROM (SELECT * FROM told t WHERE t.case_id = f.case_id
                    AND (t.channel_id, t.message_id) <> (f.channel_id, f.message_id)
                  ORDER BY t.posted_at LIMIT 5) t
            LEFT JOIN monitor.channels oc ON oc.channel_id = t.channel_id
            LEFT JOIN monitor.channel_versions oh ON oh.channel_id = oc.channel_id AND oh.version = oc.version) AS copies,
           (SELECT json_agg(json_build_array(coalesce(d.kind, g.kind),
                        CASE WHEN d.verdict = 'corrected' THEN d.low ELSE g.low END,
                        CASE WHEN d.verdict = 'corrected' THEN d.high ELSE g.high END,
                        coalesce(d.side, nullif(g.side, 'unknown'), g.side_inferred, 'unknown')) ORDER BY g.number)
            FROM monitor.figures g
            {_LAST_WORD}
            WHERE g.channel_id = f.channel_id AND g.message_id = f.message_id AND g.version = f.version
              AND g.ruleset_id = s.read_ruleset AND d.verdict IS DISTINCT FROM 'rejected') AS figures
    FROM first f
    JOIN monitor.post_state s USING (channel_id, message_id)
    JOIN monitor.post_versions v
        ON v.channel_id = f.channel_id AND v.message_id = f.message_id AND v.version = f.version
    LEFT JOIN LATERAL (
        SELECT f2.spans->0 AS span FROM monitor.flags f2
        WHERE f2.channel_id = f.channel_id AND f2.message_id = f.message_id AND f2.version = f.version AND f2.raised
          AND jsonb_array_length(f2.spans) > 0
        ORDER BY f2.ruleset_id DESC, f2.topic LIMIT 1) r ON true
    {_NAMED.format(p="f")}
    ORDER BY f.points DESC, f.posts DESC, f.posted_at, f.case_id
    """  # noqa: S608 - constants


async def entries(tx: Transaction, asked: Within, *, limit: int = MOST_ENTRIES) -> list[Entry]:
    """The cases of a window, the most pressing first; what analysts found not relevant is left out."""
    rows = await tx.execute(text(_ENTRIES.format(flagged=asked.flagged())), asked.values() | {"limit": limit})
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    span = row.span or {"start": 0, "end": 0}
    values = {name: getattr(row, name) for name in _ENTRY}
    return Entry(
        **values,
        topics=tuple(row.topics),
        start=span["start"],
        end=span["end"],
        figures=tuple(Stated(*one) for one in row.figures or ()),
        copies=tuple(Copy(name, datetime.fromisoformat(at)) for name, at in row.copies or ()),
    )


_ENTRY = (
    "case_id", "channel_id", "message_id", "version", "handle", "title", "posted_at", "text", "posts", "state",
    "verdict", "edited", "deleted", "said_before",
)  # fmt: skip


class PerTopic(NamedTuple):
    """How many cases of a window a topic has."""

    topic: str
    cases: int


async def topics(tx: Transaction, asked: Within) -> list[PerTopic]:
    """The topics of a window by name, those alone that were asked for, as far as they are found."""
    rows = await tx.execute(
        text(
            f"""
            SELECT topic, count(DISTINCT case_id) AS cases
            FROM (SELECT case_id, unnest(topics) AS topic FROM ({asked.flagged()}) f WHERE NOT older) t
            WHERE CAST(:topics AS text[]) IS NULL OR topic = ANY(CAST(:topics AS text[]))
            GROUP BY topic ORDER BY topic
            """  # noqa: S608 - constants
        ),
        asked.values(),
    )
    return [PerTopic(*row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a channel said in a window of one kind and side: from the lowest bound to the highest, None where it is open.

    `claims` counts what was said; the key is of the newest post that said it.
    """

    kind: str
    side: str
    channel_id: int
    handle: str | None
    title: str | None
    low: float | None
    high: float | None
    claims: int
    message_id: int
    version: int


async def claimed(tx: Transaction, asked: Within, *, limit: int = MOST_ENTRIES) -> list[Claimed]:
    """The figures of a window by kind, side and channel, those of most claims first; rejected ones are left out."""
    rows = await tx.execute(
        text(
            f"""
            WITH told AS ({asked.flagged()}),
            stated AS (
                SELECT g.channel_id, g.message_id, g.version, t.posted_at,
                       coalesce(CASE WHEN d.verdict = 'corrected' THEN d.kind END, g.kind) AS kind,
                       CASE WHEN d.verdict = 'corrected' THEN d.low ELSE g.low END AS low,
                       CASE WHEN d.verdict = 'corrected' THEN d.high ELSE g.high END AS high,
                       coalesce(CASE WHEN d.verdict = 'corrected' THEN d.side END, nullif(g.side, 'unknown'),
                                g.side_inferred, 'unknown') AS side
                FROM told t
                JOIN monitor.post_state s USING (channel_id, message_id)
                JOIN monitor.figures g ON g.channel_id = t.channel_id AND g.message_id = t.message_id
                    AND g.version = t.version AND g.ruleset_id = s.read_ruleset
                {_LAST_WORD}
                WHERE NOT t.older AND d.verdict IS DISTINCT FROM 'rejected')
            SELECT g.kind, g.side, g.channel_id, h.handle, h.title,
                   CASE WHEN bool_and(g.low IS NOT NULL) THEN min(g.low)
                        WHEN bool_or(g.low IS NOT NULL) THEN least(min(g.low), min(g.high)) END AS low,
                   CASE WHEN bool_and(g.high IS NOT NULL) THEN max(g.high) END AS high, count(*) AS claims,
                   (array_agg(g.message_id ORDER BY g.posted_at DESC, g.message_id DESC))[1] AS message_id,
                   (array_agg(g.version ORDER BY g.posted_at DESC, g.message_id DESC))[1] AS version
            FROM stated g {_NAMED.format(p="g")}
            WHERE g.low IS NOT NULL OR g.high IS NOT NULL
            GROUP BY g.kind, g.side, g.channel_id, h.handle, h.title
            ORDER BY count(*) DESC, g.kind, g.side, g.channel_id LIMIT :limit
            """  # noqa: S608 - constants
        ),
        asked.values() | {"limit": limit},
    )
    return [Claimed(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A flagged post that was edited: the version before and the new one, with the figures of both."""

    channel_id: int
    message_id: int
    version: int
    handle: str | None
    title: str | None
    happened_at: datetime
    before: str
    after: str
    figures_before: tuple[Stated, ...]
    figures_after: tuple[Stated, ...]


_FIGURES_OF = """
    (SELECT json_agg(json_build_array(g.kind, g.low, g.high, coalesce(nullif(g.side, 'unknown'), g.side_inferred, 'unknown'))
                     ORDER BY g.number)
     FROM monitor.figures g
     WHERE g.channel_id = e.channel_id AND g.message_id = e.message_id AND g.version = {version}
       AND g.ruleset_id = (SELECT max(l.ruleset_id) FROM monitor.figures l WHERE l.channel_id = g.channel_id
                             AND l.message_id = g.message_id AND l.version = g.version))
    """


async def changes(tx: Transaction, asked: Within, *, limit: int = MOST_CHANGES) -> list[Change]:
    """The edits of a window, those first that have figures in either version, then the newest."""
    rows = await tx.execute(
        text(
            f"""
            SELECT e.channel_id, e.message_id, e.version, h.handle, h.title, e.happened_at, o.text AS before,
                   v.text AS after, {_FIGURES_OF.format(version="e.version - 1")} AS figures_before,
                   {_FIGURES_OF.format(version="e.version")} AS figures_after
            FROM ({_EDITED}) e
            JOIN monitor.post_versions v USING (channel_id, message_id, version)
            JOIN monitor.post_versions o
                ON o.channel_id = e.channel_id AND o.message_id = e.message_id AND o.version = e.version - 1
            {_NAMED.format(p="e")}
            ORDER BY EXISTS (SELECT FROM monitor.figures g WHERE g.channel_id = e.channel_id
                               AND g.message_id = e.message_id AND g.version IN (e.version, e.version - 1)) DESC,
                     e.event_id DESC
            LIMIT :limit
            """  # noqa: S608 - constants
        ),
        asked.values() | {"limit": limit},
    )
    return [_change(row) for row in rows]


def _change(row: Any) -> Change:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    for name in ("figures_before", "figures_after"):
        values[name] = tuple(Stated(*one) for one in values[name] or ())
    return Change(**values)


class Gone(NamedTuple):
    """A flagged post that was deleted, as it last stood."""

    channel_id: int
    message_id: int
    version: int
    handle: str | None
    title: str | None
    posted_at: datetime
    deleted_at: datetime
    text: str


async def deletions(tx: Transaction, asked: Within, *, limit: int = MOST_CHANGES) -> list[Gone]:
    """The deletions of a window, the newest first."""
    rows = await tx.execute(
        text(
            f"""
            SELECT e.channel_id, e.message_id, e.version, h.handle, h.title, p.posted_at, e.deleted_at, v.text
            FROM ({_DELETED}) e
            JOIN monitor.posts p USING (channel_id, message_id)
            JOIN monitor.post_versions v
                ON v.channel_id = e.channel_id AND v.message_id = e.message_id AND v.version = e.version
            {_NAMED.format(p="e")}
            ORDER BY e.deleted_at DESC, e.channel_id, e.message_id LIMIT :limit
            """  # noqa: S608 - constants
        ),
        asked.values() | {"limit": limit},
    )
    return [Gone(*row) for row in rows]


class Volume(NamedTuple):
    """How many posts a watched channel made in a window, and in how much of the seven days before it how many.

    `known` is how long before the window the channel's posts are held, at most those seven days.
    """

    handle: str
    label: str
    posts: int
    before: int
    known: timedelta


async def volumes(tx: Transaction, asked: Within) -> list[Volume]:
    """What each watched channel posted, the list's order kept by handle."""
    rows = await tx.execute(
        text(
            """
            WITH made AS (
                SELECT channel_id, count(*) FILTER (WHERE posted_at >= :since) AS posts,
                       count(*) FILTER (WHERE posted_at < :since) AS before, min(posted_at) AS first
                FROM monitor.posts WHERE posted_at >= :norm AND posted_at < :until GROUP BY channel_id)
            SELECT w.handle, w.label, coalesce(m.posts, 0) AS posts, coalesce(m.before, 0) AS before,
                   greatest(:since - least(m.first, :since), interval '0') AS known
            FROM monitor.watches w LEFT JOIN made m USING (channel_id)
            WHERE w.listed AND (CAST(:ids AS bigint[]) IS NULL OR w.channel_id = ANY(:ids))
            ORDER BY w.handle
            """
        ),
        asked.values() | {"norm": asked.window.since - NORM},
    )
    return [Volume(row.handle, row.label, row.posts, row.before, row.known or timedelta()) for row in rows]


async def hours(tx: Transaction, asked: Within) -> list[tuple[int, int]]:
    """Posts and flagged posts by the hour of the window in which they were posted; the window's hours are all there."""
    rows = await tx.execute(
        text(
            f"""
            WITH bins AS (
                SELECT date_bin('1 hour', p.posted_at, :since) AS hour, count(*) AS posts
                FROM monitor.posts p
                WHERE p.posted_at >= :since AND p.posted_at < :until AND {_OF_CHANNELS.format(p="p")} GROUP BY 1),
            flagged AS (
                SELECT date_bin('1 hour', posted_at, :since) AS hour, count(*) AS posts
                FROM ({asked.flagged()}) f WHERE posted_at >= :since GROUP BY 1)
            SELECT coalesce(b.posts, 0) AS posts, coalesce(f.posts, 0) AS flagged
            FROM generate_series(CAST(:since AS timestamptz), :until - interval '1 microsecond', '1 hour') AS h(hour)
            LEFT JOIN bins b USING (hour) LEFT JOIN flagged f USING (hour) ORDER BY hour
            """  # noqa: S608 - constants
        ),
        asked.values(),
    )
    return [(row.posts, row.flagged) for row in rows]


async def verdicts(tx: Transaction, asked: Within) -> dict[str, int]:
    """Decisions of a window that none took back, by verdict."""
    rows = await tx.execute(
        text(
            f"SELECT d.verdict, count(*) AS made FROM monitor.decisions d WHERE d.verdict <> 'undo' AND {_DECIDED} "  # noqa: S608 - constants
            "GROUP BY d.verdict ORDER BY d.verdict"
        ),
        asked.values(),
    )
    return {row.verdict: row.made for row in rows}


class Troubled(NamedTuple):
    """A watched channel that cannot be read now, since when, and the words for it; `paused` where a person must act."""

    handle: str
    label: str
    since: datetime
    problem: str
    paused: bool


async def troubled(tx: Transaction, asked: Within) -> list[Troubled]:
    """Which watched channels fail, those for the longest time first."""
    rows = await tx.execute(
        text(
            """
            SELECT handle, label, coalesce(problem_since, paused_at) AS since,
                   coalesce(problem_text, problem, pause_reason, '') AS problem, paused_at IS NOT NULL AS paused
            FROM monitor.watches
            WHERE listed AND (problem IS NOT NULL OR paused_at IS NOT NULL)
              AND coalesce(problem_since, paused_at) < :until
              AND (CAST(:ids AS bigint[]) IS NULL OR channel_id = ANY(:ids))
            ORDER BY 3, handle
            """
        ),
        asked.values(),
    )
    return [Troubled(*row) for row in rows]


class Unknown(NamedTuple):
    """What nobody can say yet: posts that were not read by the rules, and inputs of the window that were set aside."""

    unread: int
    set_aside: int


async def unknown(tx: Transaction, asked: Within) -> Unknown:
    """What is held and was not taken in."""
    row = (
        await tx.execute(
            text(
                f"""
                SELECT (SELECT count(*) FROM monitor.post_state p WHERE p.unread AND {_OF_CHANNELS.format(p="p")}) AS unread,
                       (SELECT count(*) FROM monitor.set_aside a WHERE a.last_at >= :since AND a.last_at < :until
                          AND (CAST(:ids AS bigint[]) IS NULL OR a.channel_id = ANY(:ids))) AS set_aside
                """  # noqa: S608 - constants
            ),
            asked.values(),
        )
    ).one()
    return Unknown(*row)
