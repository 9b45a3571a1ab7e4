"""Our accounts: how each reaches its channels, what it must wait for, and whether it works.

An access hash is an account's own, and a handle costs the strictest of all limits to resolve; so both are
kept. Sessions themselves are secrets and never come here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from monitor.model import Access
from monitor.store.database import Database, Transaction

# The first of the two keys of the lock on a session; the second is taken from the session.
_SESSION_LOCK = 0x7E21


@dataclass(frozen=True, slots=True)
class AccountState:
    """How an account stands: its problem if it has one, and until when which kind of request waits."""

    name: str
    last_ok_at: datetime | None
    problem: str | None
    problem_text: str | None
    problem_since: datetime | None
    retry_at: datetime | None
    waits: tuple[tuple[str, datetime], ...] = ()


async def every(tx: Transaction, *, now: datetime) -> list[AccountState]:
    """All accounts that were ever used, those with a problem first, with the waits that are not over."""
    waits: dict[str, list[tuple[str, datetime]]] = {}
    rows = await tx.execute(
        text(
            "SELECT account, request, until FROM monitor.account_waits WHERE until > :now ORDER BY until DESC"
        ),
        {"now": now},
    )
    for row in rows:
        waits.setdefault(row.account, []).append((row.request, row.until))
    found = await tx.execute(
        text(
            """
            SELECT account, last_ok_at, problem, problem_text, problem_since, retry_at FROM monitor.accounts
            FULL JOIN (SELECT DISTINCT account FROM monitor.account_waits) waiting USING (account)
            ORDER BY problem IS NULL, account
            """
        )
    )
    return [
        AccountState(
            name=row.account,
            last_ok_at=row.last_ok_at,
            problem=row.problem,
            problem_text=row.problem_text,
            problem_since=row.problem_since,
            retry_at=row.retry_at,
            waits=tuple(waits.get(row.account, ())),
        )
        for row in found
    ]


class AccountMemory:
    """What the `telegram` source must remember between two starts; each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def only(self, session: int) -> AsyncIterator[bool]:
        """Hold a session (a 32-bit number taken from it) for the block; gives False where another process has it."""
        async with self._database.only_one((_SESSION_LOCK, session)) as alone:
            yield alone

    async def accesses(self, account: str) -> dict[int, Access]:
        """How an account reaches the channels that it has resolved, by channel id."""
        async with self._database.transaction() as tx:
            rows = await tx.execute(
                text(
                    """
                    SELECT channel_id, handle, access_hash FROM monitor.account_channels WHERE account = :account
                    """
                ),
                {"account": account},
            )
            return {row.channel_id: Access(row.channel_id, row.access_hash, row.handle) for row in rows}

    async def keep_access(self, account: str, access: Access, *, now: datetime) -> None:
        """Remember how an account reaches a channel."""
        async with self._database.transaction() as tx:
            await tx.execute(
                text(
                    """
                    INSERT INTO monitor.account_channels (account, channel_id, handle, access_hash, resolved_at)
                    VALUES (:account, :channel, :handle, :hash, :now)
                    ON CONFLICT (account, channel_id) DO UPDATE
                    SET handle = excluded.handle, access_hash = excluded.access_hash, resolved_at = excluded.resolved_at
                    """
                ),
                {
                    "account": account,
                    "channel": access.channel_id,
                    "handle": access.handle,
                    "hash": access.access_hash,
                    "now": now,
                },
            )

    async def forget_access(self, account: str, channel_id: int) -> None:
        """Forget an access that was refused."""
        async with self._database.transaction() as tx:
            await tx.execute(
                text(
                    "DELETE FROM monitor.account_channels WHERE account = :account AND channel_id = :channel"
                ),
                {"account": account, "channel": channel_id},
            )

    async def is_same(self, account: str, user_id: int) -> bool:
        """Whether a name stands for the account it stood for before; if not, what was remembered is forgotten."""
        values = {"account": account, "user": user_id}
        async with self._database.transaction() as tx:
            before = await tx.execute(
                text("SELECT user_id FROM monitor.accounts WHERE account = :account FOR UPDATE"), values
            )
            known = before.scalar_one_or_none()
            if known == user_id:
                return True
            await tx.execute(
                text(
                    """
                    INSERT INTO monitor.accounts (account, user_id) VALUES (:account, :user)
                    ON CONFLICT (account) DO UPDATE SET user_id = excluded.user_id
                    """
                ),
                values,
            )
            if known is not None:
                for table in ("account_channels", "account_waits"):
                    await tx.execute(text(f"DELETE FROM monitor.{table} WHERE account = :account"), values)  # noqa: S608
            return known is None

    async def waits(self, account: str) -> dict[str, datetime]:
        """Until when an account must not make which kind of request."""
        async with self._database.transaction() as tx:
            rows = await tx.execute(
                text("SELECT request, until FROM monitor.account_waits WHERE account = :account"),
                {"account": account},
            )
            return {row.request: row.until for row in rows}

    async def keep_wait(self, account: str, request: str, *, now: datetime, until: datetime) -> None:
        """Remember that an account must wait with a kind of request."""
        async with self._database.transaction() as tx:
            await tx.execute(
                text(
                    """
                    INSERT INTO monitor.account_waits (account, request, asked_at, until)
                    VALUES (:account, :request, :now, :until)
                    ON CONFLICT (account, request) DO UPDATE
                    SET asked_at = excluded.asked_at, until = greatest(account_waits.until, excluded.until)
                    """
                ),
                {"account": account, "request": request, "now": now, "until": until},
            )

    async def works(self, account: str, *, now: datetime) -> None:
        """Record that an account answers."""
        async with self._database.transaction() as tx:
            await tx.execute(
                text(
                    """
                    INSERT INTO monitor.accounts (account, last_ok_at) VALUES (:account, :now)
                    ON CONFLICT (account) DO UPDATE
                    SET last_ok_at = :now, problem = NULL, problem_text = NULL, problem_since = NULL, retry_at = NULL
                    """
                ),
                {"account": account, "now": now},
            )

    async def fails(
        self, account: str, *, problem: str, words: str, now: datetime, retry_at: datetime | None
    ) -> None:
        """Record what keeps an account from working, and when it is tried again; never if that is None."""
        async with self._database.transaction() as tx:
            await tx.execute(
                text(
                    """
                    INSERT INTO monitor.accounts (account, problem, problem_text, problem_since, retry_at)
                    VALUES (:account, :problem, :words, :now, :retry)
                    ON CONFLICT (account) DO UPDATE
                    SET problem = :problem, problem_text = :words, retry_at = :retry,
                        problem_since = CASE WHEN accounts.problem = :problem THEN accounts.problem_since
                                             ELSE :now END
                    """
                ),
                {"account": account, "problem": problem, "words": words, "now": now, "retry": retry_at},
            )
