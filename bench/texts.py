"""Texts to read: those of the file that MONITOR_BENCH_TEXTS names, else invented ones."""

import gzip
import json
import os
import random
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from bench.export import vocabulary

MEAN_WORDS = 85
SMALL = "и в на с по из что не как за от при для или его её они был года время"
SAID = (
    "Противник силами до {n} военнослужащих ВСУ при поддержке {m} танков и более {m} бронемашин атаковал у Суджи.",
    "За сутки в Курской области уничтожено {m} танков, {m} БМП и свыше {n} боевиков противника.",
    "Сбиты {m} беспилотников самолётного типа над Курской областью, ещё {m} — над Белгородской.",
    "В плен сдались {m} украинских военных, потери противника превысили {n} человек.",
    "Продвинулись на {m} км вглубь, под контроль взяты {m} населённых пункта у Коренево.",
)


def invented(*, seed: int = 6) -> Iterator[str]:
    """Posts without end, of about 600 letters in the mean; one in five states figures."""
    chance = random.Random(seed)
    words = vocabulary(chance) + SMALL.split() * 400
    while True:
        length = max(int(chance.lognormvariate(0, 0.8) * MEAN_WORDS * 0.72), 4)
        said = chance.choices(words, k=length)
        if chance.random() < 0.2:
            number, few = chance.randint(2, 900), chance.randint(2, 60)
            said.insert(chance.randrange(length), chance.choice(SAID).format(n=number, m=few))
        yield " ".join(said)


def named() -> Path | None:
    """The file of texts that the environment names."""
    place = os.environ.get("MONITOR_BENCH_TEXTS")
    return Path(place) if place else None


def given(path: Path) -> Iterator[str]:
    """The texts of a JSONL file (or .jsonl.gz) with a field `text`, one by one."""
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as file
    ):
        for line in file:
            yield json.loads(line)["text"]


def texts(count: int) -> list[str]:
    """So many texts: invented, or those of a file over and over."""
    path = named()
    return list(islice(invented() if path is None else cycle(given(path)), count))


def stream(count: int) -> Iterator[str]:
    """Texts one by one, of which none is kept: those of the file once, else so many invented ones."""
    path = named()
    return islice(invented(), count) if path is None else given(path)
