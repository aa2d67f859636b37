"""What stops a unit for a while, such as a key that is gone; and what is told of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from datetime import timedelta
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

    from timestamping_testbed import Pki, SteeredClock

    from trustworks.core.audit import Recorder
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
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "ASK_EVERY", 0.0)
    monkeypatch.setattr(standing.Standing.__init__, "__kwdefaults__", {"ask_every": 0.0})


def test_the_units_are_looked_at_each_second() -> None:
    assert standing.ASK_EVERY == 1.0
    assert (standing.Standing.__init__.__kwdefaults__ or {})["ask_every"] == standing.ASK_EVERY


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
    clock.moments = [NOW, NOW + timedelta(seconds=60)]
    assert failures(authority.stamp(query())) == ("timeNotAvailable",)
    authority.ping()
    assert authority.status()["units"][0]["reason"] == "clock.signing-too-slow"
    assert failures(authority.stamp(query())) == ()
    assert authority.status()["ok"]


@pytest.mark.req("TRUSTWORKS:TSA-TIME-ORDER")
def test_a_clock_that_goes_back_while_the_key_signs_is_told_as_that(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    sqlite: Database,
    recorder: Recorder,
) -> None:
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
        assert authority.status()["units"][0]["reason"] == "timestamping.record"
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
    begun = authority.issue(query())
    assert begun.event is not None
    assert begun.row is not None
    reasons.append("now")
    assert failures(authority.stamp(query())) == ("systemFailure",)
    recorder.record(begun.event, begun.row)
    authority.recorded(begun)
    assert authority.status()["units"][0]["reason"] == "TRUSTWORKS:TSA-REVOKED-STOPS"
    recorder.close()
    assert told(sqlite) == [("stopped", "TRUSTWORKS:TSA-REVOKED-STOPS")]


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
    began = time.monotonic()
    authority.look()
    assert not authority.is_due
    assert time.monotonic() - began < 1
    assert authority._standing.objection(authority._units["tsu-1"]) is None
