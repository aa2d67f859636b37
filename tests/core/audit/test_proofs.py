"""Proofs for others, made from the database and verified without it; and looking into the log."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from trustworks.core.audit import Event, Recorder, Sequencer
from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit.proofs import check_proof, newest_checkpoint, prove_consistency, prove_inclusion
from trustworks.core.audit.search import newest, one, state
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Key
    from trustworks.core.store import Database


@pytest.fixture
def sequencer(database: Database, audit_key: Key) -> Sequencer:
    return Sequencer(database, audit_key)


@pytest.mark.req("TRUSTWORKS:AUDIT-06")
def test_every_event_can_be_proven(
    database: Database, recorder: Recorder, event: Callable[..., Event], sequencer: Sequencer
) -> None:
    for number in range(9):
        recorder.record(event(number))
    sequencer.run_once(checkpoint=True)
    for sequence in range(10):
        with database.read() as connection:
            proof = prove_inclusion(connection, recorder.stream, sequence)
        covering, shown = check_proof(json.loads(json.dumps(proof)))
        assert covering.size == 10
        assert shown is not None
        assert shown["sequence"] == sequence


@pytest.fixture
def proof(
    database: Database, recorder: Recorder, event: Callable[..., Event], sequencer: Sequencer
) -> dict[str, Any]:
    for number in range(9):
        recorder.record(event(number))
    sequencer.run_once(checkpoint=True)
    with database.read() as connection:
        return prove_inclusion(connection, recorder.stream, 3)


@pytest.mark.req("TRUSTWORKS:AUDIT-06", "TRUSTWORKS:AUDIT-05")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"position": 4}, "audit.proof"),
        ({"path": []}, "audit.proof"),
        ({"path": ["00" * 32] * 4}, "audit.proof"),
        ({"event": base64.b64encode(b'{"forged":true}').decode()}, "audit.proof"),
        ({"signature": base64.b64encode(b"none").decode()}, "audit.signature"),
        ({"public_key": base64.b64encode(b"none").decode()}, "audit.signature"),
    ],
)
def test_a_forged_proof(proof: dict[str, Any], change: dict[str, Any], code: str) -> None:
    check_proof(proof)
    with pytest.raises(Rejected) as caught:
        check_proof(proof | change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [{"path": ["x"]}, {"path": None}, {"event": "?"}, {"position": "x"}, {"type": "other"}, {"event": "MQ"}],
)
def test_a_proof_that_cannot_be_read(proof: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        check_proof(proof | change)
    with pytest.raises(Malformed):
        check_proof({name: value for name, value in proof.items() if name not in change})


@pytest.mark.parametrize(
    "change",
    [
        {"position": float("inf")},
        {"position": 3.0},
        {"position": 3.7},
        {"position": True},
        {"position": "3"},
        {"position": -1},
        {"event": base64.b64encode(b"[" * 100_000 + b"]" * 100_000).decode()},
        {"event": base64.b64encode(b'"\\ud800"').decode()},
        {"path": 5},
        {"type": ["x"]},
        {"checkpoint": {"size": 1e308}},
    ],
)
def test_a_proof_that_is_no_sense(proof: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        check_proof(proof | change)


def test_a_checkpoint_that_nests_too_deep(proof: dict[str, Any]) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    with pytest.raises(Malformed):
        check_proof(proof | {"checkpoint": deep})


def test_an_event_that_cannot_be_read_is_named(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO audit_events (stream, sequence, time, type, hash, body) "
                "VALUES ('x', 7, 0, 't', :body, :body)"
            ),
            {"body": b"[" * 100_000},
        )
    with database.read() as connection:
        (found,) = newest(connection, limit=1)
        with pytest.raises(Malformed, match="Event 7 of stream x"):
            found.as_dict()
        assert newest(connection, limit=1, actor="tester") == [found]


def test_what_is_not_there_cannot_be_proven(
    database: Database, recorder: Recorder, event: Callable[..., Event], sequencer: Sequencer
) -> None:
    def code(sequence: int) -> str:
        with database.read() as connection, pytest.raises(Rejected) as caught:
            prove_inclusion(connection, recorder.stream, sequence)
        return caught.value.code

    assert code(5) == "audit.no-event"
    assert code(0) == "audit.not-in-log"
    Sequencer(database, None).run_once()
    assert code(0) == "audit.no-checkpoint"
    sequencer.run_once(checkpoint=True)
    recorder.record(event(1))
    Sequencer(database, None).run_once()
    assert code(1) == "audit.no-checkpoint"  # the newest does not cover it yet


@pytest.mark.req("TRUSTWORKS:AUDIT-07")
def test_one_checkpoint_continues_another(
    database: Database,
    recorder: Recorder,
    event: Callable[..., Event],
    sequencer: Sequencer,
    audit_key: Key,
) -> None:
    kept = []
    for number in range(7):
        recorder.record(event(number))
        sequencer.run_once(checkpoint=True)
        with database.read() as connection:
            kept.append(newest_checkpoint(connection))
    for older in kept:
        with database.read() as connection:
            document = json.loads(json.dumps(prove_consistency(connection, older)))
        covering, shown = check_proof(document)
        assert (covering, shown) == (kept[-1], None)
        forged = checkpoints.make_body(
            size=older.size, root=bytes(32), log=older.log, time=event().time, key=audit_key
        )
        other = checkpoints.read(forged, audit_key.sign(forged), audit_key.spki)
        with pytest.raises(Rejected) as caught:
            check_proof(document | {"older": checkpoints.as_document(other)})
        assert caught.value.code == "audit.proof"
    ahead = checkpoints.make_body(size=99, root=bytes(32), log=kept[0].log, time=event().time, key=audit_key)
    with database.read() as connection, pytest.raises(Rejected):
        prove_consistency(connection, checkpoints.read(ahead, audit_key.sign(ahead), audit_key.spki))


# ---- looking into the log


def test_events_are_found(database: Database, recorder: Recorder, event: Callable[..., Event]) -> None:
    start = event().time
    for number in range(6):
        recorder.record(
            event(
                number,
                type="test.even" if number % 2 == 0 else "test.odd",
                actor=f"actor-{number % 3}",
                outcome="failure" if number == 5 else "success",
            )
        )

    def numbers(**options: Any) -> list[int]:
        with database.read() as connection:
            values: dict[str, Any] = {"limit": 50, "type_prefix": "test."}
            found = newest(connection, **(values | options))
        return [stored.value["subject"]["number"] for stored in found]

    assert numbers() == [5, 4, 3, 2, 1, 0]
    assert numbers(limit=2) == [5, 4]
    assert numbers(type_prefix="test.even") == [4, 2, 0]
    assert numbers(type_prefix="test_") == []  # no pattern
    assert numbers(actor="actor-1") == [4, 1]
    assert numbers(actor="actor-1", limit=1) == [4]
    assert numbers(outcome="failure") == [5]
    assert numbers(outcome="failure", actor="actor-1") == []
    assert numbers(stream="other") == []
    millisecond = timedelta(milliseconds=1)
    assert numbers(since=start + 2 * millisecond, until=start + 4 * millisecond) == [3, 2]
    with database.read() as connection:
        assert one(connection, recorder.stream, 99) is None
        found = one(connection, recorder.stream, 1)
    assert found is not None
    assert found.position is None
    assert found.as_dict()["subject"] == {"number": 0}


def test_the_state_of_the_log(
    database: Database, recorder: Recorder, event: Callable[..., Event], sequencer: Sequencer
) -> None:
    with database.read() as connection:
        empty = state(connection)
    assert (empty.size, empty.waiting, empty.checkpoint_size) == (0, 1, None)
    sequencer.run_once(checkpoint=True)
    recorder.record(event(1))
    with database.read() as connection:
        found = state(connection)
        first = one(connection, recorder.stream, 0)
    assert (found.size, found.waiting, found.checkpoint_size) == (1, 1, 1)
    assert found.time_stamped_size is None
    assert first is not None
    assert first.position == 0
    assert found.root == first.hash.hex()
