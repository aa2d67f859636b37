"""What validation reads of a public key infrastructure: certificates, revocation lists, OCSP answers.

Each is a value, read tolerantly, equal by its octets, and remembered by them.
"""

from __future__ import annotations

from trustworks.core.pki.certificate import (
    LIMITS,
    Certificate,
    Limits,
    SignatureCheck,
    Signed,
    check_signature,
)
from trustworks.core.pki.names import DistinguishedName, GeneralName, read_distinguished_name
from trustworks.core.pki.ocsp_answer import OcspAnswer, SingleAnswer
from trustworks.core.pki.public_keys import KeyKind, PublicKey, read_public_key
from trustworks.core.pki.revocation_list import RevocationList, RevokedCertificate

__all__ = [
    "LIMITS",
    "Certificate",
    "DistinguishedName",
    "GeneralName",
    "KeyKind",
    "Limits",
    "OcspAnswer",
    "PublicKey",
    "RevocationList",
    "RevokedCertificate",
    "SignatureCheck",
    "Signed",
    "SingleAnswer",
    "check_signature",
    "read_distinguished_name",
    "read_public_key",
]
