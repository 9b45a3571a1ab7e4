-- title: Posts edited after publication, with their figures before and after
-- question: Which posts were edited, how long after they were posted, and which figures stood there before and after?
-- ru title: Записи, изменённые после публикации, и числа до и после
-- ru question: Какие записи изменили, через сколько времени и какие числа стояли в них до и после?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH figures AS (
    SELECT channel_id, message_id, version, ruleset, string_agg(quote, '; ' ORDER BY number) AS quotes
    FROM research.figures GROUP BY channel_id, message_id, version, ruleset),
latest AS (
    SELECT f.channel_id, f.message_id, f.version, max(r.ruleset_id) AS ruleset_id
    FROM figures f JOIN research.rulesets r ON r.sha256 = f.ruleset
    GROUP BY f.channel_id, f.message_id, f.version),
stated AS (
    SELECT f.channel_id, f.message_id, f.version, f.quotes
    FROM latest l
    JOIN research.rulesets r ON r.ruleset_id = l.ruleset_id
    JOIN figures f
        ON f.channel_id = l.channel_id AND f.message_id = l.message_id AND f.version = l.version
        AND f.ruleset = r.sha256)
SELECT p.handle, n.channel_id, n.message_id, n.version, p.posted_at, n.edited_at, n.seen_at,
       coalesce(n.edited_at, n.seen_at) - p.posted_at AS after_posting, b.quotes AS figures_before,
       a.quotes AS figures_after, o.text AS text_before, n.text AS text_after
FROM research.versions n
JOIN research.versions o
    ON o.channel_id = n.channel_id AND o.message_id = n.message_id AND o.version = n.version - 1
JOIN research.posts p ON p.channel_id = n.channel_id AND p.message_id = n.message_id
LEFT JOIN stated b ON b.channel_id = o.channel_id AND b.message_id = o.message_id AND b.version = o.version
LEFT JOIN stated a ON a.channel_id = n.channel_id AND a.message_id = n.message_id AND a.version = n.version
WHERE p.posted_at >= :since AND p.posted_at < :until AND (:channel = '' OR lower(p.handle) = lower(ltrim(:channel, '@')))
ORDER BY p.posted_at, n.channel_id, n.message_id, n.version
