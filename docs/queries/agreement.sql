-- title: Agreement of analysts
-- question: Where one analyst asked for a second look and said what they thought, what did the other answer?
-- ru title: Согласие аналитиков
-- ru question: Если один аналитик попросил о втором взгляде и сказал своё мнение, что ответил другой?
-- portable: yes
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

WITH answers AS (
    SELECT a.decision_id, a.verdict AS answer, max(q.decision_id) AS asked_by
    FROM research.decisions a
    JOIN research.decisions q
        ON q.case_id = a.case_id AND q.decision_id < a.decision_id AND q.verdict = 'second_look'
        AND q.opinion IS NOT NULL AND NOT q.undone
    WHERE a.second_look AND NOT a.undone AND a.verdict IN ('relevant', 'not_relevant')
      AND a.decided_at >= :since AND a.decided_at < :until
    GROUP BY a.decision_id, a.verdict)
SELECT q.opinion, a.answer, count(*) AS cases,
       round(CAST(count(*) * 1.0 / sum(count(*)) OVER () AS numeric(20, 6)), 3) AS share,
       CASE WHEN q.opinion = a.answer THEN 'agreed' ELSE 'disagreed' END AS outcome
FROM answers a JOIN research.decisions q ON q.decision_id = a.asked_by
GROUP BY q.opinion, a.answer
ORDER BY q.opinion, a.answer
