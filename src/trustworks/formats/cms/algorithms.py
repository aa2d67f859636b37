"""Algorithm identifiers of CMS as `Algorithm`: every one that signers of CAdES have used, weak ones too.

Source: RFC 3370, RFC 4055, RFC 5754, RFC 5758, RFC 8419, RFC 8702, RFC 9688; BSI TR-03111.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.algorithms import KEY_ALGORITHMS, MGF1, RSASSA_PSS, SIGNATURE_ALGORITHMS
from trustworks.core.errors import Malformed
from trustworks.formats.evidence import Algorithm
from trustworks.formats.verification import HASHES_BY_OID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.der.ber import Element

_DEFAULT_SALT: Final = 20
_LONGEST_SALT: Final = 2048

_SCHEMES: Final[Mapping[str, Algorithm]] = {
    dotted: Algorithm(name=dotted, scheme=one.family, digest=one.hash, plain=dotted in one.plain)
    for one in SIGNATURE_ALGORITHMS
    for dotted in (*one.oids, *one.plain)
}


def hash_name(identifier: Element) -> str:
    """The hash function that an AlgorithmIdentifier names: its name in `HASHES`, or its OID where unknown.

    The identifier of a signature algorithm stands for its hash function. Raises `Malformed`.
    """
    parts = identifier.children()
    if not parts:
        raise Malformed(f"The AlgorithmIdentifier at octet {identifier.start} is empty.")
    dotted = parts[0].oid()
    known = HASHES_BY_OID.get(dotted)
    if known is None and dotted in _SCHEMES:
        known = _SCHEMES[dotted].digest
    return known or dotted


def signature_algorithm(identifier: Element, digest: str) -> Algorithm:
    """The scheme that an AlgorithmIdentifier names; `digest` is what digestAlgorithm says beside it.

    A scheme that is not known is called by its OID. Raises `Malformed`.
    """
    parts = identifier.children()
    if not parts:
        raise Malformed(f"The AlgorithmIdentifier at octet {identifier.start} is empty.")
    dotted = parts[0].oid()
    known = _SCHEMES.get(dotted)
    if known is not None:
        return known
    if dotted == RSASSA_PSS:
        return _pss(parts[1] if len(parts) > 1 else None)
    if dotted in KEY_ALGORITHMS:  # of a key alone (RFC 3370, 3.2; RFC 5753, 2.1.1)
        return Algorithm(name=dotted, scheme=KEY_ALGORITHMS[dotted], digest=digest)
    return Algorithm(name=dotted, scheme=dotted, digest=digest)


def _pss(parameters: Element | None) -> Algorithm:
    """RSASSA-PSS-params; the defaults are SHA-1, MGF1 with SHA-1, 20 octets (RFC 4055, 3.1)."""
    digest = mask = "sha1"
    salt = _DEFAULT_SALT
    scheme = "rsa-pss"
    fields = parameters.children() if parameters is not None and parameters.constructed else []
    for one in fields:
        inner = one.children()
        if not inner:
            raise Malformed(f"The parameters of RSASSA-PSS at octet {one.start} are not complete.")
        match one.tag:
            case 0xA0:
                digest = hash_name(inner[0])
            case 0xA1:
                generator = inner[0].children()
                mask = hash_name(generator[1]) if len(generator) > 1 else "sha1"
                if not generator or generator[0].oid() != MGF1:
                    scheme = f"{RSASSA_PSS} with another mask"
            case 0xA2:
                salt = inner[0].integer()
                if not 0 <= salt <= _LONGEST_SALT:
                    raise Malformed(f"A salt of {salt} octets is not possible in RSASSA-PSS.")
            case 0xA3 if inner[0].integer() != 1:
                scheme = f"{RSASSA_PSS} with another trailer"
            case _:
                pass
    return Algorithm(name=RSASSA_PSS, scheme=scheme, digest=digest, mask_digest=mask, salt=salt)
