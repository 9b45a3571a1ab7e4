"""How quick the review site is with a large archive: what the server takes, and how long a key press waits for the next case.

Two measurements on one archive, which SQL fills: the site's own time for each request, without a browser; then, in
Chromium, from the key that decides a case until the page of the next one is painted.

    python -m bench.review [--posts 1000000] [--cases 50000] [--rounds 200]
"""

import argparse
import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice
from pathlib import Path

import httpx
import psycopg
from playwright.async_api import Page
from starlette.types import ASGIApp, Receive, Scope, Send

from bench import chromium
from bench.scratch import scratch_server
from bench.texts import SAID, invented
from monitor import flag, passwords, settings
from monitor.model import Language, Role, User, utc_now
from monitor.store import migrate, sessions, users
from monitor.store.database import Database
from monitor.store.embedded import ensure_database
from monitor.web.app import make_app
from monitor.web.server import Server, address_of, listening
from monitor.web.site import Options

RULES = Path(__file__).parents[1] / "config" / "rules.toml"
CHANNELS, POOL, WARM = 20, 20_000, 10
KEYS = ("1", "2", "h", "e", "4")
VERDICTS = ("relevant", "not_relevant", "snooze", "escalate", "second_look")

CHANNEL = """
    INSERT INTO monitor.channels (channel_id, first_seen_at, version)
    SELECT 1900004000 + n, now(), 1 FROM generate_series(0, %(channels)s - 1) n;
    INSERT INTO monitor.channel_versions (channel_id, version, seen_at, source, title, handle, subscribers)
    SELECT 1900004000 + n, 1, now() - interval '1 year', 'desktop', 'Канал ' || n, 'bench_' || n, 1000 * n
    FROM generate_series(0, %(channels)s - 1) n
"""
# One in so many posts is for the queue; the rest is what lies around it, read and found plain.
POSTS = """
    INSERT INTO monitor.posts (channel_id, message_id, posted_at, first_seen_at, version, source)
    SELECT 1900004000 + n %% %(channels)s, n / %(channels)s + 1,
           now() - (%(posts)s - n) * interval '20 seconds', now() - (%(posts)s - n) * interval '20 seconds', 1, 'desktop'
    FROM generate_series(0, %(posts)s - 1) n WHERE (n / %(channels)s %% %(each)s = 0) = %(flagged)s;
    INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
    SELECT p.channel_id, p.message_id, 1, p.first_seen_at, 'desktop', false,
           CASE WHEN %(flagged)s THEN w.said || ' ' || w.body ELSE w.body END, 1, sha256(w.body::bytea)
    FROM monitor.posts p JOIN pool w ON w.number = (p.message_id * %(channels)s + p.channel_id) %% %(pool)s
    WHERE ((p.message_id - 1) %% %(each)s = 0) = %(flagged)s
"""
UNREAD = """
    INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at)
    SELECT channel_id, message_id, 1, first_seen_at FROM monitor.posts
"""
READ = """
    INSERT INTO monitor.post_state (channel_id, message_id, version, last_seen_at, read_ruleset, read_side, unread)
    SELECT channel_id, message_id, 1, first_seen_at, (SELECT max(ruleset_id) FROM monitor.rulesets), 'unknown', false
    FROM monitor.posts WHERE (message_id - 1) %% %(each)s <> 0
"""
# Of a hundred cases 80 were decided, 16 are open, and the rest waits for somebody or something; one in five has copies.
CASES = """
    DELETE FROM monitor.review_due;
    INSERT INTO monitor.cases (state, opened_at, changed_at, rank_at, topics, channel_id, message_id, version, posts,
                               verdict, decided_by, decided_at, wake_at)
    SELECT CASE WHEN n %% 100 < 80 THEN 'decided' WHEN n %% 100 < 96 THEN 'open' WHEN n %% 100 = 96 THEN 'second_look'
                WHEN n %% 100 = 97 THEN 'escalated' ELSE 'snoozed' END,
           posted_at, posted_at, posted_at - interval '1 minute' * (n %% 150), topics, channel_id, message_id, 1, 1,
           CASE WHEN n %% 100 < 80 THEN 'relevant' WHEN n %% 100 = 96 THEN 'second_look' END,
           CASE WHEN n %% 100 < 80 OR n %% 100 = 96 THEN %(user)s END,
           CASE WHEN n %% 100 < 80 OR n %% 100 = 96 THEN posted_at END,
           CASE WHEN n %% 100 > 97 THEN now() + interval '1 day' END
    FROM (SELECT row_number() OVER (ORDER BY posted_at) AS n, * FROM (
            SELECT channel_id, message_id, array_agg(topic ORDER BY topic) AS topics
            FROM monitor.flags WHERE raised GROUP BY 1, 2) f JOIN monitor.posts USING (channel_id, message_id)) f;
    INSERT INTO monitor.case_posts (channel_id, message_id, case_id, version, topics, joined_at)
    SELECT channel_id, message_id, case_id, 1, topics, opened_at FROM monitor.cases;
    INSERT INTO monitor.case_posts (channel_id, message_id, case_id, version, topics, joined_at)
    SELECT channel_id, message_id + k, case_id, 1, topics, opened_at
    FROM monitor.cases CROSS JOIN generate_series(1, 3) k WHERE case_id %% 5 = 0;
    UPDATE monitor.cases SET posts = 4 WHERE case_id %% 5 = 0;
    INSERT INTO monitor.case_events (case_id, happened_at, kind)
    SELECT case_id, opened_at, 'opened' FROM monitor.cases;
    INSERT INTO monitor.decisions (case_id, user_id, decided_at, verdict, channel_id, message_id, version, topics)
    SELECT case_id, decided_by, decided_at, verdict, channel_id, message_id, 1, topics
    FROM monitor.cases WHERE verdict IS NOT NULL
"""


