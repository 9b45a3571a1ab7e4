-- title: What was read against what was confirmed
-- question: Of the figures that analysts looked at, how many had the rules read rightly, by kind?
-- ru title: Что прочитано и что подтверждено
-- ru question: Сколько из проверенных аналитиками чисел правила прочли верно, по видам?
-- portable: yes
-- :kind text = : this kind of figure alone; empty for all
-- ru :kind: только этот вид чисел; пусто — все
-- :since timestamp = 2000-01-01: from this time on
-- ru :since: с этого времени
-- :until timestamp = 2100-01-01: before this time
-- ru :until: до этого времени

SELECT kind, count(*) AS decided,
       count(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
       count(*) FILTER (WHERE verdict = 'corrected') AS corrected,
       count(*) FILTER (WHERE verdict = 'rejected') AS rejected,
       round(CAST(count(*) FILTER (WHERE verdict = 'confirmed') * 1.0 / count(*) AS numeric(20, 6)), 3) AS share_confirmed,
       count(*) FILTER (WHERE verdict = 'corrected' AND confirmed_kind <> kind) AS another_kind,
       count(*) FILTER (WHERE verdict = 'corrected' AND confirmed_side <> side) AS another_side
FROM research.confirmed_figures
WHERE posted_at >= :since AND posted_at < :until AND (:kind = '' OR kind = :kind)
GROUP BY kind
ORDER BY decided DESC, kind
