"""Search and counts: the text index, filled apart from collecting, and what happened a day, added up.

Whatever changes a post leaves word in `index_due`, in its own transaction; the step `index` takes it from there. The
functions are plain SQL over views, so that whoever may read these may call them.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA_VERSION = "1.2"

TABLES = (
    # An index for regular expressions has the day of posting in it.
    "CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA public",
    """
    CREATE TABLE monitor.post_search (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        language TEXT NOT NULL,
        text TEXT NOT NULL,
        vector TSVECTOR NOT NULL,
        PRIMARY KEY (channel_id, message_id, posted_at)
    )
     PARTITION BY RANGE (posted_at)
    """,
    "CREATE INDEX post_search_vector ON monitor.post_search USING gin (vector)",
    "CREATE INDEX post_search_posted_at ON monitor.post_search (posted_at)",
    "CREATE INDEX post_search_channel ON monitor.post_search (channel_id, posted_at)",
    "ALTER TABLE monitor.post_search ALTER COLUMN vector SET STATISTICS 1000",
    """
    CREATE TABLE monitor.daily_posts (
        channel_id BIGINT NOT NULL,
        day DATE NOT NULL,
        posts INTEGER NOT NULL,
        edited INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        flagged INTEGER NOT NULL,
        PRIMARY KEY (channel_id, day)
    )
    """,
    "CREATE INDEX daily_posts_day ON monitor.daily_posts (day)",
    """
    CREATE TABLE monitor.daily_figures (
        channel_id BIGINT NOT NULL,
        day DATE NOT NULL,
        kind TEXT NOT NULL,
        side TEXT NOT NULL,
        figures INTEGER NOT NULL,
        posts INTEGER NOT NULL,
        least DOUBLE PRECISION,
        most DOUBLE PRECISION,
        PRIMARY KEY (channel_id, day, kind, side)
    )
    """,
    "CREATE INDEX daily_figures_day ON monitor.daily_figures (day)",
    "CREATE INDEX posts_channel ON monitor.posts (channel_id, posted_at)",
    """
    CREATE TABLE monitor.index_due (
        channel_id BIGINT NOT NULL,
        message_id BIGINT NOT NULL,
        was_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (channel_id, message_id)
    )
    """,
    "INSERT INTO monitor.index_due (channel_id, message_id) SELECT channel_id, message_id FROM monitor.posts",
)

# A row is found by its time, so where that changes the first one that is not yet seen to is kept.
TRIGGERS = (
    """
    CREATE FUNCTION monitor.index_new_posts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO monitor.index_due (channel_id, message_id)
        SELECT channel_id, message_id FROM added ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER posts_new_index AFTER INSERT ON monitor.posts REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION monitor.index_new_posts()
    """,
    """
    CREATE FUNCTION monitor.index_changed_post() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO monitor.index_due AS d (channel_id, message_id, was_at)
        VALUES (NEW.channel_id, NEW.message_id,
                CASE WHEN TG_TABLE_NAME = 'posts' THEN nullif(to_jsonb(OLD)->>'posted_at', to_jsonb(NEW)->>'posted_at')::timestamptz END)
        ON CONFLICT (channel_id, message_id) DO UPDATE SET was_at = coalesce(d.was_at, excluded.was_at)
        WHERE d.was_at IS NULL AND excluded.was_at IS NOT NULL;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER posts_changed_index AFTER UPDATE OF version, posted_at, edited_at ON monitor.posts
        FOR EACH ROW WHEN (OLD.version <> NEW.version OR OLD.posted_at <> NEW.posted_at
                           OR OLD.edited_at IS DISTINCT FROM NEW.edited_at)
        EXECUTE FUNCTION monitor.index_changed_post()
    """,
    """
    CREATE TRIGGER post_state_presence_index AFTER UPDATE OF presence ON monitor.post_state
        FOR EACH ROW WHEN (OLD.presence <> NEW.presence) EXECUTE FUNCTION monitor.index_changed_post()
    """,
)

VIEWS = {
    "search_texts": (
        (
            "The current words of every post that has some, made ready for search; a post is here moments after it is collected. "
            "research.search and research.matching ask it in the way that is quick."
        ),
        "SELECT channel_id, message_id, posted_at, version, language, text, vector FROM monitor.post_search",
        {
            "channel_id": "Telegram's id of the channel",
            "message_id": "Telegram's number of the post within its channel",
            "posted_at": "When the channel posted it",
            "version": "The version whose words these are",
            "language": "uk, ru or en, by the letters: ru is whatever else has Cyrillic ones, en what has none",
            "text": "The words without signs that cannot be seen: soft hyphens, zero-width and stress marks",
            "vector": "The words as search compares them; ask with research.search_query(words, language)",
        },
    ),
    "daily_posts": (
        (
            "How many posts each channel made a day (UTC), and what became of them. Days without posts have no row; see research.gaps for "
            "times in which nobody looked."
        ),
        """
        SELECT d.channel_id, c.handle, d.day, d.posts, d.edited, d.deleted, d.missing, d.flagged
        FROM monitor.daily_posts d LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "handle": "Its @name when last seen",
            "day": "The day of posting, in UTC",
            "posts": "How many posts of that day are held",
            "edited": "How many of these were edited, by the source's word or by what they said",
            "deleted": "How many of these are proven to be deleted by now",
            "missing": "How many of these are not visible by now, unproven",
            "flagged": "How many of these raise a flag under the rules that they were read by last",
        },
    ),
    "daily_figures": (
        "The figures that each channel's posts of a day (UTC) state, by kind and side, as they were read last.",
        """
        SELECT d.channel_id, c.handle, d.day, d.kind, d.side, d.figures, d.posts, d.least, d.most
        FROM monitor.daily_figures d LEFT JOIN research.channels c USING (channel_id)
        """,
        {
            "channel_id": "Telegram's id of the channel",
            "handle": "Its @name when last seen",
            "day": "The day of posting, in UTC",
            "kind": "What is counted, as in research.figures",
            "side": "Whose they are: as the text names it, else as it was inferred, else unknown",
            "figures": "How many figures",
            "posts": "In how many posts",
            "least": "The least of their lower bounds; null where none has one",
            "most": "The greatest of their upper bounds, or of the lower ones where none has one",
        },
    ),
}

