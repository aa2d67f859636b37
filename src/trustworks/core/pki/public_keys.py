"""Public keys of certificates: kind and size read without arithmetic, the library's key only when used.

A hostile key costs time by its size: one that nobody can use (an RSA modulus of a million bits, an exponent
as long) is told so and never given to the library.
"""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustworks.core.der.encode import BIT_STRING, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, tlv
from trustworks.core.der.values import expect, only, read_bits
from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.core.der.ber import Element

KeyKind = Literal["rsa", "dsa", "ec", "ed25519", "ed448", "ml-dsa", "other"]

MOST_RSA_BITS: Final = 16_384
"""Bits of an RSA modulus that is used, as in OpenSSL."""

LEAST_RSA_BITS: Final = 512
"""Bits of an RSA modulus that is used: PKCS #1 with SHA-256 needs nearly as many."""

MOST_EXPONENT_BITS: Final = 64
"""Bits of an RSA public exponent that is used: a signature costs by its length to verify."""

MOST_DSA_BITS: Final = 10_000

LONGEST_KEY: Final = 65_536
"""Octets of a SubjectPublicKeyInfo that is read."""

_RSA: Final = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "2.5.8.1.1"})
_DSA: Final = frozenset({"1.2.840.10040.4.1", "1.3.14.3.2.12"})
_EC: Final = "1.2.840.10045.2.1"
_FIXED: Final[dict[str, tuple[KeyKind, int]]] = {
    "1.3.101.112": ("ed25519", 256),
    "1.3.101.113": ("ed448", 456),
    "2.16.840.1.101.3.4.3.17": ("ml-dsa", 44),
    "2.16.840.1.101.3.4.3.18": ("ml-dsa", 65),
    "2.16.840.1.101.3.4.3.19": ("ml-dsa", 87),
}

# Curves by their object identifiers, with the bits of their order.
_CURVES: Final[dict[str, tuple[str, int]]] = {
    "1.2.840.10045.3.1.1": ("secp192r1", 192),
    "1.3.132.0.33": ("secp224r1", 224),
    "1.2.840.10045.3.1.7": ("secp256r1", 256),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.132.0.34": ("secp384r1", 384),
    "1.3.132.0.35": ("secp521r1", 521),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
    "1.3.36.3.3.2.8.1.1.1": ("brainpoolP160r1", 160),
    "1.3.36.3.3.2.8.1.1.3": ("brainpoolP192r1", 192),
    "1.3.36.3.3.2.8.1.1.5": ("brainpoolP224r1", 224),
    "1.3.36.3.3.2.8.1.1.9": ("brainpoolP320r1", 320),
    "1.2.250.1.223.101.256.1": ("FRP256v1", 256),
}


@dataclass(frozen=True, eq=False)
class PublicKey:
    """A SubjectPublicKeyInfo.

    `kind` and `bits` (of the modulus, the prime, the order of the curve; 0 unknown) are what algorithm
    constraints ask for; of ML-DSA `bits` is the number of the parameter set. `fault` says why the key cannot
    be used, where that is seen without the library. `parameters_missing`: a DSA key that inherits them.
    """

    der: bytes
    algorithm: str
    kind: KeyKind
    bits: int
    curve: str | None = None
    fault: str | None = None
    parameters_missing: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @cached_property
    def loaded(self) -> object:
        """The library's key, or a sentence that says why there is none (a str)."""
        if self.fault is not None:
            return self.fault
        if self.parameters_missing:
            return "The key is without the parameters that it inherits from its issuer."
        try:
            return load_der_public_key(self.der)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            plain = _plain_rsa(self.bit_string) if self.kind == "rsa" else None
            return f"The public key cannot be used: {error}." if plain is None else plain

    @property
    def why_not(self) -> str | None:
        """Why the key cannot be used; None: it can."""
        loaded = self.loaded
        return loaded if isinstance(loaded, str) else None

    @cached_property
    def bit_string(self) -> bytes:
        """The content of the key's BIT STRING, of which key identifiers are hashes (RFC 5280, 4.2.1.2).

        Nothing of a key that cannot be read.
        """
        try:
            return read_bits(only(self.der, SEQUENCE).children()[1])[0]
        except (Malformed, IndexError):
            return b""

    def hashed(self, hash_name: str) -> bytes:
        """The hash of `bit_string`, as OCSP names issuers (RFC 6960, 4.1.1)."""
        return hashlib.new(hash_name, self.bit_string, usedforsecurity=False).digest()

    @cached_property
    def sha1(self) -> bytes:
        """The SHA-1 of `bit_string`: how OCSP responders are named, and most key identifiers made."""
        return self.hashed("sha1")

    def inheriting(self, other: PublicKey) -> PublicKey:
        """The key with the DSA parameters of another (RFC 5280, 6.1.4 (d)-(f)); itself if it has its own."""
        if not self.parameters_missing or other.kind != self.kind or other.parameters_missing:
            return self
        algorithm = only(other.der, SEQUENCE).children()[0]
        key = only(self.der, SEQUENCE).children()[1]
        return read_public_key(tlv(SEQUENCE, algorithm.octets, key.octets))


