-- title: Deleted posts, and what they said
-- question: Which posts were deleted, how long did they stand, what did they say last, and which topics were found in them?
-- ru title: Удалённые записи и что в них было
-- ru question: Какие записи удалили, сколько они простояли, что в них было напоследок и какие темы в них нашли?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH topics AS (
    SELECT channel_id, message_id, string_agg(topic, ', ' ORDER BY topic) AS topics
    FROM research.flags WHERE is_current GROUP BY channel_id, message_id)
SELECT p.handle, p.channel_id, p.message_id, p.version, p.posted_at, p.deleted_at, p.deleted_at - p.posted_at AS stood,
       p.last_seen_at, t.topics, p.text
FROM research.posts p
LEFT JOIN topics t ON t.channel_id = p.channel_id AND t.message_id = p.message_id
WHERE p.presence = 'deleted' AND p.posted_at >= :since AND p.posted_at < :until
  AND (:channel = '' OR lower(p.handle) = lower(ltrim(:channel, '@')))
ORDER BY p.posted_at, p.channel_id, p.message_id
