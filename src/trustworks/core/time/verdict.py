"""One look at all sources of time, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustworks.core.errors import Refused, Unavailable
from trustworks.core.time import rules
from trustworks.core.time.guard import LEAP_WINDOW
from trustworks.core.time.leap_watch import LeapWatch, Outlook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.estimate import Estimate, Source
    from trustworks.core.time.readings import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one look at the sources came to."""

    estimates: tuple[Estimate, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    outlook: Outlook = field(default_factory=Outlook)

    @property
    def bound(self) -> int:
        """The greatest bound of a source, in nanoseconds."""
        return max((one.bound_ns or 0 for one in self.estimates), default=0)

    @property
    def ids(self) -> tuple[str, ...]:
        """What the sources called those whom they asked."""
        return tuple(name for one in self.estimates for name in one.ids)


def ask(settings: TimeSettings, sources: Sequence[Source], leap: LeapWatch, moment: Moment) -> Verdict:
    """Ask every source and put their words together; every problem is kept for the operator."""
    problems: list[tuple[str, str]] = []
    estimates: list[Estimate] = []
    for source in sources:
        try:
            estimates.append(source.estimate(moment))
        except Unavailable as error:
            problems.append(("clock.unsynchronised", str(error)))
    if not problems:
        problems += [
            ("clock.unsynchronised", finding)
            for finding in rules.combination_findings(estimates, settings.max_bound_ns)
        ]
    try:
        rules.check_traceability(settings.traceable_to)
    except Refused as error:
        problems.append(("clock.untraceable", str(error)))
    outlook = leap.look(moment, {one.name: one.leap for one in estimates if one.bound_ns is not None})
    problems += outlook.problems
    if outlook.is_inside(moment.realtime):
        problems.insert(0, ("clock.leap-window", LEAP_WINDOW))
    return Verdict(estimates=tuple(estimates), problems=tuple(problems), outlook=outlook)
