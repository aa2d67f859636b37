"""Signature algorithms of what others signed, weak and old ones too, for validation.

What we accept ourselves is in `algorithms`, and is less. Here an algorithm is only understood; whether it was
strong enough on the day is decided by who asks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.algorithms import (
    HASH_FUNCTIONS,
    KEY_ALGORITHMS,
    MGF1,
    RSASSA_PSS,
    SIGNATURE_ALGORITHMS,
)
from trustworks.core.der.algorithms import SignatureAlgorithm
from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE
from trustworks.core.der.values import expect, first, only, tagged
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element

_LONGEST: Final = 2048
"""Octets of an AlgorithmIdentifier; one with explicit parameters of a curve has some 300."""

HASH_NAMES: Final[dict[str, str]] = {function.oid: name for name, function in HASH_FUNCTIONS.items()}
"""Every hash function that is known by name, by object identifier; not all can be computed here."""


def _table() -> dict[str, SignatureAlgorithm]:
    found = {
        dotted: SignatureAlgorithm(padding=family, hash=None) for dotted, family in KEY_ALGORITHMS.items()
    }
    for one in SIGNATURE_ALGORITHMS:
        found |= {dotted: SignatureAlgorithm(padding=one.family, hash=one.hash) for dotted in one.oids}
        found |= {dotted: SignatureAlgorithm(padding="ecdsa-plain", hash=one.hash) for dotted in one.plain}
    return found


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
        if function != MGF1 or inner is None:
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
