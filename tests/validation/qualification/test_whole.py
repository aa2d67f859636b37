"""From lists and certificates as octets to the level of a signature: everything of this part together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from trusted_list_bench import (
    LOTL,
    NOW,
    PUBLICATION,
    list_of_lists,
    list_xml,
    party,
    provider,
    service,
    sign,
    state,
)

from trustworks.core.der.qc_statements import (
    QC_STATEMENTS,
    QC_TYPE_ESIGN,
    Statement,
    compliance,
    qc_type,
    sscd,
    write_qc_statements,
)
from trustworks.core.pki.building import CertificatePool, Path, build_paths
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.refresh import refresh
from trustworks.core.pki.trusted_lists.store import TrustStore
from trustworks.core.pki.trusted_lists.uris import CA_QC, FOR_SIGNATURES, TSA_QTST, WITHDRAWN
from trustworks.validation.qualification.certificate import path_members, qualified_content
from trustworks.validation.qualification.certificates import certificate_qualification
from trustworks.validation.qualification.devices import device_qualification
from trustworks.validation.qualification.model import CertificateQualification, Indication, Issuer, Status
from trustworks.validation.qualification.signatures import (
    SignatureQualification,
    Validity,
    signature_qualification,
)
from trustworks.validation.qualification.trust_services import time_stamp_qualification

if TYPE_CHECKING:
    from pathlib import Path as File

COMMISSION, OPERATOR, CA = party("Commission"), party("Operator"), party("Provider")
WITHDRAWAL = datetime(2026, 2, 1, tzinfo=UTC)
FOR_ESIG = (
    '<tsl:Extension Critical="true"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">'
    f"{FOR_SIGNATURES}</tsl:URI></tsl:AdditionalServiceInformation></tsl:Extension>"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    """A store with one provider: a CA that was withdrawn a month ago, and a time-stamping service."""
    directory: File = tmp_path_factory.mktemp("trust")
    listed = provider(
        "Provider",
        service(
            state(CA.der, status=WITHDRAWN, since=WITHDRAWAL, extensions=FOR_ESIG),
            state(since=datetime(2018, 1, 1, tzinfo=UTC), extensions=FOR_ESIG),
        ),
        service(state(CA.der, service_type=TSA_QTST, since=datetime(2018, 1, 1, tzinfo=UTC))),
    )
    files = {
        LOTL: list_of_lists({"EL": OPERATOR}, signer=COMMISSION),
        "https://lists.example/EL.xml": sign(list_xml(providers=[listed]), OPERATOR),
    }
    journal = OfficialJournal(publication=PUBLICATION, location=LOTL, certificates=(COMMISSION.der,))
    refresh(directory, journal, files.__getitem__, NOW)
    return TrustStore.load(directory, NOW)


def path_of(store: TrustStore, *statements: Statement, kind: str = CA_QC) -> Path:
    """The path of a certificate that the CA issued in 2025, found by the path engine."""
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "GR"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Provider"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "Subject"),
        ]
    )
    value = write_qc_statements(statements)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(CA.certificate.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(2)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(QC_STATEMENTS), value), critical=False
        )
        .sign(CA.key, hashes.SHA256())
    )
    leaf = Certificate.read(certificate.public_bytes(Encoding.DER))
    return next(iter(build_paths(leaf, anchors=store.trust_anchors(kind), pool=CertificatePool())))


def assessed(
    path: Path, at: datetime, store: TrustStore
) -> tuple[SignatureQualification, CertificateQualification]:
    """The level of a valid signature that existed at a time, and what its certificate was then."""
    certificate = qualified_content(path.leaf)
    found = certificate_qualification(certificate, path_members(path), at, lists=store)
    device = device_qualification(certificate, at, found)
    return signature_qualification(Validity.PASSED, found, device), found


def test_a_signature_is_qualified_until_its_service_was_withdrawn(store: TrustStore) -> None:
    path = path_of(store, compliance(), qc_type(QC_TYPE_ESIGN), sscd())
    assert path.anchor.sunset == WITHDRAWAL
    level, found = assessed(path, WITHDRAWAL - timedelta(days=1), store)
    assert level is SignatureQualification.QESIG
    assert found.qualified_for == {Indication.FOR_ESIG}
    level, found = assessed(path, NOW, store)
    assert level is SignatureQualification.ADES
    assert found.status is Status.FAILED


def test_without_a_device_or_a_statement_it_is_less(store: TrustStore) -> None:
    at = WITHDRAWAL - timedelta(days=1)
    assert assessed(path_of(store, compliance()), at, store)[0] is SignatureQualification.ADESIG_QC
    assert assessed(path_of(store), at, store)[0] is SignatureQualification.ADES


def test_a_time_stamp_of_a_listed_service_is_qualified(store: TrustStore) -> None:
    path = path_of(store, kind=TSA_QTST)
    found = time_stamp_qualification(
        qualified_content(path.leaf), path_members(path), NOW, made=NOW - timedelta(days=1), lists=store
    )
    assert (found.status, found.results, found.country) == (Status.PASSED, (Issuer.QUALIFIED,), "EL")
