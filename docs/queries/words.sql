-- title: Words in any version
-- question: Which posts had these words in any version, and are the words still there?
-- ru title: Слова в любой из версий
-- ru question: В каких записях хоть в одной версии были эти слова и есть ли они там сейчас?
-- portable: yes
-- :words text = танк: the words, as a part of the text in any case
-- ru :words: слова — часть текста, регистр не важен
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

SELECT p.handle, v.channel_id, v.message_id, v.version, p.posted_at, v.seen_at,
       CASE WHEN p.presence = 'deleted' THEN 'post deleted'
            WHEN lower(p.text) LIKE '%' || lower(:words) || '%' THEN 'still there'
            ELSE 'edited away' END AS now,
       v.text
FROM research.versions v
JOIN research.posts p ON p.channel_id = v.channel_id AND p.message_id = v.message_id
WHERE lower(v.text) LIKE '%' || lower(:words) || '%' AND p.posted_at >= :since AND p.posted_at < :until
  AND (:channel = '' OR lower(p.handle) = lower(ltrim(:channel, '@')))
ORDER BY p.posted_at, v.channel_id, v.message_id, v.version
