"""Who is logged in, and who failed to. A session is known by the SHA-256 of its token, so that a dump opens none.

A session ends twelve hours after it was last used, and seven days after it began. A login counts as failed from
the moment it is tried until it succeeds, so that tries side by side are counted as well. Names and addresses of
failed logins are kept as hashes, for a quarter of an hour.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import text

from monitor.model import User
from monitor.store.database import Transaction
from monitor.store.users import COLUMNS, user_of

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
# Each page would write a row otherwise.
_NOTED_EVERY = timedelta(minutes=1)

WINDOW = timedelta(minutes=15)
FAILURES_OF_NAME = 5
FAILURES_OF_ADDRESS = 20
_TRYING = 0x7E23

_FIND = text(
    f"""
    SELECT {COLUMNS}, s.used_at
    FROM monitor.sessions s JOIN monitor.users u USING (user_id)
    WHERE s.token_sha256 = :token AND u.disabled_at IS NULL AND s.used_at > :idle AND s.created_at > :oldest
    """  # noqa: S608
)


def _hash(words: str) -> bytes:
    return sha256(words.encode()).digest()


async def begin(tx: Transaction, user_id: int, *, now: datetime) -> str:
    """Begin a session; gives its token, which nobody can get again."""
    token = secrets.token_urlsafe(32)
    statement = "INSERT INTO monitor.sessions (token_sha256, user_id, created_at, used_at) VALUES (:token, :user, :now, :now)"
    await tx.execute(text(statement), {"token": _hash(token), "user": user_id, "now": now})
    return token


async def find(tx: Transaction, token: str, *, now: datetime) -> User | None:
    """Whose session a token is; None where it is over, or the user disabled. Notes that it was used."""
    values = {"token": _hash(token), "idle": now - IDLE, "oldest": now - LONGEST}
    row = (await tx.execute(_FIND, values)).first()
    if row is None:
        return None
    if now - row.used_at >= _NOTED_EVERY:
        statement = (
            "UPDATE monitor.sessions SET used_at = greatest(used_at, :now) WHERE token_sha256 = :token"
        )
        await tx.execute(text(statement), {"token": values["token"], "now": now})
    return user_of(row)


async def end(tx: Transaction, token: str) -> None:
    """End one session, if it is there."""
    statement = "DELETE FROM monitor.sessions WHERE token_sha256 = :token"
    await tx.execute(text(statement), {"token": _hash(token)})


async def end_all(tx: Transaction, user_id: int, *, but: str | None = None) -> int:
    """End all sessions of a user, but for that of one token. Gives how many there were."""
    statement = "DELETE FROM monitor.sessions WHERE user_id = :user AND token_sha256 <> :but"
    return (await tx.execute(text(statement), {"user": user_id, "but": _hash(but or "")})).rowcount


class Try(NamedTuple):
    """A login being tried: the failures that it counts as until it succeeds, or when the next may be."""

    failures: Sequence[int] = ()
    wait_until: datetime | None = None


async def try_login(tx: Transaction, *, name: str, address: str, now: datetime) -> Try:
    """Count a login against its name and its address, unless either has failed too often."""
    # Two at once would both count the failures before either was written.
    await tx.execute(text("SELECT pg_advisory_xact_lock(:a, 0)"), {"a": _TRYING})
    subjects = (
        (_hash(f"name {name.lower()}"), FAILURES_OF_NAME),
        (_hash(f"address {address}"), FAILURES_OF_ADDRESS),
    )
    waits = [await _wait(tx, subject, limit, now=now) for subject, limit in subjects]
    if any(waits):
        return Try(wait_until=max(wait for wait in waits if wait))
    rows = await tx.execute(
        text(
            """
            INSERT INTO monitor.login_failures (subject_sha256, failed_at)
            SELECT unnest(CAST(:subjects AS bytea[])), :now RETURNING failure_id
            """
        ),
        {"subjects": [subject for subject, _ in subjects], "now": now},
    )
    return Try(failures=rows.scalars().all())


async def _wait(tx: Transaction, subject: bytes, limit: int, *, now: datetime) -> datetime | None:
    """When a subject that failed as often as it may can try again; None for now."""
    rows = await tx.execute(
        text(
            """
            SELECT failed_at FROM monitor.login_failures WHERE subject_sha256 = :subject AND failed_at > :since
            ORDER BY failed_at DESC OFFSET :limit - 1 LIMIT 1
            """
        ),
        {"subject": subject, "since": now - WINDOW, "limit": limit},
    )
    failed_at = rows.scalar_one_or_none()
    return failed_at + WINDOW if failed_at else None


async def succeeded(tx: Transaction, tried: Try) -> None:
    """Take a try back that was none of a stranger's; the failures before it stay counted."""
    statement = "DELETE FROM monitor.login_failures WHERE failure_id = ANY(:ids)"
    await tx.execute(text(statement), {"ids": list(tried.failures)})


async def clear_old(tx: Transaction, *, now: datetime) -> None:
    """Remove sessions that are over, and failures that count no more."""
    over = "DELETE FROM monitor.sessions WHERE used_at <= :idle OR created_at <= :oldest"
    await tx.execute(text(over), {"idle": now - IDLE, "oldest": now - LONGEST})
    statement = "DELETE FROM monitor.login_failures WHERE failed_at <= :since"
    await tx.execute(text(statement), {"since": now - WINDOW})
