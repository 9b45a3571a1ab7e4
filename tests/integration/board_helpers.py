"""Rows for the boards: channels, and posts with the flags and figures that a reading would have left."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, text

from monitor.store.database import Database

AUGUST = datetime(2024, 8, 6, tzinfo=UTC)
_FIGURE = {
    "kind": "tank", "low": 11.0, "high": 11.0, "qualifier": "exact", "side": "ukraine", "side_inferred": None,
    "scope": None, "first": 0, "end": 9,
}  # fmt: skip


async def make_channel(database: Database, number: int, title: str, **more: Any) -> None:
    """A channel; each call for the same one adds a description, `seen_at` then."""
    values = {
        "channel": number,
        "title": title,
        "handle": f"channel_{number}",
        "subscribers": None,
        "at": AUGUST,
    }
    async with database.transaction() as tx:
        await tx.execute(
            text(
                """
                INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, title, handle, subscribers,
                                                      subscribers_unit)
                SELECT :channel, 1 + count(*), :at, 'preview', :title, :handle, :subscribers, 1
                FROM monitor.channel_versions WHERE channel_id = :channel
                """
            ),
            values | more,
        )
        await tx.execute(
            text(
                """
                INSERT INTO monitor.channels (channel_id, first_seen_at, version) VALUES (:channel, :at, 1)
                ON CONFLICT (channel_id) DO UPDATE SET version = monitor.channels.version + 1
                """
            ),
            values | more,
        )


async def make_post(
    database: Database,
    key: tuple[int, int],
    words: str,
    *,
    hours: float = 12,
    topics: Sequence[str] = ("kursk",),
    figures: Sequence[Mapping[str, Any]] = (),
    case: bool = True,
) -> None:
    """A post of 6 August, so many hours into it, read under one ruleset, and its case."""
    values = {
        "channel": key[0], "message": key[1], "at": AUGUST + timedelta(hours=hours), "words": words, "topics": list(topics),
    }  # fmt: skip
    async with database.transaction() as tx:
        for statement in _POST:
            await tx.execute(text(statement), values)
        for number, figure in enumerate(figures, 1):
            await tx.execute(text(_FIGURES), {**values, **_FIGURE, **figure, "number": number})
        if case and topics:
            await tx.execute(text(_CASE), values)


_POST = (
    "INSERT INTO monitor.rulesets (sha256, body, first_used_at) VALUES ('\\x01', '', now()) ON CONFLICT DO NOTHING",
    """
    INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source)
    VALUES (:channel, :message, :at, :at, 1, 'preview')
    """,
    """
    INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
    VALUES (:channel, :message, 1, :at, 'preview', false, :words, 1, '\\x01')
    """,
    """
    INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at, read_ruleset, unread)
    VALUES (:channel, :message, 1, :at, (SELECT max(ruleset_id) FROM monitor.rulesets), false)
    """,
    """
    INSERT INTO monitor.flags (channel_id, message_id, version, ruleset_id, topic, spans, flagged_at)
    SELECT :channel, :message, 1, (SELECT max(ruleset_id) FROM monitor.rulesets), topic,
           jsonb_build_array(jsonb_build_object('start', 0, 'end', 5, 'term', 'Курск')), :at
    FROM unnest(CAST(:topics AS text[])) AS topic
    """,
)
_FIGURES = """
    INSERT INTO monitor.figures (channel_id, message_id, version, ruleset_id, number, posted_at, kind, low, high,
                                 qualifier, side, side_inferred, scope, first_char, end_char, term, read_at)
    VALUES (:channel, :message, 1, (SELECT max(ruleset_id) FROM monitor.rulesets), :number, :at, :kind, :low, :high,
            :qualifier, :side, :side_inferred, :scope, :first, :end, 'танк', :at)
    """
_CASE = """
    WITH made AS (
        INSERT INTO monitor.cases (state, opened_at, changed_at, rank_at, topics, channel_id, message_id, version, posts)
        VALUES ('open', :at, :at, :at, :topics, :channel, :message, 1, 1) RETURNING case_id)
    INSERT INTO monitor.case_posts (channel_id, message_id, case_id, version, topics, joined_at)
    SELECT :channel, :message, case_id, 1, :topics, :at FROM made
    """


def counting(database: Database) -> list[str]:
    """What is asked of the database from now on."""
    asked: list[str] = []

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    return asked
