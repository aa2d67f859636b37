"""What stops a unit for a while, such as a key that is gone; and what is told of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs
from timestamping_testbed import NOW

from trustworks.core.errors import TrustworksError, Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.timestamping import standing, wire
from trustworks.timestamping.http import Edge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from timestamping_testbed import Pki, SteeredClock, Stopwatch

    from trustworks.core.audit import Event, Recorder
    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database
    from trustworks.timestamping.service import TimestampingAuthority

DESTROY = """
import sys
from pathlib import Path
from trustworks.core.module import Module, Pkcs11Uri
uri = Pkcs11Uri.parse(sys.argv[2])
with Module.open(uri, library=Path(sys.argv[1]), read_write=True, lab=True) as module:
    module.destroy(module.key(sys.argv[3]))
"""


def failures(response: bytes) -> tuple[str, ...]:
    return wire.decode_response(response).failures


def told(database: Database) -> list[tuple[str, str]]:
    """Kind and code of the events about stops, in the order in which they were written."""
    query = text("SELECT body FROM audit_events WHERE type LIKE 'timestamp.%' ORDER BY sequence")
    with database.read() as connection:
        bodies = [json.loads(bytes(body)) for body in connection.execute(query).scalars()]
    kinds = {"timestamp.stopped": "stopped", "timestamp.resumed": "resumed"}
    return [(kinds[body["type"]], body["detail"]["code"]) for body in bodies if body["type"] in kinds]


@pytest.fixture
def looks_each_time(stopwatch: Stopwatch) -> None:
    stopwatch.step = standing.ASK_EVERY


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_the_units_are_looked_at_each_second(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], stopwatch: Stopwatch
) -> None:
    asked: list[float] = []
    authority = authority_of(revoked=lambda _: asked.append(stopwatch.seconds))
    for stopwatch.seconds in (0.0, 0.5, 0.999, 1.0, 1.5, 1.999, 2.0):
        assert failures(authority.stamp(query())) == ()
    assert asked == [0.0, 1.0, 2.0]


@pytest.mark.req("TRUSTWORKS:TSA-KEY-GONE-STOPS")
@pytest.mark.usefixtures("looks_each_time")
def test_a_key_that_another_process_destroyed_issues_no_more(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    softhsm: Path,
    make_token: Callable[..., Pkcs11Uri],
    pki: Pki,
    sqlite: Database,
    recorder: Recorder,
) -> None:
    uri = make_token()
    with Module.open(uri, library=softhsm, read_write=True, lab=True) as module:
        units = [
            {
                "name": name,
                "certificate": str(
                    pki.certify(module.generate_key_pair(label=name, algorithm=KeyAlgorithm.P256))
                ),
            }
            for name in ("tsu-1", "tsu-2")
        ]
        authority = authority_of(units=units, keys=module.key)
        for name in ("tsu-1", "tsu-2"):
            assert failures(authority.stamp(query(), name)) == ()
        command = [sys.executable, "-c", DESTROY, str(softhsm), str(uri), "tsu-2"]
        subprocess.run(command, check=True)
        assert failures(authority.stamp(query(), "tsu-2")) == ("systemFailure",)
        assert failures(authority.stamp(query(), "tsu-1")) == ()
        with pytest.raises(Unavailable, match=r"^The unit tsu-2 does not issue: .* no longer on") as caught:
            authority.ping()
        assert caught.value.code == "module.key-absent"
        with pytest.raises(Unavailable, match="no longer on"):  # the copy in this process is gone as well
            authority._units["tsu-2"].key.sign(b"anything")
        for _ in range(2):
            assert failures(authority.stamp(query(), "tsu-2")) == ("systemFailure",)
    recorder.close()
    assert told(sqlite) == [("stopped", "module.key-absent")]


@pytest.mark.req("TRUSTWORKS:TSA-KEY-GONE-STOPS")
@pytest.mark.usefixtures("looks_each_time")
def test_a_logout_by_somebody_else_does_not_look_like_a_destroyed_key(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], tsu_module: Module
) -> None:
    authority = authority_of()
    assert failures(authority.stamp(query())) == ()
    with tsu_module.connection.session() as session:
        tsu_module.cryptoki.logout(session)
    assert failures(authority.stamp(query())) == ()


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
@pytest.mark.parametrize(
    "error", [Unavailable("store.unavailable", "No database."), ZeroDivisionError("a bug")]
)
def test_a_look_that_fails_is_not_made_again_for_each_request(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], error: Exception
) -> None:
    asked: list[int] = []

    def revoked(serial: int) -> str | None:
        asked.append(serial)
        raise error

    authority = authority_of(revoked=revoked)
    for _ in range(20):
        assert failures(authority.stamp(query())) == ("systemFailure",)
    assert len(asked) == 1
    with pytest.raises(Unavailable) as caught:
        authority.ping()
    assert caught.value.code == getattr(error, "code", "timestamping.standing")


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_a_slow_look_is_made_once_and_keeps_the_loop_from_nothing(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], recorder: Recorder
) -> None:
    ready, go_on, threads = threading.Event(), threading.Event(), list[str]()

    def revoked(_: int) -> str | None:
        threads.append(threading.current_thread().name)
        ready.set()
        assert go_on.wait(10)
        return None

    async def ask() -> list[bytes]:
        edge = Edge(authority_of(revoked=revoked), recorder)
        asked = [asyncio.ensure_future(edge.answer(query(nonce=number), None)) for number in range(16)]
        assert await asyncio.to_thread(ready.wait, 10)  # the loop turns, though the look is not done
        assert not any(one.done() for one in asked)
        go_on.set()
        return await asyncio.gather(*asked)

    assert [failures(answer) for answer in asyncio.run(ask())] == [()] * 16
    assert len(threads) == 1
    assert threads[0].startswith("tsa-look")


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
def test_nothing_is_issued_while_it_is_not_known_whether_it_may(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trustworks.timestamping.http.LOOK_PATIENCE", 0.05)
    go_on = threading.Event()

    async def ask() -> bytes:
        edge = Edge(authority_of(revoked=lambda _: None if go_on.wait(10) else "?"), recorder)
        try:
            return await edge.answer(query(), None)
        finally:
            go_on.set()

    assert failures(asyncio.run(ask())) == ("systemFailure",)


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
@pytest.mark.parametrize("way", ["in a thread", "each by itself"])
@pytest.mark.usefixtures("looks_each_time")
def test_no_request_waits_for_a_look_without_a_limit(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """Only the thread that looks does so, for which a request waits for `LOOK_PATIENCE`."""
    threads: list[str] = []
    authority = authority_of(revoked=lambda _: threads.append(threading.current_thread().name))
    (unit,) = authority._units.values()
    if way == "in a thread":
        unit.pace.microseconds = 5000.0
    else:
        sign, tries = authority._sign, iter([True])

        def broken(begun: list[Any]) -> None:
            if next(tries, False):
                raise ZeroDivisionError
            sign(begun)

        monkeypatch.setattr(authority, "_sign", broken)

    async def ask() -> bytes:
        with Edge(authority, recorder) as edge:
            return await edge.answer(query(), None)

    assert failures(asyncio.run(ask())) == ()
    assert len(threads) == 1
    assert threads[0].startswith("tsa-look")


def test_an_edge_that_is_closed_lets_go_of_its_threads(
    authority: TimestampingAuthority, query: Callable[..., bytes], recorder: Recorder
) -> None:
    (unit,) = authority._units.values()
    unit.pace.microseconds = 5000.0
    with Edge(authority, recorder) as edge:
        assert failures(asyncio.run(edge.answer(query(), None))) == ()
        mine = {*edge._threads._threads, *edge._lookers._threads}
        assert len(mine) >= 2
    for one in mine:
        one.join(10)
        assert not one.is_alive()
    # Whoever still asks is told in the protocol.
    assert failures(asyncio.run(edge.answer(query(), None))) == ("systemFailure",)


def test_units_that_are_refused_are_tried_again_when_requests_come(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    certificate: Path,
    recorder: Recorder,
    tmp_path: Path,
) -> None:
    file = tmp_path / "to-come.pem"
    authority = authority_of(unit={"certificate": str(file)})
    tried = threading.Event()
    attempt = authority.attempt

    def noted() -> None:
        attempt()
        tried.set()

    authority.attempt = noted  # type: ignore[method-assign]
    edge = Edge(authority, recorder)
    file.write_bytes(certificate.read_bytes())
    assert failures(asyncio.run(edge.answer(query(), None))) == ("systemFailure",)
    assert tried.wait(10)
    assert failures(asyncio.run(edge.answer(query(), None))) == ()


def test_a_fault_in_trying_units_again_is_logged_and_keeps_nobody(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(authority, "attempt", broken)
    edge = Edge(authority, recorder)
    with capture_logs() as logged:
        assert failures(asyncio.run(edge.answer(query(), None))) == ()
        edge._lookers.shutdown()
    assert [one["event"] for one in logged] == ["timestamping.bug"]


# What is told


def test_a_clock_that_is_back_is_told_without_a_request(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    sqlite: Database,
    recorder: Recorder,
) -> None:
    clock.refuses = "clock.unsynchronised"
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    with pytest.raises(Unavailable):
        authority.ping()
    assert not authority.status()["ok"]
    clock.refuses = None
    authority.ping()
    assert authority.status()["ok"]
    recorder.close()
    assert told(sqlite) == [("stopped", "clock.unsynchronised"), ("resumed", "clock.unsynchronised")]


def test_what_only_a_token_can_show_is_not_over_before_one(
    authority: TimestampingAuthority, query: Callable[..., bytes], clock: SteeredClock
) -> None:
    authority.look()
    clock.moments = [NOW, NOW + timedelta(seconds=60)]
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    began = datetime.now(UTC).replace(microsecond=0)
    authority.ping()
    status = authority.status()
    (unit,) = status["units"]
    assert status["ok"]  # a monitor that took the service out would keep away the request that ends it
    assert (unit["ok"], unit["code"], unit["reason"]) == (True, "", "")
    assert unit["last_failure"]["code"] == "clock.signing-too-slow"
    assert began - timedelta(seconds=60) <= datetime.fromisoformat(unit["last_failure"]["time"]) <= began
    assert failures(authority.stamp(query())) == ()
    assert authority.status()["units"][0]["last_failure"] is None


@pytest.mark.req("TRUSTWORKS:TSA-TIME-ORDER")
def test_a_clock_that_goes_back_while_the_key_signs_is_told_as_that(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    sqlite: Database,
    recorder: Recorder,
) -> None:
    authority.look()
    clock.moments = [NOW, NOW - timedelta(milliseconds=5)]
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    recorder.close()
    assert told(sqlite) == [("stopped", "clock.backwards")]


@pytest.mark.req("TRUSTWORKS:TSA-TIME-ORDER")
def test_two_threads_cannot_take_the_time_in_one_order_and_keep_it_in_another(
    authority: TimestampingAuthority, clock: SteeredClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = authority._units["tsu-1"]
    inside, go_on = threading.Event(), threading.Event()
    now = clock.now

    def held() -> Any:
        found = now()
        if threading.current_thread().name == "first":
            inside.set()
            assert go_on.wait(10)
        return found

    monkeypatch.setattr(clock, "now", held)
    moments: list[int] = []

    def take() -> None:
        moments.append(authority._time(unit)[1])

    first = threading.Thread(target=take, name="first")
    first.start()
    assert inside.wait(10)
    second = threading.Thread(target=take, name="second")
    second.start()
    second.join(0.2)
    assert second.is_alive()  # it waits for its turn
    go_on.set()
    first.join(10)
    second.join(10)
    assert moments == sorted(moments)
    assert len(moments) == 2


def test_a_record_that_is_refused_stops_the_unit_once_until_one_is_written(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    sqlite: Database,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def violated(*_: object) -> None:
        raise IntegrityError("insert", {}, Exception("UNIQUE"))

    with monkeypatch.context() as patched:
        patched.setattr(recorder, "record", violated)
        for _ in range(3):
            assert failures(authority.stamp(query())) == ("systemFailure",)
        assert authority.status()["units"][0]["issued"] == 0
        assert authority.status()["units"][0]["last_failure"]["code"] == "timestamping.record"
    assert failures(authority.stamp(query())) == ()
    assert authority.status()["units"][0]["issued"] == 1
    recorder.close()
    assert told(sqlite) == [("stopped", "timestamping.record"), ("resumed", "timestamping.record")]


def test_what_a_full_log_did_not_take_is_told_when_it_can_be(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    sqlite: Database,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Unavailable("audit.unwritable", "The disk is full.")

    with monkeypatch.context() as patched:
        for name in ("record", "submit", "ping"):
            patched.setattr(recorder, name, full)
        for _ in range(3):
            assert failures(authority.stamp(query())) == ("systemFailure",)
        with pytest.raises(Unavailable):
            authority.ping()
    authority.ping()
    assert authority.status()["ok"]
    recorder.close()
    assert told(sqlite) == [("stopped", "audit.unwritable"), ("resumed", "audit.unwritable")]


@pytest.mark.req("TRUSTWORKS:TSA-REVOKED-STOPS")
@pytest.mark.usefixtures("looks_each_time")
def test_a_token_that_was_begun_before_ends_no_stop_that_stands(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    sqlite: Database,
    recorder: Recorder,
) -> None:
    reasons: list[str] = []
    authority = authority_of(revoked=lambda _: reasons[0] if reasons else None)
    authority.look()
    begun = authority.issue(query())
    assert begun.event is not None
    assert begun.row is not None
    reasons.append("now")
    assert failures(authority.stamp(query())) == ("systemFailure",)
    recorder.record(begun.event, begun.row)
    authority.recorded(begun)
    assert authority.status()["units"][0]["code"] == "TRUSTWORKS:TSA-REVOKED-STOPS"
    recorder.close()
    assert told(sqlite) == [("stopped", "TRUSTWORKS:TSA-REVOKED-STOPS")]


@pytest.mark.req("EN319421:TIS-7.7.1-09")
@pytest.mark.parametrize("found", ["by a look", "for a token"])
def test_a_token_that_was_begun_before_the_period_ended_does_not_end_that_stop(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    clock: SteeredClock,
    stopwatch: Stopwatch,
    sqlite: Database,
    recorder: Recorder,
    found: str,
) -> None:
    authority = authority_of()
    authority.look()
    begun = authority.issue(query())
    assert begun.event is not None
    assert begun.row is not None
    clock.utc += timedelta(days=366)
    if found == "by a look":
        stopwatch.seconds += standing.ASK_EVERY
    assert failures(authority.stamp(query())) == ("systemFailure",)
    recorder.record(begun.event, begun.row)
    authority.recorded(begun)
    assert authority.status()["units"][0]["last_failure"]["code"] == "EN319421:TIS-7.7.1-09"
    recorder.close()
    assert told(sqlite) == [("stopped", "EN319421:TIS-7.7.1-09")]


def test_a_stop_that_comes_while_all_else_is_found_well_is_not_taken_for_over(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    sqlite: Database,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority, failure = authority_of(), Unavailable("module.device-error", "The device failed.")
    own = authority._standing
    own.stopped("tsu-1", Unavailable("audit.unwritable", "The disk is full."), at_signing=False)
    ready = authority._ready

    def while_it_signs(unit: Any) -> Any:
        own.stopped("tsu-1", failure, at_signing=True)
        return ready(unit)

    with monkeypatch.context() as patched:
        patched.setattr(authority, "_ready", while_it_signs)
        authority.ping()
    authority.ping()
    stop = own.last_failure("tsu-1")
    assert stop is not None
    assert (stop.code, stop.times) == ("module.device-error", 1)
    assert failures(authority.stamp(query())) == ()
    assert own.last_failure("tsu-1") is None
    recorder.close()
    assert told(sqlite) == [
        ("stopped", "audit.unwritable"),
        ("stopped", "module.device-error"),
        ("resumed", "module.device-error"),
    ]


def test_a_stop_and_its_end_are_told_in_the_order_in_which_they_came(
    authority: TimestampingAuthority, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads: one finds something, and while it tells the log another has a token."""
    submitted: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def submit(event: Event, **_: object) -> None:
        if event.type == "timestamp.stopped":
            inside.set()
            assert go_on.wait(10)
        submitted.append(event.type)

    monkeypatch.setattr(recorder, "submit", submit)
    of = authority._standing
    error = Unavailable("module.device-error", "The module does not answer.")
    first = threading.Thread(target=lambda: of.stopped("tsu-1", error, at_signing=True))
    first.start()
    assert inside.wait(10)
    second = threading.Thread(target=of.resumed, args=("tsu-1",))
    second.start()
    second.join(0.2)
    assert second.is_alive()  # it waits until the log has the first event
    go_on.set()
    first.join(10)
    second.join(10)
    assert submitted == ["timestamp.stopped", "timestamp.resumed"]
    assert of.last_failure("tsu-1") is None


