"""Signatures by a certificate of a provider on a trusted list, validated: qualified ones, and others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import NameOID
from listed_services import GreekList, a_service, a_state, lists

from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.formats.data import Octets
from trustworks.validation.policies.policy import shipped
from trustworks.validation.qualification.model import PathMember
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.service import Report, Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.qualification.model import Lists

NOW = datetime.now(UTC).replace(microsecond=0)
QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
COMPLIANCE = tlv(SEQUENCE, oid("0.4.0.1862.1.1"))
DEVICE = tlv(SEQUENCE, oid("0.4.0.1862.1.4"))
FOR_ESIGN = tlv(SEQUENCE, oid("0.4.0.1862.1.6"), tlv(SEQUENCE, oid("0.4.0.1862.1.6.1")))
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("CA", "signer")}


def named(name: str) -> x509.Name:
    """The name of somebody at the provider."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "GR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Provider"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def certify(name: str, *statements: bytes, common_name: str = "") -> Certificate:
    """A certificate with these statements, of the provider or its client."""
    usage = {
        one: one == ("key_cert_sign" if name == "CA" else "content_commitment")
        for one in (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        )
    }
    usage["crl_sign"] = name == "CA"
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(common_name or name))
        .issuer_name(named("CA"))
        .public_key(KEYS[name].public_key())
        .serial_number(77 if name == "signer" else 1)
        .not_valid_before(NOW - timedelta(days=20))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=name == "CA", path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    if statements:
        listed = x509.UnrecognizedExtension(QC_STATEMENTS, tlv(SEQUENCE, *statements))
        builder = builder.add_extension(listed, critical=False)
    return builder.sign(KEYS["CA"], hashes.SHA256())


CA = certify("CA")
CRL = (
    x509.CertificateRevocationListBuilder()
    .issuer_name(CA.subject)
    .last_update(NOW - timedelta(minutes=5))
    .next_update(NOW + timedelta(days=1))
    .sign(KEYS["CA"], hashes.SHA256())
    .public_bytes(Encoding.DER)
)
FRESH = Extra(revocation=(token("R", CRL),))


def greek_list() -> GreekList:
    """A list on which the authority is."""
    key = CA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    member = PathMember(subject=CA.subject.public_bytes(), key=key)
    return lists(a_service(a_state(member=member)))


def report(
    *statements: bytes,
    extra: Extra = FRESH,
    trusted: Lists | None = None,
    policy: Policy | None = None,
    signer: str = "signer",
    detached: Sequence[Octets] = (),
) -> Report:
    """A signature by a certificate with these statements, judged with that list, or with one that has it."""
    certificate = certify("signer", *statements, common_name=signer)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"contract")
    octets = (
        builder.add_signer(certificate, KEYS["signer"], hashes.SHA256())
        .add_certificate(CA)
        .sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    validator = Validator(
        policy=policy or shipped(),
        trust=Trust.of([CA.public_bytes(Encoding.DER)]),
        lists=trusted or greek_list(),
        extra=extra,
    )
    return validator.validate(Octets(octets, "contract.p7m"), detached=detached)
