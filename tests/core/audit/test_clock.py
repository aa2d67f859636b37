"""The trusted clock's events in the audit log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trustworks.core.audit.clock import clock_events


def test_events_reach_the_audit_log_with_outcome_and_actor() -> None:
    recorded: list[Any] = []
    on_event = clock_events(SimpleNamespace(record=recorded.append))  # type: ignore[arg-type]
    on_event("clock.latched", {"code": "clock.jump"})
    on_event("clock.released", {"operator": "A. Operator"})
    assert [(event.outcome, event.actor) for event in recorded] == [
        ("failure", "collector"),
        ("success", "A. Operator"),
    ]
