"""What stands beside a checkpoint: tokens of a stand-in for an authority, and certificates from somebody.

A token is a text with a time in it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Stamper:
    """Answers tokens of the time that `now` tells, or why there are none."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.digests: list[bytes] = []
        self.error: Exception | None = None

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """A token over the digest."""
        assert hash_name == "sha256"
        if self.error is not None:
            raise self.error
        self.digests.append(digest)
        return self.now().isoformat().encode() + b" over " + digest


def accept_token(token: bytes, imprint: bytes) -> datetime:
    """Stands for the verification of a time-stamp token."""
    time, _, digest = token.partition(b" over ")
    if digest != imprint:
        raise Rejected("test", "It is over something else.")
    try:
        return datetime.fromisoformat(time.decode()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed("It holds no time.") from error


def certificate_over(spki: bytes) -> bytes:
    """A certificate over this public key, from somebody."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST signer")])
    builder = x509.CertificateBuilder(name, name, serialization.load_der_public_key(spki), 1)  # type: ignore[arg-type]
    made = builder.not_valid_before(_BEGIN).not_valid_after(_BEGIN + timedelta(days=365))
    issuer = ec.generate_private_key(ec.SECP256R1())
    return made.sign(issuer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def another_key() -> bytes:
    """A public key that is not the signer's."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
