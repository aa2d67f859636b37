"""Certificates and revocation data in signed data and in attributes of it, given to the collector.

Source: RFC 5652, 10.2; RFC 5940, 2 (otherRevInfo); RFC 5126, 6.3.3 and 6.3.4; EN 319 122-1, A.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.evidence import Finding, Weight, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.core.der.ber import Element
    from trustworks.formats.cms.structure import CmsAttribute, SignedData
    from trustworks.formats.collector import Collector

_AA: Final = "1.2.840.113549.1.9.16.2"
CERTIFICATE_VALUES: Final = f"{_AA}.23"
REVOCATION_VALUES: Final = f"{_AA}.24"
REVOCATION_ARCHIVAL: Final = "1.2.840.113583.1.1.8"
_OCSP_RESPONSE: Final = "1.3.6.1.5.5.7.16.2"
_BASIC_RESPONSE: Final = "1.3.6.1.5.5.7.48.1.1"
_OTHER: Final = frozenset({0xA1, 0xA3})  # OtherRevocationInfoFormat; OtherCertificateFormat


def take_certificates(
    data: SignedData, collector: Collector, owner: str | None, where: Where
) -> tuple[str, ...]:
    """Gives `SignedData.certificates` to the collector; answers the ids of public key certificates, in order.

    Attribute certificates ([0] to [2]) and other formats ([3]) are none.
    """
    return tuple(
        collector.certificate(one.octets, where, owner) for one in data.certificates if one.tag == SEQUENCE
    )


def take_revocation(data: SignedData, collector: Collector, owner: str | None) -> tuple[str, ...]:
    """Gives `SignedData.crls` to the collector, revocation lists and OCSP answers; answers their ids."""
    found = []
    for one in data.crls:
        if one.tag == SEQUENCE:
            found.append(collector.revocation_list(one.octets, Where.CMS_SIGNED_DATA, owner))
        elif one.tag in _OTHER:
            parts = one.children()
            if (
                len(parts) > 1
                and parts[0].tag == OBJECT_IDENTIFIER
                and parts[0].oid()
                in {
                    _OCSP_RESPONSE,
                    _BASIC_RESPONSE,
                }
            ):
                found.append(collector.ocsp_answer(parts[1].octets, Where.CMS_SIGNED_DATA, owner))
    return tuple(found)


def take_attribute_values(
    attributes: Iterable[CmsAttribute],
    collector: Collector,
    owner: str | None,
    findings: list[Finding],
    wheres: tuple[Where, Where] = (Where.CERTIFICATE_VALUES, Where.REVOCATION_VALUES),
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Gives what is in certificate-values and revocation-values to the collector; answers the ids of both."""
    certificates: list[str] = []
    revocation: list[str] = []
    for attribute in attributes:
        try:
            if attribute.type == CERTIFICATE_VALUES:
                certificates.extend(
                    collector.certificate(one.octets, wheres[0], owner)
                    for value in attribute.values
                    for one in value.children()
                    if one.tag == SEQUENCE
                )
            elif attribute.type == REVOCATION_VALUES:
                for value in attribute.values:
                    revocation.extend(_values(value, collector, owner, wheres[1]))
            elif attribute.type == REVOCATION_ARCHIVAL:
                for value in attribute.values:
                    revocation.extend(_values(value, collector, owner, Where.ADBE_REVOCATION_INFO))
        except BeyondLimit:
            raise
        except (Malformed, IndexError) as error:
            findings.append(
                Finding(
                    code="cms.values-unreadable",
                    text=f"The attribute {attribute.type} with validation data cannot be read: {error}",
                    weight=Weight.NOTE,
                )
            )
    return tuple(certificates), tuple(revocation)


def _values(value: Element, collector: Collector, owner: str | None, where: Where) -> list[str]:
    """RevocationValues and RevocationInfoArchival: [0] revocation lists, [1] OCSP answers, [2] others."""
    found: list[str] = []
    for part in value.children():
        for group in part.children():
            members: Sequence[Element] = group.children() if group.tag == SEQUENCE else ()
            if part.tag == 0xA0:
                found.extend(collector.revocation_list(one.octets, where, owner) for one in members)
            elif part.tag == 0xA1:
                found.extend(collector.ocsp_answer(one.octets, where, owner) for one in members)
            elif group.tag == OBJECT_IDENTIFIER and group.oid() in {_OCSP_RESPONSE, _BASIC_RESPONSE}:
                other = part.children()[1]
                answers = [other] if where is not Where.ADBE_REVOCATION_INFO else []
                found.extend(collector.ocsp_answer(one.octets, where, owner) for one in answers)
    return found
