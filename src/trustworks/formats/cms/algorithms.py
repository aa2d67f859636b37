"""Algorithm identifiers of CMS as `Algorithm`: every one that signers of CAdES have used, weak ones too.

Source: RFC 3370, RFC 4055, RFC 5754, RFC 5758, RFC 8419, RFC 8702, RFC 9688; BSI TR-03111.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.formats.evidence import Algorithm
from trustworks.formats.verification import HASHES_BY_OID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.der.ber import Element

_RSA_PKCS1: Final[Mapping[str, str]] = {
    "1.2.840.113549.1.1.4": "md5",
    "1.2.840.113549.1.1.5": "sha1",
    "1.3.14.3.2.29": "sha1",
    "1.2.840.113549.1.1.14": "sha224",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.113549.1.1.16": "sha512_256",
    "2.16.840.1.101.3.4.3.13": "sha3_224",
    "2.16.840.1.101.3.4.3.14": "sha3_256",
    "2.16.840.1.101.3.4.3.15": "sha3_384",
    "2.16.840.1.101.3.4.3.16": "sha3_512",
    "1.3.36.3.3.1.2": "ripemd160",
}
_ECDSA: Final[Mapping[str, str]] = {
    "1.2.840.10045.4.1": "sha1",
    "1.2.840.10045.4.3.1": "sha224",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    "2.16.840.1.101.3.4.3.9": "sha3_224",
    "2.16.840.1.101.3.4.3.10": "sha3_256",
    "2.16.840.1.101.3.4.3.11": "sha3_384",
    "2.16.840.1.101.3.4.3.12": "sha3_512",
    "1.3.36.3.3.2.2": "ripemd160",
}
_PLAIN_ECDSA: Final[Mapping[str, str]] = {
    f"0.4.0.127.0.7.1.1.4.1.{arc}": name
    for arc, name in (
        *((1, "sha1"), (2, "sha224"), (3, "sha256"), (4, "sha384"), (5, "sha512"), (6, "ripemd160")),
        *((8, "sha3_224"), (9, "sha3_256"), (10, "sha3_384"), (11, "sha3_512")),
    )
}
_DSA: Final[Mapping[str, str]] = {
    "1.2.840.10040.4.3": "sha1",
    "1.3.14.3.2.27": "sha1",
    "2.16.840.1.101.3.4.3.1": "sha224",
    "2.16.840.1.101.3.4.3.2": "sha256",
    "2.16.840.1.101.3.4.3.3": "sha384",
    "2.16.840.1.101.3.4.3.4": "sha512",
    "2.16.840.1.101.3.4.3.5": "sha3_224",
    "2.16.840.1.101.3.4.3.6": "sha3_256",
    "2.16.840.1.101.3.4.3.7": "sha3_384",
    "2.16.840.1.101.3.4.3.8": "sha3_512",
}
_EDDSA: Final = frozenset({"1.3.101.112", "1.3.101.113"})
_ML_DSA: Final = frozenset(f"2.16.840.1.101.3.4.3.{number}" for number in (17, 18, 19))
"""Pure, as RFC 9882 has it."""
# Of a key alone: the hash function is that of digestAlgorithm (RFC 3370, 3.2; RFC 5753, 2.1.1).
_OF_KEYS: Final[Mapping[str, str]] = {
    "1.2.840.113549.1.1.1": "rsa-pkcs1",
    "2.5.8.1.1": "rsa-pkcs1",
    "1.2.840.10045.2.1": "ecdsa",
    "1.2.840.10040.4.1": "dsa",
    "1.3.14.3.2.12": "dsa",
}
_RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_DEFAULT_SALT: Final = 20
_LONGEST_SALT: Final = 2048

_SCHEMES: Final[Mapping[str, Algorithm]] = {
    **{
        dotted: Algorithm(name=dotted, scheme="rsa-pkcs1", digest=name) for dotted, name in _RSA_PKCS1.items()
    },
    **{dotted: Algorithm(name=dotted, scheme="ecdsa", digest=name) for dotted, name in _ECDSA.items()},
    **{
        dotted: Algorithm(name=dotted, scheme="ecdsa", digest=name, plain=True)
        for dotted, name in _PLAIN_ECDSA.items()
    },
    **{dotted: Algorithm(name=dotted, scheme="dsa", digest=name) for dotted, name in _DSA.items()},
    **{dotted: Algorithm(name=dotted, scheme="eddsa", digest=None) for dotted in _EDDSA},
    **{dotted: Algorithm(name=dotted, scheme="mldsa", digest=None) for dotted in _ML_DSA},
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
    if dotted == _RSASSA_PSS:
        return _pss(parts[1] if len(parts) > 1 else None)
    if dotted in _OF_KEYS:
        return Algorithm(name=dotted, scheme=_OF_KEYS[dotted], digest=digest)
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
                if not generator or generator[0].oid() != _MGF1:
                    scheme = f"{_RSASSA_PSS} with another mask"
            case 0xA2:
                salt = inner[0].integer()
                if not 0 <= salt <= _LONGEST_SALT:
                    raise Malformed(f"A salt of {salt} octets is not possible in RSASSA-PSS.")
            case 0xA3 if inner[0].integer() != 1:
                scheme = f"{_RSASSA_PSS} with another trailer"
            case _:
                pass
    return Algorithm(name=_RSASSA_PSS, scheme=scheme, digest=digest, mask_digest=mask, salt=salt)
