"""New tokens: made beside those that exist, which are never touched."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Module, initialise_token, token_labels
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError
from trustworks.core.module.tokens import free_slot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri


def pin() -> str:
    return secrets.token_urlsafe(18)


@pytest.mark.req("TRUSTWORKS:MODULE-TOKEN-KEPT")
def test_the_choice_of_a_slot_never_falls_on_a_token() -> None:
    assert free_slot([(True, "a"), (False, ""), (False, "")], "b") == 1
    with pytest.raises(Rejected) as rejected:
        free_slot([(False, ""), (True, "a")], "a")
    assert rejected.value.code == "module.token-exists"
    for slots in ([], [(True, "a"), (True, "b")]):
        with pytest.raises(Unavailable) as caught:
            free_slot(slots, "c")
        assert caught.value.code == "module.slots"
    assert free_slot([(False, "left over")], "left over") == 0


@pytest.mark.req("TRUSTWORKS:MODULE-TOKEN-KEPT")
def test_a_token_that_exists_keeps_its_keys(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> None:
    uri = make_token("precious")
    with Module.open(uri, library=softhsm, read_write=True) as module:
        made = module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P384)
    with pytest.raises(Rejected, match="'precious' exists already"):
        initialise_token(softhsm, label="precious", so_pin=pin(), user_pin=pin())
    initialise_token(softhsm, label="beside", so_pin=pin(), user_pin=pin())
    assert {"precious", "beside"} <= token_labels(softhsm)
    assert "" not in token_labels(softhsm), "a slot without a token"
    with Module.open(uri, library=softhsm) as module:
        assert module.key(label="ca").spki == made.spki
        initialise_token(softhsm, label="while open", so_pin=pin(), user_pin=pin())
        assert module.key(label="ca").sign(b"data")


@pytest.mark.parametrize("label", ["", "x" * 33, "ü" * 17, " a", "a ", "a\0b"])
def test_a_label_that_a_token_cannot_carry_is_refused(softhsm: Path, label: str) -> None:
    with pytest.raises(Malformed, match="label"):
        initialise_token(softhsm, label=label, so_pin=pin(), user_pin=pin())


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-STRENGTH")
def test_known_pins_and_one_pin_for_two_roles_are_refused(softhsm: Path) -> None:
    with pytest.raises(Refused, match="security officer"):
        initialise_token(softhsm, label="weak", so_pin="12345678", user_pin=pin())
    with pytest.raises(Refused, match="'weak'"):
        initialise_token(softhsm, label="weak", so_pin=pin(), user_pin="password1")
    same = pin()
    with pytest.raises(Malformed, match="must differ"):
        initialise_token(softhsm, label="weak", so_pin=same, user_pin=same)


def test_a_pin_that_the_module_does_not_take_leaves_no_half_made_token(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    with pytest.raises(Malformed, match="300 characters"):
        initialise_token(softhsm, label="too long", so_pin=pin(), user_pin=secrets.token_hex(150))
    uri = make_token()
    with pytest.raises(Unavailable) as caught:
        Module.open(dataclasses.replace(uri, token="too long"), library=softhsm)
    assert caught.value.code == "module.token-absent"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("slots", "module.token"),
        ("init_token", "module.token-half-made"),
        ("login", "module.token-half-made"),
        ("init_pin", "module.token-half-made"),
    ],
)
def test_a_module_that_fails_says_whether_the_token_was_begun(
    softhsm: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise CryptokiError("C_Any", 0x31)

    monkeypatch.setattr(Cryptoki, call, full)
    with pytest.raises(Unavailable, match="CKR_DEVICE_MEMORY") as caught:
        initialise_token(softhsm, label=f"full at {call}", so_pin=pin(), user_pin=pin())
    assert caught.value.code == code
