-- title: What a channel said as of a time
-- question: What could be read in a channel at a time, before later edits and deletions?
-- ru title: Что канал говорил на такой-то час
-- ru question: Что можно было прочесть в канале в такой-то час, до более поздних правок и удалений?
-- :at timestamp = 2024-08-06 12:00: the time
-- ru :at: время
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :words text = : only posts with these words; empty for all
-- ru :words: только записи с этими словами; пусто — все

SELECT handle, channel_id, message_id, version, posted_at, said_from, media_kind, text, sha256
FROM research.posts_as_of(:at)
WHERE (:channel = '' OR lower(handle) = lower(ltrim(:channel, '@')))
  AND (:words = '' OR lower(text) LIKE '%' || lower(:words) || '%')
ORDER BY posted_at DESC, channel_id, message_id
