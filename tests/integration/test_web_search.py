"""The search page and its feeds: every filter in the address, hostile words escaped, what cannot be searched said in words."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import httpx
import pytest

from monitor.index import index
from monitor.model import Language
from monitor.store import users
from monitor.store.database import Database
from monitor.web import search as searching
from tests.conftest import Clock
from tests.integration.board_helpers import AUGUST, make_channel, make_post
from tests.integration.helpers import ask
from tests.integration.web_helpers import browser, let_in, site, someone

ATOM = {"a": "http://www.w3.org/2005/Atom"}


async def archive(database: Database) -> None:
    await make_channel(database, 7, "<b>Ministry</b>")
    await make_channel(database, 8, "Majors")
    await make_post(database, (7, 1), 'В Судже & "11" танков <script>alert(1)</script> \x0b', hours=9)
    await make_post(database, (8, 1), "Танки у Рыльска, Суджа за нами", hours=10, topics=("sudzha",))
    await make_post(database, (8, 2), "О погоде", hours=11, topics=())
    await index(database, now=lambda: AUGUST, regex_months=0)


async def opened(
    database: Database, clock: Clock, path: str, *, language: Language = Language.ENGLISH, name: str = "olya"
) -> httpx.Response:
    async with browser(site(database, clock)) as client:
        await let_in(database, client, await someone(database, clock, name, language=language), clock)
        return await client.get(path)


async def test_words_are_marked_and_hostile_ones_escaped(database: Database, clock: Clock) -> None:
    await archive(database)
    page = (await opened(database, clock, "/search?q=суджа+танк")).text
    assert "<mark>Судже</mark> &amp; &#34;11&#34; <mark>танков</mark>" in page
    assert "&lt;b&gt;Ministry&lt;/b&gt;" in page
    assert 'href="/p/7/1@v1"' in page
    assert "2\N{NO-BREAK SPACE}posts, the best first" in page
    by_regex = (await opened(database, clock, "/search?q=alert&regex=1", name="vera")).text
    assert "&lt;script&gt;<mark>alert</mark>(1)&lt;/script&gt;" in by_regex
    assert "<script>alert" not in page + by_regex


async def test_filters_stand_in_the_address(database: Database, clock: Clock) -> None:
    await archive(database)
    found = {
        "q=танк&channel=@channel_8": ["/p/8/1@v1"],
        "q=танк&topic=kursk": ["/p/7/1@v1"],
        "q=танк&newest=1": ["/p/8/1@v1", "/p/7/1@v1"],
        "q=танк&since=2024-08-07": [],
        "q=танк&until=2024-08-06": [],
        "q=%5Cd%2B%22+танк&regex=1": ["/p/7/1@v1"],
        "channel=channel_8": ["/p/8/2@v1", "/p/8/1@v1"],
        "channel=8": ["/p/8/2@v1", "/p/8/1@v1"],
        "channel=https://t.me/channel_8": ["/p/8/2@v1", "/p/8/1@v1"],
        "topic=sudzha": ["/p/8/1@v1"],
    }
    async with browser(site(database, clock)) as client:
        await let_in(database, client, await someone(database, clock), clock)
        for query, paths in found.items():
            page = (await client.get(f"/search?{query}")).text
            assert [
                part.split('"')[0] for part in page.split('<p class="hit-head"><a href="')[1:]
            ] == paths, query


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("q=(x&regex=1", 400, "This is no regular expression: parentheses () not balanced."),
        ("q=x&since=yesterday", 400, "A date has the form 2024-08-06."),
        ("q=x&channel=<b>a", 400, "“&lt;b&gt;a” is neither a @name nor a number of a channel"),
        ("q=и", 200, "These words are in every text"),
        ("q=верблюд", 200, "Nothing is found."),
        ("", 200, "All words must be there."),
        ("q=%00", 200, "All words must be there."),
        ("channel=%00&topic=%00&q=x%00y", 200, "Nothing is found."),
    ],
)
async def test_what_cannot_be_found_is_said(
    database: Database, clock: Clock, *, query: str, status: int, words: str
) -> None:
    await archive(database)
    answer = await opened(database, clock, f"/search?{query}")
    assert (answer.status_code, words in answer.text) == (status, True)


async def test_hits_that_are_left_out_are_said(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive(database)
    said = "There are more, of which only these are shown"
    monkeypatch.setattr(searching, "MOST", 2)
    whole = (await opened(database, clock, "/search?q=суджа")).text
    assert whole.count('class="hit"') == 2
    assert said not in whole
    monkeypatch.setattr(searching, "MOST", 1)
    cut = (await opened(database, clock, "/search?q=суджа", name="vera")).text
    assert cut.count('class="hit"') == 1
    assert "1\N{NO-BREAK SPACE}post, the best first. " + said in cut


async def test_it_speaks_russian_and_says_what_waits(database: Database, clock: Clock) -> None:
    await archive(database)
    await make_post(database, (8, 3), "Ещё танки", hours=12)
    page = (await opened(database, clock, "/search?q=танк", language=Language.RUSSIAN)).text
    assert "2\N{NO-BREAK SPACE}записи, сначала лучшие" in page
    assert "поиск их ещё не видит" in page


async def test_strangers_search_nothing(database: Database, clock: Clock) -> None:
    async with browser(site(database, clock)) as client:
        assert (await client.get("/search?q=x")).status_code == 303
        for path in (f"/feed/{'a' * 22}.atom", "/feed/short.atom", "/feed/%00.atom"):
            assert (await client.get(path)).status_code == 404


async def test_a_feed_has_the_posts_of_its_search(database: Database, clock: Clock) -> None:
    await archive(database)
    await ask(
        database,
        "UPDATE monitor.posts SET edited_at = :at WHERE channel_id = 7 RETURNING 1",
        at=datetime(2024, 8, 7, tzinfo=UTC),
    )
    user = await someone(database, clock)
    async with browser(site(database, clock)) as client:
        await let_in(database, client, user, clock)
        assert "/feed/" not in (await client.get("/search?q=танк")).text
        assert "Make an address for feeds" in (await client.get("/account/feeds")).text
        made = await client.post("/account/feeds")
        assert made.headers["location"] == "/account/feeds?done=feed"
        assert "The address of your feeds is made." in (await client.get("/account/feeds?done=feed")).text
        page = (await client.get("/search?q=танк&topic=kursk")).text
        [address] = [part.split('"')[0] for part in page.split('href="')[1:] if part.startswith("/feed/")]
    async with browser(site(database, clock)) as reader:
        answer = await reader.get(address.replace("&amp;", "&"))
        again = await reader.get(
            address.replace("&amp;", "&"), headers={"if-none-match": f'"other", W/{answer.headers["etag"]}'}
        )
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert (again.status_code, again.content) == (304, b"")
    feed = ElementTree.fromstring(answer.content)
    [entry] = feed.findall("a:entry", ATOM)
    told = {
        name: entry.findtext(f"a:{name}", namespaces=ATOM)
        for name in ("id", "published", "updated", "content")
    }
    assert told == {
        "id": "tag:telegram.org,2013:7/1",
        "published": "2024-08-06T09:00:00Z",
        "updated": "2024-08-07T00:00:00Z",
        "content": 'В Судже & "11" танков <script>alert(1)</script> ',
    }
    assert feed.findtext("a:updated", namespaces=ATOM) == "2024-08-07T00:00:00Z"
    assert {link.get("href") for link in entry.findall("a:link", ATOM)} == {
        "http://127.0.0.1:8046/p/7/1@v1",
        "https://t.me/channel_7/1",
    }
    assert [category.get("term") for category in entry.findall("a:category", ATOM)] == ["kursk"]


async def test_an_empty_feed_and_one_that_cannot_be_are_answered(database: Database, clock: Clock) -> None:
    await archive(database)
    user = await someone(database, clock)
    async with database.transaction() as tx:
        await users.new_feed_token(tx, user.user_id)
        token = await users.feed_token(tx, user.user_id)
    async with browser(site(database, clock)) as reader:
        every = ElementTree.fromstring((await reader.get(f"/feed/{token}.atom")).content)
        assert len(every.findall("a:entry", ATOM)) == 3
        none = ElementTree.fromstring((await reader.get(f"/feed/{token}.atom?q=верблюд")).content)
        assert none.findall("a:entry", ATOM) == []
        wrong = await reader.get(f"/feed/{token}.atom?q=(&regex=1")
        assert (wrong.status_code, wrong.text) == (
            400,
            "This is no regular expression: parentheses () not balanced.\n",
        )
        assert (await reader.get(f"/feed/{token}.atom?since=x")).text == "A date has the form 2024-08-06.\n"
        assert (await reader.get(f"/feed/{token}.atom?channel=a/7")).status_code == 400
        one = ElementTree.fromstring((await reader.get(f"/feed/{token}.atom?channel=7")).content)
        assert len(one.findall("a:entry", ATOM)) == 1


async def test_another_address_ends_the_one_before_and_so_does_disabling(
    database: Database, clock: Clock
) -> None:
    user = await someone(database, clock)
    tokens = []
    for _ in range(2):
        async with database.transaction() as tx:
            await users.new_feed_token(tx, user.user_id)
            tokens.append(await users.feed_token(tx, user.user_id))
    async with browser(site(database, clock)) as reader:
        states = [(await reader.get(f"/feed/{token}.atom")).status_code for token in tokens]
        assert states == [404, 200]
        await ask(database, "UPDATE monitor.users SET disabled_at = now() RETURNING 1")
        assert (await reader.get(f"/feed/{tokens[1]}.atom")).status_code == 404
