"""What a subject's public key must be: possessed, agreed, well made, nobody else's, not known to be lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cryptography import x509

    from trustworks.core.module.algorithms import PublicKey
    from trustworks.issuance.model import KeyUse

# Hash functions that a proof of possession may be made with; the weaker ones prove nothing.
PROOF_HASHES: Final = frozenset({"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"})
FERMAT_ROUNDS: Final = 100


def _primes_below(limit: int) -> tuple[int, ...]:
    return tuple(n for n in range(2, limit) if all(n % d for d in range(2, math.isqrt(n) + 1)))


SMALL_PRIMES: Final = _primes_below(752)
SMALL_FACTORS: Final = math.prod(SMALL_PRIMES)
# CVE-2017-15361: primes of the form k * M + 65537^a mod M. Modulo each small prime the modulus is then a
# power of
# 65537, which for other keys happens for all of these primes at once in one of some hundred million cases.
ROCA_GENERATOR: Final = 65537
ROCA_POWERS: Final = {
    prime: frozenset(pow(ROCA_GENERATOR, power, prime) for power in range(prime))
    for prime in _primes_below(168)[1:]
}


@implements("EN319411-1:REG-6.3.1-01")
def check_possession(csr: x509.CertificateSigningRequest) -> None:
    """Refuse a request that is not signed with the private key that belongs to its public key.

    Source: EN 319 411-1, 6.3.1; RFC 2986, 3.
    """
    digest = csr.signature_hash_algorithm
    if digest is not None and digest.name not in PROOF_HASHES:
        raise Refused(
            "EN319411-1:REG-6.3.1-01",
            f"The request is signed with {digest.name}, which proves nothing; sign it with SHA-256 or "
            "better.",
        )
    if not csr.is_signature_valid:
        raise Refused(
            "EN319411-1:REG-6.3.1-01",
            "The request's signature does not verify with its own public key, so nothing shows that the "
            "private "
            "key is the requester's.",
        )


def key_of_known_kind(key: object) -> PublicKey:
    """The key, if it is of a kind that can be certified at all; `Rejected` (issuance.key-kind) otherwise."""
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        return key
    raise Rejected(
        "issuance.key-kind",
        "The request's public key is neither an elliptic-curve nor an RSA key; make such a one.",
    )


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


@implements("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def check_key_quality(key: PublicKey) -> None:
    """Refuse an RSA key that was made badly: exponent, small factors, close primes, the ROCA generator.

    A point that is not on its curve does not get here: `cryptography` does not load it.
    Source: TS 119 312, 6.2.2.1; NIST SP 800-89, 5.3.3; CVE-2017-15361.
    """
    if not isinstance(key, rsa.RSAPublicKey):
        return
    numbers = key.public_numbers()
    objection = rsa_objection(numbers.n, numbers.e)
    if objection is not None:
        raise Refused("TRUSTWORKS:ISSUANCE-KEY-QUALITY", f"{objection} Make a new key.")


def rsa_objection(modulus: int, exponent: int) -> str | None:
    """What is wrong with an RSA public key, as a sentence."""
    if exponent % 2 == 0 or not 2**16 < exponent < 2**256:
        return f"The RSA exponent {exponent} is not an odd number above 65536."
    if modulus.bit_length() % 8:
        return f"The RSA modulus has {modulus.bit_length()} bits, not a multiple of eight."
    if math.gcd(modulus, SMALL_FACTORS) != 1:
        return "The RSA modulus has a small factor."
    if all(modulus % prime in powers for prime, powers in ROCA_POWERS.items()):
        return "The RSA key comes from a generator whose keys can be broken (ROCA, CVE-2017-15361)."
    if _close_primes(modulus):
        return "The two primes of the RSA modulus are so close that they can be found."
    return None


def _close_primes(modulus: int) -> bool:
    """Fermat's method, a few rounds of it (CVE-2022-26320)."""
    middle = math.isqrt(modulus)
    if middle * middle < modulus:
        middle += 1
    for _ in range(FERMAT_ROUNDS):
        rest = middle * middle - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
        middle += 1
    return False


@implements("TRUSTWORKS:ISSUANCE-KEY-SEPARATE")
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
