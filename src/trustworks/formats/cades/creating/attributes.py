"""Signed attributes of CAdES in DER: what `formats.cms` reads, written.

Source: EN 319 122-1, 5.2; RFC 5652, 11; RFC 5035, 3 and 4; RFC 5126, 5.8 to 5.11; RFC 2634, 2.9.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from trustworks.core.der import cms as names
from trustworks.core.der.algorithms import HASHES, algorithm_identifier, hash_identifier
from trustworks.core.der.encode import (
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    context,
    oid,
    tlv,
    x509_time,
)
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.claims import in_utc
from trustworks.formats.cms import attributes as signed
from trustworks.formats.cms.properties import QUALIFIER_NOTICE, QUALIFIER_URI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trustworks.formats.claims import Claims
    from trustworks.formats.evidence import PolicyReference

_UTF8: Final = 0x0C
_IA5: Final = 0x16
_ROLE: Final = "2.5.4.41"
"""The attribute (name) whose values claimed roles are, as other makers of CAdES have it."""
_PLACE: Final = ("country", "locality", "postal-address")
_LINES: Final = 6


def attribute(kind: str, *values: bytes) -> bytes:
    """An attribute, its values in the order of DER (RFC 5652, 5.3)."""
    return tlv(SEQUENCE, oid(kind), tlv(SET, *sorted(values)))


def text(value: str) -> bytes:
    """A UTF8String. Raises `Rejected` (cades.text) for half a character, which no octets stand for."""
    try:
        return tlv(_UTF8, value.encode())
    except UnicodeEncodeError as error:
        raise Rejected("cades.text", f"{value!r:.100} has half a character. Leave it out.") from error


@implements("EN319122-1:6.3-GEN-REFERENCE", disabled=b"")
def signing_certificate(certificate: bytes, hash_name: str) -> bytes:
    """SigningCertificateV2 of one certificate; the default hash function is left out, as DER asks.

    Raises `Rejected` (digest.unknown) for a hash function that is not written.
    """
    if hash_name not in HASHES:
        raise Rejected("digest.unknown", f"References by {hash_name[:60]!r} are not written. Use sha256.")
    algorithm = b"" if hash_name == "sha256" else hash_identifier(hash_name)
    reference = tlv(SEQUENCE, algorithm, tlv(OCTET_STRING, hashlib.new(hash_name, certificate).digest()))
    return attribute(names.SIGNING_CERTIFICATE_V2, tlv(SEQUENCE, tlv(SEQUENCE, reference)))


@implements("EN319122-1:6.3-GEN-CLAIMS", "TS119101:SCP-38", disabled=lambda _claims: iter(()))
def of_claims(claims: Claims) -> Iterator[bytes]:
    """The attributes that a signer chooses. Raises `Rejected` for what CAdES has no place for."""
    if claims.signing_time is not None:
        yield attribute(names.SIGNING_TIME, x509_time(in_utc(claims.signing_time)))
    if claims.policy is not None:
        yield attribute(signed.SIGNATURE_POLICY, _policy(claims.policy))
    if claims.location:
        yield attribute(signed.SIGNER_LOCATION, _location(claims.location))
    if claims.claimed_roles or claims.certified_roles:
        yield attribute(signed.SIGNER_ATTRIBUTES_V2, _roles(claims))
    if claims.commitments:
        yield attribute(signed.COMMITMENT_TYPE, *(_commitment(one) for one in claims.commitments))


def content_hints(content_type: str, description: str | None) -> bytes:
    """The attribute content-hints (EN 319 122-1, 5.2.4.1)."""
    described = () if description is None else (text(description),)
    return attribute(signed.CONTENT_HINTS, tlv(SEQUENCE, *described, oid(content_type)))


@implements("TS119101:SCP-5", "TS119101:SCP-20", "TS119101:SCP-22", disabled=b"")
def mime_type(value: str) -> bytes:
    """The attribute mime-type (EN 319 122-1, 5.2.4.2)."""
    return attribute(signed.MIME_TYPE, text(value))


def content_time_stamps(tokens: Sequence[bytes]) -> Iterator[bytes]:
    """An attribute content-time-stamp for each token (EN 319 122-1, 5.2.8)."""
    for token in tokens:
        yield attribute(ids.CONTENT_TIME_STAMP, token)


def identifier(value: str, what: str) -> bytes:
    """An object identifier from its dotted form. Raises `Rejected` (cades.identifier) for what is none."""
    if not value.replace(".", "").isdecimal() or "." not in value:
        raise Rejected(
            "cades.identifier", f"CAdES names {what} by an object identifier; {value[:80]!r} is none."
        )
    return oid(value)


def _policy(policy: PolicyReference) -> bytes:
    """SignaturePolicy (EN 319 122-1, 5.2.9.1)."""
    if policy.identifier is None:
        return tlv(NULL)
    if policy.specification is not None or policy.transforms or policy.description is not None:
        raise Rejected(
            "cades.policy",
            "A policy in CAdES has an identifier, a digest, a URI and a notice. Leave out description, "
            "transforms and specification.",
        )
    if policy.digest is None or policy.digest_algorithm not in HASHES:
        raise Rejected(
            "cades.policy", "Of the signature policy no digest is given; CAdES asks for one by SHA-2."
        )
    digest = tlv(SEQUENCE, hash_identifier(policy.digest_algorithm), tlv(OCTET_STRING, policy.digest))
    qualifiers = []
    if policy.uri is not None:
        if not policy.uri.isascii():
            raise Rejected("cades.policy", "The URI of the policy has characters that are not of ASCII.")
        qualifiers.append(tlv(SEQUENCE, oid(QUALIFIER_URI), tlv(_IA5, policy.uri.encode("ascii"))))
    if policy.user_notice is not None:
        notice = tlv(SEQUENCE, text(policy.user_notice))
        qualifiers.append(tlv(SEQUENCE, oid(QUALIFIER_NOTICE), notice))
    listed = tlv(SEQUENCE, *qualifiers) if qualifiers else b""
    return tlv(SEQUENCE, identifier(policy.identifier, "a signature policy"), digest, listed)


def _location(location: Mapping[str, str]) -> bytes:
    """SignerLocation (EN 319 122-1, 5.2.5): its parts are tagged outside of their strings."""
    unknown = sorted(set(location) - set(_PLACE))
    if unknown:
        raise Rejected(
            "cades.location", f"A place has no part {unknown[0]!r}. Use some of {', '.join(_PLACE)}."
        )
    parts = [context(number, text(location[key])) for number, key in enumerate(_PLACE[:2]) if key in location]
    if "postal-address" in location:
        lines = location["postal-address"].split("\n")
        if len(lines) > _LINES:
            raise Rejected("cades.location", f"A postal address has at most {_LINES} lines.")
        parts.append(context(2, tlv(SEQUENCE, *(text(one) for one in lines))))
    return tlv(SEQUENCE, *parts)


def _roles(claims: Claims) -> bytes:
    """SignerAttributeV2 (EN 319 122-1, 5.2.6.1)."""
    parts = []
    if claims.claimed_roles:
        claimed = (attribute(_ROLE, text(one)) for one in claims.claimed_roles)
        parts.append(context(0, tlv(SEQUENCE, *claimed)))
    if claims.certified_roles:
        parts.append(context(1, tlv(SEQUENCE, *(context(0, one) for one in claims.certified_roles))))
    return tlv(SEQUENCE, *parts)


def _commitment(value: str) -> bytes:
    return tlv(SEQUENCE, identifier(value, "a commitment"))


def ocsp_other(answer: bytes) -> bytes:
    """An OCSP answer as OtherRevocationInfoFormat (RFC 5940, 2), for the revocation data of a structure."""
    return context(1, oid(ids.OCSP_RESPONSE), answer)


def index_algorithm(hash_name: str) -> bytes:
    """The AlgorithmIdentifier of a hash function in an index. Raises `Rejected` (digest.unknown)."""
    if hash_name not in HASHES:
        raise Rejected("digest.unknown", f"Digests by {hash_name[:60]!r} are not written. Use sha256.")
    return algorithm_identifier(HASHES[hash_name].oid)
