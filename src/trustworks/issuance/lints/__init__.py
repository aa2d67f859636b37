"""The provider's own linter: a file per rule, in folders by where the rule is written.

Every certificate passes all of it before the authority's key is used, with a placeholder for the signature;
what the signature can change is looked at again before the certificate is recorded and released. A finding
stops the issuance.

To add a rule, add a file with a `LINT` to the folder of its standard, and its requirement to the register.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from trustworks.issuance.lints.lint import Candidate, Lint, Scope, Surroundings, read

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Candidate", "Finding", "Lint", "Scope", "Surroundings", "all_lints", "findings", "lint", "read"]


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
    return findings(read(der, around))


def findings(candidate: Candidate, *, outside: bool = False) -> tuple[Finding, ...]:
    """All findings on a certificate that was read.

    `outside` asks only the lints that look beyond the signed octets. The verdicts of all others are functions
    of these octets and of the surroundings alone: who knows them for the same octets need not ask again.
    """
    scope = Scope(candidate.profile, candidate.around.issuer is None)
    return tuple(
        [
            Finding(one, sentence)
            for one in _applicable(scope, outside=outside)
            if (sentence := one.check(candidate)) is not None
        ]
    )


@lru_cache(256)
def _applicable(scope: Scope, *, outside: bool) -> tuple[Lint, ...]:
    return tuple(one for one in all_lints() if one.applies(scope) and (one.outside or not outside))
