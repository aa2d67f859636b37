"""What rows of the expectation tables differ from: `baseline.toml`, and how its words become the model's.

A key that nobody knows is refused, so that no row is believed to say what it does not.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

EXPECTATIONS: Final = Path(__file__).resolve().parents[1] / "assurance" / "expectations"

NOT_SAID: Final = "not said"  # a fact that no source tells, or what nobody said of a product
NOT_APPLICABLE: Final = "N/A"

Enumerated = TypeVar("Enumerated", bound="StrEnum")
Row = TypeVar("Row")


class ExpectationError(ValueError):
    """A table of expectations cannot be read; the sentence says which row and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One product of a row and what it is used for."""

    product: str
    certificates: tuple[str, ...]
    profiles: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    functions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """`baseline.toml`, as it is written."""

    data: Mapping[str, Any] = field(repr=False)

    @property
    def bases(self) -> frozenset[str]:
        return frozenset(self.data["base"])

    @property
    def processes(self) -> frozenset[str]:
        return frozenset(self.data["functions"])

    def base(self, name: str) -> Part:
        try:
            given = self.data["base"][name]
        except KeyError:
            raise ExpectationError(f"no base is called {name!r}") from None
        return part(given)


def baseline() -> Baseline:
    return Baseline(data=tomllib.loads((EXPECTATIONS / "baseline.toml").read_text(encoding="utf-8")))


def refuse_unknown(given: Mapping[str, Any], allowed: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise ExpectationError(f"keys that nobody knows: {', '.join(unknown)}")


def part(given: Mapping[str, Any]) -> Part:
    return Part(
        product=given["product"],
        certificates=tuple(given["certificates"]),
        profiles=tuple(given.get("profiles", ())),
        documents=tuple(given.get("documents", ())),
        processes=tuple(given.get("processes", ())),
        functions=tuple(given["functions"]) if "functions" in given else None,
    )


def one_of(kind: type[Enumerated], value: str) -> Enumerated:
    try:
        return kind(value)
    except ValueError:
        raise ExpectationError(f"{value!r} is no {kind.__name__}") from None


def changed(made: Row, changes: Mapping[str, Any]) -> Row:
    refuse_unknown(changes, made.__dataclass_fields__)  # type: ignore[attr-defined]
    return replace(made, **changes)  # type: ignore[type-var]


def area_name(short: str, areas: Mapping[str, str]) -> str:
    try:
        return areas[short]
    except KeyError:
        raise ExpectationError(f"no area of this standard is called {short!r}") from None


def first_product(row: Mapping[str, Any], known: Baseline) -> str:
    return known.base(row["base"]).product


def moment(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def digest(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()
