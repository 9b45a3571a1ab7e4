"""Deliveries by mail: planned, claimed, handed over, and what came of each try. docs/mail.md draws their states.

Every step from one state to the next is guarded by the state and the number of the try that it starts from, so that
whoever was overtaken changes nothing, and hands nothing over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import text

from monitor.errors import Conflict, UsageError
from monitor.model import DeliveryState, Edition, Language, Notice, Reader, Severity, Window
from monitor.store import editions
from monitor.store.database import Transaction

UNSUBSCRIBED = "the reader unsubscribed"
REFUSED = "the mail server refuses the address"
# What a person can have sent again.
ENDED = (DeliveryState.IN_DOUBT, DeliveryState.FAILED, DeliveryState.SENT, DeliveryState.KEPT)
_BROKEN_OFF = "the worker ended while it was handed over"
# How a delivery of which a later one was made for the same reader is left out of what a person must see to.
_LAST = """NOT EXISTS (SELECT FROM monitor.deliveries o WHERE o.again > d.again AND o.address = d.address
               AND o.route = d.route AND (o.window_from = d.window_from OR o.notice_id = d.notice_id))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that is ours to hand over: an edition to a reader, or a notice. `tries` counts this one.

    `token` unsubscribes the reader. `unwanted` says why a digest is not to go, `again` how often a person had it sent anew.
    """

    delivery_id: int
    address: str
    name: str
    language: Language
    message_id: str
    tries: int
    planned_at: datetime
    again: int
    token: str = ""
    unwanted: str | None = None
    edition: Edition | None = None
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailing:
    """A delivery that a person must see to: in doubt, or failed."""

    delivery_id: int
    route: str
    address: str
    state: DeliveryState
    window: Window | None
    ended_at: datetime | None
    error: str | None


def message_id_of(address: str, window: Window, again: int, *, host: str) -> str:
    """The same for the same digest to the same reader, so that a mail program knows it again; says nothing of them."""
    named = f"{address} {window.since.timestamp():.0f} {again}"
    return f"digest-{sha256(named.encode()).hexdigest()[:32]}@{host}"


# --- planned ------------------------------------------------------------------------------------------------


async def plan_digest(
    tx: Transaction,
    reader: Reader,
    window: Window,
    *,
    host: str,
    now: datetime,
    edition_id: int | None = None,
) -> bool:
    """Write that a known reader is to get the digest of a window; False where that is written already.

    Who unsubscribed, or is refused, has it written as dropped, so that nothing is made up for later.
    """
    done = await tx.execute(
        text(
            """
            INSERT INTO monitor.deliveries
                (route, address, window_from, window_until, zone, language, filter, name, edition_id,
                 state, error, ended_at, planned_at, next_at, message_id)
            SELECT 'mail', address, :since, :until, :zone, :language, :filter, :name, :edition,
                   CASE WHEN why IS NULL THEN 'planned' ELSE 'dropped' END, why,
                   CASE WHEN why IS NOT NULL THEN CAST(:now AS timestamptz) END, :now,
                   CASE WHEN why IS NULL THEN CAST(:now AS timestamptz) END, :message
            FROM (SELECT address, CASE WHEN unsubscribed_at IS NOT NULL THEN :unsubscribed
                                       WHEN refused_at IS NOT NULL THEN :refused END AS why
                  FROM monitor.readers WHERE address = :address) r
            ON CONFLICT (address, window_from, again) WHERE window_from IS NOT NULL DO NOTHING
            """
        ),
        {
            "address": reader.address,
            "since": window.since,
            "until": window.until,
            "zone": reader.zone,
            "language": reader.language.value,
            "filter": editions.filter_of(reader.narrowed),
            "name": reader.name,
            "edition": edition_id,
            "now": now,
            "message": message_id_of(reader.address, window, 0, host=host),
            "unsubscribed": UNSUBSCRIBED,
            "refused": REFUSED,
        },
    )
    return bool(done.rowcount)


async def attach(tx: Transaction, edition_id: int) -> int:
    """Give an edition to the deliveries that wait for it; gives how many."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries d SET edition_id = e.edition_id
            FROM monitor.editions e
            WHERE e.edition_id = :edition AND d.edition_id IS NULL AND d.window_from = e.window_from
              AND d.window_until = e.window_until AND d.zone = e.zone AND d.language = e.language
              AND d.filter = e.filter
            """
        ),
        {"edition": edition_id},
    )
    return done.rowcount


@dataclass(frozen=True, slots=True)
class Written:
    """A delivery as it stands."""

    delivery_id: int
    state: DeliveryState


async def latest(tx: Transaction, address: str, window: Window) -> Written | None:
    """The delivery of a window to a reader, the last one where it was sent again; None where none is written."""
    rows = await tx.execute(
        text(
            """
            SELECT delivery_id, state FROM monitor.deliveries
            WHERE address = :address AND window_from = :since ORDER BY again DESC LIMIT 1
            """
        ),
        {"address": address, "since": window.since},
    )
    row = rows.one_or_none()
    return Written(row.delivery_id, DeliveryState(row.state)) if row is not None else None


async def last_until(tx: Transaction, address: str) -> datetime | None:
    """The end of the newest window that is written for a reader."""
    found = await tx.execute(
        text("SELECT max(window_until) FROM monitor.deliveries WHERE address = :address"),
        {"address": address},
    )
    until: datetime | None = found.scalar_one()
    return until


# --- on its way ---------------------------------------------------------------------------------------------


async def recover(tx: Transaction, *, now: datetime) -> int:
    """Settle what a sender that died left: what was not handed over is planned at once, the rest is in doubt.

    Only the holder of the sending lock may call it. Gives how many are in doubt.
    """
    await tx.execute(
        text(
            """
            INSERT INTO monitor.delivery_tries (delivery_id, number, tried_at, outcome, error)
            SELECT delivery_id, tries, :now, CASE state WHEN 'handing' THEN 'in_doubt' ELSE 'broken_off' END, :why
            FROM monitor.deliveries WHERE route = 'mail' AND state IN ('sending', 'handing')
            ON CONFLICT DO NOTHING
            """
        ),
        {"now": now, "why": _BROKEN_OFF},
    )
    await tx.execute(
        text(
            "UPDATE monitor.deliveries SET state = 'planned', next_at = :now WHERE route = 'mail' AND state = 'sending'"
        ),
        {"now": now},
    )
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = 'in_doubt', next_at = NULL, ended_at = :now, error = :why
            WHERE route = 'mail' AND state = 'handing'
            """
        ),
        {"now": now, "why": _BROKEN_OFF},
    )
    return done.rowcount


