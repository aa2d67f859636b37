"""Records that are bound to their events: what is changed beside the log is found."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import all_tables  # noqa: F401 - declares them
import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from trustworks.app.commands.audit import all_bound_tables
from trustworks.core.audit import Recorder
from trustworks.core.audit.bound import BoundRecords, bind, bound_objection, bound_tables
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.stored import Entry
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Rejected
from trustworks.core.store import metadata
from trustworks.core.store.types import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from trustworks.core.audit import Event
    from trustworks.core.store import Database

pytestmark = pytest.mark.req("TRUSTWORKS:AUDIT-17")

officers = Table(
    "test_officers",
    MetaData(),
    Column("name", String(40), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("state", String(10)),
    Column("key", LargeBinary),
    Column("away", Boolean),
    Column("since", UtcDateTime),
    Column("failures", Integer),
)
bind(officers, but=("failures",))


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    with database.begin() as connection:
        officers.create(connection)
    with Recorder.open(database, "test") as opened:
        yield opened


@pytest.fixture
def findings(database: Database) -> Callable[[], list[str]]:
    def find() -> list[str]:
        with database.inspect() as connection:
            checker = BoundRecords(connection, (officers,))
            return [one.message for one in verify(DatabaseSource(connection), checkers=(checker,)).findings]

    return find


def officer(event: Callable[..., Event], name: str, part: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "part": part,
        "state": "active",
        "key": b"\x01\xff",
        "away": False,
        "since": event().time,
        "failures": 0,
    }


def by_hand(database: Database, statement: str) -> None:
    with database.begin() as connection:
        assert connection.execute(text(statement)).rowcount


@pytest.fixture
def written(recorder: Recorder, event: Callable[..., Event]) -> None:
    """Two officers, one of whom was added, suspended and taken back, by two processes."""

    def add(connection: Connection) -> None:
        connection.execute(insert(officers).values(officer(event, "anna")))
        connection.execute(insert(officers), [officer(event, "bert"), officer(event, "bert", 2)])

    def set_state(state: str) -> Callable[[Connection], Any]:
        changed = update(officers).where(officers.c.name == bindparam("who")).values(state=state)
        return lambda connection: connection.execute(changed, {"who": "anna"})

    recorder.transact(event(1), add)
    with Recorder.open(recorder._database, "other") as other:
        other.transact(event(2), set_state("suspended"))
    recorder.transact(event(3), set_state("active"))


@pytest.mark.usefixtures("written")
def test_what_the_recorder_wrote_is_bound(
    database: Database, recorder: Recorder, findings: Callable[[], list[str]], event: Callable[..., Event]
) -> None:
    assert findings() == []
    recorder.transact(event(4), lambda connection: connection.execute(update(officers).values(away=True)))
    recorder.transact(
        event(5), lambda connection: connection.execute(delete(officers).where(officers.c.part == 2))
    )
    assert findings() == []
    by_hand(database, "UPDATE test_officers SET failures = 7")
    assert findings() == []


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("done", "told"),
    [
        ("UPDATE test_officers SET state = 'chief' WHERE name = 'anna'", "is not what was logged of it"),
        ("UPDATE test_officers SET state = 'suspended' WHERE name = 'anna'", "is not what was logged of it"),
        ("UPDATE test_officers SET away = true WHERE name = 'anna'", "is not what was logged of it"),
        ("UPDATE test_officers SET since = since + 1 WHERE name = 'anna'", "is not what was logged of it"),
        ("DELETE FROM test_officers WHERE name = 'anna'", "is gone"),
        (
            "INSERT INTO test_officers (name, part, state) VALUES ('anna', 3, 'active')",
            "No event tells of the record",
        ),
    ],
)
def test_what_is_done_beside_the_log_is_found(
    database: Database, findings: Callable[[], list[str]], done: str, told: str
) -> None:
    by_hand(database, done)
    (found,) = findings()
    assert told in found
    assert '"test_officers","anna"' in found


@pytest.mark.usefixtures("written")
def test_an_event_too_few_is_found(database: Database, findings: Callable[[], list[str]]) -> None:
    with database.inspect() as connection:
        source = DatabaseSource(connection)
        told = [
            one for one in source.entries() if isinstance(one, Entry) and b'"test.done"' in (one.body or b"")
        ]
        checker = BoundRecords(connection, (officers,))
        report = verify(_Without(source, told[1]), checkers=(checker,))
    assert any("anna" in one.message and "not what was logged" in one.message for one in report.findings)
    assert findings() == []


class _Without:
    """A log of which one entry is not told."""

    def __init__(self, source: DatabaseSource, missing: Any) -> None:
        self._source = source
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def entries(self) -> Iterator[Any]:
        return (one for one in self._source.entries() if one != self._missing)


def test_what_was_undone_inside_a_transaction_is_not_told(
    recorder: Recorder, findings: Callable[[], list[str]], event: Callable[..., Event]
) -> None:
    def add(connection: Connection, name: str) -> None:
        connection.execute(insert(officers).values(officer(event, name)))

    def action(connection: Connection) -> None:
        add(connection, "anna")
        with pytest.raises(IntegrityError), connection.begin_nested():  # noqa: PT012 - the first insert is undone
            add(connection, "bert")
            add(connection, "anna")

    recorder.transact(event(), action)
    assert findings() == []


def test_a_refusal_leaves_nothing_to_be_told_later(
    recorder: Recorder, findings: Callable[[], list[str]], event: Callable[..., Event]
) -> None:
    def refused(connection: Connection) -> None:
        connection.execute(insert(officers).values(officer(event, "anna")))
        raise Rejected("test", "No.")

    with pytest.raises(Rejected):
        recorder.transact(event(), refused)
    recorder.transact(
        event(), lambda connection: connection.execute(insert(officers).values(officer(event, "bert")))
    )
    assert findings() == []


def test_a_bound_record_needs_an_event(
    recorder: Recorder, database: Database, event: Callable[..., Event]
) -> None:
    with pytest.raises(RuntimeError, match="no event tells of"):
        recorder.transact_all(
            lambda _: (),
            lambda connection: connection.execute(insert(officers).values(officer(event, "anna"))),
        )
    with database.read() as connection:
        assert connection.execute(officers.select()).all() == []


def test_rows_whose_keys_cannot_be_known_are_not_taken(
    recorder: Recorder, event: Callable[..., Event]
) -> None:
    both = [officer(event, "anna"), officer(event, "bert")]
    with pytest.raises(ValueError, match="one by one"):
        recorder.transact(event(), lambda connection: connection.execute(insert(officers).values(both)))


def test_an_event_that_tells_nonsense_is_found(
    recorder: Recorder, findings: Callable[[], list[str]], event: Callable[..., Event]
) -> None:
    recorder.record(event(1, detail={"bound": {"x": ["zz", ""]}}))
    recorder.record(event(2, detail={"bound": 7}))
    assert findings() == ["The event does not say what became of which record."] * 2


def test_a_record_is_what_its_events_add_up_to() -> None:
    assert bound_objection("x", 255, "ff") is None
    assert bound_objection("x", 0, "") is None
    assert "No event" in str(bound_objection("x", None, "ff"))
    assert "is gone" in str(bound_objection("x", 255, ""))
    assert "not what was logged" in str(bound_objection("x", 254, "ff"))


def test_only_columns_that_there_are_can_be_left_out() -> None:
    with pytest.raises(ValueError, match="test_officers has no column nobody"):
        bind(officers, but=("nobody",))


def test_the_command_knows_every_bound_table() -> None:
    known = {table.name for table in all_bound_tables()}
    assert known == {table.name for table in bound_tables()}
    assert {"role_grants", "module_key_history", "api_clients", "applications", "ceremonies"} <= known


# Why a table is not bound.
NOT_BOUND = {
    "the log itself": ("audit_streams", "audit_events", "audit_log", "audit_tiles", "audit_checkpoints"),
    "bound by checkers of their own, some hundred thousand an hour": (
        "certificates", "crls", "timestamp_tokens",
    ),
    "hashed together: their hash names their list, which is bound": ("key_list_entries",),
    "signed by their authority, and told by the digest of each batch": ("last_answers",),
    "what is on its way out; what it is about is bound": ("notices", "notice_marks"),
    "told to the log one by one, without what is in them": ("signing_agreements", "signing_seals"),
    "a queue; who ordered, made and downloaded is told to the log one by one": ("dossier_orders",),
    "counts of a day: by them a client is served or not, and nothing is proven": ("signing_usage",),
    "read out of imported files, which are bound; made again by each import": ("assurance_catalogue",),
    "the state of a conversation, gone when it is over; the log tells what came of it": (
        "role_sessions", "role_challenges", "api_sessions", "api_requests", "cmp_transactions",
        "acme_orders", "acme_authorizations", "acme_order_authorizations", "acme_challenges",
        "acme_used_nonces",
    ),
}  # fmt: skip


def test_every_table_is_bound_or_it_is_said_why_not() -> None:
    left = sorted(name for names in NOT_BOUND.values() for name in names)
    assert sorted(set(metadata.tables) - {table.name for table in bound_tables()}) == left


def test_the_command_that_verifies_knows_every_table_that_is_bound() -> None:
    """In a process of its own: here the tests have loaded all modules that declare one."""
    code = (
        "from trustworks.app.commands.audit import all_bound_tables\n"
        "print(*sorted(one.name for one in all_bound_tables()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == sorted(one.name for one in bound_tables())
