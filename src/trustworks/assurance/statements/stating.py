"""Joins the clauses of a standard with the traceability table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.traceability import State as Traced
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.assurance.traceability import Line as TracedLine
    from trustworks.assurance.traceability import Trace

# Of two the register has the clauses themselves; of the others a file beside this one says what shows them.
STANDARDS: Final = ("CEN/TS 419261", "EN 419231", "EN 419241-1", "TS 119 101")
_FILES: Final = {"EN 419231": "en419231.toml", "EN 419241-1": "en419241-1.toml"}
NOT_AN_EVALUATION: Final = (
    "Nobody independent has evaluated this software; others decide what these lines are worth."
)
_ABOUT: Final = "The product was not evaluated against this standard."
_PROVEN: Final = frozenset({Traced.COVERED, Traced.SHOWN})


class State(StrEnum):
    """What a statement says of one clause."""

    COVERED = "covered, with proof"
    OPERATOR = "operator's duty"
    GAP = "gap"
    NOT_SHOWN = "not shown at present"  # its tests were not run, or failed
    UNVERIFIED = "source not verified"  # shown, and the wording of the clause was not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One clause, or group of clauses.

    `proof` names requirements of the register, each with the tests that show it; `reason` says why there is a
    gap; `duty` what is left to who operates it. `source` is ``verified``, ``second-hand`` or ``from-memory``.
    """

    id: str
    words: str
    state: State
    source: str
    proof: tuple[tuple[str, tuple[str, ...]], ...] = ()
    duty: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All lines of one standard."""

    standard: str
    version: str
    about: str
    lines: tuple[Line, ...]

    def count(self, state: State) -> int:
        """How many lines are in a state."""
        return sum(one.state is state for one in self.lines)


def proof_words(line: Line) -> str:
    """What shows a line, in words: only where its tests passed does it say that they do."""
    how = {State.COVERED: "shown by", State.UNVERIFIED: "shown by", State.NOT_SHOWN: "would be shown by"}
    count = sum(len(those) for _, those in line.proof)
    told = f"{', '.join(name for name, _ in line.proof)} ({count} test{'' if count == 1 else 's'})"
    return f"{how.get(line.state, 'what there is of it has the tests of')} {told}"


def statements(found: Trace, standard: str | None = None) -> tuple[Statement, ...]:
    """The statements of all standards, or of one. Raises `Malformed` for a standard that has none."""
    wanted = STANDARDS if standard is None else tuple(one for one in STANDARDS if _same(one, standard))
    if not wanted:
        raise Malformed(f"There is no statement about {standard!a:.60}; there are: {', '.join(STANDARDS)}.")
    return tuple(_mapped(found, _FILES[one]) if one in _FILES else _registered(found, one) for one in wanted)


def _registered(found: Trace, standard: str) -> Statement:
    own = [one for one in found.lines if _same(one.requirement.standard, standard)]
    lines = tuple(
        Line(
            id=one.requirement.id,
            words=one.requirement.words,
            state=judged(
                [one.state],
                source=one.requirement.source_status,
                gap=one.requirement.gap or "",
                duty="to fulfil it" if one.state is Traced.OPERATOR else "",
            ),
            source=one.requirement.source_status,
            proof=_proof([one]),
            duty="to fulfil it" if one.state is Traced.OPERATOR else "",
            reason=one.requirement.gap or "",
        )
        for one in own
    )
    version = own[0].requirement.version if own else ""
    return Statement(standard=standard, version=version, about=_ABOUT, lines=lines)


def _mapped(found: Trace, name: str) -> Statement:
    given = _read(name)
    by_id = {one.requirement.id: one for one in found.lines}
    lines = []
    for entry in given["line"]:
        unknown = [one for one in entry.get("shown_by", ()) if one not in by_id]
        if unknown:
            raise Malformed(
                f"{name}: {entry['id']} is shown by {unknown[0]}, which the register does not have."
            )
        shown = [by_id[one] for one in entry.get("shown_by", ())]
        lines.append(
            Line(
                id=entry["id"],
                words=entry["words"],
                state=judged(
                    [one.state for one in shown],
                    source=given["source"],
                    gap=entry.get("gap", ""),
                    duty=entry.get("duty", ""),
                ),
                source=given["source"],
                proof=_proof(shown),
                duty=entry.get("duty", ""),
                reason=entry.get("gap", "") or _gaps(shown),
            )
        )
    return Statement(
        standard=given["standard"], version=given["version"], about=given["about"], lines=tuple(lines)
    )


def _covered(states: Iterable[Traced], **given: str) -> State:
    del states, given
    return State.COVERED


@implements("TRUSTWORKS:ASSURANCE-STATEMENTS", disabled=_covered)
def judged(states: Iterable[Traced], *, source: str, gap: str, duty: str) -> State:
    """What may be said of a clause, of what stands behind it in the traceability table.

    Only what was read in the standard itself, and of which every rule's tests passed, is covered.
    """
    behind = tuple(states)
    if gap or any(one in {Traced.GAP, Traced.MISSING} for one in behind):
        return State.GAP
    if not behind or all(one is Traced.OPERATOR for one in behind):
        return State.OPERATOR if duty else State.GAP
    if any(one not in _PROVEN for one in behind if one is not Traced.OPERATOR):
        return State.NOT_SHOWN
    if source != "verified" or any(one is Traced.SHOWN for one in behind):
        return State.UNVERIFIED
    return State.COVERED


def _proof(lines: Iterable[TracedLine]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (one.requirement.id, tuple(test.mark.node for test in one.tests)) for one in lines if one.tests
    )


def _gaps(lines: Iterable[TracedLine]) -> str:
    return " ".join(one.requirement.gap for one in lines if one.requirement.gap)


@cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


def _same(first: str, second: str) -> bool:
    return first.replace(" ", "").casefold() == second.replace(" ", "").casefold()
