"""What of a certificate decides on its qualification, read from its octets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from trusted_list_bench import party

from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.der.qc_statements import (
    QC_STATEMENTS,
    QC_TYPE_ESEAL,
    QC_TYPE_ESIGN,
    compliance,
    qc_type,
    read_statement_ids,
    sscd,
    write_qc_statements,
)
from trustworks.core.errors import Malformed
from trustworks.core.pki.building import Path, TrustAnchor
from trustworks.core.pki.certificate import Certificate
from trustworks.validation.qualification.certificate import path_member, path_members, qualified_content
from trustworks.validation.qualification.model import PathMember
from trustworks.validation.qualification.names import same_name

ISSUER, SUBJECT = party("Issuer"), party("Subject", "BE")


def certificate(*extensions: x509.ExtensionType) -> Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(SUBJECT.certificate.subject)
        .issuer_name(ISSUER.certificate.subject)
        .public_key(SUBJECT.key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 1, 1, tzinfo=UTC))
    )
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    return Certificate.read(builder.sign(ISSUER.key, hashes.SHA256()).public_bytes(Encoding.DER))


def statements(value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(QC_STATEMENTS), value)


def test_statements_policies_usages_and_names_are_read() -> None:
    usage = dict.fromkeys(
        ("digital_signature", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign"),
        False,
    )
    content = qualified_content(
        certificate(
            statements(write_qc_statements([compliance(), sscd(), qc_type(QC_TYPE_ESEAL)])),
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)]),
            x509.KeyUsage(
                content_commitment=True, crl_sign=False, encipher_only=False, decipher_only=False, **usage
            ),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),
        )
    )
    assert (content.compliance, content.sscd, content.types) == (True, True, frozenset({2}))
    assert content.policies == {"1.2.3"}
    assert content.key_usage == frozenset({"nonrepudiation"})
    assert content.purposes == frozenset({"1.3.6.1.5.5.7.3.4"})
    assert (content.issuer_countries, content.issuer_organizations) == (("EL",), ("Issuer",))
    assert (content.subject_countries, content.subject_organizations) == (("BE",), ("Subject",))
    assert content.subject_attributes == {"2.5.4.6", "2.5.4.10", "2.5.4.3"}
    assert content.member == path_member(certificate())
    assert content.key == SUBJECT.key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def test_what_is_not_there_is_not_there() -> None:
    content = qualified_content(certificate())
    assert (content.compliance, content.sscd, content.types) == (False, False, frozenset())
    assert (content.key_usage, content.purposes, content.policies) == (None, None, frozenset())


def test_a_statement_of_a_wrong_form_does_not_hide_the_others() -> None:
    good = write_qc_statements([compliance(), qc_type(QC_TYPE_ESIGN)])
    # A limit (0.4.0.1862.1.2) that is a text.
    limit = tlv(SEQUENCE, bytes.fromhex("060604008e460102"), b"\x0c\x04many")
    value = tlv(SEQUENCE, good[2:], limit)
    assert read_statement_ids(value)[1] == (QC_TYPE_ESIGN,)
    content = qualified_content(certificate(statements(value)))
    assert (content.compliance, content.types) == (True, frozenset({1}))


def test_statements_that_cannot_be_read_say_nothing() -> None:
    content = qualified_content(certificate(statements(b"\x30\x05abc")))
    assert (content.compliance, content.types) == (False, frozenset())
    for value in (b"", b"\x30\x02\x30\x00", b"\x04\x00"):
        with pytest.raises(Malformed):
            read_statement_ids(value)


def test_a_path_of_the_engine_is_taken_with_its_anchor() -> None:
    leaf, issuer = certificate(), Certificate.read(ISSUER.der)
    path = Path((leaf,), TrustAnchor.of(issuer))
    assert path_members(path) == (
        path_member(leaf),
        PathMember(subject=issuer.subject.der, key=issuer.key.der),
    )
    assert path_members(Path((issuer,), TrustAnchor.of(issuer))) == (path_member(issuer),)


def test_names_are_compared_as_certificates_do() -> None:
    def name(text: str, kind: _ASN1Type) -> bytes:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, kind)]).public_bytes()

    one = name("Some  Authority", _ASN1Type.UTF8String)
    assert same_name(one, name("SOME AUTHORITY", _ASN1Type.PrintableString))
    assert not same_name(one, name("Another", _ASN1Type.UTF8String))
    assert same_name(b"no name", b"no name")
    assert not same_name(b"no name", one)
