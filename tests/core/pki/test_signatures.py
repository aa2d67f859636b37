"""Signatures by every accepted algorithm, and key and algorithm that do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trustworks.core.der.algorithms import SIGNATURES, SignatureAlgorithm, read_signature
from trustworks.core.errors import Rejected
from trustworks.core.pki.signatures import HASHES, is_signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes

DATA = b"what is signed"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def sign(algorithm: SignatureAlgorithm) -> tuple[Any, bytes]:
    function: hashes.HashAlgorithm = HASHES[algorithm.hash or "sha256"]
    match algorithm.padding:
        case "eddsa":
            return ED.public_key(), ED.sign(DATA)
        case "ecdsa":
            return EC.public_key(), EC.sign(DATA, ec.ECDSA(function))
        case "rsa-pkcs1":
            return RSA.public_key(), RSA.sign(DATA, padding.PKCS1v15(), function)
        case _:
            pss = padding.PSS(padding.MGF1(function), algorithm.salt or 0)
            return RSA.public_key(), RSA.sign(DATA, pss, function)


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_verifies_and_a_changed_one_does_not(name: str) -> None:
    algorithm = read_signature(SIGNATURES[name])
    key, signature = sign(algorithm)
    assert is_signed_by(key, signature, DATA, algorithm)
    assert not is_signed_by(key, signature, DATA + b"!", algorithm)
    assert not is_signed_by(key, signature[:-1] + bytes((signature[-1] ^ 1,)), DATA, algorithm)
    assert not is_signed_by(key, b"", DATA, algorithm)


def test_plain_rsa_takes_the_hash_beside_it() -> None:
    key, signature = sign(SignatureAlgorithm(padding="rsa-pkcs1", hash="sha256"))
    plain = SignatureAlgorithm(padding="rsa-pkcs1")
    assert is_signed_by(key, signature, DATA, plain, digest="sha256")
    assert not is_signed_by(key, signature, DATA, plain, digest="sha512")
    with pytest.raises(Rejected):
        is_signed_by(key, signature, DATA, plain)


def test_two_hashes_must_be_one() -> None:
    algorithm = SignatureAlgorithm(padding="ecdsa", hash="sha256")
    key, signature = sign(algorithm)
    with pytest.raises(Rejected, match="hashes by sha256"):
        is_signed_by(key, signature, DATA, algorithm, digest="sha384")


@pytest.mark.parametrize(
    "key", [RSA.public_key(), EC.public_key(), ED.public_key(), None], ids=["rsa", "ec", "ed25519", "none"]
)
def test_an_algorithm_for_another_key_is_rejected(key: object) -> None:
    for name, der in SIGNATURES.items():
        algorithm = read_signature(der)
        right, signature = sign(algorithm)
        if type(right) is type(key):
            continue
        with pytest.raises(Rejected) as caught:
            is_signed_by(key, signature, DATA, algorithm)
        assert caught.value.code == "signature.algorithm", name
