"""What protects a message: a MAC by a shared secret, or a signature. Source: RFC 4210, 5.1.3; RFC 9481, 6."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.hazmat.primitives.serialization import load_der_public_key

from trustworks.core.der import cmp as der
from trustworks.core.der.algorithms import SIGNATURES, algorithm_identifier, read_signature
from trustworks.core.der.crmf import encoded, joined
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, integer, tlv
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Rejected
from trustworks.core.pki.signatures import is_signed_by
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module import Key

PASSWORD_BASED_MAC: Final = "1.2.840.113533.7.66.13"  # noqa: S105 - an object identifier
PBMAC1: Final = "1.2.840.113549.1.5.14"
PBKDF2: Final = "1.2.840.113549.1.5.12"

# HMAC by the hash function, under the two identifiers that there are (RFC 9481, 6.2). Nobody forges an
# HMAC-SHA1, and clients have it for default.
HMACS: Final = {
    "1.3.6.1.5.5.8.1.2": "sha1",
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
ONE_WAY: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
LEAST_ITERATIONS: Final = 100
SALT_OCTETS: Final = range(8, 129)


class Protection(Protocol):
    """Makes what protects an answer."""

    algorithm: bytes

    def protect(self, data: bytes) -> bytes:
        """The MAC or signature over the protected part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MacAlgorithm:
    """How a MAC is computed. `kdf` is None where the secret is the key itself.

    `one_way` is the hash function of the derivation; `written` and `mac_written` are AlgorithmIdentifiers.
    """

    name: str
    mac: str
    mac_written: bytes
    kdf: str | None = None
    one_way: str = ""
    one_way_written: bytes = b""
    salt: bytes = b""
    iterations: int = 0

    def compute(self, secret: bytes, data: bytes) -> bytes:
        """The MAC over `data`."""
        return hmac.digest(self._key(secret), data, self.mac)

    def _key(self, secret: bytes) -> bytes:
        if self.kdf is None:
            return secret
        if self.kdf == PBKDF2:
            size = hashlib.new(self.mac, usedforsecurity=False).digest_size
            return hashlib.pbkdf2_hmac(self.one_way, secret, self.salt, self.iterations, size)
        key = secret + self.salt
        for _ in range(self.iterations):
            key = hashlib.new(self.one_way, key).digest()
        return key

    def fresh(self) -> MacAlgorithm:
        """The same with a salt of its own, for an answer."""
        if self.kdf is None:
            return self
        return MacAlgorithm(
            name=self.name,
            mac=self.mac,
            mac_written=self.mac_written,
            kdf=self.kdf,
            one_way=self.one_way,
            one_way_written=self.one_way_written,
            salt=secrets.token_bytes(16),
            iterations=self.iterations,
        )

    def written(self) -> bytes:
        """The AlgorithmIdentifier."""
        if self.kdf is None:
            return self.mac_written
        salt, count = tlv(OCTET_STRING, self.salt), integer(self.iterations)
        if self.kdf == PBKDF2:
            size = hashlib.new(self.mac, usedforsecurity=False).digest_size
            derived = tlv(SEQUENCE, salt, count, integer(size), self.one_way_written)
            parameters = tlv(SEQUENCE, algorithm_identifier(PBKDF2, derived), self.mac_written)
        else:
            parameters = tlv(SEQUENCE, salt, self.one_way_written, count, self.mac_written)
        return algorithm_identifier(self.name, parameters)


