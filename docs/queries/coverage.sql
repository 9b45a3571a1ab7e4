-- title: Who looked where, and what came of it
-- question: How often was each channel looked at, in which way, with what outcome, and from when to when?
-- ru title: Кто куда смотрел и что вышло
-- ru question: Сколько раз, как и с каким исходом смотрели каждый канал, с какого и по какое время?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

SELECT coalesce(handle, '(a file)') AS handle, source, kind, outcome, sum(looks) AS looks, count(*) AS spans,
       min(started_at) AS first_at, max(ended_at) AS last_at, min(first_id) AS lowest_id, max(last_id) AS highest_id
FROM research.coverage
WHERE ended_at >= :since AND started_at < :until AND (:channel = '' OR lower(handle) = lower(ltrim(:channel, '@')))
GROUP BY coalesce(handle, '(a file)'), source, kind, outcome
ORDER BY handle, source, kind, outcome
