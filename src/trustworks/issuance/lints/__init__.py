"""The provider's own linter: a file per rule, in folders by where the rule is written.

Every certificate passes all of it twice: signed with a throw-away key before the authority's key is used, and
with the real signature before it is recorded and released. A finding stops the issuance.

To add a rule, add a file with a `LINT` to the folder of its standard, and its requirement to the register.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from trustworks.issuance.lints.lint import Candidate, Lint, Surroundings, read

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Candidate", "Finding", "Lint", "Surroundings", "all_lints", "lint", "read"]


class Finding(NamedTuple):
    """What a lint objects to."""

    lint: Lint
    sentence: str


@cache
def all_lints() -> tuple[Lint, ...]:
    """The lints of all folders, ordered by folder and file."""
    return tuple(_found(__name__, list(__path__)))


def _found(package: str, path: list[str]) -> Iterator[Lint]:
    for entry in sorted(pkgutil.iter_modules(path), key=lambda one: one.name):
        module = importlib.import_module(f"{package}.{entry.name}")
        if entry.ispkg:
            yield from _found(module.__name__, list(module.__path__))
        elif isinstance(found := getattr(module, "LINT", None), Lint):
            yield found


def lint(der: bytes, around: Surroundings) -> tuple[Finding, ...]:
    """All findings on a certificate. Raises `Malformed` when it cannot be read."""
    candidate = read(der, around)
    return tuple(
        Finding(one, sentence)
        for one in all_lints()
        if one.applies(candidate) and (sentence := one.check(candidate)) is not None
    )
