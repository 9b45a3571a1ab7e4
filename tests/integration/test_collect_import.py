"""Taking in Telegram Desktop's exports, and the same posts from two sources."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import collect
from monitor.errors import ExportError
from monitor.looks import Collected
from monitor.model import MediaKind
from monitor.sources.desktop import DesktopSource
from monitor.sources.preview import PreviewSource
from monitor.sources.preview_fetch import PreviewOptions
from monitor.standin.scenario import THEN, Message, Scenario, shipped
from monitor.standin.server import Standin, serving
from monitor.store.database import Database
from tests.conftest import Clock
from tests.integration.helpers import ask, listed

LONG = 1900000077


def message(number: int, text: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": "2024-08-06T12:00:00",
        "date_unixtime": str(1722934800 + number * 60),
        "from": "Длинный канал",
        "from_id": f"channel{LONG}",
        "text": text,
        "text_entities": [{"type": "plain", "text": text}] if text else [],
        **more,
    }


def export(
    path: Path, messages: Sequence[Mapping[str, Any]], *, number: int = LONG, kind: str = "public_channel"
) -> Path:
    chat = {"name": "Длинный канал", "type": kind, "id": number, "messages": list(messages)}
    path.write_text(json.dumps(chat, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


async def take(database: Database, path: Path, clock: Clock) -> Collected:
    return await collect.take(database, DesktopSource(path), now=clock)


async def everything(database: Database) -> list[tuple[object, ...]]:
    rows = await ask(database, "SELECT * FROM monitor.post_versions ORDER BY channel_id, message_id, version")
    return [tuple(row) for row in rows]


async def test_an_export_gives_exactly_its_posts_and_twice_changes_nothing(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    path = export(tmp_path / "result.json", [message(n, f"Сообщение {n}") for n in range(1, 2501)])
    done = await take(database, path, clock)
    assert (done.posts, done.edits, done.set_aside, done.looks) == (2500, 0, 0, 2)
    before = await everything(database)
    assert [row[1] for row in before] == list(range(1, 2501))
    clock.forward(days=1)
    again = await take(database, path, clock)
    assert (again.posts, again.edits) == (0, 0)
    assert await everything(database) == before
    rows = await ask(database, "SELECT kind, outcome, first_id, last_id, looks FROM monitor.coverage")
    assert [tuple(r) for r in rows] == [("import", "ok", 1, 2500, 2)] * 2
    seen = await ask(
        database, "SELECT DISTINCT last_seen_at < :now AS past FROM monitor.post_state", now=clock()
    )
    assert [r.past for r in seen] == [True]


async def test_a_torn_file_gives_what_is_whole_and_sets_the_rest_aside(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    path = export(tmp_path / "result.json", [message(n, f"Сообщение {n}") for n in range(1, 11)])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index('"Сообщение 10"'.encode()) + 12])
    done = await take(database, path, clock)
    assert (done.posts, done.set_aside) == (9, 1)
    rows = await ask(database, "SELECT reason, body FROM monitor.set_aside")
    assert "broken off" in rows[0].reason
    assert b'"id": 10' in bytes(rows[0].body)


async def test_one_broken_message_does_not_stop_the_others(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    path = export(tmp_path / "result.json", [message(n, f"Сообщение {n}") for n in range(1, 6)])
    written = (
        path.read_bytes()
        .replace("Сообщение 3".encode(), b"\xff\xfe", 1)
        .replace("Сообщение 4".encode(), rb"\x07x4")
    )
    path.write_bytes(written)
    done = await take(database, path, clock)
    assert (done.posts, done.set_aside) == (4, 1)
    rows = await ask(database, "SELECT text FROM research.posts WHERE message_id = 4")
    assert rows[0].text == "\x07x4"


@pytest.mark.parametrize(
    "kind", ["private_group", "public_supergroup", "personal_chat", "private_channel", "saved_messages"]
)
async def test_any_other_chat_is_refused_by_name(
    database: Database, tmp_path: Path, clock: Clock, kind: str
) -> None:
    path = export(tmp_path / "result.json", [message(1, "Привет")], kind=kind)
    with pytest.raises(ExportError, match="Длинный канал"):
        await take(database, path, clock)
    assert await everything(database) == []
    assert await ask(database, "SELECT 1 FROM monitor.raw_records") == []


async def test_an_older_export_adds_an_earlier_version_and_leaves_the_present_one(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    edited = {"edited": "2024-08-06T14:00:00", "edited_unixtime": str(1722934800 + 9000)}
    await take(database, export(tmp_path / "new.json", [message(1, "до 300 человек", **edited)]), clock)
    done = await take(database, export(tmp_path / "old.json", [message(1, "до 200 человек")]), clock)
    assert done.edits == 1
    rows = await ask(database, "SELECT version, is_current, text FROM research.versions ORDER BY version")
    assert [tuple(r) for r in rows] == [(1, True, "до 300 человек"), (2, False, "до 200 человек")]
    again = await take(database, tmp_path / "old.json", clock)
    assert again.edits == 0


async def test_a_later_export_adds_the_version_that_is_current(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    edited = {"edited": "2024-08-06T14:00:00", "edited_unixtime": str(1722934800 + 9000)}
    await take(database, export(tmp_path / "old.json", [message(1, "до 200 человек")]), clock)
    await take(database, export(tmp_path / "new.json", [message(1, "до 300 человек", **edited)]), clock)
    rows = await ask(database, "SELECT version, text, edited_at FROM research.posts")
    assert (rows[0].version, rows[0].text) == (2, "до 300 человек")
    assert rows[0].edited_at is not None


async def test_reactions_of_an_export_are_counted_exactly(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    reactions = [{"type": "emoji", "count": 12, "emoji": "👍"}, {"type": "paid", "count": 3}]
    await take(database, export(tmp_path / "r.json", [message(1, "Привет", reactions=reactions)]), clock)
    rows = await ask(database, "SELECT views, reactions FROM monitor.post_counts")
    assert (rows[0].views, rows[0].reactions) == (None, {"👍": [12, 1], "paid": [3, 1]})


# --- the same channel by both sources -----------------------------------------------------------------------

_MEDIA: dict[MediaKind, dict[str, Any]] = {
    MediaKind.PHOTO: {"photo": "(File not included.)", "width": 1, "height": 1},
    MediaKind.VIDEO: {"file": "(File not included.)", "media_type": "video_file"},
    MediaKind.ANIMATION: {"file": "(File not included.)", "media_type": "animation"},
    MediaKind.ROUND_VIDEO: {"file": "(File not included.)", "media_type": "video_message"},
    MediaKind.VOICE: {"file": "(File not included.)", "media_type": "voice_message"},
    MediaKind.AUDIO: {"file": "(File not included.)", "media_type": "audio_file"},
    MediaKind.STICKER: {"file": "(File not included.)", "media_type": "sticker"},
    MediaKind.DOCUMENT: {"file": "(File not included.)"},
    MediaKind.LOCATION: {"location_information": {"latitude": 51.2, "longitude": 35.3}},
}
_ACTIONS = {
    "created": "create_channel",
    "renamed": "edit_group_title",
    "photo": "edit_group_photo",
    "pinned": "pin_message",
}


def as_desktop(scenario: Scenario, shown: Message) -> dict[str, Any]:
    """A message of a scenario as Telegram Desktop would export it: formatting flat, one type a part."""
    posted = int((THEN + shown.at).timestamp())
    written: dict[str, Any] = {
        "id": shown.id,
        "type": "message",
        "date": "2024-08-06T12:00:00",
        "date_unixtime": str(posted),
    }
    if shown.service:
        return written | {
            "type": "service",
            "action": _ACTIONS[shown.service],
            "actor": scenario.title,
            "text": "",
        }
    if shown.edited:
        written |= {
            "edited": "2024-08-06T12:00:00",
            "edited_unixtime": str(int((THEN + shown.edited).timestamp())),
        }
    written |= {"from": scenario.title, "from_id": f"channel{scenario.id}"}
    if shown.poll:
        answers = [{"text": o["text"], "voters": o["voters"], "chosen": False} for o in shown.poll["options"]]
        written["poll"] = {
            "question": shown.poll["question"],
            "closed": False,
            "total_voters": 1,
            "answers": answers,
        }
    elif shown.media_kind:
        written.update(_MEDIA[shown.media_kind])
    return written | {"text_entities": list(parts(shown))}


def parts(shown: Message) -> list[dict[str, str]]:
    units = shown.text.words.encode("utf-16-le")
    found: list[dict[str, str]] = []
    at = 0
    for entity in shown.text.entities:
        if entity.offset < at:
            continue
        found.append({"type": "plain", "text": units[at * 2 : entity.offset * 2].decode("utf-16-le")})
        at = entity.offset + entity.length
        said = units[entity.offset * 2 : at * 2].decode("utf-16-le")
        found.append({"type": entity.type, "text": said, **({"href": entity.value} if entity.value else {})})
    found.append({"type": "plain", "text": units[at * 2 :].decode("utf-16-le")})
    return [part for part in found if part["text"]]


@pytest.mark.parametrize("file_first", [True, False])
async def test_the_same_post_from_both_sources_is_one_post_with_one_version(
    database: Database, tmp_path: Path, *, file_first: bool
) -> None:
    clock = Clock((THEN + timedelta(days=6)).astimezone(UTC))
    scenarios = shipped()
    standin = Standin(clock)
    standin.play(scenarios, start=THEN)
    files = []
    for scenario in scenarios:
        shown = [m for m in scenario.shown(scenario.ends) if not m.unsupported]
        chat = {
            "name": scenario.title_at(scenario.ends),
            "type": "public_channel",
            "id": scenario.id,
            "messages": [as_desktop(scenario, m) for m in shown],
        }
        files.append(tmp_path / f"{scenario.handle}.json")
        files[-1].write_text(json.dumps(chat, ensure_ascii=False), encoding="utf-8")
    await listed(database, *(s.handle for s in scenarios), since=THEN.astimezone(UTC))

    async def imported() -> None:
        for path in files:
            await take(database, path, clock)

    async def previewed() -> None:
        async with (
            serving(standin) as host,
            PreviewSource.opened(PreviewOptions(hosts=(host,), pace=0), now=clock) as source,
        ):
            await collect.live(database, source, now=clock)
            while (await collect.backfill(database, source, now=clock)).looks:
                pass

    for step in (imported, previewed) if file_first else (previewed, imported):
        await step()
        clock.forward(hours=1)
    rows = await ask(
        database,
        "SELECT channel_id, message_id, version, text, source FROM monitor.post_versions WHERE version > 1",
    )
    assert [tuple(r) for r in rows] == []
    total = await ask(database, "SELECT count(*) AS n FROM monitor.posts")
    assert total[0].n == sum(len(s.shown(s.ends)) for s in scenarios)
