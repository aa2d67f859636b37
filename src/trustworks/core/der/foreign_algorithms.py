"""Signature algorithms of what others signed, weak and old ones too, for validation.

What we accept ourselves is in `algorithms`, and is less. Here an algorithm is only understood; whether it was
strong enough on the day is decided by who asks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der.algorithms import HASHES_BY_OID, SignatureAlgorithm
from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE
from trustworks.core.der.values import expect, first, only, tagged
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element

RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_LONGEST: Final = 2048
"""Octets of an AlgorithmIdentifier; one with explicit parameters of a curve has some 300."""

LEGACY_HASHES: Final[dict[str, str]] = {
    "1.2.840.113549.2.2": "md2",
    "1.2.840.113549.2.4": "md4",
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "1.3.36.3.2.1": "ripemd160",
    "1.3.36.3.2.2": "ripemd128",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.5": "sha512_224",
    "2.16.840.1.101.3.4.2.7": "sha3_224",
    "1.0.10118.3.0.55": "whirlpool",
}
"""Hash functions that nothing new may use, by object identifier; not all can be computed here."""

HASH_NAMES: Final[dict[str, str]] = {
    **{oid: function.name for oid, function in HASHES_BY_OID.items()},
    **LEGACY_HASHES,
}
"""Every hash function that is known by name, by object identifier."""


def _table() -> dict[str, SignatureAlgorithm]:
    rows: list[tuple[str, str, str | None]] = [
        ("1.3.101.112", "eddsa", None),
        ("1.3.101.113", "eddsa", None),
        ("2.16.840.1.101.3.4.3.17", "mldsa", None),
        ("2.16.840.1.101.3.4.3.18", "mldsa", None),
        ("2.16.840.1.101.3.4.3.19", "mldsa", None),
        ("1.2.840.113549.1.1.1", "rsa-pkcs1", None),
        ("1.2.840.113549.1.1.2", "rsa-pkcs1", "md2"),
        ("1.2.840.113549.1.1.3", "rsa-pkcs1", "md4"),
        ("1.2.840.113549.1.1.4", "rsa-pkcs1", "md5"),
        ("1.2.840.113549.1.1.5", "rsa-pkcs1", "sha1"),
        ("1.3.14.3.2.29", "rsa-pkcs1", "sha1"),  # of OIW, before PKCS #1
        ("1.2.840.113549.1.1.11", "rsa-pkcs1", "sha256"),
        ("1.2.840.113549.1.1.12", "rsa-pkcs1", "sha384"),
        ("1.2.840.113549.1.1.13", "rsa-pkcs1", "sha512"),
        ("1.2.840.113549.1.1.14", "rsa-pkcs1", "sha224"),
        ("1.2.840.113549.1.1.15", "rsa-pkcs1", "sha512_224"),
        ("1.2.840.113549.1.1.16", "rsa-pkcs1", "sha512_256"),
        ("1.3.36.3.3.1.2", "rsa-pkcs1", "ripemd160"),
        ("1.2.840.10045.2.1", "ecdsa", None),  # the key's own identifier, which some write into CMS
        ("1.2.840.10045.4.1", "ecdsa", "sha1"),
        ("1.2.840.10040.4.1", "dsa", None),
        ("1.2.840.10040.4.3", "dsa", "sha1"),
        ("1.3.14.3.2.27", "dsa", "sha1"),
    ]
    sha2, sha3 = ("sha224", "sha256", "sha384", "sha512"), ("sha3_224", "sha3_256", "sha3_384", "sha3_512")
    rows += [(f"1.2.840.10045.4.3.{arc}", "ecdsa", name) for arc, name in enumerate(sha2, 1)]
    rows += [(f"2.16.840.1.101.3.4.3.{arc}", "dsa", name) for arc, name in enumerate((*sha2, *sha3), 1)]
    rows += [(f"2.16.840.1.101.3.4.3.{arc}", "ecdsa", name) for arc, name in enumerate(sha3, 9)]
    rows += [(f"2.16.840.1.101.3.4.3.{arc}", "rsa-pkcs1", name) for arc, name in enumerate(sha3, 13)]
    # BSI TR-03111, 5.2.1.1: the two numbers side by side.
    plain = ("sha1", *sha2, "ripemd160")
    rows += [(f"0.4.0.127.0.7.1.1.4.1.{arc}", "ecdsa-plain", name) for arc, name in enumerate(plain, 1)]
    return {oid: SignatureAlgorithm(padding=padding, hash=name) for oid, padding, name in rows}  # type: ignore[arg-type]  # words of the table


_BY_OID: Final = _table()


def read_foreign_signature(der: bytes) -> SignatureAlgorithm:
    """How the signature is made that an AlgorithmIdentifier names, however weak.

    Raises `Malformed`; `Rejected` (algorithm.signature) for one that is not known.
    """
    if len(der) > _LONGEST:
        raise Malformed(f"An AlgorithmIdentifier of {len(der)} octets is longer than any there is.")
    return _read(der)


@lru_cache(maxsize=512)
def _read(der: bytes) -> SignatureAlgorithm:
    oid, parameters = _parts(only(der, SEQUENCE))
    if oid == RSASSA_PSS:
        return _pss(parameters)
    found = _BY_OID.get(oid)
    if found is None:
        raise Rejected(
            "algorithm.signature", f"The signature algorithm {oid} is not known; ask for another signature."
        )
    return found


def _parts(holder: Element) -> tuple[str, Element | None]:
    """The identifier and the parameters of an AlgorithmIdentifier."""
    parts = expect(holder, SEQUENCE).children()
    if not 1 <= len(parts) <= 2:
        raise Malformed("An AlgorithmIdentifier has an identifier, and parameters at most.")
    return expect(parts[0], OBJECT_IDENTIFIER).oid(), parts[1] if len(parts) == 2 else None


def _pss(parameters: Element | None) -> SignatureAlgorithm:
    """RSASSA-PSS-params; what is absent stands for SHA-1, and a salt as long (RFC 4055, 3.1)."""
    parts = parameters.children() if parameters is not None and parameters.tag == SEQUENCE else []
    hashed, masked, salt = (tagged(parts, 0xA0 | number) for number in range(3))
    name = mask = "sha1"
    if hashed is not None:
        name = _hash(_parts(first(hashed))[0])
    if masked is not None:
        function, inner = _parts(first(masked))
        if function != _MGF1 or inner is None:
            raise Rejected("algorithm.signature", "RSASSA-PSS with another mask than MGF1 is not known.")
        mask = _hash(_parts(inner)[0])
    length = 20
    if salt is not None:
        length = first(salt).integer()
    if not 0 <= length <= 512:
        raise Malformed("An RSASSA-PSS salt of that length is not possible; it has 0 to 512 octets.")
    return SignatureAlgorithm(padding="rsa-pss", hash=name, salt=length, mask=None if mask == name else mask)


def _hash(oid: str) -> str:
    name = HASH_NAMES.get(oid)
    if name is None:
        raise Rejected("algorithm.signature", f"The hash algorithm {oid} is not known.")
    return name
