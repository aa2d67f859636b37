"""HTML of elements that are known to do nothing: what a stylesheet made, without what runs or hides."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.signing.shown.letters import pieces
from trustworks.signing.shown.markup.tree import XHTML

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_KEPT: Final = frozenset(
    {
        *("p", "div", "span", "br", "hr", "pre", "blockquote", "address", "section", "article", "header"),
        *("footer", "main", "aside", "nav", "figure", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6"),
        *(
            "ul",
            "ol",
            "li",
            "dl",
            "dt",
            "dd",
            "table",
            "caption",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "td",
            "th",
        ),
        *(
            "b",
            "strong",
            "i",
            "em",
            "u",
            "s",
            "small",
            "sub",
            "sup",
            "code",
            "kbd",
            "samp",
            "var",
            "q",
            "cite",
        ),
        *("abbr", "dfn", "time", "mark", "ins", "del", "bdi"),
    }
)
_EMPTY: Final = frozenset({"br", "hr"})
_LOWERED: Final = {f"h{level}": f"h{min(level + 3, 6)}" for level in range(1, 7)}
"""Headings go below those of the page that shows them."""
_GONE: Final = frozenset(
    {"head", "script", "style", "template", "object", "embed", "iframe", "svg", "math", "noscript"}
)
_ATTRIBUTES: Final = frozenset({"colspan", "rowspan", "scope", "lang", "dir", "start", "datetime"})
_DEEPEST: Final = 256


class TooLong(Exception):  # noqa: N818 - what it is
    """The output of a stylesheet is longer or deeper than is shown."""


def harmless(made: Sequence[etree._Element | str], most: int) -> str:
    """HTML that shows the text of `made`, of at most four times `most` characters. Raises `TooLong`.

    Where it is text alone, its lines stay as they are.
    """
    parts: list[str] = []
    length = 0
    for part in _of_text(made) if all(isinstance(one, str) for one in made) else _of_nodes(made):
        length += len(part)
        if length > 4 * most:
            raise TooLong(f"it makes more than {4 * most} characters")
        parts.append(part)
    return "".join(parts)


def _of_text(made: Sequence[etree._Element | str]) -> Iterator[str]:
    yield "<pre>"
    yield from _drawn("".join(map(str, made)))
    yield "</pre>"


def _of_nodes(made: Sequence[etree._Element | str]) -> Iterator[str]:
    for one in made:
        if isinstance(one, str):
            yield from _drawn(one)
        elif isinstance(one.tag, str):
            yield from _of_tree(one)


def _of_tree(root: etree._Element) -> Iterator[str]:
    gone = depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in {"start", "end"}:
            name = _name(element)
            leaves = name in _GONE
            if event == "start":
                depth += 1
                gone += leaves
                if depth > _DEEPEST:
                    raise TooLong(f"it nests more than {_DEEPEST} deep")
                if not gone:
                    yield from _opened(name, element)
                    yield from _drawn(element.text or "")
                continue
            if not gone and name in _KEPT and name not in _EMPTY:
                yield f"</{_LOWERED.get(name, name)}>"
            depth -= 1
            gone -= leaves
        if not gone and element is not root:
            yield from _drawn(element.tail or "")


def _name(element: etree._Element) -> str:
    name = etree.QName(element)
    return name.localname.lower() if name.namespace in {None, XHTML} else ""


def _opened(name: str, element: etree._Element) -> Iterator[str]:
    """The element, if it is one that does nothing; what an image or a field would say, as text."""
    said = element.get("alt") if name == "img" else element.get("value") if name == "input" else None
    if said:
        yield from _drawn(f"[{said}]")
    if name in _KEPT:
        attributes = "".join(
            f' {attribute}="{escape(str(value), quote=True)}"'
            for attribute, value in element.attrib.items()
            if attribute in _ATTRIBUTES
        )
        yield f"<{_LOWERED.get(name, name)}{attributes}>"


def _drawn(text: str) -> Iterator[str]:
    """Text with what would not be seen drawn as what it is."""
    for piece in pieces(text):
        if piece.number:
            yield f'<span class="unseen" title="{escape(piece.name, quote=True)}">{piece.number}</span>'
        else:
            yield escape(piece.text)
