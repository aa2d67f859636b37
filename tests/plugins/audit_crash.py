"""What is killed in the crash tests of the audit log: threads that record, and a sequencer."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table

from trustworks.core.audit import Event, Recorder, Row, Sequencer
from trustworks.core.errors import Unavailable
from trustworks.core.store import Database

if TYPE_CHECKING:
    from crash import Say

    from trustworks.core.store import StoreSettings

acknowledged = Table("test_acknowledged", MetaData(), Column("name", String(60), primary_key=True))


def record_for_ever(say: Say, settings: StoreSettings, number: int) -> None:
    """Record from four threads, say each name when it is durable, append to the Merkle log meanwhile."""
    with Database.open(settings) as database:
        recorder = Recorder.open(database, "crash", probe_every=0.01)
        for thread in range(4):
            threading.Thread(target=_record, args=(say, recorder, f"{number}-{thread}"), daemon=True).start()
        sequencer = Sequencer(database, None)
        while True:
            try:
                sequencer.run_once()
            except Unavailable:
                time.sleep(0.005)


def _record(say: Say, recorder: Recorder, prefix: str) -> None:
    for count in itertools.count():
        name = f"{prefix}-{count}"
        event = Event(
            type="test.acknowledged",
            outcome="success",
            actor="tester",
            subject={"name": name},
            time=datetime.now(UTC),
        )
        try:
            recorder.record(event, Row(acknowledged, {"name": name}))
        except Unavailable:
            time.sleep(0.002)
        else:
            say(name)