def read_public_key(der: bytes) -> PublicKey:
    """A SubjectPublicKeyInfo, with its tag and length. Raises `Malformed`."""
    if len(der) > LONGEST_KEY:
        raise Malformed(f"The public key has {len(der)} octets, more than the {LONGEST_KEY} that are read.")
    return _read(der)


@lru_cache(maxsize=4096)
def _read(der: bytes) -> PublicKey:
    parts = only(der, SEQUENCE).children()
    if len(parts) < 2:
        raise Malformed("A public key has an algorithm and the key.")
    algorithm = expect(parts[0], SEQUENCE).children()
    if not algorithm:
        raise Malformed("A public key has an algorithm.")
    oid = expect(algorithm[0], OBJECT_IDENTIFIER).oid()
    parameters = algorithm[1] if len(algorithm) > 1 else None
    bits, unused = read_bits(expect(parts[1], BIT_STRING))
    if unused:
        return PublicKey(der, oid, "other", 0, fault="The public key has a number of bits that none has.")
    if oid in _RSA:
        return _rsa(der, oid, bits)
    if oid in _DSA:
        return _dsa(der, oid, parameters)
    if oid == _EC:
        return _ec(der, oid, parameters)
    kind, size = _FIXED.get(oid, ("other", 0))
    return PublicKey(der, oid, kind, size)


def _rsa(der: bytes, oid: str, key: bytes) -> PublicKey:
    modulus, exponent = _bit_lengths(key, 0, 1)
    fault = None
    if modulus < LEAST_RSA_BITS:
        fault = f"The RSA key has {modulus} bits, fewer than the {LEAST_RSA_BITS} that any signature needs."
    elif modulus > MOST_RSA_BITS:
        fault = f"The RSA key has {modulus} bits, more than the {MOST_RSA_BITS} that are used."
    elif exponent > MOST_EXPONENT_BITS:
        fault = (
            f"The RSA key's exponent has {exponent} bits, more than the {MOST_EXPONENT_BITS} that are used."
        )
    return PublicKey(der, oid, "rsa", modulus, fault=fault)


def _dsa(der: bytes, oid: str, parameters: Element | None) -> PublicKey:
    if parameters is None or parameters.tag != SEQUENCE:
        return PublicKey(der, oid, "dsa", 0, parameters_missing=True)
    prime, order = _bit_lengths(parameters.octets, 0, 1)
    fault = None
    if prime > MOST_DSA_BITS or order > 512:
        fault = f"The DSA key has {prime} bits, more than the {MOST_DSA_BITS} that are used."
    return PublicKey(der, oid, "dsa", prime, fault=fault)


def _ec(der: bytes, oid: str, parameters: Element | None) -> PublicKey:
    if parameters is None:
        return PublicKey(der, oid, "ec", 0, fault="The key has no curve.")
    if parameters.tag == OBJECT_IDENTIFIER:
        dotted = parameters.oid()
        name, bits = _CURVES.get(dotted, (dotted, 0))
        return PublicKey(der, oid, "ec", bits, curve=name)
    bits = 0
    if parameters.tag == SEQUENCE:
        # ECParameters: version, field, curve, base, order (RFC 3279, 2.3.5).
        (bits,) = _bit_lengths(parameters.octets, 4)
    fault = None if 0 < bits <= 1024 else "The key's curve is none that is used."
    return PublicKey(der, oid, "ec", bits, curve=None, fault=fault)


def _plain_rsa(key: bytes) -> object | None:
    """An RSA key whose modulus lacks the zero before its first bit, or that is for PSS alone, as a plain one.

    There are CA certificates with such a modulus on national trusted lists: read as a number it is negative.
    """
    try:
        modulus, exponent = (
            int.from_bytes(expect(one, INTEGER).value, "big") for one in only(key, SEQUENCE).children()[:2]
        )
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (Malformed, ValueError, TypeError):
        return None


def _bit_lengths(der: bytes, *places: int) -> tuple[int, ...]:
    """The bits of the positive integers at some places of a SEQUENCE. Raises `Malformed`."""
    parts = only(der, SEQUENCE).children()
    lengths: list[int] = []
    for place in places:
        found = expect(parts[place] if place < len(parts) else None, INTEGER)
        number = found.value.lstrip(b"\0")
        lengths.append(8 * (len(number) - 1) + number[0].bit_length() if number else 0)
    return tuple(lengths)
