"""The pictures of the README: the demo's channels played through in a moment, and the review site on what they said.

python -m bench.screenshots [--into docs/screenshots]
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.async_api import Page
from sqlalchemy import text

from bench import chromium
from bench.picture import small
from bench.scratch import scratch_server
from monitor import collect, flag, index, passwords, review, settings
from monitor.digest import preview
from monitor.digest.told import Asked
from monitor.extraction import Rules, RuleTexts
from monitor.model import EVERYTHING, Clock, Language, Listed, Pace, Priority, Role, SourceName, Window
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.standin.scenario import THEN, Scenario, shipped
from monitor.standin.server import CANARY, Standin, serving
from monitor.store import migrate, sessions, users, watches
from monitor.store.database import Database
from monitor.store.embedded import ensure_database
from monitor.web.app import make_app
from monitor.web.server import Server, address_of, listening
from monitor.web.site import Options

ROOT = Path(__file__).parents[1]
# As in the demo, the first look is on the day of the incursion; the next ones see what was edited since.
LOOKS = (
    timedelta(days=1, hours=13, minutes=16),
    timedelta(days=1, hours=13, minutes=50),
    timedelta(days=1, hours=14, minutes=6),
)
WIDTH, HEIGHT = 1280, 800
LARGEST = 150_000
CLAIM, EDITED = "%до 300 военнослужащих%", "Ни одного танка под самой Суджей%"


class StageClock:
    """How late it is on the stage."""

    def __init__(self) -> None:
        self.at = THEN.astimezone(UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.at


class Play:
    """The channels, and an archive that looks at them."""

    def __init__(self, database: Database, source: PreviewSource, clock: StageClock) -> None:
        self.database, self._source, self.clock = database, source, clock
        self._rules: tuple[Rules, RuleTexts] = settings.rules(ROOT / "config" / "rules.toml")
        self._priority: Priority = settings.review(ROOT / "config" / "review.toml").priority

    async def look(self, at: timedelta) -> None:
        """Collect, read, and sort into cases what there is at a time of the scenarios."""
        now: Clock = self.clock
        self.clock.at = (THEN + at).astimezone(UTC)
        await collect.live(self.database, self._source, now=now)
        while (await collect.backfill(self.database, self._source, now=now)).looks:
            pass
        await flag.flag(self.database, *self._rules, now=now)
        await review.review(self.database, self._priority, now=now)

    async def case(self, words: str) -> int:
        """The case of the first post that has such words."""
        query = """
            SELECT case_id FROM monitor.case_posts JOIN monitor.posts USING (channel_id, message_id)
            JOIN monitor.post_versions v USING (channel_id, message_id)
            WHERE v.text LIKE :words ORDER BY posted_at LIMIT 1
            """
        async with self.database.transaction() as tx:
            return int((await tx.execute(text(query), {"words": words})).scalar_one())


@asynccontextmanager
async def played(database: Database, clock: StageClock) -> AsyncIterator[Play]:
    """The stand-in's pages, watched."""
    scenarios = shipped()
    standin = Standin(clock)
    standin.play(scenarios, start=THEN)
    async with database.transaction() as tx:
        await watches.sync(tx, [_listed(one) for one in scenarios])
    async with serving(standin) as host:
        options = PreviewOptions(hosts=(host,), pace=0, canary=CANARY)
        async with PreviewSource.opened(options, now=clock) as source:
            yield Play(database, source, clock)


def _listed(scenario: Scenario) -> Listed:
    pace = Pace(timedelta(seconds=1), timedelta(seconds=6))
    return Listed(
        handle=scenario.handle,
        label=scenario.title,
        source=SourceName.PREVIEW,
        pace=pace,
        since=THEN.astimezone(UTC),
    )


@asynccontextmanager
async def served(database: Database, clock: StageClock) -> AsyncIterator[str]:
    """The review site; gives its address."""
    with listening("127.0.0.1", 0) as opened:
        server = Server(make_app(database, now=clock, options=Options()))
        serving_task = asyncio.create_task(server.serve([opened]))
        yield address_of(opened)
        server.stop()
        await serving_task


