"""The recorder: durable before the answer, all or nothing, and a refusal while the log cannot be written."""

from __future__ import annotations

import json
import threading
import time
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event, Recorder, Row, records
from trustworks.core.audit.submission import Submission
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.store import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for another thread, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def bodies(database: Database, stream: str) -> list[dict[str, Any]]:
    with database.read() as connection:
        rows = connection.execute(
            select(records.events).where(records.events.c.stream == stream).order_by("sequence")
        ).all()
    for row in rows:
        assert sha256(b"\0" + row.body).digest() == row.hash
        value = json.loads(row.body)
        assert (value["stream"], value["sequence"], value["type"]) == (row.stream, row.sequence, row.type)
        assert datetime.fromisoformat(value["time"]) == row.time
    return [json.loads(row.body) for row in rows]


def names(database: Database, table: Table) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(table.c.name).order_by(table.c.name)))


# ---- what cannot be recorded


@pytest.mark.parametrize(
    "changes",
    [
        {"detail": {"number": float("nan")}},
        {"detail": {"number": 2**60}},
        {"subject": {"bytes": b"x"}},
        {"subject": {1: "x"}},
        {"actor": "\ud800"},
        {"outcome": "perhaps"},
        {"type": ""},
        {"type": "Upper.Case"},
        {"type": "x" * 81},
        {"time": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)
def test_an_event_that_cannot_be_written(
    recorder: Recorder, event: Callable[..., Event], changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        recorder.record(event(**changes))
    recorder.record(event())


def test_a_row_with_an_unknown_column(recorder: Recorder, event: Callable[..., Event], table: Table) -> None:
    with pytest.raises(ValueError, match="has no column nome"):
        recorder.record(event(), Row(table, {"nome": "a"}))


@pytest.mark.parametrize("role", ["", "Role", "a b", "x" * 41, "1"])
def test_a_role_that_is_none(database: Database, role: str) -> None:
    with pytest.raises(ValueError, match="no role"):
        Recorder.open(database, role)


def test_rows_that_violate_a_constraint_fail_alone(
    database: Database, recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    outcomes: dict[int, BaseException | None] = {}
    done = threading.Semaphore(0)

    def released(number: int) -> Callable[[BaseException | None], None]:
        def call(error: BaseException | None) -> None:
            outcomes[number] = error
            done.release()

        return call

    # One batch: nothing is written before the transaction of the first entry ends.
    def submit_all(_: object) -> None:
        for number, name in enumerate(["a", "b", "a", "c"]):
            recorder.submit(event(number), Row(table, {"name": name}), released=released(number))

    recorder.transact(event(100), submit_all)
    for _ in range(4):
        assert done.acquire(timeout=10)
    assert [type(outcomes[number]) for number in range(4)] == [
        type(None),
        type(None),
        IntegrityError,
        type(None),
    ]
    assert names(database, table) == ["a", "b", "c"]
    numbers = [value["subject"].get("number") for value in bodies(database, recorder.stream)]
    assert numbers == [None, 100, 0, 1, 3]
    recorder.ping()


# ---- what is recorded


@pytest.mark.req("TRUSTWORKS:AUDIT-03")
def test_event_and_rows_are_there_when_the_call_returns(
    database: Database, recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    at = datetime.fromisoformat("2026-11-24T12:00:00.123456+00:00")
    recorder.record(
        event(1),
        Row(table, {"name": "one", "number": 1, "data": b"\0\xff", "at": at}),
        Row(table, {"name": "two", "number": None, "data": None, "at": None}),
    )
    with database.read() as connection:
        rows = connection.execute(select(table).order_by(table.c.name)).all()
    assert [tuple(row) for row in rows] == [("one", 1, b"\0\xff", at), ("two", None, None, None)]
    opened, done = bodies(database, recorder.stream)
    assert opened["type"] == "audit.stream-opened"
    assert done == {
        "actor": "tester",
        "detail": {"why": "a test"},
        "outcome": "success",
        "previous": sha256_of(database, recorder.stream, 0),
        "sequence": 1,
        "stream": recorder.stream,
        "subject": {"number": 1},
        "time": "2026-11-24T12:00:00.001000Z",
        "type": "test.done",
        "version": 1,
    }


def sha256_of(database: Database, stream: str, sequence: int) -> str:
    with database.read() as connection:
        found = connection.execute(
            select(records.events.c.hash).where(
                records.events.c.stream == stream, records.events.c.sequence == sequence
            )
        ).scalar_one()
    return bytes(found).hex()


def test_a_stream_begins_and_ends(database: Database, event: Callable[..., Event]) -> None:
    with Recorder.open(database, "role") as recorder:
        recorder.record(event(1))
        stream = recorder.stream
        assert stream.startswith("role-")
    values = bodies(database, stream)
    assert [value["type"] for value in values] == ["audit.stream-opened", "test.done", "audit.stream-closed"]
    assert values[0]["previous"] == "0" * 64
    for number in (1, 2):
        assert values[number]["previous"] == sha256_of(database, stream, number - 1)
    recorder.close()  # closing twice does no harm
    for refused in (recorder.ping, lambda: recorder.record(event(2))):
        with pytest.raises(Unavailable) as caught:
            refused()
        assert caught.value.code == "audit.closed"


def test_many_threads_share_a_stream(
    database: Database, recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    def work(thread: int) -> None:
        for number in range(25):
            recorder.record(event(number), Row(table, {"name": f"{thread}-{number}", "number": number}))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    values = bodies(database, recorder.stream)
    assert len(values) == 201
    assert [value["sequence"] for value in values] == list(range(201))
    assert len(names(database, table)) == 200


def test_what_waits_is_committed_together(
    database: Database, recorder: Recorder, event: Callable[..., Event]
) -> None:
    commits: list[int] = []
    count = 300
    done = threading.Semaphore(0)

    def submit_all(_: object) -> None:
        for number in range(count):
            recorder.submit(event(number), released=lambda _: done.release())

    recorder.on_batch(lambda: commits.append(1))
    recorder.transact(event(), submit_all)
    for _ in range(count):
        assert done.acquire(timeout=10)
    assert len(bodies(database, recorder.stream)) == count + 2
    assert len(commits) <= 4  # the action's own, and two batches of 256 and 44


def test_the_submitted_values_are_those_of_that_moment(
    database: Database, recorder: Recorder, event: Callable[..., Event]
) -> None:
    detail = {"step": "before"}
    held = threading.Event()

    def submit(_: object) -> None:
        recorder.submit(event(detail=detail), released=lambda _: held.set())
        detail["step"] = "after"

    recorder.transact(event(), submit)
    assert held.wait(10)
    assert bodies(database, recorder.stream)[-1]["detail"] == {"step": "before"}


# ---- transact


@pytest.mark.req("TRUSTWORKS:AUDIT-03")
def test_an_action_and_its_event_are_one(
    database: Database, recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    def action(connection: Any) -> int:
        connection.execute(insert(table), [{"name": "made", "number": 5}])
        return 5

    assert recorder.transact(event, action) == 5
    assert bodies(database, recorder.stream)[-1]["subject"] == {"number": 5}

    def failing(connection: Any) -> None:
        connection.execute(insert(table), [{"name": "undone"}])
        raise LookupError("no")

    with pytest.raises(LookupError):
        recorder.transact(event(9), failing)
    with pytest.raises(ValueError, match="no outcome"):  # the event fails: the action is undone too
        recorder.transact(event(9, outcome="?"), lambda c: c.execute(insert(table), [{"name": "undone"}]))
    assert names(database, table) == ["made"]
    assert len(bodies(database, recorder.stream)) == 2


@pytest.mark.req("TRUSTWORKS:AUDIT-03")
def test_an_action_and_all_its_events_are_one(
    database: Database, recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    def action(connection: Any) -> list[int]:
        connection.execute(insert(table), [{"name": name} for name in "ab"])
        return [5, 6]

    assert recorder.transact_all(lambda numbers: map(event, numbers), action) == [5, 6]
    assert [body["subject"] for body in bodies(database, recorder.stream)[1:]] == [
        {"number": 5},
        {"number": 6},
    ]
    assert recorder.transact_all(lambda _: (), lambda _: "nothing") == "nothing"
    with pytest.raises(ValueError, match="no outcome"):  # one event fails: all are undone
        recorder.transact_all(
            lambda _: (event(7), event(8, outcome="?")),
            lambda c: c.execute(insert(table), [{"name": "undone"}]),
        )
    assert names(database, table) == ["a", "b"]
    recorder.record(event(9))
    found = bodies(database, recorder.stream)
    assert [body["sequence"] for body in found] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "error", [Unavailable("module.gone", "The module is gone."), Refused("X:1", "No."), Rejected("x", "No.")]
)
def test_an_action_that_refuses_is_no_failure_of_the_log(
    recorder: Recorder, event: Callable[..., Event], error: Exception
) -> None:
    stream = recorder.stream

    def refuse(_: object) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        recorder.transact(event(), refuse)
    assert caught.value is error
    recorder.ping()
    recorder.record(event())
    assert recorder.stream == stream


def test_an_action_whose_sql_is_wrong_is_no_failure_of_the_log(
    recorder: Recorder, event: Callable[..., Event], table: Table
) -> None:
    with pytest.raises(IntegrityError):
        recorder.transact(event(), lambda c: c.execute(insert(table), [{"name": "a"}, {"name": "a"}]))
    recorder.ping()


def test_an_action_cannot_wait_for_the_recorder(recorder: Recorder, event: Callable[..., Event]) -> None:
    with pytest.raises(RuntimeError, match="do not record inside an action"):
        recorder.transact(event(), lambda _: recorder.record(event()))
    recorder.record(event())


# ---- a log that cannot be written


class Breaking:
    """Makes a database fail, and whole again, without touching the recorder."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._was = database.transaction
        self.broken = False

    def transaction(self, connection: Any) -> Any:
        if self.broken:
            raise Unavailable("store.full", "The disk is full.")
        return self._was(connection)


@pytest.mark.req("TRUSTWORKS:AUDIT-08")
def test_an_unwritable_log_refuses_until_it_can_be_written(
    database: Database, recorder: Recorder, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record(event(1))
    first = recorder.stream
    breaking = Breaking(database)
    monkeypatch.setattr(database, "transaction", breaking.transaction)
    breaking.broken = True
    with pytest.raises(Unavailable, match="The disk is full") as caught:
        recorder.record(event(2))
    assert caught.value.code == "audit.unwritable"
    for refused in (recorder.ping, lambda: recorder.record(event(3))):
        with pytest.raises(Unavailable) as caught:
            refused()
        assert caught.value.code == "audit.unwritable"
    with pytest.raises(Unavailable):
        recorder.submit(event(3), released=lambda _: None)
    breaking.broken = False
    wait_until(lambda: recorder.stream != first)
    wait_until(lambda: not refuses(recorder))
    recorder.record(event(4))
    # The old stream stops where it was, the new one says why it begins.
    assert [value["subject"].get("number") for value in bodies(database, first)] == [None, 1]
    opened, done = bodies(database, recorder.stream)
    assert opened["detail"]["after"] == first
    assert opened["detail"]["events"] == 2
    assert "The disk is full" in opened["detail"]["reason"]
    assert done["subject"] == {"number": 4}


def refuses(recorder: Recorder) -> bool:
    try:
        recorder.ping()
    except Unavailable:
        return True
    return False


@pytest.mark.req("TRUSTWORKS:AUDIT-08")
def test_a_recorder_that_refuses_can_be_closed(
    database: Database, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder.open(database, "test", probe_every=1e6)
    breaking = Breaking(database)
    monkeypatch.setattr(database, "transaction", breaking.transaction)
    breaking.broken = True
    with pytest.raises(Unavailable):
        recorder.record(event())
    recorder.close()  # which does not wait for the next probe, days away


def test_a_log_that_cannot_be_opened(tmp_path: Any) -> None:
    from trustworks.core.store import StoreSettings  # noqa: PLC0415

    settings = StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'none'}"})
    with Database.open(settings) as database, pytest.raises(Unavailable) as caught:
        Recorder.open(database, "test")
    assert caught.value.code == "store.cannot-open"


@pytest.mark.req("TRUSTWORKS:AUDIT-02")
def test_nobody_else_writes_into_a_stream(
    database: Database, recorder: Recorder, event: Callable[..., Event]
) -> None:
    taken = recorder.stream
    with database.begin() as connection:
        connection.execute(
            insert(records.events).values(
                stream=taken, sequence=1, time=event().time, type="forged", hash=b"", body=b"{}"
            )
        )
    with pytest.raises(Unavailable, match="Another writer") as caught:
        recorder.record(event(1))
    assert caught.value.code == "audit.unwritable"
    wait_until(lambda: recorder.stream != taken and not refuses(recorder))
    recorder.record(event(2))
    assert [value["type"] for value in bodies(database, recorder.stream)] == [
        "audit.stream-opened",
        "test.done",
    ]


def test_a_caller_that_fails_when_it_is_told_harms_nobody(
    recorder: Recorder, event: Callable[..., Event]
) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("a bug of the caller")

    recorder.on_batch(bug)
    recorder.submit(event(1), released=bug)
    recorder.record(event(2))


def test_the_thread_that_died_of_a_bug_refuses(
    recorder: Recorder, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def bug(*_: object) -> None:
        raise SystemError("a bug of the recorder")

    recorder.record(event())
    monkeypatch.setattr(recorder, "_write", bug)
    with pytest.raises(Unavailable, match="a bug of the recorder"):
        recorder.record(event())
    with pytest.raises(Unavailable):
        recorder.record(event())
    assert recorder.died


def test_whoever_comes_while_the_thread_dies_is_refused_and_never_waits(
    database: Database, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def bug(*_: object) -> None:
        raise SystemError("a bug of the recorder")

    for _ in range(20):
        refused = threading.Semaphore(0)
        with Recorder.open(database, "test") as recorder:

            def hold(_: object, recorder: Recorder = recorder) -> None:
                # All that comes now is behind the action; the second one of them is held for its own batch.
                recorder.submit(event(1), released=told)
                entry = Submission(None, [], told)
                entry.action = bug
                recorder._enter(entry)
                monkeypatch.setattr(recorder, "_write", bug)

            def told(error: BaseException | None, refused: threading.Semaphore = refused) -> None:
                if isinstance(error, Unavailable):
                    refused.release()

            recorder.transact(event(), hold)
            accepted = 0
            while True:
                try:
                    recorder.submit(event(2), released=told)
                except Unavailable:
                    break
                accepted += 1
            for _number in range(2 + accepted):
                assert refused.acquire(timeout=10)


def test_processes_have_streams_of_their_own(database: Database, event: Callable[..., Event]) -> None:
    with Recorder.open(database, "web") as one, Recorder.open(database, "web") as two:
        assert one.stream != two.stream
        for number in range(20):
            one.record(event(number))
            two.record(event(number, time=event().time + timedelta(days=1)))
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(records.events)).scalar_one() == 44
        assert connection.execute(text("SELECT count(*) FROM audit_streams")).scalar_one() == 2
