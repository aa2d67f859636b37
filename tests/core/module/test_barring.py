"""Whatever a look at a module finds bars it: it signs nothing until that is gone or approved."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.module import Approval, KeyAlgorithm, Module, ModuleSettings, write_approval
from trustworks.core.module.constants import Flag
from trustworks.core.module.health import PROBE_LABEL, flags_of, look_for_officer_pins
from trustworks.core.module.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri


class House:
    """An open module that was approved, with a key that signs, and the file of the approval."""

    def __init__(self, module: Module, file: Path) -> None:
        self.module = module
        self.file = file
        module.ensure_probe_key()
        self.key: Key = module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P256)
        self.approve()

    def approve(self, **other: Any) -> None:
        approval = Approval.of(
            self.module.info(),
            operator="officer",
            objects=self.module.inventory(),
            flags=flags_of(self.module),
        )
        write_approval(self.file, dataclasses.replace(approval, **other))

    def barred(self) -> str:
        """Why nothing is signed."""
        with pytest.raises(Unavailable) as caught:
            self.key.sign(b"data")
        assert caught.value.code == "module.barred"
        return str(caught.value)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs is looked at again at once."""
    monkeypatch.setattr("trustworks.core.module.health.SETTLING", 0)


@pytest.fixture
def house(token: Pkcs11Uri, softhsm: Path, tmp_path: Path) -> Iterator[House]:
    file = tmp_path / "state" / "approval.json"
    settings = ModuleSettings.model_validate({"library": softhsm, "approval": file})
    with Module.open(token, settings=settings, read_write=True) as module:
        yield House(module, file)


# Each: what is made to differ, and answers what puts it right (None: a new approval does).


