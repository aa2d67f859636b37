"""Whoever is told to type a command finds it: messages and pages name none that does not exist."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from trustworks.app.cli import NOUNS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
# Not the account of `sudo -u trustworks trustworks ...`.
NAMED = re.compile(
    r"(?<!-u )\btrustworks(?: --config \S+)? (?P<noun>[a-z][a-z-]+)(?: (?P<verb>[a-z][a-z-]+))?"
)
CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def verbs(noun: str) -> set[str] | None:
    """The verbs of a noun; None for a command without any."""
    module, _, attribute = NOUNS[noun][0].partition(":")
    command: Any = get_command(getattr(importlib.import_module(module), attribute or "app"))
    found = getattr(command, "commands", None)
    return None if found is None else set(found)


def unknown(text: str) -> Iterator[str]:
    """The commands that a text names and that do not exist."""
    for match in NAMED.finditer(text):
        noun, verb = match["noun"], match["verb"]
        known = verbs(noun) if noun in NOUNS else set()
        if noun not in NOUNS or (verb is not None and known is not None and verb not in known):
            yield match[0]


def strings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize(
    "text", ["`trustworks ceremony root`", "trustworks module make", "trustworks keyring"]
)
def test_a_command_that_is_not_there_is_found(text: str) -> None:
    assert list(unknown(text)) == [text.strip("`")]


def test_messages_name_only_commands_that_exist() -> None:
    files = sorted((ROOT / "src").rglob("*.py"))
    assert files
    assert [(file.name, name) for file in files for text in strings(file) for name in unknown(text)] == []


def test_pages_name_only_commands_that_exist() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("README.md")]
    assert pages
    found = [
        (page.name, name)
        for page in pages
        for match in CODE.finditer(page.read_text(encoding="utf-8"))
        for name in unknown(match[1] or match[2])
    ]
    assert found == []
