"""What analysts said of what the rules found, counted: topics by what was decided, figures by the last word on each.

Only what was flagged or read is ever put before an analyst, so this tells how much of it was right, and nothing of
what was missed.
"""

from typing import NamedTuple

from sqlalchemy import text

from monitor.store.database import Transaction


class TopicJudged(NamedTuple):
    """A topic: how many cases that it was found in were decided to be relevant, and not relevant."""

    topic: str
    relevant: int
    not_relevant: int


class KindJudged(NamedTuple):
    """A kind of figure: how many were confirmed as read, corrected, and rejected."""

    kind: str
    confirmed: int
    corrected: int
    rejected: int


async def topics(tx: Transaction) -> list[TopicJudged]:
    """Each topic of decided cases."""
    rows = await tx.execute(
        text(
            """
            SELECT t AS topic, count(*) FILTER (WHERE verdict = 'relevant') AS relevant,
                   count(*) FILTER (WHERE verdict = 'not_relevant') AS not_relevant
            FROM monitor.cases c CROSS JOIN unnest(c.topics) AS t
            WHERE state = 'decided' AND verdict IN ('relevant', 'not_relevant') GROUP BY t ORDER BY t
            """
        )
    )
    return [TopicJudged(*row) for row in rows]


async def kinds(tx: Transaction) -> list[KindJudged]:
    """Each kind of figure of which an analyst said something, as it was read by the rules of the last reading."""
    rows = await tx.execute(
        text(
            """
            WITH last AS (
                SELECT DISTINCT ON (channel_id, message_id, version, first_char, end_char) *
                FROM monitor.figure_decisions
                ORDER BY channel_id, message_id, version, first_char, end_char, figure_decision_id DESC)
            SELECT g.kind, count(*) FILTER (WHERE d.verdict = 'confirmed') AS confirmed,
                   count(*) FILTER (WHERE d.verdict = 'corrected') AS corrected,
                   count(*) FILTER (WHERE d.verdict = 'rejected') AS rejected
            FROM last d
            JOIN monitor.post_state s ON s.channel_id = d.channel_id AND s.message_id = d.message_id
            JOIN monitor.figures g ON g.channel_id = d.channel_id AND g.message_id = d.message_id
                AND g.version = d.version AND g.first_char = d.first_char AND g.end_char = d.end_char
                AND g.ruleset_id = s.read_ruleset
            WHERE d.verdict <> 'undone' GROUP BY g.kind ORDER BY g.kind
            """
        )
    )
    return [KindJudged(*row) for row in rows]
