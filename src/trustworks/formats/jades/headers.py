"""The protected header of a JAdES signature as signed attributes (TS 119 182-1, 5.1 and 5.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.algorithms import HASH_FUNCTIONS, SIGNATURE_ALGORITHMS
from trustworks.core.der.elements import elements, enter
from trustworks.core.errors import Malformed
from trustworks.formats.evidence import (
    Algorithm,
    Attributes,
    CertificateReference,
    PolicyReference,
    SignerIdentifier,
)
from trustworks.formats.jades.values import DIGESTS, digest_name, items, members, octets, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.algorithms import Signing


def _named(name: str, one: Signing) -> Algorithm:
    pss = one.hash if one.family == "rsa-pss" else None
    return Algorithm(
        name=name,
        scheme=one.family,
        digest=one.hash,
        mask_digest=pss,
        salt=None if pss is None else HASH_FUNCTIONS[pss].size,
        plain=one.family == "ecdsa",
    )


_ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {name: _named(name, one) for one in SIGNATURE_ALGORITHMS for name in one.jwas}
)
"""RFC 7518, 3.1; RFC 8037; RFC 8812; RFC 9864."""


def algorithm(header: Mapping[str, Any]) -> Algorithm:
    """How the value was made. An algorithm that is not of a public key keeps its name as its scheme."""
    name = text(header.get("alg")) or ""
    return _ALGORITHMS.get(name) or Algorithm(name=name, scheme=name, digest=None)


def signing_time(header: Mapping[str, Any]) -> datetime | None:
    """What iat (seconds since 1970) or sigT (RFC 3339, in UTC) claims (5.1.11, 5.2.1); None for no moment."""
    iat = header.get("iat")
    try:
        if isinstance(iat, int | float) and not isinstance(iat, bool):
            return datetime.fromtimestamp(iat, UTC)
        claimed = text(header.get("sigT"))
        if claimed is not None:
            return datetime.strptime(claimed, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def attributes(header: Mapping[str, Any], stored_policy: bytes | None) -> Attributes:
    """The signed attributes. `stored_policy` is the document that an unsigned sigPSt holds."""
    roles = members(header.get("srAts"))
    place = {name: value for name, value in members(header.get("sigPl")).items() if text(value)}
    return Attributes(
        signing_time=signing_time(header),
        policy=_policy(header, stored_policy),
        content_type=text(header.get("cty")),
        mime_type=text(header.get("typ")),
        commitments=tuple(
            named
            for commitment in items(header.get("srCms"))
            if (named := text(members(members(commitment).get("commId")).get("id"))) is not None
        ),
        claimed_roles=_claims(roles.get("claimed")) + _claims(roles.get("signedAssertions")),
        certified_roles=len(items(roles.get("certified"))),
        location=MappingProxyType(place) if place else None,
        names=frozenset(header),
    )


def _claims(arrays: Any) -> tuple[str, ...]:
    return tuple(
        role
        for array in items(arrays)
        for value in items(members(array).get("qVals"))
        if (role := text(value)) is not None
    )


def _policy(header: Mapping[str, Any], stored: bytes | None) -> PolicyReference | None:
    """What sigPId names (5.2.7)."""
    if "sigPId" not in header:
        return None
    named = members(header["sigPId"])
    identifier = members(named.get("id"))
    uri = notice = None
    for qualifier in items(named.get("sigPQuals")):
        qualifiers = members(qualifier)
        uri = uri or text(qualifiers.get("spURI"))
        notice = notice or text(members(qualifiers.get("spUserNotice")).get("explText"))
    return PolicyReference(
        identifier=(text(identifier.get("id")) or "").removeprefix("urn:oid:"),
        digest_algorithm=digest_name(named.get("digAlg")),
        digest=octets(named.get("digVal"), "The policy's digest"),
        uri=uri,
        user_notice=notice,
        description=text(identifier.get("desc")),
        octets=stored,
    )


def signing_certificate(header: Mapping[str, Any]) -> tuple[CertificateReference, ...]:
    """Digests of the signing certificate (5.1.7, 5.1.8, 5.2.2); those of x5t too, which JAdES forbids."""
    found = []
    for name, algorithm_ in (("x5t#S256", "sha256"), ("x5t", "sha1")):
        if (digest := octets(header.get(name), name)) is not None:
            found.append(CertificateReference(digest_algorithm=algorithm_, digest=digest))
    others = [header["x5t#o"]] if "x5t#o" in header else []
    for other in others + items(header.get("sigX5ts")):
        reference = certificate_reference(other)
        if reference is not None:
            found.append(reference)
    return tuple(found)


def certificate_reference(value: Any) -> CertificateReference | None:
    """A digest of a certificate with digAlg, digVal and perhaps kid; None for another value."""
    parts = members(value)
    digest = octets(parts.get("digVal"), "A certificate's digest")
    if digest is None:
        return None
    identifier = _issuer_serial(parts.get("kid"))
    return CertificateReference(
        digest_algorithm=digest_name(parts.get("digAlg")),
        digest=digest,
        issuer=identifier.issuer if identifier else None,
        serial=identifier.serial if identifier else None,
    )


def known_digest(reference: CertificateReference) -> bool:
    """Whether the hash function of a reference has one of the names that JAdES gives."""
    return reference.digest_algorithm in DIGESTS.values()


def identifier(header: Mapping[str, Any]) -> SignerIdentifier | None:
    """What kid says where it is base64 of an IssuerSerial (5.1.4); another kid is for its writer alone."""
    return _issuer_serial(header.get("kid"))


def _issuer_serial(kid: Any) -> SignerIdentifier | None:
    der = octets(kid, "kid")
    if der is None:
        return None
    # IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER } (RFC 5035, 4)
    try:
        names, serial = elements(der, *enter(der, 0, 0x30))[:2]
        name = elements(names, *enter(names, 0, 0x30))[0]
        begin, end = enter(serial, 0, 0x02)
        inside, after = enter(name, 0, 0xA4)
    except (Malformed, ValueError, IndexError):
        return None
    return SignerIdentifier(
        issuer=name[inside:after], serial=int.from_bytes(serial[begin:end], "big", signed=True)
    )
