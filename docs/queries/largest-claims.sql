-- title: The largest claims
-- question: What are the largest figures that were stated of each kind, by whom and in which words?
-- ru title: Самые большие числа
-- ru question: Какие самые большие числа каждого вида назвали, кто и какими словами?
-- portable: yes
-- :kind text = : this kind of figure alone; empty for all
-- ru :kind: только этот вид чисел; пусто — все
-- :side text = : this side alone; empty for all
-- ru :side: только эта сторона; пусто — все
-- :rows integer = 3: how many of each kind
-- ru :rows: сколько каждого вида
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH claims AS (
    SELECT kind, low, high, qualifier, quote, posted_at, handle, channel_id, message_id, version, number,
           CASE WHEN side = 'unknown' THEN coalesce(side_inferred, side) ELSE side END AS side
    FROM research.figures
    WHERE is_current AND posted_at >= :since AND posted_at < :until AND (:kind = '' OR kind = :kind)),
ranked AS (
    SELECT claims.*,
           row_number() OVER (PARTITION BY kind ORDER BY coalesce(high, low) DESC, posted_at, channel_id, message_id, number)
               AS place
    FROM claims WHERE :side = '' OR side = :side)
SELECT kind, place, low, high, qualifier, side, quote, posted_at, handle, channel_id, message_id, version
FROM ranked WHERE place <= :rows
ORDER BY kind, place
