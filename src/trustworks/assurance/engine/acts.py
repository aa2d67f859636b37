"""Acts that do not apply yet: before its first day an act asks for nothing, and nobody can rest on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.assurance.model import OptionVerdict, ProcessVerdict, Reason, Verdict
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from trustworks.assurance.rulesets import Act, Option, Process


def begins(act: Act | None, at: date) -> date | None:
    """The first day of an act, where it has not come on the day that is asked about."""
    return act.applies if act is not None and _ahead(act, at) else None


@implements("TRUSTWORKS:ASSURANCE-FIRST-DAY", disabled=False)
def _ahead(act: Act, at: date) -> bool:
    return at < act.applies


def process_not_in_force(
    process: Process, act: Act, product: str, options: Iterable[Option], at: date
) -> ProcessVerdict:
    """A process before the first day of its act: each of its options says so, and nothing is asked."""
    found = tuple(option_not_in_force(one, act, at) for one in options)
    return ProcessVerdict(
        service=process.service,
        process=process.id,
        product=product,
        verdict=Verdict.UNKNOWN,
        options=found,
        conditions=() if found else (_reason(process.id, act, at),),
        obligation=False,
        note=process.note,
        act=act.id,
        begins=act.applies,
    )


def option_not_in_force(option: Option, act: Act, at: date) -> OptionVerdict:
    """An option before the first day of the act that makes it one."""
    return OptionVerdict(
        option=option.id,
        label=option.label,
        verdict=Verdict.UNKNOWN,
        reasons=(_reason(option.id, act, at),),
        preferred=option.preferred,
        begins=act.applies,
    )


def _reason(what: str, act: Act, at: date) -> Reason:
    return Reason(
        rule=f"{what}.not-in-force",
        reference=f"{act.id}: {act.reference}",
        verdict=Verdict.UNKNOWN,
        sentence=f"Not in force yet: {act.id} applies from {act.applies} on, which is later than {at}.",
        lift=f"Ask for its first day, to prepare for it: --at {act.applies}.",
    )


def in_force_first(processes: Iterable[ProcessVerdict]) -> tuple[ProcessVerdict, ...]:
    """Those that are in force; all, where none is."""
    every = tuple(processes)
    return tuple(one for one in every if one.begins is None) or every
