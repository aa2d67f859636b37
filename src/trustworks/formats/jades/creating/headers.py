"""The protected header of a JAdES signature, of what its signer says (TS 119 182-1, 5.1 and 5.2)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.dtbs import check_scheme
from trustworks.formats.jades.base64url import encode
from trustworks.formats.jades.rules import time_missing
from trustworks.formats.jades.values import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES: Final = {name: said for said, name in reversed(list(DIGESTS.items()))}
"""What JAdES calls hash functions."""

_CURVES: Final = {
    ("secp256r1", "ECDSA_SHA256"): "ES256",
    ("secp384r1", "ECDSA_SHA384"): "ES384",
    ("secp521r1", "ECDSA_SHA512"): "ES512",
    ("brainpoolP256r1", "ECDSA_SHA256"): "ESB256",
    ("brainpoolP384r1", "ECDSA_SHA384"): "ESB384",
    ("brainpoolP512r1", "ECDSA_SHA512"): "ESB512",
}
_OTHERS: Final = {
    "ED25519": "EdDSA",
    **{f"RSA_PKCS1_SHA{bits}": f"RS{bits}" for bits in (256, 384, 512)},
    **{f"RSA_PSS_SHA{bits}": f"PS{bits}" for bits in (256, 384, 512)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A signature policy: a URI or ``urn:oid:…``, the digest of its document, where that is."""

    identifier: str
    hash_name: str
    digest: bytes
    uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a signer says with the signature. `time` goes into iat, or with `older` into sigT.

    `certificate` is the signer's, `chain` others up to the trust anchor (x5c has them all); `reference_hash`
    is what the signing certificate is digested by. `place` has names of PostalAddress (``addressCountry``
    and so on); `commitments` are URIs; `roles` claimed ones; `content_time_stamps` tokens over the payload
    (adoTst).
    """

    scheme: str
    certificate: bytes
    time: datetime
    chain: tuple[bytes, ...] = ()
    reference_hash: str = "sha256"
    older: bool = False
    type: str | None = None
    content_type: str | None = None
    place: Mapping[str, str] = field(default_factory=dict)
    commitments: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    policy: Policy | None = None
    content_time_stamps: tuple[bytes, ...] = ()


def protected(claims: Claims, more: Mapping[str, Any], critical: Sequence[str]) -> dict[str, Any]:
    """The header. `more` are members that the payload brings (sigD, b64), `critical` what readers must know.

    Raises:
        Malformed: the certificate cannot be read.
        Rejected: ``signature.scheme``: not with that key; ``jades.hash``; ``jades.time``: it has no zone, or
            is since 2025-05-15 and `older`.
    """
    if claims.time.tzinfo is None:
        raise Rejected("jades.time", "The time of a signature needs its zone. Give it in UTC.")
    moment = claims.time.astimezone(UTC)
    header: dict[str, Any] = {"alg": algorithm(claims.scheme, claims.certificate)}
    header |= {key: value for key, value in (("typ", claims.type), ("cty", claims.content_type)) if value}
    header |= _reference(claims)
    header["x5c"] = [standard(one) for one in (claims.certificate, *claims.chain)]
    if claims.older:
        header["sigT"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        critical = ("sigT", *critical)
    else:
        header["iat"] = int(moment.timestamp())
    objection = time_missing(header)
    if objection is not None:
        raise Rejected("jades.time", objection)
    if claims.place:
        header["sigPl"] = dict(claims.place)
    if claims.commitments:
        header["srCms"] = [{"commId": {"id": one}} for one in claims.commitments]
    if claims.roles:
        header["srAts"] = {
            "claimed": [{"mediaType": "text/plain", "encoding": "UTF-8", "qVals": list(claims.roles)}]
        }
    if claims.policy is not None:
        header["sigPId"] = _policy(claims.policy)
    if claims.content_time_stamps:
        header["adoTst"] = tokens(claims.content_time_stamps)
    header |= more
    # Whatever is of JAdES and not of JWS must be understood (5.1.9).
    known = {"x5t#o", "sigPl", "srCms", "srAts", "sigPId", "adoTst", "sigD"}
    named = [*critical, *(one for one in header if one in known)]
    if named:
        header["crit"] = list(dict.fromkeys(named))
    return header


def algorithm(scheme: str, certificate: bytes) -> str:
    """The name of a scheme with the key of a certificate (RFC 7518, 3.1; RFC 8037; TS 119 182-1, 5.1.2)."""
    check_scheme(scheme)
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, TypeError) as error:
        raise Malformed("The signer's certificate cannot be read.") from error
    named = _CURVES.get((key.curve.name, scheme)) if isinstance(key, ec.EllipticCurvePublicKey) else None
    named = named or (None if scheme.startswith("ECDSA") else _OTHERS.get(scheme))
    if named is None:
        raise Rejected("signature.scheme", f"JSON has no name for {scheme} with the key of this certificate.")
    return named


def hash_named(hash_name: str) -> str:
    """What JAdES calls a hash function. Raises `Rejected` (``jades.hash``) where it has no name for it."""
    if hash_name not in NAMES:
        raise Rejected("jades.hash", f"JAdES has no name for {hash_name:.40}. Use one of {', '.join(NAMES)}.")
    return NAMES[hash_name]


def standard(octets: bytes) -> str:
    """Base64 as certificates and tokens are in."""
    return base64.b64encode(octets).decode()


def tokens(found: Sequence[bytes]) -> dict[str, Any]:
    """A tstContainer of time-stamp tokens over the same octets (5.4.3.3)."""
    return {"tstTokens": [{"val": standard(one)} for one in found]}


def _reference(claims: Claims) -> dict[str, Any]:
    named = hash_named(claims.reference_hash)
    digest = encode(hashlib.new(claims.reference_hash, claims.certificate).digest()).decode()
    if claims.reference_hash == "sha256":
        return {"x5t#S256": digest}
    return {"x5t#o": {"digAlg": named, "digVal": digest}}


def _policy(policy: Policy) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": {"id": policy.identifier},
        "digAlg": hash_named(policy.hash_name),
        "digVal": standard(policy.digest),
    }
    if policy.uri is not None:
        said["sigPQuals"] = [{"spURI": policy.uri}]
    return said
