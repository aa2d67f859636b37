"""Keys that were made badly, so that anybody has the private key or needs none: each is refused by a rule."""

from __future__ import annotations

import math
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from weak_keys import biased_modulus, close_modulus, prime, roca_modulus

from trustworks.core.errors import Refused
from trustworks.issuance.rules import rsa_quality
from trustworks.issuance.rules.key_quality import (
    ED25519_FIELD,
    ED25519_SMALL_ORDER,
    check_ed25519_encoding,
    check_ed25519_order,
    check_key_quality,
)
from trustworks.issuance.rules.rsa_quality import check_rsa_quality


@pytest.fixture(scope="module")
def good() -> rsa.RSAPublicNumbers:
    return rsa.generate_private_key(65537, 3072).public_key().public_numbers()


def rule_against(modulus: int, exponent: int = 65537) -> str:
    """The rule that refuses an RSA key, without what all of them begin with."""
    with pytest.raises(Refused) as refusal:
        check_rsa_quality(modulus, exponent)
    assert str(refusal.value).endswith(".")
    return refusal.value.requirement.removeprefix("TRUSTWORKS:ISSUANCE-KEY-RSA-")


def test_good_keys_pass(good: rsa.RSAPublicNumbers) -> None:
    check_key_quality(good.public_key())
    check_key_quality(ec.generate_private_key(ec.SECP256R1()).public_key())
    check_rsa_quality(good.n, 65537)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-EXPONENT")
@pytest.mark.parametrize("exponent", [1, 2, 3, 17, 65536, 65538, 2**256 + 1, 2**4000 + 1])
def test_odd_exponents_above_65536_alone_pass(good: rsa.RSAPublicNumbers, exponent: int) -> None:
    assert rule_against(good.n, exponent) == "EXPONENT"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-EXPONENT")
def test_a_small_exponent_is_refused(good: rsa.RSAPublicNumbers) -> None:
    with pytest.raises(Refused, match="exponent 3"):
        check_key_quality(rsa.RSAPublicNumbers(3, good.n).public_key())


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-FACTORS")
@pytest.mark.parametrize("factor", [2, 3, 5, 641, 751, 757, 65521, 65537])
def test_a_small_factor_is_found(factor: int) -> None:
    modulus = factor * prime(1024 - factor.bit_length())
    while modulus.bit_length() != 1024:
        modulus = factor * prime(1025 - factor.bit_length())
    assert rule_against(modulus) == "FACTORS"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-CLOSE-PRIMES")
def test_primes_that_are_neighbours_are_found() -> None:
    assert rule_against(close_modulus()) == "CLOSE-PRIMES"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-ROCA")
def test_the_weak_generator_of_roca_is_recognised() -> None:
    assert rule_against(roca_modulus()) == "ROCA"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-BITS")
def test_primes_with_gaps_show_in_the_modulus(good: rsa.RSAPublicNumbers) -> None:
    modulus = biased_modulus()
    assert rule_against(modulus) == "BITS"
    # A chosen beginning is no gap in the primes.
    rsa_quality.check_rsa_bits(good.n | (1 << 3072) - (1 << 1800))
    mirrored = (1 << modulus.bit_length()) - 1 - modulus | 1 << modulus.bit_length() - 1
    with pytest.raises(Refused, match="not those of a random number"):
        rsa_quality.check_rsa_bits(mirrored)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-LENGTH")
def test_odd_lengths_are_refused(good: rsa.RSAPublicNumbers) -> None:
    assert rule_against(good.n >> 3 | 1) == "LENGTH"


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-PRIME")
def test_a_prime_is_no_modulus() -> None:
    """Who knows that the modulus is a prime has the private key: the inverse of the exponent modulo n - 1."""
    found = rsa.generate_private_key(65537, 3072).private_numbers().p
    assert rule_against(found) == "PRIME"
    with pytest.raises(Refused, match="is a prime"):
        check_key_quality(rsa.RSAPublicNumbers(65537, found).public_key())


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-POWER")
@pytest.mark.parametrize("exponent", [2, 3, 5, 6, 9])
def test_powers_of_a_prime_or_of_a_product_are_no_moduli(exponent: int) -> None:
    first = prime(256, 31 << 251)  # so near below a power of two that the bits of its powers are whole octets
    second = prime(256, (31 << 251) + (1 << 200))
    for root in (first, first * second):
        with pytest.raises(Refused, match="power of a smaller number"):
            rsa_quality.check_rsa_power(root**exponent)
    random = secrets.randbits(256) | 255 << 248 | 1
    while math.gcd(random, rsa_quality.SMALL_FACTORS) > 1:
        random += 2
    modulus = random**exponent
    assert rule_against(modulus) == ("LENGTH" if modulus.bit_length() % 8 else "POWER")


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-RSA-POWER")
def test_the_highest_power_of_the_least_number_without_small_factors_is_found() -> None:
    for k in range(170, 200):
        with pytest.raises(Refused, match="power of a smaller number"):
            rsa_quality.check_rsa_power(65539**k)


P, D = ED25519_FIELD, -121665 * pow(121666, -1, ED25519_FIELD) % ED25519_FIELD


def doubled(y: int) -> int | None:
    """The y of twice the point with this y on edwards25519 (RFC 8032, 5.1.4), if there is one."""
    squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # x^2, of the curve's equation
    if pow(squared, (P - 1) // 2, P) not in {0, 1}:
        return None
    return (y * y + squared) * pow(1 - D * squared * y * y, -1, P) % P


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ED25519-ORDER")
def test_points_of_small_order_are_no_ed25519_keys() -> None:
    for y in ED25519_SMALL_ORDER:
        again: int | None = y
        for _ in range(3):
            assert again is not None
            again = doubled(again)
        assert again == 1  # eight times the point is the neutral one
        with pytest.raises(Refused, match="small order"):
            check_ed25519_order(y)
        for sign in (0, 1 << 255):
            octets = (y | sign).to_bytes(32, "little")
            with pytest.raises(Refused, match="small order"):
                check_key_quality(ed25519.Ed25519PublicKey.from_public_bytes(octets))
    # Eight points: two with x = 0, the others in pairs of x and -x.
    assert len(ED25519_SMALL_ORDER) == 5


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ED25519-ENCODING")
def test_an_ed25519_key_has_one_encoding() -> None:
    for y in range(P, 1 << 255):
        with pytest.raises(Refused, match="canonical"):
            check_ed25519_encoding(y)
        for sign in (0, 1 << 255):
            octets = (y | sign).to_bytes(32, "little")
            with pytest.raises(Refused, match="canonical"):
                check_key_quality(ed25519.Ed25519PublicKey.from_public_bytes(octets))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ED25519-ORDER")
def test_the_neutral_point_is_refused_and_a_key_passes() -> None:
    neutral = ed25519.Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31))
    neutral.verify(b"\1" + bytes(63), b"whatever anybody likes")  # which is why
    with pytest.raises(Refused, match="small order"):
        check_key_quality(neutral)
    check_key_quality(ed25519.Ed25519PrivateKey.generate().public_key())
