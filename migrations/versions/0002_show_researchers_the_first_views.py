"""Show researchers the first views.

Definer views: a reader needs rights on `research` alone. Every view and column has its comment.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VIEWS = {
    "channels": (
        "Every public channel seen, as it was seen last.",
        """
        SELECT c.channel_id, v.handle, v.title, v.about, v.subscribers, v.subscribers_unit, v.verified,
               c.first_seen_at, v.seen_at AS described_at, c.version AS descriptions
        FROM monitor.channels c JOIN monitor.channel_versions v USING (channel_id, version)
        """,
        {
            "channel_id": "Telegram's own id of the channel; it never changes",
            "handle": "The @name when last seen; it can change and pass to others",
            "title": "The name shown to readers when last seen",
            "about": "The channel's description of itself when last seen",
            "subscribers": "Number of subscribers when last seen, as shown",
            "subscribers_unit": "1 if the number is exact, else the step it was rounded to",
            "verified": "Whether the platform marked it as verified when last seen",
            "first_seen_at": "When this archive first saw the channel",
            "described_at": "When this description was first seen",
            "descriptions": "How many descriptions of it are held",
        },
    ),
    "posts": (
        "Every post held, one row each, with what it says now (or said last).",
        """
        SELECT p.channel_id, c.handle, p.message_id, p.posted_at, p.edited_at, p.version, v.text, v.entities,
               v.links, p.media_kind, v.media, v.extras, p.service, p.album_id, p.forward_kind,
               p.forward_channel_id, p.forward_handle, p.forward_message_id, p.forward_title,
               p.reply_to_message_id, p.reply_to_handle, s.presence, s.missing_since, p.first_seen_at,
               s.last_seen_at, p.source
        FROM monitor.posts p
        JOIN monitor.post_versions v USING (channel_id, message_id, version)
        JOIN monitor.post_state s USING (channel_id, message_id)
        LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "channel_id": "Telegram's id of the channel; with message_id the key of the post",
            "handle": "The channel's @name when last seen",
            "message_id": "Telegram's number of the post within its channel",
            "posted_at": "When the channel posted it",
            "edited_at": "When it was last edited, if the source tells; null when never or unknown",
            "version": "Number of the version shown here",
            "text": "The words of that version, as they were",
            "entities": "Formatting and links: type, offset and length in UTF-16 units, target",
            "links": "Targets of hidden links, in canonical form",
            "media_kind": "photo, video, animation, round_video, voice, audio, document, sticker, poll, location, contact, other; null for none",
            "media": "What the source tells of the media: sizes in bytes, durations in seconds, a poll's options",
            "extras": "Link preview, buttons, the bot it came by",
            "service": "What happened to the channel, where the post is no message: created, renamed, photo, pinned, other",
            "album_id": "message_id of the album's first member; its caption stands there",
            "forward_kind": "channel, user (a private person, never named) or unknown; null if not forwarded",
            "forward_channel_id": "Telegram's id of the channel it was forwarded from, if the source tells",
            "forward_handle": "The @name of the channel it was forwarded from",
            "forward_message_id": "The number of the original post in that channel",
            "forward_title": "The name of the channel it was forwarded from",
            "reply_to_message_id": "The post that it answers",
            "reply_to_handle": "The @name of that post's channel, if another",
            "presence": "present, missing (not visible, unproven) or deleted (proven)",
            "missing_since": "When it was first not seen any more",
            "first_seen_at": "When this archive first saw it",
            "last_seen_at": "When this archive last saw it",
            "source": "What it was first read from: telegram, preview or desktop",
        },
    ),
    "versions": (
        "Every version of every post: what it said from one time on. Rows are only ever added.",
        """
        SELECT v.channel_id, v.message_id, v.version, v.version = p.version AS is_current, v.seen_at, v.edited,
               v.edited_at, v.text, v.entities, v.links, v.media_kind, v.media, v.extras, v.source, v.form,
               encode(v.sha256, 'hex') AS sha256, encode(v.previous_sha256, 'hex') AS previous_sha256,
               encode(v.raw_sha256, 'hex') AS raw_sha256
        FROM monitor.post_versions v JOIN monitor.posts p USING (channel_id, message_id)
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "message_id": "Telegram's number of the post within its channel",
            "version": "1 is the first that this archive saw; a later number was added later",
            "is_current": "Whether this is what the post says now (or said last)",
            "seen_at": "When this archive first saw this version",
            "edited": "Whether the source marked the post as edited",
            "edited_at": "When it was edited, if the source tells",
            "text": "The words, as they were",
            "entities": "Formatting and links: type, offset and length in UTF-16 units, target",
            "links": "Targets of hidden links, in canonical form",
            "media_kind": "What hung on the post",
            "media": "What the source told of the media",
            "extras": "Link preview, buttons, the bot it came by",
            "source": "What it was read from: telegram, preview or desktop",
            "form": "Number of the canonical form that the hash was taken of",
            "sha256": "SHA-256 of the canonical form, hexadecimal; see docs/canonical-form.md",
            "previous_sha256": "The hash of the version held as current when this one was added",
            "raw_sha256": "SHA-256 of the bytes that it was read from, hexadecimal",
        },
    ),
    "flags": (
        "Topics found in versions of posts, with the words that show why.",
        """
        SELECT f.channel_id, c.handle, f.message_id, f.version, p.posted_at, f.topic, f.spans, f.flagged_at,
               encode(r.sha256, 'hex') AS ruleset,
               f.version = p.version AND f.ruleset_id = s.read_ruleset AS is_current
        FROM monitor.flags f
        JOIN monitor.rulesets r USING (ruleset_id)
        JOIN monitor.posts p USING (channel_id, message_id)
        JOIN monitor.post_state s USING (channel_id, message_id)
        LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "handle": "The channel's @name when last seen",
            "message_id": "Telegram's number of the post within its channel",
            "version": "The version that was read",
            "posted_at": "When the channel posted it",
            "topic": "The topic found, by its name in the rules",
            "spans": "Where in the text: start and end in characters (end excluded), and the term that matched",
            "flagged_at": "When it was read",
            "ruleset": "SHA-256 of the rules it was read under, hexadecimal",
            "is_current": "Whether it is of the current version under the rules it was read by last",
        },
    ),
    "coverage": (
        "Who looked where, when, and what came of it. Where no row says ok, nobody looked.",
        """
        SELECT c.channel_id, c.handle, c.source, c.kind, c.outcome, c.detail, c.first_id, c.last_id, c.started_at,
               c.ended_at, c.looks
        FROM monitor.coverage c
        """,
        {
            "channel_id": "Telegram's id of the channel; null if it was never seen under this handle",
            "handle": "The handle that was looked at; null for a file",
            "source": "telegram, preview or desktop",
            "kind": "live (new posts), backfill (older posts) or import (a file)",
            "outcome": "ok, or why the look gave nothing",
            "detail": "What the other side said, in words",
            "first_id": "Lowest message id looked at; every post there was between it and last_id is held",
            "last_id": "Highest message id looked at",
            "started_at": "When the first of these looks was made",
            "ended_at": "When the last of these looks was made",
            "looks": "How many looks in a row came out the same",
        },
    ),
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS research")
    op.execute("COMMENT ON SCHEMA research IS 'What researchers see: views alone, with stable names'")
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f"COMMENT ON COLUMN research.{name}.{column} IS {quoted(note)}")


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
