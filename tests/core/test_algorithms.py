"""The one table of algorithms: no name means two things, and every syntax reads it."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from trustworks.core.algorithms import (
    COMPUTED,
    HASH_FUNCTIONS,
    KEY_ALGORITHMS,
    SIGNATURE_ALGORITHMS,
    uri_of,
)
from trustworks.core.der.algorithms import HASHES
from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.core.der.foreign_algorithms import read_foreign_signature
from trustworks.core.xml.algorithms import DIGESTS, SIGNATURES, WRITTEN
from trustworks.formats.jades.headers import algorithm
from trustworks.formats.jades.values import digest_name
from trustworks.formats.verification import HASH_OIDS


def test_a_name_means_one_thing() -> None:
    of_hashes = [*(one.oid for one in HASH_FUNCTIONS.values()), *DIGESTS]
    of_signatures = [
        name for one in SIGNATURE_ALGORITHMS for name in (*one.oids, *one.plain, *one.uris, *one.jwas)
    ]
    counted = Counter([*of_hashes, *of_signatures, *KEY_ALGORITHMS])
    assert [name for name, number in counted.items() if number > 1] == []
    assert len(DIGESTS) == sum(len(one.uris) for one in HASH_FUNCTIONS.values())


def test_every_hash_function_of_a_signature_is_in_the_table() -> None:
    assert {one.hash for one in SIGNATURE_ALGORITHMS} - {None} <= set(HASH_FUNCTIONS)
    assert {*COMPUTED, *HASHES, *HASH_OIDS} <= set(HASH_FUNCTIONS)


def test_sizes_are_those_of_the_functions() -> None:
    for name, function in COMPUTED.items():
        assert HASH_FUNCTIONS[name].size == function.digest_size
    known = [name for name in HASH_FUNCTIONS if name in hashlib.algorithms_guaranteed]
    for name in known:
        assert HASH_FUNCTIONS[name].size == hashlib.new(name, usedforsecurity=False).digest_size
    assert len(known) > 8


@pytest.mark.parametrize(
    ("dotted", "uri", "jwa", "family", "hash_name"),
    [
        ("1.2.840.113549.1.1.11", "rsa-sha256", "RS256", "rsa-pkcs1", "sha256"),
        ("1.2.840.10045.4.3.3", "ecdsa-sha384", "ES384", "ecdsa", "sha384"),
    ],
)
def test_every_syntax_says_the_same_of_an_algorithm(
    dotted: str, uri: str, jwa: str, family: str, hash_name: str
) -> None:
    found = read_foreign_signature(tlv(SEQUENCE, oid(dotted)))
    method = SIGNATURES[f"http://www.w3.org/2001/04/xmldsig-more#{uri}"]
    named = algorithm({"alg": jwa})
    assert (found.padding, found.hash) == (method.family, method.hash) == (named.scheme, named.digest)
    assert (named.scheme, named.digest) == (family, hash_name)


def test_what_is_written_in_xml_is_what_the_scheme_is_called() -> None:
    assert WRITTEN["RSA_PSS_SHA512"] == "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"
    assert WRITTEN["ED25519"] == "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"
    assert digest_name("S3-384") == "sha3_384"
    with pytest.raises(LookupError):
        uri_of("mldsa", None)
