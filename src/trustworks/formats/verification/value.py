"""Whether a signature value is one of a key.

Weak functions verify too (MD5, SHA-1, RIPEMD-160 where they can be computed): that they are weak is for a
policy to say.

Source: RFC 8017, 8 (RSA); FIPS 186-5 (ECDSA, EdDSA); FIPS 186-4 (DSA); BSI TR-03111, 5.2 (plain values);
FIPS 204 and RFC 9882 (ML-DSA, pure); EN 319 102-1, 5.2.7 (cryptographic verification).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustworks.core.algorithms import COMPUTED, HASH_FUNCTIONS, RSASSA_PSS
from trustworks.core.der import ber
from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, oid, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.remembered import remembered
from trustworks.formats.data import HASHES, hasher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Algorithm, Signature

HASH_OIDS: Final[Mapping[str, str]] = {
    name: function.oid for name, function in HASH_FUNCTIONS.items() if name in HASHES
}
"""Object identifiers of the hash functions of `data.HASHES`."""

HASHES_BY_OID: Final[Mapping[str, str]] = {dotted: name for name, dotted in HASH_OIDS.items()}

# ECDSA and DSA sign a number, whatever function it came from: any of the same length will do for the library.
_BY_LENGTH: Final[Mapping[int, hashes.HashAlgorithm]] = {
    16: hashes.MD5(),  # noqa: S303
    20: hashes.SHA1(),  # noqa: S303
    28: hashes.SHA224(),
    32: hashes.SHA256(),
    48: hashes.SHA384(),
    64: hashes.SHA512(),
}
_RSA_ENCRYPTION: Final = oid("1.2.840.113549.1.1.1")
_RSASSA_PSS: Final = oid(RSASSA_PSS)
_LARGEST_WHOLE: Final = 256 * 1024 * 1024
"""Octets of data that EdDSA and ML-DSA, which cannot be computed in portions, is verified over."""

_LARGEST_KEY: Final = 16_384
_LARGEST_EXPONENT: Final = 64
"""Bits of RSA keys by which is computed here; the bounds of OpenSSL."""

# What the library raises for values and keys that are none, or of a kind that it does not know.
_FAILURES: Final = (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, OverflowError)

PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | dsa.DSAPublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
_OWN_HASH: Final = frozenset({"eddsa", "mldsa"})
_COMPUTED: Final = _OWN_HASH | {"rsa-pkcs1", "rsa-pss", "ecdsa", "dsa"}
"""The schemes by which values are verified here."""


def is_value_of(signature: Signature, key: bytes) -> bool:
    """Whether the value of a signature was made by a key over what is signed.

    `key` is the DER of a certificate or of a SubjectPublicKeyInfo. False too where it is neither, where key
    and algorithm do not go together, and where the algorithm cannot be computed here: nothing was verified
    then.
    """
    return verifies(signature.algorithm, signature.value, signature.signed, key)


def verifies(algorithm: Algorithm, value: bytes, signed: Data, key: bytes) -> bool:
    """As `is_value_of`, for a value that is not in a `Signature`."""
    try:
        return _verifies(algorithm, value, signed, key)
    except (*_FAILURES, LookupError, Malformed, Rejected):
        return False


def plain_value(value: bytes, key: PublicKey) -> bytes:
    """A value as a module's key makes it in the form of XML and JSON: of ECDSA both numbers side by side.

    Raises `Rejected` (signature.own) for an ECDSA value that is not in DER.
    """
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return value
    size = (key.key_size + 7) // 8
    try:
        r, s = decode_dss_signature(value)
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    except (ValueError, OverflowError) as error:
        raise Rejected(
            "signature.own", "The signature value is not the DER of two numbers of the key's size."
        ) from error


def why_not_computed(algorithm: Algorithm, signed: Data, key: bytes) -> str | None:
    """Why nobody can say here whether a value verifies, a sentence; None where it is computed.

    Of a key of another kind than the algorithm's it is known: a value is none of its.
    """
    if algorithm.scheme not in _COMPUTED:
        return f"The signature algorithm {algorithm.name:.100} cannot be computed here."
    try:
        public_key(key)
        if algorithm.scheme not in _OWN_HASH:
            hasher(algorithm.digest or "")
    except (Malformed, Rejected) as error:
        return str(error)
    if algorithm.scheme in _OWN_HASH and signed.size > _LARGEST_WHOLE:
        return f"More than {_LARGEST_WHOLE} octets are signed as a whole, and that is not computed here."
    return None


def public_key(octets: bytes) -> PublicKey:
    """The public key in the DER of a certificate, or of a SubjectPublicKeyInfo.

    Raises `Malformed`: it is neither, or of an algorithm that is not known here.
    """
    return _loaded(public_key_info(octets))


@remembered(512)
def public_key_info(octets: bytes) -> bytes:
    """The SubjectPublicKeyInfo in the DER of a certificate; what is one already is given back.

    Certificates are read leniently: one that breaks a rule has a key nevertheless. Raises `Malformed`.
    """
    outer = ber.read(octets).children()
    if outer and outer[0].tag == SEQUENCE:
        inner = outer[0].children()
        if len(outer) == 2 and inner and inner[0].tag == 0x06:
            return octets
        # tbsCertificate: [version], serial, algorithm, issuer, validity, subject, key (RFC 5280, 4.1).
        place = 6 if inner and inner[0].tag == 0xA0 else 5
        if len(inner) > place:
            return inner[place].octets
    raise Malformed("This is neither a certificate nor a SubjectPublicKeyInfo.")


@remembered(512)
def _loaded(spki: bytes) -> PublicKey:
    try:
        key = load_der_public_key(spki)
    except (*_FAILURES,) as error:
        plain = _as_plain_rsa(spki)
        if plain is None:
            raise Malformed(f"The public key cannot be read: {error}.") from error
        try:
            key = load_der_public_key(plain)
        except (*_FAILURES,) as again:
            raise Malformed(f"The public key cannot be read: {again}.") from again
    if isinstance(key, PublicKey):
        return key
    raise Malformed(f"A public key of the kind {type(key).__name__} makes no signatures that are known here.")


def _as_plain_rsa(spki: bytes) -> bytes | None:
    """A key for RSASSA-PSS alone, as a plain one: the library may know the one and not the other."""
    parts = ber.read(spki).children()
    algorithm = parts[0].children()
    if len(parts) < 2 or not algorithm or algorithm[0].octets != _RSASSA_PSS:
        return None
    return tlv(SEQUENCE, tlv(SEQUENCE, _RSA_ENCRYPTION, tlv(NULL)), parts[1].octets)


def _verifies(  # noqa: PLR0911 - a case for each kind of key
    algorithm: Algorithm, value: bytes, signed: Data, named: bytes
) -> bool:
    key = public_key(named)
    match algorithm.scheme, key:
        case "eddsa", ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            if signed.size > _LARGEST_WHOLE:
                return False
            key.verify(value, signed.octets())
        case "mldsa", mldsa.MLDSA44PublicKey() | mldsa.MLDSA65PublicKey() | mldsa.MLDSA87PublicKey():
            if signed.size > _LARGEST_WHOLE:
                return False
            key.verify(value, signed.octets())
        case "rsa-pkcs1", rsa.RSAPublicKey() if algorithm.digest is not None:
            return _is_pkcs1(key, value, algorithm.digest, signed.digest(algorithm.digest))
        case "rsa-pss", rsa.RSAPublicKey() if algorithm.digest is not None:
            return _is_pss(key, value, algorithm, signed.digest(algorithm.digest))
        case "ecdsa", ec.EllipticCurvePublicKey() if algorithm.digest is not None:
            return _is_ecdsa(named, _r_and_s(value, algorithm), signed.digest(algorithm.digest))
        case "dsa", dsa.DSAPublicKey() if algorithm.digest is not None:
            digest = signed.digest(algorithm.digest)
            key.verify(_r_and_s(value, algorithm), digest, Prehashed(_BY_LENGTH[len(digest)]))
        case _:
            return False
    return True


@remembered(64)
def _is_ecdsa(key: bytes, value: bytes, digest: bytes) -> bool:
    """Whether a value in DER is of a key. For one file that is asked more than once, of its time-stamps."""
    public = public_key(key)
    assert isinstance(public, ec.EllipticCurvePublicKey)  # noqa: S101 - of which kind it is was asked before
    try:
        public.verify(value, digest, ec.ECDSA(Prehashed(_BY_LENGTH[len(digest)])))
    except InvalidSignature:
        return False
    return True


def _r_and_s(value: bytes, algorithm: Algorithm) -> bytes:
    """The value in DER. Where it is plain, its halves are r and s (BSI TR-03111, 5.2.1)."""
    if not algorithm.plain:
        return value
    half, odd = divmod(len(value), 2)
    if odd or not half:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))


def _is_pkcs1(key: rsa.RSAPublicKey, value: bytes, name: str, digest: bytes) -> bool:
    """RSASSA-PKCS1-v1_5 over any hash function; a DigestInfo without NULL is taken too (RFC 8017, A.2.4)."""
    if len(value) != (key.key_size + 7) // 8:
        return False
    found = key.recover_data_from_signature(value, padding.PKCS1v15(), None)
    octets = tlv(OCTET_STRING, digest)
    return any(found == tlv(SEQUENCE, algorithm, octets) for algorithm in _digest_algorithms(name))


@cache
def _digest_algorithms(name: str) -> tuple[bytes, bytes]:
    """The AlgorithmIdentifier of a hash function, with NULL and without."""
    identifier = oid(HASH_OIDS[name])
    return tlv(SEQUENCE, identifier, tlv(NULL)), tlv(SEQUENCE, identifier)


def _is_pss(key: rsa.RSAPublicKey, value: bytes, algorithm: Algorithm, digest: bytes) -> bool:
    name, mask = algorithm.digest or "", algorithm.mask_digest or algorithm.digest or ""
    if name in COMPUTED and mask in COMPUTED:
        salt = padding.PSS.AUTO if algorithm.salt is None else algorithm.salt
        key.verify(value, digest, padding.PSS(padding.MGF1(COMPUTED[mask]), salt), Prehashed(COMPUTED[name]))
        return True
    return _is_pss_by_hand(key, value, algorithm, digest)


def _is_pss_by_hand(key: rsa.RSAPublicKey, value: bytes, algorithm: Algorithm, digest: bytes) -> bool:
    """EMSA-PSS-VERIFY for hash functions that the library has not (RFC 8017, 9.1.2)."""
    numbers = key.public_numbers()
    if key.key_size > _LARGEST_KEY or numbers.e.bit_length() > _LARGEST_EXPONENT:
        return False
    if len(value) != (key.key_size + 7) // 8 or int.from_bytes(value, "big") >= numbers.n:
        return False
    bits = numbers.n.bit_length() - 1
    size = (bits + 7) // 8
    number = pow(int.from_bytes(value, "big"), numbers.e, numbers.n)
    if number.bit_length() > bits or size < len(digest) + 2 or number & 0xFF != 0xBC:
        return False
    encoded = number.to_bytes(size, "big")
    masked, hashed = encoded[: size - len(digest) - 1], encoded[size - len(digest) - 1 : -1]
    block = _unmasked(masked, hashed, algorithm.mask_digest or algorithm.digest or "", bits)
    zeros, found, salt = block.partition(b"\x01")
    if not found or any(zeros) or (algorithm.salt is not None and len(salt) != algorithm.salt):
        return False
    running = hasher(algorithm.digest or "")
    running.update(bytes(8) + digest + salt)
    return running.digest() == hashed


def _unmasked(masked: bytes, seed: bytes, hash_name: str, bits: int) -> bytes:
    """What MGF1 hid, without the bits that are beyond the modulus (RFC 8017, B.2.1)."""
    mask = b""
    while len(mask) < len(masked):
        running = hasher(hash_name)
        running.update(seed + (len(mask) // running.digest_size).to_bytes(4, "big"))
        mask += running.digest()
    block = bytes(one ^ other for one, other in zip(masked, mask, strict=False))
    spare = 8 * ((bits + 7) // 8) - bits
    return bytes((block[0] & (0xFF >> spare),)) + block[1:]
