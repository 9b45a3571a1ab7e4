"""Searching by regular expressions: what is certain to be in a match, and the newest posts that match."""

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import text

from monitor.errors import UsageError
from monitor.maintain import Keeping, maintain
from monitor.store.database import Database
from tests.integration.helpers import ask

SEED = 6
FIRST = datetime(2024, 6, 20, tzinfo=UTC)
DAY = timedelta(days=1)
POSTS = 400


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("многоуг[а-я]* ", "многоуг"),
        ("до \\d+ военных", "до "),
        ("abc+d", "abc"),
        ("abcd?efgh", "efgh"),
        ("abcd*", "abc"),
        ("abcd{0,2}x", "abc"),
        ("abcde(f)?", "abcde"),
        ("^Курск$", "Курск"),
        ("дрон.*сбитый", "сбитый"),
        ("слово\\M", "слово"),
        ("a*?bcd", "bcd"),
        ("до \\d+ (военных|бойцов)", None),
        ("abcd|x", None),
        ("abc(?#x)*def", None),
        ("(abc)?def", None),
        ("(?x)abc def", None),
        ("***=abc.def", None),
        ("[abc]def", None),
        (".{3}abc", None),
        ("ab", None),
        ("", None),
    ],
)
async def test_what_is_certain_to_be_in_a_match(
    database: Database, pattern: str, literal: str | None
) -> None:
    found = await ask(database, "SELECT research.literal_of(:pattern)", pattern=pattern)
    assert found[0][0] == literal


async def test_whatever_matches_has_what_is_certain_in_it(database: Database) -> None:
    chance = random.Random(SEED)
    atoms = [*"ааабббАБ1 .", "[аб]", "\\w", "(аб)", "(?:б1)", "^", "$", "|"]
    quantifiers = [*[""] * 12, "*", "+", "?", "{2}", "{0}", "{0,1}", "*?", "+?"]

    comments = [*[""] * 30, "(?#б)"]

    def pattern() -> str:
        drawn = chance.choices(atoms, k=chance.randint(3, 7))
        return "".join(
            one if one in "^$|" else one + chance.choice(comments) + chance.choice(quantifiers)
            for one in drawn
        )

    patterns = [pattern() for _ in range(6000)]
    texts = [
        "".join(chance.choices("аАбБ1 ", (4, 1, 4, 1, 1, 1), k=chance.randint(3, 20))) for _ in range(200)
    ]
    rows = await ask(
        database,
        """
        SELECT count(*) FILTER (WHERE t ~* p) AS matched,
               count(*) FILTER (WHERE t ~* p AND t NOT ILIKE '%' || literal || '%') AS missed,
               count(DISTINCT p) AS patterns
        FROM (SELECT p, research.literal_of(p) AS literal FROM unnest(CAST(:patterns AS text[])) p) certain,
             unnest(CAST(:texts AS text[])) t
        WHERE literal IS NOT NULL
        """,
        patterns=patterns,
        texts=texts,
    )
    assert rows[0].missed == 0
    assert rows[0].matched > 1000
    assert rows[0].patterns > 200


async def _fill(database: Database) -> None:
    """Posts of seventy days, in gusts, some at the same time or at midnight."""
    chance = random.Random(SEED)
    words = [
        "В Курске",
        "в курской области",
        "под Суджей",
        "сбит дрон",
        "Сбитый дрон упал",
        "погода",
        "12 танков",
        "3 танка",
    ]
    rows = [
        {
            "number": number,
            "at": FIRST + chance.choice([chance.randint(0, 9), chance.randint(0, 69)]) * DAY + timedelta(hours=chance.randint(0, 23)),
            "words": ", ".join(chance.sample(words, 3)),
        }
        for number in range(POSTS)
    ]  # fmt: skip
    async with database.transaction() as tx:
        await tx.execute(
            text(
                """INSERT INTO monitor.post_search (channel_id, message_id, posted_at, version, language, text, vector)
                   VALUES (7, :number, :at, 1, 'ru', :words, '')"""
            ),
            rows,
        )


async def _make_months(database: Database, *, regex_months: int) -> None:
    for month in (6, 7, 8, 9):
        await maintain(
            database,
            now=lambda m=month: datetime(2024, m, 1, tzinfo=UTC),  # type: ignore[misc]
            keeping=Keeping(regex_months=regex_months),
        )


@pytest.mark.parametrize("regex_months", [0, 2, 12])
async def test_the_newest_that_match_are_those_that_a_plain_look_at_all_gives(
    database: Database, regex_months: int
) -> None:
    await _make_months(database, regex_months=regex_months)
    await _fill(database)
    patterns = ["курск[а-я]*", "сбит[а-я]* дрон", "^погода", "\\d+ танк(а|ов)", "судж|упал", "снег", "у"]
    spans = [
        ("-infinity", "infinity"),
        (None, None),
        ("2024-06-25 07:00+00", "2024-07-03 09:00+00"),
        ("2024-06-30 00:00+00", "2024-07-01 00:00+00"),
        ("2024-06-30 12:00+03", "2024-06-30 12:00+03"),
        ("2024-07-30", "infinity"),
        ("infinity", "-infinity"),
    ]
    asked = 0
    for pattern, (since, until), most in product(patterns, spans, [1, 7, 50, None]):
        values = {"pattern": pattern, "since": since, "until": until, "most": most}
        cast = "CAST(CAST(:since AS text) AS timestamptz), CAST(CAST(:until AS text) AS timestamptz)"
        expected = await ask(
            database,
            f"""
            SELECT message_id FROM (SELECT {cast}) AS asked (since, until), research.search_texts
            WHERE text ~* :pattern AND posted_at >= coalesce(since, '-infinity') AND posted_at < coalesce(until, 'infinity')
            ORDER BY posted_at DESC, channel_id, message_id LIMIT CAST(:most AS int)
            """,
            **values,
        )
        found = await ask(
            database,
            f"SELECT message_id, excerpt FROM research.matching(:pattern, {cast}, most => CAST(:most AS int))",
            **values,
        )
        assert [row.message_id for row in found] == [row.message_id for row in expected], values
        for row in found:
            marked = re.search("⟦(.*)⟧", row.excerpt)
            assert marked is not None
            assert re.search(pattern.replace("^", ""), marked[1], re.IGNORECASE)
        asked += len(found)
    assert asked > POSTS


async def test_an_empty_archive_has_nothing_that_matches(database: Database) -> None:
    assert not await ask(database, "SELECT * FROM research.matching('курск')")
    await _make_months(database, regex_months=2)
    assert not await ask(database, "SELECT * FROM research.matching('курск', '2024-08-01')")


@pytest.mark.parametrize("more", ["", ", channel => 'nobody'", ", since => 'infinity'"])
async def test_what_is_no_expression_is_said_where_no_post_is_looked_at(
    database: Database, more: str
) -> None:
    with pytest.raises(UsageError) as refused:
        await ask(database, f"SELECT * FROM research.matching('('{more})")
    assert "invalid regular expression" in str(refused.value.__cause__)
