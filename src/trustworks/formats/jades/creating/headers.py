"""The protected header of a JAdES signature, of what its signer says (TS 119 182-1, 5.1 and 5.2)."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.dtbs import check_scheme
from trustworks.formats.jades.base64url import encode
from trustworks.formats.jades.rules import time_missing
from trustworks.formats.jades.values import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from trustworks.formats.claims import Claims
    from trustworks.formats.evidence import PolicyReference
    from trustworks.formats.jades.creating.payloads import Payload

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
class Options:
    """How a signature is written.

    `hash_name` is what the signing certificate is digested by. With `older` the time goes into sigT in place
    of iat. `type` and `content_type` are typ and cty. `time_stamps` are tokens over the payload (adoTst).
    """

    scheme: str
    hash_name: str = "sha256"
    older: bool = False
    type: str | None = None
    content_type: str | None = None
    time_stamps: Sequence[bytes] = ()


def protected(
    payload: Payload, certificates: Sequence[bytes], claims: Claims, options: Options
) -> dict[str, Any]:
    """The header, with what the payload brings (sigD, b64). `claims.location` has members of PostalAddress.

    Raises:
        Malformed: the certificate cannot be read.
        Rejected: ``jades.certificate``: there is none; ``signature.scheme``: not with that key;
            ``jades.hash``; ``jades.policy``; ``jades.time``: it has no zone, or is since 2025-05-15 and
            `older`; ``jades.text``: characters that no octets stand for.
    """
    if not certificates:
        raise Rejected("jades.certificate", "The signer's certificate is not given; it has to be signed.")
    header: dict[str, Any] = {"alg": algorithm(options.scheme, certificates[0])}
    header |= {key: value for key, value in (("typ", options.type), ("cty", options.content_type)) if value}
    header |= _reference(certificates[0], options.hash_name)
    header["x5c"] = [standard(one) for one in dict.fromkeys(certificates)]
    header |= _time(claims.signing_time, options)
    header |= _said(claims)
    if options.time_stamps:
        header["adoTst"] = tokens(options.time_stamps)
    header |= payload.header
    named = _critical(header, payload)
    if named:
        header["crit"] = named
    return header


@implements("TS119182-1:5.1.9-GEN-CRIT", disabled=lambda _header, payload: list(payload.critical))
def _critical(header: Mapping[str, Any], payload: Payload) -> list[str]:
    """What must be understood: whatever is of JAdES and not of JWS (5.1.9), and what the payload says."""
    known = {"sigT", "x5t#o", "sigPl", "srCms", "srAts", "sigPId", "adoTst", "sigD"}
    return list(dict.fromkeys([*payload.critical, *(one for one in header if one in known)]))


@implements("TS119182-1:6.3-GEN-TIME", disabled=lambda _moment, _options: {})
def _time(moment: datetime | None, options: Options) -> dict[str, Any]:
    if moment is None:
        return {}
    if moment.tzinfo is None:
        raise Rejected("jades.time", "The time of a signature needs its zone. Give it in UTC.")
    moment = moment.astimezone(UTC)
    said = {"sigT": f"{moment:%Y-%m-%dT%H:%M:%SZ}"} if options.older else {"iat": int(moment.timestamp())}
    objection = time_missing(said)
    if objection is not None:
        raise Rejected("jades.time", objection)
    return said


@implements("TS119182-1:5.2-GEN-CLAIMS", "TS119101:SCP-38", disabled=lambda _claims: {})
def _said(claims: Claims) -> dict[str, Any]:
    """What the signer chooses to say (5.2.3 to 5.2.7)."""
    said: dict[str, Any] = {}
    if claims.location:
        said["sigPl"] = dict(claims.location)
    if claims.commitments:
        said["srCms"] = [{"commId": {"id": _identifier(one)}} for one in claims.commitments]
    roles: dict[str, Any] = {}
    if claims.claimed_roles:
        values = list(claims.claimed_roles)
        roles["claimed"] = [{"mediaType": "text/plain", "encoding": "UTF-8", "qVals": values}]
    if claims.certified_roles:
        roles["certified"] = [{"x509AttrCert": {"val": standard(one)}} for one in claims.certified_roles]
    if roles:
        said["srAts"] = roles
    if claims.policy is not None:
        said["sigPId"] = _policy(claims.policy)
    return said


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


@implements("TS119182-1:6.3-GEN-REFERENCE", disabled=lambda _certificate, _hash_name: {})
def _reference(certificate: bytes, hash_name: str) -> dict[str, Any]:
    named = hash_named(hash_name)
    digest = encode(hashlib.new(hash_name, certificate).digest()).decode()
    return {"x5t#S256": digest} if hash_name == "sha256" else {"x5t#o": {"digAlg": named, "digVal": digest}}


def _policy(policy: PolicyReference) -> dict[str, Any]:
    """A sigPId (5.2.7)."""
    if policy.identifier is None or policy.digest is None or policy.digest_algorithm is None:
        raise Rejected(
            "jades.policy", "A policy in JAdES has an identifier and a digest of its document. Give both."
        )
    if policy.transforms or policy.specification is not None:
        raise Rejected(
            "jades.policy", "A policy in JAdES has no transforms and no specification here. Leave them out."
        )
    named = {"id": _identifier(policy.identifier)}
    if policy.description is not None:
        named["desc"] = policy.description
    said: dict[str, Any] = {
        "id": named,
        "digAlg": hash_named(policy.digest_algorithm),
        "digVal": standard(policy.digest),
    }
    qualifiers: list[dict[str, Any]] = []
    if policy.uri is not None:
        qualifiers.append({"spURI": policy.uri})
    if policy.user_notice is not None:
        qualifiers.append({"spUserNotice": {"explText": policy.user_notice}})
    if qualifiers:
        said["sigPQuals"] = qualifiers
    return said


def _identifier(value: str) -> str:
    """A URI, or an OID as one (5.4.1)."""
    return f"urn:oid:{value}" if value.replace(".", "").isdecimal() else value
