"""Markdown as blocks of plain data, which the PDF is set from."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from markdown_it import MarkdownIt

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

Node: TypeAlias = dict[str, Any]

_MARKS: Final = re.compile(r"([\\`*_\[\]<>|])")
_LISTS: Final = {"bullet_list_open": "bullets", "ordered_list_open": "numbers"}
_INSIDE: Final = {"strong_open": "strong", "em_open": "em"}
_LEAST_WIDTH: Final = 6
_MOST_WIDTH: Final = 36


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def blocks(text: str) -> list[Node]:
    """The blocks of a text: headings, paragraphs, lists, tables, quotations, code.

    HTML is text like any other, and a picture its description: statements stand alone.
    """
    return _blocks(iter(_parser().parse(text)), until="")


def escaped(text: str) -> str:
    """Text that Markdown does not read anything into."""
    return _MARKS.sub(r"\\\1", text)


def check_paragraphs(text: str, where: str) -> None:
    """Refuse headings in what goes in between: they would break the outline. Raises `Malformed`."""
    for token in _parser().parse(text):
        if token.type == "heading_open":
            line = token.map[0] + 1 if token.map else 1
            raise Malformed(
                f"{where}, line {line}: a paragraph has no headings, since it stands below one. Write it in "
                "bold instead."
            )


def _blocks(tokens: Iterator[Token], until: str) -> list[Node]:
    found: list[Node] = []
    for token in tokens:
        if token.type == until:
            return found
        match token.type:
            case "heading_open":
                found.append({"kind": "heading", "level": int(token.tag[1:]), "inside": _line(tokens)})
            case "paragraph_open":
                found.append({"kind": "paragraph", "inside": _line(tokens)})
            case "bullet_list_open" | "ordered_list_open":
                found.append({"kind": _LISTS[token.type], "items": _items(tokens, token.type)})
            case "blockquote_open":
                found.append({"kind": "quote", "inside": _blocks(tokens, "blockquote_close")})
            case "fence" | "code_block":
                found.append({"kind": "code", "text": token.content.rstrip("\n")})
            case "table_open":
                found.append(_table(tokens))
            case _:  # a rule between paragraphs, and what closes a block
                continue
    return found


def _items(tokens: Iterator[Token], opened: str) -> list[list[Node]]:
    items: list[list[Node]] = []
    closed = opened.replace("_open", "_close")
    for token in tokens:
        if token.type == closed:
            break
        if token.type == "list_item_open":
            items.append(_blocks(tokens, "list_item_close"))
    return items


def _table(tokens: Iterator[Token]) -> Node:
    rows: list[list[list[Node]]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            rows[-1].append(_line(tokens))
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return {"kind": "table", "head": rows[0], "rows": rows[1:], "widths": widths}


def _width(cell: Sequence[Node]) -> int:
    """The share of a column: what is in a cell, within limits, and never less than its longest word."""
    text = _text(cell)
    longest = max((min(len(word), _MOST_WIDTH) for word in text.split()), default=0)
    return max(_LEAST_WIDTH, longest + 2, min(_MOST_WIDTH, len(text)))


def _text(cell: Sequence[Node]) -> str:
    return "".join(one.get("text", "") + _text(one.get("inside", ())) for one in cell)


def _line(tokens: Iterator[Token]) -> list[Node]:
    """What stands between the opening of a block, which was read, and its end."""
    found: list[Node] = []
    for token in tokens:
        if token.type == "inline":
            found = _inside(iter(token.children or ()), until="")
        else:
            break
    return found


def _inside(tokens: Iterator[Token], until: str) -> list[Node]:
    found: list[Node] = []
    for token in tokens:
        if token.type == until:
            break
        match token.type:
            case "text" | "image":
                found.append({"kind": "text", "text": token.content})
            case "softbreak":
                found.append({"kind": "text", "text": " "})
            case "hardbreak":
                found.append({"kind": "break"})
            case "code_inline":
                found.append({"kind": "code", "text": token.content})
            case "strong_open" | "em_open":
                closed = token.type.replace("_open", "_close")
                found.append({"kind": _INSIDE[token.type], "inside": _inside(tokens, closed)})
            case "link_open":
                href = str(token.attrs.get("href", ""))
                found.append({"kind": "link", "href": href, "inside": _inside(tokens, "link_close")})
            case _:
                continue
    return found
