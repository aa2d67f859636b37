"""What a subject's public key must be: possessed, agreed, nobody else's, not known to be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

from trustworks.core.errors import Refused, Rejected
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from trustworks.core.module.algorithms import PublicKey
    from trustworks.issuance.model import KeyUse
    from trustworks.issuance.model.requests import KeyProof

USE: Final = "P-256, P-384 or RSA-3072"  # what every profile may have; see `core.module.agreed` for all
# Hash functions that a proof of possession may be made with; the weaker ones prove nothing.
PROOF_HASHES: Final = frozenset({"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"})


@implements("EN319411-1:REG-6.3.1-01", "CENTS419261:CERTIFICATE-GENERATION")
def check_possession(csr: KeyProof) -> None:
    """Refuse a request that is not signed with the private key that belongs to its public key.

    That holds for keys that `key_quality.check_key_quality` lets pass: under others anybody makes signatures.
    Source: EN 319 411-1, 6.3.1; RFC 2986, 3; RFC 4211, 4.1.
    """
    digest = csr.signature_hash
    if digest is not None and digest not in PROOF_HASHES:
        raise Refused(
            "EN319411-1:REG-6.3.1-01",
            f"The request is signed with {digest}, which proves nothing; sign it with SHA-256 or better.",
        )
    if not csr.is_signature_valid:
        raise Refused(
            "EN319411-1:REG-6.3.1-01",
            "The request's signature does not verify with its own public key, so nothing shows that the "
            "private "
            "key is the requester's.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-KIND")
def check_key_identifier(algorithm: str) -> None:
    """`Rejected` (issuance.key-kind) for a key that is bound to RSASSA-PSS by its identifier (RFC 4055, 3.1).

    `cryptography` reads such a key and writes it as rsaEncryption, without what it was bound to: the
    certificate would be of another key than the request.
    """
    if algorithm == PublicKeyAlgorithmOID.RSASSA_PSS.dotted_string:
        raise Rejected(
            "issuance.key-kind",
            "The request's key is marked for RSASSA-PSS alone, which certificates here do not carry on; make "
            "an RSA key without that mark (`openssl genpkey -algorithm RSA`).",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-KIND", disabled=lambda key: key)
def key_of_known_kind(key: object) -> PublicKey:
    """The key, if it can be certified at all; `Rejected` (issuance.key-kind) otherwise."""
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise Rejected(
            "issuance.key-kind",
            "The request's public key is neither an elliptic-curve nor an RSA key; make such a one.",
        )
    try:
        algorithm_of(key)
    except Rejected:
        raise Rejected("issuance.key-kind", f"{_kind(key)} keys are not certified; use {USE}.") from None
    return key


def _kind(key: PublicKey) -> str:
    match key:
        case rsa.RSAPublicKey():
            return f"RSA-{key.key_size}"
        case ec.EllipticCurvePublicKey():
            return key.curve.name
        case _:
            return "Ed25519"


@implements("EN319412-2:GEN-4.2.5-2")
def check_agreed_key(objection: str | None) -> None:
    """Refuse a subject's key that the agreed mechanisms object to (`objection` is their sentence).

    Source: EN 319 412-2, 4.2.5, as amended by Regulation (EU) 2025/1943.
    """
    if objection is not None:
        raise Refused("EN319412-2:GEN-4.2.5-2", f"The subject's key cannot be certified: {objection}")


@implements("EN319412-2:GEN-4.2.2-2")
def check_agreed_signature(objection: str | None) -> None:
    """Refuse to sign a certificate in a way that the agreed mechanisms object to.

    Source: EN 319 412-2, 4.2.2, as amended by Regulation (EU) 2025/1943.
    """
    if objection is not None:
        raise Refused("EN319412-2:GEN-4.2.2-2", f"The authority cannot sign certificates: {objection}")


@implements("TRUSTWORKS:ISSUANCE-KEY-SEPARATE", "CENTS419261:KM1.1", "EN319411-1:GEN-6.5.3-03")
def check_key_is_separate(spki_sha256: bytes, authorities: Collection[bytes]) -> None:
    """Refuse the key of an authority as anybody else's: one key, one purpose.

    Source: EN 319 411-1, GEN-6.5.3-02 (an authority's key signs certificates and status alone).
    """
    if spki_sha256 in authorities:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-SEPARATE",
            "This is the key of one of the provider's authorities; a certificate needs a key of its own.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-ONE-USE")
def check_key_has_one_use(profile: str, subject: str, uses: Iterable[KeyUse]) -> None:
    """Refuse a key that is certified for another profile or subject; the same of both is a renewal.

    Source: RFC 3161, 2.3 (the key of a time-stamping unit is for that alone); our own rule for all others.
    """
    for use in uses:
        if (use.profile, use.subject) != (profile, subject):
            raise Refused(
                "TRUSTWORKS:ISSUANCE-KEY-ONE-USE",
                f"The certificate {use.serial} ({use.profile}) has this key already, for another subject or "
                "purpose; make a new key.",
            )


@implements("TRUSTWORKS:ISSUANCE-KEY-COMPROMISED")
def check_key_not_compromised(serial: str | None) -> None:
    """Refuse a key of which a certificate (`serial`) was revoked because the key was lost.

    Source: EN 319 411-1, 6.3.6 and 6.3.9.
    """
    if serial is not None:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-COMPROMISED",
            f"The certificate {serial} with this key was revoked because the key is compromised; make a new "
            "key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-LISTED")
def check_key_not_listed(source: str | None) -> None:
    """Refuse a key that an imported list of weak or known keys has; `source` says where that list is from.

    Source: EN 319 411-1, 6.3.1; CVE-2008-0166 (keys of Debian's OpenSSL) and those that were published.
    """
    if source is not None:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-LISTED",
            f"The key is on a list of keys that are weak or known to others ({source}); make a new key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-BLOCKED")
def check_key_not_blocked(spki_sha256: bytes, blocked: Collection[bytes]) -> None:
    """Refuse a key that is on record as known to others, whether it was ever certified here or not.

    Source: EN 319 411-1, 6.5.1 (a leaked key) and 6.3.6.
    """
    if spki_sha256 in blocked:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-BLOCKED",
            "The private key of this public key is known to others, and so it is blocked here; make a new "
            "key.",
        )
