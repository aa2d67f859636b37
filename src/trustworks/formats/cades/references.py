"""References to validation data: complete and attribute ones.

Source: EN 319 122-1, A.1.1 to A.1.4; RFC 5126, 6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.cms.attributes import other_certificate_id, other_hash
from trustworks.formats.evidence import CertificateReference, Finding, RevocationReference, Weight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.der.ber import Element
    from trustworks.formats.cms.structure import CmsAttribute
    from trustworks.formats.collector import Collector


def certificate_references(
    attributes: Iterable[CmsAttribute], findings: list[Finding]
) -> tuple[CertificateReference, ...]:
    """The digests of certificates in complete-certificate-references or their kin for attributes."""
    found: list[CertificateReference] = []
    for attribute in attributes:
        try:
            for value in attribute.values:
                found.extend(other_certificate_id(one) for one in value.children())
        except BeyondLimit:
            raise
        except (Malformed, IndexError, ValueError) as error:
            findings.append(_unreadable(attribute, error))
    return tuple(found)


def revocation_references(
    attributes: Iterable[CmsAttribute], findings: list[Finding]
) -> tuple[RevocationReference, ...]:
    """The digests of revocation lists and OCSP answers in complete-revocation-references or their kin."""
    found: list[RevocationReference] = []
    for attribute in attributes:
        try:
            for value in attribute.values:
                for one in value.children():
                    found.extend(_of_one_certificate(one))
        except BeyondLimit:
            raise
        except (Malformed, IndexError, ValueError) as error:
            findings.append(_unreadable(attribute, error))
    return tuple(found)


def _of_one_certificate(element: Element) -> list[RevocationReference]:
    """CrlOcspRef: lists ([0]) and answers ([1]); others ([2]) have no digest that is known."""
    found: list[RevocationReference] = []
    for part in element.children():
        if part.tag == 0xA0:
            for one in part.children()[0].children()[0].children():
                name, digest = other_hash(one.children()[0])
                found.append(RevocationReference(kind="crl", digest_algorithm=name, digest=digest))
        elif part.tag == 0xA1:
            for one in part.children()[0].children()[0].children():
                parts = one.children()
                if len(parts) > 1:
                    name, digest = other_hash(parts[1])
                    found.append(RevocationReference(kind="ocsp", digest_algorithm=name, digest=digest))
    return found


def resolved(
    certificates: Iterable[CertificateReference],
    revocation: Iterable[RevocationReference],
    collector: Collector,
) -> frozenset[str]:
    """The ids of those tokens at hand that references are to."""
    found = [
        *(collector.token_by_digest("C", one.digest_algorithm, one.digest) for one in certificates),
        *(
            collector.token_by_digest("R" if one.kind == "crl" else "O", one.digest_algorithm, one.digest)
            for one in revocation
        ),
    ]
    return frozenset(one for one in found if one is not None)


def _unreadable(attribute: CmsAttribute, error: Exception) -> Finding:
    return Finding(
        code="cades.references-unreadable",
        text=f"The attribute {attribute.type} with references cannot be read: {error}",
        weight=Weight.NOTE,
    )
