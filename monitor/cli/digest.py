"""Commands for digests and their mails: what one says, what may not have gone, what to do, and who gets it again."""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from monitor import settings
from monitor.cli import show
from monitor.cli.base import Json, app, choice, out, print_json, with_archive
from monitor.deliver import Delivered
from monitor.deliver import deliver as deliver_due
from monitor.digest import digest, edition_of, plan_due, windows_due
from monitor.digest import preview as preview_of
from monitor.digest.told import Asked
from monitor.digest.windows import due_at
from monitor.errors import UsageError
from monitor.model import DeliveryState, Edition, Language, Reader, Window, mailbox_of, utc_now
from monitor.settings import Settings
from monitor.store import deliveries, editions, readers
from monitor.store.database import Database, Transaction

group = typer.Typer(help="See to the daily digest and its mails.", no_args_is_help=True)
app.add_typer(group, name="digest")

_DAY = timedelta(days=1)
Day = Annotated[
    str | None,
    typer.Option("--date", metavar="DAY", help="The day that the window begins on, as 2024-08-06."),
]
Whom = Annotated[str | None, typer.Option("--reader", help="One reader of config/digest.toml, by address.")]
Html = Annotated[
    Path | None,
    typer.Option("--html", help="Write the HTML of the mail to this file, instead of showing the text."),
]
Numbers = Annotated[list[int], typer.Argument(help="The numbers that monitor digest doubt shows.")]


@group.command("preview")
def preview(
    day: Day = None,
    *,
    reader: Whom = None,
    language: Annotated[Language | None, typer.Option(help="en or ru; without it the reader's.")] = None,
    posted: Annotated[
        bool,
        typer.Option("--posted", help="Tell what was posted in the window, not what came to be known in it."),
    ] = False,
    html: Html = None,
) -> None:
    """Show the digest of the last day, or of another, as it would be now; nothing is kept or sent."""

    async def work(found: Settings, database: Database) -> tuple[str, str]:
        whom = _whom(found, reader)[0] if reader else Reader(address="preview@localhost")
        window = _window(whom, _day(day)) if day else Window(utc_now() - _DAY, utc_now())
        asked = Asked(
            window=window,
            zone=whom.zone,
            language=language or whom.language,
            narrowed=whom.narrowed,
            posted=posted,
        )
        _, made = await preview_of(database, asked, public_url=found.public_url, now=utc_now())
        return made.body, made.html

    body, page = with_archive(work, listed=False)
    _show(body, page, html)


@group.command("show")
def show_(
    edition: Annotated[int | None, typer.Argument(help="Its number; without one, all are listed.")] = None,
    html: Html = None,
) -> None:
    """List the digests that were made, or open one as it was made."""

    async def listed(found: Settings, database: Database) -> list[editions.Listed]:
        async with database.transaction() as tx:
            return await editions.listed(tx)

    async def one(found: Settings, database: Database) -> Edition:
        async with database.transaction() as tx:
            kept = await editions.get(tx, edition or 0)
        if kept is None:
            raise UsageError(f"there is no digest {edition}", "", "monitor digest show lists them")
        return kept

    if edition is None:
        show.editions(out, with_archive(listed, listed=False))
        return
    kept = with_archive(one, listed=False)
    _show(kept.body, kept.html, html)


@group.command("send")
def send(
    day: Day = None,
    *,
    reader: Whom = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent to whom; do nothing.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Send also to whoever has it already.")] = False,
) -> None:
    """Send what is due now; with --date the digest of that day to all readers, or to one."""
    if again and day is None:
        raise UsageError("--again without --date", "it could mean any digest", "add --date 2024-08-06")

    async def work(found: Settings, database: Database) -> tuple[list[str], Delivered | None]:
        whom = _whom(found, reader)
        wanted = [(one, _window(one, _day(day))) for one in whom] if day else await _due(database, whom)
        if dry_run:
            return [await _would(database, one, window, again=again) for one, window in wanted], None
        told = []
        if day:
            for one, window in wanted:
                told.append(await _plan(found, database, one, window, again=again))
        else:
            await digest(database, whom, host=_host(found), public_url=found.public_url, now=utc_now)
        return told, await deliver_due(database, found.mail(), now=utc_now)

    lines, done = with_archive(work, listed=False)
    for line in lines:
        out.print(line, markup=False)
    if done is not None:
        out.print(_came_of(done))


def _came_of(done: Delivered) -> str:
    if done.busy:
        return "a worker is sending mails at this moment; what is due goes with them"
    counts = {name: number for name, number in done.numbers().items() if number}
    return (
        ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
        or "nothing was due"
    )


def _whom(found: Settings, address: str | None) -> Sequence[Reader]:
    """The readers, or the one of an address. Raises UsageError where there is none."""
    every = () if choice.demo else settings.readers(found.file("digest.toml"))
    chosen = [one for one in every if address is None or one.address == mailbox_of(address).address]
    if not chosen:
        raise UsageError(
            f"no reader {address}" if address else "nobody is to get the digest",
            "config/digest.toml does not have them",
            "add a [[reader]] with an address",
        )
    return chosen


def _day(written: str | None) -> date:
    try:
        return date.fromisoformat(written or "")
    except ValueError as error:
        raise UsageError(f"no day: {written}", "it has the form 2024-08-06", "mend --date") from error