SIGHTLESS = r"[\u00AD\u0300\u0301\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFEFF]"
# Endings of Ukrainian nouns, adjectives and verbs.
ENDINGS = (
    "ими іми їми ого ього ому ьому ами ями ові еві єві ією ою ею єю ах ях ам ям ом ем єм ів їв ий ій їй их іх їх им ім їм "
    "ої ьої ь а я у ю и і ї е є о й ти ить їть в ла ло ли лась лася лись лися лось лося вся вшись ють уть ять ать емо ємо имо їмо "
    "ете єте ите їте еш єш иш їш тися тись ється еться иться їться ються уться яться аться ує ують ував увала ували ювати увати"
)
STEM = rf"\m([а-щьюяґєії\u02BC]{{3,}}?)(?:{'|'.join(ENDINGS.split())})\M"

# As subqueries they are made once, and not for each row.
RU = "(SELECT research.search_query(words, 'ru'))"
UK = "(SELECT research.search_query(words, 'uk'))"
# An excerpt is made from words with their endings, which the stems begin.
UK_BEGUN = f"(SELECT regexp_replace({UK}::text, '''(?=[ )]|$)', ''':*', 'g')::tsquery)"
WANTED = """t.posted_at >= {function}.since AND t.posted_at < {function}.until
                  AND ({function}.channel IS NULL OR t.channel_id IN (
                        SELECT c.channel_id FROM research.channels c
                        WHERE lower(c.handle) = lower(ltrim({function}.channel, '@')) OR c.channel_id::text = {function}.channel))
                  AND ({function}.topic IS NULL OR EXISTS (
                        SELECT FROM research.flags f
                        WHERE f.channel_id = t.channel_id AND f.message_id = t.message_id AND f.is_current
                          AND f.topic = {function}.topic))"""
