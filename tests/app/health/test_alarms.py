"""Alarms: what is not well is told to people once, again when it lasts, and when it is over."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.configuration.settings import HttpSettings
from trustworks.app.health.alarms import Alarms, Attempts, Finding, irregular, unwell
from trustworks.core.audit import Event, Recorder
from trustworks.core.handover import hand_over

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trustworks.core.store import Database

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
CRL = Finding(code="crl.stale", sentence="The list is old.")


class Desk:
    """Who is told; takes nothing while `closed`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.closed = False

    def __call__(self, message: Mapping[str, Any]) -> str | None:
        if self.closed:
            return "nobody is there"
        self.told.append((message["alarm"], message["state"], message["code"]))
        return None


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def alarms(tmp_path: Path, desk: Desk) -> Alarms:
    return opened(tmp_path, desk)


def opened(folder: Path, desk: Desk) -> Alarms:
    return Alarms(folder / "alarms.json", desk, provider="A TEST provider", again=timedelta(hours=24))


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_what_is_seen_twice_is_told_once_and_its_end_too(alarms: Alarms, desk: Desk) -> None:
    alarms.look({"crl": CRL}, now=at(0))
    assert desk.told == []
    for minute in (1, 2, 3):
        assert alarms.look({"crl": CRL}, now=at(minute)) is None
    assert desk.told == [("crl", "raised", "crl.stale")]
    assert alarms.raised == ["crl"]
    alarms.look({}, now=at(4))
    alarms.look({}, now=at(5))
    assert desk.told[1:] == [("crl", "over", "crl.stale")]
    assert alarms.raised == []


def test_what_passes_before_the_second_look_is_not_told(alarms: Alarms, desk: Desk) -> None:
    alarms.look({"crl": CRL}, now=at(0))
    alarms.look({}, now=at(1))
    alarms.look({"crl": CRL}, now=at(2))
    alarms.look({}, now=at(3))
    assert desk.told == []


def test_what_lasts_is_told_again_after_a_day_and_another_cause_at_once(alarms: Alarms, desk: Desk) -> None:
    for minute in (0, 1, 60 * 23):
        alarms.look({"crl": CRL}, now=at(minute))
    assert len(desk.told) == 1
    alarms.look({"crl": CRL}, now=at(60 * 24 + 1))
    alarms.look({"crl": Finding(code="crl.absent", sentence="There is no list.")}, now=at(60 * 24 + 2))
    assert desk.told[1:] == [("crl", "lasts", "crl.stale"), ("crl", "raised", "crl.absent")]


def test_what_nobody_took_is_told_until_somebody_does(alarms: Alarms, desk: Desk) -> None:
    alarms.look({"crl": CRL}, now=at(0))
    desk.closed = True
    assert alarms.look({"crl": CRL}, now=at(1)) == "nobody is there"
    assert alarms.raised == []
    desk.closed = False
    assert alarms.look({"crl": CRL}, now=at(2)) is None
    desk.closed = True
    alarms.look({"crl": Finding(code="crl.absent", sentence="There is no list.")}, now=at(3))
    assert alarms.look({}, now=at(4)) == "nobody is there"
    desk.closed = False
    alarms.look({}, now=at(5))
    alarms.look({}, now=at(6))
    assert desk.told == [("crl", "raised", "crl.stale"), ("crl", "over", "crl.stale")]


def test_a_restart_neither_forgets_an_alarm_nor_tells_it_twice(tmp_path: Path, desk: Desk) -> None:
    for minute in (0, 1, 2):
        opened(tmp_path, desk).look({"crl": CRL}, now=at(minute))
    assert desk.told == [("crl", "raised", "crl.stale")]
    opened(tmp_path, desk).look({}, now=at(3))
    assert desk.told[1:] == [("crl", "over", "crl.stale")]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"crl": 1}', '{"crl": {"code": "x"}}'])
def test_a_file_that_is_not_ours_forgets_what_was_told_and_stops_nothing(
    tmp_path: Path, desk: Desk, content: str
) -> None:
    (tmp_path / "alarms.json").write_text(content)
    alarms = opened(tmp_path, desk)
    for minute in (0, 1):
        alarms.look({"crl": CRL}, now=at(minute))
    assert desk.told == [("crl", "raised", "crl.stale")]


@pytest.mark.req("EN319411-1:OVR-6.5.5-07")
def test_many_refusals_or_one_lock_out_are_irregular() -> None:
    assert irregular(["roles.refused"] * 19, limit=20) is None
    found = irregular(["roles.refused"] * 19 + ["api.client-refused"], limit=20)
    assert found is not None
    assert found.code == "access.refused"
    assert "20 attempts" in found.sentence
    locked = irregular(["roles.locked-out"], limit=20)
    assert locked is not None
    assert locked.code == "access.locked-out"


def test_attempts_are_those_of_the_last_minutes_each_once(database: Database) -> None:
    def event(kind: str, minutes: float) -> Event:
        outcome: Any = "refused"
        return Event(type=kind, outcome=outcome, actor="x", subject={}, time=at(minutes))

    attempts = Attempts()
    with Recorder.open(database, "test", now=lambda: at(-60)) as recorder, database.read() as connection:
        for kind in ("roles.refused", "certificate.refused", "roles.signed-in", "api.client-refused"):
            recorder.record(event(kind, -5))
        recorder.record(event("roles.refused", -15))
        assert sorted(attempts.types(connection, NOW).elements()) == ["api.client-refused", "roles.refused"]
    with Recorder.open(database, "other", now=lambda: at(-60)) as recorder:
        recorder.record(event("roles.locked-out", -0.5))  # committed late
        recorder.record(event("roles.refused", 1))
    with database.read() as connection:
        assert attempts.types(connection, at(2)).total() == 4
        assert sorted(attempts.types(connection, at(7)).elements()) == ["roles.locked-out", "roles.refused"]
        assert attempts.types(connection, at(20)).total() == 0


def test_workers_that_do_not_answer_are_an_alarm() -> None:
    found = unwell(HttpSettings(listen="127.0.0.1:1"))
    assert found["workers"].code == "workers.silent"
    assert "http://127.0.0.1:1" in found["workers"].sentence


def test_a_message_is_a_line_of_json_and_taken_when_the_program_ends_with_0(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    program = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    assert hand_over([sys.executable, "-c", program, str(kept)], {"alarm": "crl"}) is None
    assert json.loads(kept.read_text()) == {"alarm": "crl"}
    failing = hand_over([sys.executable, "-c", "import sys; sys.exit('no line\\xff')"], {})
    assert failing is not None
    assert failing.startswith("exit code 1: no line")
    assert "no-such-program" in (hand_over(["no-such-program"], {}) or "")
    slow = hand_over([sys.executable, "-c", "import time; time.sleep(60)"], {}, patience=0.2)
    assert "timed out" in (slow or "")
