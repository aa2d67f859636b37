"""The algorithms of signatures, once: what each is called in ASN.1, in XML and in JSON.

Every syntax reads its names from here. That an algorithm is listed says that it is understood when others
used it, weak ones too: which may be used, and until when, is said elsewhere (`core.module.agreed`, policies).

Source: RFC 3370, RFC 4055, RFC 5754, RFC 5758, RFC 8410, RFC 8702, RFC 9688, RFC 9882, BSI TR-03111 (OIDs);
XML Signature 1.1, XML Encryption, RFC 9231 (URIs); RFC 7518, RFC 8037, RFC 8812, RFC 9864 (JWA);
TS 119 182-1, 5.2.2.2 (digAlg).
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

Family = Literal["rsa-pkcs1", "rsa-pss", "ecdsa", "dsa", "eddsa", "mldsa"]
"""How a value is made; the kind of key goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HashFunction:
    """A hash function: hashlib's name for it, its object identifier, its digest's octets.

    `uris` are its identifiers in XML, the one that is written first; `jades` its name in digAlg.
    """

    name: str
    oid: str
    size: int
    uris: tuple[str, ...] = ()
    jades: str | None = None


_NIST: Final = "2.16.840.1.101.3.4.2"
HASH_FUNCTIONS: Final[Mapping[str, HashFunction]] = MappingProxyType(
    {
        name: HashFunction(name=name, oid=oid, size=size, uris=uris, jades=jades)
        for name, oid, size, uris, jades in (
            ("md2", "1.2.840.113549.2.2", 16, (), None),
            ("md4", "1.2.840.113549.2.4", 16, (), None),
            ("md5", "1.2.840.113549.2.5", 16, (MORE + "md5",), None),
            ("ripemd128", "1.3.36.3.2.2", 16, (), None),
            ("ripemd160", "1.3.36.3.2.1", 20, (ENC + "ripemd160",), None),
            ("sha1", "1.3.14.3.2.26", 20, (DS + "sha1",), "S1"),
            ("sha224", f"{_NIST}.4", 28, (MORE + "sha224",), "S224"),
            ("sha256", f"{_NIST}.1", 32, (ENC + "sha256",), "S256"),
            ("sha384", f"{_NIST}.2", 48, (MORE + "sha384", ENC + "sha384"), "S384"),
            ("sha512", f"{_NIST}.3", 64, (ENC + "sha512",), "S512"),
            ("sha512_224", f"{_NIST}.5", 28, (), None),
            ("sha512_256", f"{_NIST}.6", 32, (), None),
            ("sha3_224", f"{_NIST}.7", 28, (MORE_2007 + "sha3-224",), "S3-224"),
            ("sha3_256", f"{_NIST}.8", 32, (MORE_2007 + "sha3-256",), "S3-256"),
            ("sha3_384", f"{_NIST}.9", 48, (MORE_2007 + "sha3-384",), "S3-384"),
            ("sha3_512", f"{_NIST}.10", 64, (MORE_2007 + "sha3-512",), "S3-512"),
            ("whirlpool", "1.0.10118.3.0.55", 64, (MORE_2007 + "whirlpool",), None),
        )
    }
)
"""Every hash function that is known by name; not all can be computed here."""

COMPUTED: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        "md5": hashes.MD5(),  # noqa: S303 - read, never made: policy decides
        "sha1": hashes.SHA1(),  # noqa: S303 - as MD5
        "sha224": hashes.SHA224(),
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
        "sha512_256": hashes.SHA512_256(),
        "sha3_224": hashes.SHA3_224(),
        "sha3_256": hashes.SHA3_256(),
        "sha3_384": hashes.SHA3_384(),
        "sha3_512": hashes.SHA3_512(),
    }
)
"""Those with which the library verifies signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A signature algorithm: its family and its hash function, and its names in each syntax.

    `hash` is None where the family has its own (EdDSA, ML-DSA). `oids` are of values in DER, `plain` of
    ECDSA whose two numbers stand side by side, as they do behind all `uris` and `jwas`. `uris` and `jwas`:
    the one that is written first. `curve` is that of an EdDSA name that says it.
    """

    family: Family
    hash: str | None
    oids: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    jwas: tuple[str, ...] = ()
    curve: str | None = None


_PKCS1: Final = "1.2.840.113549.1.1"
_NIST_SIGNATURES: Final = "2.16.840.1.101.3.4.3"
_PLAIN: Final = "0.4.0.127.0.7.1.1.4.1"


def _rsa(name: str, *oids: str, uris: tuple[str, ...] = (), jwas: tuple[str, ...] = ()) -> Signing:
    return Signing(family="rsa-pkcs1", hash=name, oids=oids, uris=uris, jwas=jwas)


def _ecdsa(name: str, *oids: str, plain: int = 0, uri: str, jwas: tuple[str, ...] = ()) -> Signing:
    side_by_side = (f"{_PLAIN}.{plain}",) if plain else ()
    return Signing(family="ecdsa", hash=name, oids=oids, plain=side_by_side, uris=(uri,), jwas=jwas)


def _pss(function: HashFunction) -> Signing:
    """RSASSA-PSS is one OID with parameters, and an identifier for each hash function elsewhere."""
    uri = f"{MORE_2007}{function.name.replace('_', '-')}-rsa-MGF1"
    jwas = {"sha256": ("PS256",), "sha384": ("PS384",), "sha512": ("PS512",)}.get(function.name, ())
    return Signing(family="rsa-pss", hash=function.name, uris=(uri,), jwas=jwas)


