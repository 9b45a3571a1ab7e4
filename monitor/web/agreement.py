"""How far two analysts agree, and how sure a share is.

Cohen's kappa is the agreement beyond what the habits of both would give by chance.

J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import sqrt

_Z = 1.96


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many pairs of decisions there are, and in how many both are the same; `expected` of them by chance."""

    pairs: int
    agreed: int
    expected: float

    @property
    def share(self) -> float | None:
        """The share of pairs that agree; None without pairs."""
        return self.agreed / self.pairs if self.pairs else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa, at most 1; None without pairs, or where both always decided the same one thing."""
        if self.expected == self.pairs:
            return None
        return (self.agreed - self.expected) / (self.pairs - self.expected)


def agreement(decisions: Iterable[tuple[Hashable, Hashable]]) -> Agreement:
    """The agreement of pairs of decisions (first, second) on the same cases."""
    pairs = list(decisions)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chances = sum(count * second[decision] for decision, count in first.items())
    return Agreement(
        pairs=len(pairs),
        agreed=sum(one == other for one, other in pairs),
        expected=chances / len(pairs) if pairs else 0.0,
    )


def interval(part: int, whole: int) -> tuple[float, float]:
    """Where a share lies with 95 % confidence, from 0 to 1, if `part` of `whole` drawn by chance have it.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if whole == 0:
        return 0.0, 1.0
    share, spread = part / whole, _Z**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z / (1 + spread) * sqrt(share * (1 - share) / whole + spread / whole / 4)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
