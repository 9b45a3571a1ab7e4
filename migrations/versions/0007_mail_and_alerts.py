"""Mail and alerts: editions of the digest, who gets them, what was handed over, alerts and what silences them.

A delivery is written before anything is sent, and its state says how far it got: a message whose end was handed over
and not answered for may or may not have been taken, and a person alone sends it again. Editions are never changed.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE monitor.readers (
        address TEXT NOT NULL,
        token TEXT NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        unsubscribed_at TIMESTAMP WITH TIME ZONE,
        refused_at TIMESTAMP WITH TIME ZONE,
        refusal TEXT,
        PRIMARY KEY (address),
        UNIQUE (token)
    )
    """,
    """
    CREATE TABLE monitor.editions (
        edition_id BIGINT GENERATED ALWAYS AS IDENTITY,
        window_from TIMESTAMP WITH TIME ZONE NOT NULL,
        window_until TIMESTAMP WITH TIME ZONE NOT NULL,
        zone TEXT NOT NULL,
        language TEXT NOT NULL,
        filter TEXT NOT NULL,
        composed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        subject TEXT NOT NULL,
        html TEXT NOT NULL,
        body TEXT NOT NULL,
        page TEXT NOT NULL,
        counts JSONB NOT NULL,
        sha256 BYTEA NOT NULL,
        PRIMARY KEY (edition_id),
        UNIQUE (window_from, window_until, zone, language, filter),
        CHECK (window_from < window_until)
    )
    """,
    # What a window of time is asked for.
    "CREATE INDEX case_posts_joined ON monitor.case_posts (joined_at)",
    "CREATE INDEX case_events_edited ON monitor.case_events (happened_at) WHERE kind = 'edited'",
    "CREATE INDEX decisions_decided ON monitor.decisions (decided_at)",
    "CREATE INDEX post_state_deleted_at ON monitor.post_state (deleted_at) WHERE deleted_at IS NOT NULL",
    # What an edition quotes, so that a purge finds it there too.
    """
    CREATE TABLE monitor.edition_posts (
        edition_id BIGINT NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        PRIMARY KEY (channel_id, message_id, edition_id),
        FOREIGN KEY(edition_id) REFERENCES monitor.editions (edition_id)
    )
    """,
    """
    CREATE TABLE monitor.alerts (
        alert_id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        severity TEXT NOT NULL,
        told JSONB NOT NULL,
        case_id BIGINT,
        channel_id BIGINT,
        message_id BIGINT,
        stored_at TIMESTAMP WITH TIME ZONE,
        raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
        told_at TIMESTAMP WITH TIME ZONE,
        level INTEGER DEFAULT 0 NOT NULL,
        escalate_at TIMESTAMP WITH TIME ZONE,
        resolved_at TIMESTAMP WITH TIME ZONE,
        resolution TEXT,
        resolution_told_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (alert_id)
    )
    """,
    "CREATE UNIQUE INDEX alerts_unresolved ON monitor.alerts (kind, subject) WHERE resolved_at IS NULL",
    "CREATE INDEX alerts_untold ON monitor.alerts (raised_at) WHERE told_at IS NULL AND resolved_at IS NULL",
    "CREATE INDEX alerts_escalating ON monitor.alerts (escalate_at) WHERE escalate_at IS NOT NULL",
    """
    CREATE INDEX alerts_resolved ON monitor.alerts (resolved_at)
        WHERE resolved_at IS NOT NULL AND told_at IS NOT NULL AND resolution_told_at IS NULL
    """,
    """
    CREATE TABLE monitor.notices (
        notice_id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind TEXT NOT NULL,
        severity TEXT NOT NULL,
        person TEXT NOT NULL,
        language TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL,
        told JSONB NOT NULL,
        PRIMARY KEY (notice_id)
    )
    """,
    "CREATE INDEX notices_made ON monitor.notices (made_at)",
    """
    CREATE TABLE monitor.notice_alerts (
        notice_id BIGINT NOT NULL,
        alert_id BIGINT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (notice_id, alert_id),
        FOREIGN KEY(notice_id) REFERENCES monitor.notices (notice_id),
        FOREIGN KEY(alert_id) REFERENCES monitor.alerts (alert_id)
    )
    """,
    "CREATE INDEX notice_alerts_alert ON monitor.notice_alerts (alert_id)",
    """
    CREATE TABLE monitor.silences (
        silence_id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind TEXT,
        subject TEXT,
        until TIMESTAMP WITH TIME ZONE NOT NULL,
        note TEXT NOT NULL,
        made_by TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (silence_id)
    )
    """,
    """
    CREATE TABLE monitor.deliveries (
        delivery_id BIGINT GENERATED ALWAYS AS IDENTITY,
        route TEXT NOT NULL,
        address TEXT NOT NULL,
        window_from TIMESTAMP WITH TIME ZONE,
        window_until TIMESTAMP WITH TIME ZONE,
        zone TEXT,
        language TEXT NOT NULL,
        filter TEXT,
        name TEXT,
        edition_id BIGINT,
        notice_id BIGINT,
        again INTEGER DEFAULT 0 NOT NULL,
        state TEXT NOT NULL,
        planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
        next_at TIMESTAMP WITH TIME ZONE,
        tries INTEGER DEFAULT 0 NOT NULL,
        message_id TEXT NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        error TEXT,
        PRIMARY KEY (delivery_id),
        UNIQUE (message_id),
        FOREIGN KEY(edition_id) REFERENCES monitor.editions (edition_id),
        FOREIGN KEY(notice_id) REFERENCES monitor.notices (notice_id),
        CHECK ((window_from IS NULL) <> (notice_id IS NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX deliveries_digest ON monitor.deliveries (address, window_from, again)
        WHERE window_from IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX deliveries_notice ON monitor.deliveries (notice_id, route, address, again)
        WHERE notice_id IS NOT NULL
    """,
    "CREATE INDEX deliveries_due ON monitor.deliveries (next_at, delivery_id) WHERE state = 'planned'",
    """
    CREATE INDEX deliveries_open ON monitor.deliveries (state, delivery_id)
        WHERE state IN ('sending', 'handing', 'in_doubt', 'failed')
    """,
    """
    CREATE TABLE monitor.delivery_tries (
        delivery_id BIGINT NOT NULL,
        number INTEGER NOT NULL,
        tried_at TIMESTAMP WITH TIME ZONE NOT NULL,
        outcome TEXT NOT NULL,
        error TEXT,
        PRIMARY KEY (delivery_id, number),
        FOREIGN KEY(delivery_id) REFERENCES monitor.deliveries (delivery_id)
    )
    """,
    """
    CREATE TABLE monitor.alert_due (
        due_id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind TEXT NOT NULL,
        case_id BIGINT NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (due_id)
    )
    """,
    """
    CREATE FUNCTION monitor.case_event_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.kind IN ('opened', 'joined', 'edited', 'topic_added', 'reopened') AND NEW.channel_id IS NOT NULL THEN
            INSERT INTO monitor.alert_due (kind, case_id, channel_id, message_id, at)
            VALUES (NEW.kind, NEW.case_id, NEW.channel_id, NEW.message_id, NEW.happened_at);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER case_events_alert AFTER INSERT ON monitor.case_events
        FOR EACH ROW EXECUTE FUNCTION monitor.case_event_alerts()
    """,
    """
    CREATE FUNCTION monitor.deletion_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO monitor.alert_due (kind, case_id, channel_id, message_id, at)
        SELECT 'deleted', case_id, channel_id, message_id, NEW.deleted_at FROM monitor.case_posts
        WHERE channel_id = NEW.channel_id AND message_id = NEW.message_id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER post_state_deleted AFTER UPDATE OF presence ON monitor.post_state
        FOR EACH ROW WHEN (NEW.presence = 'deleted' AND OLD.presence <> 'deleted')
        EXECUTE FUNCTION monitor.deletion_alerts()
    """,
    """
    CREATE TRIGGER editions_only_added BEFORE UPDATE OR DELETE ON monitor.editions
        FOR EACH ROW EXECUTE FUNCTION monitor.only_added()
    """,
    """
    CREATE TRIGGER delivery_tries_only_added BEFORE UPDATE OR DELETE ON monitor.delivery_tries
        FOR EACH ROW EXECUTE FUNCTION monitor.only_added()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
