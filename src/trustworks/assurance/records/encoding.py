"""Entries of the register as canonical JSON, and back.

A fact's value is written by the type that `FACTS` has for its name, so that a day does not come back as a
text.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter

from trustworks.assurance.model import FACTS, Certificate, CertificateKind, Fact, FactName, Provenance, Status
from trustworks.core.audit.canonical import canonical_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.assurance.model import Value

T = TypeVar("T")


def encode(entry: Any) -> str:
    """An entry as canonical JSON: equal entries give equal texts."""
    if isinstance(entry, Certificate):
        return canonical_text(
            {
                "kind": entry.kind.value,
                "number": entry.number,
                "file": entry.file,
                "facts": encode_facts(entry.facts),
            }
        )
    return canonical_text(_adapter(type(entry)).dump_python(entry, mode="json"))


def decode(kind: type[T], text: str) -> T:
    """The entry that `encode` wrote."""
    values = json.loads(text)
    if kind is Certificate:
        found: Any = Certificate(
            kind=CertificateKind(values["kind"]),
            number=values["number"],
            file=values["file"],
            facts=tuple(_fact(one) for one in values["facts"]),
        )
    else:
        found = _adapter(kind).validate_python(values)
    entry: T = found
    return entry


_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    found = _ADAPTERS.get(kind)
    if found is None:
        found = _ADAPTERS[kind] = TypeAdapter(kind)
    return found


def encode_facts(facts: Iterable[Fact]) -> list[Any]:
    """Facts as JSON values, in their order."""
    return [
        {
            "name": one.name.value,
            "value": _value(one.value),
            "provenance": _provenance(one.provenance),
        }
        for one in facts
    ]


def _provenance(given: Provenance) -> dict[str, Any]:
    """Without who read it where nobody is named: what importers read is written as it ever was."""
    found: dict[str, Any] = _adapter(Provenance).dump_python(given, mode="json")
    if not given.by:
        del found["by"]
    return found


def _value(value: Value) -> Any:
    if isinstance(value, Status):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str | int):
        return value
    return dict(value)


def _fact(given: dict[str, Any]) -> Fact:
    name, value = FactName(given["name"]), given["value"]
    kind = FACTS[name]
    read: Value
    if kind is date:
        read = date.fromisoformat(value)
    elif kind is Status:
        read = Status(value)
    elif kind is tuple:
        read = tuple(value)
    else:
        read = value
    return Fact(name=name, value=read, provenance=_adapter(Provenance).validate_python(given["provenance"]))
