-- title: Renames and subscribers of channels
-- question: What did each channel call itself over time, what changed each time, and how did its subscribers grow?
-- ru title: Переименования и подписчики каналов
-- ru question: Как канал называл себя в разное время, что менялось и как росло число подписчиков?
-- portable: yes
-- :channel text = : this channel alone, by any @name it had; empty for all
-- ru :channel: только этот канал, по любому его @имени; пусто — все

WITH described AS (
    SELECT channel_id, version, seen_at, handle, title, subscribers, subscribers_unit, about,
           lag(handle) OVER (PARTITION BY channel_id ORDER BY version) AS handle_before,
           lag(title) OVER (PARTITION BY channel_id ORDER BY version) AS title_before,
           lag(subscribers) OVER (PARTITION BY channel_id ORDER BY version) AS subscribers_before
    FROM research.channel_history)
SELECT channel_id, version, seen_at, handle, title,
       CASE WHEN version = 1 THEN 'first seen'
            WHEN handle IS DISTINCT FROM handle_before THEN 'another @name'
            WHEN title IS DISTINCT FROM title_before THEN 'another name'
            ELSE 'the same name' END AS change,
       title_before, handle_before, subscribers, subscribers - subscribers_before AS growth, subscribers_unit
FROM described
WHERE :channel = ''
   OR channel_id IN (SELECT channel_id FROM research.channel_history WHERE lower(handle) = lower(ltrim(:channel, '@')))
ORDER BY channel_id, version
