-- title: How the views of a post grew
-- question: How did the views of one post grow from one look to the next?
-- ru title: Как росли просмотры записи
-- ru question: Как от взгляда к взгляду росли просмотры одной записи?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :message integer = 0: the number of the post; 0 for the one viewed most
-- ru :message: номер записи; 0 — самая просматриваемая

WITH held AS (
    SELECT p.handle, k.channel_id, k.message_id, p.version, p.posted_at, k.seen_at, k.views, k.views_unit, k.forwards
    FROM research.counts k
    JOIN research.posts p ON p.channel_id = k.channel_id AND p.message_id = k.message_id
    WHERE k.views IS NOT NULL AND (:channel = '' OR lower(p.handle) = lower(ltrim(:channel, '@')))
      AND (:message = 0 OR k.message_id = :message)),
chosen AS (
    SELECT channel_id, message_id FROM held ORDER BY views DESC, channel_id, message_id LIMIT 1)
SELECT h.handle, h.channel_id, h.message_id, h.version, h.seen_at, h.seen_at - h.posted_at AS after_posting, h.views,
       h.views_unit, h.views - lag(h.views) OVER (ORDER BY h.seen_at) AS growth,
       round(CAST((h.views - lag(h.views) OVER (ORDER BY h.seen_at)) * 3600.0
           / nullif(extract(epoch FROM h.seen_at - lag(h.seen_at) OVER (ORDER BY h.seen_at)), 0) AS numeric(20, 6)), 0)
           AS growth_per_hour,
       h.forwards
FROM held h
JOIN chosen c ON c.channel_id = h.channel_id AND c.message_id = h.message_id
ORDER BY h.seen_at