# In order of the bare time, Postgres would walk down the index on it, through millions of posts for a rare word.
NEWEST_FIRST = "ORDER BY t.posted_at + interval '0' DESC, t.channel_id, t.message_id"
RANKED = 10_000
EXCERPT = 'StartSel=⟦, StopSel=⟧, MaxFragments=3, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'
AROUND = 100

FUNCTIONS = (
    (
        "plain(words text)",
        "Words without the signs that cannot be seen and with one apostrophe (U+02BC) in Cyrillic words, as search has them.",
        rf"""
        RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN regexp_replace(regexp_replace(words, '{SIGHTLESS}', '', 'g'),
                              '([а-яґєії])[''`\u2019]([а-яґєії])', '\1' || U&'\02BC' || '\2', 'gi')
        """,
    ),
    (
        "language_of(words text)",
        "The language that search takes words to be in, by their letters: uk, ru or en.",
        """
        RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE WHEN words !~ '[а-яА-ЯёЁґҐєЄіІїЇ]' THEN 'en'
                    WHEN length(translate(words, 'ґҐєЄіІїЇ', '')) < length(translate(words, 'ыЫэЭёЁъЪ', '')) THEN 'uk'
                    ELSE 'ru' END
        """,
    ),
    (
        "stems(words text)",
        "Words with the endings of Ukrainian taken off, since Postgres comes without a dictionary of it.",
        rf"""
        RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN regexp_replace(lower(words), '{STEM}', '\1', 'g')
        """,
    ),
    (
        "search_vector(words text, language text)",
        "Words as search compares them: stemmed by Russian rules (Latin words by English ones), or as research.stems does.",
        """
        RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE language WHEN 'uk' THEN to_tsvector('simple', research.stems(words)) ELSE to_tsvector('russian', words) END
        """,
    ),
    (
        "search_query(words text, language text)",
        'What to compare research.search_texts.vector with in posts of a language: words that must all be there, "a phrase", or, -not.',
        """
        RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE language WHEN 'uk' THEN websearch_to_tsquery('simple', research.stems(research.plain(words)))
                             ELSE websearch_to_tsquery('russian', research.plain(words)) END
        """,
    ),
    (
        """search(words text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity',
                  channel text DEFAULT NULL, topic text DEFAULT NULL, most integer DEFAULT 50, ranked boolean DEFAULT true)""",
        (
            "Posts whose current words match, in any form of the words: the best first, or with ranked => false the newest. Words must all be "
            'there; "a phrase", or and -not are understood. Times are half-open; a channel is a @name or an id. The rank is made among the 10,000 newest that match.'
        ),
        f"""
        RETURNS TABLE (channel_id bigint, handle text, message_id bigint, posted_at timestamptz, version integer, language text,
                       rank real, excerpt text)
        LANGUAGE sql STABLE PARALLEL SAFE
        BEGIN ATOMIC
            WITH hits AS MATERIALIZED (
                SELECT t.channel_id, t.message_id, t.posted_at,
                       CASE WHEN ranked THEN ts_rank(t.vector, CASE t.language WHEN 'uk' THEN {UK} ELSE {RU} END) END AS rank
                FROM research.search_texts t
                WHERE (t.vector @@ {RU} AND t.language <> 'uk' OR t.vector @@ {UK} AND t.language = 'uk')
                  AND {WANTED.format(function="search")}
                {NEWEST_FIRST}
                LIMIT CASE WHEN ranked THEN {RANKED} ELSE most END),
            best AS MATERIALIZED (
                SELECT * FROM hits h ORDER BY h.rank DESC NULLS LAST, h.posted_at DESC, h.channel_id, h.message_id LIMIT most)
            SELECT b.channel_id, c.handle, b.message_id, b.posted_at, t.version, t.language, b.rank,
                   CASE t.language
                       WHEN 'uk' THEN ts_headline('simple', t.text, {UK_BEGUN}, '{EXCERPT}')
                       ELSE ts_headline('russian', t.text, {RU}, '{EXCERPT}') END
            FROM best b
            JOIN research.search_texts t
                ON t.channel_id = b.channel_id AND t.message_id = b.message_id AND t.posted_at = b.posted_at
            LEFT JOIN research.channels c ON c.channel_id = b.channel_id
            ORDER BY b.rank DESC NULLS LAST, b.posted_at DESC, b.channel_id, b.message_id;
        END
        """,
    ),
    (
        """matching(pattern text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity',
                    channel text DEFAULT NULL, topic text DEFAULT NULL, most integer DEFAULT 50)""",
        (
            "The newest posts whose current words match a regular expression of Postgres, capitals or not. Times are half-open. Quick in the "
            "months that have an index for it (MONITOR_REGEX_MONTHS), if the pattern has three letters in a row; elsewhere every post is read."
        ),
        f"""
        RETURNS TABLE (channel_id bigint, handle text, message_id bigint, posted_at timestamptz, version integer, language text,
                       excerpt text)
        LANGUAGE sql STABLE PARALLEL SAFE
        BEGIN ATOMIC
            WITH hits AS MATERIALIZED (
                SELECT t.channel_id, t.message_id, t.posted_at, t.version, t.language, t.text
                FROM research.search_texts t
                WHERE t.text ~* pattern
                  AND (t.posted_at AT TIME ZONE 'UTC')::date >= (matching.since AT TIME ZONE 'UTC')::date
                  AND (t.posted_at AT TIME ZONE 'UTC')::date <= (matching.until AT TIME ZONE 'UTC')::date
                  AND {WANTED.format(function="matching")}
                {NEWEST_FIRST}
                LIMIT most)
            SELECT h.channel_id, c.handle, h.message_id, h.posted_at, h.version, h.language,
                   CASE WHEN f.first > {AROUND + 1} THEN '… ' ELSE '' END
                   || substr(h.text, greatest(f.first - {AROUND}, 1), least(f.first - 1, {AROUND}))
                   || '⟦' || substr(h.text, f.first, f.after - f.first) || '⟧' || substr(h.text, f.after, {AROUND})
                   || CASE WHEN f.after + {AROUND} <= length(h.text) THEN ' …' ELSE '' END
            FROM hits h
            CROSS JOIN LATERAL (SELECT regexp_instr(h.text, pattern, 1, 1, 0, 'i') AS first,
                                       regexp_instr(h.text, pattern, 1, 1, 1, 'i') AS after) f
            LEFT JOIN research.channels c ON c.channel_id = h.channel_id
            ORDER BY h.posted_at DESC, h.channel_id, h.message_id;
        END
        """,
    ),
)


def upgrade() -> None:
    for statement in (*TABLES, *TRIGGERS):
        op.execute(statement)
    for name, (meaning, query, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW research.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW research.{name} IS {quoted(meaning)}")
        for column, note in columns.items():
            op.execute(f'COMMENT ON COLUMN research.{name}."{column}" IS {quoted(note)}')
    for signature, meaning, body in FUNCTIONS:
        # A colon before a letter would be taken for a parameter.
        op.execute(f"CREATE FUNCTION research.{signature} {body}".replace("(?:", r"(?\:"))
        op.execute(f"COMMENT ON FUNCTION research.{signature.partition('(')[0]} IS {quoted(meaning)}")
    op.execute(f"CREATE OR REPLACE VIEW research.meta AS SELECT '{SCHEMA_VERSION}'::text AS schema_version")


def quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
