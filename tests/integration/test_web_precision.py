"""How precise the rules are and how far analysts agree: on the page, and in what researchers see."""

from collections.abc import AsyncIterator

import httpx
import pytest

from monitor import decide
from monitor.model import Role, Saying, User, Verdict, VersionKey
from monitor.store import decisions
from monitor.store.database import Database
from monitor.store.decisions import FigureSaid
from monitor.web import precision
from tests.conftest import Clock
from tests.integration.board_helpers import counting, make_channel, make_post
from tests.integration.helpers import ask
from tests.integration.web_helpers import browser, let_in, site, someone


@pytest.fixture
async def users(database: Database, clock: Clock) -> tuple[User, User]:
    return await someone(database, clock), await someone(database, clock, "petr")


@pytest.fixture
async def olya(
    database: Database, clock: Clock, users: tuple[User, User]
) -> AsyncIterator[httpx.AsyncClient]:
    await make_channel(database, 7, "Имя")
    async with browser(site(database, clock)) as client:
        await let_in(database, client, users[0], clock)
        yield client


async def say(
    database: Database, user: User, message: int, verdict: Verdict, *, opinion: Verdict | None = None
) -> int:
    """A decision on the case of a post of channel 7."""
    said = Saying(verdict=verdict, of=VersionKey(7, message, 1), opinion=opinion)
    (case,) = await ask(database, "SELECT case_id FROM monitor.case_posts WHERE message_id = :m", m=message)
    async with database.transaction() as tx:
        return await decide.decide(tx, case.case_id, user.user_id, said, now=Clock()())


async def filled(database: Database, users: tuple[User, User]) -> None:
    """Four posts: two are relevant, one is not, and one decision was taken back."""
    first, _ = users
    for number in (1, 2, 3, 4):
        await make_post(database, (7, number), "Курск: 11 танков", hours=number, topics=("kursk", "sudzha"))
    await say(database, first, 1, Verdict.RELEVANT)
    await say(database, first, 2, Verdict.NOT_RELEVANT)
    await say(database, first, 2, Verdict.RELEVANT)
    await say(database, first, 3, Verdict.NOT_RELEVANT)
    made = await say(database, first, 4, Verdict.RELEVANT)
    async with database.transaction() as tx:
        await decide.undo(tx, made, first.user_id, now=Clock()())


async def test_without_decisions_it_says_so(olya: httpx.AsyncClient) -> None:
    html = (await olya.get("/precision")).text
    assert "Nothing was decided yet." in html
    assert "There is none." in html


async def test_each_topic_and_term_has_its_precision(
    olya: httpx.AsyncClient, database: Database, users: tuple[User, User]
) -> None:
    await filled(database, users)
    rows = await ask(
        database,
        'SELECT topic, term, decided, relevant, not_relevant, round("precision"::numeric, 2)::text, ruleset '
        "FROM research.rule_precision ORDER BY 1, 2 NULLS FIRST",
    )
    assert [tuple(row) for row in rows] == [
        (topic, term, 3, 2, 1, "0.67", "01") for topic in ("kursk", "sudzha") for term in (None, "Курск")
    ]
    html = (await olya.get("/precision")).text
    assert html.count('<td class="number">67 %</td>') == 4
    assert "21 % – 94 %" in html
    assert html.count("whole topic") == 2
    assert "<code>01</code>" in html
    assert "67 %" in (await olya.get("/precision?ruleset=ff")).text


async def test_only_topics_that_the_analyst_saw_count(
    olya: httpx.AsyncClient, database: Database, users: tuple[User, User]
) -> None:
    await make_post(database, (7, 1), "Курск", topics=("kursk", "sudzha"))
    await ask(database, "UPDATE monitor.cases SET topics = ARRAY['kursk'] RETURNING 1")
    await say(database, users[0], 1, Verdict.RELEVANT)
    rows = await ask(database, "SELECT DISTINCT topic FROM research.rule_precision")
    assert [row.topic for row in rows] == ["kursk"]


