"""Verification: a sound log is sound, and a change is found and named, whoever made it."""

# ruff: noqa: S608 - the names in the statements are the tests' own

from __future__ import annotations

import base64
import errno
import io
import json
import os
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from checkpoint_stamper import Stamper, accept_token, another_key, certificate_over
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from trustworks.core.audit import Event, Recorder, Sequencer, heads, records
from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit.completeness import Seen, Unstamped, succession_findings
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.export import ExportSource, export_lines, opened_export
from trustworks.core.audit.model import time_text
from trustworks.core.audit.proofs import newest_checkpoint
from trustworks.core.audit.report import Report
from trustworks.core.audit.stored import StoredCheckpoint
from trustworks.core.audit.tokens import EARLY, LATE
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module import SignatureScheme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trustworks.core.audit.checkpoint import Checkpoint
    from trustworks.core.module import Key
    from trustworks.core.store import Database

TRIGGERS = [
    (table, action)
    for table in ("audit_events", "audit_log", "audit_tiles", "audit_checkpoints")
    for action in ("update", "delete")
]


def report_of(database: Database, **options: Any) -> Report:
    options.setdefault("check_token", accept_token)
    with database.inspect() as connection:
        return verify(DatabaseSource(connection), **options)


def kinds(report: Report) -> list[tuple[str, str | None, int | None]]:
    return [(one.kind, one.stream, one.sequence) for one in report.findings]


class Log:
    """A log of two streams, 300 events and two checkpoints, and an administrator who can change it."""

    def __init__(self, database: Database, key: Key, event: Callable[..., Event]) -> None:
        self.database = database
        sequencer = Sequencer(database, key, None, Stamper(), check_token=accept_token)
        with Recorder.open(database, "one") as one:
            for number in range(19):
                one.record(event(number))
            sequencer.run_once(checkpoint=True)
            with Recorder.open(database, "two") as two:
                sequencer.run_once()
                self._many(two, event, 290)
                sequencer.run_once(checkpoint=True)
                self._many(two, event, 3)
        self.one, self.two = one.stream, two.stream
        with database.begin() as connection:
            for table, action in TRIGGERS:
                on = f" ON {table}" if database.dialect == "postgresql" else ""
                connection.execute(text(f"DROP TRIGGER {table}_no_{action}{on}"))
            on = " ON audit_streams" if database.dialect == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER audit_streams_no_delete{on}"))

    def _many(self, recorder: Recorder, event: Callable[..., Event], count: int) -> None:
        def submit(_: object) -> None:
            for number in range(1, count):
                recorder.submit(event(number), released=lambda _: None)

        recorder.transact(event(0), submit)
        recorder.record(event(count))

    def change(self, statement: str, **values: Any) -> None:
        with self.database.begin() as connection:
            if self.database.dialect == "sqlite":
                connection.execute(text("PRAGMA defer_foreign_keys = 1"))
            connection.execute(text(statement), values)

    def body(self, stream: str, sequence: int) -> bytes:
        e = records.events.c
        with self.database.read() as connection:
            return bytes(
                connection.execute(
                    select(e.body).where(e.stream == stream, e.sequence == sequence)
                ).scalar_one()
            )

    def kept(self, number: int) -> Checkpoint:
        """A checkpoint, as somebody kept it."""
        c = records.checkpoints.c
        with self.database.read() as connection:
            row = connection.execute(
                select(c.body, c.signature, c.spki, c.certificate, c.time_stamp).where(c.number == number)
            ).one()
        return checkpoints.read(*row)


@pytest.fixture
def log(database: Database, audit_key: Key, event: Callable[..., Event]) -> Log:
    return Log(database, audit_key, event)


def test_an_empty_log_is_sound(database: Database) -> None:
    report = report_of(database)
    assert report.ok
    assert (report.events, report.size, report.covered) == (0, 0, 0)


def test_a_sound_log(log: Log, audit_key: Key, database: Database) -> None:
    seen: list[int] = []
    report = report_of(database, trusted=frozenset([audit_key.spki_sha256.hex()]), progress=seen.append)
    assert report.ok, report.findings
    assert report.as_dict()["ok"]
    assert report.events == 20 + 1 + 291 + 4 + 2
    assert (report.size, report.waiting, report.covered) == (312, 6, 312)
    assert (report.streams, report.open_streams) == (2, 0)
    assert (report.checkpoints, report.time_stamps) == (2, 2)
    stamped = [log.kept(number).time_stamp or b"" for number in (0, 1)]
    moments = [time_text(datetime.fromisoformat(one.partition(b" ")[0].decode())) for one in stamped]
    assert [report.first_time_stamp, report.last_time_stamp] == moments
    assert report.keys == [audit_key.spki_sha256.hex()]
    assert seen[-1] == report.events
    assert (report.first_time or "") < (report.last_time or "")
    assert log.kept(0).size == 20


