"""The day by trusted time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.time import TrustedDay


class Steered:
    """A clock, a system clock and a stop-watch that the test sets."""

    def __init__(self) -> None:
        self.trusted: datetime | None = None
        self.system = date(2026, 1, 1)
        self.seconds = 0.0
        self.asked = 0
        clock: Any = SimpleNamespace(now=self.now)
        self.day = TrustedDay(clock, system=lambda: self.system, monotonic=lambda: self.seconds)

    def now(self) -> SimpleNamespace:
        self.asked += 1
        if self.trusted is None:
            raise Unavailable("clock.no-lease", "There is no lease.")
        return SimpleNamespace(utc=self.trusted)

    def after(self, seconds: float) -> date:
        self.seconds += seconds
        return self.day()


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_the_day_is_that_of_trusted_time_and_not_of_the_system() -> None:
    steered = Steered()
    steered.trusted = datetime(2031, 1, 1, tzinfo=UTC)
    assert steered.after(0) == date(2031, 1, 1)
    steered.trusted = None  # and the system's clock is set back
    assert steered.after(1) == date(2031, 1, 1)
    steered.system = date(2032, 1, 1)
    assert steered.after(1) == date(2032, 1, 1)
    steered.trusted = datetime(2031, 1, 2, tzinfo=UTC)
    assert steered.after(1) == date(2031, 1, 2)


@pytest.mark.req("TRUSTWORKS:MODULE-TODAY")
def test_before_any_trusted_time_the_system_is_asked() -> None:
    assert Steered().after(0) == date(2026, 1, 1)


def test_the_clock_is_asked_once_in_a_second() -> None:
    steered = Steered()
    for _ in range(20):
        steered.after(0.1)
    assert steered.asked in {2, 3}
