"""Values of every scheme verify with their key alone; the certificate is that which is referred to."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dsa_keys import dsa_2048
from foreign_tokens import ForeignAuthority, name
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, context, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.formats.collector import Collector, identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import (
    Algorithm,
    Attributes,
    CertificateReference,
    Evidence,
    Format,
    Signature,
    SignerIdentifier,
    Where,
)
from trustworks.formats.verification import (
    candidates,
    public_key_info,
    same_name,
    signing_certificate,
    verifies,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = b"what is signed" * 1000


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def dsa_key() -> dsa.DSAPrivateKey:
    return dsa_2048()


@cache
def curve_key(curve: type[ec.EllipticCurve]) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def spki(key: object) -> bytes:
    public = key.public_key()  # type: ignore[attr-defined]  # every private key of the library has one
    return bytes(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def pkcs1(hash_name: str, *, null: bool = True) -> tuple[bytes, bytes]:
    """A value over any hash function, by hand: the library makes none with RIPEMD-160 (RFC 8017, 9.2)."""
    from trustworks.formats.verification import HASH_OIDS  # noqa: PLC0415 - the table under test

    digest = hashlib.new(hash_name, MESSAGE, usedforsecurity=False).digest()
    algorithm = tlv(SEQUENCE, oid(HASH_OIDS[hash_name]), tlv(NULL) if null else b"")
    info = tlv(SEQUENCE, algorithm, tlv(OCTET_STRING, digest))
    return _raw(b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info), spki(rsa_key())


def _raw(encoded: bytes) -> bytes:
    numbers = rsa_key().private_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


def pss(digest: hashes.HashAlgorithm, mask: hashes.HashAlgorithm, salt: int) -> tuple[bytes, bytes]:
    return rsa_key().sign(MESSAGE, padding.PSS(padding.MGF1(mask), salt), digest), spki(rsa_key())


def pss_ripemd160() -> tuple[bytes, bytes]:
    """EMSA-PSS by hand (RFC 8017, 9.1.1)."""

    def hashed(octets: bytes) -> bytes:
        return hashlib.new("ripemd160", octets, usedforsecurity=False).digest()

    salt = b"s" * 20
    seed = hashed(bytes(8) + hashed(MESSAGE) + salt)
    block = bytes(256 - 20 - 1 - 21) + b"\1" + salt
    mask = b"".join(hashed(seed + count.to_bytes(4, "big")) for count in range(12))
    masked = bytes(one ^ other for one, other in zip(block, mask, strict=False))
    return _raw(bytes((masked[0] & 0x7F,)) + masked[1:] + seed + b"\xbc"), spki(rsa_key())


def ecdsa(
    curve: type[ec.EllipticCurve], digest: hashes.HashAlgorithm, *, plain: bool = False
) -> tuple[bytes, bytes]:
    value = curve_key(curve).sign(MESSAGE, ec.ECDSA(digest))
    if plain:
        size = (curve_key(curve).key_size + 7) // 8
        value = b"".join(part.to_bytes(size, "big") for part in decode_dss_signature(value))
    return value, spki(curve_key(curve))


def ecdsa_ripemd160() -> tuple[bytes, bytes]:
    digest = hashlib.new("ripemd160", MESSAGE, usedforsecurity=False).digest()
    key = curve_key(ec.SECP256R1)
    return key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA1()))), spki(key)  # noqa: S303 - of the same length


def edwards(key: ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) -> tuple[bytes, bytes]:
    return key.sign(MESSAGE), spki(key)


def algorithm(scheme: str, digest: str | None, **further: object) -> Algorithm:
    return replace(Algorithm(name="1.2.3", scheme=scheme, digest=digest), **further)  # type: ignore[arg-type]


CASES: dict[str, tuple[Algorithm, Callable[[], tuple[bytes, bytes]]]] = {
    **{
        f"rsa-pkcs1 {one}": (algorithm("rsa-pkcs1", one), lambda one=one: pkcs1(one))  # type: ignore[misc]
        for one in ("md5", "sha1", "sha224", "sha256", "sha512_256", "sha3_512", "ripemd160")
    },
    "rsa-pkcs1 without NULL": (algorithm("rsa-pkcs1", "sha256"), lambda: pkcs1("sha256", null=False)),
    "rsa-pss sha256": (
        algorithm("rsa-pss", "sha256", mask_digest="sha256", salt=32),
        lambda: pss(hashes.SHA256(), hashes.SHA256(), 32),
    ),
    "rsa-pss another mask, no salt": (
        algorithm("rsa-pss", "sha512", mask_digest="sha1", salt=0),
        lambda: pss(hashes.SHA512(), hashes.SHA1(), 0),  # noqa: S303
    ),
    "rsa-pss any salt": (
        algorithm("rsa-pss", "sha384", mask_digest="sha384"),
        lambda: pss(hashes.SHA384(), hashes.SHA384(), 17),
    ),
    "rsa-pss ripemd160": (algorithm("rsa-pss", "ripemd160", mask_digest="ripemd160", salt=20), pss_ripemd160),
    "ecdsa p256": (algorithm("ecdsa", "sha256"), lambda: ecdsa(ec.SECP256R1, hashes.SHA256())),
    "ecdsa p521 sha3": (algorithm("ecdsa", "sha3_512"), lambda: ecdsa(ec.SECP521R1, hashes.SHA3_512())),
    "ecdsa brainpool": (algorithm("ecdsa", "sha384"), lambda: ecdsa(ec.BrainpoolP384R1, hashes.SHA384())),
    "ecdsa ripemd160": (algorithm("ecdsa", "ripemd160"), ecdsa_ripemd160),
    "ecdsa plain": (
        algorithm("ecdsa", "sha256", plain=True),
        lambda: ecdsa(ec.SECP256R1, hashes.SHA256(), plain=True),
    ),
    "ecdsa plain p521": (
        algorithm("ecdsa", "sha512", plain=True),
        lambda: ecdsa(ec.SECP521R1, hashes.SHA512(), plain=True),
    ),
    "dsa": (
        algorithm("dsa", "sha256"),
        lambda: (dsa_key().sign(MESSAGE, hashes.SHA256()), spki(dsa_key())),
    ),
    "ed25519": (algorithm("eddsa", None), lambda: edwards(ed25519.Ed25519PrivateKey.generate())),
    "ed448": (algorithm("eddsa", None), lambda: edwards(ed448.Ed448PrivateKey.generate())),
}


@pytest.mark.parametrize("case", CASES)
def test_a_value_verifies_with_its_key_over_its_octets_alone(case: str) -> None:
    with_, make = CASES[case]
    value, key = make()
    assert verifies(with_, value, Octets(MESSAGE), key)
    assert not verifies(with_, value, Octets(MESSAGE + b"."), key)
    assert not verifies(with_, value[:-1] + bytes((value[-1] ^ 1,)), Octets(MESSAGE), key)
    assert not verifies(with_, b"", Octets(MESSAGE), key)
    assert not verifies(with_, value, Octets(MESSAGE), spki(ed25519.Ed25519PrivateKey.generate()))
    assert not verifies(replace(with_, scheme="1.2.3"), value, Octets(MESSAGE), key)


def test_a_salt_of_another_length_is_another_signature() -> None:
    value, key = pss(hashes.SHA256(), hashes.SHA256(), 20)
    assert not verifies(algorithm("rsa-pss", "sha256", salt=32), value, Octets(MESSAGE), key)
    value, key = pss_ripemd160()
    assert not verifies(algorithm("rsa-pss", "ripemd160", salt=19), value, Octets(MESSAGE), key)


def test_an_unknown_hash_function_verifies_nothing() -> None:
    value, key = pkcs1("sha256")
    assert not verifies(algorithm("rsa-pkcs1", "1.2.3.4"), value, Octets(MESSAGE), key)


def test_a_key_that_is_for_pss_alone_verifies() -> None:
    value, key = pss(hashes.SHA256(), hashes.SHA256(), 32)
    parts = key[key.index(b"\x03\x82") :]
    only = tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.840.113549.1.1.10")), parts)
    assert verifies(algorithm("rsa-pss", "sha256", salt=32), value, Octets(MESSAGE), only)


def test_what_has_no_key_is_refused() -> None:
    with pytest.raises(Malformed, match="neither a certificate nor"):
        public_key_info(tlv(SEQUENCE, tlv(SEQUENCE, integer(1))))


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_octets_that_are_no_key_and_no_value_verify_nothing(value: bytes, key: bytes) -> None:
    assert not verifies(algorithm("rsa-pkcs1", "sha256"), value, Octets(MESSAGE), key)


AUTHORITY = ForeignAuthority()
RIGHT = AUTHORITY.certificate
SAME_KEY = AUTHORITY.certify(serial=7)
STRANGER = ForeignAuthority().certificate


def signature(**given_: object) -> Signature:
    made = Signature(
        id="S-1",
        format=Format.CADES,
        level="CMS-NOT-ETSI",
        algorithm=algorithm("ecdsa", "sha256"),
        value=AUTHORITY.key.sign(MESSAGE, ec.ECDSA(hashes.SHA256())),
        signed=Octets(MESSAGE),
        references=(),
        attributes=Attributes(),
    )
    return replace(made, **given_)  # type: ignore[arg-type]


def evidence(*certificates: bytes) -> Evidence:
    collector = Collector()
    for one in certificates:
        collector.certificate(one, Where.KEY_INFO)
    return collector.evidence()


def reference(certificate: bytes, **further: object) -> CertificateReference:
    made = CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(certificate).digest())
    return replace(made, **further)  # type: ignore[arg-type]


def test_the_signed_reference_decides_between_certificates_of_one_key() -> None:
    for certificate in (RIGHT, SAME_KEY):
        claimed = signature(
            signing_certificate=(reference(certificate),),
            identifier=SignerIdentifier(issuer=name(b"CA"), serial=7),
            key_info=(identified("C", RIGHT), identified("C", SAME_KEY)),
        )
        chosen = signing_certificate(claimed, evidence(STRANGER, SAME_KEY, RIGHT))
        assert chosen is not None
        assert (chosen.id, chosen.verifies) == (identified("C", certificate), True)


def test_a_reference_to_another_certificate_does_not_hold_for_that_whose_key_verifies() -> None:
    claimed = signature(signing_certificate=(reference(STRANGER),), key_info=(identified("C", RIGHT),))
    chosen = signing_certificate(claimed, evidence(STRANGER, RIGHT))
    assert chosen is not None
    assert (chosen.id, chosen.verifies) == (identified("C", RIGHT), True)
    assert chosen.reference is not None
    assert (chosen.reference.digest, chosen.reference.holds) == (False, False)


def test_digest_and_issuer_with_serial_are_told_apart() -> None:
    for issuer, serial, fits in (
        (name(b"CA"), 4242, True),
        (name(b" ca ", tag=0x13), 4242, True),
        (name(b"CB"), 4242, False),
        (name(b"CA"), 4243, False),
    ):
        claimed = signature(
            signing_certificate=(reference(RIGHT, issuer=issuer, serial=serial),) * 2,
            key_info=(identified("C", RIGHT),),
        )
        (one,) = candidates(claimed, evidence(RIGHT))
        assert one.reference is not None
        assert (one.reference.digest, one.reference.issuer_serial) == (True, fits)
        assert (one.reference.unique, one.verifies) == (False, None)


@pytest.mark.parametrize(
    "identifier",
    [
        SignerIdentifier(issuer=name(b"CA"), serial=4242),
        SignerIdentifier(key_identifier=bytes(range(20))),
        SignerIdentifier(public_key=public_key_info(RIGHT)),
    ],
)
def test_without_a_reference_the_identifier_names_the_certificate(identifier: SignerIdentifier) -> None:
    chosen = signing_certificate(signature(identifier=identifier), evidence(STRANGER, RIGHT))
    assert chosen is not None
    assert (chosen.id, chosen.identified, chosen.reference) == (identified("C", RIGHT), True, None)


def test_a_certificate_is_named_although_its_key_does_not_verify() -> None:
    claimed = signature(value=b"0", signing_certificate=(reference(RIGHT),))
    chosen = signing_certificate(claimed, evidence(STRANGER, RIGHT))
    assert chosen is not None
    assert (chosen.id, chosen.verifies) == (identified("C", RIGHT), False)


def test_where_nothing_names_a_certificate_there_is_none() -> None:
    assert signing_certificate(signature(), evidence(STRANGER)) is None


def test_a_certificate_that_cannot_be_read_is_no_candidate() -> None:
    broken = context(0, b"no certificate")
    claimed = signature(identifier=SignerIdentifier(issuer=name(b"CA"), serial=4242))
    assert candidates(claimed, evidence(broken)) == ()


def test_names_that_cannot_be_read_are_the_same_only_if_their_octets_are() -> None:
    assert same_name(b"1", b"1")
    assert not same_name(b"1", b"2")
