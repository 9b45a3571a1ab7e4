"""What docs/ says of the data is what the database and the rules say."""

import re
from xml.etree import ElementTree

import pytest

from bench import dictionary
from bench.schema import drawn
from monitor import queries, settings
from monitor.store.research import Column, View
from tests.acceptance.helpers import ROOT

DOCS = ROOT / "docs"


async def test_what_docs_say_of_the_data_is_as_it_would_be_written_now(url: str) -> None:
    views = await dictionary.catalogue(url)
    saved = list(queries.load(DOCS / "queries").values())
    made = dictionary.pages(views, saved, settings.rules(dictionary.RULES))
    old = [name for name, text in made.items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert old == [], "write them anew: make dictionary"


async def test_the_dictionary_has_every_column_and_who_reads_it(url: str) -> None:
    page = (DOCS / "data-dictionary.md").read_text(encoding="utf-8")
    for view in await dictionary.catalogue(url):
        section = re.split(rf"^## research\.{view.name}\b", page, maxsplit=1, flags=re.MULTILINE)[
            1
        ].partition("\n## ")[0]
        assert view.meaning in section, view.name
        assert all(f"| `{one.name}` | {one.type} |" in section for one in view.columns), view.name
    assert "[said-as-of](queries/said-as-of.sql)" in page.partition("## research.posts_as_of")[2]


def test_the_definitions_have_every_topic_and_kind() -> None:
    rules, texts = settings.rules(dictionary.RULES)
    page = (DOCS / "definitions.md").read_text(encoding="utf-8")
    assert texts.sha256.hex() in page
    for name in [topic.name for topic in rules.topics] + list(rules.lexicon.kinds):
        assert f"### {name}\n" in page, name
    assert "- always counts: `Курская область`" in page


def test_the_drawing_joins_views_by_the_keys_that_they_share() -> None:
    def view(name: str, *columns: str) -> View:
        return View(name, f"<{name}>", tuple(Column(one, "text", "x") for one in columns))

    key = ("channel_id", "message_id", "version")
    views = [
        view("versions", *key),
        view("channels", "channel_id"),
        view("posts", *key),
        view("figures", *key, "ruleset"),
        view("rulesets", "sha256"),
        view("meta", "schema_version"),
    ]
    root = ElementTree.fromstring(drawn(views))
    space = "{http://www.w3.org/2000/svg}"
    words = [one.text for one in root.iter(f"{space}text")]
    assert {"versions", "figures", "a version of a post", "a set of rules"} <= set(words)
    assert "a case" not in words
    boxes = {group.findtext(f"{space}title"): group.find(f"{space}rect") for group in root.iter(f"{space}g")}
    assert set(boxes) == {f"<{one.name}>" for one in views}
    own = {name for name, box in boxes.items() if box is not None and box.get("class") == "own"}
    assert own == {"<versions>", "<channels>", "<posts>", "<rulesets>"}


@pytest.mark.parametrize("name", ["schema.svg", "data-dictionary.md", "definitions.md"])
def test_the_readers_of_docs_get_no_address_of_elsewhere(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http:" not in text
    assert "https:" not in text
