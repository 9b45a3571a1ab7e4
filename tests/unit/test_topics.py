"""Topics found in texts: by word forms and phrases, exceptions, hashtags, patterns, figures and places."""

import pytest

from monitor.errors import SettingsError
from monitor.extraction import Rules, compile_rules
from monitor.extraction.forms import counted_forms, forms_of, plural_forms, singular_form
from tests.rulesets import rules_of, shipped_rules, shipped_texts, texts_of

TOPICS = """
[topic.kursk]
lemmas = ["Курск", "курский"]
forms = ["Kursk", "ГИС-1"]
sure = ["Курская область"]
except = ["Курский вокзал", "подводная лодка Курск"]
unless = ["1943"]
hashtags = ["курск"]

[topic.numbers]
patterns = ['мост[а-я]{1,3} через сейм']

[topic.quiet]
forms = ["тишина"]
flag = false
"""


@pytest.fixture(scope="module")
def rules() -> Rules:
    return rules_of(TOPICS)


def found(rules: Rules, text: str) -> dict[str, list[str]]:
    """The words that each topic's spans cover, by topic."""
    return {
        flag.topic: [text[span.start : span.end] for span in flag.spans] for flag in rules.read(text).flags
    }


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Под КУРСКОМ тихо", ["КУРСКОМ"]),
        ("В Курской и Белгородской областях", ["Курской"]),
        ("в Курской области", ["Курской области"]),
        ("The battle near Kursk, Kursk's", ["Kursk", "Kursk"]),
        ("у гис-1 стоят", ["гис-1"]),
        ("Курск-Льгов", ["Курск"]),
        ("в Курск,Льгов", ["Курск"]),
        ("🚀🇷🇺 ещё Курск", ["Курск"]),
        ("К У Р С К", ["К У Р С К"]),
        ("Kурcк", ["Kурcк"]),
        ("#курскаяобласть #курское_направление #курсы", ["курскаяобласть", "курское"]),
        ("курсор, экскурс, курс, курсант", []),
        ("https://t.me/kursk_news @kursk46", []),
        ("На Курском вокзале ждут", []),
        ("погибла подводная лодка «Курск»", []),
        ("На Курском вокзале ждут поезд из Курска", ["Курска"]),
        ("Битва под Курском в 1943", []),
        ("Битва под Курском в 1943. Сегодня Курск", ["Курск"]),
        ("В 1943 в Курской области", ["Курской области"]),
        ("", []),
    ],
)
def test_words(rules: Rules, text: str, spans: list[str]) -> None:
    assert found(rules, text).get("kursk", []) == spans


def test_spans_are_characters_with_the_term_that_matched(rules: Rules) -> None:
    (flag,) = rules.read("🚀 Курской и Kursk").flags
    assert flag.topic == "kursk"
    assert [tuple(span) for span in flag.spans] == [(2, 9, "курский", None), (12, 17, "Kursk", None)]


def test_patterns_are_sought_in_the_normal_text(rules: Rules) -> None:
    assert found(rules, "Взорван МOСТ, мост через Сейм, двa моста через Сейм") == {
        "numbers": ["моста через Сейм"]
    }


def test_a_topic_may_be_kept_without_a_flag(rules: Rules) -> None:
    (flag,) = rules.read("тишина").flags
    assert not flag.raised