# ---- one event altered


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_names_the_event(log: Log, data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from([log.one, log.two]))
    sequence = data.draw(st.integers(0, 20 if stream == log.one else 290))
    body = log.body(stream, sequence)
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([body[place] ^ data.draw(st.integers(1, 255))]) + body[place + 1 :]
    where = "WHERE stream = :stream AND sequence = :sequence"
    log.change(f"UPDATE audit_events SET body = :b {where}", b=changed, stream=stream, sequence=sequence)
    found = report_of(log.database)
    log.change(f"UPDATE audit_events SET body = :b {where}", b=body, stream=stream, sequence=sequence)
    assert kinds(found) == [("altered", stream, sequence)]
    assert found.findings[0].type in {"test.done", "audit.stream-opened", "audit.stream-closed"}


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize(
    ("column", "value"),
    [("hash", b"\0" * 32), ("time", 5), ("type", "test.other")],
)
def test_a_column_beside_the_event(log: Log, column: str, value: Any) -> None:
    log.change(
        f"UPDATE audit_events SET {column} = :v WHERE stream = :s AND sequence = 7", v=value, s=log.two
    )
    assert kinds(report_of(log.database)) == [("altered", log.two, 7)]


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"{}", b"\xff", b"{" * 5000, b"[" * 100_000 + b"]" * 100_000]
)
def test_an_event_replaced_by_something_else(log: Log, body: bytes) -> None:
    log.change("UPDATE audit_events SET body = :b WHERE stream = :s AND sequence = 7", b=body, s=log.two)
    assert kinds(report_of(log.database)) == [("altered", log.two, 7)]


def rewritten(log: Log, sequence: int, *, link: bool) -> None:
    """Replace an event of stream two with its hash everywhere, in the next event too if `link`."""
    body = log.body(log.two, sequence).replace(b"a test", b"no one")
    change_event(log, sequence, body)
    if link:
        following = json.loads(log.body(log.two, sequence + 1))
        before = following["previous"]
        after = sha256(b"\0" + body).hexdigest()
        text_after = log.body(log.two, sequence + 1).replace(before.encode(), after.encode())
        change_event(log, sequence + 1, text_after)


def change_event(log: Log, sequence: int, body: bytes) -> None:
    digest = sha256(b"\0" + body).digest()
    where = "WHERE stream = :s AND sequence = :n"
    log.change(
        f"UPDATE audit_events SET body = :b, hash = :h {where}", b=body, h=digest, s=log.two, n=sequence
    )
    log.change(f"UPDATE audit_log SET hash = :h {where}", h=digest, s=log.two, n=sequence)


@pytest.mark.req("TRUSTWORKS:AUDIT-02", "TRUSTWORKS:AUDIT-09")
def test_an_event_rewritten_with_its_hashes(log: Log) -> None:
    rewritten(log, 7, link=False)
    found = kinds(report_of(log.database))
    assert ("chain", log.two, 8) in found
    assert {kind for kind, _, _ in found} == {"chain", "tile", "rewritten"}


@pytest.mark.req("TRUSTWORKS:AUDIT-02", "TRUSTWORKS:AUDIT-09")
def test_an_event_and_the_next_link_rewritten(log: Log) -> None:
    rewritten(log, 7, link=True)
    report = report_of(log.database)
    assert ("chain", log.two, 9) in kinds(report)
    wrong = [one for one in report.findings if one.kind == "rewritten"]
    # The first checkpoint, over 20 events, still agrees: the change is after it.
    assert len(wrong) == 1
    assert "The last agreement is at 20 events" in wrong[0].message


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"no JSON",
        b'{"sequence":290}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"time":"\\ud800"}',
        b'{"time":"0001-01-01T00:00:00+23:00","sequence":1e999,"detail":NaN}',
    ],
)
def test_something_else_with_all_its_hashes(log: Log, body: bytes) -> None:
    last = 290
    change_event(log, last, body)
    found = [one for one in report_of(log.database).findings if one.stream == log.two]
    assert "altered" in {one.kind for one in found}
    assert {one.sequence for one in found} <= {last, last + 1}


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize("body", [b"[" * 100_000 + b"]" * 100_000, b'{"time":"\\ud800","type":"\\udfff"}'])
def test_an_added_row_that_nobody_could_read(log: Log, body: bytes) -> None:
    log.change(
        "INSERT INTO audit_events (stream, sequence, time, type, hash, body) VALUES ('x', 0, 0, 't', :h, :b)",
        h=sha256(b"\0" + body).digest(),
        b=body,
    )
    report = report_of(log.database, checkpoint_every=timedelta(seconds=10))
    assert ("altered", "x", 0) in kinds(report)
    json.dumps(report.as_dict(), ensure_ascii=False).encode()


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "values",
    [
        "'x', 'not a number', 0, 't', x'00', x'00'",
        "'x', 0, 'noon', 't', x'00', x'00'",
        "'x', 0, 0, x'ff', x'00', x'00'",
        "'x', 0, 0, 't', 'h', 'a text'",
        "x'ff', 0, 0, 't', x'00', x'00'",
        "'x', 9223372036854775807, 0, 't', x'00', x'00'",
        "'x', -1, 0, 't', x'00', x'00'",
        "'x', 0, 0, CAST(x'74ff' AS TEXT), x'00', x'00'",
        "CAST(x'ff' AS TEXT), 0, 0, 't', x'00', x'00'",
    ],
)
def test_a_row_of_values_of_other_kinds(log: Log, values: str) -> None:
    log.change(f"INSERT INTO audit_events (stream, sequence, time, type, hash, body) VALUES ({values})")
    report = report_of(log.database)
    assert {one.kind for one in report.findings} >= {"altered"}
    json.dumps(report.as_dict())


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ["time = 'noon'", "type = x'ff'"])
def test_a_column_of_another_kind_is_all_that_is_wrong(log: Log, change: str) -> None:
    log.change(f"UPDATE audit_events SET {change} WHERE stream = :s AND sequence = 7", s=log.two)
    report = report_of(log.database)
    assert kinds(report) == [("altered", log.two, 7)]
    assert report.covered == 312


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_checkpoints_and_tiles_of_values_of_other_kinds(log: Log) -> None:
    log.change("UPDATE audit_checkpoints SET body = 'a text' WHERE number = 1")
    log.change("UPDATE audit_tiles SET root = 'a text'")
    found = report_of(log.database).findings
    assert {one.kind for one in found} == {"checkpoint", "tile"}
    assert "Checkpoint 1 " in next(one.message for one in found if one.kind == "checkpoint")


