"""What researchers rely on: the rest of the views, what every channel said at a time, and a number of the schema.

The function is plain SQL over the views, so that whoever may read these may call it, and Postgres puts its body into
the query that calls it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Views and columns with these names stay. A new one raises the second number, a changed meaning the first.
SCHEMA_VERSION = "1.0"

VIEWS = {
    "meta": (
        "The version of this schema: its first number changes when a name or a meaning does, its second when something is added.",
        f"SELECT '{SCHEMA_VERSION}'::text AS schema_version",
        {"schema_version": "The version, as 1.0"},
    ),
    "channel_history": (
        "What each channel called itself over time, a row for each description seen.",
        """
        SELECT v.channel_id, v.version, v.seen_at, v.source, v.title, v.handle, v.about, v.subscribers,
               v.subscribers_unit, v.verified
        FROM monitor.channel_versions v
        """,
        {
            "channel_id": "Telegram's own id of the channel; it never changes",
            "version": "Number of the description; a later one has a higher number",
            "seen_at": "When this description was first seen",
            "source": "telegram, preview or desktop",
            "title": "The name shown to readers",
            "handle": "The @name; it can change and pass to others",
            "about": "The channel's description of itself",
            "subscribers": "Number of subscribers, as shown",
            "subscribers_unit": "1 if the number is exact, else the step it was rounded to",
            "verified": "Whether the platform marked it as verified",
        },
    ),
    "forwards": (
        "Posts that were forwarded, and from where. A person is kept as a user, without name or id.",
        """
        SELECT p.channel_id, c.handle, p.message_id, p.posted_at, p.forward_kind, p.forward_channel_id,
               p.forward_handle, p.forward_message_id, p.forward_title, o.posted_at AS origin_posted_at,
               p.posted_at - o.posted_at AS after_origin
        FROM monitor.posts p
        LEFT JOIN research.channels c USING (channel_id)
        LEFT JOIN monitor.posts o
            ON o.channel_id = p.forward_channel_id AND o.message_id = p.forward_message_id
        WHERE p.forward_kind IS NOT NULL
        """,
        {
            "channel_id": "Telegram's id of the channel that forwarded",
            "handle": "Its @name when last seen",
            "message_id": "Telegram's number of the post within its channel",
            "posted_at": "When it was forwarded",
            "forward_kind": "channel, user or unknown",
            "forward_channel_id": "Telegram's id of the channel that it came from, if the source tells",
            "forward_handle": "The @name of that channel, if the source tells",
            "forward_message_id": "The number of the post there, if the source tells",
            "forward_title": "The name of that channel, if the source tells",
            "origin_posted_at": "When it was posted there; null where this archive does not hold that post",
            "after_origin": "How long after that it was forwarded",
        },
    ),
    "copies": (
        "Flagged posts that say the same, by the case that they share: forwards, and posts of the same words.",
        """
        SELECT m.case_id, m.channel_id, c.handle, m.message_id, m.version, p.posted_at, m.topics, m.joined_at,
               row_number() OVER (PARTITION BY m.case_id ORDER BY p.posted_at, m.channel_id, m.message_id) AS place,
               p.posted_at - min(p.posted_at) OVER (PARTITION BY m.case_id) AS after_first
        FROM monitor.case_posts m
        JOIN monitor.posts p USING (channel_id, message_id)
        LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "case_id": "The case that they share",
            "channel_id": "Telegram's id of the channel",
            "handle": "The channel's @name when last seen",
            "message_id": "Telegram's number of the post within its channel",
            "version": "The version that is in the case",
            "posted_at": "When the channel posted it",
            "topics": "The topics found in it",
            "joined_at": "When it was found to say the same",
            "place": "1 for the first of them by time, then 2, 3 …",
            "after_first": "How long after the first of them it was posted",
        },
    ),
    "gaps": (
        "Spans of time in which nobody saw what a watched channel said: longer than an hour and than twice its slowest pace. What was posted and deleted within one is unknown.",
        """
        WITH watched AS (
            SELECT w.handle, w.channel_id,
                   greatest(interval '1 hour', 2 * w.slowest_seconds * interval '1 second') AS slack
            FROM monitor.watches w),
        seen AS (
            SELECT w.handle, w.channel_id, w.slack, c.started_at, c.ended_at,
                   max(c.ended_at) OVER (PARTITION BY w.handle ORDER BY c.started_at, c.ended_at
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM watched w JOIN monitor.coverage c ON c.handle = w.handle
            WHERE c.kind = 'live' AND c.outcome = 'ok')
        SELECT handle, channel_id, before AS since, started_at AS until, started_at - before AS length
        FROM seen WHERE started_at - before > slack
        """,
        {
            "handle": "The handle that was watched",
            "channel_id": "Telegram's id of the channel",
            "since": "The last look that saw it before",
            "until": "The first look that saw it again",
            "length": "How long nobody saw it; looks less than three hours apart with the same outcome are not told apart",
        },
    ),
}

AS_OF = """
    CREATE FUNCTION research.posts_as_of(at timestamp with time zone)
    RETURNS TABLE (channel_id bigint, handle text, message_id bigint, posted_at timestamp with time zone, version integer,
                   said_from timestamp with time zone, text text, media_kind text, sha256 text)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT v.channel_id, p.handle, v.message_id, p.posted_at, v.version,
               CASE WHEN v.edited_at IS NOT NULL THEN v.edited_at WHEN v.version = 1 THEN p.posted_at ELSE v.seen_at END,
               v.text, v.media_kind, v.sha256
        FROM research.versions v
        JOIN research.posts p ON p.channel_id = v.channel_id AND p.message_id = v.message_id
        WHERE p.posted_at <= at AND (p.deleted_at IS NULL OR p.deleted_at > at)
          AND CASE WHEN v.edited_at IS NOT NULL THEN v.edited_at WHEN v.version = 1 THEN p.posted_at ELSE v.seen_at END <= at
          AND NOT EXISTS (
              SELECT FROM research.versions l
              WHERE l.channel_id = v.channel_id AND l.message_id = v.message_id AND l.version <> v.version
                AND (CASE WHEN l.edited_at IS NOT NULL THEN l.edited_at WHEN l.version = 1 THEN p.posted_at ELSE l.seen_at END,
                     l.version)
                  > (CASE WHEN v.edited_at IS NOT NULL THEN v.edited_at WHEN v.version = 1 THEN p.posted_at ELSE v.seen_at END,
                     v.version)
                AND CASE WHEN l.edited_at IS NOT NULL THEN l.edited_at WHEN l.version = 1 THEN p.posted_at ELSE l.seen_at END <= at);
    END
    """
MEANING = (
    "What each channel said at a time, as far as this archive knows: of each post that was out and not yet proven to be "
    "deleted, the version in force. A version is in force from the time of its edit; where the source did not tell that, "
    "the first from the time of posting and a later one from when it was first seen."
)


def upgrade() -> None:
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f'COMMENT ON COLUMN research.{name}."{column}" IS {quoted(note)}')
    op.execute(AS_OF)
    op.execute(f"COMMENT ON FUNCTION research.posts_as_of(timestamptz) IS {quoted(MEANING)}")


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