def test_topics_come_in_the_order_of_the_rules() -> None:
    text = "11 танков под Суджей, Курск"
    assert list(found(shipped_rules(), text)) == ["kursk", "sudzha", "troop_figures", "places"]
    assert shipped_rules().read("Доброе утро").flags == ()


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("В Курской и Белгородской областях объявлена тревога", ["kursk"]),
        ("Курська область, Суджа", ["kursk", "sudzha"]),
        ("Курщина держится, куряне тоже", ["kursk"]),
        ("Губернатор курский заявил", ["kursk"]),
        ("Группировка войск «Курск» отчиталась", ["kursk"]),
        ("Курская АЭС работает", ["kursk"]),
        ("Kursk oblast, Sudzha district", ["kursk", "sudzha"]),
        ("ГИС «Суджа» остановлена", ["sudzha"]),
        ("#Суджа #суджанскийрайон", ["sudzha"]),
        ("АПРК «Курск» затонул в Баренцевом море", []),
        ("Фильм «Курск» покажут вечером", []),
        ("81 год Курской битве", []),
        ("Поезд прибыл на Курский вокзал Москвы", []),
        ("Станция метро «Курская» закрыта", []),
        ("На улице Курской ремонт", []),
        ("Курский соловей поёт", []),
        ("Tank ace who fought at Kursk and in Normandy", []),
        ("The Battle of Kursk", []),
        ("Суждение о курсах, осуждать курсантов", []),
        ("В Рыльске и Коренево тихо", []),
    ],
)  # fmt: skip
def test_the_watch_topics(text: str, topics: list[str]) -> None:
    assert [t for t in found(shipped_rules(), text) if t != "places"] == topics


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Бои в Малой Локне и Погребках", ["Малая Локня", "Погребки"]),
        ("Fighting near Malaya Loknya", ["Малая Локня"]),
        ("в николаево-дарьино", []),
        ("Николаево-Дарьино и Дарьино", ["Николаево-Дарьино", "Дарьино"]),
        ("Большое солдатское спасибо", []),
    ],
)
def test_places_need_their_capital_letters(text: str, places: list[str]) -> None:
    spans = [
        span for flag in shipped_rules().read(text).flags if flag.topic == "places" for span in flag.spans
    ]
    assert [span.term for span in spans] == places
    assert all(span.at is not None and 49 < span.at[0] < 53 for span in spans)


def test_the_gazetteer_is_large_enough_to_be_of_use() -> None:
    names = {form.name for forms in shipped_rules().gazetteer.forms.values() for form in forms}
    assert len(names) >= 60


def test_a_lemma_spreads_to_its_forms_in_both_languages() -> None:
    assert {"курск", "курска", "курску", "курском", "курске"} <= forms_of("Курск")
    assert {"курщина", "курщини", "курщині", "курщиною"} <= forms_of("Курщина")
    assert {"наемник", "наемниками"} <= forms_of("наёмник")
    assert {"п'ять", "п'яти"} <= forms_of("п'ять")
    assert {"боевой", "боевых"} <= forms_of("боевая")
    assert forms_of("tank") == {"tank"}


def test_forms_that_number_words_stand_beside() -> None:
    assert "танков" in counted_forms("танк")
    assert "танки" not in counted_forms("танк")
    assert plural_forms("сотня") >= {"сотням", "сотнями"}
    assert singular_form("танк") == {"танк"}
    assert singular_form("солдат") == frozenset()


@pytest.mark.parametrize(
    ("topics", "what"),
    [
        ("", "rules.toml, line 1, column 1: there is no topic"),
        ("topic = 5", "rules.toml, line 1, column 1: there is no topic"),
        ("[topics.a]", "rules.toml, line 1, column 2: unknown table `topics`"),
        ("[topic]\na = 5", "rules.toml, line 2, column 1: [topic.a] is no table"),
        ("[topic.a]", "rules.toml, line 1, column 8: [topic.a] matches nothing"),
        ("[topic.a]\nlemma = ['x']", "rules.toml, line 2, column 1: [topic.a] has the unknown key `lemma`"),
        ("[topic.a]\nlemmas = 'x'", "rules.toml, line 2, column 11: [topic.a] `lemmas` is no list of words"),
        ("[topic.a]\nforms = [\n  'x',\n  '—',\n]", "rules.toml, line 4, column 4: [topic.a] `forms` is no list of words"),
        ("[topic.a]\nforms = ['x', 5]", "rules.toml, line 2, column 1: [topic.a] `forms` is no list of words"),
        ("[topic.a]\nforms = ['x']\nflag = 'no'", "rules.toml, line 3, column 9: [topic.a] `flag` is 'no'"),
        ("[topic.a]\nfigures = ['tanks']", "rules.toml, line 2, column 13: there is no kind of figure `tanks`"),
        ("[topic.a]\npatterns = ['a(b']", "rules.toml, line 2, column 14: the pattern 'a(b' is no RE2 expression"),
        ("[topic.a]\npatterns = ['(?=x)']", "rules.toml, line 2, column 14: the pattern '(?=x)' is no RE2 expression"),
        ("[topic.a]\nforms = [", "rules.toml, line 2, column 10: this is not TOML"),
        ("[topic.a\n", "rules.toml, line 1, column 9: this is not TOML"),
    ],
)  # fmt: skip
def test_mistakes_in_topics_name_file_line_column_and_mend(topics: str, what: str) -> None:
    with pytest.raises(SettingsError) as caught:
        rules_of(topics)
    assert caught.value.what == what
    assert caught.value.why
    assert caught.value.mend