# ---- events removed, added, moved


@pytest.mark.req("TRUSTWORKS:AUDIT-02")
@pytest.mark.parametrize("log_too", [False, True])
def test_a_removed_event(log: Log, log_too: bool) -> None:
    if log.database.dialect == "postgresql":
        log.change("ALTER TABLE audit_log DROP CONSTRAINT fk_audit_log_stream_sequence_audit_events")
    else:
        log.change("CREATE TABLE copy AS SELECT * FROM audit_log")
        log.change("DROP TABLE audit_log")
        log.change("ALTER TABLE copy RENAME TO audit_log")
    if log_too:
        log.change("DELETE FROM audit_log WHERE stream = :s AND sequence = 7", s=log.two)
    log.change("DELETE FROM audit_events WHERE stream = :s AND sequence = 7", s=log.two)
    found = kinds(report_of(log.database))
    assert ("missing", log.two, 8 if log_too else 7) in found
    if log_too:
        assert "log-gap" in {kind for kind, _, _ in found}
    else:
        assert found == [("missing", log.two, 7)]


@pytest.mark.req("TRUSTWORKS:AUDIT-02")
def test_events_swapped_in_the_merkle_log(log: Log) -> None:
    log.change("UPDATE audit_log SET position = 9999 WHERE position = 100")
    log.change("UPDATE audit_log SET position = 100 WHERE position = 101")
    log.change("UPDATE audit_log SET position = 101 WHERE position = 9999")
    found = {kind for kind, _, _ in kinds(report_of(log.database))}
    assert found >= {"missing", "tile", "rewritten"}


@pytest.mark.req("TRUSTWORKS:AUDIT-02")
def test_an_event_added_after_the_end(log: Log) -> None:
    last = 20
    previous = sha256(b"\0" + log.body(log.one, last)).hexdigest()
    value = json.loads(log.body(log.one, 3)) | {"sequence": last + 1, "previous": previous}
    body = json.dumps(value).encode()
    log.change(
        "INSERT INTO audit_events (stream, sequence, time, type, hash, body) "
        "SELECT stream, :n, time, type, :h, :b FROM audit_events WHERE stream = :s AND sequence = 3",
        n=last + 1, h=sha256(b"\0" + body).digest(), b=body, s=log.one,
    )  # fmt: skip
    assert kinds(report_of(log.database)) == [("after-close", log.one, last + 1)]


# ---- the tree and its checkpoints


@pytest.mark.parametrize("column", ["root", "hashes"])
def test_a_changed_tile(log: Log, column: str) -> None:
    log.change(f"UPDATE audit_tiles SET {column} = :v", v=b"\0" * 32)
    assert kinds(report_of(log.database)) == [("tile", None, None)]


def test_a_missing_tile(log: Log) -> None:
    log.change("DELETE FROM audit_tiles")
    assert kinds(report_of(log.database)) == [("tile", None, None)]


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
@pytest.mark.parametrize(("level", "tile"), [(0, 1), (1, 0), (7, 3), (0, -1)])
def test_a_tile_too_many(log: Log, level: int, tile: int) -> None:
    log.change(
        "INSERT INTO audit_tiles (level, tile, root, hashes) VALUES (:l, :t, :v, :v)",
        l=level,
        t=tile,
        v=b"\0" * 32,
    )
    report = report_of(log.database)
    assert kinds(report) == [("tile", None, None)]
    assert f"tile {tile} of level {level}" in report.findings[0].message


