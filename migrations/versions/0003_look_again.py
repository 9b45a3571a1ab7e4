"""Look again at what is held: accounts of ours, what is due, ids proven empty, media, and purges.

`look_at` was there and empty until now; posts that are held become due by their age as they are seen.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE monitor.watches
        ADD COLUMN pts INTEGER,
        ADD COLUMN lost_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN via TEXT,
        ADD COLUMN older_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN again_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN holes_at TIMESTAMP WITH TIME ZONE
    """,
    "ALTER TABLE monitor.post_state ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE",
    """
    UPDATE monitor.post_state s SET look_at = now()
    FROM monitor.posts p
    WHERE (p.channel_id, p.message_id) = (s.channel_id, s.message_id) AND p.posted_at > now() - interval '7 days'
    """,
    "CREATE INDEX set_aside_post ON monitor.set_aside (channel_id, message_id)",
    """
    CREATE TABLE monitor.accounts (
        account TEXT NOT NULL,
        user_id BIGINT,
        last_ok_at TIMESTAMP WITH TIME ZONE,
        problem TEXT,
        problem_text TEXT,
        problem_since TIMESTAMP WITH TIME ZONE,
        retry_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (account)
    )
    """,
    """
    CREATE TABLE monitor.account_channels (
        account TEXT NOT NULL,
        channel_id BIGINT NOT NULL,
        handle TEXT NOT NULL,
        access_hash BIGINT NOT NULL,
        resolved_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (account, channel_id)
    )
    """,
    """
    CREATE TABLE monitor.account_waits (
        account TEXT NOT NULL,
        request TEXT NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (account, request)
    )
    """,
    "CREATE INDEX post_state_due ON monitor.post_state (channel_id, look_at) WHERE look_at IS NOT NULL",
    """
    CREATE TABLE monitor.vacant_ids (
        channel_id BIGINT NOT NULL,
        first_id BIGINT NOT NULL,
        last_id BIGINT NOT NULL,
        reason TEXT NOT NULL,
        proven_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (channel_id, first_id)
    )
    """,
    """
    CREATE TABLE monitor.tombstones (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        sha256 BYTEA,
        purged_at TIMESTAMP WITH TIME ZONE NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (channel_id, message_id, version)
    )
    """,
    """
    CREATE TABLE monitor.media (
        media_id BIGINT NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        kind TEXT NOT NULL,
        size BIGINT,
        name TEXT,
        mime_type TEXT,
        state TEXT NOT NULL,
        sha256 BYTEA,
        kept_at TIMESTAMP WITH TIME ZONE,
        tries INTEGER DEFAULT 0 NOT NULL,
        next_at TIMESTAMP WITH TIME ZONE,
        problem TEXT,
        PRIMARY KEY (media_id)
    )
    """,
    "CREATE INDEX media_wanted ON monitor.media (next_at) WHERE state = 'wanted'",
    """
    COMMENT ON COLUMN research.coverage.kind IS
    'live (new posts), backfill (older posts), recheck (posts that are held), holes (ids that show no post) or import (a file)'
    """,
)

VIEWS = {
    "counts": (
        "Views, forwards and reactions of posts over time: a row where they had changed.",
        """
        SELECT k.channel_id, k.message_id, k.seen_at, k.views, k.views_unit, k.forwards, k.forwards_unit,
               k.reactions, k.source
        FROM monitor.post_counts k
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "message_id": "Telegram's number of the post within its channel",
            "seen_at": "When these numbers were seen",
            "views": "How often it was viewed; null if the source does not tell",
            "views_unit": "1 if the number is exact, else the step it was rounded to",
            "forwards": "How often it was forwarded; null if the source does not tell",
            "forwards_unit": "1 if the number is exact, else the step it was rounded to",
            "reactions": "Reactions by emoji, custom:<id> or paid, each as [number, step it was rounded to]",
            "source": "What it was read from: telegram, preview or desktop",
        },
    ),
    "vacant_ids": (
        "Message ids proven to hold no post, so that a gap in the numbers is no gap in the archive.",
        """
        SELECT v.channel_id, v.first_id, v.last_id, v.reason, v.proven_at FROM monitor.vacant_ids v
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "first_id": "First message id of a run without posts",
            "last_id": "Last message id of that run",
            "reason": "empty (asked for by its id, and not there) or deleted (Telegram reported it, before we saw it)",
            "proven_at": "When that was proven",
        },
    ),
    "media": (
        "Photos and documents that posts bear; the bytes lie in the data directory by their hash, where fetched.",
        """
        SELECT m.media_id, m.channel_id, m.message_id, m.kind, m.size, m.name, m.mime_type, m.state,
               encode(m.sha256, 'hex') AS sha256, m.kept_at, m.problem
        FROM monitor.media m
        """,
        {
            "media_id": "Telegram's id of the file; the same file may hang on several posts",
            "channel_id": "The channel of the post where it was seen first",
            "message_id": "The post where it was seen first",
            "kind": "photo, video, document and so on",
            "size": "Size in bytes, as Telegram told",
            "name": "File name as the channel gave it; never trusted",
            "mime_type": "Type as the channel gave it; never trusted",
            "state": "wanted, kept, too_big, gone (not to be had any more) or failed",
            "sha256": "SHA-256 of the bytes, hexadecimal, where they are kept",
            "kept_at": "When it was fetched",
            "problem": "Why it could not be fetched",
        },
    ),
    "tombstones": (
        "What was purged on lawful request: hashes of what once stood here, and why.",
        """
        SELECT t.channel_id, t.message_id, t.version, encode(t.sha256, 'hex') AS sha256, t.purged_at, t.reason
        FROM monitor.tombstones t
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "message_id": "Telegram's number of the post; 0 stands for the whole channel",
            "version": "The version; 0 where none was held, or for the whole channel",
            "sha256": "SHA-256 of the canonical form that was purged, hexadecimal",
            "purged_at": "When it was purged",
            "reason": "Why, in the words of whoever purged it",
        },
    ),
}


# The first view gets one column more, at its end: a view's columns keep their places.
POSTS = """
    CREATE OR REPLACE VIEW research.posts AS
    SELECT p.channel_id, c.handle, p.message_id, p.posted_at, p.edited_at, p.version, v.text, v.entities,
           v.links, p.media_kind, v.media, v.extras, p.service, p.album_id, p.forward_kind,
           p.forward_channel_id, p.forward_handle, p.forward_message_id, p.forward_title,
           p.reply_to_message_id, p.reply_to_handle, s.presence, s.missing_since, p.first_seen_at,
           s.last_seen_at, p.source, s.deleted_at
    FROM monitor.posts p
    JOIN monitor.post_versions v USING (channel_id, message_id, version)
    JOIN monitor.post_state s USING (channel_id, message_id)
    LEFT JOIN research.channels c USING (channel_id)
    """


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute(POSTS)
    op.execute(
        "COMMENT ON COLUMN research.posts.deleted_at IS "
        "'When its deletion was proven: reported by Telegram, or not there when asked for by its number'"
    )
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f"COMMENT ON COLUMN research.{name}.{column} IS {quoted(note)}")


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
