"""The public key that a manifest is verified with: a PEM file with the key, or with a certificate of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.roles.jws import algorithm_for, read_certificate_key

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.core.module.algorithms import PublicKey

MOST_OCTETS: Final = 64 << 10


def read_verification_key(file: Path) -> PublicKey:
    """The key in a PEM file. Raises `Malformed`; `Rejected` (roles.key) for a kind that signs nothing here.

    A certificate counts for its key alone: who names the file says that he trusts it, and no path is built.
    """
    try:
        pem = read_at_most(file, MOST_OCTETS)
    except OSError as error:
        raise Malformed(f"The key {file} cannot be read: {error.strerror}.") from None
    if b"PRIVATE KEY" in pem:
        raise Malformed(
            f"{file} holds a private key, which nobody needs to verify a manifest. Give the public key: "
            "openssl pkey -pubout."
        )
    try:
        if b"BEGIN CERTIFICATE" in pem:
            return read_certificate_key(x509.load_pem_x509_certificate(pem))
        key: Any = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed(f"{file} holds neither a public key nor a certificate in PEM.") from None
    try:
        algorithm_for(key)
    except AttributeError:  # it has no curve, as a key of DSA
        raise Malformed(f"The key in {file} is of a kind that cannot sign here.") from None
    found: PublicKey = key
    return found
