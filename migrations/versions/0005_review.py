"""Review: users, cases, what analysts decide, and what each case went through.

A case is put in order by one moment: when it was opened, less a minute for each point of its priority. So a case
that waits overtakes one that is newer and a little more pressing, and no row has to be written for it. Decisions
are only ever added; a trigger holds it, which a purge alone may pass.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE monitor.users (
        user_id INTEGER GENERATED ALWAYS AS IDENTITY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        password TEXT NOT NULL,
        language TEXT NOT NULL,
        keys BOOLEAN DEFAULT true NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        disabled_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (user_id)
    )
    """,
    "CREATE UNIQUE INDEX users_name ON monitor.users (lower(name))",
    """
    CREATE TABLE monitor.sessions (
        token_sha256 BYTEA NOT NULL,
        user_id INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (token_sha256),
        FOREIGN KEY(user_id) REFERENCES monitor.users (user_id)
    )
    """,
    """
    CREATE TABLE monitor.login_failures (
        failure_id BIGINT GENERATED ALWAYS AS IDENTITY,
        subject_sha256 BYTEA NOT NULL,
        failed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (failure_id)
    )
    """,
    "CREATE INDEX login_failures_subject ON monitor.login_failures (subject_sha256, failed_at)",
    """
    CREATE TABLE monitor.cases (
        case_id BIGINT GENERATED ALWAYS AS IDENTITY,
        state TEXT NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        rank_at TIMESTAMP WITH TIME ZONE NOT NULL,
        topics TEXT[] NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        posts INTEGER NOT NULL,
        verdict TEXT,
        decided_by INTEGER,
        decided_at TIMESTAMP WITH TIME ZONE,
        wake_at TIMESTAMP WITH TIME ZONE,
        wake_on_edit BOOLEAN DEFAULT false NOT NULL,
        claimed_by INTEGER,
        claimed_at TIMESTAMP WITH TIME ZONE,
        claimed_until TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (case_id),
        FOREIGN KEY(decided_by) REFERENCES monitor.users (user_id),
        FOREIGN KEY(claimed_by) REFERENCES monitor.users (user_id)
    )
    """,
    "CREATE INDEX cases_rank ON monitor.cases (state, rank_at, case_id)",
    "CREATE INDEX cases_claimed ON monitor.cases (claimed_by, claimed_until) WHERE claimed_by IS NOT NULL",
    "CREATE INDEX cases_wake ON monitor.cases (wake_at) WHERE state = 'snoozed'",
    "CREATE INDEX cases_decided ON monitor.cases (decided_at DESC) WHERE state = 'decided'",
    """
    CREATE INDEX cases_undecided ON monitor.cases (rank_at, case_id)
        WHERE state IN ('open', 'second_look', 'escalated')
    """,
    """
    CREATE TABLE monitor.case_posts (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        case_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        topics TEXT[] NOT NULL,
        joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (channel_id, message_id),
        FOREIGN KEY(case_id) REFERENCES monitor.cases (case_id)
    )
    """,
    "CREATE INDEX case_posts_case ON monitor.case_posts (case_id, joined_at)",
    """
    CREATE TABLE monitor.case_keys (
        key TEXT NOT NULL,
        case_id BIGINT NOT NULL,
        PRIMARY KEY (key),
        FOREIGN KEY(case_id) REFERENCES monitor.cases (case_id)
    )
    """,
    """
    CREATE TABLE monitor.case_events (
        event_id BIGINT GENERATED ALWAYS AS IDENTITY,
        case_id BIGINT NOT NULL,
        happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        kind TEXT NOT NULL,
        user_id INTEGER,
        channel_id BIGINT,
        message_id BIGINT,
        version INTEGER,
        detail TEXT,
        PRIMARY KEY (event_id),
        FOREIGN KEY(case_id) REFERENCES monitor.cases (case_id),
        FOREIGN KEY(user_id) REFERENCES monitor.users (user_id)
    )
    """,
    "CREATE INDEX case_events_case ON monitor.case_events (case_id, event_id)",
    """
    CREATE TABLE monitor.decisions (
        decision_id BIGINT GENERATED ALWAYS AS IDENTITY,
        case_id BIGINT NOT NULL,
        user_id INTEGER NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
        verdict TEXT NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        topics TEXT[] NOT NULL,
        opinion TEXT,
        reason TEXT,
        note TEXT,
        duplicate_of BIGINT,
        wake_at TIMESTAMP WITH TIME ZONE,
        wake_on_edit BOOLEAN DEFAULT false NOT NULL,
        second BOOLEAN DEFAULT false NOT NULL,
        undoes BIGINT,
        batch BIGINT,
        PRIMARY KEY (decision_id),
        FOREIGN KEY(case_id) REFERENCES monitor.cases (case_id),
        FOREIGN KEY(user_id) REFERENCES monitor.users (user_id),
        FOREIGN KEY(undoes) REFERENCES monitor.decisions (decision_id)
    )
    """,
    "CREATE INDEX decisions_case ON monitor.decisions (case_id, decision_id)",
    "CREATE INDEX decisions_user ON monitor.decisions (user_id, decision_id)",
    "CREATE UNIQUE INDEX decisions_undoes ON monitor.decisions (undoes) WHERE undoes IS NOT NULL",
    """
    CREATE TABLE monitor.figure_decisions (
        figure_decision_id BIGINT GENERATED ALWAYS AS IDENTITY,
        case_id BIGINT NOT NULL,
        user_id INTEGER NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        first_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        kind TEXT,
        low DOUBLE PRECISION,
        high DOUBLE PRECISION,
        side TEXT,
        PRIMARY KEY (figure_decision_id),
        FOREIGN KEY(case_id) REFERENCES monitor.cases (case_id),
        FOREIGN KEY(user_id) REFERENCES monitor.users (user_id)
    )
    """,
    """
    CREATE INDEX figure_decisions_post ON monitor.figure_decisions
        (channel_id, message_id, version, first_char, figure_decision_id)
    """,
    """
    CREATE TABLE monitor.reasons (
        reason TEXT NOT NULL,
        position INTEGER NOT NULL,
        english TEXT NOT NULL,
        russian TEXT NOT NULL,
        retired_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (reason)
    )
    """,
    """
    INSERT INTO monitor.reasons (reason, position, english, russian) VALUES
        ('past', 1, 'about the past', 'о прошлом'),
        ('elsewhere', 2, 'about another place', 'о другом месте'),
        ('misread', 3, 'the rules misread it', 'правила прочли неверно'),
        ('repeats', 4, 'repeats a claim already known', 'повторяет известное'),
        ('unclear', 5, 'unclear who or what is meant', 'неясно, о ком или о чём')
    """,
    """
    CREATE TABLE monitor.handovers (
        handover_id BIGINT GENERATED ALWAYS AS IDENTITY,
        user_id INTEGER NOT NULL,
        given_at TIMESTAMP WITH TIME ZONE NOT NULL,
        note TEXT NOT NULL,
        accepted_by INTEGER,
        accepted_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (handover_id),
        FOREIGN KEY(user_id) REFERENCES monitor.users (user_id),
        FOREIGN KEY(accepted_by) REFERENCES monitor.users (user_id)
    )
    """,
    """
    CREATE TABLE monitor.review_due (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        PRIMARY KEY (channel_id, message_id)
    )
    """,
    """
    INSERT INTO monitor.review_due (channel_id, message_id)
    SELECT DISTINCT f.channel_id, f.message_id
    FROM monitor.flags f JOIN monitor.post_state s USING (channel_id, message_id)
    WHERE f.raised AND f.version = s.version AND f.ruleset_id = s.read_ruleset
    """,
    """
    CREATE FUNCTION monitor.only_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('monitor.purging', true) = 'on' THEN
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME;
    END $$
    """,
    """
    CREATE FUNCTION monitor.tell_of_case() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('monitor_review', NEW.case_id || ' ' || NEW.state);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER cases_told AFTER INSERT OR UPDATE OF state, claimed_by ON monitor.cases
        FOR EACH ROW EXECUTE FUNCTION monitor.tell_of_case()
    """,
)
APPENDED = ("decisions", "figure_decisions", "case_events")


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in APPENDED:
        op.execute(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE ON monitor.{table} "
            "FOR EACH ROW EXECUTE FUNCTION monitor.only_added()"
        )
