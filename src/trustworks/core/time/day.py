"""The day by trusted time, for what changes with the date, such as which algorithms are agreed."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.time.model import Clock

_EVERY = 1.0


def system_day() -> date:
    """The day by the system's clock."""
    return datetime.now(UTC).date()


class TrustedDay:
    """Called, it answers the day; the clock is asked once in a second.

    Without trusted time it answers the latest day that is known: that of the system's clock, but never one
    before a day that trusted time has named. Trusted days do not go back.
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
        self._trusted = date.min
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
            return max(self._trusted, self._system())
        self._trusted = max(self._trusted, day)
        return self._trusted
