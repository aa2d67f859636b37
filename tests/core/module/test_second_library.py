"""The module over other PKCS#11 libraries than SoftHSM2, as far as their capabilities go.

NSS softokn (Debian: libnss3, libnss3-tools) is a whole software module. tpm2-pkcs11 over the TPM emulator
swtpm (Debian: libtpm2-pkcs11-1, swtpm, swtpm-tools, tpm2-tools) stands for small hardware: few curves, no
session keys, room for three objects. Each test asks the library what it can do; a test is skipped where the
package is absent.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from key_custodians import make_custodians

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import (
    Approval,
    Capability,
    KeyAlgorithm,
    Module,
    ModuleSettings,
    Pkcs11Uri,
    SignatureScheme,
    initialise_token,
)
from trustworks.core.module import library as libraries
from trustworks.core.module.backup import generate_with_backup
from trustworks.core.module.wrapping import Oaep, wrapping_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARIES = Path("/usr/lib")
NSS_SPEC = "configdir='sql:{}' certPrefix='' keyPrefix='' secmod='' flags="


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """A library with a token of this test run."""

    name: str
    settings: ModuleSettings
    uri: Pkcs11Uri
    folder: Path
    keys_of_one_session: bool
    make_room: Callable[[], None] | None = None  # between two tests
    unlock: Callable[[], None] | None = None  # for a token that locks after wrong PINs

    def open(self, *, read_write: bool = True) -> Module:
        return Module.open(self.uri, settings=self.settings, read_write=read_write)


def library(name: str, packages: str) -> Path:
    for pattern in (f"*/{name}", f"*/nss/{name}", name):
        for found in sorted(LIBRARIES.glob(pattern)):
            return found
    pytest.skip(f"NOT TESTED, no {name}: apt install {packages}")


def program(name: str, packages: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"NOT TESTED, no {name}: apt install {packages}")
    return found


def pin_file(folder: Path) -> tuple[Path, str]:
    file, pin = folder / "user.pin", secrets.token_urlsafe(18)
    file.touch(0o600)
    file.write_text(pin, encoding="ascii")
    return file, pin


def nss(folder: Path) -> Iterator[Second]:
    packages = "libnss3 libnss3-tools"
    softokn = library("libsoftokn3.so", packages)
    file, _ = pin_file(folder)
    database = folder / "nss"
    database.mkdir()
    subprocess.run(
        [program("certutil", packages), "-N", "-d", f"sql:{database}", "-f", str(file)],
        check=True,
        timeout=60,
    )
    settings = ModuleSettings.model_validate(
        {"library": softokn, "library-parameters": NSS_SPEC.format(database), "lab": True}
    )
    uri = Pkcs11Uri(token="NSS Certificate DB", pin_source=f"file:{file}")
    yield Second(name="nss", settings=settings, uri=uri, folder=folder, keys_of_one_session=True)


def two_free_ports() -> int:
    """swtpm's client expects the control channel on the port after the command channel's."""
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    pytest.skip("NOT TESTED, no two free ports beside each other")


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("swtpm does not listen")


def tpm(folder: Path) -> Iterator[Second]:
    packages = "libtpm2-pkcs11-1 swtpm swtpm-tools tpm2-tools"
    pkcs11 = library("libtpm2_pkcs11.so.1", packages)
    swtpm, setup = program("swtpm", packages), program("swtpm_setup", packages)
    flush, lockout = program("tpm2_flushcontext", packages), program("tpm2_dictionarylockout", packages)
    state, store = folder / "state", folder / "store"
    state.mkdir()
    store.mkdir()
    subprocess.run(
        [setup, "--tpm2", "--tpmstate", str(state)], check=True, timeout=60, stdout=subprocess.DEVNULL
    )
    port = two_free_ports()
    process = subprocess.Popen(
        [
            *(
                swtpm,
                "socket",
                "--tpm2",
                "--tpmstate",
                f"dir={state}",
                "--flags",
                "not-need-init,startup-clear",
            ),
            *("--server", f"type=tcp,port={port},bindaddr=127.0.0.1"),
            *("--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1"),
        ]
    )
    try:
        wait_for(port + 1, process)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TPM2_PKCS11_TCTI", f"swtpm:host=127.0.0.1,port={port}")
            patch.setenv("TPM2_PKCS11_STORE", str(store))
            settings = ModuleSettings.model_validate({"library": pkcs11, "lab": True})
            file, pin = pin_file(folder)
            initialise_token(settings=settings, label="tpm", so_pin=secrets.token_urlsafe(18), user_pin=pin)
            uri = Pkcs11Uri(token="tpm", pin_source=f"file:{file}")

            tcti = ("-T", f"swtpm:host=127.0.0.1,port={port}")

            def make_room() -> None:
                """What a resource manager (/dev/tpmrm0) does: the library leaves its objects in the TPM."""
                libraries.start_afresh(libraries.load(libraries.make_setup(settings)))
                for kind in ("--transient-object", "--loaded-session", "--saved-session"):
                    subprocess.run([flush, *tcti, kind], check=True, timeout=60)

            def unlock() -> None:
                subprocess.run([lockout, *tcti, "--clear-lockout"], check=True, timeout=60)

            yield Second(
                name="tpm",
                settings=settings,
                uri=uri,
                folder=folder,
                keys_of_one_session=False,
                make_room=make_room,
                unlock=unlock,
            )
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module", params=[nss, tpm], ids=["NSS softokn", "tpm2-pkcs11 on swtpm"])
def second(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Second]:
    yield from request.param(tmp_path_factory.mktemp("second"))


@pytest.fixture(autouse=True)
def room(second: Second) -> None:
    if second.make_room:
        second.make_room()


@pytest.fixture(scope="module")
def capabilities(second: Second) -> dict[KeyAlgorithm, Capability]:
    with second.open() as module:
        return {capability.algorithm: capability for capability in module.capabilities()}


def test_the_module_says_what_it_is(second: Second) -> None:
    with second.open(read_write=False) as module:
        info = module.info()
        assert info.is_test_module
        assert info.token_label == second.uri.token
        assert "CKM_ECDSA" in info.mechanisms
        assert module.random(32) != module.random(32)


def test_capabilities_are_found_by_trying(
    second: Second, capabilities: dict[KeyAlgorithm, Capability]
) -> None:
    p256 = capabilities[KeyAlgorithm.P256]
    if second.keys_of_one_session:
        assert SignatureScheme.ECDSA_SHA256 in p256.schemes
        assert SignatureScheme.RSA_PSS_SHA256 in capabilities[KeyAlgorithm.RSA_3072].schemes
    else:
        assert p256.why_not
    assert capabilities[KeyAlgorithm.ED25519].why_not
    assert capabilities[KeyAlgorithm.BRAINPOOL_P256].why_not


def able(second: Second, capabilities: dict[KeyAlgorithm, Capability]) -> list[KeyAlgorithm]:
    """The kinds of keys to try on the token."""
    if second.keys_of_one_session:
        return [algorithm for algorithm, capability in capabilities.items() if capability.schemes]
    return [KeyAlgorithm.P256]


def test_each_kind_of_key_that_it_makes_signs_and_is_protected(
    second: Second, capabilities: dict[KeyAlgorithm, Capability]
) -> None:
    for algorithm in able(second, capabilities):
        with second.open() as module:
            key = module.generate_key_pair(label=algorithm.value, algorithm=algorithm)
            attributes = key.attributes()
            assert attributes["sensitive"] is attributes["private"] is True
            assert attributes["extractable"] is False
            for scheme in capabilities[algorithm].schemes or (key.scheme,):
                assert key.sign(b"data", scheme)
        with second.open() as module:
            again = module.key(label=algorithm.value)
            assert again.spki == key.spki
            assert again.sign(b"data")
            module.destroy(again)
            assert module.keys() == []


def test_what_it_does_not_make_is_rejected_and_leaves_nothing(second: Second) -> None:
    with second.open() as module:
        for algorithm in (KeyAlgorithm.BRAINPOOL_P256, KeyAlgorithm.ED25519):
            with pytest.raises(Rejected) as caught:
                module.generate_key_pair(label="k", algorithm=algorithm)
            assert caught.value.code == "module.mechanism"
        assert module.keys() == []


def wrong_pin(second: Second) -> str:
    """The code of the refusal of a wrong PIN."""
    file = second.folder / "wrong.pin"
    file.touch(0o600)
    file.write_text("Wr0ng-pin-8", encoding="ascii")
    uri = Pkcs11Uri(token=second.uri.token, pin_source=f"file:{file}")
    with pytest.raises(Unavailable) as caught:
        Module.open(uri, settings=second.settings)
    assert "Wr0ng" not in str(caught.value)
    return caught.value.code


def test_a_wrong_pin_is_told(second: Second) -> None:
    assert wrong_pin(second) == "module.pin-wrong"
    with second.open() as module:
        assert module.keys() == []


def test_a_token_that_wrong_pins_have_locked_says_so_to_the_right_one_too(second: Second) -> None:
    codes = {wrong_pin(second) for _ in range(6)}
    if second.unlock is None:
        assert codes == {"module.pin-wrong"}  # software that never locks
    else:
        assert codes == {"module.pin-wrong", "module.pin-locked"}
        with pytest.raises(Unavailable, match="security officer") as caught:
            second.open()
        assert caught.value.code == "module.pin-locked"
        second.unlock()
    with second.open() as module:
        assert module.keys() == []


def test_health_builders_threads_and_reopening_work_as_with_the_first(second: Second) -> None:
    with second.open() as module:
        key, _ = module.ensure_probe_key()
        approval = Approval.of(module.info(), operator="TEST operator")
        found = module.health(approval)
        assert found.findings == ()
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST second")]))
            .sign(key.private_key(), SHA256())
        )
        assert request.is_signature_valid
        errors: list[str] = []

        def sign() -> None:
            try:
                for _ in range(10):
                    key.sign(b"data")
            except BaseException as error:  # noqa: BLE001 - the test reports whatever it was
                errors.append(repr(error))

        threads = [threading.Thread(target=sign) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        module.connection.reopen(module.connection.generation)
        assert key.sign(b"data")
        module.destroy(key)


def test_a_token_that_exists_is_not_made_again(second: Second) -> None:
    assert second.uri.token
    with pytest.raises((Rejected, Unavailable, Malformed)) as caught:
        initialise_token(
            settings=second.settings,
            label=second.uri.token,
            so_pin=secrets.token_urlsafe(18),
            user_pin=secrets.token_urlsafe(18),
        )
    assert getattr(caught.value, "code", "") in {"module.token-exists", "module.slots"}
    with second.open() as module:
        assert module.keys() == []


def test_keys_move_between_libraries_where_the_second_one_wraps(
    second: Second, softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    with second.open() as module:
        if not second.keys_of_one_session:
            with pytest.raises(Rejected, match="cannot take part in backup or transfer") as caught:
                wrapping_profile(module)
            assert caught.value.code == "keys.no-wrapping"
            return
        assert Oaep.SHA256 in wrapping_profile(module).oaep
    custodians = make_custodians(softhsm, make_token, ("anna", "boris"))
    for algorithm in (KeyAlgorithm.P256, KeyAlgorithm.RSA_3072):
        with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as source:
            key, backup = generate_with_backup(
                source,
                label=f"moved-{algorithm.value}",
                algorithm=algorithm,
                custodians=custodians.cards,
                threshold=2,
                keep=lambda _: None,
            )
        with second.open() as target:
            moved = custodians.restore(target, backup, ("anna", "boris"))
            assert moved.spki == key.spki
            moved.sign(b"data")
            assert moved.attributes()["extractable"] is False
            target.destroy(moved)
