"""The kinds of figures that the code names are those of the rules that come with it."""

from monitor.model import KINDS, TROOP_KINDS
from tests.rulesets import shipped_rules


def test_the_rules_that_come_with_it_know_every_kind_and_no_other() -> None:
    assert set(shipped_rules().troop_kinds) == set(TROOP_KINDS)
    assert set(TROOP_KINDS) < set(KINDS)
