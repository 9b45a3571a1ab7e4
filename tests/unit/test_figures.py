"""Figures as the shipped rules read them: what is counted, its bounds, of which kind, whose, and what is none."""

import pytest

from monitor.model import Figure, Qualifier, Scope, Side, Stance, inferred_side
from tests.rulesets import shipped_rules


def read(text: str) -> tuple[Figure, ...]:
    return shipped_rules().read(text).figures


def bounds(figure: Figure) -> str:
    low, high = (("" if bound is None else f"{bound:g}") for bound in (figure.low, figure.high))
    return low if low == high else f"{low}..{high}"


def told(text: str) -> list[str]:
    """Each figure in short: the words, the kind, the bounds, and the qualifier unless it is exact."""
    return [
        f"{text[f.start : f.end]} | {f.kind} {bounds(f)}"
        + ("" if f.qualifier is Qualifier.EXACT else f" {f.qualifier.value}")
        for f in read(text)
    ]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("Видели 11 танков", ["11 танков | tank 11"]),
        ("Видели 1 904 солдата", ["1 904 солдата | personnel 1904"]),
        ("Там 2\u00a0380 солдат и 19\u202f917 бойцов", ["2\u00a0380 солдат | personnel 2380", "19\u202f917 бойцов | personnel 19917"]),
        ("Всего 76.550 солдат", ["76.550 солдат | personnel 76550"]),
        ("Some 1,000 troops", ["Some 1,000 troops | personnel 1000 about"]),
        ("Около 1,5 тыс. солдат", ["Около 1,5 тыс. солдат | personnel 1500 about"]),
        ("Прибыло 11к солдат", ["11к солдат | personnel 11000"]),
        ("60k soldiers", ["60k soldiers | personnel 60000"]),
        ("300–400 солдат", ["300–400 солдат | personnel 300..400 range"]),
        ("10-12 тыс. солдат", ["10-12 тыс. солдат | personnel 10000..12000 range"]),
        ("от 200 до 300 солдат", ["от 200 до 300 солдат | personnel 200..300 range"]),
        ("between 5 and 7 tanks", ["between 5 and 7 tanks | tank 5..7 range"]),
        ("from 10 to 20 tanks", ["from 10 to 20 tanks | tank 10..20 range"]),
        ("две-три роты", ["две-три роты | unit 2..3 range"]),
        ("танков пять-шесть", ["танков пять-шесть | tank 5..6 range"]),
        ("солдат двадцать", ["солдат двадцать | personnel 20 about"]),
        ("полторы тысячи солдат", ["полторы тысячи солдат | personnel 1500"]),
        ("полсотни солдат", ["полсотни солдат | personnel 50"]),
        ("двадцать пять солдат", ["двадцать пять солдат | personnel 25"]),
        ("две тысячи триста солдат", ["две тысячи триста солдат | personnel 2300"]),
        ("дюжина танков", ["дюжина танков | tank 12"]),
        ("с десяток танков", ["с десяток танков | tank 10 about"]),
        ("тысяча солдат", ["тысяча солдат | personnel 1000"]),
        ("более сотни солдат", ["более сотни солдат | personnel 100.. at_least"]),
        ("несколько танков", ["несколько танков | tank 2.. vague"]),
        ("пара танков", ["пара танков | tank 2.. vague"]),
        ("десятки танков", ["десятки танков | tank 10.. vague"]),
        ("сотни солдат", ["сотни солдат | personnel 100.. vague"]),
        ("несколько сотен солдат", ["несколько сотен солдат | personnel 100.. vague"]),
        ("сотни тысяч солдат", ["сотни тысяч солдат | personnel 100000.. vague"]),
        ("dozens of tanks", ["dozens of tanks | tank 10.. vague"]),
        ("hundreds of soldiers", ["hundreds of soldiers | personnel 100.. vague"]),
        ("a dozen tanks", ["a dozen tanks | tank 12"]),
        ("двоє бійців", ["двоє бійців | personnel 2"]),
        ("кілька танків", ["кілька танків | tank 2.. vague"]),
        ("понад 900 окупантів", ["понад 900 окупантів | personnel 900.. at_least"]),
        ("щонайменше 40-ка танків", ["щонайменше 40-ка танків | tank 40.. at_least"]),
        ("до 300 военнослужащих", ["до 300 военнослужащих | personnel ..300 at_most"]),
        ("не более 20 танков", ["не более 20 танков | tank ..20 at_most"]),
        ("20+ танков", ["20+ танков | tank 20.. at_least"]),
        ("20 и более танков", ["20 и более танков | tank 20.. at_least"]),
        ("~30 танков", ["~30 танков | tank 30 about"]),
        ("до полутора тысяч солдат", ["до полутора тысяч солдат | personnel ..1500 at_most"]),
        ("Потери врага превысили 4,5 тыс. солдат", ["превысили 4,5 тыс. солдат | losses 4500.. at_least"]),
        ("Потери ВСУ — менее 80 тысяч", ["менее 80 тысяч | losses ..80000 at_most"]),
    ],
)  # fmt: skip
def test_numbers_and_their_bounds(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("11 новых немецких танков", ["11 новых немецких танков | tank 11"]),
        ("уничтожено 15 единиц живой силы", ["15 единиц живой силы | killed 15"]),
        ("сожгли 7 единиц бронетехники", ["7 единиц бронетехники | armour 7"]),
        ("танки — 7, миномёты: 3", ["танки — 7 | tank 7", "миномёты: 3 | artillery 3"]),
        ("12 ракет ATACMS", ["12 ракет ATACMS | munition 12"]),
        ("28 танков Т-55", ["28 танков Т-55 | tank 28"]),
        ("понад\n9\nтанків", ["понад\n9\nтанків | tank 9.. at_least"]),
        ("**34** танка", ["34** танка | tank 34"]),
        ("11 (одиннадцать) танков", ["11 (одиннадцать) танков | tank 11"]),
        ("95 Leopard 1 tanks stand idle", ["95 Leopard 1 tanks | tank 95"]),
        ("two Russian tank crews", ["two Russian tank crews | unit 2"]),
        ("Dozens of units of enemy equipment were hit by our artillery in the battle", ["Dozens of units of enemy equipment | vehicle 10.. vague"]),
        ("до роты пехоты и два взвода", ["до роты | unit ..1 at_most", "два взвода | unit 2"]),
        ("передали 12 танков, 20 БМП и 6 гаубиц", ["12 танков | tank 12", "20 БМП | armour 20", "6 гаубиц | artillery 6"]),
        ("5 пикапов, 3 грузовика и 2 вертолёта ВСУ уничтожили на фронте", ["5 пикапов | vehicle 5", "3 грузовика | vehicle 3", "2 вертолёта ВСУ | aircraft 2"]),
        ("танків ‒ 8 421 (+3) од", ["танків ‒ 8 421 | tank 8421", "+3 | tank 3"]),
    ],
)  # fmt: skip
def test_what_is_counted(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("ликвидировано до 40 боевиков", ["до 40 боевиков | killed ..40 at_most"]),
        ("не менее 40 боевиков, напавших на пост, ликвидированы", ["не менее 40 боевиков | killed 40.. at_least"]),
        ("имена 80 солдат, погибших в боях", ["80 солдат | killed 80"]),
        ("nearly 90 soldiers killed", ["nearly 90 soldiers | killed 90 about"]),
        ("ранены 12 солдат", ["12 солдат | wounded 12"]),
        ("взяли в плен 30 солдат", ["30 солдат | captured 30"]),
        ("11 солдат сдались в плен", ["11 солдат | captured 11"]),
        ("11 servicemen, who were captured in May", ["11 servicemen | captured 11"]),
        ("ВСУ потеряли до 300 военнослужащих", ["до 300 военнослужащих | losses ..300 at_most"]),
        ("уничтожено до 80 военных ВСУ убитыми и ранеными", ["до 80 военных ВСУ | losses ..80 at_most"]),
        ("переброшены 500 солдат", ["500 солдат | personnel 500"]),
        ("потери ВСУ: 22 тысячи убитыми и 40 тысяч ранеными", ["22 тысячи убитыми | killed 22000", "40 тысяч ранеными | wounded 40000"]),
        ("у них 15 двухсотых и трое «300-х»", ["15 двухсотых | killed 15", "трое «300-х | wounded 3"]),
        ("ВСУ потеряли 20 человек убитыми, двое сдались в плен", ["20 человек | killed 20", "двое | captured 2"]),
        ("52 тела российских военных", ["52 тела российских военных | killed 52"]),
        ("6 солдат убиты, 12 ранены", ["6 солдат | killed 6", "12 | wounded 12"]),
        ("За добу ліквідували 920 окупантів і 20 танків", ["920 окупантів | killed 920", "20 танків | tank 20"]),
        ("З полону повернули 82 бійці та 10 прикордонників", ["82 бійці | captured 82", "10 прикордонників | captured 10"]),
        ("Втрати ворога за тиждень:\n- 18 танків\n- 360 знищених окупантів", ["18 танків | tank 18", "360 знищених окупантів | killed 360"]),
        ("Взято в плен 20 солдат и убито 5", ["20 солдат | captured 20", "5 | killed 5"]),
        ("Наёмники отошли, один из которых сдался в плен", ["один из которых | captured 1"]),
    ],
)  # fmt: skip
def test_what_happened_to_people(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("Сбито 15 беспилотников: восемь — над Курской, 4 – над Брянской и по одному над Тулой и Орлом",
         ["15 беспилотников | drone 15", "восемь | drone 8", "4 | drone 4", "по одному | drone 1"]),
        ("Потери ВСУ составили до 1565 человек, на курском - до 255, говорится в сводке",
         ["до 1565 человек | losses ..1565 at_most", "до 255 | losses ..255 at_most"]),
        ("Взяты в плен 34 солдата, из них 17 сдались сами", ["34 солдата | captured 34", "17 | captured 17"]),
    ],
)  # fmt: skip
def test_lists_whose_noun_is_told_once(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("Противник продвинулся на 15 км вглубь", ["15 км | distance 15"]),
        ("Troops advanced 10 miles (16 km) inside", ["10 miles | distance 10"]),
        ("ВСУ отошли на несколько сотен метров", ["несколько сотен метров | distance 0.1.. vague"]),
        ("Наша армия контролирует около 1000 кв. км и 74 населённых пункта", ["около 1000 кв. км | area 1000 about", "74 населённых пункта | settlement 74"]),
        ("Бои идут в 10 км от границы", []),
        ("Граница длиной 245 км", []),
        ("Прошли 5 населённых пунктов на автобусе", []),
    ],
)  # fmt: skip
def test_ground(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    "text",
    [
        "Танк, БМП и рота прорвались",
        "22-я бригада и 3-я рота, вторая рота",
        "47th Brigade",
        "бойцы 72 бригады держат рубеж",
        "110 окрему механізовану бригаду",
        "155-мм снаряды",
        "Т-72 и БМП-2 против M777",
        "ни одного танка",
        "no tanks",
        "6 августа танки вошли",
        "в 14:50 танки вошли",
        "06.08.24 танки вошли",
        "September 25 soldiers came",
        "The UK sends Challenger 2 tanks",
        "солдату 34 года",
        "5 лет солдат служил",
        "20 % танков",
        "№ 15 танк",
        "$300 tanks",
        "Погибли 4 человека, 66 пострадавших, эвакуированы 76 000 жителей",
        "В ДТП разбились 3 автомобиля",
        "орденом награждены 5 бойцов",
        "Три военных источника сообщили газете",
        "235 гарнизонный военный суд",
        "49.23446, 37.97574 soldiers",
        "Компания уволит 1000 человек",
        "счёт 3:2, солдаты",
        "8-800-555-35-35 солдаты",
        "9 РСЗВ-обстрілів",
        "танков 0",
        "",
        "—",
    ],
)
def test_what_is_no_figure(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("до 300 военнослужащих ВСУ", ["ukraine"]),
        ("11 тыс. северокорейских солдат", ["north_korea"]),
        ("более 10 тысяч солдат из КНДР", ["north_korea"]),
        ("920 окупантів", ["russia"]),
        ("Потери ВСУ: 260 солдат, 7 танков", ["ukraine", "ukraine"]),
        ("Армия РФ уничтожила 5 танков", ["ukraine"]),
        ("ЗСУ знищили 5 танків і 8 гармат", ["russia", "russia"]),
        ("Russian forces lost 3 tanks", ["russia"]),
        ("5 tanks were destroyed by Ukrainian troops", ["russia"]),
        ("Россия перебросила 5000 солдат", ["russia"]),
        ("NATO has 500,000 troops on alert", ["other"]),
        ("США передали Украине 31 танк", ["ukraine"]),
        ("Сирийская армия при поддержке ВКС России уничтожила 300 боевиков", ["other"]),
        ("40 солдат, сообщили в Минобороны России", ["unknown"]),
        ("Замечены 40 солдат", ["unknown"]),
        ("Потери ВСУ:\n- 18 танков\n- 4 гаубицы", ["ukraine", "ukraine"]),
        ("Погибли 60 тысяч украинских солдат, ещё 400 тысяч ранены в войне с РФ", ["ukraine", "ukraine"]),
    ],
)
def test_whose_they_are(text: str, sides: list[str]) -> None:
    assert [figure.side.value for figure in read(text)] == sides


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("Минус 2 «Леопарда», минус один «Абрамс», минус взвод", ["2 «Леопарда | tank 2", "один «Абрамс | tank 1"]),
        ("Реактивные системы залпового огня: 2; миномётов: 14", ["Реактивные системы залпового огня: 2 | artillery 2", "миномётов: 14 | artillery 14"]),
        ("Танков 7, БТР 12", ["Танков 7 | tank 7", "БТР 12 | armour 12"]),
        ("Полонених — 247. Загиблих – 61, поранених – 135", ["Полонених — 247 | captured 247", "Загиблих – 61 | killed 61", "поранених – 135 | wounded 135"]),
        ("Загальні втрати окупантів станом на ранок\nОсобовий склад – близько 587 480 осіб (+1 160)\nТанки – 8 430 (+9)",
         ["близько 587 480 осіб | losses 587480 about", "+1 160 | losses 1160", "Танки – 8 430 | tank 8430", "+9 | tank 9"]),
        ("Противник потерял 82 единицы бронетехники", ["82 единицы бронетехники | armour 82"]),
        ("11 tanks and more than 20 armored combat vehicles", ["11 tanks | tank 11", "more than 20 armored combat vehicles | armour 20.. at_least"]),
        ("По данным генштаба, 100 of the enemy's servicemen were killed and 215 wounded", ["100 of the enemy's servicemen | killed 100", "215 wounded | wounded 215"]),
        ("Ten militants came, 8 of them snipers", ["Ten militants | personnel 10", "8 of them snipers | personnel 8"]),
        ("One of the soldiers spoke", []),
        ("Семь десантников окружены. Один погиб, двое ранены", ["Семь десантников | personnel 7", "Один | killed 1", "двое | wounded 2"]),
        ("Уничтожен 41 боевик. Ещё 19 ранены. Взяты в плен трое", ["41 боевик | killed 41", "19 | wounded 19", "трое | captured 3"]),
        ("Наши на окраине села, двое в плену", ["двое | captured 2"]),
        ("Армия хочет увеличить численность до 120 тысяч солдат", ["120 тысяч солдат | personnel 120000"]),
        ("Ворог за добу втратив більше ніж роту", ["більше ніж роту | unit 1.. at_least"]),
        ("4 BMP-2s and 3 MT-LBs", ["4 BMP-2s | armour 4", "3 MT-LBs | armour 3"]),
        ("Внутри было по 20–25 солдат", ["по 20–25 солдат | personnel 20..25 range"]),
        ("Освободили 351 и 468 кв. км территории, бои идут", ["351 | area 351", "468 кв. км | area 468"]),
        ("15 раненых и один погибший солдат", ["15 раненых | wounded 15", "один погибший солдат | killed 1"]),
        ("Обменялись телами с военными двух стран", []),
        ("В котле 1500–2000 бойцов, в плен сдалось уже 430", ["1500–2000 бойцов | personnel 1500..2000 range", "430 | captured 430"]),
        ("Russia has suffered more than 600,000 casualties", ["more than 600,000 casualties | losses 600000.. at_least"]),
        ("Заметили ДРГ до 8 чел.", ["до 8 чел | personnel ..8 at_most"]),
        ("особовий склад - 1180\nтанки - 11\nББМ - 27", ["особовий склад - 1180 | personnel 1180", "танки - 11 | tank 11", "ББМ - 27 | armour 27"]),
        ("Мінус 1200 окупантів", ["1200 окупантів | losses 1200"]),
        ("У противника порядка 6 тыс. л/с", ["порядка 6 тыс. л/с | personnel 6000 about"]),
        ("С 8.00 противник силами до 300 военнослужащих ВСУ при поддержке 11 танков и более 20 ББМ атаковал",
         ["до 300 военнослужащих ВСУ | personnel ..300 at_most", "11 танков | tank 11", "более 20 ББМ | armour 20.. at_least"]),
        ("В 14.30 танки ушли", []),
        ("Сожжено: 4 танка, два MRAP'а, одна «Гвоздика».",
         ["4 танка | tank 4", "два MRAP'а | armour 2", "одна «Гвоздика | artillery 1"]),
        ("ВСУ продвинулись на 2,2 км вглубь", ["2,2 км | distance 2.2"]),
        ("9000000000000 солдат ВСУ", []),
        ("убито 20, ранено 40 военных ВСУ", ["20 | killed 20", "40 военных ВСУ | wounded 40"]),
        ("Twenty-five soldiers surrendered", ["Twenty-five soldiers | captured 25"]),
        ("Потери ВСУ: 300 убитыми и ранеными", ["300 убитыми и ранеными | losses 300"]),
        ("под тысячу бойцов", ["под тысячу бойцов | personnel 1000 about"]),
        ("ВСУ имеют там 6-10 тыс. человек", ["6-10 тыс. человек | personnel 6000..10000 range"]),
    ],
)  # fmt: skip
def test_as_channels_write_it(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("Минобороны РФ: противник потерял 5 танков, ВСУ отошли", ["ukraine"]),
        ("Українські захисники відбили атаку. Знищено 4 танки", ["russia"]),
        ("Втрати ворога – 320 солдатів, кажуть українські військові", ["unknown"]),
        ("The Ukrainian army brought 40 tanks into Russia", ["ukraine"]),
        ("Силы ВСУ под Русской Конопелькой: 3 танка", ["ukraine"]),
        ("ВСУ в котле. За сутки потеряли 200 солдат", ["ukraine"]),
        ("Враг атаковал 3 танками", ["unknown"]),
    ],
)
def test_who_tells_and_who_acts(text: str, sides: list[str]) -> None:
    assert [figure.side.value for figure in read(text)] == sides


