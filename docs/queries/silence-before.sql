-- title: Silence of channels before an event
-- question: How long had each channel been silent when something happened, compared with its usual pause, and did anybody look meanwhile?
-- ru title: Молчание каналов перед событием
-- ru question: Сколько молчал каждый канал к моменту события, какова его обычная пауза и смотрели ли мы в это время?
-- portable: yes
-- :event timestamp = 2024-08-06 05:00: when it happened
-- ru :event: когда это случилось
-- :before interval = 1 day: how far back to compare
-- ru :before: за какой срок до этого сравнивать

WITH pauses AS (
    SELECT channel_id, handle, posted_at,
           extract(epoch FROM posted_at - lag(posted_at) OVER (PARTITION BY channel_id ORDER BY posted_at, message_id)) / 60
               AS pause
    FROM research.posts WHERE posted_at < :event),
channels AS (
    SELECT channel_id, handle, max(posted_at) AS last_post_at,
           count(*) FILTER (WHERE posted_at >= :event - :before) AS posts,
           avg(pause) FILTER (WHERE posted_at >= :event - :before) AS usual_pause,
           max(pause) FILTER (WHERE posted_at >= :event - :before) AS longest_pause
    FROM pauses GROUP BY channel_id, handle),
unseen AS (
    SELECT c.channel_id, count(*) AS gaps
    FROM channels c
    JOIN research.gaps g ON g.channel_id = c.channel_id AND g.since < :event AND g.until > c.last_post_at
    GROUP BY c.channel_id)
SELECT c.handle, c.channel_id, c.last_post_at, :event - c.last_post_at AS silent_for, c.posts,
       round(CAST(c.usual_pause AS numeric(20, 6)), 1) AS usual_pause_minutes,
       round(CAST(c.longest_pause AS numeric(20, 6)), 1) AS longest_pause_minutes, coalesce(u.gaps, 0) AS gaps_in_the_silence
FROM channels c
LEFT JOIN unseen u ON u.channel_id = c.channel_id
ORDER BY c.last_post_at, c.channel_id
