"""The configured time sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.time import rules
from trustworks.core.time.chrony import ChronySource
from trustworks.core.time.estimate import Estimate
from trustworks.core.time.leap import kernel_leap
from trustworks.core.time.ntp import NtpSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.estimate import Source
    from trustworks.core.time.readings import ClockReadings, Moment


class KernelSource:
    """The kernel as a gate: no lease while it says that nobody disciplines its clock.

    Its `maxerror` is no bound to build on: daemons set it with differing care, and it grows by 500 ppm
    between their updates whatever the truth is.
    """

    name = "kernel"

    def __init__(self, settings: TimeSettings, readings: ClockReadings) -> None:
        self._limit = settings.kernel_max_error_us
        self._readings = readings

    def estimate(self, moment: Moment) -> Estimate:
        """An estimate without a bound, or `Unavailable`."""
        del moment
        kernel = self._readings.kernel()
        findings = rules.kernel_findings(kernel.state, kernel.status, kernel.max_error_us, self._limit)
        if findings:
            raise Unavailable("clock.kernel", " ".join(findings))
        return Estimate(
            name="kernel",
            ids=("kernel",),
            bound_ns=None,
            leap=kernel_leap(kernel),
            detail={
                "state": kernel.state,
                "status": kernel.status,
                "max_error_us": kernel.max_error_us,
                "offset_ns": kernel.offset_ns,
                "tai_offset": kernel.tai,
            },
        )


def make_sources(settings: TimeSettings, readings: ClockReadings) -> Iterator[Source]:
    """The sources that the configuration names, in its order."""
    for name in settings.sources:
        match name:
            case "kernel":
                yield KernelSource(settings, readings)
            case "chrony":
                yield ChronySource(settings)
            case "ntp":
                yield NtpSource(settings, readings)
