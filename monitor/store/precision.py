"""How precise the rules are, by what analysts decided; as researchers see it (`research.rule_precision`)."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from monitor.store.database import Transaction

MOST_RULESETS = 20


class Precision(NamedTuple):
    """Flags of a topic that were decided on, those alone that show a term where one is named, and how many were relevant."""

    topic: str
    term: str | None
    decided: int
    relevant: int


class Ruleset(NamedTuple):
    """Rules by their SHA-256 (hexadecimal), and when they last found something that was decided on."""

    sha256: str
    last_flagged_at: datetime


async def rulesets(tx: Transaction) -> list[Ruleset]:
    """Rules under which something was found that was decided on, those in use last first; at most MOST_RULESETS."""
    rows = await tx.execute(
        text(
            """
            SELECT ruleset, max(last_flagged_at) AS last FROM research.rule_precision
            GROUP BY ruleset ORDER BY last DESC, ruleset LIMIT :limit
            """
        ),
        {"limit": MOST_RULESETS},
    )
    return [Ruleset(*row) for row in rows]


async def under(tx: Transaction, ruleset: str | None, *, limit: int) -> list[Precision]:
    """What was found under rules: each topic as a whole and then its terms, those decided on most often first."""
    rows = await tx.execute(
        text(
            """
            SELECT topic, term, decided, relevant FROM research.rule_precision WHERE ruleset = :ruleset
            ORDER BY topic, term IS NOT NULL, decided DESC, term LIMIT :limit
            """
        ),
        {"ruleset": ruleset, "limit": limit},
    )
    return [Precision(*row) for row in rows]
