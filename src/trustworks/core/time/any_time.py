"""A time for the few acts that must not wait for trusted time, and for looking at what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustworks.core.errors import Unavailable
from trustworks.core.time.lab import LabClock

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.time.model import Clock


class AnyTime(NamedTuple):
    """A moment in UTC. `unproven`: why it is only the system clock's, as the clock's code; else None."""

    utc: datetime
    unproven: str | None


def any_time(clock: Clock, system: Clock | None = None) -> AnyTime:
    """Trusted time where there is some, else that of the system's clock (`system`, in tests), saying so.

    Whoever signs a time, or makes something valid, asks the clock itself and waits.
    """
    try:
        return AnyTime(clock.now().utc, None)
    except Unavailable as error:
        return AnyTime((system or LabClock()).now().utc, error.code)
