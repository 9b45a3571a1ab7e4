-- title: How precise the rules are
-- question: Of the flags that analysts decided on, how many were relevant, by topic and by the word that matched?
-- ru title: Точность правил
-- ru question: Какая доля решённых пометок оказалась по делу — по темам и по сработавшим словам?
-- portable: yes
-- :topic text = : this topic alone; empty for all
-- ru :topic: только эта тема; пусто — все
-- :least integer = 1: at least so many decisions
-- ru :least: не менее стольких решений

SELECT p.topic, coalesce(p.term, '(the whole topic)') AS term, p.decided, p.relevant, p.not_relevant,
       round(CAST(p."precision" AS numeric(20, 6)), 3) AS share_relevant, r.first_used_at AS rules_since, p.ruleset
FROM research.rule_precision p
JOIN research.rulesets r ON r.sha256 = p.ruleset
WHERE p.decided >= :least AND (:topic = '' OR p.topic = :topic)
ORDER BY r.first_used_at DESC, p.ruleset, p.topic, CASE WHEN p.term IS NULL THEN 0 ELSE 1 END, p.decided DESC, p.term
