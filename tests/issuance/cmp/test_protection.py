"""MACs of all kinds that are accepted, computed by hand, and those that are not."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cmp_client import HMAC, PBM

from trustworks.core.der.algorithms import algorithm_identifier
from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, integer, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.issuance.enrolment.cmp.protection import (
    PBKDF2,
    PBMAC1,
    MacProtection,
    is_mac_valid,
    read_mac,
)

SECRET, SALT, DATA = b"secret", b"0123456789abcdef", b"header and body"
SHA256 = algorithm_identifier("2.16.840.1.101.3.4.2.1")


def pbmac1(iterations: int = 1000, *, size: bytes = b"", prf: bytes = HMAC, mac: bytes = HMAC) -> bytes:
    derived = tlv(SEQUENCE, tlv(OCTET_STRING, SALT), integer(iterations), size, prf)
    return algorithm_identifier(PBMAC1, tlv(SEQUENCE, algorithm_identifier(PBKDF2, derived), mac))


def test_a_password_based_mac_is_the_standards() -> None:
    key = SECRET + SALT
    for _ in range(500):
        key = hashlib.sha256(key).digest()
    found = read_mac(PBM.written(), max_iterations=1000)
    assert found is not None
    assert found.compute(SECRET, DATA) == hmac.digest(key, DATA, "sha256")


@pytest.mark.parametrize("size", [b"", integer(32)], ids=["no size", "size"])
def test_pbmac1_is_the_standards(size: bytes) -> None:
    key = hashlib.pbkdf2_hmac("sha256", SECRET, SALT, 1000, 32)
    found = read_mac(pbmac1(size=size), max_iterations=1000)
    assert found is not None
    assert found.compute(SECRET, DATA) == hmac.digest(key, DATA, "sha256")


@pytest.mark.parametrize(
    ("dotted", "name"),
    [
        ("1.3.6.1.5.5.8.1.2", "sha1"),
        ("1.2.840.113549.2.9", "sha256"),
        ("1.2.840.113549.2.10", "sha384"),
        ("1.2.840.113549.2.11", "sha512"),
    ],
)
def test_a_plain_hmac_is_by_the_secret_itself(dotted: str, name: str) -> None:
    found = read_mac(algorithm_identifier(dotted, tlv(NULL)), max_iterations=1000)
    assert found is not None
    assert found.compute(SECRET, DATA) == hmac.digest(SECRET, DATA, name)


@pytest.mark.req("RFC4210:5.1.3.1-01")
@pytest.mark.parametrize("algorithm", [PBM.written(), pbmac1(), HMAC], ids=["pbm", "pbmac1", "hmac"])
def test_an_answer_has_the_requests_algorithm_and_a_salt_of_its_own(algorithm: bytes) -> None:
    found = read_mac(algorithm, max_iterations=1000)
    assert found is not None
    answer = MacProtection(found, SECRET)
    again = read_mac(answer.algorithm, max_iterations=1000)
    assert again is not None
    assert is_mac_valid(again, SECRET, DATA, answer.protect(DATA))
    assert not is_mac_valid(again, b"another", DATA, answer.protect(DATA))
    assert not is_mac_valid(again, SECRET, b"another", answer.protect(DATA))
    assert (answer.algorithm == algorithm) == (algorithm == HMAC)


@pytest.mark.parametrize(
    "algorithm",
    [
        pbmac1(99),
        pbmac1(1001),
        pbmac1(size=integer(16)),
        pbmac1(prf=b""),
        pbmac1(prf=SHA256),
        pbmac1(mac=SHA256),
        algorithm_identifier(PBMAC1, tlv(SEQUENCE, SHA256, HMAC)),
    ],
    ids=["few", "many", "short key", "sha1", "no prf", "no mac", "no kdf"],
)
def test_a_mac_that_is_not_accepted(algorithm: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        read_mac(algorithm, max_iterations=1000)
    assert caught.value.code == "badAlg"


@pytest.mark.parametrize("dotted", [PBMAC1, "1.2.840.113533.7.66.13"])
def test_parameters_that_cannot_be_read(dotted: str) -> None:
    with pytest.raises(Malformed):
        read_mac(algorithm_identifier(dotted, tlv(NULL)), max_iterations=1000)


def test_a_signature_is_no_mac() -> None:
    assert read_mac(algorithm_identifier("1.2.840.10045.4.3.2"), max_iterations=1000) is None