@pytest.mark.req("TRUSTWORKS:AUDIT-09")
def test_a_log_that_was_cut(log: Log, database: Database) -> None:
    kept = log.kept(1)
    assert report_of(database, against=[kept]).ok
    log.change("DELETE FROM audit_checkpoints WHERE number > 0")
    log.change("DELETE FROM audit_log WHERE position >= 20")
    log.change("DELETE FROM audit_events WHERE stream = :s OR sequence >= 20", s=log.two)
    # Not cleanly yet: the database still knows what it had.
    report = report_of(database)
    assert {one.kind for one in report.findings} == {"stream", "tile"}
    assert {one.message.split(":")[0] for one in report.findings if one.kind == "stream"} == {log.two}
    log.change("DELETE FROM audit_streams WHERE stream = :s", s=log.two)
    assert kinds(report_of(database)) == [("tile", None, None)]
    log.change("DELETE FROM audit_tiles")
    # Cut at a checkpoint and cleanly, the log itself shows nothing of it.
    assert report_of(database).ok
    found = report_of(database, against=[kept])
    assert kinds(found) == [("truncated", None, None)]
    assert "has 20 events and had 312" in found.findings[0].message


@pytest.mark.req("TRUSTWORKS:AUDIT-09")
def test_another_log(log: Log, audit_key: Key, database: Database) -> None:
    body = checkpoints.make_body(
        size=log.kept(0).size, root=log.kept(0).root, log=bytes(32), time=datetime.now(UTC), key=audit_key
    )
    other = checkpoints.read(body, audit_key.sign(body), audit_key.spki)
    assert kinds(report_of(database, against=[other])) == [("rewritten", None, None)]


@pytest.mark.req("TRUSTWORKS:AUDIT-05")
def test_checkpoints_are_verified_by_themselves(log: Log, audit_key: Key, database: Database) -> None:
    other = frozenset(["00" * 32])
    assert {kind for kind, _, _ in kinds(report_of(database, trusted=other))} == {"signer"}
    kept = log.kept(1)
    forged = replace(kept, signature=kept.signature[:-1] + bytes([kept.signature[-1] ^ 1]))
    assert [kind for kind, _, _ in kinds(report_of(database, against=[forged]))] == [
        "signature",
        "time-stamp",
    ]
    log.change("UPDATE audit_checkpoints SET time_stamp = :t WHERE number = 1", t=b"token")
    found = report_of(database)
    assert kinds(found) == [("time-stamp", None, None)]
    assert "checkpoint 1" in found.findings[0].message
    assert found.time_stamps == 1
    assert audit_key.spki_sha256.hex() in found.keys


@pytest.mark.req("TRUSTWORKS:AUDIT-05")
@pytest.mark.parametrize(("column", "value"), [("size", 10**9), ("time", 0), ("time", 2**62)])
def test_a_column_beside_the_checkpoint(log: Log, column: str, value: int) -> None:
    log.change(f"UPDATE audit_checkpoints SET {column} = :v WHERE number = 1", v=value)
    report = report_of(log.database)
    assert kinds(report) == [("checkpoint", None, None)]
    assert report.findings[0].message.startswith("Checkpoint 1 ")
    assert f"another {column}." in report.findings[0].message
    assert report.covered == 312  # it is compared with the tree all the same


# ---- time-stamps and certificates of checkpoints


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
@pytest.mark.parametrize(
    ("after", "holds"),
    [
        (timedelta(), True),
        (LATE, True),
        (LATE + timedelta(seconds=1), False),
        (timedelta(days=9000), False),  # a checkpoint that was dated back
        (-EARLY, True),
        (-EARLY - timedelta(seconds=1), False),
        (-timedelta(days=9000), False),
    ],
)
def test_a_time_stamp_is_of_the_time_that_the_checkpoint_says(
    database: Database, recorder: Recorder, audit_key: Key, after: timedelta, holds: bool
) -> None:
    recorder.ping()
    signed = datetime(2026, 11, 24, 12, tzinfo=UTC)
    stamper = Stamper(lambda: signed + after)
    # Whoever wrote the log anew did not hold the token against the checkpoint.
    sequencer = Sequencer(
        database, audit_key, None, stamper, now=lambda: signed, check_token=lambda *_: signed
    )
    assert sequencer.run_once(checkpoint=True).stamped
    report = report_of(database)
    assert report.ok is holds
    assert report.time_stamps == holds
    if not holds:
        assert kinds(report) == [("time-stamp", None, None)]
        for time in (signed, signed + after):
            assert time_text(time) in report.findings[0].message
        assert report.last_time_stamp is None


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
@pytest.mark.parametrize("zone", ["Z", "+23:59", "-23:59"])
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00.000000", "9999-12-31T23:59:59.999999"])
def test_a_time_at_the_end_of_the_calendar_is_no_obstacle(log: Log, time: str, zone: str) -> None:
    one = log.kept(1)
    body = one.body.replace(one.time.encode(), (time + zone).encode())
    log.change("UPDATE audit_checkpoints SET body = :b WHERE number = 1", b=body)
    found = report_of(log.database, time_stamp_every=timedelta(seconds=300))
    assert {"checkpoint", "signature", "time-stamp"} <= {one.kind for one in found.findings}


class Stamped:
    """A log of which one sequencer signs, and another asks for time-stamps too, every five minutes."""

    def __init__(self, database: Database, key: Key, record: Callable[[int], object]) -> None:
        self.begun = self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.database = database
        self._record = record
        options: dict[str, Any] = {"now": lambda: self.now, "check_token": accept_token}
        self.stamping = Sequencer(database, key, None, Stamper(lambda: self.now), **options)
        self.signing = Sequencer(database, key, **options)

    def sign(self, sequencer: Sequencer, *minutes: float) -> None:
        """An event and a checkpoint at each of these minutes."""
        for minute in minutes:
            self.now = self.begun + timedelta(minutes=minute)
            self._record(int(minute * 60))
            sequencer.run_once(checkpoint=True)

    def report(self, every: timedelta | None = timedelta(minutes=5)) -> Report:
        return report_of(self.database, time_stamp_every=every)


