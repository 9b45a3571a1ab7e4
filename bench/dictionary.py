"""What docs/ says of the data, written anew: the dictionary and the drawing of the schema `research`, the definitions,
and the list of saved queries.

python -m bench.dictionary [--into docs]

The dictionary and the drawing come from the catalogue of a database made for it, the definitions from config/. A test
holds that they are as they would be written now.
"""

import argparse
import asyncio
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.schema import drawn
from bench.scratch import scratch_server
from monitor import queries, settings
from monitor.extraction import Rules, RuleTexts
from monitor.formats.papers import section
from monitor.queries import SavedQuery
from monitor.store import migrate, research
from monitor.store.database import Database
from monitor.store.embedded import ensure_database
from monitor.store.research import View

ROOT = Path(__file__).parents[1]
RULES = ROOT / "config" / "rules.toml"
_WRITTEN = "Written by `make dictionary`; change {source} instead.\n"


async def catalogue(url: str) -> list[View]:
    """The views and functions of the schema, in a database that is there and migrated."""
    async with Database(url) as database, database.transaction() as tx:
        return await research.catalogue(tx)


def pages(
    views: Sequence[View], saved: Sequence[SavedQuery], rules: tuple[Rules, RuleTexts]
) -> dict[str, str]:
    """The text of each file by its name in docs/."""
    return {
        "queries.md": listed(saved),
        "data-dictionary.md": dictionary(views, saved),
        "schema.svg": drawn(views),
        "definitions.md": definitions(*rules),
    }


# --- the saved queries --------------------------------------------------------------------------------------


def listed(saved: Iterable[SavedQuery]) -> str:
    """docs/queries.md as it is, with the list of queries anew."""
    rows = [
        f"| [{one.name}](queries/{one.name}.sql) | {one.question.english} | {'yes' if one.portable else 'no'} |"
        for one in saved
    ]
    table = "\n".join(["| query | question | portable |", "|---|---|---|", *rows])
    before, mark, after = (
        (ROOT / "docs" / "queries.md").read_text(encoding="utf-8").partition("<!-- queries -->\n")
    )
    return f"{before}{mark}\n{table}\n\n{after[after.index('## ') :]}"


# --- the dictionary -----------------------------------------------------------------------------------------

_DICTIONARY = """What researchers read: the views of the schema `research`, with stable names. Times are in UTC. A post is known by
`channel_id` and `message_id`, one of its versions by `version` besides; views that share these join on them.
[Saved queries](queries.md) show how, and [definitions](definitions.md) say what topics and kinds of figures mean.
"""


def dictionary(views: Sequence[View], saved: Sequence[SavedQuery]) -> str:
    """Every view with its columns, and which saved queries read it."""
    parts = [
        "# Data dictionary\n",
        _WRITTEN.format(source="the comments in `migrations/`"),
        _DICTIONARY,
        "![The views of the schema, joined by the keys that they share](schema.svg)\n",
        *(_view(view, _readers(saved, view.name)) for view in views),
    ]
    return "\n".join(parts)


def _readers(saved: Iterable[SavedQuery], view: str) -> list[str]:
    """The names of the queries that read a view or call a function."""
    return [one.name for one in saved if re.search(rf"\bresearch\.{view}\b", one.sql)]


def _view(view: View, users: Sequence[str]) -> str:
    head = f"research.{view.name}" + ("" if view.arguments is None else f"({view.arguments})")
    used = ", ".join(f"[{name}](queries/{name}.sql)" for name in users)
    return section(head, [view.meaning, *([f"Read by {used}."] if used else [])], view.columns)


# --- the definitions ----------------------------------------------------------------------------------------

_DEFINITIONS = """What the topics and the kinds of figures mean in the rules that come with the product: the words themselves, as the
reading has them. [Rules](rules.md) says how they are applied and where they fail. Flags and figures bear the hash of
the rules that they were read under, and `research.rulesets` has each set of rules whole.
"""

