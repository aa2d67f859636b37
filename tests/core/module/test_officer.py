"""The security officer's PIN: changed, used once to set the user's, and looked for where it may lie."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.module import KeyAlgorithm, Module, Pkcs11Uri, initialise_token
from trustworks.core.module.activation import new_pin
from trustworks.core.module.officer import change_officer_pin, note_file, places, set_user_pin


@pytest.fixture
def officers(softhsm: Path, tmp_path: Path) -> tuple[Pkcs11Uri, bytes, Path]:
    """A token, its security officer's PIN, and the file of its user's."""
    so_pin, pin = new_pin(), new_pin()
    label = f"officer-{secrets.token_hex(4)}"
    initialise_token(softhsm, label=label, so_pin=so_pin, user_pin=pin)
    file = tmp_path / "user.pin"
    file.touch(mode=0o600)
    file.write_bytes(pin)
    return Pkcs11Uri(token=label, pin_source=f"file:{file}"), so_pin, file


def opens(uri: Pkcs11Uri, softhsm: Path, pin: bytes) -> bool:
    try:
        with Module.open(uri, library=softhsm, pin=pin) as module:
            return bool(module.key("kept").sign(b"data"))
    except Unavailable:
        return False


def test_the_user_s_pin_is_set_by_the_officer_s_and_only_by_the_right_one(
    officers: tuple[Pkcs11Uri, bytes, Path], softhsm: Path
) -> None:
    uri, so_pin, file = officers
    with Module.open(uri, library=softhsm, read_write=True) as module:
        module.generate_key_pair(label="kept", algorithm=KeyAlgorithm.P256)
    new, user = new_pin(), new_pin()
    with pytest.raises(Unavailable) as caught:
        change_officer_pin(uri, b"not the right one", new, library=softhsm)
    assert caught.value.code == "module.so-pin-wrong"
    with pytest.raises(Refused, match="known default"):
        change_officer_pin(uri, so_pin, b"12345678", library=softhsm)
    change_officer_pin(uri, so_pin, new, library=softhsm)
    for wrong in (so_pin, user):
        with pytest.raises(Unavailable) as caught:
            set_user_pin(uri, wrong, user, library=softhsm)
        assert caught.value.code == "module.so-pin-wrong"
    assert opens(uri, softhsm, file.read_bytes())
    set_user_pin(uri, new, user, library=softhsm)
    assert opens(uri, softhsm, user)  # the keys stay
    assert not opens(uri, softhsm, file.read_bytes())
    with pytest.raises(Unavailable) as caught:
        set_user_pin(Pkcs11Uri(token="absent"), new, user, library=softhsm)
    assert caught.value.code == "module.token-absent"


@pytest.mark.req("TRUSTWORKS:MODULE-SO-PIN")
def test_where_such_pins_lie_is_noted_and_known_by_their_usual_names(tmp_path: Path) -> None:
    uri = Pkcs11Uri.parse("pkcs11:token=issuing?pin-source=file:secrets/issuing.pin")
    state, elsewhere = tmp_path / "state", tmp_path / "mine"

    def known(one: Pkcs11Uri = uri) -> tuple[Path, ...]:
        return places(one, base=tmp_path, state=state)

    assert {tmp_path / "so" / "issuing.pin", tmp_path / "secrets" / "issuing.so-pin"} <= set(known())
    assert elsewhere not in known()
    note_file(state, "issuing", elsewhere)
    note_file(state, "tsu", tmp_path / "other")
    assert elsewhere in known()
    assert tmp_path / "other" not in known()
    assert places(Pkcs11Uri(token="tsu"), base=tmp_path, state=state) == (
        tmp_path / "other",
        tmp_path / "so" / "tsu.pin",
    )


@pytest.mark.parametrize("content", ["[]", "{", '{"issuing": "x"}', '{"issuing": [1]}'])
def test_a_list_of_places_that_somebody_changed_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "officer-pins.json").write_text(content, encoding="utf-8")
    with pytest.raises(Malformed, match="Find out who changed it"):
        places(Pkcs11Uri(token="issuing"), base=tmp_path, state=tmp_path)
    with pytest.raises(Malformed):
        note_file(tmp_path, "issuing", Path("x"))
