-- title: Posts per day and channel
-- question: How many posts did each channel make each day, and how many of them were edited, deleted or flagged?
-- ru title: Записи по дням и каналам
-- ru question: Сколько записей в день выпускал каждый канал и сколько из них изменили, удалили или пометили?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH flagged AS (
    SELECT DISTINCT channel_id, message_id FROM research.flags WHERE is_current)
SELECT CAST(p.posted_at AS date) AS day, p.handle, p.channel_id, count(*) AS posts,
       count(*) FILTER (WHERE p.version > 1) AS edited,
       count(*) FILTER (WHERE p.presence = 'deleted') AS deleted,
       count(f.message_id) AS flagged
FROM research.posts p
LEFT JOIN flagged f ON f.channel_id = p.channel_id AND f.message_id = p.message_id
WHERE p.posted_at >= :since AND p.posted_at < :until AND (:channel = '' OR lower(p.handle) = lower(ltrim(:channel, '@')))
GROUP BY CAST(p.posted_at AS date), p.handle, p.channel_id
ORDER BY day, p.channel_id, p.handle
