"""Certification requests that are signed in the module, as OpenSSL reads them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.requests import certification_request
from trustworks.issuance.rules.keys import check_possession
from trustworks.issuance.wire import read_csr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri

KINDS = (
    KeyAlgorithm.P256,
    KeyAlgorithm.P384,
    KeyAlgorithm.P521,
    KeyAlgorithm.BRAINPOOL_P256,
    KeyAlgorithm.RSA_3072,
    KeyAlgorithm.ED25519,
)


@pytest.fixture(scope="module")
def keys(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[dict[KeyAlgorithm, Key]]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield {kind: module.generate_key_pair(label=kind.value, algorithm=kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_a_request_shows_possession_of_the_key(
    keys: dict[KeyAlgorithm, Key], kind: KeyAlgorithm, tmp_path: Path
) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST TSU 2")])
    key = keys[kind]
    der = certification_request(key, name)
    read = x509.load_der_x509_csr(der)
    check_possession(read_csr(der))
    assert read.subject == name
    assert read.public_key() == key.public_key
    file = tmp_path / "request.csr"
    file.write_bytes(der)
    command = ["openssl", "req", "-inform", "DER", "-in", str(file), "-verify", "-noout"]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr
    assert "OK" in judged.stderr + judged.stdout


def test_a_request_needs_no_name(keys: dict[KeyAlgorithm, Key]) -> None:
    read = x509.load_der_x509_csr(certification_request(keys[KeyAlgorithm.P256]))
    assert read.subject == x509.Name([])
