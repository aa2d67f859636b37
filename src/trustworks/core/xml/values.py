"""Whether the SignatureValue of a signature is that of a key over its SignedInfo (XML Signature 1.1, 6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms
from trustworks.core.xml.problems import Problem

if TYPE_CHECKING:
    from trustworks.core.xml.algorithms import SignatureMethod
    from trustworks.core.xml.dsig import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a value is a key's; `problem` says why it is not, or why that cannot be known."""

    valid: bool
    problem: Problem | None = None


def verify(signature: Signature, public_key: object) -> Verification:
    """Whether the value of a signature is that of a public key of `cryptography` over its SignedInfo."""
    method = signature.signed_info.method
    if method is None:
        return _no(
            "signature-method.unknown",
            f"The signature algorithm {signature.signed_info.method_uri[:120]!r} is unknown.",
        )
    if signature.octets is None or signature.value is None:
        return Verification(valid=False, problem=signature.problems[0] if signature.problems else None)
    return verify_value(method, public_key, signature.value, signature.octets)


@implements("XMLDSIG:3.2.2", disabled=lambda _method, _key, _value, _octets: Verification(valid=True))
def verify_value(  # noqa: C901 - one case for each family of keys
    method: SignatureMethod, public_key: object, value: bytes, octets: bytes
) -> Verification:
    """Whether a value is that of a public key over octets, by an algorithm of XML Signature."""
    chosen = None if method.hash is None else algorithms.HASHES.get(method.hash)
    if method.hash is not None and chosen is None:
        return _no("signature-method.not-computed", f"Signatures with {method.hash} cannot be computed here.")
    try:
        match method.family, public_key:
            case "rsa-pkcs1", rsa.RSAPublicKey() if chosen is not None:
                public_key.verify(value, octets, padding.PKCS1v15(), chosen)
            case "rsa-pss", rsa.RSAPublicKey() if chosen is not None and method.salt is not None:
                mask = algorithms.HASHES.get(method.mask or "")
                if mask is None:
                    return _no(
                        "signature-method.not-computed",
                        f"RSA-PSS with a mask by {method.mask} cannot be computed here.",
                    )
                public_key.verify(value, octets, padding.PSS(padding.MGF1(mask), method.salt), chosen)
            case "ecdsa", ec.EllipticCurvePublicKey() if chosen is not None:
                public_key.verify(_pair(value), octets, ec.ECDSA(chosen))
            case "dsa", dsa.DSAPublicKey() if chosen is not None:
                public_key.verify(_pair(value), octets, chosen)
            case "eddsa", ed25519.Ed25519PublicKey() if method.curve == "ed25519":
                public_key.verify(value, octets)
            case "eddsa", ed448.Ed448PublicKey() if method.curve == "ed448":
                public_key.verify(value, octets)
            case _:
                return _no(
                    "signature-method.key",
                    "The signature algorithm is not one for the key. Look for another certificate.",
                )
    except InvalidSignature:
        return _no("signature-value.wrong", "The signature value is not that of the key over the SignedInfo.")
    except (UnsupportedAlgorithm, ValueError) as error:
        return _no("signature-method.not-computed", f"The signature cannot be computed here: {error}.")
    return Verification(valid=True)


def _pair(value: bytes) -> bytes:
    """The two numbers of DSA and ECDSA, one behind the other (6.4.1, 6.4.3), as ASN.1 for `cryptography`."""
    if not value or len(value) % 2:
        raise InvalidSignature
    half = len(value) // 2
    return utils.encode_dss_signature(
        int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
    )


def _no(code: str, message: str) -> Verification:
    return Verification(valid=False, problem=Problem(code=code, message=message))
