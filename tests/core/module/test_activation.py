"""A PIN that nobody knows: sealed two of three, opened together, and everything that is refused."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from key_custodians import Custodians, make_custodians

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import Module, Pkcs11Uri, documents
from trustworks.core.module.activation import (
    Activation,
    SealedPin,
    check_attended,
    in_memory,
    new_pin,
    open_pin,
    seal,
)
from trustworks.core.module.tokens import change_pin

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module.activation import PinOpening

PIN = new_pin()


@pytest.fixture(scope="module")
def operators(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Custodians:
    return make_custodians(softhsm, make_token)


@pytest.fixture(scope="module")
def sealed(operators: Custodians) -> SealedPin:
    return seal(PIN, token="tsu", serial="01", operators=operators.cards, threshold=2, sha1=True)


def opened(operators: Custodians, activation: Activation, name: str) -> PinOpening:
    with operators.open(name) as module:
        return open_pin(
            module, activation.sealed, activation.request, fingerprint=activation.request.fingerprint
        )


# What must not work


@pytest.mark.req("TRUSTWORKS:KEYS-ACTIVATION-QUORUM", "EN319411-1:GEN-6.5.4-01")
def test_one_operator_alone_activates_nothing(operators: Custodians, sealed: SealedPin) -> None:
    activation = Activation(sealed)
    with pytest.raises(Rejected, match="2 more of anna, boris, clara must open"):
        activation.pin()
    opening = opened(operators, activation, "anna")
    activation.add(opening)
    with pytest.raises(Rejected, match="anna opened already"):
        activation.add(opening)
    with pytest.raises(Rejected, match="1 more of anna, boris, clara must open") as caught:
        activation.pin()
    assert caught.value.code == "keys.quorum"
    assert activation.raw() != PIN  # what one operator has says nothing of it


def test_a_pin_is_sealed_for_two_at_least(operators: Custodians) -> None:
    with pytest.raises(Rejected, match="no dual control"):
        seal(PIN, token="tsu", serial="01", operators=operators.cards, threshold=1, sha1=True)
    with pytest.raises(Refused, match="oaep-sha1"):
        seal(PIN, token="tsu", serial="01", operators=operators.cards, threshold=2, sha1=False)


@pytest.mark.req("TRUSTWORKS:KEYS-FINGERPRINT")
def test_operators_open_for_no_process_but_the_one_that_they_see(
    operators: Custodians, sealed: SealedPin
) -> None:
    shown, thief = Activation(sealed), Activation(sealed)
    with operators.open("anna") as module, pytest.raises(Refused, match="read off the target"):
        open_pin(module, sealed, thief.request, fingerprint=shown.request.fingerprint)
    with pytest.raises(Rejected, match="another activation"):
        shown.add(opened(operators, thief, "anna"))


def test_what_was_changed_is_not_opened(operators: Custodians, sealed: SealedPin, module: Module) -> None:
    activation = Activation(sealed)
    opening = opened(operators, activation, "anna")
    spoilt = bytes((opening.parts[0] ^ 1,)) + opening.parts[1:]
    with pytest.raises(Rejected, match="changed on the way"):
        activation.add(dataclasses.replace(opening, parts=spoilt))
    with pytest.raises(Rejected, match="changed on the way"):
        activation.add(dataclasses.replace(opening, name="boris"))
    for changed in (
        dataclasses.replace(sealed, token="other"),
        dataclasses.replace(
            sealed,
            envelopes=tuple(
                dataclasses.replace(one, parts=one.parts[:-1] + bytes((one.parts[-1] ^ 1,)))
                for one in sealed.envelopes
            ),
        ),
        dataclasses.replace(
            sealed,
            envelopes=tuple(
                dataclasses.replace(one, wrapped_key=one.wrapped_key[:-1] + bytes((one.wrapped_key[-1] ^ 1,)))
                for one in sealed.envelopes
            ),
        ),
    ):
        with pytest.raises(Rejected):
            opened(operators, Activation(changed), "anna")
    with pytest.raises(Rejected, match="the token of none of anna, boris, clara"):
        open_pin(module, sealed, activation.request, fingerprint=activation.request.fingerprint)
    other = Activation(dataclasses.replace(sealed, serial="02"))
    with operators.open("anna") as anna, pytest.raises(Rejected, match="another sealed PIN"):
        open_pin(anna, sealed, other.request, fingerprint=other.request.fingerprint)
    with pytest.raises(Malformed):
        documents.read(SealedPin, b"{}", "The sealed PIN")


@pytest.mark.req("TRUSTWORKS:KEYS-ATTENDED")
def test_a_pin_on_a_disk_has_to_be_accepted(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    for accepted in ({"memory": True}, {"unattended": True}, {"lab": True}):
        check_attended(file=file, **{"memory": False, "unattended": False, "lab": False} | accepted)
    with pytest.raises(Refused, match="unattended-start = true") as caught:
        check_attended(memory=False, unattended=False, lab=False, file=file)
    assert caught.value.requirement == "TRUSTWORKS:KEYS-ATTENDED"


# What works


@pytest.mark.parametrize("names", list(combinations(("clara", "boris", "anna"), 2)))
def test_any_two_of_three_open_the_pin(
    operators: Custodians, sealed: SealedPin, names: tuple[str, ...]
) -> None:
    read = documents.read(SealedPin, documents.write(sealed), "The sealed PIN")
    assert read == sealed
    assert PIN not in documents.write(sealed)
    activation = Activation(read)
    for name in names:
        activation.add(opened(operators, activation, name))
    assert activation.missing == 0
    assert activation.pin() == PIN


def test_all_three_may_open(operators: Custodians, sealed: SealedPin) -> None:
    activation = Activation(sealed)
    for name in ("boris", "clara", "anna"):
        activation.add(opened(operators, activation, name))
    assert activation.pin() == PIN


def test_a_token_gets_another_pin_and_its_connection_goes_on(softhsm: Path, token: Pkcs11Uri) -> None:
    pin = new_pin()
    with Module.open(token, library=softhsm, read_write=True) as module:
        with pytest.raises(Refused, match="known default"):
            change_pin(module, b"12345678")
        change_pin(module, pin)
        module.random(8)
        module.connection.reopen(module.connection.generation)
        module.random(8)
    assert token.pin_source
    file = Path(token.pin_source.removeprefix("file:"))
    with pytest.raises(Unavailable, match="does not accept the PIN"), Module.open(token, library=softhsm):
        pass
    file.write_bytes(pin)
    with Module.open(token, library=softhsm) as module:
        module.random(8)


def test_where_a_file_lies_is_told_by_the_longest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n/dev/sdb1 {tmp_path}/disk ext4 rw 0 0\n",
        encoding="utf-8",
    )
    (tmp_path / "disk").mkdir()
    assert in_memory(tmp_path / "pin", mounts)
    assert not in_memory(tmp_path / "disk" / "pin", mounts)
    assert not in_memory(Path("/etc/pin"), mounts)
    assert not in_memory(tmp_path / "pin", tmp_path / "none")