@pytest.fixture
def stamped(database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key) -> Stamped:
    return Stamped(database, audit_key, lambda number: recorder.record(event(number)))


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
def test_time_stamps_that_did_not_come_for_long_are_noticed(stamped: Stamped) -> None:
    stamped.sign(stamped.stamping, 0)
    stamped.sign(stamped.signing, *range(3000, 3151, 5))
    assert stamped.report().notices == []
    stamped.sign(stamped.signing, 3152)
    report = stamped.report()
    assert report.ok
    (notice,) = report.notices
    assert notice.kind == "no-time-stamp"
    first = time_text(stamped.begun + timedelta(minutes=3000))
    for said in ("2:32:00", first, "32 checkpoints", "/healthz", "[audit] time-stamp-url"):
        assert said in notice.message, said
    assert report.as_dict()["notices"] == [notice.as_dict()]
    assert stamped.report(None).notices == []  # nobody is asked for them
    stamped.sign(stamped.stamping, 3160)  # one of a later checkpoint stands for the others
    assert stamped.report().notices == []


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
def test_time_in_which_nothing_was_signed_is_none_without_a_time_stamp(stamped: Stamped) -> None:
    stamped.sign(stamped.stamping, 0)
    # Each stop leaves a checkpoint without a time-stamp, as the first after each start is.
    stamped.sign(stamped.signing, 1, 3000, 3000.1, 9000, 9000.1, 20_000, 20_000.1)
    # A clock that is put back takes nothing off, and one that was ahead adds no more than a pause does.
    stamped.sign(stamped.signing, 900_000, 20_001)
    assert stamped.report().notices == []
    assert stamped.report().ok


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
def test_time_stamps_that_were_taken_away_are_noticed(stamped: Stamped) -> None:
    stamped.sign(stamped.stamping, *range(0, 160, 5))
    assert stamped.report().notices == []
    on = " ON audit_checkpoints" if stamped.database.dialect == "postgresql" else ""
    with stamped.database.begin() as connection:
        connection.execute(text(f"DROP TRIGGER audit_checkpoints_no_update{on}"))
        connection.execute(text("UPDATE audit_checkpoints SET time_stamp = NULL"))
    assert [one.kind for one in stamped.report().notices] == ["no-time-stamp"]


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
@pytest.mark.parametrize("other", [True, False])
def test_a_certificate_is_of_the_key_that_signed(log: Log, other: bool) -> None:
    certificate = certificate_over(another_key()) if other else b"no certificate"
    log.change("UPDATE audit_checkpoints SET certificate = :c WHERE number = 1", c=certificate)
    found = report_of(log.database)
    assert kinds(found) == [("certificate", None, None)]
    assert "checkpoint 1" in found.findings[0].message
    with log.database.read() as connection, pytest.raises(Rejected) as caught:
        newest_checkpoint(connection)
    assert caught.value.code == "audit.certificate"


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
def test_the_certificate_of_the_signer_is_accepted(
    database: Database, recorder: Recorder, audit_key: Key
) -> None:
    recorder.ping()
    certificate = certificate_over(audit_key.spki)
    Sequencer(database, audit_key, certificate).run_once(checkpoint=True)
    assert report_of(database).ok
    with database.read() as connection:
        assert newest_checkpoint(connection).certificate == certificate


def test_checkpoints_are_verified_without_keeping_them(
    database: Database, recorder: Recorder, audit_key: Key
) -> None:
    recorder.ping()
    Sequencer(database, audit_key, None, Stamper(), check_token=accept_token).run_once(checkpoint=True)
    with database.begin() as connection:
        (row,) = connection.execute(select(records.checkpoints)).mappings()
        many = [{**row, "number": number, "time_stamp": bytes(10_000)} for number in range(1, 1001)]
        connection.execute(insert(records.checkpoints), many)
    del many

    def refuse(*_: bytes) -> datetime:
        raise Rejected("test", "It is none.")

    report_of(database, check_token=refuse)  # what is kept for ever, such as compiled statements
    tracemalloc.start()
    try:
        assert report_of(database, check_token=refuse).checkpoints == 1001
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5_000_000, most  # they have ten million octets


def test_of_a_checkpoint_little_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "signature_is_valid", lambda _: True)  # only the memory is measured
    key = SimpleNamespace(spki=another_key(), scheme=SignatureScheme.ECDSA_SHA256)
    count, begun = 10_000, datetime(2026, 11, 24, 12, tzinfo=UTC)

    def many() -> Iterator[StoredCheckpoint]:
        for number in range(count):
            time = begun + timedelta(seconds=10 * number)
            body = checkpoints.make_body(
                size=number + 1, root=sha256(b"%d" % number).digest(), log=bytes(32), time=time, key=key
            )
            yield StoredCheckpoint(number, checkpoints.read(body, b"signature", key.spki))

    def kept() -> int:
        held = heads.Heads(
            many(), (), Report(), trusted=frozenset(), check_token=accept_token, unstamped=Unstamped(None)
        )
        assert len(held.numbers) == count
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        taken = kept() - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken < 100 * count, taken


