"""A module that is not the approved one any more signs nothing: other keys, library or mechanisms."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.module import (
    Approval,
    KeyAlgorithm,
    Module,
    ModuleSettings,
    Pkcs11Uri,
    read_approval,
    write_approval,
)
from trustworks.core.module.approvals import compare_objects
from trustworks.core.module.constants import Attribute
from trustworks.core.module.states import check_as_approved
from trustworks.core.module.wrapping import generate_rsa_pair

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module.states import Register

NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


def opened(
    token: Pkcs11Uri, softhsm: Path, folder: Path, register: Register | None = lambda _: NOTHING
) -> Module:
    settings = ModuleSettings.model_validate(
        {"library": softhsm, "approval": folder / "approval.json", "lab": True}
    )
    return Module.open(token, settings=settings, read_write=True, register=register)


def approve(module: Module, folder: Path) -> Approval:
    approval = Approval.of(module.info(), operator="officer", objects=module.inventory())
    write_approval(folder / "approval.json", approval)
    return approval


@pytest.mark.req("TRUSTWORKS:MODULE-INVENTORY", "EN319411-1:OVR-6.5.2-12")
def test_keys_that_came_or_went_are_named() -> None:
    a, b = frozenset({"private:a:01"}), frozenset({"private:b:02"})
    none: frozenset[str] = frozenset()
    assert compare_objects(a, a, none, none) == ()
    assert compare_objects(a, a | b, b, none) == ()  # entered since
    assert compare_objects(a | b, a, none, b) == ()  # removed, and the register knows it
    assert "nobody approved or entered: private:b:02" in compare_objects(a, a | b, none, none)[0]
    assert "gone from the token: private:b:02" in compare_objects(a | b, a, none, none)[0]
    assert "gone from the token: private:b:02" in compare_objects(a, a, b, none)[0]


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED")
def test_a_module_with_a_difference_signs_nothing() -> None:
    check_as_approved((), "tsu")
    with pytest.raises(Unavailable, match=r"tsu signs nothing: a difference\. Find out") as caught:
        check_as_approved(("a difference",), "tsu")
    assert caught.value.code == "module.barred"


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED", "TRUSTWORKS:MODULE-INVENTORY")
def test_a_key_that_nobody_entered_stops_the_token_at_start_and_by_the_clock(
    token: Pkcs11Uri, softhsm: Path, tmp_path: Path
) -> None:
    with opened(token, softhsm, tmp_path) as module:
        module.ensure_probe_key()
        key = module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P256)
        approve(module, tmp_path)
        assert module.health().ok
        key.sign(b"data")
        smuggled = module.generate_key_pair(label="smuggled", algorithm=KeyAlgorithm.P256)
        found = module.health()  # by the clock
        assert not found.ok
        assert "smuggled" in str(found.findings)
        with pytest.raises(Unavailable, match="nobody approved or entered: private:smuggled"):
            key.sign(b"data")
    with opened(token, softhsm, tmp_path) as module:  # at start
        with pytest.raises(Unavailable, match="smuggled"):
            module.key("ca").sign(b"data")
        module.destroy(smuggled)
        assert module.health().ok
        module.key("ca").sign(b"data")


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED")
def test_another_library_or_mechanism_stops_the_token(
    token: Pkcs11Uri, softhsm: Path, tmp_path: Path
) -> None:
    with opened(token, softhsm, tmp_path) as module:
        module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P256)
        approval = approve(module, tmp_path)
    for wrong, words in (
        ({"library_sha256": "00"}, "the library's SHA-256 is"),
        ({"firmware_version": "0.0"}, "firmware version"),
        ({"mechanisms": (*approval.mechanisms, "CKM_OTHER")}, "CKM_OTHER"),
    ):
        write_approval(tmp_path / "approval.json", dataclasses.replace(approval, **wrong))
        with opened(token, softhsm, tmp_path) as module, pytest.raises(Unavailable, match=words):
            module.key("ca").sign(b"data")


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED")
def test_a_token_whose_approval_is_gone_signs_nothing(
    token: Pkcs11Uri, softhsm: Path, tmp_path: Path
) -> None:
    with opened(token, softhsm, tmp_path) as module:
        module.ensure_probe_key()
        module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P256)
        with pytest.raises(Unavailable, match="was not approved in"):
            module.key("ca").sign(b"data")
        approve(module, tmp_path)
    with opened(token, softhsm, tmp_path) as module:
        module.key("ca").sign(b"data")
        (tmp_path / "approval.json").unlink()
        assert not module.health().ok
        with pytest.raises(Unavailable, match="was not approved in") as error:
            module.key("ca").sign(b"data")
        assert error.value.code == "module.barred"


def test_what_the_register_knows_is_no_difference(token: Pkcs11Uri, softhsm: Path, tmp_path: Path) -> None:
    entered: set[str] = set()
    with opened(token, softhsm, tmp_path, lambda _: (frozenset(entered), frozenset())) as module:
        module.ensure_probe_key()
        approve(module, tmp_path)
        key = module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P256)
        entered.add(f"private:ca:{key.key_id.hex()}")
        assert module.health().ok
        module.connection.run(
            lambda session: generate_rsa_pair(
                module.cryptoki, session, label="transport", bits=2048, use=Attribute.UNWRAP, on_token=True
            )
        )
        assert module.health().ok  # it cannot sign
        module.destroy(key)
        assert "gone from the token: private:ca" in str(module.health().findings)


def test_an_approval_of_before_looks_at_no_keys(token: Pkcs11Uri, softhsm: Path, tmp_path: Path) -> None:
    with opened(token, softhsm, tmp_path) as module:
        module.ensure_probe_key()
        write_approval(tmp_path / "approval.json", Approval.of(module.info(), operator="officer"))
        found = read_approval(tmp_path / "approval.json", module.token_uri.serial or "")
        assert found is not None
        assert found.objects is None
        module.generate_key_pair(label="ca", algorithm=KeyAlgorithm.P256)
        assert module.health().ok
