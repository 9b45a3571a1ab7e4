"""What a person does about mails in doubt, at the terminal; and the worker that sends them, from the settings alone."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.deliver import deliver
from monitor.model import utc_now
from monitor.store import readers
from monitor.store.database import SENDER_LOCK, Database
from tests.acceptance.helpers import ROOT
from tests.acceptance.test_commands import Home, pages
from tests.integration.mailing import ANN, OLYA, UNTIL, planned, rows, states
from tests.integration.post import CLOSE, DOT, RCPT, SENDER, Office, office, options, rude

__all__ = ["pages"]


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str) -> Home:
    return Home(tmp_path, url, pages)


async def run(home: Home, *arguments: str, code: int = 0) -> str:
    return await asyncio.to_thread(home.run, *arguments, code=code)


async def test_what_is_in_doubt_or_refused_is_seen_and_mended(database: Database, home: Home) -> None:
    assert "nothing is in doubt" in await run(home, "digest", "doubt")
    await planned(database, ANN, OLYA)
    async with rude((DOT, CLOSE), (RCPT, "550 5.1.1 no such user")) as post:
        await deliver(database, options(post.port), now=lambda: UNTIL)
    first, second = (str(row.delivery_id) for row in await rows(database))
    told = await run(home, "digest", "doubt")
    assert f"? {first}" in told
    assert "in doubt  digest until 2024-08-09 05:00 UTC to ann@r.example" in told
    assert "olya@r.example gets no digest, refused: the server answered 550 5.1.1 no such user" in told
    assert "digest    sent to 0 of 2" in await run(home, "status")
    assert "mails     1 in doubt · 1 failed · 1 address refused" in await run(home, "status")
    document = json.loads(await run(home, "digest", "doubt", "--json"))
    assert [one["state"] for one in document["deliveries"]] == ["in_doubt", "failed"]
    assert "token" not in document["away"][0]
    assert json.loads(await run(home, "status", "--json"))["mails"]["in_doubt"] == 1
    await run(home, "digest", "taken", first)
    assert "only what is in doubt" in await run(home, "digest", "taken", first, code=2)
    assert "monitor digest resubscribe olya@r.example" in await run(home, "digest", "resend", second, code=2)
    refused = await run(home, "digest", "drop", second, first, code=2)
    assert "only what is in doubt or failed" in refused
    assert await states(database) == ["sent", "failed"]
    await run(home, "digest", "resubscribe", "Olya@r.example")
    assert "neither unsubscribed nor is refused" in await run(
        home, "digest", "resubscribe", OLYA.address, code=2
    )
    assert "is planned" in await run(home, "digest", "resend", second)
    assert await states(database) == ["sent", "failed", "planned"]
    assert "is dropped" in await run(home, "digest", "drop", second)
    assert "nothing is in doubt" in await run(home, "digest", "doubt")
    assert "there is no delivery 999" in await run(home, "digest", "resend", "999", code=2)


async def _until_it_came(post: Office) -> None:
    while not post.got:
        await asyncio.sleep(0.05)


async def test_the_worker_sends_what_is_planned(database: Database, home: Home) -> None:
    await planned(database, ANN)
    async with office() as post:
        mail = {
            "MONITOR_SMTP_HOST": "127.0.0.1",
            "MONITOR_SMTP_PORT": str(post.port),
            "MONITOR_SMTP_TLS": "none",
            "MONITOR_MAIL_FROM": f"Monitor <{SENDER.address}>",
        }
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "up", "--yes"),
            cwd=home.path,
            env=dict(home.env) | mail | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(_until_it_came(post), 40)
        finally:
            worker.terminate()
            await worker.wait()
    assert [got.recipient for got in post.got] == [ANN.address]
    assert await states(database) == ["sent"]
    async with database.transaction() as tx:
        assert await readers.away(tx) == []


def test_a_digest_is_previewed_made_sent_by_hand_and_shown(home: Home) -> None:
    home.run("init")
    body = home.run("digest", "preview")
    assert "IN SHORT" in body
    assert "A quiet day" in body
    page = home.path / "mail.html"
    home.run("digest", "preview", "--language", "ru", "--date", "2024-08-06", "--posted", "--html", str(page))
    assert '<html lang="ru">' in page.read_text(encoding="utf-8")
    assert "no digest was made yet" in home.run("digest", "show")
    assert "nobody is to get the digest" in home.run("digest", "send", code=2)
    readers = home.path / "config" / "digest.toml"
    readers.write_text('[[reader]]\naddress = "ann@r.example"\nname = "Ann"\n', encoding="utf-8")
    assert "not planned → would be sent" in home.run("digest", "send", "--date", "2024-08-06", "--dry-run")
    assert "no digest was made yet" in home.run("digest", "show")
    assert "nothing was due" in home.run("digest", "send")
    assert "1 kept" in home.run("digest", "send", "--date", "2024-08-06")
    assert "sent to 0 of 1" in home.run("digest", "show")
    assert "IN SHORT" in home.run("digest", "show", "1")
    assert "there is no digest 2" in home.run("digest", "show", "2", code=2)
    assert "kept" in home.run("digest", "send", "--date", "2024-08-06", "--dry-run")
    assert "again" in home.run("digest", "send", "--date", "2024-08-06", "--again")
    assert "is not due yet" in home.run("digest", "send", "--date", "2199-01-01", code=2)
    assert "--again without --date" in home.run("digest", "send", "--again", code=2)
    assert "no reader bob@r.example" in home.run("digest", "send", "--reader", "bob@r.example", code=2)
    assert "no day: someday" in home.run("digest", "send", "--date", "someday", code=2)


async def test_a_day_sent_by_hand_takes_no_other_from_a_reader(database: Database, home: Home) -> None:
    await run(home, "init")
    listed = home.path / "config" / "digest.toml"
    listed.write_text('[[reader]]\naddress = "ann@r.example"\n', encoding="utf-8")
    # Nothing ran for four days.
    now = utc_now()
    async with database.transaction() as tx:
        await readers.known(tx, ANN.address, now=now - timedelta(days=4))
    await run(home, "digest", "send", "--date", f"{now - timedelta(days=2):%Y-%m-%d}")
    found = sorted(await rows(database), key=lambda row: row.window_from)
    assert len(found) >= 3
    assert all(one.window_until == other.window_from for one, other in pairwise(found))
    assert found[-1].window_until > now - timedelta(days=1, minutes=1)


async def test_while_a_worker_sends_it_is_said_that_the_worker_does(database: Database, home: Home) -> None:
    await run(home, "init")
    listed = home.path / "config" / "digest.toml"
    listed.write_text('[[reader]]\naddress = "ann@r.example"\n', encoding="utf-8")
    async with database.only_one(SENDER_LOCK):
        told = await run(home, "digest", "send", "--date", "2024-08-06")
    assert "a worker is sending mails at this moment" in told
    assert await states(database) == ["planned"]


async def test_a_dry_run_says_what_does_not_go_and_why(database: Database, home: Home) -> None:
    await run(home, "init")
    listed = home.path / "config" / "digest.toml"
    listed.write_text(
        "".join(f'[[reader]]\naddress = "{name}@r.example"\n' for name in ("ann", "bob", "cid"))
    )
    async with database.transaction() as tx:
        ann = await readers.known(tx, "ann@r.example", now=utc_now())
        await readers.unsubscribe(tx, ann.token, now=UNTIL)
        bob = await readers.known(tx, "bob@r.example", now=utc_now())
        await readers.refused(tx, bob.address, "550 5.1.1", now=UNTIL)
    send = ("digest", "send", "--date", "2024-08-06")
    told = (await run(home, *send, "--dry-run")).splitlines()
    assert told[0].endswith("not planned → would not be sent: the reader unsubscribed")
    assert told[1].endswith("not planned → would not be sent: the mail server refuses the address")
    assert told[2].endswith("not planned → would be sent")
    await run(home, *send)
    assert await states(database) == ["dropped", "dropped", "kept"]
    told = (await run(home, *send, "--dry-run", "--again")).splitlines()
    assert [line.rpartition("UTC  ")[2] for line in told] == ["dropped", "dropped", "kept → would be sent"]
    async with database.transaction() as tx:
        cid = await readers.known(tx, "cid@r.example", now=UNTIL)
        await readers.unsubscribe(tx, cid.token, now=UNTIL)
    told = (await run(home, *send, "--dry-run", "--again", "--reader", cid.address)).splitlines()
    assert told[0].endswith("kept → would not be sent: the reader unsubscribed")


async def test_one_reader_who_gets_none_does_not_keep_a_digest_from_the_others(
    database: Database, home: Home
) -> None:
    await run(home, "init")
    listed = home.path / "config" / "digest.toml"
    listed.write_text("".join(f'[[reader]]\naddress = "{name}@r.example"\n' for name in ("ann", "bob")))
    send = ("digest", "send", "--date", "2024-08-06")
    assert "2 kept" in await run(home, *send)
    async with database.transaction() as tx:
        bob = next(row for row in await rows(database) if row.address == "bob@r.example")
        await readers.refused(tx, bob.address, "550 5.1.1", now=UNTIL)
    told = (await run(home, *send, "--again")).splitlines()
    assert told[0].startswith("ann@r.example")
    assert told[0].endswith("again")
    assert told[1].endswith("not again: bob@r.example gets no digest")
    assert told[2] == "1 kept"
    assert await states(database) == ["kept", "kept", "kept"]