async def claim(tx: Transaction, *, now: datetime) -> Claimed | None:
    """The next delivery that is due: notices first, then digests that have their edition; None if there is none."""
    row = (
        await tx.execute(
            text(
                """
                UPDATE monitor.deliveries d SET state = 'sending', tries = tries + 1, next_at = NULL
                WHERE d.delivery_id = (
                    SELECT delivery_id FROM monitor.deliveries
                    WHERE state = 'planned' AND route = 'mail' AND next_at <= :now
                      AND (edition_id IS NOT NULL OR notice_id IS NOT NULL)
                    ORDER BY notice_id IS NULL, next_at, delivery_id LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING delivery_id, address, coalesce(name, '') AS name, language, message_id, tries, planned_at,
                          again, edition_id, notice_id
                """
            ),
            {"now": now},
        )
    ).one_or_none()
    if row is None:
        return None
    common: dict[str, Any] = row._asdict()
    edition, notice = common.pop("edition_id"), common.pop("notice_id")
    common["language"] = Language(row.language)
    if notice is not None:
        return Claimed(**common, notice=await _notice(tx, notice))
    return Claimed(**common, **await _reader(tx, row.address), edition=await editions.get(tx, edition))


async def _reader(tx: Transaction, address: str) -> dict[str, Any]:
    found = await tx.execute(
        text("SELECT token FROM monitor.readers WHERE address = :address"), {"address": address}
    )
    return {"token": found.scalar_one(), "unwanted": await unwanted(tx, address)}


async def unwanted(tx: Transaction, address: str) -> str | None:
    """Why no digest is to go to a reader; None where one is, also to one who is new."""
    found = await tx.execute(
        text(
            """
            SELECT CASE WHEN unsubscribed_at IS NOT NULL THEN :unsubscribed
                        WHEN refused_at IS NOT NULL THEN :refused END
            FROM monitor.readers WHERE address = :address
            """
        ),
        {"address": address, "unsubscribed": UNSUBSCRIBED, "refused": REFUSED},
    )
    why: str | None = found.scalar_one_or_none()
    return why


async def _notice(tx: Transaction, notice_id: int) -> Notice:
    row = (
        await tx.execute(
            text("SELECT * FROM monitor.notices WHERE notice_id = :notice"), {"notice": notice_id}
        )
    ).one()
    known = row._asdict()
    return Notice(**known | {"severity": Severity(row.severity), "language": Language(row.language)})


async def handing(tx: Transaction, claimed: Claimed) -> None:
    """Write that the end is about to be handed over. Raises Conflict where the claim is no longer ours."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = 'handing'
            WHERE delivery_id = :id AND state = 'sending' AND tries = :tries
            """
        ),
        {"id": claimed.delivery_id, "tries": claimed.tries},
    )
    if not done.rowcount:
        raise Conflict(
            "a delivery is another sender's by now", "this one was overtaken", "nothing need be done"
        )


