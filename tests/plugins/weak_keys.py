"""RSA moduli with known weaknesses, made here: nobody's keys, and of no licence but our own."""

from __future__ import annotations

import math
import secrets

from trustworks.issuance.rules.rsa_quality import ROCA_GENERATOR, SMALL_FACTORS

_FEW = 3 * 5 * 7 * 11 * 13


def prime(bits: int, start: int | None = None) -> int:
    """A probable prime at or above `start`."""
    candidate = (start or secrets.randbits(bits) | 1 << (bits - 1)) | 1
    while math.gcd(candidate, _FEW) > 1 or pow(2, candidate - 1, candidate) != 1:
        candidate += 2
    return candidate


def close_modulus(bits: int = 1024) -> int:
    """The product of two primes that are neighbours."""
    half = bits // 2
    first = prime(half, 3 << half - 2 | secrets.randbits(half - 2))
    return first * prime(half, first + 2)


def roca_modulus() -> int:
    """A power of 65537 modulo the product of the first primes, as the moduli of the weak generator are."""
    product = math.prod(n for n in range(2, 168) if all(n % d for d in range(2, n)))
    modulus = ((1 << 1023) // product + 1) * product + pow(ROCA_GENERATOR, 12345, product)
    while modulus.bit_length() % 8 or math.gcd(modulus, SMALL_FACTORS) > 1:
        modulus += product
    return modulus


def biased_modulus(bits: int = 1024) -> int:
    """The product of two primes of which each octet but the last sits in eight octets of zeros."""

    def sparse() -> int:
        words = (secrets.randbits(8) for _ in range(bits // 128 - 1))
        return sum(word << 64 * (at + 1) for at, word in enumerate(words)) | 13 << bits // 2 - 4

    found = 0
    while found.bit_length() != bits:
        found = prime(bits // 2, sparse()) * prime(bits // 2, sparse())
    return found
