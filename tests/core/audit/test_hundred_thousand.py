"""A log of a hundred thousand events: verified in seconds, and one changed byte is named."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from trustworks.core.audit import Event, Recorder, Sequencer, records
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit.report import Report
    from trustworks.core.module import Key
    from trustworks.core.store import Database

COUNT = 100_000


def record_many(recorder: Recorder, event: Callable[..., Event], count: int) -> None:
    """Record `count` events; what is submitted inside an action waits, and is committed in batches."""
    same = event(0)  # the same event each time: the test is about the log

    def submit(_: object) -> None:
        for _number in range(count - 2):
            recorder.submit(same, released=lambda _: None)

    recorder.transact(same, submit)
    recorder.record(same)


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_one_changed_byte_among_a_hundred_thousand_events(
    database: Database, event: Callable[..., Event], audit_key: Key
) -> None:
    sequencer = Sequencer(database, audit_key)
    with Recorder.open(database, "one") as one, Recorder.open(database, "two") as two:
        for recorder, count in ((one, COUNT // 2), (two, COUNT // 2 - 4)):
            record_many(recorder, event, count)
            sequencer.run_once(checkpoint=True)
    sequencer.run_once(checkpoint=True)

    def run(**options: Any) -> Report:
        with database.read() as connection:
            return verify(DatabaseSource(connection), **options)

    began = time.process_time()
    report = run(trusted=frozenset([audit_key.spki_sha256.hex()]))
    took = time.process_time() - began
    assert report.ok, report.findings
    assert (report.events, report.size, report.covered) == (COUNT, COUNT, COUNT)
    assert took < 20  # seconds of one core; some three on a quiet machine of 2024

    where = "WHERE stream = :stream AND sequence = :sequence"
    place: dict[str, Any] = {"stream": two.stream, "sequence": 31_415}
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_update"))
        e = records.events.c
        body = connection.execute(
            select(e.body).where(e.stream == place["stream"], e.sequence == place["sequence"])
        ).scalar_one()
        changed = body.replace(b"success", b"succesS")
        connection.execute(text(f"UPDATE audit_events SET body = :body {where}"), place | {"body": changed})  # noqa: S608
    report = run()
    assert [one.as_dict() for one in report.findings] == [
        {
            "kind": "altered",
            "message": "The event was altered: it has not the hash that was recorded for it.",
            "position": COUNT // 2 + 31_415 + 1,
            "time": "2026-11-24T12:00:00.000000Z",
            "type": "test.done",
            **place,
        }
    ]
