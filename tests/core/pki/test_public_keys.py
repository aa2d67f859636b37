"""Public keys of others, and signatures of every kind that they made."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from dsa_keys import dsa_2048

from trustworks.core.der.encode import BIT_STRING, NULL, SEQUENCE, context, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.core.pki import public_keys
from trustworks.core.pki.tokens import check_signature, read_public_key


def key_info(key: Any) -> bytes:
    octets = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(octets, bytes)
    return octets


RSA = rsa.generate_private_key(65537, 2048)
DSA = dsa_2048()
EC = ec.generate_private_key(ec.BrainpoolP256R1())
_DATA = b"data"
_NULL = tlv(NULL)
_SHA1, _SHA256 = (tlv(SEQUENCE, oid(one), _NULL) for one in ("1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"))


def _plain(signature: bytes) -> bytes:
    return b"".join(one.to_bytes(32, "big") for one in utils.decode_dss_signature(signature))


_PSS, _PLAIN_ECDSA = "1.2.840.113549.1.1.10", "0.4.0.127.0.7.1.1.4.1.3"
_SHA_1, _MD_5 = hashes.SHA1(), hashes.MD5()  # noqa: S303 - others signed so
_PKCS1 = padding.PKCS1v15()


def _algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    return tlv(SEQUENCE, oid(dotted), parameters)


def _pss(salt: int) -> padding.PSS:
    return padding.PSS(padding.MGF1(_SHA_1), salt)


_TWO_HASHES = tlv(SEQUENCE, context(0, _SHA256), context(2, integer(32)))
_SHA_256 = hashes.SHA256()
SIGNED: list[tuple[str, bytes, Any, bytes]] = [
    ("rsa-sha1", _algorithm("1.2.840.113549.1.1.5", _NULL), RSA, RSA.sign(_DATA, _PKCS1, _SHA_1)),
    ("rsa-md5", _algorithm("1.2.840.113549.1.1.4", _NULL), RSA, RSA.sign(_DATA, _PKCS1, _MD_5)),
    ("pss-defaults", _algorithm(_PSS, tlv(SEQUENCE)), RSA, RSA.sign(_DATA, _pss(20), _SHA_1)),
    ("pss-two-hashes", _algorithm(_PSS, _TWO_HASHES), RSA, RSA.sign(_DATA, _pss(32), _SHA_256)),
    ("dsa", _algorithm("2.16.840.1.101.3.4.3.2"), DSA, DSA.sign(_DATA, _SHA_256)),
    ("ecdsa-plain", _algorithm(_PLAIN_ECDSA), EC, _plain(EC.sign(_DATA, ec.ECDSA(_SHA_256)))),
    ("ecdsa-sha1", _algorithm("1.2.840.10045.4.1"), EC, EC.sign(_DATA, ec.ECDSA(_SHA_1))),
]
for _kind in (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey):
    _key = _kind.generate()
    _oid = "1.3.101.112" if _kind is ed25519.Ed25519PrivateKey else "1.3.101.113"
    SIGNED.append((_kind.__name__, _algorithm(_oid), _key, _key.sign(_DATA)))


@pytest.mark.parametrize(
    ("algorithm", "key", "signature"), [one[1:] for one in SIGNED], ids=[one[0] for one in SIGNED]
)
def test_signatures_of_every_kind_verify(algorithm: bytes, key: Any, signature: bytes) -> None:
    public = read_public_key(key_info(key.public_key()))
    assert check_signature(memoryview(_DATA), algorithm, signature, public) == "ok"
    assert check_signature(memoryview(b"other"), algorithm, signature, public) == "wrong"
    assert check_signature(memoryview(_DATA), algorithm, b"", public) == "wrong"
    stranger = read_public_key(key_info(ec.generate_private_key(ec.SECP256R1()).public_key()))
    assert check_signature(memoryview(_DATA), algorithm, signature, stranger) in {
        "wrong",
        "algorithm-unknown",
    }


@pytest.mark.parametrize(
    "algorithm",
    [
        tlv(SEQUENCE, oid("1.3.9999.1")),
        tlv(SEQUENCE),
        b"",
        tlv(NULL),
        bytes(5000),
        tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"), tlv(SEQUENCE, context(2, integer(-1)))),
        tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"), tlv(SEQUENCE, context(1, _SHA1))),
        tlv(SEQUENCE, oid("1.3.36.3.3.1.2"), _NULL),  # RIPEMD-160
    ],
)
def test_algorithms_that_are_none_or_unknown_are_told_so(algorithm: bytes) -> None:
    public = read_public_key(key_info(RSA.public_key()))
    assert check_signature(memoryview(_DATA), algorithm, b"value", public) == "algorithm-unknown"


def test_dsa_parameters_are_inherited() -> None:
    whole = read_public_key(key_info(DSA.public_key()))
    key = tlv(BIT_STRING, b"\0", whole.bit_string)
    bare = read_public_key(tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.840.10040.4.1")), key))
    assert bare.parameters_missing
    assert bare.why_not is not None
    assert bare.inheriting(whole) == whole
    assert bare.inheriting(read_public_key(key_info(RSA.public_key()))) is bare


def rsa_info(modulus: int, exponent: int) -> bytes:
    key = tlv(SEQUENCE, integer(modulus), integer(exponent))
    return tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.840.113549.1.1.1"), _NULL), tlv(BIT_STRING, b"\0", key))


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [
        ((1 << 65_000) + 1, 65_537),
        ((1 << 2048) + 1, (1 << 60_000) + 1),
        ((1 << 2048) + 1, 4),
        ((1 << 2048) + 1, 0),
        (0, 0),
        (-5, 3),
    ],
    ids=["modulus", "exponent", "even", "zero", "zeros", "negative"],
)
def test_absurd_keys_are_told_so_and_cost_no_time(
    modulus: int, exponent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    def load(der: bytes) -> object:
        given.append(len(der))
        return load_der_public_key(der)

    monkeypatch.setattr(public_keys, "load_der_public_key", load)
    key = read_public_key(rsa_info(modulus, exponent))
    assert key.why_not is not None
    assert check_signature(memoryview(_DATA), SIGNED[0][1], bytes(256), key) == "key-unusable"
    # What costs is arithmetic on long numbers: the library never gets any.
    assert max(given, default=0) < 1_000


def test_a_key_of_megabytes_is_not_read() -> None:
    with pytest.raises(Malformed, match="octets"):
        read_public_key(rsa_info((1 << 16_000_000) + 1, 3))


def test_a_modulus_that_was_written_without_its_leading_zero_is_usable() -> None:
    """As two CA certificates on a national trusted list have it: read as a number it is negative."""
    numbers = RSA.public_key().public_numbers()
    octets = numbers.n.to_bytes(256, "big")
    assert octets[0] & 0x80
    key = tlv(SEQUENCE, tlv(0x02, octets), integer(numbers.e))
    read = read_public_key(
        tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.840.113549.1.1.1"), _NULL), tlv(BIT_STRING, b"\0", key))
    )
    assert read.bits == 2048
    _, algorithm, _, signature = SIGNED[0]
    assert check_signature(memoryview(_DATA), algorithm, signature, read) == "ok"
