-- title: Who forwards whom, and how soon
-- question: From which channels does each channel forward, how often, and how many minutes after the original?
-- ru title: Кто кого пересылает и как быстро
-- ru question: Из каких каналов пересылает каждый канал, как часто и через сколько минут после оригинала?
-- portable: yes
-- :channel text = : this channel alone, by its @name; empty for all
-- ru :channel: только этот канал, по @имени; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

SELECT f.handle, coalesce(f.forward_handle, f.forward_title, f.forward_kind) AS forwarded_from, count(*) AS posts,
       count(f.origin_posted_at) AS originals_held,
       round(CAST(min(extract(epoch FROM f.posted_at - f.origin_posted_at)) / 60 AS numeric(20, 6)), 1) AS quickest_minutes,
       round(CAST(avg(extract(epoch FROM f.posted_at - f.origin_posted_at)) / 60 AS numeric(20, 6)), 1) AS mean_minutes,
       min(f.posted_at) AS first_at, max(f.posted_at) AS last_at
FROM research.forwards f
WHERE f.posted_at >= :since AND f.posted_at < :until AND (:channel = '' OR lower(f.handle) = lower(ltrim(:channel, '@')))
GROUP BY f.handle, coalesce(f.forward_handle, f.forward_title, f.forward_kind)
ORDER BY posts DESC, f.handle, forwarded_from
