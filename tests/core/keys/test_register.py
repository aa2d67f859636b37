"""The register of keys: what follows what, each with its event, on both databases."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trustworks.core.audit import Recorder
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.keys import KeyRegister, KeyStates, records, registered_events
from trustworks.core.keys.model import Act, KeyEntry, living_backups, places, remaining_copies
from trustworks.core.keys.states import FRESH
from trustworks.core.keys.transitions import check_returnable
from trustworks.core.module import Module, Pkcs11Uri
from trustworks.core.module.algorithms import KeyAlgorithm
from trustworks.core.module.backup import BackedUpKey, Backup
from trustworks.core.module.events import new_key
from trustworks.core.module.openings import Opening, Request, Share
from trustworks.core.module.packages import Recipient
from trustworks.core.module.requests import certification_request
from trustworks.core.module.states import KeyState, check_operational, check_transition
from trustworks.core.module.wrapping import Oaep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.core.keys.model import HistoryEntry, LossCheck
    from trustworks.core.store import Database

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
SPKI = b"a public key"
KEY = hashlib.sha256(SPKI).hexdigest()
FIRST = Pkcs11Uri(token="first", serial="01")
SECOND = Pkcs11Uri(token="second", serial="02")


def backup(number: int = 1) -> Backup:
    """A backup as far as the register looks into it."""
    recipients = tuple(
        Recipient(name=name, spki=b"k", oaep=Oaep.SHA256) for name in ("anna", "boris", "clara")
    )
    return Backup(
        key=BackedUpKey(label="ca", key_id=b"id", algorithm=KeyAlgorithm.P256, spki=SPKI),
        made_at=NOW,
        module={},
        threshold=2,
        custodians=recipients,
        wrapped_key=bytes((number,)),
        packages=(),
    )


def asked(purpose: str = "restore") -> tuple[Request, Opening]:
    request = Request(
        purpose=purpose,  # type: ignore[arg-type]
        backup=backup().digest,
        label="ca",
        custodians=("anna", "boris"),
        transport_spki=b"t",
        transport_id=b"t",
        oaep=(Oaep.SHA256,),
        kwp="AES_KEY_WRAP_KWP",
        module={},
        made_at=NOW,
    )
    shares = tuple(Share(name=name, oaep=Oaep.SHA256, wrapped=b"c") for name in request.custodians)
    return request, Opening(request=request.fingerprint, shares=shares)


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    with Recorder.open(database, "operator") as opened:
        yield opened


@pytest.fixture
def register(recorder: Recorder) -> KeyRegister:
    return KeyRegister(recorder, by="officer", now=lambda: NOW)


def enter(recorder: Recorder, *, state: str = "operational") -> None:
    registered_events(recorder)(
        "module.key-generated",
        FIRST,
        {"spki_sha256": KEY, "label": "ca", "id": "6964", "algorithm": "P-256", "state": state},
    )


def history(database: Database) -> list[HistoryEntry]:
    with database.read() as connection:
        return records.history_of(connection, KEY)


def state(database: Database) -> KeyState | None:
    with database.read() as connection:
        return records.state(connection, KEY)


def events(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT type FROM audit_events ORDER BY sequence")).scalars())


# What must not work


@pytest.mark.req("TRUSTWORKS:KEYS-STATES", "CENTS419261:KM1.1")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (KeyState.DESTROYED, KeyState.OPERATIONAL),
        (KeyState.DEACTIVATED, KeyState.OPERATIONAL),
        (KeyState.OPERATIONAL, KeyState.PRE_OPERATIONAL),
        (KeyState.OPERATIONAL, KeyState.OPERATIONAL),
        (KeyState.PRE_OPERATIONAL, KeyState.SUSPENDED),
        (KeyState.OPERATIONAL, KeyState.DESTROYED),
    ],
)
def test_a_key_does_not_come_to_life_again(before: KeyState, after: KeyState) -> None:
    with pytest.raises(Rejected, match=f"is {before.value} and cannot become {after.value}") as caught:
        check_transition(before, after, "ca")
    assert caught.value.code == "keys.transition"


@pytest.mark.req("TRUSTWORKS:KEYS-STATES", "CENTS419261:KM1.1")
def test_a_refused_change_of_state_changes_nothing(
    recorder: Recorder, register: KeyRegister, database: Database
) -> None:
    enter(recorder)
    before = events(database)
    for wrong in (KeyState.PRE_OPERATIONAL, KeyState.DESTROYED):
        with pytest.raises(Rejected):
            register.set_state(KEY, wrong, reason="because")
    with pytest.raises(Rejected, match="meanwhile"):
        register.set_state(KEY, KeyState.SUSPENDED, reason="approved for another place", number=1)
    with pytest.raises(Unavailable, match="no key 0000") as caught:
        register.set_state("0" * 64, KeyState.SUSPENDED, reason="because")
    assert caught.value.code == "keys.unknown"
    assert len(history(database)) == 1
    assert events(database) == before


@pytest.mark.req("TRUSTWORKS:KEYS-OPERATIONAL", "EN319411-1:GEN-6.5.3-02")
@pytest.mark.parametrize("state", [one for one in KeyState if one is not KeyState.OPERATIONAL])
def test_a_key_that_is_not_operational_signs_nothing(state: KeyState) -> None:
    with pytest.raises(Refused, match=f"is {state.value}, and signs nothing") as caught:
        check_operational(state, "ca")
    assert caught.value.requirement == "TRUSTWORKS:KEYS-OPERATIONAL"


@pytest.mark.req("TRUSTWORKS:KEYS-NO-RETURN", "EN319411-1:GEN-6.5.2-13", "EN319411-1:GEN-6.5.3-06")
def test_a_key_whose_life_ended_does_not_come_back(
    recorder: Recorder, register: KeyRegister, database: Database
) -> None:
    enter(recorder)
    request, opening = asked()
    register.order_return(request, backup(), opening, token=FIRST)
    register.set_state(KEY, KeyState.DEACTIVATED, reason="end of its usage period")
    before = events(database)
    with pytest.raises(Rejected, match="is deactivated, and does not come back") as caught:
        register.order_return(request, backup(), opening, token=FIRST)
    assert caught.value.code == "keys.state"
    assert events(database) == before
    for ended in (KeyState.DEACTIVATED, KeyState.DESTROYED):
        with pytest.raises(Rejected):
            check_returnable(
                KeyEntry(
                    spki_sha256=KEY, label="ca", key_id="", algorithm="P-256", entered_at=NOW, state=ended
                )
            )


@pytest.mark.req("TRUSTWORKS:KEYS-NO-RETURN")
def test_a_copy_of_a_backup_that_was_entered_as_destroyed_brings_nothing_back(
    recorder: Recorder, register: KeyRegister, database: Database
) -> None:
    enter(recorder)
    request, opening = asked()
    register.order_return(request, backup(), opening, token=FIRST)
    register.backup_destroyed(KEY, backup().digest, reason="all copies were shredded")
    before = events(database)
    with pytest.raises(Rejected, match="this copy of it was kept all the same") as caught:
        register.order_return(request, backup(), opening, token=FIRST)
    assert caught.value.code == "keys.backup-destroyed"
    assert events(database) == before


def test_rows_are_written_once(recorder: Recorder, database: Database) -> None:
    enter(recorder)
    for statement in (
        "UPDATE module_key_history SET state = 'operational'",
        "DELETE FROM module_key_history",
        "UPDATE module_keys SET label = 'other'",
        "DELETE FROM module_keys",
    ):
        with pytest.raises(DBAPIError, match="append-only"), database.begin() as connection:
            connection.execute(text(statement))


# What works


def test_a_key_that_is_made_and_destroyed_is_entered_with_the_event(
    recorder: Recorder, database: Database, module: Module
) -> None:
    on_event = registered_events(recorder)
    key = new_key(on_event, module, label="unit", algorithm=KeyAlgorithm.P256)
    with database.read() as connection:
        (entry,) = records.keys_with(connection, label="unit")
        assert entry.spki_sha256 == key.spki_sha256.hex()
        assert entry.state is KeyState.OPERATIONAL
        assert list(places(records.history_of(connection, entry.spki_sha256)).values()) == [
            module.token_uri.token
        ]
    on_event(
        "module.key-destroyed",
        module.token_uri,
        {"spki_sha256": entry.spki_sha256, "label": "unit", "reason": "test"},
    )
    with database.read() as connection:
        assert records.state(connection, entry.spki_sha256) is KeyState.DESTROYED
    on_event("module.key-destroyed", module.token_uri, {"spki_sha256": "0" * 64})  # of before the register
    assert events(database)[-2:] == ["key.removed", "module.key-destroyed"]


def test_the_states_of_a_life(recorder: Recorder, register: KeyRegister, database: Database) -> None:
    enter(recorder, state="pre-operational")
    for following in (
        KeyState.OPERATIONAL,
        KeyState.SUSPENDED,
        KeyState.OPERATIONAL,
        KeyState.DEACTIVATED,
    ):
        written = register.set_state(KEY, following, reason="because", approvals=["a1"])
        assert (written.state, state(database)) == (following, following)
    register.removed(KEY, token=FIRST, reason="end of its life")
    assert state(database) is KeyState.DESTROYED
    assert [one.act for one in history(database)] == [Act.ENTERED, *[Act.STATE] * 4, Act.REMOVED]
    assert events(database)[-1] == "key.removed"


def test_a_lost_key_is_suspended_while_there_is_a_backup_and_comes_back_as_it_was(
    recorder: Recorder, register: KeyRegister, database: Database
) -> None:
    enter(recorder)
    request, opening = asked()
    register.order_return(request, backup(), opening, token=FIRST)
    register.removed(KEY, token=FIRST, reason="the module broke")
    assert state(database) is KeyState.SUSPENDED
    assert places(history(database)) == {}
    register.restored(backup(), token=SECOND, custodians=opening.opened_by)
    assert state(database) is KeyState.OPERATIONAL
    assert places(history(database)) == {"02": "second"}
    # What somebody suspended stays so, whatever is restored.
    register.set_state(KEY, KeyState.SUSPENDED, reason="under investigation")
    register.removed(KEY, token=SECOND, reason="lost too")
    register.restored(backup(), token=FIRST, custodians=opening.opened_by)
    assert state(database) is KeyState.SUSPENDED


def test_a_key_is_destroyed_with_its_last_copy(
    recorder: Recorder, register: KeyRegister, database: Database
) -> None:
    enter(recorder)
    for number in (1, 2):
        request, opening = asked()
        register.order_return(request, backup(number), opening, token=SECOND)
    register.restored(backup(1), token=SECOND, custodians=("anna", "boris"), transfer=True)
    assert sorted(places(history(database)).values()) == ["first", "second"]
    register.removed(KEY, token=FIRST, reason="moved")
    assert state(database) is KeyState.OPERATIONAL  # it is on the second token
    register.removed(KEY, token=SECOND, reason="end")
    assert state(database) is KeyState.SUSPENDED
    first, second = (backup(number).digest for number in (1, 2))
    assert living_backups(history(database)) == [first, second]
    register.backup_destroyed(KEY, first, reason="shredded")
    with pytest.raises(Rejected, match="no backup"):
        register.backup_destroyed(KEY, first, reason="shredded")
    assert state(database) is KeyState.SUSPENDED
    register.backup_destroyed(KEY, second, reason="shredded")
    assert state(database) is KeyState.DESTROYED


def test_a_key_of_another_installation_comes_as_pre_operational(
    register: KeyRegister, database: Database
) -> None:
    request, opening = asked("transfer")
    register.order_return(request, backup(), opening, token=SECOND)
    assert places(history(database)) == {}
    register.restored(backup(), token=SECOND, custodians=opening.opened_by, transfer=True)
    assert state(database) is KeyState.PRE_OPERATIONAL
    assert places(history(database)) == {"02": "second"}
    assert events(database)[-2:] == ["key.transfer-ordered", "key.transferred"]


def test_a_drill_is_dated(recorder: Recorder, register: KeyRegister, database: Database) -> None:
    enter(recorder)
    request, opening = asked("drill")
    register.order_return(request, backup(), opening, token=FIRST)
    register.drilled(backup(), token=FIRST, custodians=opening.opened_by, nonce=b"n")
    last = history(database)[-1]
    assert (last.act, last.backup, last.at) == (Act.DRILLED, backup().digest, NOW)


@pytest.mark.req("TRUSTWORKS:KEYS-OPERATIONAL")
def test_a_suspended_key_of_the_module_signs_nothing_and_others_do(
    recorder: Recorder,
    register: KeyRegister,
    database: Database,
    softhsm: Path,
    token: Pkcs11Uri,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr("trustworks.core.keys.states.time.monotonic", lambda: clock[0])
    with Module.open(
        token, library=softhsm, read_write=True, lab=True, state_of=KeyStates(database)
    ) as module:
        key = new_key(registered_events(recorder), module, label="ca", algorithm=KeyAlgorithm.P256)
        unknown = module.generate_key_pair(label="unknown", algorithm=KeyAlgorithm.P256)
        clock[0] += FRESH
        key.sign(b"data")
        register.set_state(key.spki_sha256.hex(), KeyState.SUSPENDED, reason="look")
        clock[0] += FRESH
        with pytest.raises(Refused, match="'ca' is suspended"):
            key.sign(b"data")
        with pytest.raises(Refused, match="'ca' is suspended"):
            certification_request(key)
        unknown.sign(b"data")
        register.set_state(key.spki_sha256.hex(), KeyState.OPERATIONAL, reason="well")
        clock[0] += FRESH
        key.sign(b"data")


# The last copy


def keeps_one(
    connection: Connection, spki_sha256: str, *, token: str | None = None, backup: str | None = None
) -> None:
    history = records.history_of(connection, spki_sha256)
    if not any(remaining_copies(history, token=token, backup=backup)):
        raise Rejected("test.last", "It is the last copy.")


def with_backup(kept: Backup) -> tuple[Request, Backup, Opening]:
    request, opening = asked()
    return request, kept, opening


def told(recorder: Recorder, kind: str, *, may_go: LossCheck = keeps_one, token: Pkcs11Uri = FIRST) -> None:
    registered_events(recorder, may_go=may_go)(f"module.{kind}", token, {"spki_sha256": KEY, "label": "ca"})


def test_two_acts_at_once_do_not_each_count_on_the_copy_that_the_other_destroys(
    database: Database, recorder: Recorder
) -> None:
    enter(recorder)
    kept = backup()
    KeyRegister(recorder, by="carl").order_return(*with_backup(kept), token=FIRST)
    # Both come to their checks before either goes on, each in a process' own log.
    both = Barrier(2)
    ended: list[str] = []

    def attempt(act: Callable[[Recorder], object]) -> None:
        with Recorder.open(database, "operator") as own:
            both.wait(30)
            try:
                act(own)
            except Rejected as error:
                ended.append(error.code)
            else:
                ended.append("done")

    acts: tuple[Callable[[Recorder], object], ...] = (
        lambda own: told(own, "key-destruction-ordered"),
        lambda own: KeyRegister(own, by="dora", may_go=keeps_one).order_backup_end(
            KEY, kept.digest, reason="x"
        ),
    )
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(attempt, acts))
    assert sorted(ended) == ["done", "test.last"]


def test_what_was_ordered_to_be_destroyed_counts_as_no_copy_until_it_is_shown_to_be_there(
    database: Database, recorder: Recorder
) -> None:
    enter(recorder)
    kept, register = backup(), KeyRegister(recorder, by="carl", may_go=keeps_one)
    register.order_return(*with_backup(kept), token=FIRST)
    told(recorder, "key-destruction-ordered")
    told(recorder, "key-destruction-ordered")  # by the command that goes on
    for act in (register.order_backup_end, register.backup_destroyed):
        with pytest.raises(Rejected, match="the last copy"):
            act(KEY, kept.digest, reason="x")
    assert [one.act for one in history(database)] == [
        *(Act.ENTERED, Act.BACKED_UP),
        *(Act.REMOVAL_ORDERED, Act.REMOVAL_ORDERED),
    ]
    told(recorder, "key-destroyed")
    register.restored(kept, token=FIRST, custodians=("anna", "boris"))
    register.order_backup_end(KEY, kept.digest, reason="x")
    with pytest.raises(Rejected, match="the last copy"):
        told(recorder, "key-destruction-ordered")
    register.drilled(kept, token=FIRST, custodians=("anna", "boris"), nonce=b"n")
    told(recorder, "key-destruction-ordered")
    with pytest.raises(Rejected, match="no backup abab"):
        register.order_backup_end(KEY, "ab" * 32, reason="x")
    told(recorder, "key-destruction-ordered", token=SECOND)  # where it never was: the event alone
    assert history(database)[-1].serial == FIRST.serial
