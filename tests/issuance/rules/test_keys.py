"""Keys that are not certified: unproven, badly made, an authority's, lost."""

from __future__ import annotations

import math
import secrets

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from issuance_testbed import make_csr

from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.model import KeyUse
from trustworks.issuance.rules.keys import (
    ROCA_GENERATOR,
    check_agreed_key,
    check_agreed_signature,
    check_key_has_one_use,
    check_key_is_separate,
    check_key_not_compromised,
    check_key_quality,
    check_possession,
    key_of_known_kind,
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


@pytest.mark.req("EN319411-1:REG-6.3.1-01")
def test_possession_is_shown_by_a_signature_with_the_same_key() -> None:
    check_possession(x509.load_der_x509_csr(make_csr()))
    broken = bytearray(make_csr())
    broken[-1] ^= 1
    with pytest.raises(Refused, match="does not verify"):
        check_possession(x509.load_der_x509_csr(bytes(broken)))


@pytest.mark.req("EN319411-1:REG-6.3.1-01")
def test_possession_is_not_shown_by_a_weak_hash() -> None:
    with pytest.raises(Refused, match="sha224"):
        check_possession(x509.load_der_x509_csr(make_csr(digest=hashes.SHA224())))


def test_keys_of_other_kinds_are_not_certified() -> None:
    for key in (dsa.generate_private_key(2048).public_key(), ed448.Ed448PrivateKey.generate().public_key()):
        with pytest.raises(Rejected, match="neither"):
            key_of_known_kind(key)


@pytest.mark.req("EN319412-2:GEN-4.2.5-2")
def test_a_key_that_is_not_agreed_is_refused() -> None:
    check_agreed_key(None)
    with pytest.raises(Refused, match="RSA-2048"):
        check_agreed_key("RSA-2048 was agreed until 2025-12-31.")


@pytest.mark.req("EN319412-2:GEN-4.2.2-2")
def test_a_signature_that_is_not_agreed_is_refused() -> None:
    check_agreed_signature(None)
    with pytest.raises(Refused, match="ED25519"):
        check_agreed_signature("ED25519 is not agreed.")


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


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-SEPARATE")
def test_an_authoritys_key_is_nobody_elses() -> None:
    check_key_is_separate(b"a" * 32, {b"b" * 32})
    with pytest.raises(Refused, match="of its own"):
        check_key_is_separate(b"a" * 32, {b"a" * 32, b"b" * 32})


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-COMPROMISED")
def test_a_lost_key_stays_lost() -> None:
    check_key_not_compromised(None)
    with pytest.raises(Refused, match="compromised"):
        check_key_not_compromised("00" * 20)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ONE-USE")
def test_a_key_is_certified_for_one_subject_and_purpose() -> None:
    use = KeyUse("0a", "tsu", "CN=TEST TSU 1")
    check_key_has_one_use("tsu", "CN=TEST TSU 1", [])
    check_key_has_one_use("tsu", "CN=TEST TSU 1", [use, use])
    for profile, subject in (("ocsp-signer", "CN=TEST TSU 1"), ("tsu", "CN=TEST TSU 2")):
        with pytest.raises(Refused, match=r"0a \(tsu\) has this key already"):
            check_key_has_one_use(profile, subject, [use])
