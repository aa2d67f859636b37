"""Follows the leap second through the night: announced, passing, done or missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.time import leap as leaps
from trustworks.core.time.leap_file import LeapFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.estimate import Leap
    from trustworks.core.time.leap_file import LeapList
    from trustworks.core.time.lease import Lease
    from trustworks.core.time.readings import ClockReadings, Moment

SECOND = 1_000_000_000
Problem = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known of leap seconds; `window` in nanoseconds of CLOCK_REALTIME, `expires` in Unix seconds."""

    leap: Leap = "none"
    window: tuple[int, int] | None = None
    expires: int | None = None
    problems: tuple[Problem, ...] = ()

    def is_inside(self, realtime: int) -> bool:
        """Whether no time may be given now."""
        return self.window is not None and self.window[0] <= realtime <= self.window[1]


class LeapWatch:
    """Remembers the leap second that is pending, and the last one that this clock made."""

    def __init__(self, settings: TimeSettings, readings: ClockReadings) -> None:
        self._settings = settings
        self._readings = readings
        self._file = LeapFile(settings.leap_file)
        self.last: int | None = None
        self.pending: tuple[Leap, int] | None = None

    def resume(self, previous: Lease) -> None:
        """Take up what an earlier collector of this boot knew."""
        self.last = previous.last_leap
        if previous.leap_at is not None:
            self.pending = ("delete" if previous.leap == "delete" else "insert", previous.leap_at)

    def forget(self) -> None:
        """After a release nothing is pending: the operator has looked at the clock."""
        self.pending = None

    def step_done(
        self, step: int, elapsed: int, between: tuple[int, int], tolerance: float
    ) -> tuple[str, dict[str, object]] | None:
        """The event for the pending leap second if `step` is it; all in nanoseconds."""
        if self.pending is None:
            return None
        leap, midnight = self.pending
        if not leaps.is_leap_step(step, between, leap, midnight, min(tolerance, SECOND / 4)):
            return None
        try:
            tai = self._readings.kernel().tai
        except Unavailable:
            tai = 0
        self.last, self.pending = midnight, None
        name = "clock.leap-second-inserted" if leap == "insert" else "clock.leap-second-deleted"
        return name, leaps.leap_record(leap, midnight, step, elapsed, tai)

    def missed(self, realtime: int) -> tuple[Leap, int] | None:
        """The pending leap second (kind, midnight) if its window has passed without it; told once."""
        if self.pending is None:
            return None
        if realtime <= self.pending[1] * SECOND + self._settings.leap_window_ms * 1_000_000:
            return None
        missed, self.pending = self.pending, None
        return missed

    def look(self, moment: Moment, announced: Mapping[str, Leap]) -> Outlook:
        """Put the leap file, the kernel and the sources' announcements together."""
        now = moment.realtime // SECOND
        leap_list, expires, problems = self._leap_list(now)
        try:
            kernel = self._readings.kernel()
        except Unavailable as error:
            return Outlook(expires=expires, problems=(*problems, (error.code, str(error))))
        seen = leaps.view(now, leap_list, kernel, announced, self.last)
        findings = leaps.leap_findings(seen, self._settings.leap_agreement_minutes * 60)
        leap, window = self._plan(moment, seen)
        return Outlook(
            leap=leap,
            window=window,
            expires=expires,
            problems=(*problems, *(("clock.leap-disagreement", finding) for finding in findings)),
        )

    def _plan(self, moment: Moment, seen: leaps.LeapView) -> tuple[Leap, tuple[int, int] | None]:
        """What is announced for the coming midnight, and its window or that of the leap second just passing.

        While a leap second passes, announcements still speak of it, and must not be taken for another one.
        """
        reach = self._settings.leap_window_ms
        passing: tuple[Leap, int] | None = None
        if self.last is not None:
            passing = ("insert", self.last)
        if self.pending is not None and self.pending[1] <= seen.now:
            passing = self.pending
        if passing is not None:
            window = leaps.stop_window(*passing, reach)
            if window is not None and moment.realtime <= window[1]:
                return "none", window
        leap, midnight = leaps.expected_leap(seen), leaps.next_midnight(seen.now)
        self.pending = None if leap == "none" else (leap, midnight)
        return leap, leaps.stop_window(leap, midnight, reach)

    def _leap_list(self, now: int) -> tuple[LeapList | None, int | None, tuple[Problem, ...]]:
        """The leap file if it counts, else None, and a problem unless announcements may stand in for it."""
        found: tuple[str, ...]
        try:
            leap_list = self._file.read()
        except Unavailable as error:
            found, expires = (str(error),), None
        else:
            found, expires = leaps.leap_file_findings(leap_list.expires, now), leap_list.expires
            if not found:
                return leap_list, expires, ()
        if self._settings.leap_authority == "announcements":
            found = ()
        return None, expires, tuple(("clock.leap-file", sentence) for sentence in found)
