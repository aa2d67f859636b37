"""How hypothesis behaves here: a machine that does other things as well is no reason for a test to fail."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("trustworks", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trustworks")
