"""Cohen's kappa against values worked out by hand and from the literature."""

import pytest

from monitor.web.agreement import agreement, interval


def square(yes: int, first_only: int, second_only: int, no: int) -> list[tuple[str, str]]:
    return (
        [("yes", "yes")] * yes
        + [("yes", "no")] * first_only
        + [("no", "yes")] * second_only
        + [("no", "no")] * no
    )


@pytest.mark.parametrize(
    ("cells", "share", "kappa"),
    [
        ((20, 5, 10, 15), 0.7, 0.4),
        ((45, 15, 25, 15), 0.6, 0.1304),
        ((25, 35, 5, 35), 0.6, 0.2593),
        ((10, 0, 0, 10), 1.0, 1.0),
        ((0, 10, 10, 0), 0.0, -1.0),
        ((25, 25, 25, 25), 0.5, 0.0),
    ],
)
def test_known_values(cells: tuple[int, int, int, int], share: float, kappa: float) -> None:
    found = agreement(square(*cells))
    assert (found.pairs, found.agreed) == (sum(cells), cells[0] + cells[3])
    assert found.share == pytest.approx(share)
    assert found.kappa == pytest.approx(kappa, abs=5e-5)


def test_three_kinds_of_decision() -> None:
    table = {("a", "a"): 44, ("a", "b"): 5, ("a", "c"): 1, ("b", "a"): 7, ("b", "b"): 20, ("b", "c"): 3, ("c", "a"): 9, ("c", "b"): 5, ("c", "c"): 6}  # fmt: skip
    found = agreement(pair for pair, times in table.items() for _ in range(times))
    assert found.kappa == pytest.approx(0.4915, abs=5e-5)


def test_without_pairs_there_is_no_number() -> None:
    found = agreement([])
    assert (found.pairs, found.share, found.kappa) == (0, None, None)


def test_where_both_always_say_the_same_chance_explains_all() -> None:
    found = agreement([("yes", "yes")] * 49)
    assert (found.share, found.kappa) == (1.0, None)


def test_one_side_that_never_varies_is_no_better_than_chance() -> None:
    assert agreement([("yes", "yes"), ("yes", "no")]).kappa == 0


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.278), (10, 10, 0.722, 1), (81, 263, 0.255, 0.366), (1, 1, 0.207, 1)],
)
def test_a_share_lies_where_wilson_says(part: int, whole: int, low: float, high: float) -> None:
    assert interval(part, whole) == pytest.approx((low, high), abs=0.0006)
