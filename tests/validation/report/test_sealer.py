"""The key of the service that seals its reports: its own certificate, and only while that stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from signed_making import SIGNING_TIME, certify, holds, house

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.validation.config import SealSettings
from trustworks.validation.report.seal.sealer import check_standing, open_sealer

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from trustworks.core.module import Key, Module
    from trustworks.validation.report.seal.sealer import Sealer

REPORT = b"<report><of>a</of></report>"


def pem(*certificates: bytes) -> bytes:
    return b"".join(x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in certificates)


@pytest.fixture
def key(module: Module) -> Key:
    return module.generate_key_pair(label="reports", algorithm=KeyAlgorithm.P256)


def opened(file: Path, key: Key, *, at: datetime = SIGNING_TIME, revoked: str | None = None) -> Sealer:
    settings = SealSettings(key="reports", certificate=file)
    return open_sealer(settings, key, clock=lambda: at, stamper=None, revoked=lambda _serial: revoked)


def test_a_seal_has_the_certificates_of_the_file(key: Key, tmp_path: Path) -> None:
    own = certify(key.public_key, 9200)
    file = tmp_path / "seal.pem"
    file.write_bytes(pem(own, house().ca.der))
    sealer = opened(file, key)
    assert sealer.certificate == own
    evidence = read(Octets(sealer.sealed(REPORT)))
    assert holds(evidence) == [True]
    assert {one.der for one in evidence.certificates.values()} == {own, house().ca.der}


def test_a_certificate_that_is_not_there_or_another_keys_is_refused(key: Key, tmp_path: Path) -> None:
    file = tmp_path / "seal.pem"
    with pytest.raises(Unavailable, match="seal-validation-report"):
        opened(file, key)
    file.write_bytes(b"nothing")
    with pytest.raises(Unavailable, match="seal-validation-report"):
        opened(file, key)
    file.write_bytes(pem(house().ca.der))
    with pytest.raises(Rejected, match="is not for the key 'reports'"):
        opened(file, key)


@pytest.mark.req("TRUSTWORKS:VALIDATION-SEAL-STANDS")
def test_nothing_is_sealed_by_a_certificate_that_does_not_stand(key: Key, tmp_path: Path) -> None:
    file = tmp_path / "seal.pem"
    file.write_bytes(pem(certify(key.public_key, 9201)))
    years = timedelta(days=5 * 366)
    for wrong, sentence in (
        (opened(file, key, at=SIGNING_TIME + years), "is valid from"),
        (opened(file, key, at=SIGNING_TIME - years), "is valid from"),
        (opened(file, key, revoked="keyCompromise"), r"is revoked \(keyCompromise\)"),
    ):
        with pytest.raises(Unavailable, match=sentence) as refused:
            wrong.sealed(REPORT)
        assert refused.value.code == "validation.seal"


@pytest.mark.req("TRUSTWORKS:VALIDATION-SEAL-STANDS")
def test_a_certificate_stands_from_its_first_to_its_last_moment() -> None:
    end = SIGNING_TIME + timedelta(days=1)
    for now in (SIGNING_TIME, end):
        check_standing(now, SIGNING_TIME, end, None)
