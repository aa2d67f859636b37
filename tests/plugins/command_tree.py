"""All commands of the program, and the act of those that change something."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from trustworks.app.cli import NOUNS
from trustworks.core.roles.performing import act_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by the words that are typed."""
    for noun, (place, _) in NOUNS.items():
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute or "app")
        yield from _below(noun, get_command(found))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, one in inner.items():
        yield from _below(f"{words} {name}", one)


def behind(callback: Any) -> Any:
    """The function that asks for the officer, behind what Typer made of it."""
    while act_of(getattr(callback, "__wrapped__", None)) is not None:
        callback = callback.__wrapped__
    return callback


COMMANDS = dict(commands())
PERFORMED = {
    words: act for words, one in COMMANDS.items() if (act := act_of(behind(one.callback))) is not None
}
