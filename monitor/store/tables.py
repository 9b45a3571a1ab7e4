"""The tables, as the design names them. Migrations make them; a test holds that both say the same.

Tables of record are flat, with natural keys that begin with the channel. What changes often (`post_state`)
is narrow and apart; what is derived or droppable (`post_search`, `raw_records`) is partitioned by month.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

SCHEMA = "monitor"
metadata = MetaData(schema=SCHEMA)

When = DateTime(timezone=True)

channels = Table(
    "channels",
    metadata,
    Column("channel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seen_at", When, nullable=False),
    Column("version", Integer, nullable=False),
    # What all its posts were read under, as far as they were read; null while that is not known of each.
    Column("read_ruleset", Integer),
    Column("read_side", Text),
)

channel_versions = Table(
    "channel_versions",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seen_at", When, nullable=False),
    Column("source", Text, nullable=False),
    Column("title", Text),
    Column("handle", Text),
    Column("about", Text),
    Column("subscribers", BigInteger),
    Column("subscribers_unit", Integer),
    Column("verified", Boolean),
    PrimaryKeyConstraint("channel_id", "version"),
    Index("channel_versions_handle", text("lower(handle)")),
)

watches = Table(
    "watches",
    metadata,
    Column("handle", Text, primary_key=True),
    Column("listed", Boolean, nullable=False),
    Column("label", Text, nullable=False),
    Column("person", Text),
    Column("person_since", Date),
    Column("side", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("quickest_seconds", Integer, nullable=False),
    Column("slowest_seconds", Integer, nullable=False),
    Column("channel_id", BigInteger),
    Column("cursor", BigInteger),
    Column("pts", Integer),
    Column("lost_at", When),
    Column("backfill_since", When),
    Column("backfill_before", BigInteger),
    Column("backfill_done", Boolean, nullable=False, server_default=text("false")),
    Column("interval_seconds", Integer),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("problem", Text),
    Column("problem_text", Text),
    Column("problem_since", When),
    Column("paused_at", When),
    Column("pause_reason", Text),
    Column("next_look_at", When),
    Column("last_look_at", When),
    Column("last_ok_at", When),
    Column("last_post_at", When),
    Column("via", Text),
    Column("older_at", When),
    Column("again_at", When),
    Column("holes_at", When),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("user_id", BigInteger),
    Column("last_ok_at", When),
    Column("problem", Text),
    Column("problem_text", Text),
    Column("problem_since", When),
    Column("retry_at", When),
)

account_channels = Table(
    "account_channels",
    metadata,
    Column("account", Text, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("handle", Text, nullable=False),
    Column("access_hash", BigInteger, nullable=False),
    Column("resolved_at", When, nullable=False),
    PrimaryKeyConstraint("account", "channel_id"),
)

account_waits = Table(
    "account_waits",
    metadata,
    Column("account", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("asked_at", When, nullable=False),
    Column("until", When, nullable=False),
    PrimaryKeyConstraint("account", "request"),
)

posts = Table(
    "posts",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("posted_at", When, nullable=False),
    Column("first_seen_at", When, nullable=False),
    Column("edited_at", When),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("media_kind", Text),
    Column("service", Text),
    Column("album_id", BigInteger),
    Column("forward_kind", Text),
    Column("forward_channel_id", BigInteger),
    Column("forward_handle", Text),
    Column("forward_message_id", BigInteger),
    Column("forward_title", Text),
    Column("reply_to_message_id", BigInteger),
    Column("reply_to_handle", Text),
    PrimaryKeyConstraint("channel_id", "message_id"),
    Index("posts_posted_at", "posted_at"),
    Index("posts_channel", "channel_id", "posted_at"),
)

post_versions = Table(
    "post_versions",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seen_at", When, nullable=False),
    Column("source", Text, nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("edited_at", When),
    Column("text", Text, nullable=False),
    Column("entities", JSONB),
    Column("links", ARRAY(Text)),
    Column("media_kind", Text),
    Column("media", JSONB),
    Column("extras", JSONB),
    Column("form", SmallInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("previous_sha256", LargeBinary),
    Column("raw_sha256", LargeBinary),
    PrimaryKeyConstraint("channel_id", "message_id", "version"),
)

post_state = Table(
    "post_state",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_seen_at", When, nullable=False),
    Column("presence", Text, nullable=False, server_default=text("'present'")),
    Column("missing_since", When),
    Column("look_at", When),
    Column("deleted_at", When),
    Column("read_ruleset", Integer),
    Column("read_side", Text),
    Column("unread", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("channel_id", "message_id"),
    Index("post_state_unread", "channel_id", "message_id", postgresql_where=text("unread")),
    Index("post_state_due", "channel_id", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    Index("post_state_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    # New rules change every row at once; a page that is half empty takes that in place, without its indexes.
    postgresql_with={"fillfactor": "50"},
)

post_counts = Table(
    "post_counts",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("seen_at", When, nullable=False),
    Column("source", Text, nullable=False),
    Column("views", BigInteger),
    Column("views_unit", Integer),
    Column("forwards", BigInteger),
    Column("forwards_unit", Integer),
    Column("reactions", JSONB),
    PrimaryKeyConstraint("channel_id", "message_id", "seen_at"),
)

raw_records = Table(
    "raw_records",
    metadata,
    Column("seen_at", When, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("seen_at", "sha256"),
    postgresql_partition_by="RANGE (seen_at)",
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("source", Text, nullable=False),
    Column("channel_id", BigInteger),
    Column("handle", Text),
    Column("message_id", BigInteger),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("first_at", When, nullable=False),
    Column("last_at", When, nullable=False),
    Column("times", Integer, nullable=False),
    Index("set_aside_post", "channel_id", "message_id"),
)

coverage = Table(
    "coverage",
    metadata,
    Column("coverage_id", BigInteger, Identity(always=True), primary_key=True),
    Column("handle", Text),
    Column("channel_id", BigInteger),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text),
    Column("first_id", BigInteger),
    Column("last_id", BigInteger),
    Column("started_at", When, nullable=False),
    Column("ended_at", When, nullable=False),
    Column("looks", Integer, nullable=False),
    Index("coverage_channel", "channel_id", "started_at"),
    Index("coverage_last", "handle", "source", "kind", "ended_at"),
)

# Message ids proven to hold no post: `empty` by asking for them, `deleted` by Telegram's word before we saw them.
vacant_ids = Table(
    "vacant_ids",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proven_at", When, nullable=False),
    PrimaryKeyConstraint("channel_id", "first_id"),
)

# What was purged on lawful request: its hashes remain, and message_id 0 stands for the whole channel.
tombstones = Table(
    "tombstones",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", LargeBinary),
    Column("purged_at", When, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("channel_id", "message_id", "version"),
)

media = Table(
    "media",
    metadata,
    Column("media_id", BigInteger, primary_key=True, autoincrement=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger),
    Column("name", Text),
    Column("mime_type", Text),
    Column("state", Text, nullable=False),
    Column("sha256", LargeBinary),
    Column("kept_at", When),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_at", When),
    Column("problem", Text),
    Index("media_wanted", "next_at", postgresql_where=text("state = 'wanted'")),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", BigInteger, Identity(always=True), primary_key=True),
    Column("step", Text, nullable=False),
    Column("started_at", When, nullable=False),
    Column("ended_at", When),
    Column("outcome", Text, nullable=False),
    Column("counts", JSONB),
    Column("error", Text),
    Index("runs_step", "step", "started_at"),
)

rulesets = Table(
    "rulesets",
    metadata,
    Column("ruleset_id", Integer, Identity(always=True), primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("first_used_at", When, nullable=False),
)

flags = Table(
    "flags",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ruleset_id", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("spans", JSONB, nullable=False),
    Column("flagged_at", When, nullable=False),
    Column("raised", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("channel_id", "message_id", "version", "ruleset_id", "topic"),
    ForeignKeyConstraint(["ruleset_id"], ["monitor.rulesets.ruleset_id"]),
    Index("flags_flagged_at", "flagged_at"),
)

figures = Table(
    "figures",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ruleset_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("posted_at", When, nullable=False),
    Column("kind", Text, nullable=False),
    Column("low", Double),
    Column("high", Double),
    Column("qualifier", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("stance", Text),
    Column("side_inferred", Text),
    Column("scope", Text),
    Column("since", Date),
    Column("first_char", Integer, nullable=False),
    Column("end_char", Integer, nullable=False),
    Column("term", Text, nullable=False),
    Column("read_at", When, nullable=False),
    PrimaryKeyConstraint("channel_id", "message_id", "version", "ruleset_id", "number"),
    ForeignKeyConstraint(["ruleset_id"], ["monitor.rulesets.ruleset_id"]),
    Index("figures_kind", "kind", "posted_at"),
)

consents = Table(
    "consents",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("given_at", When, nullable=False),
)

# Users of the review site; an account is one of ours at Telegram.
users = Table(
    "users",
    metadata,
    Column("user_id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("keys", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", When, nullable=False),
    Column("disabled_at", When),
    Column("feed_token", Text, unique=True),
    Index("users_name", text("lower(name)"), unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("created_at", When, nullable=False),
    Column("used_at", When, nullable=False),
    ForeignKeyConstraint(["user_id"], ["monitor.users.user_id"]),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("failure_id", BigInteger, Identity(always=True), primary_key=True),
    Column("subject_sha256", LargeBinary, nullable=False),
    Column("failed_at", When, nullable=False),
    Index("login_failures_subject", "subject_sha256", "failed_at"),
)

# What an analyst decides on. `rank_at` puts cases in order: when opened, less a minute for each point of priority.
cases = Table(
    "cases",
    metadata,
    Column("case_id", BigInteger, Identity(always=True), primary_key=True),
    Column("state", Text, nullable=False),
    Column("opened_at", When, nullable=False),
    Column("changed_at", When, nullable=False),
    Column("rank_at", When, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("posts", Integer, nullable=False),
    Column("verdict", Text),
    Column("decided_by", Integer),
    Column("decided_at", When),
    Column("wake_at", When),
    Column("wake_on_edit", Boolean, nullable=False, server_default=text("false")),
    Column("claimed_by", Integer),
    Column("claimed_at", When),
    Column("claimed_until", When),
    ForeignKeyConstraint(["decided_by"], ["monitor.users.user_id"]),
    ForeignKeyConstraint(["claimed_by"], ["monitor.users.user_id"]),
    Index("cases_rank", "state", "rank_at", "case_id"),
    Index("cases_claimed", "claimed_by", "claimed_until", postgresql_where=text("claimed_by IS NOT NULL")),
    Index("cases_wake", "wake_at", postgresql_where=text("state = 'snoozed'")),
    Index("cases_decided", text("decided_at DESC"), postgresql_where=text("state = 'decided'")),
    Index(
        "cases_undecided",
        "rank_at",
        "case_id",
        postgresql_where=text("state IN ('open', 'second_look', 'escalated')"),
    ),
)

case_posts = Table(
    "case_posts",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("case_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("joined_at", When, nullable=False),
    PrimaryKeyConstraint("channel_id", "message_id"),
    ForeignKeyConstraint(["case_id"], ["monitor.cases.case_id"]),
    Index("case_posts_case", "case_id", "joined_at"),
    Index("case_posts_joined", "joined_at"),
)

# By what a copy is known: the post itself or where it was forwarded from, and the hash of its normal text.
case_keys = Table(
    "case_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    ForeignKeyConstraint(["case_id"], ["monitor.cases.case_id"]),
)

# What a case went through; rows are only ever added.
case_events = Table(
    "case_events",
    metadata,
    Column("event_id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("happened_at", When, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Integer),
    Column("channel_id", BigInteger),
    Column("message_id", BigInteger),
    Column("version", Integer),
    Column("detail", Text),
    ForeignKeyConstraint(["case_id"], ["monitor.cases.case_id"]),
    ForeignKeyConstraint(["user_id"], ["monitor.users.user_id"]),
    Index("case_events_case", "case_id", "event_id"),
    Index("case_events_edited", "happened_at", postgresql_where=text("kind = 'edited'")),
)

# What analysts said of cases, each of a version; rows are only ever added, and an undo is one more.
decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("user_id", Integer, nullable=False),
    Column("decided_at", When, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("opinion", Text),
    Column("reason", Text),
    Column("note", Text),
    Column("duplicate_of", BigInteger),
    Column("wake_at", When),
    Column("wake_on_edit", Boolean, nullable=False, server_default=text("false")),
    Column("second", Boolean, nullable=False, server_default=text("false")),
    Column("undoes", BigInteger),
    Column("batch", BigInteger),
    ForeignKeyConstraint(["case_id"], ["monitor.cases.case_id"]),
    ForeignKeyConstraint(["user_id"], ["monitor.users.user_id"]),
    ForeignKeyConstraint(["undoes"], ["monitor.decisions.decision_id"]),
    Index("decisions_case", "case_id", "decision_id"),
    Index("decisions_user", "user_id", "decision_id"),
    Index("decisions_decided", "decided_at"),
    Index("decisions_undoes", "undoes", unique=True, postgresql_where=text("undoes IS NOT NULL")),
)

# What analysts said of single figures, each known by its place in a version.
figure_decisions = Table(
    "figure_decisions",
    metadata,
    Column("figure_decision_id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("user_id", Integer, nullable=False),
    Column("decided_at", When, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("first_char", Integer, nullable=False),
    Column("end_char", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("kind", Text),
    Column("low", Double),
    Column("high", Double),
    Column("side", Text),
    ForeignKeyConstraint(["case_id"], ["monitor.cases.case_id"]),
    ForeignKeyConstraint(["user_id"], ["monitor.users.user_id"]),
    Index("figure_decisions_post", "channel_id", "message_id", "version", "first_char", "figure_decision_id"),
)

reasons = Table(
    "reasons",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("english", Text, nullable=False),
    Column("russian", Text, nullable=False),
    Column("retired_at", When),
)

handovers = Table(
    "handovers",
    metadata,
    Column("handover_id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("given_at", When, nullable=False),
    Column("note", Text, nullable=False),
    Column("accepted_by", Integer),
    Column("accepted_at", When),
    ForeignKeyConstraint(["user_id"], ["monitor.users.user_id"]),
    ForeignKeyConstraint(["accepted_by"], ["monitor.users.user_id"]),
)

# Posts whose flags changed, for the step that makes cases.
review_due = Table(
    "review_due",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("channel_id", "message_id"),
)

# --- derived: search and counts ------------------------------------------------------------------------------

# The current words of each post, by the month of posting; filled by the step `index`.
post_search = Table(
    "post_search",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("posted_at", When, nullable=False),
    Column("version", Integer, nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("vector", TSVECTOR, nullable=False),
    PrimaryKeyConstraint("channel_id", "message_id", "posted_at"),
    Index("post_search_vector", "vector", postgresql_using="gin"),
    Index("post_search_posted_at", "posted_at"),
    Index("post_search_channel", "channel_id", "posted_at"),
    postgresql_partition_by="RANGE (posted_at)",
)

# Posts that are new or changed, for that step; `was_at` is where the index still has one whose time changed.
index_due = Table(
    "index_due",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("was_at", When),
    PrimaryKeyConstraint("channel_id", "message_id"),
)

daily_posts = Table(
    "daily_posts",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("posts", Integer, nullable=False),
    Column("edited", Integer, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    PrimaryKeyConstraint("channel_id", "day"),
    Index("daily_posts_day", "day"),
)

daily_figures = Table(
    "daily_figures",
    metadata,
    Column("channel_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("figures", Integer, nullable=False),
    Column("posts", Integer, nullable=False),
    Column("least", Double),
    Column("most", Double),
    PrimaryKeyConstraint("channel_id", "day", "kind", "side"),
    Index("daily_figures_day", "day"),
)

# --- mail and alerts ----------------------------------------------------------------------------------------

# Whom digests were planned for; the list itself is config/digest.toml.
readers = Table(
    "readers",
    metadata,
    Column("address", Text, primary_key=True),
    Column("token", Text, nullable=False, unique=True),
    Column("first_at", When, nullable=False),
    Column("unsubscribed_at", When),
    Column("refused_at", When),
    Column("refusal", Text),
)

# Digests as they were composed, once for each window, zone, language and filter; never changed.
editions = Table(
    "editions",
    metadata,
    Column("edition_id", BigInteger, Identity(always=True), primary_key=True),
    Column("window_from", When, nullable=False),
    Column("window_until", When, nullable=False),
    Column("zone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("composed_at", When, nullable=False),
    Column("subject", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    UniqueConstraint("window_from", "window_until", "zone", "language", "filter"),
    CheckConstraint("window_from < window_until"),
    Index("editions_until", "window_until", "edition_id"),
)

# What an edition quotes, so that a purge finds it there too.
edition_posts = Table(
    "edition_posts",
    metadata,
    Column("edition_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("channel_id", "message_id", "edition_id"),
    ForeignKeyConstraint(["edition_id"], ["monitor.editions.edition_id"]),
)

# What somebody must know of; one of a kind and subject at a time, until it is resolved.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("told", JSONB, nullable=False),
    Column("case_id", BigInteger),
    Column("channel_id", BigInteger),
    Column("message_id", BigInteger),
    Column("stored_at", When),
    Column("raised_at", When, nullable=False),
    Column("told_at", When),
    Column("level", Integer, nullable=False, server_default=text("0")),
    Column("escalate_at", When),
    Column("resolved_at", When),
    Column("resolution", Text),
    Column("resolution_told_at", When),
    Index("alerts_unresolved", "kind", "subject", unique=True, postgresql_where=text("resolved_at IS NULL")),
    Index("alerts_untold", "raised_at", postgresql_where=text("told_at IS NULL AND resolved_at IS NULL")),
    Index("alerts_escalating", "escalate_at", postgresql_where=text("escalate_at IS NOT NULL")),
    Index(
        "alerts_resolved",
        "resolved_at",
        postgresql_where=text(
            "resolved_at IS NOT NULL AND told_at IS NOT NULL AND resolution_told_at IS NULL"
        ),
    ),
)

# One message to one person, about one alert or many.
notices = Table(
    "notices",
    metadata,
    Column("notice_id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("made_at", When, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("told", JSONB, nullable=False),
    Index("notices_made", "made_at"),
)

# What a notice says of an alert: that it is raised, escalated or resolved.
notice_alerts = Table(
    "notice_alerts",
    metadata,
    Column("notice_id", BigInteger, nullable=False),
    Column("alert_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("notice_id", "alert_id"),
    ForeignKeyConstraint(["notice_id"], ["monitor.notices.notice_id"]),
    ForeignKeyConstraint(["alert_id"], ["monitor.alerts.alert_id"]),
    Index("notice_alerts_alert", "alert_id"),
)

silences = Table(
    "silences",
    metadata,
    Column("silence_id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text),
    Column("subject", Text),
    Column("until", When, nullable=False),
    Column("note", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", When, nullable=False),
    Column("ended_at", When),
)

# One edition or notice to one person by one route, written before anything is sent.
deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", BigInteger, Identity(always=True), primary_key=True),
    Column("route", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("window_from", When),
    Column("window_until", When),
    Column("zone", Text),
    Column("language", Text, nullable=False),
    Column("filter", Text),
    Column("name", Text),
    Column("edition_id", BigInteger),
    Column("notice_id", BigInteger),
    Column("again", Integer, nullable=False, server_default=text("0")),
    Column("state", Text, nullable=False),
    Column("planned_at", When, nullable=False),
    Column("next_at", When),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("message_id", Text, nullable=False, unique=True),
    Column("ended_at", When),
    Column("error", Text),
    ForeignKeyConstraint(["edition_id"], ["monitor.editions.edition_id"]),
    ForeignKeyConstraint(["notice_id"], ["monitor.notices.notice_id"]),
    CheckConstraint("(window_from IS NULL) <> (notice_id IS NULL)"),
    Index(
        "deliveries_digest",
        "address",
        "window_from",
        "again",
        unique=True,
        postgresql_where=text("window_from IS NOT NULL"),
    ),
    Index(
        "deliveries_notice",
        "notice_id",
        "route",
        "address",
        "again",
        unique=True,
        postgresql_where=text("notice_id IS NOT NULL"),
    ),
    Index("deliveries_address", "address", "window_until"),
    Index("deliveries_window", "window_until", postgresql_where=text("window_until IS NOT NULL")),
    Index(
        "deliveries_told",
        "route",
        text("coalesce(ended_at, planned_at)"),
        postgresql_where=text("notice_id IS NOT NULL AND state = 'sent'"),
    ),
    Index("deliveries_due", "next_at", "delivery_id", postgresql_where=text("state = 'planned'")),
    Index(
        "deliveries_open",
        "state",
        "delivery_id",
        postgresql_where=text("state IN ('sending', 'handing', 'in_doubt', 'failed')"),
    ),
)

delivery_tries = Table(
    "delivery_tries",
    metadata,
    Column("delivery_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("tried_at", When, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    PrimaryKeyConstraint("delivery_id", "number"),
    ForeignKeyConstraint(["delivery_id"], ["monitor.deliveries.delivery_id"]),
)

# What happened to cases, and to posts of cases, that the step of alerts has not looked at.
alert_due = Table(
    "alert_due",
    metadata,
    Column("due_id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("case_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("at", When, nullable=False),
)