@pytest.mark.req("TRUSTWORKS:AUDIT-09")
def test_checkpoints_in_another_order_are_compared_all_the_same(log: Log, database: Database) -> None:
    log.change("UPDATE audit_checkpoints SET number = 5 WHERE number = 0")
    found = report_of(database)
    assert {kind for kind, *_ in kinds(found)} == {"checkpoint-gap"}
    assert found.covered == 312
    log.change("UPDATE audit_log SET hash = :h WHERE position = 3", h=bytes(32))
    rewritten = [one.message for one in report_of(database).findings if one.kind == "rewritten"]
    assert ["checkpoint 5 (" in rewritten[0], "checkpoint 1 (" in rewritten[1]] == [True, True]


# ---- what is gone beside the events


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
def test_checkpoints_that_are_gone(log: Log, database: Database) -> None:
    later, every = datetime(2027, 1, 1, tzinfo=UTC), timedelta(seconds=10)
    assert report_of(database, checkpoint_every=every, now=later).ok
    log.change("DELETE FROM audit_checkpoints WHERE number = 0")
    found = report_of(database)
    assert kinds(found) == [("checkpoint-gap", None, None)]
    assert "0 is gone" in found.findings[0].message
    log.change("DELETE FROM audit_checkpoints")
    assert report_of(database).ok  # nobody signs this log
    begun = datetime.fromisoformat(report_of(database).first_time or "")
    assert report_of(database, checkpoint_every=every, now=begun + timedelta(minutes=5)).ok
    found = report_of(database, checkpoint_every=every, now=begun + timedelta(minutes=6))
    assert kinds(found) == [("no-checkpoint", None, None)]


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
def test_a_log_that_went_on_without_checkpoints(
    database: Database, audit_key: Key, event: Callable[..., Event]
) -> None:
    every = timedelta(seconds=10)
    begun = event().time
    unsigned, signed = Sequencer(database, None), Sequencer(database, audit_key, now=lambda: begun)
    with Recorder.open(database, "test", now=lambda: begun) as recorder:
        signed.run_once(checkpoint=True)
        recorder.record(event(1000))
        recorder.record(event(299_000))
        # An event's own time may be of a clock that nobody checked; the checkpoint's is its signer's.
        recorder.record(event(-90_000_000))
        unsigned.run_once()
        # What is not in the Merkle log yet may be old: nobody may have been there to sign it.
        recorder.record(event(9_000_000))
        later = begun + timedelta(days=1)
        assert report_of(database, checkpoint_every=every, now=later).ok
        recorder.record(event(9_000_001))
        unsigned.run_once()
        found = report_of(database, checkpoint_every=every, now=later)
        assert kinds(found) == [("no-checkpoint", None, None)]
        assert "2026-11-24T12:00:00.000000Z" in found.findings[0].message
        # Not even the present has come so far: that clock was ahead.
        assert report_of(database, checkpoint_every=every, now=begun + timedelta(minutes=4)).ok
        assert report_of(database, checkpoint_every=None, now=later).ok
        signed.run_once(checkpoint=True)
        assert report_of(database, checkpoint_every=every, now=later).ok


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
def test_a_log_that_nobody_served_yet_waits_for_its_first_checkpoint(
    database: Database, event: Callable[..., Event]
) -> None:
    later, every = event().time + timedelta(days=1), timedelta(seconds=10)
    with Recorder.open(database, "test") as recorder:
        recorder.record(event())
    assert report_of(database, checkpoint_every=every, now=later).ok
    Sequencer(database, None).run_once()
    assert kinds(report_of(database, checkpoint_every=every, now=later)) == [("no-checkpoint", None, None)]


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
def test_checkpoints_keep_their_numbers_behind_a_gap(log: Log, database: Database) -> None:
    log.change("DELETE FROM audit_checkpoints WHERE number = 0")
    log.change("UPDATE audit_checkpoints SET signature = :s WHERE number = 1", s=b"")
    found = {one.kind: one.message for one in report_of(database).findings}
    assert "checkpoint 1 " in found["signature"]
    assert "checkpoint 1 " in found["time-stamp"]
    log.change("UPDATE audit_checkpoints SET body = :b WHERE number = 1", b=b"[" * 100_000)
    (wrong,) = (one.message for one in report_of(database).findings if one.kind == "checkpoint")
    assert wrong.startswith("Checkpoint 1 cannot be verified.")


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM audit_streams WHERE stream = :s", "its row is gone"),
        (
            "UPDATE audit_streams SET logged = logged + 5 WHERE stream = :s",
            "of the stream were in",
        ),
        ("UPDATE audit_streams SET logged = 0 WHERE stream = :s", "0 events of the stream were"),
        ("UPDATE audit_streams SET closed = NOT closed WHERE stream = :s", "The end of the stream"),
        (
            "INSERT INTO audit_streams SELECT 'gone', role, opened, 0, closed FROM audit_streams "  # noqa: ISC004
            "WHERE stream = :s",
            "none of its events is there",
        ),
    ],
)
def test_a_stream_that_is_not_as_noted(log: Log, database: Database, statement: str, said: str) -> None:
    log.change(statement, s=log.one)
    found = report_of(database)
    assert kinds(found) == [("stream", None, None)]
    assert said in found.findings[0].message


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
def test_a_stream_that_another_one_names() -> None:
    seen = {"one": Seen(events=5)}
    assert succession_findings({"one": 5}, seen) == ()
    assert len(succession_findings({"one": 6}, seen)) == 1
    assert len(succession_findings({"two": 1}, seen)) == 1


