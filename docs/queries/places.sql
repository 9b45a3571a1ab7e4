-- title: Places named most
-- question: Which places are named most often, by how many channels, and who named each first?
-- ru title: Чаще всего названные места
-- ru question: Какие места называют чаще всего, сколько каналов и кто назвал первым?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH named AS (
    SELECT name, latitude, longitude, channel_id, handle, message_id, posted_at,
           row_number() OVER (PARTITION BY name, latitude, longitude ORDER BY posted_at, channel_id, message_id, first_char)
               AS place
    FROM research.places
    WHERE is_current AND posted_at >= :since AND posted_at < :until
      AND (:channel = '' OR lower(handle) = lower(ltrim(:channel, '@'))))
SELECT name, latitude, longitude, count(*) AS mentions, count(DISTINCT channel_id) AS channels,
       min(posted_at) AS first_named_at, max(CASE WHEN place = 1 THEN handle END) AS first_named_by,
       max(posted_at) AS last_named_at
FROM named
GROUP BY name, latitude, longitude
ORDER BY mentions DESC, name, latitude, longitude
