"""Algorithm identifiers, held against asn1crypto, and those that are refused."""

from __future__ import annotations

import hashlib

import pytest
from asn1crypto import algos

from trustworks.core.der.algorithms import (
    HASHES,
    SIGNATURES,
    SIGNER_DIGESTS,
    algorithm_identifier,
    hash_identifier,
    read_hash,
    read_signature,
)
from trustworks.core.der.encode import NULL, SEQUENCE, context, integer, oid, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module import SignatureScheme

SHA1 = algorithm_identifier("1.3.14.3.2.26", tlv(NULL))
SHA256 = algorithm_identifier(HASHES["sha256"].oid, tlv(NULL))
PSS = "1.2.840.113549.1.1.10"
MGF1 = "1.2.840.113549.1.1.8"


def test_every_scheme_of_the_module_has_its_identifier() -> None:
    assert set(SIGNATURES) == {scheme.name for scheme in SignatureScheme} == set(SIGNER_DIGESTS)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_algorithms_are_what_an_independent_decoder_reads(name: str) -> None:
    found = algos.SignedDigestAlgorithm.load(SIGNATURES[name], strict=True)
    assert found.dump(force=True) == SIGNATURES[name]
    ours = read_signature(SIGNATURES[name])
    if name == "ED25519":
        assert found["algorithm"].native == "ed25519"
        return
    assert found.hash_algo == ours.hash == SIGNER_DIGESTS[name]
    kind = {"ecdsa": "ecdsa", "rsa-pkcs1": "rsassa_pkcs1v15", "rsa-pss": "rsassa_pss"}[ours.padding]
    assert found.signature_algo == kind
    if ours.padding == "rsa-pss":
        assert found["parameters"]["salt_length"].native == ours.salt


@pytest.mark.parametrize("name", HASHES)
def test_hash_functions_are_hashlib_s(name: str) -> None:
    assert hashlib.new(name).digest_size == HASHES[name].size
    assert read_hash(hash_identifier(name)) == HASHES[name]
    assert read_hash(algorithm_identifier(HASHES[name].oid, tlv(NULL))) == HASHES[name]


@pytest.mark.parametrize("der", [b"", b"\x05\x00", tlv(SEQUENCE), tlv(SEQUENCE, oid("2.999"), tlv(4))])
def test_what_is_no_identifier_is_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        read_hash(der)
    with pytest.raises(Malformed):
        read_signature(der)


def pss(*fields: bytes) -> bytes:
    return algorithm_identifier(PSS, tlv(SEQUENCE, *fields))


MASK = context(1, algorithm_identifier(MGF1, SHA256))
HASH = context(0, SHA256)


@pytest.mark.parametrize(
    "der",
    [
        algorithm_identifier("1.2.840.113549.1.1.5", tlv(NULL)),
        algorithm_identifier("1.2.840.10045.4.1"),
        algorithm_identifier("1.2.840.10045.4.3.2", tlv(NULL)),
        algorithm_identifier("1.3.101.112", tlv(NULL)),
        algorithm_identifier("2.999.1"),
        algorithm_identifier(PSS),
        pss(),
        pss(HASH),
        pss(HASH, context(1, algorithm_identifier(MGF1, SHA1))),
        pss(context(0, SHA1), context(1, algorithm_identifier(MGF1, SHA1))),
        pss(HASH, context(1, algorithm_identifier("2.999", SHA256)), context(2, integer(32))),
        pss(HASH, MASK, context(2, integer(32)), context(3, integer(2))),
        algorithm_identifier("2.999.1", tlv(SEQUENCE, HASH, MASK)),
    ],
    ids=[
        "sha1-rsa",
        "sha1-ecdsa",
        "ecdsa-null",
        "ed25519-null",
        "unknown",
        "pss-absent",
        "pss-default",
        "pss-default-mask",
        "pss-mixed",
        "pss-sha1",
        "pss-mask",
        "pss-trailer",
        "unknown-pss",
    ],
)
def test_weak_and_odd_signature_algorithms_are_rejected(der: bytes) -> None:
    with pytest.raises(Rejected):
        read_signature(der)


@pytest.mark.parametrize("dotted", ["1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.3.10", "1.3.101.112"])
def test_parameters_that_should_not_be_there_are_told(dotted: str) -> None:
    with pytest.raises(Rejected, match=r"has parameters.* without\."):
        read_signature(algorithm_identifier(dotted, tlv(NULL)))


@pytest.mark.parametrize(
    ("dotted", "padding", "hash_name"),
    [
        ("1.2.840.113549.1.1.16", "rsa-pkcs1", "sha512_256"),
        ("2.16.840.1.101.3.4.3.14", "rsa-pkcs1", "sha3_256"),
        ("2.16.840.1.101.3.4.3.15", "rsa-pkcs1", "sha3_384"),
        ("2.16.840.1.101.3.4.3.16", "rsa-pkcs1", "sha3_512"),
        ("2.16.840.1.101.3.4.3.10", "ecdsa", "sha3_256"),
    ],
)
def test_what_we_do_not_sign_by_is_read_where_others_do(dotted: str, padding: str, hash_name: str) -> None:
    parameters = tlv(NULL) if padding == "rsa-pkcs1" else b""
    found = read_signature(algorithm_identifier(dotted, parameters))
    assert (found.padding, found.hash) == (padding, hash_name)


@pytest.mark.parametrize("salt", [-1, 513, 1 << 70])
def test_an_impossible_salt_is_malformed(salt: int) -> None:
    with pytest.raises(Malformed, match="salt"):
        read_signature(pss(HASH, MASK, context(2, integer(salt))))


def test_an_absent_salt_length_is_twenty() -> None:
    assert read_signature(pss(HASH, MASK)).salt == 20
    with pytest.raises(Rejected, match=r"1\.3\.14"):
        read_hash(SHA1)
