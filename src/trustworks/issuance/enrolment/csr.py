"""Requests (PKCS#10, RFC 2986) of the provider's own services, made with the keys in the module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from trustworks.core.module import Key


def request_of(key: Key) -> bytes:
    """A request in DER, signed with a key of the module; the subject comes with the order."""
    builder = x509.CertificateSigningRequestBuilder(subject_name=x509.Name([]))
    private, scheme = key.private_key(), key.scheme
    hashed: Any = None if scheme.hash is None else scheme.hash.algorithm
    if scheme.padding == "rsa-pss":
        salt = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        request = builder.sign(private, hashed, rsa_padding=salt)
    else:
        request = builder.sign(private, hashed)
    return request.public_bytes(Encoding.DER)
