"""An archive of real shape: the shipped channels, collected through Telegram and pages, read, reviewed, and partly purged."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from monitor import decide, flag, review
from monitor.model import Language, Priority, Role, Saying, Verdict, VersionKey
from monitor.standin.scenario import THEN, shipped
from monitor.store import decisions, purges, users
from monitor.store.database import Database, lock_channel
from tests.integration.helpers import ask
from tests.integration.telegram_helpers import Outside, opening
from tests.rulesets import rules_of, shipped_rules, shipped_texts, texts_of

FIRST_RULES = '[topic.sudzha]\nlemmas = ["Суджа"]\n[topic.quiet]\nlemmas = ["область"]\nflag = false\n'
PRIORITY = Priority(topics={"kursk": 20})


async def play(database: Database) -> None:
    """Fill an archive with two and a half days of the shipped channels, and all that can come of them."""
    async with opening(database)(*shipped(), at=THEN + timedelta(hours=30), start=THEN, fallback=True) as o:
        await o.look()
        await o.backfill()
        await flag.flag(database, rules_of(FIRST_RULES), texts_of(FIRST_RULES), now=o.clock)
        for hours in (1, 6, 3, 12):
            await _go_on(o, hours)
        await _decide(o)
        await _go_on(o, 8)
        await o.look(hours=9)
        await _media_and_purges(database, o)


async def _go_on(o: Outside, hours: float) -> None:
    await o.look(hours=hours)
    await o.recheck(minutes=5)
    await flag.flag(o.database, shipped_rules(), shipped_texts(), now=o.clock)
    await review.review(o.database, PRIORITY, now=o.clock)


async def _decide(o: Outside) -> None:
    ours = []
    async with o.database.transaction() as tx:
        for name in ("zinaida", "olga", "petr"):
            made = await users.add(
                tx, name, role=Role.ANALYST, password="-", language=Language.RUSSIAN, now=o.clock()
            )
            ours.append(made.user_id)
    _, olga, petr = ours
    cases = [
        row.case_id for row in await ask(o.database, "SELECT case_id FROM monitor.cases ORDER BY case_id")
    ]
    await _say(o, cases[0], olga, Verdict.RELEVANT, note="olga thinks so")
    taken_back = await _say(o, cases[1], olga, Verdict.NOT_RELEVANT, reason="past")
    async with o.database.transaction() as tx:
        await decide.undo(tx, taken_back, olga, now=o.clock())
    await _say(o, cases[2], olga, Verdict.SECOND_LOOK, opinion=Verdict.RELEVANT)
    await _say(o, cases[2], petr, Verdict.NOT_RELEVANT, reason="elsewhere")
    await _say(o, cases[3], petr, Verdict.DUPLICATE, duplicate_of=cases[0])
    await _say(o, cases[4], petr, Verdict.SNOOZE, wake_at=o.clock.at + timedelta(days=9), wake_on_edit=True)
    await _say(o, cases[5], olga, Verdict.SECOND_LOOK)
    await _say(o, cases[6], olga, Verdict.ESCALATE)
    await _judge_figures(o, olga)


async def _say(o: Outside, case_id: int, user_id: int, verdict: Verdict, **more: object) -> int:
    rows: Sequence[tuple[int, int, int]] = [
        tuple(row)
        for row in await ask(
            o.database,
            "SELECT channel_id, message_id, version FROM monitor.cases WHERE case_id = :c",
            c=case_id,
        )
    ]
    said = Saying(verdict=verdict, of=VersionKey(*rows[0]), **more)  # type: ignore[arg-type]
    async with o.database.transaction() as tx:
        return await decide.decide(tx, case_id, user_id, said, now=o.clock.forward(minutes=1))


async def _judge_figures(o: Outside, user_id: int) -> None:
    figures = await ask(
        o.database,
        """SELECT g.*, c.case_id FROM monitor.figures g JOIN monitor.case_posts c USING (channel_id, message_id, version)
           ORDER BY g.channel_id, g.message_id, g.ruleset_id, g.number""",
    )
    words: list[tuple[str, dict[str, Any]]] = [
        ("confirmed", {}),
        ("corrected", {"low": 7.5, "high": 9.0}),
        ("rejected", {}),
        ("undone", {}),
    ]
    words += [("corrected", {"kind": "tank", "low": None, "high": 3.0, "side": "other"})]
    async with o.database.transaction() as tx:
        for figure, (verdict, more) in zip(figures, words, strict=False):
            said = decisions.FigureSaid(
                of=VersionKey(figure.channel_id, figure.message_id, figure.version),
                first_char=figure.first_char,
                end_char=figure.end_char,
                verdict=verdict,
                **more,
            )
            await decisions.decide_figure(tx, figure.case_id, user_id, said, now=o.clock())


async def _media_and_purges(database: Database, o: Outside) -> None:
    await ask(
        database,
        """UPDATE monitor.media SET state = 'kept', sha256 = '\\x0102', kept_at = :now
           WHERE media_id = (SELECT min(media_id) FROM monitor.media) RETURNING 1""",
        now=o.clock(),
    )
    [case] = await ask(
        database, "SELECT channel_id, message_id FROM monitor.cases ORDER BY posts DESC, case_id LIMIT 1"
    )
    [post] = await ask(
        database, "SELECT channel_id, message_id FROM monitor.posts ORDER BY channel_id, message_id LIMIT 1"
    )
    for channel_id, message_id in {tuple(case), tuple(post)}:
        async with database.transaction() as tx:
            await lock_channel(tx, channel_id)
            await purges.purge(tx, channel_id, message_id, now=o.clock(), reason="asked for by its author")