def another_serial(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    serial = house.module.token_uri.serial
    text = house.file.read_text("ascii")
    house.file.write_text(text.replace(f'"token_serial": "{serial}"', '"token_serial": "other"'), "ascii")
    return house.approve


def other(**members: Any) -> Callable[..., Callable[[], object]]:
    def differ(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
        house.approve(**members)
        return house.approve

    return differ


def entry_of_another(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    text = house.file.read_text("ascii")
    house.file.write_text(text.replace(house.module.token_uri.serial or "", "another"), "ascii")
    return house.approve


def mechanisms_of_an_update(house: House, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    genuine = house.module.cryptoki.mechanisms
    patch.setattr(house.module.cryptoki, "mechanisms", lambda slot: [*genuine(slot), 0x17])
    return patch.undo


def unknown_key(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    smuggled = house.module.generate_key_pair(label="smuggled", algorithm=KeyAlgorithm.P256)
    return lambda: house.module.destroy(smuggled)


def key_gone(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    other = house.module.generate_key_pair(label="other", algorithm=KeyAlgorithm.P256)
    house.approve()
    house.module.destroy(other)
    return house.approve


def canary_gone(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    house.module.destroy(house.module.key(label=PROBE_LABEL))

    def put_right() -> None:
        house.module.ensure_probe_key()
        house.approve()

    return put_right


def canary_signs_wrongly(house: House, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    house.key.sign(b"data")
    patch.setattr(house.module.connection, "sign", lambda *_: bytes(64))
    return patch.undo


def broken_random(house: House, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    patch.setattr(house.module, "random", bytes)
    return patch.undo


def flagged(house: House, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    genuine = house.module.cryptoki.token_info

    def info(slot: int) -> object:
        found = genuine(slot)
        found.flags |= int(Flag.USER_PIN_COUNT_LOW)
        return found

    patch.setattr(house.module.cryptoki, "token_info", info)
    return house.approve  # a token that says so for ever: an operator approves it


def approval_removed(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    house.file.unlink()
    return house.approve


def approval_damaged(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    text = house.file.read_text("ascii")
    house.file.write_text("{", "ascii")
    return lambda: house.file.write_text(text, "ascii")


def approval_unreadable(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    text = house.file.read_text("ascii")
    house.file.unlink()
    house.file.mkdir()  # no account reads it, not even the system's administrator

    def put_right() -> None:
        house.file.rmdir()
        house.file.write_text(text, "ascii")

    return put_right


def officer_pin_about(house: House, _: pytest.MonkeyPatch) -> Callable[[], object]:
    file = house.file.parent / "so-issuing.pin"
    file.write_text("1234567890", "ascii")
    house.module.officer_pins = (file,)
    return file.unlink


def register_silent(house: House, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    def silent(_: str) -> Any:
        raise Unavailable("store.down", "The database does not answer.")

    patch.setattr(house.module, "register", silent)
    return patch.undo


DIFFERENCES = {
    "serial": (another_serial, "the serial number is"),
    "entry": (entry_of_another, "was not approved in"),
    "model": (other(token_model="other"), "the model is"),
    "firmware": (other(firmware_version="9.9"), "firmware version"),
    "hardware": (other(hardware_version="9.9"), "hardware version"),
    "library": (other(library_sha256="00"), "SHA-256"),
    "library version": (other(library_version="9.9"), "library version"),
    "mechanism gone": (other(mechanisms=("CKM_ECDSA",)), "mechanisms that were not approved"),
    "mechanism new": (mechanisms_of_an_update, "mechanisms that were not approved"),
    "unknown key": (unknown_key, "nobody approved or entered: private:smuggled"),
    "key gone": (key_gone, "gone from the token: private:other"),
    "canary gone": (canary_gone, "there is no probe key"),
    "canary wrong": (canary_signs_wrongly, "thrown away"),
    "random": (broken_random, "same octets"),
    "flags": (flagged, "wrong PINs were tried"),
    "approval removed": (approval_removed, "was not approved in"),
    "approval damaged": (approval_damaged, "is not as `trustworks module approve` writes it"),
    "approval unreadable": (approval_unreadable, "cannot be read"),
    "officer's PIN": (officer_pin_about, "so-issuing.pin: seal it"),
    "register": (register_silent, "The database does not answer"),
}


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED", "TRUSTWORKS:MODULE-HEALTH", "TRUSTWORKS:MODULE-WATCHED")
@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_difference_bars_the_module_until_it_is_gone_or_approved(
    house: House, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    differ, words = DIFFERENCES[name]
    watch = Watch(house.module, every=60)
    watch.look()
    house.key.sign(b"data")
    with monkeypatch.context() as patch:
        put_right = differ(house, patch)
        watch.look()
        assert words in house.barred()
        assert words in house.barred()  # it stays so
        put_right()
        assert house.module.health().findings == ()
        house.key.sign(b"data")


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED", "TRUSTWORKS:MODULE-HEALTH")
def test_a_look_that_breaks_off_bars_the_module(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(house.module, "inventory", bug)
        with pytest.raises(ZeroDivisionError):
            house.module.health()
        assert "broke off" in house.barred()
    assert house.module.health().ok
    house.key.sign(b"data")


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
def test_a_key_that_is_entered_a_moment_after_it_was_made_bars_nothing(house: House) -> None:
    house.module.generate_key_pair(label="next", algorithm=KeyAlgorithm.P256)
    looks = iter((set(), set(house.module.inventory())))
    house.module.register = lambda _: (frozenset(next(looks)), frozenset())
    assert house.module.health().ok
    house.key.sign(b"data")


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED")
def test_at_start_too(house: House, token: Pkcs11Uri, softhsm: Path) -> None:
    """The canary, and not only what is approved: a token without one signs nothing from its opening on."""
    house.module.destroy(house.module.key(label=PROBE_LABEL))
    house.approve()
    settings = ModuleSettings.model_validate({"library": softhsm, "approval": house.file})
    with Module.open(token, settings=settings) as module, pytest.raises(Unavailable) as caught:
        module.key("ca").sign(b"data")
    assert "there is no probe key" in str(caught.value)


@pytest.mark.req("TRUSTWORKS:MODULE-WATCHED")
def test_the_watch_looks_by_the_clock_and_sees_what_another_process_did(house: House) -> None:
    seen = threading.Condition()
    looks: list[bool] = []
    genuine = house.module.health

    def health(*given: Any) -> Any:
        found = genuine(*given)
        with seen:
            looks.append(found.ok)
            seen.notify_all()
        return found

    house.module.health = health  # type: ignore[assignment, method-assign]
    with Watch(house.module, every=0.02):
        assert looks == [True]  # before anything is signed
        house.file.rename(house.file.with_suffix(".away"))
        with seen:
            assert seen.wait_for(lambda: looks[-1] is False, timeout=30)
        house.barred()
        house.file.with_suffix(".away").rename(house.file)
        with seen:
            assert seen.wait_for(lambda: looks[-1] is True, timeout=30)
        house.key.sign(b"data")
    assert not [one for one in threading.enumerate() if one.name.startswith("watch ")]


@pytest.mark.req("TRUSTWORKS:MODULE-WATCHED")
def test_the_audit_log_is_told_once_and_again_where_it_could_not_be_told(house: House) -> None:
    told: list[tuple[str, list[str]]] = []
    away = [True]

    def on_event(kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        assert token == house.module.token_uri
        if away[0]:
            raise Unavailable("store.unavailable", "The database does not answer.")
        told.append((kind, detail.get("reasons", [])))

    watch = Watch(house.module, every=60, on_event=on_event)
    watch.look()
    house.file.rename(house.file.with_suffix(".away"))
    watch.look()
    house.barred()  # whether or not it could be told
    assert told == []
    away[0] = False
    for _ in range(2):
        watch.look()
    house.file.with_suffix(".away").rename(house.file)
    for _ in range(2):
        watch.look()
    assert [kind for kind, _ in told] == ["module.barred", "module.signs-again"]
    assert "was not approved in" in told[0][1][0]


@pytest.mark.req("TRUSTWORKS:MODULE-SO-PIN")
def test_a_file_with_an_officer_s_pin_is_found_also_where_it_cannot_be_read(tmp_path: Path) -> None:
    there, dangling, gone = (tmp_path / name for name in ("so.pin", "link", "gone"))
    there.touch(mode=0o000)
    dangling.symlink_to("/media/usb/so.pin")
    assert len(look_for_officer_pins((there, dangling, gone))) == 2
    assert look_for_officer_pins((gone, there / "below")) == ()