_SHA3: Final = ("sha3_224", "sha3_256", "sha3_384", "sha3_512")

SIGNATURE_ALGORITHMS: Final[tuple[Signing, ...]] = (
    _rsa("md2", f"{_PKCS1}.2"),
    _rsa("md4", f"{_PKCS1}.3"),
    _rsa("md5", f"{_PKCS1}.4", uris=(MORE + "rsa-md5",)),
    # Of OIW, before PKCS #1.
    _rsa("sha1", f"{_PKCS1}.5", "1.3.14.3.2.29", uris=(DS + "rsa-sha1",)),
    _rsa("sha224", f"{_PKCS1}.14", uris=(MORE + "rsa-sha224",)),
    _rsa("sha256", f"{_PKCS1}.11", uris=(MORE + "rsa-sha256",), jwas=("RS256",)),
    _rsa("sha384", f"{_PKCS1}.12", uris=(MORE + "rsa-sha384",), jwas=("RS384",)),
    _rsa("sha512", f"{_PKCS1}.13", uris=(MORE + "rsa-sha512",), jwas=("RS512",)),
    _rsa("sha512_224", f"{_PKCS1}.15"),
    _rsa("sha512_256", f"{_PKCS1}.16"),
    # RFC 4051 printed its URI with a slash in one place.
    _rsa("ripemd160", "1.3.36.3.3.1.2", uris=(MORE + "rsa-ripemd160", MORE + "rsa-ripemd160/")),
    *(_rsa(name, f"{_NIST_SIGNATURES}.{arc}") for arc, name in enumerate(_SHA3, 13)),
    *(_pss(function) for function in HASH_FUNCTIONS.values() if function.uris),
    _ecdsa("sha1", "1.2.840.10045.4.1", plain=1, uri=MORE + "ecdsa-sha1"),
    _ecdsa("sha224", "1.2.840.10045.4.3.1", plain=2, uri=MORE + "ecdsa-sha224"),
    _ecdsa(
        "sha256",
        "1.2.840.10045.4.3.2",
        plain=3,
        uri=MORE + "ecdsa-sha256",
        jwas=("ES256", "ES256K", "ESB256"),
    ),
    _ecdsa(
        "sha384",
        "1.2.840.10045.4.3.3",
        plain=4,
        uri=MORE + "ecdsa-sha384",
        jwas=("ES384", "ESB320", "ESB384"),
    ),
    _ecdsa("sha512", "1.2.840.10045.4.3.4", plain=5, uri=MORE + "ecdsa-sha512", jwas=("ES512", "ESB512")),
    _ecdsa("ripemd160", "1.3.36.3.3.2.2", plain=6, uri=MORE_2007 + "ecdsa-ripemd160"),
    _ecdsa("whirlpool", uri=MORE_2007 + "ecdsa-whirlpool"),
    *(
        _ecdsa(
            name,
            f"{_NIST_SIGNATURES}.{arc}",
            plain=arc - 1,
            uri=f"{MORE_2021}ecdsa-{name.replace('_', '-')}",
        )
        for arc, name in enumerate(_SHA3, 9)
    ),
    Signing(family="dsa", hash="sha1", oids=("1.2.840.10040.4.3", "1.3.14.3.2.27"), uris=(DS + "dsa-sha1",)),
    Signing(family="dsa", hash="sha224", oids=(f"{_NIST_SIGNATURES}.1",)),
    Signing(family="dsa", hash="sha256", oids=(f"{_NIST_SIGNATURES}.2",), uris=(DS11 + "dsa-sha256",)),
    Signing(family="dsa", hash="sha384", oids=(f"{_NIST_SIGNATURES}.3",)),
    Signing(family="dsa", hash="sha512", oids=(f"{_NIST_SIGNATURES}.4",)),
    *(
        Signing(family="dsa", hash=name, oids=(f"{_NIST_SIGNATURES}.{arc}",))
        for arc, name in enumerate(_SHA3, 5)
    ),
    Signing(
        family="eddsa",
        hash=None,
        oids=("1.3.101.112",),
        uris=(MORE_2021 + "eddsa-ed25519",),
        jwas=("Ed25519",),
        curve="ed25519",
    ),
    Signing(
        family="eddsa",
        hash=None,
        oids=("1.3.101.113",),
        uris=(MORE_2021 + "eddsa-ed448",),
        jwas=("Ed448",),
        curve="ed448",
    ),
    Signing(family="eddsa", hash=None, jwas=("EdDSA",)),
    *(Signing(family="mldsa", hash=None, oids=(f"{_NIST_SIGNATURES}.{arc}",)) for arc in (17, 18, 19)),
)

KEY_ALGORITHMS: Final[Mapping[str, Family]] = MappingProxyType(
    {
        f"{_PKCS1}.1": "rsa-pkcs1",
        "2.5.8.1.1": "rsa-pkcs1",
        "1.2.840.10045.2.1": "ecdsa",
        "1.2.840.10040.4.1": "dsa",
        "1.3.14.3.2.12": "dsa",
    }
)
"""Identifiers of keys, which some write in place of the algorithm: the hash function is told beside them."""

RSASSA_PSS: Final = f"{_PKCS1}.10"
MGF1: Final = f"{_PKCS1}.8"


def uri_of(family: Family, hash_name: str | None, curve: str | None = None) -> str:
    """The identifier that is written in XML. Raises LookupError where there is none."""
    wanted = (family, hash_name, curve)
    return next(one.uris[0] for one in SIGNATURE_ALGORITHMS if (one.family, one.hash, one.curve) == wanted)
