"""Commands for alerts: what is raised, what is not to be told for a while, and whether notices arrive."""

import getpass
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from monitor import alarms, alert, settings
from monitor.cli import show
from monitor.cli.base import Json, app, on_call_file, out, print_json, sender, with_archive
from monitor.errors import UsageError
from monitor.model import Alert, Person, utc_now
from monitor.settings import Settings
from monitor.store import alerts, silences
from monitor.store.database import Database
from monitor.store.silences import Silence

group = typer.Typer(
    help="See what alerts are raised, silence them, and test their routes.", no_args_is_help=True
)
app.add_typer(group, name="alerts")

EVERY = "all"
_SPAN = re.compile(r"([0-9]{1,4})(min|m|h|d)")
_UNITS = {"m": 60, "min": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=30)
MOST = 200


@group.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = MOST,
    as_json: Json = False,
) -> None:
    """List the alerts that are not resolved, the gravest first, and the silences."""

    async def work(found: Settings, database: Database) -> tuple[list[Alert], Sequence[Silence], int]:
        async with database.transaction() as tx:
            count = sum((await alerts.count(tx)).values())
            raised = await alerts.unresolved(tx, now=utc_now(), limit=limit)
            return raised, await silences.lasting(tx, now=utc_now()), count

    found, lasting, count = with_archive(work, listed=False)
    if as_json:
        print_json(show.alerts_as_json(found, lasting))
        return
    show.alerts(out, found, lasting, count=count, now=utc_now())


@group.command("silence")
def silence(
    kind: Annotated[str, typer.Argument(help=f"The kind of alert, or `{EVERY}`.")],
    subject: Annotated[
        str | None, typer.Argument(help="Only of this subject, and all under it: @rybar, case/7 …")
    ] = None,
    *,
    lasting: Annotated[str, typer.Option("--for", help="How long, as in 30m, 2h or 3d; at most 30d.")],
    note: Annotated[str, typer.Option(help="Why, for the others on call.")],
) -> None:
    """Tell nobody of some alerts for a while; they are raised and shown all the same."""
    if kind not in (EVERY, *alarms.KINDS):
        raise UsageError(
            f"no kind of alert: {kind}", f"there are {', '.join(alarms.KINDS)}", f"or write {EVERY}"
        )
    span = _span(lasting)
    of = None if kind == EVERY else kind
    about = alarms.subject_of(of, subject) if subject is not None else None

    async def work(found: Settings, database: Database) -> int:
        async with database.transaction() as tx:
            return await silences.add(
                tx,
                kind=of,
                subject=about,
                until=utc_now() + span,
                note=note.strip(),
                made_by=getpass.getuser(),
                now=utc_now(),
            )

    number = with_archive(work, listed=False)
    out.print(f"silence {number} lasts {show.ago(span)} → monitor alerts unsilence {number}", markup=False)


def _span(written: str) -> timedelta:
    found = _SPAN.fullmatch(written.strip())
    span = timedelta(seconds=int(found.group(1)) * _UNITS[found.group(2)]) if found else timedelta()
    if timedelta() < span <= _LONGEST:
        return span
    raise UsageError(
        f"no length of a silence: {written}",
        "each silence ends, after 30 days at the latest",
        "write --for 2h",
    )


@group.command("unsilence")
def unsilence(silence_id: Annotated[int, typer.Argument(help="The number of the silence.")]) -> None:
    """End a silence early; what was raised meanwhile and still stands is told."""

    async def work(found: Settings, database: Database) -> bool:
        async with database.transaction() as tx:
            return await silences.end(tx, silence_id, now=utc_now())

    if not with_archive(work, listed=False):
        raise UsageError(f"no silence {silence_id} lasts", "it is over, or never was", "monitor alerts list")
    out.print(f"silence {silence_id} is over")


@group.command("test")
def try_(
    person: Annotated[str | None, typer.Option(help="Only this person.")] = None,
) -> None:
    """Send everybody on the list, or one, a test notice by each of their routes; the worker hands it over."""

    async def work(found: Settings, database: Database) -> list[Person]:
        plan = settings.on_call(on_call_file(found), found.route_names())
        found.routes()
        people = [one for one in plan.people if person in (None, one.name)]
        if not people:
            named = f"nobody is called {person}" if person else "nobody is listed"
            raise UsageError(
                f"{named} in {on_call_file(found)}", "there is nobody to tell", "add a [[person]]"
            )
        await alert.test(database, people, now=utc_now(), sender=sender(found))
        return people

    for one in with_archive(work, listed=False):
        out.print(
            f"a test notice to {one.name} is planned by {', '.join(one.routes)}; a worker that runs sends it",
            markup=False,
        )
