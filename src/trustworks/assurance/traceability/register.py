"""The register: every requirement in our own words, who fulfils it, and how its wording was learnt.

One TOML file for each standard, or for a part of one. The loader is strict: a field that it does not know, a
value that is not allowed and an id that stands twice are errors that name the file and the entry.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

Fulfiller: TypeAlias = Literal["product", "operator", "both"]
SourceStatus: TypeAlias = Literal["verified", "second-hand", "from-memory"]

HEAD: Final = ("standard", "version", "prefix")
NEEDED: Final = ("id", "words", "fulfilled_by", "service", "source_status")
OPTIONAL: Final = ("evidence", "gap")
ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "fulfilled_by": ("product", "operator", "both"),
    "source_status": ("verified", "second-hand", "from-memory"),
    "service": (
        "core",
        "issuance",
        "timestamping",
        "validation",
        "signing",
        "preservation",
        "edelivery",
        "assurance",
        "app",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One entry of the register.

    `words` are ours, never the standard's. `evidence` says where it shows in the running product. `gap` is
    the reason why it is not met, or not shown yet. `source_status` says how we know the requirement: from the
    standard's own text (verified), from somebody who quotes it (second-hand), or from-memory.
    """

    id: str
    words: str
    fulfilled_by: Fulfiller
    service: str
    source_status: SourceStatus
    standard: str
    version: str
    file: str
    evidence: str | None = None
    gap: str | None = None

    @property
    def binds_product(self) -> bool:
        """Whether the product must fulfil it, alone or together with the operator."""
        return self.fulfilled_by != "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All requirements by id, in the order of the files."""

    requirements: dict[str, Requirement]

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self.requirements


def load_register(folder: Path) -> Register:
    """Read all TOML files of `folder`.

    Raises:
        Malformed: with every complaint about every file in one message.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise Malformed(
            f"There is no register in {folder}: a folder with one TOML file for each standard is needed."
        )
    complaints: list[str] = []
    requirements: dict[str, Requirement] = {}
    for file in files:
        for requirement in _read(file, complaints):
            first = requirements.setdefault(requirement.id, requirement)
            if first is not requirement:
                complaints.append(
                    f"{file.name}: {requirement.id} stands in {first.file} already; keep one of them."
                )
    if complaints:
        raise Malformed("\n".join([f"The register has {len(complaints)} problem(s):", *complaints]))
    return Register(requirements=requirements)


def _read(file: Path, complaints: list[str]) -> list[Requirement]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        complaints.append(f"{file.name}: cannot be read as TOML: {error}.")
        return []
    found = len(complaints)
    entries = document.pop("requirement", [])
    complaints.extend(_fields(f"{file.name}", document, HEAD, ()))
    if not isinstance(entries, list) or not entries:
        complaints.append(f"{file.name}: no [[requirement]] entry; write at least one, or remove the file.")
    if len(complaints) > found:
        return []
    read: list[Requirement] = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            complaints.append(f"{file.name}: entry {number} must be a table.")
            continue
        place = f"{file.name}, entry {number} ({entry.get('id', 'without id')})"
        wrong = [*_fields(place, entry, NEEDED, OPTIONAL), *_values(place, entry, document["prefix"])]
        complaints.extend(wrong)
        if not wrong:
            read.append(
                Requirement(
                    **entry, standard=document["standard"], version=document["version"], file=file.name
                )
            )
    return read


def _fields(
    place: str, table: dict[str, Any], needed: tuple[str, ...], optional: tuple[str, ...]
) -> list[str]:
    """Complaints about fields that are missing, unknown, empty or no text."""
    allowed = ", ".join((*needed, *optional))
    return [
        *(f"{place}: the field {name} is missing." for name in needed if name not in table),
        *(
            f"{place}: the field {name} is unknown; allowed are {allowed}."
            for name in table
            if name not in needed and name not in optional
        ),
        *(
            f"{place}: the field {name} must be a text that is not empty."
            for name, value in table.items()
            if name in needed + optional and not (isinstance(value, str) and value.strip())
        ),
    ]


def _values(place: str, entry: dict[str, Any], prefix: str) -> list[str]:
    """Complaints about values that are not allowed."""
    wrong = [
        f"{place}: {name} is {entry[name]!r}; allowed are {', '.join(allowed)}."
        for name, allowed in ALLOWED.items()
        if name in entry and entry[name] not in allowed
    ]
    identifier = entry.get("id", prefix)
    if identifier != prefix and not str(identifier).startswith(f"{prefix}:"):
        wrong.append(f"{place}: the id must begin with {prefix}: as the file's prefix says.")
    return wrong
