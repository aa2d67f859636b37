"""Whether a signature is one of a public key over data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

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
        match algorithm.padding, public_key:
            case "eddsa", ed25519.Ed25519PublicKey():
                public_key.verify(signature, data)
            case "ecdsa", ec.EllipticCurvePublicKey() if name is not None:
                public_key.verify(signature, data, ec.ECDSA(HASHES[name]))
            case "rsa-pkcs1", rsa.RSAPublicKey() if name is not None:
                public_key.verify(signature, data, padding.PKCS1v15(), HASHES[name])
            case "rsa-pss", rsa.RSAPublicKey() if name is not None and algorithm.salt is not None:
                scheme = padding.PSS(padding.MGF1(HASHES[name]), algorithm.salt)
                public_key.verify(signature, data, scheme, HASHES[name])
            case _:
                raise Rejected(
                    "signature.algorithm", "The signature algorithm is not one for the signer's key."
                )
    except InvalidSignature:
        return False
    except UnsupportedAlgorithm as error:
        raise Rejected(
            "signature.algorithm", f"The signature algorithm is not supported: {error}."
        ) from error
    return True
