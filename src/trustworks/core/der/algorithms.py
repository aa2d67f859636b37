"""Algorithm identifiers as data: hash functions, signature schemes, and how they are written in DER.

The keys of `SIGNATURES` are the names of `core.module`'s signature schemes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from trustworks.core.algorithms import HASH_FUNCTIONS, MGF1, RSASSA_PSS, SIGNATURE_ALGORITHMS, HashFunction
from trustworks.core.der.encode import NULL, SEQUENCE, context, integer, oid, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.core.algorithms import Family


# SHA-2 and SHA-3 (FIPS 180-4, FIPS 202). SHA-224 and SHA3-224 are left out: 112 bits against collisions are
# no longer agreed for new use.
HASHES: Final[dict[str, HashFunction]] = {
    name: HASH_FUNCTIONS[name]
    for name in ("sha256", "sha384", "sha512", "sha512_256", "sha3_256", "sha3_384", "sha3_512")
}
HASHES_BY_OID: Final[dict[str, HashFunction]] = {function.oid: function for function in HASHES.values()}


def algorithm_identifier(dotted: str, parameters: bytes = b"") -> bytes:
    """An AlgorithmIdentifier; `parameters` is their DER, or empty when they are absent."""
    return tlv(SEQUENCE, oid(dotted), parameters)


def hash_identifier(name: str) -> bytes:
    """The AlgorithmIdentifier of a hash function as a signer writes it, without parameters.

    Source: RFC 5754, 2; RFC 8702, 3.1.
    """
    return algorithm_identifier(HASHES[name].oid)


_NULL: Final = tlv(NULL)
_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
_ED25519: Final = "1.3.101.112"


def _accepted(family: Family) -> dict[str, str]:
    """The identifiers of a family, with hash functions of `HASHES`."""
    return {
        dotted: one.hash
        for one in SIGNATURE_ALGORITHMS
        if one.family == family and one.hash in HASHES
        for dotted in one.oids
    }


_ECDSA: Final = _accepted("ecdsa")
_RSA_PKCS1: Final = _accepted("rsa-pkcs1")
# The hash functions of our own signatures.
_SIGNING: Final = ("sha256", "sha384", "sha512")


def _pss(name: str) -> bytes:
    """RSASSA-PSS with MGF1 over the same hash function and a salt as long as the digest (RFC 4055, 3.1)."""
    function = HASHES[name]
    hashed = algorithm_identifier(function.oid, _NULL)
    parameters = tlv(
        SEQUENCE,
        context(0, hashed),
        context(1, algorithm_identifier(MGF1, hashed)),
        context(2, integer(function.size)),
    )
    return algorithm_identifier(RSASSA_PSS, parameters)


# The AlgorithmIdentifier of each scheme, the same in certificates, CRLs, OCSP answers and CMS.
SIGNATURES: Final[dict[str, bytes]] = {
    "ED25519": algorithm_identifier(_ED25519),
    **{
        f"ECDSA_{name.upper()}": algorithm_identifier(dotted)
        for dotted, name in _ECDSA.items()
        if name in _SIGNING
    },
    **{
        f"RSA_PKCS1_{name.upper()}": algorithm_identifier(dotted, _NULL)
        for dotted, name in _RSA_PKCS1.items()
        if name in _SIGNING
    },
    **{f"RSA_PSS_{name.upper()}": _pss(name) for name in _SIGNING},
}

# The digest algorithm that goes with a scheme in CMS; RFC 8419, 3.1 says SHA-512 for Ed25519.
SIGNER_DIGESTS: Final[dict[str, str]] = {
    name: "sha512" if name == "ED25519" else name.rpartition("_")[2].lower() for name in SIGNATURES
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureAlgorithm:
    """How a signature is to be verified.

    `hash` is None where the signature hashes by itself (Ed25519), and for plain rsaEncryption, which leaves
    it to the digest algorithm beside it. `salt` is the length of a PSS salt in octets; `mask` the hash
    function of its MGF1 where that is another. ``dsa``, ``ecdsa-plain`` and ``mldsa`` are in what others
    signed (`foreign_algorithms`).
    """

    padding: Literal["ecdsa", "rsa-pss", "rsa-pkcs1", "eddsa", "dsa", "ecdsa-plain", "mldsa"]
    hash: str | None = None
    salt: int | None = None
    mask: str | None = None


@asn1.sequence
class HashIdentifier:
    """AlgorithmIdentifier of a hash function, whose parameters are absent or NULL."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class MaskIdentifier:
    """AlgorithmIdentifier of MGF1."""

    algorithm: ObjectIdentifier
    parameters: HashIdentifier


