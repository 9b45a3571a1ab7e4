-- title: When nobody looked
-- question: In which spans of time did nobody see a channel, how long were they, and how many posts of those spans are held all the same?
-- ru title: Когда никто не смотрел
-- ru question: В какие промежутки канала никто не видел, сколько они длились и сколько записей за это время всё же есть?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

SELECT g.handle, g.channel_id, g.since, g.until, round(CAST(extract(epoch FROM g.until - g.since) / 3600 AS numeric(20, 6)), 1) AS hours,
       count(p.message_id) AS posts_held
FROM research.gaps g
LEFT JOIN research.posts p
    ON p.channel_id = g.channel_id AND p.posted_at >= g.since AND p.posted_at < g.until
WHERE g.until > :since AND g.since < :until AND (:channel = '' OR lower(g.handle) = lower(ltrim(:channel, '@')))
GROUP BY g.handle, g.channel_id, g.since, g.until
ORDER BY g.since, g.handle
