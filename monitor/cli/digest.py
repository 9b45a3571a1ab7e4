"""Commands for digests and their mails: what may not have gone, what to do about it, and who gets it again."""

from typing import Annotated

import typer

from monitor.cli import show
from monitor.cli.base import Json, app, out, print_json, with_archive
from monitor.errors import UsageError
from monitor.model import mailbox_of, utc_now
from monitor.settings import Settings
from monitor.store import deliveries, readers
from monitor.store.database import Database

group = typer.Typer(help="See to the daily digest and its mails.", no_args_is_help=True)
app.add_typer(group, name="digest")

Number = Annotated[int, typer.Argument(help="The number that monitor digest doubt shows.")]


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
def resend(delivery: Number) -> None:
    """Send one again; if the first arrived after all, the reader has it twice."""

    async def work(found: Settings, database: Database) -> int:
        async with database.transaction() as tx:
            return await deliveries.resend(tx, delivery, now=utc_now())

    fresh = with_archive(work, listed=False)
    out.print(f"delivery {fresh} is planned; a worker that runs sends it")


@group.command("taken")
def taken(delivery: Number) -> None:
    """Note that one in doubt arrived."""

    async def work(found: Settings, database: Database) -> None:
        async with database.transaction() as tx:
            await deliveries.settle(tx, delivery, taken=True, now=utc_now())

    with_archive(work, listed=False)
    out.print(f"delivery {delivery} arrived")


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