@pytest.mark.parametrize(
    ("figures", "what"),
    [
        ("[kinds.tank]", "figures.toml, line 1, column 2: [] has the unknown key `kinds`"),
        ("[kind.tank]\nlemma = ['танк']", "figures.toml, line 2, column 1: [kind.tank] has the unknown key `lemma`"),
        ("[kind.tank]\nlemmas = ['танк', '.']", ""),
        ("[kind.tank]\nlemmas = ['танк', ' ']", "figures.toml, line 2, column 20: [kind.tank] `lemmas` is no list of words"),
        ("[number]\nten = { forms = ['ten'] }", "figures.toml, line 2, column 1: [number] has the key `ten`"),
        ("[qualifier.roughly]\nforms = ['so']", "figures.toml, line 1, column 12: [qualifier] has the unknown key `roughly`"),
        ("qualifier = 5", "figures.toml, line 1, column 1: [qualifier] is no table"),
        ("[grammar]\nstop = ['a']", "figures.toml, line 2, column 1: [grammar] has the unknown key `stop`"),
        ("[kind.tank]\nlemmas = 'танк'", "figures.toml, line 2, column 11: [kind.tank] `lemmas` is no list of words"),
    ],
)  # fmt: skip
def test_mistakes_in_figures_name_file_line_column_and_mend(figures: str, what: str) -> None:
    texts = texts_of("[topic.a]\nforms = ['x']", figures=figures)
    if not what:
        compile_rules(texts)
        return
    with pytest.raises(SettingsError) as caught:
        compile_rules(texts)
    assert caught.value.what == what
    assert caught.value.mend


@pytest.mark.parametrize(
    ("places", "what"),
    [
        ("[[places]]", "places.toml, line 1, column 3: `places` is unknown or has another form"),
        ("[place]\nname = 'A'", "places.toml, line 1, column 2: `place` is unknown or has another form"),
        ("[[place]]\nlat = 5", "places.toml, line 1, column 3: a place is None"),
        ("[[place]]\nname = 'A'\nlat = 5", "places.toml, line 3, column 1: the place A has the unknown key `lat`"),
        ("[[place]]\nname = 'A'\nlatitude = '5'", "places.toml, line 2, column 9: the place A has the latitude '5'"),
        ("[[place]]\nname = 'A'\nlatitude = 5\nlongitude = 500", "places.toml, line 2, column 9: the place A has the longitude 500"),
        ("[[place]]\nname = 'A'\nlatitude = 5\nlongitude = 5\nforms = []", "places.toml, line 2, column 9: the place A has no list of forms"),
    ],
)  # fmt: skip
def test_mistakes_in_places_name_file_line_column_and_mend(places: str, what: str) -> None:
    with pytest.raises(SettingsError) as caught:
        rules_of("[topic.a]\nforms = ['x']", places=places)
    assert caught.value.what == what
    assert caught.value.mend


def test_a_ruleset_is_known_by_the_texts_of_all_its_files() -> None:
    one, other = texts_of("[topic.a]\nforms = ['x']"), texts_of("[topic.a]\nforms = ['x']", figures="# more")
    assert one.sha256 != other.sha256
    assert one.sha256 == texts_of("[topic.a]\nforms = ['x']\n\n").sha256
    assert shipped_texts().body.count("# ---- ") == 3


def test_rules_without_figures_read_none() -> None:
    assert rules_of("[topic.a]\nforms = ['танк']").read("11 танков").figures == ()
