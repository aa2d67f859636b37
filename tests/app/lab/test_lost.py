"""What is lost from a laboratory is made again, or named where it cannot be."""

from __future__ import annotations

import hashlib
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from laboratory import Lab

from trustworks.app.certificates import read
from trustworks.app.lab.layout import Layout
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module import find_library
from trustworks.core.module.softhsm import LABEL, attributes

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

COMPLETE = "is complete."
KEYS = {"tsu": "tsu-1", "services": "ocsp", "audit": "audit"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    try:
        find_library()
    except Unavailable as error:
        pytest.skip(f"NOT TESTED, no PKCS#11 library: {error}")
    one = Lab(tmp_path_factory.mktemp("made") / "lab")
    one.set_up()
    return one


@pytest.fixture
def lab(made: Lab, tmp_path: Path) -> Lab:
    """A copy that was set up, in its own folder, so that its first start has nothing to tell."""
    folder = tmp_path / "lab"
    shutil.copytree(made.folder, folder)
    put(folder / "softhsm2.conf", f"directories.tokendir = {folder / 'tokens'}\n")
    return Lab(folder, port=made.port, tls_port=made.tls_port)


def token(lab: Lab, label: str) -> Path:
    """The folder of the one token with this label."""
    (found,) = (
        file.parent
        for file in Layout(lab.folder).tokens.glob("*/token.object")
        if attributes(file.read_bytes())[LABEL] == label.encode().ljust(32)
    )
    return found


def destroy(lab: Lab, name: str, label: str) -> None:
    lab.run(
        "module", "destroy-key", "--token", name, "--label", label, "--reason", "test", "--confirm", label
    )


def spki(certificate: x509.Certificate) -> str:
    octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(octets).hexdigest()


def assert_well(lab: Lab) -> None:
    """All keys of services are their certificates' keys, the log is whole, and nothing is missing."""
    for name, label in KEYS.items():
        listed = lab.run("module", "keys", "--token", name, "--json").stdout
        assert spki(read(Layout(lab.folder).certificate(label))) in listed
        assert '"trustworks-probe"' in listed
    lab.run("audit", "verify")
    assert COMPLETE in lab.try_set_up().stdout


def test_a_whole_laboratory_is_complete(lab: Lab) -> None:
    assert COMPLETE in lab.try_set_up().stdout


@pytest.mark.parametrize("name", KEYS)
def test_a_lost_token_of_a_service_is_made_with_its_keys(lab: Lab, name: str) -> None:
    layout = Layout(lab.folder)
    before = read(layout.certificate(KEYS[name]))
    shutil.rmtree(token(lab, name))
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert spki(read(layout.certificate(KEYS[name]))) != spki(before)
    assert f"The key {KEYS[name]} of the token {name} was gone" in found.stdout
    assert_well(lab)


def test_tokens_whose_labels_the_configuration_changed_are_made(lab: Lab) -> None:
    text = lab.config.read_text(encoding="utf-8")
    put(lab.config, text.replace("pkcs11:token=audit?", "pkcs11:token=other?"))
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert token(lab, "other") != token(lab, "audit")
    assert_well(lab)


def test_a_lost_key_of_a_service_is_made(lab: Lab) -> None:
    destroy(lab, "services", "ocsp")
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert_well(lab)


def test_a_lost_probe_key_is_made(lab: Lab) -> None:
    for name in ("issuing", "tsu"):
        destroy(lab, name, "trustworks-probe")
    assert lab.try_set_up().returncode == 0
    assert '"trustworks-probe"' in lab.run("module", "keys", "--token", "issuing", "--json").stdout
    assert_well(lab)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["root", "issuing"])
def test_a_lost_key_of_an_authority_is_told_and_nothing_is_made(lab: Lab, name: str, whole: bool) -> None:
    if whole:
        shutil.rmtree(token(lab, name))
    else:
        destroy(lab, name, name)
    shutil.rmtree(token(lab, "tsu"))
    tokens = sorted(Layout(lab.folder).tokens.iterdir())
    for _ in range(2):
        refused = lab.try_set_up()
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert f"The key of the {name} CA is gone from" in said
        assert "Put" in said
        assert "backup" in said
        assert sorted(Layout(lab.folder).tokens.iterdir()) == tokens


def test_another_key_in_an_authoritys_place_is_told(lab: Lab) -> None:
    destroy(lab, "issuing", "issuing")
    lab.run("module", "generate-key", "--token", "issuing", "--label", "issuing")
    refused = lab.try_set_up()
    assert refused.returncode == 1
    assert "The key of the issuing CA is gone from" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("gone", ["state/trustworks.sqlite*", "state"])
def test_a_lost_database_is_told_and_nothing_is_made(lab: Lab, gone: str) -> None:
    for path in lab.folder.glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for _ in range(2):
        refused = lab.try_set_up()
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert re.search("The records of this laboratory are gone from .*trustworks.sqlite", said)
        assert "backup" in said


@pytest.mark.parametrize(
    "name",
    [
        *(f"certs/{name}.pem" for name in ("issuing", "tsu-1", "ocsp", "audit", "tls")),
        *(f"trust/{name}.pem" for name in ("root", "issuing", "chain")),
    ],
)
def test_a_lost_certificate_is_written_down_again(lab: Lab, name: str) -> None:
    file = lab.folder / name
    before = file.read_bytes()
    file.unlink()
    assert COMPLETE not in lab.try_set_up().stdout
    assert file.read_bytes() == before
    assert COMPLETE in lab.try_set_up().stdout


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_lost_key_of_https_gets_its_own_certificate(lab: Lab, made: Lab, interrupted: bool) -> None:
    layout = Layout(lab.folder)
    layout.tls_key.unlink()
    assert lab.try_set_up().returncode == 0
    if interrupted:  # after the key was written, and before the certificate was
        shutil.copy(Layout(made.folder).certificate("tls"), layout.certificate("tls"))
        assert COMPLETE not in lab.try_set_up().stdout
    key = load_pem_private_key(layout.tls_key.read_bytes(), None)
    assert read(layout.certificate("tls")).public_key() == key.public_key()
    assert_well(lab)
