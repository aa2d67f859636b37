"""Private key objects for `cryptography`'s builders, whose private part stays in the module.

The builders accept subclasses of the library's own abstract classes only. They do not verify what `sign`
answers, and do not compare curve and key; `Key.sign` verifies, and everything else here comes from the public
key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asymmetric_utils

from trustworks.core.errors import Refused, Rejected
from trustworks.core.module.algorithms import SignatureScheme

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import serialization
    from cryptography.utils import Buffer

    from trustworks.core.module.key import Key

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def _stays() -> NoReturn:
    raise Refused(
        "TRUSTWORKS:MODULE-KEY-INSIDE",
        "A private key of the module cannot be read, copied out or used to decrypt.",
    )


class _InModule:
    """What the three kinds have in common."""

    def __init__(self, key: Key, scheme: SignatureScheme | None) -> None:
        self._key = key
        self._scheme = scheme

    def _signed(self, data: Buffer, scheme: SignatureScheme) -> bytes:
        if self._scheme is not None and self._scheme is not scheme:
            raise Rejected(
                "module.scheme",
                f"{self._key!r} was handed out for {self._scheme.name} only, "
                f"and {scheme.name} was asked for.",
            )
        return self._key.sign(bytes(data), scheme)

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,  # noqa: A002 - the name that `cryptography` gives
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> bytes:
        """Refused: the private key does not leave the module."""
        del encoding, format, encryption_algorithm
        _stays()


def _scheme(padding_name: str, algorithm: object) -> SignatureScheme:
    if isinstance(algorithm, hashes.HashAlgorithm):
        name = f"{padding_name}_{algorithm.name.upper()}"
        if name in SignatureScheme.__members__:
            return SignatureScheme[name]
    if isinstance(algorithm, asymmetric_utils.Prehashed):
        raise Rejected(
            "module.scheme",
            "This key object signs data, not digests made elsewhere; hand over the data.",
        )
    raise Rejected(
        "module.scheme", f"Trustworks does not sign with the hash function {algorithm!r}; use SHA-256."
    )


class ModuleECPrivateKey(_InModule, ec.EllipticCurvePrivateKey):
    """An elliptic-curve key in the module."""

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """An Ecdsa-Sig-Value in DER."""
        return self._signed(data, _scheme("ECDSA", signature_algorithm.algorithm))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Refused: signature keys agree on no secrets."""
        del algorithm, peer_public_key
        _stays()

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        key = self._key.public_key
        assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 - `adapt` chose the class by it
        return key

    @property
    def curve(self) -> ec.EllipticCurve:
        """The public key's curve."""
        return self.public_key().curve

    @property
    def key_size(self) -> int:
        """Bits of the curve's field."""
        return self.public_key().key_size

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """Refused: the private key does not leave the module."""
        _stays()

    def __copy__(self) -> ModuleECPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> ModuleECPrivateKey:
        return self


class ModuleRSAPrivateKey(_InModule, rsa.RSAPrivateKey):
    """An RSA key in the module."""

    def sign(
        self,
        data: Buffer,
        padding: padding.AsymmetricPadding,  # noqa: A002,RUF100 - the name that `cryptography` gives
        algorithm: asymmetric_utils.Prehashed | hashes.HashAlgorithm | asymmetric_utils.NoDigestInfo,
    ) -> bytes:
        """As many octets as the modulus."""
        return self._signed(data, _rsa_scheme(padding, algorithm))

    def decrypt(self, ciphertext: Buffer, padding: padding.AsymmetricPadding) -> bytes:
        """Refused: signature keys do not decrypt."""
        del ciphertext, padding
        _stays()

    def public_key(self) -> rsa.RSAPublicKey:
        """The public key."""
        key = self._key.public_key
        assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101 - `adapt` chose the class by it
        return key

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self.public_key().key_size

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        """Refused: the private key does not leave the module."""
        _stays()

    def __copy__(self) -> ModuleRSAPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> ModuleRSAPrivateKey:
        return self


def _rsa_scheme(scheme: padding.AsymmetricPadding, algorithm: object) -> SignatureScheme:
    if isinstance(scheme, padding.PKCS1v15):
        return _scheme("RSA_PKCS1", algorithm)
    if isinstance(scheme, padding.PSS):
        found = _scheme("RSA_PSS", algorithm)
        size = found.hash.algorithm.digest_size if found.hash else 0
        if scheme._salt_length not in {size, padding.PSS.DIGEST_LENGTH}:  # noqa: SLF001 - has no public reader
            raise Rejected(
                "module.scheme", "RSA-PSS is made with a salt as long as the digest; use PSS.DIGEST_LENGTH."
            )
        mask = scheme.mgf._algorithm.name if isinstance(scheme.mgf, padding.MGF1) else ""  # noqa: SLF001 - as above
        if found.hash and mask != found.hash.algorithm.name:
            raise Rejected(
                "module.scheme", "RSA-PSS is made with one hash function; use the same one in MGF1."
            )
        return found
    raise Rejected("module.scheme", "RSA signatures are made with PSS or PKCS#1 v1.5 padding.")


class ModuleEd25519PrivateKey(_InModule, ed25519.Ed25519PrivateKey):
    """An Ed25519 key in the module."""

    def sign(self, data: Buffer) -> bytes:
        """64 octets."""
        return self._signed(data, SignatureScheme.ED25519)

    def public_key(self) -> ed25519.Ed25519PublicKey:
        """The public key."""
        key = self._key.public_key
        assert isinstance(key, ed25519.Ed25519PublicKey)  # noqa: S101 - `adapt` chose the class by it
        return key

    def private_bytes_raw(self) -> bytes:
        """Refused: the private key does not leave the module."""
        _stays()

    def __copy__(self) -> ModuleEd25519PrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> ModuleEd25519PrivateKey:
        return self


def adapt(key: Key, scheme: SignatureScheme | None) -> PrivateKey:
    """The private key object for a key of the module."""
    match key.algorithm.family:
        case "ec":
            return ModuleECPrivateKey(key, scheme)
        case "rsa":
            return ModuleRSAPrivateKey(key, scheme)
        case _:
            return ModuleEd25519PrivateKey(key, scheme)
