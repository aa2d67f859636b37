"""The clock of mode ``enforce``: no lease, no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.time.model import ClockStatus, Mode, TrustedTime
from trustworks.core.time.readings import SystemReadings

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.time.config import TimeSettings
    from trustworks.core.time.readings import ClockReadings


class TimeGuard:
    """UTC with a proven error bound, or `Unavailable`."""

    mode: Mode = "enforce"

    def __init__(
        self, settings: TimeSettings, state_dir: Path, readings: ClockReadings | None = None
    ) -> None:
        self._settings = settings
        self._path = settings.lease_path(state_dir)
        self._readings = readings or SystemReadings()

    def now(self) -> TrustedTime:
        """UTC with its bound and evidence."""
        raise Unavailable("clock.no-lease", self.status().reason)

    def status(self) -> ClockStatus:
        """Why there is no time."""
        return ClockStatus(
            ok=False,
            mode="enforce",
            code="clock.no-lease",
            reason=f"There is no clock lease at {self._path}: no collector proves the clock's error.",
        )
