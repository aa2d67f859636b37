"""What differs between two dossiers: verdicts, products, documents, evidence, notices, keys and more.

Both are read as they are; whether one is as it was sealed, `verify` says.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.opened import opened
from trustworks.assurance.dossier.pack import DOCUMENTS
from trustworks.assurance.model import OptionVerdict, Reason, Verdict
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from trustworks.assurance.dossier.opened import Opened

ABSENT = "absent"
FELL: Final = "fell"
ROSE: Final = "rose"
_MOST_REASONS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: of what kind, about what, and what was and is said; `absent` where nothing is.

    `note` is what there is to say to it: whether a verdict fell or rose, and why it is as it is now.
    """

    kind: str
    about: str
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Which dossier it is: of whom, made when, and the SHA-256 of its manifest."""

    provider: str
    made: str
    manifest: str


def heads(*places: Path) -> tuple[Head, ...]:
    """Which dossiers are compared. Raises `Malformed` for what is none."""
    found = []
    for place in places:
        one = opened(place)
        said, _ = manifest.read(one.octets(manifest.NAME))
        known = one.files[manifest.NAME].digest("sha256").hex()
        found.append(Head(provider=str(said.get("provider")), made=str(said.get("made")), manifest=known))
    return tuple(found)


def diff(old: Path, new: Path) -> tuple[Change, ...]:
    """The differences, kind by kind; verdicts that fell first. Raises `Malformed` for what is no dossier."""
    before, after = opened(old), opened(new)
    for one in (before, after):
        manifest.read(one.octets(manifest.NAME))
    return tuple(
        change
        for kind, read in _KINDS.items()
        for change in _noted(kind, changes(kind, _read(read, before), _read(read, after)), after)
    )


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-DIFF", disabled=())
def changes(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    """What differs between two tables of what is said about things, by their names, in the tables' order."""
    for about in dict.fromkeys((*before, *after)):
        was, is_ = before.get(about, ABSENT), after.get(about, ABSENT)
        if was != is_:
            yield Change(kind=kind, about=about, before=was, after=is_)


def _noted(kind: str, found: Iterable[Change], after: Opened) -> Iterable[Change]:
    if kind == "verdict":
        why = _read(_reasons, after)
        told = [replace(one, note=f"{direction(one)}. {why.get(one.about, '')}".strip()) for one in found]
        return sorted(told, key=lambda one: not one.note.startswith(FELL))
    if kind == "evidence":
        said = _read(_sentences, after)
        return [replace(one, note=said.get(one.about, "")) for one in found]
    if kind == "product":
        return _by_field(found)
    return found


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-FELL", disabled="")
def direction(change: Change) -> str:
    """Whether a verdict fell or rose, by the verdicts' order; ``new`` or ``gone`` where one is absent."""
    if ABSENT in {change.before, change.after}:
        return "new" if change.before == ABSENT else "gone"
    return FELL if Verdict(change.after).rank < Verdict(change.before).rank else ROSE


def _by_field(found: Iterable[Change]) -> Iterator[Change]:
    """A product that is in both, field by field; one that is new or gone in one line."""
    for one in found:
        if ABSENT in {one.before, one.after}:
            yield one
            continue
        was, is_ = json.loads(one.before), json.loads(one.after)
        for name in dict.fromkeys((*was, *is_)):
            if was.get(name) != is_.get(name):
                yield Change(
                    kind=one.kind,
                    about=f"{one.about}, {name}",
                    before=was.get(name) or "nothing",
                    after=is_.get(name) or "nothing",
                )


def _read(read: Callable[[Opened], dict[str, str]], found: Opened) -> dict[str, str]:
    try:
        return read(found)
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error) as error:
        raise Malformed(
            f"{found.place} cannot be compared: a file of it is not as a dossier has it."
        ) from error


def _processes(found: Opened) -> Iterator[tuple[str, dict[str, Any]]]:
    for report in _json(found, "verdicts.json")["reports"]:
        for service in report["services"]:
            for one in service["processes"]:
                product = one["product"] or "no product"
                yield f"{report['rule_set']}: {one['service']}/{one['process']}/{product}", one


def _verdicts(found: Opened) -> dict[str, str]:
    return {about: str(Verdict(one["verdict"])) for about, one in _processes(found)}


def _reasons(found: Opened) -> dict[str, str]:
    """Why each verdict is as it is, in a few sentences: its conditions, and those of its best option."""
    told = {}
    for about, one in _processes(found):
        best = max(one["options"], key=lambda option: _option(option).nearness, default=None)
        reasons = [*one["conditions"], *(best["reasons"] if best else ())]
        low = [str(each["sentence"]) for each in reasons if each["verdict"] == one["verdict"]]
        told[about] = " ".join(dict.fromkeys(low[:_MOST_REASONS])) or str(one["note"])
    return told


def _option(told: Mapping[str, Any]) -> OptionVerdict:
    """An option of the file, as far as it is compared with others."""
    return OptionVerdict(
        option=str(told["option"]),
        label="",
        verdict=Verdict(told["verdict"]),
        reasons=tuple(
            Reason(
                rule=str(one["rule"]),
                reference="",
                verdict=Verdict(one["verdict"]),
                sentence="",
                missing=tuple(one.get("missing", ())),
            )
            for one in told["reasons"]
        ),
        certificate=told.get("certificate"),
        preferred=bool(told.get("preferred")),
    )


def _products(found: Opened) -> dict[str, str]:
    """Each product with its columns, as JSON."""
    rows = csv.DictReader(io.StringIO(found.octets("register.csv").decode()))
    return {
        f"{row['point']} {row['id']}": json.dumps(
            {
                str(name): value
                for name, value in row.items()
                if name not in {"point", "id"} and not str(name).startswith("verdict ")
            }
        )
        for row in rows
    }


def _documents(found: Opened) -> dict[str, str]:
    """Documents by kind and title, with version, day and hash; then the other files of the register."""
    table: dict[str, str] = {}
    known = set()
    listed = _json(found, DOCUMENTS)["documents"] if DOCUMENTS in found.files else []
    for one in listed:
        version = f"version {one['version']}, " if one["version"] else ""
        language = f", {one['language']}" if one["language"] else ""
        about = f"{one['title']} ({one['kind']}{language})"
        table[about] = _more(table.get(about), f"{version}of {one['date']}, SHA-256 {one['sha256'][:16]}")
        known.add(one["sha256"])
    for one in _json(found, "evidence/index.json"):
        if one["sha256"] not in known:
            about = f"file {one['name']}"
            table[about] = _more(table.get(about), f"SHA-256 {one['sha256'][:16]}")
    return table


def _more(known: str | None, told: str) -> str:
    return told if known is None else "; ".join(sorted({*known.split("; "), told}))


def _evidence(found: Opened) -> dict[str, str]:
    return {f"{one['kind']} {one['subject']}": str(one["outcome"]) for one in _live(found)}


def _sentences(found: Opened) -> dict[str, str]:
    return {f"{one['kind']} {one['subject']}": str(one["sentence"]) for one in _live(found)}


def _live(found: Opened) -> Iterator[dict[str, Any]]:
    yield from _json(found, "evidence/live.json")


def _notices(found: Opened) -> dict[str, str]:
    return {
        name.removeprefix("notices/").removesuffix(".txt"): "drafted"
        for name in sorted(found.files)
        if name.startswith("notices/")
    }


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
    "evidence": _evidence,
    "notice": _notices,
    "key": _keys,
    "identity": _identities,
    "point": _points,
}


def _json(found: Opened, name: str) -> Any:
    return json.loads(found.octets(name))