def _window(reader: Reader, day: date) -> Window:
    """The window of a reader that begins on a day of their zone. Raises UsageError where it has not ended."""
    window = Window(due_at(reader, day), due_at(reader, day + _DAY))
    if window.until > utc_now():
        raise UsageError(
            f"the digest of {day} is not due yet",
            f"its window ends at {window.until.astimezone(ZoneInfo(reader.zone)):%Y-%m-%d %H:%M} ({reader.zone})",
            "name an earlier day",
        )
    return window


async def _due(database: Database, whom: Sequence[Reader]) -> list[tuple[Reader, Window]]:
    now, due = utc_now(), []
    for one in whom:
        async with database.transaction() as tx:
            due += [(one, window) for window in await windows_due(tx, one, now=now)]
    return due


async def _would(database: Database, reader: Reader, window: Window, *, again: bool) -> str:
    async with database.transaction() as tx:
        last = await deliveries.latest(tx, reader.address, window)
        unwanted = await deliveries.unwanted(tx, reader.address)
    state = last.state.value.replace("_", " ") if last else "not planned"
    goes = last is None or last.state == DeliveryState.PLANNED or (again and last.state in deliveries.ENDED)
    would = f"would not be sent: {unwanted}" if unwanted else "would be sent"
    return f"{reader.address:<32} {_written(window)}  {state}{f' → {would}' if goes else ''}"


async def _plan(found: Settings, database: Database, reader: Reader, window: Window, *, again: bool) -> str:
    asked = Asked(window=window, zone=reader.zone, language=reader.language, narrowed=reader.narrowed)
    edition = await edition_of(database, asked, public_url=found.public_url, now=utc_now())
    async with database.transaction() as tx:
        # What is due goes first: windows follow the newest that is written, and those before it would be lost.
        await plan_due(tx, reader, host=_host(found), now=utc_now())
        await deliveries.plan_digest(
            tx, reader, window, host=_host(found), now=utc_now(), edition_id=edition.edition_id
        )
        await deliveries.attach(tx, edition.edition_id)
        last = await deliveries.latest(tx, reader.address, window)
        assert last is not None  # noqa: S101 - it was just planned
        if again and last.state not in ("planned", "sending", "handing"):
            return f"{reader.address:<32} {_written(window)}  {await _again(tx, last.delivery_id)}"
    return f"{reader.address:<32} {_written(window)}  {last.state.value.replace('_', ' ')}"


async def _again(tx: Transaction, delivery_id: int) -> str:
    """Plan one anew; what hinders one reader's is told, and is no matter of the others'."""
    try:
        await deliveries.resend(tx, delivery_id, now=utc_now())
    except UsageError as error:
        return f"not again: {error.what}"
    return "again"


def _host(found: Settings) -> str:
    mail = found.mail()
    return mail.sender.address.rpartition("@")[2] if mail else "localhost"


def _written(window: Window) -> str:
    return f"{window.since:%Y-%m-%d %H:%M} – {window.until:%Y-%m-%d %H:%M} UTC"


def _show(body: str, page: str, html: Path | None) -> None:
    if html is None:
        sys.stdout.write(body)
        return
    html.write_text(page, encoding="utf-8")
    out.print(f"wrote {html}", markup=False)


@group.command("doubt")
def doubt(as_json: Json = False) -> None:
    """List the mails and alerts that may not have gone or did not, and who gets no digest."""

    async def work(found: Settings, database: Database) -> show.Mails:
        async with database.transaction() as tx:
            return show.Mails(await deliveries.ailing(tx), await readers.away(tx))

    mails = with_archive(work, listed=False)
    if as_json:
        print_json(show.mails_as_json(mails))
    else:
        show.mails(out, mails)


@group.command("resend")
def resend(numbers: Numbers) -> None:
    """Send some again; where the first arrived after all, the reader has it twice."""

    async def work(found: Settings, database: Database) -> list[int]:
        async with database.transaction() as tx:
            return [await deliveries.resend(tx, number, now=utc_now()) for number in numbers]

    for fresh in with_archive(work, listed=False):
        out.print(f"delivery {fresh} is planned; a worker that runs sends it")


@group.command("taken")
def taken(numbers: Numbers) -> None:
    """Note that some in doubt arrived."""

    async def work(found: Settings, database: Database) -> None:
        async with database.transaction() as tx:
            for number in numbers:
                await deliveries.settle(tx, number, taken=True, now=utc_now())

    with_archive(work, listed=False)
    for number in numbers:
        out.print(f"delivery {number} arrived")


@group.command("drop")
def drop(numbers: Numbers) -> None:
    """Note that some in doubt or failed are not wanted any more: they are listed no longer, and do not go."""

    async def work(found: Settings, database: Database) -> None:
        async with database.transaction() as tx:
            for number in numbers:
                await deliveries.leave(tx, number, now=utc_now())

    with_archive(work, listed=False)
    for number in numbers:
        out.print(f"delivery {number} is dropped")


@group.command("resubscribe")
def resubscribe(address: Annotated[str, typer.Argument(help="The reader's mail address.")]) -> None:
    """Let a reader get the digest again who unsubscribed, or whose address was refused."""

    async def work(found: Settings, database: Database) -> bool:
        async with database.transaction() as tx:
            return await readers.resubscribe(tx, mailbox_of(address).address)

    if not with_archive(work, listed=False):
        raise UsageError(
            f"{address} neither unsubscribed nor is refused",
            "who gets the digest stands in config/digest.toml",
            "monitor digest doubt shows who gets none, and why",
        )
    out.print(f"{address} gets the digest again", markup=False)
