"""The identifiers of algorithms in XML Signature, and what each means.

An identifier that is not here is unknown; one that is here without a hash function that Python computes is
known and said to be so. Whether an algorithm may still be relied on is not decided here.

Sources: XML Signature 1.1, 6; RFC 9231, 2 (with the identifiers of RFC 6931 and RFC 4051); XML Encryption,
5.7.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from cryptography.hazmat.primitives import hashes

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
DS11: Final = "http://www.w3.org/2009/xmldsig11#"
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
MORE_2021: Final = "http://www.w3.org/2021/04/xmldsig-more#"
ENC: Final = "http://www.w3.org/2001/04/xmlenc#"

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

HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        "md5": hashes.MD5(),  # noqa: S303 - recognised so that it can be told; policy decides
        "sha1": hashes.SHA1(),  # noqa: S303 - as MD5
        "sha224": hashes.SHA224(),
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
        "sha3_224": hashes.SHA3_224(),
        "sha3_256": hashes.SHA3_256(),
        "sha3_384": hashes.SHA3_384(),
        "sha3_512": hashes.SHA3_512(),
    }
)

DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        MORE + "md5": "md5",
        DS + "sha1": "sha1",
        MORE + "sha224": "sha224",
        ENC + "sha256": "sha256",
        MORE + "sha384": "sha384",
        ENC + "sha384": "sha384",
        ENC + "sha512": "sha512",
        ENC + "ripemd160": "ripemd160",
        MORE_2007 + "whirlpool": "whirlpool",
        MORE_2007 + "sha3-224": "sha3_224",
        MORE_2007 + "sha3-256": "sha3_256",
        MORE_2007 + "sha3-384": "sha3_384",
        MORE_2007 + "sha3-512": "sha3_512",
    }
)

Family = Literal["rsa-pkcs1", "rsa-pss", "ecdsa", "eddsa", "dsa"]


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


_SIZES: Final = {
    "md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64,
    "sha3_224": 28, "sha3_256": 32, "sha3_384": 48, "sha3_512": 64, "ripemd160": 20, "whirlpool": 64,
}  # fmt: skip
RSA_PSS: Final = MORE_2007 + "rsa-pss"


def _methods() -> dict[str, SignatureMethod]:
    found: list[SignatureMethod] = []

    def add(uri: str, family: Family, name: str | None, curve: str | None = None) -> None:
        salt = _SIZES[name] if family == "rsa-pss" and name is not None else None
        mask = name if family == "rsa-pss" else None
        found.append(SignatureMethod(uri=uri, family=family, hash=name, mask=mask, salt=salt, curve=curve))

    add(DS + "rsa-sha1", "rsa-pkcs1", "sha1")
    add(DS + "dsa-sha1", "dsa", "sha1")
    add(DS11 + "dsa-sha256", "dsa", "sha256")
    add(MORE + "rsa-md5", "rsa-pkcs1", "md5")
    add(MORE + "rsa-ripemd160", "rsa-pkcs1", "ripemd160")
    add(MORE + "rsa-ripemd160/", "rsa-pkcs1", "ripemd160")  # RFC 4051 printed it so in one place
    for name in ("sha224", "sha256", "sha384", "sha512"):
        add(MORE + "rsa-" + name, "rsa-pkcs1", name)
    for name in ("sha1", "sha224", "sha256", "sha384", "sha512"):
        add(MORE + "ecdsa-" + name, "ecdsa", name)
    add(MORE_2007 + "ecdsa-ripemd160", "ecdsa", "ripemd160")
    add(MORE_2007 + "ecdsa-whirlpool", "ecdsa", "whirlpool")
    for name in ("sha3_224", "sha3_256", "sha3_384", "sha3_512"):
        add(MORE_2021 + "ecdsa-" + name.replace("_", "-"), "ecdsa", name)
    for name in _SIZES:
        add(f"{MORE_2007}{name.replace('_', '-')}-rsa-MGF1", "rsa-pss", name)
    add(RSA_PSS, "rsa-pss", None)
    add(MORE_2021 + "eddsa-ed25519", "eddsa", None, "ed25519")
    add(MORE_2021 + "eddsa-ed448", "eddsa", None, "ed448")
    return {method.uri: method for method in found}


SIGNATURES: Final[Mapping[str, SignatureMethod]] = MappingProxyType(_methods())


WRITTEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{f"ECDSA_{name}": f"{MORE}ecdsa-{name.lower()}" for name in ("SHA256", "SHA384", "SHA512")},
        **{f"RSA_PKCS1_{name}": f"{MORE}rsa-{name.lower()}" for name in ("SHA256", "SHA384", "SHA512")},
        **{
            f"RSA_PSS_{name}": f"{MORE_2007}{name.lower()}-rsa-MGF1"
            for name in ("SHA256", "SHA384", "SHA512")
        },
        "ED25519": f"{MORE_2021}eddsa-ed25519",
    }
)
"""The identifier of each signature scheme that is written, by the names of `core.module`'s schemes."""

DIGEST_URIS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sha1": DS + "sha1",
        "sha224": MORE + "sha224",
        "sha256": ENC + "sha256",
        "sha384": MORE + "sha384",
        "sha512": ENC + "sha512",
        "sha3_256": MORE_2007 + "sha3-256",
        "sha3_384": MORE_2007 + "sha3-384",
        "sha3_512": MORE_2007 + "sha3-512",
    }
)
"""The identifier of each hash function whose digests are written; which may be relied on is not said here."""


def digest_size(name: str) -> int:
    """The octets that a hash function of `DIGESTS` gives."""
    return _SIZES[name]
