"""Reads from the source which refusals an operator may meet, and what each of them says."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HEAD = """# What a refusal says

The refusals of the product, as its source has them; what is in `{braces}` is filled in at run time. A code of
`Unavailable` names the resource first. `Refused` names a requirement of the [register](requirements.md); of a
lint on certificates the page has the rule, and the refusal says what breaks it. The page of each service and
resource says more: what comes back by itself, what an operator does.

Not here: sentences and codes that are put together at run time, and what reads options (`Invalid value for
...`).

This page is made from the source.
"""
PARTS = {
    "Unavailable": "A resource cannot serve now; the same request may succeed later.",
    "Refused": "Granting would break the requirement; the refusal is in the audit log.",
    "Rejected": "The input can be read, and the standard or the state of things says no.",
    "Malformed": "The input cannot be read as what it should be; there are no codes.",
}


def refusals_page(code: Path) -> str:
    """The page of all refusals below the folder `code` whose code or sentence is in the source."""
    found: dict[str, dict[str, list[str]]] = {name: defaultdict(list) for name in PARTS}
    constants = Constants(code)
    for path in sorted(code.rglob("*.py")):
        for family, name, sentence in _raised(constants.trees[path], constants.seen_from(path)):
            if sentence not in found[family][name]:
                found[family][name].append(sentence)
    parts = [HEAD]
    for family, meaning in PARTS.items():
        if family == "Malformed":
            said_alone = sorted(name for name in found[family] if name)
            parts.append(f"## {family}\n\n{meaning}\n\n| what it says |\n|---|")
            parts.extend(f"| {_cell(sentence)} |" for sentence in said_alone)
            parts.append("")
            continue
        parts.append(f"## {family}\n\n{meaning}\n\n| code | what it says |\n|---|---|")
        for name, sentences in sorted(found[family].items()):
            said = "<br>".join(sentence for sentence in sentences if sentence)
            parts.append(f"| `{name}` | {_cell(said)} |")
        parts.append("")
    return "\n".join(parts)


class Constants:
    """Texts that have a name in the source: a code that several places raise is written once."""

    def __init__(self, code: Path) -> None:
        self.trees = {
            path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(code.rglob("*.py"))
        }
        self._own: dict[str, dict[str, str]] = {}
        self._names: dict[Path, str] = {}
        for path, tree in self.trees.items():
            parts = path.relative_to(code).with_suffix("").parts
            self._names[path] = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            self._own[self._names[path]] = dict(_assigned(tree))

    def seen_from(self, path: Path) -> dict[str, str]:
        """Those that a module calls by a name: its own, and what it imports."""
        found = dict(self._own[self._names[path]])
        for node in ast.walk(self.trees[path]):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                there = self._own.get(node.module, {})
                found |= {one.asname or one.name: there[one.name] for one in node.names if one.name in there}
        return found


def _assigned(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield name, text
            case ast.Assign(targets=targets, value=ast.Constant(value=str(text))):
                yield from ((one.id, text) for one in targets if isinstance(one, ast.Name))
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for one, value in zip(names, values, strict=False):
                    match one, value:
                        case ast.Name(id=name), ast.Constant(value=str(text)):
                            yield name, text
            case _:
                pass


def code_of(expression: ast.expr, constants: Mapping[str, str]) -> str | None:
    """The code that is raised: written there, or a constant's; None where it is only known at run time."""
    match expression:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name)
        case _:
            return None


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _raised(tree: ast.Module, constants: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Family, code (of `Malformed` the sentence) and sentence of whatever is raised, or stands in a table."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Malformed" | "BeyondLimit"), args=[sentence, *_]):
                yield "Malformed", _sentence(sentence), ""
            case ast.Call(func=ast.Name(id=family), args=[code, *rest]) if (
                family in PARTS and code_of(code, constants) is not None
            ):
                yield family, str(code_of(code, constants)), _sentence(rest[0]) if rest else ""
            case ast.Call(func=ast.Name(id="Lint"), keywords=keywords):
                said = {one.arg: one.value for one in keywords}
                match said["id"]:
                    case ast.Constant(value=str(name)):
                        yield "Refused", name, _sentence(said["words"])
            # The tables of rules: a function, what it stands for, and what is said where it objects.
            case ast.Tuple(elts=[ast.Name(), ast.Constant(value=str(name)), sentence]) if ":" in name:
                yield "Refused", name, _sentence(sentence)
            case ast.Tuple(
                elts=[ast.Name(), ast.Attribute(value=ast.Name(id="PkiFailureInfo"), attr=name), sentence]
            ):
                first, *others = name.lower().split("_")
                yield (
                    "Rejected",
                    first + "".join(map(str.capitalize, others)),
                    _sentence(_made(tree, sentence)),
                )
            case _:
                pass


def _made(tree: ast.Module, sentence: ast.expr) -> ast.expr:
    """What the function of that name returns, where the sentence is made by one."""
    if isinstance(sentence, ast.Name):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == sentence.id:
                return next(
                    (one.value for one in node.body if isinstance(one, ast.Return) and one.value), sentence
                )
    return sentence


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
