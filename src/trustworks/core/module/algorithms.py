"""Key algorithms and signature schemes as tables: what a key is, and how data becomes a signature."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trustworks.core.errors import Rejected
from trustworks.core.module.constants import Mechanism, Mgf

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Family = Literal["ec", "rsa", "ed25519"]
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


class KeyAlgorithm(enum.Enum):
    """The kinds of keys that Trustworks generates and uses; the value is the name that people type."""

    P256 = "P-256"
    P384 = "P-384"
    P521 = "P-521"
    BRAINPOOL_P256 = "brainpoolP256r1"
    BRAINPOOL_P384 = "brainpoolP384r1"
    BRAINPOOL_P512 = "brainpoolP512r1"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    ED25519 = "Ed25519"

    __hash__ = object.__hash__  # members are single objects; Enum's own hash costs a Python call

    @property
    def family(self) -> Family:
        """How signatures are made: elliptic curve, RSA or Ed25519."""
        if self is KeyAlgorithm.ED25519:
            return "ed25519"
        return "rsa" if self.value.startswith("RSA") else "ec"

    @property
    def bits(self) -> int:
        """The modulus' length for RSA, the field's length for curves."""
        return 255 if self is KeyAlgorithm.ED25519 else _BITS[self]


_BITS: Final = {
    KeyAlgorithm.P256: 256,
    KeyAlgorithm.P384: 384,
    KeyAlgorithm.P521: 521,
    KeyAlgorithm.BRAINPOOL_P256: 256,
    KeyAlgorithm.BRAINPOOL_P384: 384,
    KeyAlgorithm.BRAINPOOL_P512: 512,
    KeyAlgorithm.RSA_2048: 2048,
    KeyAlgorithm.RSA_3072: 3072,
    KeyAlgorithm.RSA_4096: 4096,
}

CURVES: Final[dict[KeyAlgorithm, type[ec.EllipticCurve]]] = {
    KeyAlgorithm.P256: ec.SECP256R1,
    KeyAlgorithm.P384: ec.SECP384R1,
    KeyAlgorithm.P521: ec.SECP521R1,
    KeyAlgorithm.BRAINPOOL_P256: ec.BrainpoolP256R1,
    KeyAlgorithm.BRAINPOOL_P384: ec.BrainpoolP384R1,
    KeyAlgorithm.BRAINPOOL_P512: ec.BrainpoolP512R1,
}

# CKA_EC_PARAMS: the curve's OBJECT IDENTIFIER in DER. Ed25519: the PrintableString that PKCS#11 3.0 (6.3.1)
# names for Edwards keys, which SoftHSM2 2.6.1 writes too.
EC_PARAMETERS: Final[dict[KeyAlgorithm, bytes]] = {
    KeyAlgorithm.P256: bytes.fromhex("06082a8648ce3d030107"),
    KeyAlgorithm.P384: bytes.fromhex("06052b81040022"),
    KeyAlgorithm.P521: bytes.fromhex("06052b81040023"),
    KeyAlgorithm.BRAINPOOL_P256: bytes.fromhex("06092b2403030208010107"),
    KeyAlgorithm.BRAINPOOL_P384: bytes.fromhex("06092b240303020801010b"),
    KeyAlgorithm.BRAINPOOL_P512: bytes.fromhex("06092b240303020801010d"),
    KeyAlgorithm.ED25519: bytes.fromhex("130c656477617264733235353139"),
}


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash function by the names that hashlib, `cryptography` and PKCS#11 give it."""

    name: str
    algorithm: hashes.HashAlgorithm
    mechanism: Mechanism
    mask: Mgf
    digest_info: bytes  # RFC 8017, 9.2, note 1: what precedes the digest in PKCS#1 v1.5


SHA256: Final = Hash(
    "sha256",
    hashes.SHA256(),
    Mechanism.SHA256,
    Mgf.SHA256,
    bytes.fromhex("3031300d060960864801650304020105000420"),
)
SHA384: Final = Hash(
    "sha384",
    hashes.SHA384(),
    Mechanism.SHA384,
    Mgf.SHA384,
    bytes.fromhex("3041300d060960864801650304020205000430"),
)
SHA512: Final = Hash(
    "sha512",
    hashes.SHA512(),
    Mechanism.SHA512,
    Mgf.SHA512,
    bytes.fromhex("3051300d060960864801650304020305000440"),
)

