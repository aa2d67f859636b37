"""Keys that were made badly, so that anybody has the private key or needs none."""

from __future__ import annotations

import math
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from trustworks.core.errors import Refused
from trustworks.issuance.rules.key_quality import (
    ED25519_FIELD,
    ED25519_SMALL_ORDER,
    ROCA_GENERATOR,
    check_key_quality,
    ed25519_objection,
    rsa_objection,
)


@pytest.fixture(scope="module")
def good() -> rsa.RSAPublicNumbers:
    return rsa.generate_private_key(65537, 3072).public_key().public_numbers()


def prime(bits: int, start: int | None = None) -> int:
    """A probable prime at or above `start`."""
    candidate = (start or secrets.randbits(bits) | 1 << (bits - 1)) | 1
    while math.gcd(candidate, 3 * 5 * 7 * 11 * 13) > 1 or pow(2, candidate - 1, candidate) != 1:
        candidate += 2
    return candidate


def test_good_keys_pass(good: rsa.RSAPublicNumbers) -> None:
    check_key_quality(good.public_key())
    check_key_quality(ec.generate_private_key(ec.SECP256R1()).public_key())
    assert rsa_objection(good.n, 65537) is None


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
@pytest.mark.parametrize("exponent", [3, 17, 65536, 65538, 2**256 + 1])
def test_odd_exponents_above_65536_alone_pass(good: rsa.RSAPublicNumbers, exponent: int) -> None:
    objection = rsa_objection(good.n, exponent)
    assert objection is not None
    assert "exponent" in objection


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_a_small_exponent_is_refused(good: rsa.RSAPublicNumbers) -> None:
    with pytest.raises(Refused, match="exponent 3"):
        check_key_quality(rsa.RSAPublicNumbers(3, good.n).public_key())


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
@pytest.mark.parametrize("factor", [3, 5, 641, 751])
def test_a_small_factor_is_found(factor: int) -> None:
    modulus = factor * prime(1024 - factor.bit_length())
    while modulus.bit_length() != 1024:
        modulus = factor * prime(1025 - factor.bit_length())
    assert "small factor" in str(rsa_objection(modulus, 65537))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_primes_that_are_neighbours_are_found() -> None:
    first = prime(512, 3 << 510)
    second = prime(512, first + 2)
    assert "so close" in str(rsa_objection(first * second, 65537))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_the_weak_generator_of_roca_is_recognised() -> None:
    """The modulus of such a key is a power of 65537 modulo the product of the first primes; made so here."""
    product = math.prod(n for n in range(2, 168) if all(n % d for d in range(2, n)))
    residue = pow(ROCA_GENERATOR, 12345, product)
    modulus = ((1 << 1023) // product + 1) * product + residue
    while modulus.bit_length() % 8 or rsa_objection(modulus, 65537) is None:
        modulus += product
    assert "ROCA" in str(rsa_objection(modulus, 65537))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_odd_lengths_are_refused(good: rsa.RSAPublicNumbers) -> None:
    assert "bits" in str(rsa_objection(good.n >> 3 | 1, 65537))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_a_prime_is_no_modulus() -> None:
    """Who knows that the modulus is a prime has the private key: the inverse of the exponent modulo n - 1."""
    found = rsa.generate_private_key(65537, 3072).private_numbers().p
    assert "is a prime" in str(rsa_objection(found, 65537))
    with pytest.raises(Refused, match="is a prime"):
        check_key_quality(rsa.RSAPublicNumbers(65537, found).public_key())


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
@pytest.mark.parametrize("exponent", [2, 3, 5, 6, 9])
def test_powers_of_a_prime_or_of_a_product_are_no_moduli(exponent: int) -> None:
    first = prime(256, 31 << 251)  # so near below a power of two that the bits of its powers are whole octets
    second = prime(256, (31 << 251) + (1 << 200))
    for root in (first, first * second):
        assert "power of a smaller number" in str(rsa_objection(root**exponent, 65537))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_the_highest_power_of_the_least_number_without_small_factors_is_found() -> None:
    powers = [power for k in range(200, 420) if (power := 757**k).bit_length() % 8 == 0]
    assert len(powers) > 10
    for power in powers:
        assert "power of a smaller number" in str(rsa_objection(power, 65537))


P, D = ED25519_FIELD, -121665 * pow(121666, -1, ED25519_FIELD) % ED25519_FIELD


def doubled(y: int) -> int | None:
    """The y of twice the point with this y on edwards25519 (RFC 8032, 5.1.4), if there is one."""
    squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # x^2, of the curve's equation
    if pow(squared, (P - 1) // 2, P) not in {0, 1}:
        return None
    return (y * y + squared) * pow(1 - D * squared * y * y, -1, P) % P


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_points_of_small_order_are_no_ed25519_keys() -> None:
    for y in ED25519_SMALL_ORDER:
        again: int | None = y
        for _ in range(3):
            assert again is not None
            again = doubled(again)
        assert again == 1  # eight times the point is the neutral one
        for sign in (0, 1 << 255):
            assert "small order" in str(ed25519_objection((y | sign).to_bytes(32, "little")))
    # Eight points: two with x = 0, the others in pairs of x and -x.
    assert len(ED25519_SMALL_ORDER) == 5


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_an_ed25519_key_has_one_encoding() -> None:
    for y in range(P, 1 << 255):
        for sign in (0, 1 << 255):
            assert "canonical" in str(ed25519_objection((y | sign).to_bytes(32, "little")))


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-QUALITY")
def test_the_neutral_point_is_refused_and_a_key_passes() -> None:
    neutral = ed25519.Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31))
    neutral.verify(b"\1" + bytes(63), b"whatever anybody likes")  # which is why
    with pytest.raises(Refused, match="small order"):
        check_key_quality(neutral)
    check_key_quality(ed25519.Ed25519PrivateKey.generate().public_key())
