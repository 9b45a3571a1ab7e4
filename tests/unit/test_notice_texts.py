"""What notices say: in both languages of everything, short whatever they are about, with links and without."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor import alarms
from monitor.model import Alert, AlertRole, Language, Person, Severity
from monitor.notice_texts import REMOVED, SHOWN, WORDS, Part, headline, trial_notice, worded

AT = datetime(2024, 8, 9, 12, tzinfo=UTC)
OLYA = Person(name="Olya", zone="Europe/Moscow", language=Language.RUSSIAN)
ANN = Person(name="Ann")
TOLD: dict[str, dict[str, Any]] = {
    "topic": {"handle": "rybar", "topics": ["kursk", "sudzha"], "quote": "В Судже бой"},
    "figure": {"handle": "rybar", "figure": 1200.0, "quote": "до 1200 солдат"},
    "official": {"title": "Губернатор", "what": "deleted", "quote": "сбито 300"},
    "silent": {"since": AT.isoformat(), "gap": 5400},
    "watch": {"since": AT.isoformat(), "error": "no\n  route"},
    "session": {"error": "logged out"},
    "banned": {"error": "banned"},
    "flood": {"until": AT.isoformat()},
    "job": {"since": AT.isoformat()},
    "disk": {"free": 1_234_567_890},
    "digest": {"failed": 2, "in_doubt": 1, "late": 0},
    "route": {"since": AT.isoformat(), "error": "answered 403"},
}


def alert(number: int = 1, kind: str = "topic", **more: Any) -> Alert:
    usual: dict[str, Any] = {
        "alert_id": number,
        "kind": kind,
        "subject": f"case/{number}",
        "severity": Severity.WARNING,
        "told": TOLD[kind],
        "raised_at": AT,
        "case_id": number,
    }
    return Alert(**usual | more)


def part(alerts: Iterable[Alert], role: AlertRole = AlertRole.RAISED, count: int | None = None) -> Part:
    found = list(alerts)
    kinds = {kind: sum(one.kind == kind for one in found) for kind in {one.kind for one in found}}
    return Part(role, count or len(found), kinds if count is None else {found[0].kind: count}, found)


def test_both_languages_have_every_word() -> None:
    english, russian = WORDS[Language.ENGLISH], WORDS[Language.RUSSIAN]
    assert english.keys() == russian.keys()
    for key, words in english.items():
        assert set(re.findall(r"\{(\w+)", words)) == set(re.findall(r"\{(\w+)", russian[key])), key
    assert TOLD.keys() == set(alarms.KINDS)
    assert {f"many_{kind}" for kind in alarms.KINDS} <= english.keys()
    assert set(REMOVED) == set(Language)


@pytest.mark.parametrize("kind", alarms.KINDS)
@pytest.mark.parametrize("language", list(Language))
def test_every_kind_is_said_in_one_line_whatever_is_known_of_it(kind: str, language: Language) -> None:
    for told in (TOLD[kind], {"what": "edited"}, {}):
        line = headline(alert(kind=kind, told=told), language=language)
        assert line
        assert "\n" not in line
        assert "{" not in line
    assert headline(alert(kind=kind, told={"removed": True}), language=language).endswith(REMOVED[language])


def test_one_alert_is_the_subject_and_its_words_and_link_follow() -> None:
    found = worded(ANN, Severity.WARNING, [part([alert(7, "figure")])], public_url="https://m.example")
    assert found.subject == "Warning: @rybar states 1,200"
    assert found.body == (
        "New\n- @rybar states 1,200\n  «до 1200 солдат»\n  https://m.example/case/7\n\n"
        "All of them: https://m.example/queue\n"
    )
    assert found.told["alerts"][0]["link"] == "https://m.example/case/7"


def test_without_an_address_of_the_site_the_case_is_named() -> None:
    found = worded(ANN, Severity.WARNING, [part([alert(7)])], public_url=None)
    assert "\n  case 7\n" in found.body
    assert "http" not in found.body
    assert found.told["alerts"][0]["link"] is None


def test_times_are_by_the_clock_of_the_person() -> None:
    found = worded(OLYA, Severity.WARNING, [part([alert(kind="silent")])], public_url=None)
    assert "молчит с 09.08. 15:00; обычно между постами 90 мин" in found.body
    assert found.subject.startswith("Внимание: ")


def test_ten_thousand_are_counted_and_not_listed() -> None:
    first = [alert(n) for n in range(1, 100)]
    found = worded(
        ANN,
        Severity.CRITICAL,
        [Part(AlertRole.RAISED, 10_000, {"topic": 9000, "figure": 1000}, first)],
        public_url=None,
    )
    assert found.subject == "Critical: 9,000 cases on topics, 1,000 cases with large figures"
    assert found.body.count("\n- @rybar") == SHOWN
    assert f"and {10_000 - SHOWN:,} more" in found.body
    assert found.told["count"] == 10_000
    assert len(found.told["alerts"]) == SHOWN


def test_what_is_new_is_the_subject_and_what_is_resolved_has_no_quote() -> None:
    resolved = alert(2, resolved_at=AT, resolution="claimed")
    parts = [part([alert(1, "figure")]), part([resolved], AlertRole.RESOLVED)]
    found = worded(ANN, Severity.WARNING, parts, public_url=None)
    assert found.subject == "Warning: @rybar states 1,200"
    assert found.body.count("«") == 1
    assert [one["state"] for one in found.told["alerts"]] == ["raised", "resolved"]
    alone = worded(ANN, Severity.INFO, parts[1:], public_url=None)
    assert alone.subject == "Resolved: @rybar on kursk, sudzha"


def test_an_escalation_says_that_nobody_claimed_it() -> None:
    found = worded(ANN, Severity.WARNING, [part([alert()], AlertRole.ESCALATED)], public_url=None)
    assert found.body.startswith("Nobody has claimed these yet; you are next on call\n")


@pytest.mark.parametrize(("gap", "said"), [(20, "1 min"), (7140, "119 min"), (7200, "2 h"), (200_000, "2 d")])
def test_a_gap_in_its_unit(gap: int, said: str) -> None:
    told = {"since": AT.isoformat(), "gap": gap}
    assert headline(alert(kind="silent", told=told)).endswith(f"its usual gap is {said}")


def test_a_test_says_that_nothing_happened() -> None:
    assert trial_notice(ANN).subject == "Test: notices reach you"
    assert "Ничего не случилось" in trial_notice(OLYA).body


def test_one_of_a_kind_is_no_plural() -> None:
    first = [alert(1, "job")]
    kinds = dict.fromkeys(alarms.KINDS, 1)
    found = worded(
        ANN, Severity.CRITICAL, [Part(AlertRole.RAISED, len(kinds), kinds, first)], public_url=None
    )
    assert "1 missed job," in found.subject
    assert "1 failing watch," in found.subject
    assert not re.search(
        r"\b1 [a-z ]*(cases|posts|channels|watches|sessions|jobs|disks|digests|routes)\b", found.subject
    )
