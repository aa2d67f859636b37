"""Certificates of authorities that this provider knows nothing of."""

from __future__ import annotations

from datetime import UTC, datetime

from cmp_client import SignedBy, new_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

CMC_CA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.27")
CMC_RA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")


def foreign(
    *extensions: x509.ExtensionType,
    since: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    until: datetime = datetime(2030, 1, 1, tzinfo=UTC),
) -> SignedBy:
    """A key with a certificate of its own."""
    key = new_key()
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Maker TEST")])
    builder = x509.CertificateBuilder(
        named, named, key.public_key(), x509.random_serial_number(), since, until
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(key, hashes.SHA256())
    return SignedBy(key=key, certificate=made.public_bytes(Encoding.DER))