_TOPIC_KEYS = {
    "lemmas": "found by (every form)",
    "forms": "found by (as written)",
    "hashtags": "found by hashtags that begin",
    "patterns": "found by patterns",
    "figures": "found by figures of",
    "sure": "always counts",
    "except": "not in",
    "unless": "not beside",
}
_WORD_KEYS = {
    "lemmas": "every form of",
    "forms": "as written",
    "weak": "every form of, where the words near are plainly military",
    "weak_forms": "as written, where the words near are plainly military",
}
_TABLES = {
    "qualifier": ("Qualifiers", "Words before a number that set its bounds."),
    "after": ("Qualifiers after a number", "The same, standing after it."),
    "side": ("Sides", "Words that say whose the figure is; without one it is `unknown`."),
    "stance": (
        "Stances",
        "Words by which a text calls a side only its own or the enemy; the channel's side says which.",
    ),
    "scope": ("Scopes", "Words that say over what time a figure counts."),
}


def definitions(rules: Rules, texts: RuleTexts) -> str:
    """The topics and figures in force, as the files of rules have them."""
    topics = tomllib.loads(texts.rules.text)["topic"]
    words = tomllib.loads(texts.figures.text)
    raised = {one.name: one.raised for one in rules.topics}
    parts = [
        "# Definitions\n",
        _WRITTEN.format(source="`config/rules.toml` and `config/figures.toml`"),
        _DEFINITIONS,
        f"These rules have the hash `{texts.sha256.hex()}`.\n",
        "## Topics\n",
        *(_topic(name, table, raised=raised[name]) for name, table in topics.items()),
        f"The places of `config/places.toml` are {rules.gazetteer.count} settlements.\n",
        "## Kinds of figures\n",
        *(_kind(rules, name, table) for name, table in words["kind"].items()),
        *(_words_of(words, *named) for named in _TABLES.items()),
    ]
    return "\n".join(parts)


def _topic(name: str, table: Mapping[str, Any], *, raised: bool) -> str:
    told = "asks for a review" if raised else "is stored, and asks for no review"
    lines = [f"- {label}: {_listed(table[key])}" for key, label in _TOPIC_KEYS.items() if table.get(key)]
    lines += ["- found by the places of the gazetteer"] * bool(table.get("gazetteer"))
    return "\n".join([f"### {name}\n", f"It {told}.\n", *lines, ""])


def _kind(rules: Rules, name: str, table: Mapping[str, Any]) -> str:
    kind = rules.lexicon.kinds[name]
    told = [
        *(["a troop figure"] if kind.troop else []),
        *(["counts people"] if kind.people else []),
        *(["counts ground"] if kind.ground else []),
    ]
    return "\n".join(
        [f"### {name}\n", *([f"{', '.join(told).capitalize()}.\n"] if told else []), *_words(table), ""]
    )


def _words_of(words: Mapping[str, Any], name: str, said: tuple[str, str]) -> str:
    parts = [f"## {said[0]}\n", f"{said[1]}\n"]
    for key, table in words[name].items():
        parts += [f"### {key}, {name}\n", *_words(table), ""]
    return "\n".join(parts)


def _words(table: Mapping[str, Any]) -> list[str]:
    return [f"- {label}: {_listed(table[key])}" for key, label in _WORD_KEYS.items() if table.get(key)]


def _listed(terms: Iterable[str]) -> str:
    return ", ".join(f"`{term}`" if "`" not in term else term for term in dict.fromkeys(terms))


async def _made(url: str) -> list[View]:
    await migrate.upgrade(url)
    return await catalogue(url)


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, default=ROOT / "docs")
    into: Path = parser.parse_args().into
    with scratch_server() as (_, server):
        ensure_database(server.url("postgres"), "dictionary")
        views = asyncio.run(_made(server.url("dictionary")))
    saved = list(queries.load(ROOT / "docs" / "queries").values())
    for name, text in pages(views, saved, settings.rules(RULES)).items():
        (into / name).write_text(text, encoding="utf-8")
        print(into / name)


if __name__ == "__main__":
    main()