def read_mac(algorithm: bytes, *, max_iterations: int) -> MacAlgorithm | None:
    """The MAC that an AlgorithmIdentifier names; None where it names none.

    Raises `Malformed`, and `Rejected` (badAlg) for parameters that are not accepted.
    """
    dotted, parameters = der.read_identifier(algorithm)
    if dotted in HMACS:
        return MacAlgorithm(name=dotted, mac=HMACS[dotted], mac_written=algorithm)
    if dotted == PASSWORD_BASED_MAC:
        given = der.read_pbm(parameters)
        owf, mac = encoded(given.owf), encoded(given.mac)
        found = MacAlgorithm(
            name=dotted,
            mac=_hmac(mac),
            mac_written=mac,
            kdf=PASSWORD_BASED_MAC,
            one_way=_known(ONE_WAY, owf, "the one-way function"),
            one_way_written=owf,
            salt=given.salt,
            iterations=given.iterations,
        )
    elif dotted == PBMAC1:
        derivation, mac = der.read_pbmac1(parameters)
        kdf, inner = der.read_identifier(derivation)
        if kdf != PBKDF2:
            raise Rejected("badAlg", f"The key derivation {kdf} is not accepted; use PBKDF2 ({PBKDF2}).")
        derived = der.read_pbkdf2(inner)
        if derived.prf is None:
            raise Rejected(
                "badAlg", "PBKDF2 with HMAC-SHA1 is not accepted; use HMAC with SHA-256 or better."
            )
        prf = joined(derived.prf)
        found = MacAlgorithm(
            name=dotted,
            mac=_hmac(mac),
            mac_written=mac,
            kdf=PBKDF2,
            one_way=_hmac(prf),
            one_way_written=prf,
            salt=derived.salt,
            iterations=derived.iterations,
        )
        size = hashlib.new(found.mac, usedforsecurity=False).digest_size
        if derived.key_length not in {None, size}:
            raise Rejected(
                "badAlg", f"A derived key of another length is not accepted; derive {size} octets."
            )
    else:
        return None
    check_mac_parameters(len(found.salt), found.iterations, max_iterations)
    return found


@implements("RFC9481:6.1-01")
def check_mac_parameters(salt: int, iterations: int, most: int) -> None:
    """`Rejected` (badAlg) for a salt or a number of iterations that protects nothing, or keeps us busy."""
    if not LEAST_ITERATIONS <= iterations <= most:
        raise Rejected(
            "badAlg",
            f"The number of iterations is not accepted; use {LEAST_ITERATIONS} to {most}.",
        )
    if salt not in SALT_OCTETS:
        raise Rejected(
            "badAlg",
            f"A salt of {salt} octets is not accepted; use {SALT_OCTETS.start} to {SALT_OCTETS.stop - 1}.",
        )


def _hmac(written: bytes) -> str:
    return _known(HMACS, written, "the MAC")


def _known(table: dict[str, str], written: bytes, what: str) -> str:
    dotted, _ = der.read_identifier(written)
    if dotted not in table:
        raise Rejected("badAlg", f"{dotted} is not accepted as {what}; use HMAC or hash functions of SHA-2.")
    return table[dotted]


class MacProtection:
    """Protects an answer by the secret and the algorithm of the request, with a fresh salt."""

    def __init__(self, algorithm: MacAlgorithm, secret: bytes) -> None:
        self._algorithm = algorithm.fresh()
        self._secret = secret
        self.algorithm = self._algorithm.written()

    def protect(self, data: bytes) -> bytes:
        """The MAC."""
        return self._algorithm.compute(self._secret, data)


class SignatureProtection:
    """Protects an answer by the CMP key in the module."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self.algorithm = SIGNATURES[key.scheme.name]

    def protect(self, data: bytes) -> bytes:
        """The signature."""
        return self._key.sign(data)


@implements("RFC4210:5.1.3.1-01", disabled=True)
def is_mac_valid(algorithm: MacAlgorithm, secret: bytes, data: bytes, given: bytes) -> bool:
    """Whether `given` is the MAC over the protected part."""
    return hmac.compare_digest(algorithm.compute(secret, data), given)


@implements("RFC4210:5.1.3.3-01", disabled=True)
def is_signature_valid(algorithm: bytes, certificate: bytes, data: bytes, given: bytes) -> bool:
    """Whether `given` is the signature of the certificate's key over the protected part.

    Raises `Malformed` and `Rejected` (badAlg) for an algorithm that is not accepted.
    """
    try:
        how = read_signature(algorithm)
        return is_signed_by(load_der_public_key(public_key_info(certificate)), given, data, how)
    except Rejected as error:
        raise Rejected("badAlg", str(error)) from None
    except ValueError as error:
        raise Rejected("badAlg", f"The signer's key cannot be read: {error}.") from None
