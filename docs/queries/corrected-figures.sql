-- title: Figures changed by an edit
-- question: Which figures did an edit make larger or smaller, and by how much?
-- ru title: Числа, исправленные правкой
-- ru question: Какие числа после правки стали больше или меньше и на сколько?
-- portable: yes
-- :kind text = : this kind of figure alone; empty for all
-- ru :kind: только этот вид чисел; пусто — все
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH readings AS (
    SELECT f.channel_id, f.message_id, f.version, max(r.ruleset_id) AS ruleset_id
    FROM research.figures f JOIN research.rulesets r ON r.sha256 = f.ruleset
    GROUP BY f.channel_id, f.message_id, f.version),
stated AS (
    SELECT f.channel_id, f.handle, f.message_id, f.version, f.posted_at, f.kind, f.side, f.low, f.high, f.quote,
           row_number() OVER (PARTITION BY f.channel_id, f.message_id, f.version, f.kind, f.side ORDER BY f.number) AS place
    FROM readings l
    JOIN research.rulesets r ON r.ruleset_id = l.ruleset_id
    JOIN research.figures f
        ON f.channel_id = l.channel_id AND f.message_id = l.message_id AND f.version = l.version
        AND f.ruleset = r.sha256)
SELECT a.posted_at, coalesce(v.edited_at, v.seen_at) AS changed_at, a.handle, a.channel_id, a.message_id, a.version,
       a.kind, a.side, b.quote AS quote_before, a.quote AS quote_after, b.low AS low_before, a.low AS low_after,
       b.high AS high_before, a.high AS high_after,
       coalesce(a.high, a.low) - coalesce(b.high, b.low) AS change
FROM stated a
JOIN stated b
    ON b.channel_id = a.channel_id AND b.message_id = a.message_id AND b.version = a.version - 1
    AND b.kind = a.kind AND b.side = a.side AND b.place = a.place
JOIN research.versions v
    ON v.channel_id = a.channel_id AND v.message_id = a.message_id AND v.version = a.version
WHERE (a.low IS DISTINCT FROM b.low OR a.high IS DISTINCT FROM b.high)
  AND a.posted_at >= :since AND a.posted_at < :until
  AND (:kind = '' OR a.kind = :kind) AND (:channel = '' OR lower(a.handle) = lower(ltrim(:channel, '@')))
ORDER BY changed_at, a.channel_id, a.message_id, a.version, a.kind, a.side, a.place
