"""The audit log: append-only, hash-chained, Merkle-logged, signed and time-stamped.

A process opens a `Recorder` and hands it events with the rows that belong to them; both are durable, in one
transaction, before anybody is answered. One `Sequencer` appends the events of all streams to the Merkle
tree and signs checkpoints.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustworks.core.audit.model import JSON, Event, Row
    from trustworks.core.audit.recorder import Recorder
    from trustworks.core.audit.releases import Releases
    from trustworks.core.audit.sequencer import Progress, Sequencer

__all__ = ["JSON", "Event", "Progress", "Recorder", "Releases", "Row", "Sequencer"]

_PLACES = {
    "Event": "model",
    "JSON": "model",
    "Progress": "sequencer",
    "Recorder": "recorder",
    "Releases": "releases",
    "Row": "model",
    "Sequencer": "sequencer",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: what only writes canonical JSON needs no database."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
