"""XML signatures by throw-away keys, for tests of what reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils
from lxml import etree

from trustworks.core.xml import algorithms
from trustworks.core.xml.algorithms import DS, ENC, MORE, MORE_2007, MORE_2021
from trustworks.core.xml.build import Plan, Wanted, sign_within
from trustworks.core.xml.parse import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.xml.dsig import Signature

# What this machine's OpenSSL signs with by keys that are quickly made.
METHODS = {
    "rsa": [
        *(MORE + f"rsa-{name}" for name in ("sha224", "sha256", "sha384", "sha512")),
        DS + "rsa-sha1",
        MORE + "rsa-md5",
        *(MORE_2007 + f"{name}-rsa-MGF1" for name in ("sha1", "sha256", "sha384", "sha512", "sha3-256")),
    ],
    "ec": [
        *(MORE + f"ecdsa-{name}" for name in ("sha1", "sha256", "sha384", "sha512")),
        *(MORE_2021 + f"ecdsa-{name}" for name in ("sha3-256", "sha3-384", "sha3-512")),
    ],
    "dsa": [DS + "dsa-sha1", algorithms.DS11 + "dsa-sha256"],
    "ed25519": [MORE_2021 + "eddsa-ed25519"],
    "ed448": [MORE_2021 + "eddsa-ed448"],
}
RSA_SHA256, ECDSA_SHA256 = MORE + "rsa-sha256", MORE + "ecdsa-sha256"


@cache
def key(kind: str) -> Any:
    match kind:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "dsa":
            return dsa.generate_private_key(1024)  # noqa: S505 - quickly made, and thrown away
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return ed448.Ed448PrivateKey.generate()


@dataclass(frozen=True)
class Signer:
    """Signs by a method of XML Signature, with a key of the kind that goes with it."""

    method: str

    @property
    def private_key(self) -> Any:
        return key(next(kind for kind, methods in METHODS.items() if self.method in methods))

    @property
    def public_key(self) -> Any:
        return self.private_key.public_key()

    def __call__(self, octets: bytes) -> bytes:
        found = algorithms.SIGNATURES[self.method]
        name = None if found.hash is None else algorithms.HASHES[found.hash]
        match found.family:
            case "rsa-pkcs1":
                return bytes(self.private_key.sign(octets, padding.PKCS1v15(), name))
            case "rsa-pss":
                assert name is not None
                assert found.salt is not None
                scheme = padding.PSS(padding.MGF1(name), found.salt)
                return bytes(self.private_key.sign(octets, scheme, name))
            case "ecdsa":
                assert name is not None
                return pair(self.private_key.sign(octets, ec.ECDSA(name)), 32)
            case "dsa":
                return pair(self.private_key.sign(octets, name), 20)
            case _:
                return bytes(self.private_key.sign(octets))


def pair(signature: bytes, size: int) -> bytes:
    r, s = utils.decode_dss_signature(signature)
    size = max(size, (max(r, s).bit_length() + 7) // 8)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signed(
    octets: bytes,
    references: Sequence[Wanted] = (Wanted(uri="", transforms=(algorithms.ENVELOPED, algorithms.EXCLUSIVE)),),
    method: str = ECDSA_SHA256,
    **plan: Any,
) -> Signature:
    """A document that has its signature as the last element of its root."""
    signer = Signer(method)
    return sign_within(
        parse(octets), Plan(references=references, method=method, **plan), signer, signer.public_key
    )


def octets_of(signature: Signature) -> bytes:
    """The whole document of a signature."""
    return etree.tostring(signature.element.getroottree())


SHA256, SHA512 = ENC + "sha256", ENC + "sha512"