class Things:
    """Checks the records of events `test.done`."""

    types = frozenset({"test.done"})

    def event(self, value: Mapping[str, Any]) -> str | None:
        return "It is thirteen." if value["subject"]["number"] == 13 else None

    def rest(self) -> Iterator[str]:
        yield "One has no event."


@pytest.mark.req("TRUSTWORKS:AUDIT-14")
def test_records_are_compared_with_their_events(log: Log, database: Database) -> None:
    found = report_of(database, checkers=[Things()])
    assert kinds(found) == [
        ("record", log.one, 14),
        ("record", log.two, 14),
        ("record", None, None),
    ]


# ---- exports


@pytest.fixture
def exported(log: Log, tmp_path: Path) -> Path:
    file = tmp_path / "export.jsonl"
    with log.database.read() as connection, file.open("wb") as lines:
        lines.writelines(export_lines(DatabaseSource(connection)))
    return file


def verified(file: Path) -> Report:
    with opened_export(file) as source:
        return verify(source, check_token=accept_token)


def test_an_export_is_verified_like_the_database(exported: Path, log: Log) -> None:
    report = verified(exported)
    assert report.ok, report.findings
    assert report.as_dict() == report_of(log.database).as_dict()
    # And exported again, it is the same.
    with opened_export(exported) as source:
        assert b"".join(export_lines(source)) == exported.read_bytes()


