-- title: Contradictions between channels
-- question: Which channels stated figures of the same kind and side, within a span of time, whose bounds do not meet?
-- ru title: Противоречия между каналами
-- ru question: Какие каналы за короткое время назвали несовместимые числа одного вида об одной стороне?
-- portable: yes
-- :kind text = : this kind of figure alone; empty for all
-- ru :kind: только этот вид чисел; пусто — все
-- :side text = : this side alone; empty for all
-- ru :side: только эта сторона; пусто — все
-- :within interval = 1 day: posted at most so long one after the other
-- ru :within: вышли не позже чем через столько друг после друга
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH claims AS (
    SELECT channel_id, handle, message_id, version, number, posted_at, kind, low, high, quote,
           CASE WHEN side = 'unknown' THEN coalesce(side_inferred, side) ELSE side END AS side,
           coalesce(scope, '') AS scope
    FROM research.figures
    WHERE is_current AND qualifier <> 'vague' AND posted_at >= :since AND posted_at < :until
      AND (:kind = '' OR kind = :kind))
SELECT a.kind, a.side, a.posted_at, a.handle, a.channel_id, a.message_id, a.version, a.quote, a.low, a.high,
       b.posted_at AS other_posted_at, b.handle AS other_handle, b.channel_id AS other_channel_id,
       b.message_id AS other_message_id, b.version AS other_version, b.quote AS other_quote, b.low AS other_low,
       b.high AS other_high
FROM claims a
JOIN claims b
    ON b.kind = a.kind AND b.side = a.side AND b.scope = a.scope AND b.channel_id <> a.channel_id
    AND (b.posted_at > a.posted_at OR b.posted_at = a.posted_at AND b.channel_id > a.channel_id)
    AND b.posted_at <= a.posted_at + :within
    AND (b.low > a.high OR b.high < a.low)
WHERE a.side <> 'unknown' AND (:side = '' OR a.side = :side)
  -- A forward says what its original says: two figures of one list are no contradiction.
  AND NOT EXISTS (
      SELECT 1 FROM research.copies ca JOIN research.copies cb ON cb.case_id = ca.case_id
      WHERE ca.channel_id = a.channel_id AND ca.message_id = a.message_id
        AND cb.channel_id = b.channel_id AND cb.message_id = b.message_id)
ORDER BY a.posted_at, a.channel_id, a.message_id, a.number, b.posted_at, b.channel_id, b.message_id, b.number
