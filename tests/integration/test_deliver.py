"""Deliveries through a real database to a real mail server: each once, or in doubt and shown; also when the sender dies."""

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor import alert
from monitor.alert import Sender
from monitor.deliver import deliver
from monitor.errors import (
    AddressRefused,
    Conflict,
    MailError,
    MailInDoubt,
    MailPutOff,
    MailRefused,
    ServerAils,
    UsageError,
)
from monitor.model import EVERYTHING, DeliveryState, Person, Reader, Window
from monitor.store import deliveries, editions, readers, working
from monitor.store.database import SENDER_LOCK, Database, Transaction
from tests.acceptance.helpers import ROOT
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.mailing import ANN, HOST, OLYA, UNTIL, WINDOW, outcomes, planned, rows, states
from tests.integration.post import (
    BODY,
    CLOSE,
    DOT,
    GREETING,
    HANG,
    MAIL_FROM,
    RCPT,
    TAKE_AND_CLOSE,
    TAKE_AND_HANG,
    keys,
    office,
    options,
    rude,
)
from tests.integration.test_mail import MANNERS


@pytest.fixture
def clock() -> Clock:
    return Clock(UNTIL)


async def test_each_reader_gets_it_once_under_the_id_that_was_written_down(
    database: Database, clock: Clock
) -> None:
    assert await planned(database, OLYA, ANN) == [True, True]
    assert await planned(database, OLYA, ANN) == [False, False]
    async with office() as post:
        for _ in range(3):
            await deliver(database, options(post.port), now=clock)
        assert post.connections == 1
    assert {got.recipient for got in post.got} == {OLYA.address, ANN.address}
    assert sorted(keys(post.got)) == sorted(f"<{row.message_id}>" for row in await rows(database))
    assert await states(database) == ["sent", "sent"]
    assert await outcomes(database) == ["sent", "sent"]
    token = (await ask(database, "SELECT token FROM monitor.readers WHERE address = 'olya@r.example'"))[
        0
    ].token
    assert len(token) == 22
    assert token.encode() in post.got[0].raw


@pytest.mark.parametrize(("minutes", "late"), [(30, False), (31, True)])
async def test_one_that_is_late_says_so(database: Database, clock: Clock, minutes: int, late: bool) -> None:
    await planned(database, ANN)
    clock.forward(minutes=minutes)
    async with office() as post:
        await deliver(database, options(post.port), now=clock)
    body = post.got[0].message.get_body(("plain",))
    assert body is not None
    assert ("comes late" in body.as_string()) == late


async def test_one_without_its_edition_waits_for_it(database: Database, clock: Clock) -> None:
    await planned(database, OLYA)
    (number,) = {row.edition_id for row in await rows(database)}
    async with database.transaction() as tx:
        await readers.known(tx, "b@r.example", now=UNTIL)
        reader = replace(OLYA, address="b@r.example")
        assert await deliveries.plan_digest(tx, reader, WINDOW, host=HOST, now=UNTIL)
    async with office() as post:
        await deliver(database, options(post.port), now=clock)
        assert await states(database) == ["sent", "planned"]
        async with database.transaction() as tx:
            assert await deliveries.attach(tx, number) == 1
            assert await deliveries.last_until(tx, "b@r.example") == UNTIL
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["sent", "sent"]


async def test_what_is_not_taken_now_is_tried_ever_less_often_and_has_failed_after_two_days(
    database: Database, clock: Clock
) -> None:
    await planned(database, ANN)
    waited = []
    async with rude(*[(RCPT, "451 4.7.1 later")] * 100) as post:
        while (await states(database)) == ["planned"]:
            (row,) = await rows(database)
            waited.append(row.next_at - clock.at)
            clock.at = row.next_at
            await deliver(database, options(post.port), now=clock)
    assert [wait / timedelta(minutes=1) for wait in waited[:7]] == [0, 1, 5, 15, 60, 120, 120]
    assert timedelta(hours=48) <= clock.at - UNTIL <= timedelta(hours=50)
    assert await states(database) == ["failed"]
    assert post.got == []
    assert "451 4.7.1 later" in (await rows(database))[0].error
    assert set(await outcomes(database)) == {"temporary", "failed"}


