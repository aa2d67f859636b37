"""An area: numbered requirements of one service, each leading to entries of the register.

A plan or an assessor asks requirement by requirement; the register has an entry for each clause. A file under
``requirements/areas`` joins the two, and the state of a number is the worst of its entries' states.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.assurance.traceability.join import State
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.assurance.traceability.join import Line, Trace

FOLDER: Final = "areas"
WORST_FIRST: Final = (
    State.FAILED,
    State.MISSING,
    State.GAP,
    State.NOT_RUN,
    State.SHOWN,
    State.COVERED,
    State.OPERATOR,
)
# What is told about a number; what is none of these is open, and none is to be when the area is done.
WORDS: Final[dict[State, str]] = {
    State.COVERED: "covered",
    State.SHOWN: "covered",
    State.NOT_RUN: "not run",
    State.OPERATOR: "operator's duty",
    State.GAP: "declared gap",
}
_OPEN: Final = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A number of an area: what it is about, in a few words, and the ids of its entries."""

    number: int
    about: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The numbers of an area, in their order."""

    name: str
    file: str
    numbers: tuple[Numbered, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaLine:
    """A number with the lines of its entries. `unknown` are ids that the register does not have."""

    numbered: Numbered
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]

    @property
    def state(self) -> State:
        """The worst state of its entries; one that is unknown is missing."""
        found = {line.state for line in self.lines} | ({State.MISSING} if self.unknown else set())
        return next(state for state in WORST_FIRST if state in found)

    @property
    def word(self) -> str:
        """Covered (or its tests not run here), operator's duty, declared gap; or open: none of these."""
        return WORDS.get(self.state, _OPEN)

    @property
    def gaps(self) -> tuple[str, ...]:
        """The reasons for its gaps, each with the id."""
        return tuple(
            f"{line.requirement.id}: {line.requirement.gap}"
            for line in self.lines
            if line.requirement.gap is not None
        )


def load_area(register: Path, name: str) -> Area:
    """Read the area `name` beside the register. Raises `Malformed`."""
    folder = register / FOLDER
    known = sorted(file.stem for file in folder.glob("*.toml"))
    if name not in known:
        raise Malformed(f"There is no area {name!r}; there are: {', '.join(known) or 'none'}.")
    file = folder / f"{name}.toml"
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Malformed(f"{file} cannot be read: {error}.") from error
    if set(document) != {"area", "number"} or document["area"] != name:
        raise Malformed(f'{file}: it must hold area = "{name}" and [[number]] entries, and nothing else.')
    numbers = tuple(_numbered(entry, file) for entry in document["number"])
    if [one.number for one in numbers] != list(range(1, len(numbers) + 1)):
        raise Malformed(f"{file}: the numbers must be 1, 2, 3 and so on, without gaps, in their order.")
    return Area(name=name, file=f"{FOLDER}/{file.name}", numbers=numbers)


def _numbered(entry: object, file: Path) -> Numbered:
    match entry:
        case {"number": int(number), "about": str(about), "ids": list(ids), **rest} if not rest:
            if ids and all(isinstance(one, str) for one in ids) and len(set(ids)) == len(ids):
                return Numbered(number=number, about=about, ids=tuple(ids))
    raise Malformed(
        f"{file}: {entry!r} is not `number`, `about` and `ids`, a list of ids of which none stands twice."
    )


def join_area(area: Area, found: Trace) -> tuple[AreaLine, ...]:
    """The lines of each number."""
    by_id = {line.requirement.id: line for line in found.lines}
    return tuple(
        AreaLine(
            numbered=one,
            lines=tuple(by_id[identifier] for identifier in one.ids if identifier in by_id),
            unknown=tuple(identifier for identifier in one.ids if identifier not in by_id),
        )
        for one in area.numbers
    )


def objections(area: Area, lines: tuple[AreaLine, ...]) -> list[str]:
    """What is wrong with an area: ids that the register does not know."""
    return [
        f"{area.file}: number {line.numbered.number} names {identifier}, which is not in the register; "
        "correct the id, or add the entry."
        for line in lines
        for identifier in line.unknown
    ]
