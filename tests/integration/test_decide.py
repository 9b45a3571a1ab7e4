"""What analysts do with cases: two never hold one, a decision is of what was read, and any can be taken back."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import decide, flag
from monitor.errors import Conflict
from monitor.model import CaseState, Saying, Verdict, VersionKey
from monitor.store import decisions, judgements, queue
from monitor.store.database import Database
from monitor.store.queue import Filter, ViewOf
from tests.conftest import Clock
from tests.integration.helpers import ask
from tests.integration.test_review import EDIT, Archive
from tests.rulesets import shipped_rules, shipped_texts

LASTING = timedelta(minutes=15)
OVERDUE = timedelta(hours=1)
TEXTS = {n: f"В Судже бой, сообщение {n}" for n in range(1, 6)}


class Desk(Archive):
    """An archive with cases, and two analysts."""

    olga, petr = 1, 2

    async def fill(self) -> "Desk":
        await self.posts(TEXTS)
        for name in ("olga", "petr"):
            await ask(
                self.database,
                "INSERT INTO monitor.users (name, role, password, language, created_at) VALUES (:n, 'analyst', '', 'ru', :now) RETURNING 1",
                n=name,
                now=self.clock.at,
            )
        return self

    async def of(self, case_id: int) -> VersionKey:
        rows = await ask(
            self.database,
            "SELECT channel_id, message_id, version FROM monitor.cases WHERE case_id = :c",
            c=case_id,
        )
        return VersionKey(*rows[0])

    async def next(self, user: int, wanted: Filter | None = None) -> int | None:
        async with self.database.transaction() as tx:
            return await decisions.claim_next(tx, user, wanted or Filter(), now=self.clock(), lasting=LASTING)

    async def say(self, case_id: int, user: int, verdict: Verdict, **more: object) -> int:
        said = Saying(verdict=verdict, of=await self.of(case_id), **more)  # type: ignore[arg-type]
        async with self.database.transaction() as tx:
            return await decide.decide(tx, case_id, user, said, now=self.clock())

    async def undo(self, decision_id: int, user: int) -> int:
        async with self.database.transaction() as tx:
            return await decide.undo(tx, decision_id, user, now=self.clock())

    async def state(self, case_id: int) -> str:
        rows = await ask(self.database, "SELECT state FROM monitor.cases WHERE case_id = :c", c=case_id)
        return str(rows[0].state)

    async def view(self, view: ViewOf, user: int = 1) -> list[int]:
        async with self.database.transaction() as tx:
            rows = await queue.listed(tx, Filter(view), user_id=user, now=self.clock(), limit=50)
        return [row.case_id for row in rows]


@pytest.fixture
async def desk(database: Database, tmp_path: Path, clock: Clock) -> Desk:
    return await Desk(database, tmp_path, clock).fill()


async def test_the_first_of_the_queue_is_claimed_and_passed_over_by_others(desk: Desk) -> None:
    first, second = await desk.next(desk.olga), await desk.next(desk.petr)
    assert [first, second] == (await desk.view(ViewOf.QUEUE))[:2]
    assert await desk.view(ViewOf.MINE, desk.olga) == [first]
    assert first not in await desk.view(ViewOf.NOBODYS)


async def test_two_hundred_who_ask_at_once_never_hold_the_same_case(desk: Desk) -> None:
    await desk.posts({n: f"В Судже бой, ещё сообщение {n}" for n in range(10, 110)})
    asked = [desk.next(desk.olga if n % 2 else desk.petr) for n in range(200)]
    # One user's own cases come again for them; what counts is that nobody gets another's.
    got = await asyncio.gather(*asked)
    olga = {case for n, case in enumerate(got) if n % 2}
    petr = {case for n, case in enumerate(got) if not n % 2}
    assert not (olga & petr) - {None}


async def test_a_claim_runs_out(desk: Desk) -> None:
    first = await desk.next(desk.olga)
    desk.clock.forward(minutes=16)
    assert await desk.next(desk.petr) == first


async def test_a_heartbeat_keeps_a_claim(desk: Desk) -> None:
    first = await desk.next(desk.olga)
    assert first is not None
    desk.clock.forward(minutes=10)
    async with desk.database.transaction() as tx:
        assert await decisions.renew(tx, first, desk.olga, now=desk.clock(), lasting=LASTING)
        assert not await decisions.renew(tx, first, desk.petr, now=desk.clock(), lasting=LASTING)
    desk.clock.forward(minutes=10)
    assert await desk.next(desk.petr) != first


async def test_a_claim_is_taken_over_only_on_purpose_and_on_record(desk: Desk) -> None:
    first = await desk.next(desk.olga)
    assert first is not None
    async with desk.database.transaction() as tx:
        held = await decisions.claim(tx, first, desk.petr, now=desk.clock(), lasting=LASTING)
        assert held is not None
        assert held.user == "olga"
        taken = await decisions.claim(tx, first, desk.petr, now=desk.clock(), lasting=LASTING, over=True)
        assert taken is not None
        assert taken.user == "petr"
    rows = await ask(
        desk.database, "SELECT kind, user_id, detail FROM monitor.case_events ORDER BY event_id DESC LIMIT 1"
    )
    assert tuple(rows[0]) == ("taken_over", 2, "from olga")
    with pytest.raises(Conflict, match="another analyst"):
        await desk.say(first, desk.olga, Verdict.RELEVANT)


async def test_a_claim_is_given_back(desk: Desk) -> None:
    first = await desk.next(desk.olga)
    assert first is not None
    async with desk.database.transaction() as tx:
        assert not await decisions.release(tx, first, desk.petr, now=desk.clock())
        assert await decisions.release(tx, first, desk.olga, now=desk.clock())
    assert await desk.next(desk.petr) == first


@pytest.mark.parametrize(
    ("verdict", "state", "view"),
    [
        (Verdict.RELEVANT, CaseState.DECIDED, ViewOf.DECIDED),
        (Verdict.NOT_RELEVANT, CaseState.DECIDED, ViewOf.DECIDED),
        (Verdict.DUPLICATE, CaseState.DECIDED, ViewOf.DECIDED),
        (Verdict.ESCALATE, CaseState.ESCALATED, ViewOf.ESCALATED),
        (Verdict.SNOOZE, CaseState.SNOOZED, ViewOf.SNOOZED),
        (Verdict.SECOND_LOOK, CaseState.SECOND_LOOK, ViewOf.SECOND_LOOK),
    ],
)
async def test_a_decision_moves_the_case(
    desk: Desk, verdict: Verdict, state: CaseState, view: ViewOf
) -> None:
    first = await desk.next(desk.olga)
    assert first is not None
    made = await desk.say(first, desk.olga, verdict)
    assert await desk.state(first) == state
    assert first in await desk.view(view, desk.petr)
    assert first not in await desk.view(ViewOf.QUEUE)
    await desk.undo(made, desk.olga)
    assert await desk.state(first) == CaseState.OPEN
    assert first in await desk.view(ViewOf.QUEUE)


async def test_an_undo_lets_the_decision_before_stand(desk: Desk) -> None:
    case_id = (await desk.view(ViewOf.QUEUE))[0]
    await desk.say(case_id, desk.olga, Verdict.RELEVANT)
    second = await desk.say(case_id, desk.petr, Verdict.NOT_RELEVANT)
    with pytest.raises(Conflict, match="cannot be taken back"):
        await desk.undo(second, desk.olga)
    await desk.undo(second, desk.petr)
    async with desk.database.transaction() as tx:
        stands = await decide.standing(tx, case_id)
    assert stands is not None
    assert (stands.verdict, stands.user) == (Verdict.RELEVANT, "olga")
    with pytest.raises(Conflict):
        await desk.undo(second, desk.petr)


async def test_whoever_asks_for_a_second_look_does_not_give_it(desk: Desk) -> None:
    case_id = (await desk.view(ViewOf.QUEUE))[0]
    await desk.say(case_id, desk.olga, Verdict.SECOND_LOOK, opinion=Verdict.RELEVANT)
    assert case_id not in await desk.view(ViewOf.SECOND_LOOK, desk.olga)
    with pytest.raises(Conflict, match="asked for this second look"):
        await desk.say(case_id, desk.olga, Verdict.RELEVANT)
    await desk.say(case_id, desk.petr, Verdict.NOT_RELEVANT)
    async with desk.database.transaction() as tx:
        assert await decisions.pairs(tx) == [(case_id, Verdict.RELEVANT, Verdict.NOT_RELEVANT)]


async def test_a_decision_on_a_version_that_is_past_is_refused(desk: Desk) -> None:
    case_id = (await desk.view(ViewOf.QUEUE))[0]
    old = await desk.of(case_id)
    await desk.posts({old.message_id: "В Судже тихо, текст изменён"}, **EDIT)
    said = Saying(verdict=Verdict.RELEVANT, of=old)
    async with desk.database.transaction() as tx:
        with pytest.raises(Conflict, match="edited while you read"):
            await decide.decide(tx, case_id, desk.olga, said, now=desk.clock())
    rows = await ask(desk.database, "SELECT count(*) AS n FROM monitor.decisions")
    assert rows[0].n == 0


async def test_cases_decided_together_are_taken_back_together(desk: Desk) -> None:
    chosen = (await desk.view(ViewOf.QUEUE))[:3]
    async with desk.database.transaction() as tx:
        batch = await decisions.new_batch(tx)
    for case_id in chosen:
        await desk.say(case_id, desk.olga, Verdict.NOT_RELEVANT, batch=batch)
    async with desk.database.transaction() as tx:
        made = await decisions.batch_of(tx, batch, desk.olga)
        for decision_id in made:
            await decide.undo(tx, decision_id, desk.olga, now=desk.clock())
    assert len(made) == 3
    assert (await desk.view(ViewOf.QUEUE))[:3] == chosen


async def test_what_waits_too_long_is_overdue(desk: Desk) -> None:
    assert await desk.view(ViewOf.OVERDUE) == []
    desk.clock.forward(minutes=61)
    assert len(await desk.view(ViewOf.OVERDUE)) == len(TEXTS)
    async with desk.database.transaction() as tx:
        found = await queue.counts(tx, user_id=1, now=desk.clock(), overdue=OVERDUE)
    assert found[ViewOf.QUEUE] == found[ViewOf.OVERDUE] == found[ViewOf.NOBODYS] == len(TEXTS)
    assert found[ViewOf.MINE] == 0


async def test_a_view_is_narrowed_and_read_page_by_page(desk: Desk) -> None:
    async with desk.database.transaction() as tx:
        first = await queue.listed(tx, Filter(), user_id=1, now=desk.clock(), limit=2)
        rest = await queue.listed(tx, Filter(), user_id=1, now=desk.clock(), limit=50, after=first[-1].place)
        other = await queue.listed(tx, Filter(topic="kursk"), user_id=1, now=desk.clock(), limit=9)
        ours = await queue.listed(tx, Filter(handle="LONG_channel"), user_id=1, now=desk.clock(), limit=9)
    assert [row.case_id for row in (*first, *rest)] == await desk.view(ViewOf.QUEUE)
    assert other == []
    assert {row.handle for row in ours} <= {"long_channel"}


async def test_the_last_word_on_a_figure_stands(desk: Desk) -> None:
    case_id = (await desk.view(ViewOf.QUEUE))[0]
    of = await desk.of(case_id)
    said = decisions.FigureSaid(of=of, first_char=3, end_char=8, verdict="corrected", low=5, high=9)
    async with desk.database.transaction() as tx:
        await decisions.decide_figure(tx, case_id, desk.olga, said, now=desk.clock())
    rows = await ask(desk.database, "SELECT verdict, low, high FROM monitor.figure_decisions")
    assert [tuple(row) for row in rows] == [("corrected", 5.0, 9.0)]


async def test_what_analysts_said_is_counted_by_topic_and_kind(desk: Desk) -> None:
    await flag.flag(desk.database, shipped_rules(), shipped_texts(), now=desk.clock)
    first, second, *_ = await desk.view(ViewOf.QUEUE)
    await desk.say(first, desk.olga, Verdict.RELEVANT)
    made = await desk.say(second, desk.olga, Verdict.NOT_RELEVANT)
    async with desk.database.transaction() as tx:
        assert await judgements.topics(tx) == [("sudzha", 1, 1)]
        assert await judgements.kinds(tx) == []
    await desk.undo(made, desk.olga)
    await desk.posts({9: "В Судже 11 танков ВСУ и 20 ББМ"})
    await flag.flag(desk.database, shipped_rules(), shipped_texts(), now=desk.clock)
    tank, armour = await ask(
        desk.database,
        "SELECT first_char, end_char FROM monitor.figures JOIN monitor.post_state s USING (channel_id, message_id) "
        "WHERE message_id = 9 AND ruleset_id = s.read_ruleset ORDER BY number",
    )
    of = VersionKey(*(await ask(desk.database, "SELECT channel_id, 9, 1 FROM monitor.posts LIMIT 1"))[0])
    for place, verdicts in ((tank, ("rejected", "confirmed")), (armour, ("corrected", "undone"))):
        for verdict in verdicts:
            said = decisions.FigureSaid(of=of, first_char=place[0], end_char=place[1], verdict=verdict)
            async with desk.database.transaction() as tx:
                await decisions.decide_figure(tx, first, desk.olga, said, now=desk.clock())
    async with desk.database.transaction() as tx:
        assert await judgements.topics(tx) == [("sudzha", 1, 0)]
        assert await judgements.kinds(tx) == [("tank", 1, 0, 0)]