async def test_a_server_that_ails_is_asked_once_and_everything_waits(
    database: Database, clock: Clock
) -> None:
    everybody = [replace(ANN, address=f"r{n}@r.example") for n in range(5)]
    await planned(database, *everybody)
    async with rude((GREETING, "421 later"), (MAIL_FROM, "530 log in first")) as post:
        for _ in range(3):
            await deliver(database, options(post.port), now=clock)
        assert post.connections == 1
        clock.forward(minutes=1)
        await deliver(database, options(post.port), now=clock)
        assert post.connections == 2
        clock.forward(minutes=5)
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["sent"] * 5
    assert len(set(keys(post.got))) == len(post.got) == 5


async def test_a_refused_message_has_failed_and_a_refused_address_gets_no_more(
    database: Database, clock: Clock
) -> None:
    await planned(database, ANN, OLYA)
    tomorrow = Window(UNTIL, UNTIL + timedelta(days=1))
    async with rude((DOT, "554 5.6.0 spam"), (RCPT, "550 5.1.1 no such user")) as post:
        await deliver(database, options(post.port), now=clock)
        assert await states(database) == ["failed", "failed"]
        clock.forward(days=1)
        await planned(database, ANN, OLYA, window=tomorrow, now=clock.at)
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["failed", "failed", "sent", "dropped"]
    async with database.transaction() as tx:
        (away,) = await readers.away(tx)
        assert (away.address, away.refusal) == (OLYA.address, "the server answered 550 5.1.1 no such user")
        assert await readers.resubscribe(tx, OLYA.address)
        assert not await readers.resubscribe(tx, OLYA.address)
        assert await readers.away(tx) == []


STATES = {
    ServerAils: ("planned", "temporary"),
    MailPutOff: ("planned", "temporary"),
    MailInDoubt: ("in_doubt", "in_doubt"),
    MailRefused: ("failed", "failed"),
    AddressRefused: ("failed", "failed"),
}


# A digest is too small for the connection to break in its midst.
@pytest.mark.parametrize("case", [case for case in MANNERS if case[0] != BODY])
async def test_whatever_a_server_does_is_on_record_and_tried_again_only_if_it_did_not_go(
    database: Database, clock: Clock, case: tuple[str, str, type[MailError], int]
) -> None:
    stage, manner, error, _ = case
    state, outcome = STATES[error]
    await planned(database, ANN)
    async with rude((stage, manner)) as post:
        await deliver(database, options(post.port, timeout=0.3), now=clock)
        assert (await states(database), await outcomes(database)) == ([state], [outcome])
        clock.forward(hours=1)
        before, again = len(post.got), state == "planned"
        await deliver(database, options(post.port), now=clock)
    assert len(post.got) == before + again
    assert await states(database) == ["sent" if again else state]


@pytest.mark.parametrize("said", ["553 5.1.8 sender address rejected", "530 5.7.0 log in first"])
async def test_what_a_server_has_against_us_is_not_held_against_readers_where_it_says_so_at_their_address(
    database: Database, clock: Clock, said: str
) -> None:
    await planned(database, ANN, OLYA)
    async with rude(*[(RCPT, said)] * 2) as post:
        for _ in range(2):
            await deliver(database, options(post.port), now=clock)
            assert await states(database) == ["planned", "planned"]
            clock.forward(minutes=5)
        clock.forward(minutes=5)
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["sent", "sent"]


async def test_a_refusal_that_may_mean_us_is_held_against_an_address_only_where_others_are_taken(
    database: Database, clock: Clock
) -> None:
    await planned(database, ANN, OLYA)
    async with rude(*[(RCPT, "550 relay not permitted")] * 2) as post:
        await deliver(database, options(post.port), now=clock)
        async with database.transaction() as tx:
            assert await readers.away(tx) == []
        assert await states(database) == ["failed", "failed"]
        clock.forward(days=1)
        await planned(database, ANN, OLYA, window=Window(UNTIL, UNTIL + timedelta(days=1)), now=clock.at)
        post.manners.append((RCPT, "550 unrouteable address"))
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["failed", "failed", "failed", "sent"]
    async with database.transaction() as tx:
        assert [one.address for one in await readers.away(tx)] == [ANN.address]


