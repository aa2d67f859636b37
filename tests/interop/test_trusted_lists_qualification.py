"""Qualification held against pyHanko, over one list with many services and certificates of all kinds.

pyHanko has no warnings and does not look for contradictions: compared is whether a certificate is qualified,
for what, and whether its key is in a device, on a list that is consistent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.validation.qualified.assess import QualificationAssessor
from pyhanko.sign.validation.qualified.eutl_parse import trust_list_to_registry_unsafe
from pyhanko.sign.validation.qualified.tsp import TSPRegistry
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.path import ValidationPath
from trusted_list_bench import NOW, Party, list_xml, party, provider, service, state

from trustworks.core.der import qc_statements as qc
from trustworks.core.pki.building import Path, TrustAnchor
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.authenticate import EUTL_PASSED, Authenticated
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import (
    FOR_SEALS,
    FOR_SIGNATURES,
    GRANTED,
    NOT_QUALIFIED,
    QC_FOR_ESEAL,
    QC_FOR_ESIG,
    QC_NO_QSCD,
    QC_QSCD_AS_IN_CERT,
    QC_QSCD_ON_BEHALF,
    QC_STATEMENT,
    QC_WITH_QSCD,
    WITHDRAWN,
)
from trustworks.validation.qualification.certificate import path_members, qualified_content
from trustworks.validation.qualification.certificates import certificate_qualification
from trustworks.validation.qualification.devices import device_qualification
from trustworks.validation.qualification.model import Device, Indication

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.interop

POLICY = "1.2.3"
TYPES = {"QC_ESIGN": Indication.FOR_ESIG, "QC_ESEAL": Indication.FOR_ESEAL}
SUBJECT = party("Subject")
COMPLIANCE = qc.compliance()

# What a service is for, its qualifiers, and its status.
SERVICES: list[tuple[tuple[str, ...], tuple[str, ...], bool]] = [
    ((FOR_SIGNATURES,), (), True),
    ((FOR_SIGNATURES,), (), False),
    ((FOR_SEALS,), (), True),
    ((FOR_SIGNATURES, FOR_SEALS), (), True),
    ((FOR_SIGNATURES,), (NOT_QUALIFIED,), True),
    ((FOR_SIGNATURES,), (QC_STATEMENT, QC_FOR_ESIG), True),
    ((FOR_SEALS,), (QC_STATEMENT, QC_FOR_ESEAL), True),
    ((FOR_SIGNATURES,), (QC_FOR_ESIG, QC_WITH_QSCD), True),
    ((FOR_SIGNATURES,), (QC_NO_QSCD,), True),
    ((FOR_SIGNATURES,), (QC_QSCD_AS_IN_CERT,), True),
    ((FOR_SEALS,), (QC_QSCD_ON_BEHALF,), True),
]
CERTIFICATES: list[tuple[qc.Statement, ...]] = [
    (*compliance, *kind, *sscd)
    for compliance, kind, sscd in product(
        ((COMPLIANCE,), ()),
        ((), (qc.qc_type(qc.QC_TYPE_ESIGN),), (qc.qc_type(qc.QC_TYPE_ESEAL),)),
        ((qc.sscd(),), ()),
    )
]


def extensions(purposes: Sequence[str], qualifiers: Sequence[str]) -> str:
    information = "".join(
        '<tsl:Extension Critical="true"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">'
        f"{one}</tsl:URI></tsl:AdditionalServiceInformation></tsl:Extension>"
        for one in purposes
    )
    if not qualifiers:
        return information
    listed = "".join(f'<sie:Qualifier uri="{one}"/>' for one in qualifiers)
    return (
        f'{information}<tsl:Extension Critical="true"><sie:Qualifications><sie:QualificationElement>'
        f'<sie:Qualifiers>{listed}</sie:Qualifiers><sie:CriteriaList assert="atLeastOne"><sie:PolicySet>'
        f"<sie:PolicyIdentifier><xades:Identifier>{POLICY}</xades:Identifier>"
        "</sie:PolicyIdentifier></sie:PolicySet></sie:CriteriaList></sie:QualificationElement>"
        "</sie:Qualifications></tsl:Extension>"
    )


def issued(authority: Party, statements: Sequence[qc.Statement], policy: str) -> bytes:
    value = qc.write_qc_statements(statements)
    policies = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None)]
    return (
        x509.CertificateBuilder()
        .subject_name(SUBJECT.certificate.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(SUBJECT.key.public_key())
        .serial_number(3)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(qc.QC_STATEMENTS), value), critical=False
        )
        .add_extension(x509.CertificatePolicies(policies), critical=False)
        .sign(authority.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


class OneList:
    """Whoever asks gets this list."""

    def __init__(self, xml: str) -> None:
        self._found = Authenticated(status=EUTL_PASSED, list=read_trusted_list(xml.encode()))

    def authenticated(self, country: str) -> Authenticated:
        del country
        return self._found


@pytest.mark.parametrize(("purposes", "qualifiers", "granted"), SERVICES)
def test_qualification_is_what_pyhanko_says(
    purposes: tuple[str, ...], qualifiers: tuple[str, ...], granted: bool
) -> None:
    authority = party("Provider")
    status = GRANTED if granted else WITHDRAWN
    current = state(authority.der, extensions=extensions(purposes, qualifiers), status=status)
    xml = list_xml(providers=[provider("Provider", service(current))])
    registry = TSPRegistry()
    _, errors = trust_list_to_registry_unsafe(xml, registry)
    assert list(errors) == []
    assessor, lists = QualificationAssessor(registry), OneList(xml)
    anchor = CertTrustAnchor(asn1_x509.Certificate.load(authority.der))
    for statements in CERTIFICATES:
        for policy in (POLICY, "1.9.9"):
            der = issued(authority, statements, policy)
            path = Path((Certificate.read(der),), TrustAnchor.of(Certificate.read(authority.der)))
            content = qualified_content(path.leaf)
            ours = certificate_qualification(content, path_members(path), NOW, lists=lists)
            theirs = assessor.check_entity_cert_qualified(
                ValidationPath(trust_anchor=anchor, interm=[], leaf=asn1_x509.Certificate.load(der)), NOW
            ).status
            expected = {TYPES[theirs.qc_type.name]} if theirs.qualified else set()
            assert set(ours.qualified_for) == expected, statements
            # pyHanko reads QcSSCD beside QcCompliance alone, table 7 of TS 119 615 wherever it stands.
            if theirs.qualified and len(statements) > 0 and statements[0] is COMPLIANCE:
                device = device_qualification(content, NOW, ours)
                assert (device.result is Device.YES) is theirs.qc_key_security.is_qscd, statements
