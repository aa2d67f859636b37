"""Lists of keys that are weak or known to others, made by somebody else, and how each kind names a key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

BUCKET_OCTETS: Final = 2
"""By so many octets at its beginning an entry is found: they name a row of the table."""


class Naming(Enum):
    """How a list names a key; each hash is cut to `OCTETS`, which no two keys share by chance."""

    SPKI_SHA256 = "spki-sha256"
    BADKEYS = "badkeys"
    OPENSSL_MODULUS = "openssl-modulus-sha1"


OCTETS: Final = {Naming.SPKI_SHA256: 16, Naming.BADKEYS: 15, Naming.OPENSSL_MODULUS: 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyList:
    """A list as it was imported.

    `id` is the SHA-256 of its entries in their order, in hexadecimal. `source` says where it comes from and
    `dated_at` what day it tells of; both are what the importer said.
    """

    id: str
    naming: Naming
    entries: int
    source: str
    dated_at: datetime
    imported_at: datetime
    imported_by: str
    retired_at: datetime | None = None
    retired_by: str | None = None
    retired_why: str | None = None


def names_of_key(spki: bytes, namings: Iterable[Naming]) -> dict[Naming, bytes]:
    """What lists of these kinds call a key (a SubjectPublicKeyInfo); one without a name for it is absent.

    badkeys hashes the modulus, the x of a point, or the octets of an Edwards key, each without zeros before
    it; openssl-blacklist the line that `openssl rsa -modulus` prints, of whose SHA-1 it drops the first half.
    """
    found: dict[Naming, bytes] = {}
    asked = set(namings)
    if Naming.SPKI_SHA256 in asked:
        found[Naming.SPKI_SHA256] = hashlib.sha256(spki).digest()[: OCTETS[Naming.SPKI_SHA256]]
    if asked - {Naming.SPKI_SHA256}:
        key = load_der_public_key(spki)
        if Naming.BADKEYS in asked and (number := _number(key)) is not None:
            octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
            found[Naming.BADKEYS] = hashlib.sha256(octets).digest()[: OCTETS[Naming.BADKEYS]]
        if Naming.OPENSSL_MODULUS in asked and isinstance(key, rsa.RSAPublicKey):
            line = f"Modulus={key.public_numbers().n:X}\n".encode()
            digest = hashlib.sha1(line).digest()  # noqa: S324 - the name of a key in the list
            found[Naming.OPENSSL_MODULUS] = digest[-OCTETS[Naming.OPENSSL_MODULUS] :]
    return found


def _number(key: object) -> int | None:
    match key:
        case rsa.RSAPublicKey():
            return key.public_numbers().n
        case ec.EllipticCurvePublicKey():
            return key.public_numbers().x
        case ed25519.Ed25519PublicKey():
            return int.from_bytes(key.public_bytes_raw(), "big")
        case _:
            return None