@pytest.mark.parametrize(
    ("manner", "taken"), [(CLOSE, 0), (HANG, 0), (TAKE_AND_CLOSE, 1), (TAKE_AND_HANG, 1)]
)
async def test_what_is_in_doubt_is_sent_again_by_a_person_alone(
    database: Database, clock: Clock, manner: str, taken: int
) -> None:
    await planned(database, ANN)
    async with rude((DOT, manner)) as post:
        for _ in range(5):
            await deliver(database, options(post.port, timeout=0.3), now=clock)
            clock.forward(hours=13)
        assert len(post.got) == taken
        async with database.transaction() as tx:
            (one,) = await deliveries.ailing(tx)
            assert (one.address, one.state, one.window) == (ANN.address, DeliveryState.IN_DOUBT, WINDOW)
            again = await deliveries.resend(tx, one.delivery_id, now=clock())
            assert await deliveries.ailing(tx) == []
            with pytest.raises(UsageError, match="again already"):
                await deliveries.resend(tx, one.delivery_id, now=clock())
        await deliver(database, options(post.port), now=clock)
        assert len(post.got) == taken + 1
    assert await states(database) == ["in_doubt", "sent"]
    assert post.got[-1].key == f"<{(await rows(database))[1].message_id}>"
    async with database.transaction() as tx:
        third = await deliveries.resend(tx, again, now=clock())
    assert len({row.message_id for row in await rows(database)}) == 3
    assert third > again


@pytest.mark.parametrize(("taken", "state"), [(True, "sent"), (False, "failed")])
async def test_a_person_can_say_that_it_came(
    database: Database, clock: Clock, taken: bool, state: str
) -> None:
    await planned(database, ANN)
    async with rude((DOT, CLOSE)) as post:
        await deliver(database, options(post.port), now=clock)
    number = (await rows(database))[0].delivery_id
    async with database.transaction() as tx:
        await deliveries.settle(tx, number, taken=taken, now=clock())
        with pytest.raises(UsageError):
            await deliveries.settle(tx, number, taken=taken, now=clock())
        with pytest.raises(UsageError, match="no delivery 999"):
            await deliveries.resend(tx, 999, now=clock())
    assert await states(database) == [state]


async def test_a_person_can_let_be_what_failed_or_is_in_doubt_and_is_shown_it_no_more(
    database: Database, clock: Clock
) -> None:
    await planned(database, ANN, OLYA)
    clock.forward(hours=1)
    async with rude((DOT, CLOSE), (RCPT, "550 5.1.1 no such user")) as post:
        await deliver(database, options(post.port), now=clock)
        async with database.transaction() as tx:
            (told,) = await working.digests(tx, now=clock())
            assert (told.in_doubt, told.failed) == (1, 1)
            for one in await deliveries.ailing(tx):
                await deliveries.leave(tx, one.delivery_id, now=clock())
                with pytest.raises(UsageError, match="is dropped"):
                    await deliveries.leave(tx, one.delivery_id, now=clock())
            assert await deliveries.ailing(tx) == []
            assert await working.digests(tx, now=clock()) == []
        await deliver(database, options(post.port), now=clock)
    assert post.got == []
    assert await states(database) == ["dropped", "dropped"]


async def test_how_the_newest_digests_went_is_told(database: Database, clock: Clock) -> None:
    async with database.transaction() as tx:
        assert await deliveries.last_day(tx) == (0, 0, 0, None)
    bob = replace(ANN, address="bob@r.example", zone="Asia/Kathmandu")
    async with rude((DOT, CLOSE)) as post:
        for day in range(2):
            window = Window(WINDOW.since + timedelta(days=day), UNTIL + timedelta(days=day))
            earlier = Window(*(at - timedelta(hours=5) for at in window))
            await planned(database, ANN, OLYA, window=window, now=clock.at)
            await planned(database, bob, window=earlier, now=clock.at)
            await deliver(database, options(post.port), now=clock)
            async with database.transaction() as tx:
                assert await deliveries.last_day(tx) == (2 + day, 0, 3, clock.at)
            clock.forward(days=1)
        await ask(
            database, "UPDATE monitor.deliveries SET state = 'dropped' WHERE address LIKE 'ann%' RETURNING 1"
        )
        async with database.transaction() as tx:
            assert (await deliveries.last_day(tx)).planned == 2


