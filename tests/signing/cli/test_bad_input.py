"""What cannot be signed is refused with a sentence that says why, and nothing is left of it.

By the command, with a key of a module; `tests/signing/test_bad_input.py` asks the service for the same.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bad_input import CASES
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from signing_house import NOW, TEXT, house
from typer.testing import CliRunner

from trustworks.app.wiring import Wiring
from trustworks.core.errors import TrustworksError
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.signing.cli.sign import app as sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri


@pytest.fixture(scope="module")
def key(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The URI of a key, and a folder with certificates for it."""
    token, folder = make_token(), tmp_path_factory.mktemp("signers")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    status = x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(f"{nobody}/ca.crl")], None, None, None)]
    )
    kinds: dict[str, dict[str, Any]] = {
        "good": {},
        "expired": {"since": NOW - timedelta(days=9), "until": NOW - timedelta(days=1)},
        "usage": {"usage": ("key_encipherment",)},
        "purpose": {"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)},
        "told": {"extensions": (status,)},
    }
    with Module.open(token, library=softhsm, read_write=True, lab=True) as module:
        made = module.generate_key_pair(label="mine", algorithm=KeyAlgorithm.P256)
        for name, given in kinds.items():
            certificate = house().issued(made.public_key, **given).public_bytes(Encoding.PEM)
            (folder / f"{name}.pem").write_bytes(certificate)
    other = x509.load_der_x509_certificate(house().person().certificate)
    (folder / "another.pem").write_bytes(other.public_bytes(Encoding.PEM))
    (folder / "root.pem").write_bytes(house().root.certificate.public_bytes(Encoding.PEM))
    (folder / "nobody").write_text(nobody)
    return str(token).replace("?", ";object=mine?"), folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TRUSTWORKS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def refused(folder: Path, key: tuple[str, Path], name: str, certificate: str, *options: object) -> str:
    """What is said; nothing is there afterwards that was not there before."""
    before = {one: one.read_bytes() for one in folder.iterdir()}
    arguments = [name, "--key", key[0], "--certificate", key[1] / f"{certificate}.pem", *options]
    done = CliRunner().invoke(sign, [str(one) for one in arguments], obj=Wiring.lazy(None))
    assert isinstance(done.exception, TrustworksError), (done.output, done.exception)
    assert {one: one.read_bytes() for one in folder.iterdir()} == before
    return str(done.exception)


@pytest.mark.req("TRUSTWORKS:PDF-PLACEHOLDER")
@pytest.mark.parametrize("name", CASES)
def test_a_document_that_cannot_be_signed_is_refused(folder: Path, key: tuple[str, Path], name: str) -> None:
    case = CASES[name]
    (folder / case.file).write_bytes(case.make())
    assert case.words in refused(folder, key, case.file, "good", *case.options)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("another", "is for another key"),
        ("expired", "ended at"),
        ("usage", "is for keyEncipherment alone"),
        ("purpose", "other purposes"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused(
    folder: Path, key: tuple[str, Path], certificate: str, words: str
) -> None:
    (folder / "a.txt").write_bytes(TEXT)
    assert words in refused(folder, key, "a.txt", certificate)


def test_an_authority_that_is_down_is_told_and_nothing_is_left(folder: Path, key: tuple[str, Path]) -> None:
    (folder / "a.txt").write_bytes(TEXT)
    nobody = (key[1] / "nobody").read_text()
    said = refused(folder, key, "a.txt", "good", "--level", "B-T", "--tsa", f"{nobody}/tsa")
    assert nobody in said


def test_status_that_is_not_to_be_had_is_told_and_nothing_is_left(
    folder: Path, key: tuple[str, Path]
) -> None:
    (folder / "a.txt").write_bytes(TEXT)
    nobody = (key[1] / "nobody").read_text()
    options = ("--level", "B-LT", "--tsa", f"{nobody}/tsa", "--trust", key[1] / "root.pem")
    said = refused(folder, key, "a.txt", "told", *options, "--network", "127.0.0.0/8")
    assert f"{nobody}/ca.crl" in said
