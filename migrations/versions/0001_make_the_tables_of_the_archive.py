"""Make the tables of the archive.

Trigrams come first: without the extension no text is searched, so that a server lacking it fails at once.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public",
    """
    CREATE TABLE monitor.channel_versions (
        channel_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        source TEXT NOT NULL,
        title TEXT,
        handle TEXT,
        about TEXT,
        subscribers BIGINT,
        subscribers_unit INTEGER,
        verified BOOLEAN,
        PRIMARY KEY (channel_id, version)
    )
    """,
    "CREATE INDEX channel_versions_handle ON monitor.channel_versions (lower(handle))",
    """
    CREATE TABLE monitor.channels (
        channel_id BIGINT NOT NULL,
        first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (channel_id)
    )
    """,
    """
    CREATE TABLE monitor.consents (
        subject TEXT NOT NULL,
        given_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (subject)
    )
    """,
    """
    CREATE TABLE monitor.coverage (
        coverage_id BIGINT GENERATED ALWAYS AS IDENTITY,
        handle TEXT,
        channel_id BIGINT,
        source TEXT NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        detail TEXT,
        first_id BIGINT,
        last_id BIGINT,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
        looks INTEGER NOT NULL,
        PRIMARY KEY (coverage_id)
    )
    """,
    "CREATE INDEX coverage_channel ON monitor.coverage (channel_id, started_at)",
    "CREATE INDEX coverage_last ON monitor.coverage (handle, source, kind, ended_at)",
    """
    CREATE TABLE monitor.post_counts (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        source TEXT NOT NULL,
        views BIGINT,
        views_unit INTEGER,
        forwards BIGINT,
        forwards_unit INTEGER,
        reactions JSONB,
        PRIMARY KEY (channel_id, message_id, seen_at)
    )
    """,
    """
    CREATE TABLE monitor.post_state (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        presence TEXT DEFAULT 'present' NOT NULL,
        missing_since TIMESTAMP WITH TIME ZONE,
        look_at TIMESTAMP WITH TIME ZONE,
        read_ruleset INTEGER,
        PRIMARY KEY (channel_id, message_id)
    )
     WITH (fillfactor = 80)
    """,
    "CREATE INDEX post_state_unread ON monitor.post_state (channel_id, message_id) WHERE read_ruleset IS NULL",
    """
    CREATE TABLE monitor.post_versions (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        source TEXT NOT NULL,
        edited BOOLEAN NOT NULL,
        edited_at TIMESTAMP WITH TIME ZONE,
        text TEXT NOT NULL,
        entities JSONB,
        links TEXT[],
        media_kind TEXT,
        media JSONB,
        extras JSONB,
        form SMALLINT NOT NULL,
        sha256 BYTEA NOT NULL,
        previous_sha256 BYTEA,
        raw_sha256 BYTEA,
        PRIMARY KEY (channel_id, message_id, version)
    )
    """,
    """
    CREATE TABLE monitor.posts (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        edited_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        source TEXT NOT NULL,
        media_kind TEXT,
        service TEXT,
        album_id BIGINT,
        forward_kind TEXT,
        forward_channel_id BIGINT,
        forward_handle TEXT,
        forward_message_id BIGINT,
        forward_title TEXT,
        reply_to_message_id BIGINT,
        reply_to_handle TEXT,
        PRIMARY KEY (channel_id, message_id)
    )
    """,
    "CREATE INDEX posts_posted_at ON monitor.posts (posted_at)",
    """
    CREATE TABLE monitor.raw_records (
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        sha256 BYTEA NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        source TEXT NOT NULL,
        size INTEGER NOT NULL,
        body BYTEA NOT NULL,
        PRIMARY KEY (seen_at, sha256)
    )
     PARTITION BY RANGE (seen_at)
    """,
    """
    CREATE TABLE monitor.rulesets (
        ruleset_id INTEGER GENERATED ALWAYS AS IDENTITY,
        sha256 BYTEA NOT NULL,
        body TEXT NOT NULL,
        first_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (ruleset_id),
        UNIQUE (sha256)
    )
    """,
    """
    CREATE TABLE monitor.runs (
        run_id BIGINT GENERATED ALWAYS AS IDENTITY,
        step TEXT NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        outcome TEXT NOT NULL,
        counts JSONB,
        error TEXT,
        PRIMARY KEY (run_id)
    )
    """,
    "CREATE INDEX runs_step ON monitor.runs (step, started_at)",
    """
    CREATE TABLE monitor.set_aside (
        sha256 BYTEA NOT NULL,
        source TEXT NOT NULL,
        channel_id BIGINT,
        handle TEXT,
        message_id BIGINT,
        reason TEXT NOT NULL,
        body BYTEA NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        times INTEGER NOT NULL,
        PRIMARY KEY (sha256)
    )
    """,
    """
    CREATE TABLE monitor.watches (
        handle TEXT NOT NULL,
        listed BOOLEAN NOT NULL,
        label TEXT NOT NULL,
        person TEXT,
        person_since DATE,
        side TEXT NOT NULL,
        source TEXT NOT NULL,
        quickest_seconds INTEGER NOT NULL,
        slowest_seconds INTEGER NOT NULL,
        channel_id BIGINT,
        cursor BIGINT,
        backfill_since TIMESTAMP WITH TIME ZONE,
        backfill_before BIGINT,
        backfill_done BOOLEAN DEFAULT false NOT NULL,
        interval_seconds INTEGER,
        failures INTEGER DEFAULT 0 NOT NULL,
        problem TEXT,
        problem_text TEXT,
        problem_since TIMESTAMP WITH TIME ZONE,
        paused_at TIMESTAMP WITH TIME ZONE,
        pause_reason TEXT,
        next_look_at TIMESTAMP WITH TIME ZONE,
        last_look_at TIMESTAMP WITH TIME ZONE,
        last_ok_at TIMESTAMP WITH TIME ZONE,
        last_post_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (handle)
    )
    """,
    """
    CREATE TABLE monitor.flags (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        ruleset_id INTEGER NOT NULL,
        topic TEXT NOT NULL,
        spans JSONB NOT NULL,
        flagged_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (channel_id, message_id, version, ruleset_id, topic),
        FOREIGN KEY(ruleset_id) REFERENCES monitor.rulesets (ruleset_id)
    )
    """,
    "CREATE INDEX flags_flagged_at ON monitor.flags (flagged_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
