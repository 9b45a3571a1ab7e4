"""The site without a database: its words, its keys, its colours, its headers, and whose requests it takes."""

import re
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.model import Language, Role
from monitor.web import keys, pages, security, static
from monitor.web.auth import HOME, cookie_name, local_path
from monitor.web.security import ours
from monitor.web.site import Options
from monitor.web.texts import Texts, preferred
from monitor.words import COUNTED, MONTHS

WEB = Path(pages.__file__).parent
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
ENGLISH, RUSSIAN = Texts(Language.ENGLISH), Texts(Language.RUSSIAN)


# --- words --------------------------------------------------------------------------------------------------


def _values(written: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(written) if name}


@pytest.mark.parametrize("name", Texts.table)
def test_every_text_is_in_both_languages_with_the_same_values(name: str) -> None:
    english, russian = Texts.table[name]
    assert english.strip() == english != ""
    assert russian.strip() == russian != ""
    assert _values(english) == _values(russian)
    assert not re.search("[а-яё]", english, re.IGNORECASE)
    assert re.search("[а-яё]", russian, re.IGNORECASE)


def test_every_counted_noun_has_all_its_forms() -> None:
    for english, russian in COUNTED.values():
        assert (len(english), len(russian)) == (2, 3)
        assert all((*english, *russian))
    assert [len(MONTHS[language]) for language in Language] == [12, 12]


def test_every_text_that_a_template_names_is_there() -> None:
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r"""\bt\(["']([a-z_.]+)["'][,)]""", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= set(Texts.table)
    assert {f"nav.{place.name}" for place in pages.NAV} | {f"role.{role}" for role in Role} <= set(
        Texts.table
    )


def test_values_are_put_in() -> None:
    assert ENGLISH("login.wait", at="12:30").endswith("at 12:30 UTC.")
    assert RUSSIAN("login.title") == "Вход"
    with pytest.raises(KeyError):
        ENGLISH("no.such.text")


@pytest.mark.parametrize(
    ("number", "english", "russian"),
    [
        (0, "0 cases", "0 случаев"),
        (1, "1 case", "1 случай"),
        (2, "2 cases", "2 случая"),
        (5, "5 cases", "5 случаев"),
        (11, "11 cases", "11 случаев"),
        (12, "12 cases", "12 случаев"),
        (21, "21 cases", "21 случай"),
        (24, "24 cases", "24 случая"),
        (111, "111 cases", "111 случаев"),
        (1001, "1,001 cases", "1 001 случай"),
    ],
)
def test_nouns_follow_their_number(number: int, english: str, russian: str) -> None:
    assert ENGLISH.count("case", number).replace("\xa0", " ") == english
    assert RUSSIAN.count("case", number).replace("\xa0", " ") == russian


@pytest.mark.parametrize(
    ("number", "english", "russian"),
    [
        (7, "7", "7"),
        (12500, "12,500", "12 500"),
        (0.5, "0.5", "0,5"),
        (300.0, "300", "300"),
        (100, "100", "100"),
    ],
)
def test_numbers_are_written_as_the_language_has_it(number: float, english: str, russian: str) -> None:
    assert ENGLISH.number(number) == english
    assert RUSSIAN.number(number).replace("\xa0", " ") == russian


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de,ru;q=0.5,en;q=0.7", "en"),
        ("uk, RU;q=0.3", "ru"),
        ("ru;q=0", "en"),
        ("ru;q=x,*", "en"),
        (";;,,q=", "en"),
    ],
)
def test_a_browser_is_greeted_in_its_language(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    ("minutes", "english"),
    [(-5, "now"), (0.9, "now"), (1, "1 min"), (59, "59 min"), (60, "1 h"), (2879, "47 h"), (2880, "2 d")],
)
def test_spans_are_short(minutes: float, english: str) -> None:
    assert pages.span(ENGLISH, timedelta(minutes=minutes)) == english


# --- times --------------------------------------------------------------------------------------------------


def _written(template: str, **values: object) -> str:
    return (
        pages._environment()
        .from_string(template)
        .render(t=RUSSIAN, now=datetime(2024, 8, 9, tzinfo=UTC), **values)
    )


def test_times_are_in_utc_and_exact_for_a_program() -> None:
    at = datetime.fromisoformat("2024-08-06T16:20:05+03:00")
    assert _written("{{ x | moment }}", x=at) == (
        '<time datetime="2024-08-06T13:20:05Z" title="2024-08-06 13:20:05 UTC">6 авг 13:20</time>'
    )
    shown = [
        re.sub("<.*?>", "", _written("{{ x | " + name + " }}", x=at)) for name in ("clock", "day", "age")
    ]
    assert shown == ["13:20", "6 авг", "2 дн"]
    before = _written("{{ x | day }}", x=at.replace(year=2023))
    assert ">6 авг 2023<" in before


def test_what_a_channel_says_is_escaped() -> None:
    assert _written("{{ x }}", x="<script>") == "&lt;script&gt;"
    assert _written("{{ x | number }}", x=1234.5) == "1\xa0234,5"


# --- keys ---------------------------------------------------------------------------------------------------


def test_no_two_actions_have_one_key_and_no_pair_begins_with_a_whole_one() -> None:
    combinations = list(keys.KEYS.values())
    assert len(combinations) == len(set(combinations))
    begun = {one.split()[0] for one in combinations if " " in one}
    assert begun.isdisjoint(combinations)
    code = r"(Shift\+|Control\+)?(Key[A-Z]|Digit[0-9]|Period|Slash)"
    assert all(re.fullmatch(rf"{code}( {code})?", one) for one in combinations)


