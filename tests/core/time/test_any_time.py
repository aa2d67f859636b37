"""Trusted time where there is some, else the system's, and never one for the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from issuance_testbed import PlacedClock

from trustworks.core.errors import Unavailable
from trustworks.core.time import any_time

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_system_s_time_is_taken_only_where_there_is_no_trusted_time() -> None:
    trusted, system = PlacedClock(NOW), PlacedClock(NOW + timedelta(days=1))
    assert any_time(trusted, system) == (NOW, None)
    trusted.refusal = Unavailable("clock.jump", "The clock is stopped.")
    assert any_time(trusted, system) == (NOW + timedelta(days=1), "clock.jump")
    assert abs(any_time(trusted).utc - datetime.now(UTC)) < timedelta(minutes=1)
