"""Readers of the digest as the archive knows them: what unsubscribes each, and who gets no more and why.

Who is to get it stands in the settings; a reader who unsubscribed, or whose address the mail server refused, is still
listed there, and gets nothing all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe

from sqlalchemy import text

from monitor.model import Language
from monitor.store.database import Transaction

TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A reader; `first_at` is when they were first listed. `refusal` is what the mail server said."""

    address: str
    token: str
    first_at: datetime
    unsubscribed_at: datetime | None = None
    refused_at: datetime | None = None
    refusal: str | None = None


_COLUMNS = "address, token, first_at, unsubscribed_at, refused_at, refusal"


async def known(tx: Transaction, address: str, *, now: datetime, token: str | None = None) -> Known:
    """A reader by their address, written down where they are new."""
    await tx.execute(
        text(
            """
            INSERT INTO monitor.readers (address, token, first_at) VALUES (:address, :token, :now)
            ON CONFLICT (address) DO NOTHING
            """
        ),
        {"address": address, "token": token or token_urlsafe(TOKEN_BYTES), "now": now},
    )
    found = await tx.execute(
        text(f"SELECT {_COLUMNS} FROM monitor.readers WHERE address = :address"),  # noqa: S608 - a constant
        {"address": address},
    )
    return Known(**found.one()._asdict())


async def of_token(tx: Transaction, token: str) -> Known | None:
    """Whose token it is; None where it is nobody's."""
    found = await tx.execute(
        text(f"SELECT {_COLUMNS} FROM monitor.readers WHERE token = :token"),  # noqa: S608 - a constant
        {"token": token},
    )
    row = found.one_or_none()
    return Known(**row._asdict()) if row else None


async def language_of(tx: Transaction, address: str) -> Language | None:
    """The language of the newest digest to a reader; None before the first."""
    found = await tx.execute(
        text(
            """
            SELECT language FROM monitor.deliveries WHERE address = :address AND window_from IS NOT NULL
            ORDER BY window_from DESC LIMIT 1
            """
        ),
        {"address": address},
    )
    language = found.scalar_one_or_none()
    return Language(language) if language else None


async def away(tx: Transaction) -> Sequence[Known]:
    """Those who get no digest: they unsubscribed, or their address was refused."""
    rows = await tx.execute(
        text(
            f"""
            SELECT {_COLUMNS} FROM monitor.readers
            WHERE unsubscribed_at IS NOT NULL OR refused_at IS NOT NULL ORDER BY address
            """  # noqa: S608 - a constant
        )
    )
    return [Known(**row._asdict()) for row in rows]


async def unsubscribe(tx: Transaction, token: str, *, now: datetime) -> bool:
    """Let a reader get no more; False where the token is nobody's. To do it twice is to do it once."""
    done = await tx.execute(
        text(
            "UPDATE monitor.readers SET unsubscribed_at = coalesce(unsubscribed_at, :now) WHERE token = :token"
        ),
        {"token": token, "now": now},
    )
    return bool(done.rowcount)


async def resubscribe(tx: Transaction, address: str) -> bool:
    """Let a reader get it again, also where their address was refused; False where there is nothing to change."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.readers SET unsubscribed_at = NULL, refused_at = NULL, refusal = NULL
            WHERE address = :address AND (unsubscribed_at IS NOT NULL OR refused_at IS NOT NULL)
            """
        ),
        {"address": address},
    )
    return bool(done.rowcount)


async def refused(tx: Transaction, address: str, why: str, *, now: datetime) -> None:
    """The mail server knows no such address; nothing more is sent there until a person says so."""
    await tx.execute(
        text(
            """
            UPDATE monitor.readers SET refused_at = coalesce(refused_at, :now), refusal = :why
            WHERE address = :address
            """
        ),
        {"address": address, "why": why, "now": now},
    )