Padding = Literal["ecdsa", "rsa-pss", "rsa-pkcs1", "eddsa"]


class SignatureScheme(enum.Enum):
    """How a signature is made; the name is the key of `core.der.algorithms`."""

    ECDSA_SHA256 = ("ecdsa", SHA256)
    ECDSA_SHA384 = ("ecdsa", SHA384)
    ECDSA_SHA512 = ("ecdsa", SHA512)
    RSA_PSS_SHA256 = ("rsa-pss", SHA256)
    RSA_PSS_SHA384 = ("rsa-pss", SHA384)
    RSA_PSS_SHA512 = ("rsa-pss", SHA512)
    RSA_PKCS1_SHA256 = ("rsa-pkcs1", SHA256)
    RSA_PKCS1_SHA384 = ("rsa-pkcs1", SHA384)
    RSA_PKCS1_SHA512 = ("rsa-pkcs1", SHA512)
    ED25519 = ("eddsa", None)

    __hash__ = object.__hash__

    @property
    def padding(self) -> Padding:
        """The signature's construction."""
        padding: Padding = self.value[0]
        return padding

    @property
    def hash(self) -> Hash | None:
        """The hash function; None where the construction hashes by itself (Ed25519)."""
        found: Hash | None = self.value[1]
        return found

    @property
    def family(self) -> Family:
        """The family of keys that the scheme is for."""
        return _FAMILY[self.padding]


_FAMILY: Final[dict[Padding, Family]] = {
    "ecdsa": "ec",
    "rsa-pss": "rsa",
    "rsa-pkcs1": "rsa",
    "eddsa": "ed25519",
}

# The scheme of a key that says nothing else: the hash as strong as the key.
DEFAULT_SCHEME: Final[dict[KeyAlgorithm, SignatureScheme]] = {
    KeyAlgorithm.P256: SignatureScheme.ECDSA_SHA256,
    KeyAlgorithm.P384: SignatureScheme.ECDSA_SHA384,
    KeyAlgorithm.P521: SignatureScheme.ECDSA_SHA512,
    KeyAlgorithm.BRAINPOOL_P256: SignatureScheme.ECDSA_SHA256,
    KeyAlgorithm.BRAINPOOL_P384: SignatureScheme.ECDSA_SHA384,
    KeyAlgorithm.BRAINPOOL_P512: SignatureScheme.ECDSA_SHA512,
    KeyAlgorithm.RSA_2048: SignatureScheme.RSA_PSS_SHA256,
    KeyAlgorithm.RSA_3072: SignatureScheme.RSA_PSS_SHA256,
    KeyAlgorithm.RSA_4096: SignatureScheme.RSA_PSS_SHA512,
    KeyAlgorithm.ED25519: SignatureScheme.ED25519,
}


_CURVE_NAMES: Final[dict[str, str]] = {curve().name: algorithm.value for algorithm, curve in CURVES.items()}


def algorithm_of(key: PublicKey) -> KeyAlgorithm:
    """The algorithm of a public key; `Rejected` for a kind that Trustworks does not use."""
    match key:
        case ed25519.Ed25519PublicKey():
            return KeyAlgorithm.ED25519
        case rsa.RSAPublicKey():
            name = f"RSA-{key.key_size}"
        case _:
            name = _CURVE_NAMES.get(key.curve.name, key.curve.name)
    try:
        return KeyAlgorithm(name)
    except ValueError:
        known = ", ".join(algorithm.value for algorithm in KeyAlgorithm)
        raise Rejected(
            "module.key-algorithm", f"Trustworks does not use {name} keys; use one of {known}."
        ) from None


def check_signature(key: PublicKeyTypes, named: str, signature: bytes, body: bytes) -> None:
    """Raise InvalidSignature unless the key signed `body` by the scheme of that name; KeyError: no scheme."""
    scheme = SignatureScheme[named]
    if scheme.hash is None:
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise InvalidSignature
        key.verify(signature, body)
        return
    algorithm = scheme.hash.algorithm
    match scheme.padding, key:
        case "ecdsa", ec.EllipticCurvePublicKey():
            key.verify(signature, body, ec.ECDSA(algorithm))
        case "rsa-pss", rsa.RSAPublicKey():
            pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            key.verify(signature, body, pss, algorithm)
        case "rsa-pkcs1", rsa.RSAPublicKey():
            key.verify(signature, body, padding.PKCS1v15(), algorithm)
        case _:
            raise InvalidSignature
