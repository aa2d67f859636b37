"""The clock of each time-stamping unit: sources, proven bounds over time, the declared accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.assurance.evidence.model import Item, Kind, judged
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.time import ClockStatus

KEPT: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-CLOCK"
SAMPLES: Final = 1000  # how many of the last are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How far the clock could be off at a moment: the proven bound (us); None: it gave no time."""

    at: datetime
    bound_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A time-stamping unit and the accuracy that its tokens declare, in microseconds."""

    name: str
    accuracy_us: int
    resolution_us: int = 0


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-CLOCK", disabled=())
def clock_findings(unit: Unit, status: ClockStatus, samples: Sequence[Sample]) -> tuple[str, ...]:
    """What is wrong with the clock of a unit, as sentences.

    It gives no time now, nobody checks it, or it could at some sample have been off by more than was
    declared.
    """
    if status.mode == "lab":
        return ("nobody checks the clock, as in laboratories: its deviation is not known",)
    found = [] if status.ok else [f"the clock gives no time ({status.code}): {status.reason}"]
    bounds = [one.bound_us for one in samples if one.bound_us is not None]
    worst = max(bounds, default=0) + unit.resolution_us
    if worst > unit.accuracy_us:
        found.append(
            f"the clock could be off by {worst} us, and the unit's tokens declare {unit.accuracy_us} us"
        )
    return tuple(found)


def sample_of(status: ClockStatus, at: datetime) -> Sample:
    """The clock's present bound."""
    return Sample(at=at, bound_us=status.bound_us if status.ok and status.mode == "enforce" else None)


def clock_item(unit: Unit, status: ClockStatus, earlier: Sequence[Sample], at: datetime) -> Item:
    """The evidence of a unit's clock; `earlier` are the samples of former looks."""
    samples = [*earlier, sample_of(status, at)][-SAMPLES:]
    bounds = [one.bound_us for one in samples if one.bound_us is not None]
    worst = max(bounds, default=None)
    return judged(
        Kind.CLOCK,
        unit.name,
        at,
        findings=clock_findings(unit, status, samples),
        well=f"Off by {worst} us at most in {len(bounds)} samples; {unit.accuracy_us} us are declared.",
        values={
            "mode": status.mode,
            "code": status.code,
            "sources": list(status.sources),
            "leap_state": status.leap_state,
            "accuracy_us": unit.accuracy_us,
            "resolution_us": unit.resolution_us,
            "bound_us": samples[-1].bound_us,
            "worst_bound_us": worst,
            "samples": len(samples),
            "samples_without_time": len(samples) - len(bounds),
            "since": samples[0].at.isoformat(),
        },
        requirements=(KEPT,),
    )
