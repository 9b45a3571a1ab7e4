"""Keep figures and places, and what each post was last read under.

`unread` is a column of its own, since an index that asks for `read_ruleset` would have to be written each
time that posts are read under other rules; and a page that is half empty takes a whole such round in place.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE monitor.figures (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        ruleset_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        kind TEXT NOT NULL,
        low DOUBLE PRECISION,
        high DOUBLE PRECISION,
        qualifier TEXT NOT NULL,
        side TEXT NOT NULL,
        stance TEXT,
        side_inferred TEXT,
        scope TEXT,
        since DATE,
        first_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        term TEXT NOT NULL,
        read_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (channel_id, message_id, version, ruleset_id, number),
        FOREIGN KEY(ruleset_id) REFERENCES monitor.rulesets (ruleset_id)
    )
    """,
    "CREATE INDEX figures_kind ON monitor.figures (kind, posted_at)",
    "ALTER TABLE monitor.flags ADD COLUMN raised BOOLEAN DEFAULT true NOT NULL",
    "ALTER TABLE monitor.channels ADD COLUMN read_ruleset INTEGER, ADD COLUMN read_side TEXT",
    """
    ALTER TABLE monitor.post_state
        ADD COLUMN read_side TEXT,
        ADD COLUMN unread BOOLEAN DEFAULT false NOT NULL
    """,
    "UPDATE monitor.post_state SET unread = true WHERE read_ruleset IS NULL",
    "ALTER TABLE monitor.post_state ALTER COLUMN unread SET DEFAULT true",
    "ALTER TABLE monitor.post_state SET (fillfactor = 50)",
    "DROP INDEX monitor.post_state_unread",
    # Not CONCURRENTLY: a second for ten million of these narrow rows, of which it takes in but a few.
    "CREATE INDEX post_state_unread ON monitor.post_state (channel_id, message_id) WHERE unread",
    """
    CREATE OR REPLACE VIEW research.flags AS
    SELECT f.channel_id, c.handle, f.message_id, f.version, p.posted_at, f.topic, f.spans, f.flagged_at,
           encode(r.sha256, 'hex') AS ruleset,
           f.version = p.version AND f.ruleset_id = s.read_ruleset AS is_current
    FROM monitor.flags f
    JOIN monitor.rulesets r USING (ruleset_id)
    JOIN monitor.posts p USING (channel_id, message_id)
    JOIN monitor.post_state s USING (channel_id, message_id)
    LEFT JOIN research.channels c USING (channel_id)
    WHERE f.raised
    """,
    """
    COMMENT ON COLUMN research.flags.spans IS
    'Where in the text: start and end in characters (end excluded), the term that matched, and lat and lon of a place'
    """,
    "COMMENT ON VIEW research.flags IS 'Topics found in versions of posts that ask for a review, with the words that show why'",
)

KEY = {
    "channel_id": "Telegram's id of the channel",
    "handle": "The channel's @name when last seen",
    "message_id": "Telegram's number of the post within its channel",
    "version": "The version that was read",
    "posted_at": "When the channel posted it",
}
READ = {
    "quote": "The words of the text that say so",
    "first_char": "Where they begin in the text, in characters from 0",
    "end_char": "Where they end in the text, in characters; the end is excluded",
    "term": "The word of the rules that matched",
    "read_at": "When it was read",
    "ruleset": "SHA-256 of the rules it was read under, hexadecimal; see research.rulesets",
    "is_current": "Whether it is of the current version under the rules it was read by last",
}

VIEWS = {
    "figures": (
        "Numbers that versions of posts state of people, arms and ground, as the rules read them; claims, not facts.",
        """
        SELECT g.channel_id, c.handle, g.message_id, g.version, g.posted_at, g.number, g.kind, g.low, g.high,
               g.qualifier, g.side, g.stance, g.side_inferred, g.scope, g.since,
               substr(v.text, g.first_char + 1, g.end_char - g.first_char) AS quote, g.first_char, g.end_char,
               g.term, g.read_at, encode(r.sha256, 'hex') AS ruleset,
               g.version = s.version AND g.ruleset_id = s.read_ruleset AS is_current
        FROM monitor.figures g
        JOIN monitor.rulesets r USING (ruleset_id)
        JOIN monitor.post_state s USING (channel_id, message_id)
        JOIN monitor.post_versions v
            ON v.channel_id = g.channel_id AND v.message_id = g.message_id AND v.version = g.version
        LEFT JOIN research.channels c ON c.channel_id = g.channel_id
        """,
        {
            **KEY,
            "number": "Its place among the figures of the text, from 1",
            "kind": "What is counted: personnel, killed, wounded, captured, losses, unit, tank, armour and so on",
            "low": "The least it can be; null where the text sets no lower bound",
            "high": "The most it can be; null where the text sets no upper bound",
            "qualifier": "exact, about, at_least, at_most, range or vague",
            "side": "Whose they are, as the text names it: ukraine, russia, north_korea, other or unknown",
            "stance": "enemy or own, where the text calls them only so",
            "side_inferred": "Whose they are by that and by the channel's own side; null where nothing is to be inferred",
            "scope": "What time it counts over: day, or since a date; null where the text does not say",
            "since": "The date that it counts from, where the text gives one",
            **READ,
        },
    ),
    "places": (
        "Settlements of the gazetteer that versions of posts name, one row a mention; no place by itself asks for a review.",
        """
        SELECT f.channel_id, c.handle, f.message_id, f.version, p.posted_at, f.topic, m.term AS name,
               m.lat AS latitude, m.lon AS longitude, substr(v.text, m.start + 1, m."end" - m.start) AS quote,
               m.start AS first_char, m."end" AS end_char, f.flagged_at AS read_at,
               encode(r.sha256, 'hex') AS ruleset,
               f.version = p.version AND f.ruleset_id = s.read_ruleset AS is_current
        FROM monitor.flags f
        CROSS JOIN LATERAL jsonb_to_recordset(f.spans)
            AS m(start integer, "end" integer, term text, lat double precision, lon double precision)
        JOIN monitor.rulesets r USING (ruleset_id)
        JOIN monitor.posts p USING (channel_id, message_id)
        JOIN monitor.post_state s USING (channel_id, message_id)
        JOIN monitor.post_versions v
            ON v.channel_id = f.channel_id AND v.message_id = f.message_id AND v.version = f.version
        LEFT JOIN research.channels c ON c.channel_id = f.channel_id
        WHERE m.lat IS NOT NULL
        """,
        {
            **KEY,
            "topic": "The topic of the rules that the place belongs to",
            "name": "The place, as the gazetteer names it",
            "latitude": "Degrees of latitude (WGS 84)",
            "longitude": "Degrees of longitude (WGS 84)",
            **{name: note for name, note in READ.items() if name != "term"},
        },
    ),
    "rulesets": (
        "Every set of rules that posts were read under, whole.",
        """
        SELECT r.ruleset_id, encode(r.sha256, 'hex') AS sha256, r.body, r.first_used_at FROM monitor.rulesets r
        """,
        {
            "ruleset_id": "Its number in this archive",
            "sha256": "SHA-256 of the body, hexadecimal; flags and figures carry it as ruleset",
            "body": "The text of its files, one after the other",
            "first_used_at": "When it was first read under",
        },
    ),
}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f"COMMENT ON COLUMN research.{name}.{column} IS {quoted(note)}")


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
