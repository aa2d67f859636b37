"""What differs between two dossiers: verdicts, products, documents, keys, identities, points of the annex.

Both are read as they are; whether one is as it was sealed, `verify` says.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.opened import opened
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from trustworks.assurance.dossier.opened import Opened

ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: of what kind, about what, and what was and is said; `absent` where nothing is."""

    kind: str
    about: str
    before: str
    after: str


def diff(old: Path, new: Path) -> tuple[Change, ...]:
    """The differences, kind by kind. Raises `Malformed` for what is no dossier."""
    before, after = opened(old), opened(new)
    for one in (before, after):
        manifest.read(one.octets(manifest.NAME))
    return tuple(
        change
        for kind, read in _KINDS.items()
        for change in changes(kind, _read(read, before), _read(read, after))
    )


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-DIFF", disabled=())
def changes(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    """What differs between two tables of what is said about things, by their names."""
    for about in sorted(before.keys() | after.keys()):
        was, is_ = before.get(about, ABSENT), after.get(about, ABSENT)
        if was != is_:
            yield Change(kind=kind, about=about, before=was, after=is_)


def _read(read: Callable[[Opened], dict[str, str]], found: Opened) -> dict[str, str]:
    try:
        return read(found)
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error) as error:
        raise Malformed(
            f"{found.place} cannot be compared: a file of it is not as a dossier has it."
        ) from error


def _verdicts(found: Opened) -> dict[str, str]:
    return {
        f"{report['rule_set']}: {one['service']}/{one['process']}/{one['product'] or 'no product'}": str(
            one["verdict"]
        )
        for report in _json(found, "verdicts.json")["reports"]
        for service in report["services"]
        for one in service["processes"]
    }


def _products(found: Opened) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(found.octets("register.csv").decode()))
    return {
        f"{row['point']} {row['id']}": "; ".join(
            f"{name}: {value}"
            for name, value in row.items()
            if value and name not in {"point", "id"} and not str(name).startswith("verdict ")
        )
        for row in rows
    }


def _documents(found: Opened) -> dict[str, str]:
    _, listed = manifest.read(found.octets(manifest.NAME))
    papers = {one.name: one.sha256 for one in listed if one.name.startswith("annex-iii/13/")}
    kept = {f"evidence {one['name']}": str(one["sha256"]) for one in _json(found, "evidence/index.json")}
    return papers | kept


def _keys(found: Opened) -> dict[str, str]:
    return {
        f"{one['label']} {one['sha256'][:16]}": f"{one['algorithm']}, {one['state']}, on {one['token']}"
        for one in _json(found, "keys.json")
    }


def _identities(found: Opened) -> dict[str, str]:
    name = "annex-iii/09/identities.json"
    values = _json(found, name) if name in found.files else []
    return {f"{one['name']}": f"{one['role']}, SKI {one['ski']}" for one in values}


def _points(found: Opened) -> dict[str, str]:
    return {f"{one['number']}": str(one["state"]) for one in _json(found, "annex-iii/index.json")["points"]}


def _about(found: Opened) -> dict[str, str]:
    said, _ = manifest.read(found.octets(manifest.NAME))
    names = ("provider", "identifier", "product", "build", "installation", "profile")
    return {name: str(said.get(name, ABSENT)) for name in names}


_KINDS: dict[str, Callable[[Opened], dict[str, str]]] = {
    "about": _about,
    "verdict": _verdicts,
    "product": _products,
    "document": _documents,
    "key": _keys,
    "identity": _identities,
    "point": _points,
}


def _json(found: Opened, name: str) -> Any:
    return json.loads(found.octets(name))
