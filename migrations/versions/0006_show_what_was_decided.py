"""Show researchers what was decided: decisions, how precise each rule is, and figures beside what was said of them.

Reviewers have a number here and no name. Notes are left out: they are free text and may name people.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REVIEWER = "Who decided: a number that stays the same, never a name"
KEY = {
    "channel_id": "Telegram's id of the channel",
    "handle": "The channel's @name when last seen",
    "message_id": "Telegram's number of the post within its channel",
}

VIEWS = {
    "decisions": (
        "What analysts decided of flagged posts, each decision as it was made. Rows are only ever added.",
        """
        SELECT d.decision_id, d.case_id, 'reviewer ' || d.user_id AS reviewer, d.decided_at, d.verdict, d.channel_id,
               c.handle, d.message_id, d.version, d.topics, d.opinion, d.reason, d.second AS second_look,
               d.duplicate_of, d.wake_at, d.undoes, u.decision_id IS NOT NULL AS undone, u.decided_at AS undone_at,
               d.verdict <> 'undo' AND u.decision_id IS NULL AND NOT EXISTS (
                   SELECT FROM monitor.decisions l
                   WHERE l.case_id = d.case_id AND l.decision_id > d.decision_id AND l.verdict <> 'undo'
                     AND NOT EXISTS (SELECT FROM monitor.decisions lu WHERE lu.undoes = l.decision_id)) AS stands
        FROM monitor.decisions d
        LEFT JOIN monitor.decisions u ON u.undoes = d.decision_id
        LEFT JOIN research.channels c ON c.channel_id = d.channel_id
        """,
        {
            "decision_id": "Number of the decision; a later one has a higher number",
            "case_id": "The case: a flagged post and its copies",
            "reviewer": REVIEWER,
            "decided_at": "When it was decided",
            "verdict": "relevant, not_relevant, duplicate, second_look (asked for), escalate, snooze, or undo (takes one back)",
            **KEY,
            "version": "The version that was read; the decision is of that one",
            "topics": "The topics of the case when it was decided",
            "opinion": "What whoever asked for a second look thought themselves, if they said so",
            "reason": "The key of the reason that was named, if any",
            "second_look": "Whether it answers one that asked for a second look, without having seen it",
            "duplicate_of": "The case that it repeats, if that was named",
            "wake_at": "When a snoozed case was to come back",
            "undoes": "The decision that this one takes back",
            "undone": "Whether a later one took it back",
            "undone_at": "When it was taken back",
            "stands": "Whether it is what stands on its case: the last that none took back",
        },
    ),
    "rule_precision": (
        "Of the flags that analysts decided on, how many were relevant: by topic, by term, and by the rules they were found under.",
        """
        WITH last AS (
            SELECT DISTINCT ON (d.case_id, d.channel_id, d.message_id, d.version)
                   d.channel_id, d.message_id, d.version, d.topics, d.verdict
            FROM monitor.decisions d
            WHERE d.verdict <> 'undo'
              AND NOT EXISTS (SELECT FROM monitor.decisions u WHERE u.undoes = d.decision_id)
            ORDER BY d.case_id, d.channel_id, d.message_id, d.version, d.decision_id DESC)
        SELECT f.topic, t.term, encode(r.sha256, 'hex') AS ruleset, count(*) AS decided,
               count(*) FILTER (WHERE l.verdict = 'relevant') AS relevant,
               count(*) FILTER (WHERE l.verdict = 'not_relevant') AS not_relevant,
               avg((l.verdict = 'relevant')::int)::double precision AS "precision",
               max(f.flagged_at) AS last_flagged_at
        FROM last l
        JOIN monitor.flags f
            ON f.channel_id = l.channel_id AND f.message_id = l.message_id AND f.version = l.version
            AND f.raised AND f.topic = ANY(l.topics)
        JOIN monitor.rulesets r USING (ruleset_id)
        CROSS JOIN LATERAL (
            SELECT NULL AS term UNION SELECT s.span->>'term' FROM jsonb_array_elements(f.spans) AS s(span)) t
        WHERE l.verdict IN ('relevant', 'not_relevant')
        GROUP BY f.topic, t.term, r.sha256
        """,
        {
            "topic": "The topic found, by its name in the rules",
            "term": "The word of the rules that matched; null is the topic as a whole",
            "ruleset": "SHA-256 of the rules that found it, hexadecimal; see research.rulesets",
            "decided": "Flags decided as relevant or not: one for each version decided on, its copies not counted again",
            "relevant": "How many of them were relevant",
            "not_relevant": "How many were not; what was called a duplicate, put off or handed on is in neither",
            "precision": "Share of those decided that were relevant, 0 to 1",
            "last_flagged_at": "When the rules last found one of them",
        },
    ),
    "confirmed_figures": (
        "Figures that an analyst confirmed, corrected or rejected: as the rules read them, and what was last said of them.",
        """
        SELECT g.channel_id, g.handle, g.message_id, g.version, g.posted_at, g.number, g.quote, g.first_char, g.end_char,
               g.kind, g.low, g.high, g.qualifier, g.side, g.side_inferred, d.verdict,
               CASE d.verdict WHEN 'confirmed' THEN g.kind WHEN 'corrected' THEN coalesce(d.kind, g.kind) END
                   AS confirmed_kind,
               CASE d.verdict WHEN 'confirmed' THEN g.low WHEN 'corrected' THEN d.low END AS confirmed_low,
               CASE d.verdict WHEN 'confirmed' THEN g.high WHEN 'corrected' THEN d.high END AS confirmed_high,
               CASE d.verdict WHEN 'confirmed' THEN g.side WHEN 'corrected' THEN coalesce(d.side, g.side) END
                   AS confirmed_side,
               'reviewer ' || d.user_id AS reviewer, d.decided_at, g.ruleset, g.is_current
        FROM (SELECT DISTINCT ON (channel_id, message_id, version, first_char, end_char) * FROM monitor.figure_decisions
              ORDER BY channel_id, message_id, version, first_char, end_char, figure_decision_id DESC) d
        JOIN research.figures g
            ON g.channel_id = d.channel_id AND g.message_id = d.message_id AND g.version = d.version
            AND g.first_char = d.first_char AND g.end_char = d.end_char
        WHERE d.verdict <> 'undone'
        """,
        {
            **KEY,
            "version": "The version that was read",
            "posted_at": "When the channel posted it",
            "number": "Its place among the figures of the text, from 1",
            "quote": "The words of the text that say so",
            "first_char": "Where they begin in the text, in characters from 0",
            "end_char": "Where they end in the text, in characters; the end is excluded",
            "kind": "What is counted, as the rules read it",
            "low": "The least it can be, as the rules read it; null where it is open",
            "high": "The most it can be, as the rules read it; null where it is open",
            "qualifier": "exact, about, at_least, at_most, range or vague, as the rules read it",
            "side": "Whose they are, as the text names it",
            "side_inferred": "Whose they are by the channel's own side, where the text does not name it",
            "verdict": "What was last said of it: confirmed, corrected or rejected",
            "confirmed_kind": "What is counted, as confirmed or corrected; null where it was rejected",
            "confirmed_low": "The least it can be, as confirmed or corrected; null where it is open or was rejected",
            "confirmed_high": "The most it can be, as confirmed or corrected; null where it is open or was rejected",
            "confirmed_side": "Whose they are, as confirmed or corrected; null where it was rejected",
            "reviewer": REVIEWER,
            "decided_at": "When that was said",
            "ruleset": "SHA-256 of the rules it was read under, hexadecimal; see research.rulesets",
            "is_current": "Whether it is of the current version under the rules it was read by last",
        },
    ),
}  # fmt: skip


def upgrade() -> None:
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f'COMMENT ON COLUMN research.{name}."{column}" IS {quoted(note)}')


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