@pytest.mark.parametrize(
    ("text", "stance", "inferred"),
    [
        ("3 вражеских пикапа сожгли в бою", Stance.ENEMY, Side.UKRAINE),
        ("Противник потерял 5 танков", Stance.ENEMY, Side.UKRAINE),
        ("Противник уничтожил 5 танков", Stance.OWN, Side.RUSSIA),
        ("Погибли 5 наших солдат", Stance.OWN, Side.RUSSIA),
        ("Погибли 5 солдат", None, None),
    ],
)
def test_the_enemy_is_whose_the_channel_makes_it(
    text: str, stance: Stance | None, inferred: Side | None
) -> None:
    (figure,) = read(text)
    assert (figure.side, figure.stance) == (Side.UNKNOWN, stance)
    assert inferred_side(figure, "russia") is inferred
    assert inferred_side(figure, "unknown") is None


def test_the_enemy_is_named_where_the_text_names_it() -> None:
    (figure,) = read("3 вражеских пикапа сожгли в бою, ВСУ отошли")
    assert (figure.side, figure.stance) == (Side.UKRAINE, Stance.ENEMY)


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("ВСУ потеряли за сутки 300 солдат", [Scope.DAY]),
        ("С начала боёв ВСУ потеряли 3000 солдат", [Scope.SINCE]),
        ("ВСУ потеряли 300 солдат", [None]),
        ("ВСУ потеряли 300 солдат за сутки и 45 тысяч с начала боёв", [Scope.DAY, Scope.SINCE]),
        ("Втрати з 24.02.22:\nтанків ‒ 8 421 (+3) од", [Scope.SINCE, Scope.DAY]),
    ],
)
def test_over_what_time(text: str, scopes: list[Scope | None]) -> None:
    assert [figure.scope for figure in read(text)] == scopes


