"""Parts of a certificate as they stand in it, octet for octet, for what is compared or hashed."""

from __future__ import annotations

from cryptography.hazmat import asn1

from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.der.x509 import public_key_info, read_certificate


@asn1.sequence
class _SubjectPublicKeyInfo:
    algorithm: asn1.TLV
    key: asn1.BitString


def subject_octets(certificate: bytes) -> bytes:
    """The subject's Name. A parser that writes it anew may choose other string types."""
    return tlv(SEQUENCE, bytes(read_certificate(certificate).tbs_certificate.subject.data))


def issuer_octets(certificate: bytes) -> bytes:
    """The issuer's Name."""
    return tlv(SEQUENCE, bytes(read_certificate(certificate).tbs_certificate.issuer.data))


def public_key_bits(certificate: bytes) -> bytes:
    """The public key's BIT STRING without tag, length and unused bits: what OCSP hashes (RFC 6960, 4.1.1)."""
    return asn1.decode_der(_SubjectPublicKeyInfo, public_key_info(certificate)).key.as_bytes()