async def test_who_unsubscribed_meanwhile_gets_nothing_and_nothing_is_made_up_for_later(
    database: Database, clock: Clock
) -> None:
    await planned(database, ANN)
    async with database.transaction() as tx:
        known = await readers.known(tx, ANN.address, now=clock())
        assert not await readers.unsubscribe(tx, known.token + "x", now=clock())
        assert await readers.unsubscribe(tx, known.token, now=clock())
        assert await readers.unsubscribe(tx, known.token, now=clock.forward(hours=1))
        found = await readers.of_token(tx, known.token)
    assert found is not None
    assert found.unsubscribed_at == UNTIL
    async with office() as post:
        await deliver(database, options(post.port), now=clock)
        await planned(database, ANN, window=Window(UNTIL, UNTIL + timedelta(days=1)), now=clock())
        await deliver(database, options(post.port), now=clock)
    assert post.got == []
    assert await states(database) == ["dropped", "dropped"]


async def test_without_a_mail_server_digests_are_kept(database: Database, clock: Clock) -> None:
    await planned(database, ANN, OLYA)
    assert (await deliver(database, None, now=clock)).kept == 2
    assert (await deliver(database, None, now=clock)).kept == 0
    assert await states(database) == ["kept", "kept"]


async def test_an_alert_goes_before_digests_and_other_routes_are_left_alone(
    database: Database, clock: Clock
) -> None:
    await planned(database, ANN)
    lead = Person(name="Lead", address="lead@m.example", routes=("mail", "hook"))
    await alert.test(database, [lead], now=clock(), sender=Sender("m.example"))
    async with office() as post:
        await deliver(database, options(post.port), now=clock)
    assert [got.recipient for got in post.got] == ["lead@m.example", ANN.address]
    assert post.got[0].message.get_content_type() == "text/plain"
    assert Counter(await states(database)) == {"sent": 2, "planned": 1}


async def test_an_alert_that_did_not_go_for_an_hour_has_failed(database: Database, clock: Clock) -> None:
    lead = Person(name="Lead", address="lead@m.example", routes=("mail",))
    await alert.test(database, [lead], now=clock(), sender=Sender("m.example"))
    async with rude(*[(RCPT, "550 5.1.1 no"), (RCPT, "451 later")]) as post:
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["failed"]
    assert await ask(database, "SELECT 1 FROM monitor.readers") == []
    await alert.test(database, [lead], now=clock(), sender=Sender("m.example"))
    async with rude(*[(RCPT, "451 later")] * 50) as post:
        for _ in range(14):
            await deliver(database, options(post.port), now=clock)
            clock.forward(minutes=5)
    assert await states(database) == ["failed", "failed"]


