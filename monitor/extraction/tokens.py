"""A normal text cut into words, numbers and the marks between them, each with what the lexicon knows of it.

Numbers are read with their groups («2 380», «76.550», «1,5»); a word of digits and letters is a number and a word
where both are known («11к», «1км²»), a number where its ending is a cardinal's («40-ка»), else a name (Т-72, 22-я).
Terms of several words become one token. A line that goes on with a small letter does not end its sentence.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.extraction.lexicon import Entry, Lexicon
from monitor.extraction.normal import Normal

_DASHES = "-\u2010-\u2015\u2212\u2043\u30fc"
_GROUP = "[ \u00a0\u2007\u2009\u202f.,'\u2019]"
_JOINED = rf"(?:[{_DASHES}'\u2019\u02bc][^\W_]+)*"
_BULLETS = "\u25aa\u2022\u25cf\u25fe\u25fc\u25c6\u2666\U0001f53b\U0001f538\U0001f539\u23fa\u25ba\u25b6\u2705\u2757\u203c\U0001f534\U0001f7e1\u2b55\U0001f4cc\u2714\u2611"
# In the order of what is most frequent: a word, a mark, the end of a line, a date or time, a number, a name with digits.
_TOKEN = re.compile(
    rf"([^\W\d_][^\W_]*{_JOINED})"
    rf"|([{_DASHES}.!?;:,()\"\u00ab\u00bb\u201c\u201d\u201e+~\u2248<>%$\u20ac\u20bd\u00a3#\u2116/=&\u00b0*{_BULLETS}])"
    r"|(\n)"
    r"|((?<![\d.])\d{1,2}[./]\d{1,2}[./]\d{2,4}(?![\d])|(?<!\d)\d{1,2}:\d{1,2}(?!\d))"
    rf"|((?:(?<![\d.,])[1-9]\d{{0,2}}(?:{_GROUP}\d{{3}})+(?!\d)|\d+[.,]\d+|\d+)(?![^\W_]|[.,]\d+[^\W\d_]|['\u2019\u02bc{_DASHES}][^\W\d_]|[\ufe0f\u20e3]))"
    rf"|((?:\d+[.,](?=\d+[^\W\d_]))?[^\W_]+{_JOINED})"
)
_WORD, _MARK, _LINE, _DATE, _NUMBER = 1, 2, 3, 4, 5
# Addresses, by what they cannot do without; what stands before a top-level domain is sought from there.
_ADDRESS = re.compile(
    r"https?://[^\s)\]]+|@[a-z0-9_]+|\.(?:com|ru|org|net|me|ly|gg|ua|to|tv|be)\b(?:/[^\s)\]]*)?"
)
_DIGITS_FIRST = re.compile(rf"(\d+(?:[.,]\d+)?)[{_DASHES}]?([^\W\d_][^\W_]*)$")
_MODEL = re.compile(r"([^\W\d_]+-?\d+)[^\W\d_]+$")
_PLAIN = str.maketrans({"\u2019": "'", "\u02bc": "'"} | dict.fromkeys("‐‑‒–—―−⁃ー", "-"))
_QUOTES = '"\u00ab\u00bb\u201c\u201d\u201e*'
# Each mark as it is compared, and its kind; some marks are words of the rules.
_MARKS = {mark: (mark, mark) for mark in ".!?;:,()+~\u2248<>%$\u20ac\u20bd\u00a3#\u2116/=&\u00b0"}
_MARKS |= dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u30fc-", ("-", "-"))
_MARKS |= {mark: (mark, '"') for mark in _QUOTES} | {mark: (mark, ";") for mark in _BULLETS}
_SAYING = frozenset("+~\u2248")
NOTHING = Entry()
TEN = 10
# Within so many words a line that names what is counted goes on with a dash: it is an item of a list.
ITEM = 6


@dataclass(slots=True, eq=False)
class Token:
    """A word, number or mark: `text` as folded, its place in the normal text, and what it can be.

    `kind` is `n` for a number, `w` for a word, `m` for a name with digits in it, `|` for the end of a sentence or
    line, `;` for a bullet, else the mark itself.
    """

    text: str
    start: int
    end: int
    kind: str
    entry: Entry = NOTHING
    value: float | None = None


def without_links(text: str) -> str:
    """The text with spaces in place of addresses and @names, which only contain letters of a word."""
    if "." not in text and "@" not in text and "://" not in text:
        return text
    pieces: list[str] = []
    done = 0
    for found in _ADDRESS.finditer(text):
        start = found.start()
        while start > done and (text[start - 1].isalnum() or text[start - 1] in ".-_"):
            start -= 1
        pieces += [text[done:start], " " * (found.end() - start)]
        done = found.end()
    return "".join(pieces) + text[done:] if done else text


def tokens_of(normal: Normal, lexicon: Lexicon) -> list[Token]:
    """The tokens of a text, in order."""
    words = lexicon.words
    known = words.get
    found: list[Token] = []
    add = found.append
    for match in _TOKEN.finditer(without_links(normal.text)):
        group, text = match.lastindex, match.group()
        start, end = match.span()
        if group == _WORD:
            entry = known(text)
            if entry is not None or text.isalpha():
                add(Token(text, start, end, "w", entry or NOTHING))
            else:
                found.extend(_word(text, start, words, lexicon.cardinal))
        elif group == _MARK:
            plain, kind = _MARKS[text]
            add(Token(plain, start, end, kind, known(plain, NOTHING) if plain in _SAYING else NOTHING))
        elif group == _NUMBER:
            add(Token(text, start, end, "n", NOTHING, value_of(text)))
        elif group == _LINE:
            add(Token(text, start, end, "|"))
        elif group == _DATE:
            add(Token(text, start, end, "d"))
        else:
            found.extend(_word(text, start, words, lexicon.cardinal))
    return _sentences(_merged(found), normal)


def value_of(digits: str) -> float:
    """The number that digits with groups or a decimal part stand for."""
    groups = re.split(_GROUP, digits)
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]) and groups[0] != "0":  # noqa: PLR2004 - thousands
        return float("".join(groups)[:300])
    return float(".".join(groups)[:300]) if len(groups) < 3 else 0.0  # noqa: PLR2004 - no number has two points


def _word(text: str, start: int, words: Mapping[str, Entry], cardinal: frozenset[str]) -> Iterator[Token]:
    plain = text.translate(_PLAIN)
    entry = words.get(plain)
    if entry is not None:
        yield Token(plain, start, start + len(text), "w", entry)
    elif plain[0].isdigit():
        yield from _digits(plain, start, words, cardinal)
    elif "-" in plain:
        yield from _hyphened(plain, start, words)
    elif any(letter.isdigit() for letter in plain):
        yield _named(plain, start, words)
    else:
        yield Token(plain, start, start + len(text), "w")


def _digits(plain: str, start: int, words: Mapping[str, Entry], cardinal: frozenset[str]) -> Iterator[Token]:
    found = _DIGITS_FIRST.match(plain)
    if found is not None:
        rest = words.get(found[2])
        end = start + found.end(1)
        if found[2] in cardinal and found.start(2) > found.end(1):
            yield Token(plain, start, start + len(plain), "n", NOTHING, value_of(found[1]))
            return
        if (
            rest is not None
            and (found.start(2) == found.end(1))
            and (rest.multiplier or rest.kind or rest.counting or rest.halts)
        ):
            yield Token(found[1], start, end, "n", NOTHING, value_of(found[1]))
            yield Token(found[2], end, start + len(plain), "w", rest)
            return
    yield _named(plain, start, words)


def _named(plain: str, start: int, words: Mapping[str, Entry]) -> Token:
    """A name with digits in it; where the rules know only the singular («BMP-2s») or an older model («Т-80БВМ»), as that."""
    entry = words.get(plain.removesuffix("s"))
    model = _MODEL.match(plain) if entry is None else None
    older = words.get(model[1]) if model is not None else None
    if older is not None and older.kind is not None:
        entry = older
    return Token(plain, start, start + len(plain), "m", entry or NOTHING)


def _hyphened(plain: str, start: int, words: Mapping[str, Entry]) -> Iterator[Token]:
    """«пять-шесть» is a range of two words; «дрон-камикадзе» takes its meaning from its first half that has one."""
    pieces = plain.split("-")
    entries = [words.get(piece) for piece in pieces]
    if len(pieces) == 2 and (value := _added(entries)) is not None:  # noqa: PLR2004 - tens and ones
        yield Token(plain, start, start + len(plain), "n", NOTHING, value)
        return
    if all(entry is not None and (entry.number is not None or entry.multiplier) for entry in entries):
        for place, (piece, entry) in enumerate(zip(pieces, entries, strict=True)):
            if place:
                yield Token("-", start - 1, start, "-")
            yield Token(piece, start, start + len(piece), "w", entry or NOTHING)
            start += len(piece) + 1
        return
    known = next((e for e in entries if e is not None and (e.kind or e.side)), None)
    if entries[-1] is not None and (entries[-1].kind or entries[-1].civil or entries[-1].halts):
        known = entries[-1]
    if any(letter.isdigit() for letter in plain):
        yield _named(plain, start, words)
    else:
        yield Token(plain, start, start + len(plain), "w", known or NOTHING)


def _added(entries: list[Entry | None]) -> float | None:
    """The number that «twenty-five» is, which adds up and is no range."""
    tens, ones = (entry.number if entry is not None else None for entry in entries)
    if tens is None or ones is None or not 1 <= ones < TEN <= tens / 2 or tens % TEN:
        return None
    return tens + ones


def _merged(tokens: list[Token]) -> list[Token]:
    """The tokens with every term of several words as one."""
    merged: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        length = _longer(tokens, at) if token.entry.longer else None
        if length is None:
            merged.append(token)
            at += 1
            continue
        count, entry = length
        last = tokens[at + count - 1]
        text = " ".join(piece.text for piece in tokens[at : at + count])
        merged.append(Token(text, token.start, last.end, "w", entry))
        at += count
    return merged


def _longer(tokens: list[Token], at: int) -> tuple[int, Entry] | None:
    """How many tokens the longest term that begins here takes, and what it is."""
    for rest, entry in tokens[at].entry.longer:
        place = at + 1
        for forms in rest:
            while place < len(tokens) and tokens[place].kind == '"' and tokens[place].text == "*":
                place += 1
            if place >= len(tokens) or tokens[place].text not in forms:
                break
            place += 1
        else:
            if entry.after is None or _follows_number(tokens, at):
                return place - at, entry
    return None


def _follows_number(tokens: list[Token], at: int) -> bool:
    """Whether «и более» stands after a number, and not before one."""
    before = tokens[at - 1] if at else None
    return before is not None and (
        before.kind == "n" or before.entry.number is not None or before.entry.multiplier is not None
    )


def _sentences(tokens: list[Token], normal: Normal) -> list[Token]:
    """The tokens with an end where a sentence or a line ends, and without the points and lines that end none."""
    kept: list[Token] = []
    for place, token in enumerate(tokens):
        if token.kind == "|":
            if kept and kept[-1].kind != "|" and not _goes_on(tokens, place, normal):
                kept.append(token)
        elif token.kind in ".!?":
            if _ends(tokens, place, normal):
                token.kind = "|"
                kept.append(token)
        else:
            kept.append(token)
    return kept


def _goes_on(tokens: list[Token], place: int, normal: Normal) -> bool:
    """Whether a line is only broken: the next begins small, or the last word wants a number after it."""
    if normal.text[tokens[place].end : tokens[place].end + 1] == "\n":
        return False
    after = next((t for t in tokens[place + 1 : place + 4] if t.kind not in '|"'), None)
    if after is None:
        return False
    before = tokens[place - 1] if place else None
    if before is not None and before.kind == ":":
        return False
    if after.entry.kind is not None and any(token.kind in "-:" for token in tokens[place + 2 : place + ITEM]):
        return False
    if after.kind == "n":
        return before is not None and (before.entry.qualifier is not None or before.entry.stop)
    return after.kind == "w" and normal.original[normal.span(after.start, after.end)[0]].islower()


def _ends(tokens: list[Token], place: int, normal: Normal) -> bool:
    token = tokens[place]
    rest = normal.text[token.end : token.end + 1]
    if rest and not (rest.isspace() or rest in '"»”*_)…'):
        return token.kind != "."
    if token.kind != "." or not place:
        return True
    if tokens[place - 1].entry.short or len(tokens[place - 1].text) == 1:
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        return after is None or after.kind == "|"
    return True
