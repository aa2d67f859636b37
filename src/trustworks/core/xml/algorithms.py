"""The identifiers of algorithms in XML Signature, and what each means.

An identifier that is not here is unknown; one that is here without a hash function that Python computes is
known and said to be so. Whether an algorithm may still be relied on is not decided here.

Sources: XML Signature 1.1, 6; RFC 9231, 2 (with the identifiers of RFC 6931 and RFC 4051); XML Encryption,
5.7.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core import algorithms
from trustworks.core.algorithms import COMPUTED, HASH_FUNCTIONS, SIGNATURE_ALGORITHMS, uri_of
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.algorithms import Family

# The name spaces of identifiers.
DS: Final = algorithms.DS
DS11: Final = algorithms.DS11
MORE: Final = algorithms.MORE
MORE_2007: Final = algorithms.MORE_2007
MORE_2021: Final = algorithms.MORE_2021
ENC: Final = algorithms.ENC

# Transforms and canonicalisation (XML Signature 1.1, 6.5 and 6.6).
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_COMMENTS: Final = C14N + "#WithComments"
C14N11: Final = "http://www.w3.org/2006/12/xml-c14n11"
C14N11_COMMENTS: Final = C14N11 + "#WithComments"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_COMMENTS: Final = EXCLUSIVE + "WithComments"
BASE64: Final = DS + "base64"
ENVELOPED: Final = DS + "enveloped-signature"
XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH_FILTER2: Final = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT: Final = "http://www.w3.org/TR/1999/REC-xslt-19991116"

# Types of references (XML Signature 1.1, 4.4.3.1 and 5.1).
TYPE_OBJECT: Final = DS + "Object"
TYPE_MANIFEST: Final = DS + "Manifest"

HASHES: Final = COMPUTED

DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {uri: name for name, function in HASH_FUNCTIONS.items() for uri in function.uris}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureMethod:
    """A signature algorithm: its family and hash function; of RSA-PSS the mask's hash function and the salt.

    `hash` is None for EdDSA, whose curves name their own, and for RSA-PSS while its parameters are not read;
    `curve` is that of an EdDSA identifier; `salt` is in octets, None as `hash`.
    """

    uri: str
    family: Family
    hash: str | None
    mask: str | None = None
    salt: int | None = None
    curve: str | None = None


RSA_PSS: Final = MORE_2007 + "rsa-pss"


def _methods() -> dict[str, SignatureMethod]:
    """Those of the table, and RSA-PSS with parameters of its own, which are not read yet."""
    found = [SignatureMethod(uri=RSA_PSS, family="rsa-pss", hash=None)]
    for one in SIGNATURE_ALGORITHMS:
        mask = one.hash if one.family == "rsa-pss" else None
        salt = None if mask is None else digest_size(mask)
        found += [
            SignatureMethod(uri=uri, family=one.family, hash=one.hash, mask=mask, salt=salt, curve=one.curve)
            for uri in one.uris
        ]
    return {method.uri: method for method in found}


def digest_size(name: str) -> int:
    """The octets that a hash function of `DIGESTS` gives."""
    return HASH_FUNCTIONS[name].size


SIGNATURES: Final[Mapping[str, SignatureMethod]] = MappingProxyType(_methods())


_FAMILIES: Final[Mapping[str, Family]] = {
    "ECDSA": "ecdsa",
    "RSA_PKCS1": "rsa-pkcs1",
    "RSA_PSS": "rsa-pss",
}
WRITTEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{
            f"{scheme}_{name.upper()}": uri_of(family, name)
            for scheme, family in _FAMILIES.items()
            for name in ("sha256", "sha384", "sha512")
        },
        "ED25519": uri_of("eddsa", None, "ed25519"),
    }
)
"""The identifier of each signature scheme that is written, by the names of `core.module`'s schemes."""

_DIGESTED: Final = ("sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
DIGEST_URIS: Final[Mapping[str, str]] = MappingProxyType(
    {name: HASH_FUNCTIONS[name].uris[0] for name in _DIGESTED}
)
"""The identifier of each hash function whose digests are written; which may be relied on is not said here."""