def test_every_key_has_something_to_do() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    acting = set(re.findall(r'key\("([a-z_]+)"\)', written)) | {place.name for place in pages.NAV}
    assert acting == set(keys.KEYS)


def test_keys_are_shown_as_a_person_reads_them() -> None:
    shown = [keys.label(a) for a in ("next", "take_over", "queue", "help", "palette", "relevant", "find")]
    assert shown == ["j", "Shift+c", "g q", "?", "Ctrl+k", "1", "/"]
    assert keys.key("next") == 'data-action="next" data-key="KeyJ" aria-keyshortcuts="j"'


# --- what a page may hold -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_nothing_that_the_policy_forbids(path: Path) -> None:
    body = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|\|\s*safe", body)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", body))
    assert not re.search(r"""(src|href|action)=["']https?:""", body)


def test_every_field_has_a_label_and_every_form_a_button() -> None:
    for path in TEMPLATES:
        body = path.read_text(encoding="utf-8")
        for field in re.findall(r"<(?:input|select|textarea)[^>]*>", body):
            if 'type="hidden"' in field or 'type="checkbox"' in field:
                continue
            name = re.search(r'\bid="([^"]+)"', field)
            assert "aria-label" in field or (name and f'for="{name.group(1)}"' in body), field
        for form in re.findall(r"<form.*?</form>", body, re.DOTALL):
            assert "<button" in form


def _colours(block: str) -> dict[str, tuple[float, float, float]]:
    found = re.findall(r"--([a-z-]+): #([0-9a-f]{6});", block)
    return {
        name: tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))  # type: ignore[misc]
        for name, code in found
    }


def _contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""

    def luminance(colour: tuple[float, float, float]) -> float:
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart(scheme: int) -> None:
    sheet = (WEB / "static" / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    c = _colours(blocks[scheme])
    for words in ("text", "muted", "accent", "wrong", "soon"):
        for ground in ("ground", "raised", "chosen"):
            assert _contrast(c[words], c[ground]) >= 4.5, (words, ground)
    for ground in ("mark", "added", "removed"):
        assert _contrast(c["text"], c[ground]) >= 4.5, ground
    assert _contrast(c["accent"], c["on-accent"]) >= 4.5
    for line in ("edge", "mark-edge"):
        assert _contrast(c[line], c["raised"]) >= 3, line


def test_both_schemes_name_the_same_colours() -> None:
    sheet = (WEB / "static" / "style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2]
    assert set(_colours(light)) == set(_colours(dark))
    used = set(re.findall(r"var\(--([a-z-]+[0-9]?)\)", sheet))
    assert used <= set(re.findall(r"--([a-z-]+[0-9]?):", sheet))


def test_there_are_four_sizes_of_letters() -> None:
    sheet = (WEB / "static" / "style.css").read_text(encoding="utf-8")
    sizes = set(re.findall(r"font-size: ([^;]+);", sheet))
    assert sizes == {"var(--small)", "var(--usual)", "var(--reading)", "var(--title)"}


def test_a_file_has_one_address_while_it_is_the_same() -> None:
    assert static.asset("app.js") == f"/static/{static.fingerprint()}/app.js"
    assert re.fullmatch("[0-9a-f]{16}", static.fingerprint())
    with pytest.raises(KeyError):
        static.asset("none.js")


# --- whose requests are taken -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://h", "host": "h"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "null", "host": "h"}, True),
        ({"origin": "http://h:8046", "host": "h:8046"}, True),
        ({"origin": "https://H", "host": "h"}, True),
        ({"origin": "http://h:1", "host": "h:2"}, False),
        ({"origin": "http://evil", "host": "h"}, False),
        ({"origin": "http://h.evil", "host": "h"}, False),
        ({"origin": "http://h@evil", "host": "h"}, False),
        ({"origin": "null", "host": "h"}, False),
        ({"origin": "null", "host": "null"}, False),
        ({"origin": "file://h", "host": "h"}, False),
        ({"origin": "http://[h", "host": "h"}, False),
        ({"origin": "", "host": ""}, False),
        ({"origin": "http://h"}, False),
        ({"host": "h"}, False),
        ({}, False),
    ],
)
def test_only_requests_of_our_own_pages_may_act(headers: dict[str, str], taken: bool) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ours(method, headers) is taken
    for method in ("GET", "HEAD", "OPTIONS"):
        assert ours(method, headers)


def test_the_policy_allows_our_own_files_alone() -> None:
    rules = dict(rule.split(" ", 1) for rule in security.POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in security.POLICY
    assert {rules[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}


@pytest.mark.parametrize(
    "wanted",
    [
        *("", "x", "queue", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
        *(
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil",
            "/a\r\nset-cookie: x",
        ),
        *("/a\\b", "/\x00", " /queue", "/\u2028"),
    ],
)
def test_nobody_is_sent_to_another_site(wanted: str) -> None:
    assert local_path(wanted) == HOME


@pytest.mark.parametrize("wanted", ["/", "/queue", "/queue?topic=kursk&page=2", "/p/1/2@v3", "/a//b"])
def test_paths_of_ours_are_gone_on_to(wanted: str) -> None:
    assert local_path(wanted) == wanted


def test_a_cookie_demands_tls_where_there_is_any() -> None:
    named = [cookie_name(Options(url)) for url in (None, "http://127.0.0.1:8046", "https://m.example")]
    assert named == ["monitor", "monitor", "__Host-monitor"]


def test_a_role_may_all_that_those_before_it_may() -> None:
    assert [[a.at_least(b) for b in Role] for a in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
