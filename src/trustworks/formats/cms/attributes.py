"""Signed attributes as evidence.

Source: RFC 5652, 11; RFC 5035, 2 to 5; EN 319 122-1, 5.2; RFC 5126, 5.7 to 5.11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from trustworks.core.der.cms import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE
from trustworks.core.der.times import read_time
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.cms import properties
from trustworks.formats.cms.algorithms import hash_name
from trustworks.formats.evidence import Attributes, CertificateReference, Finding, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trustworks.core.der.ber import Element
    from trustworks.formats.cms.structure import CmsAttribute

T = TypeVar("T")

_AA: Final = "1.2.840.113549.1.9.16.2"
OTHER_SIGNING_CERTIFICATE: Final = f"{_AA}.19"
CONTENT_HINTS: Final = f"{_AA}.4"
CONTENT_IDENTIFIER: Final = f"{_AA}.7"
CONTENT_REFERENCE: Final = f"{_AA}.10"
SIGNATURE_POLICY: Final = f"{_AA}.15"
COMMITMENT_TYPE: Final = f"{_AA}.16"
SIGNER_LOCATION: Final = f"{_AA}.17"
SIGNER_ATTRIBUTES: Final = f"{_AA}.18"
SIGNER_ATTRIBUTES_V2: Final = "0.4.0.19122.1.1"
MIME_TYPE: Final = "0.4.0.1733.2.1"

_DIRECTORY_NAME: Final = 0xA4
# Without it the message cannot be verified; whoever cannot read the others, knows less.
_NEEDED: Final = frozenset({CONTENT_TYPE, MESSAGE_DIGEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAttributes:
    """The signed attributes of one signer. `by_type` are all of them, by their object identifiers."""

    by_type: Mapping[str, Sequence[CmsAttribute]]
    shared: Attributes
    content_type: str | None
    message_digest: bytes | None
    signing_certificate: tuple[CertificateReference, ...]


def read_signed_attributes(attributes: Sequence[CmsAttribute], findings: list[Finding]) -> SignedAttributes:
    """What signed attributes say. What cannot be read of one is a finding."""
    by_type: dict[str, list[CmsAttribute]] = {}
    for one in attributes:
        by_type.setdefault(one.type, []).append(one)

    def first(dotted: str, read: Callable[[Element], T]) -> T | None:
        found = by_type.get(dotted)
        return None if found is None else _first(found[0], read, findings)

    content_type = first(CONTENT_TYPE, lambda value: value.oid())
    roles, certified = first(SIGNER_ATTRIBUTES_V2, properties.signer_attributes) or ((), 0)
    if SIGNER_ATTRIBUTES in by_type:
        older, certified_older = first(SIGNER_ATTRIBUTES, properties.signer_attributes) or ((), 0)
        roles, certified = (*roles, *older), certified + certified_older
    return SignedAttributes(
        by_type=by_type,
        shared=Attributes(
            signing_time=first(SIGNING_TIME, read_time),
            policy=first(SIGNATURE_POLICY, properties.signature_policy),
            content_type=content_type,
            mime_type=first(MIME_TYPE, properties.text),
            commitments=_commitments(by_type.get(COMMITMENT_TYPE, ()), findings),
            claimed_roles=roles,
            certified_roles=certified,
            location=first(SIGNER_LOCATION, properties.signer_location),
            content_hints=first(CONTENT_HINTS, properties.content_hints),
            content_identifier=first(CONTENT_IDENTIFIER, properties.content_identifier),
            content_reference=first(CONTENT_REFERENCE, properties.content_reference),
            names=frozenset(by_type),
        ),
        content_type=content_type,
        message_digest=first(MESSAGE_DIGEST, _octets),
        signing_certificate=tuple(
            reference
            for dotted, read in _REFERENCES.items()
            for one in by_type.get(dotted, ())
            for reference in _first(one, read, findings) or ()
        ),
    )


def _first(attribute: CmsAttribute, read: Callable[[Element], T], findings: list[Finding]) -> T | None:
    try:
        return read(attribute.values[0])
    except BeyondLimit:
        raise
    except (Malformed, IndexError, ValueError) as error:
        findings.append(
            Finding(
                code="cms.attribute-unreadable",
                text=f"The signed attribute {attribute.type} cannot be read: {error}",
                weight=Weight.FATAL if attribute.type in _NEEDED else Weight.NOTE,
            )
        )
    return None


def _commitments(attributes: Sequence[CmsAttribute], findings: list[Finding]) -> tuple[str, ...]:
    # Who commits himself to several things, has them as several values of one attribute.
    each = [replace(one, values=(value,)) for one in attributes for value in one.values]
    found = [_first(one, lambda value: value.children()[0].oid(), findings) for one in each]
    return tuple(one for one in found if one is not None)


def _octets(value: Element) -> bytes:
    if value.tag & ~0x20 != OCTET_STRING:
        raise Malformed(f"At octet {value.start} has to be an OCTET STRING.")
    return value.string()


def _signing_certificate(value: Element) -> list[CertificateReference]:
    """SigningCertificate: ESSCertID, by SHA-1 (RFC 5035, 5.4)."""
    found = []
    for one in value.children()[0].children():
        parts = one.children()
        issuer, serial = _issuer_serial(parts[1] if len(parts) > 1 else None)
        found.append(
            CertificateReference(
                digest_algorithm="sha1", digest=parts[0].string(), issuer=issuer, serial=serial
            )
        )
    return found


def _signing_certificate_v2(value: Element) -> list[CertificateReference]:
    """SigningCertificateV2: ESSCertIDv2, by SHA-256 where nothing is said (RFC 5035, 4)."""
    found = []
    for one in value.children()[0].children():
        parts = one.children()
        name = "sha256"
        if parts[0].tag == SEQUENCE:
            name = hash_name(parts.pop(0))
        issuer, serial = _issuer_serial(parts[1] if len(parts) > 1 else None)
        found.append(
            CertificateReference(
                digest_algorithm=name, digest=parts[0].string(), issuer=issuer, serial=serial
            )
        )
    return found


def _other_signing_certificate(value: Element) -> list[CertificateReference]:
    """OtherSigningCertificate: OtherCertID (RFC 5126, 5.7.3.3)."""
    return [other_certificate_id(one) for one in value.children()[0].children()]


def other_certificate_id(element: Element) -> CertificateReference:
    """OtherCertID: a digest, SHA-1 or with its algorithm, and issuer and number (RFC 5126, 5.7.3.3).

    Raises `Malformed`; IndexError where parts are missing.
    """
    parts = element.children()
    name, digest = other_hash(parts[0])
    issuer, serial = _issuer_serial(parts[1] if len(parts) > 1 else None)
    return CertificateReference(digest_algorithm=name, digest=digest, issuer=issuer, serial=serial)


def other_hash(element: Element) -> tuple[str, bytes]:
    """OtherHash: an OCTET STRING of SHA-1, or a digest with its algorithm (RFC 5126, 5.7.3.3)."""
    if element.tag == SEQUENCE:
        algorithm, digest = element.children()[:2]
        return hash_name(algorithm), digest.string()
    return "sha1", element.string()


_REFERENCES: Final[Mapping[str, Callable[[Element], list[CertificateReference]]]] = {
    SIGNING_CERTIFICATE_V2: _signing_certificate_v2,
    SIGNING_CERTIFICATE: _signing_certificate,
    OTHER_SIGNING_CERTIFICATE: _other_signing_certificate,
}


def _issuer_serial(element: Element | None) -> tuple[bytes | None, int | None]:
    """IssuerSerial: GeneralNames with one directoryName, and a number (RFC 5035, 5).

    Signers have written the Name bare in place of GeneralNames, too: that is taken.
    """
    if element is None or element.tag != SEQUENCE:
        return None, None
    names, serial = element.children()[:2]
    inner = names.children()
    if len(inner) == 1 and inner[0].tag == _DIRECTORY_NAME:
        return inner[0].children()[0].octets, serial.integer()
    if inner and inner[0].tag != SEQUENCE and inner[0].tag & 0xC0 != 0x80:
        return names.octets, serial.integer()
    return None, serial.integer()
