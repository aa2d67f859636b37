"""Troubles are told once, by their name, and at their end."""

from __future__ import annotations

import structlog

from trustworks.core.troubles import Troubles


def test_each_is_told_once_and_at_its_end() -> None:
    with structlog.testing.capture_logs() as told:
        troubles = Troubles(structlog.get_logger(), begun="failed", over="well")
        troubles.ended("one")
        for _ in range(3):
            troubles.failed("one", "a", code="a")
            troubles.failed("two", "b", code="b")
        troubles.failed("one", "c", code="c")
        troubles.ended("one", path="/one")
        troubles.ended("one")
        troubles.failed("one", "a", code="a")
    assert told == [
        {"event": "failed", "log_level": "warning", "code": "a"},
        {"event": "failed", "log_level": "warning", "code": "b"},
        {"event": "failed", "log_level": "warning", "code": "c"},
        {"event": "well", "log_level": "info", "failures": 4, "path": "/one"},
        {"event": "failed", "log_level": "warning", "code": "a"},
    ]
