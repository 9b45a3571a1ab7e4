"""Whether any text breaks reading: seeded mutations of invented posts, and texts made of the rules' own words.

Each text of up to 100 kB is read twice and must keep what holds for any (`tests/invariants.py`) and cost less than
a second of the processor. A seed makes one text: `--seed` begins there, `--count 1` reads that one alone. Prints how
many texts, the slowest ones, and every failure with its seed; exits with 1 if there is any.

    python -m bench.fuzz [--minutes 10] [--seed 0] [--count N]
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass, field

from monitor.extraction import Rules
from tests.invariants import MARKS, PIECES, broken, grammatical, unfaithful
from tests.noise import KINDS, noise
from tests.posts import POSTS
from tests.rulesets import shipped_rules

LONGEST = 100_000
SECOND = 1.0
SHOWN = 5
# So many characters are checked letter by letter for their places; all of a long text would cost more than reading.
PLACED = 20_000


@dataclass(slots=True)
class Outcome:
    """How many texts and characters were read, the slowest as milliseconds, characters and seed, and what broke."""

    texts: int = 0
    characters: int = 0
    figures: int = 0
    slowest: list[tuple[float, int, int]] = field(default_factory=list)
    failures: list[tuple[int, str]] = field(default_factory=list)


def text_of(seed: int) -> str:
    """The text of a seed: mostly as long as a post, sometimes as long as anything may be."""
    rng = random.Random(seed)
    make = rng.choices((_mutated, _grammar, _repeated, _any), (5, 3, 2, 1))[0]
    return make(rng)[:LONGEST]


def _size(rng: random.Random) -> int:
    """A number of characters from 0 to LONGEST, small ones much oftener."""
    return int(LONGEST ** rng.random()) - 1 if rng.random() < 0.97 else LONGEST


def _mutated(rng: random.Random) -> str:
    text = "\n".join(rng.choices(POSTS, k=rng.choice((1, 1, 1, 2, 5, 20))))
    for _ in range(int(2 ** (7 * rng.random()))):
        text = _mutation(rng, text)
    return noise(text, rng.choice(KINDS), rng) if rng.random() < 0.3 else text


def _mutation(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    to = min(len(text), at + int(len(text) ** rng.random()))
    match rng.randrange(6):
        case 0:
            return text[:at] + text[to:]
        case 1:
            return text[:at] + rng.choice(PIECES) + text[at:]
        case 2:
            return text[:at] + rng.choice(MARKS) * rng.choice((1, 2, 30)) + text[to:]
        case 3:
            return text[:at] + text[at:to] * 2 + text[to:]
        case 4:
            return text[to:] + text[:at] + text[at:to]
        case _:
            return text[:at] + rng.choice((str.upper, str.lower, str.title))(text[at:to]) + text[to:]


def _grammar(rng: random.Random) -> str:
    return grammatical(rng, _size(rng) // 6)


def _repeated(rng: random.Random) -> str:
    part = grammatical(rng, rng.randint(1, 8)) or " "
    return grammatical(rng, rng.randint(0, 5)) + part * (_size(rng) // len(part) + 1) + grammatical(rng, 3)


def _any(rng: random.Random) -> str:
    tops = rng.choice(((0x7F,), (0x52F,), (0xFFFF,), (0x10FFFF,), (0x7F, 0x52F, 0x2FFF)))
    return "".join(chr(rng.randint(0, rng.choice(tops))) for _ in range(_size(rng)))


def check(rules: Rules, seed: int, outcome: Outcome) -> None:
    """Read the text of a seed, and note what it cost and what is wrong."""
    text = text_of(seed)
    began = time.process_time()
    try:
        reading, wrong = broken(rules, text)
    except Exception as error:  # noqa: BLE001 - whatever a text raises is what is looked for
        outcome.failures.append((seed, f"{type(error).__name__}: {error}"))
        return
    spent = (time.process_time() - began) / 2
    wrong += unfaithful(text[:PLACED])
    wrong += [f"{spent:.2f} s for {len(text):,} characters"] if spent > SECOND else []
    outcome.texts += 1
    outcome.characters += len(text)
    outcome.figures += len(reading.figures)
    outcome.slowest = sorted([*outcome.slowest, (1000 * spent, len(text), seed)], reverse=True)[:SHOWN]
    outcome.failures += [(seed, what[:300]) for what in wrong]


def main() -> None:
    """Read until the time is over, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=sys.maxsize)
    asked = parser.parse_args()
    rules = shipped_rules()
    outcome, seed, end = Outcome(), asked.seed, time.monotonic() + 60 * asked.minutes
    while time.monotonic() < end and seed - asked.seed < asked.count:
        check(rules, seed, outcome)
        seed += 1
    print(
        f"{outcome.texts:,} texts, {outcome.characters:,} characters, {outcome.figures:,} figures; seeds {asked.seed} to {seed - 1}"
    )
    for spent, size, of in outcome.slowest:
        print(f"  {spent:7.1f} ms for {size:,} characters, seed {of}")
    for of, what in outcome.failures:
        print(f"  seed {of}: {what}")
    sys.exit(1 if outcome.failures else 0)


if __name__ == "__main__":
    main()