@pytest.mark.req("TRUSTWORKS:AUDIT-01")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_of_an_export(exported: Path, data: st.DataObject) -> None:
    lines = exported.read_bytes().split(b"\n")[:-1]
    number = data.draw(st.integers(0, 3) | st.integers(4, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[number]) - 1))
    line = bytearray(lines[number])
    line[place] ^= data.draw(st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
    changed = exported.with_name("changed")
    changed.write_bytes(b"\n".join([*lines[:number], bytes(line), *lines[number + 1 :], b""]))
    try:
        report = verified(changed)
    except Malformed as error:
        assert str(changed) in str(error)  # noqa: PT017 - either answer is right
    else:
        assert not report.ok


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[]\n", b'{"type":"trustworks.audit","version":3}\n', b"\xff\n"]
)
def test_a_file_that_is_no_export(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(Malformed, match="no export of an audit log"):
        verified(file)


@pytest.mark.parametrize("version", [b"1", b"2", b"4", b"null", b'"3"', b"[[[]]]"])
def test_an_export_of_another_version_is_said_to_be_one(exported: Path, version: bytes) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    lines[0] = b'{"events":1,"type":"trustworks.audit.export","version":' + version + b"}\n"
    exported.write_bytes(b"".join(lines))
    with pytest.raises(Malformed, match=r"this release reads version 3\. Export the log again"):
        verified(exported)


@pytest.mark.req("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE")
@pytest.mark.parametrize("member", ["certificate", "time_stamp"])
def test_what_nobody_signed_of_a_checkpoint_is_bound_in_an_export(exported: Path, member: str) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    document = json.loads(lines[1])
    document[member] = None if document[member] else base64.b64encode(b"x").decode()
    lines[1] = json.dumps(document).encode() + b"\n"
    exported.write_bytes(b"".join(lines))
    assert "export" in {one.kind for one in verified(exported).findings}


@pytest.mark.req("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE")
def test_events_that_wait_for_the_tree_keep_their_order_in_an_export(exported: Path, log: Log) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    waiting = [n for n, line in enumerate(lines) if b", null, " in line]
    one = [n for n in waiting if log.one.encode() in lines[n]]
    assert (len(one), len(waiting)) == (1, 6)
    moved = lines.pop(one[0])
    for place in (len(lines) - 1, one[0] - 1):  # behind all others, and before the last one of the tree
        # Each stream is in its order still.
        exported.write_bytes(b"".join([*lines[:place], moved, *lines[place:]]))
        assert kinds(verified(exported)) == [("export", None, None)]


@pytest.mark.req("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE")
def test_a_first_line_with_more_in_it_is_none_of_an_export(exported: Path) -> None:
    content = exported.read_bytes()
    exported.write_bytes(content.replace(b'{"events": ', b'{"more": 1, "events": ', 1))
    assert kinds(verified(exported)) == [("export", None, None)]


def test_an_export_is_a_regular_file(exported: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for file in (pipe, tmp_path, Path("/dev/null")):
        with pytest.raises(Malformed, match="write it to a file first"):
            verified(file)
    link = tmp_path / "link"
    link.symlink_to(exported)
    assert verified(link).ok


def test_an_export_is_read_from_one_opened_file(exported: Path) -> None:
    with opened_export(exported) as source:
        exported.unlink()
        exported.write_text("something else")
        assert verify(source, check_token=accept_token).ok


class Broken(io.BytesIO):
    """A file on a disk that fails after some lines."""

    lines = 0

    def __next__(self) -> bytes:
        self.lines += 1
        if self.lines == 8:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().__next__()


def test_an_export_on_a_disk_that_fails(exported: Path) -> None:
    source = ExportSource(exported, Broken(exported.read_bytes()))
    with pytest.raises(Malformed, match=r"cannot be read: Input/output error\."):
        verify(source, check_token=accept_token)


@pytest.mark.req("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_export_that_was_cut_is_not_sound(exported: Path, data: st.DataObject) -> None:
    content = exported.read_bytes()
    head = content.index(b"\n") + 1
    edges = [place + 1 for place in range(head - 1, len(content) - 1) if content[place] == 10]
    cut = exported.with_name("cut")
    cut.write_bytes(content[: data.draw(st.sampled_from(edges) | st.integers(head, len(content) - 1))])
    report = verified(cut)
    assert "export" in {one.kind for one in report.findings}


@pytest.mark.req("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE")
@pytest.mark.parametrize(
    "line", [b"\n", b"garbage\n", b"x", b'{"event":{}}\n', b'{"checkpoint":{}}\n', b"\xff\n"]
)
@pytest.mark.parametrize("before_the_end", [False, True])
def test_lines_that_were_added_to_an_export(exported: Path, line: bytes, before_the_end: bool) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    if before_the_end:
        lines.insert(len(lines) - 1, line if line.endswith(b"\n") else line + b"\n")
    else:
        lines.append(line)
    exported.write_bytes(b"".join(lines))
    report = verified(exported)
    assert {one.kind for one in report.findings} == {"export"}
    assert f"Line {len(lines) - before_the_end} of" in report.findings[0].message


@pytest.mark.req("TRUSTWORKS:AUDIT-15", "CENTS419261:ARCHIVE")
def test_lines_that_were_taken_out_of_an_export(exported: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    for gone, kinds_of in ((1, {"checkpoint-gap", "export"}), (2, {"export"}), (-2, {"export"})):
        left = list(lines)
        del left[gone]
        exported.write_bytes(b"".join(left))
        report = verified(exported)
        assert {one.kind for one in report.findings} == kinds_of, gone
    # The count in the first line and the end agree with each other: the root does not.
    end = lines[-1].replace(b'"root": "', b'"root": "0')
    exported.write_bytes(b"".join([*lines[:-1], end]))
    assert {one.kind for one in verified(exported).findings} == {"export"}


DEEP = b"[" * 100_000 + b"]" * 100_000
UNREADABLE = [DEEP, b"[" * 201 + b"]" * 201, b"NaN", b'"\\ud800"', b"1" * 5000, b'"\xff"']


@pytest.mark.parametrize(
    "events", [b'"x"', b"1.5", b"true", b"-1", b"null", b"1e999", b"9223372036854775808", *UNREADABLE]
)
def test_an_export_whose_first_line_is_no_sense(exported: Path, events: bytes) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    lines[0] = b'{"events":' + events + b',"type":"trustworks.audit.export","version":3}\n'
    exported.write_bytes(b"".join(lines))
    with pytest.raises(Malformed):
        verified(exported)


@pytest.mark.parametrize("value", [b"1e999", b"1.0", *UNREADABLE])
def test_lines_of_an_export_that_nobody_could_read(exported: Path, value: bytes) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    lines[1] = b'{"checkpoint":' + value + b"}\n"
    lines[4] = b'{"event":' + value + b',"place":["s", 0, 0, "' + b"00" * 32 + b'"]}\n'
    lines[5] = b'{"event":{},"place":' + value + b"}\n"
    lines[6] = b'{"event":{},"place":["s", 0, ' + value + b', "' + b"00" * 32 + b'"]}\n'
    exported.write_bytes(b"".join(lines))
    report = verified(exported)
    json.dumps(report.as_dict()).encode()
    assert {"checkpoint", "altered", "export"} <= {one.kind for one in report.findings}
    text = " ".join(one.message for one in report.findings)
    assert all(f"Line {number} " in text for number in (2, 6, 7))


def test_an_export_of_a_log_with_a_hole_is_refused(log: Log) -> None:
    if log.database.dialect == "postgresql":
        log.change("ALTER TABLE audit_log DROP CONSTRAINT fk_audit_log_stream_sequence_audit_events")
        log.change("DELETE FROM audit_events WHERE sequence = 7")
        with log.database.read() as connection, pytest.raises(Malformed, match="audit verify"):
            list(export_lines(DatabaseSource(connection)))


def test_findings_are_limited() -> None:
    from trustworks.core.audit.report import Finding, Report  # noqa: PLC0415

    report = Report()
    for _ in range(1500):
        report.add(Finding(kind="altered", message="It was."))
    assert (len(report.findings), report.more_findings) == (1000, 500)
