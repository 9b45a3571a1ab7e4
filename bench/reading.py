"""Posts a second that one core reads by the shipped rules, beside naive expressions over the same texts.

The yardstick is `bench/naive.py`: keywords and one expression, as somebody writes them in an afternoon. Rounds of the two are
interleaved in one process; each gives a ratio. The start is that of a fresh process which imports and compiles; the
peak memory that of one which then reads all texts as they come from the file. With `--gold`, labelled posts
(docs/rules.md has their form) tell how well each of the two reads.

The texts are invented, unless MONITOR_BENCH_TEXTS names a JSONL file (or .jsonl.gz) with a field `text`.

    python -m bench.reading [--posts 20000] [--rounds 3] [--gold FILE]
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.naive import Naive
from bench.texts import named, stream
from monitor import settings
from monitor.extraction import Rules
from monitor.extraction.scores import Scores, labelled_posts, score
from monitor.readers import Reader

RULES = Path(__file__).parents[1] / "config" / "rules.toml"
WARM = 500
COMPILE = f"""
from pathlib import Path
from monitor.extraction import RuleFile, RuleTexts, compile_rules
paths = [Path({str(RULES.parent)!r}, name + ".toml") for name in RuleTexts._fields]
rules = compile_rules(RuleTexts(*(RuleFile(str(p), p.read_text(encoding="utf-8")) for p in paths)))
"""


def rate(reader: Reader, texts: Sequence[str]) -> float:
    """Texts a second."""
    began = time.perf_counter()
    for text in texts:
        reader.read(text)
    return len(texts) / (time.perf_counter() - began)


def times(reader: Reader, texts: Iterable[str]) -> list[float]:
    """Milliseconds that each text takes, sorted."""
    found = []
    for text in texts:
        began = time.perf_counter()
        reader.read(text)
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def start() -> float:
    """Seconds that a fresh process needs to import what reads and to compile the shipped rules."""
    return float(
        alone("import time; began = time.perf_counter()", COMPILE, "print(time.perf_counter() - began)")
    )


def peak(count: int) -> float:
    """Peak memory in MB of a fresh process that compiles the rules and reads the texts as they come."""
    found = float(
        alone(
            COMPILE,
            "import resource",
            "from bench.texts import stream",
            f"for text in stream({count}): rules.read(text)",
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)",
        )
    )
    return found / 1e6 if sys.platform == "darwin" else found / 1024


def alone(*lines: str) -> str:
    """What a fresh Python prints that is given this code."""
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True
    ).stdout


def quality(gold: Path, rules: Rules) -> Iterable[str]:
    """Rows of a table: F1 of the two readers on labelled posts."""
    with gold.open(encoding="utf-8") as lines:
        posts = list(labelled_posts(lines, file=str(gold)))
    ours, naive = score(rules, posts), score(Naive(), posts)
    yield f"\n| F1 on {len(posts)} labelled posts | naive | ours |\n|---|---|---|"
    for topic in ours.topics:
        yield f"| {topic} | {f1(naive.topics[topic].f1)} | {f1(ours.topics[topic].f1)} |"
    yield f"| figures of troop kinds, kind and bounds | {troop(naive)} | {troop(ours)} |"


def troop(scores: Scores) -> str:
    """F1 of the figures of troop kinds with kind and bounds."""
    return f1(scores.troop.value.f1)


def f1(ratio: float | None) -> str:
    """A ratio, if there is one."""
    return "-" if ratio is None else f"{ratio:.3f}"


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=20_000, help="how many are invented")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gold", type=Path)
    asked = parser.parse_args()
    compare(asked.posts, asked.rounds, asked.gold)


def compare(count: int, rounds: int, gold: Path | None) -> None:
    """Some rounds of both, the time a post takes, start and memory."""
    memory = peak(count)
    starts = sorted(start() for _ in range(rounds))
    rules, _ = settings.rules(RULES)
    naive, texts = Naive(), list(stream(count))
    for reader in (naive, rules):
        rate(reader, texts[:WARM])
    done = [(rate(naive, texts), rate(rules, texts)) for _ in range(rounds)]
    each = times(rules, texts)
    ratios = sorted(ours / theirs for theirs, ours in done)
    letters = statistics.mean(map(len, texts))
    print(
        f"Python {platform.python_version()} · {platform.machine()} · {len(texts):,} posts, {letters:.0f} letters in the mean, "
        f"{'invented' if named() is None else 'given'}\n"
    )
    print(
        "| naive, posts/s | ours, posts/s | ratio (range of the rounds) | p50 / p99 / longest | start | peak memory |\n"
        "|---|---|---|---|---|---|"
    )
    print(
        f"| {statistics.median(one for one, _ in done):,.0f} | {statistics.median(one for _, one in done):,.0f} "
        f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}, {rounds} rounds) "
        f"| {at(each, 0.5):.2f} / {at(each, 0.99):.2f} / {each[-1]:.1f} ms "
        f"| {statistics.median(starts):.2f} s | {memory:.0f} MB |"
    )
    for line in quality(gold, rules) if gold else ():
        print(line)


def at(ordered: Sequence[float], share: float) -> float:
    """The value below which so large a share lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


if __name__ == "__main__":
    main()
