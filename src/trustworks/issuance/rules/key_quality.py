"""Whether a public key was well made: what anybody can see of it without the private key.

A point that is not on its curve does not get here: `cryptography` does not load it. What SP 800-89 asks is
written from memory; the arithmetic is explained where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable  # noqa: TC003 - see the end
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.algorithms import PublicKey

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

# The field of edwards25519, and the y of its points whose order divides eight (RFC 8032, 5.1; RFC 7748, 6.1
# has their images on the other curve). Both signs of x are refused.
ED25519_FIELD: Final = 2**255 - 19
_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
ED25519_SMALL_ORDER: Final = frozenset({0, 1, ED25519_FIELD - 1, _ORDER_EIGHT, ED25519_FIELD - _ORDER_EIGHT})


@implements("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def check_key_quality(key: PublicKey) -> None:
    """Refuse a key whose private key anybody can find, or that needs none.

    RSA: exponent, small factors, a prime or a power in place of a modulus, close primes, the ROCA generator.
    Ed25519: a point of small order, a second encoding of a point.
    Source: TS 119 312, 6.2.2.1; NIST SP 800-89, 5.3.3; CVE-2017-15361; RFC 8032, 5.1.3.
    """
    match key:
        case rsa.RSAPublicKey():
            numbers = key.public_numbers()
            objection = rsa_objection(numbers.n, numbers.e)
        case ed25519.Ed25519PublicKey():
            objection = ed25519_objection(key.public_bytes_raw())
        case _:
            objection = None
    if objection is not None:
        raise Refused("TRUSTWORKS:ISSUANCE-KEY-QUALITY", f"{objection} Make a new key.")


def ed25519_objection(point: bytes) -> str | None:
    """What is wrong with an Ed25519 public key of 32 octets, as a sentence.

    Under a point of small order signatures verify that nobody made: for the neutral point, S = 0 with R the
    neutral point is one for every message.
    """
    y = int.from_bytes(point, "little") & (1 << 255) - 1
    if y >= ED25519_FIELD:
        return "The Ed25519 key is not in its one canonical encoding (its y is not below 2^255 - 19)."
    if y in ED25519_SMALL_ORDER:
        return "The Ed25519 key is a point of small order, under which anybody can make signatures."
    return None


def rsa_objection(modulus: int, exponent: int) -> str | None:
    """What is wrong with an RSA public key, as a sentence."""
    if exponent % 2 == 0 or not 2**16 < exponent < 2**256:
        return f"The RSA exponent {exponent} is not an odd number above 65536."
    if modulus.bit_length() % 8:
        return f"The RSA modulus has {modulus.bit_length()} bits, not a multiple of eight."
    return next((sentence for is_bad, sentence in _MODULI if is_bad(modulus)), None)


def _has_small_factor(modulus: int) -> bool:
    return math.gcd(modulus, SMALL_FACTORS) != 1


def _of_roca(modulus: int) -> bool:
    return all(modulus % prime in powers for prime, powers in ROCA_POWERS.items())


def _prime_or_its_power(modulus: int) -> bool:
    """Whether an odd modulus is a prime or a power of one; never False for those.

    Where p is a prime and n a power of it, 2^n = 2 modulo p (Fermat), so that p divides 2^(n-1) - 1. The
    product of two primes passes unless the order of 2 modulo one of them divides n - 1, which is as rare as a
    guessed factor; the factor is found then, and the key is refused with reason.
    """
    return math.gcd(pow(2, modulus - 1, modulus) - 1, modulus) != 1


def _is_power(modulus: int) -> bool:
    """Whether an odd modulus without small factors is m^k for some k above 1.

    Modulo a power of two every odd number has one odd k-th root for an odd k: what is left to see is whether
    that root, with as many bits as a root of the modulus can have, is one of the modulus itself.
    """
    if math.isqrt(modulus) ** 2 == modulus:
        return True
    bits = modulus.bit_length()
    longest = bits // (SMALL_PRIMES[-1].bit_length() - 1)  # the root is above all small primes
    for k in takewhile(lambda prime: prime <= longest, SMALL_PRIMES[1:]):
        room = 1 << bits // k + 1
        if pow(modulus, pow(k, -1, room), room) ** k == modulus:
            return True
    return False


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


# In this order: the root of a power needs an odd modulus, and the last takes longest (a full exponentiation).
_MODULI: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (_has_small_factor, "The RSA modulus has a small factor."),
    (_is_power, "The RSA modulus is a power of a smaller number, so its factors can be found."),
    (_of_roca, "The RSA key comes from a generator whose keys can be broken (ROCA, CVE-2017-15361)."),
    (_close_primes, "The two primes of the RSA modulus are so close that they can be found."),
    (_prime_or_its_power, "The RSA modulus is a prime, or its factors can be found as if it were."),
)