def test_what_stops_a_unit_is_told_once_though_two_threads_find_it(
    authority: TimestampingAuthority, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    class Held(dict[str, standing.Stop]):
        """Keeps the first thread between its question and its change."""

        def get(self, name: str, default: Any = None) -> Any:
            found = super().get(name, default)
            if threading.current_thread().name == "first":
                inside.set()
                assert go_on.wait(10)
            return found

    monkeypatch.setattr(recorder, "submit", lambda event, **_: submitted.append(event.type))
    of = authority._standing
    of._stops = Held()
    error = Unavailable("module.device-error", "The module does not answer.")
    threads = [
        threading.Thread(target=lambda: of.stopped("tsu-1", error, at_signing=True), name=name)
        for name in ("first", "second")
    ]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    go_on.set()
    for one in threads:
        one.join(10)
    assert submitted == ["timestamp.stopped"]


def test_several_reasons_are_told_as_one() -> None:
    errors: list[TrustworksError] = [
        Unavailable("a", "One."),
        Unavailable("b", "Two."),
        Unavailable("a", "One."),
    ]
    assert str(standing.joined(errors)) == "One. Two."
    assert getattr(standing.joined(errors), "code", "") == "a"


def test_a_unit_looks_for_its_key_though_somebody_makes_keys(
    authority_of: Callable[..., TimestampingAuthority], tsu_module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    key: Key = tsu_module.key("tsu-1")
    authority = authority_of(keys=lambda _: key)
    monkeypatch.setattr(tsu_module, "look_up", lambda _: pytest.fail("waited for who makes keys"))
    authority.look()
    assert not authority.is_due
    assert authority._standing.objection(authority._units["tsu-1"]) is None
