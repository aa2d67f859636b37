"""What the status page shows of the log, also of one that somebody wrote into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from trustworks.app.web import gather
from trustworks.core.audit import Event, Recorder

if TYPE_CHECKING:
    from trustworks.core.store import Database


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000, b'{"subject":5}'])
def test_an_event_that_cannot_be_read_leaves_the_others_on_the_page(database: Database, body: bytes) -> None:
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    with Recorder.open(database, "test", now=lambda: moment) as recorder:
        recorder.record(
            Event(type="test.done", outcome="success", actor="tester", subject={"number": 1}, time=moment)
        )
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO audit_events (stream, sequence, time, type, hash, body) "
                "VALUES ('x', 0, 0, 't', :hash, :body)"
            ),
            {"hash": b"", "body": body},
        )
    with database.read() as connection:
        shown = [event.type for event in gather._events(connection)]
    assert sorted(shown) == ["audit.stream-closed", "audit.stream-opened", "test.done"]