async def test_second_looks_are_compared_and_disagreements_lead_to_their_cases(
    olya: httpx.AsyncClient, database: Database, users: tuple[User, User]
) -> None:
    first, second = users
    answers = [Verdict.RELEVANT, Verdict.NOT_RELEVANT, Verdict.RELEVANT, Verdict.NOT_RELEVANT]
    opinions = [Verdict.RELEVANT, Verdict.NOT_RELEVANT, Verdict.NOT_RELEVANT, Verdict.NOT_RELEVANT]
    for number, (opinion, answer) in enumerate(zip(opinions, answers, strict=True), 1):
        await make_post(database, (7, number), "Курск", hours=number)
        await say(database, first, number, Verdict.SECOND_LOOK, opinion=opinion)
        await say(database, second, number, answer)
    html = (await olya.get("/precision")).text
    assert '<strong class="numbers">0.5</strong>' in html
    assert "3 (75 %)" in html
    assert '<a href="/case/3">Case 3</a></th><td>Not relevant</td><td>Relevant</td>' in html
    assert "/case/1" not in html


async def test_researchers_see_decisions_and_no_name(database: Database, users: tuple[User, User]) -> None:
    await make_channel(database, 7, "Имя")
    await filled(database, users)
    rows = await ask(
        database,
        "SELECT message_id, verdict, undone, stands, reviewer FROM research.decisions ORDER BY decision_id",
    )
    reviewer = f"reviewer {users[0].user_id}"
    assert [tuple(row) for row in rows] == [
        (1, "relevant", False, True, reviewer),
        (2, "not_relevant", False, False, reviewer),
        (2, "relevant", False, True, reviewer),
        (3, "not_relevant", False, True, reviewer),
        (4, "relevant", True, False, reviewer),
        (4, "undo", False, False, reviewer),
    ]
    everything = await ask(database, "SELECT string_agg(d::text, '') AS said FROM research.decisions d")
    assert "olya" not in everything[0].said


async def test_researchers_see_what_was_read_beside_what_was_confirmed(
    database: Database, users: tuple[User, User], clock: Clock
) -> None:
    await make_channel(database, 7, "Имя")
    words: list[tuple[dict[str, object], ...]] = [
        ({"verdict": "confirmed"},),
        ({"verdict": "confirmed"}, {"verdict": "corrected", "low": 20.0, "side": "russia"}),
        ({"verdict": "rejected"},),
        ({"verdict": "rejected"}, {"verdict": "undone"}),
    ]
    for number, said in enumerate(words, 1):
        await make_post(database, (7, number), "11 танков", hours=number, figures=[{}])
        for one in said:
            figure = FigureSaid(of=VersionKey(7, number, 1), first_char=0, end_char=9, **one)  # type: ignore[arg-type]
            async with database.transaction() as tx:
                await decisions.decide_figure(tx, number, users[0].user_id, figure, now=clock())
    rows = await ask(
        database,
        """SELECT message_id, quote, low, high, side, verdict, confirmed_kind, confirmed_low, confirmed_high, confirmed_side
           FROM research.confirmed_figures ORDER BY 1""",
    )
    read = ("11 танков", 11, 11, "ukraine")
    assert [tuple(row) for row in rows] == [
        (1, *read, "confirmed", "tank", 11, 11, "ukraine"),
        (2, *read, "corrected", "tank", 20, None, "russia"),
        (3, *read, "rejected", None, None, None, None),
    ]


async def test_terms_and_topics_are_text_and_rows_are_capped(
    olya: httpx.AsyncClient, database: Database, users: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counting(database)
    await olya.get("/precision")
    assert len(asked) == 5
    await make_post(database, (7, 1), "Курск", topics=("<i>topic", "b", "c"))
    await say(database, users[0], 1, Verdict.RELEVANT)
    monkeypatch.setattr(precision, "MOST_ROWS", 2)
    asked.clear()
    html = (await olya.get("/precision?ruleset=%00")).text
    assert len(asked) == 5
    assert "<i>" not in html
    assert "&lt;i&gt;topic" in html
    assert "Only the first 2 rows" in html


async def test_a_viewer_may_look_and_a_stranger_signs_in(database: Database, clock: Clock) -> None:
    async with browser(site(database, clock)) as client:
        assert (await client.get("/precision")).headers["location"] == "/login?next=/precision"
        await let_in(database, client, await someone(database, clock, "vera", role=Role.VIEWER), clock)
        html = (await client.get("/precision")).text
        assert "/reasons" not in html
        await let_in(database, client, await someone(database, clock, "yana", role=Role.LEAD), clock)
        assert 'href="/reasons"' in (await client.get("/precision")).text
