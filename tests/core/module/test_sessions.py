"""The connection to a token: wrong PINs, lost sessions, a library finalised beneath us, threads."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import threading
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm, Module, Pkcs11Uri, SignatureScheme, sessions
from trustworks.core.module.constants import Attribute, ObjectClass, Rv, User
from trustworks.core.module.failures import pin_error, unavailable
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError, ffi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Key
    from trustworks.core.module.pkcs11 import Template


@pytest.fixture
def key(module: Module) -> Key:
    return module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)


def with_pin(uri: Pkcs11Uri, folder: Path, pin: str) -> Pkcs11Uri:
    file = folder / "other.pin"
    file.touch(0o600)
    file.write_text(pin, encoding="ascii")
    return dataclasses.replace(uri, pin_source=f"file:{file}")


# Opening


def test_a_wrong_pin_is_told(softhsm: Path, token: Pkcs11Uri, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not accept the PIN") as caught:
        Module.open(with_pin(token, tmp_path, "Wr0ng-pin-8"), library=softhsm)
    assert caught.value.code == "module.pin-wrong"
    assert "Wr0ng" not in str(caught.value)
    with Module.open(token, library=softhsm) as module:
        module.random(8)


class Tries:
    """Counts the PINs that the token is asked about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pins: list[bytes] = []
        genuine = Cryptoki.login

        def login(cryptoki: Cryptoki, session: int, user: User, pin: bytes) -> None:
            self.pins.append(pin)
            genuine(cryptoki, session, user, pin)

        monkeypatch.setattr(Cryptoki, "login", login)


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-ONCE", "TRUSTWORKS:APP-PIN-ONCE")
def test_a_refused_pin_is_not_tried_again_by_any_process(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, state = Tries(monkeypatch), tmp_path / "state"
    wrong = with_pin(token, tmp_path, "Wr0ng-pin-8")
    said = []
    for _ in range(3):  # each a connection of its own, that knows the others by the file alone
        with pytest.raises(Unavailable) as caught:
            Module.open(wrong, library=softhsm, state=state)
        assert caught.value.code == "module.pin-wrong"
        said.append(str(caught.value))
    assert tries.pins == [b"Wr0ng-pin-8"]
    (memory,) = state.iterdir()
    assert memory.stat().st_mode & 0o777 == 0o600
    assert "Wr0ng" not in memory.read_text()
    assert f"remove {memory}" in said[-1]  # how to go on
    for guess in ("Wr0ng-pin-9", "Wr0ng-pin-8", "Wr0ng-pin-9"):  # another one is tried, and both are known
        with pytest.raises(Unavailable):
            Module.open(with_pin(token, tmp_path, guess), library=softhsm, state=state)
    assert tries.pins == [b"Wr0ng-pin-8", b"Wr0ng-pin-9"]
    with Module.open(token, library=softhsm, state=state) as module:
        module.random(8)
    assert not list(state.iterdir())


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-ONCE")
def test_a_memory_that_cannot_be_read_lets_no_pin_be_tried(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, state = with_pin(token, tmp_path, "Wr0ng-pin-8"), tmp_path / "state"
    with pytest.raises(Unavailable):
        Module.open(wrong, library=softhsm, state=state)
    (memory,) = state.iterdir()
    tries = Tries(monkeypatch)
    for damage in (b"", b"00", b"zz zz"):
        memory.write_bytes(damage)
        with pytest.raises(Unavailable, match="its content is damaged"):
            Module.open(wrong, library=softhsm, state=state)
    assert not tries.pins


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-ONCE")
def test_a_refusal_that_cannot_be_kept_is_told(softhsm: Path, token: Pkcs11Uri, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("no folder")
    with pytest.raises(Unavailable, match="cannot be") as caught:
        Module.open(with_pin(token, tmp_path, "Wr0ng-pin-8"), library=softhsm, state=state)
    assert caught.value.code == "module.pin-wrong"


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-ONCE")
def test_a_login_needs_no_writable_state_folder(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(type(tmp_path), "unlink", read_only)
    with Module.open(token, library=softhsm, state=tmp_path) as module:
        module.random(8)


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-ONCE")
def test_a_memory_that_cannot_be_removed_is_told_and_the_last_user_logs_out(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    with pytest.raises(Unavailable):
        Module.open(with_pin(token, tmp_path, "Wr0ng-pin-8"), library=softhsm, state=state)
    (memory,) = state.iterdir()

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    first = Module.open(token, library=softhsm, read_write=True)
    first.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "unlink", read_only)
        with pytest.raises(Unavailable, match="Read-only file system") as caught:
            Module.open(token, library=softhsm, state=state)
    assert caught.value.code == "module.pin-memory"
    assert str(memory) in str(caught.value)
    cryptoki, slot = first.cryptoki, first.connection.slot
    session = cryptoki.open_session(slot, read_write=False)  # it keeps a login that nobody ends
    try:
        private: Template = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        assert cryptoki.find(session, private)
        first.close()
        assert not cryptoki.find(session, private)
    finally:
        cryptoki.close_session(session)


def test_a_wrong_pin_is_refused_while_another_user_is_logged_in(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path
) -> None:
    with Module.open(token, library=softhsm) as module:
        with pytest.raises(Unavailable) as caught:
            Module.open(with_pin(token, tmp_path, "Wr0ng-pin-8"), library=softhsm)
        assert caught.value.code == "module.pin-wrong"
        module.random(8)


def test_a_login_by_somebody_else_in_this_process_stands_for_no_pin(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path
) -> None:
    with Module.open(token, library=softhsm) as module:
        cryptoki, slot, pin = module.cryptoki, module.connection.slot, module.connection._pin
    session = cryptoki.open_session(slot, read_write=False)
    cryptoki.users += 1  # as if this other user were a connection of ours: the library is not started afresh
    try:
        cryptoki.login(session, User.USER, pin)
        with pytest.raises(Unavailable) as caught:
            Module.open(with_pin(token, tmp_path, "Wr0ng-pin-8"), library=softhsm)
        assert caught.value.code == "module.pin-wrong"
        with contextlib.suppress(CryptokiError):
            cryptoki.login(session, User.USER, pin)
        with Module.open(token, library=softhsm) as module:
            module.random(8)
    finally:
        cryptoki.users -= 1
        cryptoki.close_session(session)


def test_a_slot_that_fails_is_passed_over_and_told_where_the_token_is_not_found(
    softhsm: Path, token: Pkcs11Uri, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Module.open(token, library=softhsm) as module:
        cryptoki = module.cryptoki
    genuine_slots, genuine_info = cryptoki.slots, cryptoki.token_info
    failure = CryptokiError("C_GetTokenInfo", Rv.TOKEN_NOT_RECOGNIZED)

    def token_info(slot: int) -> object:
        if slot == 4711:
            raise failure
        return genuine_info(slot)

    monkeypatch.setattr(cryptoki, "slots", lambda **_: [4711, *genuine_slots()])
    monkeypatch.setattr(cryptoki, "token_info", token_info)
    with Module.open(token, library=softhsm) as module:
        module.random(8)
    failure.rv = Rv.FUNCTION_FAILED
    with Module.open(token, library=softhsm) as module:  # another token that is spoilt hides none
        module.random(8)
    monkeypatch.setattr(cryptoki, "slots", lambda **_: [4711])
    with pytest.raises(Unavailable) as caught:
        Module.open(token, library=softhsm)
    assert caught.value.code == "module.failed"


@pytest.mark.parametrize(
    ("rv", "code"),
    [
        (Rv.PIN_INCORRECT, "module.pin-wrong"),
        (Rv.PIN_LEN_RANGE, "module.pin-wrong"),
        (Rv.PIN_INVALID, "module.pin-wrong"),
        (Rv.PIN_LOCKED, "module.pin-locked"),
        (Rv.PIN_EXPIRED, "module.pin-expired"),
        (Rv.USER_PIN_NOT_INITIALIZED, "module.pin-unset"),
        (Rv.DEVICE_REMOVED, "module.token-absent"),
        (0x80001234, "module.failed"),
    ],
)
def test_each_refusal_of_a_login_is_told_apart(
    softhsm: Path, token: Pkcs11Uri, rv: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pin_error(rv, token).code == code
    with Module.open(token, library=softhsm) as module:
        cryptoki = module.cryptoki

    def login(*_: object) -> None:
        raise CryptokiError("C_Login", rv)

    monkeypatch.setattr(cryptoki, "login", login)
    with pytest.raises(Unavailable) as caught:
        Module.open(token, library=softhsm)
    assert caught.value.code == code
    monkeypatch.undo()
    assert cryptoki.users == 0
    with Module.open(token, library=softhsm):
        assert cryptoki.users == 1


@pytest.mark.parametrize(
    ("rv", "code"),
    [
        (Rv.TOKEN_NOT_PRESENT, "module.token-absent"),
        (Rv.DEVICE_MEMORY, "module.full"),
        (Rv.SESSION_READ_ONLY, "module.read-only"),
        (Rv.GENERAL_ERROR, "module.failed"),
    ],
)
def test_each_failure_of_a_call_is_told_apart(token: Pkcs11Uri, rv: int, code: str) -> None:
    assert unavailable(CryptokiError("C_Any", rv), token).code == code


def test_an_absent_token_is_told_with_those_that_are_there(softhsm: Path, token: Pkcs11Uri) -> None:
    with pytest.raises(Unavailable, match=repr(token.token)) as caught:
        Module.open(dataclasses.replace(token, token="nobody"), library=softhsm)
    assert caught.value.code == "module.token-absent"
    assert "init-token" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"serial": "0000"},
        {"manufacturer": "Somebody"},
        {"model": "Other"},
        {"slot_id": 1},
        {"slot_description": "other"},
        {"slot_manufacturer": "other"},
        {"library_manufacturer": "other"},
        {"library_description": "other"},
        {"library_version": "9.9"},
    ],
)
def test_every_attribute_of_the_uri_must_match(
    softhsm: Path, token: Pkcs11Uri, wrong: dict[str, str]
) -> None:
    with pytest.raises(Unavailable) as caught:
        Module.open(dataclasses.replace(token, **wrong), library=softhsm)  # type: ignore[arg-type]
    assert caught.value.code == "module.token-absent"


def test_a_token_is_found_by_all_that_it_says_of_itself(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm) as module:
        slot = module.connection.slot
        full = dataclasses.replace(
            module.token_uri,
            slot_id=slot,
            library_manufacturer="SoftHSM",
            library_version="2.6",
            pin_source=token.pin_source,
        )
    with Module.open(full, library=softhsm) as module:
        assert module.connection.slot == slot


def test_a_uri_that_names_two_tokens_is_refused(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> None:
    first = make_token()
    make_token()
    with pytest.raises(Unavailable, match="serial=") as caught:
        Module.open(dataclasses.replace(first, token=None), library=softhsm)
    assert caught.value.code == "module.token-ambiguous"


def test_a_token_that_appears_later_is_seen(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> None:
    with pytest.raises(Unavailable):
        Module.open(dataclasses.replace(make_token(), token="later"), library=softhsm)
    with Module.open(make_token("later"), library=softhsm) as module:
        assert module.uri.token == "later"


# Losing and finding again


def test_killed_sessions_are_opened_again(module: Module, key: Key) -> None:
    assert key.sign(b"before")
    module.cryptoki._call("C_CloseAllSessions", module.connection.slot)
    assert key.sign(b"after")
    module.cryptoki._call("C_CloseAllSessions", module.connection.slot)
    assert module.key(label="k").spki == key.spki


def test_a_connection_lost_while_a_key_is_made_or_destroyed(module: Module, key: Key) -> None:
    module.cryptoki._call("C_CloseAllSessions", module.connection.slot)
    made = module.generate_key_pair(label="new", algorithm=KeyAlgorithm.P256)
    module.cryptoki._call("C_CloseAllSessions", module.connection.slot)
    module.destroy(made)
    assert [found.key_id for found in module.keys()] == [key.key_id]  # noqa: SIM118 - no dictionary


def test_threads_that_lose_the_connection_together_go_on_together(module: Module, key: Key) -> None:
    stop = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                key.sign(b"x")
                module.key(label="k")
                key.attributes()
        except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        module.connection.reopen(module.connection.generation)
        stop.wait(0.02)  # a connection is not lost more often than it is used
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("glitches", [1, 2, 3])
def test_an_object_that_lacks_something_for_a_moment_is_looked_at_again(
    module: Module, key: Key, glitches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SoftHSM2 reads an object's file anew, and attributes are missing until it has."""
    read = module.cryptoki.attribute
    left = [glitches]

    def sometimes(session: int, handle: int, name: Attribute) -> bytes | None:
        if name is Attribute.ID and left[0]:
            left[0] -= 1
            return None
        return read(session, handle, name)

    monkeypatch.setattr(module.cryptoki, "attribute", sometimes)
    if glitches < 3:
        assert module.key(label="k").key_id == key.key_id
    else:
        with pytest.raises(Unavailable) as caught:
            module.key(label="k")
        assert caught.value.code == "module.public-key-absent"


def test_a_logout_by_somebody_else_is_healed(module: Module, key: Key) -> None:
    with module.connection.session() as session:
        module.cryptoki.logout(session)
    assert key.sign(b"after")


def test_a_library_finalised_beneath_us_is_started_again(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    uris = [make_token(), make_token()]
    with (
        Module.open(uris[0], library=softhsm, read_write=True) as first,
        Module.open(uris[0], library=softhsm) as same,
        Module.open(uris[1], library=softhsm, read_write=True) as other,
    ):
        keys = [module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256) for module in (first, other)]
        keys.append(same.key(label="k"))
        for round_ in range(3):
            for key in keys:
                assert key.sign(b"before")
            first.cryptoki.finalise()
            if round_ == 1:
                first.cryptoki.initialise()  # by the somebody who finalised it
            for key in keys:
                assert key.sign(b"after")
        assert first.cryptoki.users == 3
    assert first.cryptoki.users == 0
    assert first.cryptoki.logins == {}


def test_a_token_that_went_away_is_told_and_found_when_it_is_back(
    module: Module, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = module.cryptoki.slots
    monkeypatch.setattr(module.cryptoki, "slots", lambda **_: [])
    module.cryptoki._call("C_CloseAllSessions", module.connection.slot)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            key.sign(b"gone")
        assert caught.value.code == "module.token-absent"
    with pytest.raises(Unavailable):
        module.random(8)
    monkeypatch.setattr(module.cryptoki, "slots", genuine)
    assert key.sign(b"back")


def test_a_pin_that_was_changed_meanwhile_is_tried_once_and_not_until_the_token_locks(
    module: Module, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def login(_session: int, _user: User, pin: bytes) -> None:
        tries.append(pin)
        raise CryptokiError("C_Login", Rv.PIN_INCORRECT)

    monkeypatch.setattr(module.cryptoki, "login", login)
    module.cryptoki._call("C_CloseAllSessions", module.connection.slot)
    for _ in range(5):
        with pytest.raises(Unavailable) as caught:
            key.sign(b"x")
        assert caught.value.code == "module.pin-wrong"
    assert len(tries) == 1


def test_an_error_that_is_not_of_the_connection_is_told_at_once(
    module: Module, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = module.connection.generation

    def refused(*_: object) -> bytes:
        raise CryptokiError("C_Sign", Rv.FUNCTION_FAILED)

    monkeypatch.setattr(module.connection, "sign", refused)
    with pytest.raises(Unavailable, match="CKR_FUNCTION_FAILED") as caught:
        key.sign(b"x")
    assert caught.value.code == "module.failed"
    assert module.connection.generation == generation


def test_a_failed_operation_does_not_spoil_its_session(module: Module) -> None:
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.RSA_2048)
    key.sign(b"x", SignatureScheme.RSA_PKCS1_SHA256)
    plan = key._plans[SignatureScheme.RSA_PKCS1_SHA256]
    with pytest.raises(CryptokiError, match="C_Sign"):
        module.connection.sign(plan.mechanism, key._place, b"longer than the modulus" * 50)
    for _ in range(3):
        assert key.sign(b"x")


def test_what_is_done_once_is_not_tried_again(module: Module) -> None:
    calls = []

    def lost(session: int) -> None:
        calls.append(session)
        raise CryptokiError("C_GenerateKeyPair", Rv.DEVICE_ERROR)

    with pytest.raises(Unavailable):
        module.connection.run(lost, once=True)
    assert len(calls) == 1
    with pytest.raises(Unavailable):
        module.connection.run(lost)
    assert len(calls) == 3


# Closing


def test_a_closed_module_says_so(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    module.close()
    attempts: list[Callable[[], object]] = [
        lambda: key.sign(b"x"),
        lambda: module.random(8),
        lambda: module.key(label="k"),
        lambda: module.destroy(key),
    ]
    for attempt in attempts:
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.code == "module.closed"


def test_the_last_user_of_a_token_logs_out(softhsm: Path, token: Pkcs11Uri) -> None:
    first = Module.open(token, library=softhsm, read_write=True)
    second = Module.open(token, library=softhsm)
    made = first.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    first.close()
    key = second.key(label="k")
    assert key.spki == made.spki
    assert key.sign(b"x")
    cryptoki, slot = second.cryptoki, second.connection.slot
    second.close()
    session = cryptoki.open_session(slot, read_write=False)
    try:
        assert cryptoki.find(session, {}) != []  # the public key
        cryptoki.login(session, User.USER, second.connection._pin)
        cryptoki.logout(session)
    finally:
        cryptoki.close_session(session)


def open_sessions(module: Module) -> int:
    return int(module.cryptoki.token_info(module.connection.slot).ulSessionCount)


def test_sessions_are_kept_for_the_next_use_and_all_closed_in_the_end(
    softhsm: Path, token: Pkcs11Uri
) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
        for _ in range(20):
            key.sign(b"x")
            module.keys()
        assert len(module.connection._idle) <= 2
        cryptoki, connection = module.cryptoki, module.connection
        handles = [session.handle for session in connection._idle]
    for handle in handles:
        with pytest.raises(CryptokiError, match="SESSION"):
            cryptoki._call("C_GetSessionInfo", handle, ffi.new("CK_SESSION_INFO *"))
    assert not connection._idle


def test_closing_while_others_sign_ends_in_a_sentence_and_leaves_no_session(
    softhsm: Path, token: Pkcs11Uri
) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    for _ in range(5):
        module = Module.open(token, library=softhsm)
        key = module.key(label="k")
        outcomes: list[str] = []
        started = threading.Barrier(4)

        def sign(
            key: Key = key, outcomes: list[str] = outcomes, started: threading.Barrier = started
        ) -> None:
            started.wait(10)
            try:
                while True:
                    key.sign(b"x")
            except Unavailable as error:
                outcomes.append(error.code)
            except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
                outcomes.append(repr(error))

        threads = [threading.Thread(target=sign) for _ in range(3)]
        for thread in threads:
            thread.start()
        started.wait(10)
        for _ in range(10):
            module.random(8)
        module.close()
        for thread in threads:
            thread.join(30)
        assert outcomes == ["module.closed"] * 3
        assert not module.connection._idle


# Sessions that run out


@pytest.fixture
def few_sessions(module: Module, monkeypatch: pytest.MonkeyPatch) -> Module:
    """A token that has no session beyond the two that are open."""
    with module.connection.session():
        pass
    assert len(module.connection._idle) == 1

    def none_left(*_: object, **__: object) -> int:
        raise CryptokiError("C_OpenSession", Rv.SESSION_COUNT)

    monkeypatch.setattr(module.cryptoki, "open_session", none_left)
    return module


@pytest.mark.usefixtures("few_sessions")
def test_threads_take_turns_where_sessions_are_few(key: Key) -> None:
    errors: list[BaseException] = []

    def sign() -> None:
        try:
            for _ in range(50):
                key.sign(b"x")
        except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
            errors.append(error)

    threads = [threading.Thread(target=sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_without_any_session_patience_ends(few_sessions: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSION_PATIENCE", 0.01)
    with few_sessions.connection.session(), pytest.raises(Unavailable, match="no free session") as caught:
        few_sessions.random(8)
    assert caught.value.code == "module.sessions"
