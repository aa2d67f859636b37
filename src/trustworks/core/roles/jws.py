"""JWS by operators' keys: what a key in a file or on a token signs, and how it is verified (RFC 7515)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module.algorithms import KeyAlgorithm, SignatureScheme, algorithm_of
from trustworks.core.roles import base64url

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module.algorithms import Family, PublicKey
    from trustworks.core.roles.model import Credential, Factor

# alg and scheme by the kind of key. Source: RFC 7518, 3.1; RFC 9864, 2.2. JOSE has no name for brainpool.
ALGORITHMS: Final[dict[KeyAlgorithm, tuple[str, SignatureScheme]]] = {
    KeyAlgorithm.P256: ("ES256", SignatureScheme.ECDSA_SHA256),
    KeyAlgorithm.P384: ("ES384", SignatureScheme.ECDSA_SHA384),
    KeyAlgorithm.P521: ("ES512", SignatureScheme.ECDSA_SHA512),
    KeyAlgorithm.RSA_2048: ("PS256", SignatureScheme.RSA_PSS_SHA256),
    KeyAlgorithm.RSA_3072: ("PS256", SignatureScheme.RSA_PSS_SHA256),
    KeyAlgorithm.RSA_4096: ("PS512", SignatureScheme.RSA_PSS_SHA512),
    KeyAlgorithm.ED25519: ("Ed25519", SignatureScheme.ED25519),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An operator's private key: `sign` takes data and answers the signature that certificates carry.

    `factors` is what opening it showed: that the key is there, and perhaps that a passphrase or PIN was
    known.
    """

    public_key: PublicKey
    sign: Callable[[bytes, SignatureScheme], bytes]
    factors: frozenset[Factor]

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key, as credentials are named."""
        return key_id_of(self.public_key)


def key_id_of(public_key: PublicKey) -> str:
    """SHA-256 of the SubjectPublicKeyInfo in hexadecimal."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def algorithm_for(public_key: PublicKey) -> tuple[str, SignatureScheme]:
    """The JWS algorithm of a key, and the module's scheme for it. Raises `Rejected` (roles.key)."""
    kind = algorithm_of(public_key)
    if kind not in ALGORITHMS:
        raise Rejected(
            "roles.key",
            f"JOSE has no algorithm for {kind.value} keys, so operators cannot sign with them. Use "
            "P-256, P-384, P-521, RSA-3072, RSA-4096 or Ed25519.",
        )
    return ALGORITHMS[kind]


def public_key(credential: Credential) -> PublicKey:
    """The public key of a certificate that is a credential. Raises `Rejected` (roles.signature)."""
    if credential.kind != "certificate":
        raise Rejected(
            "roles.signature", "A passkey signs assertions and no JWS; name the certificate that signed."
        )
    key: Any = x509.load_der_x509_certificate(credential.public).public_key()
    found: PublicKey = key
    return found


def sign(payload: bytes, signer: Signer, *, typ: str) -> str:
    """A compact JWS over `payload`; `typ` tells what for, so that it can stand for nothing else."""
    name, scheme = algorithm_for(signer.public_key)
    header = canonical({"alg": name, "kid": signer.key_id, "typ": typ})
    signing_input = f"{base64url.encode(header)}.{base64url.encode(payload)}"
    signature = signer.sign(signing_input.encode("ascii"), scheme)
    if scheme.padding == "ecdsa":  # RFC 7518, 3.4: r and s side by side, not DER
        size = (signer.public_key.key_size + 7) // 8  # type: ignore[union-attr]  # an elliptic curve key
        signature = b"".join(one.to_bytes(size, "big") for one in decode_dss_signature(signature))
    token = f"{signing_input}.{base64url.encode(signature)}"
    verify(token, signer.public_key, typ=typ)
    return token


def verify(token: str, key: PublicKey, *, typ: str) -> bytes:
    """The payload of a compact JWS that `key` signed for `typ`. Raises `Rejected` (roles.signature)."""
    from joserfc import jws  # noqa: PLC0415 - every command reads [roles], and few meet a signature
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415

    kinds: dict[Family, type[ECKey | RSAKey | OKPKey]] = {"ec": ECKey, "rsa": RSAKey, "ed25519": OKPKey}
    name, _ = algorithm_for(key)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        jwk = kinds[algorithm_of(key).family].import_key(pem)
        found = jws.deserialize_compact(token, jwk, algorithms=[name])
    except (JoseError, ValueError):  # the second: what is no Base64url, no JSON, no ASCII
        raise Rejected(
            "roles.signature",
            "The signature is not one of this key over this content: it was changed, or another key signed.",
        ) from None
    headers = found.headers()
    if headers.get("typ") != typ or headers.get("kid") != key_id_of(key):
        raise Rejected(
            "roles.signature", f"The JWS is no {typ} of this key: it was signed for another purpose."
        )
    payload: bytes = found.payload
    return payload


def read_certificate_key(certificate: x509.Certificate) -> PublicKey:
    """The public key of a certificate, of a kind that can sign here. Raises `Malformed` or `Rejected`."""
    try:
        key: Any = certificate.public_key()
        algorithm_for(key)
    except (ValueError, TypeError, AttributeError):
        raise Malformed("The certificate's public key is of a kind that cannot sign here.") from None
    found: PublicKey = key
    return found
