"""Plan each search for the values it is asked with, and read posts for a regular expression from the newest on.

A client that asks often prepares the question, and Postgres then plans it once for all values: it cannot know how many
posts lie between two times, and walks through the index on them. A function of SQL that is not put into the query
that calls it has the same fault. What a function of PL/pgSQL executes is planned with its values each time.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA_VERSION = "1.3"

# As subqueries they are made once, and not for each row.
RU = "(SELECT research.search_query($1, 'ru'))"
UK = "(SELECT research.search_query($1, 'uk'))"
# An excerpt is made from words with their endings, which the stems begin.
UK_BEGUN = f"(SELECT regexp_replace({UK}::text, '''(?=[ )]|$)', ''':*', 'g')::tsquery)"
# The topic as one value for each post, lest Postgres reads all flags to join them.
WANTED = """t.posted_at >= $2 AND t.posted_at < $3
                  AND ($4 IS NULL OR t.channel_id = ANY($4))
                  AND ($5 IS NULL OR (
                        SELECT true FROM research.flags f
                        WHERE f.channel_id = t.channel_id AND f.message_id = t.message_id AND f.is_current
                          AND f.topic = $5 LIMIT 1))"""
# Of what each channel's share of the posts is Postgres knows only where it has the numbers.
CHANNELS = """CASE WHEN {function}.channel IS NOT NULL THEN ARRAY(
            SELECT c.channel_id FROM research.channels c
            WHERE lower(c.handle) = lower(ltrim({function}.channel, '@')) OR c.channel_id::text = {function}.channel) END"""
# In order of the bare time, Postgres would walk down the index on it, through millions of posts for a rare word.
NEWEST_FIRST = "ORDER BY t.posted_at + interval '0' DESC, t.channel_id, t.message_id"
RANKED = 10_000
EXCERPT = 'StartSel=⟦, StopSel=⟧, MaxFragments=3, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'
AROUND = 100

SEARCH = f"""
    CREATE OR REPLACE FUNCTION research.search(
        words text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity',
        channel text DEFAULT NULL, topic text DEFAULT NULL, most integer DEFAULT 50, ranked boolean DEFAULT true)
    RETURNS TABLE (channel_id bigint, handle text, message_id bigint, posted_at timestamptz, version integer, language text,
                   rank real, excerpt text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50
    AS $function$
    DECLARE
        channels bigint[] := {CHANNELS.format(function="search")};
    BEGIN
        IF channels = '{{}}' THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE $query$
            WITH hits AS MATERIALIZED (
                SELECT t.channel_id, t.message_id, t.posted_at,
                       CASE WHEN $7 THEN ts_rank(t.vector, CASE t.language WHEN 'uk' THEN {UK} ELSE {RU} END) END AS rank
                FROM research.search_texts t
                WHERE (t.vector @@ {RU} AND t.language <> 'uk' OR t.vector @@ {UK} AND t.language = 'uk')
                  AND {WANTED}
                {NEWEST_FIRST}
                LIMIT CASE WHEN $7 THEN {RANKED} ELSE $6 END),
            best AS MATERIALIZED (
                SELECT * FROM hits h ORDER BY h.rank DESC NULLS LAST, h.posted_at DESC, h.channel_id, h.message_id LIMIT $6)
            SELECT b.channel_id, c.handle, b.message_id, b.posted_at, t.version, t.language, b.rank,
                   CASE t.language
                       WHEN 'uk' THEN ts_headline('simple', t.text, {UK_BEGUN}, '{EXCERPT}')
                       ELSE ts_headline('russian', t.text, {RU}, '{EXCERPT}') END
            FROM best b
            JOIN research.search_texts t
                ON t.channel_id = b.channel_id AND t.message_id = b.message_id AND t.posted_at = b.posted_at
            LEFT JOIN research.channels c ON c.channel_id = b.channel_id
            ORDER BY b.rank DESC NULLS LAST, b.posted_at DESC, b.channel_id, b.message_id
        $query$ USING words, coalesce(since, '-infinity'), coalesce(until, 'infinity'), channels, topic, most, ranked;
    END $function$
    """
# Of patterns as «слово[а-я]* » the index itself knows so little that it gives half of all posts. What is certain is what
# stands before the first sign that groups or classes, unless it may be lacking; nothing where there is an alternative, or a
# comment, which may stand between a letter and its quantifier.
LITERAL = r"""
    CREATE FUNCTION research.literal_of(pattern text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN pattern NOT LIKE '***%' AND pattern NOT LIKE '%|%' AND pattern NOT LIKE '%(?#%' THEN (
        SELECT run[1]
        FROM regexp_matches(
            regexp_replace((regexp_match(pattern, '^([^][\\(){}]*?)(?:.?\{|[][\\()}]|$)'))[1], '.[*?]', '|', 'g'),
            '[a-zA-Zа-яА-ЯёЁґҐєЄіІїЇ0-9 ]{3,}', 'g') AS run
        ORDER BY length(run[1]) DESC LIMIT 1) END
    """
# Days first, since that is where the newest are; each is looked up by itself, as the index has no quick way to more.
DAYS = 4
MATCHING = f"""
    CREATE OR REPLACE FUNCTION research.matching(
        pattern text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity',
        channel text DEFAULT NULL, topic text DEFAULT NULL, most integer DEFAULT 50)
    RETURNS TABLE (channel_id bigint, handle text, message_id bigint, posted_at timestamptz, version integer, language text,
                   excerpt text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50
    AS $function$
    DECLARE
        oldest timestamptz;
        before timestamptz;
        after timestamptz;
        look integer := 0;
        got integer;
        wanted integer := most;
        -- Where capitals are put to small letters in another way than in English, ILIKE and ~* would differ.
        literal text := CASE WHEN lower('I') = 'i' THEN '%' || research.literal_of(pattern) || '%' END;
        channels bigint[] := {CHANNELS.format(function="matching")};
    BEGIN
        -- Where no post is looked at, nothing else would tell that it cannot be read.
        PERFORM '' ~* pattern;
        IF channels = '{{}}' THEN
            RETURN;
        END IF;
        SELECT min(t.posted_at), max(t.posted_at) + interval '1 microsecond' INTO oldest, before FROM research.search_texts t;
        oldest := CASE WHEN oldest IS NOT NULL THEN greatest(oldest, since) END;
        before := least(before, until);
        WHILE before > oldest AND wanted IS DISTINCT FROM 0 LOOP
            look := look + 1;
            after := greatest(oldest, date_trunc(CASE WHEN look > {DAYS} THEN 'month' ELSE 'day' END,
                                                 before - interval '1 microsecond', 'UTC'));
            RETURN QUERY EXECUTE $query$
                WITH hits AS MATERIALIZED (
                    SELECT t.channel_id, t.message_id, t.posted_at, t.version, t.language, t.text
                    FROM research.search_texts t
                    WHERE t.text ~* $1
                      AND ($7 IS NULL OR t.text ILIKE $7)
                      AND ($8 OR (t.posted_at AT TIME ZONE 'UTC')::date = ($2 AT TIME ZONE 'UTC')::date)
                      AND {WANTED}
                    {NEWEST_FIRST}
                    LIMIT $6)
                SELECT h.channel_id, c.handle, h.message_id, h.posted_at, h.version, h.language,
                       CASE WHEN f.first > {AROUND + 1} THEN '… ' ELSE '' END
                       || substr(h.text, greatest(f.first - {AROUND}, 1), least(f.first - 1, {AROUND}))
                       || '⟦' || substr(h.text, f.first, f.after - f.first) || '⟧' || substr(h.text, f.after, {AROUND})
                       || CASE WHEN f.after + {AROUND} <= length(h.text) THEN ' …' ELSE '' END
                FROM hits h
                CROSS JOIN LATERAL (SELECT regexp_instr(h.text, $1, 1, 1, 0, 'i') AS first,
                                           regexp_instr(h.text, $1, 1, 1, 1, 'i') AS after) f
                LEFT JOIN research.channels c ON c.channel_id = h.channel_id
                ORDER BY h.posted_at DESC, h.channel_id, h.message_id
            $query$ USING pattern, after, before, channels, topic, wanted, literal, look > {DAYS};
            GET DIAGNOSTICS got = ROW_COUNT;
            wanted := wanted - got;
            before := after;
        END LOOP;
    END $function$
    """
LITERAL_MEANING = (
    "The longest run of three or more letters, digits and spaces, before the first group, class or escape of a regular expression, that "
    "whatever matches has in it, capitals or not; null where none is found so. research.matching looks for it too."
)


def upgrade() -> None:
    for statement in (SEARCH, LITERAL, MATCHING):
        # A colon before a letter would be taken for a parameter.
        op.execute(statement.replace("(?:", r"(?\:"))
    op.execute(f"COMMENT ON FUNCTION research.literal_of IS '{LITERAL_MEANING}'")
    op.execute(f"CREATE OR REPLACE VIEW research.meta AS SELECT '{SCHEMA_VERSION}'::text AS schema_version")
