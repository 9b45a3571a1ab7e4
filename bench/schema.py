"""The schema `research` drawn as SVG: a box a view, and a line for each key that views share.

Views stand in columns by the most that they tell apart: nothing of a channel, a channel, a post, a version. Each key is
an upright line left of its column, from the view whose own key it is to all that bear it. No style but classes, and
colours that follow a light or dark page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from monitor.store.research import View

WIDTH, GAP, ROW, PAD, TOP = 220, 84, 17, 8, 64
BETWEEN, LANE = 16, 12
_STYLE = """
    text { font: 12px system-ui, "Segoe UI", "Noto Sans", sans-serif; fill: #1c1d20 }
    .name { font-weight: 600 } .more, .what { fill: #575c65 } .title { font-size: 15px; font-weight: 600 }
    rect { fill: #ffffff; stroke: #858a93 } .ground { fill: #fafaf8; stroke: none }
    .own { stroke: #1c5ab8; stroke-width: 2 } path { fill: none; stroke: #858a93 } circle { fill: #858a93 }
    .key { fill: #1c5ab8 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e7e8ea } .more, .what { fill: #a6abb4 } rect { fill: #1d2024; stroke: #7c828c }
      .ground { fill: #15171a } .own { stroke: #8ab6fa } path { stroke: #7c828c } circle { fill: #7c828c } .key { fill: #8ab6fa }
    }
"""


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that views share, and the view whose rows they tell apart, None where it is in no view by itself."""

    name: str
    columns: tuple[str, ...]
    home: str | None


# From the key that tells apart most to the one that does least: a view stands by the first that it bears.
KEYS = (
    Key("a version of a post", ("channel_id", "message_id", "version"), "versions"),
    Key("a post", ("channel_id", "message_id"), "posts"),
    Key("a channel", ("channel_id",), "channels"),
)
RULESET = Key("a set of rules", ("ruleset",), "rulesets")
CASE = Key("a case", ("case_id",), None)
_COLUMNS = tuple(reversed(KEYS))


@dataclass(frozen=True, slots=True)
class Box:
    """A view at its place."""

    view: View
    x: int
    y: int
    keys: tuple[str, ...]

    @property
    def height(self) -> int:
        """As much as its name, its keys and the line on the rest take."""
        return PAD * 2 + ROW * (2 + len(self.keys))

    @property
    def middle(self) -> int:
        """Where lines meet it."""
        return self.y + PAD + ROW // 2 + 2


def key_of(view: View) -> Key | None:
    """The key by which a view stands, None for one that is of no channel. A post names its version, and is no version."""
    if own := next((key for key in KEYS if key.home == view.name), None):
        return own
    names = {one.name for one in view.columns}
    return next((key for key in KEYS if names.issuperset(key.columns)), None)


def drawn(views: Sequence[View]) -> str:
    """The drawing; functions are left out, since nothing joins them."""
    boxes = _placed([view for view in views if view.arguments is None])
    lines = [line for key in (*KEYS, RULESET, CASE) for line in _lines(key, boxes)]
    width = GAP + (WIDTH + GAP) * (len(KEYS) + 1)
    height = max(box.y + box.height for box in boxes.values()) + PAD * 3
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="schema-title">',
            '<title id="schema-title">The views of the schema research, joined by the keys that they share</title>',
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{width}" height="{height}"/>',
            *_headings(),
            *lines,
            *(part for box in boxes.values() for part in _box(box)),
            "</svg>\n",
        ]
    )


def _headings() -> Iterator[str]:
    for place, name in enumerate([*(f"By {key.name}" for key in _COLUMNS), "Of no channel"]):
        yield f'<text class="title" x="{_left(place)}" y="34">{name}</text>'


def _left(place: int) -> int:
    return GAP + (WIDTH + GAP) * place


def _placed(views: Sequence[View]) -> dict[str, Box]:
    """Each view in its column, the one whose own key it is at the top, the others by name."""
    boxes: dict[str, Box] = {}
    for place, key in enumerate((*_COLUMNS, None)):
        y = TOP
        home = key.home if key else RULESET.home
        for view in sorted(
            (one for one in views if key_of(one) == key), key=lambda one: (one.name != home, one.name)
        ):
            box = Box(view, _left(place), y, _keys(view, key))
            boxes[view.name] = box
            y += box.height + BETWEEN
    return boxes


def _keys(view: View, key: Key | None) -> tuple[str, ...]:
    names = [one.name for one in view.columns]
    others = [one for one in (*CASE.columns, *RULESET.columns) if one in names]
    return (*(key.columns if key else ()), *others, *(["sha256"] if view.name == RULESET.home else []))


def _lines(key: Key, boxes: dict[str, Box]) -> Iterator[str]:
    """The upright line of a key, with a stub to each view that bears it; and the line from its home, where that is elsewhere."""
    bearing = [box for box in boxes.values() if set(key.columns) <= set(box.keys) and _stands_by(key, box)]
    home = boxes.get(key.home or "")
    if home is not None and home not in bearing:
        bearing.append(home)
    if len(bearing) < 2:
        return
    sides = [(box, *_end(key, box)) for box in bearing]
    spine = sides[0][2]
    top, low = (
        min(box.middle + shift for box, _, _, shift in sides),
        max(box.middle + shift for box, _, _, shift in sides),
    )
    yield f'<path d="M{spine} {top}V{low}"/>'
    for box, edge, _, shift in sides:
        y = box.middle + shift
        yield f'<path d="M{spine} {y}H{edge}"/>'
        if box is home:
            yield f'<circle cx="{edge}" cy="{y}" r="4"/>'
    x, y = spine + (LANE if key is CASE else -6), (top + low) // 2
    yield f'<text class="what" x="{x}" y="{y}" transform="rotate(-90 {x} {y})" text-anchor="middle">{key.name}</text>'


def _stands_by(key: Key, box: Box) -> bool:
    return key in (RULESET, CASE) or key_of(box.view) == key


def _end(key: Key, box: Box) -> tuple[int, int, int]:
    """Where a line meets a box, where its upright part is, and how far below the middle, so that lines do not meet."""
    versions = _left(len(_COLUMNS) - 1)
    right = versions + WIDTH
    if key is RULESET:
        edge = right if box.x == versions else box.x
        return edge, right + GAP // 2, ROW
    if key is CASE:
        return right, right + LANE, 0
    return box.x, box.x - GAP // 3, 0


def _box(box: Box) -> Iterator[str]:
    view, own = box.view, box.view.name in {key.home for key in (*KEYS, RULESET)}
    rest = len(view.columns) - len(box.keys)
    yield f"<g><title>{escape(view.meaning)}</title>"
    yield f'<rect class={quoteattr("own" if own else "view")} x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="4"/>'
    lines = [
        ("name", view.name),
        *(("key", name) for name in box.keys),
        ("more", f"and {rest} more column{'s' * (rest != 1)}"),
    ]
    if not box.keys:
        lines[-1] = ("more", ", ".join(one.name for one in view.columns))
    for number, (kind, words) in enumerate(lines, 1):
        yield f'<text class="{kind}" x="{box.x + PAD + 2}" y="{box.y + PAD + ROW * number - 4}">{escape(words)}</text>'
    yield "</g>"
