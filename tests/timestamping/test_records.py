"""The record of tokens, on both databases: durable first, never twice, found again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import exc, select, text
from timestamping_testbed import NOW, SteeredClock

from trustworks.core.audit import Recorder
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Unavailable
from trustworks.core.time import TimeSettings
from trustworks.timestamping import TokenRecords, reconcile, records, wire
from trustworks.timestamping.service import TimestampingAuthority

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.timestamping.config import TimestampingSettings

DAY = timedelta(days=1)


@pytest.fixture
def make(
    tsu_module: Module, database: Database, settings_of: Callable[..., TimestampingSettings]
) -> Callable[[SteeredClock, Recorder], TimestampingAuthority]:
    """An authority over the database that the test is run on."""

    def build(clock: SteeredClock, recorder: Recorder) -> TimestampingAuthority:
        return TimestampingAuthority(
            settings_of(),
            keys=tsu_module.key,
            clock=clock,
            time_settings=TimeSettings.model_validate({"sources": ["chrony"], "traceable-to": ["UTC(TEST)"]}),
            recorder=recorder,
            database=database,
            lab=False,
        )

    return build


@pytest.mark.req("EN319421:OVR-7.13-05", "TRUSTWORKS:TSA-RECORD-FIRST")
def test_every_token_has_its_record_with_the_evidence_of_its_time(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
) -> None:
    with Recorder.open(database, "tsa") as recorder:
        token = wire.decode_response(make(clock, recorder).stamp(query(b"a document"))).token
        assert token is not None
        found = wire.read_token(token)
        record = records.find(database, f"{found.tst_info.serial_number:x}")
        assert record is not None
        assert record.unit == "tsu-1"
        assert record.policy == "2.999.3161.7"
        assert record.imprint == found.tst_info.message_imprint.hashed_message
        assert record.imprint_hash == "sha256"
        assert record.gen_time == found.tst_info.gen_time.as_datetime()
        assert record.clock_mode == "enforce"
        assert record.clock_lease == "boot/17"
        assert record.clock_sources == "kernel chrony"
        assert record.clock_bound_us == 700
        assert record.clock_leap == "none"
        assert record.stream == recorder.stream
        assert not record.qualified
        with database.read() as connection:
            body = connection.execute(
                text("SELECT body FROM audit_events WHERE type = 'timestamp.issued'")
            ).scalar_one()
        assert f'"tst_info":"{record.tst_info.hex()}"' in bytes(body).decode()
        assert record.imprint.hex() not in bytes(body).decode()


@pytest.mark.req("RFC3161:2.4.2-SERIAL", "TRUSTWORKS:TSA-RECORD-FIRST")
def test_a_serial_number_that_was_used_never_leaves_again(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records.Serials, "next", lambda _, moment: 1 << 126 | moment >> 64)
    with Recorder.open(database, "tsa") as recorder:
        first = wire.decode_response(make(clock, recorder).stamp(query(b"one")))
        assert first.token is not None
    with Recorder.open(database, "tsa") as recorder:  # as after a restart, with the same number
        authority = make(clock, recorder)
        second = wire.decode_response(authority.stamp(query(b"two")))
        assert second.token is None
        assert second.failures == ("systemFailure",)
        monkeypatch.undo()
        assert wire.decode_response(authority.stamp(query(b"two"))).token is not None
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM timestamp_tokens")).scalar() == 2
        issued = text("SELECT count(*) FROM audit_events WHERE type = 'timestamp.issued'")
        assert connection.execute(issued).scalar() == 2


@pytest.mark.req("TRUSTWORKS:TSA-RECORD-FIRST", "RFC3161:2.4.2-SYSTEM-FAILURE")
def test_without_a_record_there_is_no_token(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Recorder.open(database, "tsa") as recorder:
        authority = make(clock, recorder)
        refusal = Unavailable("audit.unwritable", "The disk is full.")

        def full(*_: object) -> None:
            raise refusal

        with monkeypatch.context() as patched:
            patched.setattr(recorder, "record", full)
            answer = wire.decode_response(authority.stamp(query()))
        assert answer.failures == ("systemFailure",)
        assert answer.token is None
        with monkeypatch.context() as patched:
            patched.setattr(recorder, "ping", full)
            patched.setattr(authority._units["tsu-1"].key, "sign_all", lambda *_, **__: pytest.fail("signed"))
            assert wire.decode_response(authority.stamp(query())).failures == ("systemFailure",)


@pytest.mark.req("EN319421:OVR-7.13-05")
def test_the_tokens_of_a_period_are_found(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
) -> None:
    clock.step = timedelta(seconds=1)  # two looks at the clock for each token
    with Recorder.open(database, "tsa") as recorder:
        authority = make(clock, recorder)
        authority._limit = authority._accuracy = 10_000_000
        for number in range(5):
            authority.stamp(query(str(number).encode()))
    every = list(records.issued(database, since=NOW - DAY, until=NOW + DAY))
    assert [one.gen_time for one in every] == sorted(one.gen_time for one in every)
    assert len({one.serial for one in every}) == 5
    some = list(records.issued(database, since=every[1].gen_time, until=every[3].gen_time))
    assert some == every[1:3]
    assert list(records.issued(database, since=NOW - DAY, until=NOW + DAY, unit="tsu-2")) == []
    assert records.count(database, since=NOW - DAY, until=NOW + DAY) == {"tsu-1": 5}
    assert records.find(database, "00") is None


@pytest.mark.req("EN319421:OVR-7.13-05")
@pytest.mark.parametrize("same_time", [True, False], ids=["same-time", "times"])
def test_a_long_list_is_read_in_parts_and_holds_no_transaction_meanwhile(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    *,
    same_time: bool,
) -> None:
    monkeypatch.setattr(records, "_BATCH", 2)
    with Recorder.open(database, "tsa") as recorder:
        authority = make(clock, recorder)
        if same_time:
            clock.step = timedelta(0)
        for _ in range(5):
            authority.stamp(query())
        listing = records.issued(database, since=NOW - DAY, until=NOW + DAY)
        first = next(listing)
        clock.utc += timedelta(seconds=1)
        authority.stamp(query())  # an open transaction would not see it
        found = [first, *listing]
    assert len({one.serial for one in found}) == len(found) == 6
    assert found == sorted(found, key=lambda one: (one.gen_time, one.serial))


@pytest.mark.parametrize(
    "statement", ["UPDATE timestamp_tokens SET unit = 'x'", "DELETE FROM timestamp_tokens"]
)
def test_records_are_not_changed_and_not_deleted(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
    statement: str,
) -> None:
    with Recorder.open(database, "tsa") as recorder:
        make(clock, recorder).stamp(query())
    refusals: Any = (exc.DBAPIError, Unavailable)
    with pytest.raises(refusals, match="append-only"), database.begin() as connection:
        connection.execute(text(statement))


def test_a_record_as_json_is_all_text(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
) -> None:
    clock.utc = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC) - clock.step
    with Recorder.open(database, "tsa") as recorder:
        make(clock, recorder).stamp(query())
    (record,) = records.issued(database, since=NOW - DAY, until=NOW + DAY)
    assert record.as_dict()["gen_time"] == "2026-05-04T03:02:01.000000Z"
    assert record.as_dict()["imprint"] == record.imprint.hex()


@pytest.mark.req("TRUSTWORKS:TSA-RECORD-BOUND")
def test_a_record_that_is_not_what_was_logged_is_found(
    make: Callable[..., TimestampingAuthority],
    database: Database,
    clock: SteeredClock,
    query: Callable[..., bytes],
) -> None:
    def found() -> list[str]:
        with database.read() as connection:
            return [
                one.message
                for one in verify(DatabaseSource(connection), checkers=[TokenRecords(connection)]).findings
            ]

    with Recorder.open(database, "tsa") as recorder:
        authority = make(clock, recorder)
        for number in range(4):
            authority.stamp(query(f"document {number}".encode()))
    assert found() == []
    with database.begin() as connection:
        on = " ON timestamp_tokens" if database.dialect == "postgresql" else ""
        for action in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER timestamp_tokens_no_{action}{on}"))
        altered, removed, renamed, _ = connection.scalars(select(records.tokens.c.serial)).all()
    changes: dict[str, Any] = {
        "policy": "2.999", "qualified": True, "imprint_hash": "sha1", "imprint": b"x", "gen_time": NOW + DAY,
        "tst_info": b"x", "clock_mode": "lab", "clock_lease": "x", "clock_sources": "",
        "clock_bound_us": None, "clock_leap": "x", "stream": "x", "unit": "x",
    }  # fmt: skip
    row = records.tokens.update().where(records.tokens.c.serial == altered)
    before = records.find(database, altered)
    assert before is not None
    for column, value in changes.items():
        with database.begin() as connection:
            connection.execute(row.values({column: value}))
        assert [altered in one and "was altered" in one for one in found()] == [True], column
        with database.begin() as connection:
            connection.execute(row.values({column: getattr(before, column)}))
    assert found() == []
    with database.begin() as connection:
        connection.execute(records.tokens.delete().where(records.tokens.c.serial == removed))
        connection.execute(
            records.tokens.update().where(records.tokens.c.serial == renamed).values(serial="abc")
        )
    messages = found()
    assert sorted("is gone" in one for one in messages) == [False, True, True]
    assert any("no event of the token abc" in one for one in messages)


@pytest.mark.req("RFC3161:2.4.2-SERIAL")
def test_serial_numbers_grow_with_the_time_and_differ_within_one_microsecond() -> None:
    ours, another_process = records.Serials(), records.Serials()
    moment = 1_795_000_000_000_000
    at_once = [one.next(moment) for one in (ours, another_process) for _ in range(1000)]
    assert len(set(at_once)) == len(at_once)
    assert max(at_once) < ours.next(moment + 1)
    lengths = {one.bit_length() for one in (*at_once, ours.next(0), ours.next((1 << 54) - 1))}
    assert lengths == {127}  # 16 octets in DER, and the same length for the hexadecimal text that is sorted


@pytest.mark.req("RFC3161:2.4.2-SERIAL")
def test_threads_never_get_the_same_serial_number() -> None:
    serials = records.Serials()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: [serials.next(7) for _ in range(500)], range(8)))
    assert len({one for some in found for one in some}) == 4000


def test_a_token_is_about_one_event_that_names_it(database: Database) -> None:
    with database.read() as connection:
        checker = TokenRecords(connection)
        nameless: list[dict[str, Any]] = [
            {},
            {"subject": {}},
            {"subject": {"serial": 7}, "detail": {}, "stream": "s"},
        ]
        for event in nameless:
            assert checker.event(event) == "The event does not name a token."
        value = {"subject": {"serial": "7", "unit": "u"}, "detail": {"row": "00"}, "stream": "s"}
        assert checker.event(value) is None
        assert checker.event(value) == "The token 7 has two events."
        assert list(checker.rest()) == ["The record of the token 7 is gone."]


@pytest.mark.req("TRUSTWORKS:TSA-RECORD-BOUND")
def test_many_records_are_compared_in_batches_and_none_is_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_BATCH", 2)
    with database.read() as connection:
        checker = TokenRecords(connection)
        for serial in "12345":
            value = {"subject": {"serial": serial, "unit": "u"}, "detail": {"row": "00"}, "stream": "s"}
            assert checker.event(value) is None
        again = {"subject": {"serial": "1", "unit": "u"}, "detail": {"row": "00"}, "stream": "s"}
        assert checker.event(again) == "The token 1 has two events."
        found = list(checker.rest())
    assert found == [f"The record of the token {serial} is gone." for serial in "12345"]
