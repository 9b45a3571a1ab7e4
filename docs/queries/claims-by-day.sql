-- title: Claims by day and side
-- question: How many figures were stated each day of each kind and side, by how many channels, and between which bounds?
-- ru title: Числа по дням и сторонам
-- ru question: Сколько чисел какого вида и о какой стороне называли за день, сколько каналов и в каких пределах?
-- portable: yes
-- :kind text = : this kind of figure alone; empty for all
-- ru :kind: только этот вид чисел; пусто — все
-- :side text = : this side alone; empty for all
-- ru :side: только эта сторона; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH claims AS (
    SELECT CAST(posted_at AS date) AS day, channel_id, kind, low, high,
           CASE WHEN side = 'unknown' THEN coalesce(side_inferred, side) ELSE side END AS side
    FROM research.figures
    WHERE is_current AND posted_at >= :since AND posted_at < :until)
SELECT day, kind, side, count(*) AS claims, count(DISTINCT channel_id) AS channels, min(low) AS lowest, max(high) AS highest
FROM claims
WHERE (:kind = '' OR kind = :kind) AND (:side = '' OR side = :side)
GROUP BY day, kind, side
ORDER BY day, kind, side
