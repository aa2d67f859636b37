"""The end of a key by a plan: what the register says of it afterwards is what the step told."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from trustworks.app.termination.keys import KeyEnding, check_known
from trustworks.core.audit import Recorder
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.keys import KeyRegister, records
from trustworks.core.module import Pkcs11Uri
from trustworks.core.module.algorithms import KeyAlgorithm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.store import Database

pytestmark = pytest.mark.req("TRUSTWORKS:TERMINATION-KEY-KNOWN")
TOKEN = Pkcs11Uri(token="ca", serial="01")
SPKI = hashlib.sha256(b"a key").digest()


class Key:
    """A key as far as its end looks at it."""

    label, key_id, algorithm, uri = "issuing", b"id", KeyAlgorithm.P256, TOKEN

    def __init__(self, spki_sha256: bytes = SPKI) -> None:
        self.spki_sha256 = spki_sha256


class Token:
    """A module with one key, or none."""

    token_uri = TOKEN

    def __init__(self, key: Key | None) -> None:
        self.held = key

    def has(self, *, label: str) -> bool:
        return self.held is not None and label == self.held.label

    def key(self, *, label: str) -> Key:
        assert self.held is not None
        assert label == self.held.label
        return self.held

    def destroy(self, key: Key) -> None:
        assert key is self.held
        self.held = None


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    with Recorder.open(database, "operator") as opened:
        yield opened


def end(database: Database, recorder: Recorder, token: Any, *, destroy: bool) -> dict[str, Any]:
    return KeyEnding(recorder, database, reason="termination plan end", by="officer").end(
        token, "issuing", SPKI, destroy=destroy
    )


def known(database: Database) -> str | None:
    with database.read() as connection:
        state = records.state(connection, SPKI.hex())
    return None if state is None else state.value


def events(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT type FROM audit_events ORDER BY sequence")).scalars())


@pytest.mark.parametrize("destroy", [True, False])
def test_a_key_that_is_nowhere_is_not_told_as_ended(
    database: Database, recorder: Recorder, *, destroy: bool
) -> None:
    before = events(database)
    with pytest.raises(Unavailable, match="register of keys does not have") as caught:
        end(database, recorder, Token(None), destroy=destroy)
    assert caught.value.code == "termination.key"
    with pytest.raises(Unavailable):
        check_known(None, label="issuing", token="ca")
    assert known(database) is None
    assert events(database) == before


def test_another_key_under_its_label_is_left_alone(database: Database, recorder: Recorder) -> None:
    other: Any = Token(Key(b"x" * 32))
    with pytest.raises(Rejected, match="another key"):
        end(database, recorder, other, destroy=True)
    assert other.held is not None
    assert known(database) is None


@pytest.mark.parametrize("entered", [True, False])
def test_a_key_is_deactivated_in_the_register_also_if_it_was_not_there(
    database: Database, recorder: Recorder, *, entered: bool
) -> None:
    token: Any = Token(Key())
    if entered:
        KeyRegister(recorder, by="officer").enter(token.held)
    done = end(database, recorder, token, destroy=False)
    assert (done["state"], known(database)) == ("deactivated", "deactivated")
    assert done["tokens_left"] == ["ca"]
    assert token.held is not None
    assert end(database, recorder, token, destroy=False) == done  # a step that was begun is done again


@pytest.mark.parametrize("entered", [True, False])
def test_a_key_is_destroyed_on_its_token_and_in_the_register(
    database: Database, recorder: Recorder, *, entered: bool
) -> None:
    token: Any = Token(Key())
    if entered:
        KeyRegister(recorder, by="officer").enter(token.held)
    done = end(database, recorder, token, destroy=True)
    assert (done["state"], known(database), done["tokens_left"]) == ("destroyed", "destroyed", [])
    assert token.held is None
    assert "module.key-destroyed" in events(database)


def test_a_run_that_ended_before_it_told_of_the_destruction(database: Database, recorder: Recorder) -> None:
    token: Any = Token(Key())
    KeyRegister(recorder, by="officer").enter(token.held)
    token.held = None
    done = end(database, recorder, token, destroy=True)
    assert (done["state"], done["tokens_left"], known(database)) == ("destroyed", [], "destroyed")
