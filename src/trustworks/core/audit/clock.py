"""The trusted clock's events in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trustworks.core.audit.model import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit.recorder import Recorder

# Events that tell of a loss; a release is an operator's success, all others are the ordinary course.
FAILURES = frozenset(
    {
        "clock.lease-lost",
        "clock.refusal-changed",
        "clock.latched",
        "clock.collector-died",
        "clock.jump-before-lease",
        "clock.suspended-before-lease",
        "clock.leap-missed-before-lease",
    }
)


def clock_events(recorder: Recorder) -> Callable[[str, dict[str, Any]], None]:
    """What a `Collector` calls for its events: writes each to the audit log and returns when it is durable.

    The events' time is the unchecked clock's: they are about the very clock that is in question.
    """

    def on_event(kind: str, detail: dict[str, Any]) -> None:
        recorder.record(
            Event(
                type=kind,
                outcome="failure" if kind in FAILURES else "success",
                actor=str(detail.get("operator", "collector")),
                subject={"kind": "clock"},
                detail=detail,
                time=datetime.now(UTC),
            )
        )

    return on_event
