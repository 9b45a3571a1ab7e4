"""Export files of any length in the form of Telegram Desktop, with invented Russian-looking posts."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

MEAN_LETTERS = 590
SYLLABLES = (
    "ка",
    "ро",
    "ви",
    "ста",
    "не",
    "про",
    "ли",
    "до",
    "ме",
    "ша",
    "ту",
    "гра",
    "зы",
    "ём",
    "сто",
    "вле",
)
LONGEST_WORD = 5
FIRST_SECOND = 1_722_800_000


def vocabulary(chance: random.Random, size: int = 20_000) -> list[str]:
    """Words that no language has, in Cyrillic, of one to five syllables."""
    return ["".join(chance.choices(SYLLABLES, k=chance.randint(1, LONGEST_WORD))) for _ in range(size)]


def messages(count: int, *, seed: int = 6) -> Iterator[dict[str, object]]:
    """Messages whose lengths are spread as in real channels; one in eight has a link, one in five a photo."""
    chance = random.Random(seed)
    words = vocabulary(chance)
    for number in range(1, count + 1):
        length = max(int(chance.lognormvariate(5.0, 1.0)) * MEAN_LETTERS // 245, 10)
        text = " ".join(chance.choices(words, k=length // 7 + 1))
        parts: list[dict[str, str]] = [{"type": "plain", "text": text}]
        if number % 8 == 0:
            parts += [{"type": "text_link", "text": "здесь", "href": f"https://example.org/{number}"}]
        message: dict[str, object] = {
            "id": number,
            "type": "message",
            "date": "2024-08-06T12:00:00",
            "date_unixtime": str(FIRST_SECOND + number * 40),
            "from": "Замер",
            "from_id": "channel1900000009",
        }
        if number % 5 == 0:
            message |= {
                "photo": "(File not included. Change data exporting settings to download.)",
                "width": 1280,
                "height": 720,
            }
        single = len(parts) == 1
        yield message | {"text": text if single else [text, parts[1]], "text_entities": parts}


def write(path: Path, count: int) -> Path:
    """An export of one public channel with so many messages."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n "name": "Замер",\n "type": "public_channel",\n "id": 1900000009,\n "messages": [\n')
        for place, message in enumerate(messages(count)):
            file.write(
                (",\n" if place else "")
                + "  "
                + json.dumps(message, ensure_ascii=False, indent=1).replace("\n", "\n  ")
            )
        file.write("\n ]\n}\n")
    return path
