"""Whether an RSA key was well made: what anybody can see of its modulus and exponent, a rule per weakness.

The arithmetic is explained where it is used. Not asked: a small private exponent (Wiener), which needs a
public one about as long as the modulus, and those are refused here; factors shared with other keys, which
only a list of such keys tells (`trustworks certificate blocked`).
"""

from __future__ import annotations

import math
from itertools import takewhile
from typing import Final

from trustworks.core.errors import Refused
from trustworks.core.trace import implements

FERMAT_ROUNDS: Final = 100
LARGEST_FACTOR: Final = 65537


def _primes_up_to(limit: int) -> tuple[int, ...]:
    is_prime = bytearray([0, 0]) + bytearray(b"\1") * (limit - 1)
    for n in range(2, math.isqrt(limit) + 1):
        if is_prime[n]:
            is_prime[n * n :: n] = bytes(len(is_prime[n * n :: n]))
    return tuple(n for n in range(limit + 1) if is_prime[n])


SMALL_PRIMES: Final = _primes_up_to(LARGEST_FACTOR)
SMALL_FACTORS: Final = math.prod(SMALL_PRIMES)
# CVE-2017-15361: primes of the form k * M + 65537^a mod M. Modulo each small prime the modulus is then a
# power of 65537, which for other keys happens for all of these primes at once in one of some hundred million
# cases.
ROCA_GENERATOR: Final = 65537
ROCA_POWERS: Final = {
    prime: frozenset(pow(ROCA_GENERATOR, power, prime) for power in range(prime))
    for prime in SMALL_PRIMES[1:39]
}
# The share of ones among the bits of a modulus, in a thousand: for 3072 random ones it lies outside in one of
# 10^28 cases, for the lower half alone in one of 10^14.
LEAST_ONES, MOST_ONES = 400, 600


def check_rsa_quality(modulus: int, exponent: int) -> None:
    """Refuse an RSA key that was badly made, by the rule that finds it first.

    In this order: the root of a power needs an odd modulus, and the last takes longest (a full
    exponentiation).
    """
    check_rsa_exponent(exponent)
    check_rsa_length(modulus)
    check_rsa_factors(modulus)
    check_rsa_power(modulus)
    check_rsa_roca(modulus)
    check_rsa_close_primes(modulus)
    check_rsa_bits(modulus)
    check_rsa_prime(modulus)


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-EXPONENT")
def check_rsa_exponent(exponent: int) -> None:
    """Refuse an even exponent, a small one (1 signs nothing), and one that nobody needs.

    Source: NIST SP 800-89, 5.3.3; FIPS 186-5, A.1.1.
    """
    if exponent % 2 == 0 or not 2**16 < exponent < 2**256:
        shown = exponent if exponent < 2**256 else f"of {exponent.bit_length()} bits"
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-EXPONENT",
            f"The RSA exponent {shown} is not an odd number from 65537 to 2^256. Make a new key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-LENGTH")
def check_rsa_length(modulus: int) -> None:
    """Refuse a modulus whose bits are no whole octets: one that was cut, or made by chance."""
    if modulus.bit_length() % 8:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-LENGTH",
            f"The RSA modulus has {modulus.bit_length()} bits, not a multiple of eight. Make a new key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-FACTORS")
def check_rsa_factors(modulus: int) -> None:
    """Refuse a modulus with a factor up to 65537; two is one of them.

    Source: NIST SP 800-89, 5.3.3 (f), which wants those up to 751 looked for.
    """
    if math.gcd(modulus, SMALL_FACTORS) != 1:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-FACTORS", "The RSA modulus has a small factor. Make a new key."
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-POWER")
def check_rsa_power(modulus: int) -> None:
    """Refuse a modulus that is a power of a smaller number."""
    if modulus % 2 and _is_power(modulus):
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-POWER",
            "The RSA modulus is a power of a smaller number, so its factors can be found. Make a new key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-ROCA")
def check_rsa_roca(modulus: int) -> None:
    """Refuse a key of the generator of CVE-2017-15361."""
    if all(modulus % prime in powers for prime, powers in ROCA_POWERS.items()):
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-ROCA",
            "The RSA key comes from a generator whose keys can be broken (ROCA, CVE-2017-15361). Make a new "
            "key, on another device.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-CLOSE-PRIMES")
def check_rsa_close_primes(modulus: int) -> None:
    """Refuse a modulus that a hundred rounds of Fermat's method factor (CVE-2022-26320)."""
    if _close_primes(modulus):
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-CLOSE-PRIMES",
            "The two primes of the RSA modulus are so close that they can be found. Make a new key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-BITS")
def check_rsa_bits(modulus: int) -> None:
    """Refuse a modulus with far more zeros than ones, or the other way round, in all and in its lower half.

    A generator that leaves gaps in its primes makes such, and the primes are then the factors of a polynomial
    whose coefficients the modulus shows. A chosen beginning alone (a vanity key) is no reason.
    """
    half = modulus.bit_length() // 2
    if not _is_balanced(modulus, modulus.bit_length()) and not _is_balanced(modulus & (1 << half) - 1, half):
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-BITS",
            "The bits of the RSA modulus are not those of a random number, so its primes are not random "
            "either. Make a new key, by another program.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-RSA-PRIME")
def check_rsa_prime(modulus: int) -> None:
    """Refuse a prime in place of a modulus: the private key is the exponent's inverse modulo n - 1.

    Source: NIST SP 800-89, 5.3.3 (e).
    """
    if _prime_or_its_power(modulus):
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-RSA-PRIME",
            "The RSA modulus is a prime, or its factors can be found as if it were. Make a new key.",
        )


def _is_balanced(number: int, bits: int) -> bool:
    return LEAST_ONES * bits <= 1000 * number.bit_count() <= MOST_ONES * bits


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
    middle = math.isqrt(modulus)
    if middle * middle < modulus:
        middle += 1
    for _ in range(FERMAT_ROUNDS):
        rest = middle * middle - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
        middle += 1
    return False