async def _token(database: Database, clock: StageClock, name: str) -> str:
    kept = await passwords.hashed(passwords.made(4))
    async with database.transaction() as tx:
        user = await users.add(
            tx, name, role=Role.ANALYST, password=kept, language=Language.ENGLISH, now=clock()
        )
        return await sessions.begin(tx, user.user_id, now=clock())


async def take(url: str, into: Path) -> None:
    """Play, work through some cases as two analysts would, and take the pictures."""
    await migrate.upgrade(url)
    clock = StageClock()
    async with Database(url) as database, played(database, clock) as play:
        await play.look(LOOKS[0])
        async with served(database, clock) as address, chromium.running() as browser:
            pages = []
            for name in ("olya", "petr"):
                context = await browser.new_context(
                    base_url=address,
                    color_scheme="light",
                    reduced_motion="reduce",
                    viewport={"width": WIDTH, "height": HEIGHT},
                )
                token = await _token(database, clock, name)
                await context.add_cookies([{"name": "monitor", "value": token, "url": address}])
                pages.append(await context.new_page())
            await _photograph(play, *pages, into=into)
            await _mail(database, pages[0], into=into)
            for page in pages:
                await page.context.close()


async def _photograph(play: Play, olya: Page, petr: Page, *, into: Path) -> None:
    edited = await play.case(EDITED)
    await olya.goto(f"/case/{edited}")
    await press(olya, "c")
    await press(olya, "1")
    for at in LOOKS[1:]:
        await play.look(at)
    await petr.goto("/queue")
    await press(petr, "c")
    await olya.goto(f"/case/{await play.case(CLAIM)}")
    await press(olya, "c")
    await shot(olya, into / "case.png")
    await olya.goto("/queue")
    await olya.keyboard.press("j")
    await shot(olya, into / "queue.png")
    await olya.goto(f"/case/{edited}")
    await shot(olya, into / "diff.png")
    await olya.goto("/board?since=2024-08-06&until=2024-08-06")
    await olya.get_by_role("heading", name="personnel", exact=True).evaluate("(one) => one.scrollIntoView()")
    await shot(olya, into / "board.png")
    await index.index(play.database, now=play.clock, regex_months=0)
    await olya.goto("/search?q=танки+or+суджа&since=2024-08-06&until=2024-08-08")
    await shot(olya, into / "search.png")
    await olya.goto("/data/first-claims?since=2024-08-06")
    await shot(olya, into / "answer.png")


async def _mail(database: Database, page: Page, *, into: Path) -> None:
    """The digest of the day of the incursion, as a mail program of 640 pixels shows its first screen."""
    zone = "Europe/Moscow"
    since = datetime(2024, 8, 6, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    asked = Asked(
        window=Window(since, since + timedelta(days=1)),
        zone=zone,
        language=Language.ENGLISH,
        narrowed=EVERYTHING,
        posted=True,
    )
    made = (
        await preview(database, asked, public_url="https://watch.example.org", now=since + timedelta(days=1))
    )[1]
    # A page of its own, since the policy of the site's would keep the mail's styles out.
    mail = await page.context.new_page()
    await mail.set_viewport_size({"width": 640, "height": 900})
    await mail.set_content(made.html)
    await shot(mail, into / "mail.png")


async def press(page: Page, key: str) -> None:
    """Press a key that leads to another page."""
    async with page.expect_navigation():
        await page.keyboard.press(key)


async def shot(page: Page, path: Path) -> None:
    """Keep what the window shows. Exits where the picture is too large for the repository."""
    picture = await small(await page.screenshot(), page.context)
    print(f"{path}  {len(picture) / 1000:.0f} kB")
    if len(picture) > LARGEST:
        sys.exit(f"{path} is larger than {LARGEST / 1000:.0f} kB")
    await asyncio.to_thread(path.write_bytes, picture)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "screenshots")
    asked = parser.parse_args()
    if chromium.found() is None:
        sys.exit(chromium.LACKING)
    asked.into.mkdir(parents=True, exist_ok=True)
    with scratch_server() as (_, server):
        ensure_database(server.url("postgres"), "pictures")
        asyncio.run(take(server.url("pictures"), asked.into))


if __name__ == "__main__":
    main()
