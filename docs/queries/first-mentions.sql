-- title: First mention of a topic by each channel
-- question: When did each channel first speak of a topic, and how long after the channel that did so first?
-- ru title: Первое упоминание темы в каждом канале
-- ru question: Когда каждый канал впервые заговорил о теме и насколько позже того, кто был первым?
-- portable: yes
-- :topic text = : this topic alone; empty for all
-- ru :topic: только эта тема; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH mentioned AS (
    SELECT f.topic, f.channel_id, f.handle, f.message_id, f.version,
           CASE WHEN v.edited_at IS NOT NULL THEN v.edited_at WHEN v.version = 1 THEN f.posted_at ELSE v.seen_at END
               AS said_at,
           v.text
    FROM research.flags f
    JOIN research.versions v
        ON v.channel_id = f.channel_id AND v.message_id = f.message_id AND v.version = f.version
    WHERE :topic = '' OR f.topic = :topic),
ranked AS (
    SELECT mentioned.*,
           row_number() OVER (PARTITION BY topic, channel_id ORDER BY said_at, message_id, version) AS place,
           min(said_at) OVER (PARTITION BY topic) AS first_at
    FROM mentioned WHERE said_at >= :since AND said_at < :until)
SELECT topic, handle, channel_id, message_id, version, said_at, said_at - first_at AS after_first, text
FROM ranked WHERE place = 1
ORDER BY topic, said_at, channel_id
