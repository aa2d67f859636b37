"""Reads from the source which refusals an operator may meet, and what each of them says."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = """# What a refusal says

Every refusal of the product, as its source has it; what is in `{braces}` is filled in at run time. A code of
`Unavailable` names the resource first. `Refused` names a requirement of the [register](requirements.md). The
page of each service and resource says more: what comes back by itself, what an operator does.

This page is made from the source.
"""
PARTS = {
    "Unavailable": "A resource cannot serve now; the same request may succeed later.",
    "Refused": "Granting would break the requirement; the refusal is in the audit log.",
    "Rejected": "The input can be read, and the standard or the state of things says no.",
}


def refusals_page(code: Path) -> str:
    """The page of all refusals with a literal code below the folder `code`."""
    found: dict[str, dict[str, list[str]]] = {name: defaultdict(list) for name in PARTS}
    for path in sorted(code.rglob("*.py")):
        for family, name, sentence in _raised(ast.parse(path.read_text(encoding="utf-8"))):
            if sentence not in found[family][name]:
                found[family][name].append(sentence)
    parts = [HEAD]
    for family, meaning in PARTS.items():
        parts.append(f"## {family}\n\n{meaning}\n\n| code | what it says |\n|---|---|")
        for name, sentences in sorted(found[family].items()):
            said = "<br>".join(sentence for sentence in sentences if sentence)
            parts.append(f"| `{name}` | {said.replace('|', chr(92) + '|')} |")
        parts.append("")
    return "\n".join(parts)


def _raised(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=family), args=[ast.Constant(value=str(name)), *rest]) if (
                family in PARTS
            ):
                yield family, name, _sentence(rest[0]) if rest else ""
            case _:
                pass


def _sentence(expression: ast.expr) -> str:
    """A message as a reader would see it; what is only known at run time is in brackets, else nothing."""
    match expression:
        case ast.Constant(value=str(text)):
            return " ".join(text.split()).replace("<", "&lt;")
        case ast.JoinedStr(values=values):
            return " ".join("".join(map(_part, values)).split())
        case _:
            return ""


def _part(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=str(text)):
            return text.replace("<", "&lt;")
        case ast.FormattedValue(value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return f"{{{name.strip('_').replace('_', ' ').lower()}}}"
        case _:
            return "{...}"
