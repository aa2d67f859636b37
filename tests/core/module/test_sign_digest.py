"""A key signs a digest that was made elsewhere, as it signs the data, and under the same conditions."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, SignatureScheme
from trustworks.core.module.states import KeyState

if TYPE_CHECKING:
    from trustworks.core.module import Module

DATA = b"a document that nobody wants to hold"
SCHEMES = {
    # SHA-512 is longer than the order of that curve.
    KeyAlgorithm.P256: (SignatureScheme.ECDSA_SHA256, SignatureScheme.ECDSA_SHA512),
    KeyAlgorithm.P384: (SignatureScheme.ECDSA_SHA384,),
    KeyAlgorithm.P521: (SignatureScheme.ECDSA_SHA512,),
    KeyAlgorithm.RSA_3072: (
        SignatureScheme.RSA_PSS_SHA256,
        SignatureScheme.RSA_PSS_SHA512,
        SignatureScheme.RSA_PKCS1_SHA256,
        SignatureScheme.RSA_PKCS1_SHA384,
    ),
}


def digest(scheme: SignatureScheme) -> bytes:
    assert scheme.hash
    return hashlib.new(scheme.hash.name, DATA).digest()


def verify(public_key: object, value: bytes, scheme: SignatureScheme) -> None:
    """As any relying party does, over the data itself."""
    assert scheme.hash
    hashed = scheme.hash.algorithm
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(value, DATA, ec.ECDSA(hashed))
        return
    assert isinstance(public_key, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
    public_key.verify(value, DATA, pss if scheme.padding == "rsa-pss" else padding.PKCS1v15(), hashed)


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNS-DIGEST", "TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
@pytest.mark.parametrize("algorithm", SCHEMES)
def test_the_value_over_a_digest_is_one_over_the_data(module: Module, algorithm: KeyAlgorithm) -> None:
    key = module.generate_key_pair(label="digests", algorithm=algorithm)
    for scheme in SCHEMES[algorithm]:
        verify(key.public_key, key.sign_digest(digest(scheme), scheme), scheme)
    verify(key.public_key, key.sign_digest(digest(key.scheme)), key.scheme)


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNS-DIGEST")
def test_ed25519_signs_no_digest(module: Module) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.ED25519)
    with pytest.raises(Rejected, match="signs the data itself, and no digest") as caught:
        key.sign_digest(hashlib.sha512(DATA).digest())
    assert caught.value.code == "module.digest"


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNS-DIGEST")
@pytest.mark.parametrize("given", [b"", hashlib.sha1(DATA, usedforsecurity=False).digest(), DATA])
def test_a_digest_of_another_length_is_refused(module: Module, given: bytes) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.P256)
    with pytest.raises(Rejected, match=f"of 32 octets, and {len(given)} were given") as caught:
        key.sign_digest(given)
    assert caught.value.code == "module.digest"


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNS-DIGEST")
def test_a_module_that_hashes_itself_signs_no_digest(module: Module) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.P256)
    plan = key._plan_of(None)
    key._plans[None] = dataclasses.replace(plan, digest=None)
    with pytest.raises(Rejected, match="computes digests for ECDSA_SHA256 itself") as caught:
        key.sign_digest(digest(key.scheme))
    assert caught.value.code == "module.mechanism"


def test_a_scheme_for_another_key_is_refused(module: Module) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.P256)
    with pytest.raises(Rejected, match="not a scheme for the P-256 key"):
        key.sign_digest(hashlib.sha256(DATA).digest(), SignatureScheme.RSA_PSS_SHA256)


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
def test_a_bad_value_is_thrown_away(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.P256)
    sign = key._connection.sign

    def bad(*given: Any) -> bytes:
        answer = sign(*given)
        return answer[:-1] + bytes((answer[-1] ^ 1,))

    monkeypatch.setattr(key._connection, "sign", bad)
    with pytest.raises(Unavailable) as caught:
        key.sign_digest(digest(key.scheme))
    assert caught.value.code == "module.bad-signature"


@pytest.mark.req("TRUSTWORKS:KEYS-OPERATIONAL")
def test_a_key_that_is_not_operational_signs_no_digest(module: Module) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.P256)
    key._state_of = lambda _: KeyState.DEACTIVATED
    with pytest.raises(Refused) as caught:
        key.sign_digest(digest(key.scheme))
    assert caught.value.requirement == "TRUSTWORKS:KEYS-OPERATIONAL"


def test_a_module_that_is_barred_signs_no_digest(module: Module) -> None:
    key = module.generate_key_pair(label="digests", algorithm=KeyAlgorithm.P256)
    module.barred = ("it runs otherwise than approved",)
    with pytest.raises(Unavailable) as caught:
        key.sign_digest(digest(key.scheme))
    assert caught.value.code == "module.barred"
