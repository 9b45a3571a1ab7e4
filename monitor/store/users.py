"""Users of the review site. A password's hash leaves the store only where a password is to be checked."""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import Row, text

from monitor.errors import UsageError
from monitor.model import Language, Role, User
from monitor.store.database import Transaction

FEED_TOKEN_BYTES = 16
COLUMNS = "u.user_id, u.name, u.role, u.language, u.keys, u.created_at, u.disabled_at"


def user_of(row: Row[Any]) -> User:
    """The user in a row of `COLUMNS`."""
    return User(
        user_id=row.user_id,
        name=row.name,
        role=Role(row.role),
        language=Language(row.language),
        keys=row.keys,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


async def add(
    tx: Transaction, name: str, *, role: Role, password: str, language: Language, now: datetime
) -> User:
    """Add a user; `password` is a hash. Raises UsageError where the name is taken, in whatever case."""
    rows = await tx.execute(
        text(
            f"""
            INSERT INTO monitor.users AS u (name, role, password, language, created_at)
            VALUES (:name, :role, :password, :language, :now)
            ON CONFLICT DO NOTHING RETURNING {COLUMNS}
            """  # noqa: S608
        ),
        {"name": name, "role": role.value, "password": password, "language": language.value, "now": now},
    )
    row = rows.first()
    if row is None:
        raise UsageError(
            f"there is a user {name} already",
            "names are equal without regard to case, and a disabled user keeps the name",
            "see `monitor user list`",
        )
    return user_of(row)


async def find(tx: Transaction, name: str) -> User | None:
    """The user of a name, in whatever case; disabled ones too."""
    statement = f"SELECT {COLUMNS} FROM monitor.users u WHERE lower(u.name) = lower(:name)"  # noqa: S608
    row = (await tx.execute(text(statement), {"name": name})).first()
    return user_of(row) if row else None


async def every(tx: Transaction) -> Sequence[User]:
    """All users, disabled ones last."""
    statement = f"SELECT {COLUMNS} FROM monitor.users u ORDER BY u.disabled_at NULLS FIRST, lower(u.name)"  # noqa: S608
    return [user_of(row) for row in await tx.execute(text(statement))]


async def password_of(tx: Transaction, user_id: int) -> str | None:
    """The hash of a user's password; None where the user is disabled."""
    statement = "SELECT password FROM monitor.users WHERE user_id = :user AND disabled_at IS NULL"
    return (await tx.execute(text(statement), {"user": user_id})).scalar_one_or_none()


async def set_password(
    tx: Transaction, user_id: int, password: str, *, instead_of: str | None = None
) -> bool:
    """Keep another hash; with `instead_of` only if that one still stands. Gives whether it was kept."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.users SET password = :password
            WHERE user_id = :user AND password = coalesce(CAST(:before AS text), password)
            """
        ),
        {"user": user_id, "password": password, "before": instead_of},
    )
    return done.rowcount == 1


async def prefer(
    tx: Transaction, user_id: int, *, language: Language | None = None, keys: bool | None = None
) -> None:
    """Keep how a user wants the pages; None leaves a thing as it is."""
    await tx.execute(
        text(
            """
            UPDATE monitor.users SET language = coalesce(CAST(:language AS text), language),
                                     keys = coalesce(CAST(:keys AS boolean), keys)
            WHERE user_id = :user
            """
        ),
        {"user": user_id, "language": language.value if language else None, "keys": keys},
    )


async def enable(tx: Transaction, user_id: int) -> None:
    """Let a user in again, who must sign in anew."""
    await tx.execute(
        text("UPDATE monitor.users SET disabled_at = NULL WHERE user_id = :user"), {"user": user_id}
    )


async def set_role(tx: Transaction, user_id: int, role: Role) -> None:
    """Give a user another role, from the next page on."""
    statement = "UPDATE monitor.users SET role = :role WHERE user_id = :user"
    await tx.execute(text(statement), {"user": user_id, "role": role.value})


async def disable(tx: Transaction, user_id: int, *, now: datetime) -> None:
    """Shut a user out, from the next page on; what the user decided stays."""
    statement = "UPDATE monitor.users SET disabled_at = coalesce(disabled_at, :now) WHERE user_id = :user"
    await tx.execute(text(statement), {"user": user_id, "now": now})
    await tx.execute(text("DELETE FROM monitor.sessions WHERE user_id = :user"), {"user": user_id})


async def feed_token(tx: Transaction, user_id: int) -> str | None:
    """What stands for a user in the addresses of feeds; None before the first was made."""
    asked = "SELECT feed_token FROM monitor.users WHERE user_id = :user"
    found: str | None = (await tx.execute(text(asked), {"user": user_id})).scalar_one_or_none()
    return found


async def new_feed_token(tx: Transaction, user_id: int) -> None:
    """Make another one; feeds under the one before are no more."""
    await tx.execute(
        text("UPDATE monitor.users SET feed_token = :token WHERE user_id = :user"),
        {"user": user_id, "token": token_urlsafe(FEED_TOKEN_BYTES)},
    )


async def of_feed(tx: Transaction, token: str) -> User | None:
    """Whose feeds these are; nobody's where the user is disabled."""
    statement = f"SELECT {COLUMNS} FROM monitor.users u WHERE u.feed_token = :token AND u.disabled_at IS NULL"  # noqa: S608
    row = (await tx.execute(text(statement), {"token": token})).first()
    return user_of(row) if row else None
