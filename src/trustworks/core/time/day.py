"""The day by trusted time, for what changes with the date, such as which algorithms are agreed."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.time.guard import TimeGuard
from trustworks.core.time.protection import owner_in, read_protected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.time.model import Clock

_EVERY = 1.0
DAY_NAME = "clock.day"
# The day on which this release was made, renewed with each: without trusted time it is no earlier than that.
RELEASED = date(2026, 11, 24)


def system_day() -> date:
    """The day by the system's clock."""
    return datetime.now(UTC).date()


class TrustedDay:
    """Called, it answers the day; the clock is asked once in a second.

    Without trusted time it answers the latest day that is known: that of the system's clock, but never one
    before the last day that trusted time has named, also to an earlier process, nor before the release of
    this program. Trusted days do not go back.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        system: Callable[[], date] = system_day,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._system = system
        self._monotonic = monotonic
        self._file = clock.state_dir / DAY_NAME if isinstance(clock, TimeGuard) else None
        self._trusted = _read(self._file)
        self._day = date.min
        self._until = float("-inf")

    def __call__(self) -> date:
        """The day in UTC."""
        moment = self._monotonic()
        if moment >= self._until:
            self._day = self._ask()
            self._until = moment + _EVERY
        return self._day

    @implements("TRUSTWORKS:MODULE-TODAY", disabled=lambda self: self._system())
    def _ask(self) -> date:
        try:
            day = self._clock.now().utc.date()
        except Unavailable:
            return max(self._trusted, RELEASED, self._system())
        if day > self._trusted:
            self._trusted = day
            _keep(self._file, day)
        return self._trusted


def _read(file: Path | None) -> date:
    """The last day that an earlier process has kept; one that others could have written is none."""
    try:
        found = None if file is None else read_protected(file)
        return date.min if found is None or found[0] else date.fromisoformat(found[1].decode("ascii").strip())
    except (OSError, ValueError, Unavailable):
        return date.min


def _keep(file: Path | None, day: date) -> None:
    """Keep the day for later processes; without room the next one does."""
    if file is None or day <= _read(file):
        return
    with contextlib.suppress(OSError):
        put(file, f"{day}\n", mode=0o600, owner=owner_in(file.parent))
