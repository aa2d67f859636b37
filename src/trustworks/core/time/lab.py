"""The lab's clock: what the operating system says, unchecked, and saying so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from trustworks.core.time.model import ClockStatus, Mode, TimeEvidence, TrustedTime
from trustworks.core.time.readings import SystemReadings

if TYPE_CHECKING:
    from trustworks.core.time.readings import ClockReadings

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNCHECKED = TimeEvidence("lab", "none", ("unchecked",), None, "unchecked")


class LabClock:
    """An unchecked clock for laboratories; every time it gives carries evidence that nothing was checked."""

    mode: Mode = "lab"

    def __init__(self, readings: ClockReadings | None = None) -> None:
        self._realtime_ns = (readings or SystemReadings()).realtime_ns

    def now(self) -> TrustedTime:
        """The operating system's time."""
        utc = EPOCH + timedelta(microseconds=self._realtime_ns() // 1000)
        return TrustedTime(utc, 0, _UNCHECKED)

    def status(self) -> ClockStatus:
        """Always fine, and honest about what that is worth."""
        return ClockStatus(
            ok=True,
            mode="lab",
            code="ok",
            reason="The laboratory's clock is not checked against anything; its time proves nothing.",
            sources=("unchecked",),
        )
