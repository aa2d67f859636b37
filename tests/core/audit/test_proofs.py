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
from trustworks.core.audit.search import newest, one
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
        {"position": 2**63},
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


ODD_EVENTS = [
    "time = 'noon'",
    "hash = 'a text'",
    "body = 'a text'",
    "type = x'00'",
]
ODD_BODIES = [
    {"actor": None},
    {"outcome": ["success"]},
    {"time": 5},
    {"type": {}},
    {"subject": "x"},
]


def administer(database: Database, statement: str, **values: Any) -> None:
    """Do what a database administrator can do."""
    on = " ON audit_{0}" if database.dialect == "postgresql" else ""
    with database.begin() as connection:
        for table in ("events", "log", "checkpoints"):
            for action in ("update", "delete"):
                connection.execute(
                    text(f"DROP TRIGGER IF EXISTS audit_{table}_no_{action}" + on.format(table))
                )
        connection.execute(text(statement), values)


def is_named_and_hides_no_other(database: Database, stream: str) -> None:
    for actor in (None, "tester"):
        with database.inspect() as connection:
            found = newest(connection, limit=50, actor=actor)
            shown = one(connection, stream, 2)
        values, wrong = [], []
        for stored in found:
            try:
                values.append(stored.value["sequence"])
                json.dumps(stored.as_dict())
            except Malformed as error:
                wrong.append(str(error))
        assert sorted(values) == ([1, 3] if actor else [0, 1, 3])
        assert len(wrong) == 1
        assert wrong[0].startswith(f"Event 2 of stream {stream} ")
        assert shown is not None
        with pytest.raises(Malformed, match="audit verify"):
            shown.as_dict()
    with database.inspect() as connection, pytest.raises((Malformed, Rejected), match="audit verify"):
        prove_inclusion(connection, stream, 2)


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ODD_EVENTS)
def test_an_event_of_values_of_other_kinds_is_named(
    database: Database, recorder: Recorder, event: Callable[..., Event], sequencer: Sequencer, change: str
) -> None:
    for number in range(3):
        recorder.record(event(number))
    sequencer.run_once(checkpoint=True)
    administer(database, f"UPDATE audit_events SET {change} WHERE sequence = 2")  # noqa: S608
    is_named_and_hides_no_other(database, recorder.stream)


@pytest.mark.parametrize("change", ODD_BODIES)
def test_an_event_that_is_none_of_ours_is_named(
    database: Database,
    recorder: Recorder,
    event: Callable[..., Event],
    sequencer: Sequencer,
    change: dict[str, Any],
) -> None:
    for number in range(3):
        recorder.record(event(number))
    sequencer.run_once(checkpoint=True)
    with database.read() as connection:
        found = one(connection, recorder.stream, 2)
    assert found is not None
    body = json.dumps(found.value | change).encode()
    administer(database, "UPDATE audit_events SET body = :body WHERE sequence = 2", body=body)
    is_named_and_hides_no_other(database, recorder.stream)


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


@pytest.mark.req("TRUSTWORKS:AUDIT-07")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"size": 99}, "The log was cut"),
        ({"size": 0}, "covers no event"),
        ({"log": bytes(32)}, "another log"),
        ({"root": bytes(32)}, "audit verify --against"),
    ],
)
def test_no_proof_is_handed_out_that_does_not_hold(
    database: Database,
    recorder: Recorder,
    event: Callable[..., Event],
    sequencer: Sequencer,
    audit_key: Key,
    change: dict[str, Any],
    says: str,
) -> None:
    recorder.record(event(1))
    sequencer.run_once(checkpoint=True)
    with database.read() as connection:
        kept = newest_checkpoint(connection)
    recorder.record(event(2))
    sequencer.run_once(checkpoint=True)
    values: dict[str, Any] = {"size": kept.size, "root": kept.root, "log": kept.log} | change
    body = checkpoints.make_body(**values, time=event().time, key=audit_key)
    older = checkpoints.read(body, audit_key.sign(body), audit_key.spki)
    with database.read() as connection, pytest.raises(Rejected, match=says) as caught:
        prove_consistency(connection, older)
    assert caught.value.code == "audit.proof"
    unsigned = checkpoints.read(kept.body, b"none", kept.spki)
    with database.read() as connection, pytest.raises(Rejected) as caught:
        prove_consistency(connection, unsigned)
    assert caught.value.code == "audit.signature"


@pytest.mark.req("TRUSTWORKS:AUDIT-06", "TRUSTWORKS:AUDIT-07")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_log WHERE position = 1",
        "UPDATE audit_log SET hash = :hash WHERE position = 1",
        "UPDATE audit_log SET position = -1 WHERE position = 3",
        "UPDATE audit_log SET position = 9223372036854775807 WHERE position = 1",
    ],
)
def test_what_a_damaged_log_cannot_prove(
    database: Database,
    recorder: Recorder,
    event: Callable[..., Event],
    sequencer: Sequencer,
    statement: str,
) -> None:
    sequencer.run_once(checkpoint=True)
    with database.read() as connection:
        kept = newest_checkpoint(connection)
    for number in range(4):
        recorder.record(event(number))
    sequencer.run_once(checkpoint=True)
    administer(database, statement, **({"hash": bytes(32)} if ":hash" in statement else {}))
    with database.read() as connection:
        with pytest.raises(Rejected, match="audit verify") as caught:
            prove_inclusion(connection, recorder.stream, 3)
        assert caught.value.code == "audit.proof"
        with pytest.raises(Rejected, match="audit verify") as caught:
            prove_consistency(connection, kept)
        assert caught.value.code == "audit.proof"


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("body", ["'a text'", "x'7b7d'"])
def test_a_checkpoint_that_cannot_be_read_is_not_handed_out(
    database: Database, recorder: Recorder, sequencer: Sequencer, body: str
) -> None:
    recorder.ping()
    sequencer.run_once(checkpoint=True)
    administer(database, f"UPDATE audit_checkpoints SET body = {body}")  # noqa: S608
    with database.read() as connection, pytest.raises(Malformed, match="Checkpoint 0 cannot be read"):
        newest_checkpoint(connection)


def test_a_checkpoint_that_is_not_signed_is_not_handed_out(
    database: Database, recorder: Recorder, sequencer: Sequencer
) -> None:
    recorder.ping()
    sequencer.run_once(checkpoint=True)
    administer(database, "UPDATE audit_checkpoints SET signature = :signature", signature=b"none")
    with database.read() as connection, pytest.raises(Rejected) as caught:
        newest_checkpoint(connection)
    assert caught.value.code == "audit.signature"


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
    assert found.as_dict()["position"] is None
    assert found.as_dict()["subject"] == {"number": 0}
