"""Export files: what comes out of each version's form, and of each way in which a file can be broken."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import ExportError
from monitor.model import Look, MediaKind, Post, SetAside, SourceName
from monitor.sources import desktop
from monitor.sources.desktop import DesktopSource, bare_id, export_file, repaired

EXPORTS = Path(__file__).parent.parent / "fixtures" / "desktop"
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
PEOPLE = ("Sample", "Example", "Образцов", "777000", "4294967811", "000 000", "vera.vcf", "Nzc3MDAwNDQ0")


async def looks_of(path: Path, *, handle: str | None = None) -> list[Look]:
    source = DesktopSource(path, zone=MOSCOW, handle=handle)
    return [look async for look in source.looks(now=lambda: NOW)]


async def posts_of(path: Path) -> list[Post]:
    return [post for look in await looks_of(path) for post in look.posts]


async def aside_of(path: Path) -> list[SetAside]:
    return [piece for look in await looks_of(path) for piece in look.set_aside]


def message(number: int, **more: object) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": "2024-01-01T00:00:00",
        "date_unixtime": str(1704067200 + 60 * number),
        "from": "Harbour notes",
        "from_id": "channel1500000002",
        "text": f"Words {number}",
        "text_entities": [{"type": "plain", "text": f"Words {number}"}],
    } | more


def written(number: int, **more: object) -> bytes:
    return json.dumps(message(number, **more), ensure_ascii=False, indent=1).encode()


def chat(*messages: bytes, kind: str = "public_channel", number: int = 1500000002) -> bytes:
    head = f'{{\n "name": "Harbour notes",\n "type": "{kind}",\n "id": {number},\n "messages": ['
    return head.encode() + b",\n".join(messages) + b"\n ]\n}"


def account(*chats: bytes) -> bytes:
    return b'{"about": "", "chats": {"about": "", "list": [' + b",\n".join(chats) + b"]}}"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "result.json"


UNQUOTED = written(2, text=[{"type": "custom_emoji", "text": "x", "document_id": "PATH"}]).replace(
    b'"PATH"', b"stickers/AnimatedSticker.tgs"
)
LAST_IS_LIST = UNQUOTED.replace(b"Words 2", b"Words {2").replace(b'"text_entities"', b'"z"')
QUOTE_LOST = written(2).replace(b'"Words 2",', b'"Words 2,')
BROKEN = {
    "unquoted path": UNQUOTED,
    "unquoted path at the end": LAST_IS_LIST,
    "a quote lost": QUOTE_LOST,
    "not a number": written(2, views="NAN").replace(b'"NAN"', b"NaN"),
    "bare text": b"words",
    "bytes that are no UTF-8": written(2, text="Z", text_entities=None).replace(b"Z", b"a\xff\xfeb"),
    "nested without end": b'{"id": 2, "type": "message", "x": ' + b"[" * 3000 + b"]" * 3000 + b"}",
}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("v2_1_8", [1, 2, 3]),
        ("v2_7_2", [10, 12, 14]),
        ("v4_2", [20, 21, 22, 23]),
        ("v5_16", [30, 31]),
        ("v7", [40, 41, 43]),
        ("account", [15, 24]),
        ("truncated", [30]),
        ("imitation", [50, 51]),
    ],
)
async def test_every_version_gives_its_posts_and_no_person(name: str, ids: list[int]) -> None:
    posts = await posts_of(EXPORTS / f"{name}.json")
    assert [post.message_id for post in posts] == ids
    for post in posts:
        everything = post.raw.decode() + repr(post)
        assert not [person for person in PEOPLE if person in everything]


@pytest.mark.parametrize("name", ["v2_1_8", "v2_7_2", "v4_2", "v5_16", "v7", "account", "truncated"])
async def test_the_size_of_reads_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await looks_of(EXPORTS / f"{name}.json")
    for size in (1, 2, 3, 5, 7, 64, 301):
        monkeypatch.setattr(desktop, "CHUNK", size)
        assert await looks_of(EXPORTS / f"{name}.json") == whole


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - {"nested without end"}))
async def test_a_boundary_at_every_offset_of_a_broken_file(
    name: str, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.write_bytes(chat(written(1, text="Ёлка 🎄"), BROKEN[name], written(3)))
    whole = await looks_of(export)
    assert len(whole[0].set_aside) == 1
    for size in range(1, export.stat().st_size):
        monkeypatch.setattr(desktop, "CHUNK", size)
        assert await looks_of(export) == whole


async def test_old_ids_lose_their_shift_though_the_first_message_has_no_author() -> None:
    looks = await looks_of(EXPORTS / "v2_1_8.json")
    assert looks[0].channel.channel_id == 1500000001
    assert looks[0].channel.title == "Городские новости"
    created, plain, edited = looks[0].posts
    assert (created.service, created.extras["title"]) == ("created", "Городские новости")
    assert plain.posted_at == datetime(2020, 6, 20, 7, 5, tzinfo=UTC)
    assert (plain.edited, plain.edited_at) == (False, None)
    assert edited.edited_at == datetime(2020, 6, 20, 7, 20, tzinfo=UTC)
    assert json.loads(plain.raw)["from"] == "Городские новости"
    assert json.loads(edited.raw)["from"] == "a user"


@pytest.mark.parametrize(
    ("written_id", "first", "number"),
    [
        (1500000001, b"", 1500000001),
        (10089934593, b'{"from_id": 10089934593}', 1500000001),
        (10089934593, b'{"actor_id": 10089934593}', 1500000001),
        (10089934593, b'{"id": 1, "type": "unsupported"}', 1500000001),
        (10089934593, b'{"from_id": "channel10089934593"}', 10089934593),
        (10089934593, b'{"date_unixtime": "1"}', 10089934593),
        (-1001500000002, b"", 1500000002),
        (-1000000000001, b"", 1),
    ],
)
def test_the_id_of_a_channel(written_id: int, first: bytes, number: int) -> None:
    assert bare_id(written_id, first) == number


@pytest.mark.parametrize("number", [0, -1, -100, -(10**12), 1 << 63])
def test_what_is_no_id_of_a_channel(number: int) -> None:
    with pytest.raises(ExportError, match="no id of a channel"):
        bare_id(number, b"")


async def test_a_look_tells_its_source_its_range_and_its_channel() -> None:
    (look,) = await looks_of(EXPORTS / "v2_7_2.json", handle="harbour_notes")
    assert (look.source, look.at) == (SourceName.DESKTOP, NOW)
    assert (look.first_id, look.last_id) == (10, 14)
    assert look.channel.handle == "harbour_notes"
    assert [piece.message_id for piece in look.set_aside] == [13]
    assert look.set_aside[0].reason.startswith("Telegram Desktop could not export this message")


async def test_other_exporters_may_give_the_handle() -> None:
    (look,) = await looks_of(EXPORTS / "imitation.json")
    assert (look.channel.channel_id, look.channel.handle) == (1500000002, "harbour_notes")


async def test_an_account_gives_its_public_channels_and_names_what_it_refuses() -> None:
    source = DesktopSource(EXPORTS / "account.json")
    looks = [look async for look in source.looks(now=lambda: NOW)]
    assert [(look.channel.channel_id, look.channel.title) for look in looks] == [
        (1500000002, "Harbour notes"),
        (1500000003, "Метеосводка"),
    ]
    assert source.progress.refused == [
        "Vera Example (personal_chat)",
        "unnamed (saved_messages)",
        "Дом 5 (private_supergroup)",
        "Закрытый канал (private_channel)",
    ]
    assert source.progress.read == source.progress.total == (EXPORTS / "account.json").stat().st_size
    assert "private word" not in repr(looks)


async def test_a_group_is_refused_by_name() -> None:
    with pytest.raises(ExportError, match=r"refused: Дом 5 \(private_supergroup\)") as refusal:
        await looks_of(EXPORTS / "group.json")
    assert "only public channels" in refusal.value.why


@pytest.mark.parametrize(
    "kind",
    ["personal_chat", "bot_chat", "private_group", "public_supergroup", "private_channel", "saved_messages"],
)
async def test_every_other_kind_of_chat_is_refused(kind: str, export: Path) -> None:
    export.write_bytes(chat(written(1), kind=kind))
    with pytest.raises(ExportError, match="refused: Harbour notes"):
        await looks_of(export)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"name": "x", "type": "public_channel", "id": 1', b"\x00" * 99]
)
async def test_a_file_without_messages_is_no_export(content: bytes, export: Path) -> None:
    export.write_bytes(content)
    with pytest.raises(ExportError, match="holds no chat"):
        await looks_of(export)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b'"type": "public_channel", ',
        b'"name": "x", "type": "public_channel", ',
        b'"type": "public_channel", "id": "five", ',
        b'"type": "public_channel", "id": Infinity, ',
    ],
)
async def test_messages_without_a_readable_head_are_refused(head: bytes, export: Path) -> None:
    export.write_bytes(b"{" + head + b'"messages": [' + written(1) + b"]}")
    with pytest.raises(ExportError, match="no export of Telegram Desktop"):
        await looks_of(export)


async def test_a_head_is_found_among_other_objects_and_mended(export: Path) -> None:
    name = b'"name": "Harbour\\x1F \xff", "type": "public_channel", "id": 1500000002, '
    export.write_bytes(b"{" + name + b'"more": {"id": 7}, "messages": [' + written(1) + b"]}")
    (look,) = await looks_of(export)
    assert look.channel.channel_id == 1500000002
    assert look.channel.title == "Harbour\x1f \ufffd"


async def test_an_export_without_a_zone_asks_for_one() -> None:
    source = DesktopSource(EXPORTS / "v2_7_2.json")
    with pytest.raises(ExportError, match="name no time zone") as error:
        [look async for look in source.looks(now=lambda: NOW)]
    assert "--timezone" in error.value.mend


def test_the_file_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no export file") as missing:
        export_file(tmp_path)
    assert missing.value.why == "there is no such file"
    (tmp_path / "messages.html").touch()
    with pytest.raises(ExportError, match="no export file") as html:
        export_file(tmp_path)
    assert "HTML export" in html.value.why
    (tmp_path / "result.json").touch()
    assert export_file(tmp_path) == export_file(tmp_path / "result.json") == tmp_path / "result.json"


async def test_a_torn_end_is_set_aside_and_what_is_whole_is_kept() -> None:
    path = EXPORTS / "truncated.json"
    (torn,) = await aside_of(path)
    assert torn.body == path.read_bytes()[path.read_bytes().rindex(b"{") :]
    assert "the export was broken off" in torn.reason


async def test_a_file_cut_anywhere_keeps_its_whole_messages(export: Path) -> None:
    content = (EXPORTS / "v4_2.json").read_bytes()
    whole = {post.message_id: post for post in await posts_of(EXPORTS / "v4_2.json")}
    start = content.index(b'"messages": [') + len(b'"messages": [')
    for cut in range(start, len(content), 7):
        export.write_bytes(content[:cut])
        for look in await looks_of(export):
            assert {post.message_id for post in look.posts} <= set(whole)
            assert len(look.set_aside) <= 1


async def test_an_empty_channel_gives_no_look(export: Path) -> None:
    export.write_bytes(chat())
    assert await looks_of(export) == []


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_one_broken_message_is_set_aside_alone(broken: bytes, export: Path) -> None:
    export.write_bytes(chat(written(1), broken, written(3), written(4)))
    assert [post.message_id for post in await posts_of(export)] == [1, 3, 4]
    (piece,) = await aside_of(export)
    assert piece.body == broken
    assert piece.reason


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_broken_last_message_does_not_reach_into_the_next_chat(broken: bytes, export: Path) -> None:
    private = chat(written(7, text="private word"), kind="private_group", number=5)
    other = chat(written(9), number=1500000003)
    export.write_bytes(account(chat(written(1), broken), private, chat(broken, written(3), broken), other))
    looks = await looks_of(export)
    assert [(look.channel.channel_id, [p.message_id for p in look.posts]) for look in looks] == [
        (1500000002, [1]),
        (1500000002, [3]),
        (1500000003, [9]),
    ]
    assert [piece.body for look in looks for piece in look.set_aside] == [broken] * 3
    assert "private word" not in repr(looks)


async def test_a_broken_message_at_the_end_of_the_file(export: Path) -> None:
    export.write_bytes(chat(written(1), UNQUOTED))
    assert [piece.body for piece in await aside_of(export)] == [UNQUOTED]
    export.write_bytes(chat(written(1), QUOTE_LOST))
    (piece,) = await aside_of(export)
    assert piece.body.startswith(QUOTE_LOST)


@pytest.mark.parametrize("value", [b"12345", b'"words"', b"null", b"[1, 2]", b"true"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_a_bare_value_is_no_message(
    value: bytes, size: int, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop, "CHUNK", size)
    export.write_bytes(chat(written(1), value, written(3)))
    assert [post.message_id for post in await posts_of(export)] == [1, 3]
    (piece,) = await aside_of(export)
    assert (piece.body, piece.reason) == (value, "it is no message but a bare value")


async def test_a_stray_bracket_is_stepped_over(export: Path) -> None:
    export.write_bytes(chat(written(1), b"}", written(3)))
    assert [post.message_id for post in await posts_of(export)] == [1, 3]
    export.write_bytes(chat(written(1), b": x]", written(3)))
    assert [post.message_id for post in await posts_of(export)] == [1]


@pytest.mark.parametrize("size", [1, 4, 5, 1 << 20])
async def test_control_characters_and_separators_as_telegram_desktop_writes_them(
    size: int, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop, "CHUNK", size)
    text = b'"a\\x0B\\x0Cb \\\\x41 \\u2028\x80\xa8c\\u2029\x80\xa9"'
    body = written(2, text="Z", text_entities=None).replace(b'"Z"', text)
    export.write_bytes(chat(written(1), body, written(3)))
    posts = await posts_of(export)
    assert [post.message_id for post in posts] == [1, 2, 3]
    assert posts[1].text == "a\x0b\x0cb \\x41 \u2028c\u2029"
    assert posts[1].raw == body


def test_an_escaped_backslash_before_x_is_no_escape() -> None:
    assert repaired(r"\x1F \\x1F \\\x1F") == r"\u001F \\x1F \\\u001F"


async def test_a_message_larger_than_a_read(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "CHUNK", 512)
    large = "Ы" * 5000
    export.write_bytes(chat(written(1), written(2, text=large, text_entities=None), written(3)))
    assert [len(post.text) for post in await posts_of(export)] == [7, 5000, 7]


async def test_a_message_without_end_is_given_up(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "CHUNK", 100)
    monkeypatch.setattr(desktop, "LARGEST_MESSAGE", 2000)
    endless = b'{"id": 2, "type": "message", "text": "' + b"n" * 9000
    export.write_bytes(chat(written(1), endless + b"\n},\n" + written(3)))
    looks = await looks_of(export)
    assert [post.message_id for look in looks for post in look.posts] == [1, 3]
    assert b"".join(p.body for look in looks for p in look.set_aside).startswith(endless)
    assert len(looks) > 1


async def test_a_long_way_to_the_first_messages(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "CHUNK", 100)
    monkeypatch.setattr(desktop, "LARGEST_MESSAGE", 500)
    export.write_bytes(b'{"about": "' + b"n" * 3000 + b'", "chats": [' + chat(written(1)) + b"]}")
    assert [post.message_id for post in await posts_of(export)] == [1]


async def test_batches_adjoin_and_hold_every_post_once(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "BATCH", 3)
    export.write_bytes(chat(*[written(number) for number in (1, 2, 5, 8, 9, 10, 12)]))
    looks = await looks_of(export)
    assert [[p.message_id for p in look.posts] for look in looks] == [[1, 2, 5], [8, 9, 10], [12]]
    assert [(look.first_id, look.last_id) for look in looks] == [(1, 5), (6, 10), (11, 12)]


@pytest.mark.parametrize("size", range(1, 8))
async def test_an_album_is_in_one_look(size: int, export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "BATCH", size)
    photo = {"photo": "photos/p.jpg", "date_unixtime": "1704067200", "text_entities": []}
    members = [written(n, **photo, text="Caption" if n == 4 else "") for n in (3, 4, 5, 6)]
    export.write_bytes(chat(written(1), written(2), *members, written(7)))
    looks = await looks_of(export)
    (album,) = [
        [p for p in look.posts if p.album_id] for look in looks if any(p.album_id for p in look.posts)
    ]
    assert [(p.message_id, p.album_id) for p in album] == [(3, 3), (4, 3), (5, 3), (6, 3)]
    assert [p.message_id for look in looks for p in look.posts] == [1, 2, 3, 4, 5, 6, 7]


async def test_the_caption_of_an_album_stands_on_its_first_member() -> None:
    posts = (await posts_of(EXPORTS / "v4_2.json"))[1:]
    assert [(p.text, p.album_id) for p in posts] == [("Карта осадков", 21), ("", 21), ("", 21)]
    assert [p.media.kind for p in posts if p.media] == [MediaKind.PHOTO, MediaKind.PHOTO, MediaKind.VIDEO]


async def test_a_message_written_twice_is_taken_once(export: Path) -> None:
    export.write_bytes(chat(written(1), written(2), written(2), written(3)))
    (look,) = await looks_of(export)
    assert [post.message_id for post in look.posts] == [1, 2, 3]


async def test_two_messages_of_one_id_come_in_two_looks(export: Path) -> None:
    export.write_bytes(chat(written(1), written(2), written(2, text_entities=[]), written(3)))
    first, second = await looks_of(export)
    assert [[p.message_id for p in look.posts] for look in (first, second)] == [[1, 2], [2, 3]]
    assert [(look.first_id, look.last_id) for look in (first, second)] == [(1, 2), (2, 3)]


async def test_messages_out_of_order_come_in_order(export: Path) -> None:
    export.write_bytes(chat(written(5), written(2), written(4)))
    (look,) = await looks_of(export)
    assert [post.message_id for post in look.posts] == [2, 4, 5]
    assert (look.first_id, look.last_id) == (2, 5)


@pytest.mark.parametrize("number", [-999999995, 0, True, 1 << 40, 10**30, "7", None])
async def test_an_id_that_is_none_sets_the_message_aside(number: object, export: Path) -> None:
    export.write_bytes(chat(written(1), json.dumps(message(2) | {"id": number}).encode()))
    assert [post.message_id for post in await posts_of(export)] == [1]
    (piece,) = await aside_of(export)
    assert "is no message id of a channel" in piece.reason
    assert piece.message_id is None or abs(piece.message_id) < 1 << 63


async def test_only_broken_messages_prove_no_range(export: Path) -> None:
    export.write_bytes(chat(UNQUOTED, b'{"id": 9, "type": "unsupported"}'))
    (look,) = await looks_of(export)
    assert (look.posts, look.first_id, look.last_id) == ((), None, None)
    assert len(look.set_aside) == 2


def test_a_batch_without_a_channel_is_no_look() -> None:
    with pytest.raises(ValueError, match="without a channel"):
        desktop._Batch(None).look(NOW, None)


async def test_a_large_file_is_read_as_a_stream(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "CHUNK", 1 << 16)
    monkeypatch.setattr(desktop, "BATCH", 20)
    with export.open("wb") as file:
        file.write(chat()[:-4])
        for number in range(1, 1001):
            file.write((b"," if number > 1 else b"") + written(number, text="n" * 8000, text_entities=None))
        file.write(b"]}")
    source = DesktopSource(export)
    tracemalloc.start()
    taken = [len(look.posts) async for look in source.looks(now=lambda: NOW + timedelta(days=1))]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (sum(taken), len(taken)) == (1000, 50)
    assert peak < export.stat().st_size / 4
