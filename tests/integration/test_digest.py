"""Digests over a real database: what each part tells, that it is told once, and that it stays as it was made."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest

from monitor import deliver
from monitor.digest import digest, edition_of, plan_due, preview, windows_due
from monitor.digest.render import LARGEST_HTML, WIDTH, Drawn, drawn, grouped
from monitor.digest.told import Asked, Told
from monitor.digest.wording import Wording
from monitor.model import EVERYTHING, TROOP_KINDS, Language, Narrowed, Reader, Window
from monitor.store import deliveries, editions, readers
from monitor.store.coverage import Gap
from monitor.store.database import Database
from monitor.store.summary import Claimed, Troubled, Volume
from tests.conftest import Clock
from tests.integration.board_helpers import AUGUST, counting, make_channel, make_post
from tests.integration.helpers import ask, listed

DAY = Window(AUGUST, AUGUST + timedelta(days=1))
URL = "https://m.example"
HOSTILE = '<script>alert(1)</script><!--greeting--><!--farewell--> "quotes" \u202egnp.exe\u202c \x07 {{ 7 * 7 }}\r\nBcc: x@y.example '
PERSONNEL = {"kind": "personnel", "side": "ukraine"}


async def told(database: Database, **more: Any) -> tuple[Told, Drawn]:
    values = {"window": DAY, "zone": "UTC", "language": Language.ENGLISH, "narrowed": EVERYTHING} | more
    return await preview(database, Asked(**values), public_url=URL, now=DAY.until)


async def channels(database: Database, *, watch: bool = True) -> None:
    await make_channel(database, 7, "Ministry")
    await make_channel(database, 8, "Majors")
    if watch:
        await listed(database, "channel_7", "channel_8")
        await ask(
            database,
            "UPDATE monitor.watches SET channel_id = substr(handle, 9)::bigint, label = initcap(handle) RETURNING 1",
        )


async def looked(database: Database, *, until: float = 24) -> None:
    """Both channels were looked at all the day, or until an hour of it."""
    await ask(
        database,
        """INSERT INTO monitor.coverage (handle, channel_id, source, kind, outcome, first_id, last_id, started_at, ended_at, looks)
           SELECT handle, channel_id, 'preview', 'live', 'ok', 1, 9, CAST(:since AS timestamptz), :until, 9
           FROM monitor.watches RETURNING 1""",
        since=DAY.since,
        until=DAY.since + timedelta(hours=until),
    )


async def joined_at(database: Database, message_id: int, hours: float) -> None:
    await ask(
        database,
        "UPDATE monitor.case_posts SET joined_at = :at WHERE message_id = :m RETURNING 1",
        at=AUGUST + timedelta(hours=hours),
        m=message_id,
    )


async def test_a_day_is_told_with_what_matters_first(database: Database) -> None:
    await channels(database)
    await looked(database)
    await make_post(
        database,
        (7, 1),
        "до 300 военных в Курске",
        hours=10,
        figures=[PERSONNEL | {"low": None, "high": 300.0}],
    )
    await make_post(
        database,
        (8, 2),
        "не менее 600 военных в Курске",
        hours=11,
        figures=[PERSONNEL | {"low": 600.0, "high": None}],
    )
    found, made = await told(database)
    assert (found.counts.flagged, found.counts.cases, found.counts.posts) == (2, 2, 2)
    assert made.subject == "Kursk watch · 6 Aug · 2 flagged"
    lines = made.body.splitlines()
    assert lines[0] == made.subject
    assert "Ministry says ≤300, Majors says ≥600 (personnel, Ukraine): both cannot hold." in made.body
    assert "The largest new claim is ≥600 personnel · Ukraine, by Majors." in made.body
    assert "≠ personnel · Ukraine" in made.body
    assert f"{URL}/p/8/2@v1" in made.body
    assert "https://t.me/channel_8/2" in made.body
    assert "Every channel could be read for the whole time." in made.body
    assert all(len(line) <= WIDTH for line in lines if "://" not in line)
    for words in (
        "до 300 военных в Курске",
        "both cannot hold",
        f'href="{URL}/p/7/1@v1"',
        "not reviewed yet",
    ):
        assert words in made.html
        assert words in made.page


async def test_the_window_is_half_open_and_goes_by_when_it_came_to_be_known(database: Database) -> None:
    await channels(database)
    for message_id in range(1, 6):
        await make_post(database, (7, message_id), f"Курск {message_id}", hours=10)
    await joined_at(database, 1, 0)
    await joined_at(database, 2, 24)
    await joined_at(database, 3, -0.001)
    await joined_at(database, 4, 23.999)
    found, _ = await told(database)
    assert {entry.message_id for entry in found.entries} == {1, 4, 5}
    after, _ = await told(database, window=Window(DAY.until, DAY.until + timedelta(days=1)))
    assert {entry.message_id for entry in after.entries} == {2}
    by_post, _ = await told(database, posted=True)
    assert {entry.message_id for entry in by_post.entries} == {1, 2, 3, 4, 5}


async def test_what_was_old_when_it_was_read_is_counted_and_not_told(database: Database) -> None:
    await channels(database)
    await make_post(database, (7, 1), "Курск в июле", hours=-24 * 20)
    await joined_at(database, 1, 5)
    found, made = await told(database)
    assert (found.counts.flagged, found.counts.older, found.entries) == (0, 1, ())
    assert "Besides, 1\xa0post from before" in made.body


@pytest.mark.parametrize("beside", [False, True])
async def test_a_post_whose_flag_was_lifted_since_stands_under_no_topic(
    database: Database, *, beside: bool
) -> None:
    await channels(database)
    await make_post(database, (7, 1), "Курск один", hours=9)
    if beside:
        await make_post(database, (7, 2), "Курск два", hours=10)
    await ask(database, "UPDATE monitor.case_posts SET topics = '{}' WHERE message_id = 1 RETURNING 1")
    found, made = await told(database)
    names = [group.topic for group in grouped(found, most=9)]
    assert names == ["kursk", ""][not beside :]
    assert "-- no flag any more" in made.body
    assert "<h3" in made.html.partition("no flag any more")[0]


async def test_copies_are_folded_and_what_is_not_relevant_is_left_out(database: Database) -> None:
    await channels(database)
    await make_post(database, (7, 1), "Курск один", hours=9)
    await make_post(database, (8, 2), "Курск один", hours=10, case=False)
    await make_post(database, (8, 3), "Курск мимо", hours=11)
    await ask(
        database,
        """INSERT INTO monitor.case_posts SELECT 8, 2, case_id, 1, topics, joined_at + interval '1 hour'
           FROM monitor.case_posts WHERE message_id = 1 RETURNING 1""",
    )
    await ask(
        database,
        "UPDATE monitor.cases SET state = 'decided', verdict = 'not_relevant' WHERE message_id = 3 RETURNING 1",
    )
    found, made = await told(database)
    [entry] = found.entries
    assert (entry.message_id, entry.posts, [copy.name for copy in entry.copies]) == (1, 2, ["Majors"])
    assert (found.counts.flagged, found.counts.cases) == (3, 2)
    assert "also Majors" in made.body
    assert "мимо" not in made.body


async def edited(database: Database, message_id: int, words: str, *, high: float) -> None:
    """A second version of a post, with a figure, of which its case was told at noon."""
    at = AUGUST + timedelta(hours=12)
    for statement in (
        """INSERT INTO monitor.post_versions (channel_id, message_id, version, seen_at, source, edited, text, form, sha256)
           VALUES (7, :m, 2, :at, 'preview', true, :words, 1, '\\x02') RETURNING 1""",
        """INSERT INTO monitor.figures SELECT channel_id, message_id, 2, ruleset_id, number, posted_at, kind, low, :high,
                  qualifier, side, stance, side_inferred, scope, since, first_char, end_char, term, read_at
           FROM monitor.figures WHERE message_id = :m RETURNING 1""",
        """INSERT INTO monitor.case_events (case_id, happened_at, kind, channel_id, message_id, version)
           SELECT case_id, :at, 'edited', 7, :m, 2 FROM monitor.case_posts WHERE message_id = :m RETURNING 1""",
    ):
        await ask(
            database,
            statement,
            **{
                name: value
                for name, value in {"m": message_id, "at": at, "words": words, "high": high}.items()
                if f":{name}" in statement
            },
        )


async def test_an_edit_and_a_deletion_are_told_with_what_was_there(database: Database) -> None:
    await channels(database)
    await make_post(
        database, (7, 1), "Курск: до 300 военных", hours=9, figures=[PERSONNEL | {"low": None, "high": 300.0}]
    )
    await make_post(database, (7, 2), "Курск: обстановка стабильная", hours=10)
    await edited(database, 1, "Курск: до 1000 военных", high=1000.0)
    await ask(
        database,
        "UPDATE monitor.post_state SET presence = 'deleted', missing_since = :at, deleted_at = :at WHERE message_id = 2 RETURNING 1",
        at=AUGUST + timedelta(hours=15),
    )
    found, made = await told(database)
    assert (found.counts.edited, found.counts.deleted) == (1, 1)
    assert made.subject.endswith("2 flagged, 1 edited, 1 deleted")
    assert "was ≤300 personnel · Ukraine → is ≤1,000 personnel · Ukraine" in " ".join(made.body.split())
    assert "edited a post that was already out" in made.body
    assert "posted 6 Aug 10:00, found deleted 6 Aug 15:00" in made.body
    later, _ = await told(database, window=Window(DAY.until, DAY.until + timedelta(days=1)))
    assert (later.counts.edited, later.counts.deleted, later.changes, later.deletions) == (0, 0, (), ())


async def test_a_quiet_day_says_so_and_what_was_not_seen(database: Database) -> None:
    await channels(database)
    await looked(database, until=10)
    await ask(
        database,
        """UPDATE monitor.watches SET problem = 'no_preview', problem_text = 'no public preview', problem_since = :at
           WHERE handle = 'channel_8' RETURNING 1""",
        at=AUGUST + timedelta(hours=10),
    )
    found, made = await told(database)
    assert made.subject == "Kursk watch · 6 Aug · a quiet day, 1\xa0channel dark"
    assert "A quiet day" in made.body
    assert "Channel_8 cannot be read since 6 Aug 10:00: no public preview" in made.body
    body = " ".join(made.body.split())
    assert "Channel_7 was not read from 6 Aug 10:00 to 7 Aug 00:00" in body
    assert len(found.gaps) == 2
    assert "Every channel could be read" not in made.body


async def test_without_any_channel_it_does_not_claim_to_have_seen_everything(database: Database) -> None:
    _, made = await told(database)
    assert "No channel is watched." in made.body
    assert "Every channel" not in made.body


async def test_topics_and_channels_narrow_every_part(database: Database) -> None:
    await channels(database)
    await make_post(database, (7, 1), "Курск семь", topics=["kursk"], figures=[PERSONNEL])
    await make_post(database, (8, 2), "Суджа восемь", topics=["sudzha"], figures=[PERSONNEL])
    await make_post(database, (8, 3), "Курск и Суджа", topics=["kursk", "sudzha"])
    one, made = await told(database, narrowed=Narrowed(("sudzha",), ("channel_8",)))
    assert {entry.message_id for entry in one.entries} == {2, 3}
    assert {claim.channel_id for claim in one.claimed} == {8}
    assert [topic.topic for topic in one.topics] == ["sudzha"]
    assert [volume.handle for volume in one.volumes] == ["channel_8"]
    assert one.counts.posts == 2
    assert "Only sudzha, channel_8." in made.body
    none, _ = await told(database, narrowed=Narrowed((), ("nobody_has_it",)))
    assert (none.counts.flagged, none.volumes, none.entries) == (0, (), ())


@pytest.mark.parametrize("language", list(Language))
async def test_hostile_words_are_words(database: Database, language: Language) -> None:
    await make_channel(database, 7, HOSTILE)
    words = HOSTILE + "Ы" * 100_000
    await make_post(database, (7, 1), words, figures=[PERSONNEL], topics=[HOSTILE])
    _, made = await told(database, language=language)
    for half in (made.html, made.page):
        assert "<script" not in half
        assert half.count("<!--greeting-->") == half.count("<!--farewell-->") == 1
        assert "{{ 7 * 7 }}" in half
    for whole in (made.subject, made.body, made.html):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x07\r]", whole)
    assert "\n" not in made.subject
    assert all(
        len(line) <= WIDTH for line in made.body.splitlines() if not line.strip().startswith("https://")
    )
    assert len(made.html.encode()) <= LARGEST_HTML


async def test_a_long_day_fits_a_mail_and_the_rest_is_on_the_web(database: Database) -> None:
    await channels(database)
    for number in range(1, 121):
        words = f"Курск {number}: " + "очень длинное сообщение с подробностями " * 12
        await make_post(database, (7 + number % 2, number), words, hours=number / 6, topics=[f"topic_{number % 10}"],
                        figures=[PERSONNEL | {"low": float(number), "high": float(number)}])  # fmt: skip
    found, made = await told(database)
    assert len(found.entries) == 120
    assert len(made.html.encode()) <= LARGEST_HTML
    assert "more on the web" in made.html
    assert made.page.count('class="quote"') == 120


@pytest.mark.parametrize("language", list(Language))
async def test_hundreds_of_channels_and_gaps_fit_a_mail_and_the_rest_is_on_the_web(
    database: Database, language: Language
) -> None:
    found, _ = await told(database, language=language)
    label = "Канал с очень длинным названием, какие бывают, "
    many = [f"{label}{number}" for number in range(700)]
    full = replace(
        found,
        volumes=tuple(Volume(name, name, number, 9, timedelta(days=7)) for number, name in enumerate(many)),
        troubled=tuple(Troubled(name, name, DAY.since, "no public preview", paused=False) for name in many),
        gaps=tuple(Gap(name, name, DAY.since, DAY.until, "unreachable") for name in many),
        claimed=tuple(
            Claimed(kind=kind, side="ukraine", channel_id=number, message_id=1, version=1, handle=None,
                    title=many[number], low=number + 1.0, high=number + 1.0, claims=1)
            for kind in TROOP_KINDS for number in range(100)),
        asked=replace(found.asked, narrowed=Narrowed((), tuple(many))),
    )  # fmt: skip
    made = drawn(full, public_url=URL)
    assert len(made.html.encode()) <= LARGEST_HTML
    shown = made.html.count("no public preview")
    assert 0 < shown < 700
    for half in (" ".join(made.html.replace("&nbsp;", " ").split()), " ".join(made.body.split())):
        for noun in ("channel", "gap"):
            more = Wording(language)("more", what=Wording(language).count(noun, 700 - shown))
            assert " ".join(more.split()) in half
    # Of the channels those that post the most are told.
    assert f"{label}699</bdi></td>" in made.html
    assert f"{label}0</bdi></td>" not in made.html
    for name in many:
        assert made.page.count(f"{name}</bdi></td>") == 1
    assert made.page.count("no public preview") == 700


async def test_a_digest_makes_so_many_queries_whatever_it_tells(database: Database) -> None:
    await channels(database)
    await make_post(database, (7, 1), "Курск", figures=[PERSONNEL])
    asked = counting(database)
    await told(database)
    few = len(asked)
    for number in range(2, 30):
        await make_post(database, (7, number), f"Курск {number}", figures=[PERSONNEL])
    asked.clear()
    await told(database)
    assert len(asked) == few <= 18


# --- kept once, and planned for each ---------------------------------------------------------------------------


async def test_an_edition_is_composed_once_and_never_again(database: Database) -> None:
    await channels(database)
    await make_post(database, (7, 1), "Курск", hours=9)
    asked = Asked(window=DAY, zone="UTC", language=Language.ENGLISH, narrowed=EVERYTHING)
    first = await edition_of(database, asked, public_url=URL, now=DAY.until)
    await make_post(database, (7, 2), "Курск ещё", hours=10)
    again = await edition_of(database, asked, public_url=URL, now=DAY.until + timedelta(days=1))
    assert again == first
    assert (first.counts["flagged"], first.zone, first.narrowed) == (1, "UTC", EVERYTHING)
    with pytest.raises(Exception, match="only ever added"):
        await ask(database, "UPDATE monitor.editions SET subject = 'x' RETURNING 1")
    rows = await ask(database, "SELECT channel_id, message_id FROM monitor.edition_posts")
    assert [tuple(row) for row in rows] == [(7, 1)]


def reader(address: str, **more: Any) -> Reader:
    return Reader(address=f"{address}@r.example", **more)


async def run(database: Database, whom: Sequence[Reader], clock: Clock) -> dict[str, int]:
    return (await digest(database, whom, host="m.example", public_url=URL, now=clock)).numbers()


async def test_readers_of_the_same_share_an_edition(database: Database, clock: Clock) -> None:
    await channels(database)
    whom = [
        *(reader("ann", name="Ann"), reader("bob", name="Bob"), reader("vera", language=Language.RUSSIAN)),
        *(reader("yuki", zone="Asia/Tokyo"), reader("one", narrowed=Narrowed(("kursk",)))),
    ]
    assert await run(database, whom, clock) == {"planned": 0, "composed": 0}
    clock.at = AUGUST + timedelta(days=4, hours=8)
    assert await run(database, whom, clock) == {"planned": 5, "composed": 1}
    clock.forward(minutes=1)
    assert await run(database, whom, clock) == {"planned": 0, "composed": 3}
    assert await run(database, whom, clock) == {"planned": 0, "composed": 0}
    async with database.transaction() as tx:
        kept = await editions.listed(tx)
    assert sorted((one.planned, one.language.value, one.zone) for one in kept) == [
        (1, "en", "Asia/Tokyo"), (1, "en", "UTC"), (1, "ru", "UTC"), (2, "en", "UTC"),
    ]  # fmt: skip


async def test_one_that_cannot_be_composed_holds_up_no_other(database: Database, clock: Clock) -> None:
    whom = [reader("ann"), reader("bob", zone="Europe/London")]
    await run(database, whom, clock)
    clock.forward(days=1)
    async with database.transaction() as tx:
        assert [await plan_due(tx, one, host="m.example", now=clock()) for one in whom] == [1, 1]
    await ask(
        database, "UPDATE monitor.deliveries SET zone = 'No/Zone' WHERE zone = 'Europe/London' RETURNING 1"
    )
    with pytest.raises(ZoneInfoNotFoundError):
        await run(database, whom, clock)
    kept = await ask(database, "SELECT zone FROM monitor.editions")
    assert [row.zone for row in kept] == ["UTC"]


async def test_days_that_were_missed_come_late_and_those_of_long_ago_do_not(
    database: Database, clock: Clock
) -> None:
    ann = [reader("ann")]
    await run(database, ann, clock)
    clock.forward(days=3)
    assert (await run(database, ann, clock))["planned"] == 3
    clock.forward(days=30)
    assert (await run(database, ann, clock))["planned"] == 7
    rows = await ask(
        database, "SELECT window_from, window_until FROM monitor.deliveries ORDER BY window_from"
    )
    assert all(row.window_until - row.window_from == timedelta(days=1) for row in rows)


async def test_a_day_before_they_were_listed_gives_a_reader_none_of_the_days_since(
    database: Database, clock: Clock
) -> None:
    ann = reader("ann")
    async with database.transaction() as tx:
        await readers.known(tx, ann.address, now=clock())
        old = Window(clock() - timedelta(days=40), clock() - timedelta(days=39))
        assert await deliveries.plan_digest(tx, ann, old, host="m.example", now=clock())
        assert await windows_due(tx, ann, now=clock()) == []
    clock.forward(days=1)
    async with database.transaction() as tx:
        (window,) = await windows_due(tx, ann, now=clock())
    assert window.until - window.since == timedelta(days=1)


async def test_whoever_unsubscribed_gets_none(database: Database, clock: Clock) -> None:
    ann = [reader("ann")]
    await run(database, ann, clock)
    async with database.transaction() as tx:
        known = await readers.known(tx, "ann@r.example", now=clock())
        assert await readers.unsubscribe(tx, known.token, now=clock())
    clock.forward(days=1)
    assert (await run(database, ann, clock))["composed"] == 0
    assert [row.state for row in await ask(database, "SELECT state FROM monitor.deliveries")] == ["dropped"]


async def test_without_a_mail_server_digests_are_kept(database: Database, clock: Clock) -> None:
    await channels(database)
    await run(database, [reader("ann")], clock)
    clock.forward(days=1)
    await run(database, [reader("ann")], clock)
    done = await deliver.deliver(database, None, now=clock)
    assert done.kept == 1
    async with database.transaction() as tx:
        [kept] = await editions.listed(tx)
        last = await deliveries.latest(tx, "ann@r.example", kept.window)
    assert last is not None
    assert last.state == "kept"
    assert (kept.planned, kept.sent) == (1, 0)


async def test_a_letter_has_the_whole_edition_and_where_it_lies_on_the_web(database: Database) -> None:
    from monitor.letters import Addressed, digest_letter
    from monitor.mail import MailOptions
    from monitor.model import Mailbox

    await channels(database)
    await make_post(database, (7, 1), "Курск", hours=9)
    asked = Asked(window=DAY, zone="UTC", language=Language.ENGLISH, narrowed=EVERYTHING)
    edition = await edition_of(database, asked, public_url=URL, now=DAY.until)
    options = MailOptions(host="127.0.0.1", sender=Mailbox("Watch", "watch@m.example"), public_url=URL)
    addressed = Addressed(
        to=Mailbox("Ann", "ann@r.example"),
        language=Language.ENGLISH,
        message_id="x@m.example",
        token="t" * 22,
    )
    letter = message_from_bytes(
        digest_letter(edition, addressed, options, now=DAY.until), policy=policy.default
    )
    text, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    for half in (text, html):
        assert f"{URL}/digest/{edition.edition_id}" in half
        assert f"{URL}/u/{'t' * 22}" in half
    assert edition.body.strip() in text.replace("\r\n", "\n")
    assert len(html.encode()) <= 90_000
