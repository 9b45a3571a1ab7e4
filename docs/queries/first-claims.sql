-- title: Who first claimed a number
-- question: Which channel was the first to state each figure, in which words, and how many repeated it later?
-- ru title: Кто первым назвал число
-- ru question: Какой канал первым назвал каждое число, какими словами и сколько каналов его повторили?
-- portable: yes
-- :kind text = : this kind of figure alone; empty for all
-- ru :kind: только этот вид чисел; пусто — все
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH said AS (
    SELECT f.channel_id, f.handle, f.message_id, f.version, f.number, f.kind, f.low, f.high, f.quote,
           CASE WHEN f.side = 'unknown' THEN coalesce(f.side_inferred, f.side) ELSE f.side END AS side,
           CASE WHEN v.edited_at IS NOT NULL THEN v.edited_at WHEN v.version = 1 THEN f.posted_at ELSE v.seen_at END
               AS said_at
    FROM research.figures f
    JOIN research.versions v
        ON v.channel_id = f.channel_id AND v.message_id = f.message_id AND v.version = f.version),
ranked AS (
    SELECT said.*,
           row_number() OVER (PARTITION BY kind, side, low, high
                              ORDER BY said_at, channel_id, message_id, version, number) AS place
    FROM said WHERE said_at >= :since AND said_at < :until AND (:kind = '' OR kind = :kind)),
repeated AS (
    SELECT kind, side, low, high, count(DISTINCT channel_id) AS channels, max(said_at) AS last_said_at
    FROM ranked GROUP BY kind, side, low, high)
SELECT r.kind, r.side, r.low, r.high, r.said_at, r.handle, r.channel_id, r.message_id, r.version, r.quote, n.channels,
       n.last_said_at
FROM ranked r
JOIN repeated n
    ON n.kind = r.kind AND n.side = r.side
    AND n.low IS NOT DISTINCT FROM r.low AND n.high IS NOT DISTINCT FROM r.high
WHERE r.place = 1 AND (:channel = '' OR lower(r.handle) = lower(ltrim(:channel, '@')))
ORDER BY r.said_at, r.channel_id, r.message_id, r.version, r.number
