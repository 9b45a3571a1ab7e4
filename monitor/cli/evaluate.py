"""Measure the rules on labelled posts, and show what they misread."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from monitor import settings
from monitor.cli import show
from monitor.cli.base import app, configured, out, print_json, rules_file, with_archive
from monitor.errors import UsageError
from monitor.extraction.scores import NONE, Kinds, Misread, Pair, Score, Scores, labelled_posts, score
from monitor.model import Figure
from monitor.settings import Settings
from monitor.store import judgements
from monitor.store.database import Database
from monitor.store.judgements import KindJudged, TopicJudged
from monitor.words import excerpt

WORST = 5
_OPENING, _LONGEST_QUOTE = 70, 50
_HEAD = "precision recall    F1"
_WIDE = len(_HEAD)


@app.command()
def evaluate(
    gold: Annotated[
        Path | None,
        typer.Argument(
            help="A JSONL file of labelled posts; docs/rules.md has its form. Without one: the decisions of analysts."
        ),
    ] = None,
    *,
    into: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write JSON there too; - prints it instead of tables."),
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the posts with most wrong to show.")] = WORST,
) -> None:
    """Measure on labelled posts how well the rules read: topics, figures, sides, and what was confused."""
    if gold is None:
        _against_decisions(into)
        return
    rules, texts = settings.rules(rules_file(configured()))
    with _unreadable_named(gold), gold.open(encoding="utf-8") as lines:
        scores = score(rules, labelled_posts(lines, file=str(gold)))
    if into is not None:
        _write(into, {"ruleset": texts.sha256.hex()} | as_json(scores))
    if into != Path("-"):
        tables(out, scores, worst=worst)


def _against_decisions(into: Path | None) -> None:
    """Print how much of what was flagged and read analysts found right."""

    async def work(found: Settings, database: Database) -> tuple[list[TopicJudged], list[KindJudged]]:
        async with database.transaction() as tx:
            return await judgements.topics(tx), await judgements.kinds(tx)

    topics, kinds = with_archive(work, listed=False)
    if not topics and not kinds:
        raise UsageError(
            "there are no decisions of analysts to measure against yet",
            "nobody decided on a case, or said a word on a figure",
            "decide at the review site (monitor web), or give labelled posts: monitor evaluate GOLD.jsonl",
        )
    if into is not None:
        told = {"topics": [one._asdict() for one in topics], "figures": [one._asdict() for one in kinds]}
        _write(into, told)
    if into != Path("-"):
        for line in (*_topics_judged(topics), *_kinds_judged(kinds)):
            out.print(escape(line))


def _topics_judged(topics: Iterable[TopicJudged]) -> Iterator[str]:
    yield f"{'decided by analysts':<22}precision   relevant  not relevant"
    for one in topics:
        share = one.relevant / max(one.relevant + one.not_relevant, 1)
        yield f"  {one.topic:<20}{share:>9.3f} {one.relevant:>10,} {one.not_relevant:>13,}"


def _kinds_judged(kinds: Iterable[KindJudged]) -> Iterator[str]:
    yield f"\n{'figures':<22}as read   confirmed  corrected  rejected"
    for one in kinds:
        share = one.confirmed / max(one.confirmed + one.corrected + one.rejected, 1)
        yield f"  {one.kind:<20}{share:>7.3f} {one.confirmed:>11,} {one.corrected:>10,} {one.rejected:>9,}"


@contextmanager
def _unreadable_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read", why, "name a file of labelled posts, in UTF-8") from error


def _write(path: Path, value: dict[str, Any]) -> None:
    if path == Path("-"):
        print_json(value)
        return
    try:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written", error.strerror or str(error), "name another file"
        ) from error


def tables(console: Console, scores: Scores, *, worst: int = WORST) -> None:
    """The measures in aligned columns, then what was confused, then the posts with most wrong."""
    console.print(f"read {scores.posts:,} labelled posts")
    for lines in (_topics(scores), _kinds(scores), _confused(scores), _worst(scores.worst[:worst])):
        for line in lines:
            console.print(escape(line))


def _topics(scores: Scores) -> Iterator[str]:
    if scores.topics:
        yield f"\n{'topics':<22}{_HEAD}   right  false  missed"
        for name, one in scores.topics.items():
            yield f"  {name:<20}{_ratios(one)}  {one.hits:>6,} {one.false:>6,} {one.missed:>7,}"


def _kinds(scores: Scores) -> Iterator[str]:
    if not scores.kinds:
        return
    yield f"\n{'':<22}{'found at all':^{_WIDE}}   {'with kind and bounds':^{_WIDE}}   side"
    yield f"{'figures':<22}{_HEAD}   {_HEAD}   right"
    yield _kind("troop kinds", scores.troop)
    yield f"  {'  with exact words':<20}{'':<{_WIDE}}   {_ratios(scores.exact)}"
    for name in sorted(scores.kinds):
        yield _kind(name, scores.kinds[name])


def _kind(name: str, kinds: Kinds) -> str:
    told = sum(kinds.sides.values())
    sides = f"{kinds.sides[True] / told:.3f} of {told:,}" if told else NONE
    return f"  {name:<20}{_ratios(kinds.span)}   {_ratios(kinds.value)}   {sides}"


def _ratios(one: Score) -> str:
    precision, recall, f1 = (
        NONE if ratio is None else f"{ratio:.3f}" for ratio in (one.precision, one.recall, one.f1)
    )
    return f"{precision:>9} {recall:>6} {f1:>5}"


def _confused(scores: Scores) -> Iterator[str]:
    wrong = [(cell, count) for cell, count in scores.confused.most_common() if cell[0] != cell[1]]
    if wrong:
        yield f"\n{'kinds confused':<22}{'read as':<20}times"
        for (there, found), count in wrong:
            yield f"  {_named(there):<20}{_named(found):<20}{count:>5,}"


def _named(kind: str) -> str:
    return "no figure" if kind == NONE else kind


def _worst(misread: Iterable[Misread]) -> Iterator[str]:
    for place, post in enumerate(misread):
        yield from [] if place else ["\nmost wrong"]
        opening = excerpt(" ".join(post.text.split()), 0, 0, width=2 * _OPENING)
        yield f"  {post.name}  {post.wrong} wrong  «{opening}»"
        for topic, there in post.topics:
            yield f"    {topic:<44}  {'labelled' if there else 'not labelled'}; {'not read' if there else 'read'}"
        for labelled, read in post.figures:
            yield f"    {_told(labelled, post.text):<44}  read {_told(read, post.text)}"


def _told(figure: Figure | None, text: str) -> str:
    """A figure in one line: its words, and in short what they mean."""
    if figure is None:
        return "no figure"
    quote = " ".join(text[figure.start : figure.end].split())
    cut = quote if len(quote) <= _LONGEST_QUOTE else quote[: _LONGEST_QUOTE - 1] + "…"
    return f"«{cut}» {show.figure_in_short(figure)}"


def as_json(scores: Scores) -> dict[str, Any]:
    """All measures for programs, with every post in which something is wrong."""
    return {
        "posts": scores.posts,
        "topics": {name: _score_as_json(one) for name, one in scores.topics.items()},
        "troop_figures": _kinds_as_json(scores.troop) | {"exact_words": _score_as_json(scores.exact)},
        "figures": {name: _kinds_as_json(scores.kinds[name]) for name in sorted(scores.kinds)},
        "kinds": [
            {"labelled": _or_none(there), "read": _or_none(found), "count": count}
            for (there, found), count in scores.confused.most_common()
        ],
        "misread": [_misread_as_json(post) for post in scores.worst],
    }


def _score_as_json(one: Score) -> dict[str, Any]:
    return {
        "precision": one.precision,
        "recall": one.recall,
        "f1": one.f1,
        "right": one.hits,
        "false": one.false,
        "missed": one.missed,
    }


def _kinds_as_json(kinds: Kinds) -> dict[str, Any]:
    return {
        "found": _score_as_json(kinds.span),
        "kind_and_bounds": _score_as_json(kinds.value),
        "sides": {"right": kinds.sides[True], "wrong": kinds.sides[False]},
    }


def _misread_as_json(post: Misread) -> dict[str, Any]:
    def shown(figure: Figure | None) -> dict[str, object] | None:
        return show.figure_as_json(figure, post.text) if figure else None

    def pair(one: Pair) -> dict[str, Any]:
        return {"labelled": shown(one[0]), "read": shown(one[1])}

    return {
        "name": post.name,
        "wrong": post.wrong,
        "topics": [{"topic": topic, "labelled": there, "read": not there} for topic, there in post.topics],
        "figures": [pair(one) for one in post.figures],
    }


def _or_none(kind: str) -> str | None:
    return None if kind == NONE else kind