def test_a_total_says_since_when() -> None:
    total, day = read("Втрати з 24.02.22:\nтанків ‒ 8 421 (+3) од")
    assert total.since is not None
    assert total.since.isoformat() == "2022-02-24"
    assert day.since is None


def test_figures_know_the_word_that_named_them() -> None:
    assert [f.term for f in read("11 танков и 20 ББМ")] == ["танк", "ббм"]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("ППО збила 17 з 23 ударних БПЛА", ["17 | drone 17", "23 ударних БПЛА | drone 23"]),
        ("2x BMP-2 destroyed", ["2x BMP-2 | armour 2"]),
        ("Знищено 3х МТ-ЛБ і 2х танки Т-80БВМ", ["3х МТ-ЛБ | armour 3", "2х танки Т-80БВМ | tank 2"]),
        ("ВСУ потеряли 4 американских Humvee", ["4 американских Humvee | armour 4"]),
        (
            "60 Bradley vehicles and 31 Abrams tanks",
            ["60 Bradley vehicles | armour 60", "31 Abrams tanks | tank 31"],
        ),
        (
            "17\u00a0103 танка и других боевых бронированных машин",
            ["17\u00a0103 танка и других боевых бронированных машин | armour 17103"],
        ),
        ("Поражены три пусковые установки HIMARS", ["три пусковые установки HIMARS | artillery 3"]),
        (
            "численностью до тысячи двухсот солдат",
            ["до тысячи двухсот солдат | personnel 1200 at_most".replace("1200 at", "..1200 at")],
        ),
        ("За месяц боёв ВС РФ освободили 1,2к км²", ["1,2к км² | area 1200"]),
        (
            "За месяц боёв ВС РФ освободили 363 км². В сентябре — 397 км²",
            ["363 км² | area 363", "397 км² | area 397"],
        ),
        ("20 уничтоженных и брошенных танков", ["20 уничтоженных и брошенных танков | tank 20"]),
        ("За солдатами шло бронетехники — штук тридцать", ["бронетехники — штук тридцать | armour 30 about"]),
        (
            "застрягло щонайменше 700 (за іншими даними – до трьох тисяч) російських вояків",
            [
                "щонайменше 700 (за іншими даними – до трьох тисяч) російських вояків | personnel 700.. at_least",
                "до трьох тисяч | personnel ..3000 at_most",
            ],
        ),
        ("115 солдат, попавших в плен", ["115 солдат | captured 115"]),
        ("115 срочников, взятых в плен в бою", ["115 срочников | captured 115"]),
        ("Боевики казнили 56 пленных", ["56 пленных | captured 56".replace("captured", "killed")]),
        (
            "знищено й поранено 237 загарбників, з них 98 – безповоротно",
            ["237 загарбників | losses 237", "98 | killed 98"],
        ),
        ("Обмен пленными: 115 на 115", ["115 | captured 115", "115 | captured 115"]),
        ("Матч в казарме солдат: 5 на 5", []),
        ("Солдаты вышли из боя. В бою в окопах у фронта трое погибли", ["трое | killed 3"]),
        ("Налог для 3 группы", []),
        (
            "ВСУ потеряли 300 солдат за сутки и 45 тысяч с начала боёв",
            ["300 солдат | losses 300", "45 тысяч | losses 45000"],
        ),
        ("Под Курск сняли дві штурмові бригади", ["дві штурмові бригади | unit 2"]),
        ("Громада: міномет – 22 вибухи", []),
        (
            "1 402 боевые машины реактивных систем залпового огня",
            ["1 402 боевые машины реактивных систем залпового огня | artillery 1402"],
        ),
        (
            "Втрати ворога склали:\n– 71 особа;\n– 6 гармат",
            ["71 особа | losses 71", "6 гармат | artillery 6"],
        ),
        ("100 soldiers killed. At least five civilians killed", ["100 soldiers | killed 100"]),
        (
            "Ukrainian troops advanced up to 24 kilometers from the border",
            ["up to 24 kilometers | distance ..24 at_most"],
        ),
    ],
)
def test_as_they_are_written_elsewhere(text: str, figures: list[str]) -> None:
    assert told(text) == figures


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("Генштаб ВСУ оценил потери РФ за сутки в 1240 человек и 9 танков", ["russia", "russia"]),
        ("19 единиц украинской бронетехники и 30 — российской", ["ukraine", "russia"]),
        ("Минобороны РФ заявляет, что украинская армия потеряла 2300 солдат", ["ukraine"]),
        ("RU losses: 4 tanks. UA losses: 2 Strykers", ["russia", "ukraine"]),
        ("Трое бойцов попали в плен к ВСУ", ["russia"]),
        ("З російського полону повернулися 103 військових", ["ukraine"]),
        ("40 soldiers surrendered to Ukrainian forces", ["russia"]),
        ("Враг лезет на позиции ВС РФ. У нас двое двухсотых", ["russia"]),
        ("Украинские солдаты врут о боях. Наши накрошили 10 коробочек и три танка", ["ukraine", "ukraine"]),
    ],
)
def test_sides_by_captors_owners_and_us(text: str, sides: list[str]) -> None:
    assert [figure.side.value for figure in read(text)] == sides