def pool() -> Iterator[tuple[int, str, str]]:
    """Texts to take from: a number, the words, and a sentence that puts a post into the queue."""
    said = cycle(SAID)
    for number, body in enumerate(islice(invented(), POOL)):
        yield number, body, "Под Суджей: " + next(said).format(n=number % 900 + 2, m=number % 60 + 2)


async def fill(url: str, *, posts: int, cases: int) -> User:
    """An archive of so many posts and cases, and the analyst who works on them."""
    values: dict[str, object] = {"channels": CHANNELS, "posts": posts, "each": posts // cases, "pool": POOL}
    async with (
        Database(url) as database,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as direct,
    ):
        async with database.transaction() as tx:
            kept = await passwords.hashed("only measured")
            user = await users.add(
                tx, "bench", role=Role.ANALYST, password=kept, language=Language.RUSSIAN, now=utc_now()
            )
        run = _Run(direct, values | {"user": user.user_id})
        await run("CREATE TEMPORARY TABLE pool (number int PRIMARY KEY, body text, said text)")
        async with direct.cursor().copy("COPY pool FROM STDIN") as copy:
            for row in pool():
                await copy.write_row(row)
        await run(CHANNEL)
        await run(POSTS, flagged=True)
        await run(UNREAD)
        await flag.flag(database, *settings.rules(RULES), now=utc_now, processes=2)
        await run(POSTS, flagged=False)
        await run(READ)
        await run(CASES)
        await run("VACUUM ANALYZE")
    return user


class _Run:
    """Runs the statements of a script one by one."""

    def __init__(
        self, direct: "psycopg.AsyncConnection[tuple[object, ...]]", values: dict[str, object]
    ) -> None:
        self._direct = direct
        self._values = values

    async def __call__(self, script: str, **more: object) -> None:
        """Run a script; each statement gets those of the values that it names."""
        for statement in script.split(";"):
            values = {
                name: value for name, value in (self._values | more).items() if f"%({name})s" in statement
            }
            await self._direct.execute(statement.encode(), values)


class Timed:
    """The outermost layer of the site: how many ms each kind of request took."""

    def __init__(self, app: ASGIApp, *, into: dict[str, list[float]]) -> None:
        self._app = app
        self._into = into

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what it took."""
        began = time.perf_counter()
        await self._app(scope, receive, send)
        if scope["type"] == "http":
            kind = f"{scope['method']} {re.sub(r'[0-9]+', 'N', scope['path'])}"
            self._into.setdefault(kind, []).append((time.perf_counter() - began) * 1000)


@asynccontextmanager
async def signed_in(url: str, user: User) -> AsyncIterator[tuple[Database, str]]:
    """The archive, and the token of a session of its analyst."""
    async with Database(url) as database:
        async with database.transaction() as tx:
            token = await sessions.begin(tx, user.user_id, now=utc_now())
        yield database, token


async def serve_alone(url: str, user: User, rounds: int) -> dict[str, list[float]]:
    """Decide so many cases and look at the queue between, without a browser; gives ms for each kind of request."""
    took: dict[str, list[float]] = {}
    async with signed_in(url, user) as (database, token):
        app = make_app(database, now=utc_now, options=Options())
        app.add_middleware(Timed, into=took)
        transport = httpx.ASGITransport(app)
        ours = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=ours, cookies={"monitor": token}
        ) as client:
            answer = await client.post("/next", data={"came": "queue"})
            for number in range(rounds + WARM):
                if number == WARM:
                    took.clear()
                await client.get("/queue")
                shown = (await client.get(answer.headers["location"])).text
                path, form = _decision(shown, VERDICTS[number % len(VERDICTS)])
                answer = await client.post(path, data=form)
    return took


def _decision(html: str, verdict: str) -> tuple[str, dict[str, str]]:
    form = re.search(r'action="(/case/\d+/decide)".*?</form>', html, re.DOTALL)
    assert form is not None, html[:500]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.group()))
    return form.group(1), fields | {"verdict": verdict, "wake": "12h"}


# The next case takes the place of this one in the same page; what a frame draws is on the screen after it.
PRESSED = """
addEventListener("keydown", (event) => {
  const number = () => document.getElementById("case")?.dataset.case;
  const [pressed, before] = [event.timeStamp, number()];
  window.waited = null;
  new MutationObserver((_, observer) => {
    if (!number() || number() === before) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.waited = performance.now() - pressed; }));
  }).observe(document.documentElement, { childList: true, subtree: true });
}, true);
"""


async def press(page: Page, key: str) -> float:
    """Decide by a key; gives ms until the next case is painted."""
    await page.keyboard.press(key)
    waited = await page.wait_for_function("() => window.waited")
    return float(await waited.json_value())


async def with_browser(url: str, user: User, rounds: int) -> list[float]:
    """Decide so many cases by keys; gives ms from each key to the next case."""
    async with signed_in(url, user) as (database, token), chromium.running() as browser:
        with listening("127.0.0.1", 0) as opened:
            server = Server(make_app(database, now=utc_now, options=Options()))
            serving = asyncio.create_task(server.serve([opened]))
            address = address_of(opened)
            context = await browser.new_context(base_url=address)
            await context.add_cookies([{"name": "monitor", "value": token, "url": address}])
            await context.add_init_script(PRESSED)
            page = await context.new_page()
            await page.goto("/queue")
            async with page.expect_navigation(wait_until="load"):
                await page.keyboard.press("c")
            waited = [await press(page, KEYS[n % len(KEYS)]) for n in range(rounds + WARM)]
            await context.close()
            server.stop()
            await serving
    return waited[WARM:]


def line(what: str, took: Sequence[float], goal: str) -> str:
    """A row of the table: the middle and the 95th of a hundred, in ms."""
    hundredths = statistics.quantiles(took, n=100)
    return f"| {what} | {statistics.median(took):.0f} | {hundredths[94]:.0f} | {goal} |"


async def measure(url: str, asked: argparse.Namespace) -> None:
    """Fill, measure, print."""
    await migrate.upgrade(url)
    began = time.perf_counter()
    user = await fill(url, posts=asked.posts, cases=asked.cases)
    print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
    took = await serve_alone(url, user, asked.rounds)
    print(f"| {asked.posts:,} posts, {asked.cases:,} cases | p50, ms | p95, ms | goal |\n|---|---|---|---|")
    print(line("the queue, server", took["GET /queue"], ""))
    print(line("a decision and the claim of the next, server", took["POST /case/N/decide"], "50"))
    print(line("a case, server", took["GET /case/N"], "50"))
    if chromium.found() is None:
        print(chromium.LACKING)
        return
    print(line("key to next case painted", await with_browser(url, user, asked.rounds), "100"))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    with scratch_server() as (_, server):
        ensure_database(server.url("postgres"), "bench")
        asyncio.run(measure(server.url("bench"), asked))


if __name__ == "__main__":
    main()