@asn1.sequence
class PssParameters:
    """RSASSA-PSS-params (RFC 4055, 3.1); a field that is absent stands for SHA-1, which is not accepted."""

    hash_algorithm: Annotated[HashIdentifier | None, asn1.Explicit(0)]
    mask_algorithm: Annotated[MaskIdentifier | None, asn1.Explicit(1)]
    salt_length: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class _Elements:
    algorithm: ObjectIdentifier
    rest: asn1.Null | PssParameters | None


@asn1.sequence
class _Parts:
    parts: list[asn1.TLV]


def read_algorithm(der: bytes) -> str:
    """The object identifier in an AlgorithmIdentifier with any parameters, or none. Raises `Malformed`."""
    try:
        parts = asn1.decode_der(_Parts, tlv(SEQUENCE, der)).parts
        if 1 <= len(parts) <= 2:
            return asn1.decode_der(ObjectIdentifier, asn1.encode_der(parts[0])).dotted_string
    except ValueError as error:
        raise Malformed("This is not an AlgorithmIdentifier.") from error
    raise Malformed("This is not an AlgorithmIdentifier: it has no algorithm, or more than parameters.")


def read_hash(der: bytes) -> HashFunction:
    """The hash function that an AlgorithmIdentifier names.

    Raises `Malformed`; `Rejected` (algorithm.hash) for one that is not in `HASHES`.
    """
    try:
        found = asn1.decode_der(HashIdentifier, der)
    except ValueError as error:
        raise Malformed("This is not the AlgorithmIdentifier of a hash function.") from error
    return _hash(found.algorithm.dotted_string)


def _hash(dotted: str) -> HashFunction:
    function = HASHES_BY_OID.get(dotted)
    if function is None:
        raise Rejected(
            "algorithm.hash", f"The hash algorithm {dotted} is not accepted; use one of {', '.join(HASHES)}."
        )
    return function


def read_signature(der: bytes) -> SignatureAlgorithm:
    """How the signature is made that an AlgorithmIdentifier names.

    Raises `Malformed`; `Rejected` (algorithm.signature, algorithm.hash) for one that is not accepted.
    """
    try:
        found = asn1.decode_der(_Elements, der)
    except ValueError as error:
        raise Malformed("This is not the AlgorithmIdentifier of a known signature algorithm.") from error
    dotted, parameters = found.algorithm.dotted_string, found.rest
    if isinstance(parameters, PssParameters):
        if dotted == RSASSA_PSS:
            return _read_pss(parameters)
    elif dotted in _RSA_PKCS1:
        return SignatureAlgorithm(padding="rsa-pkcs1", hash=_RSA_PKCS1[dotted])
    elif dotted == _RSA_ENCRYPTION:
        return SignatureAlgorithm(padding="rsa-pkcs1")
    elif dotted in _ECDSA or dotted == _ED25519:
        if parameters is not None:
            raise Rejected(
                "algorithm.signature",
                f"The signature algorithm {dotted} has parameters, which ECDSA and Ed25519 do not have in "
                "CMS (RFC 5754, 3.3; RFC 8419, 2.3). Ask for a signature that names it without.",
            )
        return SignatureAlgorithm(padding="ecdsa", hash=_ECDSA[dotted]) if dotted in _ECDSA else _EDDSA
    raise Rejected(
        "algorithm.signature",
        f"The signature algorithm {dotted} is not accepted; use ECDSA or RSA with SHA-2 or SHA-3 of 256 bits "
        "and more, or Ed25519.",
    )


_EDDSA: Final = SignatureAlgorithm(padding="eddsa")


def _read_pss(parameters: PssParameters) -> SignatureAlgorithm:
    hashed, mask = parameters.hash_algorithm, parameters.mask_algorithm
    if hashed is None or mask is None or parameters.trailer not in {None, 1}:
        raise Rejected(
            "algorithm.signature", "RSASSA-PSS with SHA-1 or another trailer is not accepted; use SHA-2."
        )
    function = _hash(hashed.algorithm.dotted_string)
    if (mask.algorithm.dotted_string, mask.parameters.algorithm) != (MGF1, hashed.algorithm):
        raise Rejected(
            "algorithm.signature", "RSASSA-PSS is accepted with MGF1 over the same hash function only."
        )
    salt = 20 if parameters.salt_length is None else parameters.salt_length
    if not 0 <= salt <= 512:
        raise Malformed("An RSASSA-PSS salt of that length is not possible; it has 0 to 512 octets.")
    return SignatureAlgorithm(padding="rsa-pss", hash=function.name, salt=salt)
