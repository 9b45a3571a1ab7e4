"""The text of a public page's widget, with its entities: HTML nodes in, plain words and UTF-16 offsets out."""

from typing import NamedTuple

from selectolax.lexbor import LexborNode

from monitor.model import Entity
from monitor.sources.links import kind_of_link

_STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "s": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
}


class Words(NamedTuple):
    """Plain text and its entities."""

    text: str = ""
    entities: tuple[Entity, ...] = ()


def words_of(node: LexborNode) -> Words:
    """The words of a text node of the page; `<br>` is a line break, an emoji's picture is its character."""
    reader = _Reader()
    reader.children(node)
    return Words("".join(reader.words), tuple(sorted(reader.entities, key=lambda e: (e.offset, -e.length))))


class _Reader:
    def __init__(self) -> None:
        self.words: list[str] = []
        self.entities: list[Entity] = []
        self._offset = 0

    def children(self, node: LexborNode) -> None:
        child = node.first_child
        while child is not None:
            self._node(child)
            child = child.next

    def _say(self, words: str) -> None:
        self.words.append(words)
        self._offset += (
            len(words) if words.isascii() else len(words.encode("utf-16-le", "surrogatepass")) // 2
        )

    def _node(self, node: LexborNode) -> None:
        if node.is_text_node:
            self._say((node.text_content or "").replace("\n", " "))
        elif node.tag == "br":
            self._say("\n")
        elif node.is_element_node:
            self._element(node)

    def _element(self, node: LexborNode) -> None:
        began, place = self._offset, len(self.words)
        self.children(node)
        length = self._offset - began
        entity = _entity(node, "".join(self.words[place:]))
        if entity is not None and length:
            self.entities.append(Entity(entity[0], began, length, entity[1]))


def _entity(node: LexborNode, said: str) -> tuple[str, str | None] | None:
    tag = node.tag or ""
    if tag == "tg-emoji":
        return "custom_emoji", node.attributes.get("emoji-id")
    if tag == "a":
        href = node.attributes.get("href")
        return kind_of_link(href, said) if href else None
    parent = node.parent
    drawn = "emoji" in (node.attributes.get("class") or "").split()
    if drawn or (parent is not None and "emoji" in (parent.attributes.get("class") or "").split()):
        return None
    return (_STYLES[tag], None) if tag in _STYLES else None
