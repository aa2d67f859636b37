"""The sequencer: all streams in one tree, checkpoints when they are due."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from checkpoint_stamper import Stamper, accept_token, another_key, certificate_over
from sqlalchemy import insert, select, text, update
from sqlalchemy.event import listen

from trustworks.core.audit import Event, Recorder, Sequencer, records
from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.audit import sequencer as sequencing
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.merkle import consistency_path, continues, includes, inclusion_path, root_of
from trustworks.core.audit.model import time_text
from trustworks.core.audit.stored import Entry
from trustworks.core.audit.tokens import EARLY, LATE
from trustworks.core.audit.tree import WIDTH, Tree
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Key
    from trustworks.core.store import Database


START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Steered:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def timed(clock: Steered) -> dict[str, Any]:
    """The options of a sequencer that works by this clock, and takes the tokens of the stand-in."""
    return {"now": clock, "check_token": accept_token}


def stored(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(records.checkpoints).order_by(records.checkpoints.c.number)))


def log_of(database: Database) -> list[tuple[str, int]]:
    with database.read() as connection:
        rows = connection.execute(select(records.log).order_by(records.log.c.position)).all()
    assert [row.position for row in rows] == list(range(len(rows)))
    return [(row.stream, row.sequence) for row in rows]


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
def test_every_stream_comes_into_the_tree_in_its_order(
    database: Database, event: Callable[..., Event]
) -> None:
    sequencer = Sequencer(database, None)
    with Recorder.open(database, "one") as one, Recorder.open(database, "two") as two:
        for number in range(10):
            # The clock of the first goes backwards.
            one.record(event(1000 - number))
            two.record(event(number))
            if number == 4:
                assert sequencer.run_once().appended == 12
        progress = sequencer.run_once()
        assert (progress.appended, progress.size) == (10, 22)
    assert sequencer.run_once().appended == 2
    assert sequencer.run_once().appended == 0
    found = log_of(database)
    for stream in (one.stream, two.stream):
        assert [sequence for name, sequence in found if name == stream] == list(range(12))
    with database.read() as connection:
        assert all(connection.scalars(select(records.streams.c.closed)))


def test_streams_are_ordered_by_time(database: Database, event: Callable[..., Event]) -> None:
    now = event(0).time
    with (
        Recorder.open(database, "one", now=lambda: now) as one,
        Recorder.open(database, "two", now=lambda: now) as two,
    ):
        one.record(event(3))
        two.record(event(2))
        one.record(event(5))
        two.record(event(4))
        Sequencer(database, None).run_once()
        assert log_of(database)[2:] == [(two.stream, 1), (one.stream, 1), (two.stream, 2), (one.stream, 2)]


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
def test_a_chunk_reads_no_more_events_than_it_appends(
    database: Database, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "_CHUNK", 10)
    read: list[int] = []

    def counted(*values: Any) -> Entry:
        read.append(values[1])
        return Entry(*values)

    now = event(0).time
    with contextlib.ExitStack() as opened:
        streams = [
            opened.enter_context(Recorder.open(database, name, now=lambda: now)) for name in ("a", "b", "c")
        ]
        Sequencer(database, None).run_once()
        times = ([50, 3, 60, *range(61, 80)], list(range(30)), [90, 0, 1, 2])
        for recorder, own in zip(streams, times, strict=True):
            for number in own:
                recorder.record(event(number))
        # Where a stream's clock went back, the time before it stands.
        stands = sorted((max(own[: i + 1]), n, i) for n, own in enumerate(times) for i in range(len(own)))
        monkeypatch.setattr(sequencing, "Entry", counted)
        before = log_of(database)
        assert Sequencer(database, None)._append()[0] == 10
        assert len(read) <= 10 + len(streams)
        assert Sequencer(database, None).run_once().appended == len(stands) - 10
        expected = [(streams[n].stream, i + 1) for _, n, i in stands]
        assert log_of(database)[len(before) :] == expected


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
def test_a_chunk_of_many_streams_asks_the_server_for_little_more_than_it_appends(
    database: Database, event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk, count, each = 200, 10, 200
    monkeypatch.setattr(sequencing, "_CHUNK", chunk)
    asked: list[int] = []

    def note(*arguments: Any) -> None:
        statement, context = arguments[2], arguments[4]
        if "audit_events.body" in statement:
            asked.append(context.compiled_parameters[0]["param_1"])  # its LIMIT

    now = event(0).time
    expected = []
    for name in range(count):
        with Recorder.open(database, f"s{name}", now=lambda: now) as recorder:
            many(recorder, event, each)
        expected += [(recorder.stream, number) for number in range(each + 2)]
    listen(database.engine, "before_cursor_execute", note)
    assert Sequencer(database, None)._append()[0] == chunk
    assert len(asked) >= count
    assert sum(asked) <= 4 * chunk
    assert Sequencer(database, None).run_once().size == len(expected)
    assert sorted(log_of(database)) == sorted(expected)


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET body = :body WHERE sequence = 2",
        "UPDATE audit_events SET hash = :body WHERE sequence = 2",
        "DELETE FROM audit_events WHERE sequence = 1",
    ],
)
def test_an_event_that_was_altered_does_not_come_into_the_tree(
    database: Database, recorder: Recorder, event: Callable[..., Event], statement: str
) -> None:
    for number in range(4):
        recorder.record(event(number))
    allow_changes(database)
    with database.begin() as connection:
        connection.execute(text(statement), {"body": b"x"} if ":body" in statement else {})
    sequencer = Sequencer(database, None)
    for _ in range(2):
        with pytest.raises(Unavailable, match="audit verify") as caught:
            sequencer.run_once()
        assert caught.value.code == "audit.altered"


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change", ["body = 'a text'", "time = 'noon'", "time = 1.5", "type = x'00'", "hash = 'a text'"]
)
def test_an_event_of_values_of_other_kinds_does_not_come_into_the_tree(
    database: Database, recorder: Recorder, event: Callable[..., Event], change: str
) -> None:
    recorder.record(event(1))
    allow_changes(database)
    with database.begin() as connection:
        connection.execute(text(f"UPDATE audit_events SET {change} WHERE sequence = 1"))  # noqa: S608
    with pytest.raises(Unavailable, match="Event 1 of stream") as caught:
        Sequencer(database, None).run_once()
    assert caught.value.code == "audit.altered"


def test_a_time_that_no_calendar_has_is_no_obstacle(
    database: Database, recorder: Recorder, event: Callable[..., Event]
) -> None:
    recorder.record(event(1))
    allow_changes(database)
    with database.begin() as connection:  # the event is sound: `audit verify` names the column
        connection.execute(text("UPDATE audit_events SET time = 4611686018427387904 WHERE sequence = 1"))
    assert Sequencer(database, None).run_once().appended == 2


def allow_changes(database: Database) -> None:
    """Do what a database administrator can do."""
    with database.begin() as connection:
        for table in ("audit_events", "audit_log", "audit_tiles", "audit_checkpoints"):
            for action in ("update", "delete"):
                on = f" ON {table}" if database.dialect == "postgresql" else ""
                connection.execute(text(f"DROP TRIGGER {table}_no_{action}{on}"))


def test_tiles_are_those_of_the_leaves(database: Database, event: Callable[..., Event]) -> None:
    count = WIDTH + 100
    done = threading.Semaphore(0)
    sequencer = Sequencer(database, None)
    with Recorder.open(database, "test") as recorder:
        for part in (100, 100, count - 201):
            for number in range(part):
                recorder.submit(event(number), released=lambda _: done.release())
            for _ in range(part):
                assert done.acquire(timeout=10)
            sequencer.run_once()
        with database.read() as connection:
            leaves = list(connection.scalars(select(records.log.c.hash).order_by(records.log.c.position)))
            tree = Tree(connection)
            assert tree.size() == len(leaves) == count
            for size in (1, 2, 255, 256, 257, count):
                assert tree.root(size) == root_of(leaves[:size])
            for index in (0, 1, 255, 256, count - 1):
                proof = inclusion_path(tree.node, index, count)
                assert includes(tree.root(count), count, index, leaves[index], proof)
            proof = consistency_path(tree.node, 200, count)
            assert continues(200, tree.root(200), count, tree.root(count), proof)
            with pytest.raises(LookupError, match="no node"):
                tree.node(8, 1)
            with pytest.raises(LookupError, match="no node"):
                tree.node(0, count)
            tiles = connection.execute(select(records.tiles)).all()
    assert [(row.level, row.tile, len(row.hashes)) for row in tiles] == [(0, 0, 32 * WIDTH)]
    assert tiles[0].root == root_of(leaves[:WIDTH])


def test_two_sequencers_do_not_disturb_one_another(database: Database, event: Callable[..., Event]) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            sequencer = Sequencer(database, None)
            while not stop.is_set():
                sequencer.run_once()
            sequencer.run_once()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    stop = threading.Event()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    with Recorder.open(database, "test") as recorder:
        for number in range(50):
            recorder.record(event(number))
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    Sequencer(database, None).run_once()
    assert log_of(database) == [(recorder.stream, number) for number in range(52)]


# ---- checkpoints


def test_an_empty_log_has_no_checkpoint(database: Database, audit_key: Key) -> None:
    progress = Sequencer(database, audit_key).run_once(checkpoint=True)
    assert (progress.size, progress.checkpoint) == (0, None)


@pytest.mark.req("TRUSTWORKS:AUDIT-05")
def test_checkpoints_are_made_when_they_are_due(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key
) -> None:
    clock, certificate = Steered(), certificate_over(audit_key.spki)
    sequencer = Sequencer(database, audit_key, certificate, checkpoint_every=10, now=clock)
    assert sequencer.run_once().checkpoint == 0
    recorder.record(event(1))
    clock.move(9)
    assert sequencer.run_once().checkpoint is None
    clock.move(1)
    assert sequencer.run_once().checkpoint == 1
    clock.move(1000)  # nothing new
    assert sequencer.run_once().checkpoint is None
    assert sequencer.run_once(checkpoint=True).checkpoint == 2
    recorder.record(event(2))
    clock.move(-3600)  # a clock that was put back makes no pause of an hour
    assert sequencer.run_once().checkpoint == 3
    rows = stored(database)
    assert [row.size for row in rows] == [1, 2, 2, 3]
    for row in rows:
        one = checkpoints.read(row.body, row.signature, row.spki, row.certificate, row.time_stamp)
        assert checkpoints.signature_is_valid(one)
        assert one.key == audit_key.spki_sha256.hex()
        assert (row.certificate, row.time_stamp) == (certificate, None)
        with database.read() as connection:
            tree = Tree(connection)
            assert one.root == tree.root(row.size)
            assert one.log == tree.node(0, 0)


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
def test_checkpoints_are_time_stamped_at_their_own_pace(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key
) -> None:
    clock = Steered()
    stamper = Stamper(clock)
    sequencer = Sequencer(
        database, audit_key, None, stamper, checkpoint_every=10, time_stamp_every=60, **timed(clock)
    )
    assert sequencer.run_once().stamped
    stamps = []
    for number in range(12):
        recorder.record(event(number))
        clock.move(10)
        stamps.append(sequencer.run_once().stamped)
    assert stamps == [False] * 5 + [True] + [False] * 5 + [True]
    rows = stored(database)
    stamped = [row for row in rows if row.time_stamp is not None]
    assert [row.size for row in stamped] == [1, 7, 13]
    assert stamper.digests == [sha256(row.body + row.signature).digest() for row in stamped]
    assert accept_token(stamped[0].time_stamp, stamper.digests[0]) == START


def test_an_idle_run_asks_for_no_time_stamp_that_it_knows_of(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key
) -> None:
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        if "time_stamp IS NOT NULL" in arguments[2]:
            asked.append(arguments[2])

    listen(database.engine, "before_cursor_execute", note)
    clock = Steered()
    stamper = Stamper(clock)
    signing = Sequencer(database, audit_key, now=clock)
    stamping = Sequencer(database, audit_key, None, stamper, time_stamp_every=60, **timed(clock))
    for _ in range(3):
        signing.run_once(checkpoint=True)
    assert not asked  # where nobody stamps
    recorder.record(event(1))
    clock.move(10)
    assert stamping.run_once().checkpoint == 3
    for _ in range(3):
        assert stamping.run_once().checkpoint is None
    assert len(asked) == 2  # before its first checkpoint, and about that one
    # One of another process counts as well, and one without a time-stamp does not.
    other = Sequencer(database, audit_key, None, stamper, **timed(clock))
    recorder.record(event(2))
    clock.move(59)
    assert other.run_once(checkpoint=True).stamped
    recorder.record(event(3))
    clock.move(10)
    assert signing.run_once().checkpoint == 5
    clock.move(49)
    assert stamping.run_once().checkpoint is None
    clock.move(1)
    assert stamping.run_once().stamped


def test_a_sequencer_forgets_the_time_stamps_of_a_log_that_was_put_back(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key
) -> None:
    clock = Steered()
    stamper = Stamper(clock)
    sequencer = Sequencer(database, audit_key, None, stamper, time_stamp_every=3600, **timed(clock))
    for number in range(3):
        recorder.record(event(number))
        clock.move(10)
        sequencer.run_once(checkpoint=True)
    sequencer.run_once()
    allow_changes(database)
    with database.begin() as connection:
        connection.execute(text("DELETE FROM audit_checkpoints WHERE number > 0"))
        connection.execute(text("UPDATE audit_checkpoints SET time_stamp = NULL"))
    assert sequencer.run_once().stamped


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
@pytest.mark.parametrize("error", [Unavailable("x", "The authority sleeps."), Malformed("It is broken.")])
def test_a_checkpoint_without_a_time_stamp_is_better_than_none(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key, error: Exception
) -> None:
    clock = Steered()
    stamper = Stamper(clock)
    stamper.error = error
    sequencer = Sequencer(database, audit_key, None, stamper, **timed(clock))
    progress = sequencer.run_once()
    assert (progress.checkpoint, progress.stamped, progress.problem) == (0, False, str(error))
    stamper.error = None
    recorder.record(event(1))
    clock.move(10)
    assert sequencer.run_once().stamped


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (LATE, True),
        (LATE + timedelta(seconds=1), False),  # the machine was suspended meanwhile
        (-EARLY, True),
        (-EARLY - timedelta(seconds=1), False),  # its clock was ahead
    ],
)
def test_a_time_stamp_that_does_not_fit_is_not_kept(
    database: Database,
    recorder: Recorder,
    event: Callable[..., Event],
    audit_key: Key,
    after: timedelta,
    kept: bool,
) -> None:
    clock = Steered()
    stamper = Stamper(lambda: clock() + after)
    sequencer = Sequencer(database, audit_key, None, stamper, time_stamp_every=3600, **timed(clock))
    progress = sequencer.run_once()
    assert (progress.checkpoint, progress.stamped) == (0, kept)
    assert (stored(database)[0].time_stamp is not None) is kept
    if kept:
        assert progress.problem is None
    else:
        assert progress.problem is not None
        for time in (clock(), clock() + after):
            assert time_text(time) in progress.problem
        # The next one has a time-stamp as soon as the two clocks agree again.
        stamper.now = clock
        recorder.record(event(1))
        clock.move(1)
        assert sequencer.run_once().stamped
    with database.read() as connection:
        assert verify(DatabaseSource(connection), check_token=accept_token).ok


@pytest.mark.req("TRUSTWORKS:AUDIT-11")
@pytest.mark.parametrize("wrong", ["over something else", "no token"])
def test_a_token_that_is_about_something_else_is_not_kept(
    database: Database, recorder: Recorder, audit_key: Key, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    recorder.ping()
    clock = Steered()
    stamper = Stamper(clock)
    answer = stamper.stamp(bytes(32)) if wrong == "over something else" else b"none"
    monkeypatch.setattr(stamper, "stamp", lambda _digest: answer)
    progress = Sequencer(database, audit_key, None, stamper, **timed(clock)).run_once(checkpoint=True)
    assert (progress.checkpoint, progress.stamped, progress.problem) == (
        0,
        False,
        "It is over something else.",
    )
    assert stored(database)[0].time_stamp is None


def test_an_idle_log_ends_with_a_time_stamped_checkpoint(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key
) -> None:
    clock = Steered()
    stamper = Stamper(clock)
    sequencer = Sequencer(database, audit_key, None, stamper, time_stamp_every=60, **timed(clock))
    sequencer.run_once()
    recorder.record(event(1))
    clock.move(10)
    assert not sequencer.run_once().stamped
    made = []
    for _ in range(20):
        clock.move(10)
        made.append(sequencer.run_once().checkpoint)
    assert [number for number in made if number is not None] == [2]
    assert stored(database)[-1].time_stamp is not None


def test_two_sequencers_make_one_checkpoint(
    database: Database, recorder: Recorder, audit_key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Sequencer(database, audit_key), Sequencer(database, audit_key)
    recorder.ping()

    def meanwhile(*_: object) -> tuple[None, None]:
        monkeypatch.undo()
        assert second.run_once(checkpoint=True).checkpoint == 0
        return None, None

    monkeypatch.setattr(first, "_stamped", meanwhile)
    monkeypatch.setattr(first, "_stamper", Stamper())
    assert first.run_once(checkpoint=True).checkpoint is None
    assert len(stored(database)) == 1


@pytest.mark.req("TRUSTWORKS:AUDIT-05")
@pytest.mark.parametrize(
    "change",
    [
        "size = 1000000000",
        "time = 4611686018427387904",
        "body = :body",
    ],
)
def test_a_checkpoint_that_was_altered_stops_no_other(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key, change: str
) -> None:
    after_an_altered_checkpoint(database, recorder, event, audit_key, change)


@pytest.mark.req("TRUSTWORKS:AUDIT-05")
@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ["size = 'many'", "time = 'noon'", "body = 'a text'"])
def test_a_checkpoint_of_values_of_other_kinds_stops_no_other(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key, change: str
) -> None:
    after_an_altered_checkpoint(database, recorder, event, audit_key, change)


def after_an_altered_checkpoint(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key, change: str
) -> None:
    clock = Steered()
    sequencer = Sequencer(database, audit_key, None, Stamper(clock), **timed(clock))
    assert sequencer.run_once().checkpoint == 0
    allow_changes(database)
    with database.begin() as connection:
        values = {"body": b"{}"} if ":body" in change else {}
        connection.execute(text(f"UPDATE audit_checkpoints SET {change}"), values)  # noqa: S608
    recorder.record(event(1))
    clock.move(300)
    made = sequencer.run_once()
    assert (made.checkpoint, made.stamped) == (1, True)


def surplus_tile(database: Database, level: int, tile: int) -> None:
    with database.begin() as connection:
        connection.execute(
            insert(records.tiles).values(level=level, tile=tile, root=bytes(32), hashes=bytes(32 * WIDTH))
        )


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
@pytest.mark.parametrize("level", [0, 1])
def test_a_tile_that_is_not_full_yet_is_not_believed(
    database: Database, recorder: Recorder, event: Callable[..., Event], audit_key: Key, level: int
) -> None:
    recorder.record(event(1))
    surplus_tile(database, level, 0)
    made = Sequencer(database, audit_key).run_once(checkpoint=True)
    assert made.checkpoint == 0
    with database.read() as connection:
        leaves = list(connection.scalars(select(records.log.c.hash).order_by(records.log.c.position)))
        root = Tree(connection).root(made.size)
    assert root == root_of(leaves)
    row = stored(database)[0]
    assert checkpoints.read(row.body, row.signature, row.spki).root == root


@pytest.mark.req("TRUSTWORKS:AUDIT-04")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_tiles (level, tile, root, hashes) VALUES (0, 0, :v, :v)",
        "UPDATE audit_log SET position = position + 1000000 WHERE position = 9",
        "UPDATE audit_log SET position = 9223372036854775807 WHERE position = 9",
        "UPDATE audit_checkpoints SET number = 9223372036854775807",
        "DELETE FROM audit_log WHERE position = 5",
        "UPDATE audit_log SET hash = :v WHERE position = 5",
    ],
)
def test_a_tree_that_was_altered_is_said_to_be(
    database: Database, event: Callable[..., Event], audit_key: Key, statement: str
) -> None:
    sequencer = Sequencer(database, audit_key)
    with Recorder.open(database, "test") as recorder:
        for number in range(9):
            recorder.record(event(number))
        sequencer.run_once()
        allow_changes(database)
        with database.begin() as connection:
            connection.execute(text(statement), {"v": b"short"} if ":v" in statement else {})
        many(recorder, event, WIDTH)
    for _ in range(2):
        with pytest.raises(Unavailable, match="audit verify") as caught:
            sequencer.run_once(checkpoint=True)
        assert caught.value.code == "audit.altered"


def many(recorder: Recorder, event: Callable[..., Event], count: int) -> None:
    done = threading.Semaphore(0)
    for number in range(count):
        recorder.submit(event(number), released=lambda _: done.release())
    for _ in range(count):
        assert done.acquire(timeout=10)


# ---- a checkpoint by itself


@pytest.mark.req("TRUSTWORKS:AUDIT-16")
@pytest.mark.parametrize("other", [True, False])
def test_a_certificate_of_another_key_comes_beside_no_checkpoint(
    database: Database, recorder: Recorder, audit_key: Key, other: bool
) -> None:
    recorder.ping()
    certificate = certificate_over(another_key()) if other else b"no certificate"
    with pytest.raises(Unavailable, match=r"\[audit\] certificate") as caught:
        Sequencer(database, audit_key, certificate)
    assert caught.value.code == "audit.certificate"


@pytest.mark.req("TRUSTWORKS:AUDIT-05")
def test_signatures_that_are_not_valid(database: Database, recorder: Recorder, audit_key: Key) -> None:
    recorder.ping()
    Sequencer(database, audit_key).run_once()
    row = stored(database)[0]
    body, signature, spki = row.body, row.signature, row.spki
    assert checkpoints.signature_is_valid(checkpoints.read(body, signature, spki))
    value = json.loads(body)
    for changes in ({"size": 2}, {"time": "2020-01-01T00:00:00Z"}, {"scheme": "RSA_PSS_SHA256"},
                    {"scheme": "ED25519"}, {"scheme": "NONE"}, {"key": "00" * 32}):  # fmt: skip
        changed = json.dumps(value | changes).encode()
        assert not checkpoints.signature_is_valid(checkpoints.read(changed, signature, spki))
    forged = signature[:-1] + bytes([signature[-1] ^ 1])
    assert not checkpoints.signature_is_valid(checkpoints.read(body, forged, spki))
    assert not checkpoints.signature_is_valid(checkpoints.read(body, b"", spki))
    assert not checkpoints.signature_is_valid(checkpoints.read(body, signature, b"no key"))


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != name}


def test_a_checkpoint_as_a_document(database: Database, recorder: Recorder, audit_key: Key) -> None:
    recorder.ping()
    Sequencer(
        database, audit_key, certificate_over(audit_key.spki), Stamper(), check_token=accept_token
    ).run_once()
    row = stored(database)[0]
    one = checkpoints.read(row.body, row.signature, row.spki, row.certificate, row.time_stamp)
    document = json.loads(json.dumps(checkpoints.as_document(one)))
    assert checkpoints.from_document(document) == one
    for broken in (
        {},
        {**document, "signature": "?"},
        {**document, "checkpoint": None},
        {**document, "checkpoint": {**document["checkpoint"], "size": "1"}},
        {**document, "checkpoint": {**document["checkpoint"], "size": -1}},
        {**document, "checkpoint": {**document["checkpoint"], "size": True}},
        {**document, "checkpoint": {**document["checkpoint"], "root": "00"}},
        {**document, "checkpoint": {**document["checkpoint"], "time": "noon"}},
        {**document, "checkpoint": {**document["checkpoint"], "type": "other"}},
        {**document, "checkpoint": {**document["checkpoint"], "version": 2}},
        {**document, "checkpoint": {**document["checkpoint"], "time": "2026-11-24T12:00:00"}},
        {**document, "checkpoint": {**document["checkpoint"], "time": 5}},
        {**document, "checkpoint": {**document["checkpoint"], "size": 2**63}},
        {**document, "checkpoint": without(document["checkpoint"], "type")},
        {**document, "checkpoint": without(document["checkpoint"], "version")},
        {**document, "checkpoint": []},
        {**document, "public_key": None},
    ):
        with pytest.raises(Malformed):
            checkpoints.from_document(broken)


@pytest.mark.parametrize("algorithm", ["RSA_3072", "P384", "ED25519", "BRAINPOOL_P256"])
def test_every_kind_of_key_signs_checkpoints(audit_key: Key, algorithm: str) -> None:
    from trustworks.core.module import KeyAlgorithm  # noqa: PLC0415

    module = audit_key._module
    try:
        key = module.generate_key_pair(label=f"audit-{algorithm}", algorithm=KeyAlgorithm[algorithm])
    except Exception as error:  # noqa: BLE001 - what a module cannot do is not ours to judge here
        pytest.skip(f"NOT TESTED WITH {algorithm}: {error}")
    body = checkpoints.make_body(
        size=1, root=bytes(32), log=bytes(32), time=datetime(2026, 1, 1, tzinfo=UTC), key=key
    )
    one = checkpoints.read(body, key.sign(body), key.spki)
    assert checkpoints.signature_is_valid(one)
    assert not checkpoints.signature_is_valid(checkpoints.read(body, key.sign(body + b" "), key.spki))


def test_the_notes_about_streams_may_change(database: Database, recorder: Recorder) -> None:
    recorder.ping()
    with database.begin() as connection:
        connection.execute(update(records.streams).values(logged=0))
