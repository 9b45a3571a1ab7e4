"""Takes the views of an export into the tables of record: staged in temporary tables, then written in one order.

Numbers of cases, decisions, reviewers and rules are kept where they are free here; else they are moved up together, so
that an export taken into an empty archive comes out of it the same. What is derived (places, gaps, forwards, sums) is
not taken in: the views make it anew. Reviewers become users who are disabled and have no password.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from monitor.errors import ExportError
from monitor.model import ExportColumn
from monitor.store.database import Transaction, driver_of, lock_channel
from monitor.store.exports import WIRE, Row

# Every view that is taken in.
TAKEN = (
    *("rulesets", "channels", "channel_history", "watches", "posts", "versions", "counts", "flags", "mentions", "figures"),
    *("cases", "copies", "decisions", "figure_decisions", "media", "coverage", "vacant_ids", "tombstones"),
)  # fmt: skip

_CHANNELS = " UNION ".join(
    f"SELECT channel_id FROM pg_temp.in_{view} WHERE channel_id IS NOT NULL"  # noqa: S608 - constants
    for view in ("channels", "posts", "coverage", "vacant_ids", "tombstones")
)
_HELD = f"""
    SELECT c.channel_id, (SELECT v.handle FROM monitor.channel_versions v WHERE v.channel_id = c.channel_id
                          ORDER BY v.version DESC LIMIT 1) AS handle
    FROM ({_CHANNELS}) c
    WHERE EXISTS (SELECT FROM monitor.channels h WHERE h.channel_id = c.channel_id)
       OR EXISTS (SELECT FROM monitor.tombstones t WHERE t.channel_id = c.channel_id)
    ORDER BY c.channel_id
    """  # noqa: S608 - constants

# By how much numbers are moved up: by none where none of them is taken.
_SHIFTS = """
    CREATE TEMPORARY TABLE shift ON COMMIT DROP AS
    SELECT CASE WHEN EXISTS (SELECT FROM pg_temp.in_cases JOIN monitor.cases USING (case_id))
                THEN (SELECT max(case_id) FROM monitor.cases) ELSE 0 END AS cases,
           CASE WHEN EXISTS (SELECT FROM pg_temp.in_decisions JOIN monitor.decisions USING (decision_id))
                THEN (SELECT max(decision_id) FROM monitor.decisions) ELSE 0 END AS decisions,
           CASE WHEN EXISTS (SELECT FROM pg_temp.in_figure_decisions JOIN monitor.figure_decisions USING (figure_decision_id))
                THEN (SELECT max(figure_decision_id) FROM monitor.figure_decisions) ELSE 0 END AS figure_decisions,
           CASE WHEN EXISTS (SELECT FROM pg_temp.in_reviewers JOIN monitor.users USING (user_id))
                THEN (SELECT max(user_id) FROM monitor.users) ELSE 0 END AS users
    """
_REVIEWERS = """
    CREATE TEMPORARY TABLE in_reviewers ON COMMIT DROP AS
    SELECT DISTINCT CAST(substring(reviewer FROM '[0-9]+$') AS integer) AS user_id
    FROM (SELECT reviewer FROM pg_temp.in_decisions UNION SELECT reviewer FROM pg_temp.in_figure_decisions
          UNION SELECT reviewer FROM pg_temp.in_cases) r
    WHERE reviewer IS NOT NULL
    """
_ID_OF = "CAST(substring(i.reviewer FROM '[0-9]+$') AS integer) + s.users"
_RULES = "LEFT JOIN monitor.rulesets r ON r.sha256 = decode(i.{column}, 'hex')"
_FLAGS = """
    INSERT INTO monitor.flags (channel_id, message_id, version, ruleset_id, topic, spans, flagged_at, raised)
    SELECT i.channel_id, i.message_id, i.version, r.ruleset_id, i.topic, i.spans::jsonb, i.flagged_at, {raised}
    FROM pg_temp.in_{view} i JOIN monitor.rulesets r ON r.sha256 = decode(i.ruleset, 'hex')
    """


def _next(table: str, column: str) -> str:
    """Let the numbers that are given out go on after the highest."""
    return f"""
        SELECT setval(pg_get_serial_sequence('monitor.{table}', '{column}'), max({column})) FROM monitor.{table}
        HAVING max({column}) IS NOT NULL
        """  # noqa: S608 - constants


_WRITE = (
    "CREATE INDEX ON pg_temp.in_copies (case_id)",
    """
    INSERT INTO monitor.rulesets (ruleset_id, sha256, body, first_used_at) OVERRIDING SYSTEM VALUE
    SELECT i.ruleset_id, decode(i.sha256, 'hex'), i.body, i.first_used_at FROM pg_temp.in_rulesets i
    WHERE NOT EXISTS (SELECT FROM monitor.rulesets r
                      WHERE r.ruleset_id = i.ruleset_id OR r.sha256 = decode(i.sha256, 'hex'))
    """,
    _next("rulesets", "ruleset_id"),
    """
    INSERT INTO monitor.rulesets (sha256, body, first_used_at)
    SELECT decode(i.sha256, 'hex'), i.body, i.first_used_at FROM pg_temp.in_rulesets i
    WHERE NOT EXISTS (SELECT FROM monitor.rulesets r WHERE r.sha256 = decode(i.sha256, 'hex')) ORDER BY i.ruleset_id
    """,
    """
    INSERT INTO monitor.channels (channel_id, first_seen_at, version)
    SELECT channel_id, first_seen_at, descriptions FROM pg_temp.in_channels
    """,
    """
    INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, title, handle, about, subscribers,
                                          subscribers_unit, verified)
    SELECT channel_id, version, seen_at, source, title, handle, about, subscribers, subscribers_unit, verified
    FROM pg_temp.in_channel_history
    """,
    # What is watched here is for the channel list to say; what was watched there is known, and not listed.
    """
    INSERT INTO monitor.watches (handle, listed, label, person, person_since, side, source, quickest_seconds,
                                 slowest_seconds, channel_id)
    SELECT handle, false, label, person, person_since, side, source, quickest_seconds, slowest_seconds, channel_id
    FROM pg_temp.in_watches
    ON CONFLICT (handle) DO UPDATE SET channel_id = coalesce(monitor.watches.channel_id, excluded.channel_id)
    """,
    """
    INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, edited_at, version, source, media_kind,
        service, album_id, forward_kind, forward_channel_id, forward_handle, forward_message_id, forward_title,
        reply_to_message_id, reply_to_handle)
    SELECT channel_id, message_id, posted_at, first_seen_at, edited_at, version, source, media_kind,
        service, album_id, forward_kind, forward_channel_id, forward_handle, forward_message_id, forward_title,
        reply_to_message_id, reply_to_handle
    FROM pg_temp.in_posts
    """,
    """
    INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, edited_at, text,
        entities, links, media_kind, media, extras, form, sha256, previous_sha256, raw_sha256)
    SELECT channel_id, message_id, version, seen_at, source, edited, edited_at, text, entities::jsonb, links, media_kind,
        media::jsonb, extras::jsonb, form, decode(sha256, 'hex'), decode(previous_sha256, 'hex'), decode(raw_sha256, 'hex')
    FROM pg_temp.in_versions
    """,
    f"""
    INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at, presence, missing_since, deleted_at,
                                    read_ruleset, read_side, unread)
    SELECT i.channel_id, i.message_id, i.version, i.last_seen_at, i.presence, i.missing_since, i.deleted_at,
           r.ruleset_id, i.read_side, r.ruleset_id IS NULL
    FROM pg_temp.in_posts i {_RULES.format(column="read_ruleset")}
    """,  # noqa: S608 - constants
    """
    INSERT INTO monitor.post_counts (channel_id, message_id, seen_at, source, views, views_unit, forwards, forwards_unit,
                                     reactions)
    SELECT channel_id, message_id, seen_at, source, views, views_unit, forwards, forwards_unit, reactions::jsonb
    FROM pg_temp.in_counts
    """,
    _FLAGS.format(view="flags", raised="true"),
    _FLAGS.format(view="mentions", raised="false"),
    f"""
    INSERT INTO monitor.figures (channel_id, message_id, version, ruleset_id, number, posted_at, kind, low, high,
        qualifier, side, stance, side_inferred, scope, since, first_char, end_char, term, read_at)
    SELECT i.channel_id, i.message_id, i.version, r.ruleset_id, i.number, i.posted_at, i.kind, i.low, i.high,
        i.qualifier, i.side, i.stance, i.side_inferred, i.scope, i.since, i.first_char, i.end_char, i.term, i.read_at
    FROM pg_temp.in_figures i {_RULES.format(column="ruleset")}
    """,  # noqa: S608 - constants
    """
    INSERT INTO monitor.media (media_id, channel_id, message_id, kind, size, name, mime_type, state, sha256, kept_at, problem)
    SELECT media_id, channel_id, message_id, kind, size, name, mime_type, state, decode(sha256, 'hex'), kept_at, problem
    FROM pg_temp.in_media ON CONFLICT (media_id) DO NOTHING
    """,
    # A part of an archive holds the posts of its span alone, and must not say that others were looked at and are not there.
    """
    INSERT INTO monitor.coverage (handle, channel_id, source, kind, outcome, detail, first_id, last_id, started_at, ended_at, looks)
    SELECT i.handle, i.channel_id, i.source, i.kind, i.outcome, i.detail,
           CASE WHEN :whole THEN i.first_id WHEN i.first_id <= p.last AND i.last_id >= p.first THEN greatest(i.first_id, p.first) END,
           CASE WHEN :whole THEN i.last_id WHEN i.first_id <= p.last AND i.last_id >= p.first THEN least(i.last_id, p.last) END,
           i.started_at, i.ended_at, i.looks
    FROM pg_temp.in_coverage i
    LEFT JOIN (SELECT channel_id, min(message_id) AS first, max(message_id) AS last FROM pg_temp.in_posts GROUP BY 1) p
        USING (channel_id)
    ORDER BY i.started_at
    """,
    """
    INSERT INTO monitor.vacant_ids (channel_id, first_id, last_id, reason, proven_at)
    SELECT channel_id, first_id, last_id, reason, proven_at FROM pg_temp.in_vacant_ids
    """,
    """
    INSERT INTO monitor.tombstones (channel_id, message_id, version, sha256, purged_at, reason)
    SELECT channel_id, message_id, version, decode(sha256, 'hex'), purged_at, reason FROM pg_temp.in_tombstones
    """,
    _REVIEWERS,
    _SHIFTS,
    """
    INSERT INTO monitor.users (user_id, name, role, password, language, created_at, disabled_at) OVERRIDING SYSTEM VALUE
    SELECT i.user_id + s.users, 'reviewer ' || i.user_id + s.users || ' of an import', 'viewer', '', 'en', :now, :now
    FROM pg_temp.in_reviewers i CROSS JOIN pg_temp.shift s
    """,
    _next("users", "user_id"),
    # A case whose first post did not come along goes on with the next that did.
    f"""
    INSERT INTO monitor.cases (case_id, state, opened_at, changed_at, rank_at, topics, channel_id, message_id, version,
                               posts, verdict, decided_by, decided_at, wake_at, wake_on_edit) OVERRIDING SYSTEM VALUE
    SELECT i.case_id + s.cases, i.state, i.opened_at, i.changed_at, i.rank_at, i.topics,
           coalesce(n.channel_id, i.channel_id), coalesce(n.message_id, i.message_id), coalesce(n.version, i.version),
           (SELECT count(*) FROM pg_temp.in_copies p WHERE p.case_id = i.case_id),
           i.verdict, {_ID_OF}, i.decided_at, i.wake_at, i.wake_on_edit
    FROM pg_temp.in_cases i CROSS JOIN pg_temp.shift s
    LEFT JOIN LATERAL (
        SELECT p.channel_id, p.message_id, p.version FROM pg_temp.in_copies p
        WHERE p.case_id = i.case_id AND NOT EXISTS (
            SELECT FROM pg_temp.in_copies o
            WHERE o.case_id = i.case_id AND o.channel_id = i.channel_id AND o.message_id = i.message_id)
        ORDER BY p.joined_at, p.channel_id, p.message_id LIMIT 1) n ON true
    """,  # noqa: S608 - constants
    _next("cases", "case_id"),
    """
    INSERT INTO monitor.case_posts (channel_id, message_id, case_id, version, topics, joined_at)
    SELECT i.channel_id, i.message_id, i.case_id + s.cases, i.version, i.topics, i.joined_at
    FROM pg_temp.in_copies i CROSS JOIN pg_temp.shift s
    """,
    # By which later copies find their case; those of the same words, not forwarded, make one of their own.
    """
    INSERT INTO monitor.case_keys (key, case_id)
    SELECT 'post:' || channel_id || ':' || message_id, case_id FROM (
        SELECT c.channel_id, c.message_id, c.case_id
        FROM monitor.case_posts c JOIN pg_temp.in_copies USING (channel_id, message_id)
        UNION
        SELECT p.forward_channel_id, p.forward_message_id, c.case_id
        FROM monitor.case_posts c JOIN pg_temp.in_posts p USING (channel_id, message_id)
        WHERE p.forward_channel_id IS NOT NULL AND p.forward_message_id IS NOT NULL) k
    ORDER BY case_id ON CONFLICT (key) DO NOTHING
    """,
    f"""
    INSERT INTO monitor.decisions (decision_id, case_id, user_id, decided_at, verdict, channel_id, message_id, version,
        topics, opinion, reason, duplicate_of, wake_at, wake_on_edit, second, undoes) OVERRIDING SYSTEM VALUE
    SELECT i.decision_id + s.decisions, i.case_id + s.cases, {_ID_OF}, i.decided_at, i.verdict, i.channel_id,
           i.message_id, i.version, i.topics, i.opinion, i.reason, i.duplicate_of + s.cases, i.wake_at, i.wake_on_edit,
           i.second_look, i.undoes + s.decisions
    FROM pg_temp.in_decisions i CROSS JOIN pg_temp.shift s
    """,  # noqa: S608 - constants
    _next("decisions", "decision_id"),
    f"""
    INSERT INTO monitor.figure_decisions (figure_decision_id, case_id, user_id, decided_at, channel_id, message_id,
        version, first_char, end_char, verdict, kind, low, high, side) OVERRIDING SYSTEM VALUE
    SELECT i.figure_decision_id + s.figure_decisions, i.case_id + s.cases, {_ID_OF}, i.decided_at, i.channel_id,
           i.message_id, i.version, i.first_char, i.end_char, i.verdict, i.kind, i.low, i.high, i.side
    FROM pg_temp.in_figure_decisions i CROSS JOIN pg_temp.shift s
    """,  # noqa: S608 - constants
    _next("figure_decisions", "figure_decision_id"),
    # What is flagged and was in no case there waits for one here.
    """
    INSERT INTO monitor.review_due (channel_id, message_id)
    SELECT DISTINCT i.channel_id, i.message_id FROM pg_temp.in_flags i
    WHERE i.is_current
      AND NOT EXISTS (SELECT FROM pg_temp.in_copies c WHERE c.channel_id = i.channel_id AND c.message_id = i.message_id)
    ON CONFLICT DO NOTHING
    """,
)  # fmt: skip


async def stage(
    tx: Transaction,
    view: str,
    columns: Sequence[ExportColumn],
    *,
    given: Sequence[ExportColumn],
    batches: Iterable[list[Row]],
) -> None:
    """Put rows into a temporary table with the columns of a view; `batches` have those that are given.

    Raises ExportError for a value that its column cannot hold.
    """
    driver = await driver_of(tx)
    made = ", ".join(f'"{column.name}" {WIRE[column.kind]}' for column in columns)
    names = ", ".join(f'"{column.name}"' for column in given)
    await driver.execute(f"CREATE TEMPORARY TABLE in_{view} ({made}) ON COMMIT DROP")
    try:
        async with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY pg_temp.in_{view} ({names}) FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.set_types([WIRE[column.kind] for column in given])
            for batch in batches:
                for row in batch:
                    await copy.write_row(row)
    except (psycopg.DataError, psycopg.ProgrammingError, TypeError, ValueError, OverflowError) as error:
        raise _unfit(f"{view}: {error}") from error


def _unfit(why: str) -> ExportError:
    return ExportError(
        "this export does not fit together",
        why.strip().splitlines()[0],
        "export it anew; nothing of it was taken in",
    )


async def held(tx: Transaction) -> list[tuple[int, str | None]]:
    """Lock the channels that are staged; gives those that this archive holds already, or purged, with their handles."""
    await tx.execute(text("ANALYZE pg_temp.in_posts"))
    for row in await tx.execute(text(f"SELECT channel_id FROM ({_CHANNELS}) c ORDER BY 1")):  # noqa: S608 - constants
        await lock_channel(tx, row.channel_id)
    return [(row.channel_id, row.handle) for row in await tx.execute(text(_HELD))]


async def write(tx: Transaction, *, whole: bool, now: datetime) -> None:
    """Write what is staged into the tables of record; `whole` says that no post of these channels was left out.

    Raises ExportError where its rows do not fit together.
    """
    for view in TAKEN:
        await tx.execute(text(f"ANALYZE pg_temp.in_{view}"))
    try:
        for statement in _WRITE:
            used = {
                name: value for name, value in (("whole", whole), ("now", now)) if f":{name}" in statement
            }
            await tx.execute(text(statement), used)
    except (IntegrityError, DataError) as error:
        raise _unfit(str(error.orig)) from error
