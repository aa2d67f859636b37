"""The static scan: which function carries which requirement, and which test shows it. Nothing is imported.

Three marks are read from the syntax trees:

* ``@implements("ID", ...)`` on a function or method: a rule;
* ``@pytest.mark.req("ID", ...)`` on a test, a class of tests, one of a test's parameter sets, or as
  ``pytestmark`` of a module: a test of these requirements;
* ``Refused("ID", ...)``: a refusal, whose id must be in the register too.

An id is a literal text, or a name that the same module binds to one. Anything else is a finding: what a
reader cannot see without running the program, an auditor cannot see either.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Without any of these words a module has no mark; `pytest.mark.parametrize` alone is in nearly all tests.
_RULE, _TEST, _REFUSAL = "implements(", "mark.req(", "Refused("
_WORDS = (_RULE, _TEST, _REFUSAL)

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One place that carries requirements: a rule, a test, or a refusal.

    `file` is relative to the scan's root with slashes. `name` is qualified within its module, as in
    ``Service.stamp``; a test's `name` is joined by ``::`` as pytest does.
    """

    file: str
    line: int
    name: str
    ids: tuple[str, ...]

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"

    @property
    def node(self) -> str:
        """What pytest calls this test, without parameters."""
        return f"{self.file}::{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """All marks of a folder, and what could not be read."""

    rules: tuple[Mark, ...] = ()
    tests: tuple[Mark, ...] = ()
    refusals: tuple[Mark, ...] = ()
    findings: tuple[str, ...] = ()


def scan(folder: Path, root: Path) -> Scan:
    """Read every Python file below `folder`; places are told relative to `root`."""
    found = _Found()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            words = frozenset(one for one in _WORDS if one in text)
            if not words:
                continue  # to read all that has no mark would take most of the time
            tree = ast.parse(text, filename=name)
        except (SyntaxError, UnicodeDecodeError) as error:
            found.findings.append(f"{name} cannot be read as Python: {error}.")
            continue
        _Reader(name, tree, found, words).read()
    return Scan(
        rules=tuple(found.rules),
        tests=tuple(found.tests),
        refusals=tuple(found.refusals),
        findings=tuple(found.findings),
    )


@dataclass(slots=True)
class _Found:
    rules: list[Mark] = field(default_factory=list)
    tests: list[Mark] = field(default_factory=list)
    refusals: list[Mark] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


class _Reader:
    """Reads one module."""

    def __init__(self, file: str, tree: ast.Module, found: _Found, words: frozenset[str]) -> None:
        self._file = file
        self._words = words
        self._tree = tree
        self._found = found
        self._names: dict[str, ast.expr] = {
            target.id: statement.value
            for statement in tree.body
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
            for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
            if isinstance(target, ast.Name)
        }

    def read(self) -> None:
        inherited = self._test_ids([self._names["pytestmark"]]) if "pytestmark" in self._names else ()
        self._body(self._tree.body, (), inherited)
        for node in ast.walk(self._tree) if _REFUSAL in self._words else ():
            if isinstance(node, ast.Call) and _last_name(node.func) == "Refused" and node.args:
                self._refusal(node)

    def _body(self, body: Iterable[ast.stmt], within: tuple[str, ...], inherited: tuple[str, ...]) -> None:
        for statement in body:
            if isinstance(statement, ast.ClassDef):
                ids = (*inherited, *self._test_ids(statement.decorator_list))
                self._body(statement.body, (*within, statement.name), ids)
            elif isinstance(statement, _Function):
                self._function(statement, within, inherited)

    def _function(self, function: _Function, within: tuple[str, ...], inherited: tuple[str, ...]) -> None:
        ids = self._rule_ids(function)
        if ids:
            name = ".".join((*within, function.name))
            self._found.rules.append(Mark(file=self._file, line=function.lineno, name=name, ids=ids))
        if function.name.startswith("test"):
            ids = tuple(dict.fromkeys((*inherited, *self._test_ids(function.decorator_list))))
            if ids:
                name = "::".join((*within, function.name))
                self._found.tests.append(Mark(file=self._file, line=function.lineno, name=name, ids=ids))
        for inner in ast.walk(function) if _RULE in self._words else ():
            if inner is not function and isinstance(inner, _Function) and self._rule_ids(inner):
                self._found.findings.append(
                    f"{self._file}:{inner.lineno}: the rule {inner.name} is defined inside a function; "
                    "move it to the module, so that it can be called and disabled alone."
                )

    def _rule_ids(self, function: _Function) -> tuple[str, ...]:
        return tuple(
            identifier
            for decorator in function.decorator_list
            if isinstance(decorator, ast.Call) and _last_name(decorator.func) == "implements"
            for identifier in self._texts(decorator.args, "@implements")
        )

    def _test_ids(self, expressions: Iterable[ast.expr]) -> tuple[str, ...]:
        """The ids of all ``pytest.mark.req(...)`` inside `expressions`, following names of this module."""
        return tuple(
            identifier
            for expression in expressions
            for call in self._req_calls(expression)
            for identifier in self._texts(call.args, "@pytest.mark.req")
        )

    def _req_calls(self, expression: ast.expr) -> Iterator[ast.Call]:
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id in self._names:
                yield from (one for one in ast.walk(self._names[node.id]) if _is_req(one))
            elif _is_req(node):
                yield node

    def _texts(self, arguments: Iterable[ast.expr], what: str) -> Iterator[str]:
        for argument in arguments:
            value = self._names.get(argument.id) if isinstance(argument, ast.Name) else argument
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value
            else:
                self._found.findings.append(
                    f"{self._file}:{argument.lineno}: {what} must be given its ids as literal texts; "
                    f"{ast.unparse(argument)} cannot be read without running the program."
                )

    def _refusal(self, call: ast.Call) -> None:
        first = call.args[0]
        value = self._names.get(first.id) if isinstance(first, ast.Name) else first
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._found.refusals.append(
                Mark(file=self._file, line=call.lineno, name="Refused", ids=(value.value,))
            )


def _last_name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _is_req(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether `node` is ``pytest.mark.req(...)``, or ``mark.req(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "req"
        and _last_name(node.func.value) == "mark"
    )
