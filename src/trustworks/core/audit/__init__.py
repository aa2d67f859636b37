"""The audit log: append-only, hash-chained, Merkle-logged, signed and time-stamped.

A process opens a `Recorder` and hands it events with the rows that belong to them; both are durable, in one
transaction, before anybody is answered. One `Sequencer` appends the events of all streams to the Merkle
tree and signs checkpoints.
"""

from __future__ import annotations

from trustworks.core.audit.model import JSON, Event, Row
from trustworks.core.audit.recorder import Recorder
from trustworks.core.audit.releases import Releases
from trustworks.core.audit.sequencer import Progress, Sequencer

__all__ = ["JSON", "Event", "Progress", "Recorder", "Releases", "Row", "Sequencer"]