LOOKS: dict[str, Callable[[Transaction], Awaitable[object]]] = {
    "the windows of which a digest did not go": lambda tx: working.digests(tx, now=UNTIL + timedelta(days=1)),
    "the routes that do not go": working.routes,
    "the newest day": deliveries.last_day,
    "the newest editions": lambda tx: editions.listed(tx, limit=5),
    "what is awaited": lambda tx: editions.awaited(tx, ended_by=UNTIL),
    "who waits for an edition": lambda tx: deliveries.attach(tx, 7),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_a_look_reads_no_more_as_the_years_go_by(database: Database, look: str) -> None:
    people = [Person(name="Ann", routes=("hook",))]
    await alert.test(database, people, now=UNTIL, sender=Sender())
    await ask(
        database,
        """
        WITH made AS (
            INSERT INTO monitor.editions (window_from, window_until, zone, language, filter, composed_at, subject,
                                          html, body, page, counts, sha256)
            SELECT at - interval '1 day', at, 'UTC', 'en', :filter, at, 's', '', '', '', '{}', ''
            FROM (SELECT CAST(:until AS timestamptz) - make_interval(days => n) AS at
                  FROM generate_series(0, 499) n) days
            RETURNING edition_id, window_from, window_until),
        told AS (
            INSERT INTO monitor.deliveries (route, address, language, notice_id, again, state, planned_at, ended_at,
                                            message_id)
            SELECT 'hook', 'Ann', 'en', notice_id, n, CASE n WHEN 5000 THEN 'failed' ELSE 'sent' END, made_at,
                   made_at + make_interval(secs => n), 'n' || n
            FROM monitor.notices CROSS JOIN generate_series(1, 5000) n)
        INSERT INTO monitor.deliveries (route, address, window_from, window_until, zone, language, filter, edition_id,
                                        state, planned_at, ended_at, message_id)
        SELECT 'mail', r::text, window_from, window_until, 'UTC', 'en', :filter, edition_id, 'sent', window_until,
               window_until, 'd' || edition_id || '.' || r
        FROM made CROSS JOIN generate_series(1, 20) r RETURNING 1
        """,
        until=UNTIL,
        filter=editions.filter_of(EVERYTHING),
    )
    async with database.transaction() as tx:
        await tx.execute(text("ANALYZE monitor.deliveries, monitor.editions"))
    async with database.transaction() as tx:
        before = await _read(tx)
        await LOOKS[look](tx)
        assert await _read(tx) - before < 500


async def _read(tx: Transaction) -> int:
    """How many rows of deliveries and editions this transaction has read."""
    found = await tx.execute(
        text(
            """
            SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
            WHERE schemaname = 'monitor' AND relname IN ('deliveries', 'editions')
            """
        )
    )
    return int(found.scalar_one())


async def test_two_senders_at_once_are_one(database: Database, clock: Clock) -> None:
    await planned(database, *(replace(ANN, address=f"r{n}@r.example") for n in range(20)))
    async with office() as post:
        await asyncio.gather(*(deliver(database, options(post.port), now=clock) for _ in range(4)))
        await deliver(database, options(post.port), now=clock)
    assert len(set(keys(post.got))) == len(post.got) == 20
    async with database.only_one(SENDER_LOCK) as alone:
        assert alone


async def test_a_sender_that_was_overtaken_hands_nothing_over(database: Database, clock: Clock) -> None:
    await planned(database, ANN)
    async with database.transaction() as tx:
        first = await deliveries.claim(tx, now=clock())
        assert await deliveries.recover(tx, now=clock()) == 0
        second = await deliveries.claim(tx, now=clock())
        assert first is not None
        assert second is not None
        with pytest.raises(Conflict):
            await deliveries.handing(tx, first)
        await deliveries.put_off(tx, first, "late", next_at=clock(), now=clock())
        await deliveries.handing(tx, second)
        assert await deliveries.recover(tx, now=clock()) == 1
    assert await states(database) == ["in_doubt"]
    async with database.transaction() as tx:
        # It was alive after all, and the server took it.
        await deliveries.sent(tx, second, "250 ok", now=clock())
    assert await states(database) == ["sent"]
    assert await outcomes(database) == ["broken_off", "in_doubt"]


async def test_a_letter_that_cannot_be_written_holds_up_no_other(database: Database, clock: Clock) -> None:
    await planned(database, replace(ANN, address="no address at all"), OLYA)
    async with office() as post:
        await deliver(database, options(post.port), now=clock)
    assert await states(database) == ["planned", "sent"]
    assert "a fault of ours" in (await rows(database))[0].error


SENDING = """
import asyncio, sys
from datetime import datetime
from monitor.deliver import deliver
from monitor.store.database import Database
from tests.integration.post import options

async def main(url, port, at):
    async with Database(url) as database:
        print("ready", flush=True)
        while True:
            await deliver(database, options(int(port)), now=lambda: datetime.fromisoformat(at))
            await asyncio.sleep(0.01)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_killed_at_any_moment_each_message_arrives_once_or_is_in_doubt(
    database: Database, url: str
) -> None:
    """The server takes its time over an answer, so that many kills fall between the end of a message and that."""
    everybody = [Reader(address=f"r{n}@r.example") for n in range(120)]
    await planned(database, *everybody)
    chance = random.Random(7)
    async with rude() as post:
        kills, post.slow = 0, 0.01
        while set(await states(database)) & {"planned", "sending", "handing"}:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                SENDING,
                url,
                str(post.port),
                UNTIL.isoformat(),
                cwd=ROOT,
                stdout=subprocess.PIPE,
            )
            assert process.stdout is not None
            assert await asyncio.wait_for(process.stdout.readline(), 30) == b"ready\n"
            await asyncio.sleep(0.03 + chance.random() * 0.12 if kills < 8 else 3)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            kills += 1
            assert kills < 20
    counted = Counter(keys(post.got))
    assert set(counted.values()) == {1}
    by_state = {row.state: set[str]() for row in await rows(database)}
    for row in await rows(database):
        by_state[row.state].add(f"<{row.message_id}>")
    assert set(by_state) <= {"sent", "in_doubt"}
    assert by_state["sent"] <= set(counted)
    assert set(counted) - by_state["sent"] <= by_state.get("in_doubt", set())
    async with database.transaction() as tx:
        shown = await deliveries.ailing(tx)
    assert 0 < len(shown) == len(everybody) - len(by_state["sent"])
