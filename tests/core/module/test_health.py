"""Health: a signature with the probe key, random numbers, the token's flags, an operator's approval."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.module import (
    Approval,
    KeyAlgorithm,
    Module,
    ModuleSettings,
    SignatureScheme,
    objects,
    read_approval,
    write_approval,
)
from trustworks.core.module.approvals import compare
from trustworks.core.module.constants import Flag, Mechanism, Rv
from trustworks.core.module.health import PROBE_LABEL, look_at_random
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri


@pytest.fixture
def approval(module: Module) -> Approval:
    return Approval.of(module.info(), operator="TEST operator", at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
def test_without_a_probe_key_the_module_is_not_well(module: Module) -> None:
    found = module.health()
    assert not found.ok
    assert found.latency_us is None
    assert "--make-probe-key" in found.findings[0]


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
def test_a_module_that_is_well(module: Module) -> None:
    key, made = module.ensure_probe_key()
    assert made
    assert key.label == PROBE_LABEL
    again, made = module.ensure_probe_key()
    assert not made
    assert again.key_id == key.key_id
    found = module.health()
    assert found.ok
    assert not found.findings
    assert found.latency_us is not None
    assert 0 < found.latency_us < 1e6


def test_the_probe_key_of_a_module_without_curves_is_rsa(module: Module) -> None:
    module.mechanisms -= {int(Mechanism.EC_KEY_PAIR_GEN)}
    assert module.ensure_probe_key()[0].algorithm is KeyAlgorithm.RSA_3072


def test_a_probe_key_is_not_made_where_looking_for_it_failed(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(*_: object) -> list[int]:
        raise CryptokiError("C_FindObjectsInit", 0x6)

    monkeypatch.setattr(module.cryptoki, "find", failed)
    with pytest.raises(Unavailable) as caught:
        module.ensure_probe_key()
    assert caught.value.code == "module.failed"


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH", "TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
def test_a_bad_signature_is_found(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    module.ensure_probe_key()
    monkeypatch.setattr(module.connection, "sign", lambda *_: bytes(64))
    found = module.health()
    assert not found.ok
    assert "thrown away" in found.findings[0]


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
def test_a_closed_module_is_not_well(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        module.ensure_probe_key()
    found = module.health()
    assert not found.ok
    assert len(found.findings) == 1
    assert "was closed" in found.findings[0]


@pytest.mark.req("TRUSTWORKS:MODULE-RANDOM")
@pytest.mark.parametrize(
    ("first", "second"),
    [(bytes(range(32)), bytes(range(32))), (bytes(32), bytes(range(32))), (b"ab" * 16, bytes(range(32)))],
)
def test_a_broken_generator_is_found(first: bytes, second: bytes) -> None:
    assert look_at_random(first, second)
    assert not look_at_random(bytes(range(32)), bytes(range(1, 33)))


@pytest.mark.req("TRUSTWORKS:MODULE-RANDOM", "TRUSTWORKS:MODULE-HEALTH")
def test_health_looks_at_the_module_s_generator(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    module.ensure_probe_key()
    monkeypatch.setattr(module, "random", bytes)
    assert any("same octets" in finding for finding in module.health().findings)


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
@pytest.mark.parametrize(
    ("flag", "says"), [(Flag.USER_PIN_FINAL_TRY, "locks the token"), (Flag.USER_PIN_COUNT_LOW, "by whom")]
)
def test_the_token_s_flags_are_told(
    module: Module, flag: Flag, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.ensure_probe_key()
    genuine = module.cryptoki.token_info

    def flagged(slot: int) -> object:
        info = genuine(slot)
        info.flags |= int(flag)
        return info

    monkeypatch.setattr(module.cryptoki, "token_info", flagged)
    assert any(says in finding for finding in module.health().findings)


@pytest.mark.req("TRUSTWORKS:MODULE-APPROVED")
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"token_serial": "0"}, "serial number"),
        ({"token_model": "other"}, "model"),
        ({"firmware_version": "9.9"}, "firmware version"),
        ({"hardware_version": "9.9"}, "hardware version"),
        ({"library_version": "9.9"}, "library version"),
        ({"library_sha256": "00"}, "SHA-256"),
    ],
)
def test_what_changed_since_the_approval_is_told(
    module: Module, approval: Approval, changed: dict[str, str], says: str
) -> None:
    module.ensure_probe_key()
    assert compare(approval, module.info()) == ()
    assert module.health(approval).ok
    other = dataclasses.replace(approval, **changed)  # type: ignore[arg-type]
    (finding,) = compare(other, module.info())
    assert says in finding
    assert module.health(other).findings == (finding,)


@pytest.mark.req("TRUSTWORKS:MODULE-APPROVED")
def test_mechanisms_that_came_or_went_are_named(module: Module, approval: Approval) -> None:
    more = dataclasses.replace(approval, mechanisms=(*approval.mechanisms, "CKM_ML_DSA"))
    assert compare(more, module.info()) == ("approved mechanisms are no longer offered: CKM_ML_DSA",)
    fewer = dataclasses.replace(
        approval, mechanisms=tuple(name for name in approval.mechanisms if name != "CKM_RSA_PKCS")
    )
    assert compare(fewer, module.info()) == ("mechanisms that were not approved are offered: CKM_RSA_PKCS",)


@pytest.mark.req("TRUSTWORKS:MODULE-APPROVED", "TRUSTWORKS:MODULE-HEALTH")
def test_the_configured_approval_file_is_compared_by_itself(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path
) -> None:
    settings = ModuleSettings.model_validate({"approval": "state/approval.json"})
    with Module.open(token, library=softhsm, read_write=True, settings=settings, base=tmp_path) as module:
        module.ensure_probe_key()
        assert any("module approve" in finding for finding in module.health().findings)
        approval = Approval.of(module.info(), operator="TEST operator")
        other = dataclasses.replace(approval, token_serial="another token", token_model="other")
        file = tmp_path / "state" / "approval.json"
        write_approval(file, other)
        assert not module.health().ok
        write_approval(file, approval)
        assert module.health().ok
        assert read_approval(file, "another token") == other
        write_approval(file, dataclasses.replace(approval, firmware_version="0.0"))
        assert any("firmware" in finding for finding in module.health().findings)
        file.write_text("{", encoding="utf-8")
        assert any(
            "is not as `trustworks module approve` writes it" in finding
            for finding in module.health().findings
        )


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "content", ["[]", "1", "{", '{"s": {"mechanisms": []}}', '{"s": 1}', DEEP, '{"s": ' + DEEP + "}", ""]
)
def test_a_damaged_approval_file_is_no_approval(tmp_path: Path, content: str) -> None:
    file = tmp_path / "approval.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Malformed, match="approve every module again"):
        read_approval(file, "s")


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("mechanisms", [1, 2, "CKM_X"]),
        ("mechanisms", "ABC"),
        ("mechanisms", None),
        ("token_model", "\ud800"),
        ("library_sha256", 5),
        ("invented", "x"),
    ],
)
def test_an_approval_with_a_member_that_nobody_writes_is_told(
    softhsm: Path, token: Pkcs11Uri, tmp_path: Path, member: str, value: object
) -> None:
    file = tmp_path / "approval.json"
    with Module.open(
        token, library=softhsm, settings=ModuleSettings(approval=file), read_write=True
    ) as module:
        module.ensure_probe_key()
        approval = Approval.of(module.info(), operator="TEST operator")
        entry = dataclasses.asdict(approval) | {member: value}
        file.write_text(json.dumps({approval.token_serial: entry}), encoding="ascii")
        found = module.health()
    assert len(found.findings) == 1
    assert str(file) in found.findings[0]
    with pytest.raises(Malformed, match="approve every module again"):
        write_approval(file, approval)


def test_approvals_that_are_given_at_the_same_time_are_all_kept(tmp_path: Path, approval: Approval) -> None:
    file, count = tmp_path / "approval.json", 8
    together = threading.Barrier(count)

    def approve(number: int) -> None:
        together.wait()
        write_approval(file, dataclasses.replace(approval, token_serial=str(number)))

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(approve, range(count)))
    assert sorted(json.loads(file.read_text("ascii"))) == [str(number) for number in range(count)]
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


@pytest.mark.req("TRUSTWORKS:MODULE-APPROVED")
@pytest.mark.parametrize("operator", ["", "  ", "\t\n"])
def test_nobody_approves_no_module(module: Module, operator: str) -> None:
    with pytest.raises(Refused, match="--operator") as caught:
        Approval.of(module.info(), operator=operator)
    assert caught.value.requirement == "TRUSTWORKS:MODULE-APPROVED"


def test_an_approval_that_cannot_be_kept_is_a_sentence(tmp_path: Path, approval: Approval) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable):
        read_approval(tmp_path / "folder", "s")
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises((Unavailable, Malformed)):
        write_approval(blocked / "approval.json", approval)


def test_an_approval_holds_who_and_when(tmp_path: Path, approval: Approval) -> None:
    write_approval(tmp_path / "approval.json", approval)
    (entry,) = json.loads((tmp_path / "approval.json").read_text("utf-8")).values()
    assert entry["operator"] == "TEST operator"
    assert entry["approved_at"] == "2026-01-01T00:00:00+00:00"


def test_the_module_tells_what_it_is(module: Module) -> None:
    info = module.info()
    assert info.is_test_module
    assert info.token_label == module.uri.token
    assert info.library.is_file()
    assert "CKM_ECDSA" in info.mechanisms
    assert len(info.library_sha256) == 32
    assert info.interfaces == ()


@pytest.mark.req("TRUSTWORKS:MODULE-HEALTH")
def test_a_library_whose_file_is_gone_is_told(softhsm: Path, token: Pkcs11Uri, tmp_path: Path) -> None:
    library = tmp_path / "libsofthsm2.so"
    shutil.copy(softhsm, library)
    with Module.open(token, library=library, read_write=True) as module:
        module.ensure_probe_key()
        approval = Approval.of(module.info(), operator="TEST operator")
        library.unlink()
        with pytest.raises(Unavailable) as caught:
            module.info()
        assert caught.value.code == "module.library"
        assert str(library) in str(caught.value)
        assert module.health(approval).findings == (str(caught.value),)


def test_capabilities_are_asked_for_again_where_the_connection_was_lost(
    softhsm: Path, token: Pkcs11Uri
) -> None:
    with Module.open(token, library=softhsm) as module:
        module.cryptoki.finalise()
        assert all(not capability.why_not for capability in module.capabilities())
        assert module.keys() == []


def test_capabilities_of_a_device_that_is_gone_are_unknown(
    softhsm: Path, token: Pkcs11Uri, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Module.open(token, library=softhsm) as module:

        def gone(*_: object, **__: object) -> None:
            raise CryptokiError("C_OpenSession", Rv.DEVICE_REMOVED)

        with monkeypatch.context() as patched:
            patched.setattr(Cryptoki, "open_session", gone)
            patched.setattr(Cryptoki, "generate_key_pair", gone)
            with pytest.raises(Unavailable) as caught:
                module.capabilities()
    assert caught.value.code == "module.token-absent"


@pytest.mark.parametrize("rv", [Rv.DEVICE_ERROR, Rv.KEY_HANDLE_INVALID, Rv.DEVICE_REMOVED])
@pytest.mark.parametrize("call", ["generate_key_pair", "attribute", "sign"])
def test_one_call_that_fails_on_a_new_connection_too_is_no_lost_connection(
    module: Module, monkeypatch: pytest.MonkeyPatch, call: str, rv: Rv
) -> None:
    opened = module.connection.generation
    made: list[KeyAlgorithm] = []
    generate, well = objects.generate, getattr(Cryptoki, call)

    def noted(*rest: Any, algorithm: KeyAlgorithm, **more: Any) -> tuple[int, int]:
        made.append(algorithm)
        return generate(*rest, algorithm=algorithm, **more)

    def failing(*rest: Any, **more: Any) -> Any:
        if made[-1] is KeyAlgorithm.P384:
            raise CryptokiError("C_Call", rv)
        return well(*rest, **more)

    monkeypatch.setattr(objects, "generate", noted)
    monkeypatch.setattr(Cryptoki, call, failing)
    found = {one.algorithm: one for one in module.capabilities()}
    assert f"CKR_{rv.name}" in found[KeyAlgorithm.P384].why_not
    assert found[KeyAlgorithm.P384].schemes == ()
    assert all(one.schemes and not one.why_not for key, one in found.items() if key != KeyAlgorithm.P384)
    assert module.connection.generation == opened + 1


def test_a_public_key_that_cannot_be_read_is_told_with_the_reason(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise CryptokiError("C_GetAttributeValue", Rv.FUNCTION_FAILED)

    monkeypatch.setattr(objects, "read_public", refused)
    assert all("CKR_FUNCTION_FAILED" in capability.why_not for capability in module.capabilities())


def test_capabilities_are_tried_and_leave_nothing_behind(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm) as module:
        found = {capability.algorithm: capability for capability in module.capabilities()}
        assert set(found) == set(KeyAlgorithm)
        for algorithm, capability in found.items():
            assert not capability.why_not
            assert capability.generation_ms is not None
            assert set(capability.schemes) == {
                scheme for scheme in SignatureScheme if scheme.family == algorithm.family
            }
        assert module.keys() == []
        with module.connection.session() as session:
            assert module.cryptoki.find(session, {}) == []


def test_what_the_module_cannot_do_is_told_with_the_reason(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.mechanisms -= {int(Mechanism.RSA_PKCS_KEY_PAIR_GEN), int(Mechanism.EDDSA)}

    def refused(*_: object) -> bytes:
        raise CryptokiError("C_SignInit", 0x70)

    monkeypatch.setattr(module.cryptoki, "sign", refused)
    found = {capability.algorithm: capability for capability in module.capabilities()}
    assert "RSA_PKCS_KEY_PAIR_GEN" in found[KeyAlgorithm.RSA_3072].why_not
    assert found[KeyAlgorithm.RSA_3072].generation_ms is None
    assert "CKM_EDDSA" in found[KeyAlgorithm.ED25519].why_not
    assert "CKR_MECHANISM_INVALID" in found[KeyAlgorithm.P256].why_not
    assert found[KeyAlgorithm.P256].schemes == ()
