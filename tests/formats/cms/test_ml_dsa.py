"""Values of ML-DSA in CMS (RFC 9882) are verified; of what cannot be computed is said why."""

from __future__ import annotations

import cms_maker
import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from foreign_tokens import ECDSA

from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Algorithm
from trustworks.formats.read import read
from trustworks.formats.verification import is_value_of, why_not_computed

KINDS: dict[str, type[mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey]] = {
    "2.16.840.1.101.3.4.3.17": mldsa.MLDSA44PrivateKey,
    "2.16.840.1.101.3.4.3.18": mldsa.MLDSA65PrivateKey,
    "2.16.840.1.101.3.4.3.19": mldsa.MLDSA87PrivateKey,
}


@pytest.mark.parametrize("dotted", KINDS)
def test_a_value_is_verified_over_the_signed_attributes(dotted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = KINDS[dotted].generate()
    monkeypatch.setattr(cms_maker, "sign", key.sign)
    monkeypatch.setattr(cms_maker, "ECDSA", tlv(SEQUENCE, oid(dotted)))
    (signature,) = read(Octets(cms_maker.basic())).signatures
    assert signature.algorithm == Algorithm(name=dotted, scheme="mldsa", digest=None)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert is_value_of(signature, spki)
    assert why_not_computed(signature.algorithm, signature.signed, spki) is None
    other = KINDS[dotted].generate().public_key()
    assert not is_value_of(signature, other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def test_why_a_value_is_not_computed_is_said() -> None:
    (signature,) = read(Octets(cms_maker.basic())).signatures
    signed, key = signature.signed, cms_maker.WHO.certificate
    assert ECDSA in cms_maker.basic()
    assert why_not_computed(signature.algorithm, signed, key) is None
    unknown = Algorithm(name="1.2.3", scheme="1.2.3", digest=None)
    assert why_not_computed(unknown, signed, key) == "The signature algorithm 1.2.3 cannot be computed here."
    no_key = tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.3")), tlv(0x03, b"\0" * 4))
    assert str(why_not_computed(signature.algorithm, signed, no_key)).startswith(
        "The public key cannot be read"
    )
