-- title: How a text spread
-- question: In which order did channels post the same flagged text, how long after the first, and did they forward it or write it as their own?
-- ru title: Как расходился текст
-- ru question: В каком порядке каналы публиковали один и тот же текст, через сколько после первого, переслали его или выдали за свой?
-- portable: yes
-- :channels integer = 2: texts of at least so many channels
-- ru :channels: тексты не менее чем стольких каналов
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH shared AS (
    SELECT case_id, min(posted_at) AS first_at FROM research.copies
    GROUP BY case_id HAVING count(DISTINCT channel_id) >= :channels)
SELECT c.case_id, c.place, c.handle, c.channel_id, c.message_id, c.version, c.posted_at,
       c.posted_at - s.first_at AS after_first,
       CASE WHEN f.forward_kind IS NULL THEN 'own words' ELSE 'forward' END AS how,
       coalesce(f.forward_handle, f.forward_title) AS forwarded_from, p.text
FROM shared s
JOIN research.copies c ON c.case_id = s.case_id
JOIN research.posts p ON p.channel_id = c.channel_id AND p.message_id = c.message_id
LEFT JOIN research.forwards f ON f.channel_id = c.channel_id AND f.message_id = c.message_id
WHERE s.first_at >= :since AND s.first_at < :until
ORDER BY s.first_at, c.case_id, c.place
