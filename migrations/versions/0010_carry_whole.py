"""Show researchers what an export must carry for an archive to be made of it again.

What was read without asking for a review, cases, what was said of single figures, watches; and of each post under
which rules it was read last. Reviewers have a number and no name; notes stay left out.
"""

from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA_VERSION = "1.1"

REVIEWER = "Who decided: a number that stays the same, never a name"
KEY = {
    "channel_id": "Telegram's id of the channel",
    "handle": "The channel's @name when last seen",
    "message_id": "Telegram's number of the post within its channel",
    "version": "The version that was read",
}

VIEWS = {
    "mentions": (
        "Topics found in versions of posts that by themselves ask for no review, with the words that show why; with research.flags all that was found.",
        """
        SELECT f.channel_id, c.handle, f.message_id, f.version, p.posted_at, f.topic, f.spans, f.flagged_at,
               encode(r.sha256, 'hex') AS ruleset,
               f.version = p.version AND f.ruleset_id = s.read_ruleset AS is_current
        FROM monitor.flags f
        JOIN monitor.rulesets r USING (ruleset_id)
        JOIN monitor.posts p USING (channel_id, message_id)
        JOIN monitor.post_state s USING (channel_id, message_id)
        LEFT JOIN research.channels c USING (channel_id)
        WHERE NOT f.raised
        """,
        {
            **KEY,
            "posted_at": "When the channel posted it",
            "topic": "The topic found, by its name in the rules",
            "spans": "Where in the text: start and end in characters (end excluded), the term that matched, and lat and lon of a place",
            "flagged_at": "When it was read",
            "ruleset": "SHA-256 of the rules it was read under, hexadecimal; see research.rulesets",
            "is_current": "Whether it is of the current version under the rules it was read by last",
        },
    ),
    "cases": (
        "What analysts decide on, as it stands: a flagged post and its copies, which are in research.copies.",
        """
        SELECT k.case_id, k.state, k.opened_at, k.changed_at, k.rank_at, k.topics, k.channel_id, c.handle, k.message_id,
               k.version, k.verdict, 'reviewer ' || k.decided_by AS reviewer, k.decided_at, k.wake_at, k.wake_on_edit
        FROM monitor.cases k LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "case_id": "Number of the case",
            "state": "open, second_look, escalated, snoozed, decided or closed",
            "opened_at": "When it was opened",
            "changed_at": "When it last changed",
            "rank_at": "Its place in the queue: when it was opened, less a minute for each point of its priority",
            "topics": "The topics of its posts",
            **KEY,
            "version": "The version of that post that the case is of now",
            "verdict": "What was last decided, where that stands",
            "reviewer": REVIEWER,
            "decided_at": "When that was decided",
            "wake_at": "When a snoozed case comes back",
            "wake_on_edit": "Whether a snoozed case comes back when its post is edited",
        },
    ),
    "figure_decisions": (
        "What analysts said of single figures, each time that they did. Rows are only ever added; what was said last is in research.confirmed_figures.",
        """
        SELECT d.figure_decision_id, d.case_id, 'reviewer ' || d.user_id AS reviewer, d.decided_at, d.channel_id,
               c.handle, d.message_id, d.version, d.first_char, d.end_char, d.verdict, d.kind, d.low, d.high, d.side
        FROM monitor.figure_decisions d LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "figure_decision_id": "Number of what was said; what was said later has a higher one",
            "case_id": "The case in which it was said",
            "reviewer": REVIEWER,
            "decided_at": "When it was said",
            **KEY,
            "first_char": "Where the figure begins in the text, in characters from 0",
            "end_char": "Where it ends, in characters; the end is excluded",
            "verdict": "confirmed, corrected, rejected, or undone (takes back what was said before)",
            "kind": "What is counted, where that was corrected",
            "low": "The least it can be, where it was corrected",
            "high": "The most it can be, where it was corrected",
            "side": "Whose they are, where that was corrected",
        },
    ),
    "watches": (
        "Which handles are or were watched, and how often at least; research.gaps rests on it.",
        """
        SELECT w.handle, w.channel_id, w.label, w.person, w.person_since, w.side, w.source, w.quickest_seconds,
               w.slowest_seconds
        FROM monitor.watches w
        """,
        {
            "handle": "The @name that is watched, in small letters",
            "channel_id": "Telegram's id of the channel; null while none was seen under this handle",
            "label": "What the channel list calls it",
            "person": "The official who speaks there, if the list names one",
            "person_since": "Since when that one speaks there",
            "side": "russia, ukraine, other or unknown, as the list has it",
            "source": "telegram or preview",
            "quickest_seconds": "Least time between two looks",
            "slowest_seconds": "Most time between two looks, while nothing fails",
        },
    ),
}

# Two views get columns more, at their ends: a view's columns keep their places.
POSTS = """
    CREATE OR REPLACE VIEW research.posts AS
    SELECT p.channel_id, c.handle, p.message_id, p.posted_at, p.edited_at, p.version, v.text, v.entities,
           v.links, p.media_kind, v.media, v.extras, p.service, p.album_id, p.forward_kind,
           p.forward_channel_id, p.forward_handle, p.forward_message_id, p.forward_title,
           p.reply_to_message_id, p.reply_to_handle, s.presence, s.missing_since, p.first_seen_at,
           s.last_seen_at, p.source, s.deleted_at, encode(r.sha256, 'hex') AS read_ruleset, s.read_side
    FROM monitor.posts p
    JOIN monitor.post_versions v USING (channel_id, message_id, version)
    JOIN monitor.post_state s USING (channel_id, message_id)
    LEFT JOIN research.channels c USING (channel_id)
    LEFT JOIN monitor.rulesets r ON r.ruleset_id = s.read_ruleset
    """
DECISIONS = """
    CREATE OR REPLACE VIEW research.decisions AS
    SELECT d.decision_id, d.case_id, 'reviewer ' || d.user_id AS reviewer, d.decided_at, d.verdict, d.channel_id,
           c.handle, d.message_id, d.version, d.topics, d.opinion, d.reason, d.second AS second_look,
           d.duplicate_of, d.wake_at, d.undoes, u.decision_id IS NOT NULL AS undone, u.decided_at AS undone_at,
           d.verdict <> 'undo' AND u.decision_id IS NULL AND NOT EXISTS (
               SELECT FROM monitor.decisions l
               WHERE l.case_id = d.case_id AND l.decision_id > d.decision_id AND l.verdict <> 'undo'
                 AND NOT EXISTS (SELECT FROM monitor.decisions lu WHERE lu.undoes = l.decision_id)) AS stands,
           d.wake_on_edit
    FROM monitor.decisions d
    LEFT JOIN monitor.decisions u ON u.undoes = d.decision_id
    LEFT JOIN research.channels c ON c.channel_id = d.channel_id
    """
ADDED = {
    "posts.read_ruleset": "SHA-256 of the rules that its current version was read under, hexadecimal; null while it waits to be read",
    "posts.read_side": "The side of its channel's watch when it was read last",
    "decisions.wake_on_edit": "Whether a snoozed case was to come back when its post is edited",
}


def upgrade() -> None:
    op.execute(POSTS)
    op.execute(DECISIONS)
    op.execute(f"CREATE OR REPLACE VIEW research.meta AS SELECT '{SCHEMA_VERSION}'::text AS schema_version")
    for column, note in ADDED.items():
        op.execute(f"COMMENT ON COLUMN research.{column} IS {quoted(note)}")
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f'COMMENT ON COLUMN research.{name}."{column}" IS {quoted(note)}')


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
