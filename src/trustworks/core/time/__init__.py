"""Trusted time: UTC with a proven error bound and its evidence, or no time at all.

`open_clock` gives a `Clock`: the `TimeGuard` (mode ``enforce``) reads the lease that a `Collector` renews
every second, the `LabClock` (mode ``lab``) is unchecked and says so in its evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.time.accuracy import check_declared_accuracy
from trustworks.core.time.any_time import AnyTime, any_time
from trustworks.core.time.collector import Collector
from trustworks.core.time.config import TimeSettings
from trustworks.core.time.day import TrustedDay
from trustworks.core.time.guard import TimeGuard
from trustworks.core.time.lab import LabClock
from trustworks.core.time.latch import release
from trustworks.core.time.model import Clock, ClockStatus, TimeEvidence, TrustedTime
from trustworks.core.time.stop import Release

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.time.readings import ClockReadings

__all__ = [
    "AnyTime",
    "Clock",
    "ClockStatus",
    "Collector",
    "LabClock",
    "Release",
    "TimeEvidence",
    "TimeGuard",
    "TimeSettings",
    "TrustedDay",
    "TrustedTime",
    "any_time",
    "check_declared_accuracy",
    "open_clock",
    "release",
]


def open_clock(settings: TimeSettings, state_dir: Path, readings: ClockReadings | None = None) -> Clock:
    """The clock that `settings` ask for; the collector's lease is looked for in `state_dir`.

    Opening never fails for want of trusted time: `now()` refuses and `status()` says why.
    """
    if settings.mode == "lab":
        return LabClock(readings)
    return TimeGuard(settings, state_dir, readings)