async def sent(tx: Transaction, claimed: Claimed, said: str, *, now: datetime) -> None:
    """The server took it; that is so also where somebody held it to be in doubt meanwhile."""
    await _ended(tx, claimed, DeliveryState.SENT, error=None, now=now, said=said)


async def put_off(tx: Transaction, claimed: Claimed, why: str, *, next_at: datetime, now: datetime) -> None:
    """It did not go, and is planned for a later time."""
    await _tried(tx, claimed, "temporary", why, now=now)
    await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = 'planned', next_at = :next, error = :why
            WHERE delivery_id = :id AND tries = :tries AND state IN ('sending', 'handing')
            """
        ),
        {"id": claimed.delivery_id, "tries": claimed.tries, "next": next_at, "why": why},
    )


async def fail(tx: Transaction, claimed: Claimed, why: str, *, now: datetime) -> None:
    """It did not go, and is not tried again by itself."""
    await _ended(tx, claimed, DeliveryState.FAILED, error=why, now=now)


async def doubt(tx: Transaction, claimed: Claimed, why: str, *, now: datetime) -> None:
    """It may have gone; a person alone sends it again."""
    await _ended(tx, claimed, DeliveryState.IN_DOUBT, error=why, now=now)


async def drop(tx: Transaction, claimed: Claimed, why: str, *, now: datetime) -> None:
    """It is not wanted any more."""
    await _ended(tx, claimed, DeliveryState.DROPPED, error=why, now=now)


async def _ended(
    tx: Transaction,
    claimed: Claimed,
    state: DeliveryState,
    *,
    error: str | None,
    now: datetime,
    said: str | None = None,
) -> None:
    await _tried(tx, claimed, state.value, error or said, now=now)
    await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = :state, next_at = NULL, ended_at = :now, error = :error
            WHERE delivery_id = :id AND tries = :tries AND state IN ('sending', 'handing', 'in_doubt')
            """
        ),
        {
            "id": claimed.delivery_id,
            "tries": claimed.tries,
            "state": state.value,
            "now": now,
            "error": error,
        },
    )


async def _tried(
    tx: Transaction, claimed: Claimed, outcome: str, error: str | None, *, now: datetime
) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO monitor.delivery_tries (delivery_id, number, tried_at, outcome, error)
            VALUES (:id, :number, :now, :outcome, :error) ON CONFLICT DO NOTHING
            """
        ),
        {
            "id": claimed.delivery_id,
            "number": claimed.tries,
            "now": now,
            "outcome": outcome,
            "error": error,
        },
    )


async def pause(tx: Transaction, *, until: datetime, now: datetime) -> None:
    """Let everything that is due wait, since the server takes nothing from us."""
    await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET next_at = :until
            WHERE state = 'planned' AND route = 'mail' AND next_at <= :now
            """
        ),
        {"until": until, "now": now},
    )


async def keep(tx: Transaction, *, now: datetime) -> int:
    """There is no mail server: digests are kept for the site, and what else should go by mail has failed."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET next_at = NULL, ended_at = :now,
                state = CASE WHEN notice_id IS NULL THEN 'kept' ELSE 'failed' END,
                error = CASE WHEN notice_id IS NOT NULL THEN 'MONITOR_SMTP_HOST is not set' END
            WHERE state = 'planned' AND route = 'mail' AND (edition_id IS NOT NULL OR notice_id IS NOT NULL)
            """
        ),
        {"now": now},
    )
    return done.rowcount


# --- for a person to see to ---------------------------------------------------------------------------------


async def ailing(tx: Transaction) -> Sequence[Ailing]:
    """What is in doubt, and what failed, the newest first; what was sent anew since is left out."""
    rows = await tx.execute(
        text(
            f"""
            SELECT delivery_id, route, address, state, window_from, window_until, ended_at, error
            FROM monitor.deliveries d
            WHERE state IN ('in_doubt', 'failed') AND {_LAST}
            ORDER BY state = 'failed', ended_at DESC, delivery_id DESC
            """  # noqa: S608 - constants
        )
    )
    return [
        Ailing(
            delivery_id=row.delivery_id,
            route=row.route,
            address=row.address,
            state=DeliveryState(row.state),
            window=Window(row.window_from, row.window_until) if row.window_from else None,
            ended_at=row.ended_at,
            error=row.error,
        )
        for row in rows
    ]


