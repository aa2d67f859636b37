"""Whether a signature is one of a public key over data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from trustworks.core.der.algorithms import SignatureAlgorithm

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512_256": hashes.SHA512_256(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
    # In what others signed long ago; who takes new signatures has refused these when reading the algorithm.
    "md5": hashes.MD5(),  # noqa: S303 - to verify, as above
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha512_224": hashes.SHA512_224(),
    "sha3_224": hashes.SHA3_224(),
}


def is_signed_by(
    public_key: object,
    signature: bytes,
    data: bytes,
    algorithm: SignatureAlgorithm,
    *,
    digest: str | None = None,
) -> bool:
    """Whether `signature` is the key's over `data`.

    `digest` is the hash function that is named beside the signature algorithm; one that the signature
    algorithm names itself must be the same. Raises `Rejected` (signature.algorithm) when key and algorithm do
    not go together.
    """
    name = algorithm.hash or digest
    if algorithm.hash is not None and digest not in {None, algorithm.hash}:
        raise Rejected(
            "signature.algorithm",
            f"The signature algorithm hashes by {algorithm.hash}, the digest algorithm is {digest}.",
        )
    try:
        _verify(public_key, signature, data, algorithm, name)
    except (InvalidSignature, ValueError):  # a digest that is longer than the key's signatures can carry
        return False
    except UnsupportedAlgorithm as error:
        raise Rejected(
            "signature.algorithm", f"The signature algorithm is not supported: {error}."
        ) from error
    return True


def _verify(
    key: object, signature: bytes, data: bytes, algorithm: SignatureAlgorithm, digest: str | None
) -> None:
    hashed = None if digest is None else _hash(digest)
    match algorithm.padding, key:
        case "eddsa", ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            key.verify(signature, data)
        case "mldsa", mldsa.MLDSA44PublicKey() | mldsa.MLDSA65PublicKey() | mldsa.MLDSA87PublicKey():
            key.verify(signature, data)
        case (("ecdsa" | "ecdsa-plain"), ec.EllipticCurvePublicKey()) if hashed is not None:
            plain = algorithm.padding == "ecdsa-plain"
            key.verify(_from_plain(signature) if plain else signature, data, ec.ECDSA(hashed))
        case "rsa-pkcs1", rsa.RSAPublicKey() if hashed is not None:
            key.verify(signature, data, padding.PKCS1v15(), hashed)
        case "rsa-pss", rsa.RSAPublicKey() if hashed is not None and algorithm.salt is not None:
            mask = hashed if algorithm.mask is None else _hash(algorithm.mask)
            key.verify(signature, data, padding.PSS(padding.MGF1(mask), algorithm.salt), hashed)
        case "dsa", dsa.DSAPublicKey() if hashed is not None:
            key.verify(signature, data, hashed)
        case _:
            raise Rejected("signature.algorithm", "The signature algorithm is not one for the signer's key.")


def _hash(name: str) -> hashes.HashAlgorithm:
    found = HASHES.get(name)
    if found is None:
        raise Rejected("signature.algorithm", f"The hash function {name} cannot be computed here.")
    return found


def _from_plain(signature: bytes) -> bytes:
    """An ECDSA signature in DER from its two numbers side by side (BSI TR-03111, 5.2.1.1)."""
    half = len(signature) // 2
    return encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )
