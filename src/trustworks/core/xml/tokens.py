"""The words of an XPath expression (XPath 1.0, 3.7)."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from trustworks.core.errors import Rejected

_NAME: Final = r"[^\W\d][\w.\-·]*"
_TOKEN: Final = re.compile(
    rf"""\s*(?:
      (?P<number>\d+(?:\.\d*)?|\.\d+)
    | (?P<literal>"[^"]*"|'[^']*')
    | (?P<symbol>::|//|\.\.|!=|<=|>=|[()\[\].@,/|+\-=<>*$])
    | (?P<name>{_NAME}(?::(?!:)(?:{_NAME}|\*))?)
    )""",
    re.VERBOSE,
)
_OPERATORS: Final = frozenset({"and", "or", "mod", "div"})
_SYMBOLS: Final = frozenset({"|", "+", "-", "=", "!=", "<", "<=", ">", ">=", "/", "//", "*"})
_NODE_TYPES: Final = frozenset({"comment", "text", "processing-instruction", "node"})
_FUNCTIONS: Final = frozenset({
    "last", "position", "count", "id", "local-name", "namespace-uri", "name", "string", "concat", "lang",
    "starts-with", "contains", "substring-before", "substring-after", "substring", "string-length", "here",
    "normalize-space", "translate", "boolean", "not", "true", "false", "number", "sum", "floor", "ceiling",
    "round",
})  # fmt: skip
_AXES: Final = frozenset({
    "ancestor", "ancestor-or-self", "attribute", "child", "descendant", "descendant-or-self", "following",
    "following-sibling", "namespace", "parent", "preceding", "preceding-sibling", "self",
})  # fmt: skip


def refuse(why: str) -> NoReturn:
    """Raise `Rejected` (xml.xpath) with what keeps an expression from being evaluated."""
    raise Rejected("xml.xpath", f"The XPath expression {why}. Such a transform is not carried out.")


def tokens(text: str) -> list[tuple[str, str]]:
    """Tokens with their kinds, told apart as XPath 1.0, 3.7 says."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    text = text[:end]
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            refuse("cannot be read")
        at = match.end()
        kind, word = str(match.lastgroup), match[str(match.lastgroup)]
        previous = found[-1] if found else None
        # Behind what may end an operand, a name or an asterisk is an operator.
        operand_before = previous is not None and not (
            (previous[0] == "symbol" and previous[1] in {"@", "::", "(", "[", ",", "$"} | _SYMBOLS)
            or previous[0] == "operator"
        )
        if kind == "symbol" and word == "*":
            kind = "operator" if operand_before else "any"
        elif kind == "name":
            kind = _kind_of_name(word, text[at:].lstrip(), operand_before=operand_before)
        found.append((kind, word))
    return found


def _kind_of_name(word: str, after: str, *, operand_before: bool) -> str:
    if operand_before:
        if word not in _OPERATORS:
            refuse("cannot be read")
        return "operator"
    if after.startswith("("):
        if word in _NODE_TYPES:
            return "type"
        if word not in _FUNCTIONS:
            refuse(f"calls {word[:40]}(), which is no function of XPath 1.0")
        return "id" if word == "id" else "function"
    if after.startswith("::"):
        if word not in _AXES:
            refuse(f"names {word[:40]!r}, which is no axis")
        return "axis"
    return "name"