class LastDay(NamedTuple):
    """How the digests of the newest day of windows went: to how many, of how many that were to get one, and when."""

    sent: int
    kept: int
    planned: int
    sent_at: datetime | None


async def last_day(tx: Transaction) -> LastDay:
    """How the newest digests went; those that were not wanted any more are not counted."""
    # Asked for first, since the planner, which does not know it beforehand, would read all that were ever sent.
    newest = await tx.execute(text("SELECT max(window_until) FROM monitor.editions"))
    found = await tx.execute(
        text(
            """
            SELECT count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FILTER (WHERE state = 'kept') AS kept,
                   count(*) AS planned, max(ended_at) FILTER (WHERE state = 'sent') AS sent_at
            FROM monitor.deliveries d
            WHERE window_from IS NOT NULL AND state <> 'dropped'
              AND NOT EXISTS (SELECT FROM monitor.deliveries o
                              WHERE o.address = d.address AND o.window_from = d.window_from AND o.again > d.again)
              AND window_until > CAST(:newest AS timestamptz) - interval '1 day'
            """
        ),
        {"newest": newest.scalar_one()},
    )
    return LastDay(*found.one())


async def resend(tx: Transaction, delivery_id: int, *, now: datetime) -> int:
    """Plan a digest or a notice anew for the same person, as somebody decided; gives the number of the new delivery.

    Raises UsageError where there is no such delivery, where it is still on its way, or where the reader gets no more.
    """
    row = await _one(tx, delivery_id)
    if row.state not in ENDED:
        raise UsageError(
            f"delivery {delivery_id} is {row.state.replace('_', ' ')}",
            "only one that came to an end is sent again",
            "monitor digest doubt lists what there is to see to",
        )
    if row.notice_id is None and await unwanted(tx, row.address):
        raise UsageError(
            f"{row.address} gets no digest",
            "they unsubscribed, or the mail server refuses the address",
            f"monitor digest resubscribe {row.address}, if they want it",
        )
    made = await tx.execute(
        text(
            """
            INSERT INTO monitor.deliveries
                (route, address, window_from, window_until, zone, language, filter, name, edition_id, notice_id,
                 again, state, planned_at, next_at, message_id)
            SELECT route, address, window_from, window_until, zone, language, filter, name, edition_id, notice_id,
                   again + 1, 'planned', :now, :now,
                   regexp_replace(message_id, '(\\.again[0-9]+)?@', '.again' || (again + 1) || '@')
            FROM monitor.deliveries WHERE delivery_id = :id
            ON CONFLICT DO NOTHING RETURNING delivery_id
            """
        ),
        {"id": delivery_id, "now": now},
    )
    fresh = made.scalar_one_or_none()
    if fresh is None:
        raise UsageError(
            f"delivery {delivery_id} was sent again already",
            "each is sent again once, and then the new one",
            "monitor digest doubt lists what there is to see to",
        )
    return int(fresh)


async def settle(tx: Transaction, delivery_id: int, *, taken: bool, now: datetime) -> None:
    """Write what a person found out of a delivery in doubt: it arrived, or it did not. Raises UsageError for another."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = :state, ended_at = :now
            WHERE delivery_id = :id AND state = 'in_doubt'
            """
        ),
        {"id": delivery_id, "now": now, "state": "sent" if taken else "failed"},
    )
    if not done.rowcount:
        row = await _one(tx, delivery_id)
        raise UsageError(
            f"delivery {delivery_id} is {row.state.replace('_', ' ')}",
            "only what is in doubt can be settled",
            "monitor digest doubt lists what there is to see to",
        )


async def leave(tx: Transaction, delivery_id: int, *, now: datetime) -> None:
    """Write that one in doubt or failed is not wanted any more, as somebody decided. Raises UsageError for another."""
    done = await tx.execute(
        text(
            """
            UPDATE monitor.deliveries SET state = 'dropped', ended_at = :now
            WHERE delivery_id = :id AND state IN ('in_doubt', 'failed')
            """
        ),
        {"id": delivery_id, "now": now},
    )
    if not done.rowcount:
        row = await _one(tx, delivery_id)
        raise UsageError(
            f"delivery {delivery_id} is {row.state.replace('_', ' ')}",
            "only what is in doubt or failed can be dropped",
            "monitor digest doubt lists what there is to see to",
        )


async def _one(tx: Transaction, delivery_id: int) -> Any:
    found = await tx.execute(
        text("SELECT state, address, notice_id FROM monitor.deliveries WHERE delivery_id = :id FOR UPDATE"),
        {"id": delivery_id},
    )
    row = found.one_or_none()
    if row is None:
        raise UsageError(
            f"there is no delivery {delivery_id}",
            "no such number was given",
            "monitor digest doubt lists them",
        )
    return row
